// SPDX-License-Identifier: Apache-2.0
// The addresses of a name: A and AAAA records at the same time, from the servers in turn, in the
// domains that are searched. For the files of the IP stack.
#ifndef BF_NET_IP_LOOKUP_H
#define BF_NET_IP_LOOKUP_H

#include <stdint.h>

#include "base/err.h"
#include "net/dialer.h"
#include "net/ip/dns_message.h"

struct bf_lookup;

// *host is copied. NULL: no memory, or no port.
struct bf_lookup *bf_lookup_new(const char *host);

// Asks and waits; BF_AGAIN while answers may still come, BF_OK with addresses, else BF_ERR_NETWORK.
// At most 15 s after the beginning, and 3 s after the first addresses, it has ended.
enum bf_err bf_lookup_poll(struct bf_lookup *lookup);

// What was found up to now, of family 4 or 6. *pending: an answer may still come.
const struct bf_dns_addresses *bf_lookup_found(const struct bf_lookup *lookup, uint8_t family,
                                               int *pending);

// After an end without addresses: the name does not exist, or nobody could say (then an address
// that was known before may still be right).
int bf_lookup_is_denied(const struct bf_lookup *lookup);
enum bf_err bf_lookup_fault(const struct bf_lookup *lookup, const struct bf_peer *peer,
                            struct bf_fault *fault);

void bf_lookup_free(struct bf_lookup *lookup); // takes NULL

#endif
