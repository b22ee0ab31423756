// SPDX-License-Identifier: Apache-2.0
// What the scripts of the target files: begin with, see files_text.h.
#include "replica/targets/files_text.h"

void bf_files_head(struct bf_text *out, const struct bf_tgt_machine *m, const char *what)
{
    bf_textf(out, "#!/bin/sh\n# %s\n# The machine: %s.\nset -eu\n", what, m->name);
    bf_text_str(out, "cd -- \"$(dirname -- \"$0\")\"\n");
}
