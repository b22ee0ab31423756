// SPDX-License-Identifier: Apache-2.0
// Bytes of a guest's serial port: the evidence in them and the console's end are printable, within
// their bounds, and the same when they are read again, or after a part of the lines.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replica/jobs/console.h"
#include "replica/jobs/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char word[] = "w";

static void check_text(const char *text, size_t size, const char *also)
{
    size_t len = strnlen(text, size);
    if (len == size)
        abort();
    for (size_t i = 0; i < len; i++)
        if ((text[i] < ' ' || text[i] > '~') && !strchr(also, text[i]))
            abort();
}

static void check_evidence(const struct bf_evidence *e)
{
    check_text(e->boot_id, sizeof e->boot_id, "");
    check_text(e->host, sizeof e->host, "");
    check_text(e->root, sizeof e->root, "");
    if (e->nics > BF_EVIDENCE_NICS || e->units > BF_EVIDENCE_UNITS ||
        e->gateways > BF_EVIDENCE_GATEWAYS)
        abort();
    for (uint32_t i = 0; i < e->nics; i++) {
        check_text(e->nic[i].mac, sizeof e->nic[i].mac, "");
        check_text(e->nic[i].addresses, sizeof e->nic[i].addresses, "");
    }
    for (uint32_t i = 0; i < e->units; i++)
        check_text(e->unit[i], sizeof e->unit[i], "");
    for (uint32_t i = 0; i < e->gateways; i++)
        check_text(e->gateway[i].address, sizeof e->gateway[i].address, "");
}

// A machine that is planned as it is has nothing missing.
static void check_judge(const struct bf_evidence *e)
{
    static struct bf_tgt_nic nic;
    char missing[128];
    struct bf_evidence_plan plan = {.nic = &nic, .nics = e->nics > 0, .host = e->host};
    if (e->nics) {
        memcpy(nic.mac, e->nic[0].mac, sizeof nic.mac);
        size_t len = strcspn(e->nic[0].addresses, " ");
        nic.addresses = len > 0;
        memcpy(nic.address[0], e->nic[0].addresses, len);
        nic.address[0][len] = 0;
    }
    if (e->gateways && strchr(e->gateway[0].address, '.') && e->nics)
        memcpy(nic.gateway4, e->gateway[0].address, sizeof e->gateway[0].address);
    else
        nic.gateway4[0] = 0;
    bool right = bf_evidence_judge(e, &plan, missing, sizeof missing);
    bool answers = e->gateways == 0;
    for (uint32_t i = 0; i < e->gateways; i++)
        answers = answers || e->gateway[i].answers;
    bool wanted = e->boot_id[0] && e->complete && e->root_writable &&
                  (nic.gateway4[0] && e->nics ? e->gateway[0].answers : answers);
    check_text(missing, sizeof missing, "");
    if (right != wanted || right != !missing[0])
        abort();
}

static void check_tail(const char *bytes, size_t size)
{
    char tail[300];
    struct bf_console_end end = bf_console_tail(bytes, size, 4, tail, sizeof tail);
    size_t lines = 0;
    check_text(tail, sizeof tail, "\n");
    check_text(end.line, sizeof end.line, "");
    for (const char *at = tail; *at; at++)
        lines += *at == '\n';
    if (lines > 4 || (end.state != BF_CONSOLE_UNKNOWN) != (bf_console_text(end.state)[0] != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bf_evidence e, again;
    const char *bytes = (const char *)data;
    memset(&e, 0, sizeof e);
    bf_evidence_read(&e, word, bytes, size);
    check_evidence(&e);
    check_judge(&e);
    memset(&again, 0, sizeof again);
    const char *line = memchr(bytes, '\n', size);
    size_t part = line ? (size_t)(line - bytes) + 1 : 0;
    bf_evidence_read(&again, word, bytes, part);
    bf_evidence_read(&again, word, bytes + part, size - part);
    if (memcmp(&e, &again, sizeof e) != 0)
        abort();
    check_tail(bytes, size);
    return 0;
}
