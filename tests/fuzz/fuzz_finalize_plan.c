// SPDX-License-Identifier: Apache-2.0
// The plan's parser over any bytes: an accepted plan keeps its bounds, a refused one has a message.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/target/plan_machine.h"
#include "finalize/target/plan_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bf_plan plan;
    struct bf_fault fault;
    enum bf_err err = bf_plan_parse((const char *)data, size, &plan, &fault);
    if (err) {
        if (!fault.what[0] || fault.code != err)
            abort();
        return 0;
    }
    if (plan.nics > BF_PLAN_NICS || plan.unlocks > BF_PLAN_KEYS || !plan.target[0])
        abort();
    for (size_t i = 0; i < plan.nics; i++)
        if ((!plan.nic[i].mac[0] && !plan.nic[i].name[0] && !plan.nic[i].old_address[0]) ||
            plan.nic[i].addresses > BF_PLAN_ADDRESSES)
            abort();
    if (plan.machine.networks > BF_PLAN_NICS + 1 || plan.machine.processors > 255)
        abort();
    for (size_t i = 0; i < plan.machine.networks; i++)
        if (!plan.machine.network[i].nic[0] || !bf_plan_network_ok(plan.machine.network[i].to))
            abort();
    return 0;
}
