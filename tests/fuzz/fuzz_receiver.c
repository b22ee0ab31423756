// SPDX-License-Identifier: Apache-2.0
// The whole receiver, fed with raw bytes as a hostile machine would send them, over the store of
// the simulation, which aborts at anything the receiver should have judged. A greeting is put in
// front, unless the first byte is odd. The second byte chooses how the bytes are cut.
#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "migrate/receiver.h"
#include "tests/fuzz_seed.h"
#include "tests/platform_sim.h"
#include "tests/sim_store.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct feed {
    const uint8_t *at;
    size_t left, step;
};
static struct sim_store store;
static const struct bf_geometry shape = {3 * 32768 + 512, 512, 32768};

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
    out->disks = 1;
    out->plan[0].geometry = shape;
    out->plan[0].has_base = 1;
    out->store = sim_store_interface(&store);
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

static enum bf_err place(void *impl, const struct bf_place *what, struct bf_fault *fault)
{
    (void)impl;
    (void)fault;
    if (what->disk || what->count > BF_PLACE_SPANS_MAX)
        __builtin_trap();
    return BF_OK;
}

static size_t greeting(uint8_t *out, size_t size)
{
    static struct bf_inventory inventory;
    struct bf_hello hello = {1, 1, BF_CAP_LZ4 | BF_CAP_ZSTD, {1}, {0}, 0, "fuzz"};
    size_t len = bf_put_hello(out, size, &hello);
    inventory.disks = 1;
    inventory.disk[0].planned = 1;
    inventory.disk[0].identity.bytes = shape.disk_bytes;
    inventory.disk[0].identity.block_size = shape.block_size;
    return len + bf_put_inventory(out + len, size - len, &inventory);
}

// A sound migration of the little disk: data, zeros, the short last chunk, DISK_DONE, COMMIT.
static size_t migration(uint8_t *out, size_t size)
{
    static const uint8_t chunk[32768] = {1};
    struct bf_digest digest, root, point;
    struct bf_data data = {
        .count = 1, .raw_len = sizeof chunk, .digests = digest.bytes, .body_len = sizeof chunk};
    struct bf_range zero = {.state = BF_CHUNK_ZERO, .first = 1, .count = 3};
    struct bf_checkpoint checkpoint = {0, 4};
    struct bf_disk_done done;
    struct bf_commit commit = {.clock = 1};
    struct bf_base_want want = {0, 0, 4};
    struct bf_unseen controller = {.what = "RAID controller"};
    struct bf_place whole = {.name = "the whole disk", .what = "ext4"};
    struct bf_root r;
    size_t len = bf_put_base_want(out, size, &want);
    len += bf_put_unseen(out + len, size - len, &controller);
    len += bf_put_place(out + len, size - len, &whole);
    bf_digest_of(&digest, chunk, sizeof chunk);
    len += bf_put_data_head(out + len, size - len, &data);
    memcpy(out + len, chunk, sizeof chunk);
    len += sizeof chunk;
    len += bf_put_range(out + len, size - len, &zero);
    len += bf_put_checkpoint(out + len, size - len, BF_MSG_CHECKPOINT, &checkpoint);
    bf_root_init(&r, &shape);
    bf_root_add(&r, BF_CHUNK_DATA, 1, &digest);
    bf_root_add(&r, BF_CHUNK_ZERO, 3, NULL);
    bf_root_final(&r, &root);
    done = (struct bf_disk_done){0, root};
    len += bf_put_disk_done(out + len, size - len, &done);
    bf_point_root(&root, 1, &point);
    commit.point_root = point;
    return len + bf_put_commit(out + len, size - len, &commit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bf_receiver_host host = {
        .session = session, .enrol = enrol, .unseen = unseen, .place = place};
    struct feed feed;
    size_t head = 0;
    uint8_t *all;
    if (size < 2 || size > 1 << 20)
        return 0;
    sim_platform_reset(1);
    sim_store_init(&store);
    sim_store_disk(&store, 0, &shape);
    all = malloc(4096 + size);
    if (!(data[0] & 1))
        head = greeting(all, 4096);
    memcpy(all + head, data + 2, size - 2);
    feed = (struct feed){all, head + size - 2, data[1] ? data[1] * 64u : 1};

    struct bf_stream stream = {&feed_ops, &feed};
    struct bf_receiver *r = bf_receiver_new(stream, &host, !(data[0] & 2), bf_platform_now_us());
    int idle;
    for (int i = 0; r && i < 100000; i++) {
        if (bf_receiver_step(r, bf_platform_now_us(), &idle) != BF_AGAIN)
            break;
        sim_clock_advance(100000);
    }
    bf_receiver_free(r);
    sim_store_free(&store);
    free(all);
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t seed[65536] = {0, 255};
    struct bf_enrol request = {.name = "fuzz", .csr = seed, .csr_len = 40};
    size_t len = 2 + migration(seed + 2, sizeof seed - 2);
    LLVMFuzzerTestOneInput(seed, len);
    if (store.points != 1)
        abort(); // a seed that leads nowhere is none
    fuzz_seed(*argc, *argv, 0, seed, len);
    seed[0] = 3;
    fuzz_seed(*argc, *argv, 1, seed, 2 + bf_put_enrol(seed + 2, 4096, &request));
    return 0;
}
