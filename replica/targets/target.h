// SPDX-License-Identifier: Apache-2.0
// The contract of every place where a machine can get its new home: a libvirt host, QEMU on this
// one, a folder of files. A target makes the machine of a finalized point, starts it, gives what
// comes from inside, and lets go of it again. It knows nothing of jobs, phases or plans.
//
// Every call may follow the end of the process that made an earlier one: what make and start have
// done is found again through the folder, and done once only. Calls block; the longer ones ask
// tgt->goes_on() at least once a second, and return BF_ERR_CANCELLED when it says no.
#ifndef BF_REPLICA_TARGETS_TARGET_H
#define BF_REPLICA_TARGETS_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "replica/points/layers.h"
#include "replica/state/state.h"

enum { BF_TGT_DISKS = 16, BF_TGT_NICS = 32, BF_TGT_ADDRESSES = 16, BF_TGT_TEXT = 64 };
enum { BF_TGT_NOTES = 8, BF_TGT_NOTE = 192 };

struct bf_tgt_disk {
    uint16_t number; // within the replica
    uint64_t bytes;
    uint32_t block_size;
    char serial[BF_TGT_TEXT], wwn[BF_TGT_TEXT], model[BF_TGT_TEXT]; // of the source's disk, or ""
    // The disk's files, topmost first, of the finalized point: all sealed, all qcow2. Owned by
    // whoever made the machine.
    struct bf_image_chain chain;
};

struct bf_tgt_nic {
    char mac[18];                       // as it will be, lower case
    char address[BF_TGT_ADDRESSES][64]; // planned ones with their lengths, "192.0.2.5/24"
    uint32_t addresses;
    char gateway4[64], gateway6[64]; // planned, or ""
    bool dhcp;                       // its addresses come from a server
    char network[128]; // "network:NAME", "bridge:NAME", "user" or "none"; "": the target's default
};

// What the new machine is made of, whatever makes it: machine.h fills it.
struct bf_tgt_machine {
    char name[BF_NAME_MAX]; // unique among those that run; of a test: NAME-test-JOB
    uint32_t processors;
    uint64_t memory_mib;
    char type[16]; // "q35" or "pc"
    bool uefi, secure_boot;
    char disk_bus[16];  // "virtio-blk", "virtio-scsi", "nvme", "ahci"
    char nic_model[16]; // "virtio-net", "e1000e", "vmxnet3"
    // SMBIOS identity, each "" when it is not kept.
    char vendor[BF_TGT_TEXT], product[BF_TGT_TEXT], serial[BF_TGT_TEXT], uuid[37];
    bool autostart;
    bool isolated; // a test: no network reaches anything but its own gateway addresses
    // Sentences for whoever reads the job: what was not known, and what was taken instead.
    uint32_t notes;
    char note[BF_TGT_NOTES][BF_TGT_NOTE];
    uint32_t disks, nics;
    struct bf_tgt_disk disk[BF_TGT_DISKS];
    struct bf_tgt_nic nic[BF_TGT_NICS];
};

// One machine at one target. Everything is the caller's and outlives the calls.
struct bf_tgt {
    struct bf_state *state;
    const char *folder; // of the job, relative to the state's folder, there; for the target's files
    const char *uri;    // "qemu:", "libvirt:qemu:///system", "files:/srv/out"
    const struct bf_tgt_machine *machine;
    bool (*goes_on)(void *user); // false: cancelled; NULL: it goes on
    // Work that is measured: bytes done of all. May be NULL.
    void (*progress)(void *user, uint64_t done, uint64_t total);
    // One sentence for the events of the job. May be NULL.
    void (*tell)(void *user, const char *sentence);
    void *user;
};

enum {
    BF_TGT_RUNS = 1,     // it starts the machine, and its console and evidence can be read
    BF_TGT_ISOLATES = 2, // it can keep a test to itself
    BF_TGT_COMMITS = 4,  // disks are taken off the replica's chain while the machine runs
};

// What the target says of its machine now.
enum bf_tgt_power { BF_TGT_ABSENT, BF_TGT_OFF, BF_TGT_ON, BF_TGT_CRASHED };

enum bf_tgt_stop {
    BF_TGT_ASK,  // the agent or ACPI, and no more than that; returns at once
    BF_TGT_PULL, // as if its plug were pulled; it is off when this returns
};

struct bf_tgt_ops {
    const char *scheme; // what stands before the colon of a URI
    const char *usage;  // "libvirt:URI  a machine of a libvirt host", for the help
    unsigned can;       // BF_TGT_...
    // Whether it can be done, before anything is: the URI's form, programs, the host, names that
    // are taken, space. Changes nothing. The fault names what is missing.
    enum bf_err (*check)(const struct bf_tgt *tgt, struct bf_fault *fault);
    // Makes the machine, off, with overlays over its chains. What is there already is kept.
    enum bf_err (*make)(const struct bf_tgt *tgt, struct bf_fault *fault);
    // Switches it on, if it is not.
    enum bf_err (*start)(const struct bf_tgt *tgt, struct bf_fault *fault);
    enum bf_err (*power)(const struct bf_tgt *tgt, enum bf_tgt_power *out, struct bf_fault *fault);
    // A PNG picture of its screen into a file of that path.
    enum bf_err (*picture)(const struct bf_tgt *tgt, const char *path, struct bf_fault *fault);
    // How many bytes the machine has written to its disks since make.
    enum bf_err (*written)(const struct bf_tgt *tgt, uint64_t *bytes, struct bf_fault *fault);
    enum bf_err (*stop)(const struct bf_tgt *tgt, enum bf_tgt_stop how, struct bf_fault *fault);
    // Asks the guest agent in the machine: one command of its protocol, a JSON object in a line.
    // The answer is the guest's, hostile and of a bounded length; the caller frees it.
    // BF_ERR_TIMEOUT: there is no agent that answers.
    enum bf_err (*agent)(const struct bf_tgt *tgt, const char *command, char **answer,
                         struct bf_fault *fault);
    // Copies its disks to `to` (a folder or pool; NULL: the target's default) while it runs or is
    // off, and makes it use the copies. Can be called again after it was cut off anywhere. From
    // BF_OK on it needs nothing of the replica.
    enum bf_err (*commit)(const struct bf_tgt *tgt, const char *to, struct bf_fault *fault);
    // The power of a machine whose commit is complete, which is switched on first with start, by
    // what is in the job's folder alone: of tgt->machine the name counts, since the point may be
    // gone. NULL: the target's host has an autostart of its own.
    enum bf_err (*at_home)(const struct bf_tgt *tgt, bool start, enum bf_tgt_power *out,
                           struct bf_fault *fault);
    // Stops and removes the machine with everything that make made, and nothing that commit did.
    enum bf_err (*remove)(const struct bf_tgt *tgt, struct bf_fault *fault);
    // Lines of text that say what make and start would do, by hand, for --dry-run and for files:.
    // The text is the caller's to free; NULL without memory.
    char *(*describe)(const struct bf_tgt *tgt);
};

// Files below tgt->folder that a target which runs machines writes from start on: the serial
// console, and what came through the port org.bootferry.evidence.
#define BF_TGT_CONSOLE  "console.log"
#define BF_TGT_EVIDENCE "evidence.log"
#define BF_TGT_PORT     "org.bootferry.evidence"

#define BF_TGTS(ROW)                                                                               \
    ROW(bf_tgt_qemu)                                                                               \
    ROW(bf_tgt_libvirt)                                                                            \
    ROW(bf_tgt_files)

#define BF_TGT_EXTERN(row) extern const struct bf_tgt_ops row;
BF_TGTS(BF_TGT_EXTERN)

// targets.c: all of them, ended by NULL, for the help.
const struct bf_tgt_ops *const *bf_tgt_all(void);
// The target that a URI names; NULL with the fault, which lists those that exist.
const struct bf_tgt_ops *bf_tgt_find(const char *uri, struct bf_fault *fault);

#endif
