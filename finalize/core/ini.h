// SPDX-License-Identifier: Apache-2.0
// systemd's unit-like files (.network, .link): sections, Key=value lines, comments. Files are
// stepped through line by line, so that what is not rewritten keeps its bytes.
#ifndef BF_FINALIZE_CORE_INI_H
#define BF_FINALIZE_CORE_INI_H

#include "finalize/core/text.h"

enum bf_ini_kind { BF_INI_OTHER, BF_INI_SECTION, BF_INI_KEY };

struct bf_ini {
    const char *text; // the file; borrowed
    size_t size;
    size_t pos;          // where the next line begins
    struct bf_line line; // the current line
    enum bf_ini_kind kind;
    char section[32]; // name of the section that the line is in, "" before the first
    unsigned ordinal; // counts sections from 1
    char key[48];
    const char *value; // BF_INI_KEY: trimmed value, not terminated
    size_t value_len;
};

void bf_ini_init(struct bf_ini *ini, const char *text, size_t size);
bool bf_ini_next(struct bf_ini *ini);
// True on a Key=value line of that section and key.
bool bf_ini_is(const struct bf_ini *ini, const char *section, const char *key);
// Finds the first value of a key into `out`, "" when absent. False when absent.
bool bf_ini_find(const char *text, size_t size, const char *section, const char *key, char *out,
                 size_t out_size);

#endif
