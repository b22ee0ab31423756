// SPDX-License-Identifier: Apache-2.0
// The machine's screen. libvirt streams what QEMU writes, which is PNG since QEMU 7.1 and PPM (P6,
// https://netpbm.sourceforge.net/doc/ppm.html) before. Its size is bounded: QEMU draws what the
// guest asks for.
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "replica/state/file.h"
#include "replica/targets/libvirt.h"

enum { PICTURE_MOST = 64 << 20, SIDE_MOST = 8192, PIECE = 65536 };

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

// ---- From libvirt ------------------------------------------------------------------------------

struct received {
    uint8_t *bytes;
    size_t len;
};

static int receive_some(virStreamPtr stream, struct received *r)
{
    uint8_t *grown = r->len + PIECE <= PICTURE_MOST ? realloc(r->bytes, r->len + PIECE) : NULL;
    int n;

    if (!grown)
        return -1;
    r->bytes = grown;
    n = virStreamRecv(stream, (char *)grown + r->len, PIECE);
    if (n > 0)
        r->len += (size_t)n;
    return n;
}

static enum bf_err receive(const struct bf_lv *lv, virDomainPtr dom, struct received *r,
                           struct bf_fault *fault)
{
    virStreamPtr stream = virStreamNew(lv->conn, 0);
    char *type = stream ? virDomainScreenshot(dom, stream, 0, 0) : NULL;
    int n = type ? 1 : -1;

    free(type);
    while (n > 0)
        n = receive_some(stream, r);
    if (stream && n == 0)
        virStreamFinish(stream);
    else if (stream)
        virStreamAbort(stream);
    if (stream)
        virStreamFree(stream);
    return n == 0 ? BF_OK : bf_lv_fault(lv, fault, "a picture of the screen cannot be had");
}

enum bf_err bf_lv_picture(const struct bf_lv *lv, const char *path, struct bf_fault *fault)
{
    struct received r = {.bytes = NULL};
    virDomainPtr dom;
    uint8_t *png = NULL;
    size_t len = 0;
    enum bf_err err = bf_lv_domain_get(lv, &dom, fault);

    if (err)
        return err;
    err = receive(lv, dom, &r, fault);
    virDomainFree(dom);
    if (!err && bf_lv_png(r.bytes, r.len, &png, &len) != BF_OK)
        err = bf_fault_set(fault, BF_ERR_CORRUPT, BF_SIDE_SERVER,
                           "look at the screen there: virsh screenshot",
                           "the picture of the screen is neither PNG nor PPM");
    if (!err)
        err = bf_file_replace(path, png, len, 0600, fault);
    free(png);
    free(r.bytes);
    return err;
}
