// SPDX-License-Identifier: Apache-2.0
// Which logical units a SCSI target has, whatever carries the commands: REPORT LUNS (SPC-5, 6.33)
// and INQUIRY of each. Parsers of bytes and a length: every answer is hostile.
#ifndef BF_DRIVERS_SCSI_UNITS_H
#define BF_DRIVERS_SCSI_UNITS_H

#include "drivers/controller.h"
#include "drivers/scsi.h"

enum {
    BF_SCSI_LUN_MAX = 0x3fff, // what the formats that are carried have room for
    BF_SCSI_LUNS_LEAST = 16,  // the shortest answer that may be asked for
    BF_SCSI_LUNS_BYTES = 8 + 8 * (1 + BF_SCSI_LUN_MAX), // one that names all
};

// As ask() of struct bf_scsi_carrier, of one unit, for up to BF_SCSI_LUNS_BYTES. BF_ERR_MEDIA:
// there is no such target or unit.
struct bf_scsi_host {
    enum bf_err (*ask)(void *impl, uint32_t target, uint32_t lun,
                       const uint8_t cdb[BF_SCSI_CDB_BYTES], uint32_t bytes, const uint8_t **answer,
                       uint32_t *got);
    void *impl;
};

void bf_scsi_report_luns(uint8_t cdb[BF_SCSI_CDB_BYTES], uint32_t bytes);

// Adds the units of one target: the first *count places of out are taken, and *count goes on. Of a
// target that does not list its units, unit 0 is looked at. BF_ERR_LIMIT: it claims more than can
// be.
enum bf_err bf_scsi_units(const struct bf_scsi_host *host, uint32_t target, struct bf_unit *out,
                          uint32_t room, uint32_t *count);

#endif
