// SPDX-License-Identifier: Apache-2.0
// What is not seen: see migrate/unseen.h. Classes are those of the PCI Code and ID Assignment
// Specification 1.12, sections 1.2, 1.9 and 1.13.
#include "migrate/unseen.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fmt.h"

enum { CLASS_USB = 0x0c03, ANY = 0x100, VIRTIO = 0x1af4, VIRTIO_FS = 0x105a };

// stops: with unseen=auto, when no driver serves it. A controller of the others is in nearly every
// machine, with nothing on it or with what is not part of the machine; disks on IDE are seen by any
// firmware, and remote management shows a controller of that kind that has none.
static const struct class
{
    uint16_t class;      // base class and subclass
    uint16_t interfaces; // those below
    uint8_t stops;
    const char *name;
} classes[] = {
    {0x0100, ANY, 1, "SCSI controller"},          {0x0101, ANY, 0, "IDE controller"},
    {0x0102, ANY, 0, "floppy controller"},        {0x0103, ANY, 0, "IPI controller"},
    {0x0104, ANY, 1, "RAID controller"},          {0x0105, ANY, 0, "ATA controller"},
    {0x0106, ANY, 1, "SATA controller"},          {0x0107, ANY, 1, "SAS controller"},
    {0x0108, ANY, 1, "NVMe controller"},          {0x0109, ANY, 1, "UFS controller"},
    {0x0180, ANY, 1, "storage controller"},       {0x0805, ANY, 0, "SD controller"},
    {CLASS_USB, 0x40, 0, "USB controller"}, // from 0x40: USB4, and what is no host
    {0x0c04, ANY, 1, "Fibre Channel controller"},
};

static const struct class *class_of(uint32_t class_code)
{
    for (size_t i = 0; i < BF_COUNT(classes); i++)
        if (classes[i].class == class_code >> 8 && (class_code & 0xff) < classes[i].interfaces)
            return &classes[i];
    return NULL;
}

const char *bf_unseen_class(uint16_t vendor, uint16_t device, uint32_t class_code)
{
    const struct class *found = class_of(class_code);
    // virtio-fs calls itself mass storage, and is a folder of the host (VIRTIO 1.2, 4.1.2
    // and 5.11).
    int is_folder = vendor == VIRTIO && device == VIRTIO_FS;
    return found && !is_folder ? found->name : NULL;
}

// ---- The list ----------------------------------------------------------------------------------

int bf_unseen_is_unknown(const struct bf_unseen *entry)
{
    return entry->kind == BF_UNSEEN_UNIT || !entry->asked;
}

uint32_t bf_unseen_unknown(const struct bf_inventory *inventory)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < inventory->unseens; i++)
        n += bf_unseen_is_unknown(&inventory->unseen[i]) != 0;
    return n;
}

void bf_unseen_add(struct bf_inventory *inventory, const struct bf_unseen *entry)
{
    struct bf_unseen *list = inventory->unseen, *last = &list[BF_UNSEEN_MAX - 1];
    uint16_t at = bf_unseen_is_unknown(entry) ? 0 : inventory->unseens;
    int full = inventory->unseens == BF_UNSEEN_MAX;
    BF_ASSERT(inventory->unseens <= BF_UNSEEN_MAX);
    while (at < inventory->unseens && bf_unseen_is_unknown(&list[at]))
        at++;
    if (at < BF_UNSEEN_MAX) {
        uint16_t end = full ? BF_UNSEEN_MAX - 1 : inventory->unseens;
        BF_ASSERT(at <= end);
        memmove(&list[at + 1], &list[at], (size_t)(end - at) * sizeof *list);
        list[at] = *entry;
    }
    if (!full) {
        inventory->unseens++;
        return;
    }
    memset(last, 0, sizeof *last);
    bf_snprintf(last->what, sizeof last->what, "%s", "further controllers or disks");
    bf_snprintf(last->why, sizeof last->why, "the list has room for %u", BF_UNSEEN_MAX - 1u);
}

// ---- Words -------------------------------------------------------------------------------------

void bf_unseen_text(char *out, size_t size, const struct bf_unseen *entry)
{
    char id[12] = "";
    if (entry->vendor || entry->device)
        bf_snprintf(id, sizeof id, " %04x:%04x", entry->vendor, entry->device);
    bf_snprintf(out, size, "%s%s%s%s", entry->what, id, entry->slot[0] ? " at " : "", entry->slot);
}

void bf_unseen_list(char *out, size_t size, const struct bf_inventory *inventory)
{
    enum { MORE = 16 }; // ", and 63 more"
    uint32_t left = bf_unseen_unknown(inventory);
    size_t used = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < inventory->unseens; i++) {
        char text[BF_UNSEEN_TEXT];
        if (!bf_unseen_is_unknown(&inventory->unseen[i]))
            continue;
        bf_unseen_text(text, sizeof text, &inventory->unseen[i]);
        if (used + strlen(text) + MORE >= size) {
            bf_snprintf(out + used, size - used, used ? ", and %u more" : "%u of them", left);
            return;
        }
        left--;
        used += (size_t)bf_snprintf(out + used, size - used, "%s%s", used ? ", " : "", text);
    }
}

// ---- The decision ------------------------------------------------------------------------------

static uint32_t class_code(const struct bf_unseen *entry)
{
    return (uint32_t)bf_be(entry->class_code, sizeof entry->class_code);
}

// A disk that is there belongs to the machine; one that comes by USB may be anything. What is read
// in part (asked) is among the disks.
static int stops(enum bf_unseen_policy policy, const struct bf_unseen *entry)
{
    const struct class *class = class_of(class_code(entry));
    if (policy == BF_UNSEEN_WARN || !bf_unseen_is_unknown(entry))
        return 0;
    if (policy == BF_UNSEEN_STOP)
        return 1;
    if (entry->kind == BF_UNSEEN_UNIT)
        return !entry->asked && class_code(entry) >> 8 != CLASS_USB;
    return class && class->stops;
}

static enum bf_err stop(const struct bf_config *config, const struct bf_unseen *entry,
                        uint32_t others, struct bf_fault *fault)
{
    char text[BF_UNSEEN_TEXT], todo[sizeof fault->todo], more[24] = "";
    bf_unseen_text(text, sizeof text, entry);
    bf_snprintf(todo, sizeof todo,
                "change its mode in the firmware's setup, or leave out what it holds: `bootferry "
                "media %s ... --set unseen=warn`",
                config->name[0] ? config->name : "NAME");
    if (others)
        bf_snprintf(more, sizeof more, "; and %u more", others);
    if (entry->kind == BF_UNSEEN_UNIT)
        return bf_fault_set(fault, BF_ERR_UNSUPPORTED, BF_SIDE_SOURCE, todo,
                            "%s cannot be read: %s%s", text, entry->why, more);
    return bf_fault_set(fault, BF_ERR_UNSUPPORTED, BF_SIDE_SOURCE, todo,
                        "no driver serves the %s, so its disks, if it has any, would be missing%s",
                        text, more);
}

enum bf_err bf_unseen_check(const struct bf_config *config, const struct bf_inventory *inventory,
                            struct bf_fault *fault)
{
    const struct bf_unseen *first = NULL;
    uint32_t others = 0;
    for (uint32_t i = 0; i < inventory->unseens; i++) {
        if (!stops(config->unseen, &inventory->unseen[i]))
            continue;
        others += first != NULL;
        if (!first)
            first = &inventory->unseen[i];
    }
    return first ? stop(config, first, others, fault) : BF_OK;
}
