// SPDX-License-Identifier: Apache-2.0
// See luks.h. What clevis keeps is a JWE whose protected header names the pin; the pin "sss" holds
// further JWEs (clevis(1), RFC 7516).
#include "finalize/archive/luks.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config.h"

#define SECTOR         512
#define LUKS1_HEAD     592
#define LUKS1_SLOTS    8
#define LUKS1_USED     0x00ac71f3u
#define LUKS2_JSON     4096
#define LUKS2_SIZE_MIN ((size_t)16 << 10)
#define LUKS2_SIZE_MAX ((size_t)4 << 20)
#define LUKS2_SUM_NAME 72
#define LUKS2_OFFSET   256
#define LUKS2_SUM      448
#define LUKS2_SUM_LEN  64
#define META_ALIGN     4096
#define META_HEAD      272
#define JWE_MAX        16384
#define JWE_DEPTH      4
#define SLOTS_MAX      32

static const unsigned char luks_magic[8] = {'L', 'U', 'K', 'S', 0xba, 0xbe, 0, 0};
static const unsigned char second_magic[6] = {'S', 'K', 'U', 'L', 0xba, 0xbe};

static void bind(struct bf_luks *out, enum bf_luks_bound_to to, const char *by, unsigned slot)
{
    for (size_t i = 0; i < out->bounds; i++)
        if (out->bound[i].slot == slot && strcmp(out->bound[i].by, by) == 0)
            return;
    if (out->bounds == BF_LUKS_BOUNDS)
        return;
    struct bf_luks_bound *b = &out->bound[out->bounds++];
    b->to = to;
    b->slot = slot;
    snprintf(b->by, sizeof b->by, "%s", by);
}

// ---- Clevis ------------------------------------------------------------------------------------

// Base64 for URLs without padding (RFC 4648, section 5), as JSON; NULL when it is not.
static json_t *decode(const char *text, size_t len)
{
    char *plain = len && len <= JWE_MAX ? malloc(len + 4) : NULL;
    unsigned char *bytes = plain ? malloc(len) : NULL;
    size_t n = 0, room = len;
    for (size_t i = 0; bytes && i < len; i++)
        plain[n++] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    while (bytes && n % 4)
        plain[n++] = '=';
    bool ok = bytes && !bf_base64_decode(plain, n, bytes, &room);
    json_t *json = ok ? json_loadb((const char *)bytes, room, 0, NULL) : NULL;
    free(bytes);
    free(plain);
    return json;
}

static void read_jwe(struct bf_luks *out, const char *text, size_t len, unsigned slot, int depth);

// The pin that a protected header names, and those below it.
static void read_pin(struct bf_luks *out, const json_t *header, unsigned slot, int depth)
{
    const json_t *clevis = json_object_get(header, "clevis");
    const char *pin = json_string_value(json_object_get(clevis, "pin"));
    const json_t *nested, *jwe;
    size_t i;
    if (!pin) {
        bind(out, BF_LUKS_OTHER, "clevis", slot);
    } else if (strcmp(pin, "tpm2") == 0) {
        bind(out, BF_LUKS_TPM, "clevis tpm2", slot);
    } else if (strcmp(pin, "tang") == 0) {
        bind(out, BF_LUKS_NETWORK, "clevis tang", slot);
    } else if (strcmp(pin, "sss") == 0) {
        nested = json_object_get(json_object_get(clevis, "sss"), "jwe");
        json_array_foreach(nested, i, jwe)
        {
            if (json_is_string(jwe) && depth < JWE_DEPTH && out->bounds < BF_LUKS_BOUNDS)
                read_jwe(out, json_string_value(jwe), json_string_length(jwe), slot, depth + 1);
        }
    } else {
        bind(out, BF_LUKS_OTHER, "clevis", slot);
    }
}

// A JWE in its compact form, or its protected header alone, which is the first of the parts.
static void read_jwe(struct bf_luks *out, const char *text, size_t len, unsigned slot, int depth)
{
    const char *dot = memchr(text, '.', len);
    json_t *header = decode(text, dot ? (size_t)(dot - text) : len);
    read_pin(out, header, slot, depth);
    json_decref(header);
}

// ---- LUKS1 -------------------------------------------------------------------------------------

// Where luksmeta's area begins: behind the last key slot's material.
static uint64_t meta_at(const unsigned char *head)
{
    uint64_t end = 0, key_bytes = bf_be32(head + 108);
    for (size_t i = 0; i < LUKS1_SLOTS; i++) {
        const unsigned char *slot = head + 208 + i * 48;
        uint64_t material = key_bytes * bf_be32(slot + 44);
        uint64_t last = (bf_be32(slot + 40) + (material + SECTOR - 1) / SECTOR) * SECTOR;
        end = last > end ? last : end;
    }
    return (end + META_ALIGN - 1) / META_ALIGN * META_ALIGN;
}

static void read_meta(const unsigned char *head, size_t len, struct bf_luks *out)
{
    static const unsigned char clevis[16] = {0xcb, 0x6e, 0x89, 0x04, 0x81, 0xff, 0x40, 0xda,
                                             0xa8, 0x4a, 0x07, 0xab, 0x9a, 0xb5, 0x71, 0x5e};
    uint64_t at = meta_at(head), limit = (uint64_t)bf_be32(head + 104) * SECTOR;
    limit = limit < len ? limit : len;
    if (at > limit || limit - at < META_HEAD || memcmp(head + at, "LUKSMETA", 8) != 0)
        return;
    for (unsigned i = 0; i < LUKS1_SLOTS; i++) {
        const unsigned char *slot = head + at + 16 + (size_t)i * 32;
        uint64_t from = bf_be32(slot + 16), size = bf_be32(slot + 20);
        if (memcmp(slot, clevis, sizeof clevis) != 0)
            continue;
        if (from > limit - at || size > limit - at - from)
            bind(out, BF_LUKS_OTHER, "clevis", i);
        else
            read_jwe(out, (const char *)head + at + from, (size_t)size, i, 0);
    }
}

static enum bf_err read_luks1(const unsigned char *head, size_t len, struct bf_luks *out)
{
    if (len < LUKS1_HEAD)
        return BF_ERR_PROTOCOL;
    read_meta(head, len, out);
    for (unsigned i = 0; i < LUKS1_SLOTS; i++) {
        bool bound = false;
        if (bf_be32(head + 208 + (size_t)i * 48) != LUKS1_USED)
            continue;
        for (size_t k = 0; k < out->bounds; k++)
            bound = bound || out->bound[k].slot == i;
        out->slots++;
        out->free_slots += !bound;
    }
    return BF_OK;
}

// ---- LUKS2 -------------------------------------------------------------------------------------

static const struct {
    const char *type;
    enum bf_luks_bound_to to;
} token_types[] = {
    {"systemd-tpm2", BF_LUKS_TPM},       {"systemd-fido2", BF_LUKS_TOKEN},
    {"systemd-pkcs11", BF_LUKS_TOKEN},   {"systemd-recovery", BF_LUKS_RECOVERY},
    {"luks2-keyring", BF_LUKS_RECOVERY},
};

// The slots of a token, as bits; *first is one of them.
static uint32_t token_slots(const json_t *token, unsigned *first)
{
    const json_t *list = json_object_get(token, "keyslots"), *name;
    uint32_t bits = 0;
    size_t i;
    json_array_foreach(list, i, name)
    {
        const char *text = json_string_value(name);
        unsigned long n = text ? strtoul(text, NULL, 10) : SLOTS_MAX;
        if (n < SLOTS_MAX) {
            *first = bits ? *first : (unsigned)n;
            bits |= 1u << n;
        }
    }
    return bits;
}

// What a token says of its slots: those bits, when a passphrase does not open them.
static uint32_t read_token(const json_t *token, struct bf_luks *out)
{
    const char *type = json_string_value(json_object_get(token, "type"));
    unsigned first = 0;
    uint32_t bits = token_slots(token, &first);
    const json_t *jwe = json_object_get(json_object_get(token, "jwe"), "protected");
    if (!type || !bits)
        return 0;
    if (strcmp(type, "clevis") == 0) {
        const char *text = json_string_value(jwe);
        read_jwe(out, text ? text : "", text ? strlen(text) : 0, first, 0);
        return bits;
    }
    for (size_t i = 0; i < BF_COUNT(token_types); i++)
        if (strcmp(type, token_types[i].type) == 0) {
            bind(out, token_types[i].to, type, first);
            return token_types[i].to == BF_LUKS_RECOVERY ? 0 : bits;
        }
    bind(out, BF_LUKS_OTHER, "a token of another kind", first);
    return 0;
}

static void read_slots(const json_t *slots, uint32_t bound, struct bf_luks *out)
{
    const char *number;
    json_t *slot;
    json_object_foreach((json_t *)slots, number, slot)
    {
        unsigned long n = strtoul(number, NULL, 10);
        const char *type = json_string_value(json_object_get(slot, "type"));
        const json_t *kdf = json_object_get(slot, "kdf");
        if (type && strcmp(type, "reencrypt") == 0)
            continue; // the state of a re-encryption, not a key
        json_int_t memory = json_integer_value(json_object_get(kdf, "memory"));
        out->slots++;
        out->free_slots += n >= SLOTS_MAX || !(bound >> n & 1);
        if (memory > 0 && (uint64_t)memory > out->kdf_kib)
            out->kdf_kib = (uint64_t)memory;
    }
}

// One of the two copies of a header.
struct copy {
    const unsigned char *at; // NULL: it is not there, or damaged
    uint64_t size, sequence;
};

// The checksum is that of the whole copy, with zeros where it stands itself.
static bool is_sound(const unsigned char *at, size_t size)
{
    static const unsigned char none[LUKS2_SUM_LEN];
    unsigned char have[EVP_MAX_MD_SIZE];
    char name[33];
    unsigned len = 0;
    snprintf(name, sizeof name, "%.32s", (const char *)at + LUKS2_SUM_NAME);
    const EVP_MD *type = EVP_get_digestbyname(name);
    EVP_MD_CTX *md = type ? EVP_MD_CTX_new() : NULL;
    bool ok =
        md && EVP_DigestInit_ex(md, type, NULL) && EVP_DigestUpdate(md, at, LUKS2_SUM) &&
        EVP_DigestUpdate(md, none, sizeof none) &&
        EVP_DigestUpdate(md, at + LUKS2_SUM + LUKS2_SUM_LEN, size - LUKS2_SUM - LUKS2_SUM_LEN) &&
        EVP_DigestFinal_ex(md, have, &len);
    EVP_MD_CTX_free(md);
    return ok && len > 0 && len <= LUKS2_SUM_LEN && memcmp(have, at + LUKS2_SUM, len) == 0;
}

// The second copy stands at its own size.
static struct copy copy_at(const unsigned char *head, size_t len, size_t offset)
{
    const unsigned char *at = head + offset;
    if (offset >= len || len - offset <= LUKS2_JSON ||
        memcmp(at, offset ? second_magic : luks_magic, 6) != 0 || bf_be16(at + 6) != 2 ||
        bf_be64(at + LUKS2_OFFSET) != offset)
        return (struct copy){.at = NULL};
    uint64_t size = bf_be64(at + 8);
    if (size <= LUKS2_JSON || size > len - offset || (offset && size != offset) ||
        !is_sound(at, (size_t)size))
        return (struct copy){.at = NULL};
    return (struct copy){at, size, bf_be64(at + 16)};
}

// Where a second copy may be: the first one's size, of which these are the allowed ones.
static struct copy find_second(const unsigned char *head, size_t len)
{
    struct copy found = {.at = NULL};
    for (size_t offset = LUKS2_SIZE_MIN; offset <= LUKS2_SIZE_MAX && !found.at; offset *= 2)
        found = copy_at(head, len, offset);
    return found;
}

// The later one of two sound copies counts.
static struct copy choose_copy(const unsigned char *head, size_t len, struct bf_luks *out)
{
    struct copy first = copy_at(head, len, 0), second;
    second = first.at ? copy_at(head, len, (size_t)first.size) : find_second(head, len);
    out->second = second.at && (!first.at || second.sequence > first.sequence);
    return out->second ? second : first;
}

static enum bf_err read_luks2(const struct copy *copy, struct bf_luks *out)
{
    const char *text = (const char *)copy->at + LUKS2_JSON, *key;
    json_t *json = json_loadb(text, strnlen(text, (size_t)copy->size - LUKS2_JSON), 0, NULL),
           *token;
    if (!json_is_object(json)) {
        json_decref(json);
        return BF_ERR_PROTOCOL;
    }
    uint32_t bound = 0;
    out->head_size = copy->size;
    json_object_foreach(json_object_get(json, "tokens"), key, token)
    {
        bound |= read_token(token, out);
    }
    read_slots(json_object_get(json, "keyslots"), bound, out);
    json_decref(json);
    return BF_OK;
}

static void take_uuid(const unsigned char *head, struct bf_luks *out)
{
    snprintf(out->uuid, sizeof out->uuid, "%.39s", (const char *)head + 168);
}

enum bf_err bf_luks_read(const unsigned char *head, size_t len, struct bf_luks *out)
{
    *out = (struct bf_luks){.version = 0};
    if (len < LUKS1_HEAD)
        return BF_ERR_PROTOCOL;
    if (memcmp(head, luks_magic, 6) == 0 && bf_be16(head + 6) == 1) {
        out->version = 1;
        take_uuid(head, out);
        return read_luks1(head, len, out);
    }
    struct copy copy = choose_copy(head, len, out);
    if (!copy.at)
        return BF_ERR_PROTOCOL;
    out->version = 2;
    take_uuid(copy.at, out);
    return read_luks2(&copy, out);
}
