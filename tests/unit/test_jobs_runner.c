// SPDX-License-Identifier: Apache-2.0
// The runner of failovers over a target and a finalizer of the test's own: the way of each mode,
// every failure, every wish at every step, and a runner that is killed before and after each thing
// that it does. The target keeps what it has made in files of the job's folder, as a real one does.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "replica/jobs/at_work.h"
#include "replica/jobs/begin.h"
#include "replica/jobs/boot.h"
#include "replica/jobs/estimate.h"
#include "replica/jobs/finalizer.h"
#include "replica/jobs/folder.h"
#include "replica/jobs/reported.h"
#include "replica/pki/ca.h"
#include "replica/state/ask.h"
#include "replica/targets/machine.h"
#include "tests/unit/store_files.h"
#include "tests/unit/test.h"

static struct bf_fault fault;

// ---- The world of the runner -------------------------------------------------------------------

// What goes wrong, in which call. A child is killed at one of them.
static struct {
    const char *fails; // "make", "start", ...
    int die_at;        // the number of the call, before (2n) or after (2n + 1) its work; -1: never
    int calls;
    bool silent;      // the machine says nothing
    bool agent;       // but its guest agent does
    bool late;        // it does when its target could not be asked for once
    bool off;         // it switches itself off
    uint32_t wish_at; // the call in which the operator's wish comes; 0: none
    enum bf_failover_wish wish;
    bool endless;        // the finalizer works until it is stopped
    bool files_only;     // the target does not run machines
    const char *reports; // of a daemon that takes them; NULL: none runs
    uint32_t report_at;  // the call in which the machine reports; 0: it does not
    const char *host;    // that it then says it is
    char plan[16384];    // what the finalizer was given
    bool autostart;      // the plan wants the machine to start with its host
} world;

static void reset(void)
{
    memset(&world, 0, sizeof world);
    world.die_at = -1;
}

static void put_wish(struct bf_db *db, int64_t job, enum bf_failover_wish wish)
{
    struct bf_failover f;
    CHECK_EQ(bf_db_failover_get(db, job, &f), BF_OK);
    f.wish = wish;
    CHECK_EQ(bf_db_failover_wish(db, &f), BF_OK);
}

// What the machine of the test says of itself.
static void lines_of(const char *word, const char *host, char *out, size_t size)
{
    snprintf(out, size,
             "BOOTFERRY-EVIDENCE %s boot-id 01234567-89ab-cdef-0123-456789abcdef\n"
             "BOOTFERRY-EVIDENCE %s host %s\nBOOTFERRY-EVIDENCE %s root /dev/vda1 ext4\n"
             "BOOTFERRY-EVIDENCE %s root-writable yes\n"
             "BOOTFERRY-EVIDENCE %s nic 52:54:00:00:00:01 192.0.2.5/24\n"
             "BOOTFERRY-EVIDENCE %s gateway 192.0.2.1 yes\nBOOTFERRY-EVIDENCE %s end -\n",
             word, word, host, word, word, word, word, word);
}

// As the daemon does it.
static void put_report(struct bf_state *state, int64_t job, const char *host)
{
    struct bf_failover f;
    char text[2048];
    CHECK_EQ(bf_db_failover_get(bf_state_db(state), job, &f), BF_OK);
    lines_of(f.word, host, text, sizeof text);
    CHECK_EQ(bf_reported_keep(state, job, text, strlen(text), &fault), BF_OK);
}

// Before and after the work of each call.
static void moment(int half)
{
    if (world.die_at == 2 * world.calls + half)
        _exit(9);
    world.calls += half;
}

static bool exists(const struct bf_tgt *tgt, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s/%s", bf_state_path(tgt->state), tgt->folder, name);
    return access(path, F_OK) == 0;
}

static void put(const struct bf_tgt *tgt, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s/%s", bf_state_path(tgt->state), tgt->folder, name);
    FILE *file = fopen(path, "w");
    CHECK(file);
    fputs(text, file);
    fclose(file);
}

static void take(const struct bf_tgt *tgt, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s/%s", bf_state_path(tgt->state), tgt->folder, name);
    unlink(path);
}

static enum bf_err call(const struct bf_tgt *tgt, const char *name, struct bf_fault *out)
{
    struct bf_runner *r = tgt->user;
    moment(0);
    if (world.wish && world.wish_at == (uint32_t)world.calls + 1)
        put_wish(bf_state_db(tgt->state), r->job.id, world.wish);
    if (world.report_at == (uint32_t)world.calls + 1)
        put_report(tgt->state, r->job.id, world.host);
    if (world.fails && strcmp(world.fails, name) == 0)
        return bf_fault_set(out, BF_ERR_IO, BF_SIDE_SERVER, "do better", "%s went wrong", name);
    return BF_OK;
}

static enum bf_err fake_check(const struct bf_tgt *tgt, struct bf_fault *out)
{
    (void)tgt;
    (void)out;
    return BF_OK;
}

static enum bf_err fake_make(const struct bf_tgt *tgt, struct bf_fault *out)
{
    enum bf_err err = call(tgt, "make", out);
    if (!err)
        put(tgt, "made", "");
    moment(1);
    return err;
}

static void speak(const struct bf_tgt *tgt)
{
    const char *word = ((struct bf_runner *)tgt->user)->f.word;
    char text[2048];
    lines_of(word, "web", text, sizeof text);
    put(tgt, BF_TGT_EVIDENCE, text);
}

static enum bf_err fake_start(const struct bf_tgt *tgt, struct bf_fault *out)
{
    enum bf_err err = call(tgt, "start", out);
    if (!err)
        put(tgt, "on", "");
    if (!err && !world.silent && !world.late)
        speak(tgt);
    moment(1);
    return err;
}

static enum bf_err fake_power(const struct bf_tgt *tgt, enum bf_tgt_power *power,
                              struct bf_fault *out)
{
    enum bf_err err = call(tgt, "power", out);
    *power = exists(tgt, "on") && !world.off ? BF_TGT_ON : BF_TGT_OFF;
    if (world.late)
        speak(tgt);
    moment(1);
    return err;
}

static enum bf_err fake_picture(const struct bf_tgt *tgt, const char *path, struct bf_fault *out)
{
    (void)path;
    return call(tgt, "picture", out);
}

static enum bf_err fake_written(const struct bf_tgt *tgt, uint64_t *bytes, struct bf_fault *out)
{
    (void)out;
    *bytes = exists(tgt, "on") ? 4096 : 0;
    return BF_OK;
}

// What qemu-ga 7.2 answers, with the addresses of QEMU's own network.
static enum bf_err fake_agent(const struct bf_tgt *tgt, const char *command, char **answer,
                              struct bf_fault *out)
{
    enum bf_err err = world.agent ? BF_OK : BF_ERR_TIMEOUT;
    (void)tgt;
    *answer = NULL;
    if (err)
        return bf_fault_set(out, err, BF_SIDE_SOURCE, "start it", "no guest agent answers");
    *answer =
        strdup(strstr(command, "host-name")
                   ? "{\"return\": {\"host-name\": \"web\"}}"
                   : "{\"return\": [{\"name\": \"eth0\", \"hardware-address\": "
                     "\"52:54:00:00:00:01\", \"ip-addresses\": [{\"ip-address-type\": \"ipv4\", "
                     "\"ip-address\": \"10.0.2.15\", \"prefix\": 24}]}]}");
    CHECK(*answer);
    return BF_OK;
}

static enum bf_err fake_stop(const struct bf_tgt *tgt, enum bf_tgt_stop how, struct bf_fault *out)
{
    (void)how;
    return call(tgt, "stop", out);
}

static enum bf_err fake_commit(const struct bf_tgt *tgt, const char *to, struct bf_fault *out)
{
    enum bf_err err = call(tgt, "commit", out);
    tgt->progress(tgt->user, 1, 2);
    while (!err && world.wish && tgt->goes_on(tgt->user))
        usleep(10000);
    if (!err && world.wish)
        return bf_fault_set(out, BF_ERR_CANCELLED, BF_SIDE_NONE, "", "it was stopped");
    if (!err)
        put(tgt, "home", to ? to : "");
    moment(1);
    return err;
}

static enum bf_err fake_remove(const struct bf_tgt *tgt, struct bf_fault *out)
{
    enum bf_err err = call(tgt, "remove", out);
    if (!err) {
        take(tgt, "on");
        take(tgt, "made");
    }
    moment(1);
    return err;
}

// The machine of a finished commit: nothing but its name is known.
static enum bf_err fake_at_home(const struct bf_tgt *tgt, bool start, enum bf_tgt_power *power,
                                struct bf_fault *out)
{
    CHECK_STR(tgt->machine->name, "web");
    CHECK_EQ(tgt->machine->nics, 0);
    enum bf_err err = start ? call(tgt, "start at home", out) : BF_OK;
    if (!err && start)
        put(tgt, "on", "");
    *power = exists(tgt, "on") ? BF_TGT_ON : BF_TGT_OFF;
    moment(1);
    return err;
}

static char *fake_describe(const struct bf_tgt *tgt)
{
    (void)tgt;
    return NULL;
}

static struct bf_tgt_ops fake = {
    .scheme = "fake",
    .check = fake_check,
    .make = fake_make,
    .start = fake_start,
    .power = fake_power,
    .picture = fake_picture,
    .written = fake_written,
    .agent = fake_agent,
    .stop = fake_stop,
    .commit = fake_commit,
    .at_home = fake_at_home,
    .remove = fake_remove,
    .describe = fake_describe,
};

const struct bf_tgt_ops *bf_tgt_find(const char *uri, struct bf_fault *out)
{
    (void)out;
    CHECK_STR(uri, "fake:");
    fake.can = world.files_only ? 0 : BF_TGT_RUNS | BF_TGT_ISOLATES | BF_TGT_COMMITS;
    return &fake;
}

enum bf_err bf_tgt_machine_make(struct bf_state *state, const struct bf_image_ref *ref,
                                const char *plan, size_t len, int64_t test,
                                struct bf_tgt_machine *m, struct bf_fault *out)
{
    (void)state;
    (void)out;
    CHECK(ref->object > 0);
    CHECK(memmem(plan, len, "kvm", 3) && !memmem(plan, len, "unlock", 6));
    *m = (struct bf_tgt_machine){.nics = 1, .isolated = test != 0};
    m->nic[0] = (struct bf_tgt_nic){.mac = "52:54:00:00:00:01",
                                    .address = {"192.0.2.5/24"},
                                    .addresses = 1,
                                    .gateway4 = "192.0.2.1"};
    return BF_OK;
}

void bf_tgt_machine_free(struct bf_tgt_machine *m)
{
    (void)m;
}

enum bf_err bf_control_nudge(const struct bf_state *state, int *process)
{
    (void)state;
    (void)process;
    return BF_OK;
}

enum bf_err bf_control_query(const struct bf_state *state, const char *request, json_t **answer,
                             int *process)
{
    (void)state;
    CHECK_STR(request, BF_CONTROL_STATUS);
    CHECK(!process);
    *answer = world.reports
                  ? json_pack("{s:s?}", "reports", world.reports[0] ? world.reports : NULL)
                  : NULL;
    return world.reports ? BF_OK : BF_ERR_NOT_FOUND;
}

// ---- The finalizer -----------------------------------------------------------------------------

struct bf_finalizer *bf_finalizer_new(void)
{
    return calloc(1, sizeof(struct bf_finalizer));
}

void bf_finalizer_free(struct bf_finalizer *f)
{
    free(f);
}

enum bf_err bf_finalizer_find_vm(struct bf_finalizer *f, const char *given, struct bf_fault *out)
{
    (void)f;
    (void)given;
    (void)out;
    return BF_OK;
}

enum bf_err bf_finalizer_open_point(struct bf_state *state, struct bf_finalizer *f,
                                    const struct bf_image_ref *ref, struct bf_fault *out)
{
    (void)state;
    (void)out;
    f->ref = *ref;
    return BF_OK;
}

void bf_run_request_stop(struct bf_run_stop *stop)
{
    stop->asked = 1;
}

// The object's row alone: what a killed one leaves is the daemon's to sweep.
enum bf_err bf_finalizer_apply(struct bf_state *state, struct bf_finalizer *f, json_t **report,
                               struct bf_fault *out)
{
    struct bf_runner *r = f->user;
    struct bf_tgt tgt = {.state = state, .folder = r->folder, .user = r};
    struct bf_object row = {.point = f->ref.point};
    *report = NULL;
    CHECK(strstr(f->run.plan, r->f.word));
    snprintf(world.plan, sizeof world.plan, "%s", f->run.plan);
    snprintf(row.machine, sizeof row.machine, "%s", f->ref.machine);
    CHECK_EQ(bf_db_object_add(bf_state_db(state), &row), BF_OK);
    f->object.ref = (struct bf_image_ref){.point = row.point, .object = row.number};
    CHECK_EQ(f->begun(f->user, &f->object, out), BF_OK);
    enum bf_err err = call(&tgt, "finalize", out);
    while (!err && world.endless && !f->run.stop->asked)
        usleep(10000);
    if (!err && world.endless)
        err = bf_fault_set(out, BF_ERR_CANCELLED, BF_SIDE_NONE, "", "it was interrupted");
    if (err)
        CHECK_EQ(bf_db_object_remove(bf_state_db(state), row.machine, row.point, row.number),
                 BF_OK);
    if (!err)
        CHECK_EQ(bf_db_object_ready(bf_state_db(state), row.machine, row.point, row.number), BF_OK);
    moment(1);
    return err;
}

// ---- A state with a point ----------------------------------------------------------------------

static struct bf_state *fresh(struct store_files *files, int64_t age)
{
    struct bf_state *state = NULL;
    struct bf_replica_disk disk = {.machine = "web", .geometry = {1 << 20, 512, 65536}};
    struct bf_point *point = calloc(1, sizeof *point);
    store_files_make(files);
    CHECK_EQ(bf_state_create(files->state, &fault), BF_OK);
    CHECK_EQ(bf_state_open(files->state, BF_STATE_COMMAND, &state, &fault), BF_OK);
    *point = (struct bf_point){.machine = "web", .disks = 1, .time = time(NULL) - age};
    point->disk[0] = (struct bf_point_disk){.layer = 1, .next_layer = 2, .bytes = 1 << 20};
    CHECK_EQ(bf_db_machine_add(bf_state_db(state), "web", 5), BF_OK);
    CHECK_EQ(bf_db_disk_add(bf_state_db(state), &disk), BF_OK);
    CHECK_EQ(bf_db_point_add(bf_state_db(state), point), BF_OK);
    CHECK_EQ(bf_db_point_sealed(bf_state_db(state), "web", 1), BF_OK);
    free(point);
    return state;
}

static void done(struct store_files *files, struct bf_state *state)
{
    bf_state_close(state);
    store_files_remove(files);
}

static int64_t begin(struct bf_state *state, enum bf_failover_mode mode)
{
    const char *plan = "{\"version\": 1, \"target\": {\"kind\": \"kvm\"}}";
    if (world.autostart)
        plan = "{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, "
               "\"machine\": {\"autostart\": true}}";
    struct bf_failover_order order = {.machine = "web",
                                      .mode = mode,
                                      .point = mode == BF_FAILOVER_PLANNED ? 0 : 1,
                                      .target = "fake:",
                                      .plan = plan,
                                      .plan_len = strlen(plan),
                                      .patience = 2,
                                      .fresh = 3600,
                                      .wait = 2};
    int64_t job = 0;
    CHECK_EQ(bf_failover_begin(state, &order, &job, &fault), BF_OK);
    CHECK(job > 0);
    return job;
}

static void run(struct bf_state *state, int64_t job)
{
    CHECK_EQ(bf_runner_run(state, job, NULL, 0, &fault), BF_OK);
}

static void check_at(struct bf_state *state, int64_t job, enum bf_fo_step step)
{
    struct bf_job row;
    CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
    CHECK_STR(row.step, bf_fo_info(step)->name);
    CHECK_EQ(row.phase, bf_fo_info(step)->phase);
}

static struct bf_failover row_of(struct bf_state *state, int64_t job)
{
    struct bf_failover f;
    CHECK_EQ(bf_db_failover_get(bf_state_db(state), job, &f), BF_OK);
    return f;
}

static bool is_fenced(struct bf_state *state)
{
    struct bf_fence fence;
    return bf_db_fence_get(bf_state_db(state), "web", &fence) == BF_OK;
}

static bool has(struct bf_state *state, int64_t job, const char *file)
{
    char path[BF_JOB_PATH];
    bf_job_path(state, job, file, path);
    return access(path, F_OK) == 0;
}

static size_t objects(struct bf_state *state)
{
    struct bf_object *list;
    size_t count;
    CHECK_EQ(bf_db_object_list(bf_state_db(state), "web", 0, &list, &count), BF_OK);
    free(list);
    return count;
}

// ---- The way of each mode ----------------------------------------------------------------------

static void test_planned_and_committed(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    int64_t job = begin(state, BF_FAILOVER_PLANNED);
    run(state, job);
    check_at(state, job, BF_FO_READY);
    CHECK_STR(row_of(state, job).evidence, "machine");
    CHECK(is_fenced(state) && has(state, job, "on") && has(state, job, "evidence.json"));
    put_wish(bf_state_db(state), job, BF_WISH_COMMIT);
    run(state, job);
    check_at(state, job, BF_FO_COMMITTED);
    CHECK(row_of(state, job).over && is_fenced(state) && has(state, job, "home"));
    done(&files, state);
}

static void test_rolled_back(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    uint64_t written;
    reset();
    int64_t job = begin(state, BF_FAILOVER_UNPLANNED);
    run(state, job);
    CHECK_EQ(bf_runner_written(state, job, &written, &fault), BF_OK);
    CHECK_EQ(written, 4096);
    put_wish(bf_state_db(state), job, BF_WISH_ROLLBACK);
    run(state, job);
    check_at(state, job, BF_FO_ROLLED_BACK);
    CHECK(!is_fenced(state) && !has(state, job, "made") && objects(state) == 0);
    done(&files, state);
}

static void test_two_tests_beside_a_cutover(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    struct bf_failover_order again = {.machine = "web", .mode = BF_FAILOVER_PLANNED};
    int64_t other;
    reset();
    int64_t first = begin(state, BF_FAILOVER_TEST), second = begin(state, BF_FAILOVER_TEST);
    run(state, first);
    run(state, second);
    CHECK(!is_fenced(state));
    int64_t job = begin(state, BF_FAILOVER_UNPLANNED);
    CHECK_EQ(bf_failover_begin(state, &again, &other, &fault), BF_ERR_BUSY);
    run(state, job);
    check_at(state, first, BF_FO_READY);
    put_wish(bf_state_db(state), first, BF_WISH_CLEANUP);
    run(state, first);
    check_at(state, first, BF_FO_CLEANED_UP);
    check_at(state, second, BF_FO_READY);
    CHECK(is_fenced(state));
    done(&files, state);
}

static void test_a_test_ends_by_itself(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    int64_t job = begin(state, BF_FAILOVER_TEST);
    struct bf_failover f = row_of(state, job);
    f.until = time(NULL) + 2;
    CHECK_EQ(bf_db_failover_update(bf_state_db(state), &f), BF_OK);
    run(state, job); // stays until then
    check_at(state, job, BF_FO_CLEANED_UP);
    CHECK_EQ(objects(state), 0);
    done(&files, state);
}

static void test_files_are_confirmed(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    world.files_only = true;
    // Nobody hears the word, so the finalizer gets none; the test's own looks for it.
    int64_t job = begin(state, BF_FAILOVER_UNPLANNED);
    struct bf_failover f = row_of(state, job);
    struct bf_object object = {.machine = "web", .point = 1};
    CHECK_EQ(bf_db_object_add(bf_state_db(state), &object), BF_OK);
    CHECK_EQ(bf_db_object_ready(bf_state_db(state), "web", 1, object.number), BF_OK);
    f.object = object.number;
    CHECK_EQ(bf_db_failover_update(bf_state_db(state), &f), BF_OK);
    run(state, job);
    check_at(state, job, BF_FO_DELIVERED);
    CHECK_STR(row_of(state, job).evidence, "none");
    CHECK(is_fenced(state));
    put_wish(bf_state_db(state), job, BF_WISH_CONFIRM);
    run(state, job);
    check_at(state, job, BF_FO_DELIVERED);
    CHECK_STR(row_of(state, job).evidence, "operator");
    put_wish(bf_state_db(state), job, BF_WISH_COMMIT);
    run(state, job);
    check_at(state, job, BF_FO_COMMITTED);
    done(&files, state);
}

static void test_a_planned_one_waits_for_a_run(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 7200); // its last run is too old
    struct bf_job row;
    reset();
    int64_t job = begin(state, BF_FAILOVER_PLANNED);
    run(state, job);
    check_at(state, job, BF_FO_FAILED);
    CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
    CHECK(strstr(row.detail, "did not come"));
    CHECK(!is_fenced(state));
    done(&files, state);
}

// ---- Failures ----------------------------------------------------------------------------------

static void test_each_failure_has_its_end(void)
{
    static const struct {
        const char *fails;
        enum bf_fo_step step;
        bool made;
    } cases[] = {{"finalize", BF_FO_FAILED, false},
                 {"make", BF_FO_FAILED, false},
                 {"start", BF_FO_FAILED, false},
                 {"power", BF_FO_UNPROVEN, true}};
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        struct store_files files;
        struct bf_state *state = fresh(&files, 60);
        struct bf_job row;
        reset();
        world.fails = cases[i].fails;
        world.silent = true;
        int64_t job = begin(state, BF_FAILOVER_PLANNED);
        run(state, job);
        check_at(state, job, cases[i].step);
        CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
        CHECK(strstr(row.detail, "went wrong"));
        CHECK(has(state, job, "made") == cases[i].made && is_fenced(state) == cases[i].made);
        done(&files, state);
    }
}

static void test_a_silent_machine_is_unproven(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    struct bf_job row;
    reset();
    world.silent = true;
    int64_t job = begin(state, BF_FAILOVER_PLANNED);
    run(state, job);
    check_at(state, job, BF_FO_UNPROVEN);
    CHECK(is_fenced(state) && has(state, job, "on")); // it may run all the same
    CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
    CHECK(strstr(row.detail, "no evidence"));
    put_wish(bf_state_db(state), job, BF_WISH_CONFIRM);
    run(state, job);
    check_at(state, job, BF_FO_READY);
    CHECK_STR(row_of(state, job).evidence, "operator");
    done(&files, state);
}

// It is unproven all the same, and the reason says what the agent sees.
static void test_an_agent_alone_proves_nothing(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    struct bf_job row;
    reset();
    world.silent = world.agent = true;
    int64_t job = begin(state, BF_FAILOVER_PLANNED);
    run(state, job);
    check_at(state, job, BF_FO_UNPROVEN);
    CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
    CHECK(strstr(row.detail, "no evidence"));
    CHECK(strstr(row.detail, "the guest agent of web answers"));
    printf("%s\n", row.detail);
    CHECK_STR(row_of(state, job).evidence, "");
    done(&files, state);
}

static void test_a_target_that_does_not_answer_is_asked_again(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    world.late = true;
    world.fails = "power";
    int64_t job = begin(state, BF_FAILOVER_PLANNED);
    run(state, job);
    check_at(state, job, BF_FO_READY);
    CHECK_STR(row_of(state, job).evidence, "machine");
    done(&files, state);
}

static void test_a_machine_that_is_off_is_not_waited_for(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    struct bf_job row;
    reset();
    world.silent = world.off = true;
    int64_t job = begin(state, BF_FAILOVER_TEST);
    run(state, job);
    check_at(state, job, BF_FO_UNPROVEN);
    CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
    CHECK(strstr(row.detail, "is off"));
    done(&files, state);
}

static void test_what_cannot_be_taken_away_is_stuck(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    int64_t job = begin(state, BF_FAILOVER_PLANNED);
    run(state, job);
    world.fails = "remove";
    put_wish(bf_state_db(state), job, BF_WISH_ROLLBACK);
    run(state, job);
    check_at(state, job, BF_FO_STUCK);
    CHECK(is_fenced(state)); // it may still run
    world.fails = NULL;
    put_wish(bf_state_db(state), job, BF_WISH_ROLLBACK);
    run(state, job);
    check_at(state, job, BF_FO_ROLLED_BACK);
    CHECK(!is_fenced(state));
    done(&files, state);
}

static void test_a_commit_that_fails_or_is_stopped_leaves_the_machine(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    int64_t job = begin(state, BF_FAILOVER_PLANNED);
    run(state, job);
    world.fails = "commit";
    put_wish(bf_state_db(state), job, BF_WISH_COMMIT);
    run(state, job);
    check_at(state, job, BF_FO_READY);
    world.fails = NULL;
    world.wish = BF_WISH_CANCEL;
    world.wish_at = (uint32_t)world.calls + 1;
    put_wish(bf_state_db(state), job, BF_WISH_COMMIT);
    run(state, job);
    check_at(state, job, BF_FO_READY);
    CHECK(has(state, job, "on") && !has(state, job, "home") && is_fenced(state));
    done(&files, state);
}

// ---- Wishes on the way -------------------------------------------------------------------------

static void test_it_is_cancelled_in_each_step(void)
{
    for (uint32_t at = 1; at <= 4; at++) { // finalize, make, start, power
        struct store_files files;
        struct bf_state *state = fresh(&files, 60);
        reset();
        world.silent = true;
        world.wish = BF_WISH_CANCEL;
        world.wish_at = at;
        int64_t job = begin(state, BF_FAILOVER_UNPLANNED);
        run(state, job);
        check_at(state, job, BF_FO_CANCELLED);
        CHECK(!has(state, job, "made") && !has(state, job, "on"));
        CHECK(!is_fenced(state) && objects(state) == 0);
        done(&files, state);
    }
}

static void test_a_running_finalizer_is_stopped(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    world.endless = true;
    world.wish = BF_WISH_ROLLBACK;
    world.wish_at = 1;
    int64_t job = begin(state, BF_FAILOVER_UNPLANNED);
    run(state, job);
    check_at(state, job, BF_FO_ROLLED_BACK);
    CHECK_EQ(objects(state), 0);
    // A test whose time is up in the meantime.
    reset();
    world.endless = true;
    job = begin(state, BF_FAILOVER_TEST);
    struct bf_failover f = row_of(state, job);
    f.until = time(NULL) + 2;
    CHECK_EQ(bf_db_failover_update(bf_state_db(state), &f), BF_OK);
    run(state, job);
    check_at(state, job, BF_FO_CLEANED_UP);
    done(&files, state);
}

static void test_a_wish_that_makes_no_sense_changes_nothing(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    int64_t job = begin(state, BF_FAILOVER_TEST);
    run(state, job);
    put_wish(bf_state_db(state), job, BF_WISH_COMMIT);
    run(state, job);
    check_at(state, job, BF_FO_READY);
    CHECK_EQ(row_of(state, job).wish, BF_WISH_NONE);
    done(&files, state);
}

// ---- Reports -----------------------------------------------------------------------------------

static size_t events_with(struct bf_state *state, int64_t job, const char *words)
{
    struct bf_event_row *list = NULL;
    size_t count = 0, found = 0;
    CHECK_EQ(bf_db_event_of_job(bf_state_db(state), job, 0, &list, &count), BF_OK);
    for (size_t i = 0; i < count; i++)
        found += strstr(list[i].text, words) != NULL;
    free(list);
    return found;
}

static int64_t begin_with(struct bf_state *state, const char *plan)
{
    struct bf_failover_order order = {.machine = "web",
                                      .mode = BF_FAILOVER_UNPLANNED,
                                      .point = 1,
                                      .target = "fake:",
                                      .plan = plan,
                                      .plan_len = strlen(plan),
                                      .patience = 60};
    int64_t job = 0;
    CHECK_EQ(bf_failover_begin(state, &order, &job, &fault), BF_OK);
    return job;
}

#define REPORTING(more)                                                                            \
    "{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"hostname\": \"web\", "                    \
    "\"evidence\": {\"report_to\": \"https://[2001:DB8::1]:7668/\"" more "}}"

// Its port and its console are silent, and the report comes while somebody looks.
static void test_a_report_while_it_is_looked_at(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    world.silent = true;
    world.report_at = 4; // the first look at its power
    world.host = "web";
    int64_t job = begin_with(state, REPORTING(""));
    run(state, job);
    check_at(state, job, BF_FO_READY);
    CHECK_STR(row_of(state, job).evidence, "guest");
    CHECK(has(state, job, "evidence.json") && has(state, job, "guest.log"));
    CHECK(!bf_reported_waits(state, job));
    CHECK_EQ(events_with(state, job, "itself has reported"), 1);
    done(&files, state);
}

static void test_what_it_says_here_counts_before_a_report(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    world.report_at = 3; // its start
    world.host = "other";
    int64_t job = begin_with(state, REPORTING(""));
    run(state, job);
    check_at(state, job, BF_FO_READY);
    CHECK_STR(row_of(state, job).evidence, "machine");
    CHECK(!bf_reported_waits(state, job));
    CHECK_EQ(events_with(state, job, "does not fit"), 0);
    done(&files, state);
}

static void test_a_late_report_makes_ready(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    world.silent = world.off = true;
    int64_t job = begin_with(state, REPORTING(""));
    run(state, job);
    check_at(state, job, BF_FO_UNPROVEN);
    put_report(state, job, "web");
    run(state, job);
    check_at(state, job, BF_FO_READY);
    CHECK_STR(row_of(state, job).evidence, "guest");
    // When it came says nothing about how long such a start takes.
    struct bf_estimate e;
    CHECK_EQ(bf_estimate_make(bf_state_db(state), "web", "fake:", &e), BF_OK);
    CHECK_EQ(e.samples, 0);
    put_wish(bf_state_db(state), job, BF_WISH_COMMIT);
    run(state, job);
    check_at(state, job, BF_FO_COMMITTED);
    reset();
    run(state, begin(state, BF_FAILOVER_TEST));
    CHECK_EQ(bf_estimate_make(bf_state_db(state), "web", "fake:", &e), BF_OK);
    CHECK_EQ(e.samples, 1);
    done(&files, state);
}

static void test_a_report_that_does_not_fit(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    world.silent = true;
    world.report_at = 4;
    world.host = "other";
    int64_t job = begin_with(state, REPORTING(""));
    struct bf_failover f = row_of(state, job);
    f.patience = 2;
    CHECK_EQ(bf_db_failover_update(bf_state_db(state), &f), BF_OK);
    run(state, job);
    check_at(state, job, BF_FO_UNPROVEN);
    CHECK_EQ(events_with(state, job, "does not fit the plan: the host name is other"), 1);
    CHECK_STR(row_of(state, job).evidence, "");
    CHECK(has(state, job, "guest.log") && !has(state, job, "evidence.json"));
    // One that is no report at all, and what is not a file.
    CHECK_EQ(bf_reported_settle(state, job, NULL, &fault), BF_OK);
    char path[BF_JOB_PATH];
    bf_job_path(state, job, "guest.new", path);
    CHECK_EQ(mkdir(path, 0700), 0);
    bf_job_path(state, job, "guest.log", path);
    CHECK_EQ(unlink(path), 0);
    run(state, job);
    check_at(state, job, BF_FO_UNPROVEN);
    CHECK_EQ(events_with(state, job, "cannot be read"), 1);
    CHECK(!bf_reported_waits(state, job));
    done(&files, state);
}

static int64_t deliver(struct bf_state *state, const char *plan)
{
    world.files_only = true;
    int64_t job = begin_with(state, plan);
    run(state, job);
    check_at(state, job, BF_FO_DELIVERED);
    CHECK_STR(row_of(state, job).evidence, "none");
    return job;
}

static void test_delivered_files_report(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    struct bf_job row;
    reset();
    world.reports = "[::]:7668";
    int64_t job = deliver(state, REPORTING(""));
    CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
    CHECK(strstr(row.detail, "waits") && strstr(row.detail, "report"));
    CHECK_EQ(events_with(state, job, "--reports"), 0);
    put_wish(bf_state_db(state), job, BF_WISH_CONFIRM);
    run(state, job);
    CHECK_STR(row_of(state, job).evidence, "operator");
    put_report(state, job, "web"); // which says more than the operator's word
    run(state, job);
    check_at(state, job, BF_FO_DELIVERED);
    CHECK_STR(row_of(state, job).evidence, "guest");
    put_wish(bf_state_db(state), job, BF_WISH_CONFIRM);
    run(state, job);
    CHECK_STR(row_of(state, job).evidence, "guest");
    run(state, job);
    CHECK_EQ(events_with(state, job, "itself has reported"), 1);
    done(&files, state);
}

// ---- Where it reports to -----------------------------------------------------------------------

static bool trusts(const char *url, const char *more)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    struct bf_ca_addresses own;
    char plan[512];
    reset();
    CHECK_EQ(bf_ca_addresses_parse(&own, "192.0.2.9,2001:db8::1,replica.example.org", &fault),
             BF_OK);
    CHECK_EQ(bf_ca_create(files.state, &own, &fault), BF_OK);
    snprintf(plan, sizeof plan,
             "{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"evidence\": {\"report_to\": "
             "\"%s\"%s}}",
             url, more);
    deliver(state, plan);
    done(&files, state);
    return strstr(world.plan, "\"ca\":\"-----BEGIN CERTIFICATE-----") != NULL;
}

static void test_our_root_goes_with_our_addresses(void)
{
    CHECK(trusts("https://192.0.2.9:7668/", ""));
    CHECK(trusts("https://192.0.2.9", ""));
    CHECK(trusts("https://[2001:DB8:0::1]:7668/", ""));
    CHECK(trusts("https://Replica.example.org/", ""));
    CHECK(trusts("https://me@replica.example.org?x", ""));
    CHECK(!trusts("https://192.0.2.90/", ""));
    CHECK(!trusts("https://replica.example.org.example.net/", ""));
    CHECK(!trusts("https://other.example.org/replica.example.org", ""));
    CHECK(!trusts("https://replica.example.org@other.example.org/", ""));
    CHECK(!trusts("https://other.example.org,replica.example.org/", ""));
    CHECK(!trusts("https://[2001:db8::1/", ""));
    CHECK(!trusts("https://192.0.2.9/", ", \"ca\": \"own\"") && strstr(world.plan, "\"own\""));
}

static void test_it_is_said_when_nobody_listens(void)
{
    static const struct {
        const char *reports, *plan, *words;
    } cases[] = {{NULL, REPORTING(""), "no bootferryd runs here: start bootferryd with --reports"},
                 {"", REPORTING(""), "bootferryd listens for no reports"},
                 {"[::]:7668", REPORTING(""), NULL},
                 {NULL, "{\"version\": 1, \"target\": {\"kind\": \"kvm\"}}", NULL}};
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        struct store_files files;
        struct bf_state *state = fresh(&files, 60);
        reset();
        world.reports = cases[i].reports;
        int64_t job = begin_with(state, cases[i].plan);
        run(state, job);
        CHECK_EQ(events_with(state, job, cases[i].words ? cases[i].words : "--reports"),
                 cases[i].words ? 1 : 0);
        done(&files, state);
    }
}

// ---- Killed runners ----------------------------------------------------------------------------

// Runs it in a child that dies at that moment; true: it lived to the end.
static bool run_and_die(const char *path, int64_t job, int die_at)
{
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct bf_state *state;
        if (bf_state_open(path, BF_STATE_COMMAND, &state, &fault))
            _exit(2);
        world.die_at = die_at;
        world.calls = 0;
        _exit(bf_runner_run(state, job, NULL, 0, &fault) ? 3 : 0);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9));
    return WEXITSTATUS(status) == 0;
}

static void killed_at(int moment_of_death, enum bf_failover_wish wish, enum bf_fo_step end,
                      bool *lived)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    int64_t job = begin(state, BF_FAILOVER_PLANNED);
    if (wish != BF_WISH_NONE) {
        run(state, job);
        put_wish(bf_state_db(state), job, wish);
    }
    *lived = run_and_die(files.state, job, moment_of_death);
    CHECK(!bf_job_is_locked(state, job));
    reset();
    run(state, job);
    check_at(state, job, end);
    CHECK(is_fenced(state) == (end != BF_FO_ROLLED_BACK));
    CHECK(has(state, job, "on") == (end != BF_FO_ROLLED_BACK));
    done(&files, state);
}

static void test_a_killed_runner_is_followed_by_another(void)
{
    static const struct {
        enum bf_failover_wish wish;
        enum bf_fo_step end;
        int deaths;
    } cases[] = {{BF_WISH_NONE, BF_FO_READY, 6},
                 {BF_WISH_COMMIT, BF_FO_COMMITTED, 2},
                 {BF_WISH_ROLLBACK, BF_FO_ROLLED_BACK, 2}};
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        bool lived = false;
        int at = 0;
        for (; !lived; at++)
            killed_at(at, cases[i].wish, cases[i].end, &lived);
        CHECK_EQ(at - 1, cases[i].deaths);
    }
}

static void test_two_runners_do_not_meet(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    int lock;
    reset();
    int64_t job = begin(state, BF_FAILOVER_PLANNED);
    CHECK_EQ(bf_job_lock(state, job, &lock, &fault), BF_OK);
    CHECK(bf_job_is_locked(state, job));
    CHECK_EQ(bf_runner_run(state, job, NULL, 0, &fault), BF_ERR_BUSY);
    check_at(state, job, BF_FO_WAITING);
    close(lock);
    run(state, job);
    check_at(state, job, BF_FO_READY);
    done(&files, state);
}

// ---- The plan ----------------------------------------------------------------------------------

static void test_a_passphrase_is_never_stored(void)
{
    static const char plan[] =
        "{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"unlock\": [{\"uuid\": \"u\", "
        "\"passphrase\": \"walls have mice\"}]}";
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    struct bf_failover_order order = {.machine = "web",
                                      .mode = BF_FAILOVER_UNPLANNED,
                                      .point = 1,
                                      .target = "fake:",
                                      .plan = plan,
                                      .plan_len = sizeof plan - 1,
                                      .patience = 2};
    char *kept;
    size_t len;
    bool incomplete;
    int64_t job;
    struct bf_job row;
    reset();
    CHECK_EQ(bf_failover_begin(state, &order, &job, &fault), BF_OK);
    CHECK_EQ(bf_job_plan_load(state, job, &kept, &len, &incomplete, &fault), BF_OK);
    CHECK(incomplete && strstr(kept, "\"u\"") && !strstr(kept, "mice"));
    free(kept);
    // A runner without the command's own plan says so, and one with it goes on.
    run(state, job);
    check_at(state, job, BF_FO_FAILED);
    CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
    CHECK(strstr(row.detail, "is not stored"));
    CHECK_EQ(bf_failover_begin(state, &order, &job, &fault), BF_OK);
    CHECK_EQ(bf_runner_run(state, job, plan, sizeof plan - 1, &fault), BF_OK);
    check_at(state, job, BF_FO_READY);
    // What comes next is done by a runner that has no passphrase, and needs none.
    put_wish(bf_state_db(state), job, BF_WISH_ROLLBACK);
    run(state, job);
    check_at(state, job, BF_FO_ROLLED_BACK);
    done(&files, state);
}

// ---- The host is restarted ---------------------------------------------------------------------

// The machine is gone with its host, and what was noted is of a boot that is over.
static void restart_host(struct bf_state *state, int64_t job)
{
    static const char earlier[] = "01234567-89ab-cdef-0123-456789abcdef";
    char path[BF_JOB_PATH];
    bf_job_path(state, job, "on", path);
    unlink(path);
    bf_job_path(state, job, "boot", path);
    FILE *file = fopen(path, "w");
    CHECK(file);
    fputs(earlier, file);
    fclose(file);
    CHECK(bf_job_boot_is_past(state, job));
}

static bool event_of(struct bf_state *state, int64_t job, const char *words)
{
    struct bf_event_row *list;
    size_t count;
    bool found = false;
    CHECK_EQ(bf_db_event_of_job(bf_state_db(state), job, 0, &list, &count), BF_OK);
    for (size_t i = 0; i < count; i++)
        found = found || strstr(list[i].text, words);
    free(list);
    return found;
}

static int64_t at_rest(struct bf_state *state, enum bf_failover_mode mode, enum bf_fo_step step)
{
    int64_t job = begin(state, mode);
    world.silent = step == BF_FO_UNPROVEN;
    run(state, job);
    if (step == BF_FO_COMMITTED) {
        put_wish(bf_state_db(state), job, BF_WISH_COMMIT);
        run(state, job);
    }
    check_at(state, job, step);
    CHECK(has(state, job, "on") && has(state, job, "boot"));
    return job;
}

static void test_it_starts_with_its_host(void)
{
    static const enum bf_fo_step steps[] = {BF_FO_READY, BF_FO_UNPROVEN, BF_FO_COMMITTED};
    for (size_t i = 0; i < 3; i++) {
        struct store_files files;
        struct bf_state *state = fresh(&files, 60);
        struct bf_job row;
        reset();
        world.autostart = true;
        int64_t job = at_rest(state, BF_FAILOVER_UNPLANNED, steps[i]);
        CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
        CHECK(!bf_job_boot_matters(state, &row));
        restart_host(state, job);
        CHECK(bf_job_boot_matters(state, &row));
        run(state, job);
        check_at(state, job, steps[i]);
        CHECK(has(state, job, "on") && !bf_job_boot_is_past(state, job));
        CHECK(event_of(state, job, "this host was restarted: the machine is switched on again"));
        // Whoever switches it off from now on is not overruled.
        char path[BF_JOB_PATH];
        bf_job_path(state, job, "on", path);
        unlink(path);
        run(state, job);
        CHECK(!has(state, job, "on"));
        done(&files, state);
    }
}

static void test_without_autostart_it_is_said_to_be_off(void)
{
    static const enum bf_fo_step steps[] = {BF_FO_READY, BF_FO_COMMITTED};
    for (size_t i = 0; i < 2; i++) {
        struct store_files files;
        struct bf_state *state = fresh(&files, 60);
        struct bf_job row;
        reset();
        int64_t job = at_rest(state, BF_FAILOVER_UNPLANNED, steps[i]);
        restart_host(state, job);
        run(state, job);
        CHECK(!has(state, job, "on") && !bf_job_boot_is_past(state, job));
        CHECK(event_of(state, job, "has no machine.autostart; jobs/1/start in"));
        CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
        CHECK(strstr(row.detail, "off since this host was restarted"));
        done(&files, state);
    }
}

// A test, one that was rolled back, and one that lives elsewhere by now stay off.
static void test_what_does_not_start_with_its_host(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    reset();
    world.autostart = true;
    int64_t test = at_rest(state, BF_FAILOVER_TEST, BF_FO_READY);
    restart_host(state, test);
    run(state, test);
    CHECK(!has(state, test, "on") && event_of(state, test, "a test is not started again"));
    int64_t back = at_rest(state, BF_FAILOVER_UNPLANNED, BF_FO_READY);
    restart_host(state, back);
    put_wish(bf_state_db(state), back, BF_WISH_ROLLBACK);
    run(state, back);
    check_at(state, back, BF_FO_ROLLED_BACK);
    run(state, back);
    CHECK(!has(state, back, "on") && !event_of(state, back, "switched on again"));
    int64_t moved = at_rest(state, BF_FAILOVER_UNPLANNED, BF_FO_COMMITTED);
    CHECK_EQ(bf_db_fence_lift(bf_state_db(state), "web", moved), BF_OK);
    restart_host(state, moved);
    run(state, moved);
    CHECK(!has(state, moved, "on") && !bf_job_boot_is_past(state, moved));
    done(&files, state);
}

static void test_a_start_with_the_host_that_fails_is_said_once(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    struct bf_job row;
    reset();
    world.autostart = true;
    int64_t job = at_rest(state, BF_FAILOVER_UNPLANNED, BF_FO_COMMITTED);
    restart_host(state, job);
    world.fails = "start at home";
    run(state, job);
    int calls = world.calls;
    CHECK(event_of(state, job, "the machine is off: start at home went wrong"));
    CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
    CHECK(strstr(row.detail, "off since this host was restarted") && row.phase == BF_JOB_SUCCEEDED);
    run(state, job);
    CHECK_EQ(world.calls, calls);
    done(&files, state);
}

// The power fails while evidence is waited for: it is started again, whatever the plan says.
static void test_a_restart_while_it_is_looked_at(void)
{
    struct store_files files;
    struct bf_state *state = fresh(&files, 60);
    struct bf_job row;
    reset();
    int64_t job = at_rest(state, BF_FAILOVER_UNPLANNED, BF_FO_READY);
    CHECK_EQ(bf_db_job_get(bf_state_db(state), job, &row), BF_OK);
    snprintf(row.step, sizeof row.step, "looking");
    row.phase = BF_JOB_RUNNING;
    CHECK_EQ(bf_db_job_update(bf_state_db(state), &row, time(NULL)), BF_OK);
    restart_host(state, job);
    run(state, job);
    check_at(state, job, BF_FO_READY);
    CHECK(has(state, job, "on") && event_of(state, job, "while the machine was looked at"));
    done(&files, state);
}

TEST_MAIN(TEST(test_planned_and_committed), TEST(test_rolled_back),
          TEST(test_two_tests_beside_a_cutover), TEST(test_a_test_ends_by_itself),
          TEST(test_files_are_confirmed), TEST(test_a_planned_one_waits_for_a_run),
          TEST(test_each_failure_has_its_end), TEST(test_a_silent_machine_is_unproven),
          TEST(test_an_agent_alone_proves_nothing),
          TEST(test_a_target_that_does_not_answer_is_asked_again),
          TEST(test_a_machine_that_is_off_is_not_waited_for),
          TEST(test_what_cannot_be_taken_away_is_stuck),
          TEST(test_a_commit_that_fails_or_is_stopped_leaves_the_machine),
          TEST(test_it_is_cancelled_in_each_step), TEST(test_a_running_finalizer_is_stopped),
          TEST(test_a_wish_that_makes_no_sense_changes_nothing),
          TEST(test_a_report_while_it_is_looked_at),
          TEST(test_what_it_says_here_counts_before_a_report), TEST(test_a_late_report_makes_ready),
          TEST(test_a_report_that_does_not_fit), TEST(test_delivered_files_report),
          TEST(test_our_root_goes_with_our_addresses), TEST(test_it_is_said_when_nobody_listens),
          TEST(test_a_killed_runner_is_followed_by_another), TEST(test_two_runners_do_not_meet),
          TEST(test_a_passphrase_is_never_stored), TEST(test_it_starts_with_its_host),
          TEST(test_without_autostart_it_is_said_to_be_off),
          TEST(test_what_does_not_start_with_its_host),
          TEST(test_a_start_with_the_host_that_fails_is_said_once),
          TEST(test_a_restart_while_it_is_looked_at))
