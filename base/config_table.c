// SPDX-License-Identifier: Apache-2.0
// The table of keys: names and forms, and beside it how each value is read and shown. The sentences
// about them are in base/config_help.c, and docs/configuration.md is made from both.
#include "base/bytes.h"
#include "base/config_rules.h"

static const struct bf_config_key table[] = {
    [BF_KEY_SERVER] = {"server", "HOST[:PORT][,...]", 0, 0, 0},
    [BF_KEY_ADDRESS] = {"address", "dhcp|ADDR/LEN", 0, 0, 0},
    [BF_KEY_GATEWAY] = {"gateway", "ADDR", 0, 0, 0},
    [BF_KEY_DNS] = {"dns", "ADDR[,ADDR...]", 0, 0, 0},
    [BF_KEY_NIC] = {"nic", "MAC", 0, 0, 0},
    [BF_KEY_VLAN] = {"vlan", "ID", 0, 0, 0},
    [BF_KEY_MTU] = {"mtu", "BYTES", 0, 0, 0},
    [BF_KEY_PROXY] = {"proxy", "http://[USER:PASSWORD@]HOST:PORT", 0, 0, 1},
    [BF_KEY_RETRY] = {"retry", "SECONDS", 0, 0, 0},
    [BF_KEY_DISK] = {"disk", "SELECTOR|all", 0, 1, 0},
    [BF_KEY_DRIVER] = {"driver", "auto|firmware", 0, 0, 0},
    [BF_KEY_ACTION] = {"action", "copy|assess", 0, 0, 0},
    [BF_KEY_END] = {"end", "poweroff|reboot|exit", 0, 0, 0},
    [BF_KEY_ON_FAILURE] = {"on-failure", "wait:SECONDS|poweroff|reboot", 0, 0, 0},
    [BF_KEY_FENCE] = {"fence", "on|off", 0, 0, 0},
    [BF_KEY_SERIAL] = {"serial", "lines|console|off", 0, 0, 0},
    [BF_KEY_COMPRESS] = {"compress", "auto|off|lz4|zstd", 0, 0, 0},
    [BF_KEY_COPY] = {"copy", "used|all[@PLACE]", 0, 1, 0},
    [BF_KEY_ON_READ_ERROR] = {"on-read-error", "stop|map", 0, 0, 0},
    [BF_KEY_UNSEEN] = {"unseen", "auto|stop|warn", 0, 0, 0},
    [BF_KEY_LIMIT] = {"limit", "RATE", 0, 0, 0},
    [BF_KEY_WORKERS] = {"workers", "auto|N", 0, 0, 0},
    [BF_KEY_CONNECTIONS] = {"connections", "NUMBER", 0, 0, 0},
    [BF_KEY_KEX] = {"kex", "auto|hybrid", 0, 0, 0},
    [BF_KEY_TIME] = {"time", "YYYY-MM-DDThh:mm:ssZ", 0, 0, 0},
    [BF_KEY_DEBUG_EXIT] = {"debug-exit", "PORT", 0, 0, 0},
    [BF_KEY_NAME] = {"name", "NAME", 1, 0, 0},
    [BF_KEY_ROOT] = {"root", "BASE64", 1, 0, 0},
    [BF_KEY_CERTIFICATE] = {"certificate", "BASE64", 1, 0, 0},
    [BF_KEY_KEY] = {"key", "BASE64", 1, 0, 1},
    [BF_KEY_ENROL_KEY] = {"enrol-key", "HEX", 1, 0, 1},
    [BF_KEY_MADE] = {"made", "SECONDS", 1, 0, 0},
};
_Static_assert(BF_COUNT(table) == BF_CONFIG_KEYS, "every key has a line");
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
    [BF_KEY_ACTION] = {bf_set_action, bf_show_action},
    [BF_KEY_END] = {bf_set_end, bf_show_end},
    [BF_KEY_ON_FAILURE] = {bf_set_failure, bf_show_failure},
    [BF_KEY_FENCE] = {bf_set_fence, bf_show_fence},
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
