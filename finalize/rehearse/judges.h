// SPDX-License-Identifier: Apache-2.0
// The judges of a rehearsal: what would stop a start that a loader offers, and what the started
// system would stop at. Each adds troubles to the walk.
#ifndef BF_FINALIZE_REHEARSE_JUDGES_H
#define BF_FINALIZE_REHEARSE_JUDGES_H

#include "finalize/rehearse/walk.h"

// What is known of a start beside what the loader said.
struct bf_judged {
    const struct bf_start *start;
    char version[128];           // the kernel's; "": not known
    char root[160];              // the value of root=; "": none
    const struct bf_device *dev; // which that is; NULL: not known, or none
    char *why_not;               // the first thing that stops it; NULL: nothing; owned
    bool doubt;                  // something of it could not be followed
};

// Adds a trouble of this start: with an entry that is not the one that starts by itself, all of
// them are only to be looked at.
void bf_judge_say(struct bf_walk *w, struct bf_judged *j, enum bf_trouble_kind kind,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

// Everything of one start: the loader's own troubles, the kernel, the images, root=, init.
void bf_judge_start(struct bf_walk *w, struct bf_judged *j);
void bf_judge_images(struct bf_walk *w, struct bf_judged *j);
// What the command line changes of a usual start; after root= was judged.
void bf_judge_options(struct bf_walk *w, struct bf_judged *j);
// What opens an encrypted root: words of the command line, and a crypttab(5) of an initramfs.
void bf_judge_crypt(struct bf_walk *w, struct bf_judged *j);
void bf_judge_crypttab(struct bf_walk *w, struct bf_judged *j, const char *file, const char *text,
                       size_t len);
// Frees what the judge of images has read.
void bf_judge_free(struct bf_walk *w);

// What the system waits for once it runs: the file systems of fstab.
void bf_judge_mounts(struct bf_walk *w);
// The same of systemd's mount and swap units, and its default target.
void bf_judge_units(struct bf_walk *w);

// The planned addresses, each with the file and the line that it stands in, for the report; and the
// names that the plan gives. The list is the caller's.
json_t *bf_judge_addresses(struct bf_walk *w);

// The last word "key=value" of a command line, without quotes; false when there is none, or it
// does not fit.
bool bf_cmdline_value(const char *cmdline, const char *key, char *out, size_t size);

#endif
