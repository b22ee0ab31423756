// SPDX-License-Identifier: Apache-2.0
// Manifest files. Runs must follow each other and stay on the disk; what was accepted is written
// again to a file with the same root. Since a random file never has the right root, the trailer is
// made to fit where the fuzzer asks for it by a last byte of 0xa5.
#include <stdlib.h>
#include <string.h>

#include "image/manifest.h"
#include "tests/fuzz_seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seed {
    uint8_t bytes[1024];
    size_t len;
};

static enum bf_err keep(void *user, const void *bytes, size_t len)
{
    struct seed *s = user;
    memcpy(s->bytes + s->len, bytes, len);
    s->len += len;
    return BF_OK;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const struct bf_geometry g = {20 * 32768 + 512, 512, 32768};
    static const struct bf_digest digests[3];
    struct bf_manifest_writer w;
    struct seed seed = {.len = 0};
    bf_manifest_begin(&w, &g, (struct bf_manifest_sink){keep, &seed});
    bf_manifest_add(&w, BF_CHUNK_DATA, 3, digests);
    bf_manifest_add(&w, BF_CHUNK_ZERO, 10, NULL);
    bf_manifest_add(&w, BF_CHUNK_UNUSED, 4, NULL);
    bf_manifest_add(&w, BF_CHUNK_UNREADABLE, 4, NULL);
    bf_manifest_end(&w, NULL);
    fuzz_seed(*argc, *argv, 0, seed.bytes, seed.len);
    seed.bytes[seed.len] = 0xa5;
    fuzz_seed(*argc, *argv, 1, seed.bytes, seed.len + 1);
    return 0;
}

struct bytes {
    const uint8_t *at;
    size_t left;
};

static enum bf_err give(void *user, void *out, size_t len, size_t *got)
{
    struct bytes *b = user;
    *got = b->left < len ? b->left : len;
    if (*got)
        memcpy(out, b->at, *got);
    b->at += *got;
    b->left -= *got;
    return BF_OK;
}

static enum bf_err swallow(void *user, const void *bytes, size_t len)
{
    (void)bytes;
    *(size_t *)user += len;
    return BF_OK;
}

// Reads all; *root of the chunks read when they were all there.
static enum bf_err read_all(struct bytes b, struct bf_manifest_writer *again, size_t *written,
                            struct bf_digest *root, int *complete)
{
    static struct bf_manifest_run run;
    struct bf_manifest_reader r;
    uint64_t next = 0;
    enum bf_err err = bf_manifest_open(&r, (struct bf_manifest_source){give, &b});
    *complete = 0;
    if (err)
        return err;
    if (bf_manifest_begin(again, &r.geometry, (struct bf_manifest_sink){swallow, written}))
        abort();
    while ((err = bf_manifest_next(&r, &run)) == BF_OK) {
        if (run.first != next || !run.count ||
            (run.state == BF_CHUNK_DATA && run.count > BF_MANIFEST_BATCH))
            abort();
        next += run.count;
        if (bf_manifest_add(again, run.state, run.count, run.digests))
            abort();
    }
    *complete = bf_root_final(&r.root, root) == BF_OK;
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_manifest_writer again;
    struct bf_digest root, root_again;
    size_t written = 0;
    int complete, fix = size > 48 && data[size - 1] == 0xa5;
    uint8_t *copy = malloc(size ? size : 1);
    enum bf_err err;
    memcpy(copy, data, size);
    size -= fix;
    err = read_all((struct bytes){copy, size}, &again, &written, &root, &complete);
    if (err == BF_ERR_CORRUPT && fix && complete) {
        memcpy(copy + size - sizeof root, &root, sizeof root);
        err = read_all((struct bytes){copy, size}, &again, &written, &root, &complete);
    }
    if (err == BF_ERR_CLOSED &&
        (!complete || bf_manifest_end(&again, &root_again) || !bf_digest_equal(&root, &root_again)))
        abort();
    free(copy);
    return 0;
}
