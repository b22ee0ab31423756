// SPDX-License-Identifier: Apache-2.0
// See reports_http.h. libmicrohttpd closes a connection that is silent; one that trickles is closed
// here when its time is over. Everything is done by the thread that calls.
#include "replica/daemon/reports_http.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/platform.h"
#include "replica/state/waits.h"

enum { MEMORY = 16384, SILENCE_S = 10, FIRST = 4096 };
enum { TOO_LARGE = 413 }; // RFC 9110; libmicrohttpd has changed the name of it

// A connection: in the list of all, from accept to its end.
struct guest {
    struct guest *next, **link;
    int fd;
    uint64_t until_us;
};

// A request.
struct body {
    char *bytes;
    size_t len, size;
    bool too_long;
};

struct bf_reports_http {
    struct MHD_Daemon *mhd;
    struct guest *guests;
    size_t body_max;
    bf_reports_take *take;
    void *user;
};

// ---- Connections -------------------------------------------------------------------------------

static void enters(struct bf_reports_http *h, struct MHD_Connection *c, void **context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct guest *g = calloc(1, sizeof *g);
    BF_ASSERT(info && !*context);
    if (!g) {
        shutdown(info->connect_fd, SHUT_RDWR);
        return;
    }
    *g = (struct guest){.next = h->guests,
                        .link = &h->guests,
                        .fd = info->connect_fd,
                        .until_us = bf_platform_now_us() + BF_WAIT_REPORT_MS * UINT64_C(1000)};
    if (g->next)
        g->next->link = &g->next;
    h->guests = g;
    *context = g;
}

static void leaves(struct guest *g)
{
    if (!g)
        return;
    BF_ASSERT(*g->link == g);
    *g->link = g->next;
    if (g->next)
        g->next->link = g->link;
    free(g);
}

static void on_connection(void *user, struct MHD_Connection *c, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        enters(user, c, context);
    else
        leaves(*context);
}

// libmicrohttpd sees the end of the connection, and closes it.
static void end_late_ones(struct bf_reports_http *h)
{
    uint64_t now = bf_platform_now_us();
    for (struct guest *g = h->guests; g; g = g->next)
        if (now >= g->until_us)
            shutdown(g->fd, SHUT_RDWR);
}

// ---- Requests ----------------------------------------------------------------------------------

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST);
    enum MHD_Result result = MHD_queue_response(c, status, response);
    MHD_destroy_response(response);
    return result;
}

// Whether the head promises a body that is too long. One without a length is judged as it comes.
static bool promises_too_much(const struct bf_reports_http *h, struct MHD_Connection *c)
{
    const char *text =
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return text && strtoull(text, NULL, 10) > h->body_max;
}

// After the head of a request. An answer here comes instead of the body.
static enum MHD_Result begin(const struct bf_reports_http *h, struct MHD_Connection *c,
                             const char *path, const char *method, void **context)
{
    if (strcmp(path, "/") != 0)
        return answer(c, MHD_HTTP_NOT_FOUND);
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED);
    if (promises_too_much(h, c))
        return answer(c, TOO_LARGE);
    *context = calloc(1, sizeof(struct body));
    return *context ? MHD_YES : MHD_NO;
}

static bool grow(struct body *b, size_t wanted, size_t most)
{
    size_t size = b->size ? b->size : FIRST;
    while (size < wanted)
        size *= 2;
    size = size < most ? size : most;
    char *bytes = realloc(b->bytes, size);
    if (!bytes)
        return false;
    b->bytes = bytes;
    b->size = size;
    return true;
}

static enum MHD_Result more(const struct bf_reports_http *h, struct body *b, const char *data,
                            size_t *len)
{
    b->too_long = b->too_long || *len > h->body_max - b->len;
    if (!b->too_long) {
        if (b->len + *len > b->size && !grow(b, b->len + *len, h->body_max))
            return MHD_NO;
        BF_ASSERT(b->len + *len <= b->size && b->size <= h->body_max);
        memcpy(b->bytes + b->len, data, *len);
        b->len += *len;
    }
    *len = 0;
    return MHD_YES;
}

static enum MHD_Result finish(const struct bf_reports_http *h, struct MHD_Connection *c,
                              const struct body *b)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct sockaddr_storage from = {0};
    if (b->too_long)
        return answer(c, TOO_LARGE);
    if (info && info->client_addr->sa_family == AF_INET)
        memcpy(&from, info->client_addr, sizeof(struct sockaddr_in));
    else if (info && info->client_addr->sa_family == AF_INET6)
        memcpy(&from, info->client_addr, sizeof(struct sockaddr_in6));
    return answer(c, h->take(h->user, &from, b->bytes ? b->bytes : "", b->len));
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *c, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **context)
{
    const struct bf_reports_http *h = user;
    (void)version;
    if (!*context)
        return begin(h, c, path, method, context);
    return *len ? more(h, *context, data, len) : finish(h, c, *context);
}

static void on_end(void *user, struct MHD_Connection *c, void **context,
                   enum MHD_RequestTerminationCode how)
{
    struct body *b = *context;
    (void)user;
    (void)c;
    (void)how;
    if (b)
        free(b->bytes);
    free(b);
    *context = NULL;
}

// ---- The server --------------------------------------------------------------------------------

// It would have a line for each handshake that fails.
static void say_nothing(void *user, const char *format, va_list args)
{
    (void)user;
    (void)format;
    (void)args;
}

struct bf_reports_http *bf_reports_http_open(int fd, const char *certificate, const char *key,
                                             size_t body_max, bf_reports_take *take, void *user)
{
    struct bf_reports_http *h = calloc(1, sizeof *h);
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0); // libmicrohttpd closes it
    if (!h || own < 0) {
        free(h);
        return NULL;
    }
    *h = (struct bf_reports_http){.body_max = body_max, .take = take, .user = user};
    h->mhd = MHD_start_daemon(
        MHD_USE_TLS | MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, h,
        MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL, MHD_OPTION_LISTEN_SOCKET, own,
        MHD_OPTION_HTTPS_MEM_CERT, certificate, MHD_OPTION_HTTPS_MEM_KEY, key,
        MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)BF_REPORTS_CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)BF_REPORTS_OF_ADDRESS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_NOTIFY_COMPLETED, on_end, h,
        MHD_OPTION_END);
    if (h->mhd)
        return h;
    close(own);
    free(h);
    return NULL;
}

void bf_reports_http_close(struct bf_reports_http *h)
{
    if (!h)
        return;
    MHD_stop_daemon(h->mhd);
    BF_ASSERT(!h->guests);
    free(h);
}

void bf_reports_http_turn(struct bf_reports_http *h, int ms)
{
    end_late_ones(h);
    MHD_run_wait(h->mhd, ms);
}
