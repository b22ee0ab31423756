// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648, section 4), strict: no line breaks, padding required, unused bits zero, so that
// every blob has one text. Not constant in time; keys are decoded once at start.
#include "base/config.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// Bytes that the four characters stand for: 3, or fewer when padded; 0 when they are not base64.
static size_t decode_group(const char *text, int last, uint8_t out[3])
{
    size_t padding = last && text[3] == '=' ? (text[2] == '=' ? 2 : 1) : 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i >= 4 - padding ? 0 : digit_value(text[i]);
        if (value < 0)
            return 0;
        bits = bits << 6 | (uint32_t)value;
    }
    if (bits & ((1u << (8 * padding)) - 1))
        return 0;
    out[0] = (uint8_t)(bits >> 16);
    out[1] = (uint8_t)(bits >> 8);
    out[2] = (uint8_t)bits;
    return 3 - padding;
}

enum bf_err bf_base64_decode(const char *text, size_t text_len, uint8_t *out, size_t *len)
{
    size_t room = *len;
    *len = 0;
    if (text_len % 4)
        return BF_ERR_CONFIG;
    for (size_t i = 0; i < text_len; i += 4) {
        uint8_t group[3];
        size_t got = decode_group(text + i, i + 4 == text_len, group);
        if (!got)
            return BF_ERR_CONFIG;
        if (got > room - *len)
            return BF_ERR_LIMIT;
        for (size_t j = 0; j < got; j++)
            out[(*len)++] = group[j];
    }
    return BF_OK;
}

size_t bf_base64_encode(const uint8_t *bytes, size_t len, char *out, size_t size)
{
    if (!size)
        return 0;
    out[0] = 0;
    if (len / 3 > size / 4 || (len + 2) / 3 * 4 >= size)
        return 0;
    char *at = out;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? bytes[i + 2] : 0u);
        *at++ = digits[bits >> 18];
        *at++ = digits[bits >> 12 & 63];
        *at++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *at++ = left > 2 ? digits[bits & 63] : '=';
    }
    *at = 0;
    return (size_t)(at - out);
}
