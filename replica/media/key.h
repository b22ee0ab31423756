// SPDX-License-Identifier: Apache-2.0
// The key and the certificate that a medium is signed with for Secure Boot (PEM, RFC 7468), looked
// at before sbsign gets them, whose complaints are OpenSSL's error numbers.
#ifndef BF_REPLICA_MEDIA_KEY_H
#define BF_REPLICA_MEDIA_KEY_H

#include "base/err.h"

// BF_OK when both files can be read, are what they are named as, and belong together. Otherwise
// BF_ERR_CONFIG, or why a file cannot be read; the side is the configuration's, and the words name
// the file.
enum bf_err bf_media_key_check(const char *key, const char *cert, struct bf_fault *fault);

#endif
