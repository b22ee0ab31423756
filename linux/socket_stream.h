// SPDX-License-Identifier: Apache-2.0
// Streams and a dialer over non-blocking sockets, for hosted programs.
#ifndef BF_LINUX_SOCKET_STREAM_H
#define BF_LINUX_SOCKET_STREAM_H

#include "base/err.h"
#include "net/dialer.h"
#include "net/stream.h"

// Takes a connected stream socket (TCP or Unix) over: makes it non-blocking, closes it with the
// stream. BF_ERR_NO_MEMORY leaves it to the caller. For tests and benchmarks.
enum bf_err bf_socket_stream(int fd, struct bf_stream *out);

// The descriptor to wait on (it changes while the stream is OPENING), -1 when there is none, and
// in *events what for: POLLIN, and POLLOUT while output is held back or a connect is under way.
// For tests.
int bf_socket_stream_fd(const struct bf_stream *stream, short *events);

// Resolves by getaddrinfo, which may block for as long as the resolver does. Streams that are to
// share their data with others, connections at a time, leave less of it waiting in the kernel, so
// that what one cannot send goes out over another.
struct bf_dialer bf_socket_dialer(uint32_t connections);

#endif
