// SPDX-License-Identifier: Apache-2.0
// ATA disks, read only, whatever carries the commands (ACS-4; the frames are Serial ATA 3.3, 10.5):
// what IDENTIFY DEVICE says of a disk, the commands that read, and the log that names the one of
// several queued commands that failed. Parsers of bytes and a length: every answer is hostile.
#ifndef BF_DRIVERS_ATA_H
#define BF_DRIVERS_ATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    BF_ATA_FRAME_BYTES = 20, // Register - Host to Device
    BF_ATA_PAGE_BYTES = 512, // of IDENTIFY DEVICE and of a log
};

struct bf_ata_disk {
    uint32_t block_size;
    uint64_t blocks;
    uint16_t depth;  // commands that it queues; 0: it does not
    uint8_t locked;  // by a password
    uint8_t trusted; // it answers TRUSTED RECEIVE
    uint8_t hides;   // it may have blocks that it hides: enum bf_ata_hides
};

enum bf_ata_hides {
    BF_ATA_HIDES_NONE,
    BF_ATA_HIDES_HPA, // host protected area, up to ACS-2
    BF_ATA_HIDES_AMA, // accessible maximum address, from ACS-3 on
};

// BF_ERR_CORRUPT: the checksum is wrong. BF_ERR_UNSUPPORTED: no disk, or one without DMA or 48-bit
// addresses.
enum bf_err bf_ata_parse(const void *data, size_t len, struct bf_ata_disk *out);

void bf_ata_identify(uint8_t frame[BF_ATA_FRAME_BYTES]);
// READ DMA EXT; count up to 65535.
void bf_ata_read(uint8_t frame[BF_ATA_FRAME_BYTES], uint64_t block, uint32_t count);
// READ FPDMA QUEUED; tag up to 31.
void bf_ata_read_queued(uint8_t frame[BF_ATA_FRAME_BYTES], uint64_t block, uint32_t count,
                        uint32_t tag);
// READ LOG EXT of the queued error log.
void bf_ata_read_error_log(uint8_t frame[BF_ATA_FRAME_BYTES]);

// TRUSTED RECEIVE of drivers/tcg.h's discovery, one page.
void bf_ata_discover(uint8_t frame[BF_ATA_FRAME_BYTES]);
// READ NATIVE MAX ADDRESS EXT and GET NATIVE MAX ADDRESS EXT, without data; the answer is the
// frame that ends them.
void bf_ata_native_max(uint8_t frame[BF_ATA_FRAME_BYTES]);
void bf_ata_native_max_ama(uint8_t frame[BF_ATA_FRAME_BYTES]);

// How many blocks there are, of that frame. 0: it is no such frame.
uint64_t bf_ata_native_blocks(const void *data, size_t len);

// The tag of the queued command that failed. BF_ERR_PROTOCOL: the log names none, or is damaged.
enum bf_err bf_ata_failed_tag(const void *data, size_t len, uint32_t *tag);

#endif
