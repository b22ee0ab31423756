// SPDX-License-Identifier: Apache-2.0
// The rules of failovers, case by case: which wish leads where from which step, for cutovers and
// tests, with every other pair refused.
#include "replica/jobs/rules.h"
#include "tests/unit/test.h"

static struct bf_fault fault;

struct expected {
    enum bf_failover_wish wish;
    enum bf_failover_mode mode; // PLANNED stands for both cutovers
    enum bf_fo_step step, next, ending;
};

// Everything that is allowed; each ending is looked at where it matters.
static const struct expected allowed[] = {
    {BF_WISH_COMMIT, 1, BF_FO_READY, BF_FO_COMMITTING, BF_FO_COMMITTED},
    {BF_WISH_COMMIT, 1, BF_FO_DELIVERED, BF_FO_COMMITTING, BF_FO_COMMITTED},
    {BF_WISH_ROLLBACK, 1, BF_FO_WAITING, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_ROLLBACK, 1, BF_FO_FINALIZING, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_ROLLBACK, 1, BF_FO_MAKING, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_ROLLBACK, 1, BF_FO_STARTING, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_ROLLBACK, 1, BF_FO_LOOKING, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_ROLLBACK, 1, BF_FO_READY, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_ROLLBACK, 1, BF_FO_UNPROVEN, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_ROLLBACK, 1, BF_FO_DELIVERED, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_ROLLBACK, 1, BF_FO_STUCK, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_CLEANUP, 3, BF_FO_FINALIZING, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CLEANUP, 3, BF_FO_WAITING, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CLEANUP, 3, BF_FO_MAKING, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CLEANUP, 3, BF_FO_STARTING, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CLEANUP, 3, BF_FO_LOOKING, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CLEANUP, 3, BF_FO_READY, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CLEANUP, 3, BF_FO_UNPROVEN, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CLEANUP, 3, BF_FO_DELIVERED, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CLEANUP, 3, BF_FO_STUCK, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CANCEL, 1, BF_FO_COMMITTING, BF_FO_READY, BF_FO_READY},
    {BF_WISH_CANCEL, 1, BF_FO_WAITING, BF_FO_REMOVING, BF_FO_CANCELLED},
    {BF_WISH_CANCEL, 1, BF_FO_FINALIZING, BF_FO_REMOVING, BF_FO_CANCELLED},
    {BF_WISH_CANCEL, 1, BF_FO_MAKING, BF_FO_REMOVING, BF_FO_CANCELLED},
    {BF_WISH_CANCEL, 1, BF_FO_STARTING, BF_FO_REMOVING, BF_FO_CANCELLED},
    {BF_WISH_CANCEL, 1, BF_FO_LOOKING, BF_FO_REMOVING, BF_FO_CANCELLED},
    {BF_WISH_CANCEL, 1, BF_FO_READY, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_CANCEL, 1, BF_FO_UNPROVEN, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_CANCEL, 1, BF_FO_DELIVERED, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_CANCEL, 1, BF_FO_STUCK, BF_FO_REMOVING, BF_FO_ROLLED_BACK},
    {BF_WISH_CANCEL, 3, BF_FO_WAITING, BF_FO_REMOVING, BF_FO_CANCELLED},
    {BF_WISH_CANCEL, 3, BF_FO_FINALIZING, BF_FO_REMOVING, BF_FO_CANCELLED},
    {BF_WISH_CANCEL, 3, BF_FO_MAKING, BF_FO_REMOVING, BF_FO_CANCELLED},
    {BF_WISH_CANCEL, 3, BF_FO_STARTING, BF_FO_REMOVING, BF_FO_CANCELLED},
    {BF_WISH_CANCEL, 3, BF_FO_LOOKING, BF_FO_REMOVING, BF_FO_CANCELLED},
    {BF_WISH_CANCEL, 3, BF_FO_READY, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CANCEL, 3, BF_FO_UNPROVEN, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CANCEL, 3, BF_FO_DELIVERED, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CANCEL, 3, BF_FO_STUCK, BF_FO_REMOVING, BF_FO_CLEANED_UP},
    {BF_WISH_CONFIRM, 1, BF_FO_LOOKING, BF_FO_READY, BF_FO_READY},
    {BF_WISH_CONFIRM, 1, BF_FO_UNPROVEN, BF_FO_READY, BF_FO_READY},
    {BF_WISH_CONFIRM, 1, BF_FO_DELIVERED, BF_FO_DELIVERED, BF_FO_DELIVERED},
    {BF_WISH_CONFIRM, 3, BF_FO_LOOKING, BF_FO_READY, BF_FO_READY},
    {BF_WISH_CONFIRM, 3, BF_FO_UNPROVEN, BF_FO_READY, BF_FO_READY},
    {BF_WISH_CONFIRM, 3, BF_FO_DELIVERED, BF_FO_DELIVERED, BF_FO_DELIVERED},
};

static const struct expected *find(enum bf_failover_wish wish, enum bf_failover_mode mode,
                                   enum bf_fo_step step)
{
    enum bf_failover_mode kind = mode == BF_FAILOVER_TEST ? mode : BF_FAILOVER_PLANNED;
    for (size_t i = 0; i < BF_COUNT(allowed); i++)
        if (allowed[i].wish == wish && allowed[i].mode == kind && allowed[i].step == step)
            return &allowed[i];
    return NULL;
}

static void test_every_wish_in_every_step(void)
{
    struct bf_fo_answer answer;
    int asked = 0, granted = 0;
    for (int wish = BF_WISH_COMMIT; wish < BF_WISHES; wish++)
        for (int mode = BF_FAILOVER_PLANNED; mode <= BF_FAILOVER_TEST; mode++)
            for (int step = 0; step < BF_FO_STEPS; step++) {
                const struct expected *e = find(wish, mode, step);
                enum bf_err err = bf_fo_ask(mode, step, wish, &answer, &fault);
                asked++;
                granted += e != NULL;
                if ((err == BF_OK) != (e != NULL))
                    FAIL("%s of a %s failover, %s: %s", bf_fo_wish_name(wish),
                         bf_failover_mode_name(mode), bf_fo_info(step)->name, bf_err_name(err));
                if (e)
                    CHECK(answer.next == e->next && answer.ending == e->ending);
                else
                    CHECK(err == BF_ERR_DENIED && fault.what[0] && fault.todo[0]);
            }
    CHECK_EQ(asked, 5 * 3 * BF_FO_STEPS);
    CHECK(granted > 60);
}

// A state in which a job can stop is left by some command.
static void test_no_step_is_a_dead_end(void)
{
    struct bf_fo_answer answer;
    for (int mode = BF_FAILOVER_PLANNED; mode <= BF_FAILOVER_TEST; mode++)
        for (int step = 0; step < BF_FO_STEPS; step++) {
            int ways = 0;
            for (int wish = BF_WISH_COMMIT; wish < BF_WISHES; wish++)
                ways += bf_fo_ask(mode, step, wish, &answer, &fault) == BF_OK;
            const struct bf_fo_info *info = bf_fo_info(step);
            CHECK(info->over == (ways == 0 && !info->works));
            CHECK(!(info->over && info->works));
            CHECK(!(info->over && info->machine));
        }
}

static void test_steps_are_found_by_their_names(void)
{
    struct bf_job job = {0};
    for (int step = 0; step < BF_FO_STEPS; step++) {
        snprintf(job.step, sizeof job.step, "%s", bf_fo_info(step)->name);
        CHECK_EQ(bf_fo_step_of(&job), (enum bf_fo_step)step);
        CHECK(strlen(bf_fo_info(step)->name) < sizeof((struct bf_failover *)0)->ending);
    }
    snprintf(job.step, sizeof job.step, "flying");
    CHECK_EQ(bf_fo_step_of(&job), BF_FO_FAILED);
}

static void check_words(enum bf_failover_mode mode, enum bf_fo_step step,
                        enum bf_failover_wish wish, const char *what, const char *todo)
{
    struct bf_fo_answer answer;
    CHECK_EQ(bf_fo_ask(mode, step, wish, &answer, &fault), BF_ERR_DENIED);
    CHECK_STR(fault.what, what);
    CHECK(strstr(fault.todo, todo));
}

static void test_a_refusal_says_why_and_what_to_do(void)
{
    check_words(BF_FAILOVER_TEST, BF_FO_READY, BF_WISH_COMMIT,
                "no commit: a test is not made lasting", "bootferry cleanup");
    check_words(BF_FAILOVER_PLANNED, BF_FO_READY, BF_WISH_CLEANUP,
                "no cleanup: this is no test: a cleanup would take the machine away",
                "bootferry rollback");
    check_words(BF_FAILOVER_UNPLANNED, BF_FO_UNPROVEN, BF_WISH_COMMIT,
                "no commit: nothing has shown that the machine runs in its new home",
                "bootferry confirm");
    check_words(BF_FAILOVER_PLANNED, BF_FO_COMMITTED, BF_WISH_ROLLBACK,
                "no rollback: the job is over", "bootferry jobs");
    check_words(BF_FAILOVER_TEST, BF_FO_CLEANED_UP, BF_WISH_CLEANUP, "no cleanup: the job is over",
                "bootferry jobs");
    check_words(BF_FAILOVER_PLANNED, BF_FO_COMMITTING, BF_WISH_ROLLBACK,
                "no rollback: it is being made lasting", "bootferry cancel");
}

static void test_what_is_lost_needs_a_word(void)
{
    CHECK(bf_fo_discards(BF_FO_READY, BF_WISH_ROLLBACK));
    CHECK(bf_fo_discards(BF_FO_UNPROVEN, BF_WISH_CANCEL));
    CHECK(bf_fo_discards(BF_FO_LOOKING, BF_WISH_CANCEL));
    CHECK(!bf_fo_discards(BF_FO_FINALIZING, BF_WISH_CANCEL));
    CHECK(!bf_fo_discards(BF_FO_COMMITTING, BF_WISH_CANCEL));
    CHECK(!bf_fo_discards(BF_FO_READY, BF_WISH_COMMIT));
}

static void test_one_cutover_at_a_time(void)
{
    struct bf_failover others[] = {
        {.job = 3, .machine = "web-1", .mode = BF_FAILOVER_TEST},
        {.job = 4, .machine = "web-1", .mode = BF_FAILOVER_PLANNED},
    };
    CHECK_EQ(bf_fo_may_begin(BF_FAILOVER_UNPLANNED, others, 1, &fault), BF_OK);
    CHECK_EQ(bf_fo_may_begin(BF_FAILOVER_UNPLANNED, others, 2, &fault), BF_ERR_BUSY);
    CHECK(strstr(fault.what, "job 4 (planned)") && strstr(fault.todo, "job show 4"));
    CHECK_EQ(bf_fo_may_begin(BF_FAILOVER_TEST, others, 2, &fault), BF_OK);
    others[1].over = 1;
    CHECK_EQ(bf_fo_may_begin(BF_FAILOVER_PLANNED, others, 2, &fault), BF_OK);
}

TEST_MAIN(TEST(test_every_wish_in_every_step), TEST(test_no_step_is_a_dead_end),
          TEST(test_steps_are_found_by_their_names), TEST(test_a_refusal_says_why_and_what_to_do),
          TEST(test_what_is_lost_needs_a_word), TEST(test_one_cutover_at_a_time))
