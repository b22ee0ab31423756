// SPDX-License-Identifier: Apache-2.0
// rEFInd, Limine and ELILO. Each reads its configuration in the folder that it was started from,
// and rEFInd its drivers for file systems as well: what these files name is found on the partition
// by its path, so a copy of them is enough. ELILO alone takes "image=vmlinuz" from that folder, and
// its configuration has a root= that is not adapted, which is said.
#include "finalize/boot/esp_others.h"

#include <stdio.h>

#include "base/bytes.h"
#include "finalize/boot/esp.h"

static const struct {
    const char *dir;     // below EFI; NULL: any vendor's
    const char *program; // "%s" is the architecture's ending
    const char *config[2];
    const char *drivers; // a folder; NULL: none
} others[] = {
    {"refind", "refind_%s.efi", {"refind.conf", NULL}, "drivers_%s"},
    {"limine", "BOOT%s.EFI", {"limine.conf", "limine.cfg"}, NULL},
    {"limine", "limine_%s.efi", {"limine.conf", "limine.cfg"}, NULL},
    {NULL, "elilo.efi", {"elilo.conf", NULL}, NULL},
    {NULL, "elilo-%s.efi", {"elilo.conf", NULL}, NULL},
};

static void spell(struct bf_fin *f, const char *pattern, char *out, size_t size)
{
    const char *at = pattern;
    size_t n = 0;
    for (; *at && n + 1 < size; at++)
        if (at[0] == '%' && at[1] == 's') {
            n += (size_t)snprintf(out + n, size - n, "%s", f->system.architecture->efi);
            at++;
        } else {
            out[n++] = *at;
        }
    out[n < size ? n : size - 1] = 0;
}

static enum bf_err copy_drivers(struct bf_fin *f, const char *dir, const char *boot,
                                const char *pattern)
{
    struct bf_names names;
    char name[64], from[400], to[400];
    enum bf_err err = BF_OK;
    spell(f, pattern, name, sizeof name);
    snprintf(from, sizeof from, "%s/%s", dir, name);
    snprintf(to, sizeof to, "%s/%s", boot, name);
    if (bf_fin_root_list(f->root, from, "", &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++)
        err = bf_esp_copy(f, from, names.name[i], to, names.name[i]);
    bf_names_free(&names);
    return err;
}

static enum bf_err copy_other(struct bf_fin *f, const char *efi, size_t which)
{
    char program[64], vendor[256], dir[300], boot[300], path[512];
    spell(f, others[which].program, program, sizeof program);
    if (others[which].dir)
        snprintf(vendor, sizeof vendor, "%s", others[which].dir);
    else if (!bf_esp_vendor(f, efi, program, vendor, sizeof vendor))
        return BF_ERR_NOT_FOUND;
    if (!bf_esp_find(f, efi, vendor, dir, sizeof dir) ||
        !bf_esp_find(f, dir, program, path, sizeof path))
        return BF_ERR_NOT_FOUND;
    bf_esp_fallback(f, efi, boot, sizeof boot);
    enum bf_err err = bf_esp_copy(f, dir, program, boot, f->system.architecture->fallback);
    for (size_t i = 0; i < BF_COUNT(others[0].config) && others[which].config[i] && !err; i++)
        err = bf_esp_copy(f, dir, others[which].config[i], boot, others[which].config[i]);
    if (!err && others[which].drivers)
        err = copy_drivers(f, dir, boot, others[which].drivers);
    if (!err && !others[which].dir)
        bf_note(f->report, "warning", path,
                "ELILO's configuration is not adapted: in %s/elilo.conf, see to it that root= does "
                "not depend on the order of the disks, and that image= and initrd= are whole paths",
                boot);
    return err;
}

enum bf_err bf_esp_others_fallback(struct bf_fin *f, const char *efi)
{
    enum bf_err err = BF_ERR_NOT_FOUND;
    for (size_t i = 0; i < BF_COUNT(others) && err == BF_ERR_NOT_FOUND; i++)
        err = copy_other(f, efi, i);
    return err;
}
