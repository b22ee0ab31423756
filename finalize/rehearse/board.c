// SPDX-License-Identifier: Apache-2.0
// Firmware that is neither UEFI nor a BIOS: U-Boot, the Raspberry Pi's, Open Firmware and
// petitboot, and IBM Z's.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "finalize/rehearse/firmware.h"
#include "finalize/rehearse/loaders.h"
#include "finalize/rehearse/offer.h"
#include "finalize/rehearse/raspberry.h"
#include "finalize/rehearse/syslinux.h"

static bool run_first(struct bf_walk *w, const char *const *file,
                      void (*walk)(struct bf_walk *w, const char *file,
                                   const struct bf_device *dev))
{
    for (; *file; file++)
        if (bf_walk_exists(w, *file)) {
            walk(w, *file, bf_offer_device(w, *file));
            return true;
        }
    return false;
}

bool bf_walk_board(struct bf_walk *w)
{
    // U-Boot looks at extlinux/ and boot/extlinux/ of each bootable partition.
    static const char *const uboot[] = {"/boot/extlinux/extlinux.conf", "/extlinux/extlinux.conf",
                                        "/boot/firmware/extlinux/extlinux.conf", NULL};
    static const char *const pi[] = {"/boot/firmware/config.txt", "/boot/config.txt", NULL};
    static const char *const grub[] = {"/boot/grub2/grub.cfg", "/boot/grub/grub.cfg", NULL};
    if (bf_walk_exists(w, "/etc/zipl.conf"))
        bf_walk_say(w, BF_TROUBLE_DOUBT, "/etc/zipl.conf", 0,
                    "zipl starts what it last wrote to the disk; that is not followed");
    return run_first(w, uboot, bf_walk_uboot) || run_first(w, pi, bf_walk_raspberry) ||
           run_first(w, grub, bf_walk_grub);
}
