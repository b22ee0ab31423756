// SPDX-License-Identifier: Apache-2.0
// Unpacks what is compressed by itself: a kernel's module, a kernel.
#include "finalize/archive/archive.h"
#include "finalize/archive/codec.h"

struct unpacked {
    struct bf_text *out;
    size_t left;
    bool over;
};

static bool keep(void *arg, const void *data, size_t len)
{
    struct unpacked *u = arg;
    u->over = len > u->left;
    if (!u->over)
        bf_text_add(u->out, data, len);
    u->left -= u->over ? 0 : len;
    return !u->over && bf_text_ok(u->out);
}

enum bf_err bf_archive_unpack(const void *data, size_t len, size_t cap, struct bf_text *out)
{
    struct bf_intake in;
    struct unpacked to = {out, cap, false};
    struct bf_unpack u = {.in = &in, .sink = keep, .arg = &to};
    const struct bf_compression *codec = bf_codec_find(data, len);
    if (!codec)
        return BF_ERR_RANGE;
    bf_intake_bytes(&in, data, len, NULL);
    enum bf_err err = codec->run(&u);
    if (err)
        return err;
    return to.over ? BF_ERR_LIMIT : bf_text_ok(out) ? BF_OK : BF_ERR_NO_MEMORY;
}

const char *bf_archive_format(const void *data, size_t len)
{
    const struct bf_compression *codec = bf_codec_find(data, len);
    return codec ? codec->name : NULL;
}

struct counted {
    struct bf_intake *in;
    bool (*sink)(void *arg, const void *data, size_t len);
    void *arg;
    uint64_t left;
};

static bool count(void *arg, const void *data, size_t len)
{
    struct counted *c = arg;
    if (len > c->left || bf_budget_take(c->in->budget, c->in->path, len / BF_BUDGET_UNPACK))
        return false;
    c->left -= len;
    return c->sink(c->arg, data, len);
}

enum bf_err bf_archive_unpack_part(const struct bf_edits *e, const char *path, uint64_t offset,
                                   uint64_t len,
                                   bool (*sink)(void *arg, const void *data, size_t len), void *arg)
{
    size_t got;
    uint64_t size;
    struct bf_intake in;
    struct counted c = {&in, sink, arg, BF_ARCHIVE_UNPACKED_MAX};
    struct bf_unpack u = {.in = &in, .sink = count, .arg = &c};
    enum bf_err err = bf_edits_size(e, path, &size, NULL);
    if (err || offset > size || len > size - offset)
        return err ? err : BF_ERR_RANGE;
    err = bf_intake_file(&in, e, path, offset, offset + len);
    const unsigned char *head = err ? NULL : bf_intake_peek(&in, 2, &got);
    const struct bf_compression *codec = head ? bf_codec_find(head, got) : NULL;
    if (!err)
        err = codec ? codec->run(&u) : BF_ERR_RANGE;
    bf_intake_close(&in);
    return err;
}
