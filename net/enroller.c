// SPDX-License-Identifier: Apache-2.0
// The exchange that turns an enrolment key into a certificate: one ENROL frame out, one ENROLLED
// frame (or a FAULT) back, over a connection of its own on which only the server is verified.
#include "net/tls/enrol.h"

#include <string.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "net/proto/proto.h"

enum {
    OUT_MAX = BF_FRAME_HEADER + BF_NAME_MAX + 64 + BF_ENROL_CSR_MAX,
    IN_MAX = BF_FRAME_HEADER + 64 + BF_ENROL_CERTIFICATE_MAX,
};

struct bf_enroller {
    struct bf_stream stream;
    struct bf_identity identity;
    const uint8_t *root;
    size_t root_len;
    char name[BF_NAME_MAX];
    uint8_t enrol_key[32];
    size_t out_len, sent, in_len;
    uint8_t out[OUT_MAX], in[IN_MAX];
};

struct bf_enroller *bf_enroller_new(struct bf_stream stream, const char *name,
                                    const uint8_t enrol_key[32], const uint8_t *root,
                                    size_t root_len)
{
    struct bf_enroller *e = bf_alloc(sizeof *e);
    if (!e)
        return NULL;
    e->stream = stream;
    e->root = root;
    e->root_len = root_len;
    bf_snprintf(e->name, sizeof e->name, "%s", name);
    memcpy(e->enrol_key, enrol_key, sizeof e->enrol_key);
    return e;
}

static enum bf_err compose(struct bf_enroller *e, struct bf_fault *fault)
{
    uint8_t csr[BF_ENROL_CSR_MAX];
    struct bf_enrol message = {.csr = csr};
    size_t csr_len = 0;
    enum bf_err err = bf_enrol_new_key(&e->identity);
    if (err == BF_OK)
        err = bf_enrol_request(&e->identity, e->name, csr, &csr_len);
    if (err != BF_OK)
        return bf_fault_set(fault, err, BF_SIDE_SOURCE,
                            "check name= in the configuration, memory and random numbers",
                            "no key and certificate request could be made for %s: %s", e->name,
                            bf_err_name(err));
    message.csr_len = (uint32_t)csr_len;
    memcpy(message.name, e->name, sizeof message.name);
    memcpy(message.key, e->enrol_key, sizeof message.key);
    e->out_len = bf_put_enrol(e->out, sizeof e->out, &message);
    bf_wipe(message.key, sizeof message.key);
    if (e->out_len == 0)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_SOURCE, "report this as a defect",
                            "the enrolment request does not fit its frame");
    return BF_OK;
}

static enum bf_err broken(struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_PROTOCOL, BF_SIDE_SERVER,
                        "use the same version of Bootferry on both sides",
                        "the server's answer to the enrolment cannot be understood");
}

// One frame of the server.
static enum bf_err judge(struct bf_enroller *e, const struct bf_frame *f, struct bf_fault *fault)
{
    struct bf_enrolled answer;
    switch (f->type) {
    case BF_MSG_ENROLLED:
        if (bf_get_enrolled(f, &answer) != BF_OK)
            return broken(fault);
        return bf_enrol_accept(&e->identity, e->name, e->root, e->root_len, answer.certificate,
                               answer.certificate_len, fault);
    case BF_MSG_FAULT:
        if (bf_get_fault(f, fault) != BF_OK || fault->code == BF_OK || fault->code == BF_AGAIN)
            return broken(fault);
        return fault->code;
    case BF_MSG_PING:
    case BF_MSG_PONG:
        return BF_AGAIN; // a sign of life, and the answer follows
    default:
        return f->flags & BF_FRAME_OPTIONAL ? BF_AGAIN : broken(fault);
    }
}

static enum bf_err stream_failed(struct bf_enroller *e, struct bf_fault *fault)
{
    *fault = *e->stream.ops->fault(e->stream.impl);
    if (fault->code == BF_OK)
        bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_SERVER, "check the server's log",
                     "the server closed the connection during the enrolment");
    return fault->code;
}

static enum bf_err receive(struct bf_enroller *e, struct bf_fault *fault)
{
    struct bf_frame frame;
    size_t done = 0, need = 0;
    enum bf_err err = BF_OK;
    while (e->in_len < sizeof e->in && err == BF_OK) {
        err =
            e->stream.ops->read(e->stream.impl, e->in + e->in_len, sizeof e->in - e->in_len, &done);
        e->in_len += err == BF_OK ? done : 0;
    }
    for (;;) {
        enum bf_err parsed = bf_frame_parse(e->in, e->in_len, &frame, &need);
        if (parsed == BF_AGAIN && need <= sizeof e->in)
            break;
        if (parsed != BF_OK)
            return broken(fault);
        enum bf_err verdict = judge(e, &frame, fault);
        if (verdict != BF_AGAIN)
            return verdict;
        size_t whole = BF_FRAME_HEADER + frame.length;
        memmove(e->in, e->in + whole, e->in_len - whole);
        e->in_len -= whole;
    }
    return err == BF_OK || err == BF_AGAIN ? BF_AGAIN : stream_failed(e, fault);
}

enum bf_err bf_enroller_step(struct bf_enroller *e, struct bf_fault *fault)
{
    enum bf_err err;
    e->stream.ops->poll(e->stream.impl);
    switch (e->stream.ops->state(e->stream.impl)) {
    case BF_STREAM_OPENING:
        return BF_AGAIN;
    case BF_STREAM_FAILED:
        return stream_failed(e, fault);
    default:
        break;
    }
    if (e->out_len == 0) {
        err = compose(e, fault);
        if (err != BF_OK)
            return err;
    }
    while (e->sent < e->out_len) {
        size_t done = 0;
        err = e->stream.ops->write(e->stream.impl, e->out + e->sent, e->out_len - e->sent, &done);
        if (err != BF_OK)
            break; // reading tells why, if it is for good
        e->sent += done;
    }
    return receive(e, fault);
}

const struct bf_identity *bf_enroller_identity(const struct bf_enroller *e)
{
    return &e->identity;
}

void bf_enroller_free(struct bf_enroller *e)
{
    if (!e)
        return;
    bf_wipe(e, sizeof *e);
    bf_free(e);
}
