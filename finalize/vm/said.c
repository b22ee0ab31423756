// SPDX-License-Identifier: Apache-2.0
// See said.h. The sentences are those of e2fsprogs 1.47, xfsprogs 6.1, btrfs-progs 6.2 and
// dosfstools 4.2.
#include "finalize/vm/said.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/text.h"

static bool begins(const char *text, const char *const *with)
{
    for (; *with; with++)
        if (strncmp(text, *with, strlen(*with)) == 0)
            return true;
    return false;
}

// A line without blanks before it.
static void trimmed(const struct bf_line *line, char *out, size_t size)
{
    size_t n = 0;
    while (n < line->len && (line->at[n] == ' ' || line->at[n] == '\t'))
        n++;
    snprintf(out, size, "%.*s", (int)(line->len - n), line->at + n);
    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

void bf_said_first(const char *text, char *out, size_t size)
{
    static const char *const noise[] = {"e2fsck ",   "fsck.fat ", "Pass ",
                                        "Phase ",    "- ",        "Opening filesystem",
                                        "Checking ", "UUID: ",    "btrfs-progs",
                                        "WARNING",   "[",         "Warning!",
                                        "Warning:",  "ALERT:",    "changes in a log",
                                        NULL};
    size_t pos = 0, len = strlen(text);
    struct bf_line line;
    out[0] = 0;
    while (bf_line_next(text, len, &pos, &line)) {
        trimmed(&line, out, size);
        if (out[0] && !begins(out, noise))
            return;
    }
}

bool bf_said_fat_is_harmless(const char *text)
{
    static const char *const harmless[] = {
        "fsck.fat ",
        "0x41: Dirty bit is set",
        "0x25: Dirty bit is set",
        "Dirty bit is set",
        "Automatically removing dirty bit",
        "There are differences between boot sector and its backup",
        "This is mostly harmless. Differences:",
        "Not automatically fixing this",
        "Free cluster summary wrong",
        "Free cluster summary uninitialized",
        "Auto-correcting",
        "Auto-setting",
        "Leaving filesystem unchanged",
        "Filesystem was changed",
        "Fs was not properly unmounted",
        NULL};
    size_t pos = 0, len = strlen(text);
    struct bf_line line;
    char out[256];
    unsigned offset, a, b;
    while (bf_line_next(text, len, &pos, &line)) {
        trimmed(&line, out, sizeof out);
        bool summary = strstr(out, " files, ") && strstr(out, " clusters");
        // "65:01/00": the byte of the dirty mark (FAT16: 37), the only one that may differ
        bool differs = sscanf(out, "%u:%x/%x", &offset, &a, &b) == 3;
        if (differs && offset != 65 && offset != 37)
            return false;
        if (out[0] && !differs && !summary && !begins(out, harmless))
            return false;
    }
    return true;
}
