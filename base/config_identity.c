// SPDX-License-Identifier: Apache-2.0
// The values of the configuration that make up the root of trust and the machine's identity.
#include <string.h>

#include "base/bytes.h"
#include "base/config_rules.h"
#include "base/fmt.h"
#include "base/mem.h"

// DER begins with a SEQUENCE (X.690, 8.9) whose length is the blob's: catches a cut or a wrong
// file.
static int is_whole_der(const uint8_t *bytes, size_t len)
{
    if (len < 2 || bytes[0] != 0x30)
        return 0;
    if (bytes[1] < 0x80)
        return (size_t)bytes[1] + 2 == len;
    size_t digits = bytes[1] & 0x7f;
    if (digits < 1 || digits > 2 || len < 2 + digits)
        return 0;
    return bf_be(bytes + 2, digits) + 2 + digits == len;
}

static enum bf_err set_blob(struct bf_config_blob *blob, struct bf_config_value v, char *reason,
                            size_t size)
{
    size_t len = sizeof blob->bytes;
    enum bf_err err = bf_base64_decode(v.at, v.len, blob->bytes, &len);
    blob->len = (uint32_t)len;
    if (err == BF_OK && is_whole_der(blob->bytes, len))
        return BF_OK;
    bf_wipe(blob, sizeof *blob);
    if (err == BF_ERR_LIMIT)
        return bf_config_refuse(reason, size, "is longer than %d bytes", BF_CONFIG_DER_MAX);
    return bf_config_refuse(reason, size,
                            err == BF_OK ? "is not DER" : "is not base64 in a single line");
}

static void show_blob(const struct bf_config_blob *blob, char *out, size_t size)
{
    if (blob->len)
        bf_snprintf(out, size, "(%u bytes)", blob->len);
    else
        bf_snprintf(out, size, "%s", "");
}

enum bf_err bf_set_root(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    return set_blob(&c->root, v, reason, size);
}

void bf_show_root(const struct bf_config *c, char *out, size_t size)
{
    show_blob(&c->root, out, size);
}

enum bf_err bf_set_certificate(struct bf_config *c, struct bf_config_value v, char *reason,
                               size_t size)
{
    return set_blob(&c->certificate, v, reason, size);
}

void bf_show_certificate(const struct bf_config *c, char *out, size_t size)
{
    show_blob(&c->certificate, out, size);
}

enum bf_err bf_set_key(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    return set_blob(&c->key, v, reason, size);
}

void bf_show_key(const struct bf_config *c, char *out, size_t size)
{
    bf_snprintf(out, size, "%s", c->key.len ? "(set)" : "");
}

enum bf_err bf_set_enrol_key(struct bf_config *c, struct bf_config_value v, char *reason,
                             size_t size)
{
    uint8_t key[sizeof c->enrol_key] = {0};
    int good = v.len == 2 * sizeof key;
    for (size_t i = 0; good && i < sizeof key; i++) {
        int byte = bf_hex_byte(v.at + 2 * i);
        good = byte >= 0;
        key[i] = (uint8_t)byte;
    }
    if (good) {
        memcpy(c->enrol_key, key, sizeof key);
        c->has_enrol_key = 1;
    }
    bf_wipe(key, sizeof key);
    return good ? BF_OK : bf_config_refuse(reason, size, "must be 64 hexadecimal digits");
}

void bf_show_enrol_key(const struct bf_config *c, char *out, size_t size)
{
    bf_snprintf(out, size, "%s", c->has_enrol_key ? "(set)" : "");
}

// The same rule as bf_machine_name_ok of net/proto/proto.h, which base may not include; a test
// compares.
static int is_machine_name(struct bf_config_value v)
{
    if (!v.len || v.len > 63 || v.at[0] == '-' || v.at[0] == '.')
        return 0;
    for (size_t i = 0; i < v.len; i++) {
        char c = v.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.') ||
            (c == '.' && v.at[i - 1] == '.'))
            return 0;
    }
    return 1;
}

enum bf_err bf_set_name(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    if (!is_machine_name(v))
        return bf_config_refuse(reason, size,
                                "must be 1 to 63 of a-z, 0-9, '-' and '.', beginning with a letter "
                                "or digit, without \"..\"");
    memcpy(c->name, v.at, v.len);
    c->name[v.len] = 0;
    return BF_OK;
}

void bf_show_name(const struct bf_config *c, char *out, size_t size)
{
    bf_snprintf(out, size, "%s", c->name);
}

enum bf_err bf_set_made(struct bf_config *c, struct bf_config_value v, char *reason, size_t size)
{
    uint64_t seconds;
    if (!bf_value_number(v, 253402300799ull, &seconds)) // the end of the year 9999
        return bf_config_refuse(reason, size, "must be seconds since 1970");
    c->made = (int64_t)seconds;
    return BF_OK;
}

void bf_show_made(const struct bf_config *c, char *out, size_t size)
{
    if (c->made)
        bf_snprintf(out, size, "%ju", (uintmax_t)c->made);
    else
        bf_snprintf(out, size, "%s", "");
}
