// SPDX-License-Identifier: Apache-2.0
// What lwIP's TCP lacks on long and bad links, added from outside: which segments are missing is
// told by selective acknowledgements (RFC 2018, 6675) and by time, so that reordering is not taken
// for loss (RACK, RFC 8985); how much may be under way by CUBIC (RFC 9438) with a slow start that
// ends when the delay grows (HyStart++, RFC 9406). lwIP keeps the
// queues, the header, and the timer of last resort. For net/ip/tcp.c.
//
// It acts only when the peer sends selective acknowledgements; else lwIP's own rules stay in force.
#ifndef BF_NET_IP_LOSS_H
#define BF_NET_IP_LOSS_H

#include <stdint.h>

#include <lwip/tcp.h>

#include "base/err.h"

struct bf_loss;

// For a connection that is being made. NULL without memory.
struct bf_loss *bf_loss_new(void);
void bf_loss_free(struct bf_loss *l); // takes NULL

// Once connected.
void bf_loss_begin(struct bf_loss *l, struct tcp_pcb *pcb, uint64_t now_us);
// A segment that is about to go out: sequence number and length of its data.
void bf_loss_sent(struct bf_loss *l, uint32_t seq, uint32_t len, uint64_t now_us);
// A segment that has come in, before lwIP looks at it: its acknowledgement, and its options.
void bf_loss_received(struct bf_loss *l, struct tcp_pcb *pcb, uint32_t ack, const uint8_t *options,
                      size_t len, uint64_t now_us);
// lwIP has dealt with an acknowledgement, and has changed its window.
void bf_loss_acked(struct bf_loss *l, struct tcp_pcb *pcb);
// In every turn: what is missing by time, and what lwIP's timer did. tcp_output comes after it.
void bf_loss_poll(struct bf_loss *l, struct tcp_pcb *pcb, uint64_t now_us);
// The segments that are under way are lost for a reason other than congestion, and their sizes will
// change: everything from the last acknowledged byte on is sent anew.
void bf_loss_restart(struct bf_loss *l, struct tcp_pcb *pcb);
// Whether it acts for this connection.
int bf_loss_acts(const struct bf_loss *l);

#endif
