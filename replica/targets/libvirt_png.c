// SPDX-License-Identifier: Apache-2.0
// A picture of the screen as PNG. QEMU writes that since 7.1, and PPM (P6,
// https://netpbm.sourceforge.net/doc/ppm.html) before. Its size is bounded: QEMU draws what the
// guest asks for.
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "replica/targets/libvirt.h"

enum { SIDE_MOST = 8192 };

// ---- PPM ---------------------------------------------------------------------------------------

struct ppm {
    const uint8_t *at, *end;
    uint32_t width, height;
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Blanks, and comments up to the end of their line.
static void skip_blanks(struct ppm *p)
{
    while (p->at < p->end && (is_blank(*p->at) || *p->at == '#')) {
        if (*p->at == '#')
            while (p->at < p->end && *p->at != '\n')
                p->at++;
        else
            p->at++;
    }
}

// 0: there is none, or it is too large.
static uint32_t number(struct ppm *p)
{
    uint32_t v = 0;

    skip_blanks(p);
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9') {
        v = v * 10 + (uint32_t)(*p->at++ - '0');
        if (v > SIDE_MOST)
            return 0;
    }
    return v;
}

static bool ppm_begin(struct ppm *p, const uint8_t *bytes, size_t len)
{
    *p = (struct ppm){.at = bytes, .end = bytes + len};
    if (len < 2 || memcmp(bytes, "P6", 2) != 0)
        return false;
    p->at += 2;
    p->width = number(p);
    p->height = number(p);
    if (!p->width || !p->height || number(p) != 255 || p->at >= p->end || !is_blank(*p->at))
        return false;
    p->at++;
    return (size_t)(p->end - p->at) >= (size_t)p->width * p->height * 3;
}

// ---- PNG ---------------------------------------------------------------------------------------

static bool is_png(const uint8_t *bytes, size_t len)
{
    static const uint8_t mark[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

    return len > sizeof mark && memcmp(bytes, mark, sizeof mark) == 0;
}

static enum bf_err copy_of(const uint8_t *bytes, size_t len, uint8_t **out, size_t *out_len)
{
    *out = malloc(len);
    if (!*out)
        return BF_ERR_NO_MEMORY;
    memcpy(*out, bytes, len);
    *out_len = len;
    return BF_OK;
}

static enum bf_err png_of(const struct ppm *p, uint8_t **out, size_t *out_len)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = p->width,
                       .height = p->height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);

    *out = malloc(size);
    if (!*out)
        return BF_ERR_NO_MEMORY;
    if (!png_image_write_to_memory(&image, *out, &size, 0, p->at, 0, NULL)) {
        free(*out);
        *out = NULL;
        return BF_ERR_NO_MEMORY;
    }
    *out_len = size;
    return BF_OK;
}

enum bf_err bf_lv_png(const uint8_t *bytes, size_t len, uint8_t **out, size_t *out_len)
{
    struct ppm p;

    *out = NULL;
    *out_len = 0;
    if (is_png(bytes, len))
        return copy_of(bytes, len, out, out_len);
    return ppm_begin(&p, bytes, len) ? png_of(&p, out, out_len) : BF_ERR_CORRUPT;
}
