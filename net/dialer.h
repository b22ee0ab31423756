// SPDX-License-Identifier: Apache-2.0
// A dialer makes plain TCP streams: the IP stack of the boot program, or sockets. The connector
// puts TLS on top of what it gets from one.
#ifndef BF_NET_DIALER_H
#define BF_NET_DIALER_H

#include <stdint.h>

#include "base/err.h"
#include "net/stream.h"

// What is dialled, for the texts of faults.
struct bf_peer {
    const char *word;    // what it is called; its key in the configuration is the same word
    const char *program; // what should listen there
    enum bf_side side;   // at fault for what only the peer can have done
};

extern const struct bf_peer bf_peer_server, bf_peer_proxy;

struct bf_dialer {
    // Begins to connect to a name or address (IPv6 without brackets) and port. *out is OPENING; it
    // resolves the name, tries the addresses in turn with a deadline each, and becomes OPEN or
    // FAILED by its poll. An error at once fills *fault and leaves *out alone.
    enum bf_err (*dial)(void *impl, const struct bf_peer *peer, const char *host, uint16_t port,
                        struct bf_stream *out, struct bf_fault *fault);
    // No server answered in a whole round: the IP stack goes on to the next NIC with a link. May
    // be NULL.
    void (*nobody)(void *impl);
    void *impl;
};

#endif
