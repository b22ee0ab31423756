// SPDX-License-Identifier: Apache-2.0
// The platform contract (base/platform.h) on UEFI boot services: time from the processor's counter,
// measured against the firmware's Stall where nobody states its rate; the wall clock from the
// runtime services; entropy from EFI_RNG_PROTOCOL and the processor together; memory from pages.
// Boot services are never left. References: UEFI 2.10, 7.2, 7.5, 8.3, 37.5.
#include "boot/platform_efi.h"

#include <string.h>

#include "base/mem.h"
#include "base/platform.h"
#include "boot/cpu.h"
#include "boot/heap.h"
#include "drivers/efi.h"
#include "net/tls/utc.h"

EFI_SYSTEM_TABLE *bf_efi_system;
EFI_BOOT_SERVICES *bf_efi_boot;
EFI_HANDLE bf_efi_image;

// ---- Status codes ------------------------------------------------------------------------------

enum bf_err bf_efi_err(EFI_STATUS status)
{
    switch (status) {
    case EFI_SUCCESS:
        return BF_OK;
    case EFI_NOT_READY:
        return BF_AGAIN;
    case EFI_TIMEOUT:
        return BF_ERR_TIMEOUT;
    case EFI_OUT_OF_RESOURCES:
        return BF_ERR_NO_MEMORY;
    case EFI_NOT_FOUND:
        return BF_ERR_NOT_FOUND;
    case EFI_ACCESS_DENIED:
    case EFI_SECURITY_VIOLATION:
    case EFI_WRITE_PROTECTED:
        return BF_ERR_DENIED;
    case EFI_UNSUPPORTED:
        return BF_ERR_UNSUPPORTED;
    case EFI_INVALID_PARAMETER:
    case EFI_BAD_BUFFER_SIZE:
    case EFI_BUFFER_TOO_SMALL:
        return BF_ERR_RANGE;
    case EFI_NO_MEDIA:
    case EFI_MEDIA_CHANGED:
        return BF_ERR_MEDIA;
    default:
        return BF_ERR_IO;
    }
}

// ---- Time --------------------------------------------------------------------------------------

enum { CALIBRATION_ROUNDS = 32, CALIBRATION_SHORT_US = 500, CALIBRATION_LONG_US = 1500 };

static uint64_t ticks_at_start, ticks_hz;
static uint64_t us_per_tick_2_48; // microseconds per tick, times 2^48: no division per reading
static int64_t wall_at_start;     // what bf_platform_wall says at now_us == 0

// The shortest of some rounds: whatever disturbs one (a management interrupt, another machine on
// the same processor) only makes it longer. A round has to be shorter than the share of a processor
// that a busy host gives at a time, which is a few milliseconds, or all of them are disturbed.
static uint64_t shortest_stall(uint32_t us)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < CALIBRATION_ROUNDS; i++) {
        uint64_t start = bf_cpu_ticks();
        bf_efi_boot->Stall(us);
        uint64_t ticks = bf_cpu_ticks() - start;
        if (ticks < best)
            best = ticks;
    }
    return best;
}

// What a call costs by itself is the same in both lengths.
static uint64_t measure_ticks_hz(void)
{
    EFI_TPL old = bf_efi_boot->RaiseTPL(TPL_HIGH_LEVEL);
    uint64_t brief = shortest_stall(CALIBRATION_SHORT_US);
    uint64_t longer = shortest_stall(CALIBRATION_LONG_US);

    bf_efi_boot->RestoreTPL(old);
    if (longer <= brief)
        return longer * (1000000 / CALIBRATION_LONG_US);
    return (longer - brief) * (1000000 / (CALIBRATION_LONG_US - CALIBRATION_SHORT_US));
}

// a * b / 2^48 without a 128-bit division, exact for every a that 500 years of ticks can reach.
static uint64_t scale(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b >> 48);
}

uint64_t bf_platform_now_us(void)
{
    return scale(bf_cpu_ticks() - ticks_at_start, us_per_tick_2_48);
}

// The firmware's clock in UTC; 0 when it has none or says nonsense, which later checks notice.
static int64_t firmware_clock(void)
{
    EFI_TIME t;
    int64_t seconds;

    if (EFI_ERROR(bf_efi_system->RuntimeServices->GetTime(&t, NULL)))
        return 0;
    if (t.Year < 1970 || t.Year > 9999 || t.Month < 1 || t.Month > 12 || t.Day < 1 || t.Day > 31 ||
        t.Hour > 23 || t.Minute > 59 || t.Second > 59)
        return 0;
    seconds = bf_utc_seconds(t.Year, t.Month, t.Day, t.Hour, t.Minute, t.Second);
    if (t.TimeZone >= -1440 && t.TimeZone <= 1440) // local = UTC - TimeZone (UEFI 2.10, 8.3)
        seconds += (int64_t)t.TimeZone * 60;
    return seconds;
}

int64_t bf_platform_wall(void)
{
    return wall_at_start + (int64_t)(bf_platform_now_us() / 1000000);
}

void bf_platform_set_wall(int64_t unix_seconds)
{
    wall_at_start = unix_seconds - (int64_t)(bf_platform_now_us() / 1000000);
}

// ---- Entropy -----------------------------------------------------------------------------------

static EFI_RNG_PROTOCOL *rng;

static enum bf_err firmware_entropy(uint8_t *out, size_t len)
{
    EFI_GUID guid = EFI_RNG_PROTOCOL_GUID;

    if (!rng && EFI_ERROR(bf_efi_boot->LocateProtocol(&guid, NULL, (void **)&rng)))
        rng = NULL;
    if (!rng || EFI_ERROR(rng->GetRNG(rng, NULL, len, out)))
        return BF_ERR_NO_ENTROPY;
    return BF_OK;
}

// Both sources where both are there: neither has to be trusted alone.
enum bf_err bf_platform_entropy(void *out, size_t len)
{
    uint8_t *bytes = out, extra[64];
    enum bf_err firmware, processor = BF_ERR_NO_ENTROPY;

    memset(out, 0, len);
    firmware = firmware_entropy(bytes, len);
    if (firmware)
        memset(out, 0, len);
    for (size_t done = 0; done < len; done += sizeof extra) {
        size_t part = len - done < sizeof extra ? len - done : sizeof extra;
        processor = bf_cpu_entropy(extra, part);
        if (processor)
            break;
        for (size_t i = 0; i < part; i++)
            bytes[done + i] ^= extra[i];
    }
    bf_wipe(extra, sizeof extra);
    return firmware && processor ? BF_ERR_NO_ENTROPY : BF_OK;
}

// ---- Memory ------------------------------------------------------------------------------------

static void *get_pages(size_t count)
{
    EFI_PHYSICAL_ADDRESS address;

    if (EFI_ERROR(bf_efi_boot->AllocatePages(AllocateAnyPages, EfiLoaderData, count, &address)))
        return NULL;
    return (void *)(uintptr_t)address;
}

static void put_pages(void *memory, size_t count)
{
    bf_efi_boot->FreePages((EFI_PHYSICAL_ADDRESS)(uintptr_t)memory, count);
}

static struct bf_heap heap = {
    .get_pages = get_pages, .put_pages = put_pages, .limit = BF_EFI_MEMORY_LIMIT};

void *bf_platform_alloc(size_t size, size_t align)
{
    return bf_heap_alloc(&heap, size, align);
}

void bf_platform_free(void *memory)
{
    if (bf_heap_free(&heap, memory) != 0)
        bf_platform_log(BF_LOG_ERROR, "memory that is not a block of the heap was freed; ignoring");
}

enum bf_err bf_efi_memory_claim(uint64_t bytes)
{
    return bf_heap_claim(&heap, bytes) == 0 ? BF_OK : BF_ERR_NO_MEMORY;
}

void bf_efi_memory_drop(uint64_t bytes)
{
    bf_heap_unclaim(&heap, bytes);
}

void bf_efi_memory(uint64_t *held, uint64_t *peak)
{
    *held = heap.held;
    *peak = heap.peak;
}

// ---- Log and rest ------------------------------------------------------------------------------

static void console_log(enum bf_log_level level, const char *line)
{
    CHAR16 wide[160];
    size_t n = 0;

    (void)level;
    while (n < 156 && line[n]) {
        wide[n] = (CHAR16)(unsigned char)line[n];
        n++;
    }
    wide[n++] = '\r';
    wide[n++] = '\n';
    wide[n] = 0;
    bf_efi_system->ConOut->OutputString(bf_efi_system->ConOut, wide);
}

static bf_efi_log_sink *log_sink = console_log;

void bf_efi_set_log_sink(bf_efi_log_sink *sink)
{
    log_sink = sink ? sink : console_log;
}

void bf_platform_log(enum bf_log_level level, const char *line)
{
    log_sink(level, line);
}

static EFI_EVENT rest_timer;
static struct bf_cpu_vectors vectors_before;

// A short rest spins: the firmware's timer ticks every 10 ms, which is an eternity for a window of
// TCP. A longer one waits for the timer and lets the processor sleep.
void bf_platform_idle(uint32_t max_us)
{
    UINTN index;

    if (max_us >= BF_EFI_TICK_US && rest_timer &&
        !EFI_ERROR(bf_efi_boot->SetTimer(rest_timer, TimerRelative, (uint64_t)max_us * 10)) &&
        !EFI_ERROR(bf_efi_boot->WaitForEvent(1, &rest_timer, &index)))
        return;
    for (uint64_t end = bf_platform_now_us() + max_us; bf_platform_now_us() < end;)
        bf_cpu_relax();
}

// ---- Start and end -----------------------------------------------------------------------------

void bf_efi_platform_init(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    bf_efi_image = image;
    bf_efi_system = system;
    bf_efi_boot = system->BootServices;
    // The firmware resets a program that its boot manager started after five minutes.
    bf_efi_boot->SetWatchdogTimer(0, 0, 0, NULL);
    bf_cpu_vectors_enable(&vectors_before);
    ticks_at_start = bf_cpu_ticks();
    ticks_hz = bf_cpu_ticks_hz();
    if (!ticks_hz)
        ticks_hz = measure_ticks_hz();
    us_per_tick_2_48 = (1000000ull << 44) / (ticks_hz >> 4 ? ticks_hz >> 4 : 1);
    wall_at_start = firmware_clock();
    if (EFI_ERROR(bf_efi_boot->CreateEvent(EVT_TIMER, TPL_APPLICATION, NULL, NULL, &rest_timer)))
        rest_timer = NULL;
}

void bf_efi_platform_end(void)
{
    if (rest_timer)
        bf_efi_boot->CloseEvent(rest_timer);
    rest_timer = NULL;
    bf_cpu_vectors_restore(&vectors_before);
}

uint64_t bf_efi_ticks_hz(void)
{
    return ticks_hz;
}
