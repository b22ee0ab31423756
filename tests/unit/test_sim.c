// SPDX-License-Identifier: Apache-2.0
// The engine end to end in one process, on a virtual clock: one named scenario per case, each with
// what it must lead to. tests/unit/test_sim_random.c draws scenarios by seed.
#include "base/bytes.h"
#include "base/config.h"
#include "base/mem.h"
#include "base/platform.h"
#include "migrate/copy/feed.h"
#include "tests/platform_sim.h"
#include "tests/sim_world.h"
#include "tests/unit/test.h"

static struct sim_world w;

static void begin(uint64_t seed)
{
    sim_platform_reset(seed);
    sim_world_init(&w);
}

static void event(enum sim_event_kind kind, uint64_t at_bytes, uint64_t amount)
{
    w.event[w.events++] = (struct sim_event){kind, at_bytes, amount, 0, 0};
}

static void run_to(enum bf_err expected)
{
    enum bf_err err = sim_world_run(&w);
    if (err != expected)
        FAIL("outcome %s, expected %s; %s; sender: %s; receiver: %s", bf_err_name(err),
             bf_err_name(expected), w.what, w.sender_fault.what, w.receiver_fault.what);
}

static void test_plain_copy(void)
{
    begin(1);
    sim_world_fill(&w);
    run_to(BF_OK);
    CHECK_EQ(w.connections, 1);
    CHECK_EQ(w.progress.phase, BF_PHASE_DONE);
    CHECK_EQ(w.progress.disk[0].durable, 2 << 20);
    CHECK_EQ(w.progress.data_bytes + w.progress.zero_bytes, 2 << 20);
    CHECK_EQ(w.progress.read_bytes, 2 << 20); // looking for file systems does not count
    sim_world_free(&w);
}

static void test_second_run_sends_differences(void)
{
    begin(2);
    sim_world_fill(&w);
    run_to(BF_OK);
    uint64_t first = w.bytes_sent, writes = w.store.writes;
    sim_world_change(&w, 1);
    run_to(BF_OK);
    CHECK_EQ(w.progress.point, 2);
    CHECK(w.store.writes - writes <= 1);
    CHECK(w.bytes_sent < 65536 + 4096 && w.bytes_sent < first);
    CHECK(w.progress.same_bytes >= (2 << 20) - 65536);
    run_to(BF_OK);
    CHECK_EQ(w.progress.point, 3);
    CHECK(w.bytes_sent < 4096);
    sim_world_free(&w);
}

// The base of many chunks over a long link: it is asked for far enough ahead that the copy waits
// for a few round trips in all, and not for one per question.
static void test_the_base_is_asked_for_ahead(void)
{
    uint64_t begun;
    begin(3);
    w.chunk_size = 32768;
    w.disk_model[0].bytes = (uint64_t)640 << 20; // 20480 chunks: more than a window, 10 questions
    w.disk_model[0].read_us = 0;
    w.link_model.latency_us = 50000;
    w.link_model.buffer = 4 << 20;
    sim_world_fill(&w);
    memset(w.data[0], 0, w.disk_model[0].bytes);
    memset(w.data[0] + (600 << 20), 1, 1 << 20);
    run_to(BF_OK);
    begun = bf_platform_now_us();
    run_to(BF_OK);
    CHECK_EQ(w.progress.same_bytes, (uint64_t)640 << 20);
    printf("# %llu ms\n", (unsigned long long)(bf_platform_now_us() - begun) / 1000);
    CHECK(bf_platform_now_us() - begun < 1500000);
    sim_world_free(&w);
}

// A swap area on the first 6 of 8 MiB: all of it but its first 64 KiB is unused, and full of what
// was swapped out.
static void fill_with_swap(void)
{
    w.disk_model[0].bytes = 8 << 20;
    w.swap_bytes[0] = 6 << 20;
    sim_world_fill(&w);
    memset(w.data[0] + 65536, 'x', (6 << 20) - 65536);
}

static void test_unused_is_not_read(void)
{
    begin(40);
    fill_with_swap();
    run_to(BF_OK);
    CHECK_EQ(w.progress.unused_bytes, (6 << 20) - 65536);
    CHECK_EQ(w.progress.read_bytes, (2 << 20) + 65536);
    CHECK_EQ(w.progress.bytes_position, 8 << 20);
    sim_world_change(&w, 0);
    run_to(BF_OK);
    CHECK_EQ(w.progress.point, 2);
    CHECK_EQ(w.progress.unused_bytes, (6 << 20) - 65536);
    CHECK_EQ(w.progress.same_bytes, (2 << 20) + 65536);
    CHECK(w.bytes_sent < 4096);
    sim_world_free(&w);
}

static void test_the_server_learns_what_lies_where(void)
{
    begin(46);
    fill_with_swap();
    event(SIM_CUT, 200000, 0);
    w.inventory.unseens = 2;
    w.inventory.boot_entries = 1;
    snprintf(w.inventory.boot_entry[0].name, 64, "debian");
    snprintf(w.inventory.unseen[0].what, 64, "RAID controller");
    snprintf(w.inventory.unseen[1].what, 64, "namespace 2");
    run_to(BF_OK);
    CHECK_EQ(w.unseens, 4); // on each connection
    CHECK_STR(w.unseen[0].what, "RAID controller");
    CHECK_STR(w.unseen[1].what, "namespace 2");
    CHECK_EQ(w.boot_entries, 2);
    CHECK_STR(w.boot_entry.name, "debian");
    CHECK(w.places >= 2);
    CHECK_STR(w.place[0].name, "the whole disk");
    CHECK_STR(w.place[0].what, "swap");
    CHECK_STR(w.place[0].why, "");
    CHECK_EQ(w.place[0].count, 1);
    CHECK_EQ(w.place[0].span[0].bytes, 8 << 20);
    sim_world_free(&w);
}

static void test_one_place_is_wanted_whole(void)
{
    static struct bf_config config;
    char reason[160];
    bf_config_defaults(&config);
    CHECK_EQ(bf_config_set(&config, "copy", "all@size:8M", BF_ORIGIN_FILE, reason, sizeof reason),
             BF_OK);
    begin(47);
    fill_with_swap();
    w.wanted_whole = 1;
    w.choices = &config;
    run_to(BF_OK);
    CHECK_EQ(w.progress.unused_bytes, 0);
    CHECK_STR(w.place[0].what, "swap");
    CHECK_STR(w.place[0].why, "copy=all");
    sim_world_free(&w);
    // What is wanted and is not there stops the run, before anything is sent of a disk.
    begin(48);
    fill_with_swap();
    w.choices = &config;
    bf_config_defaults(&config);
    CHECK_EQ(bf_config_set(&config, "copy", "all@1@size:8M", BF_ORIGIN_FILE, reason, sizeof reason),
             BF_OK);
    run_to(BF_ERR_CONFIG);
    CHECK(strstr(w.sender_fault.what, "all@1@size:8M matches nothing"));
    CHECK_EQ(w.receiver_fault.code, BF_ERR_CONFIG); // the server hears of it
    CHECK_EQ(w.store.writes, 0);
    CHECK_EQ(w.store.points, 0);
    sim_world_free(&w);
}

static void test_unused_through_trouble(void)
{
    static const enum sim_event_kind trouble[] = {SIM_CUT, SIM_POWER_LOSS, SIM_SOURCE_BOOT,
                                                  SIM_ROT};
    for (uint32_t i = 0; i < BF_COUNT(trouble); i++) {
        begin(41 + i);
        fill_with_swap();
        event(trouble[i], 700000,
              trouble[i] == SIM_SOURCE_BOOT ? 0
              : trouble[i] == SIM_ROT       ? 64
                                            : 1000);
        run_to(BF_OK);
        CHECK(w.progress.unused_bytes >= (6 << 20) - 65536);
        sim_world_free(&w);
    }
}

// A system that hibernated into a swap file on the last disk: what was left out of the others is
// read after all, in a session of its own, and the server is told why.
static void test_hibernation_into_a_file_leaves_nothing_out(void)
{
    for (uint32_t workers = 0; workers < 3; workers += 2) {
        begin(46 + workers);
        w.disks = 3;
        w.workers = workers;
        for (uint32_t i = 0; i < 2; i++)
            w.swap_bytes[i] = 2 << 20;
        w.asleep_at[2] = 12 * 65536 + 7 * 512;
        sim_world_fill(&w);
        for (uint32_t point = 1; point <= 2; point++) {
            run_to(BF_OK);
            CHECK_EQ(w.connections, 2);
            CHECK_EQ(w.progress.point, point);
            CHECK_EQ(w.progress.unused_bytes, 0);
            CHECK_EQ(w.progress.asleep_disk, 2);
            CHECK_EQ(w.progress.asleep_byte, 12 * 65536 + 7 * 512 + 4086);
        }
        CHECK(strstr(sim_log(), "source: disk 2 holds a hibernated system"));
        sim_world_free(&w);
    }
}

// It is seen before anything was left out: the maps are not asked any more, and that is all.
static void test_hibernation_that_is_seen_first(void)
{
    begin(47);
    w.disks = 2;
    w.asleep_at[0] = 5 * 65536;
    w.swap_bytes[1] = 2 << 20;
    sim_world_fill(&w);
    run_to(BF_OK);
    CHECK_EQ(w.connections, 1);
    CHECK_EQ(w.progress.unused_bytes, 0);
    CHECK(w.progress.asleep);
    CHECK(strstr(sim_log(), "source: disk 0 holds a hibernated system"));
    sim_world_free(&w);
}

// One cut after another, also of the session in which all is read again.
static void test_hibernation_and_cut_connections(void)
{
    for (uint64_t seed = 48; seed < 60; seed++) {
        begin(seed);
        w.disks = 2;
        w.swap_bytes[0] = 2 << 20;
        w.asleep_at[1] = 20 * 65536;
        sim_world_fill(&w);
        for (uint32_t i = 0; i < 4; i++)
            event(SIM_CUT, sim_random() % 1500000, 0);
        run_to(BF_OK);
        CHECK_EQ(w.progress.unused_bytes, 0);
        sim_world_free(&w);
    }
}

// The source has read its last used chunk long before the server's answers about the rest come: it
// goes on with the next disk, and at last commits, while they are still under way.
static void test_answers_that_come_late(void)
{
    begin(45);
    w.disks = 4;
    for (uint32_t i = 0; i < w.disks; i++) {
        w.disk_model[i].bytes = 4 << 20;
        w.swap_bytes[i] = 4 << 20;
    }
    w.link_model.jitter_us[SIM_CLIENT] = 60000;
    w.server_pause_us = 30000;
    sim_world_fill(&w);
    for (uint32_t point = 1; point <= 3; point++) {
        run_to(BF_OK);
        CHECK_EQ(w.connections, 1);
        CHECK_EQ(w.progress.point, point);
        CHECK_EQ(w.progress.unused_bytes, 4 * ((4 << 20) - 65536));
    }
    sim_world_free(&w);
}

// What the driver knows to be zeros is not read; everything else is as if it had been.
static void zeros_of(uint32_t odd, uint8_t tells, struct bf_progress *p, uint64_t *read)
{
    begin(47);
    w.disk_model[0].bytes = (24 << 20) + odd;
    w.disk_model[0].tells_zeros = tells;
    sim_world_fill(&w);
    memset(w.data[0] + (2 << 20) + 1000, 0, 9 << 20); // neither end is that of a block or a chunk
    memset(w.data[0] + (20 << 20), 0, (4 << 20) + odd);
    run_to(BF_OK);
    *p = w.progress;
    *read = w.disk[0].source.bytes_read;
    sim_world_change(&w, 3);
    run_to(BF_OK);
    CHECK_EQ(w.progress.point, 2);
    sim_world_free(&w);
}

static void test_known_zeros_are_not_read(void)
{
    struct bf_progress read_all, told;
    uint64_t all, some;
    for (uint32_t odd = 0; odd < 2; odd++) {
        zeros_of(odd * 12288, 0, &read_all, &all);
        zeros_of(odd * 12288, 1, &told, &some);
        CHECK_MEM(told.point_root.bytes, read_all.point_root.bytes, sizeof told.point_root.bytes);
        CHECK_EQ(told.zero_bytes, read_all.zero_bytes);
        CHECK_EQ(told.data_bytes, read_all.data_bytes);
        CHECK(told.zero_bytes > 12 << 20);
        CHECK(some < all / 3 * 2); // an answer that ends within a chunk leaves it to be read
        CHECK(all >= 24 << 20);
    }
}

static void test_known_zeros_through_trouble(void)
{
    static const enum sim_event_kind trouble[] = {SIM_CUT, SIM_POWER_LOSS, SIM_SOURCE_BOOT,
                                                  SIM_ROT};
    for (uint32_t i = 0; i < 2 * BF_COUNT(trouble); i++) {
        enum sim_event_kind kind = trouble[i / 2];
        begin(51 + i);
        w.disk_model[0].bytes = 8 << 20;
        w.disk_model[0].tells_zeros = 1;
        if (i % 2)
            fill_with_swap(); // and an unused span over some of them
        else
            sim_world_fill(&w);
        memset(w.data[0] + (2 << 20) + 1000, 0, 3 << 20);
        event(kind, 700000, kind == SIM_SOURCE_BOOT ? 2 : kind == SIM_ROT ? 64 : 1000);
        run_to(BF_OK);
        run_to(BF_OK);
        CHECK_EQ(w.progress.point, 2);
        sim_world_free(&w);
    }
}

static void test_several_disks_of_odd_sizes(void)
{
    begin(3);
    w.disks = 3;
    w.disk_model[0].bytes = (1 << 20) + 512;
    w.disk_model[1].bytes = 512;
    w.disk_model[2].bytes = 5 * 65536 - 4096;
    w.disk_model[2].block_size = 4096;
    w.disk_model[2].max_blocks = 3;
    w.disk_model[2].preferred_blocks = 3;
    sim_world_fill(&w);
    run_to(BF_OK);
    sim_world_free(&w);
}

static void test_blocking_driver(void)
{
    begin(4);
    w.disk_model[0].blocking = 1;
    w.disk_model[0].read_us = 50000;
    sim_world_fill(&w);
    run_to(BF_OK);
    CHECK_EQ(w.connections, 1);
    sim_world_free(&w);
}

// Reads that last longer than the peer's patience: the first one costs the connection at worst,
// after that the server has been told.
static void test_reads_slower_than_patience(void)
{
    begin(5);
    w.disk_model[0].blocking = 1;
    w.disk_model[0].read_us = 20 * 1000000u;
    sim_world_fill(&w);
    run_to(BF_OK);
    CHECK(w.connections <= 2);
    sim_world_free(&w);
}

static void test_deep_queue_is_used(void)
{
    begin(6);
    w.disk_model[0].depth = 8;
    w.disk_model[0].bytes = 4 << 20;
    w.disk_model[0].read_us = 20000;
    w.buffer_bytes = 16 << 20;
    sim_world_fill(&w);
    run_to(BF_OK);
    CHECK_EQ(w.disk[0].most_in_flight, 8);
    sim_world_free(&w);
}

static void test_cut_continues_from_durable(void)
{
    begin(7);
    w.disk_model[0].bytes = 8 << 20;
    w.link_model.bytes_per_second = 500000; // slow, so that checkpoints fall in between
    w.compression = 1;
    sim_world_fill(&w);
    event(SIM_CUT, 3 << 20, 0);
    run_to(BF_OK);
    CHECK_EQ(w.connections, 2);
    // A second or so of the link is sent again, not everything.
    CHECK(w.progress.read_bytes < (8 << 20) + (3 << 20));
    CHECK_EQ(w.boots, 1);
    sim_world_free(&w);
}

static void test_silent_link_is_noticed(void)
{
    begin(8);
    sim_world_fill(&w);
    event(SIM_GO_SILENT, 300000, 0);
    uint64_t before = bf_platform_now_us();
    run_to(BF_OK);
    CHECK_EQ(w.connections, 2);
    uint64_t took = bf_platform_now_us() - before;
    CHECK(took > 14 * 1000000u && took < 20 * 1000000u);
    sim_world_free(&w);
}

static void test_short_stall_is_survived(void)
{
    begin(9);
    sim_world_fill(&w);
    event(SIM_STALL, 300000, 12 * 1000000u);
    run_to(BF_OK);
    CHECK_EQ(w.connections, 1);
    sim_world_free(&w);
}

static void test_power_loss_of_the_server(void)
{
    begin(10);
    w.disk_model[0].bytes = 4 << 20;
    w.link_model.bytes_per_second = 1000000;
    w.compression = 1;
    w.store.checkpoint_us = 3000000;
    sim_world_fill(&w);
    event(SIM_POWER_LOSS, 1 << 20, 5000000);
    event(SIM_POWER_LOSS, 2 << 20, 5000000);
    run_to(BF_OK);
    CHECK(w.connections >= 3);
    CHECK(w.refused > 0);
    sim_world_free(&w);
}

static void test_source_reboots_and_changed(void)
{
    begin(11);
    w.disks = 2;
    sim_world_fill(&w);
    event(SIM_SOURCE_BOOT, 700000, 6);
    run_to(BF_OK);
    CHECK_EQ(w.boots, 2);
    // Everything is read again, what the server has is not sent again.
    CHECK_EQ(w.progress.read_bytes, 4 << 20);
    CHECK(w.progress.same_bytes > 0);
    sim_world_free(&w);
}

static void test_damage_is_found_and_repaired(void)
{
    begin(12);
    sim_world_fill(&w);
    event(SIM_ROT, 400000, 5);
    run_to(BF_OK);
    CHECK_EQ(w.connections, 1);
    CHECK(w.progress.read_bytes > 2 << 20);
    sim_world_free(&w);
}

static void test_damaged_base_of_a_later_run(void)
{
    begin(13);
    sim_world_fill(&w);
    run_to(BF_OK);
    for (int i = 0; i < 9; i++)
        sim_store_rot(&w.store, 0, sim_random() % (2 << 20));
    sim_world_change(&w, 2);
    run_to(BF_OK);
    CHECK_EQ(w.progress.point, 2);
    sim_world_free(&w);
}

static void test_store_full_stops_at_once(void)
{
    begin(14);
    w.store.room = 300000;
    sim_world_fill(&w);
    run_to(BF_ERR_NO_SPACE);
    CHECK_EQ(w.sender_fault.side, BF_SIDE_SERVER);
    CHECK_EQ(w.connections, 1);
    CHECK_EQ(w.store.points, 0);
    // More room, another run: what was stored is not sent again.
    w.store.room = UINT64_MAX;
    run_to(BF_OK);
    CHECK(w.progress.same_bytes > 0);
    sim_world_free(&w);
}

static void test_unreadable_block_is_named(void)
{
    begin(15);
    w.disk_model[0].bad_block = 1234;
    w.disk_model[0].bad_times = UINT32_MAX;
    sim_world_fill(&w);
    run_to(BF_ERR_IO);
    CHECK_EQ(w.sender_fault.side, BF_SIDE_SOURCE);
    CHECK(strstr(w.sender_fault.what, "at byte 631808"));
    CHECK_EQ(w.receiver_fault.code, BF_ERR_IO); // the server was told
    CHECK(strstr(w.receiver_fault.what, "at byte 631808"));
    sim_world_free(&w);
}

// The rest of the chunk arrives; a whole chunk of bad blocks is no data at all.
static void test_unreadable_blocks_are_mapped(void)
{
    begin(15);
    w.map_errors = 1;
    w.disk_model[0].bad_block = 1234;
    w.disk_model[0].bad_more = 200; // the end of one chunk, a whole one, the beginning of another
    w.disk_model[0].bad_times = UINT32_MAX;
    sim_world_fill(&w);
    run_to(BF_OK);
    CHECK_EQ(w.progress.unreadable_bytes, 201 * 512);
    CHECK(w.disk[0].source.errors < 2 * 201); // hardly more than one try per block
    // A later run tries again: still so, then the disk is better.
    run_to(BF_OK);
    CHECK_EQ(w.progress.unreadable_bytes, 201 * 512);
    CHECK_EQ(w.progress.data_bytes, 0);
    w.disk[0].model.bad_times = w.disk_model[0].bad_times = 0;
    run_to(BF_OK);
    CHECK_EQ(w.progress.unreadable_bytes, 0);
    CHECK_EQ(w.bads, 0);
    sim_world_free(&w);
}

static void test_a_mapped_disk_and_cut_connections(void)
{
    for (uint64_t seed = 1; seed < 12; seed++) {
        begin(seed);
        w.map_errors = 1;
        w.disk_model[0].bad_block = sim_random() % 4096;
        w.disk_model[0].bad_more = (uint32_t)(sim_random() % 300);
        if (w.disk_model[0].bad_block + w.disk_model[0].bad_more > 4095)
            w.disk_model[0].bad_more = (uint32_t)(4095 - w.disk_model[0].bad_block);
        w.disk_model[0].bad_times = UINT32_MAX;
        w.store.checkpoint_us = 100000;
        sim_world_fill(&w);
        event(SIM_CUT, sim_random() % 900000, 0);
        event(seed % 2 ? SIM_POWER_LOSS : SIM_SOURCE_BOOT, sim_random() % 900000, 3);
        event(SIM_CUT, sim_random() % 900000, 0);
        run_to(BF_OK);
        CHECK_EQ(w.progress.unreadable_bytes, (w.disk_model[0].bad_more + 1) * 512);
        sim_world_free(&w);
    }
}

// A store that is minutes behind, so that the source has more checkpoints under way than it can
// keep the state for: after a cut it begins before the durable position, where the server forgets
// what could not be read. The next cuts come before it was told all of that again, over a link on
// which the last second of what was sent is lost.
static void test_what_cannot_be_read_survives_going_back(void)
{
    for (uint64_t seed = 1; seed < 16; seed++) {
        begin(seed);
        w.map_errors = 1;
        w.chunk_size = 32768;
        w.disk_model[0].bytes = 4 << 20;
        w.disk_model[0].max_blocks = w.disk_model[0].preferred_blocks = 1;
        w.disk_model[0].depth = 1;
        w.disk_model[0].read_us = 50000;
        w.disk_model[0].bad_block = 0;
        w.disk_model[0].bad_more = 8000;
        w.disk_model[0].bad_times = UINT32_MAX;
        w.store.checkpoint_us = 120 * 1000000u;
        w.link_model.latency_us = 1000000;
        sim_world_fill(&w);
        for (uint32_t i = 0; i < 6; i++) {
            event(SIM_CUT, 0, 0);
            w.event[i].at_us = i ? w.event[i - 1].at_us + 7000000 + sim_random() % 8000000
                                 : 140000000 + sim_random() % 80000000;
        }
        run_to(BF_OK);
        CHECK_EQ(w.progress.unreadable_bytes, 8001 * 512);
        sim_world_free(&w);
    }
}

// The way to a disk is interrupted: for a while, and nothing is noted as unreadable; for good, and
// the disk is at fault, not a block. Once with a driver that can tell, once with one that cannot.
static void test_a_disk_in_trouble(void)
{
    static const enum bf_err kinds[] = {BF_ERR_IO, BF_ERR_BUSY};
    for (int i = 0; i < 4; i++) {
        begin(17);
        w.map_errors = (uint8_t)(i / 2);
        w.disk_model[0].busy_as = kinds[i % 2];
        w.disk_model[0].busy_until = 1000000 + BF_FEED_TROUBLE_US / 2;
        sim_world_fill(&w);
        run_to(BF_OK);
        CHECK(w.disk[0].source.errors > 0);
        CHECK_EQ(w.progress.unreadable_bytes, 0);
        sim_world_free(&w);

        begin(18);
        w.map_errors = (uint8_t)(i / 2);
        w.disk_model[0].busy_as = kinds[i % 2];
        w.disk_model[0].busy_until = UINT64_MAX;
        sim_world_fill(&w);
        run_to(BF_ERR_IO);
        CHECK_EQ(w.sender_fault.side, BF_SIDE_SOURCE);
        CHECK(strstr(w.sender_fault.what, "disk SIM1"));
        CHECK(strstr(w.sender_fault.what, "nothing but errors"));
        CHECK_EQ(w.bads, 0);
        CHECK(w.disk[0].source.errors < 2000); // it is not hammered
        sim_world_free(&w);
    }
}

static void test_passing_read_errors_are_retried(void)
{
    begin(16);
    w.disk_model[0].bad_block = 1234;
    w.disk_model[0].bad_times = 5;
    sim_world_fill(&w);
    run_to(BF_OK);
    CHECK(w.disk[0].source.errors == 5);
    sim_world_free(&w);
}

static void test_unreachable_server_until_retry(void)
{
    begin(17);
    sim_world_fill(&w);
    w.server_back_us = UINT64_MAX;
    w.retry_us = 60 * 1000000u;
    uint64_t before = bf_platform_now_us();
    run_to(BF_ERR_NETWORK);
    uint64_t took = bf_platform_now_us() - before;
    CHECK(took >= 60 * 1000000u && took < 61 * 1000000u);
    CHECK(w.refused >= 8 && w.refused < 20);
    sim_world_free(&w);
}

static void test_server_that_comes_back_late(void)
{
    begin(18);
    sim_world_fill(&w);
    w.server_back_us = bf_platform_now_us() + 45 * 1000000u;
    w.retry_us = 60 * 1000000u;
    run_to(BF_OK);
    sim_world_free(&w);
}

// A disk that reads differently when a damaged chunk is asked for again: no point of a mixture.
static uint64_t changed_for;
static int changes_left;

static enum bf_err change_behind_the_back(void *impl, struct bf_fault *fault)
{
    struct sim_world *world = impl;
    (void)fault;
    if (!world->store.disk[0].done || changed_for == world->store.writes || !changes_left)
        return BF_OK;
    changed_for = world->store.writes;
    changes_left--;
    sim_store_rot(&world->store, 0, 5 * 65536 + 7);
    for (int i = 0; i < 65536; i++)
        world->data[0][5 * 65536 + i] += 0x11;
    return BF_OK;
}

static void test_repair_that_reads_differently(void)
{
    begin(25);
    w.allowed = change_behind_the_back;
    changes_left = 100;
    sim_world_fill(&w);
    run_to(BF_ERR_CORRUPT);
    CHECK_EQ(w.sender_fault.side, BF_SIDE_SOURCE);
    CHECK_EQ(w.connections, 3);
    CHECK_EQ(w.store.points, 0);
    sim_world_free(&w);
    // Only once: another complete reading ends well.
    begin(25);
    w.allowed = change_behind_the_back;
    changes_left = 1;
    sim_world_fill(&w);
    run_to(BF_OK);
    CHECK_EQ(w.connections, 2);
    CHECK(w.progress.read_bytes > 4 << 20);
    sim_world_free(&w);
}

// The server fails each time something has become durable, before it can say so: PLAN says it.
static uint64_t durable_then;
static uint32_t faults;

static enum bf_err fail_when_durable(void *impl, struct bf_fault *fault)
{
    struct sim_world *world = impl;
    struct bf_store store = sim_store_interface(&world->store);
    store.ops->poll(store.impl);
    if (faults == 6 || world->store.disk[0].durable <= durable_then)
        return BF_OK;
    faults++;
    durable_then = world->store.disk[0].durable;
    return bf_fault_set(fault, BF_ERR_IO, BF_SIDE_SERVER, "look", "the store failed");
}

static void test_what_became_durable_counts_although_durable_never_came(void)
{
    begin(31);
    durable_then = faults = 0;
    w.allowed = fail_when_durable;
    w.disk_model[0].bytes = 8 << 20;
    w.link_model.bytes_per_second = 500000;
    w.compression = 1;
    sim_world_fill(&w);
    run_to(BF_OK);
    CHECK_EQ(w.connections, 7);
    sim_world_free(&w);
}

static void test_pauses_stay_short_while_it_gets_on(void)
{
    begin(26);
    w.disk_model[0].bytes = 10 << 20;
    w.link_model.bytes_per_second = 200000;
    w.compression = 1;
    sim_world_fill(&w);
    for (uint64_t i = 1; i <= 6; i++)
        event(SIM_CUT, i * 600000, 0);
    uint64_t before = bf_platform_now_us();
    run_to(BF_OK);
    CHECK_EQ(w.connections, 7);
    uint64_t sending = w.bytes_sent * 1000000 / 200000;
    CHECK(bf_platform_now_us() - before < sending + 6 * 1500000);
    sim_world_free(&w);
}

// A link that never lives long enough for a whole frame of a megabyte.
static void test_short_lived_connections_get_on(void)
{
    begin(30);
    w.disk_model[0].bytes = 4 << 20;
    w.disk_model[0].max_blocks = w.disk_model[0].preferred_blocks = 2048;
    w.link_model.bytes_per_second = 200000;
    w.compression = 1;
    sim_world_fill(&w);
    for (uint32_t i = 0; i < 4 << 20; i++)
        w.data[0][i] = (uint8_t)sim_random();
    for (uint64_t i = 1; i <= SIM_EVENTS; i++)
        event(SIM_CUT, i * 700000, 0);
    run_to(BF_OK);
    CHECK(w.connections < SIM_EVENTS - 2);
    sim_world_free(&w);
}

static void test_retry_counts_from_the_loss(void)
{
    begin(27);
    w.link_model.bytes_per_second = 15000;
    w.compression = 1;
    w.retry_us = 60 * 1000000u;
    sim_world_fill(&w);
    event(SIM_POWER_LOSS, 1100000, 40 * 1000000u); // after more than a minute of copying
    uint64_t before = bf_platform_now_us();
    run_to(BF_OK);
    CHECK(bf_platform_now_us() - before > 100 * 1000000u);
    sim_world_free(&w);
}

static void test_a_store_that_is_stuck_for_long(void)
{
    begin(28);
    w.store.stuck_until_us = bf_platform_now_us() + 100 * 1000000u;
    sim_world_fill(&w);
    run_to(BF_OK);
    CHECK_EQ(w.connections, 1);
    sim_world_free(&w);
}

// COMMITTED for another root than ours is not ours.
static void change_committed(void *user, enum sim_end to, uint8_t *at, size_t len)
{
    (void)user;
    for (size_t i = 0; to == SIM_CLIENT && i + 52 <= len; i++)
        if (memcmp(at + i, "\x27\x00\x00\x00\x2c\x00\x00\x00", 8) == 0)
            at[i + 30] ^= 1;
}

static void test_another_point_is_not_ours(void)
{
    begin(29);
    w.link_model.fragment = 0;
    w.link_model.mutate = change_committed;
    sim_world_fill(&w);
    run_to(BF_ERR_PROTOCOL);
    CHECK(strstr(w.sender_fault.what, "COMMITTED"));
    CHECK_EQ(w.connections, 4);
    CHECK_EQ(w.store.points, 1);
    sim_world_free(&w);
}

static enum bf_err revoke_after_half_a_megabyte(void *impl, struct bf_fault *fault)
{
    const struct sim_world *world = impl;
    if (world->store.writes < 8)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_DENIED, BF_SIDE_CONFIG, "ask", "the machine was revoked");
}

static void test_revoked_in_the_middle(void)
{
    begin(19);
    w.allowed = revoke_after_half_a_megabyte;
    sim_world_fill(&w);
    run_to(BF_ERR_DENIED);
    CHECK_STR(w.sender_fault.what, "the machine was revoked");
    CHECK_EQ(w.connections, 1);
    sim_world_free(&w);
}

// What the server says to a machine that lives elsewhere.
static enum bf_err said_after_half_a_megabyte;

static enum bf_err fence_after_half_a_megabyte(void *impl, struct bf_fault *fault)
{
    const struct sim_world *world = impl;
    if (world->store.writes < 8)
        return BF_OK;
    return bf_fault_set(fault, said_after_half_a_megabyte, BF_SIDE_SOURCE, "roll it back",
                        "this machine lives elsewhere now");
}

// It does not try again, and makes no point. So does a version that does not know the code yet, for
// which one that does not exist stands here.
static void test_fenced_in_the_middle(void)
{
    static const struct {
        int said, understood;
    } codes[] = {{BF_ERR_FENCED, BF_ERR_FENCED}, {63, BF_ERR_UNSUPPORTED}};
    for (size_t i = 0; i < BF_COUNT(codes); i++) {
        begin(19);
        said_after_half_a_megabyte = (enum bf_err)codes[i].said;
        w.allowed = fence_after_half_a_megabyte;
        sim_world_fill(&w);
        run_to((enum bf_err)codes[i].understood);
        CHECK_STR(w.sender_fault.what, "this machine lives elsewhere now");
        CHECK_STR(w.sender_fault.todo, "roll it back");
        CHECK_EQ(w.sender_fault.side, BF_SIDE_SOURCE);
        CHECK_EQ(w.connections, 1);
        CHECK_EQ(w.store.points, 0);
        sim_world_free(&w);
    }
}

static void test_cancel_tells_the_server(void)
{
    begin(20);
    sim_world_fill(&w);
    event(SIM_CANCEL, 300000, 0);
    run_to(BF_ERR_CANCELLED);
    CHECK_EQ(w.receiver_fault.code, BF_ERR_CANCELLED);
    CHECK_EQ(w.store.points, 0);
    sim_world_free(&w);
}

// What stops a run before its first byte is known before the server is; the server hears of it.
static void test_a_refusal_reaches_the_server(void)
{
    struct bf_fault refusal;
    begin(20);
    sim_world_fill(&w);
    bf_fault_set(&refusal, BF_ERR_UNSUPPORTED, BF_SIDE_SOURCE, "unseen=warn", "a RAID controller");
    w.refusal = &refusal;
    run_to(BF_ERR_UNSUPPORTED);
    CHECK_EQ(w.connections, 1);
    CHECK_EQ(w.receiver_fault.code, BF_ERR_UNSUPPORTED);
    CHECK_STR(w.receiver_fault.what, "a RAID controller");
    CHECK_STR(w.sender_fault.todo, "unseen=warn");
    CHECK_EQ(w.progress.read_bytes, 0);
    CHECK_EQ(w.store.points, 0);
    sim_world_free(&w);
}

static void test_answer_of_commit_is_lost(void)
{
    begin(21);
    sim_world_fill(&w);
    run_to(BF_OK);
    uint64_t all = w.bytes_before;
    sim_world_free(&w);
    // The same run again, cut in the last hundred bytes, one by one: there is one point, never two.
    for (uint64_t back = 0; back < 120; back += 3) {
        begin(21);
        sim_world_fill(&w);
        event(SIM_CUT, all - back, 0);
        run_to(BF_OK);
        CHECK_EQ(w.store.points, 1);
        sim_world_free(&w);
    }
}

static void test_every_compression(void)
{
    for (uint8_t mode = 0; mode < 4; mode++) {
        begin(22);
        w.compression = mode;
        w.link_model.bytes_per_second = 2000000;
        sim_world_fill(&w);
        run_to(BF_OK);
        if (mode == 1)
            CHECK(w.bytes_sent > w.progress.data_bytes);
        else
            CHECK(w.bytes_sent < w.progress.data_bytes * 3 / 4);
        sim_world_free(&w);
    }
}

static void test_memory_that_is_refused(void)
{
    struct bf_mem_usage before, after;
    struct bf_sender_config config = {.inventory = &w.inventory, .disks = w.source};
    struct bf_receiver_host host = {0};
    struct bf_stream none = {0};
    int refused = 0;
    begin(24);
    bf_mem_usage(&before);
    for (uint64_t skip = 0; skip < 30; skip++) {
        sim_alloc_fail(skip);
        struct bf_sender *s = bf_sender_new(&config, 0);
        refused += s == NULL;
        bf_sender_free(s);
        sim_alloc_fail(skip);
        struct bf_receiver *r = bf_receiver_new(none, &host, 1, 0);
        refused += r == NULL;
        bf_receiver_free(r);
    }
    CHECK(refused > 12 && refused < 60);
    bf_mem_usage(&after);
    CHECK_EQ(after.in_use, before.in_use);
}

static void test_memory_is_bounded(void)
{
    struct bf_mem_usage usage;
    begin(23);
    w.disk_model[0].bytes = 16 << 20;
    sim_world_fill(&w);
    bf_mem_usage(&usage);
    // Sender's 9 MiB and receiver's 8 MiB, as promised in their headers.
    bf_mem_set_limit(usage.in_use + (17 << 20));
    run_to(BF_OK);
    // With eight workers, 28 MiB more.
    w.workers = BF_WORKERS_MAX;
    bf_mem_set_limit(usage.in_use + (45 << 20));
    run_to(BF_OK);
    bf_mem_set_limit(0);
    sim_world_free(&w);
}

// ---- Workers -----------------------------------------------------------------------------------

static void test_workers_change_nothing_but_the_order_of_work(void)
{
    uint64_t sent[2] = {0, 0};
    for (uint8_t compression = 1; compression < 4; compression++) {
        for (uint32_t i = 0; i < 2; i++) {
            begin(40);
            w.workers = i ? 5 : 0;
            w.compression = compression;
            w.disk_model[0].bytes = 9 << 20;
            sim_world_fill(&w);
            run_to(BF_OK);
            sent[i] = w.progress.data_bytes;
            sim_world_change(&w, 3);
            run_to(BF_OK);
            CHECK_EQ(w.progress.point, 2);
            sim_world_free(&w);
        }
        CHECK_EQ(sent[0], sent[1]);
    }
}

static void test_a_worker_that_does_not_come_back_ends_the_run(void)
{
    begin(41);
    w.workers = 2;
    sim_world_fill(&w);
    sim_workers_stick();
    CHECK_EQ(sim_world_run(&w), BF_ERR_LIMIT);
    CHECK_EQ(w.sender_fault.code, BF_ERR_TIMEOUT);
    CHECK_EQ(w.sender_fault.side, BF_SIDE_SOURCE);
    CHECK_STR(w.what, "memory did not come back"); // it is the worker's
    sim_world_free(&w);
}

static void test_a_worker_that_leaves_its_stack_ends_the_run(void)
{
    begin(42);
    w.workers = 2;
    sim_world_fill(&w);
    sim_workers_overrun();
    run_to(BF_ERR_LIMIT);
    CHECK_EQ(w.sender_fault.side, BF_SIDE_SOURCE);
    CHECK(strstr(w.sender_fault.what, "stack") != NULL);
    CHECK_EQ(w.store.points, 0);
    sim_world_free(&w);
}

TEST_MAIN(TEST(test_a_refusal_reaches_the_server),
          TEST(test_workers_change_nothing_but_the_order_of_work),
          TEST(test_a_worker_that_does_not_come_back_ends_the_run),
          TEST(test_a_worker_that_leaves_its_stack_ends_the_run), TEST(test_plain_copy),
          TEST(test_second_run_sends_differences), TEST(test_the_base_is_asked_for_ahead),
          TEST(test_unused_is_not_read), TEST(test_the_server_learns_what_lies_where),
          TEST(test_one_place_is_wanted_whole), TEST(test_unused_through_trouble),
          TEST(test_answers_that_come_late), TEST(test_hibernation_into_a_file_leaves_nothing_out),
          TEST(test_hibernation_that_is_seen_first), TEST(test_hibernation_and_cut_connections),
          TEST(test_known_zeros_are_not_read), TEST(test_known_zeros_through_trouble),
          TEST(test_several_disks_of_odd_sizes), TEST(test_blocking_driver),
          TEST(test_reads_slower_than_patience), TEST(test_deep_queue_is_used),
          TEST(test_cut_continues_from_durable), TEST(test_silent_link_is_noticed),
          TEST(test_short_stall_is_survived), TEST(test_power_loss_of_the_server),
          TEST(test_source_reboots_and_changed), TEST(test_damage_is_found_and_repaired),
          TEST(test_damaged_base_of_a_later_run), TEST(test_store_full_stops_at_once),
          TEST(test_unreadable_block_is_named), TEST(test_unreadable_blocks_are_mapped),
          TEST(test_a_mapped_disk_and_cut_connections),
          TEST(test_what_cannot_be_read_survives_going_back),
          TEST(test_passing_read_errors_are_retried), TEST(test_a_disk_in_trouble),
          TEST(test_unreachable_server_until_retry), TEST(test_server_that_comes_back_late),
          TEST(test_revoked_in_the_middle), TEST(test_fenced_in_the_middle),
          TEST(test_cancel_tells_the_server), TEST(test_answer_of_commit_is_lost),
          TEST(test_every_compression), TEST(test_repair_that_reads_differently),
          TEST(test_pauses_stay_short_while_it_gets_on), TEST(test_retry_counts_from_the_loss),
          TEST(test_what_became_durable_counts_although_durable_never_came),
          TEST(test_short_lived_connections_get_on), TEST(test_a_store_that_is_stuck_for_long),
          TEST(test_another_point_is_not_ours), TEST(test_memory_that_is_refused),
          TEST(test_memory_is_bounded))
