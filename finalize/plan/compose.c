// SPDX-License-Identifier: Apache-2.0
// Adds --mac and --target to a plan; see compose.h. What an option says is checked by the plan's
// own parser, one interface at a time, so that a mistake is told with the option that has it.
#include "finalize/plan/compose.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "finalize/core/plan.h"
#include "finalize/core/text.h"
#include "finalize/target/plan_parse.h"
#include "finalize/target/targets.h"

#define FORM "MAC:ip:ADDRESS[,GATEWAY[,LENGTH[,DNS...]]]"

enum { MAC_LEN = BF_MAC_TEXT - 1 };

// One --mac, cut into its parts.
struct option {
    const char *text; // the whole value, for messages
    char mac[BF_MAC_TEXT];
    char address[64], gateway[64], length[8];
    const char *dns; // the rest: addresses separated by commas, or ""
};

static enum bf_err no(struct bf_fault *fault, const char *text, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static enum bf_err no(struct bf_fault *fault, const char *text, const char *fmt, ...)
{
    char what[sizeof fault->what];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "write it as --mac " FORM,
                        "--mac %.60s: %s", text, what);
}

static enum bf_err no_memory(struct bf_fault *fault)
{
    return bf_fault_set(fault, BF_ERR_NO_MEMORY, BF_SIDE_SERVER, "free some memory",
                        "out of memory");
}

enum bf_err bf_compose_check_nic(json_t *nic, struct bf_fault *fault)
{
    static const char place[] = "plan: nics[0].";
    struct bf_plan *plan = malloc(sizeof *plan);
    json_t *o = json_pack("{s:i,s:{s:s},s:[O]}", "version", 1, "target", "kind",
                          bf_targets[0]->name, "nics", nic);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    enum bf_err err =
        plan && text ? bf_plan_parse(text, strlen(text), plan, fault) : no_memory(fault);
    if (err && strncmp(fault->what, place, sizeof place - 1) == 0)
        memmove(fault->what, fault->what + sizeof place - 1,
                strlen(fault->what + sizeof place - 1) + 1);
    free(text);
    json_decref(o);
    free(plan);
    return err;
}

// ---- The option ---------------------------------------------------------------------------------

// The next field up to a comma; false when it does not fit.
static bool cut(const char **at, char *out, size_t size)
{
    size_t len = strcspn(*at, ",");
    out[0] = 0;
    if (len >= size)
        return false;
    memcpy(out, *at, len);
    out[len] = 0;
    *at += len + ((*at)[len] == ',');
    return true;
}

// The kinds that connect a NIC to something on the new host, which is not the finalizer's.
static enum bf_err other_kind(const char *text, const char *kind, struct bf_fault *fault)
{
    if (strncmp(kind, "network:", 8) == 0 || strncmp(kind, "bridge:", 7) == 0)
        return no(fault, text,
                  "\"%.*s\" is set where the new machine is made, and not in its system; only "
                  "\"ip\" is taken",
                  (int)strcspn(kind, ":"), kind);
    return no(fault, text, "it is not of the form " FORM);
}

static enum bf_err parse(const char *text, struct option *o, struct bf_fault *fault)
{
    *o = (struct option){.text = text, .dns = ""};
    if (strlen(text) <= MAC_LEN || text[MAC_LEN] != ':')
        return no(fault, text, "it is not of the form " FORM);
    memcpy(o->mac, text, MAC_LEN);
    const char *at = text + MAC_LEN + 1;
    if (strncmp(at, "ip:", 3) != 0)
        return other_kind(text, at, fault);
    at += 3;
    if (!cut(&at, o->address, sizeof o->address) || !cut(&at, o->gateway, sizeof o->gateway) ||
        !cut(&at, o->length, sizeof o->length))
        return no(fault, text, "one of its parts is too long");
    o->dns = at;
    if (!o->address[0])
        return no(fault, text, "the address is missing");
    if (!o->length[0] && !strchr(o->address, '/'))
        return no(fault, text,
                  "the prefix length is missing (leave GATEWAY empty if there is none)");
    if (o->length[0] && strchr(o->address, '/'))
        return no(fault, text, "the prefix length is given twice");
    return BF_OK;
}

// ---- The interface ------------------------------------------------------------------------------

static bool same_mac(const json_t *nic, const char *mac)
{
    const char *s = json_string_value(json_object_get(json_object_get(nic, "match"), "mac"));
    return s && strcasecmp(s, mac) == 0;
}

// A list of the entry, made when it is not there; a single text becomes a list of one.
static json_t *list_of(json_t *nic, const char *key)
{
    json_t *v = json_object_get(nic, key);
    if (json_is_array(v))
        return v;
    json_object_set_new(nic, key, v ? json_pack("[O]", v) : json_array());
    return json_object_get(nic, key);
}

static void add_once(json_t *list, const char *text, size_t len)
{
    size_t i;
    const json_t *v;
    json_array_foreach(list, i, v)
    {
        const char *s = json_string_value(v);
        if (s && strlen(s) == len && strncasecmp(s, text, len) == 0)
            return;
    }
    json_array_append_new(list, json_stringn(text, len));
}

static void add_dns(json_t *nic, const char *dns)
{
    while (*dns) {
        size_t len = strcspn(dns, ",");
        add_once(list_of(nic, "dns"), dns, len);
        dns += len + (dns[len] == ',');
    }
}

static void add_to(json_t *nic, const struct option *o)
{
    char address[80];
    snprintf(address, sizeof address, "%s%s%s", o->address, o->length[0] ? "/" : "", o->length);
    add_once(list_of(nic, "addresses"), address, strlen(address));
    if (o->gateway[0])
        add_once(list_of(nic, "gateway"), o->gateway, strlen(o->gateway));
    add_dns(nic, o->dns);
}

// The entry of that MAC address, or a new one. `of_file` counts the entries that the plan's file
// has: one that has addresses there would get those of two.
static enum bf_err entry_of(json_t *nics, const struct option *o, size_t of_file, json_t **nic,
                            struct bf_fault *fault)
{
    size_t i;
    json_array_foreach(nics, i, *nic)
    {
        if (!same_mac(*nic, o->mac))
            continue;
        if (i < of_file && (json_object_get(*nic, "addresses") || json_object_get(*nic, "dhcp")))
            return no(fault, o->text, "the plan has addresses for that NIC already (nics[%zu])", i);
        return BF_OK;
    }
    *nic = json_pack("{s:{s:s}}", "match", "mac", o->mac);
    return *nic && json_array_append_new(nics, *nic) == 0 ? BF_OK : no_memory(fault);
}

// Of two options for one NIC (IPv4 and IPv6), the later is added to what the earlier said.
static enum bf_err add_option(json_t *nics, const char *text, size_t of_file, json_t *begun,
                              struct bf_fault *fault)
{
    struct option o;
    json_t *nic;
    char why[sizeof fault->what];
    enum bf_err err = parse(text, &o, fault);
    if (!err)
        err = entry_of(nics, &o, json_object_get(begun, o.mac) ? 0 : of_file, &nic, fault);
    if (err)
        return err;
    json_object_set_new(begun, o.mac, json_true());
    add_to(nic, &o);
    if (bf_compose_check_nic(nic, fault) == BF_OK)
        return BF_OK;
    snprintf(why, sizeof why, "%s", fault->what);
    return no(fault, text, "%s", why);
}

// ---- The plan -----------------------------------------------------------------------------------

static enum bf_err check(const char *text, size_t len, struct bf_fault *fault)
{
    struct bf_plan *plan = malloc(sizeof *plan);
    enum bf_err err = plan ? bf_plan_parse(text, len, plan, fault) : no_memory(fault);
    free(plan);
    return err;
}

// A fault about the target, with the kinds that there are.
static enum bf_err no_target(struct bf_fault *fault, const char *what, const char *target)
{
    struct bf_text names = {0};
    bf_target_names(bf_targets, &names);
    bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "", "%s%.40s", what, target);
    bf_fault_todo(fault, "name one of these kinds: %s", bf_text_get(&names));
    bf_text_free(&names);
    return fault->code;
}

enum bf_err bf_compose_target(const char *target, struct bf_fault *fault)
{
    return bf_target_find(bf_targets, target)
               ? BF_OK
               : no_target(fault, "--target: there is no kind ", target);
}

static enum bf_err set_target(json_t *plan, const char *target, struct bf_fault *fault)
{
    json_t *t = json_object_get(plan, "target");
    const char *kind = json_string_value(json_object_get(t, "kind"));
    if (!target)
        return t ? BF_OK : no_target(fault, "--mac without --plan needs --target KIND", "");
    if (bf_compose_target(target, fault))
        return fault->code;
    if (kind && strcmp(kind, target) != 0)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "leave one of them out",
                            "--target %.40s: the plan says \"%.40s\"", target, kind);
    if (!t)
        json_object_set_new(plan, "target", json_pack("{s:s}", "kind", target));
    else if (!kind)
        json_object_set_new(t, "kind", json_string(target));
    return BF_OK;
}

static enum bf_err add_all(const struct bf_compose *given, json_t *plan, struct bf_fault *fault)
{
    json_t *nics = list_of(plan, "nics"), *begun = json_object();
    size_t of_file = json_array_size(nics);
    enum bf_err err = set_target(plan, given->target, fault);
    for (size_t i = 0; i < given->macs && !err; i++)
        err = add_option(nics, given->mac[i], of_file, begun, fault);
    json_decref(begun);
    return err;
}

static enum bf_err finish(json_t *plan, char **json, size_t *len, struct bf_fault *fault)
{
    *json = json_dumps(plan, JSON_INDENT(2));
    *len = *json ? strlen(*json) : 0;
    enum bf_err err = *json ? check(*json, *len, fault) : no_memory(fault);
    if (err) {
        free(*json);
        *json = NULL;
    }
    return err;
}

static enum bf_err copy_file(const struct bf_compose *given, char **json, size_t *len,
                             struct bf_fault *fault)
{
    *json = malloc(given->file_len + 1);
    if (!*json)
        return no_memory(fault);
    memcpy(*json, given->file, given->file_len);
    (*json)[given->file_len] = 0;
    *len = given->file_len;
    return BF_OK;
}

// The file's plan, which may leave the target out when that is given beside it. One that cannot be
// added to is told by the plan's own parser.
static enum bf_err load(const struct bf_compose *given, json_t **plan, struct bf_fault *fault)
{
    if (!given->file) {
        *plan = json_pack("{s:i}", "version", 1);
        return *plan ? BF_OK : no_memory(fault);
    }
    *plan = json_loadb(given->file, given->file_len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *nics = json_object_get(*plan, "nics");
    if (!given->target || !json_is_object(*plan) || (nics && !json_is_array(nics)))
        return check(given->file, given->file_len, fault);
    return BF_OK;
}

enum bf_err bf_compose(const struct bf_compose *given, char **json, size_t *len,
                       struct bf_fault *fault)
{
    json_t *plan = NULL;
    *json = NULL;
    enum bf_err err = load(given, &plan, fault);
    if (!err && given->file && !given->target && !given->macs)
        err = copy_file(given, json, len, fault);
    else if (!err)
        err = add_all(given, plan, fault);
    if (!err && !*json)
        err = finish(plan, json, len, fault);
    json_decref(plan);
    return err;
}

// The plan's text without what an inspection does not need.
static enum bf_err reduce(char **json, size_t *len, struct bf_fault *fault)
{
    static const char *const keys[] = {"version", "target", "root", "unlock", "mounts", "check"};
    json_t *plan = json_loadb(*json, *len, 0, NULL), *needed = json_object();
    for (size_t i = 0; i < BF_COUNT(keys); i++)
        if (json_object_get(plan, keys[i]))
            json_object_set(needed, keys[i], json_object_get(plan, keys[i]));
    json_decref(plan);
    explicit_bzero(*json, *len);
    free(*json);
    enum bf_err err = finish(needed, json, len, fault);
    json_decref(needed);
    return err;
}

enum bf_err bf_compose_inspection(const struct bf_compose *given, char **json, size_t *len,
                                  struct bf_fault *fault)
{
    struct bf_compose whole = {
        .file = given->file, .file_len = given->file_len, .target = given->target};
    json_t *plan = json_loadb(given->file, given->file_len, 0, NULL);
    if (json_is_object(plan) && !json_object_get(plan, "target") && !whole.target)
        whole.target = "generic";
    json_decref(plan);
    enum bf_err err = bf_compose(&whole, json, len, fault);
    return err ? err : reduce(json, len, fault);
}
