// SPDX-License-Identifier: Apache-2.0
// Reports of machines in their new home, over HTTPS: for targets whose console is not ours. A
// thread of its own takes them, finds the job by its random word, keeps what was said in the job's
// folder (replica/jobs/reported.h) and wakes the main thread, which starts the job's runner: that
// judges it. Whoever has no right word is told the same, whatever jobs there are.
#ifndef BF_REPLICA_DAEMON_REPORTS_H
#define BF_REPLICA_DAEMON_REPORTS_H

#include <stdbool.h>

#include "replica/daemon/daemon.h"

struct bf_reports;

// where: ADDR:PORT, as for bf_listen. To be called after the daemon has its state.
enum bf_err bf_reports_open(struct bf_daemon *d, const char *where, struct bf_reports **out,
                            struct bf_fault *fault);
// What follows takes NULL: no reports are taken.
void bf_reports_close(struct bf_reports *r);
// The address with the real port; NULL for NULL.
const char *bf_reports_where(const struct bf_reports *r);
// The server's certificate may be another one now.
void bf_reports_reload(struct bf_reports *r);
// Whether a report came since this was last asked.
bool bf_reports_came(struct bf_reports *r);

#endif
