// SPDX-License-Identifier: Apache-2.0
// The disks of a session: what the machine has, matched with what the database knows of its
// replica, numbered, and recorded.
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "replica/daemon/daemon.h"
#include "replica/daemon/accept.h"
#include "replica/daemon/plan.h"

// What of the database a plan is made from.
struct replica {
    struct bf_replica_disk *disk;
    size_t disks;
    struct bf_point point;
    int has_point;
};

static enum bf_err load_replica(struct bf_conn *c, struct replica *r, struct bf_fault *fault)
{
    if (bf_db_disk_list(c->db, c->peer.machine, &r->disk, &r->disks))
        return bf_conn_db_fault(c, fault);
    enum bf_err err = bf_db_point_get(c->db, c->peer.machine, 0, &r->point);
    if (err && err != BF_ERR_NOT_FOUND)
        return bf_conn_db_fault(c, fault);
    r->has_point = !err;
    return BF_OK;
}

// The disk's number in the replica; a new one is made known, what was learnt of an old one is kept.
static enum bf_err number_disk(struct bf_conn *c, const struct replica *r,
                               const struct bf_disk_identity *seen, uint16_t known,
                               struct bf_session_disk *out, struct bf_fault *fault)
{
    struct bf_replica_disk disk = {.identity = *seen, .created = time(NULL)};
    BF_ASSERT(bf_db_is_in_transaction(c->db)); // all disks of a plan are known, or none
    BF_ASSERT(known == BF_PLAN_NEW || known < r->disks);
    if (known != BF_PLAN_NEW) {
        disk = r->disk[known];
        bf_disk_identity_merge(&disk.identity, seen);
        out->number = disk.number;
        out->geometry = disk.geometry;
        out->geometry.disk_bytes = seen->bytes; // where it has grown, the store follows
        return bf_db_disk_identity(c->db, disk.machine, disk.number, &disk.identity)
                   ? bf_conn_db_fault(c, fault)
                   : BF_OK;
    }
    bf_snprintf(disk.machine, sizeof disk.machine, "%s", c->peer.machine);
    disk.geometry = (struct bf_geometry){.disk_bytes = seen->bytes,
                                         .block_size = seen->block_size,
                                         .chunk_size = bf_geometry_default_chunk(seen->bytes)};
    enum bf_err err = bf_db_disk_add(c->db, &disk);
    if (!err && disk.number >= BF_PROTO_DISKS_MAX)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_CONFIG,
                            "add it under a new name: bootferry machine add",
                            "%s has had %u disks already", c->peer.machine, BF_PROTO_DISKS_MAX);
    out->number = disk.number;
    out->geometry = disk.geometry;
    return err ? bf_conn_db_fault(c, fault) : BF_OK;
}

// Fills configuration and plans, in order of the disks' numbers.
static void insert_disk(struct bf_session_config *config, struct bf_receiver_session *out,
                        const struct bf_session_disk *disk, uint16_t inventory)
{
    BF_ASSERT(config->disks < BF_PROTO_DISKS_MAX && config->disks == out->opened.disks);
    uint16_t at = config->disks++;
    for (; at > 0 && config->disk[at - 1].number > disk->number; at--) {
        config->disk[at] = config->disk[at - 1];
        out->opened.plan[at] = out->opened.plan[at - 1];
    }
    config->disk[at] = *disk;
    out->opened.plan[at] = (struct bf_planned_disk){
        .disk = disk->number, .inventory_disk = inventory, .geometry = disk->geometry};
    out->opened.disks = config->disks;
}

static enum bf_err number_disks(struct bf_conn *c, const struct replica *r,
                                const struct bf_inventory *inventory,
                                const struct bf_disk_plan *plan, struct bf_session_config *config,
                                struct bf_receiver_session *out, struct bf_fault *fault)
{
    enum bf_err err = bf_db_begin(c->db) ? bf_conn_db_fault(c, fault) : BF_OK;
    for (uint16_t i = 0; !err && i < plan->disks; i++) {
        const struct bf_disk_identity *seen = &inventory->disk[plan->disk[i].inventory].identity;
        struct bf_session_disk disk;
        err = number_disk(c, r, seen, plan->disk[i].known, &disk, fault);
        if (!err)
            insert_disk(config, out, &disk, plan->disk[i].inventory);
    }
    if (!err && bf_db_commit(c->db))
        err = bf_conn_db_fault(c, fault);
    bf_db_rollback(c->db);
    BF_ASSERT(err || config->disks == plan->disks);
    return err;
}

static void note_changes(struct bf_conn *c, const struct replica *r,
                         const struct bf_inventory *inventory, const struct bf_disk_plan *plan)
{
    char disk[96];
    for (uint16_t i = 0; i < plan->disks; i++) {
        const struct bf_disk_identity *seen = &inventory->disk[plan->disk[i].inventory].identity;
        BF_ASSERT(plan->disk[i].inventory < inventory->disks);
        bf_identity_text(disk, sizeof disk, seen);
        if (plan->disk[i].moved)
            bf_conn_event(c, BF_LOG_INFO, "a disk is in a different place than last time: %s",
                          seen->path);
        if (plan->disk[i].grown)
            bf_conn_event(c, BF_LOG_INFO, "a disk has grown: %s", disk);
        if (r->has_point && plan->disk[i].known == BF_PLAN_NEW)
            bf_conn_event(c, BF_LOG_INFO, "a new disk: %s", disk);
    }
}

static enum bf_err make_plan(struct bf_conn *c, const struct replica *r,
                             const struct bf_inventory *inventory, struct bf_disk_plan *plan,
                             struct bf_fault *fault)
{
    struct bf_disk_question question = {
        .machine = c->peer.machine,
        .inventory = inventory,
        .known = r->disk,
        .known_count = r->disks,
        .point = r->has_point ? &r->point : NULL,
        .accepted = bf_conn_disks_accepted(c, inventory),
    };
    int may_accept;
    enum bf_err err = bf_disk_plan_make(&question, plan, &may_accept, fault);
    if (may_accept)
        bf_conn_keep_refusal(c, inventory, fault);
    return err;
}

enum bf_err bf_conn_plan_disks(struct bf_conn *c, const struct bf_inventory *inventory,
                               struct bf_session_config *config, struct bf_receiver_session *out,
                               struct bf_fault *fault)
{
    struct bf_disk_plan plan;
    struct replica *r = calloc(1, sizeof *r);
    BF_ASSERT(c->holds_machine && !c->store); // nobody else numbers disks of this machine
    if (!r)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                            "no memory for the plan of disks");
    enum bf_err err = load_replica(c, r, fault);
    if (!err)
        err = make_plan(c, r, inventory, &plan, fault);
    if (!err)
        err = number_disks(c, r, inventory, &plan, config, out, fault);
    if (!err)
        note_changes(c, r, inventory, &plan);
    free(r->disk);
    free(r);
    return err;
}
