// SPDX-License-Identifier: Apache-2.0
// How a connection fails: one fault, which is also sent to the source.
#include <stdarg.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "migrate/receiver/parts.h"

void bf_receiver_fail(struct bf_receiver *r, const struct bf_fault *fault)
{
    // One fault travels, whatever else was waiting for room.
    uint8_t *room = bf_channel_room(&r->channel, BF_SMALL_FRAME);
    BF_ASSERT(fault->code && r->state < BF_RECEIVER_FAILING);
    r->fault = *fault;
    if (room)
        bf_channel_put(&r->channel, bf_put_fault(room, BF_SMALL_FRAME, &r->fault));
    r->state = BF_RECEIVER_FAILING;
    r->moved = 1; // the next turn sends it
    r->outcome = r->fault.code;
    r->ends_us = r->now_us + BF_FAREWELL_US;
}

enum bf_err bf_receiver_refuse(struct bf_receiver *r, enum bf_err err, enum bf_side side,
                               const char *todo, const char *format, ...)
{
    struct bf_fault fault;
    char what[sizeof fault.what];
    va_list args;
    va_start(args, format);
    bf_vsnprintf(what, sizeof what, format, args);
    va_end(args);
    bf_fault_set(&fault, err, side, todo, "%s", what);
    bf_receiver_fail(r, &fault);
    return err;
}

enum bf_err bf_receiver_bad_frame(struct bf_receiver *r, const char *what)
{
    return bf_receiver_refuse(r, BF_ERR_PROTOCOL, BF_SIDE_SOURCE,
                              "use the same version of Bootferry on both sides",
                              "the source broke the protocol: %s", what);
}

enum bf_err bf_receiver_fault_from_store(struct bf_receiver *r, enum bf_err err)
{
    const struct bf_store *store = &r->session->opened.store;
    const struct bf_fault *fault = store->ops->fault ? store->ops->fault(store->impl) : NULL;
    if (!fault || !fault->code)
        return bf_receiver_refuse(r, err, BF_SIDE_SERVER, "look at the server's log",
                                  "the replica's store failed (%s)", bf_err_name(err));
    bf_receiver_fail(r, fault);
    return r->fault.code;
}

enum bf_err bf_receiver_fault_from_host(struct bf_receiver *r, enum bf_err err,
                                        const struct bf_fault *fault)
{
    if (fault->code)
        return bf_receiver_refuse(r, fault->code, fault->side, fault->todo, "%s", fault->what);
    return bf_receiver_refuse(r, err, BF_SIDE_SERVER, "look at the server's log",
                              "the server refused the session (%s)", bf_err_name(err));
}
