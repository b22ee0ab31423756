// SPDX-License-Identifier: Apache-2.0
// Addresses between our form and lwIP's. For the files of the IP stack.
#ifndef BF_NET_IP_ADDRESS_H
#define BF_NET_IP_ADDRESS_H

#include <stddef.h>

#include <lwip/ip_addr.h>

#include "base/config.h"

ip_addr_t bf_ip_to_lwip(const struct bf_ip *ip);
void bf_ip_lwip_text(char *out, size_t size, const ip_addr_t *address); // >= 46 bytes, RFC 5952

#endif
