// SPDX-License-Identifier: Apache-2.0
// The plan's keys besides those of the network: every value that is accepted and what it means, and
// values beside them that are refused with their place.
#include "finalize/target/plan_parse.h"

#include "base/bytes.h"
#include "tests/unit/test.h"

static struct bf_plan plan;
static struct bf_fault fault;

// The keys behind "target", as a JSON text without its braces.
static bool parse(const char *keys)
{
    char json[16384];
    snprintf(json, sizeof json, "{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, %s}", keys);
    return bf_plan_parse(json, strlen(json), &plan, &fault) == BF_OK;
}

struct value {
    const char *keys;
    const char *message; // NULL: accepted
};

static void check_values(const struct value *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool taken = parse(v[i].keys);
        if (taken != (v[i].message == NULL))
            FAIL("%s: %s", v[i].keys, taken ? "accepted" : fault.what);
        if (!taken && strncmp(fault.what, v[i].message, strlen(v[i].message)) != 0)
            FAIL("%s: \"%s\" instead of \"%s\"", v[i].keys, fault.what, v[i].message);
    }
}

#define CHECK_VALUES(v) check_values(v, BF_COUNT(v))

// ---- Choices -----------------------------------------------------------------------------------

static void test_choices(void)
{
    static const struct {
        const char *key, *first, *second;
        const bool *is_second;
    } choices[] = {
        {"agents", "disable", "keep", &plan.keep_agents},
        {"identity", "keep", "new", &plan.new_identity},
        {"undo", "guest", "point", &plan.drop_undo},
        {"missing_disks", "refuse", "nofail", &plan.nofail},
        {"hibernation", "refuse", "discard", &plan.discard_hibernation},
    };
    static const char *const wrong[] = {
        "\"\"",
        "\"Keep\"",
        "\"keep \"",
        "\"no\"",
        "\"refuse,nofail\"",
        "true",
        "null",
        "1",
        "[\"keep\"]",
        "{}",
        "\"ignore\"",
        "\"a-value-that-is-far-too-long\"",
    };
    char keys[128], message[64];
    CHECK(parse("\"hostname\": \"a\""));
    for (size_t i = 0; i < BF_COUNT(choices); i++) {
        CHECK(!*choices[i].is_second);
        snprintf(keys, sizeof keys, "\"%s\": \"%s\"", choices[i].key, choices[i].first);
        CHECK(parse(keys) && !*choices[i].is_second);
        snprintf(keys, sizeof keys, "\"%s\": \"%s\"", choices[i].key, choices[i].second);
        CHECK(parse(keys) && *choices[i].is_second);
        snprintf(message, sizeof message, "plan: %s: must ", choices[i].key);
        for (size_t k = 0; k < BF_COUNT(wrong); k++) {
            snprintf(keys, sizeof keys, "\"%s\": %s", choices[i].key, wrong[k]);
            check_values(&(struct value){keys, message}, 1);
        }
    }
    CHECK(parse("\"agents\": \"keep\"") && !plan.new_identity && !plan.nofail);
}

static void test_checks(void)
{
    static const struct value wrong[] = {
        {"\"check\": \"\"", "plan: check: must have 1 to"},
        {"\"check\": \"Full\"", "plan: check: must be \"quick\", \"full\" or \"off\""},
        {"\"check\": \"none\"", "plan: check: must be"},
        {"\"check\": false", "plan: check: must be a string"},
        {"\"check\": \"quickly\"", "plan: check: must be"},
        {"\"check\": \"quick or full\"", "plan: check: must have 1 to"},
    };
    CHECK(parse("\"check\": \"quick\"") && plan.check == BF_CHECK_QUICK);
    CHECK(parse("\"check\": \"full\"") && plan.check == BF_CHECK_FULL);
    CHECK(parse("\"check\": \"off\"") && plan.check == BF_CHECK_OFF);
    CHECK(parse("\"hostname\": \"a\"") && plan.check == BF_CHECK_QUICK);
    CHECK_VALUES(wrong);
}

static void test_switches(void)
{
    static const struct value values[] = {
        {"\"serial_console\": 1", "plan: serial_console: must be true or false"},
        {"\"serial_console\": null", "plan: serial_console: must be true or false"},
        {"\"serial_console\": \"true\"", "plan: serial_console: must be true or false"},
        {"\"efi_fallback\": 0", "plan: efi_fallback: must be true or false"},
        {"\"efi_fallback\": \"no\"", "plan: efi_fallback: must be true or false"},
    };
    CHECK_VALUES(values);
    CHECK(bf_plan_parse("[1]", 3, &plan, &fault) != BF_OK);
    CHECK_STR(fault.what, "plan: must be an object");
    CHECK(parse("\"serial_console\": true") && plan.serial_console == BF_ON);
    CHECK(parse("\"serial_console\": false") && plan.serial_console == BF_OFF);
    CHECK(parse("\"efi_fallback\": false") && !plan.efi_fallback);
    CHECK(plan.serial_console == BF_KEEP);
    CHECK(parse("\"efi_fallback\": true") && plan.efi_fallback);
}

// ---- target ------------------------------------------------------------------------------------

static void test_targets(void)
{
    static const char *const kinds[] = {"qemu-virtio", "kvm", "vmware", "hyperv", "azure",
                                        "aws",         "gcp", "xen",    "metal",  "generic"};
    static const struct {
        const char *target, *message;
        enum bf_wanted secure_boot;
    } targets[] = {
        {"{\"kind\": \"kvm\", \"firmware\": \"uefi\", \"secure_boot\": true}", NULL, BF_ON},
        {"{\"kind\": \"kvm\", \"secure_boot\": true}", NULL, BF_ON},
        {"{\"kind\": \"kvm\", \"secure_boot\": false}", NULL, BF_OFF},
        {"{\"kind\": \"kvm\", \"firmware\": \"bios\", \"secure_boot\": false}", NULL, BF_OFF},
        {"{\"kind\": \"kvm\", \"firmware\": \"uefi\"}", NULL, BF_KEEP},
        {"{\"kind\": \"kvm\", \"firmware\": \"bios\", \"secure_boot\": true}",
         "plan: target.secure_boot: needs UEFI", BF_KEEP},
        {"{\"kind\": \"kvm\", \"secure_boot\": \"on\"}",
         "plan: target.secure_boot: must be true or false", BF_KEEP},
        {"{\"kind\": \"kvm\", \"firmware\": \"efi\"}", "plan: target.firmware: must be", BF_KEEP},
        {"{\"kind\": \"kvm\", \"firmware\": \"UEFI\"}", "plan: target.firmware: must be", BF_KEEP},
        {"{\"kind\": \"kvm\", \"firmware\": true}", "plan: target.firmware: must be a string",
         BF_KEEP},
        {"{\"kind\": \"KVM\"}", "plan: target.kind: must be one of qemu-virtio, kvm", BF_KEEP},
        {"{\"kind\": \"proxmox\"}", "plan: target.kind: must be one of", BF_KEEP},
        {"{\"kind\": \"\"}", "plan: target.kind: must have 1 to", BF_KEEP},
        {"{}", "plan: target.kind: must be one of", BF_KEEP},
        {"{\"kind\": \"kvm\", \"secureboot\": true}", "plan: target.secureboot: unknown key",
         BF_KEEP},
        {"\"kvm\"", "plan: target: is required", BF_KEEP},
        {"null", "plan: target: is required", BF_KEEP},
    };
    char json[256];
    for (size_t i = 0; i < BF_COUNT(kinds); i++) {
        snprintf(json, sizeof json, "{\"version\": 1, \"target\": {\"kind\": \"%s\"}}", kinds[i]);
        CHECK_EQ(bf_plan_parse(json, strlen(json), &plan, &fault), BF_OK);
        CHECK_STR(plan.target, kinds[i]);
    }
    for (size_t i = 0; i < BF_COUNT(targets); i++) {
        snprintf(json, sizeof json, "{\"version\": 1, \"target\": %s}", targets[i].target);
        bool taken = bf_plan_parse(json, strlen(json), &plan, &fault) == BF_OK;
        const char *message = targets[i].message;
        if (taken != (message == NULL) || (taken && plan.secure_boot != targets[i].secure_boot))
            FAIL("%s: %d", targets[i].target, plan.secure_boot);
        if (message && strncmp(fault.what, message, strlen(message)) != 0)
            FAIL("%s: \"%s\"", targets[i].target, fault.what);
    }
}

// ---- root, mounts ------------------------------------------------------------------------------

static void test_root_and_mounts(void)
{
    static const struct value values[] = {
        {"\"root\": \"UUID=0011-2233\"", NULL},
        {"\"root\": \"UUID=1,subvol=@\"", NULL},
        {"\"root\": \"UUID=\"", "plan: root: must be UUID="},
        {"\"root\": \"uuid=1\"", "plan: root: must be UUID="},
        {"\"root\": \"LABEL=root\"", "plan: root: must be UUID="},
        {"\"root\": \"/dev/sda2\"", "plan: root: must be UUID="},
        {"\"root\": \" UUID=1\"", "plan: root: must be UUID="},
        {"\"root\": \"\"", "plan: root: must have 1 to"},
        {"\"root\": {}", "plan: root: must be a string"},
        {"\"mounts\": {}", NULL},
        {"\"mounts\": {\"/boot\": \"UUID=1\"}", NULL},
        {"\"mounts\": {\"/boot\": \"UUID=1\", \"/boot/efi\": \"UUID=AB-CD\"}", NULL},
        {"\"mounts\": []", "plan: mounts: must be an object"},
        {"\"mounts\": \"/boot=UUID=1\"", "plan: mounts: must be an object"},
        {"\"mounts\": null", "plan: mounts: must be an object"},
        {"\"mounts\": {\"boot\": \"UUID=1\"}", "plan: mounts: must be an object"},
        {"\"mounts\": {\"\": \"UUID=1\"}", "plan: mounts: must be an object"},
        {"\"mounts\": {\"/boot\": \"UUID=\"}", "plan: mounts: must be an object"},
        {"\"mounts\": {\"/boot\": \"LABEL=boot\"}", "plan: mounts: must be an object"},
        {"\"mounts\": {\"/boot\": \"/dev/sda1\"}", "plan: mounts: must be an object"},
        {"\"mounts\": {\"/boot\": true}", "plan: mounts: must be an object"},
        {"\"mounts\": {\"/boot\": null}", "plan: mounts: must be an object"},
        {"\"mounts\": {\"/boot\": \"UUID=1\", \"/boot\": \"UUID=2\"}", "plan: line 1"},
        {"\"mounts\": {\"/a\": \"UUID=1\", \"/b\": \"UUID=1\", \"/c\": \"UUID=1\", \"/d\": "
         "\"UUID=1\", \"/e\": \"UUID=1\", \"/f\": \"UUID=1\", \"/g\": \"UUID=1\", \"/h\": "
         "\"UUID=1\"}",
         NULL},
        {"\"mounts\": {\"/a\": \"UUID=1\", \"/b\": \"UUID=1\", \"/c\": \"UUID=1\", \"/d\": "
         "\"UUID=1\", \"/e\": \"UUID=1\", \"/f\": \"UUID=1\", \"/g\": \"UUID=1\", \"/h\": "
         "\"UUID=1\", \"/i\": \"UUID=1\"}",
         "plan: mounts: has more than 8 entries"},
    };
    CHECK_VALUES(values);
    // A mount point is the same with a slash at its end, as in fstab.
    CHECK(parse("\"mounts\": {\"/boot/efi//\": \"UUID=1\", \"/\": \"UUID=2\"}"));
    CHECK_STR(plan.mount[0].at, "/boot/efi");
    CHECK_STR(plan.mount[1].at, "/");
    // Just so long, and too long.
    char keys[400], name[200];
    memset(name, 'x', sizeof name);
    for (size_t len = 126; len <= 128; len++) {
        snprintf(keys, sizeof keys, "\"mounts\": {\"/%.*s\": \"UUID=1\"}", (int)len, name);
        CHECK_EQ(parse(keys), len + 1 < sizeof plan.mount[0].at);
        snprintf(keys, sizeof keys, "\"root\": \"UUID=%.*s\"", (int)len - 4, name);
        CHECK_EQ(parse(keys), len + 1 < sizeof plan.root);
    }
    for (size_t len = 74; len <= 75; len++) {
        snprintf(keys, sizeof keys, "\"mounts\": {\"/b\": \"UUID=%.*s\"}", (int)len, name);
        CHECK_EQ(parse(keys), len == 74);
    }
}

// ---- unlock ------------------------------------------------------------------------------------

static void test_unlock_values(void)
{
    static const char one[] = "plan: unlock[0].uuid: and one of";
    static const struct value values[] = {
        {"\"unlock\": []", NULL},
        {"\"unlock\": [{\"uuid\": \"a\", \"passphrase\": \"p\"}]", NULL},
        {"\"unlock\": [{\"uuid\": \"a\", \"key\": \"AA==\"}]", NULL},
        {"\"unlock\": [{\"uuid\": \"a\", \"key_file\": \"/k\"}]", NULL},
        {"\"unlock\": [{\"uuid\": \"a\", \"key_file\": \"keys/k\"}]", NULL},
        {"\"unlock\": {}", "plan: unlock: must be a list"},
        {"\"unlock\": [\"p\"]", "plan: unlock[0]: must be an object"},
        {"\"unlock\": [null]", "plan: unlock[0]: must be an object"},
        {"\"unlock\": [{}]", one},
        {"\"unlock\": [{\"passphrase\": \"p\"}]", one},
        {"\"unlock\": [{\"uuid\": \"a\"}]", one},
        {"\"unlock\": [{\"uuid\": \"a\", \"passphrase\": \"p\", \"key\": \"AA==\"}]", one},
        {"\"unlock\": [{\"uuid\": \"a\", \"passphrase\": \"p\", \"key_file\": \"/k\"}]", one},
        {"\"unlock\": [{\"uuid\": \"a\", \"key\": \"AA==\", \"key_file\": \"/k\"}]", one},
        {"\"unlock\": [{\"uuid\": \"a\", \"passphrase\": \"\"}]",
         "plan: unlock[0].passphrase: must have 1 to"},
        {"\"unlock\": [{\"uuid\": \"a\", \"key_file\": \"\"}]",
         "plan: unlock[0].key_file: must have 1 to"},
        {"\"unlock\": [{\"uuid\": \"\", \"passphrase\": \"p\"}]",
         "plan: unlock[0].uuid: must have 1 to"},
        {"\"unlock\": [{\"uuid\": 5, \"passphrase\": \"p\"}]",
         "plan: unlock[0].uuid: must be a string"},
        {"\"unlock\": [{\"uuid\": \"a\", \"passphrase\": 5}]",
         "plan: unlock[0].passphrase: must be a string"},
        {"\"unlock\": [{\"uuid\": \"a\", \"key\": \"\"}]", "plan: unlock[0].key: must be base64"},
        {"\"unlock\": [{\"uuid\": \"a\", \"key\": \"A\"}]", "plan: unlock[0].key: must be base64"},
        {"\"unlock\": [{\"uuid\": \"a\", \"key\": \"AA=A\"}]",
         "plan: unlock[0].key: must be base64"},
        {"\"unlock\": [{\"uuid\": \"a\", \"key\": \"AA==\\n\"}]",
         "plan: unlock[0].key: must be base64"},
        {"\"unlock\": [{\"uuid\": \"a\", \"key\": \"_-==\"}]",
         "plan: unlock[0].key: must be base64"},
        {"\"unlock\": [{\"uuid\": \"a\", \"key\": 5}]", "plan: unlock[0].key: must be base64"},
        {"\"unlock\": [{\"uuid\": \"a\", \"key\": null}]", "plan: unlock[0].key: must be base64"},
        {"\"unlock\": [{\"uuid\": \"a\", \"keyfile\": \"/k\"}]",
         "plan: unlock[0].keyfile: unknown key"},
        {"\"unlock\": [{\"uuid\": \"a\", \"key\": \"AA==\"}, {\"uuid\": \"b\"}]",
         "plan: unlock[1].uuid: and one of"},
    };
    CHECK_VALUES(values);
}

static void test_unlock_bytes(void)
{
    static unsigned char key[BF_KEY_MAX + 1];
    static char base64[2 * BF_KEY_MAX], keys[2 * BF_KEY_MAX + 100];
    CHECK(parse("\"unlock\": [{\"uuid\": \"a\", \"passphrase\": \" \\u00e4\\t\\n\"}]"));
    CHECK_EQ(plan.unlock[0].key_len, 5);
    CHECK(memcmp(plan.unlock[0].key, " \xc3\xa4\t\n", 5) == 0);
    CHECK(!parse("\"unlock\": [{\"uuid\": \"a\", \"passphrase\": \"a\\u0000b\"}]"));
    // As many keys as there may be, and each as long as it may be.
    size_t n = 0;
    n += (size_t)snprintf(keys, sizeof keys, "\"unlock\": [");
    for (int i = 0; i < BF_PLAN_KEYS; i++)
        n += (size_t)snprintf(keys + n, sizeof keys - n,
                              "%s{\"uuid\": \"%d\", \"key_file\": \"/k%d\"}", i ? "," : "", i, i);
    snprintf(keys + n, sizeof keys - n, "]");
    CHECK(parse(keys) && plan.unlocks == BF_PLAN_KEYS);
    CHECK_STR(plan.unlock[7].key_file, "/k7");
    snprintf(keys + n, sizeof keys - n, ",{\"uuid\": \"x\", \"key_file\": \"/k\"}]");
    CHECK(!parse(keys));
    memset(base64, 'A', sizeof base64);
    for (size_t len = BF_PASSPHRASE_MAX - 2; len <= BF_PASSPHRASE_MAX; len++) {
        snprintf(keys, sizeof keys, "\"unlock\": [{\"uuid\": \"a\", \"passphrase\": \"%.*s\"}]",
                 (int)len, base64);
        CHECK_EQ(parse(keys), len < BF_PASSPHRASE_MAX);
    }
    // 8190 bytes are 10920 characters, and 8193 are four more.
    snprintf(keys, sizeof keys, "\"unlock\": [{\"uuid\": \"a\", \"key\": \"%.*s\"}]", 10920,
             base64);
    CHECK(parse(keys));
    CHECK_EQ(plan.unlock[0].key_len, 8190);
    CHECK(memcmp(plan.unlock[0].key, key, 8190) == 0);
    snprintf(keys, sizeof keys, "\"unlock\": [{\"uuid\": \"a\", \"key\": \"%.*s\"}]", 10924,
             base64);
    CHECK(!parse(keys));
    CHECK(strncmp(fault.what, "plan: unlock[0].key: must be base64 of 1 to 8192", 45) == 0);
}

// ---- Evidence ----------------------------------------------------------------------------------

#define WORD "0123456789abcdef0123456789abcdef"

#define PEM "-----BEGIN CERTIFICATE-----\\nMIIB+/==\\n-----END CERTIFICATE-----\\n"
#define TO  "\"report_to\": \"https://a/\""

static void test_evidence(void)
{
    CHECK(parse("\"evidence\": {\"word\": \"" WORD "\"}"));
    CHECK_STR(plan.evidence_word, WORD);
    CHECK_STR(plan.evidence_to, "");
    CHECK(parse("\"evidence\": {\"word\": \"" WORD "\", \"report_to\": "
                "\"https://[2001:db8::1]:7443/a?b=c&d=%20\"}"));
    CHECK_STR(plan.evidence_to, "https://[2001:db8::1]:7443/a?b=c&d=%20");
    CHECK_STR(plan.evidence_ca, "");
    CHECK(parse("\"agents\": \"keep\""));
    CHECK_STR(plan.evidence_word, "");
    // A failover gives it its word.
    CHECK(parse("\"evidence\": {\"report_to\": \"https://a/\"}"));
    CHECK_STR(plan.evidence_word, "");
    CHECK_STR(plan.evidence_to, "https://a/");
    CHECK(parse("\"evidence\": {\"report_to\": \"https://a/\", \"ca\": \"" PEM "\"}"));
    CHECK_STR(plan.evidence_ca, "-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END "
                                "CERTIFICATE-----\n");
}

static void test_evidence_that_is_none(void)
{
    static const struct value values[] = {
        {"\"evidence\": true", "plan: evidence: must be an object"},
        {"\"evidence\": {}", "plan: evidence.word: must be 32"},
        {"\"evidence\": {\"word\": \"0123\"}", "plan: evidence.word: must be 32"},
        {"\"evidence\": {\"word\": \"" WORD "0\"}", "plan: evidence.word: must have 1 to 32"},
        {"\"evidence\": {\"word\": \"0123456789ABCDEF0123456789abcdef\"}",
         "plan: evidence.word: must be 32"},
        {"\"evidence\": {\"word\": \"" WORD "\", \"more\": 1}", "plan: evidence.more: unknown key"},
        {"\"evidence\": {\"word\": \"" WORD "\", \"report_to\": \"http://a/\"}",
         "plan: evidence.report_to: must be a URL"},
        {"\"evidence\": {\"word\": \"" WORD "\", \"report_to\": \"https:///x\"}",
         "plan: evidence.report_to: must be a URL"},
        {"\"evidence\": {\"word\": \"" WORD "\", \"report_to\": \"https://a/'x\"}",
         "plan: evidence.report_to: must be a URL"},
        {"\"evidence\": {\"word\": \"" WORD "\", \"report_to\": \"https://a/ b\"}",
         "plan: evidence.report_to: must be a URL"},
        {"\"evidence\": {\"word\": \"" WORD "\", \"report_to\": \"https://a/\\nb\"}",
         "plan: evidence.report_to: must be a URL"},
        {"\"evidence\": {\"word\": \"01\", " TO "}", "plan: evidence.word: must be 32"},
        {"\"evidence\": {\"word\": \"" WORD "\", \"ca\": \"" PEM "\"}",
         "plan: evidence.ca: needs \"report_to\""},
        {"\"evidence\": {\"ca\": \"" PEM "\"}", "plan: evidence.word: must be 32"},
        {"\"evidence\": {" TO ", \"ca\": \"\"}", "plan: evidence.ca: must have 1 to 8191"},
        {"\"evidence\": {" TO ", \"ca\": \"MIIB\"}", "plan: evidence.ca: must be certificates"},
        {"\"evidence\": {" TO ", \"ca\": \"" PEM "'; reboot; '\"}",
         "plan: evidence.ca: must be certificates"},
        {"\"evidence\": {" TO ", \"ca\": \"-----BEGIN CERTIFICATE-----\\nMIIB\"}",
         "plan: evidence.ca: must be certificates"},
        {"\"evidence\": {" TO ", \"ca\": \"" PEM "-----BEGIN PRIVATE KEY-----\"}",
         "plan: evidence.ca: must be certificates"},
        {"\"evidence\": {" TO ", \"ca\": 1}", "plan: evidence.ca: must be a string"},
    };
    CHECK_VALUES(values);
}

TEST_MAIN(TEST(test_evidence), TEST(test_evidence_that_is_none), TEST(test_choices),
          TEST(test_checks), TEST(test_switches), TEST(test_targets), TEST(test_root_and_mounts),
          TEST(test_unlock_values), TEST(test_unlock_bytes))
