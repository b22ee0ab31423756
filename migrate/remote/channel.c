// SPDX-License-Identifier: Apache-2.0
// What every part of the store far away needs of its connection and of its session.
#include <string.h>

#include "base/assert.h"
#include "migrate/remote/parts.h"

uint64_t bf_remote_sent(const struct bf_remote *r)
{
    return r->channel.bytes_out;
}

void bf_remote_forget_session(struct bf_remote *r)
{
    memset(r->session, 0, sizeof r->session);
}

void bf_remote_bad_frame(struct bf_remote *r, const char *what)
{
    bf_channel_fail(&r->channel, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
                    "use the same version of Bootferry on both sides",
                    "the server broke the protocol: %s", what);
}

int bf_remote_give_up(struct bf_remote *r, const struct bf_fault *fault)
{
    uint8_t *room = r->channel.failed ? NULL : bf_channel_room(&r->channel, BF_SMALL_FRAME);
    BF_ASSERT(fault->code);
    if (!room)
        return 0;
    bf_channel_put(&r->channel, bf_put_fault(room, BF_SMALL_FRAME, fault));
    r->state = BF_REMOTE_CLOSED;
    return 1;
}

int bf_remote_flush(struct bf_remote *r)
{
    uint8_t *room;
    if (!r->range.count)
        return 1;
    BF_ASSERT(bf_remote_takes_chunks(r));
    room = bf_channel_room(&r->channel, 64);
    if (!room)
        return 0;
    bf_channel_put(&r->channel, bf_put_range(room, 64, &r->range));
    r->range.count = 0;
    return 1;
}
