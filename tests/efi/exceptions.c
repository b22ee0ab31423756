// SPDX-License-Identifier: Apache-2.0
// Exceptions inside the firmware: an invalid instruction, a page fault and a division by zero, on
// the boot processor and on another one, come to us with their place, and both are given back as
// they were; a worker that meets one is noticed. Each is left by switching back to the stack that
// was left before. Prints "ok" and "not ok" lines on the serial port and "exceptions done", then
// powers off.
#include <string.h>

#include <efi.h>

#include <efidebug.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "base/platform.h"
#include "boot/cpu.h"
#include "boot/mp_efi.h"
#include "boot/platform_efi.h"
#include "boot/serial_efi.h"
#include "boot/traps.h"
#include "boot/workers_efi.h"
#include "drivers/handles_efi.h"
#include "migrate/workers.h"

enum {
    DIVISION = 0,
    INVALID = 6,
    PAGE_FAULT = 14,
    STACK_BYTES = 16384,
    TABLE_BYTES = 10, // of sidt
    PATIENCE_US = 60000000,
};

static const uint64_t nowhere = 0x7f0000000010; // behind what any firmware maps

int _fltused;

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static void judge(int good, const char *where, const char *name)
{
    char line[160];

    bf_snprintf(line, sizeof line, "%s efi exceptions: %s%s", good ? "ok" : "not ok", where, name);
    bf_serial_line(line);
}

// ---- Provoking ---------------------------------------------------------------------------------

static uint64_t expected; // the address of the instruction
static _Alignas(16) uint8_t stack[STACK_BYTES];
static void *left; // the stack that goes on afterwards
static struct bf_exception seen;

static void provoke(void *argument)
{
    uint64_t zero = 0;

    switch ((uintptr_t)argument) {
    case INVALID:
        __asm__ volatile("lea 1f(%%rip), %%r8\n mov %%r8, %0\n 1: ud2" : "=m"(expected) : : "r8");
        break;
    case PAGE_FAULT:
        __asm__ volatile("lea 1f(%%rip), %%r8\n mov %%r8, %0\n 1: movb (%1), %%al"
                         : "=m"(expected)
                         : "r"(nowhere)
                         : "rax", "r8");
        break;
    default:
        __asm__ volatile("lea 1f(%%rip), %%r8\n mov %%r8, %0\n xor %%edx, %%edx\n 1: divq %1"
                         : "=m"(expected)
                         : "r"(zero)
                         : "rax", "rdx", "r8");
    }
    for (;;) // not reached: the test ends by its time
        bf_cpu_relax();
}

static void begin(uint64_t vector)
{
    memset(&seen, 0xff, sizeof seen);
    bf_cpu_switch(&left, bf_cpu_stack(stack + STACK_BYTES, provoke, (void *)(uintptr_t)vector));
}

static void caught(const struct bf_exception *e)
{
    void *unused;

    seen = *e;
    bf_cpu_switch(&unused, left);
}

static void judge_seen(const char *where, uint64_t vector, const char *name)
{
    char text[120], line[140];

    bf_traps_text(text, sizeof text, &seen);
    bf_snprintf(line, sizeof line, "# %s", text);
    bf_serial_line(line);
    judge(seen.vector == vector && seen.at == expected &&
              seen.address == (vector == PAGE_FAULT ? nowhere : 0) && strstr(text, " at image+0x"),
          where, name);
}

// ---- The boot processor ------------------------------------------------------------------------

#define CPU_ARCH_GUID                                                                              \
    {                                                                                              \
        0x26baccb1, 0x6f42, 0x11d4,                                                                \
        {                                                                                          \
            0xbc, 0xe7, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81                                         \
        }                                                                                          \
    }

struct cpu_arch {
    VOID *unused[5];
    EFI_STATUS(EFIAPI *RegisterInterruptHandler)
    (struct cpu_arch *self, EFI_EXCEPTION_TYPE type, EFI_EXCEPTION_CALLBACK handler);
};

static VOID EFIAPI nothing(EFI_EXCEPTION_TYPE type, EFI_SYSTEM_CONTEXT context)
{
    (void)type;
    (void)context;
}

// 1 when nobody has the exception.
static int is_free(EFI_EXCEPTION_TYPE type)
{
    EFI_GUID guid = CPU_ARCH_GUID;
    struct cpu_arch *cpu = bf_efi_locate(&guid);

    return cpu && !EFI_ERROR(cpu->RegisterInterruptHandler(cpu, type, nothing)) &&
           !EFI_ERROR(cpu->RegisterInterruptHandler(cpu, type, NULL));
}

static int timer_runs(void)
{
    EFI_EVENT timer;
    UINTN index;

    return !EFI_ERROR(bf_efi_boot->CreateEvent(EVT_TIMER, TPL_APPLICATION, NULL, NULL, &timer)) &&
           !EFI_ERROR(bf_efi_boot->SetTimer(timer, TimerRelative, 300000)) &&
           !EFI_ERROR(bf_efi_boot->WaitForEvent(1, &timer, &index)) &&
           !EFI_ERROR(bf_efi_boot->CloseEvent(timer));
}

static void test_boot_processor(void)
{
    judge(is_free(INVALID) && is_free(PAGE_FAULT) && is_free(DIVISION),
          "boot processor: ", "the firmware gives exceptions away");
    bf_traps_begin(caught);
    judge(!is_free(INVALID) && !is_free(PAGE_FAULT) && !is_free(DIVISION),
          "boot processor: ", "they are ours");
    begin(INVALID);
    judge_seen("boot processor: ", INVALID, "an invalid instruction");
    begin(PAGE_FAULT);
    judge_seen("boot processor: ", PAGE_FAULT, "a page fault");
    begin(DIVISION);
    judge_seen("boot processor: ", DIVISION, "a division by zero");
    judge(timer_runs(), "boot processor: ", "interrupts go on");
    bf_traps_end();
    judge(is_free(INVALID) && is_free(PAGE_FAULT) && is_free(DIVISION),
          "boot processor: ", "exceptions are given back");
}

// ---- Another one -------------------------------------------------------------------------------

static struct bf_efi_mp_services *services;
static struct bf_traps traps;
static uint8_t table[3][TABLE_BYTES];
static const char *argument_seen;

static void caught_there(void *argument, const struct bf_exception *e)
{
    argument_seen = argument;
    caught(e);
}

static VOID EFIAPI visit(VOID *argument)
{
    __asm__ volatile("sidt %0" : "=m"(table[0]));
    bf_traps_set(&traps, caught_there, "mine");
    __asm__ volatile("sidt %0" : "=m"(table[1]));
    begin((uintptr_t)argument);
    bf_traps_restore(&traps);
    __asm__ volatile("sidt %0" : "=m"(table[2]));
}

static void test_there(uint64_t vector, const char *name)
{
    EFI_STATUS status;

    argument_seen = "";
    status = services->StartupThisAP(services, visit, 1, NULL, 0, (void *)(uintptr_t)vector, NULL);
    judge_seen("another: ", vector, name);
    judge(!EFI_ERROR(status) && strcmp(argument_seen, "mine") == 0 &&
              memcmp(table[0], table[2], TABLE_BYTES) == 0 &&
              memcmp(table[0], table[1], TABLE_BYTES) != 0,
          "another: ", "and its table is as it was");
}

// ---- A worker ----------------------------------------------------------------------------------

static struct bf_workers pool;
static struct bf_task task;

static void break_down(struct bf_task *unused, uint32_t place)
{
    (void)unused;
    (void)place;
    provoke((void *)PAGE_FAULT);
}

static void test_worker(void)
{
    uint64_t deadline = bf_platform_now_us() + PATIENCE_US;

    bf_workers_init(&pool);
    bf_workers_start(&pool, 1);
    task.run = break_down;
    judge(!bf_efi_workers_crash() && bf_workers_give(&pool, &task),
          "a worker: ", "is sound before");
    while (!bf_efi_workers_crash() && bf_platform_now_us() < deadline)
        bf_workers_poll(&pool, bf_platform_now_us());
    memset(&seen, 0xff, sizeof seen);
    if (bf_efi_workers_crash())
        seen = *bf_efi_workers_crash();
    judge_seen("a worker: ", PAGE_FAULT, "its exception is noticed");
    pool.stop = 1;
    judge(bf_platform_workers_stop(&pool.bell, 200000) == BF_ERR_TIMEOUT,
          "a worker: ", "it does not come home");
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    EFI_GUID guid = BF_EFI_MP_SERVICES_GUID;

    bf_efi_platform_init(image, system);
    bf_serial_open(BF_SERIAL_LINES);
    services = bf_efi_locate(&guid);
    test_boot_processor();
    if (services) {
        test_there(INVALID, "an invalid instruction");
        test_there(PAGE_FAULT, "a page fault");
        test_there(DIVISION, "a division by zero");
        test_worker();
        bf_serial_line("exceptions done");
    }
    bf_serial_close();
    bf_efi_platform_end();
    system->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
    return EFI_SUCCESS;
}
