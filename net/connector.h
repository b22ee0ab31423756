// SPDX-License-Identifier: Apache-2.0
// The connector of the boot program and of the hosted sender: dials the configured servers in
// turn, puts TLS on top, and, with only an enrolment key, first obtains a certificate over a
// connection of its own. Key and certificate obtained so stay in memory for later connections.
//
// One open() is one round: every server once, beginning with the one that answered last, each stage
// (connecting, TLS, enrolment) with a deadline. The stream is OPEN when a server was verified, and
// FAILED when none could be: with the first fault that an administrator must act on if there was
// one, else the last. With connections= above 1 it is a bundle (net/proto/bundle.h), whose further
// connections go to that same server.
#ifndef BF_NET_CONNECTOR_H
#define BF_NET_CONNECTOR_H

#include "base/config.h"
#include "net/dialer.h"
#include "net/stream.h"

struct bf_server_connector;

// The configuration is kept, not copied. NULL without memory.
struct bf_server_connector *bf_server_connector_new(const struct bf_config *config,
                                                    struct bf_dialer dialer);
// For bf_sender_config; one stream of it at a time (a bundle counts as one).
struct bf_connector bf_server_connector(struct bf_server_connector *c);
// Wipes the identity. Streams must have been closed. Takes NULL.
void bf_server_connector_free(struct bf_server_connector *c);

#endif
