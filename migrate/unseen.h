// SPDX-License-Identifier: Apache-2.0
// Storage that no disk of the inventory stands for: which PCI functions may have disks, whether the
// program stops because of one, and the words for it. What is "unknown" here is what a recovery
// point may lack: a controller that no driver serves, a disk that is there and cannot be read. A
// controller that a driver asked and that has no disk is listed, and nothing more.
#ifndef BF_MIGRATE_UNSEEN_H
#define BF_MIGRATE_UNSEEN_H

#include <stddef.h>

#include "base/config.h"
#include "base/err.h"
#include "net/proto/proto.h"

enum { BF_UNSEEN_TEXT = 104 }; // room for what bf_unseen_text writes

// What a function of this class is ("RAID controller"), or NULL when no disk can be behind it.
// class_code: base class, subclass, interface, as bf_pci_id has it.
const char *bf_unseen_class(uint16_t vendor, uint16_t device, uint32_t class_code);

// Adds it to the inventory, the unknown before the others. Of more than BF_UNSEEN_MAX the last
// entry says that there are more.
void bf_unseen_add(struct bf_inventory *inventory, const struct bf_unseen *entry);

// The point may lack something because of it.
int bf_unseen_is_unknown(const struct bf_unseen *entry);
uint32_t bf_unseen_unknown(const struct bf_inventory *inventory); // how many of them

// "RAID controller 1000:0411 at 0000:00:05.0".
void bf_unseen_text(char *out, size_t size, const struct bf_unseen *entry);
// The unknown: as many as fit, then "and 2 more". Empty when there is none.
void bf_unseen_list(char *out, size_t size, const struct bf_inventory *inventory);

// BF_OK when the run may go on, or BF_ERR_UNSUPPORTED with a fault that names the first that stops
// it, and how to go on without it.
enum bf_err bf_unseen_check(const struct bf_config *config, const struct bf_inventory *inventory,
                            struct bf_fault *fault);

#endif
