// SPDX-License-Identifier: Apache-2.0
// Which disks are migrated: see migrate/disk_plan.h.
#include "migrate/disk_plan.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "image/usage/usage.h"
#include "migrate/unseen.h"

static const char removable[] = "removable";
static const char not_named[] = "not named by disk=";

static int is_removable(const struct bf_inventory_disk *disk)
{
    return strncmp(disk->why, removable, sizeof removable - 1) == 0;
}

static void plan(struct bf_inventory_disk *disk, int named)
{
    disk->planned = 1;
    disk->named = (uint8_t)named;
    disk->why[0] = 0;
}

static int is_boot_medium(const struct bf_inventory_disk *disk)
{
    return strcmp(disk->why, BF_BOOT_MEDIUM) == 0;
}

// The machine's own: neither what the program was started from nor a drive for discs.
static uint32_t own_disks(const struct bf_inventory *inventory)
{
    uint32_t own = 0;
    for (uint32_t i = 0; i < inventory->disks; i++)
        own += !is_boot_medium(&inventory->disk[i]) &&
               strcmp(inventory->disk[i].why, BF_OPTICAL_DRIVE) != 0;
    return own;
}

static enum bf_err nothing(struct bf_fault *fault, const struct bf_inventory *inventory)
{
    uint32_t own = own_disks(inventory);
    char found[56] = "no disk was found", unknown[96];
    if (own == 1)
        bf_snprintf(found, sizeof found, "this machine's only disk may not be migrated");
    else if (own)
        bf_snprintf(found, sizeof found, "none of this machine's %u disks may be migrated", own);
    bf_unseen_list(unknown, sizeof unknown, inventory);
    if (unknown[0])
        return bf_fault_set(
            fault, BF_ERR_NOT_FOUND, BF_SIDE_SOURCE,
            "change the controller's mode in the firmware's setup (AHCI or NVMe instead of RAID), "
            "or boot a Linux that supports it, and use bootferry-push",
            "%s; no driver serves: %s", found, unknown);
    return bf_fault_set(fault, BF_ERR_NOT_FOUND, BF_SIDE_SOURCE,
                        "look at the disks in the firmware's setup; a removable one is migrated "
                        "when disk= names it",
                        "%s", found);
}

static enum bf_err plan_all(struct bf_inventory *inventory, int named, struct bf_fault *fault)
{
    uint32_t planned = 0;
    for (uint32_t i = 0; i < inventory->disks; i++)
        if (!inventory->disk[i].why[0]) {
            plan(&inventory->disk[i], named);
            planned++;
        }
    return planned ? BF_OK : nothing(fault, inventory);
}

static const char todo_list[] =
    "give disk= a serial number, WWN or GPT GUID from the list of disks";

static enum bf_err plan_one(const char *selector, struct bf_inventory *inventory,
                            struct bf_fault *fault)
{
    struct bf_inventory_disk *found = NULL;
    uint32_t fits = 0;
    char reason[96];
    if (bf_selector_check(selector, reason, sizeof reason) != BF_OK)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct disk=", "disk=%.96s: %s",
                            selector, reason);
    for (uint32_t i = 0; i < inventory->disks; i++)
        if (strcmp(inventory->disk[i].why, BF_SECOND_WAY) != 0 &&
            bf_selector_fits(selector, &inventory->disk[i].identity)) {
            int medium = is_boot_medium(&inventory->disk[i]);
            fits += !medium;
            if (!found || !medium)
                found = &inventory->disk[i];
        }
    if (fits != 1 && (fits || !found))
        return bf_fault_set(fault, BF_ERR_MISMATCH, BF_SIDE_CONFIG, todo_list,
                            "disk=%.96s matches %u of this machine's %u disk%s", selector, fits,
                            own_disks(inventory), bf_plural(own_disks(inventory)));
    BF_ASSERT(found);
    if (found->why[0] && strcmp(found->why, not_named) != 0 && !is_removable(found))
        return bf_fault_set(fault, BF_ERR_MISMATCH, BF_SIDE_CONFIG, todo_list,
                            "disk=%.64s matches a disk that cannot be migrated: %s", selector,
                            found->why);
    plan(found, 1);
    return BF_OK;
}

enum bf_err bf_disk_plan_apply(const struct bf_config *config, struct bf_inventory *inventory,
                               struct bf_fault *fault)
{
    enum bf_err err = BF_OK;
    for (uint32_t i = 0; i < inventory->disks; i++)
        inventory->disk[i].planned = inventory->disk[i].named = 0;
    if (!config->disks || (config->disks == 1 && strcmp(config->disk[0], "all") == 0))
        return plan_all(inventory, config->disks > 0, fault);
    for (uint32_t i = 0; i < inventory->disks; i++)
        if (!inventory->disk[i].why[0])
            bf_snprintf(inventory->disk[i].why, sizeof inventory->disk[i].why, "%s", not_named);
    for (uint32_t i = 0; i < config->disks && err == BF_OK; i++)
        err = plan_one(config->disk[i], inventory, fault);
    return err;
}

void bf_disk_plan_hibernation(struct bf_inventory *inventory, struct bf_source_disk *const *disk,
                              const struct bf_usage_watch *watch)
{
    uint64_t found = bf_usage_hibernated(disk, inventory->disks, watch);
    BF_ASSERT(inventory->disks <= 64); // a bit each
    for (uint32_t i = 0; i < inventory->disks; i++) {
        if (!(found >> i & 1) || inventory->disk[i].hibernated)
            continue;
        inventory->disk[i].hibernated = 1;
        bf_log(BF_LOG_WARNING,
               "disk %u holds a volume of a hibernated system: it is copied as it is; shut the "
               "machine down properly, or let the finalizer's plan discard the hibernation",
               i);
    }
}
