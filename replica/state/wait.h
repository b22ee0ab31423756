// SPDX-License-Identifier: Apache-2.0
// Waiting for a child process that works for us: as long as it brings something forward, and no
// longer than that. A child that hangs is killed here, so that everybody who waits for it finds it
// gone; the words about it are the caller's.
#ifndef BF_REPLICA_STATE_WAIT_H
#define BF_REPLICA_STATE_WAIT_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "linux/child_state.h"

enum { BF_WAIT_FDS_MAX = 72 };

struct bf_wait {
    struct bf_child_watch child;
    const char *name;      // of its program, for the log
    const char *also_name; // of child.also, which may be the one that hangs; NULL: there is none
    _Atomic int *hung;     // set to 1 when it was killed because it hangs; NULL: nobody asks
};

void bf_wait_begin(struct bf_wait *w, int pid, const char *name);

// Waits for something to happen on at most BF_WAIT_FDS_MAX descriptors (poll(2)), for half a second
// at most. BF_OK: look at revents, which may all be 0, and at what you wait for; call
// bf_child_progress when the child did something. BF_ERR_CANCELLED: see below. BF_ERR_TIMEOUT: the
// child hung and was killed; it is still to be reaped.
enum bf_err bf_wait_for(struct bf_wait *w, struct pollfd *fds, nfds_t count);

// The waits of the calling thread end with BF_ERR_CANCELLED from the moment that this descriptor is
// readable. -1, the default: never.
void bf_wait_cancel_by(int fd);
// The same from the moment that goes_on(user) says no, which is asked at every look, twice a
// second. NULL, the default: nobody is asked.
void bf_wait_cancel_when_not(bool (*goes_on)(void *user), void *user);
int bf_wait_is_cancelled(void);

#endif
