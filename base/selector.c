// SPDX-License-Identifier: Apache-2.0
// Disk selectors: syntax only, shared by the check of the configuration and by image/identity.c.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/selector.h"

static const struct {
    const char *prefix;
    enum bf_selector_kind kind;
} kinds[] = {
    {"serial:", BF_SELECT_SERIAL}, {"wwn:", BF_SELECT_WWN},   {"gpt:", BF_SELECT_GPT},
    {"path:", BF_SELECT_PATH},     {"size:", BF_SELECT_SIZE},
};

// Length up to the next comma that is not inside parentheses.
static size_t term_length(const char *text)
{
    size_t n = 0, depth = 0;
    for (; text[n] && (depth || text[n] != ','); n++) {
        if (text[n] == '(')
            depth++;
        else if (text[n] == ')' && depth)
            depth--;
    }
    return n;
}

static enum bf_selector_kind take_kind(const char **text, size_t *len)
{
    for (size_t i = 0; i < BF_COUNT(kinds); i++) {
        size_t n = strlen(kinds[i].prefix);
        if (*len >= n && memcmp(*text, kinds[i].prefix, n) == 0) {
            *text += n;
            *len -= n;
            return kinds[i].kind;
        }
    }
    return BF_SELECT_ANY;
}

static enum bf_err parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGTP";
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (value > (UINT64_MAX - 9) / 10)
            return BF_ERR_CONFIG;
        value = value * 10 + (uint64_t)(*at - '0');
    }
    if (at == text)
        return BF_ERR_CONFIG;
    if (*at) {
        const char *unit = strchr(units, *at);
        uint32_t shift = unit ? 10 * (uint32_t)(unit - units + 1) : 0;
        if (!unit || at[1] || value > UINT64_MAX >> shift)
            return BF_ERR_CONFIG;
        value <<= shift;
    }
    *bytes = value;
    return value ? BF_OK : BF_ERR_CONFIG;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static enum bf_err fill_term(const char *text, size_t len, struct bf_selector_term *out,
                             char *reason, size_t reason_size)
{
    while (len && is_blank(text[0])) {
        text++;
        len--;
    }
    while (len && is_blank(text[len - 1]))
        len--;
    out->kind = take_kind(&text, &len);
    if (!len || len >= sizeof out->value) {
        bf_snprintf(reason, reason_size, len ? "a condition is too long" : "a condition is empty");
        return BF_ERR_CONFIG;
    }
    memcpy(out->value, text, len);
    out->value[len] = 0;
    if (out->kind == BF_SELECT_ANY && strchr(out->value, ':')) {
        bf_snprintf(reason, reason_size,
                    "a condition is a value, alone or after serial:, wwn:, gpt:, path: or size:");
        return BF_ERR_CONFIG;
    }
    if (out->kind == BF_SELECT_SIZE && parse_size(out->value, &out->bytes) != BF_OK) {
        bf_snprintf(reason, reason_size, "size: takes bytes, or a number and K, M, G, T or P");
        return BF_ERR_CONFIG;
    }
    return BF_OK;
}

enum bf_err bf_selector_next(const char **at, struct bf_selector_term *out, char *reason,
                             size_t reason_size)
{
    memset(out, 0, sizeof *out);
    if (!**at)
        return BF_ERR_NOT_FOUND;
    const char *text = *at;
    size_t len = term_length(text);
    *at = text + len + (text[len] == ',');
    if (text[len] == ',' && !**at) {
        bf_snprintf(reason, reason_size, "it ends with a comma");
        return BF_ERR_CONFIG;
    }
    return fill_term(text, len, out, reason, reason_size);
}

enum bf_err bf_selector_syntax(const char *selector, char *reason, size_t reason_size)
{
    struct bf_selector_term term;
    const char *at = selector;
    if (!*at) {
        bf_snprintf(reason, reason_size, "it is empty");
        return BF_ERR_CONFIG;
    }
    for (;;) {
        enum bf_err err = bf_selector_next(&at, &term, reason, reason_size);
        if (err == BF_ERR_NOT_FOUND)
            return BF_OK;
        if (err != BF_OK)
            return err;
    }
}

// ---- Places ------------------------------------------------------------------------------------

enum { PARTITION_MOST = 9999 };

static int is_guid(const char *text)
{
    static const char form[] = "00000000-0000-0000-0000-000000000000";
    size_t i = 0;
    for (; form[i] && text[i]; i++)
        if (form[i] == '-' ? text[i] != '-' : bf_hex_digit(text[i]) < 0)
            return 0;
    return !form[i] && !text[i];
}

// The number in front of '@', 0 when there is none; *at is moved behind it.
static uint32_t take_number(const char **at)
{
    const char *text = *at;
    uint32_t number = 0;
    while (*text >= '0' && *text <= '9' && number <= PARTITION_MOST)
        number = number * 10 + (uint32_t)(*text++ - '0');
    if (*text != '@' || !number || number > PARTITION_MOST)
        return 0;
    *at = text + 1;
    return number;
}

enum bf_err bf_place_selector_parse(const char *text, struct bf_place_selector *out, char *reason,
                                    size_t reason_size)
{
    static const char prefix[] = "partuuid:";
    size_t len = sizeof prefix - 1;
    memset(out, 0, sizeof *out);
    if (strncmp(text, prefix, len) == 0) {
        out->guid = text + len;
        if (is_guid(out->guid))
            return BF_OK;
        bf_snprintf(reason, reason_size, "partuuid: takes the GUID of a partition");
        return BF_ERR_CONFIG;
    }
    out->number = take_number(&text);
    out->disk = text;
    // A number alone, or a disk called "0".
    if (!out->number && (strchr(text, '@') || strspn(text, "0123456789") == strlen(text))) {
        bf_snprintf(reason, reason_size,
                    "a partition is NUMBER@ and a disk, such as 2@serial:S1, or partuuid:");
        return BF_ERR_CONFIG;
    }
    return bf_selector_syntax(text, reason, reason_size);
}
