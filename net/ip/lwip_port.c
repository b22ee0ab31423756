// SPDX-License-Identifier: Apache-2.0
// lwIP's surroundings. Frames are received straight into a pool of buffers that lwIP gets as custom
// pbufs and gives back when nobody refers to them; a frame to be sent is gathered into one buffer,
// the driver's own where it has room, padded to Ethernet's minimum. A full transmit queue is told
// to TCP as lack of memory: it keeps the segment and tries again.
#include "net/ip/lwip_port.h"

#include <string.h>

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/init.h>
#include <lwip/mld6.h>
#include <lwip/snmp.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "net/ip/pmtu.h"
#include "net/ip/vlan.h"
#include "net/ip/wait.h"
#include "net/ip/lwip_hooks.h"
#include "net/tls/mbedtls_port.h"

enum {
    HEADER = 18,        // Ethernet, with room for a VLAN tag
    FRAME_MIN = 60,     // without the checksum
    FRAMES_MOST = 1024, // of the pool
    FRAMES_LEAST = 64,
    SPARE_FRAMES = 48, // not counted on for the window
    BUDGET = 128,      // frames per poll
    PAYLOAD_TYPICAL = 1400,
    TX_TRIES = 2,
};

struct frame {
    struct pbuf_custom pbuf; // first: lwIP gives it back by this address
    struct frame *next;
    uint8_t bytes[];
};

static struct {
    const struct bf_lwip_watch *watch;
    int ready;
    uint8_t *memory;
    uint32_t frames, frame_size, outstanding;
    size_t stride;
    struct frame *free;
    uint8_t *tx;
    struct bf_nic *nic;
    struct netif netif;
    uint32_t packets;
    uint16_t vlan, mtu;
    uint8_t sent; // frames since the NIC was polled
    uint32_t complaints;
} port;

// ---- What lwIP asks of its platform ------------------------------------------------------------

u32_t sys_now(void)
{
    return (u32_t)(bf_platform_now_us() / 1000);
}

static void complain(const char *what)
{
    port.complaints++;
    bf_log(BF_LOG_ERROR, "internal error in the network stack (%s); continuing", what);
}

uint32_t bf_lwip_random(void)
{
    uint32_t value = 0;
    if (bf_crypto_random(NULL, (unsigned char *)&value, sizeof value) != 0)
        complain("no random number");
    return value;
}

void bf_lwip_complain(const char *file, int line)
{
    complain("an assumption does not hold");
    bf_log(BF_LOG_DEBUG, "lwIP: %s line %d", file, line);
}

uint32_t bf_lwip_complaints(void)
{
    return port.complaints;
}

int bf_lwip_packet(struct pbuf *p)
{
    port.packets++;
    port.watch->packet(p->payload, p->len);
    return 0;
}

uint32_t bf_lwip_packets(void)
{
    return port.packets;
}

// ---- The pool of received frames ---------------------------------------------------------------

static void give_back(struct pbuf *p)
{
    struct frame *f = (struct frame *)(void *)p;
    BF_ASSERT(port.outstanding > 0 && port.outstanding <= port.frames);
    BF_ASSERT((uint8_t *)f >= port.memory &&
              (uint8_t *)f < port.memory + port.frames * port.stride);
    f->next = port.free;
    port.free = f;
    port.outstanding--;
}

static enum bf_err make_pool(uint16_t mtu)
{
    BF_ASSERT(!port.outstanding); // frames of the pool before would come back into this one
    port.frame_size = (uint32_t)mtu + HEADER;
    port.stride = (sizeof(struct frame) + port.frame_size + 15) & ~(size_t)15;
    for (port.frames = FRAMES_MOST; port.frames >= FRAMES_LEAST; port.frames /= 2) {
        port.memory = bf_alloc(port.frames * port.stride);
        if (port.memory)
            break;
    }
    port.tx = port.memory ? bf_alloc(port.frame_size) : NULL;
    if (!port.tx) {
        bf_free(port.memory);
        return BF_ERR_NO_MEMORY;
    }
    port.free = NULL;
    for (uint32_t i = 0; i < port.frames; i++) {
        struct frame *f = (struct frame *)(void *)(port.memory + i * port.stride);
        f->next = port.free;
        port.free = f;
    }
    return BF_OK;
}

enum bf_err bf_lwip_open(uint16_t largest_mtu, const struct bf_lwip_watch *watch)
{
    static int initialised; // lwIP can be initialised only once
    enum bf_err err = bf_crypto_start();
    BF_ASSERT(!port.ready && !port.nic);
    if (err == BF_OK)
        err = make_pool(largest_mtu);
    if (err != BF_OK)
        return err;
    if (!initialised)
        lwip_init();
    initialised = 1;
    port.watch = watch;
    port.ready = 1;
    return BF_OK;
}

void bf_lwip_close(void)
{
    if (!port.ready)
        return;
    BF_ASSERT(!port.nic);
    // A frame that lwIP still holds must not be pulled away from under it.
    if (port.outstanding == 0) {
        bf_free(port.memory);
        bf_free(port.tx);
    } else {
        complain("frames still in use");
    }
    port.ready = 0;
}

uint32_t bf_lwip_window(void)
{
    uint32_t counted = port.frames - (port.frames > 2 * SPARE_FRAMES ? SPARE_FRAMES : 0);
    uint32_t bytes = counted * PAYLOAD_TYPICAL;
    return bytes < TCP_WND ? bytes : TCP_WND;
}

// ---- The interface -----------------------------------------------------------------------------

static enum bf_err gather_and_send(struct bf_nic *nic, struct pbuf *p)
{
    uint8_t *frame = nic->ops->room ? nic->ops->room(nic->impl) : port.tx;
    size_t len = p->tot_len;
    if (!frame)
        return BF_AGAIN;
    BF_ASSERT(len + BF_VLAN_TAG <= port.frame_size && FRAME_MIN + BF_VLAN_TAG <= port.frame_size);
    uint8_t *plain = frame + (port.vlan ? BF_VLAN_TAG : 0);
    pbuf_copy_partial(p, plain, (u16_t)len, 0);
    bf_pmtu_mark(plain, len);
    if (len < FRAME_MIN) { // also what a switch makes of it by taking the tag out
        memset(plain + len, 0, FRAME_MIN - len);
        len = FRAME_MIN;
    }
    if (port.vlan)
        len = bf_vlan_put(frame, len, port.vlan);
    port.sent = 1;
    return nic->ops->send(nic->impl, frame, len);
}

static err_t send_frame(struct netif *netif, struct pbuf *p)
{
    struct bf_nic *nic = port.nic;
    BF_ASSERT(nic && netif == &port.netif);
    if (p->tot_len > port.mtu + SIZEOF_ETH_HDR)
        return ERR_BUF;
    for (int i = 0; i < TX_TRIES; i++) {
        enum bf_err err = gather_and_send(nic, p);
        if (err == BF_OK)
            return ERR_OK;
        if (err != BF_AGAIN)
            return ERR_IF;
        nic->ops->poll(nic->impl); // may free places in its queue
    }
    return ERR_MEM;
}

static err_t init_netif(struct netif *netif)
{
    BF_ASSERT(port.nic && port.frame_size > HEADER);
    netif->name[0] = 'b';
    netif->name[1] = 'f';
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = send_frame;
    if (port.mtu > port.frame_size - HEADER)
        port.mtu = (uint16_t)(port.frame_size - HEADER);
    netif->mtu = port.mtu;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(netif->hwaddr, port.nic->mac, ETH_HWADDR_LEN);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
    return ERR_OK;
}

enum bf_err bf_lwip_attach(struct bf_nic *nic, uint16_t vlan, uint16_t mtu, const char *hostname)
{
    BF_ASSERT(port.ready && !port.nic);
    memset(&port.netif, 0, sizeof port.netif);
    port.nic = nic;
    port.vlan = vlan;
    port.mtu = mtu;
    if (!netif_add(&port.netif, NULL, NULL, NULL, NULL, init_netif, ethernet_input)) {
        port.nic = NULL;
        return BF_ERR_NO_MEMORY;
    }
    netif_set_hostname(&port.netif, hostname);
    netif_set_default(&port.netif);
    netif_set_up(&port.netif);
    return BF_OK;
}

void bf_lwip_detach(void)
{
    if (!port.nic)
        return;
    netif_remove(&port.netif);
    port.nic = NULL;
}

struct netif *bf_lwip_netif(void)
{
    return port.nic ? &port.netif : NULL;
}

void bf_lwip_limit_mtu(uint16_t most)
{
    uint16_t mtu = most && most < port.mtu ? most : port.mtu;
    if (!port.nic || mtu == port.netif.mtu)
        return;
    BF_ASSERT(mtu <= port.mtu); // frames have room for that
    bf_log(BF_LOG_INFO, "network: DHCP sets the MTU to %u", (unsigned)mtu);
    port.netif.mtu = mtu;
    if (mtu >= IP6_MIN_MTU_LENGTH)
        port.netif.mtu6 = mtu;
}

static void follow_link(void)
{
    int link = port.nic->ops->link(port.nic->impl);
    int up = link != 0; // a device that cannot tell is tried
    if (up && !netif_is_link_up(&port.netif)) {
        bf_ip_wait_begin();
        netif_set_link_up(&port.netif);
        port.watch->link_back();
    } else if (!up && netif_is_link_up(&port.netif)) {
        netif_set_link_down(&port.netif);
    }
}

// One frame into the pool and into lwIP. 0 when there was none.
static int receive_frame(void)
{
    struct frame *f = port.free;
    size_t len = 0;
    BF_ASSERT((f == NULL) == (port.outstanding == port.frames));
    if (!f)
        return 0; // lwIP holds everything: it stays with the device until some come back
    if (port.nic->ops->receive(port.nic->impl, f->bytes, port.frame_size, &len) != BF_OK)
        return 0;
    if (len > port.frame_size)
        return 1; // a driver that says so has done harm already; at least nothing is read
    uint8_t *frame = f->bytes;
    if (!bf_vlan_take(&frame, &len, port.vlan))
        return 1;
    bf_ip_wait_frame(frame, len);
    BF_ASSERT(port.free == f && frame + len <= f->bytes + port.frame_size);
    port.free = f->next;
    port.outstanding++;
    f->pbuf.custom_free_function = give_back;
    struct pbuf *p =
        pbuf_alloced_custom(PBUF_RAW, (u16_t)len, PBUF_REF, &f->pbuf, frame, (u16_t)len);
    if (port.netif.input(p, &port.netif) != ERR_OK)
        pbuf_free(p);
    return 1;
}

uint32_t bf_lwip_poll(void)
{
    uint32_t received = 0;
    if (port.nic) {
        port.nic->ops->poll(port.nic->impl);
        follow_link();
        while (received < BUDGET && receive_frame())
            received++;
    }
    sys_check_timeouts();
    // Acknowledgements, and what they let go: not a turn of the loop later.
    if (port.nic && port.sent)
        port.nic->ops->poll(port.nic->impl);
    port.sent = 0;
    return received;
}
