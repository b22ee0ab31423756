// SPDX-License-Identifier: Apache-2.0
// Finds and copies loaders on an EFI system partition. A file that is there is left alone.
#include "finalize/boot/esp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/bytes.h"
#include "finalize/boot/pe.h"

#define ENTRIES_MAX 32
#define WHY         "starts without a boot entry in the firmware"

const char *const bf_esp_mounts[] = {"/boot/efi", "/efi", "/boot", NULL};

static bool is_esp(struct bf_fin *f, const char *mount)
{
    char dir[BF_ESP_MOUNT + 8];
    snprintf(dir, sizeof dir, "%s/EFI", mount);
    return bf_fin_root_is_dir(f->root, dir);
}

static size_t add_mount(struct bf_fin *f, const char *mount, char (*out)[BF_ESP_MOUNT],
                        size_t count, size_t max)
{
    if (count == max || mount[0] != '/' || strlen(mount) >= BF_ESP_MOUNT || !is_esp(f, mount))
        return count;
    for (size_t i = 0; i < count; i++)
        if (strcmp(out[i], mount) == 0)
            return count;
    snprintf(out[count], BF_ESP_MOUNT, "%s", mount);
    return count + 1;
}

size_t bf_esp_all(struct bf_fin *f, char (*out)[BF_ESP_MOUNT], size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < f->system.mounts; i++) {
        const struct bf_mount *m = &f->system.mount[i];
        bool fat = strcmp(m->type, "vfat") == 0 || strcmp(m->type, "msdos") == 0;
        count = fat ? add_mount(f, m->mount, out, count, max) : count;
    }
    for (const char *const *mount = bf_esp_mounts; *mount; mount++)
        count = add_mount(f, *mount, out, count, max);
    return count;
}

bool bf_esp_find(struct bf_fin *f, const char *dir, const char *name, char *out, size_t size)
{
    struct bf_names names;
    bool found = false;
    if (bf_edits_list(&f->edits, dir, "", &names))
        return false;
    for (size_t i = 0; i < names.count && !found; i++)
        if (strcasecmp(names.name[i], name) == 0) {
            snprintf(out, size, "%s/%s", dir, names.name[i]);
            found = true;
        }
    bf_names_free(&names);
    return found;
}

void bf_esp_name(struct bf_fin *f, const char *loader, char *out, size_t size)
{
    snprintf(out, size, "%s%s.efi", loader, f->system.architecture->efi);
}

// How well a vendor's folder names the system: its ID ("debian"), the beginning of it ("opensuse"
// of "opensuse-leap"), or what Red Hat's is called.
static int vendor_rank(const struct bf_fin *f, const char *vendor)
{
    const char *id = f->system.id;
    size_t len = strlen(vendor);
    if (strcasecmp(vendor, id) == 0)
        return 3;
    if (strcmp(id, "rhel") == 0 && strcasecmp(vendor, "redhat") == 0)
        return 3;
    return len > 2 && strncasecmp(vendor, id, len) == 0 ? 2 : 1;
}

bool bf_esp_vendor(struct bf_fin *f, const char *efi, const char *name, char *out, size_t size)
{
    struct bf_names vendors;
    char dir[300], path[512];
    int best = 0;
    if (bf_fin_root_list(f->root, efi, "", &vendors))
        return false;
    for (size_t i = 0; i < vendors.count; i++) {
        int rank = vendor_rank(f, vendors.name[i]);
        snprintf(dir, sizeof dir, "%s/%.200s", efi, vendors.name[i]);
        if (rank <= best || strlen(vendors.name[i]) > 200 ||
            strcasecmp(vendors.name[i], "BOOT") == 0 ||
            !bf_esp_find(f, dir, name, path, sizeof path))
            continue;
        best = rank;
        snprintf(out, size, "%s", vendors.name[i]);
    }
    bf_names_free(&vendors);
    return best > 0;
}

static bool has_entry(const json_t *entries, const char *loader)
{
    size_t i;
    const json_t *at;
    json_array_foreach(entries, i, at)
    {
        const char *has = json_string_value(json_object_get(at, "loader"));
        if (has && strcasecmp(has, loader) == 0)
            return true;
    }
    return false;
}

// An installer makes one entry for a vendor's folder, so the first program that is found counts.
static void add_entry(struct bf_fin *f, const char *efi, const char *vendor, json_t *entries)
{
    static const char *const pattern[] = {"shim%s.efi",         "shim.efi",      "grub%s.efi",
                                          "systemd-boot%s.efi", "refind_%s.efi", "bootmgfw.efi"};
    char dir[300], name[64], path[512], loader[600];
    bool windows = strcasecmp(vendor, "Microsoft") == 0;
    snprintf(dir, sizeof dir, "%s/%.200s%s", efi, vendor, windows ? "/Boot" : "");
    for (size_t i = 0; i < BF_COUNT(pattern); i++) {
        const char *end = strstr(pattern[i], "%s");
        snprintf(name, sizeof name, "%.*s%s%s",
                 (int)(end ? end - pattern[i] : (ptrdiff_t)strlen(pattern[i])), pattern[i],
                 end ? f->system.architecture->efi : "", end ? end + 2 : "");
        if (!bf_esp_find(f, dir, name, path, sizeof path))
            continue;
        snprintf(loader, sizeof loader, "\\EFI\\%s%s\\%s", vendor, windows ? "\\Boot" : "", name);
        if (!has_entry(entries, loader) && bf_is_utf8(vendor, strlen(vendor)) &&
            json_array_size(entries) < ENTRIES_MAX)
            json_array_append_new(entries, json_pack("{s:s,s:s}", "loader", loader, "label",
                                                     windows ? "Windows Boot Manager" : vendor));
        return;
    }
}

void bf_esp_entries(struct bf_fin *f, const char *efi, json_t *entries)
{
    struct bf_names names;
    if (bf_fin_root_list(f->root, efi, "", &names))
        return;
    for (size_t i = 0; i < names.count; i++)
        if (strcasecmp(names.name[i], "BOOT") != 0 && strlen(names.name[i]) <= 200)
            add_entry(f, efi, names.name[i], entries);
    bf_names_free(&names);
}

bool bf_esp_fits(struct bf_fin *f, const char *path)
{
    struct bf_blob b = {.fd = bf_fin_root_open_file(f->root, path, &b.size, NULL)};
    struct bf_pe pe;
    bool other = b.fd >= 0 && !bf_pe_read(&b, &pe) &&
                 pe.machine != bf_pe_machine(f->system.architecture->efi);
    if (b.fd >= 0)
        close(b.fd);
    return !other;
}

void bf_esp_fallback(struct bf_fin *f, const char *efi, char *out, size_t size)
{
    if (!bf_esp_find(f, efi, "BOOT", out, size))
        snprintf(out, size, "%s/BOOT", efi);
}

// The content that a file is going to have; freed by the caller.
static char *content(struct bf_fin *f, const char *path, size_t *len, struct bf_fault *fault)
{
    char *real = bf_fin_root_real(f->root, path, NULL);
    const char *pending = real ? bf_edits_pending(&f->edits, real, len) : NULL;
    free(real);
    return pending ? bf_word_dup(pending, *len)
                   : bf_fin_root_read(f->root, path, BF_ROOT_BLOB_MAX, len, fault);
}

static enum bf_err copy(struct bf_fin *f, const char *from, const char *to)
{
    size_t len;
    struct bf_fault fault = {.what = "out of memory"};
    char *data = content(f, from, &len, &fault);
    if (!data)
        return bf_refuse(f->report, "%s cannot be read: %s", from, fault.what);
    enum bf_err err = bf_edits_set(&f->edits, to, data, len, 0755, WHY, &fault);
    free(data);
    return err ? bf_fail(f->report, "%s cannot be written: %s", to, fault.what) : BF_OK;
}

enum bf_err bf_esp_copy(struct bf_fin *f, const char *dir, const char *name, const char *boot,
                        const char *as)
{
    char from[512], to[512];
    if (!bf_esp_find(f, dir, name, from, sizeof from) || bf_esp_find(f, boot, as, to, sizeof to))
        return BF_OK;
    snprintf(to, sizeof to, "%s/%s", boot, as);
    return copy(f, from, to);
}
