// SPDX-License-Identifier: Apache-2.0
// The door: everybody who has not shown who it is. One thread takes all connections from the port,
// waits for their first bytes, and does the server's part of their TLS handshakes, so that
// strangers have no threads, little memory, and a bounded part of one processor.
//
// A guest is SILENT until a whole ClientHello has arrived, which stays in the kernel till then;
// then SHAKING, with TLS state of its own; then it leaves through the door if it has shown a
// certificate of our root, or is NAMELESS: without a certificate, until it says something, which
// can only be the wish to enrol. Each of these waits has a deadline.
//
// When places run out, those of the least progress give way first, of these the oldest of the
// address that has most (replica/daemon/address.h). Who has left the door is not displaced by who
// has not. Handshakes begin only while the thread has used less than its part of a processor, which
// leaves the rest to the sessions, and the guests of one address in turn with those of others.
#ifndef BF_REPLICA_DAEMON_DOOR_H
#define BF_REPLICA_DAEMON_DOOR_H

#include <stdint.h>

#include "base/err.h"
#include "net/stream.h"
#include "replica/daemon/address.h"
#include "replica/daemon/tls_server.h"

enum {
    BF_GUESTS_MAX = 2048,      // SILENT, SHAKING and NAMELESS; fewer with few file descriptors
    BF_GUESTS_TLS_MAX = 768,   // of them SHAKING or NAMELESS: these have TLS state
    BF_HELLO_BYTES_MAX = 8192, // of the record with the ClientHello; kept by the kernel
    BF_HELLO_MS = 5000,        // from accept to a whole ClientHello
    BF_HANDSHAKE_MS = 10000,   // from accept to the end of the handshake
    BF_NAMELESS_MS = 15000,    // from accept to the first word of who has no certificate
    BF_PARTING_MS = 2000,      // for one that was turned out to read why
    BF_DOOR_CPU_PERCENT = 33,  // of one processor, above which no handshake begins
};

struct bf_daemon;
struct bf_door;

// Somebody whose handshake is complete. peer.has_certificate: the certificate is of our root and in
// time; whether the database knows it is not known yet. Else it wants to enrol.
struct bf_arrival {
    struct bf_stream stream; // OPEN
    struct bf_tls_peer peer;
    struct bf_peer_address address;
    uint64_t accepted_us;
    char from[64];
    struct bf_arrival *next;
};

// Starts the thread for a listening socket, which stays the caller's. Arrivals are put into the
// daemon's list, and its wake is written. BF_ERR_NO_MEMORY.
enum bf_err bf_door_open(struct bf_daemon *d, int listening, struct bf_door **out);
// Ends the thread and all guests. Takes NULL.
void bf_door_close(struct bf_door *door);

// The arrivals since the last call, oldest first, NULL when there are none: a list of the caller's,
// each to be released with free() after its stream was taken over or closed.
struct bf_arrival *bf_door_arrivals(struct bf_daemon *d);

#endif
