// SPDX-License-Identifier: Apache-2.0
// The budget of a step, the limits of YAML, and what the VM's supervisor hears of files.
#include "finalize/core/budget.h"

#include <errno.h>
#include <fcntl.h>

#include "finalize/core/edit.h"
#include "finalize/core/text.h"
#include "finalize/vm/step.h"
#include "finalize/core/yaml_limit.h"
#include "tests/unit/test.h"

static void test_a_step_has_its_budget_and_no_more(void)
{
    struct bf_budget b = {0};
    bf_budget_begin(&b, "fstab");
    CHECK_EQ(bf_budget_take(&b, "/etc/fstab", BF_BUDGET_STEP - 1), BF_OK);
    CHECK_EQ(bf_budget_take(&b, "/etc/fstab", 1), BF_OK);
    CHECK(!bf_budget_is_over(&b));
    CHECK_EQ(bf_budget_take(&b, "/etc/crypttab", 1), BF_ERR_LIMIT);
    CHECK(bf_budget_is_over(&b));
    CHECK(strncmp(b.over, "step fstab: /etc/crypttab needs more work", 41) == 0);
}

static void test_what_went_over_stays_over(void)
{
    struct bf_budget b = {0};
    bf_budget_begin(&b, "network");
    bf_budget_exceed(&b, "/etc/netplan/a.yaml", "has too much");
    bf_budget_begin(&b, "boot");
    CHECK_EQ(bf_budget_take(&b, "/x", 0), BF_ERR_LIMIT);
    CHECK_STR(b.over, "step network: /etc/netplan/a.yaml has too much");
}

static void test_without_a_budget_there_is_no_end(void)
{
    CHECK_EQ(bf_budget_take(NULL, "/x", UINT64_MAX), BF_OK);
}

// A file that the budget has no more work for is as good as none, its length included.
static void test_nothing_is_left_of_a_file_beyond_the_budget(void)
{
    char dir[] = "/tmp/test_finalize_XXXXXX", path[64];
    struct bf_budget b = {0};
    struct bf_fin_root root;
    struct bf_edits e;
    struct bf_fault fault = {0};
    size_t len = 77;
    CHECK(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/modules", dir);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs("ext4\n", f) >= 0 && fclose(f) == 0);
    CHECK_EQ(bf_fin_root_attach(&root, dir, &fault), BF_OK);
    root.budget = &b;
    bf_edits_init(&e, &root);
    bf_budget_begin(&b, "initramfs");
    CHECK_STR(bf_edits_get(&e, "/modules", &len, &fault), "ext4\n");
    CHECK_EQ(len, 5);
    bf_budget_take(&b, "/large", BF_BUDGET_STEP);
    CHECK(bf_edits_get(&e, "/modules", &len, &fault) == NULL);
    CHECK_EQ(len, 0);
    CHECK_EQ(fault.code, BF_ERR_LIMIT);
    len = 77;
    CHECK(bf_edits_get(&e, "/none", &len, NULL) == NULL);
    CHECK_EQ(len, 0);
    bf_edits_free(&e);
    bf_fin_root_close(&root);
    unlink(path);
    rmdir(dir);
}

// ---- YAML ---------------------------------------------------------------------------------------

// head, `count` times unit, tail.
static const char *excess_of(const char *head, const char *unit, size_t count, const char *tail)
{
    struct bf_text t = {0};
    bf_text_str(&t, head);
    for (size_t i = 0; i < count; i++)
        bf_text_str(&t, unit);
    bf_text_str(&t, tail);
    const char *excess = bf_yaml_excess(bf_text_get(&t), t.len);
    bf_text_free(&t);
    return excess ? excess : "";
}

static void test_yaml_has_limits(void)
{
    CHECK_STR(excess_of("", "- ", 32, "x\n"), "");
    CHECK_STR(excess_of("", "- ", 33, "x\n"), "is nested more than 32 deep");
    CHECK_STR(excess_of("", "[", 33, ""), "is nested more than 32 deep");
    CHECK_STR(excess_of("", "{a: ", 1000000, ""), "is nested more than 32 deep");
    CHECK_STR(excess_of("", "- &a 1\n", 256, ""), "");
    CHECK_STR(excess_of("", "- &a 1\n", 257, ""), "has more than 256 anchors and aliases");
    CHECK_STR(excess_of("- &a 1\n", "- *a\n", 256, ""), "has more than 256 anchors and aliases");
    CHECK_STR(excess_of("", "- 1\n", 40000, ""), "");
    CHECK_STR(excess_of("", "- 1\n", 60000, ""), "has more than 50000 nodes");
    CHECK_STR(excess_of("a: 1\n", "---\na: 1\n", 1, ""), "has more than one document");
}

static void test_what_is_no_yaml_is_its_readers(void)
{
    CHECK_STR(excess_of("a: [\n", "}", 3, "\n"), "");
    CHECK_STR(excess_of("", "\xff", 3, ""), "");
    CHECK_STR(excess_of("", "", 0, ""), "");
}

// ---- The supervisor -----------------------------------------------------------------------------

static void test_the_supervisor_hears_of_files(void)
{
    struct bf_step_message m;
    int pipe_fd[2];
    CHECK_EQ(pipe2(pipe_fd, O_NONBLOCK | O_CLOEXEC), 0);
    bf_steps_to(pipe_fd[1]);
    bf_step("finalize", 240);
    CHECK_EQ(read(pipe_fd[0], &m, sizeof m), sizeof m);
    CHECK_EQ(m.seconds, 240);
    bf_step_file("network", "");
    CHECK_EQ(read(pipe_fd[0], &m, sizeof m), sizeof m);
    CHECK_STR(m.file, "network");
    CHECK_EQ(m.seconds, 0);
    bf_step_file("network", "/etc/netplan/a.yaml"); // the first of its step
    CHECK_EQ(read(pipe_fd[0], &m, sizeof m), sizeof m);
    CHECK_STR(m.file, "network, /etc/netplan/a.yaml");
    for (int i = 0; i < 10000; i++)
        bf_step_file("network", "/etc/netplan/b.yaml");
    int count = 0;
    while (read(pipe_fd[0], &m, sizeof m) == sizeof m)
        count++;
    CHECK(count < 1000); // once a second, however long this took
    bf_steps_to(-1);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

TEST_MAIN(TEST(test_a_step_has_its_budget_and_no_more), TEST(test_what_went_over_stays_over),
          TEST(test_without_a_budget_there_is_no_end),
          TEST(test_nothing_is_left_of_a_file_beyond_the_budget), TEST(test_yaml_has_limits),
          TEST(test_what_is_no_yaml_is_its_readers), TEST(test_the_supervisor_hears_of_files))
