// SPDX-License-Identifier: Apache-2.0
// See version.h. A kernel for arm64 is an image as it runs ("Image"), the same in gzip, or an EFI
// program that holds it compressed and says where (drivers/firmware/efi/libstub/zboot-header.S).
#include "finalize/archive/version.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/archive/archive.h"

#define BANNER    "Linux version "
#define CHUNK     ((size_t)256 << 10)
#define IMAGE_MIN ((uint64_t)1 << 20) // no kernel is smaller
#define IMAGE_MAX ((uint64_t)256 << 20)

// The word that a version is, of `len` bytes at most.
static bool take_word(const char *text, size_t len, char *out, size_t size)
{
    size_t n = 0;
    while (n < len && n + 1 < size &&
           (isalnum((unsigned char)text[n]) || (text[n] && strchr(".-_+~", text[n]))))
        n++;
    if (n == 0 || n == len || n + 1 == size || !isdigit((unsigned char)text[0]))
        return false;
    snprintf(out, size, "%.*s", (int)n, text);
    return true;
}

bool bf_version_header(const struct bf_edits *e, const char *path, uint64_t from, char *out,
                       size_t size)
{
    unsigned char head[0x210];
    char text[128];
    size_t got;
    if (bf_edits_pread(e, path, head, sizeof head, from, &got, NULL) || got < sizeof head ||
        memcmp(head + 0x202, "HdrS", 4) != 0 || bf_le16(head + 0x20e) == 0)
        return false;
    uint64_t at = from + 0x200u + bf_le16(head + 0x20e);
    return !bf_edits_pread(e, path, text, sizeof text, at, &got, NULL) &&
           take_word(text, got, out, size);
}

struct search {
    char *out;
    size_t size;
    char rest[128]; // the end of what came before
    size_t kept;
    bool found;
};

// The banner in bytes; also the format string of /proc/version has its beginning.
static bool find_banner(struct search *s, const char *data, size_t len)
{
    const char *at = data, *end = data + len, *hit;
    while (!s->found && (hit = memmem(at, (size_t)(end - at), BANNER, strlen(BANNER)))) {
        at = hit + strlen(BANNER);
        s->found = take_word(at, (size_t)(end - at), s->out, s->size);
    }
    return s->found;
}

// True while more is wanted.
static bool search(void *arg, const void *data, size_t len)
{
    struct search *s = arg;
    char seam[256];
    size_t head = len < sizeof seam - s->kept ? len : sizeof seam - s->kept;
    memcpy(seam, s->rest, s->kept);
    memcpy(seam + s->kept, data, head);
    if (find_banner(s, seam, s->kept + head) || find_banner(s, data, len))
        return false;
    s->kept = len < sizeof s->rest ? len : sizeof s->rest;
    memcpy(s->rest, (const char *)data + len - s->kept, s->kept);
    return true;
}

static void search_plain(const struct bf_edits *e, const char *path, struct search *s)
{
    char *buf = malloc(CHUNK);
    uint64_t at = 0;
    for (size_t got = 1; buf && got; at += got) {
        if (bf_budget_take(e->root->budget, path, CHUNK / BF_BUDGET_UNPACK) ||
            bf_edits_pread(e, path, buf, CHUNK, at, &got, NULL) || !search(s, buf, got))
            break;
    }
    free(buf);
}

bool bf_version_text(const struct bf_edits *e, const char *path, char *out, size_t size)
{
    uint64_t len, offset = 0;
    unsigned char head[28];
    size_t got;
    struct search s = {.out = out, .size = size};
    if (bf_edits_size(e, path, &len, NULL) || len < IMAGE_MIN || len > IMAGE_MAX ||
        bf_edits_pread(e, path, head, sizeof head, 0, &got, NULL) || got < sizeof head)
        return false;
    if (memcmp(head, "MZ\0\0zimg", 8) == 0) {
        offset = bf_le32(head + 8);
        len = bf_le32(head + 12);
    }
    if (bf_archive_unpack_part(e, path, offset, len, search, &s))
        search_plain(e, path, &s);
    return s.found;
}
