// SPDX-License-Identifier: Apache-2.0
// Inside of the configuration: how each key of the table is read and shown. Used by base/config*.c
// only.
#ifndef BF_BASE_CONFIG_RULES_H
#define BF_BASE_CONFIG_RULES_H

#include "base/config.h"

// Positions in the table.
enum bf_config_index {
    BF_KEY_SERVER,
    BF_KEY_ADDRESS,
    BF_KEY_GATEWAY,
    BF_KEY_DNS,
    BF_KEY_NIC,
    BF_KEY_VLAN,
    BF_KEY_MTU,
    BF_KEY_PROXY,
    BF_KEY_RETRY,
    BF_KEY_DISK,
    BF_KEY_DRIVER,
    BF_KEY_ACTION,
    BF_KEY_END,
    BF_KEY_ON_FAILURE,
    BF_KEY_FENCE,
    BF_KEY_SERIAL,
    BF_KEY_COMPRESS,
    BF_KEY_COPY,
    BF_KEY_ON_READ_ERROR,
    BF_KEY_UNSEEN,
    BF_KEY_LIMIT,
    BF_KEY_WORKERS,
    BF_KEY_CONNECTIONS,
    BF_KEY_KEX,
    BF_KEY_TIME,
    BF_KEY_DEBUG_EXIT,
    BF_KEY_NAME,
    BF_KEY_ROOT,
    BF_KEY_CERTIFICATE,
    BF_KEY_KEY,
    BF_KEY_ENROL_KEY,
    BF_KEY_MADE,
    BF_CONFIG_KEYS
};

// A value as it stands in the text: not terminated, trimmed, without control characters.
struct bf_config_value {
    const char *at;
    size_t len;
};

// A setter either sets the key as a whole (a repeatable one adds to it) and returns BF_OK, or gives
// the reason and returns BF_ERR_CONFIG; the key's value is then not to be used. The reason says
// what would be right and never repeats the value.
struct bf_config_rule {
    enum bf_err (*set)(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
    void (*show)(const struct bf_config *c, char *out, size_t size);
};
extern const struct bf_config_rule bf_config_rules[BF_CONFIG_KEYS];

// config_value.c
// Gives the reason and returns BF_ERR_CONFIG.
enum bf_err bf_config_refuse(char *reason, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int bf_value_is(struct bf_config_value v, const char *word);
// Decimal, no sign, at most max; 0 when it is not that.
int bf_value_number(struct bf_config_value v, uint64_t max, uint64_t *out);
// Without blanks at either end.
struct bf_config_value bf_value_trimmed(struct bf_config_value v);
// Takes the part before the next separator from *v; 0 when nothing is left.
int bf_value_split(struct bf_config_value *v, char separator, struct bf_config_value *part);

// config_network.c
// HOST, HOST:PORT, ADDRESS or [IPV6]:PORT; the port otherwise. 0: none of these.
int bf_value_place(struct bf_config_value v, uint16_t port, struct bf_config_server *out);
enum bf_err bf_set_server(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_address(struct bf_config *c, struct bf_config_value v, char *reason,
                           size_t size);
enum bf_err bf_set_gateway(struct bf_config *c, struct bf_config_value v, char *reason,
                           size_t size);
enum bf_err bf_set_dns(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_nic(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_time(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
void bf_show_server(const struct bf_config *c, char *out, size_t size);
void bf_show_address(const struct bf_config *c, char *out, size_t size);
void bf_show_gateway(const struct bf_config *c, char *out, size_t size);
void bf_show_dns(const struct bf_config *c, char *out, size_t size);
void bf_show_nic(const struct bf_config *c, char *out, size_t size);
void bf_show_time(const struct bf_config *c, char *out, size_t size);

// config_link.c
enum bf_err bf_set_vlan(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_mtu(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
void bf_show_vlan(const struct bf_config *c, char *out, size_t size);
void bf_show_mtu(const struct bf_config *c, char *out, size_t size);

// config_proxy.c
enum bf_err bf_set_proxy(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
void bf_show_proxy(const struct bf_config *c, char *out, size_t size);

// config_run.c and config_identity.c
enum bf_err bf_set_action(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_end(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_failure(struct bf_config *c, struct bf_config_value v, char *reason,
                           size_t size);
enum bf_err bf_set_fence(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_serial(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_compress(struct bf_config *c, struct bf_config_value v, char *reason,
                            size_t size);
enum bf_err bf_set_copy(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_on_read_error(struct bf_config *c, struct bf_config_value v, char *reason,
                                 size_t size);
enum bf_err bf_set_unseen(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_limit(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_workers(struct bf_config *c, struct bf_config_value v, char *reason,
                           size_t size);
enum bf_err bf_set_connections(struct bf_config *c, struct bf_config_value v, char *reason,
                               size_t size);
enum bf_err bf_set_kex(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_retry(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_disk(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_driver(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_debug_exit(struct bf_config *c, struct bf_config_value v, char *reason,
                              size_t size);
enum bf_err bf_set_name(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_root(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_certificate(struct bf_config *c, struct bf_config_value v, char *reason,
                               size_t size);
enum bf_err bf_set_key(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
enum bf_err bf_set_enrol_key(struct bf_config *c, struct bf_config_value v, char *reason,
                             size_t size);
enum bf_err bf_set_made(struct bf_config *c, struct bf_config_value v, char *reason, size_t size);
void bf_show_action(const struct bf_config *c, char *out, size_t size);
void bf_show_end(const struct bf_config *c, char *out, size_t size);
void bf_show_failure(const struct bf_config *c, char *out, size_t size);
void bf_show_fence(const struct bf_config *c, char *out, size_t size);
void bf_show_serial(const struct bf_config *c, char *out, size_t size);
void bf_show_compress(const struct bf_config *c, char *out, size_t size);
void bf_show_copy(const struct bf_config *c, char *out, size_t size);
void bf_show_on_read_error(const struct bf_config *c, char *out, size_t size);
void bf_show_unseen(const struct bf_config *c, char *out, size_t size);
void bf_show_limit(const struct bf_config *c, char *out, size_t size);
void bf_show_workers(const struct bf_config *c, char *out, size_t size);
void bf_show_connections(const struct bf_config *c, char *out, size_t size);
void bf_show_kex(const struct bf_config *c, char *out, size_t size);
void bf_show_retry(const struct bf_config *c, char *out, size_t size);
void bf_show_disk(const struct bf_config *c, char *out, size_t size);
void bf_show_driver(const struct bf_config *c, char *out, size_t size);
void bf_show_debug_exit(const struct bf_config *c, char *out, size_t size);
void bf_show_name(const struct bf_config *c, char *out, size_t size);
void bf_show_root(const struct bf_config *c, char *out, size_t size);
void bf_show_certificate(const struct bf_config *c, char *out, size_t size);
void bf_show_key(const struct bf_config *c, char *out, size_t size);
void bf_show_enrol_key(const struct bf_config *c, char *out, size_t size);
void bf_show_made(const struct bf_config *c, char *out, size_t size);

#endif
