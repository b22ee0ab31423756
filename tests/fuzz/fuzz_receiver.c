// SPDX-License-Identifier: Apache-2.0
// The whole receiver, fed with frames as a hostile machine would send them, over the store of the
// simulation, which aborts at anything the receiver should have judged. The first byte: 1, no
// greeting is put in front; 2, the machine has no certificate; 4, what the store has rots before it
// is sealed, and what comes behind COMMIT waits until the receiver waits for it; 8, digests and
// roots are made right, so that what is behind them is reached; 16, the greeting asks for an
// assessment. The second byte chooses how the
// bytes are cut. Mutation moves and changes frames of sound sessions (tests/fuzz_frames.h). The
// store is not asked for more than the bytes that came can be worth.
#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "migrate/compress.h"
#include "migrate/copy_time.h"
#include "migrate/receiver/receiver.h"
#include "tests/fuzz_frames.h"
#include "tests/fuzz_rng.h"
#include "tests/fuzz_seed.h"
#include "tests/platform_sim.h"
#include "tests/sim_store.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

enum {
    NO_GREETING = 1,
    NO_CERTIFICATE = 2,
    ROT = 4,
    RIGHT_SUMS = 8,
    ASSESS = 16,
    HEAD = 2,
    CHUNK = 32768,
    CHUNKS = 4,
    INPUT_MAX = 1 << 20,
    TURN_US = 20000,
    SILENT_US = 1000000,
    SEALING_TURNS = 6, // that the store takes, or less
    BUSY = 20000,      // turns with work after the last byte are too many
};

struct feed {
    const uint8_t *at;
    size_t left, step;
    size_t held; // behind COMMIT, when what is stored rots: it comes once the receiver waits for it
};
static struct sim_store store;
static const struct bf_geometry shape = {3 * 32768 + 512, 512, 32768}; // the last one is short

static enum bf_err feed_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct feed *f = impl;
    *done = f->left < size ? f->left : size;
    if (*done > f->step)
        *done = f->step;
    memcpy(bytes, f->at, *done);
    f->at += *done;
    f->left -= *done;
    return *done ? BF_OK : BF_AGAIN; // silence at the end
}

static enum bf_err feed_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    (void)impl;
    (void)bytes;
    *done = len;
    return BF_OK;
}

static void feed_poll(void *impl)
{
    (void)impl;
}

static enum bf_stream_state feed_state(void *impl)
{
    (void)impl;
    return BF_STREAM_OPEN;
}

static size_t feed_unsent(void *impl)
{
    (void)impl;
    return 0;
}

static const struct bf_fault *feed_fault(void *impl)
{
    (void)impl;
    return NULL;
}

static const struct bf_stream_ops feed_ops = {feed_write,  feed_read,  feed_poll, feed_state,
                                              feed_unsent, feed_fault, feed_poll};

static enum bf_err session(void *impl, const struct bf_hello *hello,
                           const struct bf_inventory *inventory, struct bf_receiver_session *out,
                           struct bf_fault *fault)
{
    (void)impl;
    (void)fault;
    memset(out->welcome.session, 1, 16);
    memcpy(out->welcome.name, "fuzz", 5);
    sim_store_open(&store, out->welcome.session, hello->boot);
    out->opened.disks = 1;
    out->opened.plan[0].geometry = shape;
    out->opened.plan[0].has_base = 1;
    out->opened.store = sim_store_interface(&store);
    return inventory->disks && inventory->disk[0].planned ? BF_OK : BF_ERR_MISMATCH;
}

static enum bf_err enrol(void *impl, const struct bf_enrol *request, uint8_t *certificate,
                         uint32_t *len, struct bf_fault *fault)
{
    (void)impl;
    (void)fault;
    memset(certificate, request->csr[0], BF_CERTIFICATE_MAX);
    *len = BF_CERTIFICATE_MAX;
    return BF_OK;
}

static enum bf_err unseen(void *impl, uint16_t ordinal, const struct bf_unseen *what,
                          struct bf_fault *fault)
{
    (void)impl;
    (void)fault;
    return ordinal < BF_UNSEEN_MAX && what->what[0] ? BF_OK : BF_ERR_RANGE;
}

static enum bf_err boot_entry(void *impl, uint16_t ordinal, const struct bf_boot_entry *what,
                              struct bf_fault *fault)
{
    (void)impl;
    (void)fault;
    if (ordinal >= BF_BOOT_ENTRIES_MAX || what->active > 1)
        __builtin_trap();
    return BF_OK;
}

static enum bf_err place(void *impl, const struct bf_place *what, struct bf_fault *fault)
{
    (void)impl;
    (void)fault;
    if (what->disk || what->count > BF_PLACE_SPANS_MAX)
        __builtin_trap();
    return BF_OK;
}

static uint32_t assessed;

static enum bf_err assess_begin(void *impl, const struct bf_hello *hello,
                                struct bf_welcome *welcome, struct bf_fault *fault)
{
    (void)impl;
    (void)fault;
    memcpy(welcome->name, "fuzz", 5);
    return hello->caps & BF_CAP_ASSESS ? BF_OK : BF_ERR_RANGE;
}

static enum bf_err assess(void *impl, const struct bf_assessment *found,
                          const struct bf_assessed *link, struct bf_fault *fault)
{
    struct bf_copy_time estimate;
    (void)impl;
    (void)fault;
    if (!found->disks || found->disks > BF_PROTO_DISKS_MAX || link->link > INT64_MAX)
        __builtin_trap();
    bf_copy_time(&estimate, found, link->link);
    if (estimate.used > estimate.bytes)
        __builtin_trap();
    assessed++;
    return BF_OK;
}

static size_t greeting(uint8_t *out, size_t size, int assesses)
{
    static struct bf_inventory inventory;
    struct bf_hello hello = {1, 1, BF_CAP_LZ4 | BF_CAP_ZSTD, {1}, {0}, 0, "fuzz"};
    if (assesses)
        hello.caps = BF_CAP_ASSESS;
    size_t len = bf_put_hello(out, size, &hello);
    if (assesses)
        return len;
    inventory.disks = 1;
    inventory.disk[0].planned = 1;
    inventory.disk[0].identity.bytes = shape.disk_bytes;
    inventory.disk[0].identity.block_size = shape.block_size;
    return len + bf_put_inventory(out + len, size - len, &inventory);
}

// ---- Right sums --------------------------------------------------------------------------------

// The root as the receiver follows it, over the frames that it may accept.
struct sums {
    struct bf_root root;
    struct bf_digest disk;
    int whole;
};

static void right_data(struct sums *sums, uint8_t *frame, const struct bf_data *m)
{
    uint8_t *digests = frame + (m->digests - frame);
    if (m->codec == BF_CODEC_NONE && m->raw_len == m->body_len)
        for (uint32_t i = 0, at = 0; i < m->count && at < m->body_len; i++, at += CHUNK)
            bf_digest_of((struct bf_digest *)(digests + i * sizeof(struct bf_digest)), m->body + at,
                         m->body_len - at < CHUNK ? m->body_len - at : CHUNK);
    if (m->first == sums->root.next_chunk)
        bf_root_add(&sums->root, BF_CHUNK_DATA, m->count, (const struct bf_digest *)digests);
}

static void right_frame(struct sums *sums, uint8_t *frame, size_t len)
{
    struct bf_frame f;
    struct bf_data data;
    struct bf_range range;
    struct bf_digest point;
    size_t need;
    if (bf_frame_parse(frame, len, &f, &need))
        return;
    if (f.type == BF_MSG_DATA && !bf_get_data(&f, &data))
        right_data(sums, frame, &data);
    if (f.type == BF_MSG_RANGE && !bf_get_range(&f, &range) && range.state < BF_CHUNK_UNKNOWN &&
        range.state != BF_CHUNK_DATA && range.first == sums->root.next_chunk)
        bf_root_add(&sums->root, range.state, range.count, NULL);
    if (!bf_root_final(&sums->root, &sums->disk))
        sums->whole = 1;
    if (f.type == BF_MSG_DISK_DONE && sums->whole && f.length >= 2 + sizeof sums->disk)
        memcpy(frame + len - sizeof sums->disk, &sums->disk, sizeof sums->disk);
    bf_point_root(&sums->disk, 1, &point);
    if (f.type == BF_MSG_COMMIT && sums->whole && f.length >= sizeof point)
        memcpy(frame + BF_FRAME_HEADER, &point, sizeof point);
}

static void right_sums(uint8_t *bytes, size_t len)
{
    struct sums sums = {0};
    bf_root_init(&sums.root, &shape);
    for (size_t at = 0, n; at < len; at += n) {
        n = fuzz_frame_length(bytes, len, at);
        right_frame(&sums, bytes + at, n);
    }
}

// ---- One run -----------------------------------------------------------------------------------

static void rot(void)
{
    for (uint64_t i = 0; i < shape.disk_bytes; i += CHUNK)
        sim_store_rot(&store, 0, i);
}

// The frames behind the first COMMIT wait.
static void hold(struct feed *feed)
{
    struct bf_frame frame;
    size_t need, len = 0;
    for (size_t at = 0; at < feed->left; at += len) {
        len = fuzz_frame_length(feed->at, feed->left, at);
        if (bf_frame_parse(feed->at + at, feed->left - at, &frame, &need) ||
            frame.type != BF_MSG_COMMIT)
            continue;
        feed->held = feed->left - at - len;
        feed->left = at + len;
    }
}

static void turns(struct bf_receiver *r, struct feed *feed, int rots)
{
    int idle, busy = 0, quiet = 0;
    if (rots)
        hold(feed);
    for (;;) {
        size_t left = feed->left;
        if (bf_receiver_step(r, bf_platform_now_us(), &idle) != BF_AGAIN)
            return;
        busy = idle || feed->left != left ? 0 : busy + 1;
        if (busy > BUSY)
            abort();
        if (rots && left && !feed->left)
            rot();
        quiet = idle && !feed->left ? quiet + 1 : 0;
        if (quiet == SEALING_TURNS) {
            feed->left = feed->held;
            feed->held = rots = 0;
        }
        sim_clock_advance(feed->left ? TURN_US : SILENT_US);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bf_receiver_host host = {.session = session,
                                                 .enrol = enrol,
                                                 .assess_begin = assess_begin,
                                                 .assess = assess,
                                                 .unseen = unseen,
                                                 .boot_entry = boot_entry,
                                                 .place = place};
    struct feed feed;
    size_t head = 0;
    uint8_t *all;
    if (size < HEAD || size > INPUT_MAX)
        return 0;
    assessed = 0;
    sim_platform_reset(1);
    sim_store_init(&store);
    sim_store_disk(&store, 0, &shape);
    all = malloc(4096 + size);
    if (!(data[0] & NO_GREETING))
        head = greeting(all, 4096, data[0] & ASSESS);
    memcpy(all + head, data + HEAD, size - HEAD);
    if (data[0] & RIGHT_SUMS)
        right_sums(all + head, size - HEAD);
    feed = (struct feed){all, head + size - HEAD, data[1] ? data[1] * 64u : 1, 0};

    struct bf_stream stream = {&feed_ops, &feed};
    struct bf_receiver *r =
        bf_receiver_new(stream, &host, !(data[0] & NO_CERTIFICATE), bf_platform_now_us());
    if (r)
        turns(r, &feed, data[0] & ROT);
    bf_receiver_free(r);
    if (store.writes > size / 16)
        abort(); // compressed data is worth more than itself, but not that much
    sim_store_free(&store);
    free(all);
    return 0;
}

// ---- Sound sessions ----------------------------------------------------------------------------

static struct {
    uint8_t bytes[1 << 18];
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

static void say_data(uint64_t first, uint8_t codec)
{
    static uint8_t chunk[CHUNK] = {1}, packed[2 * CHUNK];
    struct bf_digest digest;
    uint32_t bytes = bf_geometry_chunk_bytes(&shape, first);
    struct bf_data data = {.codec = codec,
                           .count = 1,
                           .first = first,
                           .raw_len = bytes,
                           .digests = digest.bytes,
                           .body_len = bytes};
    const uint8_t *body = chunk;
    bf_digest_of(&digest, chunk, bytes);
    if (codec != BF_CODEC_NONE) {
        struct bf_compressor *c = bf_compressor_new();
        size_t len = bf_compress(c, codec, 1, packed, sizeof packed, chunk, bytes);
        bf_compressor_free(c);
        if (!len)
            abort();
        data.body_len = (uint32_t)len;
        body = packed;
    }
    said.len += bf_put_data_head(room(), left(), &data);
    memcpy(room(), body, data.body_len);
    said.len += data.body_len;
}

static void say_range(uint8_t state, uint64_t first, uint64_t count)
{
    struct bf_range range = {.state = state, .first = first, .count = count};
    said.len += bf_put_range(room(), left(), &range);
}

static void say_checkpoint(uint64_t next)
{
    struct bf_checkpoint checkpoint = {0, next};
    said.len += bf_put_checkpoint(room(), left(), BF_MSG_CHECKPOINT, &checkpoint);
}

static void say_commit(void)
{
    struct bf_commit commit = {.clock = 1};
    said.len += bf_put_commit(room(), left(), &commit);
}

static void say_end(void)
{
    struct bf_disk_done done = {0};
    said.len += bf_put_disk_done(room(), left(), &done);
    say_commit();
}

static void say_found(void)
{
    struct bf_base_want want = {0, 0, CHUNKS};
    struct bf_unseen controller = {.what = "RAID controller"};
    struct bf_boot_entry debian = {3, 0, 1, "debian", ""};
    struct bf_place whole = {.name = "the whole disk", .what = "ext4"};
    struct bf_event event = {2, "hello"};
    struct bf_busy busy = {20000};
    said.len += bf_put_base_want(room(), left(), &want);
    said.len += bf_put_unseen(room(), left(), &controller);
    said.len += bf_put_boot_entry(room(), left(), &debian);
    said.len += bf_put_place(room(), left(), &whole);
    said.len += bf_put_event(room(), left(), &event);
    said.len += bf_put_busy(room(), left(), &busy);
}

static void say_assessment(uint32_t fills)
{
    struct bf_assessment found = {.compute = 1 << 20, .disks = 2};
    found.disk[1] = (struct bf_assessed_disk){1, 1 << 30, 1 << 20, 1 << 10, 9, 8, "S1"};
    for (uint32_t i = 0; i < fills; i++) {
        said.len += bf_put_fill_head(room(), left(), 64);
        memset(room(), 0, 64);
        said.len += 64;
    }
    said.len += bf_put_assessment(room(), left(), &found);
}

static void begin(uint8_t flags)
{
    said.bytes[0] = flags;
    said.bytes[1] = 255;
    said.len = HEAD;
}

// One that leads nowhere is none.
static void end(int *argc, char ***argv, unsigned number, uint32_t points)
{
    if (said.bytes[0] & RIGHT_SUMS)
        right_sums(said.bytes + HEAD, said.len - HEAD);
    LLVMFuzzerTestOneInput(said.bytes, said.len);
    if (store.points != points || assessed != (said.bytes[0] & ASSESS ? 1 : 0))
        abort();
    fuzz_seed(*argc, *argv, number, said.bytes, said.len);
    fuzz_frames_learn(said.bytes + HEAD, said.len - HEAD);
}

// One chunk or some, as data of any compression or as what needs none.
static uint64_t say_some(struct fuzz_rng *r, uint64_t first)
{
    static const uint8_t codecs[] = {BF_CODEC_NONE, BF_CODEC_LZ4, BF_CODEC_ZSTD};
    static const uint8_t states[] = {BF_CHUNK_ZERO, BF_CHUNK_UNUSED, BF_CHUNK_UNREADABLE};
    uint64_t count = 1 + fuzz_below(r, CHUNKS - first);
    if (fuzz_below(r, 2)) {
        say_data(first, codecs[fuzz_below(r, 3)]);
        return 1;
    }
    say_range(states[fuzz_below(r, 3)], first, count);
    return count;
}

// What is found, the copy with checkpoints, its end, and perhaps the repair of all that rotted.
static size_t make_session(struct fuzz_rng *r, uint8_t *out, size_t max)
{
    if (!fuzz_below(r, 8)) {
        begin(ASSESS);
        say_assessment(fuzz_below(r, 5));
        memcpy(out, said.bytes, said.len < max ? said.len : max);
        return said.len < max ? said.len : 0;
    }
    begin((uint8_t)(RIGHT_SUMS | (fuzz_below(r, 3) ? 0 : ROT)));
    said.bytes[1] = (uint8_t)fuzz_next(r);
    if (!fuzz_below(r, 4))
        say_found();
    for (uint64_t next = 0; next < CHUNKS;) {
        next += say_some(r, next);
        if (fuzz_below(r, 2))
            say_checkpoint(next);
    }
    say_end();
    if (said.bytes[0] & ROT) {
        for (uint64_t next = 0; next < CHUNKS;)
            next += say_some(r, next);
        say_commit();
    }
    if (said.len > max)
        return 0;
    memcpy(out, said.bytes, said.len);
    return said.len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return fuzz_frames_mutate(data, size, max, HEAD, seed, make_session);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct bf_unreadable bad = {0, 2 * CHUNK, 512};
    struct bf_enrol request = {.name = "fuzz", .csr = said.bytes, .csr_len = 40};
    begin(RIGHT_SUMS);
    say_found();
    say_data(0, BF_CODEC_NONE);
    say_range(BF_CHUNK_ZERO, 1, 3);
    say_checkpoint(CHUNKS);
    say_end();
    end(argc, argv, 0, 1);
    begin(RIGHT_SUMS);
    say_data(0, BF_CODEC_LZ4);
    say_checkpoint(1);
    say_data(1, BF_CODEC_ZSTD);
    say_range(BF_CHUNK_UNREADABLE, 2, 1);
    said.len += bf_put_unreadable(room(), left(), &bad);
    say_checkpoint(3);
    say_range(BF_CHUNK_UNUSED, 3, 1);
    say_end();
    end(argc, argv, 1, 1);
    begin(RIGHT_SUMS);
    say_range(BF_RANGE_SAME, 0, CHUNKS);
    say_checkpoint(CHUNKS);
    say_end();
    end(argc, argv, 2, 0);
    begin(RIGHT_SUMS | ROT);
    say_data(0, BF_CODEC_NONE);
    say_range(BF_CHUNK_ZERO, 1, 3);
    say_end();
    say_data(0, BF_CODEC_NONE);
    end(argc, argv, 3, 0);
    begin(NO_GREETING | NO_CERTIFICATE);
    said.len += bf_put_enrol(room(), left(), &request);
    end(argc, argv, 4, 0);
    begin(ASSESS);
    say_assessment(3);
    end(argc, argv, 90, 0);
    return 0;
}
