// SPDX-License-Identifier: Apache-2.0
// What the source found, on its way to the server: storage of the machine that no disk stands for,
// and for each disk what lies in which place of it and whether all of that is copied.
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "image/usage.h"
#include "migrate/sender_parts.h"

enum { LOOK_US = 50000 }; // between two turns of everything else while disks are looked at

void bf_sender_tell_unseen(struct bf_sender *s)
{
    const struct bf_inventory *inv = s->config.inventory;
    for (uint16_t i = 0; i < inv->unseens && i < BF_UNSEEN_MAX; i++) {
        uint8_t *room = bf_link_room(&s->link, BF_SMALL_FRAME);
        if (room)
            bf_link_put(&s->link, bf_put_unseen(room, BF_SMALL_FRAME, &inv->unseen[i]));
    }
}

// An all@ that matches nothing was written for a reason: to go on would leave something out that
// somebody wants.
static int is_met(struct bf_sender *s)
{
    const struct bf_config_copy *missed = bf_usage_choice_missed(&s->choice, 0);
    struct bf_fault fault;
    if (missed)
        bf_log(BF_LOG_WARNING, "copy=used@%s matches nothing on the disks that are copied",
               missed->where);
    missed = s->copy_whole ? NULL : bf_usage_choice_missed(&s->choice, 1);
    if (!missed)
        return 1;
    bf_fault_set(&fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                 "correct it, or leave it out; the log lists the partitions",
                 "copy=all@%.120s matches nothing on the disks that are copied", missed->where);
    bf_sender_give_up(s, &fault);
    return 0;
}

// A look at the disks takes as long as they make it take. Meanwhile the connection stays alive, and
// whoever runs the sender does the rest.
static int meanwhile(void *user, const struct bf_usage_look *look)
{
    struct bf_sender *s = user;
    uint64_t now = bf_platform_now_us();
    if (now - s->looked_us < LOOK_US)
        return s->cancelled;
    s->looked_us = s->now_us = now;
    bf_looking_set(&s->progress.looking, look);
    if (s->has_stream && !s->link.failed)
        bf_link_poll(&s->link, now);
    if (s->config.meanwhile)
        s->config.meanwhile(s->config.user);
    return s->cancelled;
}

int bf_sender_look(struct bf_sender *s)
{
    const struct bf_config *places = s->config.places;
    if (s->looked)
        return 1;
    s->looked = 1;
    s->choice.whole = s->config.copy_all ? s->config.copy_all_why : NULL;
    s->choice.config = places;
    s->copy_whole = s->config.copy_all;
    for (uint32_t i = 0; places && i < places->copies; i++)
        s->copy_whole &= places->copy[i].all;
    s->watch = (struct bf_usage_watch){meanwhile, s};
    s->usage = bf_usage_open(s->config.disks, s->config.inventory->disks, &s->watch);
    bf_usage_choose(s->usage, &s->choice);
    return is_met(s);
}

_Static_assert((int)BF_USAGE_NOTE_SPANS <= (int)BF_PLACE_SPANS_MAX, "a place has room for all");

// Names come from the disk: what the protocol does not carry becomes a question mark.
static void put_text(char *out, size_t size, const char *text)
{
    bf_snprintf(out, size, "%s", text);
    for (; *out; out++)
        if (*out < ' ' || *out > '~')
            *out = '?';
}

static void describe(const struct bf_sender *s, const struct bf_usage_note *note,
                     struct bf_place *out)
{
    put_text(out->name, sizeof out->name, note->name);
    put_text(out->what, sizeof out->what, note->what);
    put_text(out->why, sizeof out->why,
             s->copy_whole ? s->config.copy_all_why
             : note->why   ? note->why
                           : "");
    // As many as are noted at most may not be all.
    out->count = note->spans < BF_USAGE_NOTE_SPANS ? (uint16_t)note->spans : 0;
    for (uint16_t i = 0; i < out->count; i++)
        out->span[i] = (struct bf_place_span){note->span[i].first, note->span[i].bytes};
}

static int tell_place(struct bf_sender *s, uint32_t i)
{
    size_t most = 1024 + BF_PLACE_SPANS_MAX * sizeof(struct bf_place_span);
    struct bf_place m = {.disk = s->disk[s->current].plan.disk, .ordinal = (uint16_t)i};
    uint8_t *room = bf_link_room(&s->link, most);
    if (!room)
        return 0;
    describe(s, bf_usage_note(s->usage, i), &m);
    bf_link_put(&s->link, bf_put_place(room, most, &m));
    s->moved = 1;
    return 1;
}

int bf_sender_tell_places(struct bf_sender *s)
{
    uint32_t notes = bf_usage_notes(s->usage);
    for (; s->places_told < notes && s->places_told < BF_PLACES_MAX; s->places_told++)
        if (!tell_place(s, s->places_told))
            return 0;
    if (s->place_again == UINT32_MAX)
        s->place_again = bf_usage_notes_changed(s->usage);
    if (s->place_again < s->places_told && !tell_place(s, s->place_again))
        return 0;
    s->place_again = UINT32_MAX;
    return 1;
}
