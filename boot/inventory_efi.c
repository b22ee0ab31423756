// SPDX-License-Identifier: Apache-2.0
// The inventory of a firmware machine: firmware vendor from the system table, the machine from
// SMBIOS, processors from EFI_MP_SERVICES_PROTOCOL (PI 1.8, volume 2, 13.4) where it is, memory
// from the firmware's map.
#include "boot/inventory_efi.h"

#include <string.h>

#include "base/fmt.h"
#include "base/smbios.h"
#include "boot/cpu.h"
#include "boot/mp_efi.h"
#include "boot/smbios_efi.h"
#include "drivers/handles_efi.h"

enum { PAGE_BYTES = 4096, MAP_SLACK = 8 };

// Memory that an operating system would get; 0 when the map cannot be had.
static uint64_t usable_memory(void)
{
    UINTN size = 0, key, step = 0;
    UINT32 version;
    uint64_t pages = 0;
    bf_efi_boot->GetMemoryMap(&size, NULL, &key, &step, &version);
    if (!size || step < sizeof(EFI_MEMORY_DESCRIPTOR))
        return 0;
    size += MAP_SLACK * step; // the allocation below may split a region
    uint8_t *map = NULL;
    if (EFI_ERROR(bf_efi_boot->AllocatePool(EfiLoaderData, size, (VOID **)&map)))
        return 0;
    if (EFI_ERROR(bf_efi_boot->GetMemoryMap(&size, (VOID *)map, &key, &step, &version)))
        size = 0;
    for (UINTN at = 0; step <= size && at <= size - step; at += step) {
        const EFI_MEMORY_DESCRIPTOR *d = (const void *)(map + at);
        if ((d->Type >= EfiLoaderCode && d->Type <= EfiConventionalMemory) ||
            d->Type == EfiACPIReclaimMemory)
            pages += d->NumberOfPages;
    }
    bf_efi_free(map);
    return pages * PAGE_BYTES;
}

static uint16_t processors(const struct bf_smbios_facts *facts)
{
    EFI_GUID guid = BF_EFI_MP_SERVICES_GUID;
    struct bf_efi_mp_services *mp = bf_efi_locate(&guid);
    UINTN all = 0, enabled = 0;
    if (mp && !EFI_ERROR(mp->GetNumberOfProcessors(mp, &all, &enabled)) && enabled)
        return enabled < UINT16_MAX ? (uint16_t)enabled : UINT16_MAX;
    if (facts->threads)
        return facts->threads;
    return facts->sockets ? facts->sockets : 1;
}

static void take_machine(struct bf_inventory *out)
{
    struct bf_smbios_facts facts = {0};
    const void *table;
    size_t len;
    if (bf_smbios_efi_table(&table, &len) == BF_OK)
        bf_smbios_facts(table, len, &facts);
    bf_snprintf(out->system_vendor, sizeof out->system_vendor, "%s", facts.vendor);
    bf_snprintf(out->system_product, sizeof out->system_product, "%s", facts.product);
    bf_snprintf(out->system_serial, sizeof out->system_serial, "%s", facts.serial);
    bf_snprintf(out->system_uuid, sizeof out->system_uuid, "%s", facts.uuid);
    bf_cpu_name(out->processor);
    if (!out->processor[0])
        bf_snprintf(out->processor, sizeof out->processor, "%s", facts.processor);
    out->processors = processors(&facts);
    out->memory_bytes = facts.memory_bytes ? facts.memory_bytes : usable_memory();
    bf_efi_ascii(bf_efi_system->FirmwareVendor, sizeof out->firmware_vendor, out->firmware_vendor,
                 sizeof out->firmware_vendor);
    if (!out->firmware_vendor[0])
        bf_snprintf(out->firmware_vendor, sizeof out->firmware_vendor, "%s", facts.firmware_vendor);
}

static void take_nics(struct bf_inventory *out, const struct bf_snp_info *nics, uint32_t count)
{
    out->nics = (uint16_t)(count < BF_PROTO_NICS_MAX ? count : BF_PROTO_NICS_MAX);
    for (uint32_t i = 0; i < out->nics; i++) {
        struct bf_inventory_nic *nic = &out->nic[i];
        memcpy(nic->mac, nics[i].mac, sizeof nic->mac);
        nic->link = nics[i].link;
        bf_snprintf(nic->driver, sizeof nic->driver, "%s", nics[i].driver);
        bf_snprintf(nic->name, sizeof nic->name, "%s", nics[i].name);
    }
}

static void take_disks(struct bf_inventory *out, const struct bf_efi_disk *disks, uint32_t count)
{
    out->disks = (uint16_t)(count < BF_PROTO_DISKS_MAX ? count : BF_PROTO_DISKS_MAX);
    for (uint32_t i = 0; i < out->disks; i++) {
        struct bf_inventory_disk *disk = &out->disk[i];
        disk->identity = disks[i].source.identity;
        bf_snprintf(disk->driver, sizeof disk->driver, "%s",
                    disks[i].source.ops ? disks[i].source.ops->driver : "firmware");
        bf_snprintf(disk->why, sizeof disk->why, "%s", disks[i].why);
    }
}

void bf_inventory_efi(struct bf_inventory *inventory, const struct bf_efi_disk *disks,
                      uint32_t disk_count, const struct bf_snp_info *nics, uint32_t nic_count)
{
    memset(inventory, 0, sizeof *inventory);
    inventory->firmware = BF_FIRMWARE_UEFI;
    inventory->secure_boot = (uint8_t)bf_secure_boot_state();
    take_machine(inventory);
    take_nics(inventory, nics, nic_count);
    take_disks(inventory, disks, disk_count);
}
