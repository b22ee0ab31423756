// SPDX-License-Identifier: Apache-2.0
// The working manifest: against a plain array, across reopening, its size for huge disks, its
// refusal of damaged files.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replica/store/working.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_session.h"
#include "tests/unit/test.h"

enum { CHUNK = 65536, STEPS = 3000 };
#define WINDOW_CHUNKS (BF_WINDOW_BYTES / CHUNK)

static struct store_files files;
static int dir;

static void begin(void)
{
    store_files_make(&files);
    dir = open(files.folder, O_RDONLY | O_DIRECTORY);
    CHECK(dir >= 0);
}

static void finish(void)
{
    close(dir);
    store_files_remove(&files);
}

static struct bf_working *open_file(uint64_t bytes, enum bf_chunk_state initial)
{
    struct bf_geometry geometry = {bytes, 512, CHUNK};
    struct bf_working *w;
    enum bf_err err = bf_working_open(dir, "working", &geometry, initial, &w);

    if (err)
        FAIL("%s", bf_err_name(err));
    return w;
}

static struct bf_digest digest_number(uint64_t number)
{
    struct bf_digest digest;

    bf_digest_of(&digest, &number, sizeof number);
    return digest;
}

// A plain array that says the same: 0..4 are states, others are numbers of digests.
struct model {
    uint64_t *value;
    uint64_t chunks;
};

static uint64_t found_value(enum bf_chunk_state state, const struct bf_digest *digest,
                            uint64_t expected)
{
    struct bf_digest want = digest_number(expected);

    if (state != BF_CHUNK_DATA)
        return state;
    return bf_digest_equal(digest, &want) ? expected : UINT64_MAX;
}

static void compare(struct bf_working *w, const struct model *m)
{
    struct bf_digest digests[100];

    for (uint64_t c = 0, count; c < m->chunks; c += count) {
        enum bf_chunk_state state;
        CHECK_EQ(bf_working_run(w, c, m->chunks, &state, &count, digests, 100), BF_OK);
        CHECK(count > 0 && count <= m->chunks - c);
        for (uint64_t i = 0; i < count; i++)
            CHECK_EQ(found_value(state, &digests[state == BF_CHUNK_DATA ? i : 0], m->value[c + i]),
                     m->value[c + i]);
    }
}

static void change(struct bf_working *w, struct model *m, uint64_t *random)
{
    static const enum bf_chunk_state states[] = {BF_CHUNK_ZERO, BF_CHUNK_UNUSED,
                                                 BF_CHUNK_UNREADABLE, BF_CHUNK_UNKNOWN};
    uint64_t first = source_random(random) % m->chunks, count = 1 + source_random(random) % 40;
    enum bf_chunk_state state = states[source_random(random) % 4];
    struct bf_digest digests[40];
    int changed, data = source_random(random) % 2 == 0;

    if (!data && source_random(random) % 4 == 0) { // whole windows too
        first = first / WINDOW_CHUNKS * WINDOW_CHUNKS;
        count = WINDOW_CHUNKS * (1 + source_random(random) % 2);
    }
    count = count < m->chunks - first ? count : m->chunks - first;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = data ? 100 + source_random(random) % 1000000 : state;
        m->value[first + i] = value;
        if (data)
            digests[i] = digest_number(value);
    }
    CHECK_EQ(bf_working_doubt(w, bf_working_window_of(w, first),
                              bf_working_window_of(w, first + count - 1), &changed),
             BF_OK);
    CHECK_EQ(bf_working_set(w, first, count, data ? BF_CHUNK_DATA : state, digests), BF_OK);
}

static void test_agrees_with_an_array(void)
{
    uint64_t bytes = BF_WINDOW_BYTES * 3 + 12345 * 512, random = 31;
    struct model m = {.chunks = (bytes + CHUNK - 1) / CHUNK};
    struct bf_cursor cursor = {.next_chunk = 0};
    struct bf_working *w;

    printf("# seed 31\n");
    begin();
    m.value = calloc(m.chunks, sizeof *m.value);
    w = open_file(bytes, BF_CHUNK_ZERO);
    CHECK_EQ(bf_working_chunks(w), m.chunks);
    CHECK(bf_working_is_empty(w));
    for (int i = 0; i < STEPS; i++) {
        change(w, &m, &random);
        if (i % 100 == 0) {
            compare(w, &m);
            cursor.next_chunk = (uint64_t)i;
            CHECK_EQ(bf_working_advance(w, &cursor), BF_OK);
            bf_working_close(w);
            w = open_file(bytes, BF_CHUNK_ZERO);
            CHECK_EQ(bf_working_cursor(w)->next_chunk, i);
        }
    }
    compare(w, &m);
    CHECK(!bf_working_is_empty(w));
    bf_working_close(w);
    free(m.value);
    finish();
}

static void test_doubt_is_kept_until_trusted(void)
{
    struct bf_cursor cursor = {.next_chunk = 1};
    struct bf_working *w;
    int changed;

    begin();
    w = open_file(BF_WINDOW_BYTES * 5, BF_CHUNK_ZERO);
    CHECK_EQ(bf_working_next_doubtful(w, 0), UINT64_MAX);
    CHECK_EQ(bf_working_doubt(w, 1, 2, &changed), BF_OK);
    CHECK_EQ(changed, 1);
    CHECK_EQ(bf_working_doubt(w, 1, 2, &changed), BF_OK);
    CHECK_EQ(changed, 0);
    CHECK_EQ(bf_working_doubt(w, 4, 5, &changed), BF_ERR_RANGE);
    bf_working_close(w);
    w = open_file(BF_WINDOW_BYTES * 5, BF_CHUNK_ZERO);
    CHECK_EQ(bf_working_next_doubtful(w, 0), 1);
    bf_working_trust(w, 1);
    CHECK_EQ(bf_working_next_doubtful(w, 0), 2);
    bf_working_close(w); // trusted, but not advanced
    w = open_file(BF_WINDOW_BYTES * 5, BF_CHUNK_ZERO);
    CHECK_EQ(bf_working_next_doubtful(w, 0), 1);
    bf_working_trust(w, 1);
    CHECK_EQ(bf_working_advance(w, &cursor), BF_OK);
    bf_working_close(w);
    w = open_file(BF_WINDOW_BYTES * 5, BF_CHUNK_ZERO);
    CHECK_EQ(bf_working_next_doubtful(w, 0), 2);
    bf_working_close(w);
    finish();
}

static void test_huge_disk_costs_little(void)
{
    uint64_t bytes = (uint64_t)16 << 40, chunks = bytes / CHUNK, count;
    struct bf_digest digest = digest_number(5);
    enum bf_chunk_state state;
    struct bf_working *w;
    struct stat st;

    begin();
    w = open_file(bytes, BF_CHUNK_ZERO);
    CHECK(bf_working_is_empty(w));
    CHECK_EQ(bf_working_run(w, 0, chunks, &state, &count, &digest, 1), BF_OK);
    CHECK_EQ(count, chunks); // in one answer
    CHECK_EQ(bf_working_set(w, chunks / 2, 1, BF_CHUNK_DATA, &digest), BF_OK);
    CHECK_EQ(bf_working_run(w, 0, chunks, &state, &count, &digest, 1), BF_OK);
    CHECK_EQ(state, BF_CHUNK_ZERO);
    CHECK(count > chunks / 2 - 200 && count <= chunks / 2);
    CHECK_EQ(bf_working_set(w, 0, chunks / 4, BF_CHUNK_UNUSED, NULL), BF_OK);
    CHECK_EQ(bf_working_run(w, 0, chunks, &state, &count, &digest, 1), BF_OK);
    CHECK_EQ(state, BF_CHUNK_UNUSED);
    CHECK_EQ(count, chunks / 4);
    CHECK_EQ(fstatat(dir, "working", &st, 0), 0);
    CHECK(st.st_blocks * 512 < 512 * 1024);
    bf_working_close(w);
    finish();
}

static void test_unknown_when_it_was_lost(void)
{
    enum bf_chunk_state state;
    struct bf_digest digest;
    struct bf_working *w;
    uint64_t count;

    begin();
    w = open_file(BF_WINDOW_BYTES * 2, BF_CHUNK_UNKNOWN);
    bf_working_close(w);
    w = open_file(BF_WINDOW_BYTES * 2, BF_CHUNK_ZERO); // exists: initial means nothing now
    CHECK_EQ(bf_working_run(w, 0, UINT64_MAX, &state, &count, &digest, 1), BF_OK);
    CHECK_EQ(state, BF_CHUNK_UNKNOWN);
    CHECK_EQ(count, 2 * WINDOW_CHUNKS);
    bf_working_close(w);
    finish();
}

static enum bf_err open_again(uint64_t bytes)
{
    struct bf_geometry geometry = {bytes, 512, CHUNK};
    struct bf_working *w;
    enum bf_err err = bf_working_open(dir, "working", &geometry, BF_CHUNK_ZERO, &w);

    bf_working_close(w);
    return err;
}

static void poke(uint64_t offset, uint8_t value)
{
    int fd = openat(dir, "working", O_RDWR);

    CHECK_EQ(pwrite(fd, &value, 1, (off_t)offset), 1);
    close(fd);
}

static void test_torn_header_falls_back_and_damage_is_refused(void)
{
    struct bf_cursor cursor = {.next_chunk = 0};
    struct bf_working *w;

    begin();
    w = open_file(BF_WINDOW_BYTES, BF_CHUNK_ZERO); // header 1
    for (uint64_t i = 2; i <= 3; i++) {            // headers 2 and 3
        cursor.next_chunk = i;
        CHECK_EQ(bf_working_advance(w, &cursor), BF_OK);
    }
    CHECK_EQ(open_again(BF_WINDOW_BYTES), BF_ERR_BUSY);
    bf_working_close(w);
    CHECK_EQ(open_again(BF_WINDOW_BYTES + 512), BF_ERR_MISMATCH);
    poke(4096 + 60, 0xee); // header 3 is in the second slot
    w = open_file(BF_WINDOW_BYTES, BF_CHUNK_ZERO);
    CHECK_EQ(bf_working_cursor(w)->next_chunk, 2);
    bf_working_close(w);
    poke(8192, 0x7f); // a table byte that means nothing
    CHECK_EQ(open_again(BF_WINDOW_BYTES), BF_ERR_CORRUPT);
    poke(8192, BF_CHUNK_DATA); // data of which there are no digests
    CHECK_EQ(open_again(BF_WINDOW_BYTES), BF_ERR_CORRUPT);
    poke(8192, 0x80 | BF_CHUNK_DATA);
    CHECK_EQ(open_again(BF_WINDOW_BYTES), BF_ERR_CORRUPT);
    poke(8192, 0);
    poke(60, 0xee);
    CHECK_EQ(open_again(BF_WINDOW_BYTES), BF_ERR_CORRUPT);
    finish();
}

TEST_MAIN(TEST(test_agrees_with_an_array), TEST(test_doubt_is_kept_until_trusted),
          TEST(test_huge_disk_costs_little), TEST(test_unknown_when_it_was_lost),
          TEST(test_torn_header_falls_back_and_damage_is_refused))
