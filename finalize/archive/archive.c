// SPDX-License-Identifier: Apache-2.0
// See archive.h. The kernel goes over the file as unpack_to_rootfs() in its init/initramfs.c does:
// zeros are skipped anywhere, a "0" at a multiple of 4 begins an entry, and anything else has to be
// the magic of a compression, of which one member is unpacked before the next look.
#include "finalize/archive/archive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finalize/archive/codec.h"
#include "finalize/archive/newc.h"
#include "finalize/core/fault.h"

#define MARK_ROOM  512 // the last entry of a segment of ours, and what ends it
#define SIZE_LIMIT ((uint64_t)1 << 30)

struct reader {
    struct bf_intake in;
    struct bf_newc cpio;
    uint64_t unpacked; // with all that stands between entries
};

static bool sink(void *arg, const void *data, size_t len)
{
    struct reader *r = arg;
    struct bf_newc *cpio = &r->cpio;
    r->unpacked += len;
    if (r->unpacked > BF_ARCHIVE_UNPACKED_MAX)
        bf_budget_exceed(r->in.budget, r->in.path, "has more than 1 GiB of content");
    if (r->unpacked > BF_ARCHIVE_UNPACKED_MAX ||
        bf_budget_take(r->in.budget, r->in.path, len / BF_BUDGET_UNPACK)) {
        cpio->err = BF_ERR_LIMIT;
        cpio->stop = true;
    } else if (bf_newc_feed(cpio, data, len) < len && !cpio->stop)
        bf_newc_trouble(cpio, "has something else than archives in a compressed part");
    return !cpio->stop;
}

static enum bf_err packed_failed(struct reader *r, const struct bf_compression *codec,
                                 enum bf_err err)
{
    char what[96];
    if (r->in.err)
        return r->in.err;
    if (err == BF_ERR_LIMIT)
        bf_budget_exceed(r->in.budget, r->in.path, "needs more than 128 MiB of memory to unpack");
    if (err != BF_ERR_CORRUPT)
        return err;
    snprintf(what, sizeof what, "has a part in the format %s that is damaged or cut off",
             codec->name);
    bf_newc_trouble(&r->cpio, what);
    return BF_OK;
}

// One compressed member. Its archives have to be whole, as the kernel wants.
static enum bf_err read_packed(struct reader *r, const struct bf_compression *codec)
{
    struct bf_newc *cpio = &r->cpio;
    struct bf_unpack u = {.in = &r->in, .sink = sink, .arg = r};
    bf_newc_part(cpio, codec->name, bf_intake_tell(&r->in));
    cpio->packed = true;
    cpio->at = 0;
    cpio->entries = 0;
    enum bf_err err = codec->run(&u);
    cpio->packed = false;
    cpio->fresh = true;
    if (cpio->err)
        return cpio->err;
    if (err)
        return packed_failed(r, codec, err);
    if (!cpio->stop && cpio->state != BF_NEWC_BETWEEN)
        bf_newc_trouble(cpio, "ends a compressed part in the middle of an entry");
    return BF_OK;
}

// Uncompressed entries, as many as follow each other.
static enum bf_err read_plain(struct reader *r)
{
    struct bf_newc *cpio = &r->cpio;
    cpio->at = bf_intake_tell(&r->in);
    cpio->entries = 0;
    for (size_t got, took = 1; took && !cpio->stop;) {
        const unsigned char *data = bf_intake_peek(&r->in, 1, &got);
        took = got ? bf_newc_feed(cpio, data, got) : 0;
        bf_intake_take(&r->in, took);
    }
    // Padding behind the last entry may be missing.
    bool cut = cpio->state != BF_NEWC_BETWEEN && (cpio->state != BF_NEWC_SKIP || cpio->left > 3);
    if (cut && !cpio->stop)
        bf_newc_trouble(cpio, "ends in the middle of an entry");
    return cpio->err;
}

// Zeros may stand between archives. False at the end.
static bool skip_zeros(struct bf_intake *in)
{
    for (;;) {
        size_t got, n = 0;
        const unsigned char *data = bf_intake_peek(in, 1, &got);
        while (n < got && data[n] == 0)
            n++;
        bf_intake_take(in, n);
        if (n < got || got == 0)
            return got > 0;
    }
}

static enum bf_err read_next(struct reader *r)
{
    size_t got;
    const unsigned char *data = bf_intake_peek(&r->in, 2, &got);
    const struct bf_compression *codec = bf_codec_find(data, got);
    if (data[0] == '0' && (bf_intake_tell(&r->in) & 3) == 0)
        return read_plain(r);
    if (codec)
        return read_packed(r, codec);
    bf_newc_trouble(&r->cpio, "has bytes behind an archive that begin no other one");
    return BF_OK;
}

static enum bf_err read_all(struct reader *r)
{
    enum bf_err err = BF_OK;
    if (r->cpio.info->size > SIZE_LIMIT) {
        bf_budget_exceed(r->in.budget, r->in.path, "is larger than 1 GiB");
        return BF_ERR_LIMIT;
    }
    while (!err && !r->cpio.stop && skip_zeros(&r->in))
        err = read_next(r);
    if (!err)
        err = r->in.err ? r->in.err : r->cpio.err;
    return !err && r->cpio.info->parts == 0 ? BF_ERR_RANGE : err;
}

// A segment of ours ends the file, and its last entry tells where it begins.
static uint64_t without_ours(const struct bf_edits *e, const char *path, uint64_t begin,
                             uint64_t size)
{
    char tail[MARK_ROOM + 1] = {0}, *end;
    size_t got, want = size < MARK_ROOM ? (size_t)size : MARK_ROOM;
    if (bf_edits_pread(e, path, tail, want, begin + size - want, &got, NULL) || got != want)
        return size;
    const char *mark = memmem(tail, want, BF_ARCHIVE_MARK, strlen(BF_ARCHIVE_MARK));
    if (!mark)
        return size;
    unsigned long long keep = strtoull(mark + strlen(BF_ARCHIVE_MARK), &end, 10);
    return *end == '\n' && keep > 0 && keep < size ? keep : size;
}

static enum bf_err begin(const struct bf_edits *e, const char *path, uint64_t offset, uint64_t len,
                         struct bf_intake *in, struct bf_archive_info *info)
{
    info->size = len;
    info->own = without_ours(e, path, offset, len);
    return bf_intake_file(in, e, path, offset, offset + len);
}

enum bf_err bf_archive_read_part(const struct bf_edits *e, const char *path, uint64_t offset,
                                 uint64_t len, bf_archive_visitor *visit, void *arg,
                                 struct bf_archive_info *info, struct bf_fault *fault)
{
    struct reader r = {0};
    struct bf_fault own;
    fault = fault ? fault : &own;
    *info = (struct bf_archive_info){.format = "unknown"};
    enum bf_err err = begin(e, path, offset, len, &r.in, info);
    if (!err)
        err = bf_newc_open(&r.cpio, visit, arg, e->root->budget, path, info);
    if (!err)
        err = read_all(&r);
    if (err == BF_ERR_RANGE)
        bf_fault_set(fault, err, BF_SIDE_SOURCE, "", "it is not an initramfs in a known format");
    else if (r.in.err && r.in.fault.code)
        *fault = r.in.fault;
    else if (err)
        bf_fault_errno(fault, err == BF_ERR_LIMIT ? E2BIG : ENOMEM);
    bf_newc_close(&r.cpio);
    bf_intake_close(&r.in);
    return err;
}

enum bf_err bf_archive_read(const struct bf_edits *e, const char *path, bf_archive_visitor *visit,
                            void *arg, struct bf_archive_info *info, struct bf_fault *fault)
{
    uint64_t size;
    *info = (struct bf_archive_info){.format = "unknown"};
    enum bf_err err = bf_edits_size(e, path, &size, fault);
    return err ? err : bf_archive_read_part(e, path, 0, size, visit, arg, info, fault);
}

// Goes over one entry that is not compressed; false when there is none.
static bool look_entry(struct bf_intake *in, struct bf_archive_info *info, bool *fresh)
{
    char h[BF_NEWC_HEADER], name[11] = "";
    struct bf_newc_head head;
    uint64_t at = bf_intake_tell(in);
    if (!bf_intake_read(in, h, sizeof h) || !bf_newc_head(h, &head) ||
        bf_budget_take(in->budget, in->path, BF_BUDGET_NAME))
        return false;
    if (*fresh)
        bf_newc_count(info, "cpio", at);
    *fresh = head.name == sizeof name && bf_intake_read(in, name, sizeof name) &&
             memcmp(name, "TRAILER!!!", sizeof name) == 0;
    uint64_t end = at + sizeof h + head.name;
    end += (-end & 3) + head.size;
    info->unpacked += head.size;
    return bf_intake_skip(in, end + (-end & 3) - bf_intake_tell(in)) || *fresh;
}

// Up to the first compressed part, what is broken, or the end.
static void look(struct bf_intake *in, struct bf_archive_info *info)
{
    bool fresh = true;
    while (skip_zeros(in)) {
        size_t got;
        const unsigned char *data = bf_intake_peek(in, 2, &got);
        const struct bf_compression *codec = bf_codec_find(data, got);
        if (data[0] == '0' && (bf_intake_tell(in) & 3) == 0) {
            if (look_entry(in, info, &fresh))
                continue;
            info->format = "unknown";
        } else if (codec) {
            bf_newc_count(info, codec->name, bf_intake_tell(in));
        } else {
            info->format = "unknown";
        }
        return;
    }
}

enum bf_err bf_archive_look(const struct bf_edits *e, const char *path,
                            struct bf_archive_info *info, struct bf_fault *fault)
{
    uint64_t size;
    struct bf_intake in = {0};
    *info = (struct bf_archive_info){.format = "unknown"};
    enum bf_err err = bf_edits_size(e, path, &size, fault);
    if (!err && size == 0)
        err = bf_fault_errno(fault, EINVAL);
    if (!err && (err = begin(e, path, 0, size, &in, info)))
        bf_fault_errno(fault, ENOMEM);
    if (!err)
        look(&in, info);
    bf_intake_close(&in);
    return err;
}
