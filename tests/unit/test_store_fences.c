// SPDX-License-Identifier: Apache-2.0
// Fences: put, changed and lifted, one job beside another; what the source is told; how often it is
// said that it came; and that a session of a fenced machine seals no point.
#include <string.h>

#include "base/bytes.h"
#include "replica/points/recover.h"
#include "replica/state/state.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_open.h"
#include "tests/unit/test.h"

enum { CHUNK = 65536, DISK_BYTES = 4 << 20, NOON = 1796040000 };

static struct bf_fault fault;
static struct store_files files;
static struct bf_state *state;
static struct bf_db *db;

static void begin(void)
{
    store_files_make(&files);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    CHECK_EQ(bf_state_serve(files.state, &state, &fault), BF_OK);
    db = bf_state_db(state);
}

static void finish(void)
{
    bf_state_close(state);
    store_files_remove(&files);
}

static void put(const char *machine, int64_t job, const char *place, uint8_t unplanned)
{
    struct bf_fence fence = {.job = job, .since = NOON + job, .unplanned = unplanned};

    snprintf(fence.machine, sizeof fence.machine, "%s", machine);
    snprintf(fence.place, sizeof fence.place, "%s", place);
    CHECK_EQ(bf_db_fence_put(db, &fence), BF_OK);
}

static void test_put_changed_and_lifted(void)
{
    struct bf_fence fence;

    begin();
    CHECK_EQ(bf_db_machine_add(db, "web", 5), BF_OK);
    CHECK_EQ(bf_db_machine_add(db, "db", 5), BF_OK);
    CHECK_EQ(bf_db_fence_get(db, "web", &fence), BF_ERR_NOT_FOUND);
    CHECK_EQ(bf_db_fence_check(db, "web"), BF_OK);
    CHECK_EQ(bf_db_fence_lift(db, "web", 3), BF_OK);
    put("web", 3, "in a folder", 1);
    fence = (struct bf_fence){.machine = "web", .job = 3, .since = NOON + 77, .place = "elsewhere"};
    CHECK_EQ(bf_db_fence_put(db, &fence), BF_OK);
    CHECK_EQ(bf_db_fence_get(db, "web", &fence), BF_OK);
    CHECK_STR(fence.machine, "web");
    CHECK_STR(fence.place, "elsewhere");
    CHECK_EQ(fence.job, 3);
    CHECK_EQ(fence.since, NOON + 3); // when it was put first
    CHECK_EQ(fence.unplanned, 1);
    CHECK_EQ(bf_db_fence_get(db, "db", &fence), BF_ERR_NOT_FOUND);
    CHECK_EQ(bf_db_fence_check(db, "db"), BF_OK);
    CHECK_EQ(bf_db_fence_lift(db, "db", 0), BF_OK);  // of another machine
    CHECK_EQ(bf_db_fence_lift(db, "web", 4), BF_OK); // of another job
    CHECK_EQ(bf_db_fence_check(db, "web"), BF_ERR_FENCED);
    CHECK_EQ(bf_db_fence_lift(db, "web", 3), BF_OK);
    CHECK_EQ(bf_db_fence_check(db, "web"), BF_OK);
    finish();
}

// The later failover is undone; the machine still lives where the first one took it.
static void test_one_job_beside_another(void)
{
    struct bf_fence fence;

    begin();
    CHECK_EQ(bf_db_machine_add(db, "web", 5), BF_OK);
    put("web", 3, "on host a", 0);
    put("web", 9, "on host b", 0);
    CHECK_EQ(bf_db_fence_get(db, "web", &fence), BF_OK);
    CHECK_STR(fence.place, "on host b");
    CHECK_EQ(bf_db_fence_lift(db, "web", 9), BF_OK);
    CHECK_EQ(bf_db_fence_get(db, "web", &fence), BF_OK);
    CHECK_STR(fence.place, "on host a");
    put("web", 10, "on host c", 0);
    CHECK_EQ(bf_db_fence_lift(db, "web", 0), BF_OK); // it came home
    CHECK_EQ(bf_db_fence_check(db, "web"), BF_OK);
    finish();
}

static void test_a_machine_that_is_not_there(void)
{
    const struct bf_fence fence = {.machine = "none", .job = 1, .since = NOON, .place = "here"};

    begin();
    CHECK(bf_db_fence_put(db, &fence) != BF_OK);
    finish();
}

static void test_what_the_source_is_told(void)
{
    struct bf_job job = {.machine = "web", .kind = "failover"};
    const struct bf_fault *said = bf_db_fault(db);
    char longest[80];

    begin();
    said = bf_db_fault(db);
    CHECK_EQ(bf_db_machine_add(db, "web", 5), BF_OK);
    CHECK_EQ(bf_db_job_add(db, &job), BF_OK);
    put("web", job.id, "on libvirt host h as web-1", 0);
    CHECK_EQ(bf_db_fence_check(db, "web"), BF_ERR_FENCED);
    CHECK_EQ(said->side, BF_SIDE_SOURCE);
    CHECK_STR(said->what, "this machine lives elsewhere now: on libvirt host h as web-1, since "
                          "2026-11-30 12:00:01Z");
    CHECK(strstr(said->todo, "bootferry rollback web on the replica server"));
    job.phase = BF_JOB_SUCCEEDED;
    snprintf(job.step, sizeof job.step, "delivered");
    CHECK_EQ(bf_db_job_update(db, &job, NOON), BF_OK);
    CHECK_EQ(bf_db_fence_check(db, "web"), BF_ERR_FENCED);
    CHECK(strstr(said->todo, "bootferry rollback"));
    snprintf(job.step, sizeof job.step, "committed");
    CHECK_EQ(bf_db_job_update(db, &job, NOON), BF_OK);
    CHECK_EQ(bf_db_fence_check(db, "web"), BF_ERR_FENCED);
    CHECK(strstr(said->todo, "keep this machine off") && !strstr(said->todo, "rollback"));
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    put("web", job.id + 1, longest, 1);
    CHECK_EQ(bf_db_fence_check(db, "web"), BF_ERR_FENCED);
    CHECK(strstr(said->what, longest) && strstr(said->what, "12:00:02Z (an unplanned failover)"));
    finish();
}

static void test_a_contact_is_told_once_in_a_while(void)
{
    struct bf_fence fence;
    int fresh;

    begin();
    CHECK_EQ(bf_db_machine_add(db, "web", 5), BF_OK);
    CHECK_EQ(bf_db_fence_contact(db, "web", NOON, &fresh), BF_ERR_NOT_FOUND);
    CHECK(!fresh);
    put("web", 1, "on host a", 0);
    static const struct {
        int64_t at;
        int fresh;
    } contacts[] = {{5, 1}, {6, 0}, {604, 0}, {1204, 1}, {1205, 0}, {-4000, 1}};
    for (size_t i = 0; i < BF_COUNT(contacts); i++) {
        CHECK_EQ(bf_db_fence_contact(db, "web", NOON + contacts[i].at, &fresh), BF_OK);
        CHECK_EQ(fresh, contacts[i].fresh);
        CHECK_EQ(bf_db_fence_get(db, "web", &fence), BF_OK);
        CHECK_EQ(fence.contacts, i + 1);
        CHECK_EQ(fence.contacted, NOON + contacts[i].at);
    }
    finish();
}

// Everything was sent and verified when the fence came; lifted, the same session seals.
static void test_a_fenced_machine_seals_no_point(void)
{
    struct bf_session_store *s;
    struct bf_point *point = NULL;
    struct source source;
    uint32_t number = 0;
    size_t count = 0;

    begin();
    source_make(&source, 11, 1, DISK_BYTES, CHUNK);
    session_machine(state, &source);
    struct bf_session_config config;
    session_config(&source, &config);
    s = session_open(state, &source, &fault);
    CHECK_EQ(session_copy(s, &source, 16, NULL), BF_OK);
    put(config.machine, 1, "on host a", 1);
    CHECK_EQ(session_seal(s, &source, &number), BF_ERR_FENCED);
    bf_session_store_close(s);
    CHECK_EQ(bf_db_point_list(db, config.machine, BF_POINT_SEALED, &point, &count), BF_OK);
    CHECK_EQ(count, 0);
    free(point);
    CHECK_EQ(bf_db_fence_lift(db, config.machine, 1), BF_OK);
    s = session_open(state, &source, &fault);
    CHECK_EQ(session_copy(s, &source, 16, NULL), BF_OK);
    CHECK_EQ(session_seal(s, &source, &number), BF_OK);
    CHECK_EQ(number, 1);
    bf_session_store_close(s);
    source_free(&source);
    finish();
}

TEST_MAIN(TEST(test_put_changed_and_lifted), TEST(test_one_job_beside_another),
          TEST(test_a_machine_that_is_not_there), TEST(test_what_the_source_is_told),
          TEST(test_a_contact_is_told_once_in_a_while), TEST(test_a_fenced_machine_seals_no_point))
