// SPDX-License-Identifier: Apache-2.0
// The workers inside the firmware, on a machine with four processors: they do tasks with wide
// registers on their own stacks, go home when there is nothing to do and come back, leave the
// control registers as they were, and a worker that leaves its stack or does not end is noticed.
// Prints "ok" and "not ok" lines on the serial port and "workers done", then powers off.
#include <string.h>

#include <efi.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "base/platform.h"
#include "boot/cpu.h"
#include "boot/mp_efi.h"
#include "boot/platform_efi.h"
#include "boot/serial_efi.h"
#include "boot/workers_efi.h"
#include "drivers/handles_efi.h"
#include "image/digest.h"
#include "migrate/compress.h"
#include "migrate/workers.h"

enum { PROCESSORS = 4, JOBS = 24, SIZE = 102400, PATIENCE_US = 60000000 };

int _fltused;

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static void judge(int good, const char *name)
{
    char line[128];

    bf_snprintf(line, sizeof line, "%s efi workers: %s", good ? "ok" : "not ok", name);
    bf_serial_line(line);
}

// ---- Control registers -------------------------------------------------------------------------

struct control {
    uint64_t cr0, cr4;
};
static struct bf_efi_mp_services *services;
static struct control before[PROCESSORS], now[PROCESSORS];

static VOID EFIAPI look(VOID *argument)
{
    struct control *c = argument;

    __asm__ volatile("mov %%cr0, %0" : "=r"(c->cr0));
    __asm__ volatile("mov %%cr4, %0" : "=r"(c->cr4));
}

// What the registers of each processor are; 0 when the firmware does not have one of them back.
static int look_at_all(struct control *out)
{
    look(&out[0]);
    for (UINTN i = 1; i < PROCESSORS; i++)
        if (EFI_ERROR(services->StartupThisAP(services, look, i, NULL, 0, &out[i], NULL)))
            return 0;
    return 1;
}

static int come_home(void)
{
    uint64_t deadline = bf_platform_now_us() + PATIENCE_US;

    while (!bf_efi_workers_home() && bf_platform_now_us() < deadline)
        bf_platform_idle(BF_EFI_TICK_US);
    return bf_efi_workers_home() && look_at_all(now);
}

// ---- Jobs --------------------------------------------------------------------------------------

struct work {
    struct bf_task task;
    uint32_t place;
    struct bf_digest digest;
    size_t packed;
};
static struct bf_workers pool;
static struct work work[JOBS];
static uint8_t *bytes, *packed[PROCESSORS];
static struct bf_compressor *compressor[PROCESSORS];
static uint32_t may_end;

// BLAKE3 as in its official test vectors, and zstd, which needs most of the stack.
static void digest_and_compress(struct bf_task *task, uint32_t place)
{
    struct work *w = (struct work *)task;

    w->place = place;
    bf_digest_of(&w->digest, bytes, SIZE);
    w->packed =
        bf_compress(compressor[place], BF_CODEC_ZSTD, 3, packed[place], SIZE - 1, bytes, SIZE);
}

static int is_done(void)
{
    uint64_t deadline = bf_platform_now_us() + PATIENCE_US;

    while (!bf_workers_quiet(&pool) && bf_platform_now_us() < deadline) {
        bf_workers_poll(&pool, bf_platform_now_us());
        bf_cpu_relax();
    }
    return bf_workers_quiet(&pool);
}

static int do_jobs(void)
{
    static const uint8_t expected[8] = {0xbc, 0x3e, 0x3d, 0x41, 0xa1, 0x14, 0x6b, 0x06};
    uint32_t places = 0;
    int good = 1;

    for (uint32_t i = 0; i < JOBS; i++) {
        memset(&work[i], 0, sizeof work[i]);
        work[i].task.run = digest_and_compress;
        good &= bf_workers_give(&pool, &work[i].task);
    }
    good &= is_done();
    for (uint32_t i = 0; i < JOBS; i++) {
        places |= 1u << work[i].place;
        good &= memcmp(work[i].digest.bytes, expected, sizeof expected) == 0 && work[i].packed &&
                work[i].packed < SIZE / 8;
    }
    return good && !(places & 1) && places;
}

static int begin_workers(void)
{
    bf_workers_init(&pool);
    bf_workers_start(&pool, BF_WORKERS_MAX);
    return pool.count == PROCESSORS - 1;
}

static void test_work(void)
{
    char line[80];

    judge(look_at_all(before), "the firmware gives its processors away");
    judge(begin_workers(), "one for each processor but the first");
    judge(do_jobs(), "digests and compression are right");
    judge(come_home(), "they go home when there is nothing to do");
    judge(memcmp(before, now, sizeof now) == 0, "and leave the registers as they were");
    judge(do_jobs(), "they come back");
    bf_snprintf(line, sizeof line, "# %u bytes of stack were used", bf_efi_workers_stack());
    bf_serial_line(line);
    judge(bf_platform_workers_sound() && bf_efi_workers_stack() > 1000 &&
              bf_efi_workers_stack() < BF_WORKER_STACK / 2,
          "their stacks are large enough");
    judge(bf_workers_stop(&pool) == BF_OK && look_at_all(now), "all are home at the end");
    judge(memcmp(before, now, sizeof now) == 0, "with the registers as they were");
}

// ---- What goes wrong ---------------------------------------------------------------------------

static void descend(volatile uint8_t *top)
{
    volatile uint8_t room[128];

    room[0] = 1;
    if (top - room < BF_WORKER_STACK + 64)
        descend(top);
    room[1] = 2; // after the call, so that it needs a frame
}

static void leave_the_stack(struct bf_task *task, uint32_t place)
{
    volatile uint8_t here;

    (void)task;
    (void)place;
    descend(&here);
}

static void stay(struct bf_task *task, uint32_t place)
{
    (void)task;
    (void)place;
    while (!__atomic_load_n(&may_end, __ATOMIC_ACQUIRE))
        bf_cpu_relax();
}

static void test_faults(void)
{
    begin_workers();
    work[0].task.run = leave_the_stack;
    bf_workers_give(&pool, &work[0].task);
    judge(is_done() && !bf_platform_workers_sound(), "one that leaves its stack is noticed");
    work[0].task.run = stay;
    bf_workers_give(&pool, &work[0].task);
    while (bf_platform_now_us() < PATIENCE_US && pool.head == pool.tail - 1)
        bf_workers_poll(&pool, bf_platform_now_us()); // until a worker has it
    pool.stop = 1;
    __atomic_add_fetch(&pool.bell, 1, __ATOMIC_SEQ_CST);
    judge(bf_platform_workers_stop(&pool.bell, 200000) == BF_ERR_TIMEOUT,
          "one that does not end is noticed");
    __atomic_store_n(&may_end, 1, __ATOMIC_RELEASE);
    judge(bf_platform_workers_stop(&pool.bell, PATIENCE_US) == BF_OK && look_at_all(now),
          "and may still come home");
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    EFI_GUID guid = BF_EFI_MP_SERVICES_GUID;
    int good = 1;

    bf_efi_platform_init(image, system);
    bf_serial_open(BF_SERIAL_LINES);
    services = bf_efi_locate(&guid);
    bytes = bf_alloc(SIZE);
    for (uint32_t i = 0; bytes && i < SIZE; i++)
        bytes[i] = (uint8_t)(i % 251);
    for (uint32_t i = 0; i < PROCESSORS; i++) {
        compressor[i] = bf_compressor_new();
        packed[i] = bf_alloc(SIZE);
        good &= compressor[i] && packed[i];
    }
    if (services && bytes && good) {
        test_work();
        test_faults();
        bf_serial_line("workers done");
    }
    bf_serial_close();
    bf_efi_platform_end();
    system->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
    return EFI_SUCCESS;
}
