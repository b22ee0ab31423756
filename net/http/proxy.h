// SPDX-License-Identifier: Apache-2.0
// Connections through an HTTP proxy: a dialer over another one. It dials the proxy, asks it for a
// tunnel (CONNECT, RFC 9110, 9.3.6; Basic authentication, RFC 7617), and its streams are OPEN once
// the tunnel is. The server's name is resolved by the proxy; TLS goes from end to end.
#ifndef BF_NET_HTTP_PROXY_H
#define BF_NET_HTTP_PROXY_H

#include "base/config.h"
#include "net/dialer.h"

// How long the proxy may take for its answer, which needs a connection of its own.
enum { BF_PROXY_ANSWER_US = 30 * 1000 * 1000 };

struct bf_proxy {
    const struct bf_config_proxy *config;
    struct bf_dialer to; // makes the connection to the proxy
};

// *proxy and what it points to stay in their places while the dialer or a stream of it is used.
struct bf_dialer bf_proxy_dialer(struct bf_proxy *proxy);

// "CONNECT host:port HTTP/1.1 ..." into out; its length, 0: it does not fit. Outside of
// the proxy for tests.
size_t bf_proxy_request(const struct bf_config_proxy *config, const char *host, uint16_t port,
                        char *out, size_t size);

#endif
