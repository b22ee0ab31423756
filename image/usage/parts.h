// SPDX-License-Identifier: Apache-2.0
// Shared by the files of image/usage/. A place is where a file system may be: a partition, a whole
// disk, a volume; its bytes may lie in pieces on several disks. A map of a file system sees only
// the place, reads it with bf_place_read and answers in offsets of the place; image/usage/usage.c
// knows where these bytes are on the disk that is being copied.
#ifndef BF_IMAGE_USAGE_PARTS_H
#define BF_IMAGE_USAGE_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/block.h"
#include "image/usage/usage.h"
#include "image/usage/work.h"

enum {
    BF_PEEK_LINE = 65536,
    BF_PEEK_LINES = 8,
    BF_PEEK_PIECE = 16384, // of a line, while marks are looked for, which are far from each other
    BF_USAGE_SCRATCH = 65536, // the largest bitmap of one group: one block
    BF_USAGE_WHY = 80,
    BF_USAGE_NAME = 16,
    BF_PLACE_NAME = 96,
    BF_PLACE_WHAT = 48,
    BF_MIRROR_SIDES = 8,
    BF_CRC32C_WORK = 4, // that the CRC-32C of one byte is counted as
};

struct bf_usage_place;
struct bf_usage_notes;
struct bf_mirror;

// A cached reader of small pieces, one for all disks of the session. The first error of a disk is
// final: it is not asked again.
struct bf_peek {
    struct bf_source_disk *const *disk; // NULL entries: not there
    uint32_t disks;
    uint8_t failed[BF_USAGE_DISKS_MAX]; // enum bf_err
    uint64_t errors;                    // reads that failed, those not tried included
    struct bf_work work;                // that reading takes, and whoever knows more of it counts
    uint8_t *line[BF_PEEK_LINES];
    uint64_t at[BF_PEEK_LINES];                       // offset of each line
    uint32_t of[BF_PEEK_LINES], bytes[BF_PEEK_LINES]; // its disk; 0: it is empty
    uint64_t touched[BF_PEEK_LINES], clock;

    // BF_USAGE_SCRATCH bytes, such as one group's bitmap, for whichever map is asked at the moment.
    // Who uses it sets owner and tag (owner NULL while it is being filled) and finds there later
    // whether it still holds what he left in it. One for all maps: nobody may keep a pointer to
    // something in it over two calls. Nothing of it survives the turn to another disk.
    uint8_t *scratch;
    const void *scratch_owner;
    uint64_t scratch_tag;

    const struct bf_usage_place *place; // all of them, see bf_usage_places
    uint32_t places;

    struct bf_usage_notes *notes; // of the disk that is selected, see bf_place_report; may be NULL

    struct bf_mirror *mirror; // see bf_mirror_add
    uint32_t mirrors, mirror_room;
};
enum bf_err bf_peek_init(struct bf_peek *p, struct bf_source_disk *const *disk, uint32_t disks);
void bf_peek_free(struct bf_peek *p); // takes one whose init failed, or that is all zero
// Reads a disk of the session. BF_ERR_RANGE outside of it; BF_ERR_LIMIT when the step under way has
// taken too much work, which counts as an error, too.
enum bf_err bf_peek_read(struct bf_peek *p, uint32_t disk, uint64_t offset, void *out, size_t len);

// A run of a place on the disks: one leg is contiguous, several take turns, stripe by stripe.
struct bf_segment {
    uint64_t at, bytes;    // of the place; bytes is a multiple of legs * stripe_bytes
    uint64_t stripe_bytes; // with several legs
    uint32_t legs;
    uint32_t leg; // the first of them, in the place's
};
struct bf_leg {
    uint32_t disk;   // of the session
    uint32_t mirror; // 0: what lies there is not mirrored
    uint64_t first;
};

// Maps copy it by value; what it points to lives as long as any map.
struct bf_usage_place {
    struct bf_peek *peek;
    uint64_t bytes;
    uint32_t signatures;        // set of enum bf_signature: who has left a mark here
    const char *doubt;          // why it has no map whoever claims it, a constant text, or NULL
    uint64_t covers;            // with BF_SIGNATURE_COVER: bytes of another place, at least, that
                                // it holds checksums of
    uint32_t segments;          // 0: parts of it are missing, it cannot be read
    struct bf_segment *segment; // in order, without gaps, together all bytes of the place
    struct bf_leg *leg;
    uint32_t number;          // of the partition, 0: it is none
    uint8_t guid[16];         // of it, zero: none
    const char *wanted_whole; // why somebody wants all of it, NULL: nobody
    char name[BF_PLACE_NAME]; // for the log: "partition 2", "volume vg0/root"
    char what[BF_PLACE_WHAT]; // names of all owners of the marks; "" without marks
};
// A list of places; all zero is an empty one.
struct bf_place_list {
    struct bf_usage_place *place;
    uint32_t count, room;
};
// A new place with room for segments and legs, which the caller fills in; NULL without memory.
// Earlier pointers into the list are no longer good.
struct bf_usage_place *bf_place_add(struct bf_place_list *list, struct bf_peek *peek,
                                    uint64_t bytes, uint32_t segments, uint32_t legs);
// The usual one, in one piece.
struct bf_usage_place *bf_place_add_run(struct bf_place_list *list, struct bf_peek *peek,
                                        uint32_t disk, uint64_t first, uint64_t bytes);
void bf_place_list_cut(struct bf_place_list *list, uint32_t count); // forgets those behind `count`
// What carries this mark and lies on the disk is copied whole: tells so, whatever was told before.
void bf_places_refuse(struct bf_place_list *list, uint32_t signature, uint32_t disk,
                      const char *what, const char *why);

int bf_place_lies_on(const struct bf_usage_place *place, uint32_t disk);
// Logs, and notes for the server, what a place on the selected disk is, and why it is copied whole;
// NULL: it is not.
void bf_place_report(const struct bf_usage_place *place, const char *what, const char *why);
// A place that was reported before: from here on nothing more of it is left out, for this reason.
void bf_place_report_rest(const struct bf_usage_place *place, const char *what, const char *why);
// Adds an owner's name and his signature (0: none) to a place.
void bf_place_found(struct bf_usage_place *place, uint32_t owner, const char *name);
// Room for one more element of an array: the array, which may have moved, or NULL without memory.
void *bf_usage_grow(void *array, uint32_t count, uint32_t *room, size_t size);
// Sorts elements of at most 64 bytes.
void bf_usage_sort(void *array, uint32_t count, size_t size,
                   int (*before)(const void *a, const void *b));

// How many of the first `count` bits are set. No byte behind the last of them is looked at.
uint32_t bf_usage_bits(const uint8_t *bits, uint64_t count);

// Reads within the place. BF_ERR_RANGE outside of it, BF_ERR_NOT_FOUND where a disk is missing,
// BF_ERR_CORRUPT where the sides of a mirror differ.
enum bf_err bf_place_read(const struct bf_usage_place *place, uint64_t offset, void *out,
                          size_t len);

// ---- Mirrors (image/usage/mirror.c) ------------------------------------------------------------

// Sides that hold the same bytes, each on a disk of its own, at most BF_MIRROR_SIDES. *mirror goes
// into legs that lie on any of them: what is read there is then compared with the other sides.
enum bf_err bf_mirror_add(struct bf_peek *p, const struct bf_leg *side, uint32_t sides,
                          uint32_t *mirror);
void bf_mirrors_forget(struct bf_peek *p);
// Compares what was read `within` bytes behind the beginning of a leg; BF_OK for one that is not
// mirrored. A difference counts as an error of peek, and is BF_ERR_CORRUPT.
enum bf_err bf_mirror_compare(struct bf_peek *p, const struct bf_leg *leg, uint64_t within,
                              const void *bytes, size_t len);
// Whether chunks of all sides can begin at the same byte of what they hold.
int bf_mirror_aligned(const struct bf_peek *p, const struct bf_leg *side, uint32_t sides);
// The size of blocks, aligned on the disk, that are whole chunks on each side. 0: not mirrored.
uint64_t bf_mirror_grain(const struct bf_peek *p, const struct bf_leg *leg);
// Narrows [*low, *high) of the leg's disk to what is on no side near the ends of a disk, where a
// partition table may be.
void bf_mirror_limits(const struct bf_peek *p, const struct bf_leg *leg, uint64_t *low,
                      uint64_t *high);

// ---- Places ------------------------------------------------------------------------------------

// All places of the session: those of every planned disk, not only of the one that is copied now.
// Each has its signatures, so that the other members of a file system on several devices are found
// by looking at those with its signature alone and reading their superblocks. Partitions that
// overlap, and what lies on a disk that is itself part of something, carry BF_SIGNATURE_OTHER too:
// they belong to nobody. The two sides of a mirror are one place, seen through the member on the
// disk that is copied now: the same device never comes up twice, except as a clone. Complete before
// the first map is looked for, and valid as long as that map.
const struct bf_usage_place *bf_usage_places(const struct bf_peek *peek, uint32_t *count);

// What is on the disks themselves: partitions, and disks without a table; table[i] says of disk i
// whether it has one, whether it is to be believed, and where its own blocks are. Fails where the
// beginning of something cannot be read.
enum bf_table_state { BF_TABLE_NONE = 0, BF_TABLE_GOOD = 1, BF_TABLE_DOUBTED = 2 };
struct bf_usage_table {
    enum bf_table_state state;
    char why[128];              // doubted: the reason
    struct bf_usage_span *kept; // blocks of the table, in order
    uint32_t kepts;
};
enum bf_err bf_usage_scan(struct bf_peek *peek, struct bf_place_list *list,
                          struct bf_usage_table *table);
void bf_usage_table_free(struct bf_usage_table *table); // takes one that is all zero
// Sets covers of a place with BF_SIGNATURE_COVER.
enum bf_err bf_place_cover(struct bf_usage_place *place);

// ---- Notes (image/usage/note.c) ----------------------------------------------------------------

struct bf_usage_notes *bf_usage_notes_new(uint32_t disk); // of this disk; NULL without memory
void bf_usage_notes_free(struct bf_usage_notes *notes);   // takes NULL
// A place by its name is noted already.
int bf_usage_notes_has(const struct bf_usage_notes *notes, const char *name);
uint32_t bf_usage_notes_count(const struct bf_usage_notes *notes);  // takes NULL
uint32_t bf_usage_notes_take_changed(struct bf_usage_notes *notes); // see bf_usage_notes_changed
const struct bf_usage_note *bf_usage_notes_at(const struct bf_usage_notes *notes, uint32_t i);

// ---- Kinds -------------------------------------------------------------------------------------

struct bf_usage_ops {
    // Like bf_usage_extent, in the space of the place; at < bytes. *end is the end of the place on
    // entry, and may be cut by the caller. An answer during which a read failed counts as "used"
    // whatever it is.
    int (*extent)(void *impl, uint64_t at, uint64_t *end);
};
struct bf_usage_map {
    struct bf_usage_place place;
    const struct bf_usage_ops *ops;
    void *impl; // released with bf_free
    char name[BF_USAGE_NAME];
    uint64_t left; // of the work that its answers may take
    uint8_t spent; // they took too much: what is left is used
};

// Each kind looks at map->place, which has its signature and no other. BF_OK: ops, impl and name
// are set. BF_ERR_NOT_FOUND: it is not this kind. BF_ERR_UNSUPPORTED: it is, name is set, and why
// says why it is copied whole. A kind is one line in the table `kinds` of image/usage/usage.c, one
// flag below, and its magic numbers in image/usage/signature.c.
enum bf_err bf_usage_btrfs(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
enum bf_err bf_usage_exfat(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
enum bf_err bf_usage_ext(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
enum bf_err bf_usage_f2fs(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
enum bf_err bf_usage_fat(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
enum bf_err bf_usage_ntfs(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
enum bf_err bf_usage_swap(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
enum bf_err bf_usage_xfs(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
enum bf_err bf_usage_luks(struct bf_usage_map *map, char why[BF_USAGE_WHY]);
enum bf_err bf_usage_unallocated(struct bf_usage_map *map, char why[BF_USAGE_WHY]);

// Volumes: adds to the list what lies on places that are in it, and tells the log what is copied
// whole of what lies on `disk`. Fails with BF_ERR_NO_MEMORY, or where something cannot be read.
enum bf_err bf_usage_md(struct bf_peek *peek, struct bf_place_list *list, uint32_t disk);
enum bf_err bf_usage_lvm(struct bf_peek *peek, struct bf_place_list *list, uint32_t disk);

// ---- Signatures --------------------------------------------------------------------------------

// Signatures of everything that may lie on a place, as a set. A place with more than one owner
// belongs to nobody: an old signature can outlive the file system that it belonged to.
enum bf_signature {
    BF_SIGNATURE_EXT = 1 << 0,
    BF_SIGNATURE_SWAP = 1 << 1,
    BF_SIGNATURE_HIBERNATION = 1 << 2,
    BF_SIGNATURE_FAT = 1 << 3,
    BF_SIGNATURE_XFS = 1 << 5,
    BF_SIGNATURE_NTFS = 1 << 6,
    BF_SIGNATURE_BTRFS = 1 << 8,
    BF_SIGNATURE_EXFAT = 1 << 9,
    BF_SIGNATURE_F2FS = 1 << 10,
    BF_SIGNATURE_OTHER = 1 << 4, // a file system, volume manager or RAID without a map here
    BF_SIGNATURE_LVM = 1 << 16,
    BF_SIGNATURE_MD = 1 << 17,
    BF_SIGNATURE_LUKS = 1 << 18,
    BF_SIGNATURE_UNALLOCATED = 1 << 19, // extents that belong to no volume, whatever is in them
    BF_SIGNATURE_ISO9660 = 1 << 20,
    BF_SIGNATURE_COVER = 1 << 21, // checksums of every block of some other place, free ones too
};
// Looks who has left marks on a place: sets its signatures and what. Partition tables do not count.
// Marks that take many reads are looked for where a map could be lost: on a place with other marks,
// or closely, for a disk whose partitions may have maps.
enum bf_err bf_signatures(struct bf_usage_place *place, int closely);
// Adds partition tables of other kinds than MBR and GPT; gpt_too: GPT as well, wherever it is.
enum bf_err bf_signatures_tables(struct bf_usage_place *place, int gpt_too);
// Both, for a place that is no disk. One with a partition table of its own belongs to nobody: a
// virtual machine has it as its disk, and tables leave most marks of earlier days alone.
enum bf_err bf_signatures_within(struct bf_usage_place *place);

// CRC-32C (RFC 3720, 12.1; reflected polynomial 82F63B78), continued from crc, without the final
// inversion: as ext4 keeps it.
uint32_t bf_crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
