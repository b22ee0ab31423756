// SPDX-License-Identifier: Apache-2.0
// The engine alone: a sender over a source whose reads cost nothing, a receiver over a store that
// keeps nothing, and between them a pipe that seals and opens records as TLS does. The time of each
// end is counted by itself, in this thread. First on one core, without compression, beside what
// BLAKE3 and AES-GCM cost in series for the same bytes, and the pipeline by itself over a store in
// this process beside BLAKE3; then for each compression what the sender does in all, and what of it
// no worker could do: how much one loop can feed. Prints `NAME VALUE` lines in MB/s (10^6).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/platform.h"
#include "image/digest.h"
#include "migrate/copy/copy.h"
#include "migrate/receiver/receiver.h"
#include "migrate/sender.h"
#include "migrate/workers.h"
#include "net/tls/gcm_engine.h"

enum { RECORD = 16384, RECORDS = 64, DISK_MIB = 2048, CHUNK = 65536, PIPELINE_BYTES = 8 << 20 };

// ---- Source ------------------------------------------------------------------------------------

static int repeats;

static uint64_t next(uint64_t *seed)
{
    return *seed = *seed * 6364136223846793005u + 1442695040888963407u;
}

static enum bf_err null_submit(void *impl, struct bf_block_request *request)
{
    // Random once per place, so that nothing is zero; after that what is there is what was read.
    // Half of it comes again at once when it is to be compressed.
    static uint64_t seed = 1;
    uint64_t *words = request->data;
    (void)impl;
    for (uint32_t i = 0, end = words[0] ? 0 : request->count * 64; i < end; i++)
        words[i] = repeats && i % 8 > 3 ? words[i - 4] : next(&seed);
    request->status = BF_OK;
    request->done = 1;
    return BF_OK;
}

static void null_close(void *impl)
{
    (void)impl;
}

static const struct bf_block_ops null_ops = {"null", null_submit, NULL, null_close, NULL};

// ---- Store -------------------------------------------------------------------------------------

static struct bf_geometry shape;
static uint64_t durable;
static struct bf_digest sealed;

static enum bf_err store_base(void *impl, uint16_t disk, uint64_t first, uint32_t want,
                              enum bf_chunk_state *state, uint32_t *count, struct bf_digest *d)
{
    (void)impl, (void)disk, (void)first, (void)d;
    *state = BF_CHUNK_UNKNOWN;
    *count = want;
    return BF_OK;
}

static enum bf_err store_data(void *impl, struct bf_store_write *write)
{
    (void)impl, (void)write;
    return BF_OK;
}

static enum bf_err store_clear(void *impl, uint16_t disk, uint64_t first, uint64_t count,
                               enum bf_chunk_state state)
{
    (void)impl, (void)disk, (void)first, (void)count, (void)state;
    return BF_OK;
}

static enum bf_err store_checkpoint(void *impl, uint16_t disk, uint64_t next)
{
    (void)impl, (void)disk;
    durable = next;
    return BF_OK;
}

static uint64_t store_durable(void *impl, uint16_t disk)
{
    (void)impl, (void)disk;
    return durable;
}

static enum bf_err store_disk_done(void *impl, uint16_t disk, const struct bf_digest *root)
{
    (void)impl, (void)disk, (void)root;
    return BF_OK;
}

static enum bf_err store_seal(void *impl, const struct bf_store_seal *what)
{
    (void)impl;
    sealed = what->point_root;
    return BF_OK;
}

static enum bf_err store_seal_poll(void *impl, struct bf_store_progress *p, uint32_t *point,
                                   int64_t *at)
{
    (void)impl, (void)p;
    *point = 1;
    *at = 0;
    return BF_OK;
}

static enum bf_err store_need(void *impl, uint16_t *disk, uint64_t *first, uint64_t *count)
{
    (void)impl, (void)disk, (void)first, (void)count;
    return BF_ERR_NOT_FOUND;
}

static void nothing(void *impl)
{
    (void)impl;
}

static enum bf_err store_poll(void *impl)
{
    (void)impl;
    return BF_OK;
}

static const struct bf_fault *no_fault(void *impl)
{
    (void)impl;
    return NULL;
}

static enum bf_err store_restart(void *impl, uint16_t disk, uint64_t first)
{
    (void)impl;
    (void)disk;
    (void)first;
    return BF_OK;
}

static const struct bf_store_ops store_ops = {
    .base = store_base,
    .data = store_data,
    .clear = store_clear,
    .checkpoint = store_checkpoint,
    .restart = store_restart,
    .durable = store_durable,
    .disk_done = store_disk_done,
    .seal = store_seal,
    .seal_poll = store_seal_poll,
    .need = store_need,
    .poll = store_poll,
    .fault = no_fault,
};

// ---- Pipe --------------------------------------------------------------------------------------

struct record {
    uint32_t len, at;
    uint8_t opened, tag[BF_GCM_TAG];
    uint8_t bytes[RECORD];
};
struct pipe {
    struct record record[RECORDS];
    uint32_t first, count;
};
struct end {
    struct pipe *out, *in;
};

static const struct bf_gcm_engine *gcm;
static _Alignas(64) uint8_t gcm_key[8192];
static const uint8_t nonce[BF_GCM_NONCE], header[5];
static struct pipe to_server, to_client;

static enum bf_err pipe_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct pipe *p = ((struct end *)impl)->out;
    const uint8_t *at = bytes;
    *done = 0;
    while (p->count < RECORDS && *done < len) {
        struct record *r = &p->record[(p->first + p->count++) % RECORDS];
        r->len = len - *done < RECORD ? (uint32_t)(len - *done) : RECORD;
        r->at = r->opened = 0;
        gcm->seal(gcm_key, nonce, header, sizeof header, at + *done, r->bytes, r->len, r->tag);
        *done += r->len;
    }
    return *done ? BF_OK : BF_AGAIN;
}

static enum bf_err pipe_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct pipe *p = ((struct end *)impl)->in;
    *done = 0;
    while (p->count && *done < size) {
        struct record *r = &p->record[p->first];
        uint8_t tag[BF_GCM_TAG];
        if (!r->opened) {
            gcm->open(gcm_key, nonce, header, sizeof header, r->bytes, r->bytes, r->len, tag);
            if (memcmp(tag, r->tag, sizeof tag) != 0)
                return BF_ERR_CORRUPT;
            r->opened = 1;
        }
        size_t n = r->len - r->at < size - *done ? r->len - r->at : size - *done;
        memcpy((uint8_t *)bytes + *done, r->bytes + r->at, n);
        r->at += (uint32_t)n;
        *done += n;
        if (r->at == r->len) {
            p->first = (p->first + 1) % RECORDS;
            p->count--;
        }
    }
    return *done ? BF_OK : BF_AGAIN;
}

static enum bf_stream_state pipe_state(void *impl)
{
    (void)impl;
    return BF_STREAM_OPEN;
}

static size_t pipe_unsent(void *impl)
{
    return ((struct end *)impl)->out->count;
}

static const struct bf_stream_ops pipe_ops = {pipe_write,  pipe_read, nothing, pipe_state,
                                              pipe_unsent, no_fault,  nothing};
static struct end client = {&to_server, &to_client}, server = {&to_client, &to_server};

// ---- The run -----------------------------------------------------------------------------------

static enum bf_err open_session(void *impl, const struct bf_hello *hello,
                                const struct bf_inventory *inventory,
                                struct bf_receiver_session *out, struct bf_fault *fault)
{
    (void)impl, (void)hello, (void)inventory, (void)fault;
    memset(out->welcome.session, 1, 16);
    memcpy(out->welcome.name, "bench", 6);
    out->opened.disks = 1;
    out->opened.plan[0].geometry = shape;
    out->opened.store = (struct bf_store){&store_ops, NULL};
    return BF_OK;
}

static enum bf_err open_client(void *impl, uint32_t attempt, struct bf_stream *out, char *to,
                               size_t to_size, struct bf_fault *fault)
{
    (void)impl, (void)attempt, (void)to, (void)to_size, (void)fault;
    *out = (struct bf_stream){&pipe_ops, &client};
    return BF_OK;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// Jobs that the loop does because there are no workers (linked with --wrap).
static double in_jobs;
struct bf_task *__real_bf_workers_help(struct bf_workers *w);
struct bf_task *__wrap_bf_workers_help(struct bf_workers *w);

struct bf_task *__wrap_bf_workers_help(struct bf_workers *w)
{
    double start = seconds();
    struct bf_task *task = __real_bf_workers_help(w);
    in_jobs += seconds() - start;
    return task;
}

static struct bf_inventory inventory = {.disks = 1};
static struct bf_source_disk disk;
static struct bf_source_disk *const disks[] = {&disk};

static void set_up_disk(void)
{
    shape = (struct bf_geometry){(uint64_t)DISK_MIB << 20, 512, CHUNK};
    disk.ops = &null_ops;
    disk.geometry = (struct bf_block_geometry){.block_size = 512,
                                               .blocks = shape.disk_bytes / 512,
                                               .alignment = 512,
                                               .max_blocks = 2048,
                                               .preferred_blocks = 2048,
                                               .depth = 1,
                                               .blocking = 1};
    inventory.disk[0].identity.bytes = shape.disk_bytes;
    inventory.disk[0].identity.block_size = 512;
    inventory.disk[0].planned = 1;
}

// The pipeline and a store right here: reading, hashing, classes and the root, and nothing else.
static int run_pipeline(double *copying)
{
    static struct bf_progress progress;
    static struct bf_store_opened opened = {.store = {&store_ops, NULL}, .disks = 1};
    struct bf_copy_config config = {
        .inventory = &inventory, .disks = disks, .progress = &progress, .copy_all_why = ""};
    enum bf_err err = BF_AGAIN;
    set_up_disk();
    opened.plan[0] = (struct bf_planned_disk){.disks = 1, .geometry = shape};
    struct bf_copy *c = bf_copy_new(&config);
    double start = seconds();
    if (c && bf_copy_read_with(c, PIPELINE_BYTES) == BF_OK)
        bf_copy_begin(c, &opened, bf_platform_now_us());
    while (c && err == BF_AGAIN)
        err = bf_copy_step(c, bf_platform_now_us());
    *copying = seconds() - start;
    bf_copy_free(c);
    return err == BF_OK;
}

static int run_engine(uint8_t compression, double *sending, double *receiving)
{
    static const struct bf_receiver_host host = {.session = open_session};
    struct bf_sender_config config = {.connector = {.open = open_client},
                                      .inventory = &inventory,
                                      .disks = disks,
                                      .boot = {1},
                                      .compression = compression};
    enum bf_err err = BF_AGAIN;
    int idle;
    set_up_disk();
    struct bf_sender *s = bf_sender_new(&config, bf_platform_now_us());
    struct bf_receiver *r =
        bf_receiver_new((struct bf_stream){&pipe_ops, &server}, &host, 1, bf_platform_now_us());
    *sending = *receiving = 0;
    while (s && r && err == BF_AGAIN) {
        double start = seconds(), middle;
        err = bf_sender_step(s, bf_platform_now_us(), &idle);
        middle = seconds();
        bf_receiver_step(r, bf_platform_now_us(), &idle);
        *sending += middle - start;
        *receiving += seconds() - middle;
    }
    bf_sender_free(s);
    bf_receiver_free(r);
    return err == BF_OK;
}

// What the two algorithms cost by themselves, chunk after chunk, over memory as large as the
// engine's.
static double in_series(double *blake3)
{
    enum { BYTES = 8 << 20, ROUNDS = 64 };
    uint8_t *memory = malloc(BYTES), *out = malloc(RECORD), tag[BF_GCM_TAG];
    struct bf_digest digest;
    double start = seconds(), middle;
    memset(memory, 0x5a, BYTES);
    for (int i = 0; i < ROUNDS; i++)
        for (size_t at = 0; at < BYTES; at += CHUNK)
            bf_digest_of(&digest, memory + at, CHUNK);
    middle = seconds();
    for (int i = 0; i < ROUNDS; i++)
        for (size_t at = 0; at < BYTES; at += RECORD)
            gcm->seal(gcm_key, nonce, header, sizeof header, memory + at, out, RECORD, tag);
    double bytes = (double)BYTES * ROUNDS / 1e6, end = seconds();
    *blake3 = bytes / (middle - start);
    free(memory);
    free(out);
    return bytes / (end - start);
}

static void each_compression(void)
{
    static const char *const names[] = {"", "off", "lz4", "zstd"};
    double sending, receiving, bytes = (double)((uint64_t)DISK_MIB << 20) / 1e6;
    repeats = 1;
    for (uint8_t compression = 1; compression < 4; compression++) {
        in_jobs = 0;
        if (run_engine(compression, &sending, &receiving))
            printf("all-%s %.0f\nloop-%s %.0f\n", names[compression], bytes / sending,
                   names[compression], bytes / (sending - in_jobs));
    }
}

int main(void)
{
    double copying, sending, receiving, blake3, series,
        bytes = (double)((uint64_t)DISK_MIB << 20) / 1e6;
    for (const struct bf_gcm_engine *const *e = bf_gcm_engines; *e && !gcm; e++)
        if ((*e)->supported() && (*e)->key_size <= sizeof gcm_key)
            gcm = *e;
    if (!gcm) {
        printf("skip engine: no accelerated AES-GCM on this processor\n");
        return 0;
    }
    gcm->prepare(gcm_key, (const uint8_t *)"0123456789abcdef", 128);
    in_series(&blake3); // warm
    series = in_series(&blake3);
    if (!run_pipeline(&copying) || !run_engine(1, &sending, &receiving)) {
        printf("not ok engine\n");
        return 1;
    }
    each_compression();
    printf("blake3 %.0f\nseries %.0f\npipeline %.0f\nsender %.0f\nreceiver %.0f\nok engine\n",
           blake3, series, bytes / copying, bytes / sending, bytes / receiving);
    return 0;
}
