// SPDX-License-Identifier: Apache-2.0
// See store_figures.h. The sealed manifest of the layer below is streamed beside the new one, and
// each place has a cursor into its spans, so that memory and time do not depend on what is left
// out where.
#include "replica/store/figures.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "replica/points/layers.h"
#include "replica/state/spans.h"

struct place {
    struct bf_place_row row;
    struct bf_place_span *span;
    uint32_t spans, at;
};

struct bf_figures {
    uint8_t session[16];
    struct bf_geometry geometry;
    uint64_t next; // chunk
    int64_t unused, fresh;

    // The point before; no file: there is none.
    FILE *file;
    struct bf_manifest_reader reader;
    struct bf_manifest_run run; // the one that reaches beyond `next`
    int ended;                  // behind its last chunk
    int unknown;                // it cannot be read

    struct place *place;
    size_t places;
};

// ---- Making ------------------------------------------------------------------------------------

static enum bf_err fetch(void *user, void *bytes, size_t len, size_t *got)
{
    *got = fread(bytes, 1, len, user);
    return ferror((FILE *)user) ? BF_ERR_IO : BF_OK;
}

static void open_before(struct bf_figures *f, const struct bf_state *state, const char *path)
{
    int fd = openat(bf_state_dir(state), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd >= 0 && !(f->file = fdopen(fd, "r")))
        close(fd);
    f->unknown =
        !f->file ||
        bf_manifest_open(&f->reader, (struct bf_manifest_source){.read = fetch, .user = f->file}) ||
        f->reader.geometry.chunk_size != f->geometry.chunk_size;
}

static enum bf_err take_place(struct place *p, struct bf_db *db, const uint8_t session[16],
                              const struct bf_place_row *row)
{
    p->row = *row;
    p->row.unused_bytes = p->row.new_bytes = row->bytes ? 0 : -1;
    p->span = calloc(BF_PLACE_SPANS_MAX, sizeof *p->span);
    if (!p->span)
        return BF_ERR_NO_MEMORY;
    return bf_db_place_spans(db, session, row->disk, row->ordinal, p->span, &p->spans);
}

static enum bf_err take_places(struct bf_figures *f, struct bf_db *db, uint16_t disk)
{
    struct bf_place_row *row = NULL;
    size_t rows = 0;
    enum bf_err err = bf_db_place_list(db, f->session, &row, &rows);

    f->place = calloc(rows ? rows : 1, sizeof *f->place);
    if (!f->place)
        err = BF_ERR_NO_MEMORY;
    for (size_t i = 0; !err && i < rows; i++)
        if (row[i].disk == disk)
            err = take_place(&f->place[f->places++], db, f->session, &row[i]);
    free(row);
    return err;
}

struct bf_figures *bf_figures_begin(const struct bf_state *state, struct bf_db *db,
                                    const char *machine, const uint8_t session[16], uint16_t disk,
                                    uint32_t layer, const struct bf_geometry *geometry)
{
    struct bf_figures *f = calloc(1, sizeof *f);
    char path[BF_LAYER_PATH_MAX];

    BF_ASSERT(layer > 0);
    if (!f)
        return NULL;
    memcpy(f->session, session, sizeof f->session);
    f->geometry = *geometry;
    f->ended = layer <= 1;
    if (!f->ended) {
        bf_layer_manifest(path, machine, disk, layer - 1);
        open_before(f, state, path);
    }
    if (take_places(f, db, disk)) {
        bf_log(BF_LOG_WARNING, "%s, disk %u: the places on it are not recorded", machine, disk);
        bf_figures_free(f);
        return NULL;
    }
    return f;
}

void bf_figures_end(struct bf_figures *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->places; i++) {
        free(f->place[i].span);
        f->place[i].span = NULL;
    }
    if (f->file)
        fclose(f->file);
    f->file = NULL;
}

void bf_figures_free(struct bf_figures *f)
{
    if (!f)
        return;
    bf_figures_end(f);
    free(f->place);
    free(f);
}

// ---- Counting ----------------------------------------------------------------------------------

// Makes f->run the run of the point before that has this chunk. 0: it had no such chunk.
static int find_before(struct bf_figures *f, uint64_t chunk)
{
    while (!f->ended && !f->unknown && f->run.first + f->run.count <= chunk) {
        enum bf_err err = bf_manifest_next(&f->reader, &f->run);
        f->ended = err == BF_ERR_CLOSED;
        f->unknown = err && !f->ended;
    }
    BF_ASSERT(f->ended || f->unknown || f->run.first <= chunk);
    return !f->ended && !f->unknown;
}

static int was_there(struct bf_figures *f, uint64_t chunk, const struct bf_digest *digest)
{
    return find_before(f, chunk) && f->run.state == BF_CHUNK_DATA &&
           bf_digest_equal(&f->run.digests[chunk - f->run.first], digest);
}

static void count(struct bf_figures *f, uint64_t first, uint64_t chunks, int is_new)
{
    uint64_t from = first * f->geometry.chunk_size;
    uint64_t end = (first + chunks) * f->geometry.chunk_size;

    if (end > f->geometry.disk_bytes)
        end = f->geometry.disk_bytes;
    BF_ASSERT(from < end);
    *(is_new ? &f->fresh : &f->unused) += (int64_t)(end - from);
    for (size_t i = 0; i < f->places; i++) {
        struct place *p = &f->place[i];
        int64_t *sum = is_new ? &p->row.new_bytes : &p->row.unused_bytes;
        if (p->spans)
            *sum += (int64_t)bf_spans_within(p->span, p->spans, &p->at, from, end);
    }
}

static void add_data(struct bf_figures *f, uint64_t count_of, const struct bf_digest *digests)
{
    for (uint64_t i = 0, run; i < count_of; i += run) {
        int old = was_there(f, f->next + i, &digests[i]);
        for (run = 1; i + run < count_of; run++)
            if (was_there(f, f->next + i + run, &digests[i + run]) != old)
                break;
        if (!old)
            count(f, f->next + i, run, 1);
    }
}

void bf_figures_add(struct bf_figures *f, enum bf_chunk_state state, uint64_t count_of,
                    const struct bf_digest *digests)
{
    if (!f)
        return;
    BF_ASSERT(f->next + count_of <= bf_geometry_chunks(&f->geometry));
    if (state == BF_CHUNK_DATA)
        add_data(f, count_of, digests);
    else if (state == BF_CHUNK_UNUSED)
        count(f, f->next, count_of, 0);
    f->next += count_of;
}

// ---- What came out -----------------------------------------------------------------------------

void bf_figures_of_disk(const struct bf_figures *f, struct bf_point_disk *out)
{
    BF_ASSERT(!f || f->next == bf_geometry_chunks(&f->geometry));
    out->unused_bytes = f ? f->unused : -1;
    out->new_bytes = f && !f->unknown ? f->fresh : -1;
}

enum bf_err bf_figures_put(const struct bf_figures *f, struct bf_db *db)
{
    enum bf_err err = BF_OK;

    BF_ASSERT(!f || !f->file); // bf_figures_end came before
    for (size_t i = 0; f && !err && i < f->places; i++) {
        struct bf_place_row row = f->place[i].row;
        if (f->unknown)
            row.new_bytes = -1;
        err = bf_db_place_figures(db, f->session, &row);
    }
    return err;
}
