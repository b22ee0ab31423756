// SPDX-License-Identifier: Apache-2.0
// A bundle: one byte stream over several connections ("lanes") between the same two programs, so
// that a loss on one of them slows down only that one. From the source to the server the bytes go
// in segments over whichever lane has room; from the server to the source, where little goes, they
// go over lane 0 as they are. Both ends look like any other stream to what is above them.
//
// Format, all numbers little-endian. Each lane begins with a preface of the source:
//   u64 magic, 16 bytes id of the bundle, u8 number of the lane, 7 bytes of zero
// A lane above 0 is used when the server has answered it with u64 BF_LANE_JOINED. Then
// come segments:
//   u64 offset of the first byte in the bundle's stream, u32 length (1..BF_SEGMENT_MAX), the bytes
// Offsets grow within a lane; over all lanes the segments cover the stream without gap or overlap.
// Bytes 2 and 3 of the magic are no flags of a frame (net/proto/proto.h): a connection that does
// not begin with a preface is an ordinary one, and its bytes are the stream.
//
// Why this cannot lock up. The receiver reads from each lane until it has the header of a segment,
// and takes the bytes of the one segment that begins where the stream stands. Take the segment
// that comes next, and the lane that it was written to. What was written to that lane before has
// lower offsets, so it was taken already: the segment is at the head of its lane, nothing that must
// wait lies before it, and the receiver is reading there. The sender writes each lane on its own.
// So the next byte always can arrive, however full the buffers of all other lanes are. What arrives
// too early stays in its connection's receive buffer: that is all the memory reordering takes.
#ifndef BF_NET_PROTO_BUNDLE_H
#define BF_NET_PROTO_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/stream.h"

#define BF_PREFACE_MAGIC 0x0a53454e414c4642ULL // "BFLANES\n"
#define BF_LANE_JOINED   0x44454e494f4a4642ULL // "BFJOINED"

enum {
    BF_LANES_MAX = 8,
    BF_PREFACE_SIZE = 32,
    BF_JOINED_SIZE = 8,
    BF_SEGMENT_HEADER = 12,
    BF_SEGMENT_MAX = 65536,
};

struct bf_preface {
    uint8_t bundle[16];
    uint8_t lane;
};
void bf_preface_put(uint8_t out[BF_PREFACE_SIZE], const struct bf_preface *p);
// BF_ERR_NOT_FOUND: it is none, the connection is an ordinary one. BF_ERR_PROTOCOL: it begins like
// one. len may be less than the whole: BF_AGAIN while more bytes are needed to tell.
enum bf_err bf_preface_parse(const uint8_t *bytes, size_t len, struct bf_preface *out);

struct bf_bundle_segment {
    uint64_t offset;
    uint32_t len;
};
void bf_segment_put(uint8_t out[BF_SEGMENT_HEADER], const struct bf_bundle_segment *s);
// next is where the stream stands. BF_ERR_PROTOCOL: length 0 or too large, before next, or beyond
// what an offset can say.
enum bf_err bf_segment_parse(const uint8_t bytes[BF_SEGMENT_HEADER], uint64_t next,
                             struct bf_bundle_segment *out);

// ---- The source's end --------------------------------------------------------------------------

// Makes one further connection to the server that lane 0 is connected to.
struct bf_lane_maker {
    enum bf_err (*open)(void *impl, struct bf_stream *out, struct bf_fault *fault);
    void *impl;
};

// Makes *out of first (OPENING or OPEN), which it takes over on success, and of up to lanes - 1
// further connections, one after the other, each when those that there are have no room left. A
// further connection that cannot be had is done without; one that is lost when it was in use fails
// the bundle, once what the server still says on lane 0 was read. BF_ERR_NO_MEMORY,
// BF_ERR_NO_ENTROPY.
enum bf_err bf_bundle_open(struct bf_stream first, uint32_t lanes, struct bf_lane_maker maker,
                           struct bf_stream *out, struct bf_fault *fault);
// For tests: how many connections are in use.
uint32_t bf_bundle_lanes(const struct bf_stream *bundle);

// ---- The server's end --------------------------------------------------------------------------

enum bf_bundle_kind {
    BF_BUNDLE_UNDECIDED, // its first bytes have not come yet; poll reads them
    BF_BUNDLE_PLAIN,     // an ordinary connection
    BF_BUNDLE_FIRST,     // lane 0 of a bundle
    BF_BUNDLE_FURTHER,   // another lane: to be detached, and to join the bundle of lane 0
};

// Makes *out of a connection whose first bytes will say what it is. Takes first over on success.
enum bf_err bf_bundle_accept(struct bf_stream first, struct bf_stream *out);
// *out is set for FIRST and FURTHER.
enum bf_bundle_kind bf_bundle_kind(const struct bf_stream *s, struct bf_preface *out);
// The connection of a FURTHER lane, without the stream around it, which is gone then.
struct bf_stream bf_bundle_detach(struct bf_stream *s);
// Adds a lane, which it takes over on success, and answers it. BF_ERR_PROTOCOL: there is one of
// this number. BF_ERR_CLOSED: the bundle has ended or failed.
enum bf_err bf_bundle_join(const struct bf_stream *bundle, uint8_t lane, struct bf_stream stream);
// The connection of a lane, NULL where there is none or it has nothing more to say.
const struct bf_stream *bf_bundle_lane(const struct bf_stream *s, uint32_t lane);
// Whether the last read found nothing: else nobody should wait for its connections to be readable.
int bf_bundle_starved(const struct bf_stream *s);

#endif
