// SPDX-License-Identifier: Apache-2.0
// Reports of machines: the word that ties one to a job, and what becomes of it in the job's folder.
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "replica/jobs/folder.h"
#include "replica/jobs/reported.h"
#include "tests/unit/store_files.h"
#include "tests/unit/test.h"

#define WORD "0123456789abcdef0123456789abcdef"
#define MARK "BOOTFERRY-EVIDENCE "

static struct bf_fault fault;

// ---- The word ----------------------------------------------------------------------------------

// The bytes lie at the end of a block, so that a look beyond them is found.
static bool has_word(const char *text, size_t len)
{
    char word[BF_EVIDENCE_WORD], *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    memset(word, '?', sizeof word);
    bool found = bf_reported_word(copy, len, word);
    if (found)
        CHECK_STR(word, WORD);
    free(copy);
    return found;
}

static void test_the_first_word_counts(void)
{
    static const char *const right[] = {
        MARK WORD " host a\n",
        MARK WORD " ",
        "[    1.0] x\r\n" MARK WORD " end -\n",
        MARK MARK WORD " end -\n",
        MARK "0123 host a\n" MARK WORD " host b\n",
        MARK WORD " host a\n" MARK "ffffffffffffffffffffffffffffffff host b\n",
    };
    static const char *const wrong[] = {
        "",
        MARK,
        MARK WORD,
        MARK WORD "\n",
        MARK WORD "0 host a\n",
        MARK "0123456789ABCDEF0123456789abcdef host a\n",
        MARK "0123456789abcdef0123456789abcde host a\n",
        MARK "0123456789abcdef 123456789abcdef host a\n",
        "BOOTFERRY-EVIDENCE\t" WORD " host a\n",
        "bootferry-evidence " WORD " host a\n",
        WORD " host a\n",
    };
    static const char broken[] = MARK "0123456789abcdef\0"
                                      "123456789abcdef host a\n";
    for (size_t i = 0; i < BF_COUNT(right); i++)
        CHECK(has_word(right[i], strlen(right[i])));
    for (size_t i = 0; i < BF_COUNT(wrong); i++)
        CHECK(!has_word(wrong[i], strlen(wrong[i])));
    for (size_t len = 0; len < sizeof MARK WORD; len++)
        CHECK(!has_word(right[0], len));
    CHECK(!has_word(broken, sizeof broken - 1));
}

// ---- The job -----------------------------------------------------------------------------------

static struct bf_state *fresh(struct store_files *files)
{
    struct bf_state *state = NULL;
    store_files_make(files);
    CHECK_EQ(bf_state_create(files->state, &fault), BF_OK);
    CHECK_EQ(bf_state_open(files->state, BF_STATE_COMMAND, &state, &fault), BF_OK);
    CHECK_EQ(bf_db_machine_add(bf_state_db(state), "web", 5), BF_OK);
    return state;
}

static void done(struct store_files *files, struct bf_state *state)
{
    bf_state_close(state);
    store_files_remove(files);
}

static int64_t add_job(struct bf_state *state, const char *word, int over)
{
    struct bf_db *db = bf_state_db(state);
    struct bf_job job = {.machine = "web", .kind = "failover"};
    struct bf_failover f = {.machine = "web", .mode = BF_FAILOVER_UNPLANNED, .over = over};
    snprintf(f.word, sizeof f.word, "%s", word);
    CHECK_EQ(bf_db_begin(db), BF_OK);
    CHECK_EQ(bf_db_job_add(db, &job), BF_OK);
    f.job = job.id;
    CHECK_EQ(bf_db_failover_add(db, &f), BF_OK);
    CHECK_EQ(bf_db_commit(db), BF_OK);
    CHECK_EQ(bf_job_folder_make(state, job.id, &fault), BF_OK);
    return job.id;
}

static void test_a_word_is_that_of_one_job(void)
{
    static const char other[] = "0123456789abcdef0123456789abcdee";
    struct store_files files;
    struct bf_state *state = fresh(&files);
    struct bf_db *db = bf_state_db(state);
    struct bf_failover f;
    CHECK_EQ(bf_reported_find(db, WORD, &f), BF_ERR_NOT_FOUND);
    add_job(state, "", 0); // a row that is damaged matches nothing
    add_job(state, "0123", 0);
    add_job(state, "ffffffffffffffffffffffffffffffff", 1);
    int64_t a = add_job(state, other, 0), b = add_job(state, WORD, 0);
    CHECK_EQ(bf_reported_find(db, WORD, &f), BF_OK);
    CHECK_EQ(f.job, b);
    CHECK_EQ(bf_reported_find(db, other, &f), BF_OK);
    CHECK_EQ(f.job, a);
    CHECK_EQ(bf_reported_find(db, "ffffffffffffffffffffffffffffffff", &f), BF_ERR_NOT_FOUND);
    CHECK_EQ(bf_reported_find(db, "1123456789abcdef0123456789abcdef", &f), BF_ERR_NOT_FOUND);
    done(&files, state);
}

// ---- Its folder --------------------------------------------------------------------------------

static enum bf_err keep(struct bf_state *state, int64_t job, const char *text)
{
    return bf_reported_keep(state, job, text, strlen(text), &fault);
}

static void age(struct bf_state *state, int64_t job, int64_t seconds)
{
    char path[BF_JOB_PATH];
    struct timespec times[2] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};
    bf_job_path(state, job, BF_REPORTED_JUDGED, path);
    CHECK_EQ(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void judge(struct bf_state *state, int64_t job, const char *text)
{
    struct bf_reported report;
    CHECK_EQ(bf_reported_load(state, job, &report, &fault), BF_OK);
    CHECK_EQ(report.len, strlen(text));
    CHECK(memcmp(report.bytes, text, report.len) == 0);
    CHECK_EQ(bf_reported_settle(state, job, &report, &fault), BF_OK);
    free(report.bytes);
}

static void test_a_report_waits_until_it_is_judged(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files);
    struct bf_reported report;
    int64_t job = add_job(state, WORD, 0);
    CHECK(!bf_reported_waits(state, job));
    CHECK(bf_reported_load(state, job, &report, &fault) != BF_OK && !report.bytes);
    CHECK_EQ(keep(state, job, "one"), BF_OK);
    CHECK_EQ(keep(state, job, "one"), BF_OK);
    CHECK(bf_reported_waits(state, job));
    CHECK_EQ(keep(state, job, "two"), BF_OK); // nobody has looked yet: the last one counts
    judge(state, job, "two");
    CHECK(!bf_reported_waits(state, job));
    done(&files, state);
}

static void test_the_same_again_is_no_other_report(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files);
    int64_t job = add_job(state, WORD, 0);
    CHECK_EQ(keep(state, job, "one"), BF_OK);
    judge(state, job, "one");
    CHECK_EQ(keep(state, job, "one"), BF_OK);
    CHECK(!bf_reported_waits(state, job));
    CHECK_EQ(keep(state, job, "two"), BF_ERR_BUSY);
    CHECK(!bf_reported_waits(state, job));
    age(state, job, BF_REPORTED_AGAIN_S);
    CHECK_EQ(keep(state, job, "two"), BF_OK);
    CHECK(bf_reported_waits(state, job));
    age(state, job, -1000); // a clock that was set back does not keep a report out
    CHECK_EQ(keep(state, job, "three"), BF_OK);
    judge(state, job, "three");
    done(&files, state);
}

static void test_one_that_comes_meanwhile_is_not_lost(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files);
    struct bf_reported report;
    int64_t job = add_job(state, WORD, 0);
    CHECK_EQ(keep(state, job, "one"), BF_OK);
    CHECK_EQ(bf_reported_load(state, job, &report, &fault), BF_OK);
    CHECK_EQ(keep(state, job, "two"), BF_OK);
    CHECK_EQ(bf_reported_settle(state, job, &report, &fault), BF_OK);
    free(report.bytes);
    CHECK(bf_reported_waits(state, job));
    judge(state, job, "two");
    CHECK_EQ(bf_reported_settle(state, job, NULL, &fault), BF_OK); // none waits
    done(&files, state);
}

static void test_a_folder_that_is_gone(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files);
    CHECK(keep(state, 77, "one") != BF_OK && fault.what[0] && fault.todo[0]);
    CHECK(!bf_reported_waits(state, 77));
    done(&files, state);
}

TEST_MAIN(TEST(test_the_first_word_counts), TEST(test_a_word_is_that_of_one_job),
          TEST(test_a_report_waits_until_it_is_judged),
          TEST(test_the_same_again_is_no_other_report),
          TEST(test_one_that_comes_meanwhile_is_not_lost), TEST(test_a_folder_that_is_gone))
