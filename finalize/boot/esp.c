// SPDX-License-Identifier: Apache-2.0
// Finds and copies loaders on an EFI system partition. A file that is there is left alone.
#include "finalize/boot/esp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WHY "starts without a boot entry in the firmware"

const char *const bf_esp_mounts[] = {"/boot/efi", "/efi", "/boot", NULL};

bool bf_esp_is(struct bf_fin *f, const char *mount)
{
    char dir[BF_ESP_MOUNT + 8];
    snprintf(dir, sizeof dir, "%s/EFI", mount);
    return bf_fin_root_is_dir(f->root, dir);
}

static size_t add_mount(struct bf_fin *f, const char *mount, char (*out)[BF_ESP_MOUNT],
                        size_t count, size_t max)
{
    if (count == max || mount[0] != '/' || strlen(mount) >= BF_ESP_MOUNT || !bf_esp_is(f, mount))
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

bool bf_esp_vendor(struct bf_fin *f, const char *efi, const char *name, char *out, size_t size)
{
    struct bf_names vendors;
    char dir[300], path[512];
    bool found = false;
    if (bf_fin_root_list(f->root, efi, "", &vendors))
        return false;
    for (size_t i = 0; i < vendors.count && !found; i++) {
        snprintf(dir, sizeof dir, "%s/%.200s", efi, vendors.name[i]);
        found = strcasecmp(vendors.name[i], "BOOT") != 0 &&
                bf_esp_find(f, dir, name, path, sizeof path);
        if (found)
            snprintf(out, size, "%s", vendors.name[i]);
    }
    bf_names_free(&vendors);
    return found;
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
