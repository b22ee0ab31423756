// SPDX-License-Identifier: Apache-2.0
// See console.h. The phrases are those that the programs print: initramfs-tools and Debian's
// cryptsetup, systemd and its password agent (plymouth shows the same prompt), dracut, mkinitcpio,
// genkernel, Alpine's and SUSE's initramfs, the kernel, GRUB, SeaBIOS and EDK II.
#include "replica/jobs/console.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "replica/jobs/plain.h"

enum what {
    SAYS,   // the state, unless an earlier line of this start says it more precisely
    ENDS,   // what was waited for is there
    STARTS, // another start begins
};

static const struct phrase {
    const char *text;
    enum what what;
    enum bf_console state; // SAYS: the new one; ENDS: the one that is over
} phrases[] = {
    {"Please unlock disk", SAYS, BF_CONSOLE_PASSPHRASE},
    {"Unlocking the disk ", SAYS, BF_CONSOLE_PASSPHRASE},
    {"lease enter recovery key for", SAYS, BF_CONSOLE_PASSPHRASE},
    {"lease enter LUKS2 token PIN", SAYS, BF_CONSOLE_PASSPHRASE},
    {"lease enter TPM2 PIN", SAYS, BF_CONSOLE_PASSPHRASE},
    {"nter passphrase for ", SAYS, BF_CONSOLE_PASSPHRASE},
    {"nter LUKS passphrase", SAYS, BF_CONSOLE_PASSPHRASE},
    {"A password is required to access the ", SAYS, BF_CONSOLE_PASSPHRASE},
    {"Password (/dev/", SAYS, BF_CONSOLE_PASSPHRASE},
    {"cryptsetup failed, bad password or options", SAYS, BF_CONSOLE_PASSPHRASE},
    {": set up successfully", ENDS, BF_CONSOLE_PASSPHRASE},
    {"Finished Cryptography Setup", ENDS, BF_CONSOLE_PASSPHRASE},
    {"Started Cryptography Setup", ENDS, BF_CONSOLE_PASSPHRASE},
    {"Finished systemd-cryptsetup@", ENDS, BF_CONSOLE_PASSPHRASE},
    {"Slot \"", ENDS, BF_CONSOLE_PASSPHRASE}, // GRUB: Slot "0" opened
    {"unlocked.", ENDS, BF_CONSOLE_PASSPHRASE},
    {"Switching root", ENDS, BF_CONSOLE_PASSPHRASE},
    {"Reached target Initrd Root Device", ENDS, BF_CONSOLE_PASSPHRASE},

    {"Gave up waiting for root", SAYS, BF_CONSOLE_NO_ROOT},
    {"does not exist.  Dropping to a shell!", SAYS, BF_CONSOLE_NO_ROOT},
    {"No root device specified. Boot arguments must include a root=", SAYS, BF_CONSOLE_NO_ROOT},
    {"Unable to find a medium containing a live file system", SAYS, BF_CONSOLE_NO_ROOT},
    {"on real root", SAYS, BF_CONSOLE_NO_ROOT}, // mkinitcpio: Failed to mount '...' on real root
    {"Could not find the root block device", SAYS, BF_CONSOLE_NO_ROOT},
    {"not found -- exiting to /bin/sh", SAYS, BF_CONSOLE_NO_ROOT},
    {"Mounting root: failed", SAYS, BF_CONSOLE_NO_ROOT},
    {"Failed to mount /sysroot", SAYS, BF_CONSOLE_NO_ROOT},
    {"dracut-initqueue timeout", SAYS, BF_CONSOLE_NO_ROOT},
    {"VFS: Unable to mount root fs", SAYS, BF_CONSOLE_NO_ROOT},
    {"VFS: Cannot open root device", SAYS, BF_CONSOLE_NO_ROOT},

    {"You are in emergency mode", SAYS, BF_CONSOLE_EMERGENCY},
    {"You are in rescue mode", SAYS, BF_CONSOLE_EMERGENCY},
    {"Entering emergency mode", SAYS, BF_CONSOLE_EMERGENCY},
    {"Give root password for maintenance", SAYS, BF_CONSOLE_EMERGENCY},
    {"Press Enter for maintenance", SAYS, BF_CONSOLE_EMERGENCY},
    {"dropped into an emergency shell", SAYS, BF_CONSOLE_EMERGENCY},
    {"emergency recovery shell launched", SAYS, BF_CONSOLE_EMERGENCY},
    {"RUN fsck MANUALLY", SAYS, BF_CONSOLE_EMERGENCY},
    {"maintenance shell will now be started", SAYS, BF_CONSOLE_EMERGENCY},
    {"(initramfs)", SAYS, BF_CONSOLE_EMERGENCY},
    {"dracut:/#", SAYS, BF_CONSOLE_EMERGENCY},

    {"Kernel panic - not syncing", SAYS, BF_CONSOLE_PANIC},

    {"grub rescue>", SAYS, BF_CONSOLE_LOADER},
    {"Minimal BASH-like line editing", SAYS, BF_CONSOLE_LOADER},
    {"Entering rescue mode...", SAYS, BF_CONSOLE_LOADER},
    {"error: no such device:", SAYS, BF_CONSOLE_LOADER},
    {"error: no such partition", SAYS, BF_CONSOLE_LOADER},
    {"error: unknown filesystem", SAYS, BF_CONSOLE_LOADER},
    {"No DEFAULT or UI configuration directive found", SAYS, BF_CONSOLE_LOADER},

    {"No bootable device", SAYS, BF_CONSOLE_FIRMWARE},
    {"Boot failed: not a bootable disk", SAYS, BF_CONSOLE_FIRMWARE},
    {"No bootable option or device was found", SAYS, BF_CONSOLE_FIRMWARE},
    {"UEFI Interactive Shell v", SAYS, BF_CONSOLE_FIRMWARE},
    {"Operating system not found", SAYS, BF_CONSOLE_FIRMWARE},
    {"Operating System not found", SAYS, BF_CONSOLE_FIRMWARE},
    {"Missing operating system", SAYS, BF_CONSOLE_FIRMWARE},

    {" login:", SAYS, BF_CONSOLE_LOGIN},

    {"Linux version ", STARTS, BF_CONSOLE_UNKNOWN},
    {"SeaBIOS (version ", STARTS, BF_CONSOLE_UNKNOWN},
    {"BdsDxe: loading Boot", STARTS, BF_CONSOLE_UNKNOWN},
};

// Of what one start ends with, this says more than what follows from it: a missing root leads into
// a shell, or into a panic.
static bool keeps(enum bf_console now, enum bf_console next)
{
    return now == BF_CONSOLE_NO_ROOT && (next == BF_CONSOLE_EMERGENCY || next == BF_CONSOLE_PANIC);
}

static void look(struct bf_console_end *end, const char *line)
{
    for (size_t i = 0; i < BF_COUNT(phrases); i++) {
        const struct phrase *p = &phrases[i];
        if (!strstr(line, p->text))
            continue;
        if (p->what == SAYS && !keeps(end->state, p->state) && end->state != p->state) {
            end->state = p->state;
            snprintf(end->line, sizeof end->line, "%.255s", line);
        } else if (p->what == STARTS || (p->what == ENDS && p->state == end->state)) {
            *end = (struct bf_console_end){.state = BF_CONSOLE_UNKNOWN};
        }
    }
}

// The lines of evidence have the job's word, which is nobody's to read.
static bool is_shown(const char *line)
{
    return !strstr(line, "BOOTFERRY-EVIDENCE ");
}

// Appends a line, for which the oldest ones go.
static void append(char *tail, size_t size, size_t *used, const char *line, size_t len)
{
    size_t from = 0;
    if (len + 2 > size)
        return;
    while (*used - from + len + 2 > size)
        from += strcspn(tail + from, "\n") + 1;
    memmove(tail, tail + from, *used - from);
    *used -= from;
    memcpy(tail + *used, line, len);
    *used += len;
    tail[(*used)++] = '\n';
    tail[*used] = 0;
}

struct bf_console_end bf_console_tail(const char *log, size_t len, uint32_t lines, char *tail,
                                      size_t size)
{
    struct bf_console_end end = {.state = BF_CONSOLE_UNKNOWN};
    struct bf_plain p;
    size_t used = 0, seen = 0;
    if (size)
        tail[0] = 0;
    bf_plain_begin(&p, log, len);
    while (bf_plain_next(&p)) {
        look(&end, p.line);
        seen += is_shown(p.line);
    }
    bf_plain_begin(&p, log, len);
    while (bf_plain_next(&p))
        if (is_shown(p.line) && seen-- <= lines)
            append(tail, size, &used, p.line, p.len);
    return end;
}

const char *bf_console_text(enum bf_console state)
{
    static const char *const text[] = {
        [BF_CONSOLE_UNKNOWN] = "",
        [BF_CONSOLE_PASSPHRASE] = "the machine waits for the passphrase of an encrypted disk",
        [BF_CONSOLE_NO_ROOT] = "the machine did not find its root file system",
        [BF_CONSOLE_EMERGENCY] = "the machine ended in an emergency shell",
        [BF_CONSOLE_PANIC] = "the machine's kernel panicked",
        [BF_CONSOLE_LOADER] = "the boot loader waits at its own prompt",
        [BF_CONSOLE_FIRMWARE] = "the firmware found nothing that it could start",
        [BF_CONSOLE_LOGIN] = "the machine shows a login prompt, and its system is up",
    };
    return (size_t)state < BF_COUNT(text) ? text[state] : "";
}
