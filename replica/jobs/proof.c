// SPDX-License-Identifier: Apache-2.0
// Evidence that a job was given, see proof.h.
#include "replica/jobs/proof.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "base/log.h"
#include "replica/jobs/folder.h"
#include "replica/jobs/reported.h"

void bf_proof_begin(const struct bf_runner *r, struct bf_proof *p)
{
    json_t *plan = json_loadb(r->plan, r->plan_len, 0, NULL);
    const char *host = json_string_value(json_object_get(plan, "hostname"));
    memset(p, 0, sizeof *p);
    bf_snprintf(p->host, sizeof p->host, "%s", host ? host : "");
    json_decref(plan);
}

struct bf_evidence_plan bf_proof_plan(const struct bf_runner *r, const struct bf_proof *p)
{
    return (struct bf_evidence_plan){.nic = r->machine->nic,
                                     .nics = r->machine->nics,
                                     .host = p->host,
                                     .isolated = r->machine->isolated};
}

bool bf_proof_judge(const struct bf_runner *r, struct bf_proof *p)
{
    struct bf_evidence_plan plan = bf_proof_plan(r, p);
    return bf_evidence_judge(&p->evidence, &plan, p->missing, sizeof p->missing);
}

// ---- Keeping it --------------------------------------------------------------------------------

static json_t *evidence_json(const struct bf_evidence *e)
{
    json_t *nics = json_array(), *gateways = json_array(), *units = json_array();
    for (uint32_t i = 0; i < e->nics; i++)
        json_array_append_new(
            nics, json_pack("{s:s, s:s}", "mac", e->nic[i].mac, "addresses", e->nic[i].addresses));
    for (uint32_t i = 0; i < e->gateways; i++)
        json_array_append_new(gateways, json_pack("{s:s, s:b}", "address", e->gateway[i].address,
                                                  "answers", (int)e->gateway[i].answers));
    for (uint32_t i = 0; i < e->units; i++)
        json_array_append_new(units, json_string(e->unit[i]));
    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "boot_id", e->boot_id, "host", e->host,
                     "root", e->root, "root_writable", (int)e->root_writable, "nics", nics,
                     "gateways", gateways, "failed_units", units);
}

void bf_proof_keep(struct bf_runner *r, const struct bf_proof *p, const char *from)
{
    const struct bf_evidence *e = &p->evidence;
    bool reported = strcmp(from, "guest") == 0;
    struct bf_fault ignored;
    char where[96] = "";
    for (uint32_t i = 0; i < e->nics && !where[0]; i++)
        bf_snprintf(where, sizeof where, "%.80s", e->nic[i].addresses);
    bf_job_put_json(r->state, r->job.id, "evidence.json", evidence_json(e), &ignored);
    bf_snprintf(r->f.evidence, sizeof r->f.evidence, "%s", from);
    bf_snprintf(r->job.detail, sizeof r->job.detail, "%s runs%s%s", e->host,
                where[0] ? " with " : "", where);
    bf_runner_say(r, BF_LOG_INFO, "%s itself %s that it runs%s%s", e->host,
                  reported ? "has reported" : "shows", where[0] ? ", with " : "", where);
    for (uint32_t i = 0; i < e->units; i++)
        bf_runner_say(r, BF_LOG_WARNING, "a unit has failed there: %s", e->unit[i]);
}

// ---- A report ----------------------------------------------------------------------------------

// What does not serve is put away, or it would be judged for ever.
static enum bf_err refuse(struct bf_runner *r, const struct bf_reported *report, const char *what,
                          const char *why, struct bf_fault *fault)
{
    bf_runner_say(r, BF_LOG_WARNING, "what the machine has reported %s: %s", what, why);
    return bf_reported_settle(r->state, r->job.id, report, fault);
}

enum bf_err bf_proof_hear(struct bf_runner *r, struct bf_proof *p, bool *good,
                          struct bf_fault *fault)
{
    struct bf_reported report;
    struct bf_fault why;
    *good = false;
    if (!bf_reported_waits(r->state, r->job.id))
        return BF_OK;
    if (bf_reported_load(r->state, r->job.id, &report, &why))
        return refuse(r, NULL, "cannot be read", why.what, fault);
    memset(&p->evidence, 0, sizeof p->evidence);
    bf_evidence_read(&p->evidence, r->f.word, report.bytes, report.len);
    free(report.bytes);
    *good = bf_proof_judge(r, p);
    return *good ? BF_OK : refuse(r, &report, "does not fit the plan", p->missing, fault);
}
