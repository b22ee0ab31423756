// SPDX-License-Identifier: Apache-2.0
// Puts a PE image together anew with other contents in some of its sections (Microsoft's "PE
// Format"): sections keep their order in the file and their addresses, but for one that has grown
// into the next, which moves behind all others.
#ifndef BF_FINALIZE_BOOT_PE_BUILD_H
#define BF_FINALIZE_BOOT_PE_BUILD_H

#include "finalize/boot/pe.h"
#include "finalize/core/part.h"

// A section's new content: the first `keep` bytes that it has, then `data`.
struct bf_pe_change {
    const struct bf_pe_section *section;
    uint32_t keep;
    const void *data; // borrowed, as long as the layout is used
    uint32_t len;
};

#define BF_PE_PARTS_MAX (4 * BF_PE_SECTIONS_MAX + 4)

struct bf_pe_layout {
    unsigned char *headers; // owned
    struct bf_part part[BF_PE_PARTS_MAX];
    size_t parts;
};

// A signature is left out, since it would not be of the new content. BF_ERR_UNSUPPORTED for an
// image that is laid out in a way that this does not know; BF_ERR_LIMIT beyond 4 GiB. Freed with
// bf_pe_layout_free() in any case.
enum bf_err bf_pe_build(const struct bf_blob *b, const struct bf_pe *pe,
                        const struct bf_pe_change *change, size_t changes,
                        struct bf_pe_layout *out);
void bf_pe_layout_free(struct bf_pe_layout *layout);

#endif
