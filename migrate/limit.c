// SPDX-License-Identifier: Apache-2.0
// The token bucket, see migrate/limit.h. What counts is the wire: TLS adds 22 bytes to a record of
// 16 KiB, TCP and IP 40 to 52 bytes to a packet of 1500, together 2.9 to 3.8 %, so a byte of the
// stream is charged as one byte and a thirty-second. Both what is given to the stream and what is
// on the wire are then within 5 % of the limit.
#include "migrate/limit.h"

#include "base/assert.h"

enum {
    SECOND_US = 1000000,
    BURST_US = SECOND_US / 4,
    BYTE = SECOND_US + SECOND_US / 32, // the price of a byte of the stream
    PIECE = 16384,                     // a full TLS record
    PIECES_PER_SECOND = 8,             // at least, so that the peer hears from us all the time
};

void bf_limit_init(struct bf_limit *limit, uint64_t rate, uint64_t now_us)
{
    if (rate && rate < BF_LIMIT_LEAST)
        rate = BF_LIMIT_LEAST;
    limit->rate = rate < BF_LIMIT_MOST ? rate : BF_LIMIT_MOST;
    limit->at_us = now_us;
    limit->credit = limit->rate * BURST_US;
}

void bf_limit_refill(struct bf_limit *limit, uint64_t now_us)
{
    uint64_t passed = now_us - limit->at_us, most = limit->rate * BURST_US;
    BF_ASSERT(now_us >= limit->at_us);
    limit->at_us = now_us;
    limit->credit += limit->rate * (passed < BURST_US ? passed : BURST_US);
    if (limit->credit > most)
        limit->credit = most;
}

size_t bf_limit_allows(const struct bf_limit *limit, size_t len)
{
    uint64_t affordable = limit->credit / BYTE, piece = limit->rate / PIECES_PER_SECOND;
    BF_ASSERT(limit->credit <= limit->rate * BURST_US);
    if (!limit->rate || affordable >= len)
        return len;
    if (piece > PIECE)
        piece = PIECE;
    return (size_t)(affordable - affordable % piece);
}

void bf_limit_take(struct bf_limit *limit, size_t len)
{
    BF_ASSERT(!limit->rate || limit->credit / BYTE >= len);
    if (limit->rate)
        limit->credit -= (uint64_t)len * BYTE;
}
