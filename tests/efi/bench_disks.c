// SPDX-License-Identifier: Apache-2.0
// How fast disks are read inside the firmware, by its own driver and then by ours: the same span of
// each disk with as many requests out as the driver takes, and the time that submitting them kept
// the processor. One line each, for tests/bench/drivers.sh.
#include <string.h>

#include <efi.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "base/platform.h"
#include "boot/platform_efi.h"
#include "boot/serial_efi.h"
#include "drivers/blockio_efi.h"
#include "drivers/connect_efi.h"
#include "drivers/handles_efi.h"
#include "drivers/takeover_efi.h"

int _fltused;

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

enum { SPAN = 256 << 20, SLOTS = 4, SLOT_BYTES = 1 << 20, PATIENCE_US = 120000000 };

static struct bf_efi_disk disks[BF_EFI_DISKS_MAX];
static struct bf_takeover takeover;
static uint32_t disk_count;

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

struct load {
    struct bf_block_request request[SLOTS];
    uint8_t busy[SLOTS];
    uint64_t next, end, done, submit_us;
    uint32_t errors;
};

static void turn(struct bf_source_disk *disk, struct load *load, uint8_t *memory)
{
    const struct bf_block_geometry *g = &disk->geometry;
    uint32_t each = SLOT_BYTES / g->block_size;
    if (each > g->preferred_blocks)
        each = g->preferred_blocks;
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct bf_block_request *r = &load->request[i];
        if (load->busy[i] && r->done) {
            load->busy[i] = 0;
            load->done += r->count;
            load->errors += r->status != BF_OK;
        }
        if (load->busy[i] || load->next == load->end)
            continue;
        *r = (struct bf_block_request){
            .block = load->next, .count = each, .data = memory + (size_t)i * SLOT_BYTES};
        uint64_t before = bf_platform_now_us();
        enum bf_err err = bf_source_submit(disk, r);
        load->submit_us += bf_platform_now_us() - before;
        if (err)
            return;
        load->busy[i] = 1;
        load->next += each;
    }
}

static void measure(struct bf_efi_disk *d, uint8_t *memory)
{
    struct bf_source_disk *disk = &d->source;
    struct load load = {.end = SPAN / disk->geometry.block_size};
    uint64_t begun = bf_platform_now_us(), took;
    if (disk->geometry.blocks < load.end)
        return;
    while (load.done < load.end && bf_platform_now_us() - begun < PATIENCE_US) {
        turn(disk, &load, memory);
        bf_source_poll(disk);
    }
    took = bf_platform_now_us() - begun;
    say("bench disk=%s driver=%s mbps=%ju submit=%ju errors=%u", disk->identity.path,
        disk->ops->driver, (uintmax_t)(SPAN / (took ? took : 1)),
        (uintmax_t)(load.submit_us * 100 / (took ? took : 1)), load.errors);
}

static void measure_all(uint8_t *memory)
{
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < disk_count; i++)
            if (disks[i].source.ops)
                measure(&disks[i], memory);
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    bf_efi_platform_init(image, system);
    bf_serial_open(BF_SERIAL_LINES);
    bf_efi_connect_all();
    uint8_t *memory = bf_alloc_aligned(SLOTS * SLOT_BYTES, 4096);
    if (memory && bf_blockio_scan(disks, &disk_count) == BF_OK) {
        measure_all(memory);
        bf_takeover_begin(&takeover, disks, &disk_count);
        measure_all(memory);
    }
    while (disk_count)
        bf_source_close(&disks[--disk_count].source);
    bf_takeover_end(&takeover);
    bf_free(memory);
    say("bench done");
    bf_serial_close();
    bf_efi_platform_end();
    return EFI_SUCCESS;
}
