// SPDX-License-Identifier: Apache-2.0
// DHCPv6 messages, read and written with cursors that fail once. An option is read within its own
// length only, and options nest two deep at most (association, address), so the work is bounded by
// the length of the message. Section numbers are RFC 8415's.
#include "net/ip/dhcp6_message.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/cursor.h"

enum option { // 21
    CLIENTID = 1,
    SERVERID = 2,
    IA_NA = 3,
    IAADDR = 5,
    ORO = 6,
    PREFERENCE = 7,
    ELAPSED_TIME = 8,
    STATUS_CODE = 13,
    DNS_SERVERS = 23, // RFC 3646
    DOMAIN_LIST = 24,
    SOL_MAX_RT = 82,
    INF_MAX_RT = 83,
};

enum {
    HEADER = 4, // type and transaction
    IA_FIXED = 12,
};

// ---- Writing -----------------------------------------------------------------------------------

static void put16(struct bf_writer *w, uint32_t v)
{
    bf_put_u8(w, (uint8_t)(v >> 8));
    bf_put_u8(w, (uint8_t)v);
}

static void put32(struct bf_writer *w, uint32_t v)
{
    put16(w, v >> 16);
    put16(w, v & 0xffff);
}

static void put_option(struct bf_writer *w, enum option code, uint32_t len)
{
    put16(w, code);
    put16(w, len);
}

static void put_duid(struct bf_writer *w, enum option code, const struct bf_dhcp6_duid *duid)
{
    if (!duid || !duid->len)
        return;
    BF_ASSERT(duid->len <= BF_DHCP6_DUID_MOST);
    put_option(w, code, duid->len);
    bf_put_bytes(w, duid->bytes, duid->len);
}

// T1, T2 and lifetimes are the server's business: 0 (21.4, 21.6).
static void put_association(struct bf_writer *w, const struct bf_dhcp6_request *r)
{
    enum { ADDRESS_BYTES = 24 };
    put_option(w, IA_NA, IA_FIXED + (r->address ? 4 + ADDRESS_BYTES : 0));
    put32(w, r->iaid);
    put32(w, 0);
    put32(w, 0);
    if (!r->address)
        return;
    put_option(w, IAADDR, ADDRESS_BYTES);
    bf_put_bytes(w, r->address, 16);
    put32(w, 0);
    put32(w, 0);
}

// What the client wants to hear. 21.24, 21.25: the limits of the pauses must be among it.
static void put_wishes(struct bf_writer *w, enum bf_dhcp6_type type)
{
    if (type == BF_DHCP6_CONFIRM || type == BF_DHCP6_RELEASE || type == BF_DHCP6_DECLINE)
        return;
    put_option(w, ORO, 6);
    put16(w, DNS_SERVERS);
    put16(w, DOMAIN_LIST);
    put16(w, type == BF_DHCP6_INFORMATION_REQUEST ? INF_MAX_RT : SOL_MAX_RT);
}

size_t bf_dhcp6_put(const struct bf_dhcp6_request *r, uint8_t out[BF_DHCP6_MESSAGE_MOST])
{
    struct bf_writer w;
    bf_writer_init(&w, out, BF_DHCP6_MESSAGE_MOST);
    put32(&w, (uint32_t)r->type << 24 | (r->transaction & 0xffffff));
    put_duid(&w, CLIENTID, r->client);
    put_duid(&w, SERVERID, r->server);
    put_option(&w, ELAPSED_TIME, 2);
    put16(&w, r->elapsed_cs < 0xffff ? r->elapsed_cs : 0xffff);
    if (r->type != BF_DHCP6_INFORMATION_REQUEST)
        put_association(&w, r);
    put_wishes(&w, r->type);
    BF_ASSERT(bf_writer_ok(&w)); // BF_DHCP6_MESSAGE_MOST is room for all of them
    return bf_writer_ok(&w) ? bf_writer_len(&w) : 0;
}

// ---- Reading -----------------------------------------------------------------------------------

static uint32_t get16(struct bf_reader *r)
{
    uint32_t high = bf_get_u8(r);
    return high << 8 | bf_get_u8(r);
}

static uint32_t get32(struct bf_reader *r)
{
    uint32_t high = get16(r);
    return high << 16 | get16(r);
}

// The next option's contents into *in. 0 at the end, or when it does not fit: then *r has failed.
static int next_option(struct bf_reader *r, uint32_t *code, struct bf_reader *in)
{
    if (bf_reader_left(r) == 0)
        return 0;
    *code = get16(r);
    uint32_t len = get16(r);
    const uint8_t *at = bf_get_span(r, len);
    if (!at)
        return 0;
    bf_reader_init(in, at, len);
    return 1;
}

static void get_status(struct bf_reader *r, struct bf_dhcp6_answer *out)
{
    uint32_t status = get16(r);
    if (!bf_reader_ok(r) || out->status != BF_DHCP6_SUCCESS)
        return;
    out->status = (uint16_t)status;
    size_t len =
        bf_reader_left(r) < sizeof out->text - 1 ? bf_reader_left(r) : sizeof out->text - 1;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = bf_get_u8(r);
        out->text[i] = c < 0x20 || c > 0x7e || c == '"' ? '?' : (char)c;
    }
    out->text[len] = 0;
}

static void get_duid(struct bf_reader *r, struct bf_dhcp6_duid *out)
{
    size_t len = bf_reader_left(r);
    if (len == 0 || len > sizeof out->bytes) {
        bf_reader_fail(r);
        return;
    }
    out->len = (uint8_t)len;
    bf_get_bytes(r, out->bytes, len);
}

// 2000::/3 and unique local addresses; no multicast, no link-local address, none that is special.
static int is_usable(const uint8_t address[16])
{
    return (address[0] & 0xe0) == 0x20 || (address[0] & 0xfe) == 0xfc;
}

static void get_address(struct bf_reader *r, struct bf_dhcp6_answer *out)
{
    uint8_t address[16];
    uint32_t code, preferred, valid;
    struct bf_reader in;
    bf_get_bytes(r, address, sizeof address);
    preferred = get32(r);
    valid = get32(r);
    struct bf_dhcp6_answer own = {0};
    while (next_option(r, &code, &in))
        if (code == STATUS_CODE)
            get_status(&in, &own);
    if (!bf_reader_ok(r) || out->has_address)
        return;
    if (own.status != BF_DHCP6_SUCCESS && out->status == BF_DHCP6_SUCCESS) {
        out->status = own.status;
        memcpy(out->text, own.text, sizeof out->text);
    }
    // 18.2.10.1: a preferred lifetime beyond the valid one, or a valid one of 0, is no offer
    if (own.status != BF_DHCP6_SUCCESS || preferred > valid || !valid || !is_usable(address))
        return;
    memcpy(out->address, address, sizeof address);
    out->preferred = preferred;
    out->valid = valid;
    out->has_address = 1;
}

static void get_association(struct bf_reader *r, uint32_t iaid, struct bf_dhcp6_answer *out)
{
    uint32_t code, id = get32(r), t1 = get32(r), t2 = get32(r);
    struct bf_reader in;
    if (!bf_reader_ok(r) || id != iaid || out->has_ia)
        return;
    if (t1 > t2 && t2 > 0)
        return; // 21.4: as if it were not there
    out->has_ia = 1;
    out->t1 = t1;
    out->t2 = t2;
    while (next_option(r, &code, &in)) {
        if (code == IAADDR)
            get_address(&in, out);
        else if (code == STATUS_CODE)
            get_status(&in, out);
        if (!bf_reader_ok(&in))
            bf_reader_fail(r);
    }
}

static void get_dns(struct bf_reader *r, struct bf_dhcp6_answer *out)
{
    BF_ASSERT(out->dns_count <= BF_DHCP6_DNS);
    if (bf_reader_left(r) % 16 != 0)
        bf_reader_fail(r);
    while (bf_reader_left(r) >= 16 && out->dns_count < BF_DHCP6_DNS)
        bf_get_bytes(r, out->dns[out->dns_count++], 16);
}

static void get_option(uint32_t code, struct bf_reader *in, uint32_t iaid,
                       struct bf_dhcp6_duid *client, struct bf_dhcp6_answer *out)
{
    switch (code) {
    case CLIENTID:
        get_duid(in, client);
        break;
    case SERVERID:
        get_duid(in, &out->server);
        break;
    case IA_NA:
        get_association(in, iaid, out);
        break;
    case PREFERENCE:
        out->preference = bf_get_u8(in);
        break;
    case STATUS_CODE:
        get_status(in, out);
        break;
    case DNS_SERVERS:
        get_dns(in, out);
        break;
    case DOMAIN_LIST:
        out->domains = bf_dns_read_domains(in->at, bf_reader_left(in), out->domain);
        break;
    default:
        break;
    }
}

enum bf_err bf_dhcp6_parse(const uint8_t *message, size_t len, const struct bf_dhcp6_duid *client,
                           uint32_t iaid, struct bf_dhcp6_answer *out)
{
    struct bf_reader r, in;
    struct bf_dhcp6_duid to = {0};
    uint32_t code;
    memset(out, 0, sizeof *out);
    bf_reader_init(&r, message, len);
    uint32_t head = get32(&r);
    out->type = (uint8_t)(head >> 24);
    out->transaction = head & 0xffffff;
    while (next_option(&r, &code, &in)) {
        get_option(code, &in, iaid, &to, out);
        if (!bf_reader_ok(&in))
            bf_reader_fail(&r);
    }
    // 16.3, 16.10: both identifiers are there, and the client's is ours
    if (!bf_reader_done(&r) || len < HEADER || !out->server.len || to.len != client->len ||
        memcmp(to.bytes, client->bytes, to.len) != 0 ||
        (out->type != BF_DHCP6_ADVERTISE && out->type != BF_DHCP6_REPLY))
        return BF_ERR_CORRUPT;
    return BF_OK;
}

const char *bf_dhcp6_status_name(uint16_t status)
{
    static const char *const names[] = {"Success",   "UnspecFail", "NoAddrsAvail",
                                        "NoBinding", "NotOnLink",  "UseMulticast"};
    return status < BF_COUNT(names) ? names[status] : "an unknown status";
}
