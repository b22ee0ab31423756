// SPDX-License-Identifier: Apache-2.0
// Tests that only mean something inside the firmware: the platform on boot services, the small C
// library, and that the digest, the compressors and the wide registers work in the freestanding
// build. An EFI program of its own; it prints "ok" and "not ok" lines on the serial port and ends
// with "selftest done", then powers off.
#include <string.h>

#include <efi.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "base/platform.h"
#include "boot/cpu.h"
#include "boot/platform_efi.h"
#include "boot/serial_efi.h"
#include "drivers/efi.h"
#include "image/digest.h"
#include "migrate/compress.h"

int _fltused;

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static void judge(int good, const char *name)
{
    char line[128];

    bf_snprintf(line, sizeof line, "%s efi: %s", good ? "ok" : "not ok", name);
    bf_serial_line(line);
}

static uint64_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

// ---- Time --------------------------------------------------------------------------------------

static uint8_t clock_second(void)
{
    EFI_TIME t = {0};

    bf_efi_system->RuntimeServices->GetTime(&t, NULL);
    return t.Second;
}

static uint64_t next_second_us(void)
{
    uint8_t now = clock_second();
    uint64_t limit = bf_platform_now_us() + 5000000;

    while (clock_second() == now && bf_platform_now_us() < limit)
        bf_cpu_relax();
    return bf_platform_now_us();
}

// Two clocks that know nothing of each other: the counter and the battery clock. A calibration
// that went wrong is off by a fifth in every second; a busy host, which may stop us for long, is in
// some of them only.
static int seconds_are_as_long(void)
{
    enum { SECONDS = 60, AGREE = 4 };
    uint64_t start = next_second_us();
    int agree = 0;
    char line[80];

    for (int i = 0; i < SECONDS && agree < AGREE; i++) {
        uint64_t end = next_second_us(), passed = end - start;
        agree += passed > 800000 && passed < 1200000;
        bf_snprintf(line, sizeof line, "# a second took %u ms, %llu Hz", (unsigned)(passed / 1000),
                    bf_efi_ticks_hz());
        bf_serial_line(line);
        start = end;
    }
    return agree == AGREE;
}

static void test_clock(void)
{
    uint64_t last = 0;
    int forward = 1;

    judge(seconds_are_as_long(), "seconds of the battery clock are as long");
    for (int i = 0; i < 100000; i++) {
        uint64_t now = bf_platform_now_us();
        forward &= now >= last;
        last = now;
    }
    judge(forward, "the monotonic clock never goes back");
}

static void test_wall(void)
{
    int64_t claimed = bf_platform_wall();

    judge(claimed > 1577836800, "the firmware's clock is read"); // 2020
    bf_platform_set_wall(1000000000);
    judge(bf_platform_wall() - 1000000000 < 60, "the wall clock can be set");
    bf_platform_set_wall(claimed);
}

// ---- Entropy and memory ------------------------------------------------------------------------

static void test_entropy(void)
{
    uint8_t a[100], b[100], zero[100] = {0};
    int good = bf_platform_entropy(a, sizeof a) == BF_OK &&
               bf_platform_entropy(b, sizeof b) == BF_OK;

    judge(good && memcmp(a, b, sizeof a) != 0 && memcmp(a, zero, sizeof a) != 0 &&
              memcmp(a + 80, zero, 20) != 0,
          "entropy differs from call to call, to the last byte");
}

static void test_memory(void)
{
    uint8_t *page = bf_alloc_aligned(5000, 4096), *large = bf_alloc(3 << 20);
    uint64_t held, peak;

    judge(page && (uintptr_t)page % 4096 == 0, "memory is aligned to pages when asked");
    judge(large && bf_is_zero(large, 3 << 20), "memory is zeroed");
    judge(!bf_alloc(BF_EFI_MEMORY_LIMIT), "the limit of 64 MiB holds");
    bf_free(large);
    bf_free(page);
    bf_efi_memory(&held, &peak);
    judge(peak >= 3 << 20 && held < 3 << 20, "large memory returns to the firmware");
}

// ---- The small C library -----------------------------------------------------------------------

// Every length and every misalignment up to a few blocks, against a byte loop.
static int move_agrees(uint8_t *area, size_t to, size_t from, size_t len)
{
    static uint8_t before[1024], expected[1024];

    for (size_t i = 0; i < sizeof before; i++)
        area[i] = before[i] = (uint8_t)next_random();
    for (size_t i = 0; i < sizeof expected; i++)
        expected[i] = i >= to && i - to < len ? before[from + i - to] : before[i];
    memmove(area + to, area + from, len);
    for (size_t i = 0; i < sizeof expected; i++)
        if (area[i] != expected[i])
            return 0;
    return memcmp(area, expected, sizeof expected) == 0;
}

static void test_libc(void)
{
    uint8_t *area = bf_alloc(1024);
    int good = area != NULL;
    char text[80];

    for (int i = 0; good && i < 20000; i++)
        good = move_agrees(area, next_random() % 400, next_random() % 400, next_random() % 600);
    judge(good, "memmove copies overlapping areas of every length");
    if (area) {
        memset(area, 0xaa, 1024);
        memset(area + 3, 0x55, 77);
        good = area[2] == 0xaa && area[3] == 0x55 && area[79] == 0x55 && area[80] == 0xaa;
    }
    judge(good, "memset keeps its bounds");
    judge(memcmp("abcdefghij", "abcdefghik", 10) < 0 && memcmp("\xff", "\x01", 1) > 0 &&
              strncmp("abc", "abd", 2) == 0 && strcmp("ab", "abc") < 0 &&
              strcmp(strstr("haystack", "st"), "stack") == 0 && !strchr("abc", 'd') &&
              strcmp(strrchr("a/b/c", '/'), "/c") == 0 && strspn("aab", "a") == 2 &&
              strcspn("aab", "b") == 2,
          "comparisons and searches");
    bf_snprintf(text, sizeof text, "%llu %lld %08x %-4s| %zu", 18446744073709551615ull, -7ll,
                0xbeefu, "ab", sizeof text);
    judge(strcmp(text, "18446744073709551615 -7 0000beef ab  | 80") == 0, "formatting, 64 bits");
    bf_free(area);
}

// ---- Engines -----------------------------------------------------------------------------------

// BLAKE3 over 0, 1, ..., 250, 0, 1, ... as in its official test vectors, 102400 bytes: long enough
// for the widest instructions of this machine.
static void test_digest(void)
{
    static const uint8_t expected[16] = {0xbc, 0x3e, 0x3d, 0x41, 0xa1, 0x14, 0x6b, 0x06,
                                         0x9a, 0xbf, 0xfa, 0xd3, 0xc0, 0xd4, 0x48, 0x60};
    uint8_t *bytes = bf_alloc(102400);
    struct bf_digest digest = {{0}};

    for (uint32_t i = 0; bytes && i < 102400; i++)
        bytes[i] = (uint8_t)(i % 251);
    if (bytes)
        bf_digest_of(&digest, bytes, 102400);
    judge(bytes && memcmp(digest.bytes, expected, sizeof expected) == 0,
          "the digest of the official vector");
    bf_free(bytes);
}

static int round_trip(enum bf_codec codec)
{
    enum { SIZE = 100000 };
    struct bf_compressor *c = bf_compressor_new();
    struct bf_decompressor *d = bf_decompressor_new();
    uint8_t *in = bf_alloc(SIZE), *packed = bf_alloc(SIZE), *out = bf_alloc(SIZE);
    int good = 0;

    if (c && d && in && packed && out) {
        for (uint32_t i = 0; i < SIZE; i++)
            in[i] = (uint8_t)(i / 97 + (i % 13 == 0 ? next_random() : 0));
        size_t len = bf_compress(c, codec, 1, packed, SIZE - 1, in, SIZE);
        good = len > 0 && len < SIZE / 2 &&
               bf_decompress(d, codec, out, SIZE, packed, len) == BF_OK &&
               memcmp(in, out, SIZE) == 0;
    }
    bf_free(out);
    bf_free(packed);
    bf_free(in);
    bf_decompressor_free(d);
    bf_compressor_free(c);
    return good;
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    bf_efi_platform_init(image, system);
    bf_serial_open(BF_SERIAL_LINES);
    test_clock();
    test_wall();
    test_entropy();
    test_memory();
    test_libc();
    test_digest();
    judge(round_trip(BF_CODEC_LZ4), "LZ4 there and back");
    judge(round_trip(BF_CODEC_ZSTD), "zstd there and back");
    bf_platform_idle(2 * BF_EFI_TICK_US);
    judge(1, "a rest ends");
    bf_serial_line("selftest done");
    bf_serial_close();
    bf_efi_platform_end();
    system->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
    return EFI_SUCCESS;
}
