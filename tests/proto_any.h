// SPDX-License-Identifier: Apache-2.0
// Any message of the protocol, decoded and encoded again: what a decoder accepts, the encoder must
// write in the same bytes.
#ifndef BF_TESTS_PROTO_ANY_H
#define BF_TESTS_PROTO_ANY_H

#include "net/proto/proto.h"

// Decodes by the frame's type. BF_OK: *len bytes of the whole frame were written again to out;
// BF_ERR_UNSUPPORTED: an unknown type; else the decoder's verdict.
enum bf_err proto_any(const struct bf_frame *f, uint8_t *out, size_t size, size_t *len);
// What proto_any may change: a HELLO of a later version, a FAULT with a code that is not known.
int proto_is_canonical(const struct bf_frame *f);

#endif
