// SPDX-License-Identifier: Apache-2.0
// A store of raw files, one per disk, which have holes where the disk is zero or unused. It has no
// base and keeps no points: a session writes new files, reads them back when it is sealed, and
// their being complete is the point. A turn of poll() writes, syncs or reads one piece and may wait
// for the file system as long as that takes. Tests and the engine's benchmark copy into it.
#ifndef BF_LINUX_FILE_STORE_H
#define BF_LINUX_FILE_STORE_H

#include "base/err.h"
#include "image/manifest.h"
#include "migrate/store.h"

struct bf_file_store;

// Makes FOLDER/disk-N.raw for each planned disk of the inventory, N its index there; none of them
// may exist. *opened is what a pipeline takes, and valid until bf_file_store_close. On failure
// NULL, with a fault: BF_ERR_NO_MEMORY, BF_ERR_IO, BF_ERR_NO_SPACE, BF_ERR_DENIED (a file exists,
// or the folder is not ours to write).
struct bf_file_store *bf_file_store_open(const char *folder, const struct bf_inventory *inventory,
                                         struct bf_store_opened *opened, struct bf_fault *fault);
// Files that were not sealed stay; they are as far as durable() said. Takes NULL.
void bf_file_store_close(struct bf_file_store *store);

#endif
