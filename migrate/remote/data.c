// SPDX-License-Identifier: Apache-2.0
// Data on its way to the server: compressed ahead by the workers, as far as there are buffers for
// the results, and framed in the order in which it was given.
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "migrate/remote/parts.h"

// ---- Buffers -----------------------------------------------------------------------------------

int bf_remote_packs_init(struct bf_remote *r)
{
    // One per worker, one that the channel is sending, one that waits for it.
    uint32_t count = r->config.compression == 1 ? 0 : r->workers->count + 2;
    BF_ASSERT(count <= BF_PACKS_MAX);
    for (uint32_t i = 0; i < count; i++)
        if (!(r->pack[i].packed = bf_alloc(BF_DATA_MAX)))
            return 0;
    for (uint32_t i = 0; count && i <= r->workers->count; i++)
        if (!(r->compressor[i] = bf_compressor_new()))
            return 0;
    r->packs = count;
    return 1;
}

void bf_remote_packs_free(struct bf_remote *r)
{
    for (uint32_t i = 0; i < BF_PACKS_MAX; i++) {
        BF_ASSERT(!bf_task_is(&r->pack[i].task, BF_TASK_GIVEN));
        bf_free(r->pack[i].packed);
    }
    for (uint32_t i = 0; i <= BF_WORKERS_MAX; i++)
        bf_compressor_free(r->compressor[i]);
}

void bf_remote_packs_forget(struct bf_remote *r)
{
    BF_ASSERT(!r->lent || r->lent->held);
    if (r->lent)
        r->lent->held = 0;
    r->lent = NULL;
    r->packs_stale = 1;
}

// The pipeline prepares nothing before the workers are through with what was given up.
static void collect_packs(struct bf_remote *r)
{
    if (!r->packs_stale)
        return;
    for (r->packs_free = 0; r->packs_free < r->packs; r->packs_free++) {
        BF_ASSERT(!bf_task_is(&r->pack[r->packs_free].task, BF_TASK_GIVEN));
        r->free_pack[r->packs_free] = &r->pack[r->packs_free];
    }
    r->packs_stale = 0;
}

// ---- Compression -------------------------------------------------------------------------------

static void compress(struct bf_task *task, uint32_t place)
{
    struct bf_pack *p = (struct bf_pack *)task;
    p->packed_len =
        (uint32_t)bf_compress(p->compressor[place], p->choice.codec, p->choice.level, p->packed,
                              p->raw_len - p->raw_len / 16, p->raw, p->raw_len);
}

// Data is compressed or not as the ladder says now.
enum bf_err bf_remote_prepare(struct bf_remote *r, struct bf_store_write *write)
{
    uint32_t skip = r->ladder.skip;
    struct bf_ladder_choice choice;
    struct bf_pack *p;
    BF_ASSERT(!write->held && !write->work);
    collect_packs(r);
    BF_ASSERT(r->packs_free <= r->packs);
    if (r->packs && !r->packs_free)
        return BF_AGAIN;
    choice = bf_ladder_choose(&r->ladder);
    if (!r->packs || choice.codec == BF_CODEC_NONE)
        return BF_OK;
    p = r->free_pack[r->packs_free - 1];
    p->choice = choice;
    p->skip = skip;
    p->compressor = r->compressor;
    p->raw = write->raw;
    p->raw_len = write->raw_len;
    p->packed_len = 0;
    p->task.run = compress;
    if (!bf_workers_give(r->workers, &p->task))
        return BF_AGAIN;
    r->packs_free--;
    write->work = p;
    return BF_OK;
}

// What came of the choice. Data that was chosen for before some that did not shrink says nothing
// new.
static void note_choice(struct bf_remote *r, const struct bf_pack *p, uint32_t raw_len)
{
    if (p && (p->packed_len || p->skip == r->ladder.skip))
        bf_ladder_result(&r->ladder, raw_len, p->packed_len);
    bf_ladder_framed(&r->ladder, raw_len);
}

// ---- Frames ------------------------------------------------------------------------------------

static void put_data(struct bf_remote *r, const struct bf_store_write *w, uint8_t *room,
                     size_t head)
{
    const struct bf_pack *p = w->work;
    struct bf_data m = {.disk = w->disk,
                        .count = (uint8_t)w->count,
                        .first = w->first,
                        .raw_len = w->raw_len,
                        .digests = w->digests->bytes,
                        .codec = BF_CODEC_NONE,
                        .body = w->raw,
                        .body_len = w->raw_len};
    if (p && p->packed_len) {
        m.codec = (uint8_t)p->choice.codec;
        m.body = p->packed;
        m.body_len = p->packed_len;
    }
    bf_channel_put(&r->channel, bf_put_data_head(room, head, &m));
    bf_channel_body(&r->channel, m.body, m.body_len);
}

enum bf_err bf_remote_data(struct bf_remote *r, struct bf_store_write *write)
{
    const struct bf_pack *p = write->work;
    size_t head = BF_FRAME_HEADER + 32 + write->count * sizeof(struct bf_digest);
    uint8_t *room;
    BF_ASSERT(bf_remote_takes_chunks(r) && !write->held);
    BF_ASSERT(write->count <= BF_DATA_CHUNKS_MAX && write->raw_len <= BF_DATA_MAX);
    bf_remote_take_back(r);
    if (r->lent || (p && !bf_task_is(&p->task, BF_TASK_DONE)) || !bf_remote_flush(r))
        return BF_AGAIN;
    room = bf_channel_room(&r->channel, head);
    if (!room)
        return BF_AGAIN;
    note_choice(r, p, write->raw_len);
    put_data(r, write, room, head);
    write->held = 1;
    r->lent = write;
    return BF_OK;
}

void bf_remote_take_back(struct bf_remote *r)
{
    if (!r->lent || bf_channel_body_busy(&r->channel))
        return;
    BF_ASSERT(r->lent->held);
    BF_ASSERT(!r->lent->work || r->packs_free < r->packs); // no buffer comes back twice
    if (r->lent->work && !r->packs_stale)
        r->free_pack[r->packs_free++] = r->lent->work;
    r->lent->held = 0;
    r->lent = NULL;
}
