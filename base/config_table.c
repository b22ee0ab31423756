// SPDX-License-Identifier: Apache-2.0
// The table of keys: names, forms and help, and beside it how each value is read and shown.
// docs/configuration.md is made from it.
#include "base/config_rules.h"

static const struct bf_config_key table[] = {
    [BF_KEY_SERVER] = {"server", "HOST[:PORT][,...]",
                       "Replica servers, tried in this order; names, IPv4 addresses, or IPv6 "
                       "addresses in brackets, a link-local one without a zone. The port is 7667 "
                       "unless given.",
                       0, 0, 0},
    [BF_KEY_ADDRESS] = {"address", "dhcp|ADDR/LEN",
                        "The address of this machine while it is being migrated. Default: dhcp.", 0,
                        0, 0},
    [BF_KEY_GATEWAY] = {"gateway", "ADDR",
                        "The default router. With a static address it is in that network, or "
                        "anywhere beside a /32 or /128; with DHCP it replaces the default router "
                        "that DHCP names.",
                        0, 0, 0},
    [BF_KEY_DNS] = {"dns", "ADDR[,ADDR...]",
                    "Name servers, at most three; they replace those that the network names.", 0, 0,
                    0},
    [BF_KEY_NIC] = {"nic", "MAC", "Use this NIC only. Default: each NIC with a link in turn.", 0, 0,
                    0},
    [BF_KEY_VLAN] = {"vlan", "ID",
                     "The VLAN that the switch delivers tagged to this machine, 1 to 4094: every "
                     "frame is sent with that tag, and no other is accepted. Default: untagged.",
                     0, 0, 0},
    [BF_KEY_MTU] = {"mtu", "BYTES",
                    "The largest IP packet that is sent, 576 to 9216, instead of what the NIC and "
                    "DHCP say; below 1280 IPv6 is not used.",
                    0, 0, 0},
    [BF_KEY_PROXY] = {"proxy", "http://[USER:PASSWORD@]HOST:PORT",
                      "An HTTP proxy through which the servers are reached (CONNECT); it resolves "
                      "their names. Special characters of user and password are written as %XX.",
                      0, 0, 1},
    [BF_KEY_RETRY] = {"retry", "SECONDS",
                      "How long an unreachable server is tried again, and at most how long a "
                      "link or an address is waited for; 0 means for ever. Default: 300.",
                      0, 0, 0},
    [BF_KEY_DISK] = {"disk", "SELECTOR|all",
                     "A disk to migrate; may be given several times. Default: every whole disk "
                     "that is not removable.",
                     0, 1, 0},
    [BF_KEY_DRIVER] = {"driver", "auto|firmware",
                       "Who reads the disks and serves the NICs: the program's own driver where it "
                       "has one for the device, or always the firmware's. Default: auto.",
                       0, 0, 0},
    [BF_KEY_END] = {"end", "poweroff|reboot|exit",
                    "What to do after success; exit returns to the firmware. Default: poweroff.", 0,
                    0, 0},
    [BF_KEY_ON_FAILURE] = {"on-failure", "wait:SECONDS|poweroff|reboot",
                           "What to do after a failure; wait shows it for so long and then powers "
                           "off. Default: wait:60.",
                           0, 0, 0},
    [BF_KEY_SERIAL] = {"serial", "lines|console|off",
                       "What the serial console carries: lines for scripts, the firmware's "
                       "terminal with the screen, or nothing. Default: lines.",
                       0, 0, 0},
    [BF_KEY_COMPRESS] = {"compress", "auto|off|lz4|zstd",
                         "Compression of the data on the wire; auto follows the speed of the link. "
                         "Default: auto.",
                         0, 0, 0},
    [BF_KEY_COPY] = {"copy", "used|all[@PLACE]",
                     "used leaves out what the disks' own file systems call unused, where that is "
                     "certain; all copies every byte. Default: used. Given again with @PLACE, it "
                     "holds for one place only: NUMBER@SELECTOR, a partition of a disk; "
                     "partuuid:GUID; or SELECTOR, all of a disk. For example copy=used and "
                     "copy=all@2@serial:S1. An all@ that nothing on the disks matches stops the "
                     "run.",
                     0, 1, 0},
    [BF_KEY_ON_READ_ERROR] = {"on-read-error", "stop|map",
                              "What to do when a part of a disk cannot be read, not even block by "
                              "block: stop, or map: leave it zero, copy everything else, and "
                              "record in the recovery point what could not be read. Default: "
                              "stop.",
                              0, 0, 0},
    [BF_KEY_UNSEEN] = {"unseen", "auto|stop|warn",
                       "What to do about storage that cannot be seen, before anything is sent: a "
                       "controller that no driver serves, a disk that cannot be read. auto stops, "
                       "but for USB, SD, IDE and floppy it goes on; stop always stops; warn goes "
                       "on. The recovery point lists what it lacks. Default: auto.",
                       0, 0, 0},
    [BF_KEY_LIMIT] = {"limit", "RATE",
                      "How many bytes on the wire a second may have, as a number with K, M or G "
                      "for binary multiples, for example 50M; at least 16K, 0 means no limit. "
                      "Default: 0.",
                      0, 0, 0},
    [BF_KEY_WORKERS] = {"workers", "auto|N",
                        "How many other processors compute digests and compress, at most 8; auto "
                        "takes all but one, 0 leaves everything to the first. Default: auto.",
                        0, 0, 0},
    [BF_KEY_CONNECTIONS] = {"connections", "NUMBER",
                            "How many connections to the server share the data, at most, from 1 to "
                            "8; another one is opened when those that there are have no room left. "
                            "Default: 4.",
                            0, 0, 0},
    [BF_KEY_KEX] = {"kex", "auto|hybrid",
                    "The key exchange: auto prefers the hybrid one (X25519MLKEM768), which a "
                    "quantum computer cannot undo later, and takes X25519, P-256 or P-384 from "
                    "a server without it; hybrid takes no other. Default: auto.",
                    0, 0, 0},
    [BF_KEY_TIME] = {"time", "YYYY-MM-DDThh:mm:ssZ",
                     "The present time in UTC, for a machine whose clock is plainly wrong.", 0, 0,
                     0},
    [BF_KEY_DEBUG_EXIT] = {"debug-exit", "PORT",
                           "The I/O port of QEMU's isa-debug-exit device, for example 0xf4; the "
                           "virtual machine then ends with a status.",
                           0, 0, 0},
    [BF_KEY_NAME] = {"name", "NAME", "The machine's name at the replica server.", 1, 0, 0},
    [BF_KEY_ROOT] = {"root", "BASE64",
                     "The certificate of the root that the server's certificate must chain to.", 1,
                     0, 0},
    [BF_KEY_CERTIFICATE] = {"certificate", "BASE64", "The machine's own certificate.", 1, 0, 0},
    [BF_KEY_KEY] = {"key", "BASE64", "The private key that belongs to it.", 1, 0, 1},
    [BF_KEY_ENROL_KEY] = {"enrol-key", "HEX",
                          "64 hexadecimal digits with which the machine obtains its certificate.",
                          1, 0, 1},
    [BF_KEY_MADE] = {"made", "SECONDS",
                     "When the medium was made, in seconds since 1970; a clock before that is "
                     "plainly wrong.",
                     1, 0, 0},
};
_Static_assert(sizeof table / sizeof table[0] == BF_CONFIG_KEYS, "every key has a line");
_Static_assert(BF_CONFIG_KEYS <= sizeof((struct bf_config *)0)->origin, "room for every origin");

const struct bf_config_key *bf_config_table(uint32_t *count)
{
    *count = BF_CONFIG_KEYS;
    return table;
}

const struct bf_config_rule bf_config_rules[BF_CONFIG_KEYS] = {
    [BF_KEY_SERVER] = {bf_set_server, bf_show_server},
    [BF_KEY_ADDRESS] = {bf_set_address, bf_show_address},
    [BF_KEY_GATEWAY] = {bf_set_gateway, bf_show_gateway},
    [BF_KEY_DNS] = {bf_set_dns, bf_show_dns},
    [BF_KEY_NIC] = {bf_set_nic, bf_show_nic},
    [BF_KEY_VLAN] = {bf_set_vlan, bf_show_vlan},
    [BF_KEY_MTU] = {bf_set_mtu, bf_show_mtu},
    [BF_KEY_PROXY] = {bf_set_proxy, bf_show_proxy},
    [BF_KEY_RETRY] = {bf_set_retry, bf_show_retry},
    [BF_KEY_DISK] = {bf_set_disk, bf_show_disk},
    [BF_KEY_DRIVER] = {bf_set_driver, bf_show_driver},
    [BF_KEY_END] = {bf_set_end, bf_show_end},
    [BF_KEY_ON_FAILURE] = {bf_set_failure, bf_show_failure},
    [BF_KEY_SERIAL] = {bf_set_serial, bf_show_serial},
    [BF_KEY_COMPRESS] = {bf_set_compress, bf_show_compress},
    [BF_KEY_COPY] = {bf_set_copy, bf_show_copy},
    [BF_KEY_ON_READ_ERROR] = {bf_set_on_read_error, bf_show_on_read_error},
    [BF_KEY_UNSEEN] = {bf_set_unseen, bf_show_unseen},
    [BF_KEY_LIMIT] = {bf_set_limit, bf_show_limit},
    [BF_KEY_WORKERS] = {bf_set_workers, bf_show_workers},
    [BF_KEY_CONNECTIONS] = {bf_set_connections, bf_show_connections},
    [BF_KEY_KEX] = {bf_set_kex, bf_show_kex},
    [BF_KEY_TIME] = {bf_set_time, bf_show_time},
    [BF_KEY_DEBUG_EXIT] = {bf_set_debug_exit, bf_show_debug_exit},
    [BF_KEY_NAME] = {bf_set_name, bf_show_name},
    [BF_KEY_ROOT] = {bf_set_root, bf_show_root},
    [BF_KEY_CERTIFICATE] = {bf_set_certificate, bf_show_certificate},
    [BF_KEY_KEY] = {bf_set_key, bf_show_key},
    [BF_KEY_ENROL_KEY] = {bf_set_enrol_key, bf_show_enrol_key},
    [BF_KEY_MADE] = {bf_set_made, bf_show_made},
};
