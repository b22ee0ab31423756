// SPDX-License-Identifier: Apache-2.0
// Times, sizes and digests as people and scripts read them.
#ifndef BF_REPLICA_STATE_TEXT_H
#define BF_REPLICA_STATE_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { BF_TIME_TEXT = 24, BF_BYTES_TEXT = 24 };

// "2026-11-20 15:00:00Z", "-" for 0.
const char *bf_time_text(int64_t seconds, char out[BF_TIME_TEXT]);
const char *bf_bytes_text(uint64_t bytes, char out[BF_BYTES_TEXT]);
// The same, and "-" for what is not known: less than 0.
const char *bf_known_text(int64_t bytes, char out[BF_BYTES_TEXT]);

// "2026-11-20T15:00:00Z", null for 0.
json_t *bf_json_time(int64_t seconds);
json_t *bf_json_known(int64_t bytes);                  // null below 0
json_t *bf_json_hex(const uint8_t *bytes, size_t len); // at most 32 bytes
json_t *bf_json_text(const char *text);                // null when it is not valid UTF-8

#endif
