// SPDX-License-Identifier: Apache-2.0
// What the codec files of the protocol share: the frame's header around a payload, and the rules
// that several messages have in common. Private to net/proto*.c.
#ifndef BF_NET_PROTO_CODEC_H
#define BF_NET_PROTO_CODEC_H

#include "base/cursor.h"
#include "net/proto/proto.h"

// Chunk numbers and counts stay below this, so that sums cannot wrap.
#define BF_CHUNK_NUMBER_MAX (UINT64_C(1) << 48)

// Writes the header of a frame whose payload follows; bf_frame_end fills in the length and returns
// the whole frame's, or 0 when something did not fit. extra: bytes that follow from elsewhere.
void bf_frame_begin(struct bf_writer *w, uint8_t *out, size_t size, uint16_t type, uint16_t flags);
size_t bf_frame_end(struct bf_writer *w, size_t extra);

// A reader over the payload; fails at once for another type.
void bf_frame_open(struct bf_reader *r, const struct bf_frame *f, uint16_t type);
// BF_OK when everything was read, nothing is left and all judgements held.
enum bf_err bf_frame_verdict(const struct bf_reader *r);

// Fails the reader unless the condition holds.
void bf_demand(struct bf_reader *r, int condition);
uint8_t bf_get_flag(struct bf_reader *r);  // 0 or 1
uint16_t bf_get_disk(struct bf_reader *r); // < BF_PROTO_DISKS_MAX
// A range of chunks: count at least 1, at most max, the end below BF_CHUNK_NUMBER_MAX.
void bf_demand_range(struct bf_reader *r, uint64_t first, uint64_t count, uint64_t max);

#endif
