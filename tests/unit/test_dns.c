// SPDX-License-Identifier: Apache-2.0
// Messages of the DNS: what is asked, which answers count, aliases, what is malformed; domains of
// DHCP's option 119.
#include "base/bytes.h"
#include "net/ip/dns_message.h"
#include "tests/unit/test.h"

static uint8_t m[1500];
static size_t len;
static struct bf_dns_addresses found;
static struct bf_dns_question q;

static void ask(const char *name, uint16_t type)
{
    q = (struct bf_dns_question){0x1234, type, name};
    len = bf_dns_query(&q, m);
    CHECK(len > 0);
    m[2] |= 0x80; // the answer, from one who asks others
    m[3] = 0x80;
}

static void put(const void *bytes, size_t n)
{
    memcpy(m + len, bytes, n);
    len += n;
}

// A record of the owner whose name is at this offset of the message.
static void record(uint8_t owner, uint8_t type, const void *data, uint8_t n)
{
    const uint8_t head[] = {0xc0, owner, 0, type, 0, 1, 0, 0, 0, 60, 0, n};
    put(head, sizeof head);
    put(data, n);
    m[7]++;
}

static enum bf_dns_answer judge(void)
{
    return bf_dns_read(m, len, &q, &found);
}

static void test_question(void)
{
    static const uint8_t expected[] = {0x12, 0x34, 1, 0,   0,   1,   0,   0, 0, 0,  0, 0, 2,
                                       'a',  'B',  4, 't', 'e', 's', 't', 0, 0, 28, 0, 1};
    uint8_t out[BF_DNS_QUERY];
    struct bf_dns_question question = {0x1234, BF_DNS_AAAA, "aB.test"};
    CHECK_EQ(bf_dns_query(&question, out), sizeof expected);
    CHECK(memcmp(out, expected, sizeof expected) == 0);
}

static void test_names_that_cannot_be(void)
{
    char name[300];
    uint8_t out[BF_DNS_QUERY];
    struct bf_dns_question question = {1, BF_DNS_A, name};
    static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "a b", "a/b"};
    for (size_t i = 0; i < BF_COUNT(bad); i++) {
        snprintf(name, sizeof name, "%s", bad[i]);
        CHECK_EQ(bf_dns_query(&question, out), 0);
    }
    memset(name, 'x', sizeof name);
    name[63] = 0;
    CHECK_EQ(bf_dns_query(&question, out), 12 + 65 + 4);
    name[63] = 'x';
    name[64] = 0;
    CHECK_EQ(bf_dns_query(&question, out), 0);
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 50 == 49 ? '.' : 'x';
    name[253] = 0;
    CHECK_EQ(bf_dns_query(&question, out), 12 + 255 + 4);
    name[253] = 'x';
    name[254] = 0;
    CHECK_EQ(bf_dns_query(&question, out), 0);
}

static void test_several_addresses(void)
{
    ask("Replica.TEST", BF_DNS_A);
    for (uint8_t i = 1; i <= BF_DNS_ADDRESSES + 2; i++)
        record(12, 1, (uint8_t[]){10, 0, 0, i}, 4);
    record(12, 28, "0123456789abcdef", 16); // not what was asked for
    CHECK_EQ(judge(), BF_DNS_FOUND);
    CHECK_EQ(found.count, BF_DNS_ADDRESSES);
    CHECK_EQ(found.address[0].family, 4);
    CHECK_EQ(found.address[7].bytes[3], 8);
    ask("six.test", BF_DNS_AAAA);
    record(12, 28, "0123456789abcdef", 16);
    record(12, 28, "0123", 4); // of the wrong size
    CHECK_EQ(judge(), BF_DNS_FOUND);
    CHECK_EQ(found.count, 1);
    CHECK_EQ(found.address[0].family, 6);
}

// The alias behind its address, and one more between.
static void test_aliases_in_any_order(void)
{
    ask("a.test", BF_DNS_A); // the name at 12, "test" at 14
    put("\1c\300\16\0\1\0\1\0\0\0\74\0\4\12\0\0\7", 18);
    record(12, 5, "\1b\300\16", 4);
    put("\1b\300\16\0\5\0\1\0\0\0\74\0\4\1c\300\16", 18);
    m[7] += 2;
    CHECK_EQ(judge(), BF_DNS_FOUND);
    CHECK_EQ(found.count, 1);
    CHECK_EQ(found.address[0].bytes[3], 7);
}

static void test_aliases_in_a_circle(void)
{
    ask("a.test", BF_DNS_A);
    record(12, 5, "\300\14", 2);
    CHECK_EQ(judge(), BF_DNS_EMPTY);
}

static void test_addresses_of_others_do_not_count(void)
{
    ask("a.test", BF_DNS_A);
    put("\1c\300\16\0\1\0\1\0\0\0\74\0\4\12\0\0\7", 18);
    m[7]++;
    CHECK_EQ(judge(), BF_DNS_EMPTY);
}

static void test_what_a_server_can_say(void)
{
    ask("a.test", BF_DNS_A);
    CHECK_EQ(judge(), BF_DNS_EMPTY);
    m[3] = 0x83;
    CHECK_EQ(judge(), BF_DNS_NO_NAME);
    m[3] = 0x82; // SERVFAIL
    CHECK_EQ(judge(), BF_DNS_FAILED);
    m[3] = 0x85; // REFUSED, and the question is not repeated
    m[5] = 0;
    len = 12;
    CHECK_EQ(judge(), BF_DNS_FAILED);
    ask("a.test", BF_DNS_A);
    m[3] = 0; // a referral of one who asks nobody
    CHECK_EQ(judge(), BF_DNS_FAILED);
    m[2] |= 4; // an authority
    CHECK_EQ(judge(), BF_DNS_EMPTY);
    m[2] |= 2; // truncated before anything of use
    CHECK_EQ(judge(), BF_DNS_TRUNCATED);
    record(12, 1, "\12\0\0\1", 4);
    m[7] = 9; // and behind something of use
    CHECK_EQ(judge(), BF_DNS_FOUND);
}

static void test_answers_to_something_else(void)
{
    ask("a.test", BF_DNS_A);
    record(12, 1, "\12\0\0\1", 4);
    CHECK_EQ(judge(), BF_DNS_FOUND);
    q.id++;
    CHECK_EQ(judge(), BF_DNS_NOT_OURS);
    q.id--;
    q.type = BF_DNS_AAAA;
    CHECK_EQ(judge(), BF_DNS_NOT_OURS);
    q.type = BF_DNS_A;
    q.name = "b.test";
    CHECK_EQ(judge(), BF_DNS_NOT_OURS);
    q.name = "a.test";
    m[2] &= 0x7f; // a question
    CHECK_EQ(judge(), BF_DNS_NOT_OURS);
    CHECK_EQ(bf_dns_read(m, 11, &q, &found), BF_DNS_NOT_OURS);
}

static void test_pointers_go_back_only(void)
{
    ask("a.test", BF_DNS_A);
    size_t at = len;
    put("\300\0\0\1\0\1\0\0\0\74\0\4\12\0\0\7", 16);
    m[7] = 1;
    for (size_t to = at; to < at + 8; to++) { // to itself and ahead
        m[at + 1] = (uint8_t)to;
        CHECK_EQ(judge(), BF_DNS_FAILED);
        CHECK_EQ(found.count, 0);
    }
    m[at + 1] = 12;
    CHECK_EQ(judge(), BF_DNS_FOUND);
}

static void test_every_cut(void)
{
    ask("a.test", BF_DNS_A);
    size_t question = len;
    record(12, 5, "\1b\300\16", 4);
    put("\1b\300\16\0\1\0\1\0\0\0\74\0\4\12\0\0\7", 18);
    m[7]++;
    for (size_t n = 0; n < len; n++) {
        enum bf_dns_answer answer = bf_dns_read(m, n, &q, &found);
        CHECK_EQ(answer, n < question ? BF_DNS_NOT_OURS : BF_DNS_FAILED);
    }
    CHECK_EQ(judge(), BF_DNS_FOUND);
}

// ---- Option 119 --------------------------------------------------------------------------------

static char domain[BF_DNS_DOMAINS][BF_DNS_NAME];

// The example of RFC 3397, 2.
static void test_domains_with_pointers(void)
{
    static const char bytes[] = "\3eng\5apple\3com\0\11marketing\300\4";
    CHECK_EQ(bf_dns_read_domains((const uint8_t *)bytes, sizeof bytes - 1, domain), 2);
    CHECK_STR(domain[0], "eng.apple.com");
    CHECK_STR(domain[1], "marketing.apple.com");
}

static void test_domains_that_are_malformed(void)
{
    static const char circle[] = "\1a\0\300\3";      // to itself
    static const char ahead[] = "\1a\300\5\0\1b\0";  // to what comes behind
    static const char cut[] = "\1a\0\4test";         // no end
    static const char odd[] = "\3a b\0\1c\0\0\1d\0"; // a space, and the root
    CHECK_EQ(bf_dns_read_domains((const uint8_t *)circle, sizeof circle - 1, domain), 1);
    CHECK_EQ(bf_dns_read_domains((const uint8_t *)ahead, sizeof ahead - 1, domain), 0);
    CHECK_EQ(bf_dns_read_domains((const uint8_t *)cut, sizeof cut - 1, domain), 1);
    CHECK_EQ(bf_dns_read_domains((const uint8_t *)odd, sizeof odd - 1, domain), 2);
    CHECK_STR(domain[0], "c");
    CHECK_STR(domain[1], "d");
    CHECK_EQ(bf_dns_read_domains(NULL, 0, domain), 0);
}

static void test_more_domains_than_are_kept(void)
{
    uint8_t bytes[30];
    for (size_t i = 0; i < sizeof bytes; i += 3)
        memcpy(bytes + i, "\1x", 3);
    CHECK_EQ(bf_dns_read_domains(bytes, sizeof bytes, domain), BF_DNS_DOMAINS);
}

TEST_MAIN(TEST(test_question), TEST(test_names_that_cannot_be), TEST(test_several_addresses),
          TEST(test_aliases_in_any_order), TEST(test_aliases_in_a_circle),
          TEST(test_addresses_of_others_do_not_count), TEST(test_what_a_server_can_say),
          TEST(test_answers_to_something_else), TEST(test_pointers_go_back_only),
          TEST(test_every_cut), TEST(test_domains_with_pointers),
          TEST(test_domains_that_are_malformed), TEST(test_more_domains_than_are_kept))
