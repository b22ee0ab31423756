// SPDX-License-Identifier: Apache-2.0
// An assessment from disk to server: the source's end and the receiver, connected by a link that
// carries so many bytes a second, on a virtual clock. What is found, what is never sent, who is
// refused, and what a server says that knows nothing of it.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/platform.h"
#include "migrate/assess.h"
#include "migrate/gauge.h"
#include "migrate/receiver/receiver.h"
#include "tests/platform_sim.h"
#include "tests/sim_disk.h"
#include "tests/unit/test.h"

enum { TURN_US = 500, DISKS = 3, MIB = 1 << 20, LINK = 20 * MIB, PIPE = 1 << 20 };
static const char secret[] = "what only the disk knows 0123456789";

// ---- The link ----------------------------------------------------------------------------------

struct pipe {
    uint8_t bytes[PIPE];
    size_t at, len;
    uint64_t passed; // bytes, in all
    uint64_t allowed;
};
static struct pipe up, down;
static int secrets_sent, hung_up, silent;

static enum bf_err take(struct pipe *p, void *bytes, size_t size, size_t *done)
{
    *done = p->len < size ? p->len : size;
    memcpy(bytes, p->bytes + p->at, *done);
    p->at += *done;
    p->len -= *done;
    return *done ? BF_OK : BF_AGAIN;
}

static enum bf_err give(struct pipe *p, const void *bytes, size_t len, size_t *done)
{
    if (!p->len)
        p->at = 0;
    size_t room = PIPE - p->at - p->len;
    *done = len < room ? len : room;
    if (*done > p->allowed)
        *done = (size_t)p->allowed;
    p->allowed -= *done;
    memcpy(p->bytes + p->at + p->len, bytes, *done);
    p->len += *done;
    p->passed += *done;
    return *done ? BF_OK : BF_AGAIN;
}

static enum bf_err source_read(void *impl, void *bytes, size_t size, size_t *done)
{
    (void)impl;
    return take(&down, bytes, size, done);
}

static enum bf_err source_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    (void)impl;
    secrets_sent += memmem(bytes, len, secret, sizeof secret - 1) != NULL;
    return give(&up, bytes, len, done);
}

static enum bf_err server_read(void *impl, void *bytes, size_t size, size_t *done)
{
    (void)impl;
    return take(&up, bytes, size, done);
}

static enum bf_err server_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    (void)impl;
    return give(&down, bytes, len, done);
}

static void nothing(void *impl)
{
    (void)impl;
}

static void hang_up(void *impl)
{
    (void)impl;
    hung_up++;
}

static enum bf_stream_state is_open(void *impl)
{
    (void)impl;
    return BF_STREAM_OPEN;
}

static size_t none(void *impl)
{
    (void)impl;
    return 0;
}

static const struct bf_fault *no_fault(void *impl)
{
    (void)impl;
    return NULL;
}

static const struct bf_stream_ops source_ops = {source_write, source_read, nothing, is_open,
                                                none,         no_fault,    hang_up};
static const struct bf_stream_ops server_ops = {server_write, server_read, nothing, is_open,
                                                none,         no_fault,    nothing};

static uint32_t opened, fails_first;

static enum bf_err open_stream(void *impl, uint32_t attempt, struct bf_stream *out, char *to,
                               size_t size, struct bf_fault *fault)
{
    (void)impl;
    CHECK_EQ(attempt, opened);
    bf_snprintf(to, size, "10.0.0.9:7667");
    if (opened++ < fails_first)
        return bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "look", "no route");
    out->ops = &source_ops;
    return BF_OK;
}

// ---- The server --------------------------------------------------------------------------------

static struct bf_assessment kept;
static struct bf_assessed kept_link;
static int begun, taken;
static enum bf_err refusal;

static enum bf_err begin_host(void *impl, const struct bf_hello *hello, struct bf_welcome *welcome,
                              struct bf_fault *fault)
{
    (void)impl;
    begun++;
    CHECK_EQ(hello->caps, BF_CAP_ASSESS);
    CHECK_STR(hello->program, "test");
    bf_snprintf(welcome->name, sizeof welcome->name, "web-1");
    if (refusal)
        return bf_fault_set(fault, refusal, BF_SIDE_SOURCE, "roll it back", "it lives elsewhere");
    return BF_OK;
}

static enum bf_err take_host(void *impl, const struct bf_assessment *found,
                             const struct bf_assessed *link, struct bf_fault *fault)
{
    (void)impl;
    (void)fault;
    taken++;
    kept = *found;
    kept_link = *link;
    return BF_OK;
}

static enum bf_err no_session(void *impl, const struct bf_hello *hello,
                              const struct bf_inventory *inventory, struct bf_receiver_session *out,
                              struct bf_fault *fault)
{
    (void)impl;
    (void)hello;
    (void)inventory;
    (void)out;
    return bf_fault_set(fault, BF_ERR_RANGE, BF_SIDE_SERVER, "-", "a session was opened");
}

// ---- The source --------------------------------------------------------------------------------

static struct {
    struct sim_disk disk[DISKS];
    struct sim_disk_model model[DISKS];
    uint8_t *data[DISKS];
    struct bf_source_disk *source[DISKS];
    struct bf_inventory inventory;
    struct bf_config config;
    struct bf_receiver_host host;
    struct bf_receiver *receiver;
    struct bf_assess *assess;
    enum bf_err served;
} w;

static void begin(void)
{
    sim_platform_reset(7);
    memset(&w, 0, sizeof w);
    memset(&up, 0, sizeof up);
    memset(&down, 0, sizeof down);
    secrets_sent = hung_up = silent = begun = taken = 0;
    opened = fails_first = 0;
    refusal = BF_OK;
    bf_config_defaults(&w.config);
    w.host = (struct bf_receiver_host){
        .session = no_session, .assess_begin = begin_host, .assess = take_host};
    for (uint16_t i = 0; i < DISKS; i++) {
        w.model[i] = (struct sim_disk_model){.bytes = (uint64_t)(i + 2) * MIB + 4096,
                                             .block_size = 512,
                                             .max_blocks = 256,
                                             .preferred_blocks = 128,
                                             .alignment = 16,
                                             .depth = 8,
                                             .read_us = 4000,
                                             .bad_block = UINT64_MAX};
        w.data[i] = malloc(w.model[i].bytes);
        for (size_t at = 0; at < w.model[i].bytes; at++)
            w.data[i][at] = i == 0 ? (uint8_t)sim_random() : (uint8_t)secret[at % sizeof secret];
    }
}

static void make(void)
{
    struct bf_assess_config config = {.inventory = &w.inventory,
                                      .disks = w.source,
                                      .boot = {5},
                                      .config = &w.config,
                                      .processors = 2,
                                      .program = "test"};
    const struct bf_stream stream = {&server_ops, NULL};
    w.inventory.disks = DISKS;
    for (uint16_t i = 0; i < DISKS; i++) {
        sim_disk_init(&w.disk[i], &w.model[i], w.data[i]);
        w.source[i] = i == 1 ? NULL : &w.disk[i].source;
        w.inventory.disk[i].planned = i != 1;
        w.inventory.disk[i].identity = w.disk[i].source.identity;
        w.inventory.disk[i].identity.bytes = w.model[i].bytes;
    }
    w.inventory.unseens = 1;
    w.inventory.unseen[0] = (struct bf_unseen){.what = "RAID controller", .slot = "0000:00:05.0"};
    config.connector.open = open_stream;
    w.assess = bf_assess_new(&config);
    w.receiver = bf_receiver_new(stream, &w.host, 1, bf_platform_now_us());
    CHECK(w.assess && w.receiver);
    w.served = BF_AGAIN;
}

// Until the source is through, or `seconds` are over.
static enum bf_err run(uint64_t seconds)
{
    uint64_t end = bf_platform_now_us() + seconds * 1000000;
    enum bf_err err = BF_AGAIN;
    while (err == BF_AGAIN && bf_platform_now_us() < end) {
        int idle;
        sim_clock_advance(TURN_US);
        up.allowed = (uint64_t)LINK * TURN_US / 1000000;
        down.allowed = up.allowed;
        err = bf_assess_step(w.assess, bf_platform_now_us(), &idle);
        if (w.served == BF_AGAIN && opened > fails_first && !silent)
            w.served = bf_receiver_step(w.receiver, bf_platform_now_us(), &idle);
    }
    return err;
}

static void end(void)
{
    bf_assess_free(w.assess);
    bf_receiver_free(w.receiver);
    for (int i = 0; i < DISKS; i++) {
        if (w.disk[i].source.ops)
            bf_source_close(&w.disk[i].source);
        free(w.data[i]);
    }
}

// ---- Tests -------------------------------------------------------------------------------------

static void test_what_is_found_arrives_and_nothing_else(void)
{
    begin();
    make();
    CHECK_EQ(run(120), BF_OK);
    const struct bf_assess_view *v = bf_assess_view(w.assess);
    CHECK_EQ(v->phase, BF_ASSESS_DONE);
    CHECK(begun == 1 && taken == 1 && hung_up == 1 && opened == 1);
    CHECK_EQ(kept.disks, 2);
    CHECK_EQ(kept.disk[0].number, 0);
    CHECK_EQ(kept.disk[1].number, 2);
    CHECK_EQ(kept.disk[1].bytes, 4 * MIB + 4096);
    CHECK_EQ(kept.disk[1].used, 4 * MIB + 4096); // no file system is known on it
    CHECK_EQ(kept.disk[0].packed, kept.disk[0].sampled);
    CHECK(kept.disk[1].packed * 20 < kept.disk[1].sampled);
    CHECK_EQ(kept.unseen, 1);
    CHECK(strstr(kept.unseen_list, "RAID controller"));
    // Four requests of 128 KiB at a time, of 2 ms on the average.
    CHECK(kept.disk[0].rate > 50 * MIB && kept.disk[0].rate < 1000 * MIB);
    CHECK(kept_link.link > LINK - LINK / 20 && kept_link.link < LINK + LINK / 20);
    CHECK_EQ(v->link.link, kept_link.link);
    CHECK(kept_link.filled > 9 * (uint64_t)LINK && kept_link.filled < 11 * (uint64_t)LINK);
    CHECK_EQ(secrets_sent, 0);
    CHECK_EQ(bf_assess_step(w.assess, bf_platform_now_us() + 5, &(int){0}), BF_OK);
    CHECK_EQ(w.served == BF_OK || w.served == BF_AGAIN, 1);
    CHECK_EQ(taken, 1);
    end();
}

static void test_a_limit_is_kept(void)
{
    begin();
    w.config.limit = 4 * MIB;
    make();
    CHECK_EQ(run(120), BF_OK);
    CHECK(kept_link.link < 4 * MIB + MIB / 2 && kept_link.link > 3 * MIB);
    end();
}

static void test_a_disk_that_cannot_be_read_is_not_timed(void)
{
    begin();
    w.model[2].bad_block = 0;
    w.model[2].bad_more = UINT32_MAX;
    w.model[2].bad_times = UINT32_MAX;
    make();
    CHECK_EQ(run(120), BF_OK);
    CHECK_EQ(kept.disk[1].rate, 0);
    CHECK_EQ(kept.disk[1].sampled, 0);
    CHECK(kept.disk[0].rate > 0);
    CHECK_EQ(bf_assess_view(w.assess)->estimate.first, UINT64_MAX);
    CHECK(strstr(sim_log(), "of the reads that were timed failed"));
    end();
}

// It takes the virtual clock with it, and has one request at a time.
static void test_a_driver_that_blocks(void)
{
    begin();
    for (int i = 0; i < DISKS; i++) {
        w.model[i].blocking = 1;
        w.model[i].depth = 1;
    }
    make();
    CHECK_EQ(run(120), BF_OK);
    CHECK(kept.disk[0].rate > 20 * MIB && kept.disk[0].rate < 1000 * MIB);
    end();
}

static void test_a_fenced_machine_is_refused(void)
{
    begin();
    refusal = BF_ERR_FENCED;
    make();
    CHECK_EQ(run(120), BF_ERR_FENCED);
    CHECK_STR(bf_assess_fault(w.assess)->what, "it lives elsewhere");
    CHECK_EQ(bf_assess_view(w.assess)->phase, BF_ASSESS_FAILED);
    CHECK(opened == 1 && taken == 0 && hung_up == 1);
    CHECK(up.passed < 1000);
    end();
}

// An older server ignores the capability and waits for an inventory, which does not come: it opens
// no session.
static void test_a_server_that_does_not_know_assessments(void)
{
    begin();
    silent = 1;
    make();
    CHECK_EQ(run(60), BF_ERR_VERSION);
    CHECK(strstr(bf_assess_fault(w.assess)->what, "does not answer to an assessment"));
    CHECK(up.passed < 1000 && opened == 1);
    end();
    begin();
    w.host.assess_begin = NULL;
    make();
    CHECK_EQ(run(60), BF_ERR_UNSUPPORTED);
    end();
}

static void test_an_unreachable_server_is_tried_again(void)
{
    begin();
    fails_first = 2;
    make();
    CHECK_EQ(run(120), BF_OK);
    CHECK_EQ(opened, 3);
    end();
    begin();
    fails_first = UINT32_MAX;
    w.config.retry_seconds = 30;
    make();
    CHECK_EQ(run(120), BF_ERR_NETWORK);
    CHECK(opened >= 6 && opened <= 8);
    end();
}

static void test_cancelled(void)
{
    for (uint64_t seconds = 0; seconds < 12; seconds += 3) {
        begin();
        make();
        CHECK_EQ(run(seconds), BF_AGAIN);
        bf_assess_cancel(w.assess);
        CHECK_EQ(run(1), BF_ERR_CANCELLED);
        CHECK_EQ(taken, 0);
        end();
    }
}

static void test_no_disk(void)
{
    begin();
    make();
    bf_assess_free(w.assess);
    struct bf_assess_config config = {
        .inventory = &w.inventory, .disks = w.source, .config = &w.config, .program = "test"};
    for (int i = 0; i < DISKS; i++)
        w.inventory.disk[i].planned = 0;
    w.assess = bf_assess_new(&config);
    CHECK_EQ(run(1), BF_ERR_NOT_FOUND);
    end();
}

static void test_what_it_says_while_it_works(void)
{
    struct bf_assess_view v = {.server = "10.0.0.9:7667"};
    char text[128];
    v.found.disks = 1;
    v.found.disk[0] = (struct bf_assessed_disk){3, 40 * (uint64_t)MIB, 10 * MIB, 5 * MIB, 0, 0, ""};
    bf_snprintf(v.last_fault.what, sizeof v.last_fault.what, "no route");
    static const char *const said[] = {
        "looking what is used on disk 3: 10.0 MiB of 40.0 MiB so far",
        "timing disk 3: 5.0 MiB/s",
        "connecting to 10.0.0.9:7667",
        "no route; trying again",
        "timing the link to 10.0.0.9:7667",
        "",
        ""};
    for (size_t i = 0; i < BF_COUNT(said); i++) {
        v.phase = (enum bf_assess_phase)i;
        bf_assess_text(text, sizeof text, &v);
        CHECK_STR(text, said[i]);
    }
    CHECK_STR(bf_assess_phase_name(BF_ASSESS_LINK), "link");
}

// ---- Estimates ---------------------------------------------------------------------------------

static void test_estimates(void)
{
    struct bf_assessment a = {.compute = 400 * MIB, .disks = 2};
    struct bf_copy_time e;
    // 1000 MiB at 100 MiB/s, half of which goes over the wire at 25 MiB/s
    a.disk[0] = (struct bf_assessed_disk){
        0, 2000 * (uint64_t)MIB, 1000 * (uint64_t)MIB, 100 * MIB, 8 * MIB, 4 * MIB, "a"};
    // 800 MiB of zeros at 1600 MiB/s: the processors are slower
    a.disk[1] = (struct bf_assessed_disk){
        1, 800 * (uint64_t)MIB, 800 * (uint64_t)MIB, 1600 * (uint64_t)MIB, 8 * MIB, 0, "b"};
    bf_copy_time(&e, &a, 25 * MIB);
    CHECK_EQ(e.bytes, 2800 * (uint64_t)MIB);
    CHECK_EQ(e.used, 1800 * (uint64_t)MIB);
    CHECK_EQ(e.first, 20 + 2);
    CHECK_EQ(e.later, 10 + 2);
    bf_copy_time(&e, &a, 0); // the first disk would have to send something
    CHECK_EQ(e.first, UINT64_MAX);
    CHECK_EQ(e.later, 12);
    a.disk[0].rate = 0;
    bf_copy_time(&e, &a, 25 * MIB);
    CHECK_EQ(e.later, UINT64_MAX);
    a.disk[0].used = 0; // an empty disk takes no time
    bf_copy_time(&e, &a, 25 * MIB);
    CHECK_EQ(e.first, 2);
    for (uint16_t i = 0; i < 2; i++) // the most that a peer may claim
        a.disk[i] = (struct bf_assessed_disk){i, INT64_MAX, INT64_MAX, 1, INT64_MAX, INT64_MAX, ""};
    bf_copy_time(&e, &a, 1);
    CHECK(e.first > INT64_MAX && e.used > INT64_MAX);
}

TEST_MAIN(TEST(test_what_is_found_arrives_and_nothing_else), TEST(test_a_limit_is_kept),
          TEST(test_a_disk_that_cannot_be_read_is_not_timed), TEST(test_a_driver_that_blocks),
          TEST(test_a_fenced_machine_is_refused),
          TEST(test_a_server_that_does_not_know_assessments),
          TEST(test_an_unreachable_server_is_tried_again), TEST(test_cancelled), TEST(test_no_disk),
          TEST(test_what_it_says_while_it_works), TEST(test_estimates))
