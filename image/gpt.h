// SPDX-License-Identifier: Apache-2.0
// Inside of the partition tables: what image/parttab.c and image/gpt.c share.
#ifndef BF_IMAGE_GPT_H
#define BF_IMAGE_GPT_H

#include "image/parttab.h"

// Reads the GPT, its backup where the primary is damaged. block has room for one block.
// BF_ERR_CORRUPT when neither is valid.
enum bf_err bf_gpt_read(const struct bf_bytes *disk, uint8_t *block, struct bf_parttab *out);

// Adds a partition that lies within the disk; NULL (nothing added) for any other, or when full.
struct bf_partition *bf_parttab_add(const struct bf_bytes *disk, struct bf_parttab *out,
                                    uint32_t number, uint64_t first_block, uint64_t blocks);

#endif
