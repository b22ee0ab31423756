// SPDX-License-Identifier: Apache-2.0
// The text in which LVM2 keeps its metadata: sections of names and values, as lvm.conf(5) has them.
//
//     text  := { name ( "{" text "}" | "=" value ) }
//     value := one | "[" [ one { "," one } [ "," ] ] "]"
//     one   := number | string in double quotes
//
// Nothing is copied: a text is checked once as a whole, then walked as often as need be. Whatever
// the text says, the walk stays inside of it, and takes no memory.
#ifndef BF_IMAGE_USAGE_LVM_TEXT_H
#define BF_IMAGE_USAGE_LVM_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/usage/work.h"

enum bf_lvm_kind {
    BF_LVM_SECTION,
    BF_LVM_ARRAY,
    BF_LVM_NUMBER,
    BF_LVM_STRING,
};

// work counts what is walked, with all that is inside of it; NULL: it is not counted. When it is
// too much, texts seem to end: look at bf_work_is_over before what was found is believed.
struct bf_lvm_text {
    const char *at, *end;
    struct bf_work *work;
};

struct bf_lvm_item {
    struct bf_lvm_text name; // empty for the elements of an array
    enum bf_lvm_kind kind;
    struct bf_lvm_text inside; // without the brackets, the braces or the quotes
};

// BF_OK: all of it follows the grammar, and no section is nested deeper than eight. NUL bytes at
// the end are passed over: LVM2 writes one. BF_ERR_CORRUPT otherwise.
enum bf_err bf_lvm_check(const struct bf_lvm_text *text);

// The next item of a section, or of the inside of an array. 0 at the end.
int bf_lvm_next(struct bf_lvm_text *text, struct bf_lvm_item *item);
int bf_lvm_next_element(struct bf_lvm_text *array, struct bf_lvm_item *item);
// The item of that name. 0: there is none, or more than one. It walks all of the section.
int bf_lvm_find(struct bf_lvm_text section, const char *name, struct bf_lvm_item *item);

int bf_lvm_is(const struct bf_lvm_text *text, const char *word);
int bf_lvm_same(const struct bf_lvm_text *a, const struct bf_lvm_text *b);
// What an item of that name says; 0 when there is none, or of another kind, or beyond 64 bits.
int bf_lvm_number(const struct bf_lvm_item *item, uint64_t *out);
int bf_lvm_find_number(struct bf_lvm_text section, const char *name, uint64_t *out);
int bf_lvm_find_text(struct bf_lvm_text section, const char *name, struct bf_lvm_text *out);

#endif
