// SPDX-License-Identifier: Apache-2.0
// One plan from what an operator gives: a file of JSON, options in the form that virt-v2v(1) made
// known (--mac MAC:ip:ADDR[,GW[,LEN[,DNS...]]]), and the kind of target.
#ifndef BF_FINALIZE_PLAN_COMPOSE_H
#define BF_FINALIZE_PLAN_COMPOSE_H

#include <jansson.h>

#include "base/err.h"

#define BF_COMPOSE_MACS 64

struct bf_compose {
    const char *file; // the bytes of the plan's file; NULL: there is none
    size_t file_len;
    const char *target;               // --target; NULL: not given
    const char *mac[BF_COMPOSE_MACS]; // the values of --mac
    size_t macs;
};

// The plan as JSON text that bf_plan_parse() takes; *json is the caller's, freed with free(). A
// file alone stays as it is, byte for byte, and is checked. The fault of an option that cannot be
// meant begins with its name.
enum bf_err bf_compose(const struct bf_compose *given, char **json, size_t *len,
                       struct bf_fault *fault);

// The same for an inspection, of which a plan's file gives the keys that open and choose file
// systems: "root", "unlock", "mounts", "check". The whole file is checked; it may leave the target
// out. Everything else is left out of the result.
enum bf_err bf_compose_inspection(const struct bf_compose *given, char **json, size_t *len,
                                  struct bf_fault *fault);

// Whether there is such a kind of target; the fault has those that there are.
enum bf_err bf_compose_target(const char *target, struct bf_fault *fault);

// A plan of this one interface, which must be sound by itself. The place in the fault is that
// inside the entry: "gateway: is not ...".
enum bf_err bf_compose_check_nic(json_t *nic, struct bf_fault *fault);

#endif
