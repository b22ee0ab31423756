// SPDX-License-Identifier: Apache-2.0
// The unit tests' harness. A test program names its cases in a table and ends with TEST_MAIN:
//
//     static void test_rounds_up(void) { CHECK_EQ(bf_round_up(5, 4), 8); }
//     TEST_MAIN(TEST(test_rounds_up), TEST(test_refuses_zero))
//
// Each case prints one line, "ok NAME", "not ok NAME" or "skip NAME: why"; the exit status is 0 if
// and only if no case failed. A failed check is reported with its place and ends its case.
// Arguments on the command line select cases by name.
#ifndef BF_TESTS_UNIT_TEST_H
#define BF_TESTS_UNIT_TEST_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

struct test_case {
    const char *name;
    void (*run)(void);
};

// Seconds of real time that a test waits for something to happen before it counts as failed. Long:
// it costs nothing where the thing happens, and a busy machine does everything late.
enum { TEST_PATIENCE_S = 300 };

enum { TEST_PASSED = 0, TEST_FAILED = 1, TEST_SKIPPED = 2 };

static jmp_buf test_end;
static char test_reason[256];

// Ends the running case; never returns.
__attribute__((noreturn, format(printf, 4, 5), unused)) static void
test_leave(int outcome, const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(test_reason, sizeof test_reason, format, args);
    va_end(args);
    if (outcome == TEST_FAILED)
        printf("# %s:%d: %s\n", file, line, test_reason);
    longjmp(test_end, outcome);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }
#define SKIP(...) test_leave(TEST_SKIPPED, __FILE__, __LINE__, __VA_ARGS__)
#define FAIL(...) test_leave(TEST_FAILED, __FILE__, __LINE__, __VA_ARGS__)

// A condition that must hold.
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            FAIL("%s", #condition);                                                                \
    } while (0)

// Two integers that must be equal; compared as 64 bits, shown in both bases.
#define CHECK_EQ(actual, expected)                                                                 \
    do {                                                                                           \
        uint64_t test_a = (uint64_t)(actual), test_e = (uint64_t)(expected);                       \
        if (test_a != test_e)                                                                      \
            FAIL("%s is %" PRId64 " (0x%" PRIx64 "), expected %" PRId64 " (0x%" PRIx64 ")",        \
                 #actual, (int64_t)test_a, test_a, (int64_t)test_e, test_e);                       \
    } while (0)

#define CHECK_STR(actual, expected)                                                                \
    do {                                                                                           \
        const char *test_a = (actual), *test_e = (expected);                                       \
        if (!test_a || strcmp(test_a, test_e) != 0)                                                \
            FAIL("%s is \"%s\", expected \"%s\"", #actual, test_a ? test_a : "(null)", test_e);    \
    } while (0)

#define CHECK_MEM(actual, expected, length)                                                        \
    do {                                                                                           \
        const unsigned char *test_a = (const void *)(actual), *test_e = (const void *)(expected);  \
        for (size_t test_i = 0; test_i < (size_t)(length); test_i++)                               \
            if (test_a[test_i] != test_e[test_i])                                                  \
                FAIL("%s differs at byte %zu: 0x%02x, expected 0x%02x", #actual, test_i,           \
                     test_a[test_i], test_e[test_i]);                                              \
    } while (0)

static bool test_selected(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc <= 1;
}

static int test_run(const struct test_case *test)
{
    int outcome = setjmp(test_end);
    if (outcome == 0)
        test->run();
    if (outcome == TEST_SKIPPED)
        printf("skip %s: %s\n", test->name, test_reason);
    else
        printf("%s %s\n", outcome == TEST_PASSED ? "ok" : "not ok", test->name);
    return outcome;
}

static int test_main(const struct test_case *tests, size_t count, int argc, char **argv)
{
    int failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < count; i++)
        if (test_selected(tests[i].name, argc, argv))
            failed += test_run(&tests[i]) == TEST_FAILED;
    // A case that was left half-way has not freed its memory: a leak report would bury the reason.
    fflush(stdout);
    if (failed)
        _exit(EXIT_FAILURE);
    return EXIT_SUCCESS;
}

#define TEST_MAIN(...)                                                                             \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        static const struct test_case tests[] = {__VA_ARGS__};                                     \
        return test_main(tests, BF_COUNT(tests), argc, argv);                                      \
    }

#endif
