// SPDX-License-Identifier: Apache-2.0
// Cursors over bytes: little-endian reading and writing that fails once and stays failed. Check
// bf_reader_ok / bf_writer_ok at the end; everything read after a failure is zero.
#ifndef BF_BASE_CURSOR_H
#define BF_BASE_CURSOR_H

#include <stddef.h>
#include <stdint.h>

struct bf_reader {
    const uint8_t *at;
    const uint8_t *end;
    int failed;
};

void bf_reader_init(struct bf_reader *r, const void *bytes, size_t len);
size_t bf_reader_left(const struct bf_reader *r); // 0 once failed
int bf_reader_ok(const struct bf_reader *r);      // not failed
int bf_reader_done(const struct bf_reader *r);    // not failed and nothing left
void bf_reader_fail(struct bf_reader *r);
uint8_t bf_get_u8(struct bf_reader *r);
uint16_t bf_get_u16(struct bf_reader *r);
uint32_t bf_get_u32(struct bf_reader *r);
uint64_t bf_get_u64(struct bf_reader *r);
int64_t bf_get_i64(struct bf_reader *r);
void bf_get_bytes(struct bf_reader *r, void *out, size_t len); // zeros out on failure
const uint8_t *bf_get_span(struct bf_reader *r, size_t len);   // NULL on failure
void bf_skip(struct bf_reader *r, size_t len);
// u16 length and that many bytes; terminated in out. Longer than size - 1, or with a NUL or another
// control character inside, is a failure.
void bf_get_string(struct bf_reader *r, char *out, size_t size);

struct bf_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    int failed;
};

void bf_writer_init(struct bf_writer *w, void *bytes, size_t size);
size_t bf_writer_len(const struct bf_writer *w);
int bf_writer_ok(const struct bf_writer *w);
void bf_put_u8(struct bf_writer *w, uint8_t v);
void bf_put_u16(struct bf_writer *w, uint16_t v);
void bf_put_u32(struct bf_writer *w, uint32_t v);
void bf_put_u64(struct bf_writer *w, uint64_t v);
void bf_put_i64(struct bf_writer *w, int64_t v);
void bf_put_bytes(struct bf_writer *w, const void *bytes, size_t len);
void bf_put_string(struct bf_writer *w, const char *text); // u16 length + bytes
// NULL on failure; contents undefined. Outside of the writer for tests.
uint8_t *bf_put_space(struct bf_writer *w, size_t len);

#endif
