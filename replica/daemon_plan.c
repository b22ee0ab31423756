// SPDX-License-Identifier: Apache-2.0
// Matching the machine's disks with the replica's, see daemon_plan.h.
#include "replica/daemon_plan.h"

#include <string.h>

#include "base/fmt.h"

struct matching {
    const struct bf_inventory *inventory;
    const struct bf_replica_disk *known;
    size_t known_count;
    const struct bf_point *point;
    struct bf_fault *fault;
};

static int is_binding(const struct matching *m, size_t known)
{
    for (uint16_t i = 0; m->point && i < m->point->disks; i++)
        if (m->point->disk[i].disk == m->known[known].number)
            return 1;
    return 0;
}

static void name_of(char *out, size_t size, const struct bf_disk_identity *identity)
{
    bf_identity_text(out, size, identity);
}

// The known disk that a new one was probably expected to be: the one at the same place, or else the
// first that is not there.
static size_t likely(const struct matching *m, const struct bf_disk_identity *seen)
{
    size_t first = m->known_count;
    for (size_t i = 0; i < m->known_count; i++) {
        if (!is_binding(m, i))
            continue;
        if (strcmp(m->known[i].identity.path, seen->path) == 0)
            return i;
        if (first == m->known_count)
            first = i;
    }
    return first;
}

static enum bf_err refuse_new(const struct matching *m, const struct bf_disk_identity *seen)
{
    char disk[96], reason[96] = "";
    size_t i = likely(m, seen);
    name_of(disk, sizeof disk, seen);
    if (i < m->known_count)
        bf_identity_compare(&m->known[i].identity, seen, reason, sizeof reason);
    return bf_fault_set(m->fault, BF_ERR_MISMATCH, BF_SIDE_CONFIG,
                        "leave it out with disk=, or move it as a machine of its own "
                        "(bootferry machine add)",
                        "%s is not a disk of this replica%s%s", disk, reason[0] ? ": " : "",
                        reason);
}

static enum bf_err refuse_missing(const struct matching *m, size_t known)
{
    char disk[96];
    const char *why = "is not attached";
    name_of(disk, sizeof disk, &m->known[known].identity);
    for (uint16_t i = 0; i < m->inventory->disks; i++)
        if (bf_identity_compare(&m->known[known].identity, &m->inventory->disk[i].identity, NULL,
                                0) != BF_ID_DIFFERENT)
            why = "is there but left out";
    return bf_fault_set(m->fault, BF_ERR_MISMATCH, BF_SIDE_CONFIG,
                        "attach it and take it into disk=, or move the other disks as a new "
                        "machine (bootferry machine add)",
                        "disk %u of this replica (%s) %s", m->known[known].number, disk, why);
}

static enum bf_err refuse_ambiguous(const struct matching *m, const struct bf_disk_identity *seen)
{
    char disk[96];
    name_of(disk, sizeof disk, seen);
    return bf_fault_set(m->fault, BF_ERR_MISMATCH, BF_SIDE_SOURCE,
                        "give the disks GPT labels or serial numbers, or leave one out with disk=",
                        "%s cannot be told from another disk", disk);
}

// The one known disk that fits; *found stays BF_PLAN_NEW when none does.
static enum bf_err find(const struct matching *m, const struct bf_disk_identity *seen,
                        uint16_t *found, uint8_t *moved)
{
    *found = BF_PLAN_NEW;
    *moved = 0;
    for (size_t i = 0; i < m->known_count; i++) {
        enum bf_identity_match match = bf_identity_compare(&m->known[i].identity, seen, NULL, 0);
        if (match == BF_ID_DIFFERENT)
            continue;
        if (*found != BF_PLAN_NEW)
            return refuse_ambiguous(m, seen);
        *found = (uint16_t)i;
        *moved = match == BF_ID_SAME_MOVED;
    }
    if (m->point && (*found == BF_PLAN_NEW || !is_binding(m, *found)))
        return refuse_new(m, seen);
    return BF_OK;
}

static enum bf_err add(const struct matching *m, uint16_t index, struct bf_disk_plan *out)
{
    const struct bf_disk_identity *seen = &m->inventory->disk[index].identity;
    uint16_t known;
    uint8_t moved;
    enum bf_err err = find(m, seen, &known, &moved);
    if (err)
        return err;
    for (uint16_t i = 0; i < out->disks; i++) {
        const struct bf_disk_identity *other = &m->inventory->disk[out->disk[i].inventory].identity;
        if ((known != BF_PLAN_NEW && out->disk[i].known == known) ||
            bf_identity_compare(other, seen, NULL, 0) != BF_ID_DIFFERENT)
            return refuse_ambiguous(m, seen);
    }
    out->disk[out->disks].inventory = index;
    out->disk[out->disks].known = known;
    out->disk[out->disks++].moved = moved;
    return BF_OK;
}

static int has_known(const struct bf_disk_plan *plan, size_t known)
{
    for (uint16_t i = 0; i < plan->disks; i++)
        if (plan->disk[i].known == known)
            return 1;
    return 0;
}

enum bf_err bf_disk_plan_make(const struct bf_inventory *inventory,
                              const struct bf_replica_disk *known, size_t known_count,
                              const struct bf_point *point, struct bf_disk_plan *out,
                              struct bf_fault *fault)
{
    struct matching m = {inventory, known, known_count, point, fault};
    enum bf_err err = BF_OK;
    out->disks = 0;
    for (uint16_t i = 0; !err && i < inventory->disks; i++)
        if (inventory->disk[i].planned)
            err = add(&m, i, out);
    for (size_t i = 0; !err && i < known_count; i++)
        if (is_binding(&m, i) && !has_known(out, i))
            err = refuse_missing(&m, i);
    if (!err && out->disks == 0)
        err =
            bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SOURCE,
                         "check disk= and the machine's disks", "the machine has no disk to move");
    return err;
}

static void keep_text(char *into, size_t size, const char *seen)
{
    if (seen[0])
        bf_snprintf(into, size, "%s", seen);
}

void bf_disk_identity_merge(struct bf_disk_identity *into, const struct bf_disk_identity *seen)
{
    if (seen->has_gpt) {
        into->has_gpt = 1;
        memcpy(into->gpt_guid, seen->gpt_guid, sizeof into->gpt_guid);
    }
    keep_text(into->wwn, sizeof into->wwn, seen->wwn);
    keep_text(into->serial, sizeof into->serial, seen->serial);
    keep_text(into->model, sizeof into->model, seen->model);
    keep_text(into->path, sizeof into->path, seen->path);
}
