// SPDX-License-Identifier: Apache-2.0
// The figures of one disk of a point, formed while its manifest is written: what was left out, and
// which data the point before did not have, on the disk as a whole and in each place of it. They
// are for people: what cannot be formed is left unknown, and no point fails for it.
#ifndef BF_REPLICA_STORE_FIGURES_H
#define BF_REPLICA_STORE_FIGURES_H

#include <stdint.h>

#include "replica/state/db.h"
#include "replica/state/state.h"

struct bf_figures;

// The point before is that of the layer below. NULL without memory, which the other functions take.
struct bf_figures *bf_figures_begin(const struct bf_state *state, struct bf_db *db,
                                    const char *machine, const uint8_t session[16], uint16_t disk,
                                    uint32_t layer, const struct bf_geometry *geometry);
// The disk's chunks in order.
void bf_figures_add(struct bf_figures *f, enum bf_chunk_state state, uint64_t count,
                    const struct bf_digest *digests);
// After the last chunk: lets go of everything but the figures.
void bf_figures_end(struct bf_figures *f);
// Into the row of the disk; -1 for what is not known.
void bf_figures_of_disk(const struct bf_figures *f, struct bf_point_disk *out);
// Those of the places, within the caller's transaction.
enum bf_err bf_figures_put(const struct bf_figures *f, struct bf_db *db);
void bf_figures_free(struct bf_figures *f);

#endif
