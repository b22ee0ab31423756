// SPDX-License-Identifier: Apache-2.0
// What the headers of LUKS devices say of their key slots: made here, whole, broken and hostile.
#include "finalize/archive/luks.h"

#include "finalize/core/text.h"
#include "tests/luks_copy.h"
#include "tests/unit/test.h"

#define HEAD ((size_t)64 << 10)

static unsigned char head[HEAD];
static struct bf_luks luks;

static void put16(size_t at, unsigned n)
{
    head[at] = (unsigned char)(n >> 8);
    head[at + 1] = (unsigned char)n;
}

static void put32(size_t at, uint32_t n)
{
    put16(at, n >> 16);
    put16(at + 2, n & 0xffff);
}

static void begin(unsigned version)
{
    memset(head, 0, sizeof head);
    memcpy(head, "LUKS\xba\xbe", 6);
    put16(6, version);
    memcpy(head + 168, "01234567-89ab-cdef-0123-456789abcdef", 36);
}

static void seal(size_t at, size_t size, const char *sum)
{
    if (at + size <= sizeof head)
        luks_seal(head, at, size, sum);
}

static char *shown(void)
{
    static char out[1024];
    size_t n =
        (size_t)snprintf(out, sizeof out, "%zu slots, %zu free", luks.slots, luks.free_slots);
    for (size_t i = 0; i < luks.bounds; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "; %u: %s", luks.bound[i].slot,
                              luks.bound[i].by);
    return out;
}

// ---- LUKS2 --------------------------------------------------------------------------------------

static enum bf_err read_json(const char *json)
{
    begin(2);
    CHECK(strlen(json) < 16384 - 4096);
    memcpy(head + 4096, json, strlen(json));
    seal(0, 16384, "sha256");
    return bf_luks_read(head, sizeof head, &luks);
}

#define SLOT     "{\"type\":\"luks2\",\"kdf\":{\"type\":\"pbkdf2\"}}"
#define SLOTS(x) "{\"keyslots\":{" x "},"
#define TWO      SLOTS("\"0\":" SLOT ",\"1\":" SLOT)
#define TOKEN(t) "\"tokens\":{\"0\":" t "}}"
#define CLEVIS   "{\"type\":\"clevis\",\"keyslots\":[\"1\"],\"jwe\":{\"protected\":\""
#define JWE(b)   TOKEN(CLEVIS b "\"}}")
// {"clevis":{"pin":"tpm2"}} and so on, as Base64 for URLs.
#define PIN_TPM   "eyJjbGV2aXMiOnsicGluIjoidHBtMiJ9fQ"
#define PIN_TANG  "eyJjbGV2aXMiOnsicGluIjoidGFuZyJ9fQ"
#define PIN_OTHER "eyJjbGV2aXMiOnsicGluIjoieWlwcGVlIn19"
// {"clevis":{"pin":"sss","sss":{"jwe":["TPM.x.y","TANG.x.y"]}}}
#define PIN_SSS                                                                                    \
    "eyJjbGV2aXMiOnsicGluIjoic3NzIiwic3NzIjp7Imp3ZSI6WyJleUpqYkdWMmFYTWlPbnNpY0dsdUlqb2lkSEJ0TWlK" \
    "OWZRLngueSIsImV5SmpiR1YyYVhNaU9uc2ljR2x1SWpvaWRHRnVaeUo5ZlEueC55Il19fX0"

static const struct {
    const char *json, *want;
} opened[] = {
    {TWO "\"tokens\":{}}", "2 slots, 2 free"},
    {SLOTS("\"31\":" SLOT) "\"tokens\":{}}", "1 slots, 1 free"},
    {SLOTS("") "\"tokens\":{}}", "0 slots, 0 free"},
    {"{}", "0 slots, 0 free"},
    {TWO TOKEN("{\"type\":\"systemd-tpm2\",\"keyslots\":[\"1\"]}"),
     "2 slots, 1 free; 1: systemd-tpm2"},
    {TWO TOKEN("{\"type\":\"systemd-fido2\",\"keyslots\":[\"0\",\"1\"]}"),
     "2 slots, 0 free; 0: systemd-fido2"},
    {TWO TOKEN("{\"type\":\"systemd-pkcs11\",\"keyslots\":[\"0\"]}"),
     "2 slots, 1 free; 0: systemd-pkcs11"},
    // A recovery key is typed.
    {TWO TOKEN("{\"type\":\"systemd-recovery\",\"keyslots\":[\"1\"]}"),
     "2 slots, 2 free; 1: systemd-recovery"},
    {TWO TOKEN("{\"type\":\"luks2-keyring\",\"keyslots\":[\"0\"],\"key_description\":\"k\"}"),
     "2 slots, 2 free; 0: luks2-keyring"},
    {TWO TOKEN("{\"type\":\"vendor\",\"keyslots\":[\"1\"]}"),
     "2 slots, 2 free; 1: a token of another kind"},
    // Tokens of no slot open nothing.
    {TWO TOKEN("{\"type\":\"systemd-tpm2\",\"keyslots\":[]}"), "2 slots, 2 free"},
    {TWO TOKEN("{\"type\":\"systemd-tpm2\"}"), "2 slots, 2 free"},
    {TWO TOKEN("{\"keyslots\":[\"1\"]}"), "2 slots, 2 free"},
    {TWO TOKEN("{\"type\":7,\"keyslots\":[\"1\"]}"), "2 slots, 2 free"},
    {TWO TOKEN("{\"type\":\"systemd-tpm2\",\"keyslots\":[1]}"), "2 slots, 2 free"},
    {TWO TOKEN("{\"type\":\"systemd-tpm2\",\"keyslots\":[\"32\",\"-1\",\"99999999999\"]}"),
     "2 slots, 2 free"},
    {TWO TOKEN("[\"systemd-tpm2\"]"), "2 slots, 2 free"},
    {TWO TOKEN("null"), "2 slots, 2 free"},
    // Clevis.
    {TWO JWE(PIN_TPM), "2 slots, 1 free; 1: clevis tpm2"},
    {TWO JWE(PIN_TANG), "2 slots, 1 free; 1: clevis tang"},
    {TWO JWE(PIN_OTHER), "2 slots, 1 free; 1: clevis"},
    {TWO JWE(PIN_SSS), "2 slots, 1 free; 1: clevis tpm2; 1: clevis tang"},
    {TWO JWE(""), "2 slots, 1 free; 1: clevis"},
    {TWO JWE("!!!"), "2 slots, 1 free; 1: clevis"},
    {TWO JWE("e30"), "2 slots, 1 free; 1: clevis"}, // {}
    {TWO JWE("eyJ"), "2 slots, 1 free; 1: clevis"}, // cut off
    {TWO TOKEN("{\"type\":\"clevis\",\"keyslots\":[\"1\"]}"), "2 slots, 1 free; 1: clevis"},
    {TWO TOKEN("{\"type\":\"clevis\",\"keyslots\":[\"1\"],\"jwe\":[]}"),
     "2 slots, 1 free; 1: clevis"},
};

static void test_what_opens_the_slots_of_luks2(void)
{
    for (size_t i = 0; i < BF_COUNT(opened); i++) {
        CHECK_EQ(read_json(opened[i].json), BF_OK);
        CHECK_STR(shown(), opened[i].want);
        CHECK_EQ(luks.version, 2);
        CHECK_EQ(luks.head_size, 16384);
        CHECK_STR(luks.uuid, "01234567-89ab-cdef-0123-456789abcdef");
    }
}

// While a device is encrypted anew a slot of its own kind holds the state of that: no passphrase
// opens it.
static void test_a_slot_of_reencryption_opens_nothing(void)
{
    CHECK_EQ(read_json(SLOTS("\"0\":" SLOT ",\"2\":{\"type\":\"reencrypt\",\"mode\":\"reencrypt\"}")
                           TOKEN("{\"type\":\"systemd-tpm2\",\"keyslots\":[\"0\"]}")),
             BF_OK);
    CHECK_STR(shown(), "1 slots, 0 free; 0: systemd-tpm2");
}

static void test_the_memory_of_the_most_demanding_slot(void)
{
    static const struct {
        const char *slots;
        uint64_t kib;
    } row[] = {
        {"\"0\":{\"kdf\":{\"type\":\"argon2id\",\"memory\":1048576}}", 1048576},
        {"\"0\":{\"kdf\":{\"memory\":1}},\"1\":{\"kdf\":{\"memory\":4096}}", 4096},
        {"\"0\":{\"kdf\":{\"memory\":4096}},\"1\":{\"kdf\":{\"memory\":1}}", 4096},
        {"\"0\":{\"kdf\":{\"memory\":-5}}", 0},
        {"\"0\":{\"kdf\":{\"memory\":\"1048576\"}}", 0},
        {"\"0\":{\"kdf\":{\"memory\":9223372036854775807}}", INT64_MAX},
        {"\"0\":{\"kdf\":[]}", 0},
        {"\"0\":[]", 0},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        char json[300];
        snprintf(json, sizeof json, "{\"keyslots\":{%s}}", row[i].slots);
        CHECK_EQ(read_json(json), BF_OK);
        CHECK_EQ(luks.kdf_kib, row[i].kib);
    }
}

static void test_broken_json(void)
{
    static const char *const bad[] = {
        "", "{", "[]", "null", "7", "\"{}\"", "{\"keyslots\":}", "{}x", "{\"a\":\"\xff\"}",
    };
    for (size_t i = 0; i < BF_COUNT(bad); i++)
        CHECK_EQ(read_json(bad[i]), BF_ERR_PROTOCOL);
    CHECK_EQ(read_json("{\"keyslots\":[],\"tokens\":[]}"), BF_OK);
    CHECK_STR(shown(), "0 slots, 0 free");
}

// The text ends where the header says, or at its first NUL.
static void test_json_stays_inside_its_header(void)
{
    static const struct {
        uint64_t size;
        enum bf_err want;
    } row[] = {
        {0, BF_ERR_PROTOCOL},
        {4096, BF_ERR_PROTOCOL},
        {4097, BF_ERR_PROTOCOL},
        {4096 + 12, BF_ERR_PROTOCOL},
        {4096 + 15, BF_OK},
        {16384, BF_OK},
        {HEAD, BF_OK},
        {HEAD + 1, BF_ERR_PROTOCOL},
        {UINT64_MAX, BF_ERR_PROTOCOL},
        {1ULL << 63, BF_ERR_PROTOCOL},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        read_json("{\"keyslots\":{}}");
        if (row[i].size > 4096)
            seal(0, (size_t)row[i].size, "sha256");
        put32(8, (uint32_t)(row[i].size >> 32));
        put32(12, (uint32_t)row[i].size);
        CHECK_EQ(bf_luks_read(head, sizeof head, &luks), row[i].want);
    }
}

// ---- The second copy ----------------------------------------------------------------------------

// Two copies at `size`, of one slot and of two; their sequence numbers.
static void two_copies(size_t size, uint32_t first, uint32_t second)
{
    read_json(SLOTS("\"0\":" SLOT) "\"tokens\":{}}");
    memcpy(head + size, head, 4096);
    memcpy(head + size, "SKUL", 4);
    memcpy(head + size + 168, "second", 7);
    memcpy(head + size + 4096, TWO "\"tokens\":{}}", sizeof TWO "\"tokens\":{}}");
    put32(16 + 4, first);
    put32(size + 16 + 4, second);
    seal(0, size, "sha256");
    seal(size, size, "sha512");
}

static void expect_copy(int copy)
{
    enum bf_err err = bf_luks_read(head, sizeof head, &luks);
    CHECK_EQ(err, copy ? BF_OK : BF_ERR_PROTOCOL);
    if (copy) {
        CHECK_STR(shown(), copy == 2 ? "2 slots, 2 free" : "1 slots, 1 free");
        CHECK_EQ(luks.second, copy == 2);
        CHECK_STR(luks.uuid, copy == 2 ? "second" : "01234567-89ab-cdef-0123-456789abcdef");
    }
}

static void test_the_later_copy(void)
{
    two_copies(16384, 3, 3);
    expect_copy(1);
    two_copies(16384, 4, 3);
    expect_copy(1);
    two_copies(16384, 3, 4);
    expect_copy(2);
}

// A byte of the first copy is damaged: magic, version, size, sequence, checksum's name, salt,
// place, checksum, padding, JSON.
static void test_a_damaged_first_copy(void)
{
    static const size_t at[] = {0, 5, 6, 7, 13, 14, 23, 72, 104, 263, 448, 479, 1000, 4096, 16383};
    static const size_t sizes[] = {16384, 32768};
    for (size_t k = 0; k < BF_COUNT(sizes); k++)
        for (size_t i = 0; i < BF_COUNT(at); i++) {
            two_copies(sizes[k], 4, 3);
            head[at[i]] ^= 0x40;
            expect_copy(2);
            two_copies(sizes[k], 3, 4);
            head[sizes[k] + at[i]] ^= 0x40;
            expect_copy(1);
            head[at[i]] ^= 0x40;
            expect_copy(0);
        }
    two_copies(16384, 3, 4);
    memset(head, 0, 16384);
    expect_copy(2);
}

static void test_copies_in_wrong_places(void)
{
    two_copies(16384, 4, 3);
    memmove(head + 32768, head + 16384, 16384); // a sound one that says where it should be
    memset(head, 0, 32768);
    expect_copy(0);
    two_copies(20480, 4, 3); // no size that the format allows: found by the first copy only
    expect_copy(1);
    head[4096] ^= 1;
    expect_copy(0);
    two_copies(16384, 4, 3);
    memset(head, 0, 16384);
    memcpy(head + 16384, "LUKS", 4); // the first one's magic
    seal(16384, 16384, "sha256");
    expect_copy(0);
    two_copies(16384, 4, 3);
    memset(head, 0, 16384);
    for (size_t len = 0; len < 32768; len += 1021)
        CHECK_EQ(bf_luks_read(head, len, &luks), BF_ERR_PROTOCOL);
    CHECK_EQ(bf_luks_read(head, 32768, &luks), BF_OK);
}

static void test_names_of_checksums(void)
{
    static const char *const good[] = {"sha1", "sha256", "sha384", "sha512"};
    static const char *const bad[] = {"", "none", "sha25", "sha256x",
                                      "12345678901234567890123456789012"};
    for (size_t i = 0; i < BF_COUNT(good) + BF_COUNT(bad); i++) {
        bool fine = i < BF_COUNT(good);
        read_json("{}");
        seal(0, 16384, "sha256");
        if (fine)
            seal(0, 16384, good[i]);
        else
            memset(head + 72, 0, 32),
                memcpy(head + 72, bad[i - BF_COUNT(good)], strlen(bad[i - BF_COUNT(good)]));
        CHECK_EQ(bf_luks_read(head, sizeof head, &luks), fine ? BF_OK : BF_ERR_PROTOCOL);
    }
}

// Only so many bounds are kept; all slots are counted.
static void test_many_tokens(void)
{
    struct bf_text t = {0};
    bf_text_str(&t, "{\"keyslots\":{");
    for (int i = 0; i < 32; i++)
        bf_textf(&t, "%s\"%d\":" SLOT, i ? "," : "", i);
    bf_text_str(&t, "},\"tokens\":{");
    for (int i = 0; i < 31; i++)
        bf_textf(&t, "%s\"%d\":{\"type\":\"systemd-tpm2\",\"keyslots\":[\"%d\"]}", i ? "," : "", i,
                 i);
    bf_text_str(&t, "}}");
    CHECK_EQ(read_json(bf_text_get(&t)), BF_OK);
    bf_text_free(&t);
    CHECK_EQ(luks.bounds, BF_LUKS_BOUNDS);
    CHECK_EQ(luks.slots, 32);
    CHECK_EQ(luks.free_slots, 1);
}

static void test_kinds_of_bounds(void)
{
    static const struct {
        const char *json;
        enum bf_luks_bound_to to;
    } row[] = {
        {TWO TOKEN("{\"type\":\"systemd-tpm2\",\"keyslots\":[\"1\"]}"), BF_LUKS_TPM},
        {TWO TOKEN("{\"type\":\"systemd-fido2\",\"keyslots\":[\"1\"]}"), BF_LUKS_TOKEN},
        {TWO TOKEN("{\"type\":\"systemd-pkcs11\",\"keyslots\":[\"1\"]}"), BF_LUKS_TOKEN},
        {TWO TOKEN("{\"type\":\"systemd-recovery\",\"keyslots\":[\"1\"]}"), BF_LUKS_RECOVERY},
        {TWO TOKEN("{\"type\":\"x\",\"keyslots\":[\"1\"]}"), BF_LUKS_OTHER},
        {TWO JWE(PIN_TPM), BF_LUKS_TPM},
        {TWO JWE(PIN_TANG), BF_LUKS_NETWORK},
        {TWO JWE(PIN_OTHER), BF_LUKS_OTHER},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        CHECK_EQ(read_json(row[i].json), BF_OK);
        CHECK_EQ(luks.bounds, 1);
        CHECK_EQ(luks.bound[0].to, row[i].to);
    }
}

// ---- LUKS1 --------------------------------------------------------------------------------------

#define USED   0x00ac71f3u
#define UNUSED 0x0000deadu
#define META   8192

// Slots of one sector's material each, from sector 8 on; luksmeta's area follows.
static void begin1(unsigned used)
{
    begin(1);
    put32(104, 64); // the payload, in sectors
    put32(108, 32); // bytes of the key
    for (unsigned i = 0; i < 8; i++) {
        size_t at = 208 + (size_t)i * 48;
        put32(at, used >> i & 1 ? USED : UNUSED);
        put32(at + 40, 8 + i);
        put32(at + 44, 16); // stripes
    }
}

static void put_meta(unsigned slot, uint32_t from, uint32_t size, const char *text)
{
    static const unsigned char clevis[16] = {0xcb, 0x6e, 0x89, 0x04, 0x81, 0xff, 0x40, 0xda,
                                             0xa8, 0x4a, 0x07, 0xab, 0x9a, 0xb5, 0x71, 0x5e};
    size_t at = META + 16 + (size_t)slot * 32;
    memcpy(head + META, "LUKSMETA", 8);
    memcpy(head + at, clevis, sizeof clevis);
    put32(at + 16, from);
    put32(at + 20, size);
    if (from <= HEAD - META && strlen(text) <= HEAD - META - from)
        memcpy(head + META + from, text, strlen(text));
}

static void test_slots_of_luks1(void)
{
    static const struct {
        unsigned used;
        const char *want;
    } row[] = {{0, "0 slots, 0 free"},
               {1, "1 slots, 1 free"},
               {0x80, "1 slots, 1 free"},
               {0xff, "8 slots, 8 free"}};
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        begin1(row[i].used);
        CHECK_EQ(bf_luks_read(head, sizeof head, &luks), BF_OK);
        CHECK_STR(shown(), row[i].want);
        CHECK_EQ(luks.version, 1);
        CHECK_EQ(bf_luks_read(head, 592, &luks), BF_OK); // no more than the header is there
        CHECK_STR(shown(), row[i].want);
    }
}

static void test_luksmeta(void)
{
    static const struct {
        uint32_t from, size;
        const char *text, *want;
    } row[] = {
        {4096, 36, PIN_TPM ".x", "2 slots, 1 free; 1: clevis tpm2"},
        {4096, 34, PIN_TANG, "2 slots, 1 free; 1: clevis tang"},
        {4096, 20, PIN_TANG, "2 slots, 1 free; 1: clevis"}, // cut off
        {4096, 0, PIN_TANG, "2 slots, 1 free; 1: clevis"},
        {32768 - META, 0, "", "2 slots, 1 free; 1: clevis"},
        {32768 - META, 1, "", "2 slots, 1 free; 1: clevis"}, // into the payload
        {32768 - META - 34, 34, PIN_TPM, "2 slots, 1 free; 1: clevis tpm2"},
        {0xffffffff, 0xffffffff, "", "2 slots, 1 free; 1: clevis"},
        {4096, 0xffffffff, PIN_TPM, "2 slots, 1 free; 1: clevis"},
    };
    for (size_t i = 0; i < BF_COUNT(row); i++) {
        begin1(3);
        put_meta(1, row[i].from, row[i].size, row[i].text);
        CHECK_EQ(bf_luks_read(head, sizeof head, &luks), BF_OK);
        CHECK_STR(shown(), row[i].want);
    }
}

// Key material that reaches to the end of the world leaves no room for luksmeta.
static void test_hostile_material_of_luks1(void)
{
    for (unsigned field = 0; field < 4; field++) {
        begin1(3);
        put_meta(1, 4096, 34, PIN_TPM);
        if (field == 0)
            put32(108, 0xffffffff);
        else if (field == 1)
            put32(208 + 40, 0xffffffff);
        else if (field == 2)
            put32(208 + 44, 0xffffffff);
        else
            put32(104, 0); // no payload: no room before it
        CHECK_EQ(bf_luks_read(head, sizeof head, &luks), BF_OK);
        CHECK_STR(shown(), "2 slots, 2 free");
    }
    begin1(3);
    put_meta(1, 4096, 34, PIN_TPM);
    put32(108, 0xffffffff);
    for (unsigned i = 0; i < 8; i++) {
        put32(208 + i * 48 + 40, 0xffffffff);
        put32(208 + i * 48 + 44, 0xffffffff);
    }
    CHECK_EQ(bf_luks_read(head, sizeof head, &luks), BF_OK);
}

static void test_what_is_no_header(void)
{
    static const size_t flip[] = {0, 3, 4, 5, 6};
    for (size_t i = 0; i < BF_COUNT(flip); i++) {
        begin1(1);
        head[flip[i]] ^= 0x20;
        CHECK_EQ(bf_luks_read(head, sizeof head, &luks), BF_ERR_PROTOCOL);
    }
    for (unsigned version = 0; version < 6; version++) {
        begin1(1);
        put16(6, version);
        CHECK_EQ(bf_luks_read(head, sizeof head, &luks) == BF_OK, version == 1);
    }
    begin1(1);
    for (size_t len = 0; len < 592; len++)
        CHECK_EQ(bf_luks_read(head, len, &luks), BF_ERR_PROTOCOL);
    read_json("{}");
    for (size_t len = 0; len < 16384; len += 97)
        CHECK_EQ(bf_luks_read(head, len, &luks), BF_ERR_PROTOCOL);
    CHECK_EQ(bf_luks_read(head, 16384, &luks), BF_OK);
    begin1(1); // a UUID without an end
    memset(head + 168, 'x', 40);
    CHECK_EQ(bf_luks_read(head, sizeof head, &luks), BF_OK);
    CHECK_EQ(strlen(luks.uuid), 39);
}

TEST_MAIN(TEST(test_what_opens_the_slots_of_luks2), TEST(test_a_slot_of_reencryption_opens_nothing),
          TEST(test_the_memory_of_the_most_demanding_slot), TEST(test_broken_json),
          TEST(test_json_stays_inside_its_header), TEST(test_many_tokens),
          TEST(test_kinds_of_bounds), TEST(test_the_later_copy), TEST(test_a_damaged_first_copy),
          TEST(test_copies_in_wrong_places), TEST(test_names_of_checksums),
          TEST(test_slots_of_luks1), TEST(test_luksmeta), TEST(test_hostile_material_of_luks1),
          TEST(test_what_is_no_header))
