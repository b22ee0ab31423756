// SPDX-License-Identifier: Apache-2.0
// What an initramfs has inside that decides how drivers are added to it. A segment that the
// finalizer appended before does not count.
#ifndef BF_FINALIZE_INITRAMFS_INSIDE_H
#define BF_FINALIZE_INITRAMFS_INSIDE_H

#include "finalize/archive/archive.h"
#include "finalize/initramfs/modules.h"

#define BF_INSIDE_MODULES  16384
#define BF_INSIDE_SETTINGS 64

// A small file of the image by which its maker configures it.
struct bf_setting {
    char *name, *data; // owned
    size_t len;
};

struct bf_inside {
    struct bf_archive_info info;
    char version[128]; // whose modules count
    bool usr, usr_lib; // folders that are there
    bool lib, lib_link;
    bool lib_modules, usr_modules; // where it has modules of any version
    bool lib_version, usr_version; // and of this one
    struct bf_module *module;      // of this version, sorted by name; owned with their paths
    size_t modules, room;
    size_t foreign;  // module files elsewhere
    bool by_alias;   // something loads drivers for what is found: udev, mdev, nlplug-findfs
    bool kmod;       // modprobe is the one that reads the binary indexes
    bool text_index; // it has the indexes as text, too
    bool dep_index;
    bool booster, nash;
    char *init; // of a maker that loads what it names there; owned, or NULL
    struct bf_setting setting[BF_INSIDE_SETTINGS];
    size_t settings;
    bool failed; // out of memory
};

// Reads `len` bytes at `offset` of a file, which are an initramfs. Closed in any case. Errors are
// those of bf_archive_read_part().
enum bf_err bf_inside_open(const struct bf_edits *e, const char *path, uint64_t offset,
                           uint64_t len, const char *version, struct bf_inside *out,
                           struct bf_fault *fault);
void bf_inside_close(struct bf_inside *in);

// The folder of modules as the image has it: "usr/lib/modules" or "lib/modules".
const char *bf_inside_base(const struct bf_inside *in);
// The module's file, or NULL.
const struct bf_module *bf_inside_module(const struct bf_inside *in, const char *name);
// The content of a setting, or NULL.
const struct bf_setting *bf_inside_setting(const struct bf_inside *in, const char *name);

#endif
