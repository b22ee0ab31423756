// SPDX-License-Identifier: Apache-2.0
// Running another program: no shell, nothing inherited but the standard descriptors and those that
// are named, its messages kept for the fault. Secrets never belong in argv, where every user of the
// machine can read them.
#ifndef BF_REPLICA_MEDIA_CHILD_H
#define BF_REPLICA_MEDIA_CHILD_H

#include "base/err.h"

// Runs argv[0] (looked up in PATH) and waits for it. BF_OK when it ended with status 0;
// BF_ERR_NOT_FOUND when it is not installed, with the Debian package to install; BF_ERR_TIMEOUT
// when it hung, BF_ERR_CANCELLED (replica/state/wait.h); BF_ERR_IO otherwise, with its last line of
// output. doing completes "cannot ...". keep: descriptors that it gets under the same numbers, -1
// at the end.
enum bf_err bf_child_run(const char *const argv[], const int *keep, const char *package,
                         const char *doing, struct bf_fault *fault);

#endif
