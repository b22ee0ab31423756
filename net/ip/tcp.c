// SPDX-License-Identifier: Apache-2.0
// TCP over lwIP's raw interface as a stream, with two rings. What is written is copied once into
// the output ring, and lwIP refers to it there until it has been acknowledged; what comes in is
// copied into the input ring at once, so frames go back to their pool and memory is bounded by the
// rings whatever the sizes of segments are. After close the output ring lives on until the last
// byte is acknowledged.
//
// What is lost and how much may be under way is the matter of net/ip/loss.c. With a peer that sends
// no selective acknowledgements lwIP retransmits one segment when duplicate acknowledgements say so
// and leaves further ones of the same window to its timer. NewReno (RFC 6582) is added here for
// that: an acknowledgement that is still short of what was under way when the loss was seen means
// that the next segment is missing, too.
//
// The receive window begins small and doubles while nothing is lost, up to what the pool of frames
// can back; where segments go missing (a NIC with a small receive ring) it is halved. lwIP has one
// window for all connections: the difference is held back from what it is told to have been read.
//
// Connections that share the data (bf_tcp_share) share the memory, too, and take no more output
// than what is under way and as much again, so that what one cannot send goes out over another.
#include "net/ip/tcp.h"

#include <string.h>

#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "net/ip/loss.h"
#include "net/ip/lwip_hooks.h"
#include "net/ip/lwip_port.h"

enum {
    OUT_MOST = TCP_SND_BUF,
    OUT_SHARED = 4 * 1024 * 1024, // of all that share
    OUT_LEAST = 64 * 1024,
    IN_LEAST = 128 * 1024, // at least what the first, unscaled window allows
    WINDOW_FIRST = 256 * 1024,
    WINDOW_LEAST = 4,   // segments
    PATIENCE_FIRST = 4, // windows without loss before it grows
    PATIENCE_MOST = 64,
    WRITE_MOST = 32 * 1024, // in one call of lwIP, whose lengths have 16 bits
    OUTPUT_DUE = 128 * 1024,
    TIMEOUTS = 3,        // in a row, until a black hole is suspected
    BACKLOG = 64 * 1024, // of output that waits although nothing is under way
};

struct tcp {
    struct tcp *next;
    struct tcp_pcb *pcb; // NULL once lwIP has let go of it
    enum bf_stream_state state;
    struct bf_fault fault;
    const struct bf_peer *peer;
    char to[320];
    struct bf_loss *loss;
    uint8_t *out, *in;
    uint32_t out_size, in_size;
    uint64_t acked, queued;  // of the output, positions since the beginning
    uint64_t flushed;        // queued when lwIP was last asked to send
    uint64_t read, received; // of the input
    uint32_t window, held;   // the wanted window; how much of lwIP's is held back
    uint64_t window_since;   // read when the window was last changed
    uint32_t patience;
    uint32_t recover; // sequence number up to which a loss is being repaired
    uint8_t recovering;
    uint8_t lossy; // segments were missing since then
    uint8_t peer_ended, closed;
    uint8_t small; // segments are smaller than the NIC allows, for the path's sake
};

static struct tcp *all;
static uint32_t sharing = 1;

static void release(struct tcp *t)
{
    struct tcp **at = &all;
    BF_ASSERT(!t->pcb); // lwIP may call no more
    while (*at != t) {
        BF_ASSERT(*at);
        at = &(*at)->next;
    }
    *at = t->next;
    bf_loss_free(t->loss);
    bf_free(t->out);
    bf_free(t->in);
    bf_free(t);
}

static void let_go(struct tcp *t)
{
    BF_ASSERT(t->pcb->callback_arg == t);
    tcp_arg(t->pcb, NULL);
    tcp_recv(t->pcb, NULL);
    tcp_sent(t->pcb, NULL);
    tcp_err(t->pcb, NULL);
    t->pcb = NULL;
}

static void abort_pcb(struct tcp *t)
{
    struct tcp_pcb *pcb = t->pcb;
    if (!pcb)
        return;
    let_go(t);
    tcp_abort(pcb);
}

// ---- The receive window ------------------------------------------------------------------------

static void adapt_window(struct tcp *t)
{
    uint32_t most = bf_lwip_window() / sharing, least = WINDOW_LEAST * TCP_MSS;
    uint64_t since = t->read - t->window_since;
    BF_ASSERT(t->read >= t->window_since && t->window && t->window <= t->in_size);
    if (most > t->in_size)
        most = t->in_size;
    if (t->pcb)
        least = WINDOW_LEAST * (uint32_t)t->pcb->mss;
    if (t->lossy && since >= t->window / 2) {
        t->window = t->window / 2 > least ? t->window / 2 : least;
        t->patience = t->patience * 2 < PATIENCE_MOST ? t->patience * 2 : PATIENCE_MOST;
    } else if (!t->lossy && since >= (uint64_t)t->patience * t->window) {
        t->window = t->window * 2 < most ? t->window * 2 : most;
    } else {
        return;
    }
    t->lossy = 0;
    t->window_since = t->read;
}

// Tells lwIP that len bytes were read, as far as the wanted window allows.
static void return_window(struct tcp *t, uint32_t len)
{
    uint32_t hold = TCP_WND_MAX(t->pcb) > t->window ? TCP_WND_MAX(t->pcb) - t->window : 0;
    uint32_t give = len;
    BF_ASSERT(t->held <= TCP_WND_MAX(t->pcb));
    if (hold > t->held) {
        uint32_t keep = hold - t->held < len ? hold - t->held : len;
        t->held += keep;
        give -= keep;
    } else {
        give += t->held - hold;
        t->held = hold;
    }
    for (; give > 0xffff; give -= 0xffff)
        tcp_recved(t->pcb, 0xffff);
    tcp_recved(t->pcb, (u16_t)give);
}

// ---- What lwIP calls ---------------------------------------------------------------------------

static uint8_t *ring(uint32_t most, uint32_t least, uint32_t *size)
{
    uint8_t *memory = NULL;
    BF_ASSERT(least && most >= least);
    for (*size = most; !memory && *size >= least; *size /= 2) {
        memory = bf_alloc(*size);
        if (memory)
            break;
    }
    return memory;
}

// Not before it is connected: of several attempts, one gets so far.
static int make_room(struct tcp *t)
{
    uint32_t window = bf_lwip_window() / sharing, shared = OUT_SHARED / sharing;
    BF_ASSERT(!t->out && !t->in && !t->loss);
    t->out = ring(shared < OUT_MOST ? shared : OUT_MOST, OUT_LEAST, &t->out_size);
    t->in = ring(window > IN_LEAST ? window : IN_LEAST, IN_LEAST, &t->in_size);
    t->loss = bf_loss_new();
    t->window = WINDOW_FIRST < t->in_size ? WINDOW_FIRST : t->in_size;
    t->patience = PATIENCE_FIRST;
    return t->out && t->in && t->loss;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct tcp *t = arg;
    BF_ASSERT(t->pcb == pcb && t->state == BF_STREAM_OPENING && !t->closed);
    if (!make_room(t)) {
        bf_fault_set(&t->fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                     "no memory for a connection");
        t->state = BF_STREAM_FAILED;
        abort_pcb(t);
        return ERR_ABRT;
    }
    t->state = BF_STREAM_OPEN;
    tcp_nagle_disable(pcb);
    // Before the first acknowledgement goes out, so the peer never sees the larger window.
    t->held = TCP_WND_MAX(pcb) > t->window ? TCP_WND_MAX(pcb) - t->window : 0;
    BF_ASSERT(t->held <= pcb->rcv_wnd);
    pcb->rcv_wnd -= t->held;
    pcb->rcv_ann_wnd = pcb->rcv_wnd;
    bf_loss_begin(t->loss, pcb, bf_platform_now_us());
    return ERR_OK;
}

static void take_in(struct tcp *t, const uint8_t *bytes, uint32_t len)
{
    uint32_t at = (uint32_t)(t->received % t->in_size);
    BF_ASSERT(t->in && len <= t->in_size - (t->received - t->read));
    uint32_t part = t->in_size - at < len ? t->in_size - at : len;
    memcpy(t->in + at, bytes, part);
    memcpy(t->in, bytes + part, len - part);
    t->received += len;
}

static void take_out(struct tcp *t, uint8_t *bytes, size_t len)
{
    uint32_t at = (uint32_t)(t->read % t->in_size);
    size_t part = t->in_size - at < len ? t->in_size - at : len;
    BF_ASSERT(t->in && len <= t->received - t->read);
    memcpy(bytes, t->in + at, part);
    memcpy(bytes + part, t->in, len - part);
    t->read += len;
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct tcp *t = arg;
    BF_ASSERT(t->pcb == pcb && !t->closed);
    if (!p) {
        t->peer_ended = 1;
        return ERR_OK;
    }
    if (p->tot_len > t->in_size - (t->received - t->read))
        return ERR_MEM; // lwIP keeps it and offers it again
    for (const struct pbuf *q = p; q; q = q->next)
        take_in(t, q->payload, q->len);
    pbuf_free(p);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct tcp *t = arg;
    BF_ASSERT(t->pcb == pcb && len <= t->queued - t->acked);
    t->acked += len;
    if (bf_loss_acts(t->loss))
        bf_loss_acked(t->loss, pcb);
    else if (t->recovering && pcb->unacked && TCP_SEQ_LT(pcb->lastack, t->recover))
        tcp_rexmit(pcb); // sent when this callback has returned
    else
        t->recovering = 0;
    if (t->closed && t->acked == t->queued) {
        let_go(t);
        release(t);
    }
    return ERR_OK;
}

// lwIP gives up after its retransmissions, or has freed the connection for want of memory.
static void lost(struct tcp *t, err_t err)
{
    bf_log(BF_LOG_DEBUG, "lwIP: error %d", (int)err);
    bf_fault_set(&t->fault, BF_ERR_NETWORK, BF_SIDE_NETWORK, "", "%s no longer answers", t->to);
    bf_fault_todo(&t->fault, "see whether the %s is up and the network to it works", t->peer->word);
}

static void was_reset(struct tcp *t)
{
    int opening = t->state == BF_STREAM_OPENING;
    bf_fault_set(&t->fault, BF_ERR_NETWORK, t->peer->side, "", "%s %s the connection", t->to,
                 opening ? "refused" : "reset");
    if (opening)
        bf_fault_todo(&t->fault, "see whether %s runs there and listens on that port",
                      t->peer->program);
    else
        bf_fault_todo(&t->fault,
                      "see whether the %s was restarted, or a firewall in between cuts connections",
                      t->peer->word);
}

static void on_error(void *arg, err_t err)
{
    struct tcp *t = arg;
    BF_ASSERT(t->pcb);
    t->pcb = NULL; // lwIP has freed it
    if (t->closed) {
        release(t);
        return;
    }
    if (err == ERR_RST)
        was_reset(t);
    else
        lost(t, err);
    t->state = BF_STREAM_FAILED;
}

void bf_tcp_received(struct tcp_pcb *pcb, const struct tcp_hdr *header, uint16_t options_len,
                     uint16_t first_len, const uint8_t *rest)
{
    const struct tcp *t = pcb->callback_arg;
    uint8_t options[TCP_MAX_OPTION_BYTES];
    size_t len = options_len < sizeof options ? options_len : sizeof options;
    size_t first = first_len < len ? first_len : len;
    if (pcb->state < ESTABLISHED || pcb->state == TIME_WAIT || !t ||
        !(TCPH_FLAGS(header) & TCP_ACK))
        return;
    BF_ASSERT(t->pcb == pcb && t->loss);
    memcpy(options, header + 1, first);
    if (rest)
        memcpy(options + first, rest, len - first);
    else
        len = first;
    bf_loss_received(t->loss, pcb, header->ackno, options, len, bf_platform_now_us());
}

uint32_t *bf_tcp_sending(const struct pbuf *p, const struct tcp_hdr *header,
                         const struct tcp_pcb *pcb, uint32_t *options)
{
    const struct tcp *t = pcb ? pcb->callback_arg : NULL; // a reset may belong to none
    uint32_t len = (uint32_t)p->tot_len - TCPH_HDRLEN_BYTES(header);
    BF_ASSERT(!t || !len || t->loss); // there is data once it is connected
    if (t && len)
        bf_loss_sent(t->loss, lwip_ntohl(header->seqno), len, bf_platform_now_us());
    return options;
}

// ---- The path's MTU ----------------------------------------------------------------------------

// Cuts what waits into segments that fit. lwIP can do that with the first one of a list.
static void cut_unsent(struct tcp_pcb *pcb)
{
    struct tcp_seg **from = &pcb->unsent, *all_unsent = pcb->unsent;
    while (*from) {
        struct tcp_seg *head = pcb->unsent;
        pcb->unsent = *from;
        err_t err = (*from)->len > pcb->mss ? tcp_split_unsent_seg(pcb, pcb->mss) : ERR_OK;
        pcb->unsent = head;
        if (err != ERR_OK)
            break; // no memory: the router will say so again
        from = &(*from)->next;
    }
    pcb->unsent = all_unsent;
    pcb->unsent_oversize = 0;
}

static void use_mss(struct tcp *t, uint16_t mss)
{
    struct tcp_pcb *pcb = t->pcb;
    BF_ASSERT(t->loss && mss && mss < pcb->mss);
    if (pcb->unacked && tcp_rexmit_rto_prepare(pcb) != ERR_OK)
        return; // the driver still has one of the segments
    tcp_clear_flags(pcb, TF_RTO);
    pcb->rtime = 0;
    pcb->mss = mss;
    cut_unsent(pcb);
    bf_loss_restart(t->loss, pcb);
    t->small = 1;
    bf_log(BF_LOG_INFO, "%s: the path takes segments of %u bytes", t->to, (unsigned)mss);
}

static int is_about(const struct tcp_pcb *pcb, const struct bf_pmtu_news *n)
{
    const void *local, *remote;
    size_t len = n->family == 4 ? 4 : 16;
    if (IP_IS_V4(&pcb->remote_ip) != (n->family == 4))
        return 0;
    local = len == 4 ? (const void *)ip_2_ip4(&pcb->local_ip) : ip_2_ip6(&pcb->local_ip)->addr;
    remote = len == 4 ? (const void *)ip_2_ip4(&pcb->remote_ip) : ip_2_ip6(&pcb->remote_ip)->addr;
    return pcb->local_port == n->local_port && pcb->remote_port == n->remote_port &&
           memcmp(local, n->local, len) == 0 && memcmp(remote, n->remote, len) == 0 &&
           TCP_SEQ_GEQ(n->seq, pcb->lastack) && TCP_SEQ_LT(n->seq, pcb->snd_nxt);
}

void bf_tcp_path_mtu(const struct bf_pmtu_news *n)
{
    uint16_t mss = (uint16_t)(n->mtu - (n->family == 4 ? IP_HLEN : IP6_HLEN) - TCP_HLEN);
    BF_ASSERT(n->mtu >= (n->family == 4 ? BF_PMTU_LEAST4 : BF_PMTU_LEAST6));
    for (struct tcp *t = all; t; t = t->next)
        if (t->pcb && t->pcb->state >= ESTABLISHED && t->pcb->mss > mss && is_about(t->pcb, n))
            use_mss(t, mss);
}

// Nothing arrives again and again: perhaps a router drops what is too large and nobody says so (RFC
// 4821). Segments of the size that IPv6 has everywhere are tried, once.
static void suspect_black_hole(struct tcp *t)
{
    uint16_t mss = BF_PMTU_LEAST6 - IP6_HLEN - TCP_HLEN;
    if (t->pcb->nrtx >= TIMEOUTS && !t->small && t->pcb->mss > mss && t->pcb->state >= ESTABLISHED)
        use_mss(t, mss);
}

// ---- The stream --------------------------------------------------------------------------------

static size_t unread(const struct tcp *t)
{
    BF_ASSERT(t->read <= t->received && t->received - t->read <= t->in_size);
    return (size_t)(t->received - t->read);
}

// Failure is told only when everything that had arrived before it was read.
static enum bf_stream_state stream_state(void *impl)
{
    const struct tcp *t = impl;
    if (t->state == BF_STREAM_OPENING || unread(t) > 0)
        return t->state == BF_STREAM_OPENING ? BF_STREAM_OPENING : BF_STREAM_OPEN;
    if (t->state == BF_STREAM_OPEN && t->peer_ended)
        return BF_STREAM_ENDED;
    return t->state;
}

static void send_now(struct tcp *t)
{
    if (t->pcb)
        tcp_output(t->pcb);
    t->flushed = t->queued;
}

// How much more output there may be. Connections that share are asked to send before they refuse.
static size_t out_room(struct tcp *t)
{
    size_t waits = (size_t)(t->queued - t->acked), room = t->out_size - waits;
    BF_ASSERT(waits <= t->out_size && t->flushed <= t->queued);
    for (int i = 0; sharing > 1 && i < 2; i++) {
        size_t most = 2 * (size_t)(t->pcb->snd_nxt - t->pcb->lastack) + BACKLOG;
        if (waits < most)
            return most - waits < room ? most - waits : room;
        if (t->flushed == t->queued)
            return 0;
        send_now(t);
    }
    return sharing > 1 ? 0 : room;
}

static enum bf_err stream_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    struct tcp *t = impl;
    *done = 0;
    if (t->state == BF_STREAM_FAILED)
        return t->fault.code;
    if (t->state == BF_STREAM_OPENING)
        return BF_AGAIN;
    BF_ASSERT(t->pcb && t->out && !t->closed);
    while (*done < len) {
        uint32_t at = (uint32_t)(t->queued % t->out_size);
        size_t part = out_room(t);
        part = part < t->out_size - at ? part : t->out_size - at;
        part = part < WRITE_MOST ? part : WRITE_MOST;
        part = part < len - *done ? part : len - *done;
        part = part < tcp_sndbuf(t->pcb) ? part : tcp_sndbuf(t->pcb);
        if (part == 0)
            break;
        memcpy(t->out + at, (const uint8_t *)bytes + *done, part);
        if (tcp_write(t->pcb, t->out + at, (u16_t)part, 0) != ERR_OK)
            break; // its queue is full: the bytes stay unsaid
        t->queued += part;
        *done += part;
    }
    if (t->queued - t->flushed >= OUTPUT_DUE)
        send_now(t);
    return *done > 0 || len == 0 ? BF_OK : BF_AGAIN;
}

static enum bf_err stream_read(void *impl, void *bytes, size_t size, size_t *done)
{
    struct tcp *t = impl;
    size_t len = unread(t) < size ? unread(t) : size;
    *done = len;
    if (len > 0) {
        take_out(t, bytes, len);
        adapt_window(t);
        if (t->pcb)
            return_window(t, (uint32_t)len);
        return BF_OK;
    }
    if (t->state == BF_STREAM_FAILED)
        return t->fault.code;
    return t->peer_ended ? BF_ERR_CLOSED : BF_AGAIN;
}

static void stream_poll(void *impl)
{
    struct tcp *t = impl;
    if (t->pcb && t->pcb->ooseq)
        t->lossy = 1; // something is missing in front of what has come
    if (t->pcb && t->state == BF_STREAM_OPEN) {
        suspect_black_hole(t);
        bf_loss_poll(t->loss, t->pcb, bf_platform_now_us());
    }
    if (t->pcb && (t->pcb->flags & TF_INFR) && !t->recovering) {
        t->recovering = 1;
        t->recover = t->pcb->snd_nxt;
    }
    send_now(t);
}

static size_t stream_unsent(void *impl)
{
    const struct tcp *t = impl;
    BF_ASSERT(t->acked <= t->queued);
    return (size_t)(t->queued - t->acked);
}

static const struct bf_fault *stream_fault(void *impl)
{
    const struct tcp *t = impl;
    return &t->fault;
}

static void stream_close(void *impl)
{
    struct tcp *t = impl;
    BF_ASSERT(!t->closed);
    t->closed = 1;
    if (t->state != BF_STREAM_OPEN || !t->pcb || unread(t) > 0) {
        abort_pcb(t);
        release(t);
        return;
    }
    // lwIP takes a window that is not whole for unread data, and would reset the connection.
    t->window = TCP_WND_MAX(t->pcb);
    return_window(t, 0);
    tcp_recv(t->pcb, NULL);
    bf_free(t->in);
    t->in = NULL;
    if (tcp_close(t->pcb) != ERR_OK) {
        abort_pcb(t);
        release(t);
    } else if (t->acked == t->queued) {
        let_go(t);
        release(t);
    }
}

static const struct bf_stream_ops tcp_ops = {
    .write = stream_write,
    .read = stream_read,
    .poll = stream_poll,
    .state = stream_state,
    .unsent = stream_unsent,
    .fault = stream_fault,
    .close = stream_close,
};

// ---- Opening -----------------------------------------------------------------------------------

static enum bf_err no_memory(struct tcp *t, struct bf_fault *fault)
{
    release(t);
    return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                        "no memory for a connection");
}

// Nothing has been sent yet: lwIP has no interface for this address, or no memory.
static enum bf_err not_begun(struct tcp *t, err_t err, const char *to, struct bf_fault *fault)
{
    bf_log(BF_LOG_DEBUG, "lwIP: error %d", (int)err);
    abort_pcb(t);
    if (err != ERR_RTE)
        return no_memory(t, fault);
    release(t);
    return bf_fault_set(fault, BF_ERR_NETWORK, BF_SIDE_NETWORK,
                        "check this machine's address, prefix length and gateway",
                        "there is no route to %s", to);
}

enum bf_err bf_tcp_connect(const ip_addr_t *address, uint16_t port, const struct bf_peer *peer,
                           const char *to, struct bf_stream *out, struct bf_fault *fault)
{
    struct tcp *t = bf_alloc(sizeof *t);
    if (!t)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE, "give the machine more memory",
                            "no memory for a connection");
    t->next = all;
    all = t;
    t->state = BF_STREAM_OPENING;
    t->peer = peer;
    bf_snprintf(t->to, sizeof t->to, "%s", to);
    t->pcb = tcp_new_ip_type(IP_GET_TYPE(address));
    if (!t->pcb)
        return no_memory(t, fault);
    tcp_arg(t->pcb, t);
    tcp_recv(t->pcb, on_received);
    tcp_sent(t->pcb, on_sent);
    tcp_err(t->pcb, on_error);
    err_t err = tcp_connect(t->pcb, address, port, on_connected);
    if (err != ERR_OK)
        return not_begun(t, err, to, fault);
    *out = (struct bf_stream){&tcp_ops, t};
    return BF_OK;
}

void bf_tcp_share(uint32_t connections)
{
    sharing = connections ? connections : 1;
    BF_ASSERT(OUT_SHARED / sharing >= OUT_LEAST);
}

void bf_tcp_abort_all(void)
{
    for (struct tcp *t = all, *next; t; t = next) {
        next = t->next;
        abort_pcb(t);
        if (t->closed) {
            release(t);
            continue;
        }
        bf_fault_set(&t->fault, BF_ERR_NETWORK, BF_SIDE_NETWORK,
                     "nothing: the network is being restarted",
                     "the network interface was dropped");
        t->state = BF_STREAM_FAILED;
    }
}
