// SPDX-License-Identifier: Apache-2.0
// The working manifest: header, table and records of arbitrary contents (with the header's digest
// made right, or nothing else would be looked at), opened, read from end to end, and changed.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "replica/store/working.h"

enum { HEADER = 128, TABLE = 8192, RECORDS = 12288 };

static int folder = -1;
static char in_memory[] = "/dev/shm/bootferry-fuzz-XXXXXX",
            on_disk[] = "/tmp/bootferry-fuzz-XXXXXX";
static char *path;

static void clean(void)
{
    unlinkat(folder, "working", 0);
    rmdir(path);
}

// The input: a header, then what goes into the table, then records.
static void make_file(const uint8_t *data, size_t size)
{
    uint8_t header[HEADER + 32] = "BFWORKIN\1";
    size_t take = size < HEADER - 40 ? size : HEADER - 40;
    int fd = openat(folder, "working", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct bf_hasher hasher;
    struct bf_digest digest;

    memcpy(header + 12, data, take < 4 ? take : 4);
    bf_put_le64(header + 16, BF_WINDOW_BYTES * 3);
    bf_put_le32(header + 24, 512);
    bf_put_le32(header + 28, 65536);
    memcpy(header + 32, data, take);
    bf_hasher_init(&hasher, "Bootferry 2026 working manifest header");
    bf_hasher_add(&hasher, header, HEADER);
    bf_hasher_final(&hasher, &digest);
    memcpy(header + HEADER, &digest, sizeof digest);
    data += take;
    size -= take;
    take = size < 3 ? size : 3;
    if (pwrite(fd, header, sizeof header, 0) < 0 || pwrite(fd, data, take, TABLE) < 0 ||
        pwrite(fd, data + take, size - take, RECORDS) < 0)
        abort();
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_geometry geometry = {BF_WINDOW_BYTES * 3, 512, 65536};
    struct bf_digest digests[64];
    enum bf_chunk_state state;
    struct bf_working *w;

    if (folder < 0) {
        path = mkdtemp(in_memory);
        path = path ? path : mkdtemp(on_disk);
        if (!path || (folder = open(path, O_RDONLY | O_DIRECTORY)) < 0)
            abort();
        atexit(clean);
    }
    make_file(data, size);
    if (bf_working_open(folder, "working", &geometry, BF_CHUNK_ZERO, &w) != BF_OK)
        return 0;
    for (uint64_t c = 0, count; c < bf_working_chunks(w); c += count)
        if (bf_working_run(w, c, UINT64_MAX, &state, &count, digests, 64) != BF_OK || count == 0 ||
            (state == BF_CHUNK_DATA && count > 64))
            abort();
    bf_working_set(w, 5, 60, BF_CHUNK_UNUSED, NULL);
    bf_working_close(w);
    return 0;
}
