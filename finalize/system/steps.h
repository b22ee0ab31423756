// SPDX-License-Identifier: Apache-2.0
// What a run has the system's room do. Each adapter reads what it needs, adds edits and notes, and
// returns what bf_refuse() or bf_fail() does when the system cannot be finalized as planned; so do
// those of the other rooms' steps.h.
#ifndef BF_FINALIZE_SYSTEM_STEPS_H
#define BF_FINALIZE_SYSTEM_STEPS_H

#include "finalize/system/fin.h"

// What the distribution is, its architecture and its init; the two parts in files of their own.
void bf_inspect_system(struct bf_fin *f);
void bf_inspect_release(struct bf_fin *f);
void bf_inspect_init(struct bf_fin *f);
// Its name, in hostname.c.
void bf_inspect_hostname(struct bf_fin *f);
// The lines of fstab, and whether a swap area holds an image.
void bf_inspect_mounts(struct bf_fin *f);

enum bf_err bf_adapt_hibernation(struct bf_fin *f);
enum bf_err bf_adapt_hostname(struct bf_fin *f);
enum bf_err bf_adapt_fstab(struct bf_fin *f);
// Agents of the old hypervisor or cloud are disabled.
enum bf_err bf_adapt_agents(struct bf_fin *f);
// A login on the serial console, in getty.c.
enum bf_err bf_adapt_getty(struct bf_fin *f);
// The name that the kernel gives to the target's first serial port.
const char *bf_serial_port(const struct bf_fin *f);
// What says once from inside that the machine runs, where the plan has "evidence".
enum bf_err bf_adapt_evidence(struct bf_fin *f);
// machine-id, SSH host keys and what DHCP knows the machine by: they stay, or are made anew.
enum bf_err bf_adapt_identity(struct bf_fin *f);
// The files of LVM, md and multipath that name disks.
enum bf_err bf_adapt_volumes(struct bf_fin *f);
enum bf_err bf_adapt_mdadm(struct bf_fin *f);
enum bf_err bf_adapt_lvm(struct bf_fin *f);
// Settings that keep the target's drivers from being loaded, and kdump's.
enum bf_err bf_adapt_modprobe(struct bf_fin *f);
enum bf_err bf_adapt_kdump(struct bf_fin *f);
// Prepares the SELinux labels of all that is going to be made; after every other change.
enum bf_err bf_adapt_labels(struct bf_fin *f);
// cloud-init goes on with the instance that it knows, and leaves a planned network alone.
enum bf_err bf_adapt_cloud_init(struct bf_fin *f);

// Discards the images in swap files named in fstab. After a failure the report says why.
enum bf_err bf_discard_swap_files(struct bf_fin *f);

#endif
