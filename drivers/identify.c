// SPDX-License-Identifier: Apache-2.0
// Identify data of ATA, SCSI and NVMe disks. See drivers/identify.h.
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "base/fmt.h"
#include "drivers/identify.h"

// A fixed text field: printable ASCII, trimmed. A field with anything else in it is not used, since
// half a serial number could be another disk's.
static void take_text(const uint8_t *field, size_t len, char *out, size_t size)
{
    if (out[0])
        return;
    while (len && (field[len - 1] == ' ' || field[len - 1] == 0))
        len--;
    while (len && *field == ' ') {
        field++;
        len--;
    }
    if (!len || len >= size)
        return;
    for (size_t i = 0; i < len; i++)
        if (field[i] < 0x20 || field[i] > 0x7e)
            return;
    memcpy(out, field, len);
    out[len] = 0;
}

static int is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i])
            return 0;
    return 1;
}

static void take_wwn(const char *kind, const uint8_t *bytes, size_t len,
                     struct bf_disk_identity *id)
{
    char hex[2 * 16 + 1];
    if (id->wwn[0] || len > 16 || is_zero(bytes, len))
        return;
    bf_hex(hex, bytes, len);
    bf_snprintf(id->wwn, sizeof id->wwn, "%s.%s", kind, hex);
}

// Text in ATA words: the first character is in the high byte (ACS-4, 3.4.9).
static void take_ata_text(const uint8_t *data, size_t word, size_t words, char *out, size_t size)
{
    uint8_t text[40];
    BF_ASSERT(2 * words <= sizeof text && 2 * (word + words) <= BF_IDENTIFY_ATA_BYTES);
    for (size_t i = 0; i < 2 * words; i++)
        text[i] = data[2 * word + (i ^ 1)];
    take_text(text, 2 * words, out, size);
}

void bf_identify_ata(const void *data, size_t len, struct bf_disk_identity *id)
{
    enum { SERIAL = 10, MODEL = 27, EXTENDED = 87, WWN = 108 }; // words, ACS-4, table 55
    const uint8_t *d = data;
    uint8_t wwn[8];
    if (len < BF_IDENTIFY_ATA_BYTES)
        return;
    take_ata_text(d, SERIAL, 10, id->serial, sizeof id->serial);
    take_ata_text(d, MODEL, 20, id->model, sizeof id->model);
    uint32_t extended = bf_le16(d + 2 * EXTENDED);
    if ((extended & 0xc000) != 0x4000 || !(extended & 0x0100))
        return;
    for (size_t i = 0; i < sizeof wwn; i++)
        wwn[i] = d[2 * WWN + (i ^ 1)];
    take_wwn("naa", wwn, sizeof wwn, id);
}

void bf_identify_inquiry(const void *data, size_t len, struct bf_disk_identity *id)
{
    enum { VENDOR = 8, PRODUCT = 16, END = 32 };
    const uint8_t *d = data;
    char vendor[9] = "", product[17] = "";
    if (len < END || id->model[0])
        return;
    take_text(d + VENDOR, PRODUCT - VENDOR, vendor, sizeof vendor);
    take_text(d + PRODUCT, END - PRODUCT, product, sizeof product);
    if (product[0])
        bf_snprintf(id->model, sizeof id->model, "%s%s%s", vendor, vendor[0] ? " " : "", product);
}

// The payload of a vital product data page, NULL when it is not that page. A page that says it is
// longer than what arrived is cut there.
static const uint8_t *vpd_payload(const uint8_t *d, size_t len, uint8_t page, size_t *payload)
{
    enum { HEADER = 4 };
    if (len < HEADER || d[1] != page)
        return NULL;
    *payload = bf_be16(d + 2);
    if (*payload > len - HEADER)
        *payload = len - HEADER;
    return d + HEADER;
}

void bf_identify_vpd_serial(const void *data, size_t len, struct bf_disk_identity *id)
{
    size_t payload;
    const uint8_t *text = vpd_payload(data, len, 0x80, &payload);
    if (text)
        take_text(text, payload, id->serial, sizeof id->serial);
}

void bf_identify_vpd_devices(const void *data, size_t len, struct bf_disk_identity *id)
{
    enum { BINARY = 1, LOGICAL_UNIT = 0, EUI64 = 2, NAA = 3 }; // SPC-5, 7.7.6.1
    size_t payload, best_len = 0;
    const uint8_t *at = vpd_payload(data, len, 0x83, &payload), *best = NULL;
    uint32_t best_type = 0;
    struct bf_reader r;
    if (!at)
        return;
    bf_reader_init(&r, at, payload);
    while (bf_reader_left(&r)) {
        uint8_t code_set = bf_get_u8(&r) & 0x0f, kind = bf_get_u8(&r);
        bf_skip(&r, 1);
        uint8_t size = bf_get_u8(&r);
        const uint8_t *name = bf_get_span(&r, size);
        uint32_t type = kind & 0x0f;
        if (!name)
            break;
        // NAA before EUI-64, as Linux chooses; only what names the unit and not a port.
        if (code_set == BINARY && (kind >> 4 & 3) == LOGICAL_UNIT && type > best_type &&
            ((type == NAA && (size == 8 || size == 16)) ||
             (type == EUI64 && (size == 8 || size == 12 || size == 16)))) {
            best = name;
            best_len = size;
            best_type = type;
        }
    }
    if (best)
        take_wwn(best_type == NAA ? "naa" : "eui", best, best_len, id);
}

// Up to twenty characters, ended by a NUL when there are fewer.
void bf_identify_virtio(const void *data, size_t len, struct bf_disk_identity *id)
{
    const uint8_t *d = data, *end;
    if (len < BF_IDENTIFY_VIRTIO_BYTES)
        return;
    end = memchr(d, 0, BF_IDENTIFY_VIRTIO_BYTES);
    take_text(d, end ? (size_t)(end - d) : BF_IDENTIFY_VIRTIO_BYTES, id->serial, sizeof id->serial);
}

void bf_identify_nvme_controller(const void *data, size_t len, struct bf_disk_identity *id)
{
    enum { SERIAL = 4, MODEL = 24, END = 64 }; // figure 247
    const uint8_t *d = data;
    if (len < END)
        return;
    take_text(d + SERIAL, MODEL - SERIAL, id->serial, sizeof id->serial);
    take_text(d + MODEL, END - MODEL, id->model, sizeof id->model);
}

void bf_identify_nvme_namespace(const void *data, size_t len, struct bf_disk_identity *id)
{
    enum { NGUID = 104, EUI64 = 120, END = 128 }; // figure 245
    const uint8_t *d = data;
    if (len < END)
        return;
    take_wwn("eui", d + NGUID, EUI64 - NGUID, id);
    take_wwn("eui", d + EUI64, END - EUI64, id);
}

void bf_identify_nvme_number(uint32_t nsid, struct bf_disk_identity *id)
{
    enum { NUMBER = 12 }; // a dash, up to ten digits
    if (id->wwn[0] || !id->serial[0] ||
        strlen(id->serial) > sizeof id->wwn - sizeof BF_IDENTIFY_NVME_NAMED - NUMBER)
        return;
    bf_snprintf(id->wwn, sizeof id->wwn, "%s%s-%u", BF_IDENTIFY_NVME_NAMED, id->serial, nsid);
}
