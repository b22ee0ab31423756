// SPDX-License-Identifier: Apache-2.0
// Red Hat's ifcfg files, as the parts of their stack share them: who reads them, all of them in
// memory, and what a reader makes of one.
#ifndef BF_FINALIZE_NETWORK_IFCFG_H
#define BF_FINALIZE_NETWORK_IFCFG_H

#include "finalize/core/shvar.h"
#include "finalize/network/stack.h"

#define BF_IFCFG_DIR     "/etc/sysconfig/network-scripts"
#define BF_IFCFG_NETWORK "/etc/sysconfig/network"
#define BF_IFCFG_MAX     256

// The scripts of the network service (initscripts), NetworkManager's plugin ifcfg-rh, or both.
struct bf_ifcfg_readers {
    bool shell, nm;
    bool numbered;   // the scripts know IPADDR1, else one address a file
    bool old_ipv6;   // the scripts configure IPv6 only after IPV6INIT=yes
    bool global_six; // and only after NETWORKING_IPV6=yes
    bool inherits;   // the scripts read ifcfg-A before ifcfg-A-B
};

enum bf_ifcfg_kind {
    BF_IFCFG_PLAIN,
    BF_IFCFG_ALIAS, // ifcfg-eth0:1
    BF_IFCFG_RANGE, // ifcfg-eth0-range0
};

struct bf_ifcfg_file {
    char name[240]; // behind "ifcfg-"
    char path[300];
    struct bf_shvars vars;
    enum bf_ifcfg_kind kind;
    bool shell, nm; // which reader has it; neither: it is told to leave it alone
    const struct bf_ifcfg_file
        *base; // of an alias and a range the interface's; else inherited from
};

struct bf_ifcfg {
    struct bf_ifcfg_readers readers;
    struct bf_shvars network;   // of /etc/sysconfig/network
    struct bf_ifcfg_file *file; // owned; those that no reader skips by their names
    size_t count;
    bool failed; // out of memory, or more than BF_IFCFG_MAX files: some are missing
};

void bf_ifcfg_readers(struct bf_fin *f, struct bf_ifcfg_readers *r);
// Whether there is a file besides the loopback's.
bool bf_ifcfg_any(struct bf_fin *f);
// Reads all files, as they will be. To be freed, also after a failure.
void bf_ifcfg_load(struct bf_fin *f, struct bf_ifcfg *set);
void bf_ifcfg_free(struct bf_ifcfg *set);

// A variable as the file's reader has it: of the file, of the one that it inherits from, or of
// /etc/sysconfig/network. "" when it is not set.
const char *bf_ifcfg_get(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file,
                         const char *key);
// The readers' words for yes and no.
bool bf_ifcfg_is_yes(const char *value);
bool bf_ifcfg_is_no(const char *value);
// The name of the device that a file configures, "" when it is found by its MAC address.
void bf_ifcfg_device(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file, char *out,
                     size_t size);
// Whether its addresses are set at boot.
bool bf_ifcfg_at_boot(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file);
// Adds the addresses of a file, and whether it asks a DHCP server; of an alias and a range, to
// the interface's. False, with the variable, when one is not understood.
bool bf_ifcfg_addresses(const struct bf_ifcfg *set, const struct bf_ifcfg_file *file,
                        struct bf_known *k, char bad[BF_SHVAR_KEY]);
// A variable of an address: IPADDR3 is ("IPADDR", 3); without a number, ("IPADDR", -1).
bool bf_ifcfg_number(const char *key, const char *stem, int *number);
// The variables that numbers are put to, and that only make sense with an address of IPv4.
extern const char *const bf_ifcfg_numbered[];

enum bf_err bf_ifcfg_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old);
// `stack` is the row that the interfaces are added for.
void bf_ifcfg_scan(struct bf_fin *f, struct bf_net *net, const struct bf_stack_ops *stack);

// Default routes of a device in its route- and route6- files go, and `route` has those of the plan
// that need one: to gateways outside the networks of all addresses. `name` is the ifcfg file's.
enum bf_err bf_ifcfg_routes(struct bf_fin *f, const struct bf_link *link, const char *device,
                            const char *name, bool onlink, const struct bf_known *before);
// Whether the destination of a route is everything.
bool bf_ifcfg_is_default(const char *to);
// Default routes of a device in /etc/sysconfig/static-routes and static-routes-ipv6 go; what stays
// and leads to a network that is left is noted.
enum bf_err bf_ifcfg_static_routes(struct bf_fin *f, const struct bf_link *link, const char *device,
                                   const struct bf_known *before);

#endif
