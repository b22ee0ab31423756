// SPDX-License-Identifier: Apache-2.0
// The syntax of disk selectors (`disk=`): comma-separated conditions KIND:VALUE. Commas within
// parentheses belong to the value, since device paths have them. What a condition means for a disk
// is in image/identity.h.
#ifndef BF_BASE_SELECTOR_H
#define BF_BASE_SELECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum bf_selector_kind {
    BF_SELECT_ANY, // a value alone
    BF_SELECT_SERIAL,
    BF_SELECT_WWN,
    BF_SELECT_GPT,
    BF_SELECT_PATH,
    BF_SELECT_SIZE,
};

struct bf_selector_term {
    enum bf_selector_kind kind;
    char value[192];
    uint64_t bytes; // SIZE
};

// Takes the next condition from *at and moves *at behind it. BF_ERR_NOT_FOUND at the end,
// BF_ERR_CONFIG with a reason when it cannot be parsed.
enum bf_err bf_selector_next(const char **at, struct bf_selector_term *out, char *reason,
                             size_t reason_size);

// Looks at all conditions; BF_ERR_CONFIG when one is wrong or there is none.
enum bf_err bf_selector_syntax(const char *selector, char *reason, size_t reason_size);

// A place of a disk: "N@SELECTOR" is partition N of the disk, "SELECTOR" all of the disk,
// "partuuid:GUID" the partition with this GUID. Pointers lead into the text. BF_ERR_CONFIG with a
// reason (which may be NULL) when it is none of these.
struct bf_place_selector {
    uint32_t number;  // 0: all of the disk
    const char *disk; // selector, NULL with a GUID
    const char *guid;
};
enum bf_err bf_place_selector_parse(const char *text, struct bf_place_selector *out, char *reason,
                                    size_t reason_size);

#endif
