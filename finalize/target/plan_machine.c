// SPDX-License-Identifier: Apache-2.0
// Parses the plan's key "machine", see plan_machine.h: one table of its keys.
#include "finalize/target/plan_machine.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

enum { PROCESSORS_MAX = 255, MEMORY_MIN_MIB = 64, MEMORY_MAX_MIB = 16 << 20 };

static enum bf_err fail(struct bf_fault *fault, const char *key, const char *what)
{
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct the plan",
                        "plan: machine%s%s: %s", *key ? "." : "", key, what);
}

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

// ---- Values: each reads one, and says what would be right ---------------------------------------

static const char *read_processors(const json_t *v, struct bf_plan_machine *m)
{
    json_int_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < 1 || n > PROCESSORS_MAX)
        return "must be a number from 1 to 255";
    m->processors = (unsigned)n;
    return NULL;
}

static const char *read_memory(const json_t *v, struct bf_plan_machine *m)
{
    json_int_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < MEMORY_MIN_MIB || n > MEMORY_MAX_MIB)
        return "must be a number of MiB, at least 64";
    m->memory_mib = (uint64_t)n;
    return NULL;
}

static bool read_word(const json_t *v, const char *const *words, char *out, size_t size)
{
    const char *s = json_string_value(v);
    if (!s || !is_one_of(s, words))
        return false;
    snprintf(out, size, "%s", s);
    return true;
}

static const char *read_type(const json_t *v, struct bf_plan_machine *m)
{
    static const char *const words[] = {"q35", "pc", NULL};
    return read_word(v, words, m->type, sizeof m->type) ? NULL : "must be \"q35\" or \"pc\"";
}

static const char *read_disk_bus(const json_t *v, struct bf_plan_machine *m)
{
    static const char *const words[] = {"virtio-blk", "virtio-scsi", "nvme", "ahci", NULL};
    return read_word(v, words, m->disk_bus, sizeof m->disk_bus)
               ? NULL
               : "must be \"virtio-blk\", \"virtio-scsi\", \"nvme\" or \"ahci\"";
}

static const char *read_nic_model(const json_t *v, struct bf_plan_machine *m)
{
    static const char *const words[] = {"virtio-net", "e1000e", "vmxnet3", NULL};
    return read_word(v, words, m->nic_model, sizeof m->nic_model)
               ? NULL
               : "must be \"virtio-net\", \"e1000e\" or \"vmxnet3\"";
}

static const char *read_identity(const json_t *v, struct bf_plan_machine *m)
{
    static const char *const words[] = {"keep", "new", NULL};
    char word[8];
    if (!read_word(v, words, word, sizeof word))
        return "must be \"keep\" or \"new\"";
    m->same = word[0] == 'k' ? BF_ON : BF_OFF;
    return NULL;
}

static const char *read_autostart(const json_t *v, struct bf_plan_machine *m)
{
    m->autostart = json_is_true(v);
    return json_is_boolean(v) ? NULL : "must be true or false";
}

// ---- Networks -----------------------------------------------------------------------------------

bool bf_plan_network_ok(const char *text)
{
    const char *colon = strchr(text, ':'), *name = colon ? colon + 1 : "";
    size_t kind = colon ? (size_t)(colon - text) : strlen(text), len = strlen(name);
    if (!colon)
        return strcmp(text, "user") == 0 || strcmp(text, "none") == 0;
    // A bridge is an interface of Linux; libvirt's names are longer.
    bool bridge = kind == 6 && memcmp(text, "bridge", 6) == 0 && len < BF_IFNAME;
    bool network = kind == 7 && memcmp(text, "network", 7) == 0 && len < 100;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
            return false;
    return (bridge || network) && len > 0 && name[0] != '-' && name[0] != '.';
}

static bool is_mac(const char *s)
{
    for (int i = 0; i < BF_MAC_TEXT - 1; i++)
        if (i % 3 == 2 ? s[i] != ':' : !isxdigit((unsigned char)s[i]))
            return false;
    return s[BF_MAC_TEXT - 1] == 0;
}

static bool is_number(const char *s)
{
    size_t digits = strspn(s, "0123456789");
    return digits >= 1 && digits <= 2 && !s[digits];
}

static const char *read_networks(const json_t *v, struct bf_plan_machine *m)
{
    const char *nic;
    json_t *to;
    if (!json_is_object(v) || json_object_size(v) > BF_COUNT(m->network))
        return "must be an object like {\"*\": \"bridge:br0\"}, of at most 33 entries";
    json_object_foreach((json_t *)v, nic, to)
    {
        struct bf_plan_network *n = &m->network[m->networks++];
        if (!is_mac(nic) && !is_number(nic) && strcmp(nic, "*") != 0)
            return "names NICs by MAC address, by number (\"0\"), or all others by \"*\"";
        if (!json_is_string(to) || strlen(json_string_value(to)) != json_string_length(to) ||
            !bf_plan_network_ok(json_string_value(to)))
            return "must name \"bridge:NAME\", \"network:NAME\", \"user\" or \"none\"";
        snprintf(n->nic, sizeof n->nic, "%s", nic);
        for (char *c = n->nic; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        snprintf(n->to, sizeof n->to, "%s", json_string_value(to));
    }
    return NULL;
}

// ---- The table ----------------------------------------------------------------------------------

static const struct {
    const char *key;
    const char *(*read)(const json_t *value, struct bf_plan_machine *m); // NULL, or what is wrong
} keys[] = {
    {"processors", read_processors}, {"memory", read_memory},       {"type", read_type},
    {"disk_bus", read_disk_bus},     {"nic_model", read_nic_model}, {"identity", read_identity},
    {"autostart", read_autostart},   {"networks", read_networks},
};

static enum bf_err read_key(const char *key, const json_t *value, struct bf_plan_machine *out,
                            struct bf_fault *fault)
{
    const char *wrong = NULL;
    size_t i = 0;
    while (i < BF_COUNT(keys) && strcmp(keys[i].key, key) != 0)
        i++;
    if (i == BF_COUNT(keys))
        return fail(fault, "",
                    "has an unknown key; known are processors, memory, type, disk_bus, "
                    "nic_model, identity, autostart, networks");
    wrong = keys[i].read(value, out);
    return wrong ? fail(fault, key, wrong) : BF_OK;
}

enum bf_err bf_plan_machine(const json_t *machine, struct bf_plan_machine *out,
                            struct bf_fault *fault)
{
    const char *key;
    json_t *value;
    enum bf_err err = BF_OK;
    if (!machine)
        return BF_OK;
    if (!json_is_object(machine))
        return fail(fault, "", "must be an object");
    json_object_foreach((json_t *)machine, key, value)
    {
        if (!err)
            err = read_key(key, value, out, fault);
    }
    return err;
}
