// SPDX-License-Identifier: Apache-2.0
// The text of lvm.conf(5): sections in braces, "key = value" with strings, numbers and lists of
// them, comments from '#' to the end of the line.
#ifndef BF_FINALIZE_SYSTEM_LVM_CONF_H
#define BF_FINALIZE_SYSTEM_LVM_CONF_H

#include <stdbool.h>
#include <stddef.h>

#define BF_LVM_DEPTH 8

struct bf_lvm_conf {
    const char *text; // the file; borrowed
    size_t len, pos;
    unsigned line;
    char path[BF_LVM_DEPTH][32]; // sections that are open
    size_t depth;
    char key[64]; // of the value at hand, with its section: "devices/filter"
    bool in_list; // it is an element of a list
    size_t list;  // where the list's elements begin, behind its bracket
    bool is_text; // the value is a string, without its quotes
    const char *value;
    size_t value_len;
};

// Steps to the next value. False at the end, or where the file is malformed.
bool bf_lvm_conf_next(struct bf_lvm_conf *c);

#endif
