// SPDX-License-Identifier: Apache-2.0
// Parses the plan; see plan_parse.h and docs/finalizer.md. Everything is copied into fixed, bounded
// fields, so nothing of the JSON lives on. The error message names the place in the plan and what
// would be right.
#include "finalize/target/plan_parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config.h"
#include "finalize/target/plan_machine.h"
#include "finalize/target/targets.h"

struct parser {
    struct bf_fault *fault;
    char at[128]; // the place that is being read
};

static enum bf_err fail(struct parser *p, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

// The first failure counts.
static enum bf_err fail(struct parser *p, const char *key, const char *fmt, ...)
{
    char what[sizeof p->fault->what];
    va_list ap;
    if (p->fault->code)
        return p->fault->code;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return bf_fault_set(p->fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct the plan",
                        "plan: %s%s%s%s%s", p->at, p->at[0] && key[0] && key[0] != '[' ? "." : "",
                        key, p->at[0] || key[0] ? ": " : "", what);
}

static enum bf_err known_keys(struct parser *p, const json_t *object, const char *const *allowed)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        const char *const *a = allowed;
        while (*a && strcmp(*a, key) != 0)
            a++;
        if (!*a) {
            // The key is the plan's own text: shown only as far as it is a plain word.
            size_t plain =
                strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
            char shown[48];
            snprintf(shown, sizeof shown, "%.*s", (int)(plain < 40 ? plain : 40), key);
            return fail(p, shown, "unknown key");
        }
    }
    return BF_OK;
}

// Copies an optional string.
static enum bf_err text(struct parser *p, const json_t *object, const char *key, char *out,
                        size_t size)
{
    const json_t *v = json_object_get(object, key);
    if (!v)
        return BF_OK;
    const char *s = json_string_value(v);
    if (!s)
        return fail(p, key, "must be a string");
    if (!*s || strlen(s) >= size || strlen(s) != json_string_length(v))
        return fail(p, key, "must have 1 to %zu characters", size - 1);
    memcpy(out, s, strlen(s) + 1);
    return BF_OK;
}

static enum bf_err boolean(struct parser *p, const json_t *object, const char *key, bool *out)
{
    const json_t *v = json_object_get(object, key);
    if (v && !json_is_boolean(v))
        return fail(p, key, "must be true or false");
    if (v)
        *out = json_is_true(v);
    return BF_OK;
}

static enum bf_err parse_mac(struct parser *p, const json_t *object, const char *key,
                             char out[BF_MAC_TEXT])
{
    if (text(p, object, key, out, BF_MAC_TEXT) || !out[0])
        return p->fault->code;
    for (int i = 0; i < 17; i++) {
        bool ok = i % 3 == 2 ? out[i] == ':' : isxdigit((unsigned char)out[i]) != 0;
        if (!ok)
            return fail(p, key, "must be a MAC address like 52:54:00:12:34:56");
        out[i] = (char)tolower((unsigned char)out[i]);
    }
    if (strchr("13579bdf", out[1]) || strcmp(out, "00:00:00:00:00:00") == 0)
        return fail(p, key, "is not the address of one interface");
    return BF_OK;
}

static bool parse_ip(const char *s, struct bf_address *a)
{
    unsigned char raw[16];
    a->family = strchr(s, ':') ? AF_INET6 : AF_INET;
    return inet_pton(a->family, s, raw) == 1 && inet_ntop(a->family, raw, a->text, sizeof a->text);
}

// "192.0.2.5/24"; the length is required.
static bool parse_cidr(const char *s, struct bf_address *a)
{
    char ip[INET6_ADDRSTRLEN];
    const char *slash = strchr(s, '/');
    if (!slash || (size_t)(slash - s) >= sizeof ip)
        return false;
    memcpy(ip, s, (size_t)(slash - s));
    ip[slash - s] = 0;
    size_t digits = strspn(slash + 1, "0123456789");
    if (!parse_ip(ip, a) || digits < 1 || digits > 3 || slash[1 + digits])
        return false;
    a->prefix = 0;
    for (const char *d = slash + 1; *d; d++)
        a->prefix = a->prefix * 10 + (unsigned)(*d - '0');
    return a->prefix >= 1 && a->prefix <= (a->family == AF_INET ? 32 : 128);
}

static enum bf_err list(struct parser *p, const json_t *o, const char *key, size_t max,
                        json_t **out)
{
    *out = json_object_get(o, key);
    if (*out && !json_is_array(*out))
        return fail(p, key, "must be a list");
    if (*out && json_array_size(*out) > max)
        return fail(p, key, "has more than %zu entries", max);
    return BF_OK;
}

static const char *item(struct parser *p, const json_t *array, const char *key, size_t i,
                        char *place, size_t size)
{
    const json_t *v = json_array_get(array, i);
    snprintf(place, size, "%s[%zu]", key, i);
    if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v)) {
        fail(p, place, "must be a string");
        return NULL;
    }
    return json_string_value(v);
}

static enum bf_err parse_gateway(struct parser *p, const char *place, const char *s,
                                 struct bf_plan_nic *nic)
{
    struct bf_address ip;
    if (!parse_ip(s, &ip))
        return fail(p, place, "must be an IP address");
    char *out = ip.family == AF_INET ? nic->gateway4 : nic->gateway6;
    if (out[0])
        return fail(p, place, "is a second gateway of its family");
    // An address that is a network of its own has its gateway outside, on the link.
    bool reachable = ip.family == AF_INET6 && strncmp(ip.text, "fe80:", 5) == 0;
    for (size_t i = 0; i < nic->addresses; i++) {
        const struct bf_address *a = &nic->address[i];
        bool alone = a->prefix == (a->family == AF_INET ? 32 : 128);
        reachable =
            reachable || (a->family == ip.family && (alone || bf_address_reaches(a, ip.text)));
    }
    if (!reachable)
        return fail(p, place, "is not in the network of any address");
    memcpy(out, ip.text, INET6_ADDRSTRLEN);
    return BF_OK;
}

// One gateway, or a list with one of each family.
static enum bf_err parse_gateways(struct parser *p, const json_t *o, struct bf_plan_nic *nic)
{
    const json_t *v = json_object_get(o, "gateway");
    json_t *a;
    char place[32];
    if (!v)
        return BF_OK;
    if (json_is_string(v))
        return parse_gateway(p, "gateway", json_string_value(v), nic);
    if (list(p, o, "gateway", 2, &a))
        return p->fault->code;
    for (size_t i = 0; i < json_array_size(a); i++) {
        const char *s = item(p, a, "gateway", i, place, sizeof place);
        if (!s || parse_gateway(p, place, s, nic))
            return p->fault->code;
    }
    return BF_OK;
}

static enum bf_err parse_addresses(struct parser *p, const json_t *o, struct bf_plan_nic *nic)
{
    json_t *a;
    char place[32];
    if (list(p, o, "addresses", BF_PLAN_ADDRESSES, &a))
        return p->fault->code;
    for (size_t i = 0; i < json_array_size(a); i++) {
        const char *s = item(p, a, "addresses", i, place, sizeof place);
        if (!s)
            return p->fault->code;
        if (!parse_cidr(s, &nic->address[i]))
            return fail(p, place, "must be an address with its length, like 192.0.2.5/24");
        if (nic->dhcp && nic->address[i].family == AF_INET)
            return fail(p, place, "an IPv4 address beside \"dhcp\": true");
        nic->addresses++;
    }
    return BF_OK;
}

static bool valid_domain(const char *s, size_t max)
{
    size_t len = strlen(s), label = 0;
    if (len == 0 || len > max)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '.') {
            if (label == 0 || s[i - 1] == '-')
                return false;
            label = 0;
        } else {
            if (!isalnum((unsigned char)s[i]) && !(s[i] == '-' && label))
                return false;
            if (++label > 63)
                return false;
        }
    }
    return label > 0 && s[len - 1] != '-';
}

static enum bf_err parse_dns(struct parser *p, const json_t *o, struct bf_plan_nic *nic)
{
    json_t *a;
    char place[32];
    struct bf_address ip;
    if (list(p, o, "dns", BF_PLAN_DNS, &a))
        return p->fault->code;
    for (size_t i = 0; i < json_array_size(a); i++) {
        const char *s = item(p, a, "dns", i, place, sizeof place);
        if (!s)
            return p->fault->code;
        if (!parse_ip(s, &ip))
            return fail(p, place, "must be an IP address");
        memcpy(nic->dns[nic->dns_count++], ip.text, sizeof ip.text);
    }
    if (list(p, o, "search", BF_PLAN_DNS, &a))
        return p->fault->code;
    for (size_t i = 0; i < json_array_size(a); i++) {
        const char *s = item(p, a, "search", i, place, sizeof place);
        if (!s)
            return p->fault->code;
        if (!valid_domain(s, BF_DOMAIN_MAX - 1))
            return fail(p, place, "must be a domain name");
        memcpy(nic->search[nic->search_count++], s, strlen(s) + 1);
    }
    return BF_OK;
}

static bool valid_ifname(const char *s)
{
    for (const char *c = s; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
            return false;
    return strcmp(s, ".") != 0 && strcmp(s, "..") != 0 && strcmp(s, "lo") != 0 && s[0] != '-';
}

// The address that an interface of the source has, which is known without its length.
static enum bf_err parse_old_address(struct parser *p, const json_t *m, struct bf_plan_nic *nic)
{
    char given[INET6_ADDRSTRLEN] = "";
    struct bf_address ip;
    if (text(p, m, "address", given, sizeof given) || !given[0])
        return p->fault->code;
    if (!parse_ip(given, &ip))
        return fail(p, "address", "must be an IP address without a length, like 192.0.2.5");
    memcpy(nic->old_address, ip.text, sizeof ip.text);
    return BF_OK;
}

static enum bf_err parse_match(struct parser *p, const json_t *nic_json, struct bf_plan_nic *nic)
{
    static const char *const keys[] = {"mac", "name", "address", NULL};
    const json_t *m = json_object_get(nic_json, "match");
    if (!json_is_object(m))
        return fail(p, "match",
                    "is required: {\"mac\": ...}, {\"name\": ...} or {\"address\": ...}");
    size_t base = strlen(p->at);
    snprintf(p->at + base, sizeof p->at - base, ".match");
    if (known_keys(p, m, keys) || parse_mac(p, m, "mac", nic->mac) ||
        text(p, m, "name", nic->name, sizeof nic->name))
        return p->fault->code;
    if (!valid_ifname(nic->name))
        return fail(p, "name", "is not an interface's name");
    if (parse_old_address(p, m, nic))
        return p->fault->code;
    p->at[base] = 0;
    if (!nic->mac[0] && !nic->name[0] && !nic->old_address[0])
        return fail(p, "match", "needs \"mac\", \"name\" or \"address\"");
    return BF_OK;
}

static enum bf_err parse_nic(struct parser *p, const json_t *o, struct bf_plan_nic *nic)
{
    static const char *const keys[] = {"match",   "mac", "dhcp",   "addresses",
                                       "gateway", "dns", "search", NULL};
    if (!json_is_object(o))
        return fail(p, "entry", "must be an object");
    if (known_keys(p, o, keys) || parse_match(p, o, nic) || parse_mac(p, o, "mac", nic->new_mac) ||
        boolean(p, o, "dhcp", &nic->dhcp) || parse_addresses(p, o, nic) ||
        parse_gateways(p, o, nic) || parse_dns(p, o, nic))
        return p->fault->code;
    if (!bf_nic_readdresses(nic) && (nic->dns_count || nic->search_count))
        return fail(p, "dns", "needs \"dhcp\" or \"addresses\" beside it");
    return BF_OK;
}

// Two entries may not mean the same interface, before or after.
static enum bf_err distinct(struct parser *p, const struct bf_plan *plan)
{
    for (size_t i = 0; i < plan->nics; i++)
        for (size_t j = 0; j < i; j++) {
            const struct bf_plan_nic *a = &plan->nic[i], *b = &plan->nic[j];
            snprintf(p->at, sizeof p->at, "nics[%zu]", i);
            if ((a->mac[0] && strcmp(a->mac, b->mac) == 0) ||
                (a->name[0] && strcmp(a->name, b->name) == 0) ||
                (a->old_address[0] && strcmp(a->old_address, b->old_address) == 0))
                return fail(p, "match", "is the same interface as nics[%zu]", j);
            if (bf_nic_mac(a)[0] && strcmp(bf_nic_mac(a), bf_nic_mac(b)) == 0)
                return fail(p, "mac", "is also the address of nics[%zu]", j);
        }
    p->at[0] = 0;
    return BF_OK;
}

static enum bf_err parse_nics(struct parser *p, const json_t *o, struct bf_plan *plan)
{
    json_t *a;
    if (list(p, o, "nics", BF_PLAN_NICS, &a))
        return p->fault->code;
    for (size_t i = 0; i < json_array_size(a); i++) {
        snprintf(p->at, sizeof p->at, "nics[%zu]", i);
        if (parse_nic(p, json_array_get(a, i), &plan->nic[i]))
            return p->fault->code;
        plan->nics++;
    }
    p->at[0] = 0;
    return distinct(p, plan);
}

static enum bf_err fail_kind(struct parser *p)
{
    struct bf_text names = {0};
    bf_target_names(bf_targets, &names);
    enum bf_err err = fail(p, "kind", "must be one of %s", bf_text_get(&names));
    bf_text_free(&names);
    return err;
}

static enum bf_err parse_target(struct parser *p, const json_t *o, struct bf_plan *plan)
{
    static const char *const keys[] = {"kind", "firmware", "secure_boot", NULL};
    const json_t *t = json_object_get(o, "target");
    bool secure = false;
    if (!json_is_object(t))
        return fail(p, "target", "is required: {\"kind\": ...}");
    snprintf(p->at, sizeof p->at, "target");
    if (known_keys(p, t, keys) || text(p, t, "kind", plan->target, sizeof plan->target) ||
        text(p, t, "firmware", plan->firmware, sizeof plan->firmware) ||
        boolean(p, t, "secure_boot", &secure))
        return p->fault->code;
    if (!bf_target_find(bf_targets, plan->target))
        return fail_kind(p);
    if (plan->firmware[0] && strcmp(plan->firmware, "uefi") && strcmp(plan->firmware, "bios"))
        return fail(p, "firmware", "must be \"uefi\" or \"bios\"");
    if (secure && strcmp(plan->firmware, "bios") == 0)
        return fail(p, "secure_boot", "needs UEFI firmware");
    if (json_object_get(t, "secure_boot"))
        plan->secure_boot = secure ? BF_ON : BF_OFF;
    p->at[0] = 0;
    return BF_OK;
}

// The bytes of a passphrase, or of a key in base64. A key file is read by whoever starts the VM.
static enum bf_err parse_key(struct parser *p, const json_t *o, struct bf_plan_key *key)
{
    char passphrase[BF_PASSPHRASE_MAX] = "";
    const json_t *encoded = json_object_get(o, "key");
    key->key_len = sizeof key->key;
    if (text(p, o, "uuid", key->uuid, sizeof key->uuid) ||
        text(p, o, "passphrase", passphrase, sizeof passphrase) ||
        text(p, o, "key_file", key->key_file, sizeof key->key_file))
        return p->fault->code;
    int given = (passphrase[0] != 0) + (key->key_file[0] != 0) + (encoded != NULL);
    if (!key->uuid[0] || given != 1)
        return fail(p, "uuid", "and one of \"passphrase\", \"key_file\" and \"key\" are required");
    if (encoded && (!json_is_string(encoded) ||
                    bf_base64_decode(json_string_value(encoded), json_string_length(encoded),
                                     key->key, &key->key_len) ||
                    key->key_len == 0))
        return fail(p, "key", "must be base64 of 1 to %d bytes", BF_KEY_MAX);
    if (!encoded)
        key->key_len = strlen(passphrase);
    memcpy(key->key, passphrase, encoded ? 0 : key->key_len);
    explicit_bzero(passphrase, sizeof passphrase);
    return BF_OK;
}

static enum bf_err parse_unlock(struct parser *p, const json_t *o, struct bf_plan *plan)
{
    static const char *const keys[] = {"uuid", "passphrase", "key_file", "key", NULL};
    json_t *a;
    if (list(p, o, "unlock", BF_PLAN_KEYS, &a))
        return p->fault->code;
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *k = json_array_get(a, i);
        snprintf(p->at, sizeof p->at, "unlock[%zu]", i);
        if (!json_is_object(k))
            return fail(p, "", "must be an object");
        if (known_keys(p, k, keys) || parse_key(p, k, &plan->unlock[i]))
            return p->fault->code;
        plan->unlocks++;
    }
    p->at[0] = 0;
    return BF_OK;
}

static bool is_uuid(const char *name)
{
    return strncmp(name, "UUID=", 5) == 0 && name[5] && name[5] != ',';
}

// {"/boot": "UUID=..."}. A slash at the end of a mount point is the same one.
static enum bf_err parse_mounts(struct parser *p, const json_t *o, struct bf_plan *plan)
{
    const json_t *mounts = json_object_get(o, "mounts");
    const char *at;
    json_t *device;
    if (mounts && !json_is_object(mounts))
        return fail(p, "mounts", "must be an object like {\"/boot\": \"UUID=...\"}");
    if (json_object_size(mounts) > BF_PLAN_MOUNTS)
        return fail(p, "mounts", "has more than %d entries", BF_PLAN_MOUNTS);
    json_object_foreach((json_t *)mounts, at, device)
    {
        struct bf_plan_mount *m = &plan->mount[plan->mounts++];
        const char *name = json_string_value(device);
        if (at[0] != '/' || strlen(at) >= sizeof m->at || !name || !is_uuid(name) ||
            strlen(name) >= sizeof m->device)
            return fail(p, "mounts", "must be an object like {\"/boot\": \"UUID=...\"}");
        snprintf(m->at, sizeof m->at, "%s", at);
        for (size_t n = strlen(at); n > 1 && at[n - 1] == '/'; n--)
            m->at[n - 1] = 0;
        snprintf(m->device, sizeof m->device, "%s", name);
    }
    return BF_OK;
}

static enum bf_err parse_check(struct parser *p, const json_t *o, struct bf_plan *plan)
{
    char s[8] = "quick";
    if (text(p, o, "check", s, sizeof s))
        return p->fault->code;
    plan->check = strcmp(s, "full") == 0  ? BF_CHECK_FULL
                  : strcmp(s, "off") == 0 ? BF_CHECK_OFF
                                          : BF_CHECK_QUICK;
    if (plan->check == BF_CHECK_QUICK && strcmp(s, "quick") != 0)
        return fail(p, "check", "must be \"quick\", \"full\" or \"off\"");
    return BF_OK;
}

// A key with two values, of which the first is what holds without it.
static enum bf_err choice(struct parser *p, const json_t *o, const char *key,
                          const char *const value[2], bool *second)
{
    char s[16] = "";
    if (text(p, o, key, s, sizeof s))
        return p->fault->code;
    if (s[0] && strcmp(s, value[0]) != 0 && strcmp(s, value[1]) != 0)
        return fail(p, key, "must be \"%s\" or \"%s\"", value[0], value[1]);
    *second = strcmp(s, value[1]) == 0;
    return BF_OK;
}

static enum bf_err parse_choices(struct parser *p, const json_t *o, struct bf_plan *plan)
{
    const struct {
        const char *key, *value[2];
        bool *second;
    } choices[] = {
        {"hibernation", {"refuse", "discard"}, &plan->discard_hibernation},
        {"agents", {"disable", "keep"}, &plan->keep_agents},
        {"missing_disks", {"refuse", "nofail"}, &plan->nofail},
        {"rehearsal", {"refuse", "report"}, &plan->try_anyway},
        {"identity", {"keep", "new"}, &plan->new_identity},
        {"undo", {"guest", "point"}, &plan->drop_undo},
    };
    enum bf_err err = BF_OK;
    for (size_t i = 0; i < BF_COUNT(choices) && !err; i++)
        err = choice(p, o, choices[i].key, choices[i].value, choices[i].second);
    return err;
}

// The URL goes into a script of the guest, in quotes.
static bool is_report_url(const char *s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._~:/?#[]@!$&()*+,;=%";
    return strncmp(s, "https://", 8) == 0 && s[8] && s[8] != '/' && strspn(s, allowed) == strlen(s);
}

// Certificates go into a script of the guest, in quotes. A key has no business there.
static bool is_pem(const char *s)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "+/=- \n";
    return strncmp(s, begin, sizeof begin - 1) == 0 && strspn(s, allowed) == strlen(s) &&
           strstr(s, "\n-----END CERTIFICATE-----") && !strstr(s, "PRIVATE");
}

static enum bf_err judge_evidence(struct parser *p, const struct bf_plan *plan)
{
    // A failover gives its own word to a plan that has none.
    bool word = plan->evidence_word[0] || !plan->evidence_to[0];
    if (word && strspn(plan->evidence_word, "0123456789abcdef") != BF_EVIDENCE_WORD_MAX - 1)
        return fail(p, "word", "must be %d hexadecimal digits in lower case",
                    BF_EVIDENCE_WORD_MAX - 1);
    if (plan->evidence_to[0] && !is_report_url(plan->evidence_to))
        return fail(p, "report_to", "must be a URL like https://replica.example.org:7668/");
    if (plan->evidence_ca[0] && !plan->evidence_to[0])
        return fail(p, "ca", "needs \"report_to\" beside it");
    if (plan->evidence_ca[0] && !is_pem(plan->evidence_ca))
        return fail(p, "ca", "must be certificates in PEM");
    return BF_OK;
}

// {"word": ..., "report_to": "https://...", "ca": "-----BEGIN CERTIFICATE-----..."}
static enum bf_err parse_evidence(struct parser *p, const json_t *o, struct bf_plan *plan)
{
    static const char *const keys[] = {"word", "report_to", "ca", NULL};
    const json_t *e = json_object_get(o, "evidence");
    if (!e)
        return BF_OK;
    if (!json_is_object(e))
        return fail(p, "evidence", "must be an object like {\"word\": ...}");
    snprintf(p->at, sizeof p->at, "evidence");
    if (known_keys(p, e, keys) ||
        text(p, e, "word", plan->evidence_word, sizeof plan->evidence_word) ||
        text(p, e, "report_to", plan->evidence_to, sizeof plan->evidence_to) ||
        text(p, e, "ca", plan->evidence_ca, sizeof plan->evidence_ca) || judge_evidence(p, plan))
        return p->fault->code;
    p->at[0] = 0;
    return BF_OK;
}

static enum bf_err parse_plan(struct parser *p, const json_t *o, struct bf_plan *plan)
{
    static const char *const keys[] = {
        "version",     "target",         "hostname",     "root",      "nics",
        "hibernation", "serial_console", "efi_fallback", "unlock",    "agents",
        "identity",    "mounts",         "check",        "rehearsal", "missing_disks",
        "machine",     "evidence",       "undo",         NULL};
    bool serial = false;
    if (!json_is_object(o))
        return fail(p, "", "must be an object");
    if (!json_is_integer(json_object_get(o, "version")) ||
        json_integer_value(json_object_get(o, "version")) != 1)
        return fail(p, "version", "must be 1");
    plan->efi_fallback = true;
    if (known_keys(p, o, keys) || parse_target(p, o, plan) ||
        text(p, o, "hostname", plan->hostname, sizeof plan->hostname) ||
        text(p, o, "root", plan->root, sizeof plan->root) || parse_nics(p, o, plan) ||
        parse_choices(p, o, plan) || boolean(p, o, "serial_console", &serial) ||
        boolean(p, o, "efi_fallback", &plan->efi_fallback) || parse_unlock(p, o, plan) ||
        parse_mounts(p, o, plan) || parse_check(p, o, plan) || parse_evidence(p, o, plan) ||
        bf_plan_machine(json_object_get(o, "machine"), &plan->machine, p->fault))
        return p->fault->code;
    if (plan->hostname[0] && !valid_domain(plan->hostname, sizeof plan->hostname - 1))
        return fail(p, "hostname", "is not a host name");
    if (plan->root[0] && !is_uuid(plan->root))
        return fail(p, "root", "must be UUID=...");
    if (json_object_get(o, "serial_console"))
        plan->serial_console = serial ? BF_ON : BF_OFF;
    return BF_OK;
}

enum bf_err bf_plan_parse(const char *json, size_t len, struct bf_plan *plan,
                          struct bf_fault *fault)
{
    struct parser p = {.fault = fault};
    json_error_t where;
    memset(plan, 0, sizeof *plan);
    *fault = (struct bf_fault){.code = BF_OK};
    if (len > BF_PLAN_MAX)
        return bf_fault_set(fault, BF_ERR_LIMIT, BF_SIDE_CONFIG, "shorten the plan",
                            "plan: larger than %d bytes", BF_PLAN_MAX);
    json_t *o = json_loadb(json, len, JSON_REJECT_DUPLICATES, &where);
    if (!o)
        return bf_fault_set(fault, BF_ERR_CONFIG, BF_SIDE_CONFIG, "correct the plan",
                            "plan: line %d, column %d: %s", where.line, where.column,
                            json_error_code(&where) == json_error_duplicate_key
                                ? "the key is given twice"
                                : "not valid JSON");
    enum bf_err err = parse_plan(&p, o, plan);
    json_decref(o);
    return err;
}
