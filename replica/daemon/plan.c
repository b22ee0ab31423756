// SPDX-License-Identifier: Apache-2.0
// Matching the machine's disks with the replica's, see daemon_plan.h.
#include "replica/daemon/plan.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"

struct matching {
    const struct bf_disk_question *q;
    struct bf_fault *fault;
    int may_accept;
};

static const struct bf_disk_identity *identity_of(const struct matching *m, size_t known)
{
    return &m->q->known[known].identity;
}

static int is_binding(const struct matching *m, size_t known)
{
    for (uint16_t i = 0; m->q->point && i < m->q->point->disks; i++)
        if (m->q->point->disk[i].disk == m->q->known[known].number)
            return 1;
    return 0;
}

// The same disk but for its size: an attribute of its own says so, not the place alone.
static int is_resized(const struct bf_disk_identity *known, const struct bf_disk_identity *seen)
{
    struct bf_disk_identity as_before = *seen;
    if (known->bytes == seen->bytes)
        return 0;
    as_before.bytes = known->bytes;
    return bf_identity_compare(known, &as_before, NULL, 0) != BF_ID_DIFFERENT &&
           ((known->wwn[0] && seen->wwn[0]) || (known->serial[0] && seen->serial[0]) ||
            (known->has_gpt && seen->has_gpt));
}

static void name_of(char *out, size_t size, const struct bf_disk_identity *identity)
{
    bf_identity_text(out, size, identity);
}

// The known disk that a new one was probably expected to be: the one at the same place, or else the
// first that is not there.
static size_t likely(const struct matching *m, const struct bf_disk_identity *seen)
{
    size_t first = m->q->known_count;
    for (size_t i = 0; i < m->q->known_count; i++) {
        if (!is_binding(m, i))
            continue;
        if (strcmp(identity_of(m, i)->path, seen->path) == 0)
            return i;
        if (first == m->q->known_count)
            first = i;
    }
    return first;
}

// A refusal that the operator can overrule.
static enum bf_err refuse(struct matching *m, const char *else_todo, const char *what)
{
    char todo[sizeof m->fault->todo];
    m->may_accept = 1;
    bf_snprintf(todo, sizeof todo,
                "if that is intended, run at the server: bootferry machine accept %s; if not: %s",
                m->q->machine, else_todo);
    return bf_fault_set(m->fault, BF_ERR_MISMATCH, BF_SIDE_CONFIG, todo, "%s", what);
}

static enum bf_err refuse_new(struct matching *m, const struct bf_disk_identity *seen)
{
    char disk[96], reason[96] = "", what[sizeof m->fault->what];
    size_t i = likely(m, seen);
    name_of(disk, sizeof disk, seen);
    if (i < m->q->known_count)
        bf_identity_compare(identity_of(m, i), seen, reason, sizeof reason);
    bf_snprintf(what, sizeof what, "%s is not a disk of this replica%s%s", disk,
                reason[0] ? ": " : "", reason);
    return refuse(m, "leave it out with disk=", what);
}

static enum bf_err refuse_shrunk(struct matching *m, size_t known,
                                 const struct bf_disk_identity *seen)
{
    char disk[96], what[sizeof m->fault->what];
    name_of(disk, sizeof disk, seen);
    bf_snprintf(what, sizeof what,
                "disk %u of this replica (%s) is smaller than it was: %llu bytes instead of %llu",
                m->q->known[known].number, disk, (unsigned long long)seen->bytes,
                (unsigned long long)identity_of(m, known)->bytes);
    return refuse(m, "look at the source's disks", what);
}

// Why a disk of the point is not among the planned ones: what is in its place is another disk, says
// the rule, so that a disk that has grown or was cloned does not look like one that was unplugged.
static void why_missing(const struct matching *m, size_t known, char *why, size_t size)
{
    const struct bf_inventory *inventory = m->q->inventory;
    const struct bf_disk_identity *was = identity_of(m, known);
    char reason[96], bytes[16];
    bf_snprintf(why, size, "is not attached");
    for (uint16_t i = 0; i < inventory->disks; i++) {
        const struct bf_disk_identity *seen = &inventory->disk[i].identity;
        bf_human_bytes(bytes, sizeof bytes, seen->bytes);
        if (bf_identity_compare(was, seen, reason, sizeof reason) != BF_ID_DIFFERENT) {
            bf_snprintf(why, size, "is present but left out");
            return;
        }
        if (was->path[0] && !bf_path_is_numbers(was->path) && strcmp(was->path, seen->path) == 0)
            bf_snprintf(why, size, "is not attached; in its place is one of %s: %s", bytes, reason);
    }
}

static enum bf_err refuse_missing(struct matching *m, size_t known)
{
    char disk[72], why[112], what[sizeof m->fault->what];
    name_of(disk, sizeof disk, identity_of(m, known));
    why_missing(m, known, why, sizeof why);
    bf_snprintf(what, sizeof what, "disk %u of this replica (%s) %s", m->q->known[known].number,
                disk, why);
    return refuse(m, "attach it, and send it: disk= or --disk must not leave it out", what);
}

static enum bf_err refuse_ambiguous(struct matching *m, const struct bf_disk_identity *seen)
{
    char disk[96];
    name_of(disk, sizeof disk, seen);
    return bf_fault_set(m->fault, BF_ERR_MISMATCH, BF_SIDE_SOURCE,
                        "make sure that none is given twice; give the disks GPT labels or serial "
                        "numbers, or leave one out with disk=",
                        "%s cannot be told apart from another disk", disk);
}

// The one known disk that fits, *found BF_PLAN_NEW when none does. Disks of the point first:
// another one may be known from an attempt that came to no point, or from an earlier point.
static enum bf_err find(struct matching *m, const struct bf_disk_identity *seen, int binding,
                        uint16_t *found, uint8_t *moved)
{
    *found = BF_PLAN_NEW;
    *moved = 0;
    for (size_t i = 0; i < m->q->known_count; i++) {
        enum bf_identity_match match = bf_identity_compare(identity_of(m, i), seen, NULL, 0);
        if (match == BF_ID_DIFFERENT || is_binding(m, i) != binding)
            continue;
        if (*found != BF_PLAN_NEW)
            return refuse_ambiguous(m, seen);
        *found = (uint16_t)i;
        *moved = match == BF_ID_SAME_MOVED;
    }
    return BF_OK;
}

// The disk of the point that this one was when it had another size.
static enum bf_err find_resized(struct matching *m, const struct bf_disk_identity *seen,
                                uint16_t *found)
{
    *found = BF_PLAN_NEW;
    for (size_t i = 0; i < m->q->known_count; i++) {
        if (!is_binding(m, i) || !is_resized(identity_of(m, i), seen))
            continue;
        if (*found != BF_PLAN_NEW)
            return refuse_ambiguous(m, seen);
        *found = (uint16_t)i;
    }
    return BF_OK;
}

// Which of the replica's disks a planned one is, after a point.
static enum bf_err recognise(struct matching *m, const struct bf_inventory_disk *disk,
                             uint16_t *known, uint8_t *moved, uint8_t *grown)
{
    const struct bf_disk_identity *seen = &disk->identity;
    enum bf_err err = find(m, seen, 1, known, moved);
    if (err || *known != BF_PLAN_NEW)
        return err;
    err = find_resized(m, seen, known);
    if (err)
        return err;
    *grown = *known != BF_PLAN_NEW && identity_of(m, *known)->bytes < seen->bytes;
    if (*grown)
        return BF_OK;
    if (*known != BF_PLAN_NEW && !m->q->accepted)
        return refuse_shrunk(m, *known, seen);
    if (!disk->named && !m->q->accepted)
        return refuse_new(m, seen);
    return find(m, seen, 0, known, moved);
}

static enum bf_err add(struct matching *m, uint16_t index, struct bf_disk_plan *out)
{
    const struct bf_inventory_disk *disk = &m->q->inventory->disk[index];
    const struct bf_disk_identity *seen = &disk->identity;
    uint16_t known;
    uint8_t moved = 0, grown = 0;
    enum bf_err err =
        m->q->point ? recognise(m, disk, &known, &moved, &grown) : find(m, seen, 0, &known, &moved);
    if (err)
        return err;
    BF_ASSERT(known == BF_PLAN_NEW || known < m->q->known_count);
    BF_ASSERT(out->disks < BF_PROTO_DISKS_MAX && disk->planned);
    for (uint16_t i = 0; i < out->disks; i++) {
        const struct bf_disk_identity *other =
            &m->q->inventory->disk[out->disk[i].inventory].identity;
        if ((known != BF_PLAN_NEW && out->disk[i].known == known) ||
            bf_identity_compare(other, seen, NULL, 0) != BF_ID_DIFFERENT)
            return refuse_ambiguous(m, seen);
    }
    out->disk[out->disks].inventory = index;
    out->disk[out->disks].known = known;
    out->disk[out->disks].grown = grown;
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

enum bf_err bf_disk_plan_make(const struct bf_disk_question *question, struct bf_disk_plan *out,
                              int *may_accept, struct bf_fault *fault)
{
    struct matching m = {.q = question, .fault = fault};
    enum bf_err err = BF_OK;
    out->disks = 0;
    for (uint16_t i = 0; !err && i < question->inventory->disks; i++)
        if (question->inventory->disk[i].planned)
            err = add(&m, i, out);
    for (size_t i = 0; !err && i < question->known_count && !question->accepted; i++)
        if (is_binding(&m, i) && !has_known(out, i))
            err = refuse_missing(&m, i);
    if (!err && out->disks == 0)
        err =
            bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SOURCE,
                         "check disk= and the machine's disks", "the machine has no disk to move");
    *may_accept = err == BF_ERR_MISMATCH && m.may_accept;
    return err;
}

static void digest_of_disk(const struct bf_disk_identity *identity, struct bf_digest *out)
{
    uint8_t bytes[sizeof *identity + 64];
    struct bf_writer w;
    bf_writer_init(&w, bytes, sizeof bytes);
    bf_identity_put(&w, identity);
    BF_ASSERT(bf_writer_ok(&w)); // the longest identity fits
    bf_digest_of(out, bytes, bf_writer_len(&w));
}

void bf_disk_set_digest(const struct bf_inventory *inventory, struct bf_digest *out)
{
    struct bf_digest all[BF_PROTO_DISKS_MAX], one;
    uint32_t count = 0;
    for (uint16_t i = 0; i < inventory->disks; i++) {
        uint32_t at = count;
        if (!inventory->disk[i].planned)
            continue;
        BF_ASSERT(count < BF_PROTO_DISKS_MAX);
        digest_of_disk(&inventory->disk[i].identity, &one);
        for (; at > 0 && memcmp(&all[at - 1], &one, sizeof one) > 0; at--)
            all[at] = all[at - 1];
        all[at] = one;
        count++;
    }
    bf_digest_of(out, all, count * sizeof all[0]);
}

// The one disk of the set that this is; count: none, or not clear which.
static size_t place_in(const struct bf_disk_identity *disks, size_t count,
                       const struct bf_disk_identity *seen)
{
    size_t place = count, fits = 0;
    for (size_t i = 0; i < count; i++)
        if (bf_identity_compare(&disks[i], seen, NULL, 0) != BF_ID_DIFFERENT) {
            place = i;
            fits++;
        }
    return fits == 1 ? place : count;
}

int bf_disk_set_same(const struct bf_disk_identity *disks, size_t count,
                     const struct bf_inventory *inventory)
{
    uint8_t taken[BF_PROTO_DISKS_MAX] = {0};
    size_t found = 0;
    for (uint16_t i = 0; i < inventory->disks; i++) {
        if (!inventory->disk[i].planned)
            continue;
        size_t place = place_in(disks, count, &inventory->disk[i].identity);
        if (place == count || place >= BF_PROTO_DISKS_MAX || taken[place]++)
            return 0;
        found++;
    }
    return found == count;
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
