// SPDX-License-Identifier: Apache-2.0
// What a machine says about itself: lines that are whole count, whatever stands between them and in
// them; and what of the plan is missing, in words.
#include "replica/jobs/evidence.h"

#include "tests/unit/test.h"

#define WORD "0123456789abcdef0123456789abcdef"
#define L    "BOOTFERRY-EVIDENCE " WORD " "
#define ID   "3f1c2a44-0d3e-4f5a-9b6c-7d8e9f0a1b2c"

static struct bf_evidence e;
static char missing[2048];

static void read_text(const char *text)
{
    e = (struct bf_evidence){0};
    bf_evidence_read(&e, WORD, text, strlen(text));
}

static void more(const char *text)
{
    bf_evidence_read(&e, WORD, text, strlen(text));
}

static const char whole[] = L
    "boot-id " ID "\n" L "host web-1\n" L "root /dev/vda2 ext4\n" L "root-writable yes\n" L
    "nic 52:54:00:12:34:56 198.51.100.20/24 2001:db8::20/64\n" L "nic 52:54:00:12:34:57\n" L
    "gateway 198.51.100.1 yes\n" L "gateway fe80::1 no\n" L "failed-unit foo.service\n" L "end -\n";

static void check_whole(void)
{
    CHECK_STR(e.boot_id, ID);
    CHECK_STR(e.host, "web-1");
    CHECK_STR(e.root, "/dev/vda2 ext4");
    CHECK(e.root_writable && e.complete);
    CHECK_EQ(e.nics, 2);
    CHECK_STR(e.nic[0].mac, "52:54:00:12:34:56");
    CHECK_STR(e.nic[0].addresses, "198.51.100.20/24 2001:db8::20/64");
    CHECK_STR(e.nic[1].addresses, "");
    CHECK_EQ(e.gateways, 2);
    CHECK_STR(e.gateway[0].address, "198.51.100.1");
    CHECK(e.gateway[0].answers);
    CHECK_STR(e.gateway[1].address, "fe80::1");
    CHECK(!e.gateway[1].answers);
    CHECK_EQ(e.units, 1);
    CHECK_STR(e.unit[0], "foo.service");
}

static void test_all_keys(void)
{
    read_text(whole);
    check_whole();
    more(whole); // the whole file anew
    check_whole();
}

// The console has it twice, with CR LF, behind a prompt, in colours.
static void test_console(void)
{
    static char text[8192];
    size_t n = 0;
    for (int twice = 0; twice < 2; twice++)
        for (const char *at = whole; *at; at++) {
            if (at == whole || at[-1] == '\n')
                n +=
                    (size_t)sprintf(text + n, "newhome login: \033[0;32m\033]0;title\a\r\n\033[1m");
            if (*at == '\n')
                n += (size_t)sprintf(text + n, "\033[0m\r\r\n[    5.1] random: crng init done\r\n");
            else
                text[n++] = *at;
        }
    e = (struct bf_evidence){0};
    bf_evidence_read(&e, WORD, text, n);
    check_whole();
}

static void test_another_word(void)
{
    static const char theirs[] = "BOOTFERRY-EVIDENCE 0123456789abcdef0123456789abcdee ";
    char text[512];
    snprintf(text, sizeof text,
             "%sboot-id " ID "\n%send -\nBOOTFERRY-EVIDENCE\nBOOTFERRY-EVIDENCE " WORD "\n", theirs,
             theirs);
    read_text(text);
    CHECK_STR(e.boot_id, "");
    CHECK(!e.complete);
    bf_evidence_read(&e, "", "BOOTFERRY-EVIDENCE  end -\n", 26);
    CHECK(!e.complete);
}

// What was cut, or cut into, does not count; what was there before stays.
static void test_cut(void)
{
    static const char *const cut[] = {
        L "host we",
        L "host web-1[    5.123456] random: crng init done\n",
        L "host\n",
        L "host a b\n",
        L "root /dev/vda2\n",
        L "root /dev/vda2 ext[   5.1] usb 1-1: new device\n",
        L "root-writable ye[   5.1] x\n",
        L "root-writable\n",
        L "nic 52:54:00:12:34:56 198.51.100.20/24 2001:[  5.1] x\n",
        L "nic 52:54:00:12:34:56 198.51.100.20\n",
        L "nic 52:54:00:12:34:56 198.51.100.20/33\n",
        L "nic 52:54:00:12:34:56 198.51.100.20/\n",
        L "nic 52:54:00:12:34:56 198.51.100.20/24x\n",
        L "nic 52:54:00:12:34 198.51.100.20/24\n",
        L "nic\n",
        L "gateway 198.51.100.1\n",
        L "gateway 198.51.100.1 maybe\n",
        L "gateway 198.51.100 yes\n",
        L "boot-id " ID "0\n",
        L "boot-id 3f1c2a44\n",
        L "end\n",
        L "end - -\n",
        L "failed-unit a b\n",
        L "bogus 1\n",
        L "\n",
    };
    read_text(whole);
    for (size_t i = 0; i < BF_COUNT(cut); i++)
        more(cut[i]);
    check_whole();
    for (size_t i = 0; i < BF_COUNT(cut); i++) {
        read_text(cut[i]);
        struct bf_evidence none = {0};
        if (memcmp(&e, &none, sizeof e) != 0)
            FAIL("%s counted", cut[i]);
    }
}

static void test_a_whole_line_behind_a_cut_one(void)
{
    read_text(L "ho" L "host web-2\n");
    CHECK_STR(e.host, "web-2");
}

static void test_the_last_value_counts(void)
{
    read_text(whole);
    more(L "host other\n" L "root-writable no\n" L "gateway FE80:0:0::1 yes\n" L
           "nic 52:54:00:12:34:57 2001:0db8:0000:0000:0000:0000:0000:0005/64\n" L
           "failed-unit foo.service\n");
    CHECK_STR(e.host, "other");
    CHECK(!e.root_writable);
    CHECK_EQ(e.gateways, 2);
    CHECK(e.gateway[1].answers);
    CHECK_EQ(e.nics, 2);
    CHECK_STR(e.nic[1].addresses, "2001:db8::5/64");
    CHECK_EQ(e.units, 1);
}

static void test_another_start_begins_anew(void)
{
    read_text(whole);
    more(L "boot-id 00000000-0d3e-4f5a-9b6c-7d8e9f0a1b2c\n");
    CHECK(!e.complete);
    CHECK_EQ(e.nics, 0);
    CHECK_STR(e.host, "");
}

static void test_bounds(void)
{
    static char text[100000];
    size_t n = 0;
    for (int i = 0; i < 64; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              L "nic 52:54:00:00:00:%02x\n" L "failed-unit u%d.service\n" L
                                "gateway 192.0.2.%d yes\n",
                              i, i, i);
    n += (size_t)snprintf(text + n, sizeof text - n, L "nic 52:54:00:00:00:00");
    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, " 203.0.113.%d/24", i);
    n += (size_t)snprintf(text + n, sizeof text - n, "\n" L "host ");
    for (int i = 0; i < 3000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "x");
    n += (size_t)snprintf(text + n, sizeof text - n, "\n" L "end -\n");
    read_text(text);
    CHECK_EQ(e.nics, BF_EVIDENCE_NICS);
    CHECK_EQ(e.units, BF_EVIDENCE_UNITS);
    CHECK_EQ(e.gateways, BF_EVIDENCE_GATEWAYS);
    CHECK(strstr(e.nic[0].addresses, " 203.0.113.10/24") && strlen(e.nic[0].addresses) < 512);
    CHECK_STR(e.host, "");
    CHECK(e.complete);
}

static void test_hostile_values_are_printable(void)
{
    read_text(L "host a\001b\033[2Jc\x9b"
                "d\xc3\xa9\n");
    CHECK_STR(e.host, "");
    read_text(L "host a\001b\033[31mc\x9b"
                "d\xc3\xa9\n");
    CHECK_STR(e.host, "abcd?");
}

// ---- The judgement ------------------------------------------------------------------------------

static struct bf_tgt_nic nic[3];
static struct bf_evidence_plan plan;

static void planned(void)
{
    memset(nic, 0, sizeof nic);
    strcpy(nic[0].mac, "52:54:00:12:34:56");
    strcpy(nic[0].address[0], "198.51.100.20/24");
    strcpy(nic[0].address[1], "2001:db8:0::20/64");
    nic[0].addresses = 2;
    strcpy(nic[0].gateway4, "198.51.100.1");
    plan = (struct bf_evidence_plan){.nic = nic, .nics = 1, .host = "web-1"};
}

static bool judge(void)
{
    return bf_evidence_judge(&e, &plan, missing, sizeof missing);
}

static void check_missing(const char *text)
{
    CHECK(!judge());
    CHECK_STR(missing, text);
}

static void test_all_is_there(void)
{
    read_text(whole);
    planned();
    CHECK(judge());
    CHECK_STR(missing, "");
    plan.isolated = true;
    CHECK(judge());
}

static void test_names_of_the_host(void)
{
    static const struct {
        const char *is, *planned;
        bool good;
    } names[] = {
        {"web-1", "WEB-1", true},
        {"web-1.example.org", "web-1", true},
        {"web-1", "web-1.example.org", true},
        {"web-1.a.org", "web-1.b.org", false},
        {"web-10", "web-1", false},
        {"web-1", "web-10", false},
        {"anything", "", true},
    };
    read_text(whole);
    planned();
    for (size_t i = 0; i < BF_COUNT(names); i++) {
        snprintf(e.host, sizeof e.host, "%s", names[i].is);
        plan.host = names[i].planned;
        if (judge() != names[i].good)
            FAIL("%s for %s", names[i].is, names[i].planned);
    }
    snprintf(e.host, sizeof e.host, "old");
    plan.host = "web-1";
    check_missing("the host name is old instead of web-1");
}

static void test_nothing_was_heard(void)
{
    read_text("");
    planned();
    check_missing("nothing was heard from inside the new machine");
    read_text(L "end -\n");
    check_missing("nothing was heard from inside the new machine");
}

static void test_not_all_was_said(void)
{
    read_text(whole);
    planned();
    e.complete = false;
    check_missing("the new machine has not said all that it sees of itself");
}

static void test_root(void)
{
    read_text(whole);
    planned();
    e.root_writable = false;
    check_missing("the root file system (/dev/vda2 ext4) cannot be written");
    e.root[0] = 0;
    check_missing("the root file system cannot be written");
}

static void test_addresses(void)
{
    read_text(whole);
    planned();
    strcpy(e.nic[0].addresses, "198.51.100.20/25 2001:db8::20/64");
    check_missing("198.51.100.20/24 is not on the NIC with 52:54:00:12:34:56, which has "
                  "198.51.100.20/25 2001:db8::20/64");
    strcpy(e.nic[1].addresses, "198.51.100.20/24");
    check_missing("198.51.100.20/24 is not on the NIC with 52:54:00:12:34:56, but on the one with "
                  "52:54:00:12:34:57");
    e.nic[0].addresses[0] = e.nic[1].addresses[0] = 0;
    check_missing("198.51.100.20/24 is not on the NIC with 52:54:00:12:34:56, which has no "
                  "address; 2001:db8:0::20/64 is not on the NIC with 52:54:00:12:34:56, which has "
                  "no address");
    strcpy(nic[0].mac, "52:54:00:99:99:99");
    check_missing("the system has no NIC with 52:54:00:99:99:99");
    nic[0].mac[0] = 0;
    check_missing("198.51.100.20/24 is on no NIC; 2001:db8:0::20/64 is on no NIC");
    strcpy(e.nic[1].addresses, "198.51.100.20/24 2001:db8::20/64");
    CHECK(judge());
}

static void test_dhcp(void)
{
    read_text(whole);
    planned();
    strcpy(nic[1].mac, "52:54:00:12:34:57");
    nic[1].dhcp = true;
    plan.nics = 2;
    check_missing("no DHCP server gave the NIC with 52:54:00:12:34:57 an address");
    strcpy(e.nic[1].addresses, "2001:db8::99/64");
    check_missing("no DHCP server gave the NIC with 52:54:00:12:34:57 an address");
    plan.isolated = true;
    CHECK(judge());
    plan.isolated = false;
    strcpy(e.nic[1].addresses, "10.0.2.15/24");
    CHECK(judge());
}

static void test_gateways(void)
{
    read_text(whole);
    planned();
    e.gateway[0].answers = false;
    check_missing("the gateway 198.51.100.1 did not answer");
    plan.isolated = true;
    check_missing("the gateway 198.51.100.1 did not answer");
    e.gateways = 0;
    check_missing("there is no default route over the gateway 198.51.100.1");
    strcpy(nic[0].gateway6, "fe80:0::1");
    check_missing("there is no default route over the gateway 198.51.100.1; there is no default "
                  "route over the gateway fe80:0::1");
}

// Gateways that nobody planned: one of them has to answer, where there is somebody to.
static void test_gateways_of_others(void)
{
    read_text(whole);
    planned();
    nic[0].gateway4[0] = 0;
    CHECK(judge());
    e.gateway[0].answers = false;
    check_missing("the gateway 198.51.100.1 did not answer");
    plan.isolated = true;
    CHECK(judge());
    plan.isolated = false;
    e.gateways = 0;
    CHECK(judge());
}

static void test_failed_units_do_not_count(void)
{
    read_text(whole);
    planned();
    CHECK(e.units == 1 && judge());
}

static void test_too_long_a_text_is_cut(void)
{
    char small[40];
    read_text(whole);
    planned();
    e.root_writable = false;
    strcpy(nic[0].mac, "52:54:00:99:99:99");
    CHECK(!bf_evidence_judge(&e, &plan, small, sizeof small));
    CHECK_STR(small, "the root file system (/dev/vda2 ext4...");
    CHECK(!bf_evidence_judge(&e, &plan, small, 1));
    CHECK_STR(small, "");
    CHECK(!bf_evidence_judge(&e, &plan, NULL, 0));
}

TEST_MAIN(TEST(test_all_keys), TEST(test_console), TEST(test_another_word), TEST(test_cut),
          TEST(test_a_whole_line_behind_a_cut_one), TEST(test_the_last_value_counts),
          TEST(test_another_start_begins_anew), TEST(test_bounds),
          TEST(test_hostile_values_are_printable), TEST(test_all_is_there),
          TEST(test_names_of_the_host), TEST(test_nothing_was_heard), TEST(test_not_all_was_said),
          TEST(test_root), TEST(test_addresses), TEST(test_dhcp), TEST(test_gateways),
          TEST(test_gateways_of_others), TEST(test_failed_units_do_not_count),
          TEST(test_too_long_a_text_is_cut))
