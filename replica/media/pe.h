// SPDX-License-Identifier: Apache-2.0
// The boot image as a file: finding the section that is reserved for its configuration and filling
// it, without any tool that would have to be installed. PE/COFF specification, revision 11.
#ifndef BF_REPLICA_MEDIA_PE_H
#define BF_REPLICA_MEDIA_PE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BF_PE_CONFIG_SECTION ".bfconf"

// Writes text into the section of the image in place, clears what is left of it, and brings the
// header's checksum up to date where one is set. BF_ERR_LIMIT when the text does not fit.
enum bf_err bf_pe_set_config(uint8_t *image, size_t len, const char *text, size_t text_len,
                             struct bf_fault *fault);

#endif
