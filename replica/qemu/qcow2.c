// SPDX-License-Identifier: Apache-2.0
// The header of a qcow2 file, see qcow2.h. Everything in it is big-endian.
#include "replica/qemu/qcow2.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "replica/state/reason.h"

enum { HEADER = 80 }; // up to and including the incompatible features

// Bits of incompatible_features: dirty reference counts (0) are repaired at opening, extended L2
// entries (4) are ours. Not allowed: corrupt (1), external data file (2), other compression (3).
#define FEATURES_ALLOWED (UINT64_C(1) << 0 | UINT64_C(1) << 4)

enum bf_err bf_qcow2_check(int state_dir, const char *path, struct bf_fault *fault)
{
    uint8_t header[HEADER];
    int number, fd = openat(state_dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : pread(fd, header, sizeof header, 0);

    number = errno;
    if (fd >= 0)
        close(fd);
    if (got < 0)
        return bf_fault_set(fault, bf_reason_errno(number), BF_SIDE_SERVER,
                            "look at the permissions and the disk of the state folder",
                            "%s cannot be read: %s", path, strerror(number));
    if (got == HEADER && bf_be32(header) == 0x514649fb && bf_be32(header + 4) == 3 &&
        bf_be32(header + 32) == 0 && (bf_be64(header + 72) & ~FEATURES_ALLOWED) == 0)
        return BF_OK;
    return bf_fault_set(fault, BF_ERR_CORRUPT, BF_SIDE_SERVER,
                        "do not use this image; finalize again from the point",
                        "%s has a header that Bootferry did not write", path);
}
