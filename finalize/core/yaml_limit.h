// SPDX-License-Identifier: Apache-2.0
// Limits for YAML before libyaml makes a document of it.
#ifndef BF_FINALIZE_CORE_YAML_LIMIT_H
#define BF_FINALIZE_CORE_YAML_LIMIT_H

#include <stddef.h>

// NULL when the text is within the limits, or is no YAML, which its reader finds out; else what it
// has too much of.
const char *bf_yaml_excess(const char *text, size_t len);

#endif
