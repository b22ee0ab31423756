// SPDX-License-Identifier: Apache-2.0
// What the new machine is made of: the source's inventory, changed where the plan says so. A
// machine that could not work is refused here, before anything is made: no firmware that is known,
// a disk bus for which the finalizer put no driver in, disks with blocks that the bus cannot show.
#ifndef BF_REPLICA_TARGETS_MACHINE_H
#define BF_REPLICA_TARGETS_MACHINE_H

#include <jansson.h>

#include "finalize/core/plan.h"
#include "replica/points/image.h"
#include "replica/targets/target.h"

struct bf_tgt_source {
    const struct bf_point *point;
    const json_t *inventory; // of the point; NULL: nothing is on record
    const struct bf_plan *plan;
    int64_t test; // the job whose test it is; 0: the machine itself
};

// Fills *m, all but the disks' chains. The fault names the plan's key that would help. External for
// tests.
enum bf_err bf_tgt_machine_fill(const struct bf_tgt_source *source, struct bf_tgt_machine *m,
                                struct bf_fault *fault);

// The same for the finalized object `ref`, of the plan's JSON, with chains. To be freed also after
// a failure.
enum bf_err bf_tgt_machine_make(struct bf_state *state, const struct bf_image_ref *ref,
                                const char *plan, size_t len, int64_t test,
                                struct bf_tgt_machine *m, struct bf_fault *fault);
void bf_tgt_machine_free(struct bf_tgt_machine *m);

#endif
