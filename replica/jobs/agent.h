// SPDX-License-Identifier: Apache-2.0
// What the guest agent of a new machine says of it, where it has one: its name and its addresses.
// This proves nothing (docs/decisions/020-guest-agent.md); it tells why there may be no evidence.
#ifndef BF_REPLICA_JOBS_AGENT_H
#define BF_REPLICA_JOBS_AGENT_H

#include "replica/jobs/evidence.h"

// Asks the agent. *seen gets `host` and `nic` of what it says, as bf_evidence_read keeps them, and
// nothing else. BF_ERR_TIMEOUT and others: there is none that answers.
enum bf_err bf_agent_look(const struct bf_tgt_ops *ops, const struct bf_tgt *tgt,
                          struct bf_evidence *seen, struct bf_fault *fault);

// Of answers to guest-get-host-name and guest-network-get-interfaces, for tests and their fuzzer.
// False: it is no such answer. Names and addresses that have not their form are left out.
bool bf_agent_read_host(const char *answer, struct bf_evidence *seen);
bool bf_agent_read_nics(const char *answer, struct bf_evidence *seen);

#endif
