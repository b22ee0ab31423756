// SPDX-License-Identifier: Apache-2.0
// SCSI block devices, read only, whatever carries the commands: INQUIRY with its vital product data
// (SPC-5, 6.7 and 7.7), READ CAPACITY and READ (SBC-4, 5), and what a status with its sense data
// means (SAM-5, 5.3; SPC-5, 4.4). Parsers of bytes and a length: every answer is hostile.
#ifndef BF_DRIVERS_SCSI_H
#define BF_DRIVERS_SCSI_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/block.h"
#include "image/identity.h"

enum {
    BF_SCSI_CDB_BYTES = 16,     // the longest command that is made here; shorter ones end in zeros
    BF_SCSI_ANSWER_BYTES = 252, // the longest answer that is asked for
    BF_SCSI_RESERVATION_CONFLICT = 0x18, // a status, SAM-5, table 43
};

// Sends a command that reads at most `bytes` bytes (up to BF_SCSI_ANSWER_BYTES) and waits for it.
// *answer is the carrier's, until it is asked again; *got at most `bytes`. BF_ERR_IO: the unit
// refuses the command; every other error ends the asking.
struct bf_scsi_carrier {
    enum bf_err (*ask)(void *impl, const uint8_t cdb[BF_SCSI_CDB_BYTES], uint32_t bytes,
                       const uint8_t **answer, uint32_t *got);
    void *impl;
};

// Asks a logical unit what it is. Fills block_size, blocks and max_blocks of *g (max_blocks 0: it
// names no limit) and removable of *g, and of *id what is not known. BF_ERR_UNSUPPORTED: no disk,
// or one whose protection information makes it refuse plain reads.
enum bf_err bf_scsi_look(const struct bf_scsi_carrier *carrier, struct bf_block_geometry *g,
                         struct bf_disk_identity *id);

// Asks a disk for what a person should know of it: whether a reservation is held on it
// (PERSISTENT RESERVE IN). A unit that refuses has none.
enum bf_err bf_scsi_notes(const struct bf_scsi_carrier *carrier, uint32_t *notes);

// READ (10) where it reaches, else READ (16).
void bf_scsi_read(uint8_t cdb[BF_SCSI_CDB_BYTES], uint64_t block, uint32_t count);

// What a status says, with len bytes of sense data. BF_OK: all was done. BF_AGAIN: ask again, a few
// times (unit attention, aborted). BF_ERR_BUSY: ask again, for a time (busy, not ready).
// BF_ERR_MEDIA: the unit or its medium is gone. BF_ERR_IO: it failed, and will.
enum bf_err bf_scsi_classify(uint8_t status, const uint8_t *sense, size_t len);

#endif
