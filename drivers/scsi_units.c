// SPDX-License-Identifier: Apache-2.0
// Logical units of a SCSI target. See drivers/scsi_units.h. Of the ways to write a number (SAM-5,
// 4.7) those are read that name a unit of the target itself; a number that the transport cannot
// carry is a unit that cannot be read. INQUIRY decides what a unit is, since a target also lists
// what holds no data, and answers for what is not there.
#include "drivers/scsi_units.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

enum { REPORT_LUNS = 0xa0, INQUIRY = 0x12, INQUIRY_BYTES = 36 };
enum { HEADER = 8, ENTRY = 8, ENTRIES_MAX = 1 + BF_SCSI_LUN_MAX };
enum { NOT_HERE = -1, TOO_FAR = -2, LUN_UNKNOWN = 0xffff };

enum { // addressing methods, SAM-5, 4.7.6 to 4.7.8
    METHOD_MASK = 0xc0,
    METHOD_PERIPHERAL = 0x00,
    METHOD_FLAT = 0x40,
    EXTENDED_FLAT = 0xd2, // 24 bits
    WELL_KNOWN = 0xc1,
};

enum { // INQUIRY, byte 0: peripheral qualifier and device type, SPC-5, 6.7.2
    QUALIFIER = 0xe0,
    TYPE_DISK = 0x00,
    TYPE_SIMPLE_DISK = 0x0e,
    TYPE_ZONED_DISK = 0x14,
};

void bf_scsi_report_luns(uint8_t cdb[BF_SCSI_CDB_BYTES], uint32_t bytes)
{
    BF_ASSERT(bytes >= BF_SCSI_LUNS_LEAST);
    memset(cdb, 0, BF_SCSI_CDB_BYTES);
    cdb[0] = REPORT_LUNS;
    bf_put_be32(cdb + 6, bytes);
}

// The number that an entry names; NOT_HERE of one that is no unit of its own.
static int32_t number_of(const uint8_t entry[ENTRY])
{
    uint32_t far;
    if (entry[0] == WELL_KNOWN)
        return NOT_HERE;
    if (entry[0] == EXTENDED_FLAT && !bf_be32(entry + 4)) {
        far = bf_be32(entry) & 0xffffff;
        return far <= BF_SCSI_LUN_MAX ? (int32_t)far : TOO_FAR;
    }
    if (bf_be(entry + 2, 6))
        return TOO_FAR;
    if ((entry[0] & METHOD_MASK) == METHOD_FLAT)
        return bf_be16(entry) & ~(METHOD_MASK << 8);
    return entry[0] == METHOD_PERIPHERAL ? entry[1] : TOO_FAR;
}

static void add(uint32_t target, uint32_t lun, const char *why, struct bf_unit *out, uint32_t room,
                uint32_t *count)
{
    BF_ASSERT(target <= UINT16_MAX && lun <= LUN_UNKNOWN);
    if (*count < room)
        out[*count] = (struct bf_unit){.number = BF_UNIT_SCSI | target << 16 | lun, .why = why};
    ++*count;
}

static enum bf_err look_at(const struct bf_scsi_host *host, uint32_t target, uint32_t lun,
                           int listed, struct bf_unit *out, uint32_t room, uint32_t *count)
{
    uint8_t cdb[BF_SCSI_CDB_BYTES] = {INQUIRY, [4] = INQUIRY_BYTES};
    const uint8_t *answer = NULL;
    uint32_t got = 0;
    enum bf_err err = host->ask(host->impl, target, lun, cdb, INQUIRY_BYTES, &answer, &got);
    if (err && err != BF_ERR_IO && err != BF_ERR_MEDIA)
        return err;
    if (err || !got) {
        if (listed)
            add(target, lun, "it does not say what it is", out, room, count);
        return BF_OK;
    }
    if (answer[0] == TYPE_DISK)
        add(target, lun, NULL, out, room, count);
    else if (answer[0] == TYPE_ZONED_DISK)
        add(target, lun, "a host-managed zoned disk", out, room, count);
    else if (answer[0] == TYPE_SIMPLE_DISK)
        add(target, lun, "a disk with the reduced command set", out, room, count);
    return BF_OK;
}

// Takes the numbers out of the list, which is the carrier's and is overwritten by the next answer.
static uint32_t numbers_in(const uint8_t *list, uint32_t got,
                           uint8_t seen[(1 + BF_SCSI_LUN_MAX) / 8], uint32_t *far)
{
    uint32_t entries = bf_be32(list) / ENTRY, there = (got - HEADER) / ENTRY;
    uint32_t over = entries > there ? entries - there : 0;
    BF_ASSERT(got >= HEADER);
    *far = 0;
    memset(seen, 0, (1 + BF_SCSI_LUN_MAX) / 8);
    for (uint32_t i = 0; i < entries - over; i++) {
        int32_t number = number_of(list + HEADER + (size_t)i * ENTRY);
        BF_ASSERT(number <= BF_SCSI_LUN_MAX);
        if (number >= 0)
            seen[number / 8] |= (uint8_t)(1u << number % 8);
        *far += number == TOO_FAR;
    }
    return over;
}

enum bf_err bf_scsi_units(const struct bf_scsi_host *host, uint32_t target, struct bf_unit *out,
                          uint32_t room, uint32_t *count)
{
    static uint8_t seen[(1 + BF_SCSI_LUN_MAX) / 8]; // one thread: who opens controllers
    uint8_t cdb[BF_SCSI_CDB_BYTES];
    const uint8_t *list = NULL;
    uint32_t got = 0, far, over;
    enum bf_err err;
    bf_scsi_report_luns(cdb, BF_SCSI_LUNS_BYTES);
    err = host->ask(host->impl, target, 0, cdb, BF_SCSI_LUNS_BYTES, &list, &got);
    if (err == BF_ERR_MEDIA)
        return BF_OK;
    if (err == BF_ERR_IO || (!err && got < HEADER))
        return look_at(host, target, 0, 0, out, room, count);
    if (err)
        return err;
    over = numbers_in(list, got, seen, &far);
    for (uint32_t lun = 0; lun <= BF_SCSI_LUN_MAX && !err; lun++)
        if (seen[lun / 8] >> lun % 8 & 1)
            err = look_at(host, target, lun, 1, out, room, count);
    for (uint32_t i = 0; i < far && !err; i++)
        add(target, LUN_UNKNOWN, "its number is too large for this transport", out, room, count);
    return !err && over ? BF_ERR_LIMIT : err;
}
