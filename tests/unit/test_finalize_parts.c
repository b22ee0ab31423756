// SPDX-License-Identifier: Apache-2.0
// Files put together of parts, and symbolic links, from the set of changes to the disk and back:
// what is read before, what is written, undo, second runs, and runs that were killed at any byte.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "finalize/core/commit.h"
#include "tests/finalize_tree.h"
#include "tests/unit/test.h"

// Processes are killed here, not machines: no disk is waited for.
int fsync(int fd)
{
    return fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

static struct bf_edits edits;
static struct bf_fault fault;

static void begin(void)
{
    if (tree_root.fd < 0)
        tree_make();
    bf_edits_init(&edits, &tree_root);
}

static void check_disk(const char *path, const char *want)
{
    size_t len;
    char *have = bf_fin_root_read(&tree_root, path, 1 << 20, &len, NULL);
    if (!have)
        FAIL("%s is not there", path);
    bool same = len == strlen(want) && memcmp(have, want, len) == 0;
    if (!same)
        FAIL("%s is \"%.*s\", expected \"%s\"", path, (int)len, have, want);
    free(have);
}

static void check_link(const char *path, const char *want)
{
    char *have = bf_fin_root_readlink(&tree_root, path);
    if (strcmp(have ? have : "none", want) != 0)
        FAIL("%s leads to %s, expected %s", path, have ? have : "none", want);
    free(have);
}

static bool is_there(const char *path)
{
    struct stat st;
    return fstatat(tree_root.fd, path + 1, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void put_link(const char *path, const char *target)
{
    unlinkat(tree_root.fd, path, 0);
    CHECK_EQ(symlinkat(target, tree_root.fd, path), 0);
}

static void commit(void)
{
    struct bf_fin_report r;
    bf_fin_report_init(&r, "apply");
    enum bf_err err = bf_commit(&edits, &r);
    bool ok = bf_fin_report_is_ok(&r);
    bf_fin_report_free(&r);
    bf_edits_free(&edits);
    CHECK_EQ(err, BF_OK);
    CHECK(ok);
}

static enum bf_err undo(void)
{
    struct bf_fin_report r;
    bf_fin_report_init(&r, "undo");
    enum bf_err err = bf_undo(&tree_root, &r, false);
    bf_fin_report_free(&r);
    return err;
}

// ---- Parts in the set ---------------------------------------------------------------------------

#define OLD "0123456789"

#define DATA(s)                                                                                    \
    {                                                                                              \
        s, 0, sizeof s - 1                                                                         \
    }
#define RANGE(a, n)                                                                                \
    {                                                                                              \
        NULL, a, n                                                                                 \
    }

static const struct {
    struct bf_part part[5];
    size_t parts;
    const char *want;
} whole[] = {
    {{RANGE(0, 5), DATA("new"), RANGE(5, 5)}, 3, "01234new56789"},
    {{RANGE(5, 5), RANGE(0, 5)}, 2, "5678901234"},
    {{RANGE(2, 3)}, 1, "234"},
    {{RANGE(0, 10), RANGE(0, 10)}, 2, "01234567890123456789"},
    {{DATA("all new")}, 1, "all new"},
    {{DATA("a"), DATA("b"), RANGE(9, 1), DATA("c"), RANGE(0, 1)}, 5, "ab9c0"},
    {{RANGE(10, 0), DATA("x")}, 2, "x"},
    {{RANGE(0, 10), DATA("\n")}, 2, "0123456789\n"},
    {{RANGE(0, 0)}, 1, ""},
};

// Every read of what is going to be is that of a plain file.
static void test_reads_of_parts(void)
{
    begin();
    tree_put("blob", OLD, 10);
    for (size_t i = 0; i < BF_COUNT(whole); i++) {
        uint64_t size = 0;
        size_t n = strlen(whole[i].want);
        char buf[64];
        CHECK_EQ(bf_edits_parts(&edits, "/blob", whole[i].part, whole[i].parts, "why", &fault),
                 BF_OK);
        CHECK_EQ(bf_edits_size(&edits, "/blob", &size, &fault), BF_OK);
        CHECK_EQ(size, n);
        for (size_t at = 0; at <= n + 1; at++)
            for (size_t len = 0; len <= n + 2; len++) {
                size_t got = 99, left = at < n ? n - at : 0, want = len < left ? len : left;
                CHECK_EQ(bf_edits_pread(&edits, "/blob", buf, len, at, &got, &fault), BF_OK);
                CHECK_EQ(got, want);
                CHECK_MEM(buf, whole[i].want + at, want);
            }
    }
    CHECK_EQ(bf_edits_changes(&edits), 1);
    const struct bf_part same = RANGE(0, 10);
    CHECK_EQ(bf_edits_parts(&edits, "/blob", &same, 1, "why", &fault), BF_OK);
    CHECK_EQ(bf_edits_changes(&edits), 0);
    check_disk("/blob", OLD);
    bf_edits_free(&edits);
}

static void test_parts_that_cannot_be(void)
{
    static const struct {
        struct bf_part part[2];
        size_t parts;
    } bad[] = {
        {{RANGE(0, 11)}, 1},
        {{RANGE(11, 0)}, 1},
        {{RANGE(10, 1)}, 1},
        {{RANGE(UINT64_MAX, 1)}, 1},
        {{RANGE(1, UINT64_MAX)}, 1},
        {{RANGE(0, 1), {"x", 0, UINT64_MAX}}, 2},
        {{{"x", 0, BF_PARTS_SIZE_MAX + 1}}, 1},
        {{RANGE(0, 1)}, 0},
    };
    begin();
    tree_put("blob", OLD, 10);
    for (size_t i = 0; i < BF_COUNT(bad); i++)
        CHECK(bf_edits_parts(&edits, "/blob", bad[i].part, bad[i].parts, "why", &fault) != BF_OK);
    CHECK(bf_edits_parts(&edits, "/none", whole[0].part, 3, "why", &fault) != BF_OK);
    CHECK(bf_edits_parts(&edits, "/", whole[0].part, 3, "why", &fault) != BF_OK);
    CHECK_EQ(bf_edits_changes(&edits), 0);
    bf_edits_free(&edits);
}

// Their bytes are the set's own: what the caller does with its own afterwards is nothing to it.
static void test_parts_are_copied(void)
{
    char data[] = "mine";
    const struct bf_part part[] = {{data, 0, 4}, RANGE(0, 1)};
    begin();
    tree_put("blob", OLD, 10);
    CHECK_EQ(bf_edits_parts(&edits, "/blob", part, 2, "why", &fault), BF_OK);
    memcpy(data, "gone", 4);
    commit();
    check_disk("/blob", "mine0");
    CHECK_EQ(undo(), BF_OK);
    check_disk("/blob", OLD);
}

// ---- Parts on the disk --------------------------------------------------------------------------

static void test_parts_go_to_disk_and_back(void)
{
    begin();
    for (size_t i = 0; i < BF_COUNT(whole); i++) {
        struct stat st;
        tree_put("boot/blob", OLD, 10);
        fchmodat(tree_root.fd, "boot/blob", 0640, 0);
        bf_edits_init(&edits, &tree_root);
        CHECK_EQ(bf_edits_parts(&edits, "/boot/blob", whole[i].part, whole[i].parts, "w", &fault),
                 BF_OK);
        commit();
        check_disk("/boot/blob", whole[i].want);
        CHECK_EQ(undo(), BF_OK);
        check_disk("/boot/blob", OLD);
        CHECK(!is_there("/var/lib/bootferry/undo/journal.json"));
        CHECK_EQ(fstatat(tree_root.fd, "boot/blob", &st, 0), 0);
        CHECK_EQ(st.st_mode & 07777, 0640);
    }
}

// A second run's ranges are of what the first one left, and undo goes back to the source.
static void test_undo_after_two_runs(void)
{
    const struct bf_part first[] = {DATA("A"), RANGE(0, 10)}, second[] = {RANGE(0, 3), DATA("Z")};
    tree_put("boot/blob", OLD, 10);
    begin();
    CHECK_EQ(bf_edits_parts(&edits, "/boot/blob", first, 2, "w", &fault), BF_OK);
    commit();
    check_disk("/boot/blob", "A0123456789");
    bf_edits_init(&edits, &tree_root);
    CHECK_EQ(bf_edits_parts(&edits, "/boot/blob", second, 2, "w", &fault), BF_OK);
    commit();
    check_disk("/boot/blob", "A01Z");
    CHECK_EQ(undo(), BF_OK);
    check_disk("/boot/blob", OLD);
    CHECK_EQ(undo(), BF_ERR_CONFIG); // nothing is left to do
    check_disk("/boot/blob", OLD);
}

// What somebody changed since is theirs.
static void test_undo_leaves_what_changed_since(void)
{
    tree_put("boot/blob", OLD, 10);
    begin();
    CHECK_EQ(bf_edits_parts(&edits, "/boot/blob", whole[0].part, 3, "w", &fault), BF_OK);
    CHECK_EQ(bf_edits_link(&edits, "/boot/link", "to", "w", &fault), BF_OK);
    commit();
    tree_put("boot/blob", "by hand", 7);
    put_link("boot/link", "by-hand");
    CHECK(undo() != BF_OK);
    check_disk("/boot/blob", "by hand");
    check_link("/boot/link", "by-hand");
    tree_put("boot/blob", whole[0].want, strlen(whole[0].want));
    put_link("boot/link", "to");
    CHECK_EQ(undo(), BF_OK); // they are as the run left them again
    check_disk("/boot/blob", OLD);
    CHECK(!is_there("/boot/link"));
}

// ---- Links --------------------------------------------------------------------------------------

static void test_links_in_the_set(void)
{
    begin();
    tree_put("etc/dir/file", "x", 1);
    put_link("etc/dir/link", "file");
    put_link("etc/alias", "dir");
    put_link("etc/dangling", "/no/where");
    CHECK_STR(bf_edits_link_target(&edits, "/etc/dir/link"), "file");
    CHECK_STR(bf_edits_link_target(&edits, "/etc/alias/link"), "file");
    CHECK_STR(bf_edits_link_target(&edits, "/etc/dangling"), "/no/where");
    CHECK(!bf_edits_link_target(&edits, "/etc/none"));
    CHECK(!bf_edits_link_target(&edits, "/etc/dir/file"));
    CHECK_EQ(bf_edits_link(&edits, "/etc/dir/file", "x", "w", &fault), BF_ERR_RANGE);
    CHECK_EQ(bf_edits_link(&edits, "/etc/dir", "x", "w", &fault), BF_ERR_RANGE);
    CHECK_EQ(bf_edits_link(&edits, "/etc/dir/link", "file", "w", &fault), BF_OK);
    CHECK_EQ(bf_edits_link(&edits, "/etc/none", NULL, "w", &fault), BF_OK);
    CHECK_EQ(bf_edits_changes(&edits), 0);
    CHECK_EQ(bf_edits_link(&edits, "/etc/alias/link", "other", "w", &fault), BF_OK);
    CHECK_STR(bf_edits_link_target(&edits, "/etc/dir/link"), "other"); // one entry, two paths
    CHECK_EQ(bf_edits_changes(&edits), 1);
    CHECK_EQ(bf_edits_link(&edits, "/etc/dir/link", "file", "w", &fault), BF_OK);
    CHECK_EQ(bf_edits_changes(&edits), 0); // as it was
    check_link("/etc/dir/link", "file");
    bf_edits_free(&edits);
}

static void test_links_go_to_disk_and_back(void)
{
    begin();
    put_link("etc/changed", "old");
    put_link("etc/removed", "../gone");
    put_link("etc/dangling", "/no/where");
    CHECK_EQ(bf_edits_link(&edits, "/etc/changed", "/new/target", "w", &fault), BF_OK);
    CHECK_EQ(bf_edits_link(&edits, "/etc/removed", NULL, "w", &fault), BF_OK);
    CHECK_EQ(bf_edits_link(&edits, "/etc/made", "there", "w", &fault), BF_OK);
    CHECK_EQ(bf_edits_link(&edits, "/etc/new/dir/made", "../x", "w", &fault), BF_OK);
    CHECK_EQ(bf_edits_link(&edits, "/etc/dangling", "/still/nowhere", "w", &fault), BF_OK);
    CHECK_EQ(bf_edits_changes(&edits), 5);
    commit();
    check_link("/etc/changed", "/new/target");
    CHECK(!is_there("/etc/removed"));
    check_link("/etc/made", "there");
    check_link("/etc/new/dir/made", "../x");
    check_link("/etc/dangling", "/still/nowhere");
    CHECK_EQ(undo(), BF_OK);
    check_link("/etc/changed", "old");
    check_link("/etc/removed", "../gone");
    check_link("/etc/dangling", "/no/where");
    CHECK(!is_there("/etc/made"));
    CHECK(!is_there("/etc/new"));
}

// ---- Killed runs --------------------------------------------------------------------------------

// Runs a step in a process of its own that is killed when a file would get larger than `limit`.
// Whether it came to its end.
static bool run_until(rlim_t limit, void (*step)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        const struct rlimit size = {limit, limit}, none = {0, 0};
        signal(SIGXFSZ, SIG_DFL);
        setrlimit(RLIMIT_CORE, &none);
        setrlimit(RLIMIT_FSIZE, &size);
        step();
        _exit(0);
    }
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status) || WTERMSIG(status) == SIGXFSZ);
    return WIFEXITED(status);
}

#define MANY 3000

static char old_text[MANY + 1], new_text[MANY + 1];

static void change_all(void)
{
    const struct bf_part part[] = {{new_text, 0, MANY}, RANGE(0, 10)};
    struct bf_fin_report r;
    bf_fin_report_init(&r, "apply");
    bf_edits_init(&edits, &tree_root);
    bf_edits_set(&edits, "/k/a", "short", 5, 0644, "w", &fault);
    bf_edits_parts(&edits, "/k/blob", part, 2, "w", &fault);
    bf_edits_link(&edits, "/k/link", "new", "w", &fault);
    bf_edits_set(&edits, "/k/made/z", new_text, MANY, 0644, "w", &fault);
    bf_commit(&edits, &r);
}

// A run that ended before its journal was there changed nothing.
static void undo_what_there_is(void)
{
    if (is_there("/var/lib/bootferry/undo/journal.json"))
        CHECK_EQ(undo(), BF_OK);
}

static void undo_all(void)
{
    undo();
}

static void put_all(void)
{
    memset(old_text, 'o', MANY);
    memset(new_text, 'n', MANY);
    tree_put("k/a", old_text, 100);
    tree_put("k/blob", old_text, MANY);
    put_link("k/link", "old");
}

static void check_all_old(void)
{
    char start[101];
    snprintf(start, sizeof start, "%.100s", old_text);
    check_disk("/k/a", start);
    check_disk("/k/blob", old_text);
    check_link("/k/link", "old");
    CHECK(!is_there("/k/made"));
    struct bf_names names; // and nothing else is left behind
    CHECK_EQ(bf_fin_root_list(&tree_root, "/k", "", &names), BF_OK);
    CHECK_EQ(names.count, 3);
    bf_names_free(&names);
    CHECK(!is_there("/var/lib/bootferry/undo/journal.json"));
}

static const rlim_t limits[] = {0, 1, 600, 1200, 2000, 2999, 3005, 100000};

static void test_a_killed_run_is_taken_back(void)
{
    begin();
    bf_edits_free(&edits);
    size_t whole_runs = 0;
    for (size_t i = 0; i < BF_COUNT(limits); i++) {
        put_all();
        whole_runs += run_until(limits[i], change_all);
        undo_what_there_is();
        check_all_old();
    }
    CHECK(whole_runs > 0 && whole_runs < BF_COUNT(limits));
}

static void test_a_killed_run_is_run_again(void)
{
    for (size_t i = 0; i < BF_COUNT(limits); i++) {
        put_all();
        run_until(limits[i], change_all);
        CHECK(run_until(RLIM_INFINITY, change_all));
        check_disk("/k/a", "short");
        check_disk("/k/made/z", new_text);
        check_link("/k/link", "new");
        CHECK_EQ(undo(), BF_OK);
        check_all_old();
    }
}

static void test_a_killed_undo_is_run_again(void)
{
    for (size_t i = 0; i < BF_COUNT(limits); i++) {
        put_all();
        CHECK(run_until(RLIM_INFINITY, change_all));
        run_until(limits[i], undo_all);
        undo_what_there_is();
        check_all_old();
    }
}

TEST_MAIN(TEST(test_reads_of_parts), TEST(test_parts_that_cannot_be), TEST(test_parts_are_copied),
          TEST(test_parts_go_to_disk_and_back), TEST(test_undo_after_two_runs),
          TEST(test_undo_leaves_what_changed_since), TEST(test_links_in_the_set),
          TEST(test_links_go_to_disk_and_back), TEST(test_a_killed_run_is_taken_back),
          TEST(test_a_killed_run_is_run_again), TEST(test_a_killed_undo_is_run_again))
