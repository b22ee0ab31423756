// SPDX-License-Identifier: Apache-2.0
// The guest agent of a domain. libvirt's daemon holds the channel, so it is asked through it.
#include <libvirt/libvirt-qemu.h>
#include <stdlib.h>
#include <string.h>

#include "replica/state/waits.h"
#include "replica/targets/libvirt.h"

enum { ANSWER_MOST = 1 << 20 };

enum bf_err bf_lv_agent(const struct bf_lv *lv, virDomainPtr dom, const char *command,
                        char **answer, struct bf_fault *fault)
{
    *answer = virDomainQemuAgentCommand(dom, command, BF_WAIT_LV_AGENT_S, 0);
    if (*answer && strlen(*answer) < ANSWER_MOST)
        return BF_OK;
    free(*answer);
    *answer = NULL;
    return bf_fault_set(fault, BF_ERR_TIMEOUT, BF_SIDE_SOURCE,
                        "start qemu-guest-agent in the machine, if it is installed there",
                        "no guest agent answers in %s", lv->tgt->machine->name);
}
