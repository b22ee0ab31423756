// SPDX-License-Identifier: Apache-2.0
// The firmware drivers inside the firmware: disks and who they say they are, NICs, the
// configuration's sources, the screen. Prints what it finds as lines that tests/efi/devices.sh
// compares with what it gave the machine, and "ok" and "not ok" lines for what only the inside can
// judge.
#include <string.h>

#include <efi.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "base/platform.h"
#include "boot/config_efi.h"
#include "boot/inventory_efi.h"
#include "boot/platform_efi.h"
#include "boot/screen_efi.h"
#include "boot/serial_efi.h"
#include "drivers/blockio_efi.h"
#include "drivers/connect_efi.h"
#include "drivers/handles_efi.h"
#include "drivers/nic_efi.h"
#include "drivers/takeover_efi.h"
#include "image/parttab.h"

int _fltused;

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

enum { PATIENCE_US = 20000000, SAMPLE = 100000 };

static struct bf_efi_disk disks[BF_EFI_DISKS_MAX];
static struct bf_snp_info nics[BF_SNP_NICS_MAX];
static struct bf_inventory inventory;
static uint32_t disk_count, nic_count;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    bf_vsnprintf(line, sizeof line, format, args);
    va_end(args);
    bf_serial_line(line);
}

static void judge(int good, const char *name)
{
    say("%s efi: %s", good ? "ok" : "not ok", name);
}

// ---- Configuration -----------------------------------------------------------------------------

static void show_config(void)
{
    static struct bf_config config;
    struct bf_config_report report;
    struct bf_fault fault;
    uint32_t count;
    const struct bf_config_key *table = bf_config_table(&count);
    enum bf_err err = bf_config_efi_load(&config, &report, &fault);
    say("config result=%s what=%s", bf_err_name(err), fault.what);
    for (uint32_t i = 0; i < count; i++) {
        char value[256];
        bf_config_show(&config, i, value, sizeof value);
        if (config.origin[i])
            say("config %s=%s origin=%u", table[i].name, value, config.origin[i]);
    }
}

// ---- Disks -------------------------------------------------------------------------------------

static int refuses(struct bf_source_disk *disk, uint64_t block, uint32_t count, uint8_t *memory)
{
    struct bf_block_request r = {.block = block, .count = count, .data = memory};
    return disk->ops->submit(disk->impl, &r) == BF_OK && r.done && r.status != BF_OK;
}

static void show_disk(struct bf_efi_disk *d, uint32_t number)
{
    const struct bf_disk_identity *id = &d->source.identity;
    say("disk %u bytes=%ju block=%u serial=%s wwn=%s model=%s why=%s path=%s", number,
        (uintmax_t)id->bytes, id->block_size, id->serial, id->wwn, id->model, d->why, id->path);
    if (!d->source.ops)
        return;
    const struct bf_block_geometry *g = &d->source.geometry;
    uint8_t *memory = bf_alloc_aligned(2 * g->block_size, 4096);
    uint8_t *sample = bf_alloc(SAMPLE);
    say("geometry %u align=%u max=%u preferred=%u", number, g->alignment, g->max_blocks,
        g->preferred_blocks);
    // An odd range over several requests, and the end of the disk.
    enum bf_err first = bf_source_read(&d->source, 12345, sample, SAMPLE, PATIENCE_US);
    uint32_t crc = bf_crc32(sample, SAMPLE);
    enum bf_err last = bf_source_read(&d->source, id->bytes - 777, sample, 777, PATIENCE_US);
    say("read %u %s crc=%08x last=%s crc=%08x", number, bf_err_name(first), crc, bf_err_name(last),
        bf_crc32(sample, 777));
    judge(refuses(&d->source, g->blocks, 1, memory), "a read beyond the end fails");
    judge(g->alignment == 1 || refuses(&d->source, 0, 1, memory + 1),
          "misaligned memory is refused");
    bf_free(sample);
    bf_free(memory);
}

static void test_disks(void)
{
    judge(bf_blockio_scan(disks, &disk_count) == BF_OK, "the disks are listed");
    say("disks %u", disk_count);
    for (uint32_t i = 0; i < disk_count; i++)
        show_disk(&disks[i], i);
}

// The native drivers' view: also what the firmware does not list.
static void test_takeover(void)
{
    static struct bf_takeover takeover;
    uint8_t *sample = bf_alloc(SAMPLE);
    bf_takeover_begin(&takeover, disks, &disk_count);
    say("taken %u asked %u unread %u", takeover.count, takeover.asked_count, takeover.unread_count);
    for (uint32_t i = 0; i < disk_count; i++) {
        struct bf_source_disk *d = &disks[i].source;
        enum bf_err err = d->ops ? bf_source_read(d, 12345, sample, SAMPLE, PATIENCE_US) : BF_OK;
        if (d->ops)
            say("native %u driver=%s bytes=%ju read=%s crc=%08x wwn=%s path=%s", i, d->ops->driver,
                (uintmax_t)d->identity.bytes, bf_err_name(err), bf_crc32(sample, SAMPLE),
                d->identity.wwn, d->identity.path);
    }
    for (uint32_t i = 0; i < takeover.unread_count && i < BF_UNREAD_MAX; i++)
        say("unread %s %s: %s", takeover.unread[i].slot, takeover.unread[i].what,
            takeover.unread[i].why);
    bf_free(sample);
    while (disk_count)
        bf_source_close(&disks[--disk_count].source);
    bf_takeover_end(&takeover);
}

// ---- NICs --------------------------------------------------------------------------------------

// "Who has 10.0.2.2? Tell 10.0.2.15": QEMU's user network answers.
static void make_arp(uint8_t frame[42], const uint8_t mac[6])
{
    static const uint8_t head[10] = {0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1};
    memset(frame, 0xff, 6);
    memcpy(frame + 6, mac, 6);
    memcpy(frame + 12, head, sizeof head);
    memcpy(frame + 22, mac, 6);
    memcpy(frame + 28, (const uint8_t[]){10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2}, 14);
}

static int is_answer(const uint8_t *frame, size_t len)
{
    return len >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == 2 && frame[28] == 10 &&
           frame[31] == 2;
}

// Sends frames, with room or without, until so many answers came or the deadline is over.
static uint32_t ask(struct bf_nic *nic, uint32_t frames, uint64_t patience_us)
{
    static uint8_t buffer[2048];
    uint8_t frame[42];
    uint32_t sent = 0, answers = 0;
    size_t len;
    make_arp(frame, nic->mac);
    for (uint64_t end = bf_platform_now_us() + patience_us;
         answers < frames && bf_platform_now_us() < end;) {
        if (sent < frames && sent < answers + 200 &&
            nic->ops->send(nic->impl, frame, sizeof frame) == BF_OK)
            sent++;
        nic->ops->poll(nic->impl);
        if (nic->ops->receive(nic->impl, buffer, sizeof buffer, &len) == BF_OK)
            answers += (uint32_t)is_answer(buffer, len);
    }
    return answers;
}

static int waits_for_link(struct bf_nic *nic, int state)
{
    for (uint64_t end = bf_platform_now_us() + PATIENCE_US; bf_platform_now_us() < end;) {
        nic->ops->poll(nic->impl);
        if (nic->ops->link(nic->impl) == state)
            return 1;
        bf_platform_idle(10000);
    }
    return 0;
}

static void test_frames(struct bf_nic *nic)
{
    static uint8_t small[60];
    size_t len, longest = 14u + nic->mtu + nic->tag_room;
    judge(ask(nic, 1, PATIENCE_US) == 1, "a frame is answered");
    judge(ask(nic, 1000, PATIENCE_US) == 1000, "a thousand frames are answered");
    say("counters tx=%ju refused=%ju rx=%ju", (uintmax_t)nic->counters.tx_frames,
        (uintmax_t)nic->counters.tx_refused, (uintmax_t)nic->counters.rx_frames);
    judge(nic->ops->send(nic->impl, small, 13) == BF_ERR_RANGE &&
              nic->ops->send(nic->impl, small, longest + 1) == BF_ERR_RANGE,
          "frames that are too short or too long are refused");
    judge(nic->ops->receive(nic->impl, small, sizeof small, &len) == BF_AGAIN,
          "without a frame there is none");
}

// Whoever served the NIC before has given it back: it is found again, and works.
static int reopen(int native, struct bf_efi_nic *nic)
{
    nic_count = bf_snp_scan(nics, BF_SNP_NICS_MAX);
    return nic_count && bf_efi_nic_open(&nics[0], native, 0, nic) == BF_OK;
}

static void test_nic(int native)
{
    static struct bf_efi_nic taken;
    struct bf_nic *nic = &taken.nic;
    int opened = reopen(native, &taken);
    judge(opened, "the NIC is opened");
    if (!opened)
        return;
    say("nic driver=%s name=%s", nic->ops->driver, nic->name);
    test_frames(nic);
    say("link off please, %s", nic->ops->driver);
    judge(waits_for_link(nic, 0), "a lost link is noticed");
    say("link on please, %s", nic->ops->driver);
    judge(waits_for_link(nic, 1) && ask(nic, 1, PATIENCE_US) == 1, "and its return");
    bf_efi_nic_close(&taken);
    opened = reopen(native, &taken);
    judge(opened && ask(nic, 10, PATIENCE_US) == 10, "the NIC works when it is opened again");
    if (opened)
        bf_efi_nic_close(&taken);
}

// Who would serve it natively.
static const char *native_driver(void)
{
    static struct bf_efi_nic taken;
    if (!reopen(1, &taken))
        return "none";
    bf_efi_nic_close(&taken);
    return nics[0].driver;
}

static void test_nics(void)
{
    nic_count = bf_snp_scan(nics, BF_SNP_NICS_MAX);
    say("nics %u", nic_count);
    for (uint32_t i = 0; i < nic_count; i++)
        say("nic %u mac=%02x:%02x:%02x:%02x:%02x:%02x link=%d name=%s", i, nics[i].mac[0],
            nics[i].mac[1], nics[i].mac[2], nics[i].mac[3], nics[i].mac[4], nics[i].mac[5],
            nics[i].link, nics[i].name);
}

// ---- Inventory and screen ----------------------------------------------------------------------

static void show_inventory(void)
{
    bf_inventory_efi(&inventory, disks, disk_count, nics, nic_count);
    say("inventory vendor=%s product=%s serial=%s uuid=%s processors=%u memory=%ju firmware=%s "
        "secure=%u cpu=%s",
        inventory.system_vendor, inventory.system_product, inventory.system_serial,
        inventory.system_uuid, inventory.processors, (uintmax_t)inventory.memory_bytes,
        inventory.firmware_vendor, inventory.secure_boot, inventory.processor);
}

static void draw_screen(void)
{
    static struct bf_screen screen;
    static struct bf_progress progress;
    screen.kind = BF_SCREEN_RUNNING;
    screen.version = "test";
    screen.inventory = &inventory;
    screen.progress = &progress;
    screen.link = 1;
    screen.memory_limit = 64 << 20;
    screen.memory_used = 12 << 20;
    progress.phase = BF_PHASE_COPYING;
    progress.connections = 1;
    progress.rate = 118 << 20;
    progress.eta_seconds = 754;
    progress.disks = inventory.disks;
    bf_snprintf(progress.machine, sizeof progress.machine, "web-1.example");
    bf_snprintf(progress.server, sizeof progress.server, "10.0.2.2:7667");
    bf_snprintf(screen.nic, sizeof screen.nic, "snp 52:54:00:12:34:56");
    bf_snprintf(screen.address, sizeof screen.address, "10.0.2.15");
    for (uint32_t i = 0; i < inventory.disks; i++) {
        struct bf_progress_disk *d = &progress.disk[i];
        inventory.disk[i].planned = !inventory.disk[i].why[0];
        d->planned = inventory.disk[i].planned;
        d->bytes = inventory.disk[i].identity.bytes;
        d->position = d->bytes / 10 * (8 - i % 8);
        d->durable = d->position - d->position / 8;
        progress.bytes_total += d->planned ? d->bytes : 0;
        progress.bytes_position += d->planned ? d->position : 0;
    }
    progress.read_bytes = progress.bytes_position;
    progress.sent_bytes = progress.bytes_position / 3;
    bf_screen_event(&screen, "connected to 10.0.2.2:7667 as web-1.example");
    judge(bf_screen_open() == BF_OK, "there is a screen");
    bf_screen_draw(&screen, bf_platform_now_us(), 1);
    uint64_t start = bf_platform_now_us();
    screen.elapsed_seconds++;
    bf_screen_draw(&screen, start, 1);
    say("redraw us=%ju", (uintmax_t)(bf_platform_now_us() - start));
    say("screen is drawn");
    enum bf_key key = BF_KEY_NONE;
    for (uint64_t end = bf_platform_now_us() + PATIENCE_US;
         key == BF_KEY_NONE && bf_platform_now_us() < end;) {
        key = bf_screen_key();
        bf_platform_idle(10000);
    }
    judge(key == BF_KEY_CANCEL, "Esc is read");
    bf_screen_close();
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    bf_efi_platform_init(image, system);
    say("unseen: the channel is not open");
    say("ports %u", bf_serial_open(BF_SERIAL_LINES));
    judge(bf_serial_open(BF_SERIAL_LINES) == 1, "the serial console carries lines");
    show_config();
    bf_efi_connect_all();
    test_disks();
    test_nics();
    show_inventory();
    draw_screen();
    if (nic_count && strcmp(native_driver(), "snp") != 0)
        test_nic(1);
    if (nic_count)
        test_nic(0);
    test_takeover();
    say("devices done");
    bf_serial_close();
    bf_efi_platform_end();
    system->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
    return EFI_SUCCESS;
}
