// SPDX-License-Identifier: Apache-2.0
// A sentence about each key, for people who make media: `bootferry help media`, the bootferry.conf
// beside a medium, docs/configuration.md. A file of its own, since the boot image has no use for
// it.
#include "base/bytes.h"
#include "base/config_rules.h"

static const char *const help[] = {
    [BF_KEY_SERVER] =
        "Replica servers, tried in this order: names, IPv4 addresses, or IPv6 addresses in "
        "brackets (a link-local one without a zone). The default port is 7667.",
    [BF_KEY_ADDRESS] = "The address of this machine while it is being migrated. Default: dhcp.",
    [BF_KEY_GATEWAY] =
        "The default router. With a static address it must be in that network, or anywhere if the "
        "prefix is /32 or /128; with DHCP it replaces the default router that DHCP names.",
    [BF_KEY_DNS] = "Name servers, at most three; they replace those that the network names.",
    [BF_KEY_NIC] = "Use this NIC only. Default: each NIC with a link in turn.",
    [BF_KEY_VLAN] = "The VLAN that the switch delivers tagged to this machine, 1 to 4094: every "
                    "frame is sent with that tag, and no other is accepted. Default: untagged.",
    [BF_KEY_MTU] = "The size of the largest IP packet to send, 576 to 9216, instead of what the "
                   "NIC and DHCP say; below 1280 IPv6 is not used.",
    [BF_KEY_PROXY] = "An HTTP proxy through which the servers are reached (CONNECT); it resolves "
                     "their names. Special characters in user and password are written as %XX.",
    [BF_KEY_RETRY] = "How long to keep trying an unreachable server, and the longest wait for a "
                     "link or an address; 0 means forever. Default: 300.",
    [BF_KEY_DISK] = "A disk to migrate; may be given several times. Default: every whole disk that "
                    "is not removable.",
    [BF_KEY_DRIVER] =
        "Which driver is used for disks and NICs: auto uses the program's own where it "
        "has one for the device; firmware always uses the firmware's. Default: auto.",
    [BF_KEY_ACTION] =
        "What the medium does: copy the machine, or assess it: see what is used on its disks, time "
        "them and the link for half a minute, send nothing of them, and report how long a copy "
        "would take. Default: copy.",
    [BF_KEY_END] = "What to do after success; exit returns to the firmware. Default: poweroff.",
    [BF_KEY_ON_FAILURE] = "What to do after a failure; wait shows it for the given time and then "
                          "powers off. Default: wait:60.",
    [BF_KEY_FENCE] =
        "What to do when the server says that the machine lives elsewhere after a failover: on "
        "powers it off, whatever end= and on-failure= say; off does what end= says, and may leave "
        "two of the machine running. Default: on.",
    [BF_KEY_SERIAL] = "What the serial console carries: lines for scripts, the firmware's terminal "
                      "with the screen, or nothing. Default: lines.",
    [BF_KEY_COMPRESS] =
        "Compression of the data on the wire; auto follows the speed of the link. Default: auto.",
    [BF_KEY_COPY] =
        "used: leave out what the disks' own file systems call unused, where that is certain; all: "
        "copy every byte. Default: used. Given again with @PLACE, it applies to one place only: "
        "NUMBER@SELECTOR, a partition of a disk; partuuid:GUID; or SELECTOR, a whole disk. For "
        "example copy=used and copy=all@2@serial:S1. An all@ that nothing on the disks matches "
        "stops the run.",
    [BF_KEY_ON_READ_ERROR] = "What to do when a part of a disk cannot be read, not even block by "
                             "block: stop, or map: leave it zero, copy everything else, and record "
                             "in the recovery point what could not be read. Default: stop.",
    [BF_KEY_UNSEEN] = "What to do, before anything is sent, about storage that cannot be seen: a "
                      "controller that no driver serves, a disk that cannot be read. auto stops, "
                      "except for USB, SD, IDE and floppy, where it continues; stop always stops; "
                      "warn continues. The recovery point lists what it lacks. Default: auto.",
    [BF_KEY_LIMIT] =
        "An upper limit, in bytes per second on the wire: a number with K, M or G for binary "
        "multiples, for example 50M; at least 16K; 0 means no limit. Default: 0.",
    [BF_KEY_WORKERS] =
        "How many additional processors compute digests and compress data, at most 8; "
        "auto uses all but one, 0 leaves everything to the first. Default: auto.",
    [BF_KEY_CONNECTIONS] = "How many connections to the server may share the data, from 1 to 8; "
                           "another one is opened when the existing ones are full. Default: 4.",
    [BF_KEY_KEX] = "The key exchange: auto prefers the hybrid one (X25519MLKEM768), which a "
                   "quantum computer cannot break later, and accepts X25519, P-256 or P-384 from a "
                   "server without it; hybrid accepts no other. Default: auto.",
    [BF_KEY_TIME] = "The current time in UTC, for a machine whose clock is clearly wrong.",
    [BF_KEY_DEBUG_EXIT] = "The I/O port of QEMU's isa-debug-exit device, for example 0xf4; the "
                          "virtual machine then ends with a status.",
    [BF_KEY_NAME] = "The machine's name at the replica server.",
    [BF_KEY_ROOT] = "The certificate of the root that the server's certificate must chain to.",
    [BF_KEY_CERTIFICATE] = "The machine's own certificate.",
    [BF_KEY_KEY] = "The private key that belongs to it.",
    [BF_KEY_ENROL_KEY] = "64 hexadecimal digits with which the machine obtains its certificate.",
    [BF_KEY_MADE] = "When the medium was made, in seconds since 1970; a clock that shows an "
                    "earlier time is clearly wrong.",
};
_Static_assert(BF_COUNT(help) == BF_CONFIG_KEYS, "a sentence for every key");

const char *bf_config_help(uint32_t key)
{
    return help[key];
}
