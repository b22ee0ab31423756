// SPDX-License-Identifier: Apache-2.0
// A stream of a test that says what is read and hears what is written, and is quiet otherwise: it
// is open, has sent everything and has no fault.
#ifndef BF_TESTS_QUIET_STREAM_H
#define BF_TESTS_QUIET_STREAM_H

#include "net/stream.h"

typedef enum bf_err quiet_read(void *impl, void *bytes, size_t size, size_t *done);
typedef enum bf_err quiet_write(void *impl, const void *bytes, size_t len, size_t *done);

// The test may change what it knows better.
struct bf_stream_ops quiet_stream(quiet_read *says, quiet_write *hears);

#endif
