// SPDX-License-Identifier: Apache-2.0
// The simulated migration, see tests/sim_world.h.
#include "tests/sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "tests/platform_sim.h"

enum { LIMIT_US = 7200 * 1000000u, IDLE_US = 5000, BUSY_US = 200, WORK_US = 20000 };

// ---- The server --------------------------------------------------------------------------------

static enum bf_err host_session(void *impl, const struct bf_hello *hello,
                                const struct bf_inventory *inventory,
                                struct bf_receiver_session *out, struct bf_fault *fault)
{
    struct sim_world *w = impl;
    uint8_t session[16];
    int known = memcmp(hello->session, w->store.session, 16) == 0 && w->store.has_session;
    int resumed;
    if (bf_platform_now_us() < w->server_back_us)
        return bf_fault_set(fault, BF_ERR_BUSY, BF_SIDE_SERVER, "wait", "the server is busy");
    memcpy(session, hello->session, 16);
    if (!known)
        bf_platform_entropy(session, sizeof session);
    resumed = sim_store_open(&w->store, session, hello->boot);
    memcpy(out->welcome.session, session, 16);
    out->welcome.resumed = (uint8_t)resumed;
    out->welcome.clock = bf_platform_wall();
    snprintf(out->welcome.name, sizeof out->welcome.name, "sim");
    out->opened.disks = (uint16_t)w->disks;
    for (uint32_t i = 0; i < w->disks; i++) {
        const struct sim_store_disk *d = &w->store.disk[i];
        out->opened.plan[i] = (struct bf_planned_disk){
            .disk = (uint16_t)i,
            .inventory_disk = (uint16_t)i,
            .has_base = w->store.writes > 0,
            .geometry = d->geometry,
            .resume_chunk = resumed ? d->durable : 0,
            .done = resumed && d->done && d->durable == bf_geometry_chunks(&d->geometry),
        };
        if (inventory->disk[i].identity.bytes != d->geometry.disk_bytes)
            return bf_fault_set(fault, BF_ERR_MISMATCH, BF_SIDE_SOURCE, "look", "another disk");
    }
    out->opened.store = sim_store_interface(&w->store);
    return BF_OK;
}

static enum bf_err host_allowed(void *impl, struct bf_fault *fault)
{
    struct sim_world *w = impl;
    return w->allowed ? w->allowed(w, fault) : BF_OK;
}

static enum bf_err host_unreadable(void *impl, const struct bf_unreadable *what,
                                   struct bf_fault *fault)
{
    struct sim_world *w = impl;
    if (w->bads == SIM_BAD)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_SOURCE, "look", "too much is unreadable");
    w->bad[w->bads++] = *what;
    return BF_OK;
}

static enum bf_err host_rereading(void *impl, uint16_t disk, uint64_t offset,
                                  struct bf_fault *fault)
{
    struct sim_world *w = impl;
    uint32_t kept = 0;
    (void)fault;
    for (uint32_t i = 0; i < w->bads; i++) {
        struct bf_unreadable b = w->bad[i];
        if (b.disk == disk && b.offset + b.bytes > offset)
            b.bytes = b.offset < offset ? offset - b.offset : 0;
        if (b.bytes)
            w->bad[kept++] = b;
    }
    w->bads = kept;
    return BF_OK;
}

static enum bf_err host_unseen(void *impl, uint16_t ordinal, const struct bf_unseen *what,
                               struct bf_fault *fault)
{
    struct sim_world *w = impl;
    (void)fault;
    w->unseens++;
    if (ordinal < SIM_PLACES)
        w->unseen[ordinal] = *what;
    return BF_OK;
}

static enum bf_err host_boot_entry(void *impl, uint16_t ordinal, const struct bf_boot_entry *what,
                                   struct bf_fault *fault)
{
    struct sim_world *w = impl;
    (void)fault;
    if (ordinal == 0)
        w->boot_entry = *what;
    w->boot_entries++;
    return BF_OK;
}

static enum bf_err host_place(void *impl, const struct bf_place *what, struct bf_fault *fault)
{
    struct sim_world *w = impl;
    (void)fault;
    w->places++;
    if (what->disk == 0 && what->ordinal < SIM_PLACES)
        w->place[what->ordinal] = *what;
    return BF_OK;
}

static void host_event(void *impl, int level, const char *text)
{
    (void)impl;
    bf_log((enum bf_log_level)level, "source: %s", text);
}

static struct bf_receiver_host host_of(struct sim_world *w)
{
    return (struct bf_receiver_host){.session = host_session,
                                     .allowed = host_allowed,
                                     .unreadable = host_unreadable,
                                     .rereading = host_rereading,
                                     .unseen = host_unseen,
                                     .boot_entry = host_boot_entry,
                                     .place = host_place,
                                     .event = host_event,
                                     .impl = w};
}

static struct bf_receiver_host the_host; // the receiver keeps a pointer

static void drop_receiver(struct sim_world *w)
{
    if (w->receiver)
        w->receiver_fault = *bf_receiver_fault(w->receiver);
    bf_receiver_free(w->receiver);
    w->receiver = NULL;
}

// ---- The source --------------------------------------------------------------------------------

static uint64_t bytes_carried(const struct sim_world *w)
{
    uint64_t bytes = w->bytes_before;
    if (w->links)
        bytes += sim_link_bytes(w->link[w->links - 1]);
    return bytes;
}

static enum bf_err connector_open(void *impl, uint32_t attempt, struct bf_stream *out, char *to,
                                  size_t to_size, struct bf_fault *fault)
{
    struct sim_world *w = impl;
    (void)attempt;
    snprintf(to, to_size, "sim:7667");
    if (bf_platform_now_us() < w->server_back_us || w->links == SIM_LINKS) {
        w->refused++;
        return bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "wait", "refused");
    }
    w->bytes_before = bytes_carried(w);
    w->link[w->links] = sim_link_new(&w->link_model);
    drop_receiver(w);
    the_host = host_of(w);
    w->receiver = bf_receiver_new(sim_link_stream(w->link[w->links], SIM_SERVER), &the_host, 1,
                                  bf_platform_now_us());
    *out = sim_link_stream(w->link[w->links++], SIM_CLIENT);
    return w->receiver ? BF_OK : BF_ERR_NO_MEMORY;
}

static void boot_source(struct sim_world *w)
{
    struct bf_sender_config config = {
        .connector = {.open = connector_open, .impl = w},
        .inventory = &w->inventory,
        .refusal = w->refusal,
        .disks = w->source,
        .retry_us = w->retry_us,
        .buffer_bytes = w->buffer_bytes,
        .compression = w->compression,
        .limit = w->limit,
        .map_errors = w->map_errors,
        .places = w->choices,
        .clock = bf_platform_wall,
        .workers = &w->pool,
        .program = "sim",
    };
    bf_workers_init(&w->pool);
    sim_workers(w->workers, WORK_US);
    bf_workers_start(&w->pool, w->workers);
    for (uint32_t i = 0; i < w->disks; i++)
        w->source[i]->bytes_read = 0;
    bf_platform_entropy(w->boot, sizeof w->boot);
    memcpy(config.boot, w->boot, sizeof config.boot);
    w->sender = bf_sender_new(&config, bf_platform_now_us());
    w->boots++;
}

static void stop_source(struct sim_world *w)
{
    if (!w->sender)
        return;
    w->sender_fault = *bf_sender_fault(w->sender);
    w->progress = *bf_sender_progress(w->sender);
    bf_sender_free(w->sender);
    w->sender = NULL;
    if (bf_workers_stop(&w->pool))
        snprintf(w->what, sizeof w->what, "a worker did not come back");
}

// ---- Filling -----------------------------------------------------------------------------------

enum { SWAP_HEAD = 65536, SWAP_PAGE = 4096 };

static void stamp_swap(struct sim_world *w, uint32_t disk)
{
    uint8_t *at = w->data[disk];
    uint32_t last_page = (uint32_t)(w->swap_bytes[disk] / SWAP_PAGE) - 1;
    if (!w->swap_bytes[disk])
        return;
    memset(at, 0, SWAP_PAGE);
    at[1024] = 1;
    memcpy(at + 1028, &last_page, sizeof last_page);
    memcpy(at + SWAP_PAGE - 10, "SWAPSPACE2", 10);
}

static void stamp_hibernation(struct sim_world *w, uint32_t disk)
{
    uint8_t *at = w->data[disk] + w->asleep_at[disk];
    if (!w->asleep_at[disk])
        return;
    memset(at, 0, SWAP_PAGE);
    at[1024] = 1;
    at[1028] = 200;
    memcpy(at + SWAP_PAGE - 10, "S1SUSPEND", 10);
}

static void unused_of(const struct sim_world *w, uint32_t disk, uint64_t *first, uint64_t *end)
{
    uint64_t chunk = w->chunk_size, bytes = w->disk_model[disk].bytes;
    *first = (SWAP_HEAD + chunk - 1) / chunk * chunk;
    *end = w->swap_bytes[disk] / chunk * chunk;
    if (w->swap_bytes[disk] == bytes)
        *end = bytes; // the last chunk may be short
    if (*end < *first)
        *first = *end = 0;
}

static int is_asleep(const struct sim_world *w)
{
    for (uint32_t i = 0; i < w->disks; i++) {
        uint64_t first, end, at = w->asleep_at[i];
        unused_of(w, i, &first, &end);
        if (at && (at + SWAP_PAGE <= first || at >= end))
            return 1;
    }
    return 0;
}

void sim_world_unused(const struct sim_world *w, uint32_t disk, uint64_t *first, uint64_t *end)
{
    *first = *end = 0;
    if (!is_asleep(w) && !w->wanted_whole)
        unused_of(w, disk, first, end);
}

static void fill_chunk(uint8_t *at, size_t len)
{
    uint64_t kind = sim_random() % 5, seed = sim_random();
    if (kind < 2) {
        memset(at, 0, len);
    } else if (kind == 2) {
        for (size_t i = 0; i < len; i++)
            at[i] =
                (uint8_t)(seed = seed * 6364136223846793005u + 1442695040888963407u, seed >> 56);
    } else {
        for (size_t i = 0; i < len; i++)
            at[i] = (uint8_t)("a line of text that repeats\n"[(i + seed) % 28] + (i % 97 == 0));
    }
}

void sim_world_init(struct sim_world *w)
{
    memset(w, 0, sizeof *w);
    w->disks = 1;
    w->chunk_size = 65536;
    w->link_model = (struct sim_link_model){.latency_us = 500, .buffer = 262144, .fragment = 1};
    w->retry_us = 600 * 1000000u;
    for (uint32_t i = 0; i < SIM_STORE_DISKS; i++)
        w->disk_model[i] = (struct sim_disk_model){.bytes = 2 << 20,
                                                   .block_size = 512,
                                                   .max_blocks = 512,
                                                   .preferred_blocks = 256,
                                                   .alignment = 16,
                                                   .depth = 4,
                                                   .read_us = 300,
                                                   .bad_block = UINT64_MAX};
    sim_store_init(&w->store);
}

void sim_world_fill(struct sim_world *w)
{
    w->inventory.firmware = BF_FIRMWARE_UEFI;
    w->inventory.disks = (uint16_t)w->disks;
    for (uint32_t i = 0; i < w->disks; i++) {
        const struct sim_disk_model *m = &w->disk_model[i];
        struct bf_geometry g = {m->bytes, m->block_size, w->chunk_size};
        w->data[i] = malloc(m->bytes);
        for (uint64_t at = 0; at < m->bytes; at += w->chunk_size)
            fill_chunk(w->data[i] + at,
                       m->bytes - at < w->chunk_size ? m->bytes - at : w->chunk_size);
        stamp_swap(w, i);
        stamp_hibernation(w, i);
        sim_disk_init(&w->disk[i], m, w->data[i]);
        w->source[i] = &w->disk[i].source;
        w->inventory.disk[i].identity = w->disk[i].source.identity;
        w->inventory.disk[i].planned = 1;
        sim_store_disk(&w->store, i, &g);
    }
}

void sim_world_change(struct sim_world *w, uint64_t chunks)
{
    while (chunks-- > 0) {
        uint32_t disk = (uint32_t)(sim_random() % w->disks);
        uint64_t bytes = w->disk_model[disk].bytes;
        uint64_t at = sim_random() % bytes / w->chunk_size * w->chunk_size;
        fill_chunk(w->data[disk] + at, bytes - at < w->chunk_size ? bytes - at : w->chunk_size);
        stamp_swap(w, disk);
        stamp_hibernation(w, disk);
    }
}

// ---- Events ------------------------------------------------------------------------------------

static void rot(struct sim_world *w, uint64_t amount)
{
    while (amount-- > 0) {
        uint32_t disk = (uint32_t)(sim_random() % w->disks);
        sim_store_rot(&w->store, disk, sim_random() % w->disk_model[disk].bytes);
    }
}

// But for those that their reader gave up: their memory is the device's until they end.
static int any_read_in_flight(const struct sim_world *w)
{
    for (uint32_t i = 0; i < w->disks; i++)
        for (const struct bf_block_request *r = w->source[i]->in_flight; r; r = r->tracked)
            if (!r->orphan)
                return 1;
    return 0;
}

static void happen(struct sim_world *w, struct sim_event *e)
{
    struct sim_link *now = w->links ? w->link[w->links - 1] : NULL;
    switch (e->kind) {
    case SIM_CUT:
        sim_link_reset(now);
        break;
    case SIM_GO_SILENT:
        sim_link_silence(now, UINT64_MAX);
        break;
    case SIM_STALL:
        sim_link_silence(now, bf_platform_now_us() + e->amount);
        break;
    case SIM_POWER_LOSS:
        sim_link_reset(now);
        drop_receiver(w);
        sim_store_power_loss(&w->store);
        w->server_back_us = bf_platform_now_us() + e->amount;
        break;
    case SIM_SOURCE_BOOT:
        stop_source(w);
        if (any_read_in_flight(w))
            snprintf(w->what, sizeof w->what, "a freed sender left a read in flight");
        sim_link_reset(now);
        sim_world_change(w, e->amount);
        boot_source(w);
        break;
    case SIM_ROT:
        rot(w, e->amount);
        break;
    case SIM_SERVER_BUSY:
        w->server_back_us = bf_platform_now_us() + e->amount;
        break;
    case SIM_CANCEL:
        bf_sender_cancel(w->sender);
        break;
    }
}

static void events(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->events; i++) {
        struct sim_event *e = &w->event[i];
        if (e->happened || !w->links || bytes_carried(w) < e->at_bytes ||
            bf_platform_now_us() - w->begun_us < e->at_us)
            continue;
        e->happened = 1;
        happen(w, e);
    }
}

// ---- What must hold ----------------------------------------------------------------------------

static int is_unused(const struct sim_world *w, uint32_t disk, uint64_t at)
{
    uint64_t first, end;
    sim_world_unused(w, disk, &first, &end);
    return at >= first && at < end;
}

static int is_bad(const struct sim_world *w, uint32_t disk, uint64_t at)
{
    const struct sim_disk_model *m = &w->disk_model[disk];
    uint64_t block = at / m->block_size;
    return m->bad_times == UINT32_MAX && m->bad_block != UINT64_MAX && block >= m->bad_block &&
           block - m->bad_block <= m->bad_more && !is_unused(w, disk, at);
}

static int is_told_bad(const struct sim_world *w, uint32_t disk, uint64_t at)
{
    for (uint32_t i = 0; i < w->bads; i++)
        if (w->bad[i].disk == disk && at >= w->bad[i].offset &&
            at - w->bad[i].offset < w->bad[i].bytes)
            return 1;
    return 0;
}

// The chunk as it must be stored; -1 when the server was told something else of it, else the state.
static int expected_chunk(const struct sim_world *w, uint32_t disk, uint64_t at, uint32_t len,
                          uint8_t *out)
{
    uint32_t size = w->disk_model[disk].block_size, good = 0;
    int unused = is_unused(w, disk, at);
    for (uint32_t i = 0; i < len; i += size) {
        int bad = is_bad(w, disk, at + i);
        if (bad != is_told_bad(w, disk, at + i))
            return -1;
        good += !bad;
        if (bad || unused)
            memset(out + i, 0, size);
        else
            memcpy(out + i, w->data[disk] + at + i, size);
    }
    if (unused)
        return BF_CHUNK_UNUSED;
    return !good ? BF_CHUNK_UNREADABLE : bf_is_zero(out, len) ? BF_CHUNK_ZERO : BF_CHUNK_DATA;
}

static int point_is_true(struct sim_world *w, const struct sim_point *p)
{
    struct bf_digest roots[SIM_STORE_DISKS], root;
    for (uint32_t i = 0; i < w->disks; i++) {
        struct bf_geometry g = w->store.disk[i].geometry;
        struct bf_root r;
        bf_root_init(&r, &g);
        for (uint64_t c = 0; c < bf_geometry_chunks(&g); c++) {
            static uint8_t expected[BF_CHUNK_MAX];
            uint32_t len = bf_geometry_chunk_bytes(&g, c);
            int state = expected_chunk(w, i, c * g.chunk_size, len, expected);
            struct bf_digest d;
            if (state < 0 || memcmp(p->data[i] + c * g.chunk_size, expected, len) != 0)
                return 0;
            bf_digest_of(&d, expected, len);
            bf_root_add(&r, (enum bf_chunk_state)state, 1, &d);
        }
        bf_root_final(&r, &roots[i]);
    }
    bf_point_root(roots, w->disks, &root);
    return bf_digest_equal(&root, &p->root);
}

// What nobody changed under way breaks nothing, and costs no connection unless something happened.
static void judge_peers(struct sim_world *w)
{
    int happened = w->refused > 0 || w->allowed;
    uint32_t most = 1 + w->progress.asleep; // when something was left out before
    for (uint32_t i = 0; i < w->events; i++)
        happened |= w->event[i].happened;
    if (strstr(sim_log(), "broke the protocol"))
        snprintf(w->what, sizeof w->what, "an end was taken to break the protocol");
    if (!happened && w->connections > most)
        snprintf(w->what, sizeof w->what, "%u connections without a reason", w->connections);
}

static enum bf_err judge(struct sim_world *w, enum bf_err outcome, uint32_t points_before,
                         uint32_t boots_before)
{
    if (!w->link_model.mutate)
        judge_peers(w);
    if (!outcome && w->store.points == points_before)
        snprintf(w->what, sizeof w->what, "committed without a point");
    if (!outcome && w->progress.point != w->store.points)
        snprintf(w->what, sizeof w->what, "committed another point");
    if (w->store.points > points_before && !point_is_true(w, &w->store.point[w->store.points - 1]))
        snprintf(w->what, sizeof w->what, "the point is not what the disks held");
    // A source that starts again after the point was made, and did not hear of it, makes another.
    if (w->store.points - points_before > w->boots - boots_before)
        snprintf(w->what, sizeof w->what, "more than one point for one run");
    if (!outcome && w->progress.asleep && w->progress.unused_bytes)
        snprintf(w->what, sizeof w->what, "something of a hibernated machine was left out");
    return w->what[0] ? BF_ERR_LIMIT : outcome;
}

static void turn_of_server(struct sim_world *w, int *idle)
{
    struct bf_stream s;
    if (!w->receiver || bf_platform_now_us() < w->server_turn_us)
        return;
    if (w->server_pause_us)
        w->server_turn_us = bf_platform_now_us() + sim_random() % w->server_pause_us;
    if (bf_receiver_step(w->receiver, bf_platform_now_us(), idle) == BF_AGAIN)
        return;
    s = sim_link_stream(w->link[w->links - 1], SIM_SERVER);
    s.ops->close(s.impl);
    drop_receiver(w);
}

static enum bf_err turns(struct sim_world *w)
{
    uint64_t limit = bf_platform_now_us() + LIMIT_US;
    enum bf_err err = BF_AGAIN;
    while (err == BF_AGAIN) {
        int idle = 1, idle_server = 1;
        if (bf_platform_now_us() > limit) {
            snprintf(w->what, sizeof w->what, "it never came to an end");
            return BF_ERR_LIMIT;
        }
        events(w);
        err = bf_sender_step(w->sender, bf_platform_now_us(), &idle);
        sim_workers_turn();
        turn_of_server(w, &idle_server);
        sim_clock_advance(idle && idle_server ? IDLE_US : BUSY_US);
    }
    return err;
}

enum bf_err sim_world_run(struct sim_world *w)
{
    uint32_t points = w->store.points, boots = w->boots;
    struct bf_mem_usage before, after;
    enum bf_err err;
    bf_mem_usage(&before);
    w->what[0] = 0;
    w->begun_us = bf_platform_now_us();
    boot_source(w);
    err = turns(w);
    stop_source(w);
    drop_receiver(w);
    w->bytes_before = bytes_carried(w);
    w->bytes_sent = w->progress.sent_bytes;
    w->connections = w->links;
    while (w->links > 0)
        sim_link_free(w->link[--w->links]);
    bf_mem_usage(&after);
    if (after.in_use != before.in_use)
        snprintf(w->what, sizeof w->what, "memory did not come back");
    return judge(w, err, points, boots);
}

void sim_world_free(struct sim_world *w)
{
    sim_store_free(&w->store);
    for (uint32_t i = 0; i < w->disks; i++)
        free(w->data[i]);
}
