// SPDX-License-Identifier: Apache-2.0
// Messages of the DNS (RFC 1035): a question for the addresses of a name, the answer to it, and the
// list of domains in DHCP's option 119 (RFC 3397), which is written like names in a message.
#ifndef BF_NET_IP_DNS_MESSAGE_H
#define BF_NET_IP_DNS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"

enum {
    BF_DNS_A = 1, // types of records (RFC 1035, 3.2.2; RFC 3596)
    BF_DNS_AAAA = 28,
    BF_DNS_NAME = 256, // a name as text, without the last dot, with its NUL
    BF_DNS_QUERY = 12 + 255 + 4,
    BF_DNS_ADDRESSES = 8, // of one family that are kept; further ones are ignored
    BF_DNS_DOMAINS = 6,
};

struct bf_dns_question {
    uint16_t id, type;
    const char *name;
};

struct bf_dns_addresses {
    uint32_t count;
    struct bf_ip address[BF_DNS_ADDRESSES];
};

enum bf_dns_answer {
    BF_DNS_NOT_OURS,  // an answer to something else, or none
    BF_DNS_FOUND,     // addresses
    BF_DNS_EMPTY,     // the name has none of this type
    BF_DNS_NO_NAME,   // the name does not exist
    BF_DNS_TRUNCATED, // the server has more to say than fits, and nothing of use did fit
    BF_DNS_FAILED,    // the server cannot or will not say
};

// Writes the question with recursion desired. Its length, 0: no name that the DNS can have.
size_t bf_dns_query(const struct bf_dns_question *question, uint8_t out[BF_DNS_QUERY]);

// Judges a message as the answer to the question, following aliases inside of it.
enum bf_dns_answer bf_dns_read(const uint8_t *message, size_t len,
                               const struct bf_dns_question *question,
                               struct bf_dns_addresses *out);

// The domains of option 119, in their order; how many. What follows something malformed is left
// out.
uint32_t bf_dns_read_domains(const uint8_t *bytes, size_t len,
                             char out[BF_DNS_DOMAINS][BF_DNS_NAME]);

// True when the text is labels of letters, digits, '-' and '_' with dots between them.
int bf_dns_is_domain(const char *text, size_t len);

#endif
