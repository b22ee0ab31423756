// SPDX-License-Identifier: Apache-2.0
// A system that hibernated into a swap file goes on with what it has in memory, whatever its file
// systems look like now: nothing of any disk may be left out. Such a file lies anywhere, so that
// it is found when it is read (migrate/judge.c), perhaps after something was left out: then all is
// read again in a new session, and only differences travel. The remains of a deleted swap file
// look the same; they cost time and nothing else.
#include "base/fmt.h"
#include "base/log.h"
#include "image/swap.h"
#include "migrate/sender_parts.h"

void bf_sender_see_asleep(struct bf_sender *s, const struct bf_slot *slot, uint32_t i)
{
    const struct bf_sender_disk *d = &s->disk[s->current];
    struct bf_progress *p = &s->progress;
    if (p->asleep || s->copy_whole)
        return;
    p->asleep = 1;
    p->asleep_disk = d->plan.inventory_disk;
    p->asleep_byte = bf_sender_position(d, slot->first + i) + slot->asleep[i] - BF_SWAP_SIGNATURE;
}

// What is unused is read from here on; the places of the disks are as they were.
static void stop_leaving_out(struct bf_sender *s)
{
    s->asleep_heeded = 1;
    s->copy_whole = 1;
    s->config.copy_all_why = "a hibernated system was found";
    s->feed.usage = NULL;
    s->places_told = 0; // the server learns the new reason
}

static void put_words(const struct bf_sender *s, struct bf_event *event)
{
    event->level = BF_LOG_WARNING;
    bf_snprintf(event->text, sizeof event->text,
                "disk %u holds a hibernated system (its signature is at byte %llu): all disks are "
                "copied whole; shut it down instead",
                s->progress.asleep_disk, (unsigned long long)s->progress.asleep_byte);
}

static int tell_server(struct bf_sender *s, const struct bf_event *event)
{
    uint8_t *room = bf_link_room(&s->link, BF_SMALL_FRAME);
    if (!room)
        return 0;
    bf_link_put(&s->link, bf_put_event(room, BF_SMALL_FRAME, event));
    s->asleep_told = 1;
    return 1;
}

int bf_sender_heed_asleep(struct bf_sender *s)
{
    struct bf_event event;
    if (!s->progress.asleep || (s->asleep_heeded && s->asleep_told))
        return 1;
    put_words(s, &event);
    if (s->asleep_heeded)
        return tell_server(s, &event);
    stop_leaving_out(s);
    bf_log(BF_LOG_WARNING, "%s", event.text);
    if (!s->feed.left_out)
        return tell_server(s, &event);
    bf_log(BF_LOG_WARNING, "something was left out already: everything is read again");
    s->progress.unused_bytes = 0;
    bf_sender_begin_again(s);
    return 0;
}
