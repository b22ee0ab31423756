// SPDX-License-Identifier: Apache-2.0
// The thread that takes reports, see reports.h.
#include "replica/daemon/reports.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "replica/daemon/listen.h"
#include "replica/daemon/reports_http.h"
#include "replica/jobs/reported.h"
#include "replica/jobs/rules.h"
#include "replica/state/file.h"
#include "replica/state/waits.h"

enum { PATH_SIZE = 4352, PEM_MAX = 65536 };
enum { KEPT = 204, REFUSED = 403, TOO_OFTEN = 429, UNABLE = 503 }; // RFC 9110, RFC 6585

struct bf_reports {
    struct bf_daemon *daemon;
    pthread_t thread;
    atomic_bool over, reload, came;
    int fd; // listening
    char where[80];
    struct bf_db *db;
    struct bf_reports_http *http;
    char *certificate; // that is served, PEM
};

// ---- A report ----------------------------------------------------------------------------------

static unsigned refuse(struct bf_daemon *d, const char *from)
{
    if (bf_conn_may_log(d))
        bf_log(BF_LOG_WARNING, "a report from %s has no word of a job, and is refused", from);
    return REFUSED;
}

static unsigned keep(struct bf_reports *r, const struct bf_failover *f, const char *from,
                     const char *body, size_t len)
{
    const struct bf_state *state = r->daemon->state;
    struct bf_fault fault;
    // It says the same again, or over another way.
    if (bf_fo_is_shown(f))
        return KEPT;
    bool waited = bf_reported_waits(state, f->job);
    enum bf_err err = bf_reported_keep(state, f->job, body, len, &fault);
    if (err == BF_ERR_BUSY)
        return TOO_OFTEN;
    if (err) {
        bf_log(BF_LOG_ERROR, "the report of job %lld cannot be kept: %s; %s", (long long)f->job,
               fault.what, fault.todo);
        return UNABLE;
    }
    if (waited || !bf_reported_waits(state, f->job))
        return KEPT; // somebody knows already
    bf_log(BF_LOG_INFO, "job %lld: %s has reported from %s", (long long)f->job, f->machine, from);
    atomic_store(&r->came, true);
    eventfd_write(r->daemon->wake, 1);
    return KEPT;
}

static unsigned take(void *user, const struct sockaddr_storage *from, const char *body, size_t len)
{
    struct bf_reports *r = user;
    struct bf_failover f;
    char word[BF_EVIDENCE_WORD], address[64];
    BF_ASSERT(len <= BF_REPORTED_MAX);
    bf_address_text(from, address, sizeof address);
    if (!bf_reported_word(body, len, word))
        return refuse(r->daemon, address);
    enum bf_err err = bf_reported_find(r->db, word, &f);
    if (err == BF_ERR_NOT_FOUND)
        return refuse(r->daemon, address);
    if (!err)
        return keep(r, &f, address, body, len);
    if (bf_conn_may_log(r->daemon))
        bf_log(BF_LOG_ERROR, "a report from %s cannot be looked at: %s", address,
               bf_db_fault(r->db)->what);
    return UNABLE;
}

// ---- The certificate ---------------------------------------------------------------------------

static enum bf_err read_pem(const struct bf_reports *r, const char *name, char **out, size_t *len,
                            struct bf_fault *fault)
{
    char path[PATH_SIZE];
    uint8_t *bytes = NULL;
    bf_snprintf(path, sizeof path, "%s/pki/%s", bf_state_path(r->daemon->state), name);
    enum bf_err err = bf_file_read(path, PEM_MAX, &bytes, len, fault);
    *out = (char *)bytes;
    return err;
}

static enum bf_err serve_with(struct bf_reports *r, char *certificate, struct bf_fault *fault)
{
    size_t len = 0;
    char *key = NULL;
    enum bf_err err = read_pem(r, "server.key", &key, &len, fault);
    if (err)
        return err;
    bf_reports_http_close(r->http);
    r->http = bf_reports_http_open(r->fd, certificate, key, BF_REPORTED_MAX, take, r);
    bf_wipe(key, len);
    free(key);
    if (r->http)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER,
                        "give the server more memory, and check that the files in pki/ are whole",
                        "reports cannot be taken on %s", r->where);
}

// Begins to serve, or goes on with another certificate, if it is another one.
static enum bf_err load(struct bf_reports *r, struct bf_fault *fault)
{
    char *fresh = NULL;
    size_t len = 0;
    enum bf_err err = read_pem(r, "server.pem", &fresh, &len, fault);
    if (!err && r->http && strcmp(fresh, r->certificate) == 0) {
        free(fresh);
        return BF_OK;
    }
    if (!err)
        err = serve_with(r, fresh, fault);
    if (err) {
        free(fresh);
        return err;
    }
    free(r->certificate);
    r->certificate = fresh;
    return BF_OK;
}

// ---- The thread --------------------------------------------------------------------------------

static void *run(void *reports)
{
    struct bf_reports *r = reports;
    struct bf_fault fault;
    while (!atomic_load(&r->over)) {
        if (atomic_exchange(&r->reload, false) && load(r, &fault))
            bf_log(BF_LOG_ERROR, "%s; %s", fault.what, fault.todo);
        if (r->http)
            bf_reports_http_turn(r->http, BF_WAIT_REPORT_LOOK_MS);
        else
            usleep(BF_WAIT_REPORT_LOOK_MS * 1000);
    }
    return NULL;
}

enum bf_err bf_reports_open(struct bf_daemon *d, const char *where, struct bf_reports **out,
                            struct bf_fault *fault)
{
    struct bf_reports *r = calloc(1, sizeof *r);
    BF_ASSERT(d->state && d->wake >= 0);
    *out = r; // what there is of it is closed by the caller
    if (!r)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                            "no memory for reports");
    r->daemon = d;
    r->fd = -1;
    enum bf_err err = bf_listen(where, "--reports", &r->fd, r->where, sizeof r->where, fault);
    if (!err)
        err = bf_state_open_db(d->state, &r->db, fault);
    if (!err)
        err = load(r, fault);
    if (!err && pthread_create(&r->thread, NULL, run, r) != 0) {
        r->thread = 0;
        err = bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                           "cannot start the thread that takes reports");
    }
    return err;
}

void bf_reports_close(struct bf_reports *r)
{
    if (!r)
        return;
    atomic_store(&r->over, true);
    if (r->thread)
        pthread_join(r->thread, NULL);
    bf_reports_http_close(r->http);
    bf_db_close(r->db);
    if (r->fd >= 0)
        close(r->fd);
    free(r->certificate);
    free(r);
}

const char *bf_reports_where(const struct bf_reports *r)
{
    return r ? r->where : NULL;
}

void bf_reports_reload(struct bf_reports *r)
{
    if (r)
        atomic_store(&r->reload, true);
}

bool bf_reports_came(struct bf_reports *r)
{
    return r && atomic_exchange(&r->came, false);
}
