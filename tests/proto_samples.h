// SPDX-License-Identifier: Apache-2.0
// One sound message of every kind, for tests and as seeds of fuzzers.
#ifndef BF_TESTS_PROTO_SAMPLES_H
#define BF_TESTS_PROTO_SAMPLES_H

#include "net/proto/proto.h"

struct bf_hello proto_sample_hello(void);
struct bf_welcome proto_sample_welcome(void);
struct bf_planned_disk proto_sample_plan(void);
struct bf_unseen proto_sample_unseen(void);
struct bf_boot_entry proto_sample_boot_entry(void);
struct bf_place proto_sample_place(void);
void proto_sample_inventory(struct bf_inventory *inventory);

// Sample number `which`, in the order of a session. Returns the frame's length, 0 after the last.
size_t proto_sample(unsigned which, uint8_t *bytes, size_t size);

#endif
