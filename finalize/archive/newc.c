// SPDX-License-Identifier: Apache-2.0
// See newc.h. What a name or a size of an entry would have the kernel skip is skipped here as well;
// what it would stop at is told.
#include "finalize/archive/newc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/fmt.h"

#define NAME_MAX_BYTES 4096 // PATH_MAX of the kernel, for names and for targets of links

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

bool bf_newc_head(const char header[BF_NEWC_HEADER], struct bf_newc_head *out)
{
    uint32_t field[13];
    out->sums = memcmp(header, "070702", 6) == 0;
    if (!out->sums && memcmp(header, "070701", 6) != 0)
        return false;
    for (size_t i = 0; i < 13; i++)
        if (!hex8(header + 6 + 8 * i, &field[i]))
            return false;
    out->ino = field[0];
    out->mode = field[1];
    out->links = field[4];
    out->size = field[6];
    out->major = field[7];
    out->minor = field[8];
    out->name = field[11];
    out->sum = field[12];
    return true;
}

enum bf_err bf_newc_open(struct bf_newc *n, bf_archive_visitor *visit, void *arg,
                         struct bf_budget *budget, const char *path, struct bf_archive_info *info)
{
    *n = (struct bf_newc){.visit = visit, .arg = arg, .budget = budget, .path = path, .info = info};
    n->fresh = true;
    n->name = malloc(NAME_MAX_BYTES + 1);
    return n->name ? BF_OK : BF_ERR_NO_MEMORY;
}

void bf_newc_close(struct bf_newc *n)
{
    free(n->name);
    free(n->body);
    bf_links_clear(&n->links);
    *n = (struct bf_newc){0};
}

void bf_newc_trouble(struct bf_newc *n, const char *what)
{
    if (!n->info->trouble[0])
        snprintf(n->info->trouble, sizeof n->info->trouble, "%s", what);
    n->stop = true;
}

void bf_newc_count(struct bf_archive_info *info, const char *format, uint64_t offset)
{
    if (offset < info->own) {
        info->early = info->early || (info->parts && strcmp(info->format, "cpio") == 0);
        info->format = format;
    }
    info->parts++;
}

void bf_newc_part(struct bf_newc *n, const char *format, uint64_t offset)
{
    n->entry.part = n->info->parts;
    n->entry.offset = offset;
    bf_newc_count(n->info, format, offset);
}

static void fail(struct bf_newc *n, enum bf_err err)
{
    n->err = err;
    n->stop = true;
}

static void skip(struct bf_newc *n, uint64_t len)
{
    n->left = len + (-(n->at + len) & 3);
    n->state = n->left ? BF_NEWC_SKIP : BF_NEWC_BETWEEN;
}

static void begin_entry(struct bf_newc *n)
{
    n->info->unpacked += n->head.size;
    if (n->info->unpacked > BF_ARCHIVE_UNPACKED_MAX) {
        bf_budget_exceed(n->budget, n->path, "has more than 1 GiB of content");
        fail(n, BF_ERR_LIMIT);
    } else if (bf_budget_take(n->budget, n->path, BF_BUDGET_NAME)) {
        fail(n, BF_ERR_LIMIT);
    }
}

static void take_header(struct bf_newc *n)
{
    const struct bf_newc_head *h = &n->head;
    n->got = 0;
    n->entries++;
    if (memcmp(n->header, "070707", 6) == 0) {
        bf_newc_trouble(n, "is in an old cpio format, which no kernel reads");
        return;
    }
    if (!bf_newc_head(n->header, &n->head)) {
        bf_newc_trouble(n, "has an entry that is damaged");
        return;
    }
    if (n->fresh && !n->packed)
        bf_newc_part(n, "cpio", n->at - BF_NEWC_HEADER);
    n->fresh = false;
    begin_entry(n);
    bool odd = h->name == 0 || h->name > NAME_MAX_BYTES ||
               (S_ISLNK(h->mode) && h->size > NAME_MAX_BYTES) ||
               (!S_ISLNK(h->mode) && !S_ISREG(h->mode) && h->size);
    if (odd)
        skip(n, (uint64_t)h->name + (-(n->at + h->name) & 3) + h->size);
    else
        n->state = BF_NEWC_NAME;
}

// From the name as it is written to the path in the tree.
static const char *plain_name(const char *name)
{
    for (;;) {
        if (name[0] == '/')
            name++;
        else if (name[0] == '.' && name[1] == '/')
            name += 2;
        else
            return name[0] ? name : ".";
    }
}

static void show(struct bf_newc *n, const char *name, unsigned mode, const char *data)
{
    n->entry.name = plain_name(name);
    n->entry.mode = mode;
    n->entry.size = n->head.size;
    n->entry.data = data;
    if (!n->stop && !n->visit(n->arg, &n->entry))
        n->stop = true;
}

// The content belongs to the names of the same inode that came before, too.
static void show_linked(struct bf_newc *n, const char *data)
{
    const struct bf_newc_head *h = &n->head;
    const struct bf_linked *other;
    size_t at = 0;
    while ((other = bf_links_next(&n->links, h->ino, h->major, h->minor, &at)) && !n->stop)
        if (strcmp(other->name, n->name) != 0 &&
            !bf_budget_take(n->budget, n->path, BF_BUDGET_NAME))
            show(n, other->name, other->mode, data);
}

static void end_entry(struct bf_newc *n)
{
    const struct bf_newc_head *h = &n->head;
    bool whole = n->kept == h->size, linked = S_ISREG(h->mode) && h->links >= 2;
    if (h->sums && S_ISREG(h->mode) && n->sum != h->sum) {
        bf_newc_trouble(n, "has a file whose checksum is wrong");
        return;
    }
    n->body[n->kept] = 0;
    const char *data = whole && (!linked || h->size) ? n->body : NULL;
    if (linked && h->size)
        show_linked(n, data);
    show(n, n->name, h->mode, data);
    struct bf_linked link = {n->name, h->mode, 0, h->ino, h->major, h->minor};
    if (linked && !bf_links_add(&n->links, &link))
        fail(n, BF_ERR_NO_MEMORY);
}

// Room for what is shown of the content.
static bool make_room(struct bf_newc *n, size_t want)
{
    if (want < n->room)
        return true;
    size_t room = n->room ? n->room : 65536;
    while (room <= want)
        room *= 2;
    char *more = realloc(n->body, room);
    if (!more) {
        fail(n, BF_ERR_NO_MEMORY);
        return false;
    }
    n->body = more;
    n->room = room;
    return true;
}

static void finish_body(struct bf_newc *n)
{
    if (make_room(n, n->kept))
        end_entry(n);
    skip(n, 0);
}

static void take_name(struct bf_newc *n)
{
    n->name[n->got] = 0;
    n->got = 0;
    n->kept = 0;
    n->sum = 0;
    n->left = n->head.size;
    if (strcmp(n->name, "TRAILER!!!") == 0) {
        n->fresh = true;
        bf_links_clear(&n->links);
        skip(n, (-n->at & 3) + n->head.size);
        return;
    }
    n->state = BF_NEWC_BODY;
}

static size_t feed_name(struct bf_newc *n, const char *data, size_t len)
{
    size_t want = n->head.name - n->got, take = len < want ? len : want;
    memcpy(n->name + n->got, data, take);
    n->got += take;
    n->at += take;
    if (take == want)
        take_name(n);
    return take;
}

static size_t feed_head(struct bf_newc *n, const char *data, size_t len)
{
    size_t want = BF_NEWC_HEADER - n->got, take = len < want ? len : want;
    memcpy(n->header + n->got, data, take);
    n->got += take;
    n->at += take;
    if (take == want)
        take_header(n);
    return take;
}

static uint32_t sum_of(const char *data, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += (unsigned char)data[i];
    return sum;
}

static size_t feed_body(struct bf_newc *n, const char *data, size_t len)
{
    if (n->left == n->head.size && (n->at & 3)) { // the padding of the name
        n->at++;
        return 1;
    }
    size_t take = len < n->left ? len : (size_t)n->left;
    bool shown = n->head.size <= BF_ARCHIVE_DATA_MAX;
    if (shown && take && make_room(n, n->kept + take)) {
        memcpy(n->body + n->kept, data, take);
        n->kept += take;
    }
    if (n->head.sums)
        n->sum += sum_of(data, take);
    n->at += take;
    n->left -= take;
    if (n->left == 0)
        finish_body(n);
    return take;
}

static size_t feed_skip(struct bf_newc *n, size_t len)
{
    size_t take = len < n->left ? len : (size_t)n->left;
    n->at += take;
    n->left -= take;
    if (n->left == 0)
        n->state = BF_NEWC_BETWEEN;
    return take;
}

// 0 when what stands there begins no entry.
static size_t feed_between(struct bf_newc *n, const char *data, size_t len)
{
    size_t zeros = 0;
    while (zeros < len && data[zeros] == 0)
        zeros++;
    n->at += zeros;
    if (zeros == len)
        return zeros;
    if (n->at & 3) {
        if (n->entries)
            bf_newc_trouble(n, "has padding that does not end at a multiple of 4 bytes");
        return zeros;
    }
    if (data[zeros] == '0')
        n->state = BF_NEWC_HEAD;
    return zeros;
}

size_t bf_newc_feed(struct bf_newc *n, const void *data, size_t len)
{
    const char *at = data, *end = at + len;
    while (!n->stop && (at < end || (n->state == BF_NEWC_BODY && n->left == 0 && !(n->at & 3)))) {
        size_t rest = (size_t)(end - at), took = 0;
        enum bf_newc_state was = n->state;
        BF_ASSERT(n->got <= NAME_MAX_BYTES);
        if (was == BF_NEWC_BETWEEN)
            took = feed_between(n, at, rest);
        else if (was == BF_NEWC_HEAD)
            took = feed_head(n, at, rest);
        else if (was == BF_NEWC_NAME)
            took = feed_name(n, at, rest);
        else if (was == BF_NEWC_BODY)
            took = feed_body(n, at, rest);
        else
            took = feed_skip(n, rest);
        at += took;
        if (took == 0 && n->state == was)
            break;
    }
    return (size_t)(at - (const char *)data);
}
