// SPDX-License-Identifier: Apache-2.0
// The fallback path of the EFI system partition. A new machine's firmware has no boot entry for the
// old loader; it starts EFI/BOOT/BOOTX64.EFI (UEFI specification 2.10, section 3.5.1.1). When that
// is missing, the shim or GRUB that is installed is copied there, with what it loads from its own
// directory. A file that is there is left alone. GRUB finds its configuration by the prefix that
// was built into it; where that does not lead to the vendor's directory, the stub grub.cfg is
// copied as well.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "finalize/fin.h"

#define WHY "starts without a boot entry in the firmware"

// Finds a name whatever its case, as FAT does, below `dir`. The path into `out`.
static bool find(struct bf_fin *f, const char *dir, const char *name, char *out, size_t size)
{
    struct bf_names names;
    bool found = false;
    if (bf_edits_list(&f->edits, dir, "", &names) < 0)
        return false;
    for (size_t i = 0; i < names.count && !found; i++)
        if (strcasecmp(names.name[i], name) == 0) {
            snprintf(out, size, "%s/%s", dir, names.name[i]);
            found = true;
        }
    bf_names_free(&names);
    return found;
}

static int copy(struct bf_fin *f, const char *from, const char *to)
{
    size_t len;
    char *data = bf_fin_root_read(f->root, from, BF_ROOT_BLOB_MAX, &len);
    if (!data)
        return bf_refuse(f->report, "%s cannot be read: %s", from, strerror(errno));
    int rc = bf_edits_set(&f->edits, to, data, len, 0755, WHY);
    free(data);
    return rc < 0 ? bf_fail(f->report, "%s cannot be written: %s", to, strerror(errno)) : 0;
}

// Copies dir/name to boot/as when the first is there and the second is not.
static int copy_if(struct bf_fin *f, const char *dir, const char *name, const char *boot,
                   const char *as)
{
    char from[512], to[512];
    if (!find(f, dir, name, from, sizeof from) || find(f, boot, as, to, sizeof to))
        return 0;
    snprintf(to, sizeof to, "%s/%s", boot, as);
    return copy(f, from, to);
}

// Whether the GRUB image has a prefix that names the vendor's own directory ("/EFI/debian").
static bool finds_vendor(struct bf_fin *f, const char *grub, const char *vendor)
{
    char prefix[300];
    size_t len;
    char *image = bf_fin_root_read(f->root, grub, BF_ROOT_BLOB_MAX, &len);
    snprintf(prefix, sizeof prefix, "/EFI/%s", vendor);
    bool found = false;
    for (size_t i = 0; image && !found && len >= strlen(prefix) && i <= len - strlen(prefix); i++)
        found = strncasecmp(image + i, prefix, strlen(prefix)) == 0;
    free(image);
    return found;
}

static int install_from(struct bf_fin *f, const char *efi, const char *vendor, bool shim)
{
    char dir[300], boot[300], grub[512] = "";
    snprintf(dir, sizeof dir, "%s/%.200s", efi, vendor);
    if (!find(f, efi, "BOOT", boot, sizeof boot))
        snprintf(boot, sizeof boot, "%s/BOOT", efi);
    find(f, dir, "grubx64.efi", grub, sizeof grub);
    if (copy_if(f, dir, shim ? "shimx64.efi" : "grubx64.efi", boot, "BOOTX64.EFI") < 0)
        return -1;
    if (shim && (copy_if(f, dir, "grubx64.efi", boot, "grubx64.efi") < 0 ||
                 copy_if(f, dir, "mmx64.efi", boot, "mmx64.efi") < 0))
        return -1;
    if (grub[0] && !finds_vendor(f, grub, vendor))
        return copy_if(f, dir, "grub.cfg", boot, "grub.cfg");
    return 0;
}

static bool is_esp(struct bf_fin *f, const char *mount)
{
    char dir[64];
    snprintf(dir, sizeof dir, "%s/EFI", mount);
    return bf_fin_root_is_dir(f->root, dir);
}

static int adapt_esp(struct bf_fin *f, const char *mount)
{
    struct bf_names vendors;
    char efi[64], boot[128], path[512];
    int rc = 0;
    bool done = false;
    snprintf(efi, sizeof efi, "%s/EFI", mount);
    if (find(f, efi, "BOOT", boot, sizeof boot) && find(f, boot, "BOOTX64.EFI", path, sizeof path))
        return 0;
    if (bf_fin_root_list(f->root, efi, "", &vendors) < 0)
        return 0;
    for (int shim = 1; shim >= 0; shim--)
        for (size_t i = 0; i < vendors.count && !done; i++) {
            char dir[300];
            snprintf(dir, sizeof dir, "%s/%.200s", efi, vendors.name[i]);
            if (strcasecmp(vendors.name[i], "BOOT") == 0 ||
                !find(f, dir, shim ? "shimx64.efi" : "grubx64.efi", path, sizeof path))
                continue;
            rc = install_from(f, efi, vendors.name[i], shim);
            done = true;
        }
    // systemd-boot has one file and finds its entries on its own partition.
    snprintf(path, sizeof path, "%s/systemd", efi);
    snprintf(boot, sizeof boot, "%s/BOOT", efi);
    if (!done && bf_fin_root_exists(f->root, path)) {
        rc = copy_if(f, path, "systemd-bootx64.efi", boot, "BOOTX64.EFI");
        done = true;
    }
    if (!done)
        bf_note(f->report, "skipped", efi,
                "no shim, GRUB or systemd-boot found to put on the fallback path");
    bf_names_free(&vendors);
    return rc;
}

static int check_firmware(struct bf_fin *f)
{
    const struct bf_system *s = &f->system;
    const char *want = f->plan->firmware;
    bool fits = strcmp(want, "uefi") == 0 ? s->uefi : s->bios;
    if (!want[0] || (!s->uefi && !s->bios) || fits)
        return 0;
    return bf_refuse(f->report, "target.firmware is %s, and this system starts with %s only", want,
                     s->uefi ? "uefi" : "bios");
}

int bf_adapt_efi(struct bf_fin *f)
{
    static const char *const mounts[] = {"/boot/efi", "/efi", "/boot"};
    if (check_firmware(f) < 0)
        return -1;
    if (!f->plan->efi_fallback || !f->system.architecture || !f->system.architecture->efi)
        return 0;
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
        if (is_esp(f, mounts[i]))
            return adapt_esp(f, mounts[i]);
    if (f->system.uefi)
        bf_note(f->report, "skipped", "EFI", "the EFI system partition was not found");
    return 0;
}
