// SPDX-License-Identifier: Apache-2.0
// What the source found on its machine, handed on to the host: UNSEEN, BOOT_ENTRY and PLACE. They
// are for people who read about the recovery point; the copy does not depend on them.
#include "base/assert.h"
#include "migrate/receiver/parts.h"

enum { PLACES_TIMES = 2 }; // each place of a disk on one connection: it may change once

enum bf_err bf_receiver_unseen(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_fault fault = {0};
    struct bf_unseen m;
    enum bf_err err = BF_OK;
    BF_ASSERT(r->unseens <= BF_UNSEEN_MAX);
    if (r->unseens == BF_UNSEEN_MAX || bf_get_unseen(f, &m))
        return bf_receiver_bad_frame(r, "UNSEEN");
    if (r->host->unseen)
        err = r->host->unseen(r->host->impl, r->unseens, &m, &fault);
    r->unseens++;
    return err ? bf_receiver_fault_from_host(r, err, &fault) : BF_OK;
}

enum bf_err bf_receiver_boot_entry(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_fault fault = {0};
    struct bf_boot_entry m;
    enum bf_err err = BF_OK;
    BF_ASSERT(r->boot_entries <= BF_BOOT_ENTRIES_MAX);
    if (r->boot_entries == BF_BOOT_ENTRIES_MAX || bf_get_boot_entry(f, &m))
        return bf_receiver_bad_frame(r, "BOOT_ENTRY");
    if (r->host->boot_entry)
        err = r->host->boot_entry(r->host->impl, r->boot_entries, &m, &fault);
    r->boot_entries++;
    return err ? bf_receiver_fault_from_host(r, err, &fault) : BF_OK;
}

enum bf_err bf_receiver_place(struct bf_receiver *r, const struct bf_frame *f)
{
    struct bf_fault fault = {0};
    struct bf_place m;
    enum bf_err err = BF_OK;
    if (++r->places > (uint32_t)PLACES_TIMES * BF_PLACES_MAX * r->session->opened.disks ||
        bf_get_place(f, &m) || bf_store_index(&r->session->opened, m.disk) < 0)
        return bf_receiver_bad_frame(r, "PLACE");
    if (r->host->place)
        err = r->host->place(r->host->impl, &m, &fault);
    return err ? bf_receiver_fault_from_host(r, err, &fault) : BF_OK;
}
