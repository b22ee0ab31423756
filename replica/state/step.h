// SPDX-License-Identifier: Apache-2.0
// Named steps of everything that must survive being killed: the store announces each one right
// after it is done, and so do jobs, which also announce where they stand before they go on. In the
// programs this does nothing (replica/state/step.c); a test links a definition of its own, to kill
// the process there or to look at what is on the disk. docs/store.md lists those of the store.
#ifndef BF_REPLICA_STATE_STEP_H
#define BF_REPLICA_STATE_STEP_H

void bf_step_done(const char *name);

#endif
