// SPDX-License-Identifier: Apache-2.0
// While the sender looks at disks: the connection stays alive, whoever runs it gets his turns, and
// it can be stopped. Each of these turns takes two seconds of the virtual clock.
#include "base/platform.h"
#include "image/usage/usage.h"
#include "migrate/sender.h"
#include "tests/platform_sim.h"
#include "tests/quiet_stream.h"
#include "tests/sim_disk.h"
#include "tests/unit/test.h"

enum { CHUNK = 32768, DISK = 64 * CHUNK, TURN_US = 2000000, PINGS_US = 3000000 };

static struct {
    uint8_t said[512]; // WELCOME and PLAN
    size_t len, at;
    uint64_t pinged_us, wrote_us, gap_us;
    int turns, cancel_at, faults;
    struct bf_sender *sender;
} world;
static uint8_t disk_data[DISK];

static enum bf_err server_says(void *impl, void *bytes, size_t size, size_t *done)
{
    uint64_t now = bf_platform_now_us();
    (void)impl;
    *done = world.len - world.at < size ? world.len - world.at : size;
    memcpy(bytes, world.said + world.at, *done);
    world.at += *done;
    if (!*done && now - world.pinged_us >= PINGS_US && size >= 64) {
        world.pinged_us = now;
        *done = bf_put_ping(bytes, size, BF_MSG_PING, now);
    }
    return *done ? BF_OK : BF_AGAIN;
}

static enum bf_err server_hears(void *impl, const void *bytes, size_t len, size_t *done)
{
    uint64_t now = bf_platform_now_us();
    struct bf_frame frame;
    size_t need;
    (void)impl;
    if (now - world.wrote_us > world.gap_us && world.turns)
        world.gap_us = now - world.wrote_us;
    world.wrote_us = now;
    if (bf_frame_parse(bytes, len, &frame, &need) == BF_OK)
        world.faults += frame.type == BF_MSG_FAULT;
    *done = len;
    return BF_OK;
}

static enum bf_err connect_to(void *impl, uint32_t attempt, struct bf_stream *out, char *to,
                              size_t to_size, struct bf_fault *fault)
{
    (void)impl;
    (void)to;
    (void)to_size;
    (void)fault;
    static struct bf_stream_ops ops;
    ops = quiet_stream(server_says, server_hears);
    *out = (struct bf_stream){&ops, NULL};
    return attempt ? BF_ERR_CONFIG : BF_OK;
}

static void meanwhile(void *user)
{
    (void)user;
    if (++world.turns == world.cancel_at)
        bf_sender_cancel(world.sender);
    sim_clock_advance(TURN_US);
}

static void script(void)
{
    struct bf_welcome welcome = {.version = 1, .session = {1}, .name = "look"};
    struct bf_planned_disk plan = {.disks = 1, .geometry = {DISK, 512, CHUNK}};
    memset(&world, 0, sizeof world);
    world.len = bf_put_welcome(world.said, sizeof world.said, &welcome);
    world.len += bf_put_plan(world.said + world.len, sizeof world.said - world.len, &plan);
    memset(disk_data, 7, sizeof disk_data);
    disk_data[1024] = 1; // swap, all of the disk
    memset(disk_data + 1025, 0, 7);
    disk_data[1028] = 200;
    memcpy(disk_data + 4086, "SWAPSPACE2", 10);
}

// Runs until everything is sent, or the sender has ended.
static enum bf_err run(void)
{
    static const struct sim_disk_model model = {.bytes = DISK,
                                                .block_size = 512,
                                                .max_blocks = 64,
                                                .preferred_blocks = 64,
                                                .alignment = 1,
                                                .depth = 2,
                                                .bad_block = UINT64_MAX};
    static struct bf_inventory inventory;
    static struct sim_disk disk;
    struct bf_source_disk *disks[] = {&disk.source};
    struct bf_sender_config config = {.connector = {.open = connect_to},
                                      .inventory = &inventory,
                                      .disks = disks,
                                      .boot = {1},
                                      .meanwhile = meanwhile};
    enum bf_err err = BF_AGAIN;
    int idle;
    sim_platform_reset(1);
    sim_disk_init(&disk, &model, disk_data);
    inventory.disks = 1;
    inventory.disk[0].identity = disk.source.identity;
    inventory.disk[0].planned = 1;
    world.sender = bf_sender_new(&config, bf_platform_now_us());
    for (int i = 0; i < 2000 && err == BF_AGAIN; i++) {
        if (bf_sender_progress(world.sender)->phase == BF_PHASE_VERIFYING)
            break;
        err = bf_sender_step(world.sender, bf_platform_now_us(), &idle);
        sim_clock_advance(1000);
    }
    CHECK(err != BF_AGAIN || bf_sender_progress(world.sender)->phase == BF_PHASE_VERIFYING);
    CHECK(err || bf_sender_progress(world.sender)->connections == 1);
    bf_sender_free(world.sender);
    return err;
}

static void test_the_connection_stays_alive(void)
{
    script();
    CHECK_EQ(run(), BF_AGAIN);
    // Longer than a peer may be silent; the server heard from us well before that.
    CHECK((uint64_t)world.turns * TURN_US > 2ull * BF_DEAD_MS * 1000);
    CHECK(world.gap_us <= (uint64_t)BF_HEARTBEAT_MS * 1000 + TURN_US);
    CHECK(strstr(sim_log(), "swap, only what is used is copied"));
}

static void test_it_can_be_cancelled(void)
{
    script();
    world.cancel_at = 3;
    CHECK_EQ(run(), BF_ERR_CANCELLED);
    CHECK_EQ(world.turns, 3);
    CHECK_EQ(world.faults, 1);
}

static int looks;

static int stop(void *user, const struct bf_usage_look *look)
{
    (void)user;
    looks++;
    return look->step[0] != 0;
}

static void test_a_watch_that_stops_leaves_all_used(void)
{
    static const struct sim_disk_model model = {.bytes = DISK,
                                                .block_size = 512,
                                                .max_blocks = 64,
                                                .preferred_blocks = 64,
                                                .alignment = 1,
                                                .depth = 2,
                                                .bad_block = UINT64_MAX};
    static const struct bf_usage_watch watch = {stop, NULL};
    struct sim_disk disk;
    struct bf_source_disk *disks[] = {&disk.source};
    uint64_t end;
    script();
    sim_platform_reset(1);
    sim_disk_init(&disk, &model, disk_data);
    looks = 0;
    struct bf_usage *u = bf_usage_open(disks, 1, &watch);
    bf_usage_select(u, disks[0]);
    for (uint64_t at = 0; at < DISK; at = end)
        CHECK(!bf_usage_extent(u, at, DISK, &end));
    CHECK_EQ(looks, 1);
    bf_usage_free(u);
    bf_source_close(disks[0]);
}

TEST_MAIN(TEST(test_the_connection_stays_alive), TEST(test_it_can_be_cancelled),
          TEST(test_a_watch_that_stops_leaves_all_used))
