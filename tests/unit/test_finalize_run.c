// SPDX-License-Identifier: Apache-2.0
// What QEMU is started with by the finalizer's runner. This program poses as QEMU: it says who it
// is and ends, and the runner's report quotes its last words.
#include "finalize/run.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/unit/test.h"

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

TEST_MAIN(TEST(test_root_is_given_up), TEST(test_real_root_is_given_up),
          TEST(test_dies_with_its_parent))
