// SPDX-License-Identifier: Apache-2.0
// The store under loss of power. The failure model: everything written to the working manifests
// before their last fdatasync, and to the layers before their last flush, is there; of what was
// written after that, any subset of 512-byte sectors, in any order. All writes of one session are
// recorded (the working manifests' by wrapping the calls, the layers' by the storage daemon's own
// log of writes); then the power is cut at random places of the record, the files are made as they
// could be found afterwards, and the server is started on them.
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/bytes.h"
#include "replica/points/layers.h"
#include "replica/qemu/process.h"
#include "replica/qemu/qsd.h"
#include "replica/points/recover.h"
#include "replica/store/parts.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_open.h"
#include "tests/unit/store_session.h"
#include "tests/unit/test.h"

enum { CHUNK = 65536, CUTS = 28, BORDER = 90, SECTOR = 512, EVENTS_MAX = 65536 };
#define DISK_BYTES ((uint64_t)280 << 20) // two windows, with data around their borders

static struct bf_fault fault;
static struct store_files files;
static struct bf_state *state;
static struct source source;
static struct bf_session_store *session;

// ---- The record of the working manifests --------------------------------------------------------

struct event {
    int disk;
    int sync; // else a write
    uint64_t offset;
    size_t len;
    uint8_t *bytes;                 // NULL: zero bytes
    uint64_t log[SOURCE_DISKS];     // how long the layers' logs were
    uint64_t durable[SOURCE_DISKS]; // what had been told
};
static struct event events[EVENTS_MAX];
static size_t event_count;
static int recording;

ssize_t __real_pwrite64(int fd, const void *bytes, size_t len, off64_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t len, off64_t offset);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fallocate64(int fd, int mode, off64_t offset, off64_t len);
int __wrap_fallocate64(int fd, int mode, off64_t offset, off64_t len);

// The number of the disk whose working manifest this is, or -1.
static int disk_of(int fd)
{
    char link[64], path[512] = {0};
    const char *at;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) < 0 || !strstr(path, "/" BF_WORKING_NAME))
        return -1;
    at = strstr(path, "/disk-");
    return at ? atoi(at + 6) : -1;
}

static void record(int fd, int sync, const void *bytes, size_t len, uint64_t offset)
{
    struct event *e = &events[event_count];
    int disk = recording ? disk_of(fd) : -1;

    if (disk < 0)
        return;
    if (event_count == EVENTS_MAX)
        abort();
    *e = (struct event){.disk = disk, .sync = sync, .offset = offset, .len = len};
    if (bytes) {
        e->bytes = malloc(len);
        memcpy(e->bytes, bytes, len);
    }
    for (uint16_t i = 0; i < source.disks; i++) {
        char path[64];
        struct stat st = {0};
        snprintf(path, sizeof path, "log/disk-%u.log", i);
        fstatat(bf_state_dir(state), path, &st, 0);
        e->log[i] = (uint64_t)st.st_size;
        e->durable[i] = session->disk[i]->durable;
    }
    event_count++;
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    record(fd, 0, bytes, len, (uint64_t)offset);
    return __real_pwrite64(fd, bytes, len, offset);
}

int __wrap_fdatasync(int fd)
{
    int result = __real_fdatasync(fd);

    record(fd, 1, NULL, 0, 0);
    return result;
}

int __wrap_fallocate64(int fd, int mode, off64_t offset, off64_t len)
{
    record(fd, 0, NULL, (size_t)len, (uint64_t)offset);
    return __real_fallocate64(fd, mode, offset, len);
}

// ---- Making files as they could be found --------------------------------------------------------

static uint64_t random_state;

static int coin(void)
{
    return source_random(&random_state) & 1;
}

// Writes all of it, or each sector by chance.
static void apply(int fd, const uint8_t *bytes, size_t len, uint64_t offset, int certain)
{
    static const uint8_t zeros[SECTOR];

    while (len > 0) {
        size_t n = SECTOR - offset % SECTOR;
        n = n < len ? n : len;
        if (certain || coin())
            CHECK_EQ(__real_pwrite64(fd, bytes ? bytes : zeros, n, (off64_t)offset), n);
        bytes = bytes ? bytes + n : NULL;
        offset += n;
        len -= n;
    }
}

static void cut_working(const char *folder, int disk, size_t cut)
{
    char path[256];
    size_t certain = 0;
    int fd;

    snprintf(path, sizeof path, "%s/machines/web/disk-%d/%s", folder, disk, BF_WORKING_NAME);
    fd = open(path, O_WRONLY);
    CHECK(fd >= 0);
    for (size_t i = 0; i < cut; i++)
        if (events[i].disk == disk && events[i].sync)
            certain = i;
    for (size_t i = 0; i < cut; i++)
        if (events[i].disk == disk && !events[i].sync)
            apply(fd, events[i].bytes, events[i].len, events[i].offset, i < certain);
    close(fd);
}

// An entry of the log of writes: four numbers of 64 bits, little-endian, alone in its sector; the
// data follows. The first sector is the log's own.
struct entry {
    uint64_t sector, sectors, flags, data_len;
};
enum { LOG_FLUSH = 1, LOG_FUA = 2, LOG_DISCARD = 4 };

static int read_entry(int log, uint64_t *at, uint64_t end, struct entry *e)
{
    uint8_t raw[32];

    if (*at + SECTOR > end || pread(log, raw, sizeof raw, (off_t)*at) != sizeof raw)
        return 0;
    *e = (struct entry){bf_le64(raw), bf_le64(raw + 8), bf_le64(raw + 16), bf_le64(raw + 24)};
    *at += SECTOR;
    if (e->flags & LOG_DISCARD)
        return 1;
    return *at + e->sectors * SECTOR <= end;
}

static void cut_layer(const char *folder, int disk, uint64_t end, uint64_t *lost)
{
    static uint8_t data[1 << 22];
    char path[256];
    struct entry e;
    uint64_t certain = SECTOR;
    int log, fd;

    snprintf(path, sizeof path, "%s/log/disk-%d.log", files.state, disk);
    log = open(path, O_RDONLY);
    snprintf(path, sizeof path, "%s/machines/web/disk-%d/layer-000001.qcow2", folder, disk);
    fd = open(path, O_WRONLY);
    CHECK(log >= 0 && fd >= 0);
    for (uint64_t at = SECTOR; read_entry(log, &at, end, &e);) {
        if (e.flags & LOG_FLUSH)
            certain = at;
        if (!(e.flags & LOG_DISCARD))
            at += e.sectors * SECTOR;
    }
    for (uint64_t at = SECTOR; read_entry(log, &at, end, &e);) {
        if (e.flags & LOG_DISCARD || e.sectors == 0)
            continue;
        CHECK(e.sectors * SECTOR <= sizeof data);
        CHECK_EQ(pread(log, data, e.sectors * SECTOR, (off_t)at), e.sectors * SECTOR);
        *lost += at >= certain;
        apply(fd, data, e.sectors * SECTOR, e.sector * SECTOR, at < certain);
        at += e.sectors * SECTOR;
    }
    close(log);
    close(fd);
}

// ---- The test -----------------------------------------------------------------------------------

static struct bf_session_store *open_session(void)
{
    return session_open(state, &source, &fault);
}

static void make_logs(void)
{
    CHECK_EQ(mkdirat(bf_state_dir(state), "log", 0700), 0);
    for (int i = 0; i < source.disks; i++) {
        char path[64];
        snprintf(path, sizeof path, "log/disk-%d.log", i);
        close(openat(bf_state_dir(state), path, O_WRONLY | O_CREAT, 0600));
    }
    bf_qsd_log_writes("log");
}

static int is_border(uint64_t chunk)
{
    uint64_t window = BF_WINDOW_BYTES / CHUNK, at = chunk % window;

    return at < BORDER || at >= window - BORDER;
}

static void keep_borders(void)
{
    for (uint16_t disk = 0; disk < source.disks; disk++)
        for (uint64_t c = 0; c < source.disk[disk].chunks; c++)
            if (!is_border(c))
                source.disk[disk].version[c] = 0;
}

// One session, recorded: everything is sent, then a part of it again with other contents, with a
// checkpoint now and then.
static char before[256]; // a copy of the state, taken when the session was open

static void record_session(void)
{
    struct bf_store store;
    uint64_t random = 7, kind;

    store_files_make(&files);
    CHECK_EQ(bf_state_create(files.state, &fault), BF_OK);
    CHECK_EQ(bf_state_serve(files.state, &state, &fault), BF_OK);
    session_machine(state, &source);
    make_logs();
    session = open_session();
    snprintf(before, sizeof before, "%s/before", files.folder);
    store_files_copy(files.state, before);
    store = bf_session_store_ops(session);
    recording = 1;
    for (uint16_t disk = 0; disk < source.disks; disk++) {
        uint64_t chunks = source.disk[disk].chunks;
        for (uint64_t c = 0, end; c < chunks; c = end) {
            end = c + 1 + source_random(&random) % (is_border(c) ? 8 : 2048);
            end = end < chunks ? end : chunks;
            CHECK_EQ(session_send(session, &source, disk, c, end), BF_OK);
            kind = source_random(&random) % 8;
            if (kind < 3) // writing goes on while it is flushed
                CHECK_EQ(store.ops->checkpoint(store.impl, disk, end), BF_OK);
            else if (kind == 3)
                CHECK_EQ(session_checkpoint(session, disk, end), BF_OK);
        }
        CHECK_EQ(session_checkpoint(session, disk, chunks), BF_OK);
    }
    recording = 0;
    bf_session_store_close(session);
    bf_state_close(state);
    bf_qsd_log_writes(NULL);
}

// Whatever was told is there, what is described is true, and the session comes to its end.
static void check_after(const char *folder, const uint64_t *durable)
{
    struct bf_session_store *s;
    uint32_t point;

    if (bf_state_serve(folder, &state, &fault) != BF_OK)
        FAIL("%s", fault.what);
    s = open_session();
    for (uint16_t disk = 0; disk < source.disks; disk++) {
        uint64_t resume = bf_session_store_resume(s, disk);
        CHECK(resume >= durable[disk]);
        CHECK_EQ(session_wrong(s, &source, disk, resume), 0);
        CHECK_EQ(session_untruths(state, s, &source, disk), 0);
    }
    CHECK_EQ(session_copy(s, &source, 64, NULL), BF_OK);
    CHECK_EQ(session_seal(s, &source, &point), BF_OK);
    bf_session_store_close(s);
    bf_state_close(state);
}

static void test_power_is_cut(void)
{
    char after[256];
    uint64_t lost = 0;

    random_state = 1000;
    printf("# seed 1000\n");
    source_make(&source, 600, 2, DISK_BYTES, CHUNK);
    source_change(&source, 300);
    keep_borders();
    record_session();
    CHECK(event_count > 150);
    for (int i = 0; i < CUTS; i++) {
        size_t cut = source_random(&random_state) % event_count;
        const struct event *e = &events[cut];
        struct store_files copy;
        printf("# cut at %zu of %zu: %llu and %llu chunks were durable\n", cut, event_count,
               (unsigned long long)e->durable[0], (unsigned long long)e->durable[1]);
        snprintf(after, sizeof after, "%s/after", files.folder);
        store_files_copy(before, after);
        for (int disk = 0; disk < source.disks; disk++) {
            cut_working(after, disk, cut);
            cut_layer(after, disk, e->log[disk], &lost);
        }
        check_after(after, e->durable);
        snprintf(copy.folder, sizeof copy.folder, "%s", after);
        store_files_remove(&copy);
    }
    printf("# %llu writes to layers were in doubt in all\n", (unsigned long long)lost);
    CHECK(lost > CUTS);
    store_files_remove(&files);
    for (size_t i = 0; i < event_count; i++)
        free(events[i].bytes);
    source_free(&source);
}

TEST_MAIN(TEST(test_power_is_cut))
