// SPDX-License-Identifier: Apache-2.0
// How fast TCP goes over a NIC inside the firmware, by its own driver and by ours: a span of bytes
// to the host and as many back, through the whole IP stack, and how much of that time was spent in
// the driver. One line each, for tests/bench/nics.sh, whose server's address fw_cfg tells.
#include <string.h>

#include <efi.h>

#include "base/config.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/platform.h"
#include "boot/fwcfg.h"
#include "boot/platform_efi.h"
#include "boot/serial_efi.h"
#include "drivers/connect_efi.h"
#include "drivers/handles_efi.h"
#include "drivers/nic_efi.h"
#include "net/ip/stack.h"

int _fltused;

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

enum { SPAN = 128 << 20, BLOCK = 65536, PATIENCE_US = 120000000, ROUNDS = 3 };

static struct bf_snp_info nics[BF_SNP_NICS_MAX];
static struct bf_efi_nic taken;
static struct bf_config config;
static uint8_t block[BLOCK];

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

// ---- A NIC with a clock in front ---------------------------------------------------------------

static struct bf_nic timed;
static uint64_t inside_us;

static void *timed_room(void *impl)
{
    uint64_t before = bf_platform_now_us();
    void *room = taken.nic.ops->room(taken.nic.impl);
    inside_us += bf_platform_now_us() - before;
    return room;
}

static enum bf_err timed_send(void *impl, const void *frame, size_t len)
{
    uint64_t before = bf_platform_now_us();
    enum bf_err err = taken.nic.ops->send(taken.nic.impl, frame, len);
    inside_us += bf_platform_now_us() - before;
    return err;
}

static enum bf_err timed_receive(void *impl, void *buffer, size_t size, size_t *len)
{
    uint64_t before = bf_platform_now_us();
    enum bf_err err = taken.nic.ops->receive(taken.nic.impl, buffer, size, len);
    inside_us += bf_platform_now_us() - before;
    return err;
}

static void timed_poll(void *impl)
{
    uint64_t before = bf_platform_now_us();
    taken.nic.ops->poll(taken.nic.impl);
    inside_us += bf_platform_now_us() - before;
}

static int timed_link(void *impl)
{
    return taken.nic.ops->link(taken.nic.impl);
}

static const struct bf_nic_ops timed_ops = {.driver = "timed",
                                            .room = timed_room,
                                            .send = timed_send,
                                            .receive = timed_receive,
                                            .poll = timed_poll,
                                            .link = timed_link};

// ---- Runs --------------------------------------------------------------------------------------

static enum bf_err take_server(void *user, const char *name, const char *value)
{
    char why[128];
    return bf_config_set(&config, name, value, BF_ORIGIN_FW_CFG, why, sizeof why);
}

// The first byte tells the server what is wanted: 'u', it takes everything; 'd', it sends SPAN.
static uint64_t move(struct bf_stream *stream, char kind)
{
    uint64_t moved = 0, end = bf_platform_now_us() + PATIENCE_US;
    size_t done;
    while (bf_platform_now_us() < end) {
        enum bf_stream_state state;
        bf_ip_poll();
        stream->ops->poll(stream->impl);
        state = stream->ops->state(stream->impl);
        if (state == BF_STREAM_OPENING)
            continue;
        block[0] = (uint8_t)kind;
        if (kind == 'u' && moved < SPAN && !stream->ops->write(stream->impl, block, BLOCK, &done))
            moved += done;
        if (kind == 'u' && moved >= SPAN && stream->ops->unsent(stream->impl) == 0)
            return moved;
        if (kind == 'd' && !moved && !stream->ops->write(stream->impl, block, 1, &done))
            moved = done;
        while (kind == 'd' && moved && !stream->ops->read(stream->impl, block, BLOCK, &done))
            moved += done;
        if (kind == 'd' && moved > SPAN)
            return SPAN;
        if (state == BF_STREAM_FAILED)
            break;
    }
    return 0;
}

static void measure(const char *driver, char kind)
{
    struct bf_dialer dialer = bf_ip_dialer();
    struct bf_stream stream;
    struct bf_fault fault;
    uint64_t begun, took, moved;
    if (dialer.dial(dialer.impl, &bf_peer_server, config.server[0].host, config.server[0].port,
                    &stream, &fault))
        return;
    for (begun = bf_platform_now_us(); stream.ops->state(stream.impl) == BF_STREAM_OPENING &&
                                       bf_platform_now_us() - begun < PATIENCE_US;) {
        bf_ip_poll();
        stream.ops->poll(stream.impl);
    }
    inside_us = 0;
    begun = bf_platform_now_us();
    moved = move(&stream, kind);
    took = bf_platform_now_us() - begun;
    say("bench nic=%s direction=%s mbps=%ju inside=%ju errors=%u", driver,
        kind == 'u' ? "up" : "down", (uintmax_t)(moved / (took ? took : 1)),
        (uintmax_t)(inside_us * 100 / (took ? took : 1)), moved ? 0 : 1);
    stream.ops->close(stream.impl);
}

static void round_with(int native)
{
    struct bf_nic *list[] = {&timed};
    struct bf_fault fault;
    if (!bf_snp_scan(nics, BF_SNP_NICS_MAX) || bf_efi_nic_open(&nics[0], native, 0, &taken))
        return;
    timed = taken.nic;
    timed.ops = &timed_ops;
    if (bf_ip_start(list, 1, &config, &fault) == BF_OK) {
        measure(taken.nic.ops->driver, 'u');
        measure(taken.nic.ops->driver, 'd');
        bf_ip_stop();
    }
    bf_efi_nic_close(&taken);
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    bf_efi_platform_init(image, system);
    bf_serial_open(BF_SERIAL_LINES);
    bf_efi_connect_all();
    bf_config_defaults(&config);
    if (bf_fwcfg_files("opt/org.bootferry/", 256, take_server, NULL) == BF_OK && config.servers)
        for (int i = 0; i < 2 * ROUNDS; i++)
            round_with(i % 2);
    say("bench done");
    bf_serial_close();
    bf_efi_platform_end();
    return EFI_SUCCESS;
}
