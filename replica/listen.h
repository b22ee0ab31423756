// SPDX-License-Identifier: Apache-2.0
// The daemon's TCP port, and what it tells the service manager.
#ifndef BF_REPLICA_LISTEN_H
#define BF_REPLICA_LISTEN_H

#include <stddef.h>

#include "base/err.h"

// ADDR:PORT with a numeric address, IPv6 in brackets; [::] takes IPv4 too. NULL: [::]:7667, or
// 0.0.0.0:7667 on a host without IPv6. *text gets the address with the real port.
enum bf_err bf_listen(const char *where, int *fd, char *text, size_t size, struct bf_fault *fault);

// Accepts one connection; -1 when there is none. from gets the peer's address.
int bf_listen_accept(int fd, char *from, size_t size);

// sd_notify(3): "READY=1", "STOPPING=1"; nothing without NOTIFY_SOCKET.
void bf_notify(const char *what);

#endif
