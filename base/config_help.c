// SPDX-License-Identifier: Apache-2.0
// A sentence about each key, for people who make media: `bootferry help media`, the bootferry.conf
// beside a medium, docs/configuration.md. A file of its own, since the boot image has no use for
// it.
#include "base/config_rules.h"

static const char *const help[] = {
    [BF_KEY_SERVER] =
        "Replica servers, tried in this order; names, IPv4 addresses, or IPv6 addresses in "
        "brackets, a link-local one without a zone. The port is 7667 unless given.",
    [BF_KEY_ADDRESS] = "The address of this machine while it is being migrated. Default: dhcp.",
    [BF_KEY_GATEWAY] =
        "The default router. With a static address it is in that network, or anywhere beside a "
        "/32 or /128; with DHCP it replaces the default router that DHCP names.",
    [BF_KEY_DNS] = "Name servers, at most three; they replace those that the network names.",
    [BF_KEY_NIC] = "Use this NIC only. Default: each NIC with a link in turn.",
    [BF_KEY_VLAN] =
        "The VLAN that the switch delivers tagged to this machine, 1 to 4094: every frame is sent "
        "with that tag, and no other is accepted. Default: untagged.",
    [BF_KEY_MTU] =
        "The largest IP packet that is sent, 576 to 9216, instead of what the NIC and DHCP say; "
        "below 1280 IPv6 is not used.",
    [BF_KEY_PROXY] =
        "An HTTP proxy through which the servers are reached (CONNECT); it resolves their names. "
        "Special characters of user and password are written as %XX.",
    [BF_KEY_RETRY] =
        "How long an unreachable server is tried again, and at most how long a link or an address "
        "is waited for; 0 means for ever. Default: 300.",
    [BF_KEY_DISK] =
        "A disk to migrate; may be given several times. Default: every whole disk that is not "
        "removable.",
    [BF_KEY_DRIVER] =
        "Who reads the disks and serves the NICs: the program's own driver where it has one for "
        "the device, or always the firmware's. Default: auto.",
    [BF_KEY_END] = "What to do after success; exit returns to the firmware. Default: poweroff.",
    [BF_KEY_ON_FAILURE] =
        "What to do after a failure; wait shows it for so long and then powers off. Default: "
        "wait:60.",
    [BF_KEY_SERIAL] =
        "What the serial console carries: lines for scripts, the firmware's terminal with the "
        "screen, or nothing. Default: lines.",
    [BF_KEY_COMPRESS] =
        "Compression of the data on the wire; auto follows the speed of the link. Default: auto.",
    [BF_KEY_COPY] =
        "used leaves out what the disks' own file systems call unused, where that is certain; all "
        "copies every byte. Default: used. Given again with @PLACE, it holds for one place only: "
        "NUMBER@SELECTOR, a partition of a disk; partuuid:GUID; or SELECTOR, all of a disk. For "
        "example copy=used and copy=all@2@serial:S1. An all@ that nothing on the disks matches "
        "stops the run.",
    [BF_KEY_ON_READ_ERROR] =
        "What to do when a part of a disk cannot be read, not even block by block: stop, or map: "
        "leave it zero, copy everything else, and record in the recovery point what could not be "
        "read. Default: stop.",
    [BF_KEY_UNSEEN] =
        "What to do about storage that cannot be seen, before anything is sent: a controller that "
        "no driver serves, a disk that cannot be read. auto stops, but for USB, SD, IDE and "
        "floppy it goes on; stop always stops; warn goes on. The recovery point lists what it "
        "lacks. Default: auto.",
    [BF_KEY_LIMIT] =
        "How many bytes on the wire a second may have, as a number with K, M or G for binary "
        "multiples, for example 50M; at least 16K, 0 means no limit. Default: 0.",
    [BF_KEY_WORKERS] =
        "How many other processors compute digests and compress, at most 8; auto takes all but "
        "one, 0 leaves everything to the first. Default: auto.",
    [BF_KEY_CONNECTIONS] =
        "How many connections to the server share the data, at most, from 1 to 8; another one is "
        "opened when those that there are have no room left. Default: 4.",
    [BF_KEY_KEX] =
        "The key exchange: auto prefers the hybrid one (X25519MLKEM768), which a quantum computer "
        "cannot undo later, and takes X25519, P-256 or P-384 from a server without it; hybrid "
        "takes no other. Default: auto.",
    [BF_KEY_TIME] = "The present time in UTC, for a machine whose clock is plainly wrong.",
    [BF_KEY_DEBUG_EXIT] =
        "The I/O port of QEMU's isa-debug-exit device, for example 0xf4; the virtual machine then "
        "ends with a status.",
    [BF_KEY_NAME] = "The machine's name at the replica server.",
    [BF_KEY_ROOT] = "The certificate of the root that the server's certificate must chain to.",
    [BF_KEY_CERTIFICATE] = "The machine's own certificate.",
    [BF_KEY_KEY] = "The private key that belongs to it.",
    [BF_KEY_ENROL_KEY] = "64 hexadecimal digits with which the machine obtains its certificate.",
    [BF_KEY_MADE] =
        "When the medium was made, in seconds since 1970; a clock before that is plainly wrong.",
};
_Static_assert(sizeof help / sizeof help[0] == BF_CONFIG_KEYS, "a sentence for every key");

const char *bf_config_help(uint32_t key)
{
    return help[key];
}
