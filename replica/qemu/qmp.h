// SPDX-License-Identifier: Apache-2.0
// QMP, the control connection of a QEMU that runs by itself (QEMU's docs/interop/qmp-spec): one
// JSON object per line over a Unix socket. A QEMU serves one client at a time, so connections are
// short. What it says is bounded in length and time, and not believed: a guest may have taken it
// over. Events and answers to others are passed over.
#ifndef BF_REPLICA_QEMU_QMP_H
#define BF_REPLICA_QEMU_QMP_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

enum { BF_QMP_LINE_MAX = 8 << 20 };

struct bf_qmp;

// Connects to the socket `name` in the folder `dir` (a descriptor), however long its path, and
// waits for the greeting, all within ms milliseconds. title: of the machine, for faults.
// BF_ERR_NOT_FOUND: nobody listens there; BF_ERR_TIMEOUT: it is busy with another client, or hangs.
// *out is NULL after a failure.
enum bf_err bf_qmp_open(int dir, const char *name, const char *title, uint32_t ms,
                        struct bf_qmp **out, struct bf_fault *fault);
void bf_qmp_close(struct bf_qmp *qmp); // takes NULL

// Executes a command and waits BF_WAIT_QMP_MS for its answer. arguments are taken over, and may be
// NULL; *result is the caller's, result may be NULL. BF_ERR_IO or what the text names: QEMU refused
// it; BF_ERR_TIMEOUT, BF_ERR_CLOSED, BF_ERR_PROTOCOL: nothing comes over this connection any more.
enum bf_err bf_qmp_execute(struct bf_qmp *qmp, const char *command, json_t *arguments,
                           json_t **result, struct bf_fault *fault);

#endif
