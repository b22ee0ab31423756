// SPDX-License-Identifier: Apache-2.0
// The store far away, see migrate/remote/remote.h: its connections, and the greeting.
#include "migrate/remote/remote.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "migrate/remote/parts.h"

enum {
    IN_BYTES = BF_FRAME_HEADER + 64 + BF_BASE_ENTRIES_MAX * 32,
    OUT_BYTES = 256 * 1024,
    INVENTORY_BYTES = 128 * 1024,
};

struct bf_remote *bf_remote_new(const struct bf_remote_config *config, uint64_t now_us)
{
    struct bf_remote *r = bf_alloc_aligned(sizeof *r, _Alignof(struct bf_remote));
    if (!r)
        return NULL;
    r->config = *config;
    r->workers = config->workers;
    r->now_us = now_us;
    r->base.state = bf_alloc(BF_BASE_WINDOW);
    r->base.digest = bf_alloc(BF_BASE_WINDOW * sizeof *r->base.digest);
    if (r->base.state && r->base.digest && bf_remote_packs_init(r) &&
        !bf_channel_init(&r->channel, IN_BYTES, OUT_BYTES, BF_SIDE_SERVER)) {
        bf_limit_init(&r->channel.limit, config->limit, now_us);
        return r;
    }
    bf_remote_free(r);
    return NULL;
}

void bf_remote_free(struct bf_remote *r)
{
    if (!r)
        return;
    bf_remote_packs_free(r);
    bf_channel_free(&r->channel);
    bf_free(r->base.state);
    bf_free(r->base.digest);
    bf_free(r);
}

// ---- What its owner asks -----------------------------------------------------------------------

struct bf_channel *bf_remote_channel(struct bf_remote *r)
{
    return &r->channel;
}

const struct bf_store_opened *bf_remote_opened(const struct bf_remote *r)
{
    return r->state >= BF_REMOTE_OPEN ? &r->opened : NULL;
}

const struct bf_fault *bf_remote_unfit(const struct bf_remote *r)
{
    return &r->unfit;
}

const char *bf_remote_machine(const struct bf_remote *r)
{
    return r->welcome.name;
}

uint64_t bf_remote_sent_here(const struct bf_remote *r)
{
    BF_ASSERT(r->channel.bytes_out >= r->greeted_bytes);
    return r->channel.bytes_out - r->greeted_bytes;
}

void bf_remote_spent(struct bf_remote *r, uint64_t passed_us, enum bf_waiting what)
{
    bf_ladder_tick(&r->ladder, passed_us, what);
}

int bf_remote_is_sending(const struct bf_remote *r)
{
    return bf_channel_body_busy(&r->channel);
}

// ---- Connections -------------------------------------------------------------------------------

void bf_remote_attach(struct bf_remote *r, struct bf_stream stream, uint32_t caution,
                      uint64_t now_us)
{
    BF_ASSERT(r->state == BF_REMOTE_CLOSED);
    BF_ASSERT(BF_DATA_MAX >> caution >= BF_CHUNK_MIN);
    r->now_us = now_us;
    r->caution = caution;
    bf_channel_attach(&r->channel, stream, now_us);
    bf_remote_base_forget(r);
    bf_remote_packs_forget(r);
    r->range.count = 0;
    r->opened.disks = 0;
    r->needs = r->need_at = 0;
    r->busy_ms = BF_DEAD_MS;
    memset(&r->verifying, 0, sizeof r->verifying);
    memset(&r->unfit, 0, sizeof r->unfit);
    r->state = BF_REMOTE_CLOSED;
}

void bf_remote_detach(struct bf_remote *r)
{
    bf_remote_packs_forget(r);
    r->state = BF_REMOTE_CLOSED;
}

static void put_hello(struct bf_remote *r)
{
    struct bf_hello hello = {.version_min = BF_PROTO_VERSION_MIN,
                             .version_max = BF_PROTO_VERSION_MAX,
                             .caps = BF_CAP_LZ4 | BF_CAP_ZSTD};
    uint8_t *room = bf_channel_room(&r->channel, BF_SMALL_FRAME);
    memcpy(hello.boot, r->config.boot, sizeof hello.boot);
    memcpy(hello.session, r->session, sizeof hello.session);
    hello.clock = r->config.clock ? r->config.clock() : 0;
    bf_snprintf(hello.program, sizeof hello.program, "%s",
                r->config.program ? r->config.program : "");
    if (room)
        bf_channel_put(&r->channel, bf_put_hello(room, BF_SMALL_FRAME, &hello));
}

// Storage of the machine that no disk stands for.
static void put_unseen(struct bf_remote *r)
{
    const struct bf_inventory *inv = r->config.inventory;
    for (uint16_t i = 0; i < inv->unseens && i < BF_UNSEEN_MAX; i++) {
        uint8_t *room = bf_channel_room(&r->channel, BF_SMALL_FRAME);
        if (room)
            bf_channel_put(&r->channel, bf_put_unseen(room, BF_SMALL_FRAME, &inv->unseen[i]));
    }
}

// What the machine's firmware starts.
static void put_boot_entries(struct bf_remote *r)
{
    const struct bf_inventory *inv = r->config.inventory;
    for (uint16_t i = 0; i < inv->boot_entries && i < BF_BOOT_ENTRIES_MAX; i++) {
        uint8_t *room = bf_channel_room(&r->channel, BF_SMALL_FRAME);
        if (room)
            bf_channel_put(&r->channel,
                           bf_put_boot_entry(room, BF_SMALL_FRAME, &inv->boot_entry[i]));
    }
}

void bf_remote_greet(struct bf_remote *r)
{
    uint8_t *room;
    BF_ASSERT(r->state == BF_REMOTE_CLOSED && !r->opened.disks);
    put_hello(r);
    room = bf_channel_room(&r->channel, INVENTORY_BYTES);
    if (room)
        bf_channel_put(&r->channel, bf_put_inventory(room, INVENTORY_BYTES, r->config.inventory));
    put_unseen(r);
    put_boot_entries(r);
    r->greeted_bytes = r->channel.bytes_out;
    memset(&r->welcome, 0, sizeof r->welcome);
    r->state = BF_REMOTE_GREETED;
}

int bf_remote_poll(struct bf_remote *r, uint64_t now_us)
{
    r->now_us = now_us;
    r->moved = (uint8_t)bf_channel_poll(&r->channel, now_us);
    bf_remote_take_back(r);
    if (!r->channel.failed && r->state != BF_REMOTE_CLOSED)
        bf_remote_frames(r);
    return r->moved;
}

void bf_remote_stay_alive(struct bf_remote *r, uint64_t now_us)
{
    r->now_us = now_us;
    if (!r->channel.failed)
        bf_channel_poll(&r->channel, now_us);
}
