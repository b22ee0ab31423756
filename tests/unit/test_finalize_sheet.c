// SPDX-License-Identifier: Apache-2.0
// Tables of plans: how comma-separated values are read, what the columns mean, and that each
// mistake is told with its line and its column before there is any plan.
#include "finalize/plan/csv.h"
#include "finalize/plan/sheet.h"
#include "finalize/target/plan_parse.h"

#include "base/bytes.h"
#include "tests/unit/test.h"

// ---- Comma-separated values ---------------------------------------------------------------------

// The records as "LINE:field|field;" and mistakes as "LINE!what;".
static void check_csv(const char *text, size_t len, const char *expected)
{
    static struct bf_csv_record r;
    struct bf_csv csv;
    struct bf_text out = {0};
    struct bf_fault fault;
    enum bf_err err;
    char got[512];
    bf_csv_begin(&csv, text, len);
    while ((err = bf_csv_next(&csv, &r, &fault)) != BF_ERR_NOT_FOUND) {
        bf_textf(&out, "%u%s", r.line, err ? "!" : ":");
        if (err)
            bf_textf(&out, "%.20s", fault.what);
        for (size_t i = 0; !err && i < r.fields; i++)
            bf_textf(&out, "%s%s", i ? "|" : "", r.field[i]);
        bf_text_str(&out, ";");
    }
    snprintf(got, sizeof got, "%s", bf_text_get(&out));
    bf_text_free(&out);
    CHECK_STR(got, expected);
}

#define CSV(text, expected) check_csv(text, sizeof text - 1, expected)

static void test_csv(void)
{
    CSV("", "");
    CSV("\n \t\n# a,b\n", "");
    CSV("a,b\nc", "1:a|b;2:c;");
    CSV("\xef\xbb\xbf"
        "a,b\r\nc,\r\n",
        "1:a|b;2:c|;");
    CSV(" a , b c\t,\"  d \" ,\n", "1:a|b c|  d |;");
    CSV("\"a,b\",\"c \"\"d\"\"\",\"\"\n", "1:a,b|c \"d\"|;");
    CSV("\"a\r\nb\",c\nd,e\n", "1:a\r\nb|c;3:d|e;");
    CSV("a#b,#c\n#d\ne", "1:a#b|#c;3:e;");
    CSV("a,b\r", "1:a|b;");
    CSV(",", "1:|;");
}

static void test_csv_mistakes(void)
{
    CSV("a\"b,c\nd\n", "1!a quote inside a fie;2:d;");
    CSV("\"a\" b,c\nd\n", "1!text after the quote;2:d;");
    CSV("a\nb,\"c\nd\n", "1:a;2!a quote that begins ;");
    CSV("a\0b\nc\n", "1!a zero byte: this is;2:c;");
    static char big[3 * BF_CSV_BYTES];
    memset(big, 'x', sizeof big);
    big[sizeof big - 2] = '\n';
    check_csv(big, sizeof big, "1!it is too long;2:x;");
    memset(big, ',', sizeof big);
    check_csv(big, sizeof big, "1!it has too many fiel;");
}

// ---- Tables -------------------------------------------------------------------------------------

static struct bf_plan_table sheet;
static struct bf_plan plan;
static char errors[8192], warnings[1024];

static bool is_name(const char *name)
{
    return strspn(name, "abcdefghijklmnopqrstuvwxyz-@0123456789") == strlen(name);
}

static bool parse(const char *text, const char *target)
{
    bf_sheet_free(&sheet);
    enum bf_err err = bf_sheet_parse(text, strlen(text), target, is_name, &sheet);
    snprintf(errors, sizeof errors, "%s", bf_text_get(&sheet.errors));
    snprintf(warnings, sizeof warnings, "%s", bf_text_get(&sheet.warnings));
    return !err;
}

static void load(size_t i)
{
    struct bf_fault fault;
    CHECK(i < sheet.machines);
    const char *text = sheet.machine[i].plan;
    CHECK_EQ(bf_plan_parse(text, strlen(text), &plan, &fault), BF_OK);
}

static void test_machines(void)
{
    CHECK(parse("# the move of May\n"
                "Name,target,HOSTNAME,mac,new_mac,address,gateway,dns,search,dhcp,interface,"
                "old_address,firmware,root\n"
                "web-1,kvm,web.example.org,52:54:00:00:00:01,52:54:00:00:00:11,"
                "\"192.0.2.5/24, 2001:db8::5/64\",192.0.2.1 fe80::1,192.0.2.53;192.0.2.54,"
                "example.org,no,,,uefi,UUID=1-2\n"
                "\n"
                "db-1@3,,,,,,,,,yes,eth0\n"
                ",,,,,,,\n"
                "web-1,,,,,203.0.113.7/24,,,,,,192.0.2.9\n"
                "db-1@3,xen\n",
                NULL));
    CHECK_STR(warnings, "");
    CHECK_EQ(sheet.machines, 2);
    CHECK_STR(sheet.machine[0].name, "web-1");
    CHECK_EQ(sheet.machine[0].line, 3);
    load(0);
    CHECK_STR(plan.target, "kvm");
    CHECK_STR(plan.firmware, "uefi");
    CHECK_STR(plan.root, "UUID=1-2");
    CHECK_STR(plan.hostname, "web.example.org");
    CHECK_EQ(plan.nics, 2);
    CHECK_STR(plan.nic[0].new_mac, "52:54:00:00:00:11");
    CHECK_EQ(plan.nic[0].addresses, 2);
    CHECK_STR(plan.nic[0].gateway6, "fe80::1");
    CHECK_EQ(plan.nic[0].dns_count, 2);
    CHECK_STR(plan.nic[0].search[0], "example.org");
    CHECK_STR(plan.nic[1].old_address, "192.0.2.9");
    CHECK_STR(sheet.machine[1].name, "db-1@3");
    load(1);
    CHECK_STR(plan.target, "xen");
    CHECK_STR(plan.nic[0].name, "eth0");
    CHECK(plan.nic[0].dhcp);
    // Only the host name changes, and the kind comes from outside.
    CHECK(parse("hostname,name\nnew,web-1\n", "vmware"));
    load(0);
    CHECK_STR(plan.target, "vmware");
    CHECK_EQ(plan.nics, 0);
}

static void test_template(void)
{
    struct bf_text text = {0};
    bf_sheet_template(&text);
    bool taken = parse(bf_text_get(&text), NULL);
    bf_text_free(&text);
    CHECK(taken);
    CHECK_EQ(sheet.machines, 1);
}

// Each table with all that is said of it.
static void test_mistakes(void)
{
    static const struct {
        const char *table, *errors;
    } bad[] = {
        {"", "line 1: the table is empty\n"},
        {"name,mac\n", "line 1: there is no line but the header\n"},
        {"web-1,kvm\n", "line 1 (web-1): the header has a column that is none of "},
        {"mac,address\n", "line 1, column \"name\": the header is missing, or has no such column"},
        {"name;mac\nweb-1;x\n", "line 1: columns are separated by commas, and not by semicolons\n"},
        {"name,mac,MAC\n", "line 1, column \"mac\": the header has it twice\n"},
        {"name,target,mac,address,gateway\n"
         "web-1,kvm,52:54:00:00:00:01,192.0.2.5,192.0.2.1\n"
         "web-2,kvm,52:54:00:00:00:0,192.0.2.6/24,\n"
         "web-3,kvm,52:54:00:00:00:03,192.0.2.7/24,192.0.3.1\n"
         "web_4,kvm,,,\n"
         ",kvm,,,\n"
         "web-5,kvm,,192.0.2.9/24,\n"
         "web-6,kvn,,,\n"
         "web-7,,,,\n"
         "web-8,kvm,a\"b,,\n"
         "web-9,kvm,,,,x\n"
         "web-1,xen,52:54:00:00:00:01,192.0.2.15/24\n",
         "line 2, column \"address\" (192.0.2.5): must be an address with its length, like "
         "192.0.2.5/24\n"
         "line 3, column \"mac\" (52:54:00:00:00:0): must be a MAC address like "
         "52:54:00:12:34:56\n"
         "line 4, column \"gateway\" (192.0.3.1): is not in the network of any address\n"
         "line 5, column \"name\" (web_4): is not a machine's NAME or NAME@POINT\n"
         "line 6, column \"name\": is empty\n"
         "line 7: says something of a NIC, and none of the columns mac, interface and old_address "
         "says which\n"
         "line 10: a quote inside a field that does not begin with one\n"
         "line 11: has 6 fields, and the header has 5\n"
         "line 12, column \"target\" (xen): an earlier line of web-1 says kvm\n"
         "line 8, column \"target\" (web-6): must be one of qemu-virtio, "
         "kvm, vmware, hyperv, azure, aws, gcp, xen, metal, generic\n"
         "line 9, column \"target\" (web-7): no line says the kind of its new machine: fill in the "
         "column, or give --target KIND for all\n"},
        {"name,target,mac,new_mac,dhcp\n"
         "web-1,kvm,52:54:00:00:00:01,52:54:00:00:00:09,maybe\n"
         "web-1,kvm,52:54:00:00:00:02,52:54:00:00:00:09,\n"
         "web-2,kvm,52:54:00:00:00:03,,\n"
         "web-2,kvm,52:54:00:00:00:03,,\n",
         "line 2, column \"dhcp\" (maybe): must be yes or no\n"
         "line 3, column \"new_mac\": is also the address of line 2\n"
         "line 5: is the same interface as line 4\n"},
        {"name,target,hostname\nweb-1,kvm,-x\n", "line 2, column \"hostname\" (web-1): is not a"},
        {"name\nweb\xff\n", "line 1: the file is not UTF-8"},
    };
    for (size_t i = 0; i < BF_COUNT(bad); i++) {
        if (parse(bad[i].table, NULL))
            FAIL("accepted: %s", bad[i].table);
        if (sheet.machines)
            FAIL("plans in spite of a mistake: %s", bad[i].table);
        size_t len = strlen(bad[i].errors);
        bool whole = bad[i].errors[len - 1] == '\n';
        if (whole ? strcmp(errors, bad[i].errors) != 0 : strncmp(errors, bad[i].errors, len) != 0)
            FAIL("%s:\n%s instead of\n%s", bad[i].table, errors, bad[i].errors);
    }
}

static void test_what_is_there_twice(void)
{
    CHECK(parse("name,mac,new_mac,address\n"
                "web-1,52:54:00:00:00:01,52:54:00:00:00:09,192.0.2.5/24\n"
                "web-2,52:54:00:00:00:02,52:54:00:00:00:09,192.0.2.5/25\n",
                "kvm"));
    CHECK_STR(warnings, "line 3, column \"address\" (192.0.2.5): is also in line 2\n"
                        "line 3, column \"new_mac\" (52:54:00:00:00:09): is also in line 2\n");
}

TEST_MAIN(TEST(test_csv), TEST(test_csv_mistakes), TEST(test_machines), TEST(test_template),
          TEST(test_mistakes), TEST(test_what_is_there_twice))
