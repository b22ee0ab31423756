// SPDX-License-Identifier: Apache-2.0
// Keeps asking at a steady pace while a link gives no answer, and tells the operator once what that
// may be. lwIP doubles DHCP's pauses up to a minute and asks for routers three times (RFC 4861,
// 6.3.7; RFC 7559 has it go on), so an answer that could be had would be waited for too long.
#include "net/ip/wait.h"

#include <string.h>

#include <lwip/dhcp.h>
#include <lwip/prot/dhcp.h>
#include <lwip/priv/nd6_priv.h>

#include "base/log.h"
#include "base/platform.h"

enum {
    DHCP_MOST = 4000 / DHCP_FINE_TIMER_MSECS, // ticks
    ROUTERS_US = 8 * 1000 * 1000,
    TELL_US = 8 * 1000 * 1000,
};

static struct {
    uint64_t tell_at, routers_at;
    uint8_t told, heard;
} wait;

void bf_ip_wait_begin(void)
{
    uint64_t now = bf_platform_now_us();
    memset(&wait, 0, sizeof wait);
    wait.tell_at = now + TELL_US;
    wait.routers_at = now + ROUTERS_US;
}

// 01:80:c2:00:00:0x stays on the link: spanning tree, LLDP, pause frames (802.1Q, table 8-1).
void bf_ip_wait_frame(const uint8_t *frame, size_t len)
{
    static const uint8_t of_the_switch[] = {0x01, 0x80, 0xc2, 0, 0};
    if (len > sizeof of_the_switch && memcmp(frame, of_the_switch, sizeof of_the_switch) != 0)
        wait.heard = 1;
}

static void pace_dhcp(struct netif *netif)
{
    struct dhcp *dhcp = netif_dhcp_data(netif);
    if (!dhcp || dhcp->request_timeout <= DHCP_MOST)
        return;
    if (dhcp->state == DHCP_STATE_SELECTING || dhcp->state == DHCP_STATE_REQUESTING ||
        dhcp->state == DHCP_STATE_REBOOTING)
        dhcp->request_timeout = DHCP_MOST;
}

static int router_known(void)
{
    for (uint32_t i = 0; i < LWIP_ND6_NUM_ROUTERS; i++)
        if (default_router_list[i].neighbor_entry)
            return 1;
    return 0;
}

static void pace_routers(struct netif *netif, uint64_t now)
{
    if (now < wait.routers_at)
        return;
    wait.routers_at = now + ROUTERS_US;
    if (netif->rs_count == 0 && !router_known())
        netif->rs_count = 1;
}

void bf_ip_wait_poll(struct netif *netif, int has_address, const char *nic)
{
    uint64_t now = bf_platform_now_us();
    pace_dhcp(netif);
    pace_routers(netif, now);
    if (wait.told || now < wait.tell_at)
        return;
    wait.told = 1;
    if (!has_address || !wait.heard)
        bf_log(BF_LOG_INFO,
               "network: %s: the link is up; no answer yet; a switch port with spanning tree can "
               "take up to 50 s",
               nic);
}
