// SPDX-License-Identifier: Apache-2.0
// A NIC of the firmware that misbehaves, inside the firmware: a made-up EFI_SIMPLE_NETWORK_PROTOCOL
// on a handle of its own refuses frames, and what the driver does about it is counted. Prints "ok"
// and "not ok" lines on the serial port and "nic done", then powers off.
#include <string.h>

#include <efi.h>

#include "base/fmt.h"
#include "base/platform.h"
#include "boot/platform_efi.h"
#include "boot/serial_efi.h"
#include "drivers/handles_efi.h"
#include "drivers/snp_efi.h"

enum { PATIENCE_US = 60000000, QUIET_US = 4000000 };

int _fltused;

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static void judge(int good, const char *name)
{
    char line[128];

    bf_snprintf(line, sizeof line, "%s efi nic: %s", good ? "ok" : "not ok", name);
    bf_serial_line(line);
}

// ---- The made-up NIC ---------------------------------------------------------------------------

static EFI_SIMPLE_NETWORK_PROTOCOL snp;
static EFI_SIMPLE_NETWORK_MODE mode;
static EFI_STATUS answer;      // of Transmit
static EFI_STATUS after_reset; // of Transmit, from the next Initialize on
static uint32_t begun, shut, filtered, taken;
static void *sent;

static struct {
    MAC_ADDR_DEVICE_PATH mac;
    EFI_DEVICE_PATH end;
} __attribute__((packed)) path = {
    .mac = {.Header = {3, 11, {sizeof(MAC_ADDR_DEVICE_PATH), 0}},
            .MacAddress.Addr = {2, 0, 0, 0, 0, 0x77},
            .IfType = 1},
    .end = {0x7f, 0xff, {sizeof(EFI_DEVICE_PATH), 0}},
};

static EFI_STATUS EFIAPI start(EFI_SIMPLE_NETWORK_PROTOCOL *this)
{
    mode.State = EfiSimpleNetworkStarted;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI stop(EFI_SIMPLE_NETWORK_PROTOCOL *this)
{
    mode.State = EfiSimpleNetworkStopped;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI initialize(EFI_SIMPLE_NETWORK_PROTOCOL *this, UINTN rx, UINTN tx)
{
    mode.State = EfiSimpleNetworkInitialized;
    if (begun++)
        answer = after_reset;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI shut_down(EFI_SIMPLE_NETWORK_PROTOCOL *this)
{
    mode.State = EfiSimpleNetworkStarted;
    shut++;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI filter(EFI_SIMPLE_NETWORK_PROTOCOL *this, UINT32 on, UINT32 off,
                                BOOLEAN reset, UINTN count, EFI_MAC_ADDRESS *groups)
{
    filtered++;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_status(EFI_SIMPLE_NETWORK_PROTOCOL *this, UINT32 *interrupts,
                                    VOID **buffer)
{
    *buffer = sent;
    sent = NULL;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI transmit(EFI_SIMPLE_NETWORK_PROTOCOL *this, UINTN header, UINTN size,
                                  VOID *buffer, EFI_MAC_ADDRESS *from, EFI_MAC_ADDRESS *to,
                                  UINT16 *protocol)
{
    if (EFI_ERROR(answer))
        return answer;
    taken++;
    sent = buffer;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI receive(EFI_SIMPLE_NETWORK_PROTOCOL *this, UINTN *header, UINTN *size,
                                 VOID *buffer, EFI_MAC_ADDRESS *from, EFI_MAC_ADDRESS *to,
                                 UINT16 *protocol)
{
    return EFI_NOT_READY;
}

static EFI_HANDLE install(void)
{
    EFI_GUID network = EFI_SIMPLE_NETWORK_PROTOCOL_GUID, device_path = DEVICE_PATH_PROTOCOL;
    EFI_HANDLE handle = NULL;
    snp = (EFI_SIMPLE_NETWORK_PROTOCOL){.Revision = 0x10000,
                                        .Start = start,
                                        .Stop = stop,
                                        .Initialize = initialize,
                                        .Shutdown = shut_down,
                                        .ReceiveFilters = filter,
                                        .GetStatus = get_status,
                                        .Transmit = transmit,
                                        .Receive = receive,
                                        .Mode = &mode};
    mode = (EFI_SIMPLE_NETWORK_MODE){.HwAddressSize = 6,
                                     .IfType = 1,
                                     .MediaHeaderSize = 14,
                                     .MaxPacketSize = 1500,
                                     .MediaPresentSupported = TRUE,
                                     .MediaPresent = TRUE,
                                     .ReceiveFilterMask = 0x1f};
    memcpy(mode.CurrentAddress.Addr, path.mac.MacAddress.Addr, 6);
    if (EFI_ERROR(
            bf_efi_boot->InstallProtocolInterface(&handle, &network, EFI_NATIVE_INTERFACE, &snp)) ||
        EFI_ERROR(bf_efi_boot->InstallProtocolInterface(&handle, &device_path, EFI_NATIVE_INTERFACE,
                                                        &path)))
        return NULL;
    return handle;
}

// ---- The driver --------------------------------------------------------------------------------

static struct bf_nic nic;

// The firmware's own stack may have been at the NIC before: what counts begins when it is ours.
static int open_it(EFI_STATUS first, EFI_STATUS later)
{
    struct bf_snp_info list[BF_SNP_NICS_MAX];
    uint32_t count = bf_snp_scan(list, BF_SNP_NICS_MAX), i = 0;

    mode.MediaPresent = TRUE;
    while (i < count && memcmp(list[i].mac, path.mac.MacAddress.Addr, 6) != 0)
        i++;
    if (i == count || bf_snp_open(&list[i], &nic) != BF_OK)
        return 0;
    begun = filtered = 1;
    shut = taken = 0;
    sent = NULL;
    answer = first;
    after_reset = later;
    return 1;
}

// The loop of the program: sends until the NIC has failed, or has taken a frame if taking is
// enough.
static void send_for(uint64_t us, int taking)
{
    static const uint8_t frame[60] = {2, 0, 0, 0, 0, 1};
    uint64_t until = bf_platform_now_us() + us;

    while (!nic.failed && !(taking && taken) && bf_platform_now_us() < until) {
        nic.ops->send(nic.impl, frame, sizeof frame);
        nic.ops->poll(nic.impl);
        bf_platform_idle(1000);
    }
}

static void test_for_good(EFI_STATUS status, const char *what)
{
    char text[80];
    if (!open_it(status, status)) {
        judge(0, "it is opened");
        return;
    }
    send_for(PATIENCE_US, 0);
    bf_snprintf(text, sizeof text, "%s: it is reset once", what);
    judge(begun == 2 && shut == 1 && filtered == 2, text);
    bf_snprintf(text, sizeof text, "%s: then it has failed, without a link", what);
    judge(nic.failed && nic.ops->link(nic.impl) == 0 &&
              nic.ops->send(nic.impl, text, sizeof text) == BF_ERR_IO,
          text);
    nic.ops->close(nic.impl);
}

static void test_for_a_while(void)
{
    judge(open_it(EFI_DEVICE_ERROR, EFI_SUCCESS), "it is opened");
    send_for(PATIENCE_US, 1);
    judge(taken && begun == 2 && !nic.failed, "after a reset that helps it is used");
    send_for(QUIET_US / 4, 0);
    taken = 0;
    answer = EFI_DEVICE_ERROR;
    send_for(PATIENCE_US, 1);
    judge(taken && begun == 3 && !nic.failed, "and another time it is reset again");
    nic.ops->close(nic.impl);
}

static void test_no_cable(void)
{
    judge(open_it(EFI_DEVICE_ERROR, EFI_DEVICE_ERROR), "it is opened");
    mode.MediaPresent = FALSE;
    send_for(QUIET_US, 0);
    judge(begun == 1 && !nic.failed, "without a cable it is let alone");
    nic.ops->close(nic.impl);
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    bf_efi_platform_init(image, system);
    bf_serial_open(BF_SERIAL_LINES);
    if (install()) {
        test_for_good(EFI_DEVICE_ERROR, "errors for good");
        test_for_good(EFI_NOT_READY, "a queue that is full of nothing");
        test_for_a_while();
        test_no_cable();
    } else {
        judge(0, "a made-up NIC is installed");
    }
    bf_serial_line("nic done");
    bf_serial_close();
    bf_efi_platform_end();
    system->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
    return EFI_SUCCESS;
}
