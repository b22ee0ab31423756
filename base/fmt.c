// SPDX-License-Identifier: Apache-2.0
// A small printf: the subset that base/fmt.h names, the same in firmware and hosted builds, so that
// no output depends on a C library. A conversion that it does not know is printed as it stands.
#include "base/fmt.h"

#include <string.h>

struct out {
    char *at;
    size_t room; // bytes that may still be written, the terminator not counted
    size_t wanted;
};

struct spec {
    int left, zero;
    int width, precision; // precision -1: none
    int size;             // bytes of an integer argument
};

static void put(struct out *o, char c)
{
    if (o->room > 0) {
        *o->at++ = c;
        o->room--;
    }
    o->wanted++;
}

static void pad(struct out *o, char c, int count)
{
    while (count-- > 0)
        put(o, c);
}

static void put_text(struct out *o, const struct spec *s, const char *text)
{
    int len = 0;
    if (!text)
        text = "(null)";
    while ((s->precision < 0 || len < s->precision) && text[len])
        len++;
    if (!s->left)
        pad(o, ' ', s->width - len);
    for (int i = 0; i < len; i++)
        put(o, text[i]);
    if (s->left)
        pad(o, ' ', s->width - len);
}

static void put_number(struct out *o, const struct spec *s, uint64_t value, unsigned radix,
                       const char *digits, const char *prefix)
{
    char text[24];
    int len = 0, zeros, prefix_len = (int)strlen(prefix);
    for (uint64_t v = value; v; v /= radix)
        text[len++] = digits[v % radix];
    if (len == 0 && s->precision != 0)
        text[len++] = '0';

    zeros = s->precision - len;
    if (s->precision < 0 && s->zero && !s->left)
        zeros = s->width - prefix_len - len;
    if (zeros < 0)
        zeros = 0;
    if (!s->left)
        pad(o, ' ', s->width - prefix_len - zeros - len);
    for (int i = 0; i < prefix_len; i++)
        put(o, prefix[i]);
    pad(o, '0', zeros);
    for (int i = len; i > 0; i--)
        put(o, text[i - 1]);
    if (s->left)
        pad(o, ' ', s->width - prefix_len - zeros - len);
}

static int parse_number(const char **f, va_list *args)
{
    int64_t n = 0;
    if (**f == '*') {
        (*f)++;
        return va_arg(*args, int);
    }
    for (; **f >= '0' && **f <= '9'; (*f)++)
        if (n < 100000)
            n = n * 10 + (**f - '0');
    return (int)n;
}

static int parse_size(const char **f)
{
    int size = sizeof(int);
    switch (**f) {
    case 'h':
        size = (*f)[1] == 'h' ? 1 : 2;
        *f += (*f)[1] == 'h';
        break;
    case 'l':
        size = (*f)[1] == 'l' ? 8 : (int)sizeof(0L);
        *f += (*f)[1] == 'l';
        break;
    case 'j':
        size = 8;
        break;
    case 'z':
    case 't':
        size = sizeof(size_t);
        break;
    default:
        return size;
    }
    (*f)++;
    return size;
}

static void parse_spec(const char **f, va_list *args, struct spec *s)
{
    *s = (struct spec){.precision = -1};
    for (;; (*f)++) {
        if (**f == '-')
            s->left = 1;
        else if (**f == '0')
            s->zero = 1;
        else
            break;
    }
    s->width = parse_number(f, args);
    if (s->width < 0) {
        s->left = 1;
        s->width = s->width == INT32_MIN ? 0 : -s->width;
    }
    if (**f == '.') {
        (*f)++;
        s->precision = parse_number(f, args);
        if (s->precision < 0)
            s->precision = -1;
    }
    s->size = parse_size(f);
}

static uint64_t take_unsigned(const struct spec *s, va_list *args)
{
    if (s->size == 8)
        return va_arg(*args, uint64_t);
    unsigned v = va_arg(*args, unsigned);
    return s->size == 1 ? (uint8_t)v : s->size == 2 ? (uint16_t)v : v;
}

static int64_t take_signed(const struct spec *s, va_list *args)
{
    if (s->size == 8)
        return va_arg(*args, int64_t);
    int v = va_arg(*args, int);
    return s->size == 1 ? (int8_t)v : s->size == 2 ? (int16_t)v : v;
}

static void put_conversion(struct out *o, const struct spec *s, char conversion, va_list *args)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    char one[2] = {0, 0};
    int64_t v;
    switch (conversion) {
    case 'd':
    case 'i':
        v = take_signed(s, args);
        put_number(o, s, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, lower, v < 0 ? "-" : "");
        break;
    case 'u':
        put_number(o, s, take_unsigned(s, args), 10, lower, "");
        break;
    case 'x':
        put_number(o, s, take_unsigned(s, args), 16, lower, "");
        break;
    case 'X':
        put_number(o, s, take_unsigned(s, args), 16, upper, "");
        break;
    case 'p':
        put_number(o, s, (uintptr_t)va_arg(*args, void *), 16, lower, "0x");
        break;
    case 'c':
        one[0] = (char)va_arg(*args, int);
        put_text(o, s, one);
        break;
    case 's':
        put_text(o, s, va_arg(*args, const char *));
        break;
    default:
        put(o, '%');
        if (conversion != '%' && conversion)
            put(o, conversion);
        break;
    }
}

int bf_vsnprintf(char *out, size_t size, const char *format, va_list args)
{
    struct out o = {out, size ? size - 1 : 0, 0};
    struct spec s;
    va_list copy;
    va_copy(copy, args);
    for (const char *f = format; *f; f++) {
        if (*f != '%') {
            put(&o, *f);
            continue;
        }
        f++;
        parse_spec(&f, &copy, &s);
        put_conversion(&o, &s, *f, &copy);
        if (!*f)
            break;
    }
    va_end(copy);
    if (size)
        *o.at = 0;
    return o.wanted > INT32_MAX ? INT32_MAX : (int)o.wanted;
}

int bf_snprintf(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int wanted = bf_vsnprintf(out, size, format, args);
    va_end(args);
    return wanted;
}

void bf_hex(char *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = 0;
}

int bf_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int bf_hex_byte(const char *text)
{
    int high = bf_hex_digit(text[0]), low = high < 0 ? -1 : bf_hex_digit(text[1]);
    return low < 0 ? -1 : high << 4 | low;
}

const char *bf_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

int bf_place_text(char *out, size_t size, const char *host, uint16_t port)
{
    const char *format = strchr(host, ':') ? "[%s]:%u" : "%s:%u";
    return bf_snprintf(out, size, format, host, (unsigned)port);
}

void bf_human_bytes(char *out, size_t size, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    uint64_t tenths;
    while (unit < 6 && bytes >> (10 * (unit + 1)))
        unit++;
    if (unit == 0) {
        bf_snprintf(out, size, "%u B", (unsigned)bytes);
        return;
    }
    // Whole units and the remainder apart, so that nothing overflows; cut, never rounded up.
    tenths = (bytes >> (10 * unit)) * 10;
    tenths += (((bytes >> (10 * (unit - 1))) & 1023) * 10) >> 10;
    bf_snprintf(out, size, "%u.%u %s", (unsigned)(tenths / 10), (unsigned)(tenths % 10),
                units[unit]);
}
