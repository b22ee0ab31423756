// SPDX-License-Identifier: Apache-2.0
// See crypttab.h. cryptsetup.target requires each line that has neither "noauto" nor "nofail", but
// sysinit.target only wants that target: a missing device delays the start and does not end it. A
// file system of fstab pulls in the line that makes its device, whatever the line's options are
// (systemd-cryptsetup-generator(8)).
#include "finalize/rehearse/crypttab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

#define PATH      "/etc/crypttab"
#define LINES_MAX 1024
#define HOPS_MAX  8 // devices on devices that crypttab opens

static void copy_word(const char **at, const char *end, char *out, size_t size)
{
    const char *word;
    size_t len;
    out[0] = 0;
    if (bf_word_next(at, end, &word, &len) && len < size)
        snprintf(out, size, "%.*s", (int)len, word);
}

static bool is_waited_for(const char *options)
{
    static const char *const not_waited[] = {"noauto", "nofail", "_netdev"};
    for (const char *at = options; *at; at += strcspn(at, ","), at += *at == ',')
        for (size_t i = 0; i < BF_COUNT(not_waited); i++)
            if (strcspn(at, ",") == strlen(not_waited[i]) &&
                strncmp(at, not_waited[i], strlen(not_waited[i])) == 0)
                return false;
    return true;
}

static void add_line(struct bf_crypts *c, const struct bf_line *line, unsigned number)
{
    const char *at = line->at, *end = line->at + line->len;
    char key[256], options[512];
    struct bf_crypt *v = &c->item[c->count];
    *v = (struct bf_crypt){.line = number};
    copy_word(&at, end, v->name, sizeof v->name);
    copy_word(&at, end, v->device, sizeof v->device);
    copy_word(&at, end, key, sizeof key);
    copy_word(&at, end, options, sizeof options);
    v->waited = is_waited_for(options);
    c->count += v->name[0] && v->name[0] != '#' && v->device[0];
}

void bf_crypts_read(struct bf_walk *w, struct bf_crypts *c)
{
    size_t len, pos = 0;
    unsigned number = 0;
    struct bf_line line;
    const char *text = bf_walk_text(w, PATH, &len);
    *c = (struct bf_crypts){.item = text ? calloc(LINES_MAX, sizeof *c->item) : NULL};
    while (c->item && c->count < LINES_MAX && bf_line_next(text, len, &pos, &line))
        add_line(c, &line, ++number);
}

void bf_crypts_free(struct bf_crypts *c)
{
    free(c->item);
    *c = (struct bf_crypts){.count = 0};
}

static struct bf_crypt *find(struct bf_crypts *c, const char *name)
{
    if (strncmp(name, "/dev/mapper/", 12) != 0)
        return NULL;
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->item[i].name, name + 12) == 0)
            return &c->item[i];
    return NULL;
}

static bool is_tag(const char *name)
{
    static const char *const tag[] = {"UUID=", "LABEL=", "PARTUUID=", "PARTLABEL="};
    for (size_t i = 0; i < BF_COUNT(tag); i++)
        if (strncasecmp(name, tag[i], strlen(tag[i])) == 0)
            return true;
    return false;
}

static enum bf_lack lack_of(const struct bf_devices *d, const char *name)
{
    if (bf_name_kind(name) == BF_NAME_ORDER)
        return BF_LACK_ORDER;
    if (!(is_tag(name) || strncmp(name, "/dev/", 5) == 0) || bf_device_find(d, name))
        return BF_LACK_NONE;
    return bf_device_unprobed(name) ? BF_LACK_UNPROBED : BF_LACK_NOWHERE;
}

enum bf_lack bf_crypts_lack(struct bf_crypts *c, const struct bf_devices *d, const char *name,
                            struct bf_crypt **by)
{
    *by = NULL;
    for (size_t hop = 0; hop < HOPS_MAX; hop++) {
        enum bf_lack lack = lack_of(d, name);
        struct bf_crypt *next = lack == BF_LACK_NOWHERE ? find(c, name) : NULL;
        if (!next)
            return lack;
        *by = next;
        name = next->device;
    }
    return BF_LACK_NOWHERE; // one opens the other
}

const char *bf_lack_text(enum bf_lack lack)
{
    return lack == BF_LACK_ORDER
               ? "is a name that depends on the machine and the order of its disks"
           : lack == BF_LACK_UNPROBED ? "is a name that is not among what is probed"
                                      : "is on none of the disks";
}

void bf_crypts_judge(struct bf_walk *w, struct bf_crypts *c)
{
    struct bf_crypt *by;
    for (size_t i = 0; i < c->count && bf_walk_sees_all(w); i++) {
        const struct bf_crypt *v = &c->item[i];
        enum bf_lack lack = bf_crypts_lack(c, w->f->devices, v->device, &by);
        // Of one behind another line, that line is said.
        if (lack != BF_LACK_NONE && v->waited && !v->said && !by)
            bf_walk_say(w, BF_TROUBLE_LOOK, PATH, v->line,
                        "%s for %s %s: the start waits for it, 90 seconds as a rule", v->device,
                        v->name, bf_lack_text(lack));
    }
}
