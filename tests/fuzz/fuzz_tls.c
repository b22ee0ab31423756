// SPDX-License-Identifier: Apache-2.0
// What anybody who answers on the server's port may send into the TLS client: the whole path from
// the stream below through mbedTLS and our judgement to the fault. Either the input is what comes,
// as it is; or it begins with "TLS!" and says how the records of a real server (OpenSSL, with a
// certificate of the root) are changed, after they were decrypted and before they are encrypted
// again: so what is behind the keys is reached. A handshake of which anything was changed must not
// succeed, and one of which nothing was must.
#include <string.h>

#include "base/bytes.h"
#include "net/tls/tls.h"
#include "replica/pki/kex.h"
#include "tests/fuzz_rng.h"
#include "tests/fuzz_seed.h"
#include "tests/net/pki_maker.h"
#include "tests/net/tls_peer.h"
#include "tests/net/tls_recoder.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

enum {
    TURNS = 64,
    MARK = 4,
    CHANGE = 8, // bytes
    CHANGES_MAX = 16,
    SPACE = 16, // of bytes that one change inserts or takes away
    HANDSHAKE = 22,
    FINISHED = 20,           // message
    HYBRID = 255,            // record
    CHANGE_CIPHER_SPEC = 20, // means nothing in TLS 1.3
};
static const char mark[] = "TLS!";
static struct test_pair root, server;
static uint8_t root_der[4096];
static size_t root_len;

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

static const struct bf_stream_ops wire_ops = {wire_write,  wire_read,  wire_poll, wire_state,
                                              wire_unsent, wire_fault, wire_close};

static struct bf_tls_config config(void)
{
    return (struct bf_tls_config){
        .root = root_der, .root_len = root_len, .host = "server.test", .role = BF_TLS_ROLE_SERVER};
}

static void judge(const struct bf_stream *tls)
{
    if (tls->ops->state(tls->impl) == BF_STREAM_FAILED && !tls->ops->fault(tls->impl)->what[0])
        __builtin_trap();
}

static void run_raw(const uint8_t *data, size_t size)
{
    struct wire w = {data + 1, size - 1, 1u + data[0], {0}};
    struct bf_tls_config c = config();
    struct bf_stream tls;
    struct bf_fault fault;
    if (bf_tls_open((struct bf_stream){&wire_ops, &w}, &c, &tls, &fault) != BF_OK)
        return;
    for (size_t i = 0; i < TURNS && tls.ops->state(tls.impl) == BF_STREAM_OPENING; i++)
        tls.ops->poll(tls.impl);
    if (tls.ops->state(tls.impl) == BF_STREAM_OPEN)
        __builtin_trap(); // nobody can answer for a root that was made just now
    judge(&tls);
    tls.ops->close(tls.impl);
}

// ---- A real server -----------------------------------------------------------------------------

static struct {
    struct tls_peer peer;
    struct tls_recoder recoder;
    struct peer_pipe down; // from the server, behind the recoder
    const uint8_t *change;
    size_t changes;
    int changed; // something of the handshake
} world;

static void insert(uint8_t *plain, size_t *len, size_t at, size_t count, uint8_t byte)
{
    if (*len + count > RECODER_PLAIN - 512)
        return;
    memmove(plain + at + count, plain + at, *len - at);
    memset(plain + at, byte, count);
    *len += count;
}

static void take_away(uint8_t *plain, size_t *len, size_t at, size_t count)
{
    count = count < *len - at ? count : *len - at;
    memmove(plain + at, plain + at + count, *len - at - count);
    *len -= count;
}

// One change. How often the record is sent then.
static int apply(const uint8_t *change, uint8_t *type, uint8_t *plain, size_t *len)
{
    size_t at = *len ? bf_le16(change + 2) % *len : 0, before = *len;
    uint32_t value = bf_le32(change + 4);
    switch (change[1] % 8) {
    case 0:
    case 1:
    case 2: // a number of one to three bytes, the first one first
        for (size_t i = 0; i <= change[1] % 8u && at + i < *len; i++)
            plain[at + i] = (uint8_t)(value >> 8 * i);
        break;
    case 3:
        take_away(plain, len, at, value % SPACE);
        break;
    case 4:
        insert(plain, len, at, value % SPACE, (uint8_t)(value >> 8));
        break;
    case 5:
        *type = (uint8_t)value;
        break;
    case 6:
        return (int)(value % 3);
    default: // nothing, in most records
        break;
    }
    // The length of the message may go with it.
    if (*type == HANDSHAKE && *len != before && *len >= 4 && change[1] & 0x80)
        bf_put_be16(plain + 2, (uint16_t)(*len - 4));
    return 1;
}

static int on_record(void *user, uint32_t number, uint8_t *type, uint8_t *plain, size_t *len)
{
    uint8_t was[RECODER_PLAIN], was_type = *type;
    size_t was_len = *len;
    int times = 1, last, same;
    (void)user;
    memcpy(was, plain, *len);
    for (size_t i = 0; i < world.changes; i++)
        if (world.change[i * CHANGE] % 16 == number % 16)
            times = apply(world.change + i * CHANGE, type, plain, len);
    if (world.recoder.stage || was_type == CHANGE_CIPHER_SPEC)
        return times;
    // What follows Finished comes when the handshake is over.
    last = was_type == HANDSHAKE && was[0] == FINISHED;
    same = *type == was_type && (last ? *len >= was_len : *len == was_len) &&
           memcmp(was, plain, was_len) == 0;
    world.changed |= !times || !same || (times > 1 && !last);
    return times;
}

static enum bf_err middle_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct bf_stream stream = tls_peer_stream(&world.peer);
    (void)impl;
    return stream.ops->write(stream.impl, bytes, len, done);
}

static enum bf_err middle_read(void *impl, void *bytes, size_t size, size_t *done)
{
    (void)impl;
    *done = world.down.len < size ? world.down.len : size;
    memcpy(bytes, world.down.bytes, *done);
    memmove(world.down.bytes, world.down.bytes + *done, world.down.len - *done);
    world.down.len -= *done;
    return *done ? BF_OK : world.peer.closed ? BF_ERR_CLOSED : BF_AGAIN;
}

static const struct bf_fault *middle_fault(void *impl)
{
    (void)impl;
    return &world.peer.fault;
}

static const struct bf_stream_ops middle_ops = {middle_write, middle_read,  wire_poll, wire_state,
                                                wire_unsent,  middle_fault, wire_close};

static void turn(struct bf_stream *tls)
{
    struct peer_pipe *from = &world.peer.down, *to = &world.down;
    size_t taken;
    tls->ops->poll(tls->impl);
    tls_peer_turn(&world.peer);
    taken =
        tls_recoder_move(&world.recoder, from->bytes, from->len, to->bytes, &to->len, PEER_PIPE);
    memmove(from->bytes, from->bytes + taken, from->len - taken);
    from->len -= taken;
}

static void talk(struct bf_stream *tls)
{
    uint8_t bytes[4096];
    size_t done;
    tls_peer_write(&world.peer, root_der, 600);
    tls_peer_write(&world.peer, root_der, 1);
    for (int i = 0; i < 8 && tls->ops->state(tls->impl) == BF_STREAM_OPEN; i++) {
        turn(tls);
        tls->ops->write(tls->impl, bytes, 1, &done);
        tls->ops->read(tls->impl, bytes, sizeof bytes, &done);
        if (i == 4)
            tls_peer_shutdown(&world.peer);
    }
}

static int run_session(const uint8_t *data, size_t size)
{
    struct bf_tls_config c = config();
    struct bf_stream tls;
    struct bf_fault fault;
    int open, hybrid;
    memset(&world.recoder, 0, sizeof world.recoder);
    world.down.len = 0;
    world.change = data;
    world.changes = size / CHANGE < CHANGES_MAX ? size / CHANGE : CHANGES_MAX;
    world.changed = 0;
    world.recoder.change = on_record;
    // A change of a record that is never there asks for the hybrid key exchange, which takes four
    // times as long under the sanitizers.
    if (size >= CHANGE && data[0] == HYBRID)
        tls_peer_init_with(&world.peer, bf_kex_context(&hybrid), &server, &root, 0);
    else
        tls_peer_init(&world.peer, &server, &root, 0);
    tls_recoder_init(&world.recoder, &world.peer);
    if (bf_tls_open((struct bf_stream){&middle_ops, NULL}, &c, &tls, &fault) != BF_OK)
        __builtin_trap();
    for (size_t i = 0; i < TURNS && tls.ops->state(tls.impl) == BF_STREAM_OPENING; i++)
        turn(&tls);
    open = tls.ops->state(tls.impl) == BF_STREAM_OPEN;
    if (open && world.changed)
        __builtin_trap();
    if (open)
        talk(&tls);
    judge(&tls);
    tls.ops->close(tls.impl);
    tls_peer_free(&world.peer);
    return open;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= MARK && memcmp(data, mark, MARK) == 0)
        run_session(data + MARK, size - MARK);
    else if (size)
        run_raw(data, size);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    struct fuzz_rng r = {seed};
    size_t changes = size < MARK ? 0 : (size - MARK) / CHANGE, at;
    if (size < MARK || memcmp(data, mark, MARK) != 0)
        return LLVMFuzzerMutate(data, size, max);
    if ((!changes || !fuzz_below(&r, 3)) && changes < CHANGES_MAX &&
        MARK + (changes + 1) * CHANGE <= max)
        changes++;
    else if (changes && !fuzz_below(&r, 6))
        changes--;
    if (!changes)
        return MARK;
    at = MARK + fuzz_below(&r, changes) * CHANGE;
    if (MARK + changes * CHANGE > size)
        at = MARK + (changes - 1) * CHANGE;
    for (size_t i = 0; i < CHANGE; i++)
        if (at + i >= size || fuzz_below(&r, 3))
            data[at + i] = (uint8_t)(i < 2 ? fuzz_next(&r) : fuzz_number(&r));
    data[at + 3] &= 3; // records are short
    return MARK + changes * CHANGE;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    // Record 1 is CHANGE_CIPHER_SPEC; what is encrypted follows.
    static uint8_t seed[MARK + CHANGE], hybrid[MARK + 2 * CHANGE];
    root = test_root("fuzz");
    server = test_server(&root);
    root_len = test_certificate_der(&root, root_der, sizeof root_der);
    memcpy(seed, mark, MARK);
    if (!run_session(seed + MARK, 0) || world.recoder.records < 6)
        __builtin_trap(); // a seed that leads nowhere is none
    fuzz_seed(*argc, *argv, 0, seed, MARK);
    memset(hybrid, 0, sizeof hybrid);
    memcpy(hybrid, mark, MARK);
    hybrid[MARK] = HYBRID;
    fuzz_seed(*argc, *argv, 9, hybrid, MARK + CHANGE);
    hybrid[MARK + CHANGE + 2] = 7; // and the ServerHello is changed
    fuzz_seed(*argc, *argv, 10, hybrid, sizeof hybrid);
    for (uint8_t record = 0; record < 8; record++) {
        seed[MARK] = record;
        seed[MARK + 2] = 7;
        fuzz_seed(*argc, *argv, 1u + record, seed, sizeof seed);
    }
    return 0;
}
