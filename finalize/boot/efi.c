// SPDX-License-Identifier: Apache-2.0
// The fallback path of the EFI system partition. A new machine's firmware has no boot entry for the
// old loader; it starts EFI/BOOT/BOOTX64.EFI (UEFI specification 2.10, section 3.5.1.1). When that
// is missing, the first loader of the table that is installed is copied there, with what it loads
// from its own directory. A file that is there is left alone, unless it is for another
// architecture; what it lacks beside it is added, and what speaks against it is said.
#include <stdio.h>
#include <string.h>

#include "finalize/boot/esp.h"
#include "finalize/boot/esp_others.h"
#include "finalize/boot/firmware.h"
#include "finalize/boot/loader.h"
#include "finalize/boot/shim.h"
#include "finalize/boot/signed.h"
#include "finalize/boot/steps.h"
#include "finalize/core/rows.h"

static void note_none(struct bf_fin *f, const char *efi)
{
    const char *title[BF_ROWS_MAX];
    size_t count = 0;
    struct bf_text titles = {0};
    for (const struct bf_loader_ops *const *l = bf_loaders; *l; l++)
        if ((*l)->fallback)
            title[count++] = (*l)->title;
    bf_text_list(&titles, title, count, " or ");
    bf_note(f->report, "skipped", efi, "no %s found to put on the fallback path",
            bf_text_get(&titles));
    bf_text_free(&titles);
}

static enum bf_err make_fallback(struct bf_fin *f, const char *efi)
{
    enum bf_err err = BF_ERR_NOT_FOUND;
    for (const struct bf_loader_ops *const *l = bf_loaders; *l && err == BF_ERR_NOT_FOUND; l++)
        if ((*l)->fallback)
            err = (*l)->fallback(f, efi);
    return err == BF_ERR_NOT_FOUND ? bf_esp_others_fallback(f, efi) : err;
}

// The file there cannot be started by this machine's firmware: it gives way to what can.
static enum bf_err replace_foreign(struct bf_fin *f, const char *efi, const char *path,
                                   uint16_t machine)
{
    struct bf_fault fault;
    if (bf_edits_remove(&f->edits, path, "for another architecture", &fault))
        return bf_fail(f->report, "%s cannot be replaced: %s", path, fault.what);
    enum bf_err err = make_fallback(f, efi);
    if (err == BF_ERR_NOT_FOUND)
        return bf_refuse(f->report,
                         "%s is for %s, and no loader for %s was found that could take its place; "
                         "install one on the source",
                         path, bf_pe_machine_name(machine), f->system.architecture->name);
    bf_note(f->report, "info", path, "was for %s and is replaced", bf_pe_machine_name(machine));
    return err;
}

// A shim without what it starts ends in an error of its own.
static enum bf_err complete_shim(struct bf_fin *f, const char *efi, const char *boot,
                                 const char *path)
{
    char name[32], found[600], vendor[256], shim[32];
    bf_esp_name(f, "grub", name, sizeof name);
    if (bf_esp_find(f, boot, name, found, sizeof found) ||
        bf_esp_find(f, boot, "grub.efi", found, sizeof found))
        return BF_OK;
    bf_esp_name(f, "fb", name, sizeof name);
    if (bf_esp_find(f, boot, name, found, sizeof found))
        return BF_OK;
    if (!bf_shim_vendor(f, efi, vendor, sizeof vendor, shim, sizeof shim) &&
        !bf_esp_vendor(f, efi, "grub.efi", vendor, sizeof vendor)) {
        bf_note(f->report, "warning", path, "is a shim without a GRUB that it could start");
        return BF_OK;
    }
    return bf_shim_copy_rest(f, efi, vendor, boot);
}

static bool signed_by(const struct bf_signed *s, const char *signer)
{
    for (size_t i = 0; i < s->signatures.count; i++)
        if (strcmp(s->signatures.item[i].signer, signer) == 0)
            return true;
    return false;
}

static bool has_entries(struct bf_fin *f)
{
    char esp[BF_ESPS_MAX][BF_ESP_MOUNT], dir[600];
    static const struct {
        const char *dir, *suffix;
    } place[] = {{"loader/entries", ".conf"}, {"EFI/Linux", ".efi"}};
    size_t esps = bf_esp_all(f, esp, BF_ESPS_MAX), found = 0;
    for (size_t i = 0; i < 2 * (esps + 1); i++) {
        struct bf_names names;
        snprintf(dir, sizeof dir, "%s/%s", i / 2 < esps ? esp[i / 2] : "/boot", place[i % 2].dir);
        if (!bf_edits_list(&f->edits, dir, place[i % 2].suffix, &names)) {
            found += names.count;
            bf_names_free(&names);
        }
    }
    return found > 0;
}

static enum bf_err check_present(struct bf_fin *f, const char *efi, const char *boot,
                                 const char *path)
{
    struct bf_signed s;
    enum bf_err err = BF_OK;
    bf_signed_read(f, path, false, false, &s);
    if (s.machine && s.machine != bf_pe_machine(f->system.architecture->efi))
        err = replace_foreign(f, efi, path, s.machine);
    else if (signed_by(&s, "Microsoft Windows"))
        bf_note(f->report, "warning", path,
                "starts Windows: a machine without boot entries does not come to this system by "
                "itself");
    else if (strcmp(s.kind, "unknown") == 0)
        bf_note(f->report, "warning", path,
                "is on the fallback path and not an EFI program that can be read");
    else if (strcmp(s.kind, "shim") == 0)
        err = complete_shim(f, efi, boot, path);
    else if (strcmp(s.kind, "systemd-boot") == 0 && !has_entries(f))
        bf_note(f->report, "warning", path,
                "is systemd-boot, which has no entry on this partition: another loader has taken "
                "its place, or its entries are not mounted");
    bf_signed_free(&s);
    return err;
}

static enum bf_err adapt_esp(struct bf_fin *f, const char *mount, bool *starts)
{
    char efi[600], boot[300], path[512];
    snprintf(efi, sizeof efi, "%s/EFI", mount);
    bf_esp_fallback(f, efi, boot, sizeof boot);
    enum bf_err err = bf_esp_find(f, boot, f->system.architecture->fallback, path, sizeof path)
                          ? check_present(f, efi, boot, path)
                          : make_fallback(f, efi);
    *starts = *starts || err != BF_ERR_NOT_FOUND;
    bf_esp_fallback(f, efi, boot, sizeof boot);
    return err == BF_ERR_NOT_FOUND ? BF_OK : err ? err : bf_shim_adapt_csv(f, efi, boot);
}

// /boot beside another is the extended partition for kernels, from which no firmware starts.
static bool is_xbootldr(char (*esp)[BF_ESP_MOUNT], size_t esps, size_t i)
{
    return esps > 1 && strcmp(esp[i], "/boot") == 0;
}

static enum bf_err adapt_esps(struct bf_fin *f, char (*esp)[BF_ESP_MOUNT], size_t esps)
{
    bool starts = false;
    enum bf_err err = BF_OK;
    char efi[600];
    for (size_t i = 0; i < esps && !err; i++)
        if (!is_xbootldr(esp, esps, i))
            err = adapt_esp(f, esp[i], &starts);
    if (err || starts)
        return err;
    snprintf(efi, sizeof efi, "%s/EFI", esp[0]);
    if (strcmp(f->plan->firmware, "uefi") == 0)
        return bf_refuse(f->report,
                         "target.firmware is uefi, and nothing in %s can take the fallback path, "
                         "from which a new machine starts; install a loader on the source (%s)",
                         efi, bf_firmware_packages(f, true));
    note_none(f, efi);
    return BF_OK;
}

// They are in the old machine's memory and do not come along.
static void note_entries(struct bf_fin *f)
{
    struct bf_text list = {0};
    size_t i;
    const json_t *at;
    json_array_foreach(f->system.boot_entries, i, at)
        bf_textf(&list, "%s%s (%s)", i ? ", " : "", json_string_value(json_object_get(at, "label")),
                 json_string_value(json_object_get(at, "loader")));
    if (list.len)
        bf_note(f->report, "info", "EFI",
                "boot entries that the source's firmware may have had: %s", bf_text_get(&list));
    bf_text_free(&list);
}

enum bf_err bf_adapt_efi(struct bf_fin *f)
{
    char esp[BF_ESPS_MAX][BF_ESP_MOUNT];
    enum bf_err err = bf_check_firmware(f);
    if (err)
        return err;
    if (!f->plan->efi_fallback || !f->system.architecture || !f->system.architecture->efi ||
        strcmp(f->plan->firmware, "bios") == 0)
        return BF_OK;
    note_entries(f);
    size_t esps = bf_esp_all(f, esp, BF_ESPS_MAX);
    if (esps)
        return adapt_esps(f, esp, esps);
    if (f->system.uefi)
        bf_note(f->report, "skipped", "EFI", "the EFI system partition was not found");
    return BF_OK;
}
