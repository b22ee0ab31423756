// SPDX-License-Identifier: Apache-2.0
// Loss recovery over lwIP's queues, see net/ip/loss.h. A ring holds every segment that is under way
// in the order of sequence numbers: when it was sent last, and whether the peer has it, it is taken
// for lost, or was sent again. lwIP would send what is within a window from the last acknowledged
// byte. What RFC 6675 wants is a number of bytes under way ("pipe"), so lwIP's window is set to
// what lies between, plus what may still be added; and a lost segment is moved from lwIP's list of
// unacknowledged segments to that of unsent ones when there is room for it.
//
// After lwIP's retransmission timeout, and when segments were cut for a smaller path, everything
// that the peer is not known to have counts as lost, and goes out again in the same way.
#include "net/ip/loss.h"

#include <string.h>

#include <lwip/priv/tcp_priv.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "net/ip/cubic.h"

enum {
    SEGMENTS = TCP_SND_QUEUELEN + 100, // lwIP has no more
    BLOCKS = 4,                        // in one segment
    SACKED = 1,
    LOST = 2,  // and not sent again yet
    AGAIN = 4, // was sent more than once
    PATIENCE_MOST = 8,
    RTO_LEAST_US = 200 * 1000, // over the round-trip time
    TICK_US = TCP_SLOW_INTERVAL * 1000,
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_SACK = 5,
};

struct segment {
    uint32_t seq, len;
    uint32_t sent_us; // the lower half of the clock
    uint32_t flags;
};

struct bf_loss {
    struct bf_cubic cubic;
    int acts;
    uint32_t first, count; // of the ring
    uint32_t acked;        // SND.UNA
    uint32_t highest;      // end of the highest segment that the peer has out of order
    uint32_t sacked_bytes, sacked_segments, lost_bytes;
    uint32_t srtt_us, variance_us, least_rtt_us, last_rtt_us;
    uint32_t round;     // sequence number that ends this round trip
    uint32_t newest_us; // when the newest segment was sent that the peer is known to have
    uint32_t recover;   // sequence number that ends the recovery
    uint64_t look_us;   // when time will tell more; 0: not
    uint8_t recovering, timed_out, has_newest;
    uint8_t patience; // quarters of a round trip that a segment may be overtaken
    uint32_t since;   // SND.UNA when this recovery began
    uint32_t in_vain; // segments of this recovery that were sent again, not known to be needless
    uint32_t widened; // sequence number until which patience is not increased again
    struct bf_cubic before; // this recovery
    struct segment segment[SEGMENTS];
};

static struct segment *at(struct bf_loss *l, uint32_t i)
{
    BF_ASSERT(l->first < SEGMENTS && l->count <= SEGMENTS && i < SEGMENTS);
    return &l->segment[(l->first + i) % SEGMENTS];
}

// The first segment that ends behind seq.
static uint32_t find(struct bf_loss *l, uint32_t seq)
{
    uint32_t low = 0, high = l->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct segment *s = at(l, middle);
        if (TCP_SEQ_LEQ(s->seq + s->len, seq))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct bf_loss *bf_loss_new(void)
{
    return bf_alloc(sizeof(struct bf_loss));
}

void bf_loss_free(struct bf_loss *l)
{
    bf_free(l);
}

int bf_loss_acts(const struct bf_loss *l)
{
    return l && l->acts;
}

void bf_loss_begin(struct bf_loss *l, struct tcp_pcb *pcb, uint64_t now_us)
{
    l->acts = (pcb->flags & TF_SACK) != 0;
    l->acked = l->highest = l->round = l->widened = pcb->lastack;
    l->patience = 1;
    bf_cubic_init(&l->cubic, pcb->mss, TCP_SND_BUF);
    if (l->acts)
        pcb->cwnd = l->cubic.window;
}

void bf_loss_sent(struct bf_loss *l, uint32_t seq, uint32_t len, uint64_t now_us)
{
    const struct segment *last = l->count ? at(l, l->count - 1) : NULL;
    struct segment *s;
    if (!last || TCP_SEQ_LEQ(last->seq + last->len, seq)) {
        if (l->count == SEGMENTS)
            return;
        s = at(l, l->count++);
        *s = (struct segment){seq, len, (uint32_t)now_us, 0};
        return;
    }
    BF_ASSERT(find(l, seq) < l->count);
    s = at(l, find(l, seq));
    if (s->seq != seq)
        return;
    BF_ASSERT(!(s->flags & LOST) || l->lost_bytes >= s->len);
    if (s->flags & LOST)
        l->lost_bytes -= s->len;
    s->flags = (s->flags | AGAIN) & ~(uint32_t)LOST;
    s->sent_us = (uint32_t)now_us;
}

// ---- What the peer has -------------------------------------------------------------------------

static void measure(struct bf_loss *l, uint32_t rtt)
{
    uint32_t off = rtt > l->srtt_us ? rtt - l->srtt_us : l->srtt_us - rtt;
    if (!l->srtt_us) { // RFC 6298
        l->srtt_us = rtt;
        l->variance_us = rtt / 2;
        l->least_rtt_us = rtt;
    } else {
        l->variance_us = (uint32_t)((3 * (uint64_t)l->variance_us + off) / 4);
        l->srtt_us = (uint32_t)((7 * (uint64_t)l->srtt_us + rtt) / 8);
    }
    if (rtt < l->least_rtt_us)
        l->least_rtt_us = rtt;
    l->last_rtt_us = rtt;
}

// The peer has a segment that it was not known to have.
static void delivered(struct bf_loss *l, const struct segment *s, uint64_t now_us)
{
    uint32_t rtt = (uint32_t)now_us - s->sent_us;
    if (s->flags & AGAIN) {
        // It may be the first one that arrived: then it says nothing about when (RFC 8985, 6.2).
        if (rtt < l->least_rtt_us)
            return;
    } else {
        measure(l, rtt ? rtt : 1);
    }
    if (!l->has_newest || (int32_t)(s->sent_us - l->newest_us) > 0) {
        l->newest_us = s->sent_us;
        l->last_rtt_us = rtt;
    }
    l->has_newest = 1;
}

static void forget(struct bf_loss *l, struct segment *s)
{
    BF_ASSERT((s->flags & (SACKED | LOST)) != (SACKED | LOST));
    BF_ASSERT(!(s->flags & SACKED) || (l->sacked_bytes >= s->len && l->sacked_segments));
    BF_ASSERT(!(s->flags & LOST) || l->lost_bytes >= s->len);
    if (s->flags & SACKED) {
        l->sacked_bytes -= s->len;
        l->sacked_segments--;
    }
    if (s->flags & LOST)
        l->lost_bytes -= s->len;
}

static void take_ack(struct bf_loss *l, uint32_t ack, uint64_t now_us)
{
    while (l->count) {
        struct segment *s = at(l, 0);
        if (TCP_SEQ_GT(s->seq + s->len, ack))
            break;
        if (!(s->flags & SACKED))
            delivered(l, s, now_us);
        forget(l, s);
        l->first = (l->first + 1) % SEGMENTS;
        l->count--;
    }
    BF_ASSERT(l->count || (!l->sacked_bytes && !l->sacked_segments && !l->lost_bytes));
    l->acked = ack;
    if (TCP_SEQ_LT(l->highest, ack))
        l->highest = ack;
}

// The peer got something twice (RFC 2883): it had only been overtaken. When that is true of all
// that was sent again in this recovery, nothing was lost at all.
static void take_duplicate(struct bf_loss *l, const struct tcp_pcb *pcb, uint32_t from)
{
    if (TCP_SEQ_LT(from, l->since))
        return; // of another one, or a router that sends twice
    if (TCP_SEQ_GEQ(l->acked, l->widened) && l->patience < PATIENCE_MOST) {
        l->patience++;
        l->widened = pcb->snd_nxt;
    }
    if (!l->in_vain || --l->in_vain)
        return;
    if (l->before.window > l->cubic.window)
        l->cubic.window = l->before.window;
    l->cubic.threshold = l->before.threshold;
    l->cubic.last_max = l->before.last_max;
}

static void take_block(struct bf_loss *l, const struct tcp_pcb *pcb, uint32_t from, uint32_t to,
                       uint64_t now_us)
{
    uint32_t top = l->highest;
    if (TCP_SEQ_GT(to, from) && TCP_SEQ_LEQ(to, l->acked))
        take_duplicate(l, pcb, from);
    if (!l->count || TCP_SEQ_LEQ(to, l->acked) || TCP_SEQ_LEQ(to, from) ||
        TCP_SEQ_GT(to, at(l, l->count - 1)->seq + at(l, l->count - 1)->len))
        return; // of what was acknowledged, or of what was never sent
    for (uint32_t i = find(l, from); i < l->count; i++) {
        struct segment *s = at(l, i);
        if (TCP_SEQ_GT(s->seq + s->len, to))
            break;
        if (TCP_SEQ_LT(s->seq, from) || (s->flags & SACKED))
            continue;
        delivered(l, s, now_us);
        if (s->flags & LOST)
            l->lost_bytes -= s->len;
        s->flags = (s->flags | SACKED) & ~(uint32_t)LOST;
        l->sacked_bytes += s->len;
        l->sacked_segments++;
        if (TCP_SEQ_GT(s->seq + s->len, top))
            top = s->seq + s->len;
    }
    l->highest = top;
}

static void take_options(struct bf_loss *l, const struct tcp_pcb *pcb, const uint8_t *o, size_t len,
                         uint64_t now_us)
{
    for (size_t i = 0; i < len && o[i] != OPTION_END;) {
        if (o[i] == OPTION_NOP) {
            i++;
            continue;
        }
        if (len - i < 2 || o[i + 1] < 2 || o[i + 1] > len - i)
            return;
        if (o[i] == OPTION_SACK)
            for (size_t b = 2; b + 8 <= o[i + 1]; b += 8)
                take_block(l, pcb, bf_be32(o + i + b), bf_be32(o + i + b + 4), now_us);
        i += o[i + 1];
    }
}

// ---- What is lost ------------------------------------------------------------------------------

// How long a segment may be overtaken: a quarter of the shortest round trip at first, and another
// one for every round trip in which something was sent again needlessly, up to a whole one (RFC
// 8985, 6.2). The RFC waits for nothing on a path that has not been seen to reorder; that gains
// little, and costs the slow start of a path that does.
static uint32_t tolerance(const struct bf_loss *l)
{
    uint32_t wait = (uint32_t)((uint64_t)l->least_rtt_us * l->patience / 4);
    BF_ASSERT(l->patience && l->patience <= PATIENCE_MOST);
    return wait < l->srtt_us ? wait : l->srtt_us;
}

static void enter_recovery(struct bf_loss *l, const struct tcp_pcb *pcb)
{
    BF_ASSERT(!l->recovering);
    l->recovering = 1;
    l->recover = pcb->snd_nxt;
    l->since = l->acked;
    l->before = l->cubic;
    l->in_vain = 0;
    bf_cubic_lost(&l->cubic, 0);
}

// Marks what was sent well before something that has arrived.
static void detect(struct bf_loss *l, struct tcp_pcb *pcb, uint64_t now_us)
{
    uint32_t wait = tolerance(l) + l->last_rtt_us;
    int found = 0;
    BF_ASSERT(l->sacked_segments <= l->count);
    l->look_us = 0;
    if (!l->sacked_bytes && !l->recovering)
        return;
    for (uint32_t i = 0; i < l->count; i++) {
        struct segment *s = at(l, i);
        if (s->flags & (SACKED | LOST))
            continue;
        int32_t before = (int32_t)(l->newest_us - s->sent_us);
        if (before < 0 || (before == 0 && TCP_SEQ_GEQ(s->seq, l->highest))) {
            if (!(s->flags & AGAIN) && TCP_SEQ_GEQ(s->seq, l->highest))
                break; // what follows was sent later
            continue;
        }
        uint32_t age = (uint32_t)now_us - s->sent_us;
        if (age >= wait) {
            s->flags |= LOST;
            l->lost_bytes += s->len;
            found = 1;
        } else if (!l->look_us || now_us + (wait - age) < l->look_us) {
            l->look_us = now_us + (wait - age);
        }
    }
    if (found && !l->recovering)
        enter_recovery(l, pcb);
}

// Moves the segment from lwIP's list of unacknowledged ones to that of unsent ones.
static int move(struct tcp_pcb *pcb, uint32_t seq)
{
    struct tcp_seg **from = &pcb->unacked, **to = &pcb->unsent, *s;
    while (*from && lwip_ntohl((*from)->tcphdr->seqno) != seq)
        from = &(*from)->next;
    s = *from;
    if (!s || s->p->ref != 1)
        return 0;
    *from = s->next;
    while (*to && TCP_SEQ_LT(lwip_ntohl((*to)->tcphdr->seqno), seq))
        to = &(*to)->next;
    s->next = *to;
    *to = s;
    if (!s->next)
        pcb->unsent_oversize = 0;
    pcb->rttest = 0;
    return 1;
}

// The other way round, for everything up to a sequence number: lwIP has put it back into its queue.
static void take_back(struct tcp_pcb *pcb, uint32_t end)
{
    struct tcp_seg **to = &pcb->unacked, *s;
    while ((s = pcb->unsent) && TCP_SEQ_LT(lwip_ntohl(s->tcphdr->seqno), end)) {
        uint32_t seq = lwip_ntohl(s->tcphdr->seqno);
        pcb->unsent = s->next;
        while (*to && TCP_SEQ_LT(lwip_ntohl((*to)->tcphdr->seqno), seq))
            to = &(*to)->next;
        s->next = *to;
        *to = s;
    }
    if (!pcb->unsent)
        pcb->unsent_oversize = 0;
    tcp_clear_flags(pcb, TF_RTO);
}

// Gives lwIP its window, and the lost segments that there is room for.
static void apply(struct bf_loss *l, struct tcp_pcb *pcb)
{
    uint32_t sent = pcb->snd_nxt - l->acked;
    uint32_t gone = l->sacked_bytes + l->lost_bytes, pipe = sent > gone ? sent - gone : 0;
    uint32_t room = l->cubic.window > pipe ? l->cubic.window - pipe : 0;
    for (uint32_t i = 0; l->lost_bytes && i < l->count && room; i++) {
        struct segment *s = at(l, i);
        if (!(s->flags & LOST) || !move(pcb, s->seq))
            continue;
        BF_ASSERT(!(s->flags & SACKED) && l->lost_bytes >= s->len);
        if (i == 0)
            pcb->rtime = 0; // the timer runs for this sending
        room = room > s->len ? room - s->len : 0;
        s->flags &= ~(uint32_t)LOST;
        l->lost_bytes -= s->len;
        l->in_vain++;
    }
    pcb->cwnd = sent + room;
    pcb->ssthresh = 0; // lwIP's own slow start stays out of it
}

static void set_timer(const struct bf_loss *l, struct tcp_pcb *pcb)
{
    uint32_t more = 4 * l->variance_us, ticks = (l->srtt_us + TICK_US - 1) / TICK_US;
    if (!l->srtt_us)
        return;
    if (more < RTO_LEAST_US)
        more = RTO_LEAST_US;
    pcb->sa = (s16_t)(ticks << 3);
    pcb->sv = (s16_t)(more / TICK_US + 1);
    pcb->rto = (s16_t)(ticks + (uint32_t)pcb->sv);
}

// ---- Events ------------------------------------------------------------------------------------

static void grow(struct bf_loss *l, const struct tcp_pcb *pcb, uint32_t bytes, uint32_t under_way,
                 uint64_t now_us)
{
    int round = TCP_SEQ_GEQ(l->acked, l->round);
    if (round)
        l->round = pcb->snd_nxt;
    bf_cubic_rtt(&l->cubic, l->last_rtt_us, round);
    // A window that is not used is not tried either.
    if (!l->recovering && bytes && under_way >= l->cubic.window / 2)
        bf_cubic_acked(&l->cubic, bytes, l->srtt_us, now_us);
}

void bf_loss_received(struct bf_loss *l, struct tcp_pcb *pcb, uint32_t ack, const uint8_t *options,
                      size_t len, uint64_t now_us)
{
    uint32_t bytes = ack - pcb->lastack, under_way = pcb->snd_nxt - pcb->lastack;
    if (!l->acts || bytes > under_way)
        return;
    pcb->dupacks = 0; // lwIP does not retransmit by counting them
    take_ack(l, ack, now_us);
    take_options(l, pcb, options, len, now_us);
    if (TCP_SEQ_GEQ(ack, l->recover))
        l->recovering = l->timed_out = 0;
    detect(l, pcb, now_us);
    grow(l, pcb, bytes, under_way, now_us);
    apply(l, pcb);
}

void bf_loss_acked(struct bf_loss *l, struct tcp_pcb *pcb)
{
    if (!l->acts)
        return;
    set_timer(l, pcb);
    apply(l, pcb);
}

void bf_loss_restart(struct bf_loss *l, struct tcp_pcb *pcb)
{
    if (!l->acts)
        return;
    l->count = 0;
    l->sacked_bytes = l->sacked_segments = l->lost_bytes = 0;
    l->highest = l->recover = pcb->lastack;
    l->recovering = l->timed_out = 0;
    take_back(pcb, pcb->snd_nxt);
    for (const struct tcp_seg *s = pcb->unacked; s && l->count < SEGMENTS; s = s->next) {
        *at(l, l->count++) =
            (struct segment){lwip_ntohl(s->tcphdr->seqno), s->len, 0, LOST | AGAIN};
        l->lost_bytes += s->len;
    }
    bf_cubic_init(&l->cubic, pcb->mss, TCP_SND_BUF); // what was lost says nothing about the path
    apply(l, pcb);
}

// The peer may drop what it has out of order (RFC 2018, 8): after a second timeout it all counts as
// missing.
static void disbelieve(struct bf_loss *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        at(l, i)->flags &= ~(uint32_t)SACKED;
    l->sacked_bytes = l->sacked_segments = 0;
    l->highest = l->acked;
}

// lwIP's timer has put everything back into the queue, and has sent the first segment again. The
// window shrinks again only when something was acknowledged in between (RFC 5681, 3.1).
static void time_out(struct bf_loss *l, struct tcp_pcb *pcb)
{
    BF_ASSERT(l->acts && l->count <= SEGMENTS);
    if (l->timed_out) {
        l->cubic.window = pcb->mss;
        disbelieve(l);
    } else {
        bf_cubic_lost(&l->cubic, 1);
    }
    l->timed_out = 1;
    l->recovering = 0;
    l->recover = pcb->snd_nxt;
    take_back(pcb, pcb->rto_end);
    l->lost_bytes = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        struct segment *s = at(l, i);
        s->flags &= ~(uint32_t)LOST;
        if (i == 0 || (s->flags & SACKED))
            continue;
        s->flags |= LOST;
        l->lost_bytes += s->len;
    }
}

void bf_loss_poll(struct bf_loss *l, struct tcp_pcb *pcb, uint64_t now_us)
{
    if (!l->acts)
        return;
    if (pcb->flags & TF_RTO)
        time_out(l, pcb);
    else if (l->look_us && now_us >= l->look_us)
        detect(l, pcb, now_us);
    else
        return;
    apply(l, pcb);
}
