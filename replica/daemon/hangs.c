// SPDX-License-Identifier: Apache-2.0
// Storage daemons that hung, by machine. One that hangs is killed, and the source's next connection
// gets another; when that happens again and again and nothing more becomes durable, the server's
// disks are at fault, and a source gives up after BF_HANGS_MAX replacements. Lives in memory: a
// server that was restarted counts anew.
#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "replica/daemon/daemon.h"

// With the lock.
static struct bf_hang *find(struct bf_daemon *d, const char *machine)
{
    struct bf_hang *oldest = &d->hang[0];
    for (uint32_t i = 0; i < BF_SESSIONS_LIMIT; i++) {
        if (strcmp(d->hang[i].machine, machine) == 0)
            return &d->hang[i];
        if (d->hang[i].order < oldest->order)
            oldest = &d->hang[i];
    }
    memset(oldest, 0, sizeof *oldest);
    bf_snprintf(oldest->machine, sizeof oldest->machine, "%s", machine);
    return oldest;
}

uint64_t bf_conn_durable_chunks(const struct bf_conn *c)
{
    uint64_t sum = 0;
    BF_ASSERT(c->store);
    for (uint16_t i = 0; i < c->live.disks; i++)
        sum += bf_session_store_resume(c->store, c->live.disk[i].number);
    return sum;
}

uint32_t bf_conn_note_hang(struct bf_conn *c)
{
    struct bf_daemon *d = c->daemon;
    int progress = bf_conn_durable_chunks(c) > c->resumed_chunks;
    BF_ASSERT(c->holds_machine && bf_session_store_has_hung(c->store));
    pthread_mutex_lock(&d->lock);
    struct bf_hang *hang = find(d, c->peer.machine);
    hang->count = progress ? 1 : hang->count + 1;
    hang->order = ++d->hangs;
    uint32_t count = hang->count;
    pthread_mutex_unlock(&d->lock);
    return count;
}

void bf_conn_forget_hangs(struct bf_conn *c)
{
    pthread_mutex_lock(&c->daemon->lock);
    memset(find(c->daemon, c->peer.machine), 0, sizeof(struct bf_hang));
    pthread_mutex_unlock(&c->daemon->lock);
}
