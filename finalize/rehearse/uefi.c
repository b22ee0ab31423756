// SPDX-License-Identifier: Apache-2.0
// From an UEFI firmware to the loader. The firmware of a new machine has no boot entries: it starts
// the program that every architecture has a name for on its EFI system partition. That may be shim
// (rhboot/shim, shim.c and fallback.c), which starts another, or any loader.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/rehearse/efi_program.h"
#include "finalize/rehearse/firmware.h"
#include "finalize/rehearse/grub_image.h"
#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/offer.h"

#define DEPTH_MAX  6
#define CSV_MAX    ((size_t)64 << 10)
#define SAME_MAX   ((size_t)4 << 20)
#define NAME_ROOM  256
#define BOOT_NAMES "EFI/BOOT"

struct uefi {
    struct bf_walk *w;
    const char *mount;
    char suffix[16]; // of names: "x64.efi"
    unsigned depth;
};

static void start(struct uefi *u, const char *file, const char *options);

// A file beside another one, in any case.
static bool beside(struct uefi *u, const char *file, const char *name, char *out)
{
    char folder[BF_START_PATH];
    bf_offer_folder(file, folder, sizeof folder);
    return bf_offer_fat(u->w, folder, name, out, BF_START_PATH);
}

static bool is_in_boot(struct uefi *u, const char *file)
{
    char folder[BF_START_PATH], boot[BF_START_PATH];
    bf_offer_folder(file, folder, sizeof folder);
    bf_offer_fat(u->w, u->mount, BOOT_NAMES, boot, sizeof boot);
    return strcmp(folder, boot) == 0;
}

// ---- shim --------------------------------------------------------------------------------------

// On the fallback path, shim starts its fallback loader when that is there.
static void start_shim(struct uefi *u, const char *file, const struct bf_efi_program *p,
                       const char *options)
{
    char name[NAME_ROOM], path[BF_START_PATH];
    snprintf(name, sizeof name, "fb%s", u->suffix);
    if (is_in_boot(u, file) && beside(u, file, name, path)) {
        start(u, path, "");
        return;
    }
    snprintf(name, sizeof name, "grub%s", u->suffix);
    if (p->next[0])
        snprintf(name, sizeof name, "%s", p->next);
    if (options[0])
        snprintf(name, sizeof name, "%.250s", options[0] == '\\' ? options + 1 : options);
    if (beside(u, file, name, path))
        start(u, path, "");
    else
        bf_walk_say(u->w, bf_walk_missing(u->w), file, 0, "shim starts %s, which is not there",
                    path);
}

// One line of a list: file,label,options,description. Cuts `text` where it is.
static bool read_line(char *text, char **file, char **options)
{
    *file = text;
    char *label = strchr(text, ',');
    char *words = label ? strchr(label + 1, ',') : NULL;
    char *end = words ? strchr(words + 1, ',') : NULL;
    *options = words ? words + 1 : text + strlen(text);
    if (label)
        *label = 0;
    if (end)
        *end = 0;
    return text[0] != 0;
}

// The list as bytes; it is UTF-16 with a mark, and only names in ASCII are followed.
static char *read_list(struct uefi *u, const char *path)
{
    size_t len, n = 0;
    uint64_t size = 0;
    if (bf_edits_size(&u->w->f->edits, path, &size, NULL) || size > CSV_MAX ||
        bf_budget_take(&u->w->f->budget, path, size))
        return NULL;
    char *text = malloc((size_t)size + 1);
    if (!text || bf_edits_pread(&u->w->f->edits, path, text, (size_t)size, 0, &len, NULL)) {
        free(text);
        return NULL;
    }
    for (size_t i = 0; i < len; i++)
        if (text[i] > 0)
            text[n++] = text[i];
    text[n] = 0;
    text[strcspn(text, "\r\n")] = 0;
    return text;
}

// Follows the list of a folder. False when it has none.
static bool start_list(struct uefi *u, const char *folder, const char *name)
{
    char path[BF_START_PATH], program[BF_START_PATH], *file, *options;
    if (!bf_offer_fat(u->w, folder, name, path, sizeof path))
        return false;
    char *text = read_list(u, path);
    bool sound = text && read_line(text, &file, &options);
    if (sound && beside(u, path, file, program))
        start(u, program, options);
    else if (sound)
        bf_walk_say(u->w, bf_walk_missing(u->w), path, 1, "names %s, which is not there", program);
    free(text);
    return sound;
}

// Makes boot entries of the lists in the folders of EFI, and starts the first of them.
static void start_fallback(struct uefi *u, const char *file)
{
    char efi[BF_START_PATH], folder[BF_START_PATH + 1], name[NAME_ROOM];
    struct bf_names names;
    bool done = false;
    snprintf(name, sizeof name, "BOOT%s", u->suffix);
    snprintf(strrchr(name, '.'), 5, ".CSV");
    bf_offer_fat(u->w, u->mount, "EFI", efi, sizeof efi);
    if (bf_edits_list(&u->w->f->edits, efi, "", &names))
        return;
    for (size_t i = 0; i < names.count && !done; i++) {
        int n = snprintf(folder, sizeof folder, "%s/%s", efi, names.name[i]);
        if (n > 0 && (size_t)n < sizeof folder && strcasecmp(names.name[i], "BOOT") != 0)
            done = start_list(u, folder, name) || start_list(u, folder, "BOOT.CSV");
    }
    bf_names_free(&names);
    if (!done)
        bf_walk_say(u->w, bf_walk_missing(u->w), file, 0,
                    "the fallback loader finds no list of entries: no folder of %s has a BOOT.CSV",
                    efi);
}

// ---- Programs that cannot be recognised --------------------------------------------------------

static bool is_same(struct uefi *u, const char *a, const char *b)
{
    uint64_t na, nb;
    struct bf_edits *e = &u->w->f->edits;
    if (bf_edits_size(e, a, &na, NULL) || bf_edits_size(e, b, &nb, NULL) || na != nb || !na ||
        na > SAME_MAX || bf_budget_take(&u->w->f->budget, a, 2 * na))
        return false;
    size_t ga = 0, gb = 0;
    char *ta = malloc((size_t)na), *tb = malloc((size_t)na);
    bool same = ta && tb && !bf_edits_pread(e, a, ta, (size_t)na, 0, &ga, NULL) &&
                !bf_edits_pread(e, b, tb, (size_t)nb, 0, &gb, NULL) && ga == gb &&
                memcmp(ta, tb, ga) == 0;
    free(ta);
    free(tb);
    return same;
}

// What a file with the same content is called in a folder.
static enum bf_efi_kind by_copy(struct uefi *u, const char *folder, const char *file)
{
    struct bf_names names;
    enum bf_efi_kind kind = BF_EFI_UNKNOWN;
    char path[BF_START_PATH];
    if (bf_edits_list(&u->w->f->edits, folder, "", &names))
        return kind;
    for (size_t i = 0; i < names.count && !kind; i++) {
        enum bf_efi_kind named = bf_efi_by_name(names.name[i]);
        int n = snprintf(path, sizeof path, "%s/%s", folder, names.name[i]);
        if (named && n > 0 && (size_t)n < sizeof path && is_same(u, file, path))
            kind = named;
    }
    bf_names_free(&names);
    return kind;
}

static enum bf_efi_kind by_vendors(struct uefi *u, const char *file)
{
    struct bf_names names;
    enum bf_efi_kind kind = BF_EFI_UNKNOWN;
    char efi[BF_START_PATH], folder[BF_START_PATH];
    bf_offer_fat(u->w, u->mount, "EFI", efi, sizeof efi);
    if (bf_edits_list(&u->w->f->edits, efi, "", &names))
        return kind;
    for (size_t i = 0; i < names.count && !kind; i++) {
        int n = snprintf(folder, sizeof folder, "%s/%s", efi, names.name[i]);
        if (n > 0 && (size_t)n < sizeof folder)
            kind = by_copy(u, folder, file);
    }
    bf_names_free(&names);
    return kind;
}

// Weak evidence: the file's own name, a file that it is a copy of, what stands beside it.
static enum bf_efi_kind guess(struct uefi *u, const char *file)
{
    char name[NAME_ROOM], path[BF_START_PATH];
    enum bf_efi_kind kind = bf_efi_by_name(strrchr(file, '/') + 1);
    if (!kind)
        kind = by_vendors(u, file);
    if (kind)
        return kind;
    snprintf(name, sizeof name, "grub%s", u->suffix);
    if (beside(u, file, name, path))
        return BF_EFI_SHIM;
    snprintf(name, sizeof name, "EFI/systemd/systemd-boot%s", u->suffix);
    if (bf_offer_fat(u->w, u->mount, name, path, sizeof path))
        return BF_EFI_SYSTEMD_BOOT;
    return BF_EFI_UNKNOWN;
}

// ---- All of them -------------------------------------------------------------------------------

static void start_kernel(struct uefi *u, const char *file)
{
    struct bf_start *s = bf_walk_add(u->w, "the firmware", file, 0);
    if (!s)
        return;
    s->chosen = true;
    bf_offer_kernel(u->w, s, file);
    bf_offer_doubt(s, "the command line and the initramfs that are built into the kernel");
}

static void start_windows(struct uefi *u, const char *file)
{
    struct bf_start *s = bf_walk_add(u->w, "the firmware", file, 0);
    if (!s)
        return;
    s->kind = BF_START_OTHER;
    s->chosen = true;
    snprintf(s->title, sizeof s->title, "Windows Boot Manager");
}

// syslinux.efi reads its configuration beside itself.
static void start_syslinux(struct uefi *u, const char *file)
{
    static const char *const names[] = {"extlinux.conf", "syslinux.cfg"};
    static const char *const folders[] = {"boot/syslinux", "syslinux", "."};
    char path[BF_START_PATH], name[64];
    for (size_t i = 0; i < BF_COUNT(names); i++)
        if (beside(u, file, names[i], path)) {
            bf_walk_syslinux(u->w, path, bf_offer_device(u->w, path));
            return;
        }
    for (size_t i = 0; i < BF_COUNT(folders); i++)
        for (size_t k = 0; k < BF_COUNT(names); k++) {
            snprintf(name, sizeof name, "%s/%s", folders[i], names[k]);
            if (bf_offer_fat(u->w, u->mount, name, path, sizeof path)) {
                bf_walk_syslinux(u->w, path, bf_offer_device(u->w, path));
                return;
            }
        }
    bf_walk_say(u->w, bf_walk_missing(u->w), file, 0, "syslinux finds no configuration");
}

static void start_kind(struct uefi *u, const char *file, const struct bf_efi_program *p,
                       const char *options)
{
    char folder[BF_START_PATH];
    bf_offer_folder(file, folder, sizeof folder);
    if (p->kind == BF_EFI_SHIM)
        start_shim(u, file, p, options);
    else if (p->kind == BF_EFI_FALLBACK)
        start_fallback(u, file);
    else if (p->kind == BF_EFI_GRUB)
        bf_walk_grub_image(u->w, u->mount, file, p);
    else if (p->kind == BF_EFI_SYSTEMD_BOOT)
        bf_walk_systemd_boot(u->w, u->mount);
    else if (p->kind == BF_EFI_UNIFIED)
        bf_walk_unified(u->w, file, true);
    else if (p->kind == BF_EFI_REFIND)
        bf_walk_refind(u->w, folder);
    else if (p->kind == BF_EFI_SYSLINUX)
        start_syslinux(u, file);
    else if (p->kind == BF_EFI_KERNEL)
        start_kernel(u, file);
    else if (p->kind == BF_EFI_WINDOWS)
        start_windows(u, file);
    else if (p->kind == BF_EFI_UNKNOWN)
        bf_walk_say(u->w, BF_TROUBLE_DOUBT, "", 0, "what %s is could not be recognised", file);
    else
        bf_walk_say(u->w, BF_TROUBLE_DOUBT, file, 0, "what %s starts is not followed",
                    p->kind == BF_EFI_LIMINE ? "Limine" : "the manager of shim's keys");
}

// A program for another processor is passed over by the firmware.
static bool fits(struct uefi *u, const struct bf_efi_program *p)
{
    static const struct {
        const char *suffix;
        unsigned machine; // PE Format, "Machine types"
    } machines[] = {{"x64.efi", 0x8664},
                    {"ia32.efi", 0x14c},
                    {"aa64.efi", 0xaa64},
                    {"arm.efi", 0x1c2},
                    {"riscv64.efi", 0x5064}};
    for (size_t i = 0; i < BF_COUNT(machines); i++)
        if (strcasecmp(u->suffix, machines[i].suffix) == 0)
            return !p->real || p->machine == machines[i].machine;
    return true;
}

static void start(struct uefi *u, const char *file, const char *options)
{
    struct bf_efi_program p;
    if (u->depth++ == DEPTH_MAX) {
        bf_walk_say(u->w, BF_TROUBLE_DOUBT, file, 0, "one loader starts another too many times");
        return;
    }
    bf_efi_recognise(u->w, file, &p);
    if (!p.kind && !p.real)
        p.kind = guess(u, file);
    if (!fits(u, &p))
        bf_walk_say(u->w, BF_TROUBLE_STOPS, file, 0, "is a program for another processor");
    else
        start_kind(u, file, &p, options);
    bf_efi_program_free(&p);
}

void bf_walk_uefi(struct bf_walk *w, const struct bf_esps *esps)
{
    char file[BF_START_PATH], first[BF_START_PATH] = "";
    for (size_t i = 0; i < esps->count; i++) {
        bool found = bf_esp_default(w, esps->mount[i], file, sizeof file);
        if (!first[0])
            snprintf(first, sizeof first, "%s", file);
        if (!found)
            continue;
        struct uefi u = {.w = w, .mount = esps->mount[i]};
        snprintf(u.suffix, sizeof u.suffix, "%s", strrchr(file, '/') + 5);
        for (char *c = u.suffix; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        start(&u, file, "");
        return;
    }
    if (esps->count && w->f->plan && !w->f->plan->efi_fallback)
        bf_walk_say(w, BF_TROUBLE_LOOK, "", 0,
                    "the plan keeps %s from being made (efi_fallback): the new machine starts only "
                    "with a boot entry in its firmware",
                    first);
    else if (esps->count)
        bf_walk_say(w, bf_walk_missing(w), "", 0,
                    "the firmware of a new machine finds nothing to start: %s is not there", first);
    else if (esps->elsewhere)
        bf_walk_say(w, BF_TROUBLE_DOUBT, "", 0,
                    "the EFI system partition is mounted nowhere in this system, so what the "
                    "firmware starts is not known");
    else
        bf_walk_say(w, BF_TROUBLE_DOUBT, "", 0,
                    "no EFI system partition was found, so what the firmware starts is not known");
}
