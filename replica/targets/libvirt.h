// SPDX-License-Identifier: Apache-2.0
// What the files of the libvirt target share: its URI, a connection with deadlines, the definition
// of a domain, disks, networks, copies. docs/libvirt.md describes it for the operator.
#ifndef BF_REPLICA_TARGETS_LIBVIRT_H
#define BF_REPLICA_TARGETS_LIBVIRT_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replica/targets/target.h"

enum { BF_LV_PATH_MAX = 4200, BF_LV_UUID_MAX = 37 };

// ---- The URI -----------------------------------------------------------------------------------

enum bf_lv_isolate { BF_LV_ISOLATE_AUTO, BF_LV_ISOLATE_USER, BF_LV_ISOLATE_NETWORK };
enum bf_lv_accel { BF_LV_ACCEL_AUTO, BF_LV_ACCEL_KVM, BF_LV_ACCEL_TCG };

struct bf_lv_uri {
    char connect[512]; // as libvirt takes it, without our parameters
    char pool[128];    // where commit copies the disks; "": the pool that is called "default"
    enum bf_lv_isolate isolate;
    enum bf_lv_accel accel;
    bool local;   // the daemon runs on this host, and has a socket here
    bool session; // the daemon and QEMU run as this user
};

// libvirt_uri.c
// "libvirt:URI", or "libvirt:" for qemu:///system. Takes our parameters (pool, isolate, accel) out
// of the query, and leaves libvirt its own. BF_ERR_CONFIG.
enum bf_err bf_lv_uri_parse(const char *uri, struct bf_lv_uri *out, struct bf_fault *fault);

// ---- The connection ----------------------------------------------------------------------------

// What the host offers, from its domain capabilities.
struct bf_lv_host {
    bool kvm;          // virtual processors by KVM
    bool uefi;         // a UEFI firmware
    bool secure_boot;  // one with Secure Boot
    bool user_network; // QEMU has user mode networking
    bool nvme;         // libvirt gives a machine NVMe disks
};

struct bf_lv {
    const struct bf_tgt *tgt;
    struct bf_lv_uri uri;
    struct bf_lv_host host; // after bf_lv_ask_host
    virConnectPtr conn;
    char state[BF_LV_PATH_MAX];  // the state's folder, absolute
    char folder[BF_LV_PATH_MAX]; // the job's, absolute
};

// libvirt_connect.c
// Connects, with keepalive. bf_lv_close is harmless after a failure. A daemon that is not there is
// waited for (BF_WAIT_LV_BACK_MS), as it may be restarted during a failover.
enum bf_err bf_lv_open(const struct bf_tgt *tgt, struct bf_lv *lv, struct bf_fault *fault);
// The same without that, for who asks whether it is there.
enum bf_err bf_lv_open_now(const struct bf_tgt *tgt, struct bf_lv *lv, struct bf_fault *fault);
void bf_lv_close(struct bf_lv *lv);
// Fills lv->folder and lv->state alone, as describe needs them.
enum bf_err bf_lv_paths(const struct bf_tgt *tgt, struct bf_lv *lv, struct bf_fault *fault);
// The fault of libvirt's last error in this thread; doing is a participle with its object: "the
// machine cannot be started".
enum bf_err bf_lv_fault(const struct bf_lv *lv, struct bf_fault *fault, const char *doing, ...)
    __attribute__((format(printf, 3, 4)));
// False when the job was cancelled; the fault says so.
bool bf_lv_goes_on(const struct bf_tgt *tgt, struct bf_fault *fault);
void bf_lv_tell(const struct bf_tgt *tgt, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// libvirt_host.c
enum bf_err bf_lv_ask_host(struct bf_lv *lv, struct bf_fault *fault);
// libvirt_caps.c
// Reads domain capabilities; what is not in them is not there. False: they are no XML of that kind.
bool bf_lv_host_read(const char *xml, size_t len, struct bf_lv_host *host);

// ---- The definition ----------------------------------------------------------------------------

// What the domain is made of beside the machine.
struct bf_lv_choice {
    const char *state, *folder;     // absolute
    const char *format;             // of whole disks in `folder`; NULL: overlays over the chains
    const char *console, *evidence; // absolute, at the host; NULL: a terminal, and no port
    char uuid[BF_LV_UUID_MAX];      // of the domain; "": libvirt draws one
    bool kvm;                       // else by emulation
    bool descriptors;               // the disks' files are handed over open
    bool user_network;              // a test's network is inside QEMU, else one of libvirt
    char network[BF_TGT_NICS][128]; // what is set in the end: "network:NAME", "user", ...
};

// libvirt_xml.c
// The domain's XML, which the caller frees with free(); NULL without memory. Text that XML or
// libvirt does not take (control characters, serial numbers with other letters) is left out.
char *bf_lv_domain_xml(const struct bf_tgt_machine *m, const struct bf_lv_choice *choice);
// Names of what the definition refers to, the same in every call.
void bf_lv_overlay_name(const struct bf_tgt_disk *disk, char out[32]); // in the job's folder
void bf_lv_group_name(uint32_t disk, uint32_t layer, char out[32]);    // of descriptors
void bf_lv_target_name(const struct bf_tgt_machine *m, uint32_t disk, char out[8]); // "vda"
// Whether a disk's serial number can be kept.
bool bf_lv_serial_ok(const char *serial);

// libvirt_tree.c: XML by libxml2, where a name that a guest chose stays a name. A document notices
// that memory was missing, and its text is NULL then.
struct _xmlNode *bf_lv_tree(const char *root);
struct _xmlNode *bf_lv_add(struct _xmlNode *parent, const char *name);
struct _xmlNode *bf_lv_add_text(struct _xmlNode *parent, const char *name, const char *text);
void bf_lv_set(struct _xmlNode *node, const char *name, const char *value);
void bf_lv_setf(struct _xmlNode *node, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void bf_lv_tree_spoil(struct _xmlNode *node); // something is missing; takes NULL
char *bf_lv_tree_text(struct _xmlNode *root); // frees the tree; the text is the caller's
// Valid UTF-8 without control characters.
bool bf_lv_text_ok(const char *text);
// Reading: the root of a document of at most a few MiB, without entities or network; NULL. Free
// with bf_lv_tree_free.
struct _xmlNode *bf_lv_tree_read(const char *text, size_t len);
void bf_lv_tree_free(struct _xmlNode *root); // takes NULL
struct _xmlNode *bf_lv_child(const struct _xmlNode *node, const char *name);
struct _xmlNode *bf_lv_next(const struct _xmlNode *node, const char *name); // sibling of that name
// An attribute's value; false when it is not there or does not fit.
bool bf_lv_get(const struct _xmlNode *node, const char *name, char *out, size_t size);
bool bf_lv_is(const struct _xmlNode *node, const char *name, const char *value);
// The text of an element.
bool bf_lv_get_text(const struct _xmlNode *node, char *out, size_t size);

// libvirt_user.c
// QEMU's arguments for a NIC whose network is inside QEMU. False: there was no memory.
enum { BF_LV_ARG_MAX = 512, BF_LV_USER_NICS = 11 };
bool bf_lv_user_netdev(const struct bf_tgt_machine *m, uint32_t number, char out[BF_LV_ARG_MAX]);
void bf_lv_user_device(const struct bf_tgt_machine *m, uint32_t number, char out[BF_LV_ARG_MAX]);
// libvirt_address.c
// An address with or without length, as it is written by everybody: BF_ERR_RANGE.
struct bf_lv_address {
    int family;
    uint8_t bytes[16];
    uint32_t length; // in bits; the family's largest where none was said
};
enum bf_err bf_lv_address_read(const char *text, struct bf_lv_address *out);
void bf_lv_address_text(const struct bf_lv_address *a, char out[64]); // without the length
// Whether b is in the network of a.
bool bf_lv_address_in(const struct bf_lv_address *a, const struct bf_lv_address *b);

// ---- Disks -------------------------------------------------------------------------------------

// libvirt_disks.c
// The overlays in the job's folder: made whole or not at all; those that are there are kept.
enum bf_err bf_lv_overlays_make(const struct bf_lv *lv, struct bf_fault *fault);
// By how much they have grown: what the machine has written, in clusters.
uint64_t bf_lv_overlays_grown(const struct bf_lv *lv);
void bf_lv_overlays_remove(const struct bf_lv *lv);
// Hands the files of all chains over as open descriptors, those of sealed layers for reading only:
// QEMU runs as a user who cannot enter the state's folder, and libvirt does not change the owner
// of what it did not open. Valid for the next start over this connection.
enum bf_err bf_lv_descriptors_give(const struct bf_lv *lv, virDomainPtr dom,
                                   struct bf_fault *fault);
// The files for console and evidence, ours before libvirt opens them.
enum bf_err bf_lv_logs_make(const struct bf_lv *lv, struct bf_fault *fault);

// ---- Copies ------------------------------------------------------------------------------------

// Where a disk is that needs nothing of the replica.
struct bf_lv_volume {
    char path[512]; // at the host; "": not known
    bool block;     // a raw block device, not a qcow2 file
};
// Where the copy of one disk goes.
struct bf_lv_copy {
    char pool[128];             // "": a file of its own
    char name[256];             // of the volume, or the file's path
    struct bf_lv_volume volume; // where that is
};

// libvirt_volumes.c
enum bf_err bf_lv_pool_find(const struct bf_lv *lv, const char *name, virStoragePoolPtr *out,
                            bool *block, struct bf_fault *fault);
// Decides where the copies go: `to` is a pool, or a folder of this host; NULL: the URI's pool, or
// the one that is called "default". Names that are taken are refused.
enum bf_err bf_lv_copies_choose(const struct bf_lv *lv, const char *to,
                                struct bf_lv_copy copy[BF_TGT_DISKS], struct bf_fault *fault);
// An empty one of the disk's size in its place, and where that is. Whatever was there goes.
enum bf_err bf_lv_copy_make(const struct bf_lv *lv, struct bf_lv_copy *copy, uint64_t bytes,
                            struct bf_fault *fault);
void bf_lv_copy_remove(const struct bf_lv *lv, const struct bf_lv_copy *copy);
// Fills copy->volume of one that may not be there yet; its path is "" then.
enum bf_err bf_lv_copy_find(const struct bf_lv *lv, struct bf_lv_copy *copy,
                            struct bf_fault *fault);

// libvirt_copies.c: the record of them in the job's folder.
enum bf_err bf_lv_copies_write(const struct bf_lv *lv, const struct bf_lv_copy copy[BF_TGT_DISKS],
                               struct bf_fault *fault);
// BF_ERR_NOT_FOUND: there is none.
enum bf_err bf_lv_copies_read(const struct bf_lv *lv, struct bf_lv_copy copy[BF_TGT_DISKS],
                              struct bf_fault *fault);
// The same from text, for `disks` of them: for tests and their fuzzer.
bool bf_lv_copies_parse(const char *text, size_t len, struct bf_lv_copy copy[BF_TGT_DISKS],
                        uint32_t disks);

// ---- Networks ----------------------------------------------------------------------------------

// libvirt_net.c
// Decides what each NIC is connected to, and whether a test's network is inside QEMU. Refuses what
// does not exist, and a test's network that would harm the host.
enum bf_err bf_lv_networks_choose(const struct bf_lv *lv, struct bf_lv_choice *choice,
                                  struct bf_fault *fault);
// A test's own networks of libvirt.
enum bf_err bf_lv_networks_start(const struct bf_lv *lv, const struct bf_lv_choice *choice,
                                 struct bf_fault *fault);
enum bf_err bf_lv_networks_stop(const struct bf_lv *lv, struct bf_fault *fault);
// The definition of the one for a NIC, for tests. Free with free(); NULL without memory.
char *bf_lv_network_xml(const struct bf_tgt_machine *m, uint32_t nic);

// ---- The domain --------------------------------------------------------------------------------

// libvirt_domain.c
// The domain of this job, found by the UUID that is on record in its folder; *out NULL: there is
// none. Free with virDomainFree.
enum bf_err bf_lv_domain_find(const struct bf_lv *lv, virDomainPtr *out, struct bf_fault *fault);
// The same where it has to exist.
enum bf_err bf_lv_domain_get(const struct bf_lv *lv, virDomainPtr *out, struct bf_fault *fault);
// The UUID on record; false: there is none yet.
bool bf_lv_record_uuid(const struct bf_lv *lv, char out[BF_LV_UUID_MAX]);
// What is defined is written down before libvirt gets it.
enum bf_err bf_lv_record_write(const struct bf_lv *lv, const char *xml, struct bf_fault *fault);
void bf_lv_record_remove(const struct bf_lv *lv);
// Destroys and undefines it with its variables, if it is there.
enum bf_err bf_lv_domain_remove(const struct bf_lv *lv, struct bf_fault *fault);
// All that the definition needs, decided.
enum bf_err bf_lv_choose(const struct bf_lv *lv, struct bf_lv_choice *choice,
                         struct bf_fault *fault);
// As if its plug were pulled.
enum bf_err bf_lv_domain_pull(const struct bf_lv *lv, virDomainPtr dom, struct bf_fault *fault);
// Starts it, or, with `paused`, only QEMU.
enum bf_err bf_lv_domain_start(struct bf_lv *lv, virDomainPtr dom, bool paused,
                               struct bf_fault *fault);
struct bf_lv_names { // what choice points to
    char console[BF_LV_PATH_MAX + 32], evidence[BF_LV_PATH_MAX + 32];
};
void bf_lv_choice_begin(const struct bf_lv *lv, struct bf_lv_names *names,
                        struct bf_lv_choice *choice);

// libvirt_check.c
// Whether the machine can be one of libvirt's at all, and of this host.
enum bf_err bf_lv_check_machine(const struct bf_lv *lv, struct bf_fault *fault);

// libvirt_copy.c
enum bf_err bf_lv_commit(struct bf_lv *lv, const char *to, struct bf_fault *fault);
// Whether commit has ended; then the domain needs nothing of the job.
bool bf_lv_is_committed(const struct bf_lv *lv);

// libvirt_lasting.c
// The definition of a machine that needs nothing of the replica, from the one that it has: disks
// as they are at `volume`, the console a terminal, no port for evidence. Free with free(); NULL
// when xml is no domain or there is no memory.
char *bf_lv_lasting_xml(const char *xml, const struct bf_tgt_machine *m,
                        const struct bf_lv_volume *volume);
// What a domain's XML says of the disk of that name.
struct bf_lv_disk_state {
    char source[512]; // file or device; "" when there is none
    char copy[512];   // where a copy goes that is under way, or ""
    bool copied;      // that copy is complete, and follows the disk
};
bool bf_lv_disk_read(const char *xml, const char *name, struct bf_lv_disk_state *out);

// libvirt_picture.c
enum bf_err bf_lv_picture(const struct bf_lv *lv, const char *path, struct bf_fault *fault);
// libvirt_agent.c: see target.h.
enum bf_err bf_lv_agent(const struct bf_lv *lv, virDomainPtr dom, const char *command,
                        char **answer, struct bf_fault *fault);

// libvirt_png.c
// A PNG file of a picture in PNG or PPM (P6, of 8 bits). BF_ERR_CORRUPT: it is neither. *out is
// the caller's to free.
enum bf_err bf_lv_png(const uint8_t *bytes, size_t len, uint8_t **out, size_t *out_len);

#endif
