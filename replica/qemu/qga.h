// SPDX-License-Identifier: Apache-2.0
// The QEMU guest agent's protocol (QEMU's docs/interop/qemu-ga-ref), over the socket of a machine's
// port org.qemu.guest_agent.0: JSON, one object per line. What answers is a program in the guest,
// and hostile; a port behind which there is no agent swallows everything.
#ifndef BF_REPLICA_QEMU_QGA_H
#define BF_REPLICA_QEMU_QGA_H

#include "base/err.h"

enum { BF_QGA_LINE_MAX = 1 << 20 };

// Connects to the socket `name` in the folder `dir` (a descriptor), sees to it that nothing of an
// earlier client's is taken for an answer, and executes one command, a JSON object in one line:
// all within BF_WAIT_AGENT_MS. *answer is the agent's object as it came, ended by a NUL, and the
// caller's to free. BF_ERR_TIMEOUT: there is no agent that answers. BF_ERR_NOT_FOUND: no machine.
// Others: what lines.h says.
enum bf_err bf_qga_ask(int dir, const char *name, const char *command, char **answer,
                       struct bf_fault *fault);

#endif
