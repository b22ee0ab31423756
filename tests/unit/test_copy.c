// SPDX-License-Identifier: Apache-2.0
// The pipeline over a store that is right here, without a server or a network: the seam between the
// two is migrate/store.h and nothing else. The store in memory holds several writes at a time,
// releases them in any order, and looks whether they were left alone meanwhile.
#include "base/platform.h"
#include "migrate/copy/copy.h"
#include "tests/platform_sim.h"
#include "tests/sim_disk.h"
#include "tests/sim_store.h"
#include "tests/unit/test.h"

enum { DISKS = 2, CHUNK = 32768, TURN_US = 500, SECOND_US = 1000000 };

static const uint64_t sizes[DISKS] = {2 << 20, (1 << 20) + 512}; // the second ends within a chunk

static struct {
    struct sim_disk disk[DISKS];
    struct bf_source_disk *source[DISKS];
    uint8_t *data[DISKS];
    struct sim_store store;
    struct bf_inventory inventory;
    struct bf_progress progress;
    struct bf_store_opened opened;
    struct bf_copy *copy;
    uint8_t session[16], boot[16];
    uint32_t longest_write; // bytes
    int crossed;            // writes that cross a part
    int no_base;
} w;

// ---- The world ---------------------------------------------------------------------------------

// Looks at each write before the store gets it.
static struct bf_store_ops watched;
static enum bf_err (*take)(void *impl, struct bf_store_write *write);

static enum bf_err watch_data(void *impl, struct bf_store_write *write)
{
    uint64_t from = write->first * CHUNK, last = from + write->raw_len - 1;
    uint32_t part = w.opened.part_bytes;
    if (write->raw_len > w.longest_write)
        w.longest_write = write->raw_len;
    w.crossed += part && from / part != last / part;
    return take(impl, write);
}

static void open_store(void)
{
    w.opened.disks = DISKS;
    w.opened.can = BF_STORE_BASE | BF_STORE_RESUME | BF_STORE_VERIFY;
    w.opened.resumed = (uint8_t)sim_store_open(&w.store, w.session, w.boot);
    w.opened.store = sim_store_interface(&w.store);
    watched = *w.opened.store.ops;
    take = watched.data;
    watched.data = watch_data;
    w.opened.store.ops = &watched;
    for (uint16_t i = 0; i < DISKS; i++)
        w.opened.plan[i] = (struct bf_planned_disk){
            .disk = i,
            .inventory_disk = i,
            .disks = DISKS,
            .has_base = w.store.points > 0 && !w.no_base,
            .geometry = w.store.disk[i].geometry,
            .resume_chunk = w.opened.resumed ? w.store.disk[i].durable : 0,
            .done = w.store.disk[i].done,
        };
}

// Random contents with zeros and what compresses among them.
static void fill(uint16_t i)
{
    uint8_t *at = w.data[i];
    for (uint64_t n = 0; n < sizes[i]; n++)
        at[n] = n / CHUNK % 5 == 3 ? 0 : (uint8_t)sim_random();
}

static void begin(uint64_t seed)
{
    memset(&w, 0, sizeof w);
    sim_platform_reset(seed);
    sim_store_init(&w.store);
    w.store.holds = 1;
    w.store.checkpoint_us = 20000;
    w.session[0] = w.boot[0] = 1;
    w.inventory.disks = DISKS;
    for (uint16_t i = 0; i < DISKS; i++) {
        struct sim_disk_model model = {.bytes = sizes[i],
                                       .block_size = 512,
                                       .max_blocks = 2048,
                                       .preferred_blocks = 1024,
                                       .alignment = 1,
                                       .depth = 4,
                                       .read_us = 300,
                                       .bad_block = UINT64_MAX};
        struct bf_geometry g = {sizes[i], 512, CHUNK};
        w.data[i] = malloc(sizes[i]);
        fill(i);
        sim_disk_init(&w.disk[i], &model, w.data[i]);
        w.source[i] = &w.disk[i].source;
        w.inventory.disk[i].identity = w.disk[i].source.identity;
        w.inventory.disk[i].planned = 1;
        sim_store_disk(&w.store, i, &g);
    }
}

static void make_copy(void)
{
    struct bf_copy_config config = {.inventory = &w.inventory,
                                    .disks = w.source,
                                    .copy_all = 1,
                                    .copy_all_why = "copy=all",
                                    .map_errors = 1,
                                    .progress = &w.progress};
    memset(&w.progress, 0, sizeof w.progress);
    w.copy = bf_copy_new(&config);
    CHECK(w.copy != NULL && bf_copy_read_with(w.copy, 4 << 20) == BF_OK);
}

static void free_copy(void)
{
    CHECK(bf_copy_free(w.copy));
    w.copy = NULL;
}

// Until it ends, or `until` bytes of the first disk are with the store.
static enum bf_err run_until(uint64_t until)
{
    enum bf_err err = BF_AGAIN;
    for (int i = 0; i < 200000 && err == BF_AGAIN && w.progress.disk[0].position < until; i++) {
        err = bf_copy_step(w.copy, bf_platform_now_us());
        sim_clock_advance(TURN_US);
    }
    return err;
}

static enum bf_err run(void)
{
    enum bf_err err;
    make_copy();
    open_store();
    bf_copy_begin(w.copy, &w.opened, bf_platform_now_us());
    err = run_until(UINT64_MAX);
    free_copy();
    return err;
}

static void end(void)
{
    for (int i = 0; i < DISKS; i++) {
        bf_source_close(w.source[i]);
        free(w.data[i]);
    }
    sim_store_free(&w.store);
}

static void point_is_equal(uint32_t point)
{
    CHECK(w.store.points >= point);
    for (int i = 0; i < DISKS && w.store.points >= point; i++)
        CHECK(memcmp(w.store.point[point - 1].data[i], w.data[i], sizes[i]) == 0);
}

// ---- Cases -------------------------------------------------------------------------------------

static void test_a_copy_without_a_network(void)
{
    begin(1);
    CHECK_EQ(run(), BF_OK);
    point_is_equal(1);
    CHECK_EQ(w.progress.point, 1);
    CHECK_EQ(w.progress.disk[0].durable, sizes[0]);
    CHECK_EQ(w.progress.disk[1].verified, sizes[1]);
    CHECK(w.progress.zero_bytes >= sizes[0] / 6);
    CHECK_EQ(w.progress.data_bytes + w.progress.zero_bytes, sizes[0] + sizes[1]);
    CHECK(w.store.most_held > 2); // several were under way at a time
    CHECK_EQ(w.store.held, 0);
    end();
}

static void test_a_later_run_keeps_what_is_there(void)
{
    begin(2);
    CHECK_EQ(run(), BF_OK);
    w.session[0] = w.boot[0] = 2;
    w.data[0][5 * CHUNK + 9] ^= 1;
    uint64_t writes = w.store.writes;
    CHECK_EQ(run(), BF_OK);
    CHECK_EQ(w.store.writes - writes, 1);
    CHECK_EQ(w.progress.same_bytes, sizes[0] + sizes[1] - CHUNK);
    point_is_equal(2);
    end();
}

static void test_writes_keep_to_the_limits_of_a_store(void)
{
    begin(3);
    w.opened.write_bytes = 5 * CHUNK;
    w.opened.part_bytes = 8 * CHUNK;
    CHECK_EQ(run(), BF_OK);
    CHECK_EQ(w.longest_write, 4 * CHUNK); // the zeros of fill() are closer than the limit
    CHECK_EQ(w.crossed, 0);
    point_is_equal(1);
    w.session[0] = w.boot[0] = 2;
    w.opened.write_bytes = CHUNK;
    w.longest_write = 0;
    w.no_base = 1; // all is written again
    CHECK_EQ(run(), BF_OK);
    CHECK_EQ(w.longest_write, CHUNK);
    end();
}

static void test_it_goes_on_behind_what_is_durable(void)
{
    begin(4);
    make_copy();
    open_store();
    bf_copy_begin(w.copy, &w.opened, bf_platform_now_us());
    CHECK_EQ(run_until(sizes[0] / 2), BF_AGAIN);
    // The store goes away, with writes in its hands.
    w.opened.store.ops->abort(w.opened.store.impl, NULL);
    bf_copy_stop(w.copy);
    while (!bf_copy_drain(w.copy))
        sim_clock_advance(TURN_US);
    open_store();
    CHECK(w.opened.resumed);
    bf_copy_begin(w.copy, &w.opened, bf_platform_now_us());
    CHECK_EQ(run_until(UINT64_MAX), BF_OK);
    point_is_equal(1);
    free_copy();
    end();
}

// The store is another one that claims to be the same: what is known of the disk counts chunks of
// the size before.
static void replace_store(uint32_t chunk_size)
{
    sim_store_free(&w.store);
    sim_store_init(&w.store);
    for (uint16_t i = 0; i < DISKS; i++)
        sim_store_disk(&w.store, i, &(struct bf_geometry){sizes[i], 512, chunk_size});
    open_store();
    w.opened.resumed = 1;
    w.opened.plan[0].resume_chunk = w.store.disk[0].durable =
        bf_geometry_chunks(&w.store.disk[0].geometry);
}

static void test_chunks_of_another_size_are_read_from_the_beginning(void)
{
    struct bf_digest root;
    begin(8);
    make_copy();
    open_store();
    bf_copy_begin(w.copy, &w.opened, bf_platform_now_us());
    while (!w.progress.disk[0].durable && bf_copy_step(w.copy, bf_platform_now_us()) == BF_AGAIN)
        sim_clock_advance(SECOND_US);
    CHECK(w.progress.disk[0].durable > 0 && w.progress.disk[0].durable < sizes[0]);
    w.opened.store.ops->abort(w.opened.store.impl, NULL);
    bf_copy_stop(w.copy);
    while (!bf_copy_drain(w.copy))
        sim_clock_advance(TURN_US);
    replace_store(2 * CHUNK);
    bf_copy_begin(w.copy, &w.opened, bf_platform_now_us());
    CHECK_EQ(run_until(UINT64_MAX), BF_OK);
    point_is_equal(1);
    root = w.progress.disk[0].root;
    free_copy();
    w.session[0] = w.boot[0] = 2;
    CHECK_EQ(run(), BF_OK);
    CHECK(bf_digest_equal(&w.progress.disk[0].root, &root));
    end();
}

static void test_what_is_damaged_is_given_again(void)
{
    begin(5);
    make_copy();
    open_store();
    bf_copy_begin(w.copy, &w.opened, bf_platform_now_us());
    while (w.progress.phase != BF_PHASE_VERIFYING &&
           bf_copy_step(w.copy, bf_platform_now_us()) == BF_AGAIN)
        sim_clock_advance(TURN_US);
    sim_store_rot(&w.store, 0, 7 * CHUNK + 3);
    sim_store_rot(&w.store, 1, 2 * CHUNK + 3);
    CHECK_EQ(run_until(UINT64_MAX), BF_OK);
    point_is_equal(1);
    free_copy();
    end();
}

static void test_a_store_that_fails_is_believed(void)
{
    begin(6);
    w.store.room = 4 * CHUNK;
    make_copy();
    open_store();
    bf_copy_begin(w.copy, &w.opened, bf_platform_now_us());
    CHECK_EQ(run_until(UINT64_MAX), BF_ERR_NO_SPACE);
    CHECK_STR(bf_copy_fault(w.copy)->what, "the store is full");
    w.opened.store.ops->abort(w.opened.store.impl, NULL);
    bf_copy_stop(w.copy);
    free_copy();
    end();
}

static void test_a_plan_has_to_fit(void)
{
    begin(7);
    make_copy();
    open_store();
    CHECK(!bf_copy_plan_is_unsound(w.copy, &w.opened, 0));
    CHECK(!bf_copy_plan_is_unsound(w.copy, &w.opened, 1));
    w.opened.plan[1].inventory_disk = 0;
    CHECK_STR(bf_copy_plan_is_unsound(w.copy, &w.opened, 1), "a disk of another size");
    w.opened.plan[0].resume_chunk = 1;
    CHECK_STR(bf_copy_plan_is_unsound(w.copy, &w.opened, 0),
              "a point of resumption in a new session");
    w.opened.plan[0].resume_chunk = 0;
    w.opened.plan[0].has_base = 1;
    w.opened.can = 0;
    CHECK_STR(bf_copy_plan_is_unsound(w.copy, &w.opened, 0), "a base that the store does not have");
    free_copy();
    end();
}

TEST_MAIN(TEST(test_a_copy_without_a_network), TEST(test_a_later_run_keeps_what_is_there),
          TEST(test_writes_keep_to_the_limits_of_a_store),
          TEST(test_it_goes_on_behind_what_is_durable),
          TEST(test_chunks_of_another_size_are_read_from_the_beginning),
          TEST(test_what_is_damaged_is_given_again),
          TEST(test_a_store_that_fails_is_believed), TEST(test_a_plan_has_to_fit))
