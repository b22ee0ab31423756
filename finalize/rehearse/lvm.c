// SPDX-License-Identifier: Apache-2.0
// See lvm.h. Of lvm.conf(5) two settings are read, wherever they stand: filter and global_filter,
// which are lists of patterns "a|...|" and "r|...|"; the first that fits a name decides, and what
// none fits is accepted.
#include "finalize/rehearse/lvm.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/target/targets.h"

#define PATTERN_MAX  160
#define PATTERNS_MAX 64
#define NAMES_MAX    32

struct candidates {
    char name[NAMES_MAX][40];
    bool rejected[NAMES_MAX], decided[NAMES_MAX];
    size_t count;
    bool unknown; // something could not be decided
};

// ---- The names of the physical volumes there
// -----------------------------------------------------

static const char *stem_of(const char *driver)
{
    return strcmp(driver, "virtio_blk") == 0     ? "/dev/vd"
           : strcmp(driver, "xen_blkfront") == 0 ? "/dev/xvd"
           : strcmp(driver, "nvme") == 0         ? "/dev/nvme"
                                                 : "/dev/sd";
}

static void add_name(struct candidates *c, const char *stem, const struct bf_device *dev)
{
    char name[40], part[16] = "";
    bool nvme = strcmp(stem, "/dev/nvme") == 0;
    if (dev->part)
        snprintf(part, sizeof part, "%s%u", nvme ? "p" : "", dev->part);
    if (nvme)
        snprintf(name, sizeof name, "%s%un1%s", stem, dev->disk, part);
    else
        snprintf(name, sizeof name, "%s%c%s", stem, (char)('a' + dev->disk % 26), part);
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->name[i], name) == 0)
            return;
    if (c->count < NAMES_MAX)
        memcpy(c->name[c->count++], name, sizeof name);
}

static void find_candidates(const struct bf_fin *f, struct candidates *c)
{
    for (size_t i = 0; i < f->devices->count; i++) {
        const struct bf_device *dev = &f->devices->item[i];
        for (const char *const *d = f->target->disk;
             !dev->stacked && strcmp(dev->type, "LVM2_member") == 0 && *d; d++)
            add_name(c, stem_of(*d), dev);
    }
}

// ---- Patterns -----------------------------------------------------------------------------------

// Whether regcomp(3), which copies what is repeated, can be asked: quantifiers that follow one
// another, and groups in groups, make it large.
static bool is_simple(const char *p)
{
    size_t open = 0;
    for (bool repeats = false; *p; p++) {
        bool again = *p == '*' || *p == '+' || *p == '?' || *p == '{';
        if ((again && repeats) || *p == '{')
            return false;
        open += *p == '(';
        repeats = again;
        p += *p == '\\' && p[1];
    }
    return open <= 2;
}

static void try_pattern(struct candidates *c, const char *at, size_t len)
{
    char text[PATTERN_MAX];
    regex_t re;
    bool accepts = len && at[0] == 'a';
    if (len < 3 || len - 3 >= sizeof text || (at[0] != 'a' && at[0] != 'r')) {
        c->unknown = true;
        return;
    }
    snprintf(text, sizeof text, "%.*s", (int)(len - 3), at + 2);
    // A disk has other names as well, by which it may be accepted.
    c->unknown = c->unknown || (accepts && strstr(text, "/disk/"));
    if (!is_simple(text) || regcomp(&re, text, REG_EXTENDED | REG_NOSUB) != 0) {
        c->unknown = true;
        return;
    }
    for (size_t i = 0; i < c->count; i++)
        if (!c->decided[i] && regexec(&re, c->name[i], 0, NULL, 0) == 0) {
            c->decided[i] = true;
            c->rejected[i] = c->rejected[i] || !accepts;
        }
    regfree(&re);
}

// The patterns behind "=": one string, or a list in brackets.
static const char *read_patterns(struct candidates *c, const char *at, const char *end)
{
    bool list = false;
    size_t count = 0;
    memset(c->decided, 0, sizeof c->decided);
    for (; at < end; at++) {
        if (*at == '#') {
            const char *nl = memchr(at, '\n', (size_t)(end - at));
            at = nl ? nl : end - 1;
        } else if (*at == '"' || *at == '\'') {
            const char *close = memchr(at + 1, *at, (size_t)(end - at - 1));
            if (!close)
                return end;
            c->unknown = c->unknown || ++count > PATTERNS_MAX;
            if (count <= PATTERNS_MAX)
                try_pattern(c, at + 1, (size_t)(close - at - 1));
            at = close;
            if (!list)
                return at + 1;
        } else if (*at == '[') {
            list = true;
        } else if (*at == ']' || (!list && !isspace((unsigned char)*at))) {
            return at + 1;
        }
    }
    return end;
}

static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

// ---- The file -----------------------------------------------------------------------------------

enum bf_lvm_sees bf_lvm_sees(struct bf_fin *f, const char *text, size_t len)
{
    struct candidates c = {.count = 0};
    const char *at = text, *end = text + len;
    find_candidates(f, &c);
    while (at < end) {
        if (*at == '#' || *at == '"' || *at == '\'') {
            const char *stop = memchr(at + 1, *at == '#' ? '\n' : *at, (size_t)(end - at - 1));
            at = stop ? stop + 1 : end;
            continue;
        }
        size_t n = 0;
        while (at + n < end && is_key_char(at[n]))
            n++;
        bool key = bf_word_is(at, n, "filter") || bf_word_is(at, n, "global_filter");
        at += n ? n : 1;
        while (key && at < end && isspace((unsigned char)*at))
            at++;
        if (key && at < end && *at == '=')
            at = read_patterns(&c, at + 1, end);
    }
    size_t rejected = 0;
    for (size_t i = 0; i < c.count; i++)
        rejected += c.rejected[i];
    return rejected == 0         ? (c.unknown ? BF_LVM_SEES_UNKNOWN : BF_LVM_SEES_ALL)
           : c.unknown           ? BF_LVM_SEES_UNKNOWN
           : rejected == c.count ? BF_LVM_SEES_NONE
                                 : BF_LVM_SEES_SOME;
}

bool bf_lvm_lists_hardware(const char *text, size_t len)
{
    static const char *const lasting[] = {"md_uuid", "crypt_uuid", "lvmlv_uuid", "loop_file"};
    struct bf_line line;
    for (size_t pos = 0; bf_line_next(text, len, &pos, &line);) {
        const char *type = memmem(line.at, line.len, "IDTYPE=", 7);
        size_t n = type ? (size_t)(line.at + line.len - type - 7) : 0;
        bool own = !type || line.at[0] == '#';
        for (size_t i = 0; i < BF_COUNT(lasting); i++)
            own = own || (n >= strlen(lasting[i]) &&
                          memcmp(type + 7, lasting[i], strlen(lasting[i])) == 0);
        if (!own)
            return true;
    }
    return false;
}
