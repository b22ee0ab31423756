// SPDX-License-Identifier: Apache-2.0
// Answers of a guest agent: what is kept of them is printable, within its bounds, and never more
// than a name and addresses; a machine that is planned as its agent sees it has nothing missing.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replica/jobs/agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
    size_t len = strnlen(text, size);
    if (len == size)
        abort();
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~')
            abort();
}

static void check_judge(const struct bf_evidence *seen)
{
    static struct bf_tgt_nic nic;
    struct bf_evidence_plan plan = {.nic = &nic, .nics = seen->nics > 0, .host = seen->host};
    char missing[64];

    if (seen->nics) {
        size_t len = strcspn(seen->nic[0].addresses, " ");
        memcpy(nic.mac, seen->nic[0].mac, sizeof nic.mac);
        memcpy(nic.address[0], seen->nic[0].addresses, len);
        nic.address[0][len] = 0;
        nic.addresses = len > 0;
    }
    if (!bf_evidence_judge_agent(seen, &plan, missing, sizeof missing) || missing[0])
        abort();
    if (bf_evidence_judge(seen, &plan, missing, sizeof missing))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_evidence *seen = calloc(1, sizeof *seen);
    char *text = malloc(size + 1);

    if (!seen || !text)
        abort();
    memcpy(text, data, size);
    text[size] = 0;
    bf_agent_read_host(text, seen);
    bf_agent_read_nics(text, seen);
    check_text(seen->host, sizeof seen->host);
    if (seen->nics > BF_EVIDENCE_NICS || seen->gateways || seen->boot_id[0] || seen->complete)
        abort();
    for (uint32_t i = 0; i < seen->nics; i++) {
        check_text(seen->nic[i].mac, sizeof seen->nic[i].mac);
        check_text(seen->nic[i].addresses, sizeof seen->nic[i].addresses);
    }
    check_judge(seen);
    free(text);
    free(seen);
    return 0;
}
