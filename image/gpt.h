// SPDX-License-Identifier: Apache-2.0
// Inside of the partition tables: what image/parttab*.c, image/mbr.c and image/gpt.c share.
#ifndef BF_IMAGE_GPT_H
#define BF_IMAGE_GPT_H

#include "image/parttab.h"

// ---- Filling a table (image/parttab_add.c) -----------------------------------------------------

// Adds a partition, cut or empty where it leaves the disk; NULL without memory or when full: then
// out->truncated is set.
struct bf_partition *bf_parttab_add(const struct bf_bytes *disk, struct bf_parttab *out,
                                    uint32_t number, uint64_t first_block, uint64_t blocks);
// Notes blocks of the table itself. 0 without memory.
int bf_parttab_span(const struct bf_bytes *disk, struct bf_parttab *out, uint64_t first_block,
                    uint64_t blocks);
// Sets the first doubt; later ones are consequences.
void bf_parttab_doubt(struct bf_parttab *out, const char *why);

// ---- GPT (image/gpt.c) -------------------------------------------------------------------------

// Reads the GPT, its backup where the primary is damaged. block has room for one block.
// BF_ERR_CORRUPT when neither is valid.
enum bf_err bf_gpt_read(const struct bf_bytes *disk, uint8_t *block, struct bf_parttab *out);
// Which valid GPTs stand beside an MBR that is not protective: stray_gpt of struct bf_parttab.
enum bf_err bf_gpt_behind(const struct bf_bytes *disk, uint8_t *block, uint8_t *found);

// ---- MBR (image/mbr.c) -------------------------------------------------------------------------

struct bf_mbr_entry {
    uint8_t status, type;
    uint32_t first, count; // blocks
};
struct bf_mbr {
    uint32_t disk_id;
    struct bf_mbr_entry entry[4];
};

enum { BF_MBR_PROTECTIVE = 0xee };

// Parses the first 512 bytes of a block. 0 when they have no signature or an entry's status is
// none, as in the boot sector of a file system.
int bf_mbr_parse(const uint8_t *bytes, struct bf_mbr *out);
// All partitions, with those in extended ones. Read errors are passed on.
enum bf_err bf_mbr_read(const struct bf_bytes *disk, const struct bf_mbr *mbr, uint8_t *block,
                        struct bf_parttab *out);

#endif
