// SPDX-License-Identifier: Apache-2.0
// Writes the manifests of a replica server's state, byte by byte as docs/formats.md has them and by
// BLAKE3 alone: what an older version left does not change when our own writer does.
//
//   older_files sealed DISK OUT
//   older_files working DISK OUT SESSION BOOT NEXT STATE
//
// DISK is a raw file with the content of the layer beside which the manifest lies. `sealed` prints
// the disk's root. SESSION and BOOT are 32 digits each, NEXT is the chunk before which everything
// is durable; STATE is `done`, with the root of DISK, `clean`, or `doubtful`: the daemon was killed
// while it wrote.
#include <blake3.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 65536, BLOCK = 512, HASH = 32 };
enum { HEADER = 128, TABLE = 2 * 4096, FIRST_RECORD = TABLE + 4096, DOUBT = 0x80 };

struct disk {
    FILE *file;
    uint64_t bytes, chunks;
    uint8_t *digest;   // of each chunk
    uint8_t *has_data; // for each chunk: not all of it is zero
    uint8_t root[HASH];
};

static void check(int fine, const char *what)
{
    if (fine)
        return;
    perror(what);
    exit(1);
}

static void put(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void hash(const void *data, size_t len, uint8_t out[HASH])
{
    blake3_hasher hasher;

    blake3_hasher_init(&hasher);
    blake3_hasher_update(&hasher, data, len);
    blake3_hasher_finalize(&hasher, out, HASH);
}

static void read_chunk(struct disk *disk, uint64_t chunk)
{
    static uint8_t data[CHUNK];
    size_t got = fread(data, 1, sizeof data, disk->file);

    check(got > 0, "the disk");
    for (size_t i = 0; i < got && !disk->has_data[chunk]; i++)
        disk->has_data[chunk] = data[i] != 0;
    if (disk->has_data[chunk])
        hash(data, got, disk->digest + chunk * HASH);
}

static void read_disk(struct disk *disk, const char *path)
{
    disk->file = fopen(path, "rb");
    check(disk->file != NULL, path);
    check(fseeko(disk->file, 0, SEEK_END) == 0, path);
    disk->bytes = (uint64_t)ftello(disk->file);
    rewind(disk->file);
    disk->chunks = (disk->bytes + CHUNK - 1) / CHUNK;
    disk->digest = calloc(disk->chunks + 1, HASH);
    disk->has_data = calloc(disk->chunks + 1, 1);
    check(disk->digest && disk->has_data, "memory");
    for (uint64_t i = 0; i < disk->chunks; i++)
        read_chunk(disk, i);
    fclose(disk->file);
}

// The chunks from here on that are of one kind.
static uint64_t run_at(const struct disk *disk, uint64_t from)
{
    uint64_t to = from;

    while (to < disk->chunks && disk->has_data[to] == disk->has_data[from])
        to++;
    return to - from;
}

static void root_add_run(blake3_hasher *root, const struct disk *disk, uint64_t from, uint64_t run)
{
    uint8_t zeros[9] = {0};

    put(zeros + 1, run, 8);
    if (!disk->has_data[from])
        blake3_hasher_update(root, zeros, sizeof zeros);
    for (uint64_t i = from; disk->has_data[from] && i < from + run; i++) {
        blake3_hasher_update(root, "\1", 1);
        blake3_hasher_update(root, disk->digest + i * HASH, HASH);
    }
}

static void find_root(struct disk *disk)
{
    blake3_hasher root;
    uint8_t head[16];

    put(head, disk->bytes, 8);
    put(head + 8, BLOCK, 4);
    put(head + 12, CHUNK, 4);
    blake3_hasher_init_derive_key(&root, "bootferry 2026 manifest root v1");
    blake3_hasher_update(&root, head, sizeof head);
    for (uint64_t i = 0, run; i < disk->chunks; i += run) {
        run = run_at(disk, i);
        root_add_run(&root, disk, i, run);
    }
    blake3_hasher_finalize(&root, disk->root, HASH);
}

// ---- The files ---------------------------------------------------------------------------------

static void write_record(FILE *out, uint8_t state, uint64_t chunks)
{
    uint8_t record[16] = {state};

    put(record + 8, chunks, 8);
    fwrite(record, 1, sizeof record, out);
}

static void write_sealed(const struct disk *disk, FILE *out)
{
    uint8_t head[40] = "BFMANIFT";

    put(head + 8, 1, 4);
    put(head + 12, sizeof head, 4);
    put(head + 16, disk->bytes, 8);
    put(head + 24, BLOCK, 4);
    put(head + 28, CHUNK, 4);
    fwrite(head, 1, sizeof head, out);
    for (uint64_t i = 0, run; i < disk->chunks; i += run) {
        run = run_at(disk, i);
        write_record(out, disk->has_data[i], run);
        if (disk->has_data[i])
            fwrite(disk->digest + i * HASH, HASH, run, out);
    }
    write_record(out, 255, disk->chunks);
    fwrite(disk->root, 1, HASH, out);
    for (int i = 0; i < HASH; i++)
        printf("%02x", disk->root[i]);
    puts("");
}

static void put_hex(uint8_t *at, const char *digits)
{
    for (int i = 0; i < 16; i++)
        check(sscanf(digits + 2 * i, "%2hhx", at + i) == 1, digits);
}

static void sign_header(uint8_t slot[HEADER + HASH])
{
    blake3_hasher hasher;

    blake3_hasher_init_derive_key(&hasher, "Bootferry 2026 working manifest header");
    blake3_hasher_update(&hasher, slot, HEADER);
    blake3_hasher_finalize(&hasher, slot + HEADER, HASH);
}

static void write_working(const struct disk *disk, FILE *out, char **argv)
{
    static uint8_t file[FIRST_RECORD] = "BFWORKIN";
    int done = strcmp(argv[3], "done") == 0;

    put(file + 8, 1, 4);
    put(file + 12, (uint64_t)done, 4);
    put(file + 16, disk->bytes, 8);
    put(file + 24, BLOCK, 4);
    put(file + 28, CHUNK, 4);
    put(file + 32, 2, 8); // so it belongs to slot 0
    put_hex(file + 40, argv[0]);
    put_hex(file + 56, argv[1]);
    put(file + 72, strtoull(argv[2], NULL, 10), 8);
    if (done)
        memcpy(file + 80, disk->root, HASH);
    sign_header(file);
    file[TABLE] = strcmp(argv[3], "doubtful") == 0 ? DOUBT : 0;
    fwrite(file, 1, sizeof file, out);
    fwrite(disk->digest, HASH, disk->chunks, out);
}

int main(int argc, char **argv)
{
    struct disk disk = {0};
    FILE *out;

    if (argc != 4 && argc != 8)
        return 2;
    read_disk(&disk, argv[2]);
    find_root(&disk);
    out = fopen(argv[3], "wbx");
    check(out != NULL, argv[3]);
    if (argc == 4)
        write_sealed(&disk, out);
    else
        write_working(&disk, out, argv + 4);
    check(!ferror(out) && fclose(out) == 0, argv[3]);
    free(disk.digest);
    free(disk.has_data);
    return 0;
}
