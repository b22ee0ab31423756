// SPDX-License-Identifier: Apache-2.0
// Kernel command lines, in both places where each loader has them: what starts next and what it is
// made from. root= and resume= leave names that depend on the order of the disks; the serial
// console is set or taken away as planned.
#include "finalize/boot/loader.h"

int bf_adapt_boot(struct bf_fin *f)
{
    for (const struct bf_loader_ops *const *l = bf_loaders; *l; l++)
        if ((*l)->rewrite && (*l)->rewrite(f) < 0)
            return -1;
    if (f->system.init == BF_INIT_SYSVINIT && f->plan->serial_console == BF_ON)
        bf_note(f->report, "skipped", "/etc/inittab",
                "a login on ttyS0 is not set up without systemd");
    return 0;
}
