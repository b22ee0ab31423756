// SPDX-License-Identifier: Apache-2.0
// Partition tables, swap areas and the probe, on disks made by sgdisk, fdisk, sfdisk and mkswap,
// whole and damaged.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "image/identity.h"
#include "image/parttab.h"
#include "image/probe.h"
#include "image/swap.h"
#include "tests/unit/test.h"

enum { MIB = 1048576 };

static char file_name[] = "/tmp/bf-parttab-XXXXXX";
static int file = -1;
static struct bf_parttab table;

static enum bf_err read_file(void *impl, uint64_t offset, void *out, size_t len)
{
    (void)impl;
    return pread(file, out, len, (off_t)offset) == (ssize_t)len ? BF_OK : BF_ERR_IO;
}

static void new_file(uint64_t bytes)
{
    CHECK(ftruncate(file, 0) == 0);
    CHECK(ftruncate(file, (off_t)bytes) == 0);
}

// Runs a command with the file's name in place of @.
static void run(const char *command)
{
    char line[1024] = "";
    size_t n = 0;
    for (; *command && n + sizeof file_name < sizeof line; command++)
        if (*command == '@')
            n += (size_t)snprintf(line + n, sizeof line - n, "%s", file_name);
        else
            line[n++] = *command;
    snprintf(line + n, sizeof line - n, " >/dev/null 2>&1");
    if (system(line) != 0)
        FAIL("%s failed", line);
}

static enum bf_err read_table(uint32_t block_size)
{
    struct stat st;
    CHECK(fstat(file, &st) == 0);
    struct bf_bytes disk = {
        .read = read_file, .bytes = (uint64_t)st.st_size, .block_size = block_size};
    bf_parttab_free(&table);
    return bf_parttab_read(&disk, &table);
}

static void scribble(uint64_t offset, const void *bytes, size_t len)
{
    CHECK(pwrite(file, bytes, len, (off_t)offset) == (ssize_t)len);
}

static void check_three(void)
{
    char guid[37];
    CHECK_EQ(table.kind, BF_PARTTAB_GPT);
    bf_guid_text(guid, table.disk_guid);
    CHECK_STR(guid, "01234567-89ab-cdef-0123-456789abcdef");
    CHECK_EQ(table.count, 2);
    CHECK_EQ(table.partition[0].number, 1);
    CHECK_EQ(table.partition[0].first, MIB);
    CHECK_EQ(table.partition[0].bytes, 2 * MIB);
    CHECK_STR(table.partition[0].name, "EFI part");
    bf_guid_text(guid, table.partition[0].type_guid);
    CHECK_STR(guid, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
    CHECK_EQ(table.partition[1].number, 5);
    CHECK_EQ(table.partition[1].first, 4 * MIB);
    CHECK_EQ(table.partition[1].bytes, MIB);
}

static void make_gpt(void)
{
    new_file(16 * MIB);
    run("sgdisk -o -U 01234567-89ab-cdef-0123-456789abcdef -n 1:2048:+2M -t 1:ef00 "
        "-c '1:EFI part' -n 5:8192:+1M @");
}

static void gpt(void)
{
    static const char damage[] = "damage";
    make_gpt();
    CHECK_EQ(read_table(512), BF_OK);
    check_three();
    CHECK(!table.primary_damaged && !table.backup_damaged && !table.truncated);

    scribble(512 + 40, damage, sizeof damage); // primary header
    CHECK_EQ(read_table(512), BF_OK);
    check_three();
    CHECK(table.primary_damaged && !table.backup_damaged);

    make_gpt();
    scribble(1024 + 128, damage, sizeof damage); // primary entries
    CHECK_EQ(read_table(512), BF_OK);
    check_three();
    CHECK(table.primary_damaged && !table.backup_damaged);

    make_gpt();
    scribble(16 * MIB - 512, damage, sizeof damage); // backup header
    CHECK_EQ(read_table(512), BF_OK);
    check_three();
    CHECK(!table.primary_damaged && table.backup_damaged);

    scribble(512, damage, sizeof damage);
    CHECK_EQ(read_table(512), BF_ERR_CORRUPT);

    make_gpt();
    CHECK(ftruncate(file, 32 * MIB) == 0); // grown: the backup is where the primary says
    CHECK_EQ(read_table(512), BF_OK);
    check_three();
    CHECK(!table.backup_damaged);

    CHECK(!table.doubt);

    CHECK(ftruncate(file, 4 * MIB + 65536) ==
          0); // cut: the second partition is no longer on the disk
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_EQ(table.count, 2);
    CHECK_EQ(table.partition[1].number, 5);
    CHECK_EQ(table.partition[1].bytes, 0); // Linux makes no device of it
    CHECK(table.backup_damaged);
    CHECK_STR(table.doubt, "its GPT was made for a larger disk");
}

// Copies that tell different stories, and a table of 160 entries.
static void gpt_doubts(void)
{
    uint8_t block[512];
    make_gpt();
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_EQ(table.spans, 5); // MBR, and header and array of each copy
    CHECK_EQ(table.span[1].first, 512);
    CHECK_EQ(table.span[2].bytes, 16384);
    CHECK_EQ(table.span[3].first, 16 * MIB - 512);

    // the backup of an older table, valid in itself
    CHECK(pread(file, block, sizeof block, 16 * MIB - 512) == sizeof block);
    block[56] ^= 1; // the disk's GUID
    memset(block + 16, 0, 4);
    uint32_t crc = bf_crc32(block, 92);
    memcpy(block + 16, &crc, 4);
    scribble(16 * MIB - 512, block, sizeof block);
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_EQ(table.count, 2);
    CHECK_STR(table.doubt, "the two copies of its GPT differ");

    new_file(64 * MIB);
    run("sgdisk -o -S 160 @");
    run("sgdisk $(for i in $(seq 140); do echo -n \"-n $i:0:+128K \"; done) -a 8 @");
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_EQ(table.count, 140);
    CHECK_EQ(table.partition[139].number, 140);
    CHECK(!table.truncated && !table.doubt);
    CHECK_EQ(table.span[2].bytes, 160 * 128);
}

// A hybrid MBR repeats partitions of the GPT; when it has others, nobody knows which is right.
static void hybrid(void)
{
    static const uint8_t zero[8];
    make_gpt();
    run("printf 'r\\nh\\n1\\nY\\n07\\nN\\nN\\nw\\nY\\n' | gdisk @");
    CHECK_EQ(read_table(512), BF_OK);
    check_three();
    CHECK(!table.doubt);
    scribble(446 + 16 + 8, "\1\10", 2); // its entry begins elsewhere
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_STR(table.doubt, "its MBR and its GPT do not agree");

    make_gpt();
    scribble(446 + 8, "\2", 1); // protective, but not from block 1 on
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_STR(table.doubt, "its protective MBR does not begin at block 1");

    make_gpt();
    scribble(446 + 4, "\x83", 1); // an MBR in front of a GPT
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_EQ(table.kind, BF_PARTTAB_MBR);
    CHECK_STR(table.doubt, "it has an MBR and a GPT without a protective MBR");
    scribble(512, zero, sizeof zero);
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_STR(table.doubt, "it has an MBR and a GPT without a protective MBR"); // its backup
    scribble(16 * MIB - 512, zero, sizeof zero);
    CHECK_EQ(read_table(512), BF_OK);
    CHECK(!table.doubt);
}

static void gpt_4096(void)
{
    new_file(16 * MIB);
    run("printf 'g\\nx\\ni\\n01234567-89ab-cdef-0123-456789abcdef\\nr\\n"
        "n\\n1\\n256\\n767\\nn\\n5\\n1024\\n1279\\nt\\n1\\n1\\nx\\nn\\n1\\nEFI part\\nr\\nw\\n' | "
        "fdisk -b 4096 @");
    CHECK_EQ(read_table(4096), BF_OK);
    check_three();
    CHECK(!table.primary_damaged && !table.backup_damaged);
    CHECK_EQ(read_table(512), BF_ERR_CORRUPT); // the wrong block size is noticed
    CHECK_STR(table.doubt, "its GPT counts in blocks of 4096 bytes, not of 512 "
                           "(bootferry-push: --block-size 4096)");
}

static void mbr(void)
{
    new_file(64 * MIB);
    run("printf 'label: dos\\nlabel-id: 0x1234abcd\\n"
        "start=2048, size=4096, type=83\\n"
        "start=8192, size=65536, type=5\\n"
        "start=10240, size=2048, type=82\\n"
        "start=14336, size=4096, type=83\\n"
        "start=20480, size=4096, type=8e\\n' | sfdisk @");
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_EQ(table.kind, BF_PARTTAB_MBR);
    CHECK_EQ(table.mbr_signature, 0x1234abcd);
    CHECK_EQ(table.truncated, 0);
    struct bf_partition *p = table.partition;
    CHECK_EQ(table.count, 4);
    CHECK_EQ(p[0].number, 1);
    CHECK_EQ(p[0].first, 2048 * 512);
    CHECK_EQ(p[0].bytes, 4096 * 512);
    CHECK_EQ(p[1].number, 5);
    CHECK_EQ(p[1].first, 10240 * 512);
    CHECK_EQ(p[1].mbr_type, 0x82);
    CHECK_EQ(p[2].number, 6);
    CHECK_EQ(p[2].first, 14336 * 512);
    CHECK_EQ(p[3].number, 7);
    CHECK_EQ(p[3].first, 20480 * 512);
    CHECK_EQ(p[3].mbr_type, 0x8e);
    CHECK_EQ(table.extendeds, 1);
    CHECK_EQ(table.extended[0].first, 8192 * 512);
    CHECK_EQ(table.extended[0].bytes, 65536 * 512);
    CHECK_EQ(table.spans, 4); // MBR and three EBR
    CHECK_EQ(table.span[1].first, 8192 * 512);
    CHECK(!table.doubt);
}

// What Linux makes of entries that other readers leave out: no type, or an end behind the disk's.
static void mbr_as_linux(void)
{
    new_file(64 * MIB);
    run("printf 'label: dos\\nstart=2048, size=4096, type=83\\n"
        "start=8192, size=8192, type=83\\nstart=40960, size=4096, type=83\\n' | sfdisk @");
    scribble(446 + 4, "", 1);
    CHECK(ftruncate(file, 6 * MIB) == 0);
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_EQ(table.kind, BF_PARTTAB_MBR);
    CHECK_EQ(table.count, 3);
    CHECK_EQ(table.partition[0].mbr_type, 0);
    CHECK_EQ(table.partition[0].bytes, 2 * MIB);
    CHECK(!table.partition[0].cut);
    CHECK(table.partition[1].cut);
    CHECK_EQ(table.partition[1].bytes, 2 * MIB);
    CHECK_EQ(table.partition[2].bytes, 0);
}

// An extended partition whose record names itself as the next one.
static void mbr_loop(void)
{
    static const uint8_t extended[16] = {0, 0, 0, 0, 5, 0, 0, 0, 64, 0, 0, 0, 0, 2, 0, 0};
    static const uint8_t logical[16] = {0, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0};
    static const uint8_t again[16] = {0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0};
    static const uint8_t mark[2] = {0x55, 0xaa};
    new_file(MIB);
    scribble(446, extended, 16);
    scribble(510, mark, 2);
    scribble(64 * 512 + 446, logical, 16);
    scribble(64 * 512 + 462, again, 16);
    scribble(64 * 512 + 510, mark, 2);
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_EQ(table.count, 1);
    CHECK_EQ(table.partition[0].number, 5);
    CHECK_EQ(table.partition[0].first, 65 * 512);
    CHECK_EQ(table.truncated, 1);
    CHECK_STR(table.doubt, "its chain of logical partitions is damaged");
}

static void none(void)
{
    new_file(MIB);
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_EQ(table.kind, BF_PARTTAB_NONE);
    new_file(4 * MIB);
    run("mkfs.fat @"); // a boot sector with a signature is not a table of partitions
    CHECK_EQ(read_table(512), BF_OK);
    CHECK_EQ(table.count, 0);
    CHECK_EQ(read_table(500), BF_ERR_RANGE);
    new_file(256);
    CHECK_EQ(read_table(512), BF_ERR_RANGE);
}

static void crc(void)
{
    CHECK_EQ(bf_crc32("123456789", 9), 0xcbf43926);
    CHECK_EQ(bf_crc32("", 0), 0);
}

static void swap_area(uint32_t page)
{
    static uint8_t bytes[BF_SWAP_PROBE_BYTES];
    struct bf_swap swap;
    char command[128], uuid[37];
    new_file(4 * MIB);
    snprintf(command, sizeof command, "mkswap -p %u -U 01234567-89ab-cdef-0123-456789abcdef @",
             page);
    run(command);
    CHECK(pread(file, bytes, sizeof bytes, 0) == sizeof bytes);
    bf_swap_probe(bytes, sizeof bytes, &swap);
    CHECK_EQ(swap.kind, BF_SWAP_PLAIN);
    CHECK_EQ(swap.page_size, page);
    CHECK_STR(swap.signature, "SWAPSPACE2");
    CHECK(swap.has_uuid);
    snprintf(uuid, sizeof uuid, "%02x%02x", swap.uuid[0], swap.uuid[15]);
    CHECK_STR(uuid, "01ef");

    static const char *const hibernated[] = {"S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001",
                                             "\xed\xc3\x02\xe9\x98\x56\xe5\x0c"};
    for (size_t i = 0; i < BF_COUNT(hibernated); i++) {
        memset(bytes + page - 10, 0, 10);
        memcpy(bytes + page - 10, hibernated[i], strlen(hibernated[i]));
        bf_swap_probe(bytes, sizeof bytes, &swap);
        CHECK_EQ(swap.kind, BF_SWAP_HIBERNATED);
        CHECK_STR(swap.signature, i < 4 ? hibernated[i] : "TuxOnIce");
        bf_swap_probe(bytes, page - 1, &swap);
        CHECK_EQ(swap.kind, BF_SWAP_NONE);
    }
}

static void swap(void)
{
    for (uint32_t page = 4096; page <= 65536; page *= 2)
        swap_area(page);
}

// A swap file of a hibernated system at byte `first` of other data.
static uint8_t disk_bytes[8 * BF_SWAP_PROBE_BYTES];

static void swap_file(size_t first, uint32_t page, const char *signature)
{
    for (size_t i = 0; i < sizeof disk_bytes; i++)
        disk_bytes[i] = (uint8_t)(i % 251);
    memset(disk_bytes + first, 0, page);
    disk_bytes[first + 1024] = 1;
    disk_bytes[first + 1028] = 77;
    memcpy(disk_bytes + first + page - 10, signature, strlen(signature));
}

static size_t found_in(size_t first, size_t len)
{
    return bf_swap_find_hibernated(disk_bytes + first, first, len);
}

static void swap_files(void)
{
    static const char *const hibernated[] = {"S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001",
                                             "\xed\xc3\x02\xe9\x98\x56\xe5\x0c"};
    static const size_t places[] = {0, 4096, 65536, 131072 - 4096, 63 * 512, 131072 - 512};
    for (size_t i = 0; i < BF_COUNT(hibernated); i++)
        for (size_t k = 0; k < BF_COUNT(places); k++)
            for (uint32_t page = 4096; page <= 65536; page *= 2) {
                swap_file(places[k], page, hibernated[i]);
                size_t end = places[k] + page;
                CHECK_EQ(found_in(0, sizeof disk_bytes), end);
                CHECK_EQ(found_in(0, end - 1), 0);
                CHECK_EQ(found_in(end - 512, 512), 512); // what is in front may be looked at
                CHECK_EQ(found_in(end, sizeof disk_bytes - end), 0);
            }
}

// A text that speaks of signatures, a swap area in use, and what the kernel leaves of the header.
static void no_swap_file(void)
{
    swap_file(8192, 4096, "S1SUSPEND");
    disk_bytes[8192 + 1024] = 2;
    CHECK_EQ(found_in(0, sizeof disk_bytes), 0);
    CHECK_EQ(bf_swap_find_hibernated(disk_bytes + 12288 - 512, 0, 512), 512); // nobody can tell
    memcpy(disk_bytes + 12288 - 20, "SWAPSPACE2", 10);
    CHECK_EQ(found_in(0, sizeof disk_bytes), 12288);
    swap_file(8192, 4096, "SWAPSPACE2");
    CHECK_EQ(found_in(0, sizeof disk_bytes), 0);
    swap_file(8192 + 1, 4096, "S1SUSPEND");
    CHECK_EQ(found_in(0, sizeof disk_bytes), 0);
}

// ---- The probe, through the mediator -----------------------------------------------------------

static enum bf_err submit(void *impl, struct bf_block_request *r)
{
    struct bf_source_disk *disk = impl;
    size_t len = (size_t)r->count * disk->geometry.block_size;
    r->status = read_file(NULL, r->block * disk->geometry.block_size, r->data, len);
    r->done = 1;
    return BF_OK;
}

static void nothing(void *impl)
{
    (void)impl;
}

static void probe(void)
{
    static const struct bf_block_ops ops = {
        .driver = "file", .submit = submit, .poll = nothing, .close = nothing};
    struct bf_source_disk disk = {.ops = &ops, .impl = &disk};
    struct bf_disk_facts *facts = bf_alloc(sizeof *facts);
    char guid[37];
    disk.geometry = (struct bf_block_geometry){.block_size = 512,
                                               .blocks = 16 * MIB / 512,
                                               .alignment = 1,
                                               .max_blocks = 256,
                                               .preferred_blocks = 256,
                                               .depth = 1};
    CHECK(facts);
    make_gpt();
    CHECK_EQ(bf_disk_probe(&disk, facts), BF_OK);
    CHECK_EQ(facts->hibernated, 0);
    CHECK(disk.identity.has_gpt);
    bf_guid_text(guid, disk.identity.gpt_guid);
    CHECK_STR(guid, "01234567-89ab-cdef-0123-456789abcdef");

    scribble(4 * MIB + 16384 - 10, "S1SUSPEND", 9); // a machine with 16 KiB pages
    CHECK_EQ(bf_disk_probe(&disk, facts), BF_OK);
    CHECK_EQ(facts->hibernated, 1);
    CHECK_STR(facts->hibernation, "partition 5: S1SUSPEND");

    new_file(16 * MIB);
    scribble(4096 - 10, "ULSUSPEND", 9);
    CHECK_EQ(bf_disk_probe(&disk, facts), BF_OK);
    CHECK_STR(facts->hibernation, "whole disk: ULSUSPEND");
    bf_free(facts);
}

static void begin(void)
{
    file = mkstemp(file_name);
    CHECK(file >= 0);
}

static void end(void)
{
    CHECK(unlink(file_name) == 0);
}

TEST_MAIN(TEST(begin), TEST(gpt), TEST(gpt_doubts), TEST(hybrid), TEST(gpt_4096), TEST(mbr),
          TEST(mbr_as_linux), TEST(mbr_loop), TEST(none), TEST(crc), TEST(swap), TEST(swap_files),
          TEST(no_swap_file), TEST(probe), TEST(end))
