// SPDX-License-Identifier: Apache-2.0
// Disk identity: the attributes by which a disk is recognised, and the rule of matching. A disk is
// recognised, never guessed: when the attributes do not decide, the answer is "different" and the
// program stops.
//
// The rule, in this order:
//  1. Size in bytes or block size differ: different.
//  2. Both sides have a WWN/EUI/NGUID: these decide, equal or different.
//  3. Both sides have a serial number: equal serials (and equal models where both have one) are the
//     same disk, other serials are a different disk.
//  4. Otherwise, both sides have a GPT disk GUID: the GUIDs decide, and where the device paths
//     differ as well, the disk counts as the same but moved.
//  5. Otherwise equal device paths are the same disk; anything else is different.
// A path that is mere numbers in the order of probing (bf_path_is_numbers) says nothing: rules 4
// and 5 pass it over.
// So a driver that sees more later (a serial number where the firmware gave none) does not see
// another disk: an attribute that one side lacks is passed over.
#ifndef BF_IMAGE_IDENTITY_H
#define BF_IMAGE_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/err.h"

enum {
    BF_SERIAL_MAX = 64,
    BF_MODEL_MAX = 64,
    BF_WWN_MAX = 48,
    BF_PATH_MAX = 256,
};

// Strings are printable ASCII, trimmed, empty when not known.
struct bf_disk_identity {
    uint64_t bytes;
    uint32_t block_size;
    uint8_t has_gpt;
    uint8_t gpt_guid[16]; // disk GUID as on the disk (UEFI 2.10, 5.3.2)
    // "naa.5000c500...", "eui.0025..." (EUI-64, NGUID), lower case; "nvme.SERIAL-N": namespace N of
    // a controller that gives it no name (drivers/identify.h).
    char wwn[BF_WWN_MAX];
    char serial[BF_SERIAL_MAX];
    char model[BF_MODEL_MAX];
    char path[BF_PATH_MAX]; // device path text of the firmware, or a Linux path
};

// Why these are excluded, which do not count among the machine's disks.
#define BF_BOOT_MEDIUM   "Bootferry was started from it"
#define BF_OPTICAL_DRIVE "a CD or DVD drive"
// Why a disk is excluded that is seen a second time over another path; a selector passes it over.
#define BF_SECOND_WAY "another path to a disk that is listed already"

enum bf_identity_match { BF_ID_DIFFERENT = 0, BF_ID_SAME = 1, BF_ID_SAME_MOVED = 2 };

// True when this device path names no place: U-Boot's begin with a node of its own and go on with
// numbers in the order in which it found the devices, so an equal path may be another disk.
int bf_path_is_numbers(const char *path);

// Applies the rule. reason (may be NULL) gets one sentence naming the deciding attribute.
enum bf_identity_match bf_identity_compare(const struct bf_disk_identity *a,
                                           const struct bf_disk_identity *b, char *reason,
                                           size_t reason_size);

// Selectors of `disk=`: comma-separated conditions KIND:VALUE that must all hold, KIND one of
// serial, wwn, gpt, path, size (bytes, or with K M G T suffix, binary); a VALUE alone is compared
// with serial, wwn and gpt. BF_ERR_CONFIG with a reason when it cannot be parsed.
enum bf_err bf_selector_check(const char *selector, char *reason, size_t reason_size);
// A path that is mere numbers fits no selector.
int bf_selector_fits(const char *selector, const struct bf_disk_identity *disk);

// GPT GUID text, 36 characters and a NUL, in the mixed-endian order of the specification.
void bf_guid_text(char out[37], const uint8_t guid[16]);
enum bf_err bf_guid_parse(const char *text, uint8_t guid[16]);

void bf_identity_put(struct bf_writer *w, const struct bf_disk_identity *identity);
void bf_identity_get(struct bf_reader *r, struct bf_disk_identity *identity);

// One line for a person: model, serial or WWN or GUID, size.
void bf_identity_text(char *out, size_t size, const struct bf_disk_identity *identity);

#endif
