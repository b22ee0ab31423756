// SPDX-License-Identifier: Apache-2.0
// What a machine found out about itself with action=assess, kept by its name as JSON, the newest
// only; docs/cli.md has the fields. No session, no job, no disk of the replica comes of it.
#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "migrate/copy_time.h"
#include "replica/daemon/daemon.h"
#include "replica/state/text.h"

enum bf_err bf_conn_assess_begin(void *impl, const struct bf_hello *hello,
                                 struct bf_welcome *welcome, struct bf_fault *fault)
{
    struct bf_conn *c = impl;
    BF_ASSERT(!c->has_session && c->peer.has_certificate);
    enum bf_err err = bf_conn_admit(c->db, &c->peer, fault);
    if (err == BF_ERR_FENCED)
        bf_conn_note_fenced(c, fault);
    if (err)
        return err;
    c->assesses = 1;
    welcome->clock = time(NULL);
    bf_snprintf(welcome->name, sizeof welcome->name, "%s", c->peer.machine);
    bf_snprintf(welcome->program, sizeof welcome->program, "bootferryd " BF_VERSION);
    bf_log(BF_LOG_INFO, "%s from %s by %s: an assessment", c->peer.machine, c->from,
           hello->program);
    return BF_OK;
}

static json_t *seconds_json(uint64_t seconds)
{
    return seconds > INT64_MAX ? json_null() : json_integer((json_int_t)seconds);
}

static json_t *disks_json(const struct bf_assessment *found)
{
    json_t *disks = json_array();
    for (uint16_t i = 0; i < found->disks; i++) {
        const struct bf_assessed_disk *d = &found->disk[i];
        json_array_append_new(
            disks, json_pack("{s:i, s:o, s:I, s:I, s:I, s:I, s:I}", "number", (int)d->number,
                             "name", bf_json_text(d->name), "bytes", (json_int_t)d->bytes, "used",
                             (json_int_t)d->used, "read_rate", (json_int_t)d->rate, "sampled",
                             (json_int_t)d->sampled, "compressed", (json_int_t)d->packed));
    }
    return disks;
}

static json_t *assessment_json(const struct bf_assessment *found, const struct bf_assessed *link,
                               const struct bf_copy_time *estimate)
{
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:i, s:o, s:o, s:o}", "time",
                     bf_json_time(time(NULL)), "disks", disks_json(found), "bytes",
                     (json_int_t)estimate->bytes, "used", (json_int_t)estimate->used, "link_rate",
                     (json_int_t)link->link, "compute_rate", (json_int_t)found->compute, "unseen",
                     (int)found->unseen, "unseen_list", bf_json_text(found->unseen_list),
                     "first_seconds", seconds_json(estimate->first), "later_seconds",
                     seconds_json(estimate->later));
}

enum bf_err bf_conn_assess(void *impl, const struct bf_assessment *found,
                           const struct bf_assessed *link, struct bf_fault *fault)
{
    struct bf_conn *c = impl;
    char key[BF_NAME_MAX + 16], used[BF_BYTES_TEXT], bytes[BF_BYTES_TEXT], rate[BF_BYTES_TEXT];
    struct bf_copy_time estimate;
    BF_ASSERT(c->assesses && !c->has_session);
    bf_copy_time(&estimate, found, link->link);
    json_t *json = assessment_json(found, link, &estimate);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    bf_snprintf(key, sizeof key, "assessment/%s", c->peer.machine);
    enum bf_err err =
        !text ? bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                             "the server has no memory left")
        : bf_db_meta_set(c->db, key, text) ? bf_conn_db_fault(c, fault)
                                           : BF_OK;
    free(text);
    if (!err)
        bf_conn_event(c, BF_LOG_INFO, "assessed from %s: %s of %s used, %s/s on the link", c->from,
                      bf_bytes_text(estimate.used, used), bf_bytes_text(estimate.bytes, bytes),
                      bf_bytes_text(link->link, rate));
    return err;
}
