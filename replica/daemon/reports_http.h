// SPDX-License-Identifier: Apache-2.0
// HTTPS for reports, by libmicrohttpd: POST to "/", one body of bounded size, one answer without a
// body, end. TLS 1.2 and later, since old systems know no 1.3. Places, memory and time of all
// connections are bounded; it logs nothing by itself.
#ifndef BF_REPLICA_DAEMON_REPORTS_HTTP_H
#define BF_REPLICA_DAEMON_REPORTS_HTTP_H

#include <stddef.h>
#include <sys/socket.h>

enum {
    BF_REPORTS_CONNECTIONS = 64, // at a time
    BF_REPORTS_OF_ADDRESS = 16,  // of them from one address
};

struct bf_reports_http;

// What came; the status to answer (RFC 9110, 15).
typedef unsigned bf_reports_take(void *user, const struct sockaddr_storage *from, const char *body,
                                 size_t len);

// Serves a listening socket, which stays the caller's. certificate and key are PEM, and are not
// needed any longer afterwards. NULL: out of memory, or they do not serve.
struct bf_reports_http *bf_reports_http_open(int fd, const char *certificate, const char *key,
                                             size_t body_max, bf_reports_take *take, void *user);
void bf_reports_http_close(struct bf_reports_http *h); // takes NULL
// Does what there is to do, which takes up to so long when there is nothing.
void bf_reports_http_turn(struct bf_reports_http *h, int ms);

#endif
