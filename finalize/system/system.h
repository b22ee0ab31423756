// SPDX-License-Identifier: Apache-2.0
// What inspection found of a guest. Adapters decide by it; the report's "system" object is made
// from it once.
#ifndef BF_FINALIZE_SYSTEM_SYSTEM_H
#define BF_FINALIZE_SYSTEM_SYSTEM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "finalize/system/arch.h"
#include "finalize/core/devices.h"
#include "finalize/system/family.h"

struct bf_net;

#define BF_KERNELS_MAX 64
#define BF_LOADERS_MAX 32

enum bf_init {
    BF_INIT_UNKNOWN,
    BF_INIT_SYSTEMD,
    BF_INIT_OPENRC,
    BF_INIT_RUNIT,
    BF_INIT_UPSTART,
    BF_INIT_SYSVINIT,
    BF_INIT_OTHER, // s6, dinit, ...
};

// A kernel with one of its initramfs files; it has several of these where it has several files.
struct bf_kernel {
    char version[128];   // "": not known
    char image[192];     // "": not installed, only its modules are there
    char initramfs[192]; // "": it has none
    char blocked[128];   // modules that a loader's command line for it blocks, with commas
    bool modules;        // its modules are installed
    bool named;          // an entry of a loader names it
    bool alone;          // it does so without an initramfs
    bool first;          // one that a loader starts when nobody chooses
    const char *format;  // of the initramfs' main part; NULL when that cannot be read
    bool early;          // the initramfs begins with an uncompressed archive
    bool unified;        // the image is a unified one, with its initramfs inside
};

// A boot loader that is installed.
struct bf_loader {
    const char *name;
    char where[64]; // its folder or its file
};

// A line of fstab.
struct bf_mount {
    const char *device, *mount, *type;
};

// Texts are UTF-8 and never NULL: "" where the guest says nothing, "?" where it says anything else.
struct bf_system {
    bool found;    // it has an os-release or an fstab
    char *release; // os-release, or what an older file says in its form; the
                   // next five point into it. NULL: it has none. Owned
    const char *id, *like, *version, *codename, *name;
    const char *packages;                       // "dpkg", "rpm", ...; "": no database was found
    const struct bf_family *family;             // NULL: none of the rows
    const struct bf_architecture *architecture; // NULL: no program tells
    enum bf_init init;
    bool uefi, bios; // what it can be started by; neither: not known
    struct bf_kernel kernel[BF_KERNELS_MAX];
    size_t kernels;
    struct bf_loader loader[BF_LOADERS_MAX];
    size_t loaders;
    char *fstab;            // which the mounts point into; owned
    struct bf_mount *mount; // owned
    size_t mounts;
    char hostname[256];   // "": it has none in /etc/hostname
    bool hibernated;      // a swap area holds an image
    json_t *secure_boot;  // of the report; owned; NULL: no loader for EFI was found
    json_t *boot_entries; // that the source's firmware may have had; owned; NULL: none
    struct bf_net *net;   // its network before anything was changed; owned; NULL when out of memory
};

void bf_system_init(struct bf_system *s);
void bf_system_free(struct bf_system *s);

// Whether JSON, and so the report, takes the bytes.
bool bf_is_utf8(const char *s, size_t len);

// Adds a loader; one too many is left out.
void bf_system_add_loader(struct bf_system *s, const char *name, const char *where);

// The report's "system" object without its network, with the devices when any were probed.
json_t *bf_system_json(const struct bf_system *s, const struct bf_devices *devices);

#endif
