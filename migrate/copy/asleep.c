// SPDX-License-Identifier: Apache-2.0
// A system that hibernated into a swap file goes on with what it has in memory, whatever its file
// systems look like now: nothing of any disk may be left out. Such a file lies anywhere, so that
// it is found when it is read (migrate/copy/digest_stage.c), perhaps after something was left out:
// then all is read again in a new session, and only differences travel. The remains of a deleted
// swap file look the same; they cost time and nothing else.
#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "image/swap.h"
#include "migrate/copy/parts.h"

void bf_copy_see_asleep(struct bf_copy *c, const struct bf_slot *slot, uint32_t i)
{
    const struct bf_copy_disk *d = &c->disk[c->current];
    struct bf_progress *p = c->progress;
    if (p->asleep || c->copy_whole)
        return;
    BF_ASSERT(slot->asleep[i] >= BF_SWAP_SIGNATURE);
    p->asleep = 1;
    p->asleep_disk = d->plan.inventory_disk;
    p->asleep_byte = bf_copy_position(d, slot->first + i) + slot->asleep[i] - BF_SWAP_SIGNATURE;
}

// What is unused is read from here on; the places of the disks are as they were.
static void stop_leaving_out(struct bf_copy *c)
{
    BF_ASSERT(!c->asleep_heeded);
    c->asleep_heeded = 1;
    c->copy_whole = 1;
    c->config.copy_all_why = "a hibernated system was found";
    c->feed.usage = NULL;
    c->places_told = 0; // the store learns the new reason
}

static void put_words(const struct bf_copy *c, struct bf_event *event)
{
    event->level = BF_LOG_WARNING;
    bf_snprintf(event->text, sizeof event->text,
                "disk %u holds a hibernated system (its signature is at byte %llu): all disks are "
                "copied whole; shut the machine down properly instead",
                c->progress->asleep_disk, (unsigned long long)c->progress->asleep_byte);
}

static enum bf_err tell_store(struct bf_copy *c, const struct bf_event *event)
{
    const struct bf_store *store = &c->opened->store;
    enum bf_err err = BF_OK;
    if (store->ops->event)
        err = bf_copy_answer(c, store->ops->event(store->impl, event));
    c->asleep_told = err == BF_OK;
    return err;
}

enum bf_err bf_copy_heed_asleep(struct bf_copy *c)
{
    struct bf_event event;
    if (!c->progress->asleep || (c->asleep_heeded && c->asleep_told))
        return BF_OK;
    put_words(c, &event);
    if (c->asleep_heeded)
        return tell_store(c, &event);
    stop_leaving_out(c);
    bf_log(BF_LOG_WARNING, "%s", event.text);
    if (!c->feed.left_out)
        return tell_store(c, &event);
    bf_log(BF_LOG_WARNING, "unused areas were already left out: all disks are read again");
    c->progress->unused_bytes = 0;
    c->anew = 1;
    return BF_AGAIN;
}
