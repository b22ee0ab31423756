// SPDX-License-Identifier: Apache-2.0
// The rehearsal of the next start: an independent reading of the tree as it will be, from the
// firmware to the addresses, as the machine itself would go. It shares nothing with the adapters
// but core/ and the reader of archives, so that a mistake of theirs is not made twice. Readers of
// loaders add what they offer to the walk; judges of kernels, images and file systems say what
// would stop it.
#ifndef BF_FINALIZE_REHEARSE_WALK_H
#define BF_FINALIZE_REHEARSE_WALK_H

#include "finalize/system/fin.h"

#define BF_STARTS_MAX  256
#define BF_INITRDS_MAX 8
#define BF_START_PATH  320

enum bf_start_kind {
    BF_START_LINUX, // a kernel of this system
    BF_START_OTHER, // something else: another loader, firmware setup, a memory test
};

// One thing that a boot loader offers to start.
struct bf_start {
    enum bf_start_kind kind;
    char title[128];
    char loader[32];          // "GRUB 2", "systemd-boot"; in sentences
    char file[BF_START_PATH]; // where it is written, a path of the tree
    unsigned line;            // in the file, from 1; 0: it has no lines
    bool chosen;              // starts when nobody touches the keyboard
    char kernel[BF_START_PATH];
    char initrd[BF_INITRDS_MAX][BF_START_PATH]; // in the order in which they are loaded
    size_t initrds;
    // A unified image: `kernel` is the file, and its initramfs is this part of it, if any.
    bool unified;
    uint64_t initrd_at, initrd_len;
    char *cmdline;     // what the kernel gets, variables filled in; owned; NULL: none
    char blocked[256]; // why it does not start, as far as the loader is concerned; "": it does
    char unknown[256]; // what in it could not be followed; "": nothing
};

enum bf_trouble_kind {
    BF_TROUBLE_STOPS, // the chosen start ends here
    BF_TROUBLE_DOUBT, // could not be followed: whether it starts is not known
    BF_TROUBLE_LOOK,  // it starts; an administrator should look at it
};

struct bf_read_image;
struct bf_kernel_lists;

struct bf_trouble {
    enum bf_trouble_kind kind;
    char *text; // with the file and the line; owned
};

#define BF_TROUBLES_MAX 64

struct bf_walk {
    struct bf_fin *f;
    struct bf_start *start; // BF_STARTS_MAX of them; owned
    size_t starts;
    struct bf_trouble trouble[BF_TROUBLES_MAX];
    size_t troubles;
    size_t unsaid;                 // troubles beyond BF_TROUBLES_MAX
    struct bf_read_image *images;  // that were read, and
    struct bf_kernel_lists *lists; // the lists of kernels; owned, both by the judge of images
    bool loader;                   // a loader's configuration was found, whatever it offers
    // What the loader writes for its next run, by file and name, a value or null: in this attempt
    // (owned), and in the one before (borrowed); NULL: nothing.
    json_t *saved;
    const json_t *earlier;
};

// A new start, zeroed but for the loader and the place; NULL when there are too many, which is
// noted as a doubt.
struct bf_start *bf_walk_add(struct bf_walk *w, const char *loader, const char *file,
                             unsigned line);
// Adds a trouble once. `file` may be "" and `line` 0; the text says neither.
void bf_walk_say(struct bf_walk *w, enum bf_trouble_kind kind, const char *file, unsigned line,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

// Notes that the loader writes a variable into a file for its next run; NULL takes it out.
void bf_walk_save(struct bf_walk *w, const char *file, const char *name, const char *value);

// Whether the run knows every disk and where each file system is mounted. Without that, what is
// missing may only not have been given.
bool bf_walk_sees_all(const struct bf_walk *w);
// What a file is that is needed and not there: it stops the start, or is a doubt.
enum bf_trouble_kind bf_walk_missing(const struct bf_walk *w);

// The content that a text file will have, at most 1 MiB; NULL when it is not there. Valid until the
// edits change, which they do not during a rehearsal.
const char *bf_walk_text(struct bf_walk *w, const char *path, size_t *len);
bool bf_walk_exists(struct bf_walk *w, const char *path);
// The path in the tree of a file on a device, given as bf_place_path() has it. Without probed
// devices (`dev` NULL then), the path itself, or below /boot, the first that exists. False when it
// cannot be said.
bool bf_walk_path(struct bf_walk *w, const struct bf_device *dev, const char *path, char *out,
                  size_t size);

#endif
