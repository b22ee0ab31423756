// SPDX-License-Identifier: Apache-2.0
// Judges what opens an encrypted root: words of the command line (systemd-cryptsetup-generator(8),
// dracut.cmdline(7), the hook "encrypt" of mkinitcpio, genkernel(8), Alpine's mkinitfs, Debian's
// cryptopts=), and the initramfs's own copy of crypttab(5). A device that is not there is not
// opened.
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/rehearse/judges.h"

// A device, and the name under /dev/mapper that it gets; "" where that is not said.
struct opened {
    char device[160], name[128];
};

static bool is_there(const struct bf_walk *w, const char *device)
{
    return bf_name_kind(device) != BF_NAME_ORDER && bf_device_find(w->f->devices, device);
}

static bool has_luks(const struct bf_devices *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->item[i].type, "crypto_LUKS") == 0)
            return true;
    return false;
}

// Whether the root is the device that gets this name.
static bool is_root(const struct bf_walk *w, const struct bf_judged *j, const char *name)
{
    char path[sizeof((struct opened *)0)->name + 16];
    snprintf(path, sizeof path, "/dev/mapper/%s", name);
    return name[0] && (strcmp(j->root, path) == 0 || bf_device_find(w->f->devices, path) == j->dev);
}

// `where` is for a sentence: "has cryptdevice=", "gets an initramfs whose etc/crypttab has ".
static void judge_opened(struct bf_walk *w, struct bf_judged *j, const struct opened *o,
                         const char *where)
{
    bool order = bf_name_kind(o->device) == BF_NAME_ORDER;
    if (!o->device[0] || is_there(w, o->device) || bf_device_unprobed(o->device))
        return;
    enum bf_trouble_kind kind = is_root(w, j, o->name)                       ? bf_walk_missing(w)
                                : j->dev->stacked && has_luks(w->f->devices) ? BF_TROUBLE_DOUBT
                                                                             : BF_TROUBLE_LOOK;
    bf_judge_say(w, j, kind, "%s%s, %s%s", where, o->device,
                 order ? "a name that depends on the machine and the order of its disks"
                       : "which is on none of the disks",
                 kind == BF_TROUBLE_LOOK
                     ? ": the start may wait for it"
                     : ": the encrypted device of its root is not opened; write UUID=... there on "
                       "the source, and make the initramfs anew");
}

// ---- The command line ---------------------------------------------------------------------------

static void copy(char *out, size_t size, const char *at, size_t len)
{
    snprintf(out, size, "%.*s", len < size ? (int)len : 0, at);
}

// "UUID=abc:root:options", "PARTLABEL=x:root"; an early form has no device but its name.
static void read_colons(const char *at, size_t len, struct opened *o)
{
    const char *colon = memchr(at, ':', len), *end = at + len;
    copy(o->device, sizeof o->device, at, colon ? (size_t)(colon - at) : len);
    if (!colon)
        return;
    const char *next = memchr(colon + 1, ':', (size_t)(end - colon - 1));
    copy(o->name, sizeof o->name, colon + 1, (size_t)((next ? next : end) - colon - 1));
}

// A UUID as it is or behind "luks-", and a name behind "=", where there is one.
static void read_uuid(const char *at, size_t len, struct opened *o)
{
    const char *eq = memchr(at, '=', len);
    size_t skip = len > 5 && strncmp(at, "luks-", 5) == 0 ? 5 : 0;
    size_t n = (eq ? (size_t)(eq - at) : len) - skip;
    if (n < sizeof o->device - 5)
        snprintf(o->device, sizeof o->device, "UUID=%.*s", (int)n, at + skip);
    if (eq)
        copy(o->name, sizeof o->name, eq + 1, (size_t)(at + len - eq - 1));
    else
        snprintf(o->name, sizeof o->name, "luks-%.*s", n < 100 ? (int)n : 0, at + skip);
}

// "target=root,source=UUID=abc,key=none", in any order.
static void read_list(const char *at, size_t len, struct opened *o)
{
    const char *end = at + len;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma ? comma : end;
        size_t n = (size_t)(stop - at);
        if (n > 7 && strncmp(at, "source=", 7) == 0)
            copy(o->device, sizeof o->device, at + 7, n - 7);
        else if (n > 7 && strncmp(at, "target=", 7) == 0)
            copy(o->name, sizeof o->name, at + 7, n - 7);
        at = comma ? comma + 1 : end;
    }
}

static const struct {
    const char *key;
    void (*read)(const char *at, size_t len, struct opened *o);
} words[] = {
    {"cryptdevice=", read_colons}, {"crypt_root=", read_colons}, {"cryptroot=", read_colons},
    {"rd.luks.name=", read_uuid},  {"luks.name=", read_uuid},    {"rd.luks.uuid=", read_uuid},
    {"luks.uuid=", read_uuid},     {"rd_LUKS_UUID=", read_uuid}, {"cryptopts=", read_list},
};

static void judge_word(struct bf_walk *w, struct bf_judged *j, const char *word, size_t len)
{
    for (size_t i = 0; i < BF_COUNT(words); i++) {
        size_t n = strlen(words[i].key);
        if (len <= n || strncmp(word, words[i].key, n) != 0)
            continue;
        struct opened o = {.name = ""};
        char where[64];
        words[i].read(word + n, len - n, &o);
        snprintf(where, sizeof where, "has %s", words[i].key);
        judge_opened(w, j, &o, where);
    }
}

// ---- The initramfs ------------------------------------------------------------------------------

void bf_judge_crypttab(struct bf_walk *w, struct bf_judged *j, const char *file, const char *text,
                       size_t len)
{
    struct bf_line line;
    char where[160];
    snprintf(where, sizeof where, "gets an initramfs whose %s has ", file);
    for (size_t pos = 0; j->dev && bf_line_next(text, len, &pos, &line);) {
        const char *at = line.at, *end = line.at + line.len, *word;
        struct opened o = {.name = ""};
        size_t n;
        if (!bf_word_next(&at, end, &word, &n) || word[0] == '#')
            continue;
        if (memchr(word, '=', n))
            read_list(word, n, &o); // of Debian 9 and before
        else
            copy(o.name, sizeof o.name, word, n);
        if (!o.device[0] && bf_word_next(&at, end, &word, &n))
            copy(o.device, sizeof o.device, word, n);
        judge_opened(w, j, &o, where);
    }
}

void bf_judge_crypt(struct bf_walk *w, struct bf_judged *j)
{
    const char *at = j->start->cmdline ? j->start->cmdline : "", *end = at + strlen(at), *word;
    size_t len;
    while (j->dev && bf_word_next(&at, end, &word, &len))
        judge_word(w, j, word, len);
}
