// SPDX-License-Identifier: Apache-2.0
// The files of shim's fallback loader (fallback.c of rhboot/shim, as of 16.1). Of each folder in
// EFI but BOOT it reads BOOTX64.CSV (of its architecture), or else BOOT.CSV, in any case: UTF-16,
// little-endian; a line is "program,label,arguments,comment", and whether the program is there is
// not looked at. The machine then resets and the firmware starts the new entries.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/boot/esp.h"
#include "finalize/boot/shim.h"

#define WHY "shim's fallback loader makes boot entries of it"

static void put_utf8(struct bf_text *out, uint32_t c)
{
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char head[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6)
        b[i] = (char)(0x80 | (c & 0x3f));
    b[0] = (char)(head[n] | c);
    bf_text_add(out, b, n);
}

void bf_csv_decode(const char *data, size_t len, struct bf_text *out)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        uint32_t c = bf_le16(data + i), low = i + 3 < len ? bf_le16(data + i + 2) : 0;
        if (c == 0)
            return; // the loader stops there, too
        if (c == 0xfeff && i == 0)
            continue;
        if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        } else if (c >= 0xd800 && c < 0xe000) {
            c = '?';
        }
        put_utf8(out, c);
    }
}

// ASCII as UTF-16.
static void encode(struct bf_text *out, const char *s)
{
    for (; *s; s++) {
        const char unit[2] = {*s, 0};
        bf_text_add(out, unit, 2);
    }
}

struct csv {
    struct bf_fin *f;
    char dir[300], path[512]; // its vendor's folder, and itself
    size_t good, bad;         // lines whose program is there, and others
    json_t *entries;          // NULL: not asked for
};

// The first two fields of a line, as far as they fit.
static void fields(const struct bf_line *line, char *program, char *label, size_t size)
{
    const char *comma = memchr(line->at, ',', line->len);
    size_t first = comma ? (size_t)(comma - line->at) : line->len;
    const char *next = comma ? comma + 1 : line->at + line->len, *end = line->at + line->len;
    const char *stop = memchr(next, ',', (size_t)(end - next));
    snprintf(program, size, "%.*s", (int)first, line->at);
    snprintf(label, size, "%.*s", (int)((stop ? stop : end) - next), next);
}

static void add_entry(struct csv *c, const char *program, const char *label)
{
    char loader[600];
    const char *vendor = strrchr(c->dir, '/');
    snprintf(loader, sizeof loader, "\\EFI\\%s\\%s", vendor + 1, program);
    if (json_array_size(c->entries) < 32 && bf_is_utf8(loader, strlen(loader)))
        json_array_append_new(c->entries,
                              json_pack("{s:s,s:s}", "loader", loader, "label",
                                        bf_is_utf8(label, strlen(label)) ? label : "?"));
}

static bool visit_line(struct csv *c, const struct bf_line *line)
{
    char program[256], label[256], path[600];
    fields(line, program, label, sizeof program);
    bool there = program[0] && bf_esp_find(c->f, c->dir, program, path, sizeof path) &&
                 bf_esp_fits(c->f, path);
    c->good += there;
    c->bad += !there;
    if (there && c->entries)
        add_entry(c, program, label);
    return there;
}

static bool find_csv(struct csv *c)
{
    char name[32];
    snprintf(name, sizeof name, "BOOT%s.CSV", c->f->system.architecture->efi);
    return bf_esp_find(c->f, c->dir, name, c->path, sizeof c->path) ||
           bf_esp_find(c->f, c->dir, "BOOT.CSV", c->path, sizeof c->path);
}

// Goes over the lines of a file; those that are good, as they are encoded, into `keep`.
static void read_csv(struct csv *c, struct bf_text *keep)
{
    size_t len, pos = 0;
    struct bf_line line;
    struct bf_text text = {0};
    const char *data = bf_edits_get(&c->f->edits, c->path, &len, NULL);
    if (data)
        bf_csv_decode(data, len, &text);
    size_t unit = data && len > 1 && bf_le16(data) == 0xfeff ? 2 : 0;
    bf_text_add(keep, data, unit);
    while (bf_line_next(bf_text_get(&text), text.len, &pos, &line)) {
        size_t units = 0; // of UTF-16 in the line, its end included
        for (size_t i = 0; i < line.full; i++) {
            unsigned char b = (unsigned char)line.at[i];
            units += (b & 0xc0) != 0x80 ? 1u + (b >= 0xf0) : 0;
        }
        bool blank = line.len == 0 || (line.len == 1 && line.at[0] == '\r');
        if (blank || visit_line(c, &line))
            bf_text_add(keep, data + unit, units * 2);
        unit += units * 2;
    }
    bf_text_free(&text);
}

static enum bf_err trim(struct csv *c, const struct bf_text *keep)
{
    bf_note(c->f->report, "info", c->path,
            "lines for programs that are not there are taken out: shim's fallback loader would "
            "wait for minutes at one");
    return bf_fin_set(c->f, c->path, keep, WHY);
}

struct visit {
    size_t good;
    bool change;
    json_t *entries;
};

static enum bf_err visit_vendor(struct bf_fin *f, const char *dir, struct visit *v)
{
    struct csv c = {.f = f, .entries = v->entries};
    struct bf_text keep = {0};
    enum bf_err err = BF_OK;
    snprintf(c.dir, sizeof c.dir, "%s", dir);
    if (find_csv(&c)) {
        read_csv(&c, &keep);
        v->good += c.good;
        if (v->change && c.good && c.bad)
            err = trim(&c, &keep);
    }
    bf_text_free(&keep);
    return err;
}

static enum bf_err visit_vendors(struct bf_fin *f, const char *efi, struct visit *v)
{
    struct bf_names names;
    enum bf_err err = BF_OK;
    if (bf_edits_list(&f->edits, efi, "", &names))
        return BF_OK;
    for (size_t i = 0; i < names.count && !err; i++) {
        char dir[300];
        snprintf(dir, sizeof dir, "%s/%.200s", efi, names.name[i]);
        if (strcasecmp(names.name[i], "BOOT") != 0 && strlen(names.name[i]) <= 200)
            err = visit_vendor(f, dir, v);
    }
    bf_names_free(&names);
    return err;
}

static enum bf_err write_csv(struct bf_fin *f, const char *efi, const char *vendor,
                             const char *shim)
{
    char name[32], path[600], dir[300];
    struct bf_text out = {0};
    snprintf(name, sizeof name, "BOOT%s.CSV", f->system.architecture->efi);
    for (char *c = name; *c; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
    snprintf(dir, sizeof dir, "%s/%.200s", efi, vendor);
    if (!bf_esp_find(f, dir, name, path, sizeof path))
        snprintf(path, sizeof path, "%s/%s", dir, name);
    bf_text_add(&out, "\xff\xfe", 2);
    encode(&out, shim);
    encode(&out, ",");
    encode(&out, vendor);
    encode(&out, ",,This is the boot entry for ");
    encode(&out, vendor);
    encode(&out, "\n");
    enum bf_err err = bf_fin_set_mode(f, path, &out, 0755, WHY);
    bf_text_free(&out);
    return err;
}

enum bf_err bf_shim_adapt_csv(struct bf_fin *f, const char *efi, const char *boot)
{
    char loader[32], path[600], vendor[256], shim[32];
    struct visit v = {.change = true};
    bf_esp_name(f, "fb", loader, sizeof loader);
    if (!bf_esp_find(f, boot, loader, path, sizeof path) &&
        !bf_esp_find(f, boot, "fallback.efi", path, sizeof path))
        return BF_OK;
    enum bf_err err = visit_vendors(f, efi, &v);
    if (err || v.good)
        return err;
    if (bf_shim_vendor(f, efi, vendor, sizeof vendor, shim, sizeof shim))
        return write_csv(f, efi, vendor, shim);
    return bf_refuse(f->report,
                     "%s would start again and again: it makes boot entries of the files "
                     "EFI/*/BOOT*.CSV, and none names a program that is there. Install shim on "
                     "the source again, or remove this file there",
                     path);
}

void bf_shim_csv_entries(struct bf_fin *f, const char *efi, json_t *entries)
{
    struct visit v = {.entries = entries};
    visit_vendors(f, efi, &v);
}
