// SPDX-License-Identifier: Apache-2.0
// The simulated connection, see tests/sim_link.h. Each direction is a queue of segments with their
// time of arrival on the virtual clock.
#include "tests/sim_link.h"

#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "tests/platform_sim.h"

struct segment {
    struct segment *next;
    uint64_t arrives_us;
    size_t len, at;
    uint8_t bytes[];
};

struct pipe {
    struct segment *first, **last;
    size_t in_flight;
    uint64_t free_us;    // the wire is busy until then
    uint64_t arrives_us; // the last segment; none arrives before it
    int closed;          // by its writer
};

struct end {
    struct sim_link *link;
    enum sim_end which;
    int closed;
};

struct sim_link {
    struct sim_link_model model;
    struct pipe to[2];
    struct end end[2];
    uint64_t bytes, opens_us;
    int broken;
    uint64_t silent_until_us;
    struct bf_fault fault;
};

static void drop_segments(struct pipe *pipe)
{
    while (pipe->first) {
        struct segment *next = pipe->first->next;
        free(pipe->first);
        pipe->first = next;
    }
    pipe->last = &pipe->first;
    pipe->in_flight = 0;
}

static size_t some(const struct sim_link *link, size_t len)
{
    if (!link->model.fragment || len <= 1)
        return len;
    switch (sim_random() % 4) {
    case 0:
        return 1 + sim_random() % (len < 8 ? len : 8);
    case 1:
        return 1 + sim_random() % len;
    default:
        return len;
    }
}

static enum bf_err link_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct end *e = impl;
    struct sim_link *link = e->link;
    struct pipe *pipe = &link->to[!e->which];
    uint64_t now = bf_platform_now_us(), cost = 0;
    struct segment *s;
    *done = 0;
    if (link->broken)
        return BF_ERR_NETWORK;
    if (pipe->in_flight >= link->model.buffer)
        return BF_AGAIN;
    if (len > link->model.buffer - pipe->in_flight)
        len = link->model.buffer - pipe->in_flight;
    len = some(link, len);
    s = malloc(sizeof *s + len);
    memcpy(s->bytes, bytes, len);
    s->next = NULL;
    s->len = len;
    s->at = 0;
    if (link->model.bytes_per_second)
        cost = len * 1000000 / link->model.bytes_per_second;
    pipe->free_us = (pipe->free_us > now ? pipe->free_us : now) + cost;
    s->arrives_us = pipe->free_us + link->model.latency_us;
    if (link->model.jitter_us[!e->which])
        s->arrives_us += sim_random() % link->model.jitter_us[!e->which];
    if (s->arrives_us < pipe->arrives_us)
        s->arrives_us = pipe->arrives_us;
    pipe->arrives_us = s->arrives_us;
    if (link->model.mutate)
        link->model.mutate(link->model.user, e->which ? SIM_CLIENT : SIM_SERVER, s->bytes, len);
    *pipe->last = s;
    pipe->last = &s->next;
    pipe->in_flight += len;
    *done = len;
    return BF_OK;
}

static enum bf_err link_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct end *e = impl;
    struct sim_link *link = e->link;
    struct pipe *pipe = &link->to[e->which];
    struct segment *s = pipe->first;
    uint64_t now = bf_platform_now_us();
    size_t len;
    *done = 0;
    if (link->broken)
        return BF_ERR_NETWORK;
    if (now < link->silent_until_us)
        return BF_AGAIN;
    if (!s)
        return pipe->closed ? BF_ERR_CLOSED : BF_AGAIN;
    if (s->arrives_us > now || !size)
        return BF_AGAIN;
    len = s->len - s->at < size ? s->len - s->at : size;
    len = some(link, len);
    memcpy(bytes, s->bytes + s->at, len);
    s->at += len;
    pipe->in_flight -= len;
    if (s->at == s->len) {
        pipe->first = s->next;
        if (!pipe->first)
            pipe->last = &pipe->first;
        free(s);
    }
    *done = len;
    link->bytes += len;
    return BF_OK;
}

static void link_poll(void *impl)
{
    (void)impl;
}

static enum bf_stream_state link_state(void *impl)
{
    struct end *e = impl;
    if (e->link->broken)
        return BF_STREAM_FAILED;
    return bf_platform_now_us() < e->link->opens_us ? BF_STREAM_OPENING : BF_STREAM_OPEN;
}

static size_t link_unsent(void *impl)
{
    struct end *e = impl;
    return e->link->to[!e->which].in_flight;
}

static const struct bf_fault *link_fault(void *impl)
{
    struct end *e = impl;
    return e->link->broken ? &e->link->fault : NULL;
}

static void link_close(void *impl)
{
    struct end *e = impl;
    e->closed = 1;
    e->link->to[!e->which].closed = 1;
}

static const struct bf_stream_ops ops = {link_write,  link_read,  link_poll, link_state,
                                         link_unsent, link_fault, link_close};

struct sim_link *sim_link_new(const struct sim_link_model *model)
{
    struct sim_link *link = calloc(1, sizeof *link);
    link->model = *model;
    link->opens_us = bf_platform_now_us() + 2 * model->latency_us;
    for (int i = 0; i < 2; i++) {
        link->to[i].last = &link->to[i].first;
        link->end[i].link = link;
        link->end[i].which = (enum sim_end)i;
    }
    return link;
}

struct bf_stream sim_link_stream(struct sim_link *link, enum sim_end end)
{
    return (struct bf_stream){&ops, &link->end[end]};
}

void sim_link_reset(struct sim_link *link)
{
    link->broken = 1;
    bf_fault_set(&link->fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "wait", "connection reset");
}

void sim_link_silence(struct sim_link *link, uint64_t until_us)
{
    link->silent_until_us = until_us;
}

uint64_t sim_link_bytes(const struct sim_link *link)
{
    return link->bytes;
}

void sim_link_free(struct sim_link *link)
{
    if (!link)
        return;
    drop_segments(&link->to[0]);
    drop_segments(&link->to[1]);
    free(link);
}
