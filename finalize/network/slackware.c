// SPDX-License-Identifier: Apache-2.0
// Slackware: recognised, not adapted. Its script counts the interfaces in arrays of bash.
#include "finalize/network/stack.h"

static bool in_use(struct bf_fin *f)
{
    return bf_fin_root_exists(f->root, "/etc/rc.d/rc.inet1") &&
           bf_fin_root_exists(f->root, "/etc/rc.d/rc.inet1.conf");
}

const struct bf_stack_ops bf_rc_inet1 = {
    .name = "slackware",
    .title = "Slackware's rc.inet1 (/etc/rc.d/rc.inet1.conf)",
    .in_use = in_use,
};
