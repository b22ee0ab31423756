// SPDX-License-Identifier: Apache-2.0
// What the thread of a connection waits for, in poll(2), and the verdict that ends it.
#include <poll.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "replica/daemon/daemon.h"

// The sockets of all its lanes. While the reader is held up by something else, nobody waits for
// them to be readable.
static nfds_t add_sockets(const struct bf_conn *c, struct pollfd *fds)
{
    nfds_t count = 0;
    for (uint32_t i = 0; i < BF_LANES_MAX; i++) {
        const struct bf_stream *lane = bf_bundle_lane(&c->stream, i);
        short events = lane ? bf_tls_server_events(lane) : 0;
        if (!bf_bundle_starved(&c->stream))
            events &= ~POLLIN;
        if (events)
            fds[count++] = (struct pollfd){.fd = bf_tls_server_fd(lane), .events = events};
    }
    return count;
}

void bf_conn_wait(struct bf_conn *c, int timeout_ms)
{
    struct pollfd fds[2 + BF_LANES_MAX] = {{.fd = c->wake, .events = POLLIN}};
    nfds_t count = 1 + add_sockets(c, fds + 1);
    uint64_t ignored;
    if (c->store)
        fds[count++] = (struct pollfd){.fd = bf_session_store_fd(c->store), .events = POLLIN};
    poll(fds, count, timeout_ms);
    if (fds[0].revents && read(c->wake, &ignored, sizeof ignored) < 0)
        return;
}

void bf_conn_end(struct bf_conn *c, enum bf_verdict verdict)
{
    int none = BF_VERDICT_NONE;
    uint64_t one = 1;
    BF_ASSERT(verdict != BF_VERDICT_NONE);
    if (atomic_compare_exchange_strong(&c->verdict, &none, verdict) &&
        write(c->wake, &one, sizeof one) < 0)
        bf_log(BF_LOG_DEBUG, "%s: is awake", c->from);
}
