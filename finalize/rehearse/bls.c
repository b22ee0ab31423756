// SPDX-License-Identifier: Apache-2.0
// See bls.h. The keys, the counters in names and the order follow systemd-boot 252.
#include "finalize/rehearse/bls.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/rehearse/offer.h"
#include "finalize/rehearse/unified.h"
#include "finalize/rehearse/version.h"

#define LOADER    "systemd-boot"
#define OSREL_MAX ((size_t)64 << 10)

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

bool bf_bls_next(const char *text, size_t len, size_t *pos, const char *sep,
                 struct bf_bls_line *line)
{
    struct bf_line l;
    while (bf_line_next(text, len, pos, &l)) {
        const char *at = l.at, *end = l.at + l.len;
        line->number++;
        while (at < end && is_one_of(*at, " \t"))
            at++;
        while (end > at && is_one_of(end[-1], " \t\r"))
            end--;
        line->key = at;
        while (at < end && !is_one_of(*at, sep))
            at++;
        line->key_len = (size_t)(at - line->key);
        if (at == end || line->key[0] == '#')
            continue;
        while (at < end && is_one_of(*at, sep))
            at++;
        bool quoted = end - at >= 2 && at[0] == '"' && end[-1] == '"';
        line->value = at + quoted;
        line->value_len = (size_t)(end - at) - (quoted ? 2 : 0);
        return true;
    }
    return false;
}

bool bf_bls_is(const struct bf_bls_line *line, const char *key)
{
    return bf_word_is(line->key, line->key_len, key);
}

static int counter(const char **at)
{
    long n = 0;
    if (!isdigit((unsigned char)**at))
        return -1;
    for (; isdigit((unsigned char)**at); ++*at)
        if (n <= 1000000)
            n = n * 10 + (**at - '0');
    return (int)n;
}

// "NAME+LEFT-DONE.conf": how often the entry may still be tried, and was.
static void read_tries(struct bf_bls *b, const char *suffix)
{
    const char *at = strrchr(b->id, '+');
    b->tries_left = b->tries_done = -1;
    if (!at)
        return;
    at++;
    int left = counter(&at), done = 0;
    if (left >= 0 && *at == '-') {
        at++;
        done = counter(&at);
    }
    if (left >= 0 && done >= 0 && strcmp(at, suffix) == 0) {
        b->tries_left = left;
        b->tries_done = done;
    }
}

static void keep(char *out, size_t size, const struct bf_bls_line *line)
{
    bf_offer_word(out, size, line->value, line->value_len);
}

// systemd-boot's word for the architecture that it was made for.
static bool is_ours(const struct bf_walk *w, const struct bf_bls_line *line)
{
    static const char *const names[][2] = {{"x86_64", "x64"},
                                           {"i386", "ia32"},
                                           {"aarch64", "aa64"},
                                           {"arm", "arm"},
                                           {"riscv64", "riscv64"}};
    const struct bf_architecture *a = w->f->system.architecture;
    for (size_t i = 0; a && i < BF_COUNT(names); i++)
        if (strcmp(a->name, names[i][0]) == 0)
            return bf_word_is(line->value, line->value_len, names[i][1]);
    return true;
}

static void take_file(struct bf_walk *w, struct bf_bls *b, const struct bf_bls_line *line)
{
    char path[BF_START_PATH];
    b->missing = !bf_offer_path(path, sizeof path, line->value, line->value_len) ||
                 !bf_offer_fat(w, b->mount, path, b->starts, sizeof b->starts);
}

static bool read_entry(struct bf_walk *w, struct bf_bls *b)
{
    size_t len, pos = 0;
    struct bf_bls_line line = {0};
    const char *text = bf_walk_text(w, b->file, &len);
    b->wrong = true; // until a line says what it starts
    while (text && bf_bls_next(text, len, &pos, " \t", &line)) {
        if (bf_bls_is(&line, "sort-key"))
            keep(b->sort_key, sizeof b->sort_key, &line);
        else if (bf_bls_is(&line, "version"))
            keep(b->version, sizeof b->version, &line);
        else if (bf_bls_is(&line, "machine-id"))
            keep(b->machine_id, sizeof b->machine_id, &line);
        bool starts = bf_bls_is(&line, "linux") || bf_bls_is(&line, "efi");
        if (starts)
            take_file(w, b, &line);
        b->wrong = b->wrong && !starts;
        if (bf_bls_is(&line, "architecture") && !is_ours(w, &line)) {
            b->wrong = true;
            break;
        }
    }
    return text != NULL;
}

// Of an image the keys are those of the os-release inside, the first of these that it has.
static void read_osrel(struct bf_bls *b, const char *text, size_t len)
{
    static const char *const version[] = {"IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID"};
    static const char *const sort[] = {"IMAGE_ID", "ID"};
    size_t best_version = BF_COUNT(version), best_sort = BF_COUNT(sort), pos = 0;
    struct bf_bls_line line = {0};
    while (bf_bls_next(text, len, &pos, "=", &line)) {
        for (size_t i = 0; i <= best_version && i < BF_COUNT(version); i++)
            if (bf_bls_is(&line, version[i])) {
                keep(b->version, sizeof b->version, &line);
                best_version = i;
            }
        for (size_t i = 0; i <= best_sort && i < BF_COUNT(sort); i++)
            if (bf_bls_is(&line, sort[i])) {
                keep(b->sort_key, sizeof b->sort_key, &line);
                best_sort = i;
            }
    }
}

static bool read_image(struct bf_walk *w, struct bf_bls *b)
{
    struct bf_sections pe;
    size_t len = 0;
    bool sound = bf_sections_read(w, b->file, &pe);
    const struct bf_section *osrel = sound ? bf_sections_find(&pe, ".osrel") : NULL;
    char *text = osrel && osrel->len
                     ? bf_sections_bytes(w, b->file, osrel->at, osrel->len, OSREL_MAX, &len)
                     : NULL;
    b->wrong = !text || !bf_unified_is(&pe);
    if (text)
        read_osrel(b, text, len);
    free(text);
    snprintf(b->starts, sizeof b->starts, "%s", b->file);
    return true;
}

bool bf_bls_read(struct bf_walk *w, const char *mount, const char *file, bool image,
                 struct bf_bls *out)
{
    *out = (struct bf_bls){.image = image};
    const char *name = strrchr(file, '/') + 1;
    bf_offer_word(out->file, sizeof out->file, file, strlen(file));
    bf_offer_word(out->mount, sizeof out->mount, mount, strlen(mount));
    bf_offer_word(out->id, sizeof out->id, name, strlen(name));
    for (char *c = out->id; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    read_tries(out, image ? ".efi" : ".conf");
    return image ? read_image(w, out) : read_entry(w, out);
}

static int by_number(int a, int b)
{
    return (a > b) - (a < b);
}

int bf_bls_compare(const void *pa, const void *pb)
{
    const struct bf_bls *a = pa, *b = pb;
    int r = by_number(a->tries_left == 0, b->tries_left == 0);
    if (!r)
        r = by_number(!a->sort_key[0], !b->sort_key[0]);
    if (!r && a->sort_key[0]) {
        r = strcmp(a->sort_key, b->sort_key);
        if (!r)
            r = strcmp(a->machine_id, b->machine_id);
        if (!r)
            r = -bf_version_compare(a->version, b->version);
    }
    if (!r)
        r = -bf_version_compare(a->id, b->id);
    if (!r && a->tries_left >= 0 && b->tries_left >= 0)
        r = -by_number(a->tries_left, b->tries_left);
    if (!r && a->tries_left >= 0 && b->tries_left >= 0)
        r = by_number(a->tries_done, b->tries_done);
    return r ? r : strcmp(a->file, b->file);
}

static void add_initrd(struct bf_walk *w, struct bf_start *s, const struct bf_bls *b,
                       const struct bf_bls_line *line, struct bf_text *words)
{
    char path[BF_START_PATH], found[BF_START_PATH];
    if (!bf_offer_path(path, sizeof path, line->value, line->value_len)) {
        bf_offer_doubt(s, "the path of line %u cannot be followed", line->number);
        return;
    }
    bf_offer_fat(w, b->mount, path, found, sizeof found);
    bf_offer_initrd(w, s, found);
    // For old kernels, systemd-boot names it on the command line, too.
    for (char *c = path; *c; c++)
        *c = (char)(*c == '/' ? '\\' : *c);
    bf_textf(words, "%sinitrd=%s", words->len ? " " : "", path);
}

// Everything but what bf_bls_read() has read. True when the last of "linux" and "efi" is "linux":
// systemd-boot loads an initramfs for that alone.
static bool read_rest(struct bf_walk *w, struct bf_start *s, const struct bf_bls *b,
                      struct bf_text *options)
{
    size_t len, pos = 0;
    bool is_linux = false;
    struct bf_bls_line line = {0};
    const char *text = bf_walk_text(w, b->file, &len);
    while (text && bf_bls_next(text, len, &pos, " \t", &line)) {
        if (bf_bls_is(&line, "title"))
            keep(s->title, sizeof s->title, &line);
        if (bf_bls_is(&line, "linux") || bf_bls_is(&line, "efi")) {
            is_linux = bf_bls_is(&line, "linux");
            s->line = line.number;
        }
        if (!bf_bls_is(&line, "options"))
            continue;
        bf_text_str(options, options->len ? " " : "");
        bf_text_add(options, line.value, line.value_len);
    }
    return is_linux;
}

// The paths of the initramfs files come before the options.
static void read_initrds(struct bf_walk *w, struct bf_start *s, const struct bf_bls *b,
                         struct bf_text *options)
{
    struct bf_text words = {0};
    size_t len, pos = 0;
    struct bf_bls_line line = {0};
    const char *text = bf_walk_text(w, b->file, &len);
    while (text && bf_bls_next(text, len, &pos, " \t", &line))
        if (bf_bls_is(&line, "initrd"))
            add_initrd(w, s, b, &line, &words);
    if (words.len && options->len)
        bf_text_str(&words, " ");
    bf_text_add(&words, options->data ? options->data : "", options->len);
    bf_text_free(options);
    *options = words;
}

struct bf_start *bf_bls_add(struct bf_walk *w, const struct bf_bls *b)
{
    struct bf_sections pe;
    struct bf_text options = {0};
    if (b->image)
        return bf_unified_add(w, LOADER, b->file, b->file);
    struct bf_start *s = bf_walk_add(w, LOADER, b->file, 0);
    if (!s)
        return NULL;
    bool is_linux = read_rest(w, s, b, &options);
    bool image = bf_sections_read(w, b->starts, &pe) && bf_unified_is(&pe);
    bf_offer_kernel(w, s, b->starts);
    if (!s->title[0])
        bf_offer_word(s->title, sizeof s->title, b->id, strlen(b->id));
    if (is_linux)
        read_initrds(w, s, b, &options);
    else if (!image && !strstr(bf_text_get(&options), "root="))
        s->kind = BF_START_OTHER;
    bf_offer_cmdline(w, s, &options);
    if (image)
        bf_unified_fill(w, s, &pe);
    return s;
}
