// SPDX-License-Identifier: Apache-2.0
// NetworkManager's own configuration (NetworkManager.conf(5)): which devices it keeps off, and
// where its profiles are.
#ifndef BF_FINALIZE_NETWORK_NM_CONF_H
#define BF_FINALIZE_NETWORK_NM_CONF_H

#include "finalize/system/fin.h"
#include "finalize/network/net.h"

#define BF_NM_SPEC            2048 // bytes of a list of devices
#define BF_NM_DEVICE_SECTIONS 16

// A [device...] section that says whether NetworkManager manages what it matches.
struct bf_nm_section {
    char name[64];
    char match[512]; // a list of devices; "" and !matches: all
    bool matches;    // has a list
    bool said, managed;
    unsigned file; // of the daemon's order, that speaks of it last
};

struct bf_nm_conf {
    char profiles[256]; // the folder of the administrator's profiles
    char unmanaged[BF_NM_SPEC];
    bool leaves_ifupdown; // keeps off what /etc/network/interfaces names
    struct bf_nm_section section[BF_NM_DEVICE_SECTIONS];
    size_t sections;
    unsigned files;            // read so far
    struct bf_net *interfaces; // what /etc/network/interfaces names; NULL: not asked. Owned
};

// A device as NetworkManager's lists mean it. `mac` may be "": not known.
struct bf_nm_device {
    const char *name, *mac, *type;
};

// Reads the configuration from all its folders. What cannot be read goes to bf_net_trouble(), when
// `net` is not NULL.
void bf_nm_conf_load(struct bf_fin *f, struct bf_nm_conf *conf, struct bf_net *net);
void bf_nm_conf_free(struct bf_nm_conf *conf);
// Whether NetworkManager keeps off a device.
bool bf_nm_conf_leaves(const struct bf_nm_conf *conf, const struct bf_nm_device *device);

#endif
