// SPDX-License-Identifier: Apache-2.0
// A TAP device as a NIC: Ethernet frames to and from the kernel's own TCP/IP. For tests of the IP
// stack against a second implementation; needs CAP_NET_ADMIN in its network namespace.
#ifndef BF_LINUX_TAP_NIC_H
#define BF_LINUX_TAP_NIC_H

#include "base/err.h"
#include "net/nic.h"

// Creates (or attaches to) the device called name. BF_ERR_DENIED without the privilege,
// BF_ERR_UNSUPPORTED without TUN/TAP. nic->ops->close removes it.
enum bf_err bf_tap_open(const char *name, const uint8_t mac[6], uint16_t mtu, struct bf_nic *nic);

// The descriptor, to wait for frames.
int bf_tap_fd(const struct bf_nic *nic);

#endif
