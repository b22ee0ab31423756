// SPDX-License-Identifier: Apache-2.0
// The whole sender, answered with raw bytes as a hostile server might send them. The first byte
// cuts them into pieces, so that answers come while it copies. It may fail, it may not fall over,
// and it may not say "committed" unless COMMITTED named the root of what it read.
#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "migrate/sender.h"
#include "tests/fuzz_seed.h"
#include "tests/platform_sim.h"
#include "tests/sim_disk.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHUNK = 32768, DISK = 4 * CHUNK };

static struct {
    const uint8_t *at;
    size_t left, step;
    int opened;
} answers;
static uint8_t disk_data[DISK];
static struct bf_digest point_root;

static enum bf_err answers_read(void *impl, void *bytes, size_t size, size_t *done)
{
    (void)impl;
    *done = answers.left < size ? answers.left : size;
    if (*done > answers.step)
        *done = answers.step;
    memcpy(bytes, answers.at, *done);
    answers.at += *done;
    answers.left -= *done;
    return *done ? BF_OK : BF_AGAIN;
}

static enum bf_err answers_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    (void)impl;
    (void)bytes;
    *done = len;
    return BF_OK;
}

static void answers_poll(void *impl)
{
    (void)impl;
}

static enum bf_stream_state answers_state(void *impl)
{
    (void)impl;
    return BF_STREAM_OPEN;
}

static size_t answers_unsent(void *impl)
{
    (void)impl;
    return 0;
}

static const struct bf_fault *answers_fault(void *impl)
{
    (void)impl;
    return NULL;
}

static const struct bf_stream_ops ops = {answers_write,  answers_read,  answers_poll, answers_state,
                                         answers_unsent, answers_fault, answers_poll};

static enum bf_err open_once(void *impl, uint32_t attempt, struct bf_stream *out, char *to,
                             size_t to_size, struct bf_fault *fault)
{
    (void)impl;
    (void)attempt;
    (void)to;
    (void)to_size;
    (void)fault;
    *out = (struct bf_stream){&ops, NULL};
    return answers.opened++ ? BF_ERR_CONFIG : BF_OK;
}

static struct bf_plan a_plan(void)
{
    return (struct bf_plan){.disks = 1, .has_base = 1, .geometry = {DISK, 512, CHUNK}};
}

static void make_disk(void)
{
    struct bf_geometry g = a_plan().geometry;
    struct bf_digest digest, root;
    struct bf_root r;
    memset(disk_data, 7, CHUNK);
    bf_digest_of(&digest, disk_data, CHUNK);
    bf_root_init(&r, &g);
    bf_root_add(&r, BF_CHUNK_DATA, 1, &digest);
    bf_root_add(&r, BF_CHUNK_ZERO, 3, NULL);
    bf_root_final(&r, &root);
    bf_point_root(&root, 1, &point_root);
}

static enum bf_err run(const uint8_t *data, size_t size, size_t step, uint32_t *point)
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
    struct bf_sender_config config = {
        .connector = {.open = open_once}, .inventory = &inventory, .disks = disks, .boot = {1}};
    enum bf_err err = BF_AGAIN;
    int idle;
    sim_platform_reset(1);
    sim_disk_init(&disk, &model, disk_data);
    inventory.disks = 1;
    inventory.disk[0].identity = disk.source.identity;
    inventory.disk[0].planned = 1;
    answers.at = data;
    answers.left = size;
    answers.step = step;
    answers.opened = 0;
    struct bf_sender *s = bf_sender_new(&config, bf_platform_now_us());
    for (int i = 0; i < 3000 && err == BF_AGAIN; i++) {
        err = bf_sender_step(s, bf_platform_now_us(), &idle);
        sim_clock_advance(20000);
    }
    *point = bf_sender_progress(s)->point;
    if (!err && !bf_digest_equal(&bf_sender_progress(s)->point_root, &point_root))
        abort();
    bf_sender_free(s);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t point;
    if (!point_root.bytes[0])
        make_disk();
    if (size > 1)
        run(data + 1, size - 1, data[0] + 1u, &point);
    return 0;
}

// A server that behaves. Its answers are there before the questions, so each kind of answer that
// depends on the sender's state begins a seed of its own.
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t seed[4096];
    struct bf_welcome welcome = {.version = 1, .session = {1}, .name = "fuzz"};
    struct bf_plan plan = a_plan();
    struct bf_base_run base = {0, BF_CHUNK_ZERO, 0, 4, NULL};
    struct bf_checkpoint durable = {0, 2};
    struct bf_committed committed;
    size_t len = 1, after_plan;
    uint32_t point;
    make_disk();
    committed = (struct bf_committed){9, 1, point_root};
    len += bf_put_welcome(seed + len, sizeof seed - len, &welcome);
    plan.has_base = 0;
    len += bf_put_plan(seed + len, sizeof seed - len, &plan);
    after_plan = len;
    len += bf_put_checkpoint(seed + len, sizeof seed - len, BF_MSG_DURABLE, &durable);
    seed[0] = 255;
    fuzz_seed(*argc, *argv, 0, seed, len);
    // Bytes dribble in, so that COMMITTED arrives after COMMIT.
    len = after_plan;
    for (int i = 0; i < 60; i++)
        len += bf_put_ping(seed + len, sizeof seed - len, BF_MSG_PING, 1);
    len += bf_put_committed(seed + len, sizeof seed - len, &committed);
    seed[0] = 7;
    if (run(seed + 1, len - 1, 8, &point) != BF_OK || point != 9)
        abort(); // a seed that leads nowhere is none
    fuzz_seed(*argc, *argv, 1, seed, len);
    plan.has_base = 1;
    len = after_plan - bf_put_plan(seed + 2048, 2048, &plan);
    len += bf_put_plan(seed + len, sizeof seed - len, &plan);
    len += bf_put_base(seed + len, sizeof seed - len, &base);
    fuzz_seed(*argc, *argv, 2, seed, len);
    return 0;
}
