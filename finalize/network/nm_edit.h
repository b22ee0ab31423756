// SPDX-License-Identifier: Apache-2.0
// Rewrites NetworkManager's profiles for one interface of the plan.
#ifndef BF_FINALIZE_NETWORK_NM_EDIT_H
#define BF_FINALIZE_NETWORK_NM_EDIT_H

#include "finalize/network/nm_profile.h"

// What becomes of a profile's text, and for whom.
struct bf_nm_rewrite {
    const struct bf_plan_nic *nic;
    const struct bf_nm_ip *ip; // what both families say now
    const char *name;          // interface-name to set; "": stays
    const char *mac;           // without a name: mac-address of a copy
    bool copy;                 // a profile of its own, with the next three
    const char *id, *uuid;
    int priority; // 0: none
};

// The stack's adapt().
enum bf_err bf_nm_adapt(struct bf_fin *f, const struct bf_link *link, struct bf_old *old);

// Makes the new text of a profile, in nm_rewrite.c.
void bf_nm_rewrite(const struct bf_nm_rewrite *rw, const char *text, size_t len,
                   struct bf_text *out);
// The method that a family gets, by the plan and by what it was.
const char *bf_nm_method(const struct bf_plan_nic *nic, int which, const char *was);
// Replaces the MAC address `from` in every key that ties the profile to hardware or sets an
// address, where the key had it before this run, by `disk`: what an earlier interface of the plan
// got stays.
void bf_nm_follow_mac(const char *disk, size_t disk_len, const char *text, size_t len,
                      const char *from, const char *to, struct bf_text *out);

#endif
