// SPDX-License-Identifier: Apache-2.0
// The file of an export: without a name where that is possible, with one that is cleaned up where
// not, and never in the place of anything that exists.
#include "replica/points/export_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/test.h"

static struct bf_fault fault;
static struct bf_export_file f;
static char folder[64], target[96];

// ---- File systems that can do less --------------------------------------------------------------

static int no_nameless, no_noreplace;

int __real_openat64(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat64(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat64(int dir, const char *path, int flags, mode_t mode)
{
    if (no_nameless && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_openat64(dir, path, flags, mode);
}

int __real_renameat2(int from, const char *old, int to, const char *new, unsigned flags);
int __wrap_renameat2(int from, const char *old, int to, const char *new, unsigned flags);
int __wrap_renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    if (no_noreplace) {
        errno = EINVAL;
        return -1;
    }
    return __real_renameat2(from, old, to, new, flags);
}

// ---- The folder ---------------------------------------------------------------------------------

static void begin(int nameless, int noreplace)
{
    snprintf(folder, sizeof folder, "/tmp/bootferry-export-XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(target, sizeof target, "%s/disk.raw", folder);
    no_nameless = !nameless;
    no_noreplace = !noreplace;
}

// The number of entries; `only` gets the name of the last one.
static int entries(char only[256])
{
    DIR *stream = opendir(folder);
    struct dirent *entry;
    int count = 0;

    while ((entry = readdir(stream)))
        if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2) {
            snprintf(only, 256, "%s", entry->d_name);
            count++;
        }
    closedir(stream);
    return count;
}

static void finish(void)
{
    char name[256], path[400];

    bf_export_file_abandon(&f);
    while (entries(name)) {
        snprintf(path, sizeof path, "%s/%s", folder, name);
        CHECK_EQ(unlink(path), 0);
    }
    rmdir(folder);
}

static void check_contents(const char *path, const char *want)
{
    char text[64] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    CHECK(fd >= 0);
    CHECK(read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    CHECK_STR(text, want);
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void open_target(void)
{
    if (bf_export_file_open(target, &f, &fault) != BF_OK)
        FAIL("%s", fault.what);
    CHECK(write(f.fd, "disk", 4) == 4);
}

// ---- Cases --------------------------------------------------------------------------------------

static void write_one(int nameless, int noreplace)
{
    char name[256];
    struct stat st;

    begin(nameless, noreplace);
    open_target();
    CHECK_EQ(entries(name), !nameless);
    if (!nameless)
        CHECK(strncmp(name, ".bootferry-", 11) == 0 && strlen(name) == 60);
    CHECK_EQ(bf_export_file_publish(&f, target, &fault), BF_OK);
    CHECK_EQ(entries(name), 1);
    check_contents(target, "disk");
    CHECK(stat(target, &st) == 0 && (st.st_mode & 07777) == 0600);
    finish();
}

static void test_it_has_no_name_until_it_is_complete(void)
{
    write_one(1, 1);
}

static void test_without_nameless_files_it_has_a_random_one(void)
{
    write_one(0, 1);
    write_one(0, 0);
}

static void give_up(int nameless)
{
    char name[256];

    begin(nameless, 1);
    open_target();
    bf_export_file_abandon(&f);
    CHECK_EQ(entries(name), 0);
    bf_export_file_abandon(&f);
    finish();
}

static void test_one_that_is_given_up_leaves_nothing(void)
{
    give_up(1);
    give_up(0);
}

static void test_a_link_is_neither_followed_nor_replaced(void)
{
    char other[96], name[256];

    begin(1, 1);
    snprintf(other, sizeof other, "%s/passwd", folder);
    CHECK_EQ(symlink(other, target), 0); // leads nowhere
    CHECK_EQ(bf_export_file_open(target, &f, &fault), BF_ERR_EXISTS);
    put(other, "secret");
    CHECK_EQ(bf_export_file_open(target, &f, &fault), BF_ERR_EXISTS);
    check_contents(other, "secret");
    CHECK_EQ(entries(name), 2);
    finish();
}

static void lose_the_name(int nameless, int noreplace)
{
    char other[96], name[256];

    begin(nameless, noreplace);
    snprintf(other, sizeof other, "%s/passwd", folder);
    put(other, "secret");
    open_target();
    CHECK_EQ(symlink(other, target), 0); // by somebody else, meanwhile
    CHECK_EQ(bf_export_file_publish(&f, target, &fault), BF_ERR_EXISTS);
    CHECK(strstr(fault.what, target));
    check_contents(other, "secret");
    CHECK_EQ(entries(name), 2);
    finish();
}

static void test_a_name_that_was_taken_meanwhile_stays(void)
{
    lose_the_name(1, 1);
    lose_the_name(0, 1);
    lose_the_name(0, 0);
}

// ---- What a killed one leaves -------------------------------------------------------------------

// A process that has the file open, or (die) had it when it was killed.
static pid_t another(int die)
{
    int ready[2];
    char byte;
    pid_t pid;

    CHECK_EQ(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        if (bf_export_file_open(target, &f, &fault) != BF_OK || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    close(ready[1]);
    CHECK_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    if (die) {
        kill(pid, SIGKILL);
        CHECK_EQ(waitpid(pid, NULL, 0), pid);
    }
    return pid;
}

static void test_a_killed_one_leaves_nothing(void)
{
    char name[256];

    begin(1, 1);
    another(1);
    CHECK_EQ(entries(name), 0);
    finish();
}

static void check_refused(const char *path, enum bf_err err, const char *words)
{
    CHECK_EQ(bf_export_file_open(path, &f, &fault), err);
    CHECK_EQ(fault.side, BF_SIDE_CONFIG);
    if (!strstr(fault.what, words) || strstr(fault.todo, "remove"))
        FAIL("%s; %s", fault.what, fault.todo);
}

static void test_what_is_no_file_is_named(void)
{
    static const char only[] = "an export writes a new file only";
    char in_it[112];

    begin(1, 1);
    check_refused("", BF_ERR_CONFIG, "the name of the file to write is empty");
    check_refused("/dev/null", BF_ERR_EXISTS, "/dev/null is a character device; ");
    check_refused("/dev/null", BF_ERR_EXISTS, only);
    CHECK_EQ(mkfifo(target, 0600), 0);
    check_refused(target, BF_ERR_EXISTS, "/disk.raw is a FIFO; ");
    CHECK_EQ(unlink(target), 0);
    check_refused(folder, BF_ERR_EXISTS, " is a folder; ");
    snprintf(in_it, sizeof in_it, "%s/", folder);
    check_refused(in_it, BF_ERR_EXISTS, " is a folder; ");
    finish();
}

static void test_the_next_export_removes_what_was_left(void)
{
    char name[256];

    begin(0, 1);
    another(1);
    CHECK_EQ(entries(name), 1);
    open_target();
    CHECK_EQ(entries(name), 1);
    CHECK_STR(name, f.part);
    finish();
}

static void test_what_somebody_works_on_stays(void)
{
    char name[256];
    pid_t pid;

    begin(0, 1);
    pid = another(0);
    open_target();
    CHECK_EQ(entries(name), 2);
    kill(pid, SIGKILL);
    CHECK_EQ(waitpid(pid, NULL, 0), pid);
    finish();
}

static void test_what_is_of_another_target_stays(void)
{
    char name[256];

    begin(0, 1);
    another(1);
    snprintf(target, sizeof target, "%s/another.raw", folder);
    open_target();
    CHECK_EQ(entries(name), 2);
    finish();
}

// Names like ours that nothing of ours has: a link, a second name of a file, one that is longer.
static void test_what_only_looks_like_ours_stays(void)
{
    char left[256], path[400], other[400], longer[420], name[256];

    begin(0, 1);
    another(1);
    CHECK_EQ(entries(left), 1);
    snprintf(path, sizeof path, "%s/%s", folder, left);
    snprintf(other, sizeof other, "%s/passwd", folder);
    CHECK_EQ(rename(path, other), 0);
    CHECK_EQ(symlink("passwd", path), 0);
    open_target();
    bf_export_file_abandon(&f);
    CHECK_EQ(entries(name), 2);
    CHECK(unlink(path) == 0 && link(other, path) == 0);
    open_target();
    bf_export_file_abandon(&f);
    CHECK_EQ(entries(name), 2);
    CHECK_EQ(unlink(other), 0);
    snprintf(longer, sizeof longer, "%s0", path);
    CHECK_EQ(rename(path, longer), 0);
    open_target();
    bf_export_file_abandon(&f);
    CHECK_EQ(entries(name), 1);
    finish();
}

static void test_names_that_are_none(void)
{
    char path[600];

    begin(1, 1);
    snprintf(path, sizeof path, "%s/", folder);
    CHECK(bf_export_file_open(path, &f, &fault) != BF_OK);
    snprintf(path, sizeof path, "%s/%0300d", folder, 1);
    CHECK_EQ(bf_export_file_open(path, &f, &fault), BF_ERR_LIMIT);
    snprintf(path, sizeof path, "%s/none/x", folder);
    CHECK_EQ(bf_export_file_open(path, &f, &fault), BF_ERR_NOT_FOUND);
    finish();
}

TEST_MAIN(TEST(test_it_has_no_name_until_it_is_complete),
          TEST(test_without_nameless_files_it_has_a_random_one),
          TEST(test_one_that_is_given_up_leaves_nothing),
          TEST(test_a_link_is_neither_followed_nor_replaced),
          TEST(test_a_name_that_was_taken_meanwhile_stays), TEST(test_a_killed_one_leaves_nothing),
          TEST(test_what_is_no_file_is_named),
          TEST(test_the_next_export_removes_what_was_left), TEST(test_what_somebody_works_on_stays),
          TEST(test_what_is_of_another_target_stays), TEST(test_what_only_looks_like_ours_stays),
          TEST(test_names_that_are_none))
