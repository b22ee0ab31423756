// SPDX-License-Identifier: Apache-2.0
// The state directory: everything that a replica server keeps. The daemon holds it exclusively; the
// operator's command opens it beside a running daemon (the database is multi-process, sealed files
// never change). Nothing inside names the directory itself, so it can be moved while nobody uses
// it. docs/store.md has the layout.
#ifndef BF_REPLICA_STATE_STATE_H
#define BF_REPLICA_STATE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/proto/proto.h"
#include "replica/state/db.h"

enum bf_state_mode {
    BF_STATE_COMMAND, // beside a running daemon, or without one
    BF_STATE_DAEMON,  // the one daemon: takes the lock, see bf_state_serve
};

struct bf_state;

// Makes a new state: directories 0700, the database. The directory may exist if it is empty.
// BF_ERR_EXISTS when there is a state already.
enum bf_err bf_state_create(const char *path, struct bf_fault *fault);

// Opens one. BF_ERR_NOT_FOUND: no state there; BF_ERR_BUSY: another daemon serves it;
// BF_ERR_VERSION: made by another version of the program.
enum bf_err bf_state_open(const char *path, enum bf_state_mode mode, struct bf_state **out,
                          struct bf_fault *fault);
void bf_state_close(struct bf_state *state); // takes NULL

// Where --state, BOOTFERRY_STATE and the default lead, in this order; option may be NULL.
const char *bf_state_default_path(const char *option);

const char *bf_state_path(const struct bf_state *state); // as given to open
int bf_state_dir(const struct bf_state *state);          // descriptor, for openat and the like

// The connection of the thread that opened the state. Other threads open their own with
// bf_state_open_db and close it with bf_db_close.
struct bf_db *bf_state_db(const struct bf_state *state);
enum bf_err bf_state_open_db(const struct bf_state *state, struct bf_db **out,
                             struct bf_fault *fault);

// A path to a socket in the state's run directory that fits sun_path however deep the state lies
// (through /proc/self/fd, valid in this process only). name: at most 72 characters.
enum { BF_SOCKET_PATH_MAX = 108 };
enum bf_err bf_state_socket(const struct bf_state *state, const char *name,
                            char out[BF_SOCKET_PATH_MAX]);

// True when a daemon holds the state's lock at the moment.
int bf_state_is_served(const struct bf_state *state);

#endif
