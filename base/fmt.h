// SPDX-License-Identifier: Apache-2.0
// Formatting, the same in firmware and hosted builds. Supports %s %c %d %i %u %x %X %p %% with
// flags '-', '0', width and precision (also '*'), and the length modifiers h, hh, l, ll, z, j, t.
// No floating point, no %n.
#ifndef BF_BASE_FMT_H
#define BF_BASE_FMT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

// As C99 snprintf: always terminates when size > 0, returns the length that was wanted.
int bf_snprintf(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int bf_vsnprintf(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

// Lower-case hexadecimal of len bytes; out needs 2 * len + 1 bytes.
void bf_hex(char *out, const uint8_t *bytes, size_t len);

// The value of a hexadecimal digit of either case; -1: it is none.
int bf_hex_digit(char c);

// The value of the two digits that text begins with; -1: they are none. Nothing is read behind the
// first that is none.
int bf_hex_byte(const char *text);

// "HOST:PORT", an IPv6 address in brackets; returns as bf_snprintf.
int bf_place_text(char *out, size_t size, const char *host, uint16_t port);

// What follows a regular noun behind a number: "%u disk%s" is "1 disk" or "2 disks".
const char *bf_plural(uint64_t count);

// A byte count as an operator reads it, binary units with one decimal ("1.5 GiB"); out >= 16 bytes.
void bf_human_bytes(char *out, size_t size, uint64_t bytes);

#endif
