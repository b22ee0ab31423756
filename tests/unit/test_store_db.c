// SPDX-License-Identifier: Apache-2.0
// The state directory and its database: every table written and read back, the rules that the
// database itself enforces, versions, locks, moving.
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replica/points/recover.h"
#include "replica/state/sql.h"
#include "replica/state/state.h"
#include "tests/unit/store_files.h"
#include "tests/unit/test.h"

static struct bf_fault fault;

static struct bf_state *fresh(struct store_files *files, enum bf_state_mode mode)
{
    struct bf_state *state = NULL;

    store_files_make(files);
    CHECK_EQ(bf_state_create(files->state, &fault), BF_OK);
    if (mode == BF_STATE_DAEMON)
        CHECK_EQ(bf_state_serve(files->state, &state, &fault), BF_OK);
    else
        CHECK_EQ(bf_state_open(files->state, mode, &state, &fault), BF_OK);
    return state;
}

static void done(struct store_files *files, struct bf_state *state)
{
    bf_state_close(state);
    store_files_remove(files);
}

static void test_state_is_private_and_made_once(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct stat st;
    char path[256];

    CHECK_EQ(stat(files.state, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/db.sqlite", files.state);
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/machines", files.state);
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0700);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_ERR_EXISTS);
    CHECK_EQ(fault.code, BF_ERR_EXISTS);
    done(&files, state);
}

static void test_no_state_is_said(void)
{
    struct store_files files;
    struct bf_state *state;

    store_files_make(&files);
    CHECK_EQ(bf_state_open(files.state, BF_STATE_COMMAND, &state, &fault), BF_ERR_NOT_FOUND);
    CHECK(strstr(fault.todo, "init"));
    store_files_remove(&files);
}

static void test_one_daemon_per_state(void)
{
    struct store_files files;
    struct bf_state *daemon = fresh(&files, BF_STATE_DAEMON), *other, *command;

    CHECK_EQ(bf_state_serve(files.state, &other, &fault), BF_ERR_BUSY);
    CHECK_EQ(bf_state_open(files.state, BF_STATE_COMMAND, &command, &fault), BF_OK);
    CHECK(bf_state_is_served(command));
    bf_state_close(daemon);
    CHECK(!bf_state_is_served(command));
    CHECK_EQ(bf_state_serve(files.state, &daemon, &fault), BF_OK);
    bf_state_close(command);
    done(&files, daemon);
}

static void pragma(const struct store_files *files, const char *sql)
{
    char path[256];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/db.sqlite", files->state);
    CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_EQ(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_foreign_versions_are_refused(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);

    bf_state_close(state);
    pragma(&files, "PRAGMA user_version=99");
    CHECK_EQ(bf_state_open(files.state, BF_STATE_COMMAND, &state, &fault), BF_ERR_VERSION);
    CHECK(strstr(fault.what, "99"));
    pragma(&files, "PRAGMA user_version=1; PRAGMA application_id=5");
    CHECK_EQ(bf_state_open(files.state, BF_STATE_COMMAND, &state, &fault), BF_ERR_CORRUPT);
    store_files_remove(&files);
}

// What the versions after the third have made.
#define AFTER_3 "DROP TABLE failovers; DROP INDEX events_job; DROP TABLE fences;"

// As the first version left it.
static void test_an_older_schema_is_brought_up_to_date(void)
{
    static const uint8_t session[16] = {7};
    struct bf_unreadable_row row = {1, 512, 512}, *list;
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    uint32_t rows = 0;
    size_t count;

    bf_state_close(state);
    pragma(&files, AFTER_3 "DROP TABLE unreadable; DROP TABLE unseen; DROP TABLE places;"
                           "ALTER TABLE point_disks DROP COLUMN unused_bytes;"
                           "ALTER TABLE point_disks DROP COLUMN new_bytes; PRAGMA user_version=1");
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(bf_state_open(files.state, BF_STATE_COMMAND, &state, &fault), BF_OK);
        CHECK_EQ(bf_db_unreadable_list(bf_state_db(state), session, &list, &count), BF_OK);
        CHECK_EQ(count, i);
        free(list);
        CHECK_EQ(bf_db_unreadable_add(bf_state_db(state), session, &row, &rows), BF_OK);
        bf_state_close(state);
    }
    store_files_remove(&files);
}

// A point of the second version is listed, with figures that are not known.
static void test_points_of_an_older_schema(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct bf_replica_disk disk = {.machine = "web", .geometry = {1 << 20, 512, 65536}};
    struct bf_point point = {.machine = "web", .disks = 1}, found;

    point.disk[0] = (struct bf_point_disk){.layer = 1, .next_layer = 2, .bytes = 1 << 20};
    CHECK_EQ(bf_db_machine_add(bf_state_db(state), "web", 5), BF_OK);
    CHECK_EQ(bf_db_disk_add(bf_state_db(state), &disk), BF_OK);
    CHECK_EQ(bf_db_point_add(bf_state_db(state), &point), BF_OK);
    CHECK_EQ(bf_db_point_sealed(bf_state_db(state), "web", 1), BF_OK);
    bf_state_close(state);
    pragma(&files, AFTER_3 "DROP TABLE unseen; DROP TABLE places;"
                           "ALTER TABLE point_disks DROP COLUMN unused_bytes;"
                           "ALTER TABLE point_disks DROP COLUMN new_bytes; PRAGMA user_version=2");
    CHECK_EQ(bf_state_open(files.state, BF_STATE_COMMAND, &state, &fault), BF_OK);
    CHECK_EQ(bf_db_point_get(bf_state_db(state), "web", 0, &found), BF_OK);
    CHECK_EQ(found.disks, 1);
    CHECK_EQ(found.disk[0].bytes, 1 << 20);
    CHECK_EQ(found.disk[0].unused_bytes, -1);
    CHECK_EQ(found.disk[0].new_bytes, -1);
    bf_state_close(state);
    store_files_remove(&files);
}

static void test_what_could_not_be_read(void)
{
    static const uint8_t one[16] = {1}, two[16] = {2};
    static const struct bf_unreadable_row said[] = {
        {0, 0, 512}, {0, 4096, 512}, {0, 4608, 1024}, {3, 4096, 4096}};
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct bf_db *db = bf_state_db(state);
    struct bf_session_row session = {.id = {1}, .machine = "web"};
    struct bf_unreadable_row *list;
    uint32_t rows = 0;
    size_t count;

    for (int i = 0; i < 4; i++)
        CHECK_EQ(bf_db_unreadable_add(db, one, &said[i], &rows), BF_OK);
    CHECK_EQ(rows, 3);
    CHECK_EQ(bf_db_unreadable_add(db, two, &said[0], &rows), BF_OK);
    // In the middle of a range: its beginning stays.
    CHECK_EQ(bf_db_unreadable_forget(db, one, 0, 5120), BF_OK);
    CHECK_EQ(bf_db_unreadable_list(db, one, &list, &count), BF_OK);
    CHECK_EQ(count, 3);
    CHECK_EQ(list[1].offset, 4096);
    CHECK_EQ(list[1].bytes, 1024);
    CHECK_EQ(list[2].disk, 3);
    free(list);
    CHECK_EQ(bf_db_unreadable_forget(db, one, 0, 0), BF_OK);
    CHECK_EQ(bf_db_unreadable_count(db, one, &rows), BF_OK);
    CHECK_EQ(rows, 1);
    // A session that made no point leaves nothing behind.
    CHECK_EQ(bf_db_machine_add(db, "web", 5), BF_OK);
    CHECK_EQ(bf_db_session_put(db, &session), BF_OK);
    CHECK_EQ(bf_db_unreadable_tidy(db, "web"), BF_OK);
    CHECK_EQ(bf_db_unreadable_count(db, one, &rows), BF_OK);
    CHECK_EQ(rows, 0);
    CHECK_EQ(bf_db_unreadable_count(db, two, &rows), BF_OK);
    CHECK_EQ(rows, 1);
    bf_state_close(state);
    store_files_remove(&files);
}

static void test_state_can_be_moved(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct bf_machine machine;
    char moved[256];

    CHECK_EQ(bf_db_machine_add(bf_state_db(state), "web", 5), BF_OK);
    bf_state_close(state);
    snprintf(moved, sizeof moved, "%s/elsewhere", files.folder);
    CHECK_EQ(rename(files.state, moved), 0);
    CHECK_EQ(bf_state_serve(moved, &state, &fault), BF_OK);
    CHECK_EQ(bf_db_machine_get(bf_state_db(state), "web", &machine), BF_OK);
    CHECK_EQ(machine.created, 5);
    done(&files, state);
}

static void test_settings(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct bf_db *db = bf_state_db(state);
    char text[16], tiny[4];

    CHECK_EQ(bf_db_meta_get(db, "addresses", text, sizeof text), BF_ERR_NOT_FOUND);
    CHECK_EQ(bf_db_meta_set(db, "addresses", "a,b"), BF_OK);
    CHECK_EQ(bf_db_meta_set(db, "addresses", "c,d,e"), BF_OK);
    CHECK_EQ(bf_db_meta_get(db, "addresses", text, sizeof text), BF_OK);
    CHECK_STR(text, "c,d,e");
    CHECK_EQ(bf_db_meta_get(db, "addresses", tiny, sizeof tiny), BF_ERR_CORRUPT);
    done(&files, state);
}

static struct bf_certificate certificate(const char *serial, uint8_t print, const char *machine)
{
    struct bf_certificate c = {.role = BF_ROLE_MACHINE, .created = 10, .not_after = 20};

    snprintf(c.serial, sizeof c.serial, "%s", serial);
    snprintf(c.machine, sizeof c.machine, "%s", machine);
    snprintf(c.origin, sizeof c.origin, "media");
    memset(c.fingerprint, print, sizeof c.fingerprint);
    return c;
}

static void test_machines_and_certificates(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct bf_db *db = bf_state_db(state);
    struct bf_certificate c = certificate("01ab", 1, "web"), *list;
    struct bf_machine m, *machines;
    size_t count;

    CHECK_EQ(bf_db_machine_add(db, "web", 5), BF_OK);
    CHECK_EQ(bf_db_machine_add(db, "web", 6), BF_ERR_EXISTS);
    CHECK_EQ(bf_db_machine_add(db, "db1", 7), BF_OK);
    CHECK_EQ(bf_db_machine_list(db, &machines, &count), BF_OK);
    CHECK_EQ(count, 2);
    CHECK_STR(machines[0].name, "db1");
    free(machines);
    CHECK_EQ(bf_db_certificate_add(db, &c), BF_OK);
    CHECK_EQ(bf_db_certificate_add(db, &c), BF_ERR_EXISTS);
    c = certificate("02", 2, "db1");
    CHECK_EQ(bf_db_certificate_add(db, &c), BF_OK);
    CHECK_EQ(bf_db_certificate_list(db, "web", &list, &count), BF_OK);
    CHECK_EQ(count, 1);
    CHECK_STR(list[0].origin, "media");
    free(list);
    CHECK_EQ(bf_db_machine_revoke(db, "web", 99), BF_OK);
    CHECK_EQ(bf_db_machine_revoke(db, "nobody", 99), BF_ERR_NOT_FOUND);
    CHECK_EQ(bf_db_machine_get(db, "web", &m), BF_OK);
    CHECK_EQ(m.revoked, 99);
    memset(c.fingerprint, 1, sizeof c.fingerprint);
    CHECK_EQ(bf_db_certificate_get(db, c.fingerprint, &c), BF_OK);
    CHECK_STR(c.serial, "01ab");
    CHECK_EQ(c.revoked, 99);
    CHECK_EQ(bf_db_certificate_revoke(db, "02", 100), BF_OK);
    CHECK_EQ(bf_db_certificate_revoke(db, "03", 100), BF_ERR_NOT_FOUND);
    done(&files, state);
}

static void test_enrolment_limits(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct bf_db *db = bf_state_db(state);
    struct bf_enrolment e = {.hash = {7}, .not_before = 100, .not_after = 200, .uses_max = 2};
    uint8_t unknown[32] = {8};

    strcpy(e.machine, "web");
    CHECK_EQ(bf_db_enrolment_add(db, &e), BF_ERR_EXISTS); // no such machine
    CHECK_EQ(bf_db_machine_add(db, "web", 5), BF_OK);
    CHECK_EQ(bf_db_enrolment_add(db, &e), BF_OK);
    CHECK_EQ(bf_db_enrolment_use(db, unknown, "web", 150), BF_ERR_DENIED);
    CHECK_EQ(bf_db_enrolment_use(db, e.hash, "other", 150), BF_ERR_DENIED);
    CHECK_EQ(bf_db_enrolment_use(db, e.hash, "web", 99), BF_ERR_DENIED);
    CHECK_EQ(bf_db_enrolment_use(db, e.hash, "web", 200), BF_ERR_DENIED);
    CHECK_EQ(bf_db_enrolment_use(db, e.hash, "web", 100), BF_OK);
    CHECK_EQ(bf_db_enrolment_use(db, e.hash, "web", 199), BF_OK);
    CHECK_EQ(bf_db_enrolment_use(db, e.hash, "web", 150), BF_ERR_DENIED);
    CHECK(strstr(bf_db_fault(db)->what, "limit of uses"));
    e.hash[0] = 9;
    CHECK_EQ(bf_db_enrolment_add(db, &e), BF_OK);
    CHECK_EQ(bf_db_machine_revoke(db, "web", 120), BF_OK);
    CHECK_EQ(bf_db_enrolment_use(db, e.hash, "web", 150), BF_ERR_DENIED);
    done(&files, state);
}

static uint16_t add_disk(struct bf_db *db, const char *serial)
{
    struct bf_replica_disk disk = {.geometry = {1 << 20, 512, 65536}};

    strcpy(disk.machine, "web");
    snprintf(disk.identity.serial, sizeof disk.identity.serial, "%s", serial);
    disk.identity.bytes = 1 << 20;
    disk.identity.block_size = 512;
    CHECK_EQ(bf_db_disk_add(db, &disk), BF_OK);
    return disk.number;
}

static void test_points_and_objects(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct bf_db *db = bf_state_db(state);
    static struct bf_point p, found, *list;
    struct bf_replica_disk disk;
    struct bf_object object = {.point = 1};
    size_t count;

    CHECK_EQ(bf_db_machine_add(db, "web", 5), BF_OK);
    CHECK_EQ(add_disk(db, "A"), 0);
    CHECK_EQ(add_disk(db, "B"), 1);
    CHECK_EQ(bf_db_disk_layer(db, "web", 1, 1), BF_OK);
    strcpy(p.machine, "web");
    strcpy(object.machine, "web");
    p.disks = 1;
    p.disk[0] = (struct bf_point_disk){.disk = 1, .layer = 1, .next_layer = 2, .bytes = 1 << 20};
    p.session[0] = 3;
    CHECK_EQ(bf_db_point_add(db, &p), BF_OK);
    CHECK_EQ(p.number, 1);
    CHECK_EQ(bf_db_point_get(db, "web", 0, &found), BF_ERR_NOT_FOUND); // not sealed yet
    CHECK_EQ(bf_db_object_add(db, &object), BF_ERR_NOT_FOUND);
    CHECK_EQ(bf_db_point_sealed(db, "web", 1), BF_OK);
    CHECK_EQ(bf_db_point_get(db, "web", 0, &found), BF_OK);
    CHECK_EQ(found.number, 1);
    CHECK_EQ(found.disks, 1);
    CHECK_EQ(found.disk[0].disk, 1);
    CHECK_EQ(bf_db_disk_get(db, "web", 1, &disk), BF_OK);
    CHECK_EQ(disk.layer, 2);
    CHECK_STR(disk.identity.serial, "B");
    CHECK_EQ(bf_db_point_of_session(db, "web", p.session, p.boot, &found), BF_OK);
    p.boot[0] = 1;
    CHECK_EQ(bf_db_point_of_session(db, "web", p.session, p.boot, &found), BF_ERR_NOT_FOUND);
    CHECK_EQ(bf_db_point_list(db, NULL, BF_POINT_SEALED, &list, &count), BF_OK);
    CHECK_EQ(count, 1);
    free(list);
    CHECK_EQ(bf_db_object_add(db, &object), BF_OK);
    CHECK_EQ(object.number, 1);
    CHECK_EQ(bf_db_object_remove(db, "web", 1, 1), BF_OK);
    CHECK_EQ(bf_db_object_add(db, &object), BF_OK);
    CHECK_EQ(object.number, 2); // a number is not given twice
    CHECK_EQ(bf_db_object_ready(db, "web", 1, 2), BF_OK);
    CHECK_EQ(bf_db_object_get(db, "web", 1, 2, &object), BF_OK);
    CHECK_EQ(object.state, BF_OBJECT_READY);
    done(&files, state);
}

static void test_sessions_jobs_events(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct bf_db *db = bf_state_db(state);
    struct bf_session_row row = {.id = {1}, .machine = "web", .started = 4}, got;
    struct bf_job job = {.machine = "web", .kind = "replication", .since = {0, 10}}, back, *jobs;
    struct bf_event_row event = {.machine = "web", .level = 1}, *events;
    size_t count;

    CHECK_EQ(bf_db_machine_add(db, "web", 5), BF_OK);
    CHECK_EQ(bf_db_session_put(db, &row), BF_OK);
    row.point = 3;
    CHECK_EQ(bf_db_session_put(db, &row), BF_OK);
    CHECK_EQ(bf_db_session_get(db, row.id, &got), BF_OK);
    CHECK_EQ(got.point, 3);
    CHECK_EQ(bf_db_job_add(db, &job), BF_OK);
    job.phase = BF_JOB_RUNNING;
    strcpy(job.step, "receiving");
    job.bytes_done = 1ULL << 44;
    CHECK_EQ(bf_db_job_update(db, &job, 11), BF_OK);
    job.phase = BF_JOB_FAILED;
    strcpy(job.detail, "stopped");
    CHECK_EQ(bf_db_job_update(db, &job, 12), BF_OK);
    CHECK_EQ(bf_db_job_get(db, job.id, &back), BF_OK);
    CHECK_EQ(back.phase, BF_JOB_FAILED);
    CHECK_EQ(back.since[BF_JOB_PENDING], 10);
    CHECK_EQ(back.since[BF_JOB_RUNNING], 11);
    CHECK_EQ(back.since[BF_JOB_FAILED], 12);
    CHECK_EQ(back.bytes_done, 1ULL << 44);
    CHECK_STR(back.step, "receiving");
    CHECK_STR(back.detail, "stopped");
    CHECK_EQ(bf_db_job_list(db, "web", 1, &jobs, &count), BF_OK);
    CHECK_EQ(count, 1);
    free(jobs);
    CHECK_EQ(bf_db_begin(db), BF_OK);
    for (int i = 0; i < 1010; i++) {
        snprintf(event.text, sizeof event.text, "event %d", i);
        CHECK_EQ(bf_db_event_add(db, &event), BF_OK);
    }
    CHECK_EQ(bf_db_commit(db), BF_OK);
    CHECK_EQ(bf_db_event_list(db, "web", 0, 0, &events, &count), BF_OK);
    CHECK_EQ(count, 1000);
    CHECK_STR(events[0].text, "event 10");
    CHECK_STR(events[999].text, "event 1009");
    free(events);
    done(&files, state);
}

static struct bf_failover sample(int64_t job)
{
    struct bf_failover f = {.job = job,
                            .machine = "web",
                            .mode = BF_FAILOVER_TEST,
                            .target = "qemu:",
                            .word = "00112233445566778899aabbccddeeff",
                            .patience = 600,
                            .fresh = 3600,
                            .wait = 86400,
                            .until = 77};
    return f;
}

static void check_same(const struct bf_failover *a, const struct bf_failover *b)
{
    CHECK_EQ(a->job, b->job);
    CHECK_STR(a->machine, b->machine);
    CHECK_STR(a->target, b->target);
    CHECK_STR(a->word, b->word);
    CHECK_STR(a->ending, b->ending);
    CHECK_STR(a->evidence, b->evidence);
    CHECK_STR(a->to, b->to);
    CHECK(a->mode == b->mode && a->over == b->over && a->wish == b->wish);
    CHECK(a->object == b->object && a->discard == b->discard && a->until == b->until);
    CHECK(a->started == b->started && a->patience == b->patience && a->fresh == b->fresh);
    CHECK_EQ(a->wait, b->wait);
}

// The runner writes the state of a failover, and never the operator's wish.
static void test_failovers(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct bf_db *db = bf_state_db(state);
    struct bf_job job = {.machine = "web", .kind = "failover"};
    struct bf_failover f, asked, read, *list;
    size_t count;

    CHECK_EQ(bf_db_machine_add(db, "web", 10), BF_OK);
    CHECK_EQ(bf_db_begin(db), BF_OK);
    CHECK_EQ(bf_db_job_add(db, &job), BF_OK);
    f = sample(job.id);
    CHECK_EQ(bf_db_failover_add(db, &f), BF_OK);
    CHECK_EQ(bf_db_commit(db), BF_OK);
    CHECK_EQ(bf_db_failover_get(db, job.id, &read), BF_OK);
    check_same(&read, &f);
    asked = f;
    asked.wish = BF_WISH_COMMIT;
    asked.discard = 1;
    snprintf(asked.to, sizeof asked.to, "/srv");
    CHECK_EQ(bf_db_failover_wish(db, &asked), BF_OK);
    f.over = 1;
    f.object = 3;
    f.started = 88;
    snprintf(f.ending, sizeof f.ending, "cleaned-up");
    snprintf(f.evidence, sizeof f.evidence, "machine");
    CHECK_EQ(bf_db_failover_update(db, &f), BF_OK);
    CHECK_EQ(bf_db_failover_get(db, job.id, &read), BF_OK);
    f.wish = BF_WISH_COMMIT;
    f.discard = 1;
    snprintf(f.to, sizeof f.to, "/srv");
    check_same(&read, &f);
    CHECK_EQ(bf_db_failover_list(db, "web", 0, &list, &count), BF_OK);
    CHECK_EQ(count, 0);
    free(list);
    CHECK_EQ(bf_db_failover_list(db, NULL, 1, &list, &count), BF_OK);
    CHECK_EQ(count, 1);
    check_same(&list[0], &f);
    free(list);
    CHECK_EQ(bf_db_failover_get(db, job.id + 1, &read), BF_ERR_NOT_FOUND);
    CHECK_EQ(bf_db_failover_list(db, "mail", 1, &list, &count), BF_OK);
    CHECK_EQ(count, 0);
    free(list);
    done(&files, state);
}

static void test_events_of_a_job(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct bf_db *db = bf_state_db(state);
    struct bf_event_row event = {.machine = "web", .level = 2}, *list;
    size_t count;

    CHECK_EQ(bf_db_machine_add(db, "web", 10), BF_OK);
    for (int i = 0; i < 6; i++) {
        event.job = i % 2;
        snprintf(event.text, sizeof event.text, "event %d", i);
        CHECK_EQ(bf_db_event_add(db, &event), BF_OK);
    }
    CHECK_EQ(bf_db_event_of_job(db, 1, 0, &list, &count), BF_OK);
    CHECK_EQ(count, 3);
    CHECK_STR(list[0].text, "event 1");
    int64_t first = list[0].id;
    free(list);
    CHECK_EQ(bf_db_event_of_job(db, 1, first, &list, &count), BF_OK);
    CHECK_EQ(count, 2);
    CHECK_STR(list[1].text, "event 5");
    free(list);
    done(&files, state);
}

// As bf_rows_add leaves it. Whoever sees the code looks for the words in the connection.
static void test_a_list_without_memory(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, BF_STATE_COMMAND);
    struct bf_db *db = bf_state_db(state);
    struct bf_rows rows = {.db = db, .size = sizeof(struct bf_machine), .failed = 1};
    struct bf_machine *list;
    size_t count;

    CHECK(bf_rows_add(&rows));
    CHECK_EQ(bf_db_fault(db)->code, BF_OK);
    CHECK_EQ(bf_rows_give(&rows, BF_OK, &list, &count), BF_ERR_NO_MEMORY);
    CHECK(!list && count == 0);
    CHECK_EQ(bf_db_fault(db)->code, BF_ERR_NO_MEMORY);
    done(&files, state);
}

TEST_MAIN(TEST(test_state_is_private_and_made_once), TEST(test_no_state_is_said),
          TEST(test_one_daemon_per_state), TEST(test_foreign_versions_are_refused),
          TEST(test_state_can_be_moved), TEST(test_settings), TEST(test_machines_and_certificates),
          TEST(test_enrolment_limits), TEST(test_points_and_objects),
          TEST(test_sessions_jobs_events), TEST(test_failovers), TEST(test_events_of_a_job),
          TEST(test_an_older_schema_is_brought_up_to_date), TEST(test_points_of_an_older_schema),
          TEST(test_what_could_not_be_read), TEST(test_a_list_without_memory))
