// SPDX-License-Identifier: Apache-2.0
// What anybody who answers on the server's port may send into the TLS client: the whole path from
// the stream below through mbedTLS and our judgement to the fault. The root is made once.
#include <string.h>

#include "net/tls.h"
#include "tests/net/pki_maker.h"

struct wire {
    const uint8_t *at;
    size_t left, piece;
    struct bf_fault fault;
};

static enum bf_err wire_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    *done = len;
    return BF_OK;
}

static enum bf_err wire_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct wire *w = impl;
    size_t len = w->piece < w->left ? w->piece : w->left;
    len = len < size ? len : size;
    if (len == 0)
        return BF_ERR_CLOSED;
    memcpy(bytes, w->at, len);
    w->at += len;
    w->left -= len;
    *done = len;
    return BF_OK;
}

static void wire_poll(void *impl)
{
}

static enum bf_stream_state wire_state(void *impl)
{
    return BF_STREAM_OPEN;
}

static size_t wire_unsent(void *impl)
{
    return 0;
}

static const struct bf_fault *wire_fault(void *impl)
{
    struct wire *w = impl;
    return &w->fault;
}

static void wire_close(void *impl)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bf_stream_ops ops = {wire_write,  wire_read,  wire_poll, wire_state,
                                             wire_unsent, wire_fault, wire_close};
    static uint8_t root[4096];
    static size_t root_len;
    struct bf_stream tls;
    struct bf_fault fault;
    if (root_len == 0) {
        struct test_pair pair = test_root("fuzz");
        root_len = test_certificate_der(&pair, root, sizeof root);
        test_pair_free(&pair);
    }
    if (size < 1)
        return 0;
    struct wire w = {data + 1, size - 1, 1u + data[0], {0}};
    struct bf_tls_config c = {
        .root = root, .root_len = root_len, .host = "server.test", .role = BF_TLS_ROLE_SERVER};
    if (bf_tls_open((struct bf_stream){&ops, &w}, &c, &tls, &fault) != BF_OK)
        return 0;
    for (size_t i = 0; i < 64 && tls.ops->state(tls.impl) == BF_STREAM_OPENING; i++)
        tls.ops->poll(tls.impl);
    if (tls.ops->state(tls.impl) == BF_STREAM_OPEN)
        __builtin_trap(); // nobody can answer for a root that was made just now
    if (tls.ops->state(tls.impl) == BF_STREAM_FAILED && !tls.ops->fault(tls.impl)->what[0])
        __builtin_trap();
    tls.ops->close(tls.impl);
    return 0;
}
