// SPDX-License-Identifier: Apache-2.0
// What a source found on its machine, from the session to the point: kept, replaced and forgotten;
// the figures of disks and places beside a plain count; and why a run brought more than another.
#include <stdlib.h>

#include "replica/state/db.h"
#include "replica/points/grew.h"
#include "replica/points/recover.h"
#include "replica/state/spans.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_session.h"
#include "tests/unit/test.h"

enum { CHUNK = 65536 };
#define DISK_BYTES (((uint64_t)20 << 20) + 4096)

static struct bf_fault fault;
static struct store_files files;
static struct bf_state *state;
static struct source source;

static void begin(uint64_t seed)
{
    printf("# seed %llu\n", (unsigned long long)seed);
    store_files_make(&files);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    CHECK_EQ(bf_state_serve(files.state, &state, &fault), BF_OK);
    source_make(&source, seed, 2, DISK_BYTES, CHUNK);
    session_machine(state, &source);
}

static void finish(void)
{
    source_free(&source);
    bf_state_close(state);
    store_files_remove(&files);
}

// ---- Spans -------------------------------------------------------------------------------------

static void test_spans_beside_a_plain_array(void)
{
    enum { BYTES = 300, SPANS = 12 };
    uint64_t random = 7;
    for (int round = 0; round < 2000; round++) {
        struct bf_place_span span[SPANS];
        uint8_t has[BYTES] = {0};
        uint32_t at = 0, count = (uint32_t)(source_random(&random) % (SPANS + 1));
        for (uint32_t i = 0; i < count; i++) {
            span[i].first = source_random(&random) % (BYTES + 50);
            span[i].bytes = 1 + source_random(&random) % 60;
            for (uint64_t k = span[i].first; k < span[i].first + span[i].bytes && k < BYTES; k++)
                has[k] = 1;
        }
        count = bf_spans_tidy(span, count, BYTES);
        for (uint32_t i = 1; i < count; i++)
            CHECK(span[i - 1].first + span[i - 1].bytes < span[i].first);
        uint64_t total = 0;
        for (uint64_t first = 0, end; first < BYTES; first = end) {
            uint64_t expected = 0;
            end = first + 1 + source_random(&random) % 40;
            end = end < BYTES ? end : BYTES;
            for (uint64_t k = first; k < end; k++)
                expected += has[k];
            CHECK_EQ(bf_spans_within(span, count, &at, first, end), expected);
            total += expected;
        }
        CHECK_EQ(bf_spans_bytes(span, count), total);
    }
}

// ---- Sessions ----------------------------------------------------------------------------------

static struct bf_place a_place(uint16_t disk, uint16_t ordinal, const char *why)
{
    struct bf_place m = {.disk = disk,
                         .ordinal = ordinal,
                         .what = "ext4",
                         .count = 2,
                         .span = {{1 << 20, 2 << 20}, {8 << 20, 1 << 20}}};
    snprintf(m.name, sizeof m.name, "partition %u", ordinal + 1);
    snprintf(m.why, sizeof m.why, "%s", why);
    return m;
}

static void put_place(const struct bf_place *m, int expect_changed)
{
    int changed = -1;
    CHECK_EQ(bf_db_place_put(bf_state_db(state), source.session, m, &changed), BF_OK);
    CHECK_EQ(changed, expect_changed);
}

static void test_what_was_found_is_kept_and_replaced(void)
{
    struct bf_session_row session = {.machine = "web"};
    struct bf_unseen unseen = {
        .vendor = 0x1000, .class_code = {1, 4, 0}, .what = "RAID controller"};
    struct bf_place place;
    struct bf_unseen *seen;
    struct bf_place_row *row;
    struct bf_place_span span[BF_PLACE_SPANS_MAX];
    uint32_t spans;
    size_t count;
    int changed;
    begin(1);
    struct bf_db *db = bf_state_db(state);
    memcpy(session.id, source.session, 16);
    CHECK_EQ(bf_db_session_put(db, &session), BF_OK);
    CHECK_EQ(bf_db_unseen_put(db, source.session, 0, &unseen, &changed), BF_OK);
    CHECK_EQ(changed, 1);
    CHECK_EQ(bf_db_unseen_put(db, source.session, 0, &unseen, &changed), BF_OK);
    CHECK_EQ(changed, 0);
    unseen.asked = 1;
    CHECK_EQ(bf_db_unseen_put(db, source.session, 0, &unseen, &changed), BF_OK);
    CHECK_EQ(changed, 1);
    CHECK_EQ(bf_db_unseen_list(db, source.session, &seen, &count), BF_OK);
    CHECK_EQ(count, 1);
    CHECK_MEM(&seen[0], &unseen, sizeof unseen);
    free(seen);
    place = a_place(1, 3, "");
    put_place(&place, 1);
    put_place(&place, 0);
    place = a_place(1, 3, "it is dirty");
    put_place(&place, 1);
    place = a_place(0, 0, "");
    place.span[0].first = 1 << 16;
    put_place(&place, 1);
    // In the order in which they lie there, and a volume behind its partition.
    place = a_place(0, 1, "");
    snprintf(place.name, sizeof place.name, "volume vg0/root");
    place.count = 1;
    put_place(&place, 1);
    place = a_place(0, 2, "");
    put_place(&place, 1);
    place = a_place(0, 3, "");
    place.count = 0;
    put_place(&place, 1);
    CHECK_EQ(bf_db_place_list(db, source.session, &row, &count), BF_OK);
    CHECK_EQ(count, 5);
    CHECK_STR(row[0].name, "partition 1");
    CHECK_STR(row[1].name, "partition 3");
    CHECK_STR(row[2].name, "volume vg0/root");
    CHECK_EQ(row[3].bytes, 0);
    CHECK_EQ(row[4].disk, 1);
    CHECK_STR(row[4].name, "partition 4");
    CHECK_STR(row[4].why, "it is dirty");
    CHECK_EQ(row[4].bytes, 3 << 20);
    CHECK_EQ(row[4].unused_bytes, -1);
    free(row);
    CHECK_EQ(bf_db_place_spans(db, source.session, 1, 3, span, &spans), BF_OK);
    CHECK_EQ(spans, 2);
    CHECK_EQ(span[1].first, 8 << 20);
    CHECK_EQ(bf_db_place_spans(db, source.session, 1, 4, span, &spans), BF_ERR_NOT_FOUND);
    // A session that made no point leaves nothing behind.
    CHECK_EQ(bf_db_found_tidy(db, "web"), BF_OK);
    CHECK_EQ(bf_db_place_list(db, source.session, &row, &count), BF_OK);
    CHECK_EQ(count, 0);
    free(row);
    CHECK_EQ(bf_db_unseen_list(db, source.session, &seen, &count), BF_OK);
    CHECK_EQ(count, 0);
    free(seen);
    finish();
}

// ---- Points ------------------------------------------------------------------------------------

static struct bf_point point, former;

static void copy_and_seal(void)
{
    struct bf_session_config config;
    struct bf_session_store *s;
    uint32_t number;
    session_config(&source, &config);
    CHECK_EQ(bf_session_store_open(state, &config, &s, &fault), BF_OK);
    CHECK_EQ(session_copy(s, &source, 50, NULL), BF_OK);
    CHECK_EQ(session_seal(s, &source, &number), BF_OK);
    bf_session_store_close(s);
    former = point;
    CHECK_EQ(bf_db_point_get(bf_state_db(state), "web", number, &point), BF_OK);
}

// Bytes of [first, end) of the disk in unused chunks, and in those with data that `before` lacks.
static void expect(const struct source *before, uint16_t disk, uint64_t first, uint64_t end,
                   int64_t *unused, int64_t *fresh)
{
    for (uint64_t c = 0; c < source.disk[disk].chunks; c++) {
        struct bf_digest now, old;
        enum bf_chunk_state is = source_state(&source, disk, c, &now);
        uint64_t from = c * CHUNK, to = (c + 1) * CHUNK;
        from = from > first ? from : first;
        to = to < end ? to : end;
        if (to > from && is == BF_CHUNK_UNUSED)
            *unused += (int64_t)(to - from);
        if (to > from && is == BF_CHUNK_DATA &&
            (!before || source_state(before, disk, c, &old) != BF_CHUNK_DATA ||
             !bf_digest_equal(&now, &old)))
            *fresh += (int64_t)(to - from);
    }
}

static void check_disk(const struct source *before, uint16_t i)
{
    int64_t unused = 0, fresh = 0;
    expect(before, i, 0, source.disk[i].geometry.disk_bytes, &unused, &fresh);
    CHECK_EQ(point.disk[i].unused_bytes, unused);
    CHECK_EQ(point.disk[i].new_bytes, fresh);
}

static void check_place(const struct source *before, const struct bf_place_row *row)
{
    struct bf_place_span span[BF_PLACE_SPANS_MAX];
    int64_t unused = 0, fresh = 0;
    uint32_t spans;
    CHECK_EQ(
        bf_db_place_spans(bf_state_db(state), point.session, row->disk, row->ordinal, span, &spans),
        BF_OK);
    for (uint32_t i = 0; i < spans; i++)
        expect(before, row->disk, span[i].first, span[i].first + span[i].bytes, &unused, &fresh);
    CHECK_EQ(row->unused_bytes, spans ? unused : -1);
    CHECK_EQ(row->new_bytes, spans ? fresh : -1);
}

static void check_figures(const struct source *before)
{
    struct bf_place_row *row;
    size_t count;
    for (uint16_t i = 0; i < 2; i++)
        check_disk(before, i);
    CHECK_EQ(bf_db_place_list(bf_state_db(state), point.session, &row, &count), BF_OK);
    CHECK_EQ(count, 3);
    for (size_t i = 0; i < count; i++)
        check_place(before, &row[i]);
    free(row);
}

// Two places that overlap and lie askew to the chunks, and one of which nothing is known.
static void tell_places(const char *why)
{
    struct bf_place place = a_place(0, 0, why);
    put_place(&place, 1);
    place = a_place(0, 1, "");
    place.span[0] = (struct bf_place_span){(2 << 20) + 512, (5 << 20) - 1536};
    place.span[1] = (struct bf_place_span){DISK_BYTES - 5000, 5000};
    put_place(&place, 1);
    place = a_place(1, 0, "nothing here reads it");
    place.count = 0;
    put_place(&place, 1);
}

static void test_figures_of_points(void)
{
    begin(2);
    struct source before;
    source_change(&source, 700);
    tell_places("");
    copy_and_seal();
    check_figures(NULL);
    for (int run = 0; run < 3; run++) {
        source_copy(&before, &source);
        source_boot(&source);
        source_change(&source, 150);
        tell_places("");
        copy_and_seal();
        check_figures(&before);
        source_free(&before);
    }
    finish();
}

// ---- Why it grew -------------------------------------------------------------------------------

static const char *grew(void)
{
    static char why[512];
    return bf_point_grew(bf_state_db(state), &point, why, sizeof why) ? why : "no";
}

// Chunks [first, end) of disk 0 get new contents.
static void write_to(uint64_t first, uint64_t end)
{
    static uint32_t version = 1000;
    for (uint64_t c = first; c < end; c++)
        source.disk[0].version[c] = ++version;
}

static void next_run(uint64_t first, uint64_t end, const char *why)
{
    source_boot(&source);
    write_to(first, end);
    tell_places(why);
    copy_and_seal();
}

static void test_why_it_grew(void)
{
    begin(3);
    write_to(0, 100);
    tell_places("");
    copy_and_seal();
    CHECK_STR(grew(), "no"); // the first
    next_run(16, 18, "");
    CHECK_STR(grew(), "no"); // the same amount of data
    next_run(16, 48, "");
    CHECK_STR(grew(), "2.0 MiB of new data, after 128.0 KiB in the run before: "
                      "disk 0, partition 1 (ext4) has 1.8 MiB more");
    next_run(16, 18, "");
    CHECK_STR(grew(), "no");
    next_run(16, 48, "it was not unmounted");
    CHECK_STR(grew(), "2.0 MiB of new data, after 128.0 KiB in the run before: disk 0, partition 1 "
                      "(ext4) is now copied whole (it was not unmounted): 1.8 MiB more");
    next_run(260, 300, "it was not unmounted"); // no place is there
    CHECK_STR(grew(), "no");
    next_run(200, 300, "it was not unmounted");
    CHECK_STR(grew(), "6.2 MiB of new data, after 2.5 MiB in the run before: most of it is on disk "
                      "0");
    finish();
}

TEST_MAIN(TEST(test_spans_beside_a_plain_array), TEST(test_what_was_found_is_kept_and_replaced),
          TEST(test_figures_of_points), TEST(test_why_it_grew))
