// SPDX-License-Identifier: Apache-2.0
// Files of the operator and folders for a while: what is read is bounded, what is written is whole
// or not there, nothing but a regular file is replaced, and what a killed process left is swept.
#include "replica/state/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "replica/media/memory_file.h"
#include "tests/unit/test.h"

static char folder[64], target[96];
static struct bf_fault fault;

static void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/bootferry-file-XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(target, sizeof target, "%s/target", folder);
    memset(&fault, 0, sizeof fault);
}

static void end(void)
{
    bf_folder_remove(folder);
    CHECK(access(folder, F_OK) != 0);
}

static int entries(void)
{
    DIR *stream = opendir(folder);
    int count = 0;

    CHECK(stream);
    for (struct dirent *entry; (entry = readdir(stream));)
        count += entry->d_name[0] != '.';
    closedir(stream);
    return count;
}

static void check_target(const char *expected)
{
    uint8_t *bytes;
    size_t len;

    CHECK_EQ(bf_file_read(target, 1000, &bytes, &len, &fault), BF_OK);
    CHECK_EQ(len, strlen(expected));
    CHECK_STR((char *)bytes, expected); // one byte more than the file has, zero
    free(bytes);
}

static enum bf_err replace(const char *text, mode_t mode)
{
    return bf_file_replace(target, text, strlen(text), mode, &fault);
}

// ---- Reading ------------------------------------------------------------------------------------

static void test_reads_as_much_as_it_may(void)
{
    uint8_t *bytes = NULL;
    size_t len;

    begin();
    CHECK_EQ(replace("12345", 0600), BF_OK);
    CHECK_EQ(bf_file_read(target, 5, &bytes, &len, &fault), BF_OK);
    CHECK_EQ(len, 5);
    free(bytes);
    CHECK_EQ(bf_file_read(target, 4, &bytes, &len, &fault), BF_ERR_LIMIT);
    CHECK_EQ(fault.side, BF_SIDE_CONFIG);
    CHECK(strstr(fault.what, "larger than 4 bytes"));
    CHECK_EQ(replace("", 0600), BF_OK);
    check_target("");
    end();
}

// Opening a pipe would wait for its writer.
static void test_reads_regular_files_only(void)
{
    uint8_t *bytes;
    size_t len;

    begin();
    CHECK_EQ(bf_file_read(target, 9, &bytes, &len, &fault), BF_ERR_NOT_FOUND);
    CHECK(strstr(fault.what, target));
    CHECK_EQ(mkfifo(target, 0600), 0);
    CHECK_EQ(bf_file_read(target, 9, &bytes, &len, &fault), BF_ERR_CONFIG);
    CHECK(strstr(fault.what, "is not a regular file"));
    CHECK_EQ(bf_file_read(folder, 9, &bytes, &len, &fault), BF_ERR_CONFIG);
    CHECK_EQ(bf_file_read("/dev/zero", 9, &bytes, &len, &fault), BF_ERR_CONFIG);
    end();
}

// ---- Replacing ----------------------------------------------------------------------------------

static void test_replaces_with_the_mode_that_was_asked_for(void)
{
    struct stat st;

    begin();
    umask(077);
    CHECK_EQ(replace("one", 0644), BF_OK);
    CHECK_EQ(stat(target, &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0644);
    CHECK_EQ(replace("two", 0600), BF_OK);
    CHECK_EQ(stat(target, &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0600);
    check_target("two");
    CHECK_EQ(entries(), 1);
    end();
}

// Who has the old one open goes on reading it.
static void test_the_old_file_stays_whole_for_its_readers(void)
{
    char text[8] = "";
    int fd;

    begin();
    CHECK_EQ(replace("old", 0600), BF_OK);
    fd = open(target, O_RDONLY);
    CHECK_EQ(replace("newer", 0600), BF_OK);
    CHECK_EQ(read(fd, text, sizeof text - 1), 3);
    CHECK_STR(text, "old");
    close(fd);
    check_target("newer");
    end();
}

static void test_replaces_nothing_but_regular_files(void)
{
    struct stat st;

    begin();
    CHECK_EQ(mkdir(target, 0700), 0);
    CHECK_EQ(replace("text", 0600), BF_ERR_EXISTS);
    CHECK_EQ(rmdir(target), 0);
    CHECK_EQ(mkfifo(target, 0600), 0);
    CHECK_EQ(replace("text", 0600), BF_ERR_EXISTS);
    CHECK_EQ(lstat(target, &st), 0);
    CHECK(S_ISFIFO(st.st_mode));
    CHECK_EQ(unlink(target), 0);
    CHECK_EQ(symlink("/dev/null", target), 0);
    CHECK_EQ(replace("text", 0600), BF_ERR_EXISTS);
    CHECK(strstr(fault.todo, "dd"));
    CHECK_EQ(entries(), 1);
    end();
}

static void test_a_folder_that_is_not_there(void)
{
    begin();
    snprintf(target, sizeof target, "%s/none/target", folder);
    CHECK_EQ(replace("text", 0600), BF_ERR_NOT_FOUND);
    CHECK(strstr(fault.what, "cannot create"));
    CHECK_EQ(entries(), 0);
    end();
}

// The largest size of a file stands for a disk without room.
static void test_without_room_the_old_one_stays_alone(void)
{
    static char large[1 << 20];
    struct rlimit before, small = {4096, RLIM_INFINITY};
    enum bf_err err;

    begin();
    CHECK_EQ(replace("old", 0600), BF_OK);
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    err = bf_file_replace(target, large, sizeof large, 0600, &fault);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK_EQ(err, BF_ERR_NO_SPACE);
    CHECK_EQ(fault.side, BF_SIDE_SERVER);
    check_target("old");
    CHECK_EQ(entries(), 1);
    end();
}

// ---- Folders ------------------------------------------------------------------------------------

// What a link leads to is not ours.
static void test_removing_a_folder_follows_no_links(void)
{
    char path[128];

    begin();
    CHECK_EQ(replace("kept", 0600), BF_OK);
    snprintf(path, sizeof path, "%s/sub", folder);
    CHECK_EQ(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/sub/link", folder);
    CHECK_EQ(symlink("..", path), 0);
    snprintf(path, sizeof path, "%s/sub/file", folder);
    CHECK_EQ(symlink(target, path), 0);
    snprintf(path, sizeof path, "%s/sub", folder);
    bf_folder_remove(path);
    CHECK_EQ(entries(), 1);
    check_target("kept");
    bf_folder_remove(path); // it is gone
    end();
}

static void test_a_folder_for_a_while(void)
{
    struct bf_tempdir one, two;
    struct stat st;

    begin();
    setenv("TMPDIR", folder, 1);
    CHECK_EQ(bf_tempdir_make(&one, &fault), BF_OK);
    CHECK_EQ(stat(one.path, &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0700);
    CHECK_EQ(bf_tempdir_make(&two, &fault), BF_OK); // and sweeps nothing that is in use
    CHECK_EQ(entries(), 2);
    bf_tempdir_remove(&one);
    CHECK_EQ(entries(), 1);
    bf_tempdir_remove(&two);
    CHECK_EQ(entries(), 0);
    end();
}

// Makes one with a file in it and is killed.
static void leave_one_behind(void)
{
    struct bf_tempdir d;
    char path[4200];
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (bf_tempdir_make(&d, &fault))
            _exit(1);
        snprintf(path, sizeof path, "%s/file", d.path);
        close(open(path, O_WRONLY | O_CREAT, 0600));
        kill(getpid(), SIGKILL);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status));
}

static void test_what_a_killed_process_left_is_swept(void)
{
    struct bf_tempdir d;
    char other[128], open_to_all[128];

    begin();
    setenv("TMPDIR", folder, 1);
    leave_one_behind();
    CHECK_EQ(entries(), 1);
    snprintf(other, sizeof other, "%s/bootferry.other-name", folder);
    snprintf(open_to_all, sizeof open_to_all, "%s/bootferry.abcdef", folder);
    CHECK_EQ(mkdir(other, 0700), 0);
    CHECK_EQ(mkdir(open_to_all, 0700), 0);
    CHECK_EQ(chmod(open_to_all, 0755), 0); // never one of ours
    CHECK_EQ(bf_tempdir_make(&d, &fault), BF_OK);
    CHECK_EQ(entries(), 3);
    CHECK_EQ(access(other, F_OK), 0);
    CHECK_EQ(access(open_to_all, F_OK), 0);
    bf_tempdir_remove(&d);
    end();
}

static void test_no_place_for_a_folder(void)
{
    struct bf_tempdir d;
    char path[128];

    begin();
    snprintf(path, sizeof path, "%s/none", folder);
    setenv("TMPDIR", path, 1);
    CHECK_EQ(bf_tempdir_make(&d, &fault), BF_ERR_NOT_FOUND);
    CHECK(strstr(fault.what, path));
    end();
}

// ---- Files in memory ----------------------------------------------------------------------------

static void test_a_file_in_memory(void)
{
    struct bf_memory_file f = BF_MEMORY_FILE_NONE;
    uint8_t *bytes;
    size_t len;

    bf_memory_file_close(&f); // there is none
    CHECK_EQ(bf_memory_file_make(&f, "a key", 5, &fault), BF_OK);
    CHECK_EQ(bf_memory_file_read(&f, 5, &bytes, &len, &fault), BF_OK);
    CHECK_EQ(len, 5);
    CHECK_STR((char *)bytes, "a key");
    free(bytes);
    CHECK_EQ(bf_memory_file_read(&f, 4, &bytes, &len, &fault), BF_ERR_LIMIT);
    bf_memory_file_close(&f);
    CHECK_EQ(f.fd, -1);
    CHECK_EQ(bf_memory_file_make(&f, NULL, 0, &fault), BF_OK);
    bf_memory_file_close(&f);
}

// Another descriptor shows what became of the memory.
static void test_a_file_in_memory_is_overwritten(void)
{
    static uint8_t secret[100000], seen[sizeof secret];
    struct bf_memory_file f = BF_MEMORY_FILE_NONE;
    int fd;

    memset(secret, 0x5a, sizeof secret);
    CHECK_EQ(bf_memory_file_make(&f, secret, sizeof secret, &fault), BF_OK);
    fd = open(f.path, O_RDONLY);
    CHECK(fd >= 0);
    CHECK_EQ(pread(fd, seen, sizeof seen, 0), sizeof seen);
    CHECK_MEM(seen, secret, sizeof seen);
    bf_memory_file_close(&f);
    memset(secret, 0, sizeof secret);
    CHECK_EQ(pread(fd, seen, sizeof seen, 0), sizeof seen);
    CHECK_MEM(seen, secret, sizeof seen);
    close(fd);
}

TEST_MAIN(TEST(test_reads_as_much_as_it_may), TEST(test_reads_regular_files_only),
          TEST(test_replaces_with_the_mode_that_was_asked_for),
          TEST(test_the_old_file_stays_whole_for_its_readers),
          TEST(test_replaces_nothing_but_regular_files), TEST(test_a_folder_that_is_not_there),
          TEST(test_without_room_the_old_one_stays_alone),
          TEST(test_removing_a_folder_follows_no_links), TEST(test_a_folder_for_a_while),
          TEST(test_what_a_killed_process_left_is_swept), TEST(test_no_place_for_a_folder),
          TEST(test_a_file_in_memory), TEST(test_a_file_in_memory_is_overwritten))
