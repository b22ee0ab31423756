// SPDX-License-Identifier: Apache-2.0
// What a guest carries to its new home, to say from inside that it runs there.
#ifndef BF_FINALIZE_SYSTEM_EVIDENCE_SCRIPT_H
#define BF_FINALIZE_SYSTEM_EVIDENCE_SCRIPT_H

#include "finalize/system/fin.h"

// finalize/system/evidence.sh as it is in the source, up to _end.
extern const char bf_evidence_body[], bf_evidence_body_end[];

// Appends the whole script: the plan's values as variables of the shell, then the body. `gone` and
// `folders` have the paths that it is to remove, separated by blanks: files and links, and what
// goes when it is empty.
void bf_evidence_script(const struct bf_fin *f, const char *gone, const char *folders,
                        struct bf_text *out);

#endif
