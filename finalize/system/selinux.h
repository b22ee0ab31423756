// SPDX-License-Identifier: Apache-2.0
// SELinux: the labels of what the finalizer makes new, by the guest's own policy.
#ifndef BF_FINALIZE_SYSTEM_SELINUX_H
#define BF_FINALIZE_SYSTEM_SELINUX_H

struct selabel_handle;

// The guest's file contexts (file_contexts(5)), opened.
struct bf_labels {
    struct selabel_handle *handle; // NULL: there are none, or they cannot be used
};

void bf_labels_close(struct bf_labels *labels);

#endif
