// SPDX-License-Identifier: Apache-2.0
// The plan: what a finalized system is to be like. target/plan_parse.h reads it; every key is
// described in docs/finalizer.md.
#ifndef BF_FINALIZE_CORE_PLAN_H
#define BF_FINALIZE_CORE_PLAN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BF_PLAN_MAX          65536 // bytes of JSON
#define BF_PLAN_NICS         32
#define BF_PLAN_ADDRESSES    16
#define BF_PLAN_DNS          8
#define BF_PLAN_KEYS         8
#define BF_MAC_TEXT          18
#define BF_IFNAME            16
#define BF_DOMAIN_MAX        254
#define BF_PASSPHRASE_MAX    512
#define BF_KEY_MAX           8192
#define BF_PLAN_MOUNTS       8
#define BF_EVIDENCE_WORD_MAX 33
#define BF_EVIDENCE_URL_MAX  256
#define BF_EVIDENCE_CA_MAX   8192

enum bf_wanted { BF_KEEP, BF_OFF, BF_ON };

// How file systems are checked: as far as a short time allows, to the end, or not at all.
enum bf_check { BF_CHECK_QUICK, BF_CHECK_FULL, BF_CHECK_OFF };

struct bf_address {
    char text[INET6_ADDRSTRLEN]; // normalized
    int family;                  // AF_INET or AF_INET6
    unsigned prefix;
};

struct bf_plan_nic {
    char mac[BF_MAC_TEXT]; // as the source had it, lower case; "" when matched otherwise
    char name[BF_IFNAME];  // the interface's name in the guest; "" when matched otherwise
    // An address that the interface has in the guest, normalized; "" when not matched by it.
    char old_address[INET6_ADDRSTRLEN];
    char new_mac[BF_MAC_TEXT]; // "": keeps the source's
    bool dhcp;
    struct bf_address address[BF_PLAN_ADDRESSES];
    size_t addresses;
    char gateway4[INET6_ADDRSTRLEN];
    char gateway6[INET6_ADDRSTRLEN];
    char dns[BF_PLAN_DNS][INET6_ADDRSTRLEN];
    size_t dns_count;
    char search[BF_PLAN_DNS][BF_DOMAIN_MAX];
    size_t search_count;
};

struct bf_plan_key {
    char uuid[64]; // of the LUKS device
    // The bytes of the passphrase or of the key file; none yet while `key_file` is to be read.
    unsigned char key[BF_KEY_MAX];
    size_t key_len;
    char key_file[256]; // of the machine that starts the VM; "": none
};

// Which device a mount point of the guest means.
struct bf_plan_mount {
    char at[128];
    char device[80]; // "UUID=..."
};

// Where a NIC of the new machine is plugged in.
struct bf_plan_network {
    char nic[BF_MAC_TEXT]; // a MAC address of the source, lower case; its number from 0; or "*"
    char to[128];          // "bridge:NAME", "network:NAME", "user" or "none"
};

// What the new machine is to have otherwise than the source. It is made by others than the
// finalizer (replica/targets/machine.h), which only checks these words.
struct bf_plan_machine {
    unsigned processors; // 0: as the source
    uint64_t memory_mib; // 0: as the source
    char type[8];        // "q35" or "pc"; "": not said
    char disk_bus[16];   // "virtio-blk", "virtio-scsi", "nvme", "ahci"; "": by the kind
    char nic_model[16];  // "virtio-net", "e1000e", "vmxnet3"; "": by the kind
    enum bf_wanted same; // whether it has the source's SMBIOS identity; BF_KEEP: not said
    bool autostart;
    struct bf_plan_network network[BF_PLAN_NICS + 1];
    size_t networks;
};

struct bf_plan {
    char target[32];            // a name of target/targets.h
    char firmware[8];           // "uefi", "bios", or "" when not said
    enum bf_wanted secure_boot; // whether the target's firmware has it on; BF_KEEP: not said
    char hostname[65];          // "": keeps the source's
    char root[128];             // "UUID=..." to choose among several systems; "": the only one
    struct bf_plan_nic nic[BF_PLAN_NICS];
    size_t nics;
    bool discard_hibernation;
    enum bf_wanted serial_console;
    bool efi_fallback;
    bool try_anyway;   // what the rehearsal finds is reported, and does not refuse
    bool nofail;       // what fstab wants and no disk has is not waited for
    bool keep_agents;  // those of the old hypervisor stay enabled
    bool new_identity; // a clone: machine-id and the like are made anew
    bool drop_undo;    // no originals stay in the guest: the recovery point has them
    struct bf_plan_key unlock[BF_PLAN_KEYS];
    size_t unlocks;
    struct bf_plan_mount mount[BF_PLAN_MOUNTS];
    size_t mounts;
    enum bf_check check;
    struct bf_plan_machine machine;
    char evidence_word[BF_EVIDENCE_WORD_MAX]; // "": the machine says nothing from inside
    char evidence_to[BF_EVIDENCE_URL_MAX];    // a URL where it reports it besides; "": none
    // The certificates, PEM, of which the server there has to show one or one signed by one; "":
    // those that the guest trusts anyway.
    char evidence_ca[BF_EVIDENCE_CA_MAX];
};

// Whether the plan gives the interface new addresses; otherwise they stay as they are.
bool bf_nic_readdresses(const struct bf_plan_nic *nic);
// The first address of a family, or NULL.
const struct bf_address *bf_nic_address(const struct bf_plan_nic *nic, int family);
// Whether `ip`, a text of the address's family, lies in its network.
bool bf_address_reaches(const struct bf_address *address, const char *ip);
// Whether the gateway of a family (AF_INET, AF_INET6) lies in the network of no planned address, so
// that its route has to say that it is on the link. False when there is none, or it is link-local.
bool bf_nic_on_link(const struct bf_plan_nic *nic, int family);
// The MAC address that the interface will have: the new one, else the source's, else "".
const char *bf_nic_mac(const struct bf_plan_nic *nic);

#endif
