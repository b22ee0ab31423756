// SPDX-License-Identifier: Apache-2.0
// Tables of files for the adapters: what a file holds, and what one adapter makes of it on a
// machine with these disks. A second run over the result has to change nothing.
//
// | name  | type          | UUID    | PARTUUID |
// |-------|---------------|---------|----------|
// | sda   | -             | -       | -        |
// | sda1  | vfat (ESP)    | AB-CD   | part-a1  |
// | sda2  | ext4 (root)   | 1111    | part-a2  |
// | sda3  | swap          | 2222    | part-a3  |
// | sda4  | crypto_LUKS   | 3333    | part-a4  |
// | sda5  | empty         | -       | part-a5  |
// | sdb1  | ext4          | 4444    | part-b1  |
// | sdb2  | LVM2_member   | pv-b2   | part-b2  |
// | sdc1  | xfs           | twin    | part-c1  |
// | sdd1  | xfs           | twin    | part-d1  |
// | vg-lv | xfs (stacked) | 5555    | -        |
#ifndef BF_TESTS_FINALIZE_TABLE_H
#define BF_TESTS_FINALIZE_TABLE_H

#include "finalize/system/fin.h"

struct table_row {
    const char *in;
    const char *out;  // "=": the same; "!": the plan is refused
    const char *note; // what the report says, or a part of it; NULL: anything; "": nothing at all
};

extern struct bf_fin table_fin;
extern struct bf_plan table_plan; // for the target qemu-virtio, until a test says otherwise

// In the place of the plan's target; NULL, as a test begins: that one.
extern const struct bf_target *table_target;

// A new run on an empty plan, with the disks above.
void table_begin(void);
// The same run once more: nothing was read, nothing was said.
void table_again(void);
// Whether the report of the run has this text in a note or in its error.
bool table_said(const char *text);
// Puts the file, runs the step, and compares. NULL, or what is wrong.
const char *table_fault(enum bf_err (*step)(struct bf_fin *), const char *path,
                        const struct table_row *row);
// The same of a row whose input has NUL bytes or the like: counted.
const char *table_fault_of(enum bf_err (*step)(struct bf_fin *), const char *path, const char *in,
                           size_t in_len, const char *out, size_t out_len);
void table_put(const char *path, const char *text);
void table_remove(const char *path);

// Checks every row of a table, with the harness of tests/unit/test.h.
#define TABLE_CHECK(step, path, rows)                                                              \
    for (size_t table_i = 0; table_i < BF_COUNT(rows); table_i++) {                                \
        const char *table_why = table_fault(step, path, &(rows)[table_i]);                         \
        if (table_why)                                                                             \
            FAIL("row %zu: %s", table_i, table_why);                                               \
    }

#endif
