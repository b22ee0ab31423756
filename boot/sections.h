// SPDX-License-Identifier: Apache-2.0
// The configuration section of this very image.
#ifndef BF_BOOT_SECTIONS_H
#define BF_BOOT_SECTIONS_H

enum { BF_CONFIG_SECTION_BYTES = 65536 };

// BF_CONFIG_SECTION_BYTES bytes, to be given to bf_section_text.
const void *bf_config_section(void);

#endif
