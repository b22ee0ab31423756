// SPDX-License-Identifier: Apache-2.0
// The whole sender, answered by a hostile server: the first byte, then frames, each of which comes
// when the sender waits for something, or, with an odd first byte, in every turn. A frame of a type
// of ours cuts the connection, and what follows is for the next one. It may fail, it may not fall
// over, it may not say "committed" unless COMMITTED named the root of what it read, and it comes to
// rest when nobody says anything more. Mutation moves and changes frames of sound sessions
// (tests/fuzz_frames.h).
#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "migrate/sender.h"
#include "tests/fuzz_frames.h"
#include "tests/fuzz_rng.h"
#include "tests/fuzz_seed.h"
#include "tests/platform_sim.h"
#include "tests/quiet_stream.h"
#include "tests/sim_disk.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

enum {
    CHUNK = 32768,
    CHUNKS = 4,
    DISK = CHUNKS * CHUNK,
    CUT = 0x7ffe, // type of the frame that cuts the connection
    ATTEMPTS = 4,
    BUFFERS = 3 << 20,
    QUIET = 60,   // turns without work after the last frame that end a run
    BUSY = 20000, // turns with work after it are too many
    TURN_US = 20000,
    QUIET_US = 1000000,
};

static struct {
    const uint8_t *at;
    size_t left, ready; // of them the sender may have
    int opened, cut;
} answers;
static uint8_t disk_data[DISK];
static struct bf_digest point_root;

static enum bf_err answers_read(void *impl, void *bytes, size_t size, size_t *done)
{
    (void)impl;
    *done = answers.ready < size ? answers.ready : size;
    memcpy(bytes, answers.at, *done);
    answers.at += *done;
    answers.left -= *done;
    answers.ready -= *done;
    return *done ? BF_OK : BF_AGAIN;
}

static enum bf_err answers_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    (void)impl;
    (void)bytes;
    *done = len;
    return BF_OK;
}

static enum bf_stream_state answers_state(void *impl)
{
    (void)impl;
    return answers.cut ? BF_STREAM_FAILED : BF_STREAM_OPEN;
}

static enum bf_err open_once(void *impl, uint32_t attempt, struct bf_stream *out, char *to,
                             size_t to_size, struct bf_fault *fault)
{
    (void)impl;
    (void)attempt;
    (void)to;
    (void)to_size;
    (void)fault;
    static struct bf_stream_ops ops;
    ops = quiet_stream(answers_read, answers_write);
    ops.state = answers_state;
    *out = (struct bf_stream){&ops, NULL};
    answers.cut = 0;
    return answers.opened++ < ATTEMPTS ? BF_OK : BF_ERR_CONFIG;
}

// The next frame is there for the sender; what it has not taken of one before is lost with a cut.
static void release(void)
{
    struct bf_frame frame;
    size_t need, len = answers.left ? fuzz_frame_length(answers.at, answers.left, 0) : 0;
    if (!answers.opened || answers.cut || answers.ready)
        return;
    answers.ready = len;
    if (bf_frame_parse(answers.at, answers.left, &frame, &need) || frame.type != CUT)
        return;
    answers.at += len;
    answers.left -= len;
    answers.ready = 0;
    answers.cut = 1;
}

static struct bf_planned_disk a_plan(void)
{
    return (struct bf_planned_disk){.disks = 1, .has_base = 1, .geometry = {DISK, 512, CHUNK}};
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

static enum bf_err turns(struct bf_sender *s, int always)
{
    enum bf_err err = BF_AGAIN;
    int idle, quiet = 0, busy = 0;
    while (err == BF_AGAIN && quiet < QUIET) {
        err = bf_sender_step(s, bf_platform_now_us(), &idle);
        if (idle || always)
            release();
        quiet = idle && !answers.left ? quiet + 1 : 0;
        busy = !idle && !answers.left ? busy + 1 : 0;
        if (busy > BUSY)
            abort();
        sim_clock_advance(answers.left ? TURN_US : QUIET_US);
    }
    return err;
}

static enum bf_err run(const uint8_t *data, size_t size, int always, uint32_t *point)
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
    struct bf_sender_config config = {.connector = {.open = open_once},
                                      .inventory = &inventory,
                                      .disks = disks,
                                      .buffer_bytes = BUFFERS,
                                      .retry_us = 120000000,
                                      .boot = {1}};
    enum bf_err err;
    sim_platform_reset(1);
    sim_disk_init(&disk, &model, disk_data);
    inventory.disks = 1;
    inventory.disk[0].identity = disk.source.identity;
    inventory.disk[0].planned = 1;
    memset(&answers, 0, sizeof answers);
    answers.at = data;
    answers.left = size;
    struct bf_sender *s = bf_sender_new(&config, bf_platform_now_us());
    if (!s)
        abort();
    err = turns(s, always);
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
        run(data + 1, size - 1, data[0] & 1, &point);
    return 0;
}

// ---- Sound sessions ----------------------------------------------------------------------------

static struct {
    uint8_t bytes[8192];
    size_t len;
} said;

static uint8_t *room(void)
{
    return said.bytes + said.len;
}

static size_t left(void)
{
    return sizeof said.bytes - said.len;
}

static void greet(uint8_t session, int resumed, int has_base, uint64_t resume)
{
    struct bf_welcome welcome = {.version = 1,
                                 .session = {session},
                                 .resumed = (uint8_t)resumed,
                                 .name = "fuzz",
                                 .caps = BF_CAP_LZ4 | BF_CAP_ZSTD};
    struct bf_planned_disk plan = a_plan();
    plan.has_base = (uint8_t)has_base;
    plan.resume_chunk = resume;
    said.len += bf_put_welcome(room(), left(), &welcome);
    said.len += bf_put_plan(room(), left(), &plan);
}

static void say_base(uint8_t state, uint64_t first, uint32_t count, const struct bf_digest *digests)
{
    struct bf_base_run run = {0, state, first, count, digests ? digests->bytes : NULL};
    said.len += bf_put_base(room(), left(), &run);
}

static void say_durable(uint64_t chunk)
{
    struct bf_checkpoint durable = {0, chunk};
    said.len += bf_put_checkpoint(room(), left(), BF_MSG_DURABLE, &durable);
}

static void say_cut(void)
{
    said.len += bf_put_ping(room(), left(), BF_MSG_PING, 1);
    said.bytes[said.len - BF_FRAME_HEADER - 8] = CUT & 255;
    said.bytes[said.len - BF_FRAME_HEADER - 7] = CUT >> 8;
}

static void say_committed(void)
{
    struct bf_verifying verifying = {0, CHUNK, DISK};
    struct bf_pace pace = {100, 200};
    struct bf_committed committed = {9, 1, point_root};
    said.len += bf_put_pace(room(), left(), &pace);
    said.len += bf_put_verifying(room(), left(), &verifying);
    said.len += bf_put_committed(room(), left(), &committed);
}

// One that leads nowhere is none.
static void commit(int *argc, char ***argv, unsigned number)
{
    uint32_t point;
    say_committed();
    if (run(said.bytes + 1, said.len - 1, 0, &point) != BF_OK || point != 9)
        abort();
    fuzz_seed(*argc, *argv, number, said.bytes, said.len);
    fuzz_frames_learn(said.bytes + 1, said.len - 1);
    said.len = 1;
}

static void say_need(uint64_t first, uint64_t count, uint8_t more)
{
    struct bf_need need = {0, first, count, more};
    said.len += bf_put_need(room(), left(), &need);
}

// The base of all chunks from `first`: equal, different, or not known, in answers of any length.
static void say_bases(struct fuzz_rng *r, uint64_t first)
{
    struct bf_digest digests[CHUNKS];
    for (uint64_t i = 0; i < CHUNKS; i++)
        bf_digest_of(&digests[i], disk_data + i * CHUNK, CHUNK);
    for (uint64_t count; first < CHUNKS; first += count) {
        static const uint8_t states[] = {BF_CHUNK_DATA, BF_CHUNK_ZERO, BF_CHUNK_UNKNOWN};
        uint8_t state = states[fuzz_below(r, 3)];
        count = 1 + fuzz_below(r, CHUNKS - first);
        say_base(state, first, (uint32_t)count, state == BF_CHUNK_DATA ? &digests[first] : NULL);
    }
}

static void say_needs(struct fuzz_rng *r)
{
    for (uint64_t first = fuzz_below(r, CHUNKS), count; first < CHUNKS; first += count) {
        count = 1 + fuzz_below(r, CHUNKS - first);
        say_need(first, count, first + count < CHUNKS);
    }
}

// Connections that are cut and resumed or begun anew, a copy, repairs, and the point.
static size_t make_session(struct fuzz_rng *r, uint8_t *out, size_t max)
{
    uint8_t session = 1, resumed = 0;
    uint64_t resume = 0;
    said.bytes[0] = !fuzz_below(r, 8);
    said.len = 1;
    for (uint64_t cuts = fuzz_below(r, 3);; cuts--) {
        int has_base = fuzz_below(r, 2) != 0;
        greet(session, resumed, has_base, resume);
        if (has_base)
            say_bases(r, resume);
        if (fuzz_below(r, 2))
            say_durable(resume = resume + fuzz_below(r, CHUNKS + 1 - resume));
        if (!cuts)
            break;
        say_cut();
        resumed = fuzz_below(r, 2) != 0;
        session += !resumed;
        resume = resumed ? resume : 0;
    }
    for (uint64_t rounds = fuzz_below(r, 3); rounds; rounds--)
        say_needs(r);
    say_committed();
    if (said.len > max)
        return 0;
    memcpy(out, said.bytes, said.len);
    return said.len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return fuzz_frames_mutate(data, size, max, 1, seed, make_session);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct bf_digest digest;
    make_disk();
    bf_digest_of(&digest, disk_data, CHUNK);
    said.len = 1;
    greet(1, 0, 0, 0);
    say_durable(2);
    commit(argc, argv, 0);
    greet(1, 0, 1, 0);
    say_base(BF_CHUNK_DATA, 0, 1, &digest);
    say_base(BF_CHUNK_UNKNOWN, 1, 1, NULL);
    say_base(BF_CHUNK_ZERO, 2, 2, NULL);
    commit(argc, argv, 1);
    greet(1, 0, 0, 0);
    say_need(0, 1, 1);
    say_need(1, 3, 0);
    commit(argc, argv, 2);
    greet(1, 0, 0, 0);
    say_durable(1);
    say_cut();
    greet(1, 1, 0, 1);
    commit(argc, argv, 3);
    greet(1, 0, 1, 0);
    say_cut();
    greet(2, 0, 0, 0);
    commit(argc, argv, 4);
    return 0;
}
