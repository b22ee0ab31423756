// SPDX-License-Identifier: Apache-2.0
// What the files that describe a machine share.
#ifndef BF_REPLICA_TARGETS_MACHINE_PARTS_H
#define BF_REPLICA_TARGETS_MACHINE_PARTS_H

#include "replica/targets/machine.h"

// machine_text.c
void bf_tgt_note(struct bf_tgt_machine *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// A text of the object, "" when there is none.
const char *bf_tgt_field(const json_t *object, const char *key);
// machine_nics.c: the NICs in the source's order, with what the plan says of each.
enum bf_err bf_tgt_fill_nics(const struct bf_tgt_source *source, struct bf_tgt_machine *m,
                             struct bf_fault *fault);

#endif
