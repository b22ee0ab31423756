// SPDX-License-Identifier: Apache-2.0
// What a source found on its machine: kept with the session, and told to the log when it is new.
#include "base/assert.h"
#include "base/log.h"
#include "migrate/unseen.h"
#include "replica/daemon/daemon.h"
#include "replica/daemon/inventory.h"
#include "replica/points/found_text.h"
#include "replica/state/spans.h"

enum bf_err bf_conn_unseen(void *impl, uint16_t ordinal, const struct bf_unseen *what,
                           struct bf_fault *fault)
{
    struct bf_conn *c = impl;
    char line[BF_UNSEEN_LINE];
    int changed;

    BF_ASSERT(c->store && c->job.id); // there is a session to keep it with
    if (bf_db_unseen_put(c->db, c->row.id, ordinal, what, &changed))
        return bf_conn_db_fault(c, fault);
    bf_unseen_line(line, what);
    if (changed)
        bf_conn_event(c, bf_unseen_is_unknown(what) ? BF_LOG_WARNING : BF_LOG_INFO, "not seen: %s",
                      line);
    return BF_OK;
}

enum bf_err bf_conn_boot_entry(void *impl, uint16_t ordinal, const struct bf_boot_entry *what,
                               struct bf_fault *fault)
{
    (void)ordinal;
    (void)fault;
    bf_inventory_boot_entry(impl, what);
    return BF_OK;
}

static uint64_t disk_bytes(const struct bf_conn *c, uint16_t number)
{
    for (uint16_t i = 0; i < c->live.disks; i++)
        if (c->live.disk[i].number == number)
            return c->live.disk[i].bytes;
    return 0;
}

// In the log alone: a machine may have more places than there is room for events.
enum bf_err bf_conn_place(void *impl, const struct bf_place *what, struct bf_fault *fault)
{
    struct bf_conn *c = impl;
    struct bf_place tidy = *what;
    int changed;

    BF_ASSERT(c->store && c->live.disks > 0);
    tidy.count = (uint16_t)bf_spans_tidy(tidy.span, tidy.count, disk_bytes(c, tidy.disk));
    if (bf_db_place_put(c->db, c->row.id, &tidy, &changed))
        return bf_conn_db_fault(c, fault);
    if (changed)
        bf_log(BF_LOG_INFO, "%s: disk %u, %s: %s, %s%s", c->peer.machine, what->disk, what->name,
               what->what, what->why[0] ? "copied whole: " : "only what is used is copied",
               what->why);
    return BF_OK;
}
