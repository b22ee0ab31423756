// SPDX-License-Identifier: Apache-2.0
// Points as images: names, exports, verification, finalized objects, hostile contents.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "replica/points/layers.h"
#include "replica/qemu/process.h"
#include "replica/qemu/qsd.h"
#include "replica/points/recover.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_open.h"
#include "tests/unit/store_session.h"
#include "tests/unit/test.h"

enum { CHUNK = 65536 };
#define DISK_BYTES ((uint64_t)12 << 20)

static struct bf_fault fault;
static struct store_files files;
static struct bf_state *state;
static struct source source;
static const struct bf_image_ref first_point = {.machine = "web", .point = 1};

static struct bf_session_store *open_session(void)
{
    return session_open(state, &source, &fault);
}

static void seal_one(void)
{
    struct bf_session_store *s = open_session();
    uint32_t point;

    CHECK_EQ(session_copy(s, &source, 100, NULL), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    bf_session_store_close(s);
}

static void begin(uint64_t seed)
{
    printf("# seed %llu\n", (unsigned long long)seed);
    store_files_make(&files);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    CHECK_EQ(bf_state_serve(files.state, &state, &fault), BF_OK);
    source_make(&source, seed, 2, DISK_BYTES, CHUNK);
    session_machine(state, &source);
    seal_one();
}

static void finish(void)
{
    source_free(&source);
    bf_state_close(state);
    store_files_remove(&files);
}

// The number of chunks of a raw file that are not the source's.
static uint64_t raw_wrong(const char *path, uint16_t disk)
{
    static uint8_t expected[CHUNK], found[CHUNK];
    struct stat st;
    uint64_t wrong = 0;
    int fd = open(path, O_RDONLY);

    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    CHECK_EQ(st.st_size, source.disk[disk].geometry.disk_bytes);
    CHECK_EQ(st.st_mode & 0777, 0600);
    for (uint64_t c = 0; c < source.disk[disk].chunks; c++) {
        uint32_t len = source_read(&source, disk, c, expected);
        CHECK_EQ(pread(fd, found, len, (off_t)(c * CHUNK)), len);
        wrong += memcmp(found, expected, len) != 0;
    }
    close(fd);
    return wrong;
}

static void run(const char *const *argv)
{
    char said[160];

    if (bf_process_run(argv, -1, NULL, NULL, said, sizeof said) != BF_OK)
        FAIL("%s: %s", argv[0], said);
}

static void test_names(void)
{
    static const char *const bad[] = {"",          "web@",        "web@0", "web@01",
                                      "web@1/",    "web@1/0",     "web@x", "../web",
                                      "web@1/2/3", "web@9999999", "Web",   "@1"};
    struct bf_image_ref ref;
    char text[96];

    CHECK_EQ(bf_image_ref_parse("web", &ref), BF_OK);
    CHECK_EQ(ref.point, 0);
    CHECK_EQ(bf_image_ref_parse("web@12/3", &ref), BF_OK);
    CHECK_EQ(ref.point, 12);
    CHECK_EQ(ref.object, 3);
    bf_image_ref_text(&ref, text);
    CHECK_STR(text, "web@12/3");
    for (size_t i = 0; i < BF_COUNT(bad); i++)
        if (bf_image_ref_parse(bad[i], &ref) != BF_ERR_RANGE)
            FAIL("%s was taken", bad[i]);
}

static void test_resolve(void)
{
    struct bf_image_ref ref = {.machine = "web"};

    begin(21);
    CHECK_EQ(bf_image_resolve(state, &ref, &fault), BF_OK);
    CHECK_EQ(ref.point, 1);
    ref.point = 2;
    CHECK_EQ(bf_image_resolve(state, &ref, &fault), BF_ERR_NOT_FOUND);
    CHECK_STR(fault.what, "there is no web@2");
    ref = (struct bf_image_ref){.machine = "web", .point = 1, .object = 1};
    CHECK_EQ(bf_image_resolve(state, &ref, &fault), BF_ERR_NOT_FOUND);
    ref = (struct bf_image_ref){.machine = "nobody"};
    CHECK_EQ(bf_image_resolve(state, &ref, &fault), BF_ERR_NOT_FOUND);
    CHECK(strstr(fault.what, "no machine nobody"));
    finish();
}

static uint64_t shown, shown_total;

static void show(void *user, uint64_t done, uint64_t total)
{
    shown = done;
    shown_total = total;
}

static void test_export_raw_and_qcow2(void)
{
    char raw[256], qcow2[256], back[256];
    struct stat st;

    begin(22);
    source_change(&source, 100); // two layers
    source_boot(&source);
    seal_one();
    snprintf(raw, sizeof raw, "%s/out, with: a comma.raw", files.folder);
    snprintf(qcow2, sizeof qcow2, "%s/out.qcow2", files.folder);
    snprintf(back, sizeof back, "%s/back.raw", files.folder);
    struct bf_image_ref ref = {.machine = "web", .point = 2};
    CHECK_EQ(bf_image_export(state, &ref, 1, BF_IMAGE_RAW, raw, show, NULL, &fault), BF_OK);
    CHECK_EQ(shown, source.disk[1].geometry.disk_bytes);
    CHECK_EQ(shown_total, shown);
    CHECK_EQ(raw_wrong(raw, 1), 0);
    CHECK_EQ(stat(raw, &st), 0);
    CHECK((uint64_t)st.st_blocks * 512 < DISK_BYTES * 9 / 10); // sparse
    CHECK_EQ(bf_image_export(state, &ref, 1, BF_IMAGE_RAW, raw, NULL, NULL, &fault), BF_ERR_EXISTS);
    CHECK_EQ(raw_wrong(raw, 1), 0);
    CHECK_EQ(bf_image_export(state, &ref, 0, BF_IMAGE_QCOW2, qcow2, NULL, NULL, &fault), BF_OK);
    run((const char *const[]){"qemu-img", "convert", "-f", "qcow2", "-O", "raw", qcow2, back,
                              NULL});
    CHECK_EQ(chmod(back, 0600), 0);
    CHECK_EQ(raw_wrong(back, 0), 0);
    CHECK_EQ(bf_image_export(state, &ref, 0, BF_IMAGE_RAW, back, NULL, NULL, &fault),
             BF_ERR_EXISTS);
    CHECK_EQ(bf_image_export(state, &ref, 7, BF_IMAGE_RAW, "/nowhere/x", NULL, NULL, &fault),
             BF_ERR_NOT_FOUND);
    CHECK_EQ(bf_image_export(state, &ref, 0, BF_IMAGE_RAW, "/nowhere/x", NULL, NULL, &fault),
             BF_ERR_NOT_FOUND);
    finish();
}

static void test_point_is_readable_while_replication_goes_on(void)
{
    struct bf_image_verdict verdict;
    struct source then;
    struct bf_session_store *s;
    char raw[256];

    begin(23);
    source_copy(&then, &source);
    source_change(&source, 400);
    source_boot(&source);
    s = open_session();
    CHECK_EQ(session_send(s, &source, 0, 0, source.disk[0].chunks / 2), BF_OK);
    CHECK_EQ(session_checkpoint(s, 0, source.disk[0].chunks / 2), BF_OK);
    snprintf(raw, sizeof raw, "%s/out.raw", files.folder);
    CHECK_EQ(bf_image_export(state, &first_point, 0, BF_IMAGE_RAW, raw, NULL, NULL, &fault), BF_OK);
    CHECK_EQ(bf_image_verify(state, &first_point, 0, NULL, NULL, &verdict, &fault), BF_OK);
    CHECK_EQ(point_wrong(state, 1, &then, 0), 0);
    CHECK_EQ(session_send(s, &source, 0, source.disk[0].chunks / 2, source.disk[0].chunks), BF_OK);
    CHECK_EQ(session_checkpoint(s, 0, source.disk[0].chunks), BF_OK);
    bf_session_store_close(s);
    CHECK_EQ(point_wrong(state, 1, &then, 0), 0);
    source_free(&then);
    finish();
}

static void test_point_is_readable_as_soon_as_it_is_sealed(void)
{
    struct bf_image_verdict verdict;
    struct bf_session_store *s;
    struct bf_image_ref ref = {.machine = "web"};

    begin(29);
    source_change(&source, 400);
    source_boot(&source);
    s = open_session();
    CHECK_EQ(session_copy(s, &source, 100, NULL), BF_OK);
    CHECK_EQ(session_seal(s, &source, &ref.point), BF_OK);
    CHECK_EQ(ref.point, 2); // and its storage daemon has the layers open
    CHECK_EQ(bf_image_verify(state, &ref, 0, NULL, NULL, &verdict, &fault), BF_OK);
    CHECK_EQ(bf_image_verify(state, &ref, 1, NULL, NULL, &verdict, &fault), BF_OK);
    bf_session_store_close(s);
    finish();
}

static void test_verify_counts(void)
{
    struct bf_image_verdict verdict;
    uint64_t zero = 0, unused = 0;
    struct bf_digest root;

    begin(24);
    source_change(&source, 200);
    source_boot(&source);
    seal_one();
    struct bf_image_ref ref = {.machine = "web", .point = 2};
    for (uint64_t c = 0; c < source.disk[1].chunks; c++) {
        zero += source.disk[1].version[c] == 0;
        unused += source.disk[1].version[c] == SOURCE_UNUSED;
    }
    CHECK_EQ(bf_image_verify(state, &ref, 1, show, NULL, &verdict, &fault), BF_OK);
    CHECK_EQ(verdict.chunks, source.disk[1].chunks);
    CHECK_EQ(verdict.zero, zero);
    CHECK_EQ(verdict.unused, unused);
    CHECK(unused > 0);
    CHECK_EQ(verdict.damaged, 0);
    CHECK_EQ(shown, shown_total);
    source_root(&source, 1, &root);
    CHECK(bf_digest_equal(&verdict.root, &root));
    finish();
}

static void flip(const char *path, const uint8_t *find)
{
    static uint8_t block[CHUNK];
    int fd = openat(bf_state_dir(state), path, O_RDWR);
    off_t at = 0;

    CHECK(fd >= 0);
    if (find)
        while (pread(fd, block, CHUNK, at) == CHUNK && memcmp(block, find, CHUNK) != 0)
            at += CHUNK;
    else
        at = 200;
    CHECK_EQ(pread(fd, block, 1, at + 5), 1);
    block[0] ^= 4;
    CHECK_EQ(pwrite(fd, block, 1, at + 5), 1);
    close(fd);
}

static void test_verify_finds_a_flipped_bit(void)
{
    static uint8_t contents[CHUNK];
    struct bf_image_verdict verdict;
    char path[BF_LAYER_PATH_MAX];
    uint64_t chunk = 30;

    begin(25);
    while (source.disk[0].version[chunk] == 0)
        chunk++;
    source_read(&source, 0, chunk, contents);
    bf_layer_file(path, "web", 0, 1);
    flip(path, contents);
    CHECK_EQ(bf_image_verify(state, &first_point, 0, NULL, NULL, &verdict, &fault), BF_ERR_CORRUPT);
    CHECK_EQ(verdict.damaged, 1);
    CHECK_EQ(verdict.first_damaged, chunk);
    CHECK_EQ(bf_image_verify(state, &first_point, 1, NULL, NULL, &verdict, &fault), BF_OK);
    bf_layer_manifest(path, "web", 1, 1);
    flip(path, NULL);
    CHECK_EQ(bf_image_verify(state, &first_point, 1, NULL, NULL, &verdict, &fault), BF_ERR_CORRUPT);
    CHECK(strstr(fault.what, "manifest"));
    finish();
}

// A disk whose first bytes are a qcow2 header that names a file of the server.
static void test_hostile_disk_is_only_bytes(void)
{
    static const uint8_t header[] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 2,  0, 0, 0, 0, 0, 0,  0, 72,
                                     0,   0,   0,   11,   0, 0, 0, 16, 0, 0, 0, 0, 0, 16, 0, 0};
    static uint8_t chunk[CHUNK];
    struct bf_image_object object;
    struct bf_session_store *s;
    struct bf_store store;
    struct bf_digest digest, roots[2];
    struct bf_store_seal what = {.disk_roots = roots, .disks = 2};
    struct bf_root root;
    struct bf_store_progress progress;
    char raw[256], text[64] = {0};
    uint32_t point;
    int64_t time;
    int fd;
    enum bf_err err;

    begin(26);
    memcpy(chunk, header, sizeof header);
    memcpy(chunk + 72, "/etc/passwd", 11);
    bf_digest_of(&digest, chunk, CHUNK);
    source_boot(&source);
    s = open_session();
    store = bf_session_store_ops(s);
    for (uint16_t disk = 0; disk < 2; disk++) {
        uint64_t rest = source.disk[disk].chunks - 1;
        CHECK_EQ(session_data(store, disk, 0, 1, &digest, chunk, CHUNK), BF_OK);
        CHECK_EQ(store.ops->clear(store.impl, disk, 1, rest, BF_CHUNK_ZERO), BF_OK);
        bf_root_init(&root, &source.disk[disk].geometry);
        bf_root_add(&root, BF_CHUNK_DATA, 1, &digest);
        bf_root_add(&root, BF_CHUNK_ZERO, rest, NULL);
        CHECK_EQ(bf_root_final(&root, &roots[disk]), BF_OK);
        CHECK_EQ(store.ops->disk_done(store.impl, disk, &roots[disk]), BF_OK);
    }
    bf_point_root(roots, 2, &what.point_root);
    CHECK_EQ(store.ops->seal(store.impl, &what), BF_OK);
    while ((err = store.ops->seal_poll(store.impl, &progress, &point, &time)) == BF_AGAIN)
        usleep(1000);
    CHECK_EQ(err, BF_OK);
    bf_session_store_close(s);

    struct bf_image_ref ref = {.machine = "web", .point = point};
    snprintf(raw, sizeof raw, "%s/out.raw", files.folder);
    CHECK_EQ(bf_image_export(state, &ref, 0, BF_IMAGE_RAW, raw, NULL, NULL, &fault), BF_OK);
    fd = open(raw, O_RDONLY);
    CHECK_EQ(pread(fd, text, 32, 0), 32);
    close(fd);
    CHECK_MEM(text, header, 32);
    CHECK_EQ(bf_image_object_begin(state, &ref, &object, &fault), BF_OK);
    CHECK_EQ(bf_image_object_end(state, &object, 1, &fault), BF_OK);
    unlink(raw);
    CHECK_EQ(bf_image_export(state, &object.ref, 0, BF_IMAGE_RAW, raw, NULL, NULL, &fault), BF_OK);
    fd = open(raw, O_RDONLY);
    CHECK_EQ(pread(fd, text, 32, 0), 32);
    close(fd);
    CHECK_MEM(text, header, 32);
    finish();
}

static void write_into(const char *relative, const char *text)
{
    char path[256], command[64];

    snprintf(path, sizeof path, "%s/%s", files.state, relative);
    snprintf(command, sizeof command, "write -P %d 0 4096", text[0]);
    run((const char *const[]){"qemu-io", "-f", "qcow2", "-c", command, path, NULL});
}

static void test_finalized_objects(void)
{
    struct bf_image_object object, second;
    struct bf_image_ref ref = first_point;
    char file[128], raw[256], text[8] = {0};
    int fd;

    begin(27);
    CHECK_EQ(bf_image_object_begin(state, &ref, &object, &fault), BF_OK);
    CHECK_EQ(object.ref.object, 1);
    CHECK_EQ(object.disks, 2);
    CHECK_EQ(bf_image_object_begin(state, &ref, &second, &fault), BF_OK);
    CHECK_EQ(second.ref.object, 2);
    bf_image_object_file(&object, 0, file);
    write_into(file, "A"); // follows its relative backing name to the layer
    CHECK_EQ(bf_image_resolve(state, &object.ref, &fault), BF_ERR_NOT_FOUND); // not complete
    CHECK_EQ(bf_image_object_end(state, &object, 1, &fault), BF_OK);
    CHECK_EQ(bf_image_object_end(state, &second, 0, &fault), BF_OK);
    CHECK(faccessat(bf_state_dir(state), second.folder, F_OK, 0) != 0);
    CHECK_EQ(bf_image_resolve(state, &object.ref, &fault), BF_OK);
    CHECK_EQ(bf_image_resolve(state, &second.ref, &fault), BF_ERR_NOT_FOUND);
    snprintf(raw, sizeof raw, "%s/out.raw", files.folder);
    CHECK_EQ(bf_image_export(state, &object.ref, 0, BF_IMAGE_RAW, raw, NULL, NULL, &fault), BF_OK);
    fd = open(raw, O_RDONLY);
    CHECK_EQ(pread(fd, text, 4, 0), 4);
    close(fd);
    CHECK_STR(text, "AAAA");
    CHECK_EQ(point_wrong(state, 1, &source, 0), 0); // the point is what it was
    finish();
}

// The overlay's header as a hostile QEMU could leave it: the data lies in a file of the server.
static void test_overlay_names_no_other_file(void)
{
    struct bf_image_object object;
    char file[128], overlay[384], secret[256], option[300], raw[256];
    struct bf_image_ref ref = first_point;

    begin(29);
    CHECK_EQ(bf_image_object_begin(state, &ref, &object, &fault), BF_OK);
    CHECK_EQ(bf_image_object_end(state, &object, 1, &fault), BF_OK);
    bf_image_object_file(&object, 0, file);
    snprintf(overlay, sizeof overlay, "%s/%s", files.state, file);
    snprintf(secret, sizeof secret, "%s/secret", files.folder);
    snprintf(option, sizeof option, "data_file=%s,data_file_raw=on", secret);
    snprintf(raw, sizeof raw, "%s/out.raw", files.folder);
    run((const char *const[]){"qemu-img", "create", "-q", "-f", "qcow2", "-o", option, overlay,
                              "1M", NULL});
    CHECK_EQ(bf_image_export(state, &object.ref, 0, BF_IMAGE_RAW, raw, NULL, NULL, &fault),
             BF_ERR_CORRUPT);
    CHECK(strstr(fault.what, "header") != NULL);
    CHECK(access(raw, F_OK) != 0);
    finish();
}

static void test_killed_command_leaves_no_object(void)
{
    struct bf_image_object working, dead;
    struct bf_object row;

    begin(28);
    CHECK_EQ(bf_image_object_begin(state, &first_point, &working, &fault), BF_OK);
    CHECK_EQ(bf_image_object_begin(state, &first_point, &dead, &fault), BF_OK);
    close(dead.lock); // as the end of its process would
    bf_state_close(state);
    CHECK_EQ(bf_state_serve(files.state, &state, &fault), BF_OK);
    CHECK(faccessat(bf_state_dir(state), dead.folder, F_OK, 0) != 0);
    CHECK_EQ(bf_db_object_get(bf_state_db(state), "web", 1, 2, &row), BF_ERR_NOT_FOUND);
    CHECK_EQ(faccessat(bf_state_dir(state), working.folder, F_OK, 0), 0);
    CHECK_EQ(bf_image_object_end(state, &working, 1, &fault), BF_OK);
    finish();
}

// ---- Who has an image open ----------------------------------------------------------------------

static enum bf_err add_again(int live, int writable)
{
    struct bf_image_chain chain;
    struct bf_qsd *q;
    enum bf_err err;

    CHECK_EQ(bf_layer_chain(bf_state_db(state), "web", 0, live ? 2 : 1, live, &chain, &fault),
             BF_OK);
    CHECK_EQ(bf_qsd_start(state, "again", BF_QSD_COMMAND, &q, &fault), BF_OK);
    err = bf_qsd_add(q, 0, &chain, writable, &fault);
    bf_qsd_stop(q);
    bf_image_chain_free(&chain);
    return err;
}

static void test_a_layer_that_is_written_is_busy(void)
{
    struct bf_session_store *s;

    begin(29);
    source_boot(&source);
    s = open_session(); // has the live layer open for writing, and the sealed one for reading
    CHECK_EQ(add_again(1, 1), BF_ERR_BUSY);
    CHECK_EQ(fault.code, BF_ERR_BUSY);
    CHECK_EQ(add_again(1, 0), BF_ERR_BUSY);
    CHECK_EQ(add_again(0, 0), BF_OK);
    bf_session_store_close(s);
    CHECK_EQ(add_again(1, 1), BF_OK);
    finish();
}

// The machine's name is in QEMU's text, and so may be any word: only the kernel knows of locks.
static void test_a_damaged_layer_is_not_busy(void)
{
    static const uint8_t order[4] = {0, 0, 0, 60}; // of the reference counts: no such width
    char path[BF_LAYER_PATH_MAX];
    int fd;

    begin(30);
    bf_layer_file(path, "web", 0, 2);
    fd = openat(bf_state_dir(state), path, O_WRONLY | O_CLOEXEC);
    CHECK_EQ(pwrite(fd, order, sizeof order, 96), sizeof order);
    close(fd);
    CHECK_EQ(add_again(1, 1), BF_ERR_IO);
    finish();
}

TEST_MAIN(TEST(test_names), TEST(test_resolve), TEST(test_export_raw_and_qcow2),
          TEST(test_point_is_readable_while_replication_goes_on),
          TEST(test_point_is_readable_as_soon_as_it_is_sealed), TEST(test_verify_counts),
          TEST(test_verify_finds_a_flipped_bit), TEST(test_hostile_disk_is_only_bytes),
          TEST(test_finalized_objects), TEST(test_overlay_names_no_other_file),
          TEST(test_killed_command_leaves_no_object), TEST(test_a_layer_that_is_written_is_busy),
          TEST(test_a_damaged_layer_is_not_busy))
