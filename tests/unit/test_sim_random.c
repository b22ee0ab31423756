// SPDX-License-Identifier: Apache-2.0
// Migrations drawn by seed: disks and what is unused on them, what the server has of them and what
// it doubts, links, drivers, the pace of every answer, and accidents at random; then later runs of
// the same machine. Whatever happens, the source must come to a committed point in the end, and the
// point must be what its disks held (tests/sim_world.h).
//
// BF_SIM_SEEDS=N runs N seeds (default 40), BF_SEED=S replays one, with its log.
#include "base/bytes.h"
#include "base/platform.h"
#include "tests/platform_sim.h"
#include "tests/sim_world.h"
#include "tests/unit/test.h"

static struct sim_world w;
static int with_unused;

static uint64_t any(uint64_t below)
{
    return sim_random() % below;
}

// A swap area of a part of the disk or of all of it: everything behind its first 64 KiB is unused.
static uint64_t draw_swap(uint64_t bytes)
{
    uint64_t pages = bytes / 4096;
    if (any(4) == 0 || pages < 32)
        return 0;
    return (any(2) ? pages : 16 + any(pages - 15)) * 4096;
}

// A page of a hibernated system's swap file, at any multiple of 512 where something is used.
static void draw_hibernation(uint32_t disk)
{
    uint64_t first, end, at = 4096 + any(w.disk_model[disk].bytes) / 512 * 512;
    sim_world_unused(&w, disk, &first, &end);
    if (at + 4096 <= w.disk_model[disk].bytes && (at + 4096 <= first || at >= end))
        w.asleep_at[disk] = at;
}

static void draw_disk(struct sim_disk_model *m)
{
    static const uint32_t blocks[] = {512, 512, 4096};
    m->block_size = blocks[any(3)];
    m->bytes = (1 + any(4 << 20)) / m->block_size * m->block_size + m->block_size;
    m->max_blocks = 1 + (uint32_t)any(600);
    m->preferred_blocks = 1 + (uint32_t)any(m->max_blocks);
    m->alignment = 1u << any(13);
    m->depth = 1 + (uint16_t)any(12);
    m->blocking = any(3) == 0;
    m->read_us = any(4) || with_unused ? 1 + any(2000) : 1 + any(400000);
    if (!with_unused && any(2) == 0) {
        m->bad_block = any(m->bytes / m->block_size);
        m->bad_times = w.map_errors ? UINT32_MAX : 1 + (uint32_t)any(4);
        if (w.map_errors)
            m->bad_more = (uint32_t)any(m->bytes / m->block_size - m->bad_block) % 300;
    }
}

static void draw_event(struct sim_event *e, int later)
{
    static const enum sim_event_kind kinds[] = {SIM_CUT,         SIM_CUT,        SIM_GO_SILENT,
                                                SIM_STALL,       SIM_ROT,        SIM_POWER_LOSS,
                                                SIM_SOURCE_BOOT, SIM_SERVER_BUSY};
    e->kind = kinds[any(BF_COUNT(kinds))];
    e->at_bytes = w.bytes_before + (any(8) && !later ? any(6 << 20) : any(20000));
    e->happened = 0;
    e->at_us = any(4) ? 0 : any(100 * 1000000);
    switch (e->kind) {
    case SIM_STALL:
        e->amount = any(30 * 1000000);
        break;
    case SIM_POWER_LOSS:
    case SIM_SERVER_BUSY:
        e->amount = any(60 * 1000000);
        break;
    default:
        e->amount = 1 + any(8);
        break;
    }
}

static void draw_events(int later)
{
    w.events = any(3) ? (uint32_t)any(8) : 0;
    for (uint32_t i = 0; i < w.events; i++)
        draw_event(&w.event[i], later);
}

static void draw_world(void)
{
    static const uint32_t chunks[] = {32768, 65536, 65536, 262144};
    sim_world_init(&w);
    w.disks = 1 + (uint32_t)any(SIM_STORE_DISKS);
    w.map_errors = any(3) == 0;
    // Slow disks and blocks that cannot be read, or something unused: to find that, some is read.
    with_unused = any(3) > 0;
    for (uint32_t i = 0; i < w.disks; i++) {
        draw_disk(&w.disk_model[i]);
        w.swap_bytes[i] = with_unused ? draw_swap(w.disk_model[i].bytes) : 0;
    }
    w.chunk_size = chunks[any(4)];
    if (with_unused && any(4) == 0)
        draw_hibernation((uint32_t)any(w.disks));
    w.compression = (uint8_t)any(4);
    w.workers = any(3) ? 1 + (uint32_t)any(BF_WORKERS_MAX) : 0;
    w.link_model.latency_us = any(20000);
    w.link_model.buffer = 4096u << any(10);
    w.link_model.bytes_per_second = any(2) ? 0 : 200000 + any(20 << 20);
    w.store.checkpoint_us = any(3) ? any(100000) : any(any(2) ? 5000000 : 100 * 1000000);
    w.store.queue_full_often = any(3) == 0;
    for (int i = 0; i < 2; i++)
        w.link_model.jitter_us[i] = any(3) ? any(200000) : 0;
    w.server_pause_us = any(2) ? 0 : 1 + any(100000);
    draw_events(0);
}

// What the machine and the server did between two runs.
static void draw_later(void)
{
    sim_world_change(&w, any(3) ? any(6) : 0);
    for (uint64_t n = any(3) ? 0 : any(20); n > 0; n--) {
        uint32_t disk = (uint32_t)any(w.disks);
        uint64_t chunks = (w.disk_model[disk].bytes + w.chunk_size - 1) / w.chunk_size;
        sim_store_doubt(&w.store, disk, any(chunks));
    }
    draw_events(1);
}

static void run_seed(uint64_t seed)
{
    enum bf_err err;
    sim_platform_reset(seed);
    draw_world();
    sim_world_fill(&w);
    err = sim_world_run(&w);
    for (uint64_t later = 1 + any(3); !err && later > 0; later--) {
        draw_later();
        err = sim_world_run(&w);
    }
    if (err)
        FAIL("BF_SEED=%" PRIu64 ": %s; %s; sender: %s; receiver: %s", seed, bf_err_name(err),
             w.what, w.sender_fault.what, w.receiver_fault.what);
    sim_world_free(&w);
}

static void test_random_migrations(void)
{
    const char *one = getenv("BF_SEED"), *many = getenv("BF_SIM_SEEDS");
    uint64_t seeds = many ? strtoull(many, NULL, 10) : 40;
    if (one) {
        sim_log_show(1);
        run_seed(strtoull(one, NULL, 10));
        return;
    }
    printf("# seeds 1 to %" PRIu64 "\n", seeds);
    for (uint64_t seed = 1; seed <= seeds; seed++)
        run_seed(seed);
}

// One bit in some tens of kilobytes changes under way, as TLS would never let it: what arrives is
// then what a hostile peer might send. It may fail; it may not commit anything false.
static uint64_t flip_every;

static void flip(void *user, enum sim_end to, uint8_t *at, size_t len)
{
    (void)user;
    (void)to;
    if (any(flip_every) < len)
        at[any(len)] ^= (uint8_t)(1 << any(8));
}

static void test_changed_bytes_never_make_a_false_point(void)
{
    const char *many = getenv("BF_SIM_SEEDS");
    uint64_t seeds = many ? strtoull(many, NULL, 10) : 40, failed = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        enum bf_err err;
        sim_platform_reset(seed * 1000003);
        draw_world();
        w.link_model.mutate = flip;
        flip_every = UINT64_C(1000) << any(14);
        sim_world_fill(&w);
        err = sim_world_run(&w);
        if (w.what[0])
            FAIL("seed %" PRIu64 ": %s", seed, w.what);
        failed += err != BF_OK;
        sim_world_free(&w);
    }
    printf("# %" PRIu64 " of %" PRIu64 " failed, as they may\n", failed, seeds);
    CHECK(failed > seeds / 8 && failed < seeds);
}

TEST_MAIN(TEST(test_random_migrations), TEST(test_changed_bytes_never_make_a_false_point))
