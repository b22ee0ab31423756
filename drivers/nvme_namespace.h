// SPDX-License-Identifier: Apache-2.0
// Namespaces of NVM Express: which there are, and how their blocks are read (1.4, 5.15 and 8.3).
// Parsers of bytes and a length: every answer is hostile.
#ifndef BF_DRIVERS_NVME_NAMESPACE_H
#define BF_DRIVERS_NVME_NAMESPACE_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/controller.h"

struct bf_nvme_format {
    uint64_t blocks;
    uint32_t block_size;
    uint32_t metadata; // bytes that are transferred with each block; 0: none
    uint8_t extended;  // behind each block, not in memory of their own
    uint8_t strip;     // protection information, which the controller takes off (PRACT)
};

// Of Identify Namespace. NULL: all of *out holds; otherwise why the namespace cannot be read.
const char *bf_nvme_format(const void *data, size_t len, struct bf_nvme_format *out);

// Sends Identify and waits for it: *answer is BF_IDENTIFY_NVME_BYTES long, and the asked one's
// until it is asked again. BF_ERR_IO: the controller refuses; every other error ends the asking.
struct bf_nvme_asked {
    enum bf_err (*identify)(void *impl, uint32_t nsid, uint32_t what, const uint8_t **answer);
    void *impl;
    uint32_t namespaces; // the highest number that there can be
};

// The active namespaces, in ascending order. As units() in drivers/controller.h.
enum bf_err bf_nvme_units(const struct bf_nvme_asked *asked, struct bf_unit *out, uint32_t room,
                          uint32_t *count);

#endif
