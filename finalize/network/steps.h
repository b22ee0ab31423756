// SPDX-License-Identifier: Apache-2.0
// What a run has the network's room do; see system/steps.h.
#ifndef BF_FINALIZE_NETWORK_STEPS_H
#define BF_FINALIZE_NETWORK_STEPS_H

#include "finalize/system/fin.h"

// Fills f->system.net.
void bf_inspect_network(struct bf_fin *f);
// The report's "network" object; `net` may be NULL.
json_t *bf_network_json(const struct bf_net *net);

// Fills f->old when the plan has interfaces.
enum bf_err bf_adapt_network(struct bf_fin *f);
// Notes what else in the guest names its old network, or disks by old names. Changes nothing.
enum bf_err bf_report_mentions(struct bf_fin *f);

#endif
