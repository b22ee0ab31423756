// SPDX-License-Identifier: Apache-2.0
// NICs through EFI_SIMPLE_NETWORK_PROTOCOL. A transmitted buffer belongs to the firmware until
// GetStatus hands its address back, one per call, so frames are copied into a fixed set of buffers.
// The protocol is never shared: the firmware's own stack would take our buffers back as its own.
#include "drivers/snp_efi.h"

#include <string.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "drivers/handles_efi.h"
#include "drivers/pci_efi.h"

enum {
    TX_BUFFERS = 64, // OVMF's virtio driver takes as many, iPXE's about half
    TX_BUFFER_BYTES = 2048,
    TX_PAGES = TX_BUFFERS * TX_BUFFER_BYTES / 4096,
    RX_SCRATCH_BYTES = 16384, // more than a jumbo frame: where unwanted frames go
    ETHERNET_HEADER = 14,
    FRAME_MIN = 60,
    MTU_MIN = 576,
    MTU = 1500,
    IF_TYPE_ETHERNET = 1, // RFC 3232
    MESSAGING_PATH = 3,
    MESSAGING_MAC = 11,
    LINK_PERIOD_US = 100000,
    STUCK_US = 10000000, // no buffer came back for so long: the NIC is reset
    BROKEN_US = 2000000, // nothing but errors for so long: the same
};

struct snp_nic {
    EFI_SIMPLE_NETWORK_PROTOCOL *snp;
    EFI_HANDLE handle;
    struct bf_nic *nic;
    EFI_PHYSICAL_ADDRESS pages;
    uint8_t busy[TX_BUFFERS];
    uint32_t in_flight, next;
    uint64_t status_us;   // last call of GetStatus
    uint64_t progress_us; // last time a buffer came back or none was out
    uint64_t refused_us;  // since when no frame was taken; 0: the last one was
    uint8_t broken;       // the last frame was refused for another reason than a full queue
    uint8_t was_reset;    // and no frame was taken since
    uint8_t dead;         // a reset failed: the buffers stay the device's
    uint8_t scratch[RX_SCRATCH_BYTES];
};

static enum bf_err get_pages(struct snp_nic *s)
{
    enum bf_err err = bf_efi_memory_claim(TX_BUFFERS * TX_BUFFER_BYTES);
    EFI_STATUS status;
    if (err)
        return err;
    status = bf_efi_boot->AllocatePages(AllocateAnyPages, EfiBootServicesData, TX_PAGES, &s->pages);
    if (!EFI_ERROR(status))
        return BF_OK;
    bf_efi_memory_drop(TX_BUFFERS * TX_BUFFER_BYTES);
    return BF_ERR_NO_MEMORY;
}

static void put_pages(struct snp_nic *s)
{
    BF_ASSERT(!s->dead); // else they are the device's
    bf_efi_boot->FreePages(s->pages, TX_PAGES);
    bf_efi_memory_drop(TX_BUFFERS * TX_BUFFER_BYTES);
}

static uint8_t *tx_buffer(struct snp_nic *s, uint32_t i)
{
    BF_ASSERT(i < TX_BUFFERS);
    return (uint8_t *)(uintptr_t)s->pages + (size_t)i * TX_BUFFER_BYTES;
}

// ---- Up and down -------------------------------------------------------------------------------

// IPv6 finds neighbours by multicast. Where only a list is offered, it gets all nodes and the
// group of the address that the MAC gives (RFC 4291, 2.7.1); where nothing is, everything.
static EFI_STATUS set_filters(struct snp_nic *s)
{
    EFI_SIMPLE_NETWORK_MODE *mode = s->snp->Mode;
    const uint32_t any = EFI_SIMPLE_NETWORK_RECEIVE_PROMISCUOUS_MULTICAST;
    const uint32_t list = EFI_SIMPLE_NETWORK_RECEIVE_MULTICAST;
    uint32_t wanted = EFI_SIMPLE_NETWORK_RECEIVE_UNICAST | EFI_SIMPLE_NETWORK_RECEIVE_BROADCAST;
    EFI_MAC_ADDRESS groups[2];
    UINTN count = 0;
    memset(groups, 0, sizeof groups);
    memcpy(groups[0].Addr, (const uint8_t[]){0x33, 0x33, 0, 0, 0, 1}, 6);
    memcpy(groups[1].Addr, (const uint8_t[]){0x33, 0x33, 0xff}, 3);
    memcpy(groups[1].Addr + 3, mode->CurrentAddress.Addr + 3, 3);
    if (mode->ReceiveFilterMask & any)
        wanted |= any;
    else if ((mode->ReceiveFilterMask & list) && mode->MaxMCastFilterCount >= 2)
        count = 2;
    else
        wanted |= EFI_SIMPLE_NETWORK_RECEIVE_PROMISCUOUS;
    if (count)
        wanted |= list;
    return s->snp->ReceiveFilters(s->snp, wanted & mode->ReceiveFilterMask, 0, FALSE, count,
                                  count ? groups : NULL);
}

static EFI_STATUS bring_up(struct snp_nic *s)
{
    EFI_SIMPLE_NETWORK_PROTOCOL *snp = s->snp;
    EFI_STATUS status = EFI_SUCCESS;
    if (snp->Mode->State == EfiSimpleNetworkStopped)
        status = snp->Start(snp);
    if (EFI_ERROR(status) && status != EFI_ALREADY_STARTED)
        return status;
    if (snp->Mode->State != EfiSimpleNetworkInitialized)
        status = snp->Initialize(snp, 0, 0);
    if (EFI_ERROR(status) && snp->Mode->State != EfiSimpleNetworkInitialized)
        return status;
    status = set_filters(s);
    if (EFI_ERROR(status)) // some drivers know no filters and receive all the same
        bf_log(BF_LOG_WARNING, "NIC %s: cannot set receive filters (%s); continuing", s->nic->name,
               bf_efi_words(status));
    return EFI_SUCCESS;
}

static void bring_down(struct snp_nic *s)
{
    EFI_SIMPLE_NETWORK_PROTOCOL *snp = s->snp;
    if (snp->Mode->State == EfiSimpleNetworkInitialized && EFI_ERROR(snp->Shutdown(snp)))
        s->dead = 1;
    if (snp->Mode->State == EfiSimpleNetworkStarted)
        snp->Stop(snp);
}

static void give_up(struct snp_nic *s, const char *why)
{
    s->nic->failed = 1;
    bf_log(BF_LOG_ERROR, "NIC %s %s", s->nic->name, why);
}

// Buffers are ours again only when the device was shut down.
static void restart(struct snp_nic *s, const char *why)
{
    BF_ASSERT(!s->dead);
    bf_log(BF_LOG_WARNING, "NIC %s %s; resetting it", s->nic->name, why);
    bring_down(s);
    if (s->dead || EFI_ERROR(bring_up(s))) {
        s->dead = 1;
        give_up(s, "could not be reset");
        return;
    }
    memset(s->busy, 0, sizeof s->busy);
    s->in_flight = 0;
    s->refused_us = 0;
    s->was_reset = 1;
}

static int link_is(const struct snp_nic *s, int up)
{
    const EFI_SIMPLE_NETWORK_MODE *mode = s->snp->Mode;
    return mode->MediaPresentSupported && (mode->MediaPresent != 0) == up;
}

// A NIC that takes no frame for long although it has nothing to do, or answers each with an error,
// is reset once, and has failed when that did not help. Without a cable any answer is right, and
// where nobody can tell whether there is one, a full queue is no reason to give up.
static void judge_refusals(struct snp_nic *s, uint64_t now)
{
    if (!s->refused_us || (s->in_flight && !s->broken))
        return;
    if (link_is(s, 0))
        s->refused_us = now;
    if (now - s->refused_us < (s->broken ? BROKEN_US : STUCK_US))
        return;
    if (!s->was_reset)
        restart(s, "accepts no frames");
    else if (s->broken || link_is(s, 1))
        give_up(s, "accepts no frames, even after a reset");
    else
        restart(s, "still accepts no frames");
}

// ---- The NIC interface -------------------------------------------------------------------------

static void recycle(struct snp_nic *s, const void *address)
{
    size_t offset = (size_t)((uintptr_t)address - (uintptr_t)s->pages);
    size_t i = offset / TX_BUFFER_BYTES;
    if (i >= TX_BUFFERS || offset % TX_BUFFER_BYTES || !s->busy[i])
        return; // not ours: left over from the firmware's own use of the NIC
    BF_ASSERT(s->in_flight > 0 && s->in_flight <= TX_BUFFERS);
    s->busy[i] = 0;
    s->in_flight--;
}

static void snp_poll(void *impl)
{
    struct snp_nic *s = impl;
    uint64_t now = bf_platform_now_us();
    if (s->dead || s->nic->failed)
        return;
    judge_refusals(s, now);
    if (s->dead || (!s->in_flight && now - s->status_us < LINK_PERIOD_US))
        return;
    s->status_us = now;
    uint32_t before = s->in_flight;
    for (uint32_t i = 0; i <= TX_BUFFERS; i++) {
        VOID *sent = NULL;
        if (EFI_ERROR(s->snp->GetStatus(s->snp, NULL, &sent)) || !sent)
            break;
        recycle(s, sent);
    }
    if (!s->in_flight || s->in_flight != before || link_is(s, 0))
        s->progress_us = now;
    else if (now - s->progress_us > STUCK_US) {
        restart(s, "does not return buffers");
        s->progress_us = now;
    }
}

static uint32_t free_buffer(struct snp_nic *s)
{
    for (uint32_t i = 0; i < TX_BUFFERS; i++) {
        uint32_t at = (s->next + i) % TX_BUFFERS;
        if (!s->busy[at])
            return at;
    }
    return TX_BUFFERS;
}

static void *snp_room(void *impl)
{
    struct snp_nic *s = impl;
    uint32_t i = s->nic->failed ? TX_BUFFERS : free_buffer(s);
    if (i < TX_BUFFERS)
        return tx_buffer(s, i);
    s->nic->counters.tx_refused++;
    return NULL;
}

static enum bf_err snp_send(void *impl, const void *frame, size_t len)
{
    struct snp_nic *s = impl;
    struct bf_nic_counters *counters = &s->nic->counters;
    if (len < ETHERNET_HEADER || len > (size_t)s->nic->mtu + ETHERNET_HEADER)
        return BF_ERR_RANGE;
    uint32_t i = s->nic->failed ? TX_BUFFERS : free_buffer(s);
    if (i == TX_BUFFERS) {
        counters->tx_refused++;
        return s->nic->failed ? BF_ERR_IO : BF_AGAIN;
    }
    uint8_t *buffer = tx_buffer(s, i);
    BF_ASSERT(!s->dead && s->in_flight < TX_BUFFERS);
    BF_ASSERT(len <= TX_BUFFER_BYTES);
    if (buffer != frame)
        memcpy(buffer, frame, len);
    if (len < FRAME_MIN) {
        memset(buffer + len, 0, FRAME_MIN - len);
        len = FRAME_MIN;
    }
    EFI_STATUS status = s->snp->Transmit(s->snp, 0, len, buffer, NULL, NULL, NULL);
    if (EFI_ERROR(status)) {
        // Full is NOT_READY in the specification and OUT_OF_RESOURCES in iPXE.
        int full = status == EFI_NOT_READY || status == EFI_OUT_OF_RESOURCES;
        counters->tx_refused++;
        s->broken = !full && status != EFI_NO_MEDIA;
        if (!s->refused_us)
            s->refused_us = bf_platform_now_us();
        return full ? BF_AGAIN : bf_efi_err(status);
    }
    s->refused_us = 0;
    s->was_reset = 0;
    s->busy[i] = 1;
    s->in_flight++;
    s->next = i + 1;
    counters->tx_frames++;
    counters->tx_bytes += len;
    return BF_OK;
}

static enum bf_err snp_receive(void *impl, void *buffer, size_t size, size_t *len)
{
    struct snp_nic *s = impl;
    UINTN got = size;
    *len = 0;
    if (s->nic->failed)
        return BF_ERR_IO;
    EFI_STATUS status = s->snp->Receive(s->snp, NULL, &got, buffer, NULL, NULL, NULL);
    if (status == EFI_BUFFER_TOO_SMALL) {
        got = sizeof s->scratch;
        s->snp->Receive(s->snp, NULL, &got, s->scratch, NULL, NULL, NULL);
        s->nic->counters.rx_dropped++;
        return BF_AGAIN;
    }
    if (EFI_ERROR(status) || got > size)
        return status == EFI_NOT_READY || !EFI_ERROR(status) ? BF_AGAIN : bf_efi_err(status);
    *len = got;
    s->nic->counters.rx_frames++;
    s->nic->counters.rx_bytes += got;
    return BF_OK;
}

static int snp_link(void *impl)
{
    const struct snp_nic *s = impl;
    if (s->dead || s->nic->failed)
        return 0;
    return s->snp->Mode->MediaPresentSupported ? s->snp->Mode->MediaPresent != 0 : -1;
}

static void snp_close(void *impl)
{
    struct snp_nic *s = impl;
    EFI_GUID guid = EFI_SIMPLE_NETWORK_PROTOCOL_GUID;
    bring_down(s);
    bf_efi_boot->CloseProtocol(s->handle, &guid, bf_efi_image, NULL);
    if (!s->dead) // else the device may still read them
        put_pages(s);
    bf_efi_boot->ConnectController(s->handle, NULL, NULL, TRUE);
    bf_free(s);
}

static const struct bf_nic_ops snp_ops = {.driver = "snp",
                                          .room = snp_room,
                                          .send = snp_send,
                                          .receive = snp_receive,
                                          .poll = snp_poll,
                                          .link = snp_link,
                                          .close = snp_close};

// ---- Finding and opening -----------------------------------------------------------------------

static int is_parent(const EFI_DEVICE_PATH *path)
{
    const EFI_DEVICE_PATH *last = bf_efi_path_last(path);
    return last && DevicePathType(last) == MESSAGING_PATH &&
           DevicePathSubType(last) == MESSAGING_MAC;
}

// A name that fits: the end of a long path tells NICs apart, its beginning does not.
static void name_nic(const EFI_DEVICE_PATH *path, char *out, size_t size)
{
    char text[256];
    bf_efi_path_text(path, text, sizeof text);
    size_t len = strlen(text);
    bf_snprintf(out, size, "%s", len < size ? text : text + len - (size - 1));
}

// "52:54:00:12:34:56 (PCI 00:03.0)": what is printed on the card and in an inventory of the
// machine.
static void label_nic(const EFI_DEVICE_PATH *path, const uint8_t *m, char *out, size_t size)
{
    const EFI_DEVICE_PATH *rest;
    char slot[16];
    bf_pci_efi_slot(bf_efi_path_function(path, &rest), slot, sizeof slot);
    bf_snprintf(out, size, "%02x:%02x:%02x:%02x:%02x:%02x%s%s%s", m[0], m[1], m[2], m[3], m[4],
                m[5], slot[0] ? " (PCI " : "", slot, slot[0] ? ")" : "");
}

static int is_listed(const struct bf_snp_info *list, uint32_t count, const char *name,
                     const uint8_t *mac)
{
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(list[i].mac, mac, 6) == 0 && strcmp(list[i].name, name) == 0)
            return 1;
    return 0;
}

static int describe(EFI_HANDLE handle, struct bf_snp_info *out)
{
    EFI_GUID guid = EFI_SIMPLE_NETWORK_PROTOCOL_GUID;
    EFI_SIMPLE_NETWORK_PROTOCOL *snp = bf_efi_protocol(handle, &guid);
    const EFI_DEVICE_PATH *path = bf_efi_path(handle);
    if (!snp || !snp->Mode || !is_parent(path) || snp->Mode->IfType != IF_TYPE_ETHERNET ||
        snp->Mode->HwAddressSize != 6)
        return 0;
    memset(out, 0, sizeof *out);
    out->handle = handle;
    out->driver = snp_ops.driver;
    memcpy(out->mac, snp->Mode->CurrentAddress.Addr, sizeof out->mac);
    out->link = (int8_t)(snp->Mode->MediaPresentSupported ? snp->Mode->MediaPresent != 0 : -1);
    name_nic(path, out->name, sizeof out->name);
    label_nic(path, out->mac, out->label, sizeof out->label);
    return 1;
}

uint32_t bf_snp_scan(struct bf_snp_info *out, uint32_t max)
{
    EFI_GUID guid = EFI_SIMPLE_NETWORK_PROTOCOL_GUID;
    size_t handles_count;
    uint32_t count = 0;
    EFI_HANDLE *handles = bf_efi_handles(&guid, &handles_count);
    for (size_t i = 0; i < handles_count && count < max; i++) {
        struct bf_snp_info info;
        if (!describe(handles[i], &info) || is_listed(out, count, info.name, info.mac))
            continue;
        uint32_t at = count++;
        for (; at && strcmp(out[at - 1].name, info.name) > 0; at--)
            out[at] = out[at - 1];
        out[at] = info;
    }
    bf_efi_free(handles);
    return count;
}

void bf_snp_quieten(const struct bf_snp_info *info)
{
    EFI_GUID guid = EFI_SIMPLE_NETWORK_PROTOCOL_GUID;
    EFI_SIMPLE_NETWORK_PROTOCOL *snp;
    bf_efi_boot->DisconnectController(info->handle, NULL, NULL);
    snp = bf_efi_protocol(info->handle, &guid);
    if (snp && snp->Mode->State == EfiSimpleNetworkInitialized)
        snp->Shutdown(snp);
    if (snp && snp->Mode->State == EfiSimpleNetworkStarted)
        snp->Stop(snp);
}

static uint16_t mtu_of(const EFI_SIMPLE_NETWORK_MODE *mode)
{
    return mode->MaxPacketSize >= MTU_MIN && mode->MaxPacketSize < MTU
               ? (uint16_t)mode->MaxPacketSize
               : MTU;
}

static enum bf_err take(struct snp_nic *s, const struct bf_snp_info *info)
{
    EFI_GUID guid = EFI_SIMPLE_NETWORK_PROTOCOL_GUID;
    EFI_STATUS status = bf_efi_boot->OpenProtocol(info->handle, &guid, (VOID **)&s->snp,
                                                  bf_efi_image, NULL, EFI_OPEN_PROTOCOL_EXCLUSIVE);
    if (EFI_ERROR(status)) {
        bf_log(BF_LOG_WARNING, "the firmware does not release NIC %s: %s", info->label,
               bf_efi_words(status));
        return BF_ERR_BUSY;
    }
    status = bring_up(s);
    if (EFI_ERROR(status)) {
        bf_log(BF_LOG_WARNING, "NIC %s does not start: %s", info->label, bf_efi_words(status));
        bf_efi_boot->CloseProtocol(info->handle, &guid, bf_efi_image, NULL);
        bf_efi_boot->ConnectController(info->handle, NULL, NULL, TRUE);
        return BF_ERR_IO;
    }
    return BF_OK;
}

enum bf_err bf_snp_open(const struct bf_snp_info *info, struct bf_nic *nic)
{
    struct snp_nic *s = bf_alloc(sizeof *s);
    if (!s)
        return BF_ERR_NO_MEMORY;
    memset(nic, 0, sizeof *nic);
    bf_snprintf(nic->name, sizeof nic->name, "%s", info->label);
    s->nic = nic;
    s->handle = info->handle;
    enum bf_err err = get_pages(s);
    if (err != BF_OK)
        goto no_pages;
    err = take(s, info);
    if (err != BF_OK)
        goto not_taken;
    nic->ops = &snp_ops;
    nic->impl = s;
    memcpy(nic->mac, s->snp->Mode->CurrentAddress.Addr, sizeof nic->mac);
    nic->mtu = mtu_of(s->snp->Mode);
    s->progress_us = bf_platform_now_us();
    return BF_OK;

not_taken:
    put_pages(s);
no_pages:
    bf_free(s);
    return err;
}
