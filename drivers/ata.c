// SPDX-License-Identifier: Apache-2.0
// ATA commands and answers. See drivers/ata.h.
#include "drivers/ata.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "drivers/tcg.h"

enum { // commands, ACS-4, 7
    READ_DMA_EXT = 0x25,
    READ_NATIVE_MAX_EXT = 0x27, // ACS-2, 7.33
    READ_LOG_EXT = 0x2f,
    TRUSTED_RECEIVE = 0x5c,
    READ_FPDMA_QUEUED = 0x60,
    ACCESSIBLE_MAX = 0x78, // feature 0: GET NATIVE MAX ADDRESS EXT
    IDENTIFY_DEVICE = 0xec,
};

enum { // Register - Host to Device, Serial ATA 3.3, 10.5.5
    FRAME_H2D = 0x27,
    FRAME_D2H = 0x34,
    FRAME_COMMAND = 0x80, // the frame carries a command
    DEVICE_LBA = 0x40,
};

enum { // IDENTIFY DEVICE, words, ACS-4, table 55
    GENERAL = 0,
    GENERAL_NOT_ATA = 0x8000,
    TRUSTED = 48,
    TRUSTED_SUPPORTED = 0x4001, // with the bits that make the word valid
    TRUSTED_MASK = 0xc001,
    CAPABILITIES = 49,
    CAPABILITIES_DMA_LBA = 0x0300,
    QUEUE_DEPTH = 75,
    SATA_CAPABILITIES = 76,
    SATA_NCQ = 0x0100,
    FEATURES = 85, // that are enabled
    FEATURES_HPA = 0x0400,
    COMMAND_SETS = 83,
    COMMAND_SETS_48_BIT = 0x0400,
    SECTORS = 100, // four words
    SECTOR_SIZE = 106,
    SECTOR_SIZE_VALID_MASK = 0xc000,
    SECTOR_SIZE_VALID = 0x4000,
    SECTOR_SIZE_LONG = 0x1000,
    LOGICAL_WORDS = 117, // two words: of a block, in words
    MORE_SETS = 119,
    MORE_SETS_AMA = 0x4100,
    MORE_SETS_MASK = 0xc100,
    SECURITY = 128,
    SECURITY_LOCKED = 0x0005, // it has a password, and is locked
    INTEGRITY = 510,          // byte: 0xa5, then the checksum is valid
    INTEGRITY_VALID = 0xa5,
};

enum { // the queued error log, ACS-4, 9.13
    LOG_QUEUED_ERROR = 0x10,
    LOG_NOT_QUEUED = 0x80,
    LOG_TAG_MASK = 0x1f,
};

enum { USUAL_BLOCK_BYTES = 512 };
#define BLOCKS_MAX ((uint64_t)1 << 48) // that commands address (ACS-4, 48-bit Address feature set)

static uint32_t word(const uint8_t *data, uint32_t i)
{
    BF_ASSERT(i < BF_ATA_PAGE_BYTES / 2);
    return bf_le16(data + 2 * i);
}

// All bytes of a page, its checksum included, add up to zero.
static int adds_up(const uint8_t *data)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < BF_ATA_PAGE_BYTES; i++)
        sum = (uint8_t)(sum + data[i]);
    return sum == 0;
}

static uint32_t block_size(const uint8_t *data)
{
    uint32_t size = word(data, SECTOR_SIZE);
    uint64_t words = bf_le32(data + 2 * LOGICAL_WORDS);
    if ((size & SECTOR_SIZE_VALID_MASK) != SECTOR_SIZE_VALID || !(size & SECTOR_SIZE_LONG))
        return USUAL_BLOCK_BYTES;
    return words <= UINT32_MAX / 2 ? (uint32_t)(2 * words) : 0;
}

static void take_protection(const uint8_t *d, struct bf_ata_disk *out)
{
    out->locked = (word(d, SECURITY) & SECURITY_LOCKED) == SECURITY_LOCKED;
    out->trusted = (word(d, TRUSTED) & TRUSTED_MASK) == TRUSTED_SUPPORTED;
    if ((word(d, MORE_SETS) & MORE_SETS_MASK) == MORE_SETS_AMA)
        out->hides = BF_ATA_HIDES_AMA;
    else if (word(d, FEATURES) != UINT16_MAX && (word(d, FEATURES) & FEATURES_HPA))
        out->hides = BF_ATA_HIDES_HPA;
}

enum bf_err bf_ata_parse(const void *data, size_t len, struct bf_ata_disk *out)
{
    const uint8_t *d = data;
    memset(out, 0, sizeof *out);
    if (len < BF_ATA_PAGE_BYTES)
        return BF_ERR_CORRUPT;
    if (d[INTEGRITY] == INTEGRITY_VALID && !adds_up(d))
        return BF_ERR_CORRUPT;
    if ((word(d, GENERAL) & GENERAL_NOT_ATA) ||
        (word(d, CAPABILITIES) & CAPABILITIES_DMA_LBA) != CAPABILITIES_DMA_LBA ||
        !(word(d, COMMAND_SETS) & COMMAND_SETS_48_BIT))
        return BF_ERR_UNSUPPORTED;
    out->blocks = bf_le64(d + 2 * SECTORS);
    if (out->blocks > BLOCKS_MAX)
        return BF_ERR_CORRUPT;
    out->block_size = block_size(d);
    if (word(d, SATA_CAPABILITIES) != UINT16_MAX && (word(d, SATA_CAPABILITIES) & SATA_NCQ))
        out->depth = (uint16_t)((word(d, QUEUE_DEPTH) & 0x1f) + 1);
    take_protection(d, out);
    return BF_OK;
}

static void make(uint8_t *frame, uint8_t command, uint64_t block, uint32_t features, uint32_t count)
{
    memset(frame, 0, BF_ATA_FRAME_BYTES);
    frame[0] = FRAME_H2D;
    frame[1] = FRAME_COMMAND;
    frame[2] = command;
    frame[3] = (uint8_t)features;
    bf_put_le(frame + 4, block, 3);
    bf_put_le(frame + 8, block >> 24, 3);
    frame[11] = (uint8_t)(features >> 8);
    bf_put_le16(frame + 12, (uint16_t)count);
}

void bf_ata_identify(uint8_t frame[BF_ATA_FRAME_BYTES])
{
    make(frame, IDENTIFY_DEVICE, 0, 0, 0);
}

void bf_ata_read(uint8_t frame[BF_ATA_FRAME_BYTES], uint64_t block, uint32_t count)
{
    BF_ASSERT(count > 0 && count <= UINT16_MAX); // 0 would be 65536
    make(frame, READ_DMA_EXT, block, 0, count);
    frame[7] = DEVICE_LBA;
}

void bf_ata_read_queued(uint8_t frame[BF_ATA_FRAME_BYTES], uint64_t block, uint32_t count,
                        uint32_t tag)
{
    BF_ASSERT(count > 0 && count <= UINT16_MAX);
    BF_ASSERT(tag <= LOG_TAG_MASK);
    make(frame, READ_FPDMA_QUEUED, block, count, tag << 3);
    frame[7] = DEVICE_LBA;
}

void bf_ata_read_error_log(uint8_t frame[BF_ATA_FRAME_BYTES])
{
    make(frame, READ_LOG_EXT, LOG_QUEUED_ERROR, 0, 1);
}

void bf_ata_discover(uint8_t frame[BF_ATA_FRAME_BYTES])
{
    make(frame, TRUSTED_RECEIVE, (uint64_t)BF_TCG_DISCOVERY << 8, BF_TCG_PROTOCOL, 1);
}

void bf_ata_native_max(uint8_t frame[BF_ATA_FRAME_BYTES])
{
    make(frame, READ_NATIVE_MAX_EXT, 0, 0, 0);
    frame[7] = DEVICE_LBA;
}

void bf_ata_native_max_ama(uint8_t frame[BF_ATA_FRAME_BYTES])
{
    make(frame, ACCESSIBLE_MAX, 0, 0, 0);
    frame[7] = DEVICE_LBA;
}

uint64_t bf_ata_native_blocks(const void *data, size_t len)
{
    enum { STATUS = 2, STATUS_BAD = 0x21 }; // error, device fault
    const uint8_t *d = data;
    if (len < BF_ATA_FRAME_BYTES || d[0] != FRAME_D2H || (d[STATUS] & STATUS_BAD))
        return 0;
    return (bf_le(d + 8, 3) << 24 | bf_le(d + 4, 3)) + 1;
}

enum bf_err bf_ata_failed_tag(const void *data, size_t len, uint32_t *tag)
{
    const uint8_t *d = data;
    if (len < BF_ATA_PAGE_BYTES || !adds_up(d) || (d[0] & LOG_NOT_QUEUED))
        return BF_ERR_PROTOCOL;
    *tag = d[0] & LOG_TAG_MASK;
    return BF_OK;
}
