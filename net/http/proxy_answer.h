// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP proxy's answer to CONNECT (RFC 9110, 9.3.6; RFC 9112, 4), read byte by byte
// in bounded memory.
#ifndef BF_NET_HTTP_PROXY_ANSWER_H
#define BF_NET_HTTP_PROXY_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    BF_PROXY_LINE = 256,        // what is kept of a line; the rest of a longer one is passed over
    BF_PROXY_HEAD_MOST = 16384, // bytes of all heads together
};

struct bf_proxy_answer {
    uint16_t status;    // 0: not read yet
    char reason[64];    // printable, for the operator; may be empty
    char challenge[32]; // the scheme that a 407 wants, "Basic" if that is among them
    uint32_t total;     // bytes so far
    uint16_t line_len;
    char line[BF_PROXY_LINE];
};

// Starts with all zeros. Takes bytes up to the end of the head; *used says how many. BF_AGAIN: more
// are needed; BF_OK: the head of a final answer is complete, and what follows is not part of it;
// BF_ERR_PROTOCOL: this is not HTTP; BF_ERR_LIMIT: it does not end.
enum bf_err bf_proxy_answer_take(struct bf_proxy_answer *a, const uint8_t *bytes, size_t len,
                                 size_t *used);

#endif
