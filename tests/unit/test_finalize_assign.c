// SPDX-License-Identifier: Apache-2.0
// The two small scanners of configurations: bash's assignments with arrays, and XML.
#include <string.h>

#include "base/bytes.h"
#include "finalize/core/xml.h"
#include "finalize/network/assign.h"
#include "tests/unit/test.h"

struct items_case {
    const char *text;
    bool odd;
    const char *items; // joined by '|'
};

static const struct items_case items[] = {
    {"A=b\n", false, "b"},
    {"A=b", false, "b"},
    {"  A='b c' # d\n", false, "b c"},
    {"A=\"b\n c d \n\"\n", false, "b|c d"},
    {"A=(b 'c d' \"e\")\n", false, "b|c d|e"},
    {"A=(\n 'b'\n c\n)\n", false, "b|c"},
    {"A=()\n", false, ""},
    {"A=\n", false, ""},
    {"A[0]=b\n", true, ""},
    {"A=$b\n", true, "$b"},
    {"A='$b'\n", false, "$b"},
    {"A=b c\n", true, "b"},
    {"A=b;c\n", true, "b;c"},
    {"A='b\n", true, "b"},
    {"A=(b\n", true, "b"},
    {"if true; then\n", true, ""},
};

static void join(const struct bf_assign *a, struct bf_text *out)
{
    size_t pos = 0, len;
    const char *item;
    while (bf_assign_item(a, &pos, &item, &len))
        bf_textf(out, "%s%.*s", out->len ? "|" : "", (int)len, item);
}

static void test_items_are_cut(void)
{
    for (size_t i = 0; i < BF_COUNT(items); i++) {
        struct bf_assign a;
        struct bf_text out = {0};
        bf_assign_init(&a, items[i].text, strlen(items[i].text));
        CHECK(bf_assign_next(&a));
        if (bf_assign_is(&a, "A"))
            join(&a, &out);
        bool odd = a.odd || !bf_assign_is(&a, "A");
        CHECK_EQ(odd, items[i].odd);
        CHECK_STR(bf_text_get(&out), items[i].items);
        bf_text_free(&out);
    }
}

static void test_replaced_where_the_first_stood(void)
{
    static const char text[] = "# c\nA=1\nB=2\nA=(3\n4)\n";
    static const char *const key[] = {"A", NULL}, *const none[] = {"C", NULL};
    struct bf_text out = {0}, end = {0}, bare = {0};
    bf_assign_replace(&out, text, strlen(text), key, "A=5\n");
    CHECK_STR(bf_text_get(&out), "# c\nA=5\nB=2\n");
    bf_assign_replace(&end, text, strlen(text), none, "C=5\n");
    CHECK_STR(bf_text_get(&end), "# c\nA=1\nB=2\nA=(3\n4)\nC=5\n");
    bf_assign_replace(&bare, "A=1", 3, none, "C=5\n");
    CHECK_STR(bf_text_get(&bare), "A=1\nC=5\n");
    bf_text_free(&out);
    bf_text_free(&end);
    bf_text_free(&bare);
}

struct xml_case {
    const char *text;
    const char *events;
};

// O name, C name, T text, # comment, E end, ! not understood.
static const struct xml_case xml[] = {
    {"<a> b c </a>", "O:a T:b c C:a E:"},
    {"<?xml version=\"1.0\"?>\n<a x='1'/>", "#: O:a C:a E:"},
    {"<a><b/><!-- <c> --></a>\n", "O:a O:b C:b #: C:a E:"},
    {"<a></b>", "O:a !:"},
    {"<a>", "O:a !:"},
    {"text", "!:"},
    {"<a>&b;</a>", "O:a !:"},
    {"<a", "!:"},
    {"<>", "!:"},
    {"<!DOCTYPE a>", "!:"},
    {"<!-- x", "!:"},
    {"</a>", "!:"},
    {"", "E:"},
};

static void test_xml_is_stepped_through(void)
{
    static const char sign[] = "OCT#E!";
    for (size_t i = 0; i < BF_COUNT(xml); i++) {
        struct bf_xml x;
        struct bf_text out = {0};
        bf_xml_init(&x, xml[i].text, strlen(xml[i].text));
        do {
            enum bf_xml_kind kind = bf_xml_next(&x);
            bool word = kind == BF_XML_OPEN || kind == BF_XML_CLOSE || kind == BF_XML_TEXT;
            bf_textf(&out, "%s%c:%.*s", out.len ? " " : "", sign[kind], word ? (int)x.word.len : 0,
                     word ? x.word.at : "");
        } while (x.kind != BF_XML_END && x.kind != BF_XML_BAD);
        CHECK_STR(bf_text_get(&out), xml[i].events);
        bf_text_free(&out);
    }
}

TEST_MAIN(TEST(test_items_are_cut), TEST(test_replaced_where_the_first_stood),
          TEST(test_xml_is_stepped_through))
