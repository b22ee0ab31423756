// SPDX-License-Identifier: Apache-2.0
// A store far away: migrate/store.h spoken to a replica server over a connection
// (docs/protocol.md). It greets, takes the server's plan, compresses and frames what it is given,
// and hears what the server answers. The server is believed about its own store and about nothing
// else. Connections are its owner's (migrate/sender.c): each is attached, polled once per turn, and
// let go of; the session and what is durable in it go on with the next.
#ifndef BF_MIGRATE_REMOTE_REMOTE_H
#define BF_MIGRATE_REMOTE_REMOTE_H

#include <stdint.h>

#include "base/err.h"
#include "migrate/remote/ladder.h"
#include "migrate/channel.h"
#include "migrate/store.h"

struct bf_workers;

struct bf_remote_config {
    const struct bf_inventory *inventory;
    uint8_t boot[16];
    struct bf_workers *workers; // the pipeline's, which compress as well; may have none
    uint8_t compression;        // as in bf_sender_config
    uint64_t limit;             // bytes per second at most, see migrate/limit.h; 0 = none
    int64_t (*clock)(void);     // wall clock; NULL: there is none
    const char *program;
    // Why plan i of what the server opened does not fit this machine, NULL: it does.
    const char *(*unsound)(void *user, const struct bf_store_opened *opened, uint16_t i);
    void *user;
};

struct bf_remote;

struct bf_remote *bf_remote_new(const struct bf_remote_config *config, uint64_t now_us);
// Takes NULL. No worker may have a task of it any more.
void bf_remote_free(struct bf_remote *r);

// A stream that is being opened; it stays its owner's, who detaches it before it is closed. What
// was under way on the one before is forgotten. caution: frames are halved so often.
void bf_remote_attach(struct bf_remote *r, struct bf_stream stream, uint32_t caution,
                      uint64_t now_us);
void bf_remote_detach(struct bf_remote *r);
// The stream is open: HELLO and INVENTORY go out.
void bf_remote_greet(struct bf_remote *r);
// Sends, receives, and deals with what came: once per turn while a stream is attached. Returns 1
// when something was done; the channel says whether it failed.
int bf_remote_poll(struct bf_remote *r, uint64_t now_us);
// Moves bytes only, while something else takes long.
void bf_remote_stay_alive(struct bf_remote *r, uint64_t now_us);
struct bf_channel *bf_remote_channel(struct bf_remote *r);

// All plans have come: the store. NULL before that.
const struct bf_store_opened *bf_remote_opened(const struct bf_remote *r);
// Why what the server planned is not what this machine can do; code BF_OK: nothing is wrong.
const struct bf_fault *bf_remote_unfit(const struct bf_remote *r);
const char *bf_remote_machine(const struct bf_remote *r); // its name with the server
uint64_t bf_remote_sent(const struct bf_remote *r);       // bytes, of all connections
uint64_t bf_remote_sent_here(const struct bf_remote *r);  // bytes since it was greeted
// Another session is begun with the next connection.
void bf_remote_forget_session(struct bf_remote *r);

// passed_us went into this, while disks are read: the compression follows
// (migrate/remote/ladder.h).
void bf_remote_spent(struct bf_remote *r, uint64_t passed_us, enum bf_waiting what);
int bf_remote_is_sending(const struct bf_remote *r); // data waits for the channel

// Sends FAULT. 0: there is no room for it.
int bf_remote_give_up(struct bf_remote *r, const struct bf_fault *fault);

#endif
