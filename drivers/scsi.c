// SPDX-License-Identifier: Apache-2.0
// SCSI commands and answers. See drivers/scsi.h. Fields are big-endian. Only pages that a unit
// lists are asked for, since some units answer others with nonsense or not at all.
#include "drivers/scsi.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "drivers/identify.h"

enum { // operation codes, SPC-5 table 142, SBC-4 table 27
    INQUIRY = 0x12,
    READ_CAPACITY_10 = 0x25,
    READ_10 = 0x28,
    READ_16 = 0x88,
    PERSISTENT_RESERVE_IN = 0x5e,
    READ_RESERVATION = 0x01,
    SERVICE_ACTION_IN_16 = 0x9e,
    READ_CAPACITY_16 = 0x10,
};

enum { // vital product data, SPC-5, 7.7; SBC-4, 6.6.3
    PAGE_LIST = 0x00,
    PAGE_SERIAL = 0x80,
    PAGE_DEVICES = 0x83,
    PAGE_LIMITS = 0xb0,
    PAGE_HEADER = 4,
    LIMITS_TRANSFER = 8, // maximum transfer length, blocks
};

enum { // standard inquiry data, SPC-5, 6.7.2
    INQUIRY_BYTES = 36,
    INQUIRY_TYPE = 0,      // qualifier and type: both zero is a disk that is there
    INQUIRY_REMOVABLE = 1, // bit 7
    INQUIRY_PROTECT = 5,
};

enum { // parameter data of READ CAPACITY, SBC-4, 5.20 and 5.21
    CAPACITY_10_BYTES = 8,
    CAPACITY_16_BYTES = 32,
    CAPACITY_16_USED = 13,
    PROTECTION = 12,
    PROTECTION_MASK = 0x0f,
    PROTECTION_TYPE_2 = 0x03, // enabled, P_TYPE 1: READ (10) and READ (16) are refused
};

// ---- Asking ------------------------------------------------------------------------------------

struct answer {
    const uint8_t *data;
    uint32_t len;
};

static enum bf_err ask(const struct bf_scsi_carrier *carrier, const uint8_t cdb[BF_SCSI_CDB_BYTES],
                       uint32_t bytes, struct answer *out)
{
    enum bf_err err;
    BF_ASSERT(bytes > 0 && bytes <= BF_SCSI_ANSWER_BYTES);
    *out = (struct answer){0};
    err = carrier->ask(carrier->impl, cdb, bytes, &out->data, &out->len);
    if (err || out->len > bytes)
        out->len = 0;
    return err;
}

static enum bf_err inquire(const struct bf_scsi_carrier *carrier, struct answer *out)
{
    uint8_t cdb[BF_SCSI_CDB_BYTES] = {INQUIRY};
    bf_put_be16(cdb + 3, INQUIRY_BYTES);
    return ask(carrier, cdb, INQUIRY_BYTES, out);
}

static enum bf_err inquire_page(const struct bf_scsi_carrier *carrier, uint8_t page,
                                struct answer *out)
{
    uint8_t cdb[BF_SCSI_CDB_BYTES] = {INQUIRY, 1, page};
    bf_put_be16(cdb + 3, BF_SCSI_ANSWER_BYTES);
    return ask(carrier, cdb, BF_SCSI_ANSWER_BYTES, out);
}

static int is_page(const struct answer *a, uint8_t page)
{
    return a->len >= PAGE_HEADER && a->data[1] == page;
}

// ---- What it answers ---------------------------------------------------------------------------

enum {
    HAS_SERIAL = 1,
    HAS_DEVICES = 2,
    HAS_LIMITS = 4,
};

static uint32_t listed_pages(const struct answer *a)
{
    uint32_t pages = 0, count;
    if (!is_page(a, PAGE_LIST))
        return 0;
    count = bf_be16(a->data + 2);
    for (uint32_t i = 0; i < count && PAGE_HEADER + i < a->len; i++) {
        uint8_t page = a->data[PAGE_HEADER + i];
        pages |= page == PAGE_SERIAL    ? HAS_SERIAL
                 : page == PAGE_DEVICES ? HAS_DEVICES
                 : page == PAGE_LIMITS  ? HAS_LIMITS
                                        : 0;
    }
    return pages;
}

// A refusal leaves the answer empty, which every parser takes for nothing known.
static enum bf_err look_at_pages(const struct bf_scsi_carrier *carrier, struct bf_block_geometry *g,
                                 struct bf_disk_identity *id)
{
    struct answer a;
    enum bf_err err = inquire_page(carrier, PAGE_LIST, &a);
    uint32_t pages = listed_pages(&a);
    if ((!err || err == BF_ERR_IO) && (pages & HAS_SERIAL)) {
        err = inquire_page(carrier, PAGE_SERIAL, &a);
        bf_identify_vpd_serial(a.data, a.len, id);
    }
    if ((!err || err == BF_ERR_IO) && (pages & HAS_DEVICES)) {
        err = inquire_page(carrier, PAGE_DEVICES, &a);
        bf_identify_vpd_devices(a.data, a.len, id);
    }
    if ((!err || err == BF_ERR_IO) && (pages & HAS_LIMITS)) {
        err = inquire_page(carrier, PAGE_LIMITS, &a);
        if (is_page(&a, PAGE_LIMITS) && a.len >= LIMITS_TRANSFER + 4)
            g->max_blocks = bf_be32(a.data + LIMITS_TRANSFER);
    }
    return err == BF_ERR_IO ? BF_OK : err;
}

static enum bf_err read_capacity_16(const struct bf_scsi_carrier *carrier,
                                    struct bf_block_geometry *g)
{
    uint8_t cdb[BF_SCSI_CDB_BYTES] = {SERVICE_ACTION_IN_16, READ_CAPACITY_16};
    struct answer a;
    enum bf_err err;
    bf_put_be32(cdb + 10, CAPACITY_16_BYTES);
    err = ask(carrier, cdb, CAPACITY_16_BYTES, &a);
    if (err)
        return err;
    if (a.len < CAPACITY_16_USED)
        return BF_ERR_PROTOCOL;
    if ((a.data[PROTECTION] & PROTECTION_MASK) == PROTECTION_TYPE_2)
        return BF_ERR_UNSUPPORTED;
    g->blocks = bf_be64(a.data) + 1; // 0 after all ones: no geometry
    g->block_size = bf_be32(a.data + 8);
    return BF_OK;
}

static enum bf_err read_capacity(const struct bf_scsi_carrier *carrier, int protected,
                                 struct bf_block_geometry *g)
{
    uint8_t cdb[BF_SCSI_CDB_BYTES] = {READ_CAPACITY_10};
    struct answer a;
    enum bf_err err = ask(carrier, cdb, CAPACITY_10_BYTES, &a);
    if (err)
        return err;
    if (a.len < CAPACITY_10_BYTES)
        return BF_ERR_PROTOCOL;
    if (protected || bf_be32(a.data) == UINT32_MAX) // more than fits
        return read_capacity_16(carrier, g);
    g->blocks = (uint64_t)bf_be32(a.data) + 1;
    g->block_size = bf_be32(a.data + 4);
    return BF_OK;
}

enum bf_err bf_scsi_look(const struct bf_scsi_carrier *carrier, struct bf_block_geometry *g,
                         struct bf_disk_identity *id)
{
    struct answer a;
    int protected;
    enum bf_err err = inquire(carrier, &a);
    g->max_blocks = 0;
    if (err)
        return err;
    if (a.len < INQUIRY_BYTES || a.data[INQUIRY_TYPE] != 0)
        return BF_ERR_UNSUPPORTED;
    protected = a.data[INQUIRY_PROTECT] & 1;
    g->removable = a.data[INQUIRY_REMOVABLE] >> 7;
    bf_identify_inquiry(a.data, a.len, id);
    err = look_at_pages(carrier, g, id);
    return err ? err : read_capacity(carrier, protected, g);
}

enum bf_err bf_scsi_notes(const struct bf_scsi_carrier *carrier, uint32_t *notes)
{
    enum { BYTES = 24, LENGTH = 4, HELD = 16 }; // SPC-5, 6.16.3
    uint8_t cdb[BF_SCSI_CDB_BYTES] = {PERSISTENT_RESERVE_IN, READ_RESERVATION};
    struct answer a;
    enum bf_err err;
    *notes = 0;
    bf_put_be16(cdb + 7, BYTES);
    err = ask(carrier, cdb, BYTES, &a);
    if (!err && a.len == BYTES && bf_be32(a.data + LENGTH) >= HELD)
        *notes = BF_DISK_RESERVED;
    return err == BF_ERR_IO ? BF_OK : err;
}

// ---- Reading -----------------------------------------------------------------------------------

void bf_scsi_read(uint8_t cdb[BF_SCSI_CDB_BYTES], uint64_t block, uint32_t count)
{
    BF_ASSERT(count > 0);
    memset(cdb, 0, BF_SCSI_CDB_BYTES);
    if (block <= UINT32_MAX && count <= UINT16_MAX) {
        cdb[0] = READ_10;
        bf_put_be32(cdb + 2, (uint32_t)block);
        bf_put_be16(cdb + 7, (uint16_t)count);
    } else {
        cdb[0] = READ_16;
        bf_put_be64(cdb + 2, block);
        bf_put_be32(cdb + 10, count);
    }
}

// ---- Status and sense data ---------------------------------------------------------------------

enum { // SAM-5, table 43
    STATUS_GOOD = 0x00,
    STATUS_CHECK_CONDITION = 0x02,
    STATUS_BUSY = 0x08,
    STATUS_TASK_SET_FULL = 0x28,
    STATUS_TASK_ABORTED = 0x40,
};

enum { // sense keys, SPC-5, table 48
    KEY_NO_SENSE = 0x0,
    KEY_RECOVERED_ERROR = 0x1,
    KEY_NOT_READY = 0x2,
    KEY_ILLEGAL_REQUEST = 0x5,
    KEY_UNIT_ATTENTION = 0x6,
    KEY_ABORTED_COMMAND = 0xb,
    KEY_COMPLETED = 0xf,
};

enum { // additional sense codes, SPC-5, annex F
    ASC_NO_LOGICAL_UNIT = 0x25,
    ASC_NO_MEDIUM = 0x3a,
};

struct sense {
    uint8_t key, asc;
    uint8_t deferred; // about an earlier command; this one was not done (SPC-5, 4.4.5)
};

// Fixed or descriptor format (SPC-5, 4.4.2 and 4.4.3). False: there is none.
static int parse_sense(const uint8_t *data, size_t len, struct sense *out)
{
    enum { CURRENT_FIXED = 0x70, CURRENT_DESCRIPTOR = 0x72, FIXED_ASC = 12 };
    uint8_t code;
    if (len < 4)
        return 0;
    code = data[0] & 0x7f;
    out->deferred = code & 1;
    switch (code & ~1u) {
    case CURRENT_FIXED:
        out->key = data[2] & 0x0f;
        out->asc = len > FIXED_ASC ? data[FIXED_ASC] : 0;
        return 1;
    case CURRENT_DESCRIPTOR:
        out->key = data[1] & 0x0f;
        out->asc = data[2];
        return 1;
    default:
        return 0;
    }
}

static enum bf_err judge_sense(const uint8_t *data, size_t len)
{
    struct sense sense;
    if (!parse_sense(data, len, &sense))
        return BF_ERR_IO;
    if (sense.deferred)
        return BF_AGAIN;
    switch (sense.key) {
    case KEY_NO_SENSE:
    case KEY_RECOVERED_ERROR:
    case KEY_COMPLETED:
        return BF_OK;
    case KEY_NOT_READY:
        return sense.asc == ASC_NO_MEDIUM ? BF_ERR_MEDIA : BF_ERR_BUSY;
    case KEY_UNIT_ATTENTION:
    case KEY_ABORTED_COMMAND:
        return BF_AGAIN;
    case KEY_ILLEGAL_REQUEST:
        return sense.asc == ASC_NO_LOGICAL_UNIT ? BF_ERR_MEDIA : BF_ERR_IO;
    default:
        return BF_ERR_IO;
    }
}

enum bf_err bf_scsi_classify(uint8_t status, const uint8_t *sense, size_t len)
{
    switch (status) {
    case STATUS_GOOD:
        return BF_OK;
    case STATUS_CHECK_CONDITION:
        return judge_sense(sense, len);
    case STATUS_BUSY:
    case STATUS_TASK_SET_FULL:
        return BF_ERR_BUSY;
    case STATUS_TASK_ABORTED:
        return BF_AGAIN;
    default:
        return BF_ERR_IO;
    }
}
