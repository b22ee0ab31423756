// SPDX-License-Identifier: Apache-2.0
// A line of progress on a terminal; nothing when standard error is not one.
#ifndef BF_REPLICA_CLI_PROGRESS_H
#define BF_REPLICA_CLI_PROGRESS_H

#include <stdint.h>

struct bf_cli_progress {
    const char *what;
    unsigned number;
    int terminal, shown;
    uint64_t last_us;
};
void bf_cli_progress_begin(struct bf_cli_progress *p, const char *what, unsigned number);
void bf_cli_progress_show(void *user, uint64_t done, uint64_t total); // a bf_image_progress
void bf_cli_progress_end(struct bf_cli_progress *p);

#endif
