// SPDX-License-Identifier: Apache-2.0
// What every part of the pipeline needs of the store and of a disk.
#include "migrate/copy/parts.h"

uint64_t bf_copy_position(const struct bf_copy_disk *d, uint64_t chunk)
{
    uint64_t bytes = chunk * d->plan.geometry.chunk_size;
    return bytes < d->plan.geometry.disk_bytes ? bytes : d->plan.geometry.disk_bytes;
}

enum bf_err bf_copy_answer(struct bf_copy *c, enum bf_err err)
{
    const struct bf_store *store = &c->opened->store;
    const struct bf_fault *fault;
    if (!err || err == BF_AGAIN)
        return err;
    fault = store->ops->fault ? store->ops->fault(store->impl) : NULL;
    if (fault && fault->code)
        c->fault = *fault;
    else
        bf_fault_set(&c->fault, err, BF_SIDE_SERVER, "look at where the copy is stored",
                     "the store failed (%s)", bf_err_name(err));
    return c->fault.code;
}
