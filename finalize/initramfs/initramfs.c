// SPDX-License-Identifier: Apache-2.0
// Recognises an initramfs by its bytes: any number of uncompressed newc archives, zero padding
// between them, then a compressed main part known by its magic. Entries are skipped by their
// headers; nothing is unpacked.
#include "finalize/initramfs/initramfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "finalize/core/fault.h"

#define HEADER      110
#define ENTRIES_MAX 200000
#define PADDING_MAX 65536

static const struct {
    const char *name;
    unsigned char magic[6];
    size_t len;
} formats[] = {
    {"gzip", {0x1f, 0x8b}, 2},
    {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4},
    {"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6},
    {"lz4", {0x02, 0x21, 0x4c, 0x18}, 4},
    {"lzma", {0x5d, 0, 0}, 3},
    {"bzip2", {'B', 'Z', 'h'}, 3},
    {"lzo", {0x89, 'L', 'Z', 'O'}, 4},
};

static bool hex8(const char *s, uint32_t *out)
{
    uint32_t n = 0;
    for (int i = 0; i < 8; i++) {
        int d = bf_hex_digit(s[i]);
        if (d < 0)
            return false;
        n = n << 4 | (uint32_t)d;
    }
    *out = n;
    return true;
}

static bool is_newc(const char *h)
{
    return memcmp(h, "070701", 6) == 0 || memcmp(h, "070702", 6) == 0;
}

static uint64_t up4(uint64_t n)
{
    return (n + 3) & ~(uint64_t)3;
}

// Skips one archive that begins at `at`. False when it is not well formed.
static bool skip_archive(int fd, uint64_t size, uint64_t *at)
{
    char h[HEADER + 12];
    for (int i = 0; i < ENTRIES_MAX; i++) {
        uint32_t data, name;
        if (pread(fd, h, sizeof h, (off_t)*at) < HEADER || !is_newc(h) || !hex8(h + 54, &data) ||
            !hex8(h + 94, &name))
            return false;
        bool last = name == 11 && memcmp(h + HEADER, "TRAILER!!!", 11) == 0;
        uint64_t next = up4(up4(*at + HEADER + name) + data);
        if (next > up4(size) || next <= *at)
            return false;
        *at = next;
        if (last)
            return true;
    }
    return false;
}

// Skips zero bytes; false at the end of the file.
static bool skip_zeros(int fd, uint64_t *at)
{
    char buf[512];
    for (uint64_t limit = *at + PADDING_MAX; *at < limit;) {
        ssize_t n = pread(fd, buf, sizeof buf, (off_t)*at);
        if (n <= 0)
            return false;
        for (ssize_t i = 0; i < n; i++, ++*at)
            if (buf[i])
                return true;
    }
    return true;
}

static void recognise(int fd, struct bf_initramfs *out)
{
    uint64_t at = 0;
    char h[6] = {0};
    size_t archives = 0;
    out->format = "unknown";
    while (at < out->own && skip_zeros(fd, &at) && at < out->own) {
        if (pread(fd, h, sizeof h, (off_t)at) < 2)
            return;
        if (!is_newc(h)) {
            for (size_t i = 0; i < BF_COUNT(formats); i++)
                if (memcmp(h, formats[i].magic, formats[i].len) == 0)
                    out->format = formats[i].name;
            out->early = archives > 0;
            return;
        }
        if (!skip_archive(fd, out->own, &at))
            return;
        archives++;
    }
    out->early = archives > 1;
    out->format = archives ? "cpio" : "unknown";
}

// Our segment ends the file, and its last entry tells where it begins.
static uint64_t without_ours(int fd, uint64_t size)
{
    char tail[512 + 1] = {0};
    size_t want = size < 512 ? (size_t)size : 512;
    if (pread(fd, tail, want, (off_t)(size - want)) != (ssize_t)want)
        return size;
    const char *mark = memmem(tail, want, BF_INITRAMFS_MARK, strlen(BF_INITRAMFS_MARK));
    if (!mark)
        return size;
    char *end;
    unsigned long long keep = strtoull(mark + strlen(BF_INITRAMFS_MARK), &end, 10);
    return *end == '\n' && keep > 0 && keep < size ? keep : size;
}

enum bf_err bf_initramfs_read(const struct bf_fin_root *root, const char *path,
                              struct bf_initramfs *out, struct bf_fault *fault)
{
    struct stat st;
    *out = (struct bf_initramfs){.format = "unknown"};
    struct bf_fault own;
    fault = fault ? fault : &own;
    int fd = bf_fin_root_open(root, path, O_RDONLY | O_NONBLOCK, fault);
    if (fd < 0)
        return fault->code;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0) {
        close(fd);
        return bf_fault_errno(fault, EINVAL);
    }
    out->size = (uint64_t)st.st_size;
    out->own = without_ours(fd, out->size);
    recognise(fd, out);
    close(fd);
    return BF_OK;
}
