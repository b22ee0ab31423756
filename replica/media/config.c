// SPDX-License-Identifier: Apache-2.0
// The configuration text of a medium: what the server knows, then what the operator set. Before it
// is used, the text goes through the very parser and checks of the boot program, so that what was
// accepted here does not stop a machine at boot.
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "replica/media/media.h"

enum { KEY_MAX = 64, LINE_MAX = BF_CONFIG_DER_MAX * 2 };

// A text that grows inside a fixed buffer and, once full, stays failed.
struct text {
    char *bytes;
    size_t len, size;
    int failed;
};

static void add_line(struct text *t, const char *key, const char *value)
{
    size_t room = t->size - t->len;
    int len = bf_snprintf(t->bytes + t->len, room, "%s=%s\n", key, value);
    if (len < 0 || (size_t)len >= room)
        t->failed = 1;
    else
        t->len += (size_t)len;
}

static void add_blob(struct text *t, const char *key, const uint8_t *bytes, size_t len)
{
    char value[LINE_MAX];
    if (bf_base64_encode(bytes, len, value, sizeof value) == 0)
        t->failed = 1;
    else
        add_line(t, key, value);
    bf_wipe(value, sizeof value);
}

static void add_number(struct text *t, const char *key, int64_t number)
{
    char value[24];
    bf_snprintf(value, sizeof value, "%lld", (long long)number);
    add_line(t, key, value);
}

static void add_servers(struct text *t, const struct bf_ca_addresses *servers)
{
    char value[BF_CONFIG_SERVERS * (BF_CA_ADDRESS_MAX + 3)];
    size_t len = 0;
    for (uint32_t i = 0; i < servers->count; i++) {
        int v6 = strchr(servers->text[i], ':') != NULL;
        len += (size_t)bf_snprintf(value + len, sizeof value - len, v6 ? "%s[%s]" : "%s%s",
                                   i ? "," : "", servers->text[i]);
    }
    add_line(t, "server", value);
}

static size_t key_of(const char *setting, char key[KEY_MAX])
{
    size_t len = strcspn(setting, "=");
    if (setting[len] != '=' || len == 0 || len >= KEY_MAX)
        return 0;
    memcpy(key, setting, len);
    key[len] = 0;
    return len;
}

static int is_set(const struct bf_medium *medium, const char *wanted)
{
    char key[KEY_MAX];
    for (uint32_t i = 0; i < medium->settings; i++)
        if (key_of(medium->set[i], key) && strcmp(key, wanted) == 0)
            return 1;
    return 0;
}

static const struct bf_config_key *find_key(const char *name)
{
    uint32_t count;
    const struct bf_config_key *table = bf_config_table(&count);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static enum bf_err check_setting(struct bf_config *scratch, const char *setting,
                                 struct bf_fault *fault)
{
    char key[KEY_MAX], reason[160];
    size_t len = key_of(setting, key);
    if (len == 0 || strpbrk(setting, "\r\n"))
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "write --set KEY=VALUE; bootferry help media lists the keys",
                            "--set %.64s is not of the form KEY=VALUE", setting);
    const struct bf_config_key *known = find_key(key);
    if (known && known->trust)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "leave it out",
                            "%s is set by bootferry itself and cannot be given with --set", key);
    if (bf_config_set(scratch, key, setting + len + 1, BF_ORIGIN_SECTION, reason, sizeof reason))
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "correct the setting; bootferry help media lists the keys",
                            "--set %s: %s", key, reason);
    return BF_OK;
}

enum bf_err bf_medium_check(const struct bf_medium *medium, struct bf_fault *fault)
{
    enum bf_err err = BF_OK;
    struct bf_config *scratch = malloc(sizeof *scratch);
    if (!scratch)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory to check the settings");
    bf_config_defaults(scratch);
    for (uint32_t i = 0; !err && i < medium->settings; i++)
        err = check_setting(scratch, medium->set[i], fault);
    free(scratch);
    return err;
}

static enum bf_err check_mtu(const struct bf_config *c, char *reason, size_t size)
{
    for (uint32_t i = 0; i < c->servers; i++)
        if (!strchr(c->server[i].host, ':'))
            return BF_OK;
    if (!c->mtu || c->mtu >= BF_CONFIG_MTU_IPV6 || c->proxy.port)
        return BF_OK;
    bf_snprintf(reason, size,
                "mtu= is below 1280, which IPv6 needs, and server= has only IPv6 addresses");
    return BF_ERR_CONFIG;
}

static enum bf_err check_whole(const struct text *t, struct bf_fault *fault)
{
    char reason[160] = "it is too long";
    uint32_t line = 0;
    struct bf_config *config = malloc(sizeof *config);
    if (!config)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory to check the configuration");
    bf_config_defaults(config);
    enum bf_err err = t->failed ? BF_ERR_LIMIT : BF_OK;
    if (!err)
        err = bf_config_parse(config, t->bytes, t->len, BF_ORIGIN_SECTION, &line, reason,
                              sizeof reason);
    if (!err)
        err = bf_config_check(config, reason, sizeof reason);
    if (!err)
        err = check_mtu(config, reason, sizeof reason);
    bf_wipe(config, sizeof *config);
    free(config);
    if (err)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                            "correct the --set options; bootferry help media lists the keys",
                            "the boot program cannot use this configuration: %s", reason);
    return BF_OK;
}

static void compose(struct text *t, const struct bf_medium *m)
{
    char key[2 * 32 + 1];
    add_line(t, "name", m->name);
    add_number(t, "made", m->made);
    add_blob(t, "root", m->root->der, m->root->len);
    if (m->identity) {
        add_blob(t, "certificate", m->identity->certificate.der, m->identity->certificate.len);
        add_blob(t, "key", m->identity->key, m->identity->key_len);
    } else {
        bf_hex(key, m->enrol_key, 32);
        add_line(t, "enrol-key", key);
        bf_wipe(key, sizeof key);
    }
    if (!is_set(m, "server"))
        add_servers(t, m->servers);
    for (uint32_t i = 0; i < m->settings; i++) {
        char name[KEY_MAX];
        size_t len = key_of(m->set[i], name);
        add_line(t, name, m->set[i] + len + 1);
    }
}

enum bf_err bf_medium_config(const struct bf_medium *medium, char **text, size_t *len,
                             struct bf_fault *fault)
{
    struct text t = {.bytes = malloc(BF_CONFIG_TEXT_MAX), .size = BF_CONFIG_TEXT_MAX};
    if (!t.bytes)
        return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                            "no memory for the configuration");
    enum bf_err err = bf_medium_check(medium, fault);
    if (!err) {
        compose(&t, medium);
        err = check_whole(&t, fault);
    }
    if (err) {
        bf_wipe(t.bytes, t.size);
        free(t.bytes);
        return err;
    }
    *text = t.bytes;
    *len = t.len;
    return BF_OK;
}
