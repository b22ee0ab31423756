// SPDX-License-Identifier: Apache-2.0
// lwIP 2.2 for Bootferry: no operating system, one interface at a time, IPv4 and IPv6, TCP, DHCP.
// Received frames live in a pool of our own (net/ip/lwip_port.c) and data to be sent in the
// stream's ring (net/ip/tcp.c), so lwIP's own memory holds headers and small packets only.
#ifndef BF_NET_LWIPOPTS_H
#define BF_NET_LWIPOPTS_H

// System
#define NO_SYS                         1
#define SYS_LIGHTWEIGHT_PROT           0
#define LWIP_NETCONN                   0
#define LWIP_SOCKET                    0
#define LWIP_NETIF_API                 0
#define LWIP_SINGLE_NETIF              1
#define LWIP_NETIF_HOSTNAME            1
#define LWIP_NETIF_EXT_STATUS_CALLBACK 1 // routes follow addresses
#define LWIP_NETIF_TX_SINGLE_PBUF      0
#define LWIP_HAVE_LOOPIF               0
#define LWIP_NETIF_LOOPBACK            0
#define LWIP_STATS                     0
#define LWIP_RAW                       1 // DHCP and ND need none of it, the sources do
#define LWIP_SUPPORT_CUSTOM_PBUF       1

// Memory: headers of the segments in flight, ARP, DHCP and DNS packets
#define MEM_ALIGNMENT           8
#define MEM_SIZE                (1024 * 1024)
#define MEMP_NUM_PBUF           4600
#define MEMP_NUM_TCP_SEG        4600
#define MEMP_NUM_TCP_PCB        24 // eight connections, and eight before them that still end
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_UDP_PCB        16 // DHCP, and a name for each connection
#define PBUF_POOL_SIZE          8
#define PBUF_POOL_BUFSIZE       1664

// IPv4
#define LWIP_IPV4                1
#define LWIP_ARP                 1
#define ARP_QUEUEING             1
#define IP_REASSEMBLY            0
#define IP_FRAG                  0
#define LWIP_ICMP                1
#define LWIP_IGMP                0
#define LWIP_AUTOIP              0
#define LWIP_ACD                 0
#define LWIP_DHCP                1
#define LWIP_DHCP_DOES_ACD_CHECK 0   // costs 7 s; the server has probed the address
#define DHCP_OPTIONS_LEN         128 // of what is sent

// IPv6
#define LWIP_IPV6                      1
#define LWIP_IPV6_AUTOCONFIG           1
#define LWIP_IPV6_NUM_ADDRESSES        5
#define LWIP_IPV6_MLD                  1
#define LWIP_IPV6_REASS                0
#define LWIP_IPV6_FRAG                 0
#define LWIP_IPV6_DHCP6                0 // it has no addresses: net/ip/dhcp6.c
#define LWIP_IPV6_FORWARD              0
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS DNS_MAX_SERVERS
#define MEMP_NUM_MLD6_GROUP            8

// DNS: net/ip/dns.c; lwIP finds the servers in router advertisements
#define LWIP_DNS        0
#define DNS_MAX_SERVERS 3

// UDP, TCP
#define LWIP_UDP              1
#define LWIP_TCP              1
#define TCP_MSS               9176 // at most; a frame's real size decides
#define LWIP_WND_SCALE        1
#define TCP_RCV_SCALE         6
#define TCP_WND               (2 * 1024 * 1024)
#define TCP_SND_BUF           (2 * 1024 * 1024)
#define TCP_SND_QUEUELEN      4500
#define TCP_QUEUE_OOSEQ       1
#define LWIP_TCP_SACK_OUT     1
#define LWIP_TCP_MAX_SACK_NUM 4
// A tick of 50 ms instead of 500: the shortest retransmission time becomes 150 ms.
#define TCP_TMR_INTERVAL               25
#define LWIP_TCP_RTO_TIME              1000 // before anything was measured (RFC 6298, 2.1)
#define TCP_WND_UPDATE_THRESHOLD       2920 // two segments: a small window must be told of, too
#define TCP_MSL                        2000 // ports are random: nothing waits for an old connection
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1    // they compare the window with lwIP's own pool

// Unpredictable sequence numbers (RFC 6528), and the static IPv6 gateway
#define LWIP_HOOK_FILENAME "net/ip/lwip_hooks.h"

#endif
