// SPDX-License-Identifier: Apache-2.0
// Agents: services that work with one hypervisor or cloud, and with no other.
#ifndef BF_FINALIZE_SYSTEM_AGENTS_H
#define BF_FINALIZE_SYSTEM_AGENTS_H

#include "finalize/system/fin.h"

// Where an agent is at home, as bits.
enum bf_home {
    BF_HOME_KVM = 1,
    BF_HOME_VMWARE = 2,
    BF_HOME_HYPERV = 4,
    BF_HOME_XEN = 8,
    BF_HOME_VIRTUALBOX = 16,
    BF_HOME_PARALLELS = 32,
    BF_HOME_AZURE = 64,
    BF_HOME_AMAZON = 128,
    BF_HOME_GOOGLE = 256,
    BF_HOME_ORACLE = 512,
    BF_HOME_DIGITALOCEAN = 1024,
    BF_HOME_NUTANIX = 2048,
};

#define BF_AGENT_NAMES 12

struct bf_agent {
    const char *title; // in the report
    unsigned homes;
    const char *name[BF_AGENT_NAMES]; // of its units (without ".service"), scripts and jobs
};

// All that are known, ended by one without a title.
extern const struct bf_agent bf_agents[];

// The homes that a kind of target is; all of them for one that is not known to be only some.
unsigned bf_agent_homes(const char *target);
// Whether the plan has the agent of this name disabled.
bool bf_agent_goes(const struct bf_fin *f, const char *name);
// Whether a unit file says that it starts under other hypervisors only (ConditionVirtualization=).
bool bf_agent_bound(const char *unit, size_t len, unsigned homes);

#endif
