// SPDX-License-Identifier: Apache-2.0
// What a source found on its machine, as tables of the operator's command.
#ifndef BF_REPLICA_CLI_FOUND_H
#define BF_REPLICA_CLI_FOUND_H

#include "replica/state/db.h"

// A row for each partition, volume or whole disk, and behind them a line for all storage that was
// not seen; nothing when the session has neither. sealed: with the figures of a point. before is
// printed in front of what there is.
void bf_cli_print_places(struct bf_db *db, const uint8_t session[16], int sealed,
                         const char *before);
void bf_cli_print_unseen(struct bf_db *db, const uint8_t session[16], const char *before);

#endif
