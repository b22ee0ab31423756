// SPDX-License-Identifier: Apache-2.0
// What a live session shows: phase, position of every disk, speed over the last seconds, and when
// it will be through. Counts what was really received and stored.
#ifndef BF_REPLICA_DAEMON_STATUS_H
#define BF_REPLICA_DAEMON_STATUS_H

#include <jansson.h>
#include <stdint.h>

#include "net/proto/proto.h"

enum { BF_LIVE_SAMPLES = 8 }; // one per second: the speed is that of the last 7 seconds

struct bf_live_disk {
    uint16_t number;
    uint64_t bytes, position;
    uint32_t chunk_size;
};
struct bf_live_sample {
    uint64_t at_us, raw, wire;
};
struct bf_live {
    char machine[BF_NAME_MAX], from[64];
    char kex[24];   // the key exchange, as docs/tls.md calls it
    char phase[24]; // "opening", "receiving", "verifying", "sealed"
    uint8_t session[16];
    int64_t started;
    uint32_t point; // the one that was sealed
    uint16_t disks;
    struct bf_live_disk disk[BF_PROTO_DISKS_MAX];
    uint64_t raw, wire; // bytes of disk dealt with, and what travelled for them, on this connection
    struct bf_live_sample sample[BF_LIVE_SAMPLES];
    uint32_t samples;
    uint64_t wire_most; // bytes per second on the wire, of the samples so far
};

void bf_live_begin(struct bf_live *live, const char *machine, const char *from, const char *kex);
void bf_live_disk(struct bf_live *live, uint16_t number, uint64_t bytes, uint32_t chunk_size,
                  uint64_t next_chunk);
void bf_live_phase(struct bf_live *live, const char *phase);
void bf_live_progress(struct bf_live *live, uint16_t number, uint64_t next_chunk, uint64_t raw,
                      uint64_t wire, uint64_t now_us);

// Totals over all disks; rate in bytes per second, of disk and on the wire; eta in seconds, -1 when
// it cannot be told. Tests take them without the JSON.
struct bf_live_totals {
    uint64_t bytes, position, rate, wire_rate;
    int64_t eta;
};
void bf_live_totals(const struct bf_live *live, uint64_t now_us, struct bf_live_totals *out);
json_t *bf_live_json(const struct bf_live *live, uint64_t now_us);

#endif
