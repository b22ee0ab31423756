// SPDX-License-Identifier: Apache-2.0
// Reads from the header of a LUKS device by what its key slots are opened: LUKS1 On-Disk Format
// 1.2.3, LUKS2 On-Disk Format 1.1.1, and the places where clevis and systemd-cryptenroll note to
// what they bound a slot (tokens in LUKS2; luksmeta's area behind the key slots in LUKS1). No key
// is read or tried. Every byte may be hostile.
#ifndef BF_FINALIZE_ARCHIVE_LUKS_H
#define BF_FINALIZE_ARCHIVE_LUKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// What is at the beginning of a device and has to be read of it: two copies of a LUKS2 header.
#define BF_LUKS_HEAD_MAX ((size_t)8 << 20)
#define BF_LUKS_BOUNDS   16

enum bf_luks_bound_to {
    BF_LUKS_TPM,      // the TPM of one machine
    BF_LUKS_NETWORK,  // a server of its network (tang)
    BF_LUKS_TOKEN,    // a security token or smart card that somebody has to plug in
    BF_LUKS_RECOVERY, // a recovery key, which is typed like a passphrase
    BF_LUKS_OTHER,
};

struct bf_luks_bound {
    enum bf_luks_bound_to to;
    char by[48];   // "systemd-tpm2", "clevis tang"
    unsigned slot; // the first of its key slots
};

struct bf_luks {
    unsigned version;
    char uuid[40];
    size_t slots;       // key slots in use
    size_t free_slots;  // of them bound to nothing: a passphrase or a key file
    uint64_t kdf_kib;   // memory that the most demanding key slot needs; 0: next to none
    uint64_t head_size; // LUKS2: of one copy of the header
    bool second;        // LUKS2: the second copy was read, since the first is damaged or older
    struct bf_luks_bound bound[BF_LUKS_BOUNDS];
    size_t bounds;
};

// `head` holds the first `len` bytes of the device: BF_LUKS_HEAD_MAX, or all. BF_ERR_PROTOCOL when
// that is no header that can be read. Of LUKS2 that copy is read which cryptsetup takes: the first,
// or the second where the first one's magic or checksum is wrong or it is older. Work is in
// proportion to `len`.
enum bf_err bf_luks_read(const unsigned char *head, size_t len, struct bf_luks *out);

#endif
