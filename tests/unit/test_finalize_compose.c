// SPDX-License-Identifier: Apache-2.0
// Plans from what an operator gives: --mac as virt-v2v has it, --target, a file beside them; and
// plans of what an inspection found.
#include "finalize/plan/compose.h"
#include "finalize/plan/present.h"
#include "finalize/target/plan_parse.h"

#include "base/bytes.h"
#include "tests/unit/test.h"

#define A "52:54:00:aa:bb:01"
#define B "52:54:00:aa:bb:02"

static struct bf_plan plan;
static struct bf_fault fault;

// Composes a plan of a file (or NULL), a target (or NULL) and up to three options.
static bool compose(const char *file, const char *target, const char *const *mac)
{
    char *json;
    size_t len;
    struct bf_compose given = {.file = file, .file_len = file ? strlen(file) : 0, .target = target};
    for (; *mac; mac++)
        given.mac[given.macs++] = *mac;
    if (bf_compose(&given, &json, &len, &fault))
        return false;
    enum bf_err err = bf_plan_parse(json, len, &plan, &fault);
    free(json);
    return !err;
}

// The text that an inspection gets of a file (and a target, or NULL); "!" when it is refused.
static const char *for_inspection(const char *file, const char *target)
{
    static char text[1024];
    char *json;
    size_t len;
    struct bf_compose given = {.file = file, .file_len = strlen(file), .target = target};
    if (bf_compose_inspection(&given, &json, &len, &fault))
        return "!";
    CHECK_EQ(bf_plan_parse(json, len, &plan, &fault), BF_OK);
    json_t *made = json_loadb(json, len, 0, NULL);
    char *compact = json_dumps(made, JSON_COMPACT);
    snprintf(text, sizeof text, "%s", compact);
    free(compact);
    json_decref(made);
    free(json);
    return text;
}

static void test_inspection(void)
{
#define KEY "{\"uuid\":\"u-1\",\"passphrase\":\"secret\"}"
    CHECK_STR(
        for_inspection("{\"version\": 1, \"unlock\": [" KEY "], \"root\": \"UUID=a\", "
                       "\"mounts\": {\"/boot\": \"UUID=b\"}, \"check\": \"off\"}",
                       NULL),
        "{\"version\":1,\"target\":{\"kind\":\"generic\"},\"root\":\"UUID=a\",\"unlock\":[" KEY
        "],\"mounts\":{\"/boot\":\"UUID=b\"},\"check\":\"off\"}");
    // What is no key of it is checked, and left out.
    CHECK_STR(
        for_inspection("{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"hostname\": \"a\", "
                       "\"nics\": [{\"match\": {\"mac\": \"" A "\"}, \"dhcp\": true}]}",
                       NULL),
        "{\"version\":1,\"target\":{\"kind\":\"kvm\"}}");
    CHECK_STR(for_inspection("{\"version\": 1}", "xen"),
              "{\"version\":1,\"target\":{\"kind\":\"xen\"}}");
    CHECK_STR(for_inspection("{\"version\": 1, \"target\": {\"kind\": \"kvm\"}}", "xen"), "!");
    CHECK_STR(for_inspection("{\"version\": 1, \"root\": 1}", NULL), "!");
    CHECK_STR(for_inspection("{\"version\": 1, \"hostname\": \"not one\"}", NULL), "!");
    CHECK_STR(for_inspection("{\"version\": 1, \"version\": 1}", NULL), "!");
    CHECK_STR(for_inspection("[]", NULL), "!");
    CHECK_STR(for_inspection("{", "kvm"), "!");
    CHECK_STR(for_inspection("", NULL), "!");
}

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_OPTIONS   ((const char *const[]){NULL})

static void test_mac(void)
{
    CHECK(compose(NULL, "kvm", OPTIONS(A ":ip:10.0.0.5,10.0.0.1,24,10.0.0.53,10.0.0.54")));
    CHECK_STR(plan.target, "kvm");
    CHECK_EQ(plan.nics, 1);
    CHECK_STR(plan.nic[0].mac, A);
    CHECK_STR(plan.nic[0].address[0].text, "10.0.0.5");
    CHECK_EQ(plan.nic[0].address[0].prefix, 24);
    CHECK_STR(plan.nic[0].gateway4, "10.0.0.1");
    CHECK_EQ(plan.nic[0].dns_count, 2);
    CHECK_STR(plan.nic[0].dns[1], "10.0.0.54");
    CHECK(compose(NULL, "kvm", OPTIONS(A ":ip:10.0.0.5,,24")));
    CHECK_STR(plan.nic[0].gateway4, "");
    CHECK(compose(NULL, "kvm", OPTIONS(A ":ip:10.0.0.5/8")));
    CHECK_EQ(plan.nic[0].address[0].prefix, 8);
    CHECK(compose(NULL, "kvm", OPTIONS(A ":ip:2001:db8::5,fe80::1,64,2001:db8::53")));
    CHECK_STR(plan.nic[0].address[0].text, "2001:db8::5");
    CHECK_STR(plan.nic[0].gateway6, "fe80::1");
}

static void test_several(void)
{
    CHECK(compose(NULL, "kvm",
                  OPTIONS(A ":ip:10.0.0.5,10.0.0.1,24,10.0.0.53", B ":ip:192.0.2.5,192.0.2.1,24",
                          "52:54:00:AA:BB:01:ip:fd00::5,fd00::1,64,fd00::53,10.0.0.53")));
    CHECK_EQ(plan.nics, 2);
    CHECK_EQ(plan.nic[0].addresses, 2);
    CHECK_STR(plan.nic[0].gateway4, "10.0.0.1");
    CHECK_STR(plan.nic[0].gateway6, "fd00::1");
    CHECK_EQ(plan.nic[0].dns_count, 2);
    CHECK_STR(plan.nic[1].mac, B);
    // The same gateway once more is no second one.
    CHECK(
        compose(NULL, "kvm", OPTIONS(A ":ip:10.0.0.5,10.0.0.1,24", A ":ip:10.0.0.6,10.0.0.1,24")));
    CHECK_EQ(plan.nic[0].addresses, 2);
}

#define PLAN(nics) "{\"version\": 1, \"target\": {\"kind\": \"xen\"}" nics "}"

static void test_beside_a_file(void)
{
    CHECK(compose(PLAN(", \"hostname\": \"h\""), NULL, OPTIONS(A ":ip:10.0.0.5/8")));
    CHECK_STR(plan.target, "xen");
    CHECK_STR(plan.hostname, "h");
    CHECK_EQ(plan.nics, 1);
    CHECK(compose(
        PLAN(", \"nics\": [{\"match\": {\"mac\": \"52:54:00:AA:BB:01\"}, \"mac\": \"" B "\"}]"),
        "xen", OPTIONS(A ":ip:10.0.0.5/8", A ":ip:fd00::5/64")));
    CHECK_EQ(plan.nics, 1);
    CHECK_STR(plan.nic[0].new_mac, B);
    CHECK_EQ(plan.nic[0].addresses, 2);
    CHECK(compose("{\"version\": 1}", "xen", NO_OPTIONS));
    CHECK_STR(plan.target, "xen");
}

// Each with the beginning of its message.
static void test_refuses(void)
{
    static const struct {
        const char *file, *target, *mac, *message;
    } bad[] = {
        {NULL, NULL, A ":ip:10.0.0.5/8", "--mac without --plan needs --target KIND"},
        {NULL, "kvn", A ":ip:10.0.0.5/8", "--target: there is no kind kvn"},
        {PLAN(""), "kvm", A ":ip:10.0.0.5/8", "--target kvm: the plan says \"xen\""},
        {NULL, "kvm", "", "--mac : it is not of the form"},
        {NULL, "kvm", A, "--mac " A ": it is not of the form"},
        {NULL, "kvm", A ":", "--mac " A ":: it is not of the form"},
        {NULL, "kvm", A ":ip", "--mac " A ":ip: it is not of the form"},
        {NULL, "kvm", A ":ip:", "--mac " A ":ip:: the address is missing"},
        {NULL, "kvm", A ":ip:10.0.0.5", "--mac " A ":ip:10.0.0.5: the prefix length is missing"},
        {NULL, "kvm", A ":ip:10.0.0.5,10.0.0.1", "--mac " A ":ip:10.0.0.5,10.0.0.1: the prefix"},
        {NULL, "kvm", A ":ip:10.0.0.5/8,,8",
         "--mac " A ":ip:10.0.0.5/8,,8: the prefix length is g"},
        {NULL, "kvm", A ":ip:10.0.0.5,,33", "--mac " A ":ip:10.0.0.5,,33: addresses[0]: must be"},
        {NULL, "kvm", A ":ip:10.0.0.5,1.1.1.1,24",
         "--mac " A ":ip:10.0.0.5,1.1.1.1,24: gateway[0]: is not in the network"},
        {NULL, "kvm", A ":ip:10.0.0.5,,24,x", "--mac " A ":ip:10.0.0.5,,24,x: dns[0]: must be"},
        {NULL, "kvm", A ":ip:10.0.0.5,,24,,1.1.1.1",
         "--mac " A ":ip:10.0.0.5,,24,,1.1.1.1: dns[0]"},
        {NULL, "kvm", A ":network:default",
         "--mac " A ":network:default: \"network\" is set where the new machine is made"},
        {NULL, "kvm", A ":bridge:br0", "--mac " A ":bridge:br0: \"bridge\" is set where"},
        {NULL, "kvm", "52-54-00-aa-bb-01:ip:10.0.0.5/8",
         "--mac 52-54-00-aa-bb-01:ip:10.0.0.5/8: match.mac: must be a MAC address"},
        {PLAN(", \"nics\": [{\"match\": {\"mac\": \"" A "\"}, \"dhcp\": true}]"), NULL,
         A ":ip:10.0.0.5/8", "--mac " A ":ip:10.0.0.5/8: the plan has addresses for that NIC alr"},
        {PLAN(", \"nics\": {}"), NULL, A ":ip:10.0.0.5/8", "plan: nics: must be a list"},
        {"{", "kvm", A ":ip:10.0.0.5/8", "plan: line 1"},
        {"[]", "kvm", A ":ip:10.0.0.5/8", "plan: "},
    };
    for (size_t i = 0; i < BF_COUNT(bad); i++) {
        if (compose(bad[i].file, bad[i].target, OPTIONS(bad[i].mac)))
            FAIL("accepted: %s", bad[i].mac);
        if (strncmp(fault.what, bad[i].message, strlen(bad[i].message)) != 0)
            FAIL("%s: \"%s\" instead of \"%s\"", bad[i].mac, fault.what, bad[i].message);
    }
    CHECK(!compose(NULL, "kvm", OPTIONS(A ":ip:10.0.0.5,10.0.0.1,8", A ":ip:10.0.0.6,10.0.0.2,8")));
    CHECK_STR(fault.what, "--mac " A ":ip:10.0.0.6,10.0.0.2,8: gateway[1]: is a second gateway of "
                          "its family");
}

// ---- Of what is there ---------------------------------------------------------------------------

static char present[4096], notes[4096];

static void look(const char *interfaces, const char *nics)
{
    struct bf_text said = {0}, text = {0};
    bf_textf(&text,
             "{\"system\": {\"firmware\": \"uefi\", \"hostname\": \"web-1\", \"network\": "
             "{\"interfaces\": [%s]}}}",
             interfaces);
    json_t *report = json_loads(bf_text_get(&text), 0, NULL), *list = json_loads(nics, 0, NULL);
    CHECK(report);
    json_t *made = bf_present_plan(report, list, "kvm", NULL, &said);
    char *json = json_dumps(made, JSON_COMPACT);
    snprintf(present, sizeof present, "%s", json);
    snprintf(notes, sizeof notes, "%s", bf_text_get(&said));
    CHECK_EQ(bf_plan_parse(json, strlen(json), &plan, &fault), BF_OK);
    free(json);
    json_decref(made);
    json_decref(report);
    json_decref(list);
    bf_text_free(&said);
    bf_text_free(&text);
}

#define HEAD                                                                                       \
    "{\"version\":1,\"target\":{\"kind\":\"kvm\",\"firmware\":\"uefi\"},\"hostname\":\"web-1\","   \
    "\"nics\":["
#define DEVICE(name, mac, kind, rest)                                                              \
    "{\"name\": \"" name "\", \"mac\": \"" mac "\", \"kind\": \"" kind "\", "                      \
    "\"configured_by\": \"netplan\", \"addresses_known\": true, " rest "}"

static void test_present(void)
{
    look(DEVICE("eth0", A, "hardware",
                "\"addresses\": [\"192.0.2.5/24\", \"2001:db8::5/64\"], \"gateway4\": "
                "\"192.0.2.1\", \"gateway6\": \"fe80::1\""),
         "[{\"mac\": \"" A "\"}]");
    CHECK_STR(present, HEAD "{\"match\":{\"mac\":\"" A "\",\"name\":\"eth0\"},\"addresses\":["
                            "\"192.0.2.5/24\",\"2001:db8::5/64\"],\"gateway\":[\"192.0.2.1\","
                            "\"fe80::1\"]}]}");
    CHECK_STR(notes, "");
    look(DEVICE("eth0", A, "hardware", "\"dhcp\": true, \"addresses\": [\"2001:db8::5/64\"]"),
         "[]");
    CHECK_STR(present, HEAD "{\"match\":{\"mac\":\"" A "\",\"name\":\"eth0\"},\"dhcp\":true,"
                            "\"addresses\":[\"2001:db8::5/64\"]}]}");
    // The one NIC of a machine whose files know one interface.
    look(DEVICE("eth0", "", "hardware", "\"dhcp\": true"), "[{\"mac\": \"" B "\"}]");
    CHECK_STR(present, HEAD "{\"match\":{\"mac\":\"" B "\",\"name\":\"eth0\"},\"dhcp\":true}]}");
}

// The keys of the inspection stand in its plan, too; what is secret does not.
static void test_present_keys(void)
{
    struct bf_text said = {0};
    json_t *given =
        json_pack("{s:i,s:{s:s},s:s,s:{s:s},s:s,s:[{s:s,s:s},{s:s,s:s},{s:s,s:s}]}", "version", 1,
                  "target", "kind", "kvm", "root", "UUID=a", "mounts", "/boot", "UUID=b", "check",
                  "full", "unlock", "uuid", "u-1", "passphrase", "secret", "uuid", "u-2",
                  "key_file", "/srv/key", "uuid", "u-3", "key", "c2VjcmV0");
    json_t *report = json_object();
    json_t *made = bf_present_plan(report, NULL, "kvm", given, &said);
    char *json = json_dumps(made, JSON_COMPACT);
    CHECK_STR(json, "{\"version\":1,\"target\":{\"kind\":\"kvm\"},\"root\":\"UUID=a\","
                    "\"mounts\":{\"/boot\":\"UUID=b\"},\"check\":\"full\",\"unlock\":[{"
                    "\"uuid\":\"u-2\",\"key_file\":\"/srv/key\"}],\"nics\":[]}");
    CHECK(strstr(bf_text_get(&said), "the key of UUID=u-1 is not printed: add it"));
    CHECK(strstr(bf_text_get(&said), "the key of UUID=u-3 is not printed: add it"));
    CHECK(!strstr(bf_text_get(&said), "secret"));
    CHECK(!strstr(bf_text_get(&said), "u-2"));
    free(json);
    json_decref(made);
    json_decref(report);
    json_decref(given);
    bf_text_free(&said);
}

#define PORT(name, mac) DEVICE(name, mac, "hardware", "\"master\": \"bond0\"")
#define BOND            DEVICE("bond0", "", "bond", "\"addresses\": [\"192.0.2.5/24\"]")
#define BRIDGE          DEVICE("br9", "", "bridge", "\"addresses\": []")
#define TUNNEL          DEVICE("wg0", "", "other", "\"addresses\": [\"10.9.0.1/24\"]")

// Entries of the NICs, of what has an address above them, and of nothing twice.
static void test_present_devices(void)
{
    static const char devices[] =
        PORT("eth0", A) ", " PORT("eth1", B) ", " BOND ", " BRIDGE ", " TUNNEL ", " PORT("eth0", A);
    look(devices, "[{\"mac\": \"" A "\"}, {\"mac\": \"" B "\"}, {\"mac\": \"52:54:00:aa:bb:03\"}]");
    CHECK_STR(present, HEAD "{\"match\":{\"mac\":\"" A "\",\"name\":\"eth0\"}},"
                            "{\"match\":{\"mac\":\"" B "\",\"name\":\"eth1\"}},"
                            "{\"match\":{\"name\":\"bond0\"},\"addresses\":[\"192.0.2.5/24\"]}]}");
    CHECK(strstr(notes, "bond0: no gateway was found"));
    CHECK(strstr(notes, "52:54:00:aa:bb:03: a NIC of the machine; no file says which"));
}

// What a plan cannot say is left out, which leaves it as it is, and is said.
static void test_present_leaves_out(void)
{
    look(DEVICE("eth0", A, "hardware", "\"addresses\": [\"192.0.2.5\"]"), "[]");
    CHECK_STR(present, HEAD "{\"match\":{\"mac\":\"" A "\",\"name\":\"eth0\"}}]}");
    CHECK(strstr(notes, "eth0: a plan cannot say what it has ([\"192.0.2.5\"]): that stays"));
    look(DEVICE("eth0", A, "hardware", "\"dhcp\": true, \"addresses\": [\"192.0.2.5/24\"]"), "[]");
    CHECK_STR(present, HEAD "{\"match\":{\"mac\":\"" A "\",\"name\":\"eth0\"}}]}");
    CHECK(strstr(notes, "(DHCP and [\"192.0.2.5/24\"])"));
    look(DEVICE("eth0", A, "hardware",
                "\"addresses\": [\"192.0.2.5/24\"], \"gateway4\": \"10.0.0.1\""),
         "[]");
    CHECK_STR(present, HEAD "{\"match\":{\"mac\":\"" A
                            "\",\"name\":\"eth0\"},\"addresses\":[\"192.0.2.5/24\"]}]}");
    CHECK(strstr(notes, "its gateway 10.0.0.1 is not in the network"));
    look(DEVICE("eth0", A, "hardware", "\"dhcp\": true"), "[{\"mac\": \"" B "\"}]");
    CHECK_STR(present, HEAD "{\"match\":{\"name\":\"eth0\"},\"dhcp\":true}]}");
    CHECK(strstr(notes, "eth0: the files give it the MAC address " A ", which no NIC of the"));
    look(DEVICE("en*", "", "hardware", "\"pattern\": true, \"dhcp\": true, \"file\": \"/x\""),
         "[]");
    CHECK_STR(present, HEAD "]}");
    CHECK(strstr(notes, "/x configures interfaces by a pattern"));
    look("{\"name\": \"eth0\", \"kind\": \"hardware\", \"configured_by\": \"other\", "
         "\"addresses_known\": false}",
         "[]");
    CHECK_STR(present, HEAD "{\"match\":{\"name\":\"eth0\"}}]}");
    CHECK(strstr(notes, "eth0: its addresses are not read from the files of other"));
    look(DEVICE("a\\u001b[2J", "", "hardware", "\"dhcp\": true"), "[]");
    CHECK_STR(present, HEAD "]}");
    CHECK(strchr(notes, '\x1b') == NULL);
}

TEST_MAIN(TEST(test_mac), TEST(test_several), TEST(test_beside_a_file), TEST(test_refuses),
          TEST(test_inspection), TEST(test_present), TEST(test_present_keys),
          TEST(test_present_devices), TEST(test_present_leaves_out))
