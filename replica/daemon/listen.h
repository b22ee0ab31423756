// SPDX-License-Identifier: Apache-2.0
// The daemon's TCP port, and what it tells the service manager.
#ifndef BF_REPLICA_DAEMON_LISTEN_H
#define BF_REPLICA_DAEMON_LISTEN_H

#include <stddef.h>
#include <sys/socket.h>

#include "base/err.h"

// ADDR:PORT with a numeric address, IPv6 in brackets; [::] takes IPv4 too. NULL: [::]:7667, or
// 0.0.0.0:7667 on a host without IPv6. option: what the administrator gave it with. *text gets the
// address with the real port.
enum bf_err bf_listen(const char *where, const char *option, int *fd, char *text, size_t size,
                      struct bf_fault *fault);

// Accepts one connection; -1 when there is none, with errno. from gets the peer's address.
int bf_listen_accept(int fd, struct sockaddr_storage *from);

// Whether the record with a ClientHello (RFC 8446, 5.1) is there, of at most so many bytes with its
// header. It is not taken. BF_AGAIN: not yet, and the socket becomes readable when it is, not
// before; BF_ERR_CLOSED: the peer has gone; BF_ERR_PROTOCOL: what came is not the beginning of one.
enum bf_err bf_listen_hello(int fd, size_t most);

// sd_notify(3): "READY=1", "STOPPING=1"; nothing without NOTIFY_SOCKET.
void bf_notify(const char *what);

#endif
