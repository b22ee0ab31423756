// SPDX-License-Identifier: Apache-2.0
// The line channel. A serial port is a console when the firmware names it in one of its console
// variables (UEFI 2.10, 3.3: ConOut, ErrOut). Opened EXCLUSIVE, the terminal driver is stopped and
// the lines have the port for themselves; closing connects the driver again.
#include "boot/serial_efi.h"

#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/platform.h"
#include "drivers/handles_efi.h"

enum {
    PORTS_MAX = 4,
    VARIABLE_MAX = 4096,
    LINE_MAX = 1024,
    PATIENCE_US = 200000,     // for a line
    WRITE_TIMEOUT_US = 20000, // of the port itself; firmware waits a second by default
    MESSAGING_PATH = 3,
    MESSAGING_UART = 14,
};

struct port {
    EFI_HANDLE handle;
    EFI_SERIAL_IO_PROTOCOL *io; // NULL: taken, but silent
    UINT32 timeout_us;          // as the firmware had it; 0: not changed
};

static struct port ports[PORTS_MAX];
static uint32_t port_count;

// ---- Which ports -------------------------------------------------------------------------------

// True when one instance of a multi-instance path goes through the port, whose path is the prefix
// of its terminal's.
static int instance_names(const EFI_DEVICE_PATH *path, size_t size, const EFI_DEVICE_PATH *port)
{
    const size_t end_bytes = sizeof(EFI_DEVICE_PATH);
    size_t port_bytes = bf_efi_path_size(port);
    const EFI_DEVICE_PATH *last = bf_efi_path_last(port);
    const uint8_t *start = (const uint8_t *)path, *limit = start + size;
    // The last node has the speed of the line, which the variable may give differently.
    if (last && DevicePathType(last) == MESSAGING_PATH && DevicePathSubType(last) == MESSAGING_UART)
        port_bytes -= sizeof(UART_DEVICE_PATH);
    while (port_bytes > end_bytes && (size_t)(limit - start) >= end_bytes) {
        if ((size_t)(limit - start) >= port_bytes - end_bytes &&
            memcmp(start, port, port_bytes - end_bytes) == 0)
            return 1;
        const EFI_DEVICE_PATH *node = (const void *)start;
        size_t length;
        do { // to the end of this instance
            node = (const void *)start;
            length = bf_le16(node->Length);
            if (length < end_bytes || length > (size_t)(limit - start))
                return 0;
            start += length;
        } while (DevicePathType(node) != END_DEVICE_PATH_TYPE &&
                 (size_t)(limit - start) >= end_bytes);
    }
    return 0;
}

static int variable_names(CHAR16 *name, const EFI_DEVICE_PATH *port)
{
    static uint8_t value[VARIABLE_MAX];
    EFI_GUID guid = EFI_GLOBAL_VARIABLE;
    UINTN size = sizeof value;
    EFI_STATUS status =
        bf_efi_system->RuntimeServices->GetVariable(name, &guid, NULL, &size, value);
    return !EFI_ERROR(status) && size <= sizeof value &&
           instance_names((const void *)value, size, port);
}

static int is_console(EFI_HANDLE handle)
{
    static CHAR16 out[] = L"ConOut", err[] = L"ErrOut";
    const EFI_DEVICE_PATH *path = bf_efi_path(handle);
    return path && (variable_names(out, path) || variable_names(err, path));
}

// ---- Opening and closing -----------------------------------------------------------------------

static EFI_STATUS set_timeout(EFI_SERIAL_IO_PROTOCOL *io, UINT32 timeout_us)
{
    const SERIAL_IO_MODE *m = io->Mode;
    return io->SetAttributes(io, m->BaudRate, m->ReceiveFifoDepth, timeout_us,
                             (EFI_PARITY_TYPE)m->Parity, (UINT8)m->DataBits,
                             (EFI_STOP_BITS_TYPE)m->StopBits);
}

static void shorten_timeout(struct port *p)
{
    p->timeout_us = p->io->Mode ? p->io->Mode->Timeout : 0;
    if (p->timeout_us <= WRITE_TIMEOUT_US || EFI_ERROR(set_timeout(p->io, WRITE_TIMEOUT_US)))
        p->timeout_us = 0;
}

static void take(EFI_HANDLE handle)
{
    EFI_GUID guid = EFI_SERIAL_IO_PROTOCOL_GUID;
    struct port *p = &ports[port_count];
    EFI_STATUS status = bf_efi_boot->OpenProtocol(handle, &guid, (VOID **)&p->io, bf_efi_image,
                                                  NULL, EFI_OPEN_PROTOCOL_EXCLUSIVE);
    if (EFI_ERROR(status)) {
        bf_log(BF_LOG_WARNING, "the firmware does not release a serial console (%s); ignoring it",
               bf_efi_words(status));
        return;
    }
    p->handle = handle;
    shorten_timeout(p);
    port_count++;
}

uint32_t bf_serial_open(enum bf_serial mode)
{
    EFI_GUID guid = EFI_SERIAL_IO_PROTOCOL_GUID;
    size_t count;
    if (mode == BF_SERIAL_CONSOLE || port_count)
        return mode == BF_SERIAL_LINES ? port_count : 0;
    EFI_HANDLE *handles = bf_efi_handles(&guid, &count);
    for (size_t i = 0; i < count && port_count < PORTS_MAX; i++)
        if (is_console(handles[i]))
            take(handles[i]);
    bf_efi_free(handles);
    if (mode == BF_SERIAL_OFF) { // taken so that the screen is not there either, and kept silent
        for (uint32_t i = 0; i < port_count; i++)
            ports[i].io = NULL;
        return 0;
    }
    return port_count;
}

// A port whose other end does not listen costs at most PATIENCE_US for a line.
static void write_all(struct port *p, char *text, size_t len)
{
    uint64_t end = bf_platform_now_us() + PATIENCE_US;
    while (len) {
        UINTN part = len;
        EFI_STATUS status = p->io->Write(p->io, &part, text);
        if (part > len || (EFI_ERROR(status) && status != EFI_TIMEOUT) || (!part && status))
            return;
        text += part;
        len -= part;
        if (bf_platform_now_us() > end)
            return;
    }
}

void bf_serial_line(const char *text)
{
    char line[LINE_MAX];
    size_t len = 0;
    for (; text[len] && len < sizeof line - 2; len++)
        line[len] = text[len];
    line[len++] = '\r';
    line[len++] = '\n';
    for (uint32_t i = 0; i < port_count; i++)
        if (ports[i].io)
            write_all(&ports[i], line, len);
}

uint32_t bf_serial_ports(void)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < port_count; i++)
        open += ports[i].io != NULL;
    return open;
}

void bf_serial_close(void)
{
    EFI_GUID guid = EFI_SERIAL_IO_PROTOCOL_GUID;
    while (port_count) {
        struct port *p = &ports[--port_count];
        if (p->io && p->timeout_us)
            set_timeout(p->io, p->timeout_us);
        bf_efi_boot->CloseProtocol(p->handle, &guid, bf_efi_image, NULL);
        bf_efi_boot->ConnectController(p->handle, NULL, NULL, TRUE);
        memset(p, 0, sizeof *p);
    }
}
