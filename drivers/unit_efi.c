// SPDX-License-Identifier: Apache-2.0
// Units in device paths. See drivers/unit_efi.h.
#include "drivers/unit_efi.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "drivers/handles_efi.h"

enum { MESSAGING = 3, SCSI = 2, SATA = 18, NVME = 23 }; // UEFI 2.10, 10.3.4.2, .19, .21
enum { HEADER = 4, SCSI_BYTES = 8, SATA_BYTES = 10, NVME_BYTES = 16, PATH_BYTES = 4096 };
enum { NO_MULTIPLIER_BIT = 0x8000, NO_MULTIPLIER = 0xffff };

uint64_t bf_unit_efi_number(const EFI_DEVICE_PATH *rest)
{
    const uint8_t *fields = (const uint8_t *)rest + sizeof *rest;
    uint32_t bytes = DevicePathNodeLength(rest), kind = DevicePathSubType(rest);
    uint16_t place[3] = {0};
    uint32_t nsid;
    if (DevicePathType(rest) != MESSAGING)
        return 0;
    if (kind == NVME && bytes == NVME_BYTES) {
        memcpy(&nsid, fields, sizeof nsid);
        return nsid;
    }
    if ((kind == SCSI && bytes == SCSI_BYTES) || (kind == SATA && bytes == SATA_BYTES))
        memcpy(place, fields, bytes - sizeof *rest);
    else
        return 0;
    if (kind == SATA && place[2]) // a logical unit of something that is no disk
        return 0;
    if (kind == SATA && (place[1] & NO_MULTIPLIER_BIT))
        place[1] = NO_MULTIPLIER;
    return (kind == SATA ? BF_UNIT_SATA : BF_UNIT_SCSI) | (uint32_t)place[0] << 16 | place[1];
}

// The node of a unit; returns its length, 0 when a path has none for it.
static size_t make_node(const struct bf_unit *unit, uint8_t node[NVME_BYTES])
{
    uint64_t kind = unit->number & ~(uint64_t)UINT32_MAX;
    uint32_t nsid = (uint32_t)unit->number;
    uint16_t place[3] = {(uint16_t)(unit->number >> 16), (uint16_t)unit->number, 0};
    size_t bytes = kind == BF_UNIT_SATA   ? SATA_BYTES
                   : kind == BF_UNIT_SCSI ? SCSI_BYTES
                                          : NVME_BYTES;
    if (!unit->number)
        return 0;
    node[0] = MESSAGING;
    node[1] = kind == BF_UNIT_SATA ? SATA : kind == BF_UNIT_SCSI ? SCSI : NVME;
    node[2] = (uint8_t)bytes;
    node[3] = 0;
    if (bytes != NVME_BYTES) {
        memcpy(node + HEADER, place, bytes - HEADER);
        return bytes;
    }
    memcpy(node + HEADER, &nsid, sizeof nsid);
    memcpy(node + HEADER + sizeof nsid, unit->eui64, sizeof unit->eui64);
    return bytes;
}

void bf_unit_efi_path(EFI_HANDLE controller, const struct bf_unit *unit, char *out, size_t size)
{
    static const uint8_t end[HEADER] = {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE,
                                        HEADER, 0};
    static uint8_t path[PATH_BYTES + NVME_BYTES]; // large for the firmware's stack
    const EFI_DEVICE_PATH *to = bf_efi_path(controller);
    size_t bytes = bf_efi_path_size(to);
    out[0] = 0;
    if (bytes < HEADER || bytes > PATH_BYTES)
        return;
    bytes -= HEADER;
    memcpy(path, to, bytes);
    bytes += make_node(unit, path + bytes);
    BF_ASSERT(bytes + sizeof end <= sizeof path);
    memcpy(path + bytes, end, sizeof end);
    bf_efi_path_text((const EFI_DEVICE_PATH *)path, out, size);
}

void bf_unit_efi_name(uint64_t number, char *out, size_t size)
{
    uint64_t kind = number & ~(uint64_t)UINT32_MAX;
    uint32_t place = (uint32_t)number >> 16, below = (uint32_t)number & UINT16_MAX;
    if (!number)
        bf_snprintf(out, size, "%s", "the disk");
    else if (kind == BF_UNIT_SCSI && below == UINT16_MAX)
        bf_snprintf(out, size, "SCSI target %u, a LUN", place);
    else if (kind == BF_UNIT_SCSI)
        bf_snprintf(out, size, "SCSI target %u LUN %u", place, below);
    else if (kind == BF_UNIT_SATA && (below & NO_MULTIPLIER_BIT))
        bf_snprintf(out, size, "SATA port %u", place);
    else if (kind == BF_UNIT_SATA)
        bf_snprintf(out, size, "SATA port %u, multiplier port %u", place, below);
    else
        bf_snprintf(out, size, "NVMe namespace %u", (uint32_t)number);
}
