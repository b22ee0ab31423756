// SPDX-License-Identifier: Apache-2.0
// What gives a guest's interfaces their names: files that tie a name to a MAC address, read as
// their readers read them, and what is written so that the names stay in the new home.
#ifndef BF_FINALIZE_NETWORK_NAMING_H
#define BF_FINALIZE_NETWORK_NAMING_H

#include "finalize/network/network.h"

#define BF_NAMED_MAX    256
#define BF_MACS_OF_RULE 16
#define BF_MACTAB       "/etc/mactab"
#define BF_IFTAB        "/etc/iftab"

// The software that names interfaces at boot.
enum bf_namer {
    BF_NAMER_SYSTEMD, // systemd's udev: rules, then .link files
    BF_NAMER_UDEV,    // a udev that knows no .link files: eudev, or one before systemd 209
    BF_NAMER_MDEV,    // BusyBox: /etc/mactab
    BF_NAMER_NONE,
};

// A name that a file gives to an interface.
struct bf_named {
    char name[BF_IFNAME];
    char alias[BF_IFNAME]; // AlternativeName=, or ""
    char mac[BF_MAC_TEXT]; // lower case; "": it is found by its slot, driver or kernel name
    char file[256];
    unsigned line;
    bool rule;  // of a udev rule, which goes before any .link file
    bool final; // NAME:=, no later rule changes it
    bool tied;  // to the old hardware by more than the MAC address
};

struct bf_naming {
    struct bf_named item[BF_NAMED_MAX];
    size_t count;
};

// Which one it is, by what is installed.
enum bf_namer bf_naming_namer(struct bf_fin *f);
// Whether systemd's udev leaves a name alone that the initramfs has given (before version 240).
bool bf_naming_names_once(struct bf_fin *f);
// Whether the kernel itself gives such names: eth0, wlan1.
bool bf_naming_is_kernels(const char *name);
// Whether it can be the name of an interface: no pattern, no path, not the loopback.
bool bf_naming_is_plain(const char *name);

// A MAC address in any spelling that udev reads (12:34.., 12-34.., 1234.5678..) as bf_known has it.
bool bf_naming_mac(const char *s, size_t len, char out[BF_MAC_TEXT]);
// Adds a name by the order of the readers: a rule replaces one before it, a .link file does not.
// One too many is left out.
void bf_naming_add(struct bf_naming *naming, const struct bf_named *named);
// Who gets the name by this MAC address; NULL when no file speaks of it.
const struct bf_named *bf_naming_of(const struct bf_naming *naming, const char *mac);

typedef enum bf_err (*bf_naming_visit)(struct bf_fin *f, const char *path, const char *text,
                                       size_t len, void *arg);
// Visits the files that end in `suffix` in the order of their names; of equal names that in the
// first folder. What is empty or no regular file hides the others and is not visited. The list of
// folders ends with NULL. Ends with the first visit that fails.
enum bf_err bf_naming_each(struct bf_fin *f, const char *const *folder, const char *suffix,
                           bf_naming_visit visit, void *arg);

extern const char *const bf_link_folders[];
extern const char *const bf_rule_folders[];

void bf_rules_scan(struct bf_fin *f, struct bf_naming *naming);
void bf_link_files_scan(struct bf_fin *f, struct bf_naming *naming);
void bf_mactab_scan(struct bf_fin *f, struct bf_naming *naming);
// Puts the new MAC addresses in the place of the old ones, in any spelling, in every naming file.
enum bf_err bf_naming_follow(struct bf_fin *f, const struct bf_link *link, size_t links);

// Each writes for the interfaces of the plan, or takes back what an earlier plan had. A link
// without a hardware name that can be kept is passed over (bf_naming_keeps).
bool bf_naming_keeps(const struct bf_fin *f, const struct bf_link *link);
// The address by which the interface is found in its new home, or "".
const char *bf_naming_new_mac(const struct bf_link *link);
// Whether a stack's entry is a network card with a name.
bool bf_naming_is_card(const struct bf_known *k);
bool bf_naming_is_planned(const struct bf_known *k, const struct bf_link *link, size_t links);
// How many network cards the plan and the stacks know.
size_t bf_naming_cards(const struct bf_fin *f, const struct bf_link *link, size_t links);
enum bf_err bf_link_files_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);
enum bf_err bf_rules_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);
enum bf_err bf_mactab_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);
// The boot helper that exchanges names which udev cannot.
enum bf_err bf_naming_boot_adapt(struct bf_fin *f, const struct bf_link *link, size_t links);

#endif
