// SPDX-License-Identifier: Apache-2.0
// The receiver against a scripted source that does one thing wrong at a time: what it must refuse,
// with which code, that the source is told, and that nothing wrong was stored.
#include "base/platform.h"
#include "migrate/receiver/receiver.h"
#include "tests/platform_sim.h"
#include "tests/sim_store.h"
#include "tests/unit/test.h"

enum { CHUNK = 32768, CHUNKS = 4 };

static struct sim_store store;
static const struct bf_geometry shape = {3 * CHUNK + 512, 512, CHUNK};
static uint8_t script[512 * 1024], said[512 * 1024];
static size_t script_len, script_at, said_len;
static uint64_t caps;
static int identity, unsound;
static struct bf_fault fault;
static uint8_t chunk[CHUNK];
static struct bf_digest digest;

// ---- The stream --------------------------------------------------------------------------------

static enum bf_err script_read(void *impl, void *bytes, size_t size, size_t *done)
{
    (void)impl;
    *done = script_len - script_at < size ? script_len - script_at : size;
    memcpy(bytes, script + script_at, *done);
    script_at += *done;
    return *done ? BF_OK : BF_AGAIN;
}

static enum bf_err script_write(void *impl, const void *bytes, size_t len, size_t *done)
{
    (void)impl;
    *done = len;
    CHECK(said_len + len <= sizeof said);
    memcpy(said + said_len, bytes, len);
    said_len += len;
    return BF_OK;
}

static void script_poll(void *impl)
{
    (void)impl;
}

static enum bf_stream_state script_state(void *impl)
{
    (void)impl;
    return BF_STREAM_OPEN;
}

static size_t script_unsent(void *impl)
{
    (void)impl;
    return 0;
}

static const struct bf_fault *script_fault(void *impl)
{
    (void)impl;
    return NULL;
}

static const struct bf_stream_ops ops = {script_write,  script_read,  script_poll, script_state,
                                         script_unsent, script_fault, script_poll};

// ---- The host ----------------------------------------------------------------------------------

static uint64_t opened_us; // from when on the host has the session open

static enum bf_err session(void *impl, const struct bf_hello *hello,
                           const struct bf_inventory *inventory, struct bf_receiver_session *out,
                           struct bf_fault *why)
{
    (void)impl;
    (void)inventory;
    (void)why;
    if (bf_platform_now_us() < opened_us)
        return BF_AGAIN;
    memset(out->welcome.session, 1, 16);
    snprintf(out->welcome.name, sizeof out->welcome.name, "scripted");
    sim_store_open(&store, out->welcome.session, hello->boot);
    out->opened.disks = 1;
    out->opened.plan[0].geometry = shape;
    out->opened.plan[0].resume_chunk = unsound ? 99 : 0;
    out->opened.store = sim_store_interface(&store);
    return BF_OK;
}

static enum bf_err enrol(void *impl, const struct bf_enrol *request, uint8_t *certificate,
                         uint32_t *len, struct bf_fault *why)
{
    (void)impl;
    if (request->key[0] != 7)
        return bf_fault_set(why, BF_ERR_DENIED, BF_SIDE_CONFIG, "get another", "used up");
    memcpy(certificate, "certificate", 11);
    *len = 11;
    return BF_OK;
}

static uint32_t unseens, boot_entries, places, events;

static enum bf_err unseen(void *impl, uint16_t ordinal, const struct bf_unseen *what,
                          struct bf_fault *why)
{
    (void)impl;
    if (strcmp(what->what, "too much") == 0)
        return bf_fault_set(why, BF_ERR_NO_SPACE, BF_SIDE_SERVER, "make room", "no room for it");
    CHECK_EQ(ordinal, unseens);
    unseens++;
    return BF_OK;
}

static enum bf_err boot_entry(void *impl, uint16_t ordinal, const struct bf_boot_entry *what,
                              struct bf_fault *why)
{
    (void)impl;
    (void)why;
    CHECK_EQ(ordinal, boot_entries);
    CHECK_STR(what->name, "debian");
    boot_entries++;
    return BF_OK;
}

static enum bf_err place(void *impl, const struct bf_place *what, struct bf_fault *why)
{
    (void)impl;
    if (strcmp(what->what, "too much") == 0)
        return bf_fault_set(why, BF_ERR_NO_SPACE, BF_SIDE_SERVER, "make room", "no room for it");
    places++;
    return BF_OK;
}

static void event(void *impl, int level, const char *text)
{
    (void)impl;
    (void)level;
    (void)text;
    events++;
}

static const struct bf_receiver_host host = {.session = session,
                                             .enrol = enrol,
                                             .unseen = unseen,
                                             .boot_entry = boot_entry,
                                             .place = place,
                                             .event = event};

// ---- Scripts -----------------------------------------------------------------------------------

#define SAY(name, ...)                                                                             \
    do {                                                                                           \
        struct bf_##name m_ = __VA_ARGS__;                                                         \
        script_len += bf_put_##name(script + script_len, sizeof script - script_len, &m_);         \
    } while (0)

static void say_hello(uint16_t low, uint16_t high)
{
    SAY(hello, {low, high, caps, {1}, {0}, 0, "script"});
}

static void say_inventory(void)
{
    static struct bf_inventory inventory;
    inventory.disks = 1;
    inventory.disk[0].planned = 1;
    inventory.disk[0].identity.bytes = shape.disk_bytes;
    inventory.disk[0].identity.block_size = shape.block_size;
    script_len += bf_put_inventory(script + script_len, sizeof script - script_len, &inventory);
}

static void begin(void)
{
    sim_platform_reset(1);
    sim_store_free(&store);
    sim_store_init(&store);
    sim_store_disk(&store, 0, &shape);
    script_len = script_at = said_len = 0;
    caps = BF_CAP_LZ4 | BF_CAP_ZSTD;
    identity = 1;
    unsound = 0;
    opened_us = 0;
    unseens = boot_entries = places = events = 0;
    memset(&fault, 0, sizeof fault);
    memset(chunk, 0x5a, sizeof chunk);
    bf_digest_of(&digest, chunk, sizeof chunk);
}

static void greet(void)
{
    begin();
    say_hello(1, 1);
    say_inventory();
}

static void say_data(uint16_t disk, uint64_t first, uint32_t raw_len, uint8_t codec, uint32_t len)
{
    struct bf_data m = {disk, codec, 1, first, raw_len, digest.bytes, chunk, len};
    script_len += bf_put_data_head(script + script_len, sizeof script - script_len, &m);
    memcpy(script + script_len, chunk, len);
    script_len += len;
}

static void say_chunk(uint64_t first)
{
    say_data(0, first, CHUNK, BF_CODEC_NONE, CHUNK);
}

static struct bf_digest whole_root(void)
{
    struct bf_digest root;
    struct bf_root r;
    bf_root_init(&r, &shape);
    bf_root_add(&r, BF_CHUNK_DATA, 1, &digest);
    bf_root_add(&r, BF_CHUNK_ZERO, 3, NULL);
    bf_root_final(&r, &root);
    return root;
}

static void say_whole_disk(void)
{
    say_chunk(0);
    SAY(range, {0, BF_CHUNK_ZERO, 1, 3});
    SAY(disk_done, {0, whole_root()});
}

static struct bf_commit a_commit(void)
{
    struct bf_digest root = whole_root();
    struct bf_commit m = {.clock = 1};
    bf_point_root(&root, 1, &m.point_root);
    return m;
}

// Runs for at most `seconds` of silence after the script.
static enum bf_err run(uint64_t seconds)
{
    struct bf_stream stream = {&ops, NULL};
    struct bf_receiver *r = bf_receiver_new(stream, &host, identity, bf_platform_now_us());
    uint64_t end = bf_platform_now_us() + seconds * 1000000;
    enum bf_err err = BF_AGAIN;
    int idle;
    while (err == BF_AGAIN && bf_platform_now_us() < end) {
        err = bf_receiver_step(r, bf_platform_now_us(), &idle);
        sim_clock_advance(10000);
    }
    fault = *bf_receiver_fault(r);
    bf_receiver_free(r);
    return err;
}

// The n-th frame of a type among what the receiver said.
static int heard(uint16_t type, struct bf_frame *f)
{
    size_t at = 0, need;
    while (bf_frame_parse(said + at, said_len - at, f, &need) == BF_OK) {
        if (f->type == type)
            return 1;
        at += need;
    }
    return 0;
}

static void refused(enum bf_err code, const char *words)
{
    struct bf_frame f;
    struct bf_fault told;
    uint64_t points = store.points;
    enum bf_err err = run(10);
    if (err != code || !strstr(fault.what, words))
        FAIL("%s (%s), expected %s (%s)", bf_err_name(err), fault.what, bf_err_name(code), words);
    CHECK(heard(BF_MSG_FAULT, &f));
    CHECK_EQ(bf_get_fault(&f, &told), BF_OK);
    CHECK_EQ(told.code, code);
    CHECK_EQ(store.points, points);
}

// ---- Cases -------------------------------------------------------------------------------------

// The source hears from a server that takes its time to open the session, and is not taken for dead
// meanwhile.
static void test_opening_takes_a_while(void)
{
    struct bf_frame f;
    greet();
    say_whole_disk();
    SAY(commit, a_commit());
    opened_us = bf_platform_now_us() + 40000000;
    CHECK_EQ(run(30), BF_AGAIN);
    CHECK(heard(BF_MSG_PING, &f));
    CHECK(!heard(BF_MSG_WELCOME, &f));
    greet();
    say_whole_disk();
    SAY(commit, a_commit());
    opened_us = bf_platform_now_us() + 40000000;
    CHECK_EQ(run(60), BF_OK);
    CHECK(heard(BF_MSG_WELCOME, &f) && heard(BF_MSG_COMMITTED, &f));
}

// What the first tenth of a second after some chunks went into.
static struct bf_pace pace_with(uint64_t stuck_us)
{
    struct bf_frame f;
    struct bf_pace pace = {0};
    greet();
    say_chunk(0);
    say_chunk(1);
    say_chunk(2);
    store.stuck_until_us = bf_platform_now_us() + stuck_us;
    CHECK_EQ(run(1), BF_AGAIN);
    CHECK(heard(BF_MSG_PACE, &f));
    CHECK_EQ(bf_get_pace(&f, &pace), BF_OK);
    return pace;
}

static void test_it_says_what_it_waits_for(void)
{
    struct bf_pace pace = pace_with(0);
    CHECK(pace.waited > 500 && pace.stored == 0); // each turn takes 10 ms here
    pace = pace_with(10000000);
    CHECK(pace.stored > 500 && pace.waited == 0);
}

static void test_a_sound_script(void)
{
    struct bf_frame f;
    struct bf_committed committed;
    greet();
    say_whole_disk();
    SAY(commit, a_commit());
    CHECK_EQ(run(10), BF_OK);
    CHECK(heard(BF_MSG_WELCOME, &f) && heard(BF_MSG_PLAN, &f));
    CHECK(heard(BF_MSG_COMMITTED, &f));
    CHECK_EQ(bf_get_committed(&f, &committed), BF_OK);
    CHECK_EQ(committed.point, 1);
    CHECK_EQ(store.points, 1);
    CHECK_MEM(store.point[0].data[0], chunk, CHUNK);
}

// A host that waits whenever a turn was idle must not leave an answer unsent.
static void test_idle_means_that_all_is_said(void)
{
    struct bf_stream stream = {&ops, NULL};
    struct bf_receiver *r;
    struct bf_frame f;
    int idle = 0;
    greet();
    r = bf_receiver_new(stream, &host, identity, bf_platform_now_us());
    for (int i = 0; i < 100 && !idle; i++)
        CHECK_EQ(bf_receiver_step(r, bf_platform_now_us(), &idle), BF_AGAIN);
    bf_receiver_free(r);
    CHECK(idle);
    CHECK(heard(BF_MSG_WELCOME, &f) && heard(BF_MSG_PLAN, &f));
}

static void test_opening_out_of_order(void)
{
    begin();
    say_inventory();
    refused(BF_ERR_PROTOCOL, "out of place");
    begin();
    say_hello(1, 1);
    say_chunk(0);
    refused(BF_ERR_PROTOCOL, "out of place");
    greet();
    say_hello(1, 1);
    refused(BF_ERR_PROTOCOL, "out of place");
    CHECK_EQ(store.writes, 0);
}

static void test_versions(void)
{
    struct bf_frame f;
    struct bf_welcome welcome;
    begin();
    say_hello(2, 9);
    refused(BF_ERR_VERSION, "speaks protocol 2");
    begin();
    say_hello(1, 9);
    say_inventory();
    run(1);
    CHECK(heard(BF_MSG_WELCOME, &f));
    CHECK_EQ(bf_get_welcome(&f, &welcome), BF_OK);
    CHECK_EQ(welcome.version, 1);
}

static void test_without_identity_only_enrolment(void)
{
    struct bf_frame f;
    struct bf_enrolled enrolled;
    greet();
    identity = 0;
    refused(BF_ERR_AUTH, "may only enrol");
    begin();
    identity = 0;
    SAY(enrol, {.name = "web", .key = {7}, .csr = chunk, .csr_len = 100});
    CHECK_EQ(run(10), BF_OK);
    CHECK(heard(BF_MSG_ENROLLED, &f));
    CHECK_EQ(bf_get_enrolled(&f, &enrolled), BF_OK);
    CHECK_MEM(enrolled.certificate, "certificate", enrolled.certificate_len);
    begin();
    identity = 0;
    SAY(enrol, {.name = "web", .key = {8}, .csr = chunk, .csr_len = 100});
    refused(BF_ERR_DENIED, "used up");
    begin();
    SAY(enrol, {.name = "web", .key = {7}, .csr = chunk, .csr_len = 100});
    refused(BF_ERR_PROTOCOL, "ENROL");
}

// The log is for machines that the server knows.
static void test_without_identity_no_event(void)
{
    greet();
    SAY(event, {.level = 2, .text = "words"});
    run(1);
    CHECK_EQ(events, 1);
    begin();
    identity = 0;
    say_hello(1, 1);
    SAY(event, {.level = 0, .text = "words"});
    SAY(enrol, {.name = "web", .key = {7}, .csr = chunk, .csr_len = 100});
    SAY(event, {.level = 0, .text = "more words"});
    CHECK_EQ(run(10), BF_OK);
    CHECK_EQ(events, 0);
}

static void test_ranges_are_judged(void)
{
    greet();
    say_data(1, 0, CHUNK, BF_CODEC_NONE, CHUNK);
    refused(BF_ERR_PROTOCOL, "not planned");
    greet();
    say_chunk(4);
    refused(BF_ERR_PROTOCOL, "beyond the end");
    greet();
    say_chunk(1);
    refused(BF_ERR_PROTOCOL, "after the point of resumption");
    greet();
    say_chunk(0);
    say_chunk(2);
    refused(BF_ERR_PROTOCOL, "out of order");
    greet();
    say_chunk(0);
    say_chunk(0);
    refused(BF_ERR_PROTOCOL, "out of order");
    greet();
    SAY(range, {0, BF_CHUNK_ZERO, 0, 5});
    refused(BF_ERR_PROTOCOL, "beyond the end");
    greet();
    say_data(0, 0, CHUNK - 1, BF_CODEC_NONE, CHUNK - 1);
    refused(BF_ERR_PROTOCOL, "not that of its chunks");
    CHECK_EQ(store.writes, 0);
}

static void test_contents_are_judged(void)
{
    greet();
    digest.bytes[3] ^= 1;
    say_chunk(0);
    refused(BF_ERR_CORRUPT, "a different digest");
    CHECK_EQ(fault.side, BF_SIDE_SOURCE);
    greet();
    say_data(0, 0, CHUNK, BF_CODEC_LZ4, 100); // 'Z' a hundred times is no LZ4
    refused(BF_ERR_PROTOCOL, "cannot be decompressed");
    begin();
    caps = BF_CAP_ZSTD;
    say_hello(1, 1);
    say_inventory();
    say_data(0, 0, CHUNK, BF_CODEC_LZ4, 100);
    refused(BF_ERR_PROTOCOL, "not agreed");
    CHECK_EQ(store.writes, 0);
}

static void test_same_needs_certainty(void)
{
    greet();
    store.disk[0].chunk[2].state = BF_CHUNK_UNKNOWN;
    SAY(range, {0, BF_RANGE_SAME, 0, 4});
    refused(BF_ERR_PROTOCOL, "nothing certain");
    greet();
    SAY(range, {0, BF_RANGE_SAME, 0, 4});
    struct bf_checkpoint c = {0, 4};
    script_len += bf_put_checkpoint(script + script_len, 64, BF_MSG_CHECKPOINT, &c);
    CHECK_EQ(run(2), BF_AGAIN);
}

static void test_checkpoint_where_it_belongs(void)
{
    struct bf_checkpoint c = {0, 2};
    struct bf_frame f;
    greet();
    script_len += bf_put_checkpoint(script + script_len, 64, BF_MSG_CHECKPOINT, &c);
    refused(BF_ERR_PROTOCOL, "CHECKPOINT");
    greet();
    say_chunk(0);
    script_len += bf_put_checkpoint(script + script_len, 64, BF_MSG_CHECKPOINT, &c);
    refused(BF_ERR_PROTOCOL, "CHECKPOINT");
    greet();
    say_chunk(0);
    c.next_chunk = 1;
    script_len += bf_put_checkpoint(script + script_len, 64, BF_MSG_CHECKPOINT, &c);
    CHECK_EQ(run(2), BF_AGAIN);
    CHECK(heard(BF_MSG_DURABLE, &f));
    CHECK_EQ(bf_get_checkpoint(&f, &c), BF_OK);
    CHECK_EQ(c.next_chunk, 1);
}

static void test_unreadable_where_it_belongs(void)
{
    greet();
    SAY(unreadable, {0, 0, 512});
    refused(BF_ERR_PROTOCOL, "not being copied");
    greet();
    say_chunk(0);
    SAY(unreadable, {0, CHUNK - 512, 1024});
    refused(BF_ERR_PROTOCOL, "outside of what was sent");
    greet();
    say_chunk(0);
    SAY(unreadable, {0, 512, 1024});
    SAY(unreadable, {0, 1024, 512});
    refused(BF_ERR_PROTOCOL, "outside of what was sent");
    greet();
    say_chunk(0);
    SAY(unreadable, {1, 512, 1024});
    refused(BF_ERR_PROTOCOL, "not being copied");
    greet();
    say_chunk(0);
    SAY(unreadable, {0, 0, 512});
    SAY(unreadable, {0, CHUNK - 512, 512});
    CHECK_EQ(run(2), BF_AGAIN);
}

static void test_what_was_found_goes_to_the_host(void)
{
    greet();
    for (int i = 0; i < BF_UNSEEN_MAX; i++)
        SAY(unseen, {.what = "SD controller"});
    SAY(place, {.name = "partition 1", .what = "ext4", .count = 1, .span = {{0, 4096}}});
    SAY(place, {.name = "partition 1", .what = "XFS"}); // takes the other one's place
    say_whole_disk();
    SAY(commit, a_commit());
    CHECK_EQ(run(10), BF_OK);
    CHECK_EQ(unseens, BF_UNSEEN_MAX);
    CHECK_EQ(places, 2);
    greet();
    for (int i = 0; i <= BF_UNSEEN_MAX; i++)
        SAY(unseen, {.what = "SD controller"});
    refused(BF_ERR_PROTOCOL, "UNSEEN");
    greet();
    SAY(place, {.disk = 1, .name = "partition 1", .what = "ext4"});
    refused(BF_ERR_PROTOCOL, "PLACE");
    greet();
    SAY(unseen, {.what = "too much"});
    refused(BF_ERR_NO_SPACE, "no room");
    greet();
    SAY(place, {.name = "partition 1", .what = "too much"});
    refused(BF_ERR_NO_SPACE, "no room");
    begin();
    say_hello(1, 1);
    SAY(unseen, {.what = "SD controller"});
    refused(BF_ERR_PROTOCOL, "out of place");
}

static void test_boot_entries_go_to_the_host(void)
{
    greet();
    for (int i = 0; i < BF_BOOT_ENTRIES_MAX; i++)
        SAY(boot_entry, {.number = 3, .name = "debian"});
    say_whole_disk();
    SAY(commit, a_commit());
    CHECK_EQ(run(10), BF_OK);
    CHECK_EQ(boot_entries, BF_BOOT_ENTRIES_MAX);
    greet();
    for (int i = 0; i <= BF_BOOT_ENTRIES_MAX; i++)
        SAY(boot_entry, {.number = 3, .name = "debian"});
    refused(BF_ERR_PROTOCOL, "BOOT_ENTRY");
}

static void test_a_flood_of_places_ends(void)
{
    greet();
    for (int i = 0; i < 2 * BF_PLACES_MAX; i++)
        SAY(place, {.name = "p", .what = "ext4"});
    say_whole_disk();
    SAY(commit, a_commit());
    CHECK_EQ(run(100), BF_OK);
    CHECK_EQ(places, 2 * BF_PLACES_MAX);
    greet();
    for (int i = 0; i <= 2 * BF_PLACES_MAX; i++)
        SAY(place, {.name = "p", .what = "ext4"});
    refused(BF_ERR_PROTOCOL, "PLACE");
}

static void test_roots_are_compared(void)
{
    struct bf_commit commit;
    greet();
    say_chunk(0);
    SAY(disk_done, {0, whole_root()});
    refused(BF_ERR_PROTOCOL, "before the end");
    greet();
    say_chunk(0);
    SAY(range, {0, BF_CHUNK_UNUSED, 1, 3}); // not what the root was formed of
    SAY(disk_done, {0, whole_root()});
    refused(BF_ERR_CORRUPT, "not what the source read");
    greet();
    say_chunk(0);
    SAY(commit, a_commit());
    refused(BF_ERR_PROTOCOL, "COMMIT before");
    greet();
    say_whole_disk();
    commit = a_commit();
    commit.point_root.bytes[0] ^= 1;
    script_len += bf_put_commit(script + script_len, 64, &commit);
    refused(BF_ERR_CORRUPT, "not what the source read");
}

static void test_a_finished_disk_stays(void)
{
    greet();
    say_whole_disk();
    say_chunk(0);
    refused(BF_ERR_PROTOCOL, "not requested");
    CHECK_EQ(store.writes, 1);
    greet();
    say_whole_disk();
    SAY(range, {0, BF_RANGE_SAME, 0, 1});
    refused(BF_ERR_PROTOCOL, "SAME as a repair");
}

static void test_unknown_frames(void)
{
    greet();
    memcpy(script + script_len, "\xff\x00\x01\x00\x02\x00\x00\x00xy", 10);
    script_len += 10;
    say_whole_disk();
    SAY(commit, a_commit());
    CHECK_EQ(run(10), BF_OK);
    greet();
    memcpy(script + script_len, "\xff\x00\x00\x00\x02\x00\x00\x00xy", 10);
    script_len += 10;
    refused(BF_ERR_PROTOCOL, "unknown message");
    greet();
    memcpy(script + script_len, "\xff\x00\x02\x00\x02\x00\x00\x00xy", 10);
    script_len += 10;
    refused(BF_ERR_PROTOCOL, "malformed frame");
}

static void test_silence_and_signs_of_life(void)
{
    struct bf_frame f;
    greet();
    CHECK_EQ(run(14), BF_AGAIN);
    CHECK(heard(BF_MSG_PING, &f));
    greet();
    CHECK_EQ(run(16), BF_ERR_TIMEOUT);
    CHECK(strstr(fault.what, "15 seconds"));
    greet();
    SAY(busy, {60000});
    CHECK_EQ(run(59), BF_AGAIN);
    greet();
    SAY(busy, {60000});
    CHECK_EQ(run(62), BF_ERR_TIMEOUT);
    greet();
    SAY(busy, {60000});
    SAY(busy, {0});
    CHECK_EQ(run(16), BF_ERR_TIMEOUT);
    greet();
    script_len += bf_put_ping(script + script_len, 64, BF_MSG_PING, 99);
    run(1);
    CHECK(heard(BF_MSG_PONG, &f));
}

static void test_the_ends(void)
{
    greet();
    SAY(fault, {BF_ERR_IO, BF_SIDE_SOURCE, "disk is broken", "replace it"});
    CHECK_EQ(run(5), BF_ERR_IO);
    CHECK_STR(fault.what, "disk is broken");
    greet();
    SAY(bye, {0});
    CHECK_EQ(run(5), BF_ERR_CANCELLED);
    greet();
    unsound = 1;
    refused(BF_ERR_RANGE, "invalid plan");
    greet();
    store.room = 10;
    say_chunk(0);
    refused(BF_ERR_NO_SPACE, "the store is full");
    sim_store_free(&store);
}

TEST_MAIN(TEST(test_a_sound_script), TEST(test_it_says_what_it_waits_for),
          TEST(test_opening_takes_a_while), TEST(test_idle_means_that_all_is_said),
          TEST(test_opening_out_of_order), TEST(test_versions),
          TEST(test_without_identity_only_enrolment), TEST(test_without_identity_no_event),
          TEST(test_ranges_are_judged), TEST(test_contents_are_judged),
          TEST(test_same_needs_certainty), TEST(test_checkpoint_where_it_belongs),
          TEST(test_unreadable_where_it_belongs), TEST(test_what_was_found_goes_to_the_host),
          TEST(test_boot_entries_go_to_the_host), TEST(test_a_flood_of_places_ends),
          TEST(test_roots_are_compared), TEST(test_a_finished_disk_stays),
          TEST(test_unknown_frames), TEST(test_silence_and_signs_of_life), TEST(test_the_ends))
