// SPDX-License-Identifier: Apache-2.0
// See tests/proto_samples.h.
#include "tests/proto_samples.h"

#include <stdio.h>
#include <string.h>

static struct bf_inventory machine;
static struct bf_assessment assessment = {
    .compute = 1 << 30, .unseen = 1, .unseen_list = "RAID controller", .disks = 2};
static const uint8_t digests[BF_DATA_MAX / 16];

struct bf_hello proto_sample_hello(void)
{
    struct bf_hello m = {1, 1, BF_CAP_LZ4 | BF_CAP_ZSTD, {1, 2, 3}, {0}, -5, "bootferry 0.1"};
    return m;
}

struct bf_welcome proto_sample_welcome(void)
{
    struct bf_welcome m = {1, BF_CAP_LZ4, {9, 8, 7}, 1700000000, 1, "web-1.example", "bootferryd"};
    return m;
}

struct bf_planned_disk proto_sample_plan(void)
{
    struct bf_planned_disk m = {1, 0, 2, 1, {1 << 30, 512, 65536}, 7, 0};
    return m;
}

struct bf_unseen proto_sample_unseen(void)
{
    struct bf_unseen m = {
        BF_UNSEEN_CONTROLLER,    0, 0x1000, 0x005b, {1, 4, 0}, "0000:00:05.0", "RAID controller",
        "nothing here drives it"};
    return m;
}

struct bf_boot_entry proto_sample_boot_entry(void)
{
    struct bf_boot_entry m = {3, 0, 1, "debian", "HD(1,GPT)/\\EFI\\debian\\shimx64.efi"};
    return m;
}

struct bf_place proto_sample_place(void)
{
    struct bf_place m = {.disk = 1,
                         .ordinal = 2,
                         .name = "volume vg0/root",
                         .what = "ext4",
                         .why = "it was not unmounted",
                         .count = 2,
                         .span = {{1 << 30, 1 << 22}, {1 << 20, 1 << 21}}};
    return m;
}

void proto_sample_inventory(struct bf_inventory *inventory)
{
    *inventory = (struct bf_inventory){.firmware = BF_FIRMWARE_UEFI,
                                       .secure_boot = 1,
                                       .processors = 4,
                                       .memory_bytes = 1 << 30,
                                       .firmware_vendor = "EDK II",
                                       .system_uuid = "01234567-89ab-cdef-0123-456789abcdef",
                                       .nics = 2,
                                       .disks = 2};
    inventory->nic[1].link = -1;
    snprintf(inventory->nic[0].driver, 16, "snp");
    inventory->disk[0].planned = 1;
    inventory->disk[0].identity.bytes = 1 << 30;
    inventory->disk[0].identity.block_size = 512;
    snprintf(inventory->disk[0].identity.serial, 64, "S1");
    snprintf(inventory->disk[1].why, 96, "removable");
}

size_t proto_sample(unsigned which, uint8_t *bytes, size_t size)
{
    struct bf_hello hello = proto_sample_hello();
    struct bf_welcome welcome = proto_sample_welcome();
    struct bf_planned_disk plan = proto_sample_plan();
    struct bf_enrol enrol = {"web-1", {7}, digests, 300};
    struct bf_enrolled enrolled = {digests, 900};
    struct bf_base_want want = {3, 100, 65536};
    struct bf_base_run base = {3, BF_CHUNK_DATA, 100, 5, digests};
    struct bf_base_run zero = {3, BF_CHUNK_ZERO, 100, 60000, NULL};
    struct bf_data data = {1, BF_CODEC_NONE, 2, 10, 4096, digests, digests, 4096};
    struct bf_range range = {1, BF_RANGE_SAME, 12, UINT64_C(1) << 40};
    struct bf_checkpoint checkpoint = {1, 12};
    struct bf_disk_done done = {1, {{0xaa}}};
    struct bf_commit commit = {{{0xbb}}, 1700000001};
    struct bf_need need = {1, 5, 2, 1};
    struct bf_verifying verifying = {1, 10, 20};
    struct bf_pace pace = {300, 700};
    struct bf_committed committed = {7, 1700000002, {{0xcc}}};
    struct bf_busy busy = {30000};
    struct bf_event event = {2, "hello"};
    struct bf_fault fault = {BF_ERR_NO_SPACE, BF_SIDE_SERVER, "full", "free some"};
    struct bf_bye bye = {1};
    struct bf_assessed assessed = {1 << 28, 1 << 26};
    struct bf_unreadable unreadable = {1, 4096, 512};
    struct bf_unseen unseen = proto_sample_unseen();
    struct bf_place place = proto_sample_place();
    struct bf_boot_entry boot_entry = proto_sample_boot_entry();
    size_t head;
    proto_sample_inventory(&machine);
    switch (which) {
    case 0:
        return bf_put_hello(bytes, size, &hello);
    case 1:
        return bf_put_inventory(bytes, size, &machine);
    case 2:
        return bf_put_enrol(bytes, size, &enrol);
    case 3:
        return bf_put_enrolled(bytes, size, &enrolled);
    case 4:
        return bf_put_welcome(bytes, size, &welcome);
    case 5:
        return bf_put_plan(bytes, size, &plan);
    case 6:
        return bf_put_base_want(bytes, size, &want);
    case 7:
        return bf_put_base(bytes, size, &base);
    case 8:
        return bf_put_base(bytes, size, &zero);
    case 9:
        head = bf_put_data_head(bytes, size, &data);
        memcpy(bytes + head, data.body, data.body_len);
        return head + data.body_len;
    case 10:
        return bf_put_range(bytes, size, &range);
    case 11:
        return bf_put_checkpoint(bytes, size, BF_MSG_CHECKPOINT, &checkpoint);
    case 12:
        return bf_put_checkpoint(bytes, size, BF_MSG_DURABLE, &checkpoint);
    case 13:
        return bf_put_disk_done(bytes, size, &done);
    case 14:
        return bf_put_commit(bytes, size, &commit);
    case 15:
        return bf_put_need(bytes, size, &need);
    case 16:
        return bf_put_verifying(bytes, size, &verifying);
    case 17:
        return bf_put_committed(bytes, size, &committed);
    case 18:
        return bf_put_busy(bytes, size, &busy);
    case 19:
        return bf_put_event(bytes, size, &event);
    case 20:
        return bf_put_ping(bytes, size, BF_MSG_PING, 77);
    case 21:
        return bf_put_ping(bytes, size, BF_MSG_PONG, 77);
    case 22:
        return bf_put_fault(bytes, size, &fault);
    case 23:
        return bf_put_bye(bytes, size, &bye);
    case 24:
        return bf_put_pace(bytes, size, &pace);
    case 25:
        return bf_put_unreadable(bytes, size, &unreadable);
    case 26:
        return bf_put_unseen(bytes, size, &unseen);
    case 27:
        return bf_put_place(bytes, size, &place);
    case 28:
        return bf_put_boot_entry(bytes, size, &boot_entry);
    case 29:
        assessment.disk[1] = (struct bf_assessed_disk){3, 1 << 30, 1 << 29, 1 << 27, 9, 8, "S1"};
        return bf_put_assessment(bytes, size, &assessment);
    case 30:
        return bf_put_assessed(bytes, size, &assessed);
    default:
        return 0;
    }
}
