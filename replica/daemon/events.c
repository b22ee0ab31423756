// SPDX-License-Identifier: Apache-2.0
// What is said about a connection: the machine's events, the log, and the database's words.
#include <stdarg.h>
#include <time.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "replica/daemon/daemon.h"

enum { STRANGER_LINES = 20 }; // a minute

void bf_conn_event(struct bf_conn *c, int level, const char *format, ...)
{
    struct bf_event_row row = {.time = time(NULL), .job = c->job.id, .level = level};
    va_list args;
    va_start(args, format);
    bf_vsnprintf(row.text, sizeof row.text, format, args);
    va_end(args);
    bf_snprintf(row.machine, sizeof row.machine, "%s", c->peer.machine);
    bf_log((enum bf_log_level)level, "%s: %s", row.machine, row.text);
    bf_unwritten_write(c->daemon, c->db);
    if (!bf_db_event_add(c->db, &row))
        return;
    bf_unwritten_event(c->daemon, &row);
    bf_log(BF_LOG_ERROR, "%s: the event has not been recorded yet: %s", row.machine,
           bf_db_fault(c->db)->what);
}

enum bf_err bf_conn_db_fault(const struct bf_conn *c, struct bf_fault *fault)
{
    *fault = *bf_db_fault(c->db);
    BF_ASSERT(fault->code); // nobody asks after a success
    return fault->code;
}

int bf_conn_may_log(struct bf_daemon *d)
{
    uint64_t now = bf_platform_now_us();
    int may;
    pthread_mutex_lock(&d->door_lock);
    if (now - d->minute_us >= 60000000) {
        if (d->minute_lines > STRANGER_LINES)
            bf_log(BF_LOG_WARNING, "left out %u more line%s about unknown clients",
                   d->minute_lines - STRANGER_LINES, bf_plural(d->minute_lines - STRANGER_LINES));
        d->minute_us = now;
        d->minute_lines = 0;
    }
    may = ++d->minute_lines <= STRANGER_LINES;
    pthread_mutex_unlock(&d->door_lock);
    return may;
}
