// SPDX-License-Identifier: Apache-2.0
// Whose files the state's are. The daemon runs as a user of its own, and the operator often as
// root: what root's commands create in the state must stay the daemon's. So a command that root
// started works in the state as its owner, and goes back to root for the operator's own files.
#ifndef BF_REPLICA_STATE_OWNER_H
#define BF_REPLICA_STATE_OWNER_H

#include "base/err.h"

#define BF_OWNER_USER  "bootferry" // of the packaged daemon
#define BF_OWNER_STATE "/var/lib/bootferry"

// As root: continue with the file rights of the folder's owner. Otherwise, and when the folder does
// not exist, nothing.
void bf_owner_enter(const char *state);
// Back to the operator's own rights, for files outside the state.
void bf_owner_leave(void);

// For `init` as root: gives BF_OWNER_STATE, and no other folder, to BF_OWNER_USER when there is
// such a user; makes it if necessary.
enum bf_err bf_owner_prepare(const char *state, struct bf_fault *fault);

// For the daemon as root: becomes the folder's owner for good. BF_ERR_DENIED when that fails.
enum bf_err bf_owner_become(const char *state, struct bf_fault *fault);

#endif
