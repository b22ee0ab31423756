// SPDX-License-Identifier: Apache-2.0
// A simulated connection: two streams with latency, bandwidth, small buffers, and writes and reads
// of any length. The failure model: what was delivered is intact and in order (TCP and TLS see to
// that), unless a test changes it on purpose; the connection may be reset, go silent for ever, or
// stall for a while.
#ifndef BF_TESTS_SIM_LINK_H
#define BF_TESTS_SIM_LINK_H

#include "net/stream.h"

enum sim_end { SIM_CLIENT = 0, SIM_SERVER = 1 };

struct sim_link_model {
    uint64_t latency_us;
    uint64_t bytes_per_second; // 0: without limit
    uint32_t buffer;           // bytes in flight per direction
    uint8_t fragment;          // random lengths of writes and reads
    uint64_t jitter_us[2];     // what each piece may take longer on its way to that end
    // Called for each byte run before it is delivered to the given end, may change it. NULL: none.
    void (*mutate)(void *user, enum sim_end to, uint8_t *bytes, size_t len);
    void *user;
};

struct sim_link;
struct sim_link *sim_link_new(const struct sim_link_model *model);
struct bf_stream sim_link_stream(struct sim_link *link, enum sim_end end);
// Reset from outside (a process died).
void sim_link_reset(struct sim_link *link);
// Nothing arrives any more until then; what was written meanwhile arrives afterwards.
void sim_link_silence(struct sim_link *link, uint64_t until_us);
uint64_t sim_link_bytes(const struct sim_link *link);
void sim_link_free(struct sim_link *link);

#endif
