// SPDX-License-Identifier: Apache-2.0
// Handles, protocols and device paths of the firmware (UEFI 2.10, sections 7.3 and 10).
#include <string.h>

#include <efi.h>
#include <efipciio.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/log.h"
#include "drivers/handles_efi.h"

enum { PATH_BYTES_MAX = 4096, NODE_HEADER = 4 };

const char *bf_efi_words(EFI_STATUS status)
{
    static const struct {
        EFI_STATUS status;
        const char *words;
    } table[] = {
        {EFI_INVALID_PARAMETER, "the firmware rejects the request"},
        {EFI_UNSUPPORTED, "the firmware does not support it"},
        {EFI_NOT_READY, "the device is not ready"},
        {EFI_DEVICE_ERROR, "the device reports an error"},
        {EFI_OUT_OF_RESOURCES, "the firmware has no resources left"},
        {EFI_NO_MEDIA, "there is no medium"},
        {EFI_MEDIA_CHANGED, "the medium was changed"},
        {EFI_ACCESS_DENIED, "a firmware driver holds it"},
        {EFI_TIMEOUT, "the device does not answer"},
        {EFI_ALREADY_STARTED, "it is in use already"},
    };
    bf_log(BF_LOG_DEBUG, "EFI status %u", (uint32_t)(status & 0xff));
    for (size_t i = 0; i < BF_COUNT(table); i++)
        if (table[i].status == status)
            return table[i].words;
    return "the firmware gives no known reason";
}

EFI_HANDLE *bf_efi_handles(EFI_GUID *protocol, size_t *count)
{
    EFI_HANDLE *handles = NULL;
    UINTN n = 0;
    *count = 0;
    if (bf_efi_boot->LocateHandleBuffer(ByProtocol, protocol, NULL, &n, &handles) != EFI_SUCCESS)
        return NULL;
    *count = n;
    return handles;
}

void bf_efi_free(void *pool)
{
    if (pool)
        bf_efi_boot->FreePool(pool);
}

void *bf_efi_protocol(EFI_HANDLE handle, EFI_GUID *protocol)
{
    void *interface = NULL;
    if (!handle || bf_efi_boot->HandleProtocol(handle, protocol, &interface) != EFI_SUCCESS)
        return NULL;
    return interface;
}

int bf_efi_is_driven(EFI_HANDLE handle, EFI_GUID *protocol)
{
    const UINT32 use = EFI_OPEN_PROTOCOL_BY_DRIVER | EFI_OPEN_PROTOCOL_BY_CHILD_CONTROLLER;
    EFI_OPEN_PROTOCOL_INFORMATION_ENTRY *entries = NULL;
    UINTN count = 0;
    int driven = 0;
    if (bf_efi_boot->OpenProtocolInformation(handle, protocol, &entries, &count) != EFI_SUCCESS)
        return 0;
    for (UINTN i = 0; i < count; i++)
        driven |= (entries[i].Attributes & use) != 0;
    bf_efi_free(entries);
    return driven;
}

void *bf_efi_locate(EFI_GUID *protocol)
{
    void *interface = NULL;
    if (bf_efi_boot->LocateProtocol(protocol, NULL, &interface) != EFI_SUCCESS)
        return NULL;
    return interface;
}

static size_t node_size(const EFI_DEVICE_PATH *node)
{
    return bf_le16(node->Length);
}

static int is_end(const EFI_DEVICE_PATH *node)
{
    return DevicePathType(node) == END_DEVICE_PATH_TYPE;
}

size_t bf_efi_path_size(const EFI_DEVICE_PATH *path)
{
    size_t total = 0;
    while (path && total <= PATH_BYTES_MAX) {
        const EFI_DEVICE_PATH *node = (const void *)((const uint8_t *)path + total);
        size_t size = node_size(node);
        if (size < NODE_HEADER)
            return 0;
        total += size;
        if (is_end(node))
            return total <= PATH_BYTES_MAX ? total : 0;
    }
    return 0;
}

const EFI_DEVICE_PATH *bf_efi_path(EFI_HANDLE handle)
{
    EFI_GUID guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
    const EFI_DEVICE_PATH *path = bf_efi_protocol(handle, &guid);
    return bf_efi_path_size(path) ? path : NULL;
}

static const EFI_DEVICE_PATH *path_next(const EFI_DEVICE_PATH *node)
{
    if (is_end(node))
        return NULL;
    node = (const void *)((const uint8_t *)node + node_size(node));
    return is_end(node) ? NULL : node;
}

const EFI_DEVICE_PATH *bf_efi_path_last(const EFI_DEVICE_PATH *path)
{
    const EFI_DEVICE_PATH *last = NULL;
    for (const EFI_DEVICE_PATH *n = path && !is_end(path) ? path : NULL; n; n = path_next(n))
        last = n;
    return last;
}

int bf_efi_path_begins(const EFI_DEVICE_PATH *path, const EFI_DEVICE_PATH *prefix)
{
    size_t path_size = bf_efi_path_size(path), prefix_size = bf_efi_path_size(prefix);
    if (prefix_size <= NODE_HEADER || path_size < prefix_size)
        return 0;
    // All but the prefix's end node; node sizes are among the bytes, so nodes end together.
    return memcmp(path, prefix, prefix_size - NODE_HEADER) == 0;
}

EFI_HANDLE bf_efi_path_function(const EFI_DEVICE_PATH *path, const EFI_DEVICE_PATH **rest)
{
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    EFI_DEVICE_PATH *at = (EFI_DEVICE_PATH *)path;
    EFI_HANDLE handle = NULL;
    if (!path || EFI_ERROR(bf_efi_boot->LocateDevicePath(&guid, &at, &handle)))
        return NULL;
    *rest = at;
    return handle;
}

static void path_hex(const EFI_DEVICE_PATH *path, char *out, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)path;
    size_t len = bf_efi_path_size(path);
    out[0] = 0;
    for (size_t i = 0; i < len && 2 * i + 3 <= size; i++)
        bf_hex(out + 2 * i, bytes + i, 1);
}

void bf_efi_path_text(const EFI_DEVICE_PATH *path, char *out, size_t size)
{
    EFI_GUID guid = EFI_DEVICE_PATH_TO_TEXT_PROTOCOL_GUID;
    EFI_DEVICE_PATH_TO_TEXT_PROTOCOL *to_text = bf_efi_locate(&guid);
    out[0] = 0;
    if (!bf_efi_path_size(path))
        return;
    CHAR16 *text = to_text ? to_text->ConvertDevicePathToText(path, FALSE, FALSE) : NULL;
    if (text)
        bf_efi_ascii(text, PATH_BYTES_MAX, out, size);
    else
        path_hex(path, out, size);
    bf_efi_free(text);
}

void bf_efi_ascii(const CHAR16 *text, size_t max, char *out, size_t size)
{
    size_t n = 0;
    for (; n < max && n + 1 < size && text[n]; n++)
        out[n] = text[n] >= 0x20 && text[n] < 0x7f ? (char)text[n] : '?';
    if (size)
        out[n] = 0;
}
