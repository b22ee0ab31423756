// SPDX-License-Identifier: Apache-2.0
// base/: formatting against the C library, cursors, memory account, faults, log lines.
#include <signal.h>
#include <sys/wait.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "tests/platform_sim.h"
#include "tests/unit/test.h"

// Formats with ours and the C library's: same text, same return value, also when cut.
#define SAME(...)                                                                                  \
    do {                                                                                           \
        char ours[200], theirs[200], cut[6], cut_theirs[6];                                        \
        int n = bf_snprintf(ours, sizeof ours, __VA_ARGS__);                                       \
        CHECK_EQ(n, snprintf(theirs, sizeof theirs, __VA_ARGS__));                                 \
        CHECK_STR(ours, theirs);                                                                   \
        CHECK_EQ(bf_snprintf(cut, sizeof cut, __VA_ARGS__), n);                                    \
        (void)!snprintf(cut_theirs, sizeof cut_theirs, __VA_ARGS__);                               \
        CHECK_STR(cut, cut_theirs);                                                                \
        CHECK_EQ(bf_snprintf(NULL, 0, __VA_ARGS__), n);                                            \
    } while (0)

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat"
static void test_fmt_like_the_c_library(void)
{
    SAME("plain");
    SAME("%s|%10s|%-10s|%.2s|%-6.3s|", "abcdef", "right", "left", "cut", "abcdef");
    SAME("%*s|%-*s|%.*s", 8, "w", 8, "x", 2, "yyyy");
    SAME("%*d", -7, 42);
    SAME("%c%c|%5c|%-3c|", 'a', 'b', 'c', 'd');
    SAME("%d %i %u", -1, 0, 4000000000u);
    SAME("%5d|%-5d|%05d|%.4d|%8.4d|%-8.4d|", -42, -42, -42, -42, -42, -42);
    SAME("%d %lld", INT32_MIN, (long long)INT64_MIN);
    SAME("%llu %zu %ju %td", UINT64_MAX * 1ull, (size_t)1 << 40, (uintmax_t)7, (ptrdiff_t)-3);
    SAME("%x %X %08x", 0xabcu, 0xabcu, 0x1fu);
    SAME("%hhu %hhd %hu %hd", 511, 255, 65537, 65535);
    SAME("%.0d|%.0u|%.d|", 0, 0, 0);
    SAME("100%%");
    SAME("%s", "");
}
#pragma clang diagnostic pop

static void test_fmt_edges(void)
{
    char out[40];
    memset(out, 'x', sizeof out);
    CHECK_EQ(bf_snprintf(out, 4, "%s", "abcdef"), 6);
    CHECK_MEM(out, "abc\0xxxx", 8);
    bf_snprintf(out, sizeof out, "%s", (char *)NULL);
    CHECK_STR(out, "(null)");
    bf_snprintf(out, sizeof out, "%p", (void *)0xbeef);
    CHECK_STR(out, "0xbeef");
}

static void test_fmt_human_bytes(void)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {1048575, "1023.9 KiB"},
        {UINT64_C(20) << 30, "20.0 GiB"},
        {UINT64_C(16) << 40, "16.0 TiB"},
        {UINT64_MAX, "15.9 EiB"},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        char out[16];
        bf_human_bytes(out, sizeof out, cases[i].bytes);
        CHECK_STR(out, cases[i].text);
    }
}

static void test_fmt_plural(void)
{
    static const char *const texts[] = {"0 disks", "1 disk", "2 disks", "3 disks"};
    for (uint32_t n = 0; n < 4; n++) {
        char text[16];
        bf_snprintf(text, sizeof text, "%u disk%s", n, bf_plural(n));
        CHECK_STR(text, texts[n]);
    }
    CHECK_STR(bf_plural(1ull << 32 | 1), "s");
}

static void test_fmt_hex(void)
{
    char out[9];
    bf_hex(out, (const uint8_t *)"\x00\x9f\xA0\xff", 4);
    CHECK_STR(out, "009fa0ff");
}

static void test_fmt_hex_is_read(void)
{
    static const char *const wrong[] = {"",   "4",  "g0", "0g", " 1", "-1",
                                        "0x", "/0", ":0", "`0", "@0"};
    char text[3];
    for (int byte = 0; byte < 256; byte++) {
        bf_snprintf(text, sizeof text, "%02x", (uint32_t)byte);
        CHECK_EQ(bf_hex_byte(text), byte);
        bf_snprintf(text, sizeof text, "%02X", (uint32_t)byte);
        CHECK_EQ(bf_hex_byte(text), byte);
    }
    for (size_t i = 0; i < BF_COUNT(wrong); i++)
        CHECK_EQ(bf_hex_byte(wrong[i]), -1);
}

static void test_cursor_round_trip(void)
{
    uint8_t bytes[64];
    char text[8];
    struct bf_writer w;
    struct bf_reader r;
    bf_writer_init(&w, bytes, sizeof bytes);
    bf_put_u8(&w, 0x12);
    bf_put_u16(&w, 0x3456);
    bf_put_u32(&w, 0x789abcde);
    bf_put_u64(&w, 0x1122334455667788);
    bf_put_i64(&w, -2);
    bf_put_string(&w, "hello");
    bf_put_bytes(&w, "xyz", 3);
    CHECK(bf_writer_ok(&w));
    CHECK_EQ(bf_writer_len(&w), 1 + 2 + 4 + 8 + 8 + 7 + 3);
    CHECK_MEM(bytes, "\x12\x56\x34\xde\xbc\x9a\x78\x88\x77\x66\x55\x44\x33\x22\x11\xfe\xff", 17);

    bf_reader_init(&r, bytes, bf_writer_len(&w));
    CHECK_EQ(bf_get_u8(&r), 0x12);
    CHECK_EQ(bf_get_u16(&r), 0x3456);
    CHECK_EQ(bf_get_u32(&r), 0x789abcde);
    CHECK_EQ(bf_get_u64(&r), 0x1122334455667788);
    CHECK_EQ(bf_get_i64(&r), -2);
    bf_get_string(&r, text, sizeof text);
    CHECK_STR(text, "hello");
    CHECK(!bf_reader_done(&r));
    CHECK_MEM(bf_get_span(&r, 3), "xyz", 3);
    CHECK(bf_reader_done(&r));
}

static void test_reader_stays_failed(void)
{
    uint8_t bytes[4] = {1, 2, 3, 4}, out[2] = {9, 9};
    struct bf_reader r;
    bf_reader_init(&r, bytes, sizeof bytes);
    CHECK_EQ(bf_get_u16(&r), 0x0201);
    CHECK_EQ(bf_get_u32(&r), 0);
    CHECK(!bf_reader_ok(&r));
    CHECK_EQ(bf_get_u8(&r), 0);
    CHECK_EQ(bf_reader_left(&r), 0);
    bf_get_bytes(&r, out, 2);
    CHECK_EQ(out[0] | out[1], 0);
    CHECK(bf_get_span(&r, 0) == NULL);
    bf_reader_init(&r, bytes, sizeof bytes);
    CHECK(bf_get_span(&r, SIZE_MAX) == NULL);
}

static void test_reader_strings(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        int ok;
    } cases[] = {
        {"\3\0abc", 5, 1},      {"\0\0", 2, 1},         {"\4\0abcd", 6, 0}, {"\3\0ab", 4, 0},
        {"\3\0a\0c", 5, 0},     {"\3\0a\nc", 5, 0},     {"\1\0\x7f", 3, 0}, {"\3", 1, 0},
        {"\2\0\xc2\x9b", 4, 0}, {"\2\0\xc3\xa4", 4, 1},
    };
    for (size_t i = 0; i < BF_COUNT(cases); i++) {
        char out[4] = "zzz";
        struct bf_reader r;
        bf_reader_init(&r, cases[i].bytes, cases[i].len);
        bf_get_string(&r, out, sizeof out);
        CHECK_EQ(bf_reader_ok(&r), cases[i].ok);
        if (!cases[i].ok)
            CHECK_STR(out, "");
    }
}

static void test_writer_stays_failed(void)
{
    uint8_t bytes[4] = {0};
    struct bf_writer w;
    bf_writer_init(&w, bytes, 3);
    bf_put_u16(&w, 1);
    bf_put_u16(&w, 2);
    bf_put_u8(&w, 3);
    CHECK(!bf_writer_ok(&w));
    CHECK_EQ(bf_writer_len(&w), 2);
    CHECK_EQ(bytes[2], 0);
    bf_writer_init(&w, bytes, 3);
    CHECK(bf_put_space(&w, SIZE_MAX) == NULL);
}

static void test_mem_account(void)
{
    struct bf_mem_usage before, after;
    bf_mem_usage(&before);
    uint8_t *a = bf_alloc(1000), *b = bf_alloc_aligned(5000, 4096);
    CHECK(a && b);
    CHECK_EQ((uintptr_t)a % 16, 0);
    CHECK_EQ((uintptr_t)b % 4096, 0);
    for (int i = 0; i < 5000; i++)
        CHECK_EQ(b[i], 0);
    bf_mem_usage(&after);
    CHECK(after.in_use - before.in_use >= 6000);
    CHECK(after.peak >= after.in_use);
    bf_free(a);
    bf_free(b);
    bf_free(NULL);
    bf_mem_usage(&after);
    CHECK_EQ(after.in_use, before.in_use);
}

static void test_mem_limit(void)
{
    struct bf_mem_usage now;
    bf_mem_usage(&now);
    bf_mem_set_limit(now.in_use + 1000);
    CHECK(bf_alloc(1000) == NULL);
    void *fits = bf_alloc(900);
    CHECK(fits != NULL);
    bf_mem_set_limit(0);
    bf_free(fits);
    CHECK(bf_alloc(SIZE_MAX - 4) == NULL);
    CHECK(bf_alloc_aligned(10, 3) == NULL);
    CHECK(bf_alloc_aligned(10, 8192) == NULL);
    sim_alloc_fail(0);
    CHECK(bf_alloc(10) == NULL);
    struct bf_mem_usage after;
    bf_mem_usage(&after);
    CHECK_EQ(after.in_use, now.in_use);
}

static void test_mem_secrets(void)
{
    char secret[8] = "1234567";
    CHECK(bf_equal_secret(secret, "1234567", 8));
    CHECK(!bf_equal_secret(secret, "1234568", 8));
    bf_wipe(secret, sizeof secret);
    CHECK_MEM(secret, "\0\0\0\0\0\0\0\0", 8);
}

static void test_fault_names(void)
{
    struct bf_fault f;
    CHECK_EQ(bf_fault_set(&f, BF_ERR_NO_SPACE, BF_SIDE_SERVER, "free some", "full after %u", 7u),
             BF_ERR_NO_SPACE);
    CHECK_STR(f.what, "full after 7");
    CHECK_STR(f.todo, "free some");
    CHECK_STR(bf_err_name(f.code), "no-space");
    CHECK_STR(bf_side_name(f.side), "server");
    CHECK_STR(bf_err_name((enum bf_err)12345), "unknown");
    CHECK_STR(bf_side_name((enum bf_side)99), "unknown");
    CHECK(bf_err_is_transient(BF_ERR_TIMEOUT) && bf_err_is_transient(BF_ERR_BUSY));
    CHECK(!bf_err_is_transient(BF_ERR_AUTH) && !bf_err_is_transient(BF_ERR_IO));
}

static void test_every_error_has_a_name(void)
{
    static const int last[] = {BF_ERR_BUSY, BF_ERR_VERSION, BF_ERR_FENCED, BF_ERR_MEDIA,
                               BF_ERR_CRASH};
    static const int first[] = {BF_ERR_TIMEOUT, BF_ERR_PROTOCOL, BF_ERR_CONFIG, BF_ERR_IO,
                                BF_ERR_NO_MEMORY};
    for (int g = 0; g < 5; g++)
        for (int e = first[g]; e <= last[g]; e++)
            CHECK(strcmp(bf_err_name((enum bf_err)e), "unknown") != 0);
}

static void test_log_is_safe_for_terminals(void)
{
    char big[2000];
    sim_platform_reset(1);
    bf_log(BF_LOG_INFO, "peer says %s", "a\033[2Jb\nc");
    CHECK_STR(sim_log(), "peer says a?[2Jb?c\n");
    sim_platform_reset(1);
    bf_log(BF_LOG_DEBUG, "dropped");
    CHECK_STR(sim_log(), "");
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    bf_log(BF_LOG_ERROR, "%s", big);
    CHECK_EQ(strlen(sim_log()), 512);
}

// What a process that asserts `holds` leaves: its wait status, and in text what it wrote.
static int asserted(bool holds, char *text, size_t size)
{
    int ends[2], status = -1;
    CHECK(!pipe(ends));
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        dup2(ends[1], STDERR_FILENO);
        BF_ASSERT(holds);
        _exit(0);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], text, size - 1);
    text[n > 0 ? n : 0] = 0;
    close(ends[0]);
    CHECK_EQ(waitpid(child, &status, 0), child);
    return status;
}

static void test_assert_names_its_place(void)
{
    char text[300];
    CHECK_EQ(asserted(true, text, sizeof text), 0);
    CHECK_STR(text, "");
    int status = asserted(false, text, sizeof text);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK(strncmp(text, "tests/unit/test_base.c:", 23) == 0);
    CHECK(strstr(text, ": assertion failed: holds\n") != NULL);
}

TEST_MAIN(TEST(test_assert_names_its_place), TEST(test_fmt_like_the_c_library),
          TEST(test_fmt_edges), TEST(test_fmt_human_bytes), TEST(test_fmt_hex),
          TEST(test_fmt_hex_is_read), TEST(test_fmt_plural), TEST(test_cursor_round_trip),
          TEST(test_reader_stays_failed), TEST(test_reader_strings), TEST(test_writer_stays_failed),
          TEST(test_mem_account), TEST(test_mem_limit), TEST(test_mem_secrets),
          TEST(test_fault_names), TEST(test_every_error_has_a_name),
          TEST(test_log_is_safe_for_terminals))
