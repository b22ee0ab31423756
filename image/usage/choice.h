// SPDX-License-Identifier: Apache-2.0
// What the configuration says about single places (copy=all@..., copy=used@...): which of them are
// copied whole whatever is on them.
#ifndef BF_IMAGE_USAGE_CHOICE_H
#define BF_IMAGE_USAGE_CHOICE_H

#include <stdint.h>

#include "base/config.h"
#include "image/identity.h"

struct bf_usage_choice {
    const char *whole;              // why places without an exception are copied whole; NULL: not
    const struct bf_config *config; // its exceptions; NULL: none
    uint8_t met[BF_CONFIG_COPIES];  // the exception names something that is there
};

// Why this place is copied whole, NULL when nobody wants that. number: of the partition, 0 for a
// disk without partitions. guid: of the partition, NULL or all zero: it has none. The place counts
// as met by the exceptions that name it. Where they disagree, all of it is copied.
const char *bf_usage_choice_whole(struct bf_usage_choice *choice,
                                  const struct bf_disk_identity *disk, uint32_t number,
                                  const uint8_t *guid);
// The first exception of this kind that no place has met, NULL when there is none.
const struct bf_config_copy *bf_usage_choice_missed(const struct bf_usage_choice *choice, int all);

#endif
