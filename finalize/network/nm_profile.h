// SPDX-License-Identifier: Apache-2.0
// NetworkManager's connection profiles (nm-settings-keyfile(5)) as the daemon loads them: those of
// the folders in /etc and /usr/lib, without the ones that it ignores, refuses, or has another of
// the same UUID for; and which of them it activates for a device.
#ifndef BF_FINALIZE_NETWORK_NM_PROFILE_H
#define BF_FINALIZE_NETWORK_NM_PROFILE_H

#include "finalize/network/net.h"
#include "finalize/network/nm_conf.h"
#include "finalize/network/nm_keyfile.h"

#define BF_NM_USR_DIR "/usr/lib/NetworkManager/system-connections"

// What one address family of a profile says.
struct bf_nm_ip {
    bool section; // there is one
    char method[16];
    char address[BF_KNOWN_ADDRESSES][BF_CIDR_TEXT]; // with their lengths
    size_t addresses;
    bool gateway, dns, search; // says one
    unsigned line;             // of the first address
};

struct bf_nm_profile {
    char path[512];
    bool vendor;      // in /usr/lib
    const char *text; // owned by the edit set
    size_t len;
    struct timespec mtime;
    char id[128];
    char uuid[64];             // lower case; "": made of the path
    char type[32];             // "ethernet" also for "802-3-ethernet"
    char name[BF_IFNAME];      // connection.interface-name, or the name of what the profile makes
    char mac[BF_MAC_TEXT];     // of the device that it is for, lower case
    char set_mac[BF_MAC_TEXT]; // that it gives the device, lower case
    char master[128];          // interface name or UUID, "" for none
    char parent[128];          // of a VLAN: interface name, UUID or MAC address
    int vlan_id;
    char blacklist[512];          // MAC addresses of devices that it is not for
    char match[512];              // [match] interface-name: patterns
    bool matches;                 // has a [match] section
    bool misnamed;                // has an interface-name that is none
    bool port;                    // says what kind of master it has
    bool autoconnect, restricted; // restricted: only in a user's session
    int priority;
    long long timestamp;   // of its last activation, by the daemon's own record
    struct bf_nm_ip ip[2]; // IPv4, IPv6
};

struct bf_nm_profiles {
    struct bf_nm_conf conf;
    struct bf_nm_profile *at; // those in force; owned
    size_t count;
    bool failed; // out of memory
};

enum bf_nm_text {
    BF_NM_PENDING, // files as they will be
    BF_NM_ON_DISK, // files as they were before this run
};

enum bf_nm_fit { BF_NM_NO, BF_NM_EXACT, BF_NM_PATTERN };

// Loads all. What the daemon ignores is said once; what cannot be read goes to bf_net_trouble()
// when `net` is not NULL. Freed by bf_nm_profiles_free() in any case.
void bf_nm_profiles_load(struct bf_fin *f, struct bf_nm_profiles *all, enum bf_nm_text which,
                         struct bf_net *net);
void bf_nm_profiles_free(struct bf_nm_profiles *all);

// Whether a profile is for hardware, and not for a device that NetworkManager makes.
bool bf_nm_is_hardware(const struct bf_nm_profile *p);
// Whether the daemon activates it by itself, at boot.
bool bf_nm_is_automatic(const struct bf_nm_profile *p);
// Whether a profile is for the device: for this one alone, or among others.
enum bf_nm_fit bf_nm_fits(const struct bf_nm_profile *p, const char *name, const char *mac);
// The profile that the daemon activates for hardware, or NULL.
const struct bf_nm_profile *bf_nm_active(const struct bf_nm_profiles *all, const char *name,
                                         const char *mac);
// Another one of which nobody can say whether it comes before the active one, or NULL: UUIDs
// decide, and one of the two files has none.
const struct bf_nm_profile *bf_nm_rival(const struct bf_nm_profiles *all,
                                        const struct bf_nm_profile *active, const char *name,
                                        const char *mac);
// The profile that makes a device (a bridge, a bond, a VLAN) of that name, or NULL.
const struct bf_nm_profile *bf_nm_maker(const struct bf_nm_profiles *all, const char *name);
// The name of the device that a profile's master or parent means; "" when it is not known.
const char *bf_nm_device_of(const struct bf_nm_profiles *all, const char *reference);
// The content of a file before this run; NULL when it was not there. Owned by the edit set.
const char *bf_nm_disk_text(struct bf_fin *f, const char *path, size_t *len);

#endif
