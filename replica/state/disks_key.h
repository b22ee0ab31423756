// SPDX-License-Identifier: Apache-2.0
// Under which keys of the database the daemon keeps which disks it refused, and the operator's
// command which it accepts. Refused: JSON {digest, time, reason, disks, identities}, where disks
// are lines for people and identities the attributes that are compared; accepted: {digest,
// identities}.
#ifndef BF_REPLICA_STATE_DISKS_KEY_H
#define BF_REPLICA_STATE_DISKS_KEY_H

#include "base/fmt.h"
#include "net/proto/proto.h"

enum {
    BF_DISKS_KEY_MAX = BF_NAME_MAX + 32,
    BF_DISKS_TEXT_MAX = BF_PROTO_DISKS_MAX * 2048, // a disk's strings, escaped, and its line
};

static inline void bf_disks_refused_key(char out[BF_DISKS_KEY_MAX], const char *machine)
{
    bf_snprintf(out, BF_DISKS_KEY_MAX, "disks-refused/%s", machine);
}

static inline void bf_disks_accepted_key(char out[BF_DISKS_KEY_MAX], const char *machine)
{
    bf_snprintf(out, BF_DISKS_KEY_MAX, "disks-accepted/%s", machine);
}

#endif
