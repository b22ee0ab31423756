// SPDX-License-Identifier: Apache-2.0
// Files of shell variables: what bash makes of a line, and edits that keep all other bytes.
#include "finalize/core/shvar.h"

#include "base/bytes.h"
#include "tests/unit/test.h"

struct line_case {
    const char *text;
    enum bf_shvar_kind kind;
    const char *value; // NULL: it is computed
};

// The values are what bash 5 has after it has sourced the line.
static const struct line_case lines[] = {
    {"A=1\n", BF_SHVAR_SET, "1"},
    {"  A=1  \n", BF_SHVAR_SET, "1"},
    {"A=\n", BF_SHVAR_SET, ""},
    {"A=", BF_SHVAR_SET, ""},
    {"A=\"x y\" # c\n", BF_SHVAR_SET, "x y"},
    {"A='x \"y'\n", BF_SHVAR_SET, "x \"y"},
    {"A=a'b'\"c\"d\n", BF_SHVAR_SET, "abcd"},
    {"A=1#2\n", BF_SHVAR_SET, "1#2"},
    {"A=1;\n", BF_SHVAR_SET, "1"},
    {"A=1 ; # c\n", BF_SHVAR_SET, "1"},
    {"A=1;#c\n", BF_SHVAR_SET, "1"},
    {"A=a\\ b\n", BF_SHVAR_SET, "a b"},
    {"A=\"a\\\"b\\$c\\d\"\n", BF_SHVAR_SET, "a\"b$c\\d"},
    {"A=$'a\\tb\\x41\\101\\'\\q'\n", BF_SHVAR_SET, "a\tbAA'\\q"},
    {"export A=1\n", BF_SHVAR_SET, "1"},
    {"A=\"a\\\nb\"\n", BF_SHVAR_SET, "ab"},
    {"A=\"a\nb\"\n", BF_SHVAR_SET, "a\nb"},
    {"A=a\\\nb\n", BF_SHVAR_SET, "ab"},
    {"A=1\r\n", BF_SHVAR_SET, "1"},
    {"A=$B\n", BF_SHVAR_SET, NULL},
    {"A=\"x $B\"\n", BF_SHVAR_SET, NULL},
    {"A=`uname -r`\n", BF_SHVAR_SET, NULL},
    {"A=$(a (b) c)\n", BF_SHVAR_SET, NULL},
    {"A=${B:-x y}\n", BF_SHVAR_SET, NULL},
    {"A=~/x\n", BF_SHVAR_SET, NULL},
    {"A='$B'\n", BF_SHVAR_SET, "$B"},
    {"A=$'a\\0b'\n", BF_SHVAR_SET, NULL},
    {"# A=1\n", BF_SHVAR_NONE, NULL},
    {" \t\n", BF_SHVAR_NONE, NULL},
    {"A=1 B=2\n", BF_SHVAR_CODE, NULL},
    {"A=1; B=2\n", BF_SHVAR_CODE, NULL},
    {"A=1;;\n", BF_SHVAR_CODE, NULL},
    {"A=(1 2)\n", BF_SHVAR_CODE, NULL},
    {"A+=1\n", BF_SHVAR_CODE, NULL},
    {"A =1\n", BF_SHVAR_CODE, NULL},
    {"1A=1\n", BF_SHVAR_CODE, NULL},
    {"=1\n", BF_SHVAR_CODE, NULL},
    {"export\n", BF_SHVAR_CODE, NULL},
    {"if true\n", BF_SHVAR_CODE, NULL},
    {"A=1&\n", BF_SHVAR_CODE, NULL},
    {"A=$(echo\n", BF_SHVAR_CODE, NULL},
};

static void test_lines(void)
{
    for (size_t i = 0; i < BF_COUNT(lines); i++) {
        struct bf_shvar sv;
        char value[64];
        bf_shvar_init(&sv, lines[i].text, strlen(lines[i].text));
        bool next = bf_shvar_next(&sv);
        bool literal = next && bf_shvar_value(&sv, value, sizeof value);
        bool right = next && sv.kind == lines[i].kind && literal == (lines[i].value != NULL) &&
                     (!literal || strcmp(value, lines[i].value) == 0) && !bf_shvar_next(&sv);
        if (!right)
            printf("# line %zu: %s", i, lines[i].text);
        CHECK(right);
    }
}

static void test_place(void)
{
    static const char text[] = "# c\nA=1\n\nB='x\ny'\nC=3";
    struct bf_shvars vars;
    bf_shvars_load(&vars, text, sizeof text - 1);
    CHECK_EQ(vars.count, 3);
    CHECK_EQ(bf_shvars_find(&vars, "A")->line, 2);
    CHECK_EQ(bf_shvars_find(&vars, "B")->line, 4);
    CHECK_EQ(bf_shvars_find(&vars, "B")->lines, 2);
    CHECK_EQ(bf_shvars_find(&vars, "C")->line, 6);
    CHECK(strcmp(bf_shvars_get(&vars, "B"), "x\ny") == 0);
    CHECK(!bf_shvars_find(&vars, "D"));
    CHECK(strcmp(bf_shvars_get(&vars, "D"), "") == 0);
    CHECK_EQ(vars.code, 0);
    bf_shvars_free(&vars);
}

static void test_last_wins(void)
{
    static const char text[] = "A=1\nexport A=2\nfoo\nA=3\r\nA=$B\n";
    struct bf_shvars vars;
    bf_shvars_load(&vars, text, sizeof text - 1);
    CHECK_EQ(vars.count, 1);
    CHECK_EQ(vars.exported, 2);
    CHECK_EQ(vars.code, 3);
    CHECK_EQ(vars.cr, 4);
    CHECK(!bf_shvars_find(&vars, "A")->literal);
    CHECK(strcmp(bf_shvars_get(&vars, "A"), "") == 0);
    bf_shvars_free(&vars);
}

static void test_unclosed_quote_takes_the_rest(void)
{
    static const char text[] = "A=1\nB=\"x\nC=2\n";
    struct bf_shvars vars;
    bf_shvars_load(&vars, text, sizeof text - 1);
    CHECK_EQ(vars.count, 1);
    CHECK_EQ(vars.code, 2);
    bf_shvars_free(&vars);
}

static void test_many_variables(void)
{
    struct bf_text text = {0};
    struct bf_shvars vars;
    for (int i = 0; i <= BF_SHVAR_MAX; i++)
        bf_textf(&text, "A%d=x\n", i);
    bf_shvars_load(&vars, text.data, text.len);
    CHECK(vars.failed);
    bf_shvars_free(&vars);
    bf_text_free(&text);
}

static void check_edit(const char *text, const struct bf_shvar_change *change, size_t count,
                       const char *expected)
{
    struct bf_text out = {0}, again = {0};
    bf_shvar_edit(&out, text, strlen(text), change, count);
    bf_shvar_edit(&again, bf_text_get(&out), out.len, change, count);
    bool same = strcmp(bf_text_get(&out), expected) == 0;
    bool stays = strcmp(bf_text_get(&again), expected) == 0;
    if (!same || !stays)
        printf("# %s", bf_text_get(same ? &again : &out));
    bf_text_free(&out);
    bf_text_free(&again);
    CHECK(same);
    CHECK(stays);
}

static void test_edit_in_place(void)
{
    static const struct bf_shvar_change change[] = {{"A", "9"},   {"B", "x y"}, {"C", NULL},
                                                    {"D", "a'b"}, {"E", "5"},   {"F", "$"}};
    check_edit("# c\nC=1\nA=1 # one\n other\nB=\"2\"\nexport D='4' # d\nC=2\nE=\"5\"\nZ=26", change,
               BF_COUNT(change),
               "# c\nA=9 # one\n other\nB=\"x y\"\nexport D=\"a'b\" # d\nE=\"5\"\nF=\"\\$\"\nZ=26");
}

static void test_edit_drops_hidden_assignments(void)
{
    static const struct bf_shvar_change change[] = {{"A", "9"}};
    check_edit("A=1\nB=2\nA=3\n", change, 1, "B=2\nA=9\n");
}

static void test_edit_of_nothing(void)
{
    static const struct bf_shvar_change change[] = {{"A", "9"}, {"B", NULL}};
    check_edit("", change, 2, "A=9\n");
    check_edit("Z=1", change, 2, "Z=1\nA=9\n");
    check_edit("Z=1\r\n", change, 2, "Z=1\r\nA=9\r\n");
}

static void test_edit_without_changes_keeps_bytes(void)
{
    for (size_t i = 0; i < BF_COUNT(lines); i++)
        check_edit(lines[i].text, NULL, 0, lines[i].text);
}

static void test_work_is_in_proportion(void)
{
    struct bf_text text = {0};
    for (int i = 0; i < 20000; i++)
        bf_text_str(&text, "A=\"x\\\"\ny'$(\n");
    size_t before = bf_text_stepped();
    struct bf_shvars vars;
    bf_shvars_load(&vars, text.data, text.len);
    CHECK(bf_text_stepped() - before <= 2 * text.len);
    bf_shvars_free(&vars);
    bf_text_free(&text);
}

TEST_MAIN(TEST(test_lines), TEST(test_place), TEST(test_last_wins),
          TEST(test_unclosed_quote_takes_the_rest), TEST(test_many_variables),
          TEST(test_edit_in_place), TEST(test_edit_drops_hidden_assignments),
          TEST(test_edit_of_nothing), TEST(test_edit_without_changes_keeps_bytes),
          TEST(test_work_is_in_proportion))
