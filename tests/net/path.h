// SPDX-License-Identifier: Apache-2.0
// A long or bad path between two ends, in memory: Ethernet frames go in at one end and come out at
// the other by the caller's clock. The model: one rate and one queue per direction, then the delay;
// packets of TCP are lost, held back (so that later ones overtake them) and doubled by chance, from
// a seed. With an MTU it is a router: what is larger is cut when its sender allows that, else
// dropped and answered with ICMP (RFC 792, 1191; RFC 4443, 8201), unless the path is a black hole.
#ifndef BF_TESTS_PATH_H
#define BF_TESTS_PATH_H

#include <stddef.h>
#include <stdint.h>

enum { PATH_FRAME_MAX = 1600 };

struct path_model {
    uint64_t delay_us;         // one way
    uint64_t bytes_per_second; // 0: without limit
    uint32_t queue_bytes;
    uint32_t loss_ppm, hold_ppm, double_ppm; // of a million packets
    uint64_t hold_us;
    uint16_t mtu; // 0: any
    int black_hole;
};

struct path;
struct path *path_new(const struct path_model *model, uint64_t seed);
void path_free(struct path *path);
// A frame goes in at end 0 or 1.
void path_put(struct path *path, int end, const uint8_t *frame, size_t len, uint64_t now_us);
// The next frame that has come out at this end; 0: none has.
size_t path_take(struct path *path, int end, uint8_t *frame, uint64_t now_us);
// When the next one comes out anywhere; UINT64_MAX: nothing is under way.
uint64_t path_next_us(const struct path *path);
// Packets that were lost, held back, and dropped as too large.
struct path_counts {
    uint64_t packets, lost, held, full, too_large;
};
struct path_counts path_counts(const struct path *path);

#endif
