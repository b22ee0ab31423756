// SPDX-License-Identifier: Apache-2.0
// Codecs of the messages that open, describe and end a session: HELLO, INVENTORY, ENROL, ENROLLED,
// WELCOME, PLAN, and PING, FAULT, EVENT, BUSY, BYE.
#include <string.h>

#include "base/bytes.h"
#include "image/block.h"
#include "net/proto/codec.h"

static const uint8_t none[16];

size_t bf_put_hello(uint8_t *out, size_t size, const struct bf_hello *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_HELLO, 0);
    bf_put_u64(&w, BF_PROTO_MAGIC);
    bf_put_u16(&w, m->version_min);
    bf_put_u16(&w, m->version_max);
    bf_put_u64(&w, m->caps);
    bf_put_bytes(&w, m->boot, sizeof m->boot);
    bf_put_bytes(&w, m->session, sizeof m->session);
    bf_put_i64(&w, m->clock);
    bf_put_string(&w, m->program);
    return bf_frame_end(&w, 0);
}

// The one message that a newer source may make longer: an older server must be able to read its
// version range and refuse it in plain words.
enum bf_err bf_get_hello(const struct bf_frame *f, struct bf_hello *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_HELLO);
    bf_demand(&r, bf_get_u64(&r) == BF_PROTO_MAGIC);
    m->version_min = bf_get_u16(&r);
    m->version_max = bf_get_u16(&r);
    bf_demand(&r, m->version_min >= 1 && m->version_min <= m->version_max);
    m->caps = bf_get_u64(&r);
    bf_get_bytes(&r, m->boot, sizeof m->boot);
    bf_demand(&r, memcmp(m->boot, none, sizeof none) != 0);
    bf_get_bytes(&r, m->session, sizeof m->session);
    m->clock = bf_get_i64(&r);
    bf_get_string(&r, m->program, sizeof m->program);
    if (m->version_max > BF_PROTO_VERSION_MAX)
        bf_skip(&r, bf_reader_left(&r));
    return bf_frame_verdict(&r);
}

static void put_nic(struct bf_writer *w, const struct bf_inventory_nic *n)
{
    bf_put_bytes(w, n->mac, sizeof n->mac);
    bf_put_u8(w, (uint8_t)n->link);
    bf_put_string(w, n->driver);
    bf_put_string(w, n->name);
}

static void get_nic(struct bf_reader *r, struct bf_inventory_nic *n)
{
    bf_get_bytes(r, n->mac, sizeof n->mac);
    n->link = (int8_t)bf_get_u8(r);
    bf_demand(r, n->link >= -1 && n->link <= 1);
    bf_get_string(r, n->driver, sizeof n->driver);
    bf_get_string(r, n->name, sizeof n->name);
}

static void put_disk(struct bf_writer *w, const struct bf_inventory_disk *d)
{
    bf_identity_put(w, &d->identity);
    bf_put_u8(w, (uint8_t)(d->planned ? 1 + (d->named != 0) : 0));
    bf_put_u8(w, d->hibernated);
    bf_put_string(w, d->driver);
    bf_put_string(w, d->why);
}

// A planned disk must have a size that a geometry can be made of; what is only listed need not.
static int disk_size_ok(const struct bf_disk_identity *id)
{
    return id->block_size >= BF_BLOCK_MIN && id->block_size <= BF_BLOCK_MAX &&
           bf_is_power_of_two(id->block_size) && id->bytes && id->bytes <= INT64_MAX &&
           id->bytes % id->block_size == 0;
}

static void get_disk(struct bf_reader *r, struct bf_inventory_disk *d)
{
    uint8_t planned;
    bf_identity_get(r, &d->identity);
    planned = bf_get_u8(r);
    bf_demand(r, planned <= 2);
    d->planned = planned > 0;
    d->named = planned == 2;
    d->hibernated = bf_get_flag(r);
    bf_get_string(r, d->driver, sizeof d->driver);
    bf_get_string(r, d->why, sizeof d->why);
    bf_demand(r, !d->planned || (disk_size_ok(&d->identity) && !d->why[0]));
}

size_t bf_put_inventory(uint8_t *out, size_t size, const struct bf_inventory *m)
{
    struct bf_writer w;
    if (m->nics > BF_PROTO_NICS_MAX || m->disks > BF_PROTO_DISKS_MAX)
        return 0;
    bf_frame_begin(&w, out, size, BF_MSG_INVENTORY, 0);
    bf_put_u8(&w, m->firmware);
    bf_put_u8(&w, m->secure_boot);
    bf_put_u16(&w, m->processors);
    bf_put_u64(&w, m->memory_bytes);
    bf_put_string(&w, m->firmware_vendor);
    bf_put_string(&w, m->system_vendor);
    bf_put_string(&w, m->system_product);
    bf_put_string(&w, m->system_serial);
    bf_put_string(&w, m->system_uuid);
    bf_put_string(&w, m->processor);
    bf_put_u16(&w, m->nics);
    bf_put_u16(&w, m->disks);
    for (uint16_t i = 0; i < m->nics; i++)
        put_nic(&w, &m->nic[i]);
    for (uint16_t i = 0; i < m->disks; i++)
        put_disk(&w, &m->disk[i]);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_inventory(const struct bf_frame *f, struct bf_inventory *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_INVENTORY);
    m->firmware = bf_get_u8(&r);
    m->secure_boot = bf_get_u8(&r);
    bf_demand(&r, m->firmware <= BF_FIRMWARE_UEFI && m->secure_boot <= 2);
    m->processors = bf_get_u16(&r);
    m->memory_bytes = bf_get_u64(&r);
    bf_get_string(&r, m->firmware_vendor, sizeof m->firmware_vendor);
    bf_get_string(&r, m->system_vendor, sizeof m->system_vendor);
    bf_get_string(&r, m->system_product, sizeof m->system_product);
    bf_get_string(&r, m->system_serial, sizeof m->system_serial);
    bf_get_string(&r, m->system_uuid, sizeof m->system_uuid);
    bf_get_string(&r, m->processor, sizeof m->processor);
    m->nics = bf_get_u16(&r);
    m->disks = bf_get_u16(&r);
    if (m->nics > BF_PROTO_NICS_MAX || m->disks > BF_PROTO_DISKS_MAX)
        return BF_ERR_PROTOCOL;
    for (uint16_t i = 0; i < m->nics; i++)
        get_nic(&r, &m->nic[i]);
    for (uint16_t i = 0; i < m->disks; i++)
        get_disk(&r, &m->disk[i]);
    return bf_frame_verdict(&r);
}

size_t bf_put_enrol(uint8_t *out, size_t size, const struct bf_enrol *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_ENROL, 0);
    bf_put_string(&w, m->name);
    bf_put_bytes(&w, m->key, sizeof m->key);
    bf_put_u32(&w, m->csr_len);
    bf_put_bytes(&w, m->csr, m->csr_len);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_enrol(const struct bf_frame *f, struct bf_enrol *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_ENROL);
    bf_get_string(&r, m->name, sizeof m->name);
    bf_demand(&r, bf_machine_name_ok(m->name));
    bf_get_bytes(&r, m->key, sizeof m->key);
    m->csr_len = bf_get_u32(&r);
    bf_demand(&r, m->csr_len >= 1 && m->csr_len <= BF_CSR_MAX);
    m->csr = bf_get_span(&r, m->csr_len);
    return bf_frame_verdict(&r);
}

size_t bf_put_enrolled(uint8_t *out, size_t size, const struct bf_enrolled *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_ENROLLED, 0);
    bf_put_u32(&w, m->certificate_len);
    bf_put_bytes(&w, m->certificate, m->certificate_len);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_enrolled(const struct bf_frame *f, struct bf_enrolled *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_ENROLLED);
    m->certificate_len = bf_get_u32(&r);
    bf_demand(&r, m->certificate_len >= 1 && m->certificate_len <= BF_CERTIFICATE_MAX);
    m->certificate = bf_get_span(&r, m->certificate_len);
    return bf_frame_verdict(&r);
}

size_t bf_put_welcome(uint8_t *out, size_t size, const struct bf_welcome *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_WELCOME, 0);
    bf_put_u16(&w, m->version);
    bf_put_u64(&w, m->caps);
    bf_put_bytes(&w, m->session, sizeof m->session);
    bf_put_i64(&w, m->clock);
    bf_put_u8(&w, m->resumed);
    bf_put_string(&w, m->name);
    bf_put_string(&w, m->program);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_welcome(const struct bf_frame *f, struct bf_welcome *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_WELCOME);
    m->version = bf_get_u16(&r);
    bf_demand(&r, m->version >= BF_PROTO_VERSION_MIN && m->version <= BF_PROTO_VERSION_MAX);
    m->caps = bf_get_u64(&r);
    bf_get_bytes(&r, m->session, sizeof m->session);
    bf_demand(&r, memcmp(m->session, none, sizeof none) != 0);
    m->clock = bf_get_i64(&r);
    m->resumed = bf_get_flag(&r);
    bf_get_string(&r, m->name, sizeof m->name);
    bf_demand(&r, bf_machine_name_ok(m->name));
    bf_get_string(&r, m->program, sizeof m->program);
    return bf_frame_verdict(&r);
}

size_t bf_put_plan(uint8_t *out, size_t size, const struct bf_planned_disk *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_PLAN, 0);
    bf_put_u16(&w, m->disk);
    bf_put_u16(&w, m->inventory_disk);
    bf_put_u16(&w, m->disks);
    bf_put_u8(&w, m->has_base);
    bf_put_u64(&w, m->geometry.disk_bytes);
    bf_put_u32(&w, m->geometry.block_size);
    bf_put_u32(&w, m->geometry.chunk_size);
    bf_put_u64(&w, m->resume_chunk);
    bf_put_u8(&w, m->done);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_plan(const struct bf_frame *f, struct bf_planned_disk *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_PLAN);
    m->disk = bf_get_disk(&r);
    m->inventory_disk = bf_get_disk(&r);
    m->disks = bf_get_u16(&r);
    bf_demand(&r, m->disks >= 1 && m->disks <= BF_PROTO_DISKS_MAX);
    m->has_base = bf_get_flag(&r);
    m->geometry.disk_bytes = bf_get_u64(&r);
    m->geometry.block_size = bf_get_u32(&r);
    m->geometry.chunk_size = bf_get_u32(&r);
    m->resume_chunk = bf_get_u64(&r);
    m->done = bf_get_flag(&r);
    if (!bf_reader_ok(&r) || bf_geometry_check(&m->geometry))
        return BF_ERR_PROTOCOL;
    uint64_t chunks = bf_geometry_chunks(&m->geometry);
    bf_demand(&r, m->resume_chunk <= chunks && (!m->done || m->resume_chunk == chunks));
    return bf_frame_verdict(&r);
}

size_t bf_put_busy(uint8_t *out, size_t size, const struct bf_busy *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_BUSY, 0);
    bf_put_u32(&w, m->ms);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_busy(const struct bf_frame *f, struct bf_busy *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_BUSY);
    m->ms = bf_get_u32(&r);
    bf_demand(&r, m->ms <= BF_BUSY_MAX_MS);
    return bf_frame_verdict(&r);
}

size_t bf_put_event(uint8_t *out, size_t size, const struct bf_event *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_EVENT, BF_FRAME_OPTIONAL);
    bf_put_u8(&w, m->level);
    bf_put_string(&w, m->text);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_event(const struct bf_frame *f, struct bf_event *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_EVENT);
    m->level = bf_get_u8(&r);
    bf_demand(&r, m->level <= 3);
    bf_get_string(&r, m->text, sizeof m->text);
    return bf_frame_verdict(&r);
}

size_t bf_put_ping(uint8_t *out, size_t size, uint16_t type, uint64_t echo)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, type, 0);
    bf_put_u64(&w, echo);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_ping(const struct bf_frame *f, uint64_t *echo)
{
    struct bf_reader r;
    bf_frame_open(&r, f, f->type == BF_MSG_PONG ? BF_MSG_PONG : BF_MSG_PING);
    *echo = bf_get_u64(&r);
    return bf_frame_verdict(&r);
}

size_t bf_put_fault(uint8_t *out, size_t size, const struct bf_fault *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_FAULT, 0);
    bf_put_u16(&w, (uint16_t)m->code);
    bf_put_u8(&w, (uint8_t)m->side);
    bf_put_string(&w, m->what);
    bf_put_string(&w, m->todo);
    return bf_frame_end(&w, 0);
}

// A code that this version does not know is still a fault, and its text is worth showing.
enum bf_err bf_get_fault(const struct bf_frame *f, struct bf_fault *m)
{
    struct bf_reader r;
    uint16_t code;
    uint8_t side;
    bf_frame_open(&r, f, BF_MSG_FAULT);
    code = bf_get_u16(&r);
    side = bf_get_u8(&r);
    bf_demand(&r, code != BF_OK && code != BF_AGAIN && side <= BF_SIDE_CONFIG);
    m->code = (enum bf_err)code;
    if (strcmp(bf_err_name(m->code), "unknown") == 0)
        m->code = BF_ERR_UNSUPPORTED;
    m->side = (enum bf_side)side;
    bf_get_string(&r, m->what, sizeof m->what);
    bf_get_string(&r, m->todo, sizeof m->todo);
    return bf_frame_verdict(&r);
}

size_t bf_put_bye(uint8_t *out, size_t size, const struct bf_bye *m)
{
    struct bf_writer w;
    bf_frame_begin(&w, out, size, BF_MSG_BYE, 0);
    bf_put_u8(&w, m->ok);
    return bf_frame_end(&w, 0);
}

enum bf_err bf_get_bye(const struct bf_frame *f, struct bf_bye *m)
{
    struct bf_reader r;
    bf_frame_open(&r, f, BF_MSG_BYE);
    m->ok = bf_get_flag(&r);
    return bf_frame_verdict(&r);
}
