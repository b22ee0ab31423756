// SPDX-License-Identifier: Apache-2.0
// Writes down what an inspection found as a plan; see present.h. An entry is made for each
// interface with hardware behind it, and for each bridge, bond and VLAN that has an address. What a
// plan cannot say of an interface is left out of its entry, since what is left out stays as it is.
#include "finalize/plan/present.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/core/diff.h"
#include "finalize/core/plan.h"
#include "finalize/plan/compose.h"
#include "finalize/target/plan_parse.h"

#define INTERFACES_MAX 128 // more no inspection finds

struct maker {
    json_t *interfaces;
    const json_t *nics;
    json_t *entries;
    struct bf_text *notes;
};

static const char *field(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static void note(struct maker *m, const char *about, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct maker *m, const char *about, const char *fmt, ...)
{
    struct bf_text line = {0};
    va_list ap;
    va_start(ap, fmt);
    bf_textf(&line, "%s: ", about);
    bf_text_vf(&line, fmt, ap);
    va_end(ap);
    bf_printable(m->notes, bf_text_get(&line), line.len);
    bf_text_str(m->notes, "\n");
    bf_text_free(&line);
}

// ---- What is known ------------------------------------------------------------------------------

static bool is_kind(const json_t *k, const char *kind)
{
    return strcmp(field(k, "kind"), kind) == 0;
}

static bool is_configured(const json_t *k)
{
    return strcmp(field(k, "configured_by"), "none") != 0 && strcmp(field(k, "name"), "lo") != 0;
}

static bool is_addressed(const json_t *k)
{
    return json_is_true(json_object_get(k, "dhcp")) ||
           json_array_size(json_object_get(k, "addresses"));
}

// Several files or stacks may speak of one interface: the entry that has an address counts, else
// the first.
static bool is_shadowed(const struct maker *m, size_t at)
{
    const json_t *own = json_array_get(m->interfaces, at);
    const char *name = field(own, "name");
    for (size_t i = 0; *name && i < json_array_size(m->interfaces); i++) {
        const json_t *k = json_array_get(m->interfaces, i);
        if (i == at || !is_configured(k) || strcmp(field(k, "name"), name) != 0)
            continue;
        if (is_addressed(k) == is_addressed(own) ? i < at : is_addressed(k))
            return true;
    }
    return false;
}

static size_t hardware_count(const struct maker *m)
{
    size_t i, count = 0;
    const json_t *k;
    json_array_foreach(m->interfaces, i, k)
    {
        count += is_configured(k) && is_kind(k, "hardware") && !is_shadowed(m, i) &&
                 !json_is_true(json_object_get(k, "pattern"));
    }
    return count;
}

static bool is_nic(const struct maker *m, const char *mac)
{
    size_t i;
    const json_t *nic;
    json_array_foreach(m->nics, i, nic)
    {
        if (strcasecmp(field(nic, "mac"), mac) == 0)
            return true;
    }
    return false;
}

static bool is_taken(const struct maker *m, const char *mac)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(m->entries, i, entry)
    {
        if (strcasecmp(field(json_object_get(entry, "match"), "mac"), mac) == 0)
            return true;
    }
    return false;
}

// The MAC address that the files or, where there is one of each only, the machine itself says.
static const char *mac_of(struct maker *m, const json_t *k, const char *name)
{
    const char *mac = field(k, "mac");
    if (!*mac && json_array_size(m->nics) == 1 && hardware_count(m) == 1)
        return field(json_array_get(m->nics, 0), "mac");
    if (!*mac || !*name)
        return mac;
    if (is_taken(m, mac)) {
        note(m, name, "its MAC address %s is that of another interface, too: it is matched by name",
             mac);
        return "";
    }
    if (json_array_size(m->nics) && !is_nic(m, mac)) {
        note(m, name,
             "the files give it the MAC address %s, which no NIC of the machine has: it is "
             "matched by name",
             mac);
        return "";
    }
    return mac;
}

// ---- An entry -----------------------------------------------------------------------------------

static bool is_sound(const json_t *entry)
{
    struct bf_fault fault;
    json_t *copy = json_deep_copy(entry);
    bool sound = copy && bf_compose_check_nic(copy, &fault) == BF_OK;
    json_decref(copy);
    return sound;
}

static void set_gateway(struct maker *m, json_t *entry, const json_t *k, const char *name)
{
    const char *gateway[] = {field(k, "gateway4"), field(k, "gateway6")};
    json_t *list = json_array();
    for (size_t i = 0; i < 2; i++)
        if (*gateway[i])
            json_array_append_new(list, json_string(gateway[i]));
    if (json_array_size(list) == 1)
        json_object_set(entry, "gateway", json_array_get(list, 0));
    else if (json_array_size(list))
        json_object_set(entry, "gateway", list);
    if (json_array_size(list) && !is_sound(entry)) {
        json_object_del(entry, "gateway");
        note(m, name,
             "its gateway %s%s%s is not in the network of its addresses and left out: it "
             "stays until you change the addresses",
             gateway[0], *gateway[0] && *gateway[1] ? ", " : "", gateway[1]);
    } else if (!json_array_size(list) && json_object_get(entry, "addresses")) {
        note(m, name,
             "no gateway was found; while the addresses stay, the present one does, if there is "
             "one: add \"gateway\" when you change them");
    }
    json_decref(list);
}

static void set_addresses(struct maker *m, json_t *entry, const json_t *k, const char *name)
{
    const json_t *list = json_object_get(k, "addresses");
    bool dhcp = json_is_true(json_object_get(k, "dhcp"));
    if (!json_is_true(json_object_get(k, "addresses_known"))) {
        note(m, name,
             "its addresses are not read from the files of %s: they stay unless you add "
             "\"addresses\" or \"dhcp\"",
             field(k, "configured_by"));
        return;
    }
    if (dhcp)
        json_object_set_new(entry, "dhcp", json_true());
    if (json_array_size(list))
        json_object_set_new(entry, "addresses", json_deep_copy(list));
    if (is_sound(entry)) {
        set_gateway(m, entry, k, name);
        return;
    }
    char *text = json_dumps(list, JSON_COMPACT);
    json_object_del(entry, "dhcp");
    json_object_del(entry, "addresses");
    note(m, name,
         "a plan cannot say what it has (%s%s): that stays unless you add \"addresses\" or "
         "\"dhcp\"",
         dhcp ? "DHCP and " : "", text ? text : "");
    free(text);
}

static void add(struct maker *m, const json_t *k)
{
    const char *name = field(k, "name"), *file = field(k, "file");
    const char *mac = is_kind(k, "hardware") ? mac_of(m, k, name) : "";
    const char *about = *name ? name : *mac ? mac : file;
    json_t *match = json_object();
    json_t *entry = json_pack("{s:o}", "match", match);
    if (*mac)
        json_object_set_new(match, "mac", json_string(mac));
    if (*name)
        json_object_set_new(match, "name", json_string(name));
    if (json_is_true(json_object_get(k, "pattern")) || !is_sound(entry)) {
        note(m, about,
             "%s configures interfaces by a pattern, or by what no plan can say: add an "
             "entry for each that changes",
             *file ? file : field(k, "configured_by"));
    } else if (json_array_size(m->entries) == BF_PLAN_NICS) {
        note(m, about, "left out: a plan has at most %d interfaces", BF_PLAN_NICS);
    } else {
        set_addresses(m, entry, k, about);
        json_array_append(m->entries, entry);
    }
    json_decref(entry);
}

static void add_all(struct maker *m)
{
    size_t i;
    const json_t *k, *nic;
    json_array_foreach(m->interfaces, i, k)
    {
        bool wanted = is_kind(k, "hardware") || (is_addressed(k) && !is_kind(k, "other"));
        if (is_configured(k) && wanted && !is_shadowed(m, i))
            add(m, k);
    }
    json_array_foreach(m->nics, i, nic)
    {
        if (!is_taken(m, field(nic, "mac")))
            note(m, field(nic, "mac"), "a NIC of the machine; no file says which interface it is");
    }
}

// What the report warns of about an encrypted or damaged file system comes before any plan.
static void add_volumes(struct maker *m, const json_t *report)
{
    size_t i;
    const json_t *n;
    json_array_foreach(json_object_get(report, "notes"), i, n)
    {
        if (strcmp(field(n, "level"), "warning") == 0 &&
            strncmp(field(n, "about"), "UUID=", 5) == 0)
            note(m, field(n, "about"), "%s", field(n, "text"));
    }
}

// The report comes from a VM that a hostile disk may have taken over.
static json_t *bounded(const json_t *list)
{
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(list) && i < INTERFACES_MAX; i++)
        json_array_append(out, json_array_get(list, i));
    return out;
}

// ---- The plan -----------------------------------------------------------------------------------

static bool is_plan(const json_t *plan)
{
    struct bf_fault fault;
    char *text = json_dumps(plan, JSON_COMPACT);
    struct bf_plan *parsed = malloc(sizeof *parsed);
    bool sound = text && parsed && !bf_plan_parse(text, strlen(text), parsed, &fault);
    free(parsed);
    free(text);
    return sound;
}

// What the inspection needed, the plan needs, too. A passphrase stays where it is: what is printed
// here may end anywhere.
static void add_given(struct maker *m, json_t *plan, const json_t *given)
{
    static const char *const keys[] = {"root", "mounts", "check"};
    json_t *unlock = json_array();
    size_t i;
    json_t *key;
    for (i = 0; i < BF_COUNT(keys); i++)
        if (json_object_get(given, keys[i]))
            json_object_set(plan, keys[i], json_object_get(given, keys[i]));
    json_array_foreach(json_object_get(given, "unlock"), i, key)
    {
        if (json_object_get(key, "key_file"))
            json_array_append(unlock, key);
        else
            note(m, "unlock", "the key of UUID=%s is not printed: add it", field(key, "uuid"));
    }
    if (json_array_size(unlock))
        json_object_set(plan, "unlock", unlock);
    json_decref(unlock);
}

json_t *bf_present_plan(const json_t *report, const json_t *nics, const char *target,
                        const json_t *given, struct bf_text *notes)
{
    const json_t *system = json_object_get(report, "system");
    const char *firmware = field(system, "firmware"), *hostname = field(system, "hostname");
    json_t *plan = json_pack("{s:i,s:{s:s}}", "version", 1, "target", "kind", target);
    struct maker m = {
        .interfaces = bounded(json_object_get(json_object_get(system, "network"), "interfaces")),
        .nics = nics,
        .entries = json_array(),
        .notes = notes,
    };
    if (strcmp(firmware, "uefi") == 0 || strcmp(firmware, "bios") == 0)
        json_object_set_new(json_object_get(plan, "target"), "firmware", json_string(firmware));
    if (*hostname)
        json_object_set_new(plan, "hostname", json_string(hostname));
    if (*hostname && !is_plan(plan)) {
        json_object_del(plan, "hostname");
        note(&m, "hostname", "the present one, %s, is none that a plan can have: it stays",
             hostname);
    }
    add_given(&m, plan, given);
    add_all(&m);
    add_volumes(&m, report);
    json_decref(m.interfaces);
    json_object_set_new(plan, "nics", m.entries);
    if (is_plan(plan))
        return plan;
    json_object_del(plan, "nics");
    note(&m, "nics", "the interfaces contradict each other, and are left out");
    return plan;
}
