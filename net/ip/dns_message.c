// SPDX-License-Identifier: Apache-2.0
// Names are compared as text in lower case. In a message each pointer of a name must lead to before
// everything of that name that was read so far, so that no name goes in circles. A label with a
// byte that a host name cannot have makes the name unusable, not the message.
#include "net/ip/dns_message.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

enum {
    HEADER = 12,
    RECORD = 10, // type, class, time to live, length
    LABEL_MAX = 63,
    CLASS_IN = 1,
    TYPE_CNAME = 5,
    ALIASES = 8, // that are followed
    RCODE_NAME = 3,
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int is_name_char(char c)
{
    c = lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

int bf_dns_is_domain(const char *text, size_t len)
{
    size_t label = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '.' && !is_name_char(text[i]))
            return 0;
        label = text[i] == '.' ? 0 : label + 1;
        if (label > LABEL_MAX || (text[i] == '.' && (i == 0 || text[i - 1] == '.')))
            return 0;
    }
    return label > 0 && len < BF_DNS_NAME - 2;
}

static int same_name(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return !*a && !*b;
}

// ---- Names in a message ------------------------------------------------------------------------

struct name {
    char text[BF_DNS_NAME];
    size_t len;
    int unusable;
};

static int add_label(struct name *n, const uint8_t *label, size_t len)
{
    size_t dot = n->len > 0;
    BF_ASSERT(len && len <= LABEL_MAX && n->len < sizeof n->text);
    if (n->len + dot + len >= sizeof n->text)
        return 0;
    if (dot)
        n->text[n->len++] = '.';
    for (size_t i = 0; i < len; i++) {
        n->unusable |= !is_name_char((char)label[i]);
        n->text[n->len++] = lower((char)label[i]);
    }
    return 1;
}

// The offset behind the name at this offset, 0 when it is malformed. An unusable name is empty.
static size_t read_name(const uint8_t *m, size_t len, size_t at, char out[BF_DNS_NAME])
{
    struct name n = {.len = 0};
    size_t end = 0, least = at;
    while (at < len && m[at] != 0) {
        size_t size = m[at];
        if (size > LABEL_MAX) {
            size_t to = len - at < 2 ? len : bf_be16(m + at) & 0x3fffu;
            if ((size & 0xc0) != 0xc0 || to >= least)
                return 0;
            end = end ? end : at + 2;
            at = least = to;
            continue;
        }
        if (len - at <= size || !add_label(&n, m + at + 1, size))
            return 0;
        at += size + 1;
    }
    if (at >= len)
        return 0;
    BF_ASSERT(n.len < sizeof n.text && (!end || end <= len));
    n.text[n.unusable ? 0 : n.len] = 0;
    memcpy(out, n.text, sizeof n.text);
    return end ? end : at + 1;
}

uint32_t bf_dns_read_domains(const uint8_t *bytes, size_t len,
                             char out[BF_DNS_DOMAINS][BF_DNS_NAME])
{
    uint32_t count = 0;
    size_t at = 0;
    while (at < len && count < BF_DNS_DOMAINS) {
        at = read_name(bytes, len, at, out[count]);
        if (!at)
            break;
        count += bf_dns_is_domain(out[count], strlen(out[count])) != 0;
    }
    return count;
}

// ---- Questions ---------------------------------------------------------------------------------

size_t bf_dns_query(const struct bf_dns_question *q, uint8_t out[BF_DNS_QUERY])
{
    size_t len = strlen(q->name), label = HEADER, at = HEADER + 1;
    if (!bf_dns_is_domain(q->name, len))
        return 0;
    memset(out, 0, HEADER);
    bf_put_be16(out, q->id);
    out[2] = 1; // recursion desired
    out[5] = 1; // question
    for (size_t i = 0; i <= len; i++) {
        if (q->name[i] == '.' || q->name[i] == 0) {
            out[label] = (uint8_t)(at - label - 1);
            label = at++;
        } else {
            out[at++] = (uint8_t)q->name[i];
        }
    }
    out[label] = 0;
    bf_put_be16(out + at, q->type);
    bf_put_be16(out + at + 2, CLASS_IN);
    at += 4;
    BF_ASSERT(at <= BF_DNS_QUERY);
    return at;
}

// ---- Answers -----------------------------------------------------------------------------------

struct reply {
    const uint8_t *bytes;
    size_t len, answers; // the offset of the first one
    uint32_t count;
};

// The offset behind the question, 0 when it is not ours.
static size_t check_question(const uint8_t *m, size_t len, const struct bf_dns_question *q)
{
    char name[BF_DNS_NAME];
    size_t at = read_name(m, len, HEADER, name);
    if (!at || len - at < 4 || !same_name(name, q->name))
        return 0;
    return bf_be16(m + at) == q->type && bf_be16(m + at + 2) == CLASS_IN ? at + 4 : 0;
}

static void take_address(const uint8_t *data, size_t len, struct bf_dns_addresses *out)
{
    struct bf_ip *ip = &out->address[out->count];
    BF_ASSERT(out->count <= BF_DNS_ADDRESSES);
    if ((len != 4 && len != 16) || out->count == BF_DNS_ADDRESSES)
        return;
    memset(ip, 0, sizeof *ip);
    ip->family = len == 4 ? 4 : 6;
    memcpy(ip->bytes, data, len);
    out->count++;
}

// Takes the addresses of `name` among the answers; where it is an alias, *alias is what for. 0: the
// message is malformed.
static int scan(const struct reply *m, const char *name, uint16_t type, char alias[BF_DNS_NAME],
                struct bf_dns_addresses *out)
{
    char owner[BF_DNS_NAME];
    size_t at = m->answers;
    alias[0] = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        const uint8_t *record = m->bytes + (at = read_name(m->bytes, m->len, at, owner));
        if (!at || m->len - at < RECORD || m->len - at - RECORD < bf_be16(record + 8))
            return 0;
        size_t len = bf_be16(record + 8);
        at += RECORD;
        if (bf_be16(record + 2) == CLASS_IN && same_name(owner, name)) {
            if (bf_be16(record) == type && len == (type == BF_DNS_A ? 4 : 16))
                take_address(record + RECORD, len, out);
            else if (bf_be16(record) == TYPE_CNAME && !read_name(m->bytes, at + len, at, alias))
                return 0;
        }
        at += len;
    }
    return 1;
}

// What was said before the end of a truncated message counts.
static enum bf_dns_answer read_answers(const struct reply *m, const struct bf_dns_question *q,
                                       struct bf_dns_addresses *out)
{
    char name[BF_DNS_NAME], alias[BF_DNS_NAME];
    int whole = 1, truncated = m->bytes[2] & 2;
    memcpy(name, q->name, strlen(q->name) + 1);
    for (int i = 0; i < ALIASES && whole && out->count == 0; i++) {
        whole = scan(m, name, q->type, alias, out);
        if (!alias[0])
            break;
        memcpy(name, alias, sizeof name);
    }
    if (out->count > 0)
        return BF_DNS_FOUND;
    if (truncated)
        return BF_DNS_TRUNCATED;
    // Neither an authority nor somebody who would ask one: it just does not know.
    int knows = (m->bytes[2] & 4) || (m->bytes[3] & 0x80);
    return whole && knows ? BF_DNS_EMPTY : BF_DNS_FAILED;
}

enum bf_dns_answer bf_dns_read(const uint8_t *m, size_t len, const struct bf_dns_question *q,
                               struct bf_dns_addresses *out)
{
    out->count = 0;
    if (len < HEADER || bf_be16(m) != q->id || (m[2] & 0xf8) != 0x80)
        return BF_DNS_NOT_OURS;
    uint8_t code = m[3] & 0xf;
    if (code != 0 && bf_be16(m + 4) == 0)
        return BF_DNS_FAILED; // some do not repeat the question that they refuse
    size_t answers = bf_be16(m + 4) == 1 ? check_question(m, len, q) : 0;
    if (!answers)
        return BF_DNS_NOT_OURS;
    if (code != 0)
        return code == RCODE_NAME ? BF_DNS_NO_NAME : BF_DNS_FAILED;
    struct reply reply = {m, len, answers, bf_be16(m + 6)};
    return read_answers(&reply, q, out);
}
