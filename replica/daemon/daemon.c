// SPDX-License-Identifier: Apache-2.0
// bootferryd: serves one state. This file starts, accepts, looks after what changed in the
// database, and stops; daemon.h explains the threads.
#include "replica/daemon/daemon.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "replica/pki/kex.h"
#include "replica/daemon/listen.h"
#include "replica/daemon/reports.h"
#include "replica/jobs/begin.h"
#include "replica/state/owner.h"
#include "replica/points/recover.h"
#include "replica/state/waits.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct options {
    const char *state, *listen, *reports;
    uint32_t sessions;
};

static const char usage[] =
    "usage: bootferryd [--state DIR] [--listen ADDR:PORT] [--sessions N] [--reports ADDR:PORT]\n"
    "\n"
    "Serves the state of a replica server, which bootferry init makes.\n"
    "  --state DIR          the state's folder (default: BOOTFERRY_STATE, else\n"
    "                       /var/lib/bootferry)\n"
    "  --listen ADDR:PORT   where to listen ([::]:7667); port 0 picks a free port and prints it\n"
    "  --sessions N         how many machines may send at the same time (16)\n"
    "  --reports ADDR:PORT  take reports of machines in their new home there, over HTTPS, as in\n"
    "                       [::]:7668 (none are taken)\n"
    "SIGTERM and SIGINT end it cleanly within 10 seconds; interrupted sessions continue after\n"
    "the next start.\n";

// Returns -1 to go on, or the exit status.
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {{"state", required_argument, NULL, 's'},
                                          {"listen", required_argument, NULL, 'l'},
                                          {"sessions", required_argument, NULL, 'n'},
                                          {"reports", required_argument, NULL, 'r'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'v'},
                                          {NULL, 0, NULL, 0}};
    char *rest = NULL;
    int option;
    *o = (struct options){.sessions = BF_SESSIONS_DEFAULT};
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (option) {
        case 's':
            o->state = optarg;
            break;
        case 'l':
            o->listen = optarg;
            break;
        case 'r':
            o->reports = optarg;
            break;
        case 'n':
            o->sessions = (uint32_t)strtoul(optarg, &rest, 10);
            if (*rest || o->sessions < 1 || o->sessions > BF_SESSIONS_LIMIT) {
                fprintf(stderr, "bootferryd: --sessions takes 1 to %d\n", BF_SESSIONS_LIMIT);
                return EXIT_USAGE;
            }
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case 'v':
            puts("bootferryd " BF_VERSION);
            return 0;
        default:
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "bootferryd: \"%s\" is not an option\n%s", argv[optind], usage);
    return EXIT_USAGE;
}

// ---- Serving -----------------------------------------------------------------------------------

static void take_arrivals(struct bf_daemon *d)
{
    struct bf_arrival *next = NULL;
    for (struct bf_arrival *a = bf_door_arrivals(d); a; a = next) {
        char from[sizeof a->from];
        int known = a->peer.has_certificate;
        next = a->next;
        memcpy(from, a->from, sizeof from);
        enum bf_err err = bf_conn_start(d, a);
        if (err && (known || bf_conn_may_log(d)))
            bf_log(BF_LOG_WARNING, "%s: turned away (%s)", from, bf_err_name(err));
    }
}

// The server's certificate may name more addresses now. Connections keep the old context.
static void reload(struct bf_daemon *d)
{
    struct bf_fault fault;
    struct bf_tls_server *fresh = NULL;
    if (bf_tls_server_open(&fresh, bf_state_path(d->state), &fault)) {
        bf_log(BF_LOG_ERROR, "%s; the previous certificate stays in use", fault.what);
        return;
    }
    pthread_mutex_lock(&d->door_lock);
    bf_tls_server_close(d->tls);
    d->tls = fresh;
    pthread_mutex_unlock(&d->door_lock);
    bf_reports_reload(d->reports);
}

// How long to sleep when nothing happens: jobs can be left alone at any time.
static int patience(struct bf_daemon *d)
{
    if (d->conns)
        return BF_WAIT_TICK_MS;
    return bf_unwritten_any(d) ? BF_WAIT_UNWRITTEN_MS : BF_WAIT_JOBS_MS;
}

// Jobs whose runner was killed, tests whose time is up, and reports that came.
static void look_after_jobs(struct bf_daemon *d)
{
    uint64_t now = bf_platform_now_us();
    if (now < d->jobs_next_us && !bf_reports_came(d->reports))
        return;
    d->jobs_next_us = now + (uint64_t)BF_WAIT_JOBS_MS * 1000;
    bf_runner_spawn_wanted(d->state, bf_state_db(d->state));
}

static void serve(struct bf_daemon *d, int control)
{
    struct pollfd fds[] = {{.fd = control, .events = POLLIN},
                           {.fd = d->stopping, .events = POLLIN},
                           {.fd = d->wake, .events = POLLIN}};
    uint64_t ignored;
    bf_runner_spawn_after_boot(d->state, bf_state_db(d->state));
    BF_ASSERT(control >= 0 && d->stopping >= 0 && d->state && d->door);
    for (;;) {
        poll(fds, 3, patience(d));
        if (fds[1].revents)
            return;
        if (fds[2].revents && read(d->wake, &ignored, sizeof ignored) < 0)
            continue;
        bf_conn_reap(d);
        take_arrivals(d);
        if (fds[0].revents && bf_control_serve(d, control))
            reload(d);
        bf_unwritten_tick(d);
        bf_conn_check(d);
        look_after_jobs(d);
    }
}

// Those who came through the door and were not taken in.
static void turn_away(struct bf_daemon *d)
{
    struct bf_arrival *next = NULL;
    for (struct bf_arrival *a = bf_door_arrivals(d); a; a = next) {
        next = a->next;
        a->stream.ops->close(a->stream.impl);
        free(a);
    }
}

// ---- Starting ----------------------------------------------------------------------------------

static void init_shared(struct bf_daemon *d)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->released, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&d->lock, NULL);
    pthread_mutex_init(&d->door_lock, NULL);
    d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    d->arrivals_end = &d->arrivals;
}

// What this server cannot do is said before a machine meets it.
static void tell_kex(const struct bf_daemon *d)
{
    if (!bf_tls_server_has_hybrid(d->tls))
        bf_log(BF_LOG_WARNING,
               "this server's OpenSSL does not support " BF_KEX_HYBRID_NAME
               ": connections use X25519, P-256 "
               "or P-384, and a machine with kex=hybrid refuses to connect; look at OpenSSL's "
               "configuration, whose default_properties may exclude a provider, or update OpenSSL");
}

static enum bf_err start(struct bf_daemon *d, const struct options *o, int *tcp, int *control,
                         char *where, size_t size, struct bf_fault *fault)
{
    const char *path = bf_state_default_path(o->state);
    enum bf_err err;
    if ((err = bf_owner_become(path, fault)) || (err = bf_state_serve(path, &d->state, fault)) ||
        (err = bf_ca_open(&d->ca, path, fault)) ||
        (err = bf_tls_server_open(&d->tls, path, fault)) ||
        (err = bf_control_open(d, control, fault)))
        return err;
    if ((err = bf_listen(o->listen, "--listen", tcp, where, size, fault)) ||
        (o->reports && (err = bf_reports_open(d, o->reports, &d->reports, fault))))
        return err;
    if (bf_platform_entropy(&d->seed, sizeof d->seed) || bf_door_open(d, *tcp, &d->door))
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "give the server more memory",
                            "cannot start the thread that accepts connections");
    return BF_OK;
}

// What is received waits in blocks of up to a megabyte. Without this each is mapped and unmapped,
// and the kernel clears its pages every time. bf_conn_release gives back what a session leaves.
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 8 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

int main(int argc, char **argv)
{
    struct bf_daemon d = {0};
    struct options o;
    struct bf_fault fault;
    char where[80];
    int tcp = -1, control = -1;
    int status = parse(argc, argv, &o);
    if (status >= 0)
        return status;
    keep_memory();
    d.sessions_max = o.sessions;
    init_shared(&d);
    enum bf_err err = bf_stop_begin(&d);
    if (err)
        bf_fault_set(&fault, err, BF_SIDE_SERVER, "free some memory", "no memory for a thread");
    else
        err = start(&d, &o, &tcp, &control, where, sizeof where, &fault);
    if (err) {
        bf_log(BF_LOG_ERROR, "%s; %s", fault.what, fault.todo);
    } else {
        tell_kex(&d);
        if (d.reports)
            printf("bootferryd: listening for reports on %s\n", bf_reports_where(d.reports));
        printf("bootferryd: listening on %s\n", where);
        fflush(stdout);
        bf_notify("READY=1");
        serve(&d, control);
        bf_notify("STOPPING=1");
        bf_log(BF_LOG_INFO, "stopping");
    }
    bf_reports_close(d.reports);
    bf_door_close(d.door);
    if (tcp >= 0)
        close(tcp);
    turn_away(&d);
    bf_stop_connections(&d);
    if (d.state)
        bf_unwritten_write(&d, bf_state_db(d.state));
    bf_control_close(&d, control);
    bf_tls_server_close(d.tls);
    bf_ca_close(d.ca);
    bf_state_close(d.state);
    return err ? EXIT_FAILED : 0;
}
