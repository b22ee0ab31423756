// SPDX-License-Identifier: Apache-2.0
// A man in the middle who has the server's keys: takes the server's records of TLS 1.3 apart, hands
// their contents out to be changed, and puts them together again as the server would have.
#ifndef BF_TESTS_TLS_RECODER_H
#define BF_TESTS_TLS_RECODER_H

#include <stddef.h>
#include <stdint.h>

#include "tests/net/tls_peer.h"

enum { RECODER_PLAIN = 17000, RECODER_SECRET = 32 };

struct recoder_keys {
    uint8_t key[16], iv[12];
    uint64_t in, out; // records so far
    int known;
};

struct tls_recoder {
    uint8_t secret[2][RECODER_SECRET]; // of the handshake and of what follows, from the peer's log
    int has_secret[2];
    struct recoder_keys keys[2];
    int stage; // 0 until the server's Finished has passed
    uint32_t records;
    // What a record holds: its true type and its bytes; changes them. Returns how often it is to be
    // sent.
    int (*change)(void *user, uint32_t number, uint8_t *type, uint8_t *plain, size_t *len);
    void *user;
};

// Before the first turn of the peer, whose context tells its secrets from then on.
void tls_recoder_init(struct tls_recoder *r, struct tls_peer *peer);
// Takes complete records from bytes, appends what becomes of them to out (room for it is there),
// and returns how many bytes were taken.
size_t tls_recoder_move(struct tls_recoder *r, const uint8_t *bytes, size_t len, uint8_t *out,
                        size_t *out_len, size_t out_size);

#endif
