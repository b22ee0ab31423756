// SPDX-License-Identifier: Apache-2.0
// Files with kernel command lines: what is not rewritten in them keeps its bytes.
#include "finalize/boot/lines.h"

#define WHY "root, resume, network and consoles of the kernel's command line"

enum bf_err bf_lines_set(struct bf_fin *f, const char *path, const struct bf_text *content)
{
    return bf_fin_set(f, path, content, WHY);
}
