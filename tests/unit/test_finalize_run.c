// SPDX-License-Identifier: Apache-2.0
// What QEMU is started with by the finalizer's runner, and the room that it gets. This program
// poses as QEMU: it says who it is and ends, and the runner's report quotes its last words. A disk
// that begins with "fill" makes it write as much as it can; one that begins with "asks" is a VM
// that needs memory.
#include "finalize/host/run.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "finalize/host/larger.h"
#include "finalize/host/room.h"
#include "finalize/vm/frame.h"
#include "tests/unit/test.h"

// The descriptor of the number-th -add-fd.
static int handed(char **argv, int number)
{
    int fd;
    for (char **arg = argv; *arg; arg++)
        if (strcmp(*arg, "-add-fd") == 0 && number-- == 0 && sscanf(arg[1], "fd=%d,", &fd) == 1)
            return fd;
    return -1;
}

static bool disk_says(char **argv, const char *word)
{
    char text[8] = "";
    return pread(handed(argv, 0), text, strlen(word), 0) > 0 && strcmp(text, word) == 0;
}

// Into the overlay; its last words say how that ended.
__attribute__((noreturn)) static void write_all_it_can(char **argv)
{
    static const char block[65536] = {1};
    int fd = handed(argv, 1);
    struct stat st;
    while (pwrite(fd, block, sizeof block, lseek(fd, 0, SEEK_END)) > 0)
        ;
    int number = errno;
    fstat(fd, &st);
    fprintf(stderr, "%s after %lld KiB.\n", strerror(number), (long long)st.st_size / 1024);
    _exit(1);
}

// Says hello as the VM does: the port.
static int greet(char **argv)
{
    static const char hello[] = "BFF1\5\0\0\0hello";
    int fd = -1;
    for (char **arg = argv; *arg; arg++)
        if (sscanf(*arg, "socket,id=control,fd=%d", &fd) == 1)
            break;
    if (write(fd, hello, sizeof hello - 1) != (ssize_t)sizeof hello - 1)
        _exit(2);
    return fd;
}

// And nothing more until the run ends it.
__attribute__((noreturn)) static void greet_only(char **argv)
{
    greet(argv);
    for (;;)
        pause();
}

// The VM of which an encrypted device asks for as much memory as the disk says behind "asks": it
// refuses with that in its report, or says how much it has.
__attribute__((noreturn)) static void ask_for_memory(char **argv)
{
    char text[24] = "", report[128];
    unsigned have = 0, wanted = 0;
    size_t len;
    int fd = greet(argv);
    for (char **arg = argv; arg[0] && arg[1]; arg++)
        if (strcmp(arg[0], "-m") == 0)
            have = (unsigned)strtoul(arg[1], NULL, 10);
    if (pread(handed(argv, 0), text, sizeof text - 1, 0) < 5)
        _exit(2);
    wanted = (unsigned)strtoul(text + 4, NULL, 10);
    free(bf_frame_receive(fd, 65536, &len, bf_now_ms() + 60000));
    int n =
        snprintf(report, sizeof report,
                 have < wanted ? "{\"version\":1,\"result\":\"refused\",\"memory\":%u,\"had\":%u}"
                               : "{\"version\":1,\"result\":\"ok\",\"wanted\":%u,\"had\":%u}",
                 wanted, have);
    bf_frame_send(fd, report, (size_t)n, bf_now_ms() + 60000);
    free(bf_frame_receive(fd, 64, &len, bf_now_ms() + 60000));
    _exit(0);
}

// Before main, which would take QEMU's arguments for names of cases.
__attribute__((constructor)) static void pose_as_qemu(int argc, char **argv)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2] = {{0}};
    uid_t real, effective, saved;
    gid_t group[3];
    int death = 0;
    if (argc < 2 || strcmp(argv[1], "-machine") != 0)
        return;
    if (disk_says(argv, "fill"))
        write_all_it_can(argv);
    if (disk_says(argv, "greet"))
        greet_only(argv);
    if (disk_says(argv, "asks"))
        ask_for_memory(argv);
    getresuid(&real, &effective, &saved);
    getresgid(&group[0], &group[1], &group[2]);
    syscall(SYS_capget, &head, caps);
    prctl(PR_GET_PDEATHSIG, &death);
    fprintf(stderr, "uid=%u,%u,%u gid=%u,%u,%u groups=%d caps=%x,%x death=%d.\n", real, effective,
            saved, group[0], group[1], group[2], getgroups(0, NULL), caps[0].permitted,
            caps[1].permitted, death);
    _exit(1);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        FAIL("%s cannot be written", path);
}

// Runs as `owner` in effect; the report is the caller's to free.
static char *report_of_run(uid_t owner)
{
    char folder[] = "/tmp/bootferry-test.XXXXXX", image[64], disk[64], *report = NULL;
    size_t len;
    if (!mkdtemp(folder))
        FAIL("no temporary folder");
    snprintf(image, sizeof image, "%s/image", folder);
    snprintf(disk, sizeof disk, "%s/disk", folder);
    write_text(image, "kernel");
    write_text(disk, "disk");
    setenv("QEMU_ACCEL", "tcg", 1);
    struct bf_run_file file = {disk, BF_RUN_RAW};
    struct bf_run_disk chain = {.chain = &file, .files = 1};
    struct bf_run run = {.kernel = image,
                         .initramfs = image,
                         .disk = &chain,
                         .disks = 1,
                         .mode = "undo",
                         .qemu = "/proc/self/exe"};
    if (owner && (chmod(folder, 0755) < 0 || chown(disk, owner, owner) < 0 || setegid(owner) < 0 ||
                  seteuid(owner) < 0))
        FAIL("cannot become %u", owner);
    bf_run_finalizer(&run, &report, &len);
    if (owner && (seteuid(0) < 0 || setegid(0) < 0))
        FAIL("cannot become root again");
    unlink(image);
    unlink(disk);
    rmdir(folder);
    return report;
}

static void check_quoted(char *report, const char *want)
{
    bool there = report && strstr(report, want);
    if (!there)
        printf("# %s\n", report ? report : "no report");
    free(report);
    CHECK(there);
}

#define NOBODY_AT_ALL "uid=65534,65534,65534 gid=65534,65534,65534 groups=0 caps=0,0"

static void test_root_is_given_up(void)
{
    if (getuid() != 0)
        SKIP("needs root");
    check_quoted(report_of_run(0), NOBODY_AT_ALL);
}

// sudo bootferry works as the owner of the state, with root as its real id.
static void test_real_root_is_given_up(void)
{
    if (getuid() != 0)
        SKIP("needs root");
    check_quoted(report_of_run(4711), NOBODY_AT_ALL);
}

static void test_dies_with_its_parent(void)
{
    check_quoted(report_of_run(0), "death=9.");
}

// ---- Room ---------------------------------------------------------------------------------------

static char folder[64], image[80], disk[80], throw_away[80];
static struct bf_run_file file = {disk, BF_RUN_RAW};
static struct bf_run_disk chain = {.chain = &file, .files = 1};
static char *report;
static unsigned deadline;

static enum bf_run_end dry_run(const char *disk_text, long long disk_bytes, unsigned overlay_mib)
{
    struct bf_run run = {.kernel = image,
                         .initramfs = image,
                         .disk = &chain,
                         .disks = 1,
                         .mode = "inspect",
                         .overlay_mib = overlay_mib,
                         .deadline = deadline,
                         .qemu = "/proc/self/exe"};
    size_t len;
    snprintf(folder, sizeof folder, "/var/tmp/bootferry-test.XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(image, sizeof image, "%s/image", folder);
    snprintf(disk, sizeof disk, "%s/disk", folder);
    snprintf(throw_away, sizeof throw_away, "%s/tmp", folder);
    CHECK_EQ(mkdir(throw_away, 0700), 0);
    write_text(image, "kernel");
    write_text(disk, disk_text);
    CHECK_EQ(truncate(disk, disk_bytes), 0);
    setenv("QEMU_ACCEL", "tcg", 1);
    setenv("TMPDIR", throw_away, 1);
    enum bf_run_end end = bf_run_finalizer(&run, &report, &len);
    unsetenv("TMPDIR");
    return end;
}

// Nothing of an overlay is left, not even of one that is still open somewhere.
static void end_dry_run(const char *want)
{
    unlink(image);
    unlink(disk);
    CHECK_EQ(rmdir(throw_away), 0);
    CHECK_EQ(rmdir(folder), 0);
    check_quoted(report, want);
}

static void test_an_overlay_grows_to_its_limit(void)
{
    CHECK_EQ(dry_run("fill", 1LL << 30, 3), BF_RUN_NO_ROOM);
    end_dry_run("the overlay of disk 0 reached its limit of 3 MiB: allow more with --overlay");
}

static void test_a_small_disk_needs_no_more_than_its_size(void)
{
    CHECK_EQ(dry_run("fill", 1LL << 20, 0), BF_RUN_NO_ROOM);
    end_dry_run("reached its limit of 2 MiB");
}

static void test_room_is_looked_for_first(void)
{
    CHECK_EQ(dry_run("fill", 1LL << 43, 1U << 22), BF_RUN_NO_ROOM);
    end_dry_run("the run may write 4194304 MiB, and the file system of its overlays has room for");
}

static void test_what_is_there_suffices(void)
{
    CHECK_EQ(dry_run("disk", 1LL << 20, 1), BF_RUN_BROKEN);
    end_dry_run("death=9.");
}

static void test_the_deadline_is_named(void)
{
    deadline = 1;
    CHECK_EQ(dry_run("greet", 1LL << 20, 1), BF_RUN_LATE);
    deadline = 0;
    end_dry_run("it did not finish within 1 s (--deadline)");
}

// Whoever looks into the folder while it runs sees nothing: a kill leaves nothing.
static void test_a_throw_away_file_has_no_name(void)
{
    struct bf_run run = {.tmp = "/tmp"};
    struct stat st;
    const char *where;
    int fd = bf_room_file(&run, &where, NULL);
    CHECK(fd >= 0);
    CHECK_STR(where, "/tmp");
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_nlink, 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    close(fd);
}

// A VM that was too small for a key gets what it asks for, where that is more than it had, within
// the bound, and available.
static void test_a_larger_vm(void)
{
    static const struct {
        const char *report;
        unsigned now, available, larger;
    } row[] = {
        {"{\"memory\": 3000}", 1536, 8000, 3000},
        {"{\"memory\": 3000}", 1536, 3000, 3000},
        {"{\"memory\": 3000}", 1536, 2999, 0}, // this host has not so much
        {"{\"memory\": 3000}", 1536, 0, 0},
        {"{\"memory\": 4864}", 1536, 64000, BF_RUN_MEMORY_MAX_MIB},
        {"{\"memory\": 4865}", 1536, 64000, 0},
        {"{\"memory\": 9223372036854775807}", 1536, 64000, 0},
        {"{\"memory\": 1536}", 1536, 64000, 0}, // it had that, and would ask for ever
        {"{\"memory\": -5}", 0, 64000, 0},
        {"{\"memory\": \"3000\"}", 1536, 64000, 0},
        {"{\"result\": \"refused\"}", 1536, 64000, 0},
        {"[3000]", 1536, 64000, 0},
        {"{\"memory\": 3000", 1536, 64000, 0},
        {"", 1536, 64000, 0},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++)
        CHECK_EQ(bf_run_larger(row[i].report, strlen(row[i].report), row[i].now, row[i].available),
                 row[i].larger);
    CHECK(bf_run_available_mib() > 0);
    CHECK(bf_run_available_mib() < 1U << 30);
}

// It runs again with what it asks for, and, where that is too much, not again.
static void test_it_becomes_large_enough(void)
{
    CHECK_EQ(dry_run("asks 700", 1LL << 20, 1), BF_RUN_OK);
    end_dry_run("\"had\": 700");
    CHECK_EQ(dry_run("asks 300", 1LL << 20, 1), BF_RUN_OK);
    end_dry_run("\"had\": 320");
    CHECK_EQ(dry_run("asks 4865", 1LL << 20, 1), BF_RUN_REFUSED);
    end_dry_run("\"had\": 320");
}

TEST_MAIN(TEST(test_an_overlay_grows_to_its_limit),
          TEST(test_a_small_disk_needs_no_more_than_its_size), TEST(test_room_is_looked_for_first),
          TEST(test_what_is_there_suffices), TEST(test_the_deadline_is_named),
          TEST(test_a_throw_away_file_has_no_name), TEST(test_a_larger_vm),
          TEST(test_it_becomes_large_enough), TEST(test_root_is_given_up),
          TEST(test_real_root_is_given_up), TEST(test_dies_with_its_parent))
