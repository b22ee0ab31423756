// SPDX-License-Identifier: Apache-2.0
// The filters of lvm.conf(5): a list of patterns, of which the first that fits a device's name
// accepts or rejects it; what none fits is accepted.
#ifndef BF_FINALIZE_SYSTEM_LVM_FILTER_H
#define BF_FINALIZE_SYSTEM_LVM_FILTER_H

#include <stdbool.h>
#include <stddef.h>

enum bf_lvm_verdict { BF_LVM_NEXT, BF_LVM_ACCEPTS, BF_LVM_REJECTS, BF_LVM_UNKNOWN };

// What one pattern ("a|^/dev/sda|") says of a name; BF_LVM_UNKNOWN for one that is not tried, since
// it is malformed or would take too much work.
enum bf_lvm_verdict bf_lvm_match(const char *pattern, size_t len, const char *name);

#endif
