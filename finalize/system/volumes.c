// SPDX-License-Identifier: Apache-2.0
// What finds the volumes of a machine by the names of its disks: md, LVM, multipath. Multipath's
// own lists of WWIDs name disks that stay behind; it makes new entries by itself, so that they are
// only said.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/system/steps.h"

// How many lines are no comment, and the first of them.
static unsigned count_lines(const char *text, size_t len, unsigned *first)
{
    struct bf_line line;
    unsigned lines = 0, number = 0;
    for (size_t pos = 0; bf_line_next(text, len, &pos, &line);) {
        number++;
        if (line.len == 0 || line.at[0] == '#')
            continue;
        *first = lines++ ? *first : number;
    }
    return lines;
}

static void note_multipath(struct bf_fin *f)
{
    static const char *const files[] = {"/etc/multipath/wwids", "/etc/multipath/bindings"};
    size_t len;
    unsigned first = 0;
    for (size_t i = 0; i < BF_COUNT(files); i++) {
        const char *text = bf_edits_get(&f->edits, files[i], &len, NULL);
        unsigned lines = text ? count_lines(text, len, &first) : 0;
        if (lines)
            bf_note(f->report, "info", files[i],
                    "line %u: has %u disk%s of the old home by WWID, which the new one does not "
                    "have; multipath adds what it finds there",
                    first, lines, lines == 1 ? "" : "s");
    }
}

static void note_blacklist(struct bf_fin *f)
{
    static const char path[] = "/etc/multipath.conf";
    size_t len;
    const char *text = bf_edits_get(&f->edits, path, &len, NULL);
    struct bf_line line;
    unsigned number = 0;
    for (size_t pos = 0, n; text && bf_line_next(text, len, &pos, &line);) {
        const char *at = line.at, *word;
        number++;
        if (!bf_word_next(&at, line.at + line.len, &word, &n))
            continue;
        if (bf_word_is(word, n, "wwid")) {
            bf_note(f->report, "info", path,
                    "line %u: names a disk of the old home by its WWID, which the new one does not "
                    "have",
                    number);
            return;
        }
    }
}

enum bf_err bf_adapt_volumes(struct bf_fin *f)
{
    enum bf_err err = bf_adapt_mdadm(f);
    if (!err)
        err = bf_adapt_lvm(f);
    if (err)
        return err;
    note_multipath(f);
    note_blacklist(f);
    return BF_OK;
}
