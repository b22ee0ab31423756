// SPDX-License-Identifier: Apache-2.0
// The queue of tasks with real threads: every task is done once, by somebody, and what it wrote is
// seen by the loop. Built a second time with the thread sanitizer (tests/sources.mk), which has no
// use for the unit tests' own sanitizers.
#include "migrate/workers.h"
#include "base/platform.h"
#include "tests/unit/test.h"

enum { JOBS = 40, ROUNDS = 500 };

struct sum {
    struct bf_task task;
    uint32_t number, times, place;
    uint64_t result;
};

static struct bf_workers workers;
static struct sum sums[JOBS];

static void add_up(struct bf_task *task, uint32_t place)
{
    struct sum *s = (struct sum *)task;
    s->times++;
    s->place = place;
    s->result = 0;
    for (uint32_t i = 0; i <= s->number; i++)
        s->result += i;
}

static void give(struct sum *s, uint32_t number)
{
    s->task.run = add_up;
    s->number = number;
    s->times = 0;
    CHECK(bf_workers_give(&workers, &s->task));
}

static void is_right(const struct sum *s)
{
    CHECK_EQ(s->times, 1);
    CHECK(s->place <= workers.count);
    CHECK_EQ(s->result, (uint64_t)s->number * (s->number + 1) / 2);
}

// Gives tasks again as soon as they are done, out of order, and helps when nothing moves.
static void keep_busy(uint32_t *helped)
{
    uint32_t left = JOBS * ROUNDS, number = 0;
    uint64_t deadline = bf_platform_now_us() + TEST_PATIENCE_S * 1000000ull;
    for (uint32_t i = 0; i < JOBS; i++)
        give(&sums[i], number++ % 977);
    while (left && bf_platform_now_us() < deadline) {
        int moved = 0;
        for (uint32_t i = 0; i < JOBS; i++) {
            if (!bf_task_is(&sums[i].task, BF_TASK_DONE))
                continue;
            moved = 1;
            is_right(&sums[i]);
            sums[i].task.state = BF_TASK_IDLE;
            if (--left >= JOBS)
                give(&sums[i], number++ % 977);
        }
        if (!moved && (bf_workers_poll(&workers, bf_platform_now_us()) || !workers.count))
            *helped += bf_workers_help(&workers) != NULL;
    }
    CHECK_EQ(left, 0);
    CHECK(bf_workers_quiet(&workers));
}

static void test_every_job_is_done_once(void)
{
    uint32_t helped = 0;
    for (uint32_t most = 0; most <= BF_WORKERS_MAX; most += 2) {
        bf_workers_init(&workers);
        bf_workers_start(&workers, most);
        CHECK(workers.count <= most);
        keep_busy(&helped);
        CHECK_EQ(bf_workers_stop(&workers), BF_OK);
        CHECK_EQ(workers.count, 0);
    }
    printf("# the loop did %u of %u\n", helped, JOBS * ROUNDS * 5);
    CHECK(helped >= JOBS * ROUNDS);
}

static void test_workers_sleep_and_are_woken(void)
{
    bf_workers_init(&workers);
    bf_workers_start(&workers, 2);
    if (!workers.count) {
        printf("# one processor: nobody to wake\n");
        return;
    }
    for (uint32_t i = 0; i < 50; i++) {
        uint64_t deadline = bf_platform_now_us() + TEST_PATIENCE_S * 1000000ull;
        bf_platform_idle(i % 5 * 300); // asleep, or not yet
        give(&sums[0], i);
        while (!bf_task_is(&sums[0].task, BF_TASK_DONE) && bf_platform_now_us() < deadline)
            bf_platform_idle(50);
        is_right(&sums[0]);
        CHECK(sums[0].place > 0);
    }
    CHECK_EQ(bf_workers_stop(&workers), BF_OK);
}

static void test_the_queue_is_bounded_and_cancelled(void)
{
    static struct sum many[BF_TASKS_MAX + 1];
    bf_workers_init(&workers); // nobody takes anything
    for (uint32_t i = 0; i < BF_TASKS_MAX; i++)
        give(&many[i], i);
    many[BF_TASKS_MAX].task.run = add_up;
    CHECK(!bf_workers_give(&workers, &many[BF_TASKS_MAX].task));
    CHECK(bf_workers_help(&workers) == &many[0].task); // the oldest first
    is_right(&many[0]);
    CHECK(!bf_workers_quiet(&workers));
    bf_workers_cancel(&workers);
    CHECK(bf_workers_quiet(&workers));
    CHECK(bf_workers_help(&workers) == NULL);
    for (uint32_t i = 1; i < BF_TASKS_MAX; i++) {
        CHECK_EQ(many[i].times, 0);
        CHECK(bf_task_is(&many[i].task, BF_TASK_IDLE));
    }
}

static void test_poll_says_when_to_help(void)
{
    bf_workers_init(&workers);
    CHECK(!bf_workers_poll(&workers, bf_platform_now_us()));
    give(&sums[0], 1);
    give(&sums[1], 1);
    CHECK(!bf_workers_poll(&workers, bf_platform_now_us())); // they have only just come
    CHECK(bf_workers_poll(&workers, bf_platform_now_us()));
    bf_workers_help(&workers);
    CHECK(!bf_workers_poll(&workers, bf_platform_now_us())); // somebody takes them
    CHECK(bf_workers_poll(&workers, bf_platform_now_us()));
    bf_workers_help(&workers);
    CHECK(!bf_workers_poll(&workers, bf_platform_now_us()));
}

TEST_MAIN(TEST(test_every_job_is_done_once), TEST(test_workers_sleep_and_are_woken),
          TEST(test_the_queue_is_bounded_and_cancelled), TEST(test_poll_says_when_to_help))
