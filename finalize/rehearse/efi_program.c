// SPDX-License-Identifier: Apache-2.0
// See efi_program.h. Programs are known by sections where they have some of their own (systemd's,
// GRUB's modules), else by names of files that are in them.
#include "finalize/rehearse/efi_program.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/rehearse/offer.h"
#include "finalize/rehearse/sections.h"
#include "finalize/rehearse/unified.h"

#define PROGRAM_MAX ((size_t)16 << 20)
#define GUESS_MAX   ((size_t)64 << 10) // what is larger and no PE file is not guessed

struct content {
    const char *at;
    size_t len;
};

// Where a text stands, as bytes or as UTF-16; NULL when it does not.
static const char *find(const struct content *c, const char *text, bool wide)
{
    char bytes[128];
    size_t n = 0;
    for (; *text && n + 2 <= sizeof bytes; text++) {
        bytes[n++] = *text;
        if (wide)
            bytes[n++] = 0;
    }
    return memmem(c->at, c->len, bytes, n);
}

// ---- GRUB --------------------------------------------------------------------------------------

// The modules that grub-mkimage puts behind the program: "mimg", where they begin and their size,
// then each with a type and a length (grub/kernel.h).
enum { MODULE_CONFIG = 2, MODULE_PREFIX = 3, MODULE_HEAD = 8, MODULES_HEAD = 24 };

static void take_module(struct bf_efi_program *p, unsigned type, const char *at, size_t len)
{
    size_t n = strnlen(at, len);
    if (type == MODULE_PREFIX && n < sizeof p->prefix)
        bf_offer_word(p->prefix, sizeof p->prefix, at, n);
    else if (type == MODULE_CONFIG && !p->config)
        p->config = bf_word_dup(at, n);
}

static void read_modules(struct bf_efi_program *p, const char *at, size_t len)
{
    if (len < MODULES_HEAD || memcmp(at, "mimg", 4) != 0)
        return;
    uint64_t from = bf_le64(at + 8), to = bf_le64(at + 16);
    to = to < len ? to : len;
    while (from < to && to - from >= MODULE_HEAD) {
        uint32_t type = bf_le32(at + from), size = bf_le32(at + from + 4);
        if (size < MODULE_HEAD || size > to - from)
            return;
        take_module(p, type, at + from + MODULE_HEAD, size - MODULE_HEAD);
        from += size;
    }
}

static void read_grub(struct bf_efi_program *p, const struct content *c, const struct bf_section *s)
{
    p->kind = BF_EFI_GRUB;
    if (s->at < c->len)
        read_modules(p, c->at + s->at, s->len < c->len - s->at ? s->len : c->len - s->at);
    p->beside = find(c, "$cmdpath/grub.cfg", false) || find(c, "${cmdpath}/grub.cfg", false);
    p->first = find(c, "fw_path", false) != NULL; // Red Hat's
}

// ---- Others ------------------------------------------------------------------------------------

// shim's own text for the program that it starts: "\grubx64.efi".
static void read_next(struct bf_efi_program *p, const struct content *c)
{
    const char *at = find(c, "\\grub", true), *end = c->at + c->len;
    size_t n = 0;
    for (at = at ? at + 2 : end; end - at >= 2 && at[1] == 0 && at[0] > ' '; at += 2)
        if (n + 1 < sizeof p->next)
            p->next[n++] = *at;
    p->next[n] = 0;
}

// A kernel is one by the header of its boot protocol, or of the arm64 and the compressed image.
static bool is_kernel(const struct content *c)
{
    return (c->len > 0x206 && memcmp(c->at + 0x202, "HdrS", 4) == 0) ||
           (c->len > 0x3c && memcmp(c->at + 0x38, "ARM\x64", 4) == 0) ||
           (c->len > 8 && memcmp(c->at + 4, "zimg", 4) == 0);
}

static enum bf_efi_kind by_texts(const struct content *c)
{
    static const struct {
        const char *text;
        bool wide;
        enum bf_efi_kind kind;
    } marks[] = {
        {"refind.conf", true, BF_EFI_REFIND},    {"boot.csv", true, BF_EFI_FALLBACK},
        {"UEFI SHIM", false, BF_EFI_SHIM},       {"Perform MOK", true, BF_EFI_MANAGER},
        {"\\MokManager", true, BF_EFI_SHIM},     {"ldlinux.e", false, BF_EFI_SYSLINUX},
        {"limine.conf", false, BF_EFI_LIMINE},   {"limine.cfg", false, BF_EFI_LIMINE},
        {"bootmgfw.pdb", false, BF_EFI_WINDOWS},
    };
    for (size_t i = 0; i < BF_COUNT(marks); i++)
        if (find(c, marks[i].text, marks[i].wide))
            return marks[i].kind;
    return BF_EFI_UNKNOWN;
}

static void by_content(struct bf_efi_program *p, const struct content *c,
                       const struct bf_sections *pe)
{
    const struct bf_section *magic = bf_sections_find(pe, ".sdmagic"),
                            *mods = bf_sections_find(pe, "mods");
    static const char sd[] = "#### LoaderInfo: systemd-boot";
    if (bf_unified_is(pe))
        p->kind = BF_EFI_UNIFIED;
    else if (mods)
        read_grub(p, c, mods);
    else if (is_kernel(c))
        p->kind = BF_EFI_KERNEL;
    else if ((magic && magic->at < c->len && c->len - magic->at >= sizeof sd &&
              memcmp(c->at + magic->at, sd, sizeof sd - 1) == 0) ||
             find(c, sd, false))
        p->kind = BF_EFI_SYSTEMD_BOOT;
    else
        p->kind = by_texts(c);
    if (p->kind == BF_EFI_SHIM)
        read_next(p, c);
}

// A short file that is no program stands for one: the words in it are taken for what it is.
static void by_words(struct bf_efi_program *p, const struct content *c)
{
    static const struct {
        const char *word;
        enum bf_efi_kind kind;
    } words[] = {
        {"systemd-boot", BF_EFI_SYSTEMD_BOOT},
        {"sd-boot", BF_EFI_SYSTEMD_BOOT},
        {"rEFInd", BF_EFI_REFIND},
        {"refind", BF_EFI_REFIND},
        {"grub", BF_EFI_GRUB},
        {"GRUB", BF_EFI_GRUB},
        {"shim", BF_EFI_SHIM},
    };
    for (size_t i = 0; i < BF_COUNT(words) && !p->kind; i++)
        if (find(c, words[i].word, false))
            p->kind = words[i].kind;
    const char *at = find(c, "(", false), *end = c->at + c->len;
    if (!at)
        at = find(c, "/EFI/", false);
    size_t n = 0;
    while (at && at + n < end && (unsigned char)at[n] > ' ' && n + 1 < sizeof p->prefix)
        n++;
    if (p->kind == BF_EFI_GRUB && n)
        bf_offer_word(p->prefix, sizeof p->prefix, at, n);
    p->beside = true;
}

void bf_efi_recognise(struct bf_walk *w, const char *file, struct bf_efi_program *p)
{
    struct bf_sections pe;
    *p = (struct bf_efi_program){0};
    p->real = bf_sections_read(w, file, &pe);
    p->machine = pe.machine;
    // An image has all of a system in it, and is known by its sections.
    if (p->real && bf_unified_is(&pe)) {
        p->kind = BF_EFI_UNIFIED;
        return;
    }
    struct content c = {0};
    size_t cap = p->real ? PROGRAM_MAX : GUESS_MAX;
    char *bytes = pe.size <= cap ? bf_sections_bytes(w, file, 0, pe.size, cap, &c.len) : NULL;
    c.at = bytes;
    if (bytes && p->real)
        by_content(p, &c, &pe);
    else if (bytes)
        by_words(p, &c);
    free(bytes);
}

void bf_efi_program_free(struct bf_efi_program *p)
{
    free(p->config);
}

enum bf_efi_kind bf_efi_by_name(const char *name)
{
    static const struct {
        const char *start;
        enum bf_efi_kind kind;
    } names[] = {
        {"shim", BF_EFI_SHIM},
        {"grub", BF_EFI_GRUB},
        {"systemd-boot", BF_EFI_SYSTEMD_BOOT},
        {"fb", BF_EFI_FALLBACK},
        {"mm", BF_EFI_MANAGER},
        {"refind", BF_EFI_REFIND},
        {"limine", BF_EFI_LIMINE},
        {"bootmgfw", BF_EFI_WINDOWS},
        {"syslinux", BF_EFI_SYSLINUX},
    };
    size_t n = strlen(name);
    if (n < 4 || strcasecmp(name + n - 4, ".efi") != 0)
        return BF_EFI_UNKNOWN;
    for (size_t i = 0; i < BF_COUNT(names); i++)
        if (strncasecmp(name, names[i].start, strlen(names[i].start)) == 0)
            return names[i].kind;
    return BF_EFI_UNKNOWN;
}
