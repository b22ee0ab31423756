// SPDX-License-Identifier: Apache-2.0
// What is looked at in a qcow2 file before a storage daemon opens it. A finalized overlay was
// written by a QEMU that a hostile disk may have taken over; its header could name any file of the
// server as the place of the data (docs/interop/qcow2 of QEMU, "incompatible_features", bit 2).
#ifndef BF_REPLICA_QEMU_QCOW2_H
#define BF_REPLICA_QEMU_QCOW2_H

#include "base/err.h"

// path is relative to the folder state_dir. BF_OK for a version 3 header without encryption and
// without features other than those of layers that we make; BF_ERR_CORRUPT otherwise, BF_ERR_IO
// when it cannot be read.
enum bf_err bf_qcow2_check(int state_dir, const char *path, struct bf_fault *fault);

#endif
