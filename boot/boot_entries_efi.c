// SPDX-License-Identifier: Apache-2.0
// Reads the firmware's boot entries; see boot_entries_efi.h. The variables are whatever somebody
// wrote into them, so lengths are believed only as far as the variable goes.
#include "boot/boot_entries_efi.h"

#include <string.h>

#include "base/bytes.h"
#include "drivers/handles_efi.h"

enum {
    VARIABLE_MAX = 2048, // an entry that is larger is left out
    OPTION_HEAD = 6,     // EFI_LOAD_OPTION: attributes and the path list's length
    OPTION_ACTIVE = 1,
};

// The variable's size, 0 when it cannot be had.
static size_t variable(CHAR16 *name, void *value, size_t room)
{
    EFI_GUID guid = EFI_GLOBAL_VARIABLE;
    UINTN size = room;
    EFI_STATUS status =
        bf_efi_system->RuntimeServices->GetVariable(name, &guid, NULL, &size, value);
    return EFI_ERROR(status) || size > room ? 0 : (size_t)size;
}

// BootNNNN, with upper-case digits.
static size_t load_option(uint16_t number, void *value, size_t room)
{
    CHAR16 name[] = L"Boot0000";
    for (int i = 0; i < 4; i++)
        name[4 + i] = (CHAR16) "0123456789ABCDEF"[number >> (12 - 4 * i) & 15];
    return variable(name, value, room);
}

// The length of the description with its end, 0 when that is not in the variable.
static size_t description_bytes(const uint8_t *option, size_t size)
{
    for (size_t at = OPTION_HEAD; at + 2 <= size; at += 2)
        if (!option[at] && !option[at + 1])
            return at + 2 - OPTION_HEAD;
    return 0;
}

// Whether a device path ends within its bytes.
static int ends_within(const uint8_t *path, size_t len)
{
    for (size_t at = 0; len - at >= sizeof(EFI_DEVICE_PATH);) {
        size_t node = bf_le16(path + at + 2);
        if (path[at] == END_DEVICE_PATH_TYPE)
            return 1;
        if (node < sizeof(EFI_DEVICE_PATH) || node > len - at)
            return 0;
        at += node;
    }
    return 0;
}

static int parse(const uint8_t *option, size_t size, struct bf_boot_entry *entry)
{
    static CHAR16 text[VARIABLE_MAX / 2];
    static uint64_t path[VARIABLE_MAX / 8]; // aligned
    size_t name = size > OPTION_HEAD ? description_bytes(option, size) : 0;
    if (!name)
        return 0;
    size_t at = OPTION_HEAD + name, len = bf_le16(option + 4);
    entry->active = (option[0] & OPTION_ACTIVE) != 0;
    memcpy(text, option + OPTION_HEAD, name);
    bf_efi_ascii(text, name / 2, entry->name, sizeof entry->name);
    for (size_t n = strlen(entry->name); n > 0 && entry->name[n - 1] == ' ';)
        entry->name[--n] = 0;
    if (len <= size - at && ends_within(option + at, len)) {
        memcpy(path, option + at, len);
        bf_efi_path_text((const void *)path, entry->path, sizeof entry->path);
    }
    return 1;
}

void bf_boot_entries_efi(struct bf_inventory *inventory)
{
    static CHAR16 order_name[] = L"BootOrder", current_name[] = L"BootCurrent";
    static uint8_t option[VARIABLE_MAX];
    uint8_t order[2 * BF_BOOT_ENTRIES_MAX], now[2];
    size_t count = variable(order_name, order, sizeof order) / 2;
    int known = variable(current_name, now, sizeof now) == sizeof now;
    inventory->boot_entries = 0;
    for (size_t i = 0; i < count; i++) {
        struct bf_boot_entry *entry = &inventory->boot_entry[inventory->boot_entries];
        uint16_t number = bf_le16(order + 2 * i);
        size_t size = load_option(number, option, sizeof option);
        memset(entry, 0, sizeof *entry);
        entry->number = number;
        entry->current = known && number == bf_le16(now);
        if (size && parse(option, size, entry))
            inventory->boot_entries++;
    }
}
