// SPDX-License-Identifier: Apache-2.0
// What the daemon does at its start about whatever was interrupted (docs/store.md): points that
// were being sealed are completed, files that nothing refers to are removed, half-made objects too.
// What needs a storage daemon (re-reading doubtful windows) waits until the machine's next session.
#ifndef BF_REPLICA_POINTS_RECOVER_H
#define BF_REPLICA_POINTS_RECOVER_H

#include "base/err.h"
#include "replica/state/state.h"

// Opens a state as its one daemon, and recovers it.
enum bf_err bf_state_serve(const char *path, struct bf_state **out, struct bf_fault *fault);

// The part about one machine's points alone, which a new session of it repeats: a session may have
// been interrupted in a daemon that lived on. machine NULL: all.
enum bf_err bf_recover_points(struct bf_state *state, struct bf_db *db, const char *machine,
                              struct bf_fault *fault);

// Removes a folder of the state with the files in it (one level).
void bf_remove_folder(int state_dir, const char *path);

#endif
