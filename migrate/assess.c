// SPDX-License-Identifier: Apache-2.0
// See migrate/assess.h. Disks first, one after another, then the server: a connection that waits
// for half a minute of reading would only be in its way.
#include "migrate/assess.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "migrate/assess_parts.h"
#include "migrate/unseen.h"

enum {
    DISKS_US = 20000000, // for all disks together
    DISK_US = 10000000,  // for one at most
    DISK_LEAST_US = 1000000,
    PAUSE_US = 5000000,
};

const char *bf_assess_phase_name(enum bf_assess_phase phase)
{
    static const char *const names[] = {"maps", "disks", "connecting", "waiting",
                                        "link", "done",  "failed"};
    return names[phase];
}

const struct bf_assess_view *bf_assess_view(const struct bf_assess *a)
{
    return &a->view;
}

const struct bf_fault *bf_assess_fault(const struct bf_assess *a)
{
    return &a->fault;
}

void bf_assess_cancel(struct bf_assess *a)
{
    a->cancelled = 1;
}

static int watching(void *user, const struct bf_usage_look *look)
{
    struct bf_assess *a = user;
    if (a->config.looking && a->config.looking(a->config.user, look))
        a->cancelled = 1;
    return a->cancelled;
}

// ---- Making ------------------------------------------------------------------------------------

static void list_disks(struct bf_assess *a)
{
    const struct bf_inventory *inv = a->config.inventory;
    struct bf_assessment *found = &a->view.found;
    for (uint16_t i = 0; i < inv->disks; i++) {
        struct bf_assessed_disk *d = &found->disk[found->disks];
        if (!inv->disk[i].planned || !a->config.disks[i])
            continue;
        d->number = i;
        d->bytes = bf_source_bytes(a->config.disks[i]);
        bf_identity_text(d->name, sizeof d->name, &inv->disk[i].identity);
        found->disks++;
    }
    found->unseen = bf_unseen_unknown(inv);
    bf_unseen_list(found->unseen_list, sizeof found->unseen_list, inv);
}

struct bf_assess *bf_assess_new(const struct bf_assess_config *config)
{
    struct bf_assess *a = bf_alloc(sizeof *a);
    if (!a)
        return NULL;
    a->config = *config;
    a->outcome = BF_AGAIN;
    a->watch = (struct bf_usage_watch){watching, a};
    a->choice.whole = config->config->copy_all ? "copy=all" : NULL;
    a->choice.config = config->config;
    a->fill = bf_alloc(BF_ASSESS_FILL_BYTES);
    if (!a->fill ||
        bf_channel_init(&a->channel, BF_SMALL_FRAME, BF_ASSESS_OUT_BYTES, BF_SIDE_SERVER)) {
        bf_free(a->fill);
        bf_free(a);
        return NULL;
    }
    list_disks(a);
    return a;
}

void bf_assess_free(struct bf_assess *a)
{
    if (!a)
        return;
    bf_assess_hang_up(a);
    bf_gauge_end(&a->gauge);
    bf_usage_free(a->usage);
    bf_channel_free(&a->channel);
    bf_free(a->fill);
    bf_free(a);
}

static enum bf_err fail(struct bf_assess *a, const struct bf_fault *fault)
{
    BF_ASSERT(fault->code);
    a->fault = *fault;
    bf_assess_hang_up(a);
    a->view.phase = BF_ASSESS_FAILED;
    return a->outcome = fault->code;
}

// ---- Disks -------------------------------------------------------------------------------------

static struct bf_source_disk *current(const struct bf_assess *a)
{
    BF_ASSERT(a->view.current < a->view.found.disks);
    return a->config.disks[a->view.found.disk[a->view.current].number];
}

static enum bf_err begin_disk(struct bf_assess *a)
{
    struct bf_fault fault;
    if (!a->looked) {
        a->looked = 1;
        a->usage = bf_usage_open(a->config.disks, a->config.inventory->disks, &a->watch);
        bf_usage_choose(a->usage, &a->choice);
    }
    if (bf_gauge_begin(&a->gauge, current(a), a->usage) == BF_OK)
        return BF_OK;
    bf_fault_set(&fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine at least 512 MiB",
                 "there is not enough memory");
    return fail(a, &fault);
}

// What the time of one disk may be: all have their turn within the time for all.
static uint64_t time_for_one(const struct bf_assess *a)
{
    uint64_t share = DISKS_US / a->view.found.disks;
    if (share > DISK_US)
        return DISK_US;
    return share < DISK_LEAST_US ? DISK_LEAST_US : share;
}

static void end_disk(struct bf_assess *a)
{
    struct bf_assessed_disk *d = &a->view.found.disk[a->view.current];
    const struct bf_gauge *g = &a->gauge;
    BF_ASSERT(g->used <= d->bytes && g->disk);
    d->used = g->used;
    d->rate = bf_gauge_rate(g);
    d->sampled = g->sampled;
    d->packed = g->packed;
    a->compute_bytes += g->sampled;
    a->compute_us += g->compute_us;
    if (g->errors)
        bf_log(BF_LOG_WARNING, "disk %u: %u of the reads that were timed failed", d->number,
               g->errors);
    bf_gauge_end(&a->gauge);
    a->view.current++;
    a->view.phase = BF_ASSESS_MAPS;
    if (a->view.current < a->view.found.disks)
        return;
    a->view.found.compute =
        a->compute_us ? a->compute_bytes * 1000000 / a->compute_us * a->config.processors : 0;
    a->view.phase = BF_ASSESS_CONNECTING;
    a->begun_us = a->now_us;
}

static void read_maps(struct bf_assess *a)
{
    if (!a->gauge.disk && begin_disk(a))
        return;
    a->moved = 1;
    enum bf_err err = bf_gauge_map(&a->gauge);
    a->view.found.disk[a->view.current].used = a->gauge.used;
    if (err == BF_OK)
        a->view.phase = BF_ASSESS_DISKS;
}

static void time_disk(struct bf_assess *a)
{
    int idle;
    enum bf_err err = bf_gauge_time(&a->gauge, a->now_us, time_for_one(a), &idle);
    a->moved |= !idle;
    a->view.found.disk[a->view.current].rate = bf_gauge_rate(&a->gauge);
    if (err == BF_OK)
        end_disk(a);
}

// ---- Turns --------------------------------------------------------------------------------------

static void attempt_failed(struct bf_assess *a, const struct bf_fault *why)
{
    struct bf_fault fault = *why;
    uint64_t retry = (uint64_t)a->config.config->retry_seconds * 1000000;
    bf_assess_hang_up(a);
    a->view.last_fault = fault;
    if (!bf_err_is_transient(fault.code) || (retry && a->now_us - a->begun_us >= retry)) {
        fail(a, &fault);
        return;
    }
    bf_log(BF_LOG_WARNING, "%s; trying again", fault.what);
    a->until_us = a->now_us + PAUSE_US;
    a->view.phase = BF_ASSESS_WAITING;
}

static void connect(struct bf_assess *a)
{
    struct bf_fault fault = {0};
    a->moved = 1;
    if (bf_assess_connect(a, &fault))
        attempt_failed(a, &fault);
    else
        a->view.phase = BF_ASSESS_LINK;
}

static void talk(struct bf_assess *a)
{
    enum bf_err err = bf_assess_talk(a);
    if (err == BF_OK) {
        bf_assess_hang_up(a);
        a->view.phase = BF_ASSESS_DONE;
        a->outcome = BF_OK;
    } else if (err != BF_AGAIN) {
        attempt_failed(a, &a->channel.fault);
    }
}

static void work(struct bf_assess *a)
{
    switch (a->view.phase) {
    case BF_ASSESS_MAPS:
        read_maps(a);
        break;
    case BF_ASSESS_DISKS:
        time_disk(a);
        break;
    case BF_ASSESS_WAITING:
        if (a->now_us >= a->until_us)
            a->view.phase = BF_ASSESS_CONNECTING;
        break;
    case BF_ASSESS_CONNECTING:
        connect(a);
        break;
    case BF_ASSESS_LINK:
        talk(a);
        break;
    case BF_ASSESS_DONE:
    case BF_ASSESS_FAILED:
        break;
    }
}

enum bf_err bf_assess_step(struct bf_assess *a, uint64_t now_us, int *idle)
{
    struct bf_fault fault;
    *idle = 1;
    if (a->outcome != BF_AGAIN)
        return a->outcome;
    BF_ASSERT(now_us >= a->now_us);
    a->now_us = now_us;
    a->moved = 0;
    if (!a->view.found.disks) {
        bf_fault_set(&fault, BF_ERR_NOT_FOUND, BF_SIDE_SOURCE,
                     "look at disk=", "there is no disk to assess");
        return fail(a, &fault);
    }
    if (!a->cancelled)
        work(a);
    if (a->cancelled && a->outcome == BF_AGAIN) {
        bf_fault_set(&fault, BF_ERR_CANCELLED, BF_SIDE_SOURCE, "start it again",
                     "it was cancelled");
        return fail(a, &fault);
    }
    *idle = !a->moved;
    return a->outcome;
}

void bf_assess_text(char *out, size_t size, const struct bf_assess_view *v)
{
    const struct bf_assessed_disk *d = &v->found.disk[v->current];
    char used[16], bytes[16];
    switch (v->phase) {
    case BF_ASSESS_MAPS:
        bf_human_bytes(used, sizeof used, d->used);
        bf_human_bytes(bytes, sizeof bytes, d->bytes);
        bf_snprintf(out, size, "looking what is used on disk %u: %s of %s so far", d->number, used,
                    bytes);
        return;
    case BF_ASSESS_DISKS:
        bf_human_bytes(used, sizeof used, d->rate);
        bf_snprintf(out, size, "timing disk %u: %s/s", d->number, used);
        return;
    case BF_ASSESS_CONNECTING:
        bf_snprintf(out, size, "connecting to %s", v->server);
        return;
    case BF_ASSESS_WAITING:
        bf_snprintf(out, size, "%s; trying again", v->last_fault.what);
        return;
    case BF_ASSESS_LINK:
        bf_snprintf(out, size, "timing the link to %s", v->server);
        return;
    case BF_ASSESS_DONE:
    case BF_ASSESS_FAILED:
        break;
    }
    bf_snprintf(out, size, "%s", "");
}
