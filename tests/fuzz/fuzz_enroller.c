// SPDX-License-Identifier: Apache-2.0
// What a server may answer to an enrolment: any bytes, in pieces of any size, and an end anywhere.
#include <string.h>

#include "net/tls/enrol.h"

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

static const struct bf_fault *wire_fault(void *impl)
{
    struct wire *w = impl;
    return &w->fault;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bf_stream_ops ops = {
        .write = wire_write,
        .read = wire_read,
        .poll = wire_poll,
        .state = wire_state,
        .fault = wire_fault,
    };
    static const uint8_t key[32] = {1}, root[4] = {0x30, 2, 5, 0};
    struct bf_fault fault = {0};
    if (size < 1)
        return 0;
    struct wire w = {data + 1, size - 1, 1u + data[0], {0}};
    struct bf_enroller *e =
        bf_enroller_new((struct bf_stream){&ops, &w}, "web1", key, root, sizeof root);
    enum bf_err err = BF_AGAIN;
    for (size_t i = 0; e && err == BF_AGAIN && i <= size; i++)
        err = bf_enroller_step(e, &fault);
    if (e && (err == BF_OK || err == BF_AGAIN || fault.code != err))
        __builtin_trap();
    bf_enroller_free(e);
    return 0;
}
