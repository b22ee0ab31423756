// SPDX-License-Identifier: Apache-2.0
// Child processes: whom they run as, and what they say last.
#include "replica/qemu/process.h"

#include "tests/unit/test.h"

static void check_says(const char *const *argv, const char *want)
{
    char said[160];
    enum bf_err err = bf_process_run(argv, -1, NULL, NULL, said, sizeof said);
    CHECK_EQ(err, BF_OK);
    CHECK_STR(said, want);
}

static void test_the_last_line_is_kept(void)
{
    static const char *const argv[] = {"sh", "-c", "printf 'one\\ntwo\\rthree\\n'", NULL};
    static const char *const unended[] = {"sh", "-c", "printf 'one\\ntwo'", NULL};
    static const char *const progress[] = {
        "sh", "-c", "printf '    (1.00/100%%)\\rno room\\n    (2.00/100%%)\\r'", NULL};
    check_says(argv, "three");
    check_says(unended, "two");
    check_says(progress, "no room");
}

// sudo bootferry works as the owner of the state, with root as its real id.
static void test_no_way_back_to_root(void)
{
    static const char *const ids[] = {"grep", "^Uid", "/proc/self/status", NULL};
    static const char *const caps[] = {"grep", "^CapPrm", "/proc/self/status", NULL};
    if (getuid() != 0)
        SKIP("needs root");
    if (setegid(4711) < 0 || seteuid(4711) < 0)
        FAIL("cannot become 4711");
    check_says(ids, "Uid:\t4711\t4711\t4711\t4711");
    check_says(caps, "CapPrm:\t0000000000000000");
    CHECK(seteuid(0) == 0 && setegid(0) == 0);
}

TEST_MAIN(TEST(test_the_last_line_is_kept), TEST(test_no_way_back_to_root))
