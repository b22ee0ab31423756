// SPDX-License-Identifier: Apache-2.0
// What lies in which place of each disk, and whether all of that is copied: looked at once, and
// reported to the store when the copy turns to the disk.
#include "base/assert.h"
#include "base/config.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "image/usage/usage.h"
#include "migrate/copy/parts.h"

enum { LOOK_US = 50000 }; // between two turns of everything else while disks are looked at

// An all@ that matches nothing was written for a reason: to go on would leave something out that
// somebody wants.
static enum bf_err choice_is_met(struct bf_copy *c)
{
    const struct bf_config_copy *missed = bf_usage_choice_missed(&c->choice, 0);
    if (missed)
        bf_log(BF_LOG_WARNING, "copy=used@%s matches nothing on the disks that are copied",
               missed->where);
    missed = c->copy_whole ? NULL : bf_usage_choice_missed(&c->choice, 1);
    if (!missed)
        return BF_OK;
    bf_fault_set(&c->fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                 "correct it, or leave it out; the log lists the partitions",
                 "copy=all@%.120s matches nothing on the disks that are copied", missed->where);
    return c->fault.code;
}

// A look at the disks takes as long as they make it take. Meanwhile whoever runs the pipeline does
// the rest.
static int meanwhile(void *user, const struct bf_usage_look *look)
{
    struct bf_copy *c = user;
    uint64_t now = bf_platform_now_us();
    if (now - c->looked_us < LOOK_US || !c->config.meanwhile)
        return c->cut_short;
    c->looked_us = c->now_us = now;
    bf_looking_set(&c->progress->looking, look);
    c->cut_short = (uint8_t)(c->config.meanwhile(c->config.user, now) != 0);
    return c->cut_short;
}

enum bf_err bf_copy_look(struct bf_copy *c)
{
    const struct bf_config *places = c->config.places;
    if (c->looked)
        return BF_OK;
    BF_ASSERT(!c->usage && c->usage_of == BF_NO_DISK);
    c->looked = 1;
    c->choice.whole = c->config.copy_all ? c->config.copy_all_why : NULL;
    c->choice.config = places;
    c->copy_whole = c->config.copy_all;
    for (uint32_t i = 0; places && i < places->copies; i++)
        c->copy_whole &= places->copy[i].all;
    c->watch = (struct bf_usage_watch){meanwhile, c};
    c->usage = bf_usage_open(c->config.disks, c->config.inventory->disks, &c->watch);
    bf_usage_choose(c->usage, &c->choice);
    return choice_is_met(c);
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

static void describe(const struct bf_copy *c, const struct bf_usage_note *note,
                     struct bf_place *out)
{
    put_text(out->name, sizeof out->name, note->name);
    put_text(out->what, sizeof out->what, note->what);
    put_text(out->why, sizeof out->why,
             c->copy_whole ? c->config.copy_all_why
             : note->why   ? note->why
                           : "");
    // As many as are noted at most may not be all.
    out->count = note->spans < BF_USAGE_NOTE_SPANS ? (uint16_t)note->spans : 0;
    for (uint16_t i = 0; i < out->count; i++)
        out->span[i] = (struct bf_place_span){note->span[i].first, note->span[i].bytes};
}

static enum bf_err report_place(struct bf_copy *c, uint32_t i)
{
    const struct bf_store *store = &c->opened->store;
    struct bf_place m = {.disk = c->disk[c->current].plan.disk, .ordinal = (uint16_t)i};
    enum bf_err err;
    BF_ASSERT(i < BF_PLACES_MAX && i < bf_usage_notes(c->usage));
    if (!store->ops->place)
        return BF_OK;
    describe(c, bf_usage_note(c->usage, i), &m);
    err = bf_copy_answer(c, store->ops->place(store->impl, &m));
    c->moved |= err == BF_OK;
    return err;
}

enum bf_err bf_copy_report_places(struct bf_copy *c)
{
    uint32_t notes = bf_usage_notes(c->usage);
    enum bf_err err = BF_OK;
    for (; c->places_told < notes && c->places_told < BF_PLACES_MAX; c->places_told++)
        if ((err = report_place(c, c->places_told)) != BF_OK)
            return err;
    if (c->place_again == UINT32_MAX)
        c->place_again = bf_usage_notes_changed(c->usage);
    if (c->place_again < c->places_told)
        err = report_place(c, c->place_again);
    if (!err)
        c->place_again = UINT32_MAX;
    return err;
}
