// SPDX-License-Identifier: Apache-2.0
// Configuration of the boot program: one table of keys, from which parser, checks, help and
// documentation are made. Text of lines `key=value`, '#' begins a comment line, spaces around key
// and value are dropped. The same code checks `bootferry media --set KEY=VALUE`.
#ifndef BF_BASE_CONFIG_H
#define BF_BASE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// Where a value came from. Later ones override earlier ones, except that an origin which nobody
// signed (all but the section) never replaces a key of the root of trust that is already set, and
// that SMBIOS and fw_cfg may not set such keys at all.
enum bf_origin {
    BF_ORIGIN_DEFAULT = 0,
    BF_ORIGIN_SECTION = 1, // inside the EFI file, covered by its signature
    BF_ORIGIN_FILE = 2,    // bootferry.conf on the boot medium
    BF_ORIGIN_SMBIOS = 3,  // type 11 strings that begin with "bootferry:"
    BF_ORIGIN_FW_CFG = 4,  // opt/org.bootferry/KEY, under a hypervisor only
    BF_ORIGINS
};
const char *bf_origin_name(enum bf_origin origin);

enum {
    BF_CONFIG_SERVERS = 8,
    BF_CONFIG_DISKS = 16,
    BF_CONFIG_COPIES = 8,
    BF_CONFIG_DNS = 3,
    BF_CONFIG_CONNECTIONS = 8,
    BF_CONFIG_TEXT_MAX = 65536, // of one source
    BF_CONFIG_DER_MAX = 4096,
    BF_CONFIG_WORKERS_AUTO = 255,
    BF_CONFIG_PORT = 7667,      // of a server that is given without one
    BF_CONFIG_PROXY_WORD = 128, // a user or password, with its NUL
    BF_CONFIG_MTU_LEAST = 576,
    BF_CONFIG_MTU_IPV6 = 1280, // RFC 8200, 5: less, and IPv6 is not used
    BF_CONFIG_MTU_MOST = 9216,
};

struct bf_ip {
    uint8_t family; // 0 none, 4, 6
    uint8_t bytes[16];
};

enum bf_action { BF_ACTION_COPY, BF_ACTION_ASSESS };
enum bf_end { BF_END_POWEROFF, BF_END_REBOOT, BF_END_EXIT };
enum bf_failure { BF_FAILURE_WAIT, BF_FAILURE_POWEROFF, BF_FAILURE_REBOOT };
enum bf_fence_policy { BF_FENCE_ON, BF_FENCE_OFF };
enum bf_driver { BF_DRIVER_AUTO, BF_DRIVER_FIRMWARE };
enum bf_read_error { BF_READ_ERROR_STOP, BF_READ_ERROR_MAP };
enum bf_unseen_policy { BF_UNSEEN_AUTO, BF_UNSEEN_STOP, BF_UNSEEN_WARN };
enum bf_kex { BF_KEX_AUTO, BF_KEX_HYBRID };
enum bf_serial { BF_SERIAL_LINES, BF_SERIAL_CONSOLE, BF_SERIAL_OFF };

struct bf_config_server {
    char host[256]; // name or address, without brackets
    uint16_t port;
};

struct bf_config_proxy {
    char host[256]; // name or address, without brackets
    uint16_t port;  // 0: no proxy
    uint8_t has_user;
    char user[BF_CONFIG_PROXY_WORD], password[BF_CONFIG_PROXY_WORD]; // decoded
};

struct bf_config_blob {
    uint8_t bytes[BF_CONFIG_DER_MAX];
    uint32_t len;
};

// What is copied of one place, whatever is copied of the others.
struct bf_config_copy {
    uint8_t all;
    char where[192]; // see bf_place_selector_parse (base/selector.h)
};

struct bf_config {
    // root of trust and identity
    struct bf_config_blob root;        // root=        base64 of the pinned root certificate, DER
    struct bf_config_blob certificate; // certificate= base64 of the machine's certificate, DER
    struct bf_config_blob key;         // key=         base64 of its private key, DER (SEC1, PKCS#8)
    char name[64];                     // name=        the machine's name
    uint8_t enrol_key[32];             // enrol-key=   64 hexadecimal digits
    uint8_t has_enrol_key;
    int64_t made; // made=        when the medium was made, seconds since 1970 UTC

    // network
    struct bf_config_server server[BF_CONFIG_SERVERS]; // server=HOST[:PORT][,...]
    uint8_t servers;
    uint8_t dhcp;         // address=dhcp (default)
    struct bf_ip address; // address=ADDR/LEN
    uint8_t prefix;
    struct bf_ip gateway;            // gateway=
    struct bf_ip dns[BF_CONFIG_DNS]; // dns=ADDR[,ADDR...]
    uint8_t dns_count;
    uint8_t has_nic; // nic=MAC
    uint8_t nic[6];
    uint16_t vlan;                // vlan=ID, 0 = untagged
    uint16_t mtu;                 // mtu=BYTES, 0 = what device and network say
    struct bf_config_proxy proxy; // proxy=http://[USER:PASSWORD@]HOST:PORT
    uint32_t retry_seconds;       // retry=SECONDS, 0 = for ever; default 300
    uint8_t connections;          // connections=, to the server at a time, 1..8
    enum bf_kex kex;              // kex=auto|hybrid
    int64_t time;                 // time=2026-11-20T15:00:00Z; 0 = firmware clock

    // disks
    char disk[BF_CONFIG_DISKS][192]; // disk=SELECTOR, repeatable, or "all"
    uint8_t disks;
    enum bf_driver driver; // driver=auto|firmware

    // run
    enum bf_action action;      // action=copy|assess
    enum bf_end end;            // end=poweroff|reboot|exit
    enum bf_failure on_failure; // on-failure=wait:SECONDS|poweroff|reboot
    uint32_t failure_wait;      // seconds, default 60, then power off
    enum bf_fence_policy fence; // fence=on|off
    uint16_t debug_exit;        // debug-exit=PORT, 0 = none
    enum bf_serial serial;      // serial=lines|console|off
    uint8_t compression;        // compress=auto|off|lz4|zstd
    uint8_t copy_all;           // copy=used|all
    uint8_t copy_given;         // and it was said, not assumed
    uint8_t copies;
    struct bf_config_copy copy[BF_CONFIG_COPIES]; // copy=used|all@PLACE, repeatable
    enum bf_read_error on_read_error;             // on-read-error=stop|map
    enum bf_unseen_policy unseen;                 // unseen=auto|stop|warn
    uint64_t limit;  // limit=RATE, bytes on the wire per second, 0 = none
    uint8_t workers; // workers=auto|N, BF_CONFIG_WORKERS_AUTO = all but one

    uint8_t origin[32]; // enum bf_origin of each key of the table
};

struct bf_config_key {
    const char *name;
    const char *form; // "HOST[:PORT][,...]"
    uint8_t trust;    // part of the root of trust or of the identity
    uint8_t repeat;
    uint8_t secret; // never shown or logged
};
// The table; *count gets the number of keys (at most 32).
const struct bf_config_key *bf_config_table(uint32_t *count);
// What the table's key with this number is for, in a sentence or a few.
const char *bf_config_help(uint32_t key);

void bf_config_defaults(struct bf_config *c);

// Sets one key. BF_ERR_CONFIG with a reason (which never contains the value of a secret key).
enum bf_err bf_config_set(struct bf_config *c, const char *key, const char *value,
                          enum bf_origin origin, char *reason, size_t reason_size);

// Parses a text of lines. An unknown key or a bad value stops with the line's number in *line and
// the reason; a repeated key that is not repeatable is an error too. A repeatable key given by a
// later origin replaces the values of an earlier one.
enum bf_err bf_config_parse(struct bf_config *c, const char *text, size_t len,
                            enum bf_origin origin, uint32_t *line, char *reason,
                            size_t reason_size);

// What must hold of the whole (a server, a root, an identity or an enrolment key, gateway within
// reach of a static address).
enum bf_err bf_config_check(const struct bf_config *c, char *reason, size_t reason_size);

// With Secure Boot on, only the section is covered by the signature: the keys of the root of trust
// and of the identity must come from there. Call it then, after bf_config_check.
enum bf_err bf_config_check_signed(const struct bf_config *c, char *reason, size_t reason_size);

// True when any key was set by this origin.
int bf_config_has(const struct bf_config *c, enum bf_origin origin);

// The value of key number i as text for "what was used, and whence"; secrets as "(set)".
void bf_config_show(const struct bf_config *c, uint32_t i, char *out, size_t size);

// Configuration section inside the EFI file (docs/formats.md): this header, then the text.
#define BF_SECTION_MAGIC "BOOTFERRY-CONFIG" // 16 bytes, no NUL
struct bf_section_header {
    char magic[16];
    uint32_t version;  // 1
    uint32_t capacity; // bytes that follow the header
    uint32_t length;   // bytes of text used
    uint32_t reserved; // 0
};
// Finds the text in a section's bytes. BF_ERR_NOT_FOUND when empty, BF_ERR_CORRUPT when malformed.
enum bf_err bf_section_text(const void *section, size_t size, const char **text, size_t *len);

// Addresses as text: dotted IPv4, or IPv6 (RFC 4291, 2.2) without a zone. out >= 46 bytes.
enum bf_err bf_ip_parse(const char *text, size_t len, struct bf_ip *out);
void bf_ip_text(char *out, size_t size, const struct bf_ip *ip);
// True when the first bits of two addresses of one family are equal.
int bf_ip_same_net(const struct bf_ip *a, const struct bf_ip *b, uint32_t prefix);

// Base64 (RFC 4648, section 4) without line breaks; *len in: room, out: bytes.
enum bf_err bf_base64_decode(const char *text, size_t text_len, uint8_t *out, size_t *len);
size_t bf_base64_encode(const uint8_t *bytes, size_t len, char *out, size_t size);

#endif
