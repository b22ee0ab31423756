// SPDX-License-Identifier: Apache-2.0
// Why something failed: errno, the ends of QEMU's texts, and who holds an image.
#include "replica/state/reason.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "replica/qemu/process.h"
#include "tests/unit/test.h"

static void test_errno_has_one_meaning(void)
{
    CHECK_EQ(bf_reason_errno(ENOSPC), BF_ERR_NO_SPACE);
    CHECK_EQ(bf_reason_errno(EDQUOT), BF_ERR_NO_SPACE);
    CHECK_EQ(bf_reason_errno(EFBIG), BF_ERR_NO_SPACE);
    CHECK_EQ(bf_reason_errno(EROFS), BF_ERR_DENIED);
    CHECK_EQ(bf_reason_errno(EWOULDBLOCK), BF_ERR_BUSY);
    CHECK_EQ(bf_reason_errno(EIO), BF_ERR_IO);
    CHECK_EQ(bf_reason_errno(0), BF_ERR_IO);
}

static void check_text(const char *text, enum bf_err want)
{
    enum bf_err got = bf_reason_text(text, BF_ERR_IO);

    if (got != want)
        FAIL("\"%s\" is %s, expected %s", text, bf_err_name(got), bf_err_name(want));
}

static void test_only_the_end_of_a_text_counts(void)
{
    check_text("Could not create 'x': No space left on device", BF_ERR_NO_SPACE);
    check_text("qemu-img: error while writing at byte 0: Disk quota exceeded\n", BF_ERR_NO_SPACE);
    check_text("Failed to lock byte 100: Resource temporarily unavailable", BF_ERR_BUSY);
    check_text("Could not open 'No space left on device': Input/output error", BF_ERR_IO);
    check_text("Could not open 'a: No space left on device'", BF_ERR_IO);
    check_text("block device cannot be unlocked", BF_ERR_IO);
    check_text("No space left on device", BF_ERR_IO); // no text of QEMU's: nothing is said to fail
    check_text(": No space left on device", BF_ERR_NO_SPACE);
    check_text("", BF_ERR_IO);
}

// ---- Who holds an image -------------------------------------------------------------------------

static char folder[64], image[96];

static void make_image(void)
{
    const char *const argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", image, "1M", NULL};
    char said[160];

    snprintf(folder, sizeof folder, "/tmp/bootferry-reason-XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(image, sizeof image, "%s/block-lock.qcow2", folder);
    if (bf_process_run(argv, -1, NULL, NULL, said, sizeof said) != BF_OK)
        FAIL("%s", said);
}

static void remove_image(void)
{
    unlink(image);
    rmdir(folder);
}

// qemu-io with the image open until its input ends; true when it has it.
static pid_t hold(int read_only, int *input)
{
    const char *mode = read_only ? "-r" : "-n";
    int in[2], out[2];
    char text[64];
    pid_t pid;

    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    pid = fork();
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execlp("qemu-io", "qemu-io", mode, "-f", "qcow2", image, NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    CHECK(write(in[1], "length\n", 7) == 7); // answered once it is open
    CHECK(read(out[0], text, sizeof text) > 0);
    close(out[0]);
    *input = in[1];
    return pid;
}

static void let_go(pid_t pid, int input)
{
    close(input);
    CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

static void test_a_writer_holds_an_image(void)
{
    int input;
    pid_t pid;

    make_image();
    CHECK(!bf_reason_held(AT_FDCWD, image, 0));
    pid = hold(0, &input);
    CHECK(bf_reason_held(AT_FDCWD, image, 0));
    CHECK(bf_reason_held(AT_FDCWD, image, 1));
    let_go(pid, input);
    CHECK(!bf_reason_held(AT_FDCWD, image, 1));
    remove_image();
}

static void test_a_reader_holds_it_from_writers_only(void)
{
    int input;
    pid_t pid;

    make_image();
    pid = hold(1, &input);
    CHECK(!bf_reason_held(AT_FDCWD, image, 0));
    CHECK(bf_reason_held(AT_FDCWD, image, 1));
    let_go(pid, input);
    remove_image();
}

static void test_what_is_not_there_is_not_held(void)
{
    CHECK(!bf_reason_held(AT_FDCWD, "/nowhere/at/all", 1));
}

TEST_MAIN(TEST(test_errno_has_one_meaning), TEST(test_only_the_end_of_a_text_counts),
          TEST(test_a_writer_holds_an_image), TEST(test_a_reader_holds_it_from_writers_only),
          TEST(test_what_is_not_there_is_not_held))
