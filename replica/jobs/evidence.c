// SPDX-License-Identifier: Apache-2.0
// Reads the lines of evidence.h. Each key has a form of its own, and what does not have it was cut
// by something else on the same line, or is not ours.
#include "replica/jobs/evidence.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "replica/jobs/plain.h"

static const char mark[] = "BOOTFERRY-EVIDENCE ";

// The next word of *at, which is cut out of the line; NULL at its end.
static char *word_of(char **at)
{
    char *word = *at + strspn(*at, " ");
    if (!*word)
        return NULL;
    *at = word + strcspn(word, " ");
    if (**at)
        *(*at)++ = 0;
    return word;
}

// The only word of a value; NULL when there are none or more.
static char *only_word(char *value)
{
    char *word = word_of(&value);
    return word && !word_of(&value) ? word : NULL;
}

static bool yes_or_no(const char *word, bool *out)
{
    if (!word || (strcmp(word, "yes") != 0 && strcmp(word, "no") != 0))
        return false;
    *out = strcmp(word, "yes") == 0;
    return true;
}

// An IP address as inet_ntop(3) writes it.
static bool normal_ip(const char *text, char out[INET6_ADDRSTRLEN], int *family)
{
    unsigned char raw[16];
    *family = strchr(text, ':') ? AF_INET6 : AF_INET;
    return inet_pton(*family, text, raw) == 1 && inet_ntop(*family, raw, out, INET6_ADDRSTRLEN);
}

// "192.0.2.5/24". `text` is changed for a moment.
static bool normal_cidr(char *text, char *out, size_t size)
{
    char ip[INET6_ADDRSTRLEN], *slash = strchr(text, '/');
    int family;
    if (!slash || !isdigit((unsigned char)slash[1]) || strspn(slash + 1, "0123456789") > 3 ||
        slash[1 + strspn(slash + 1, "0123456789")])
        return false;
    int prefix = atoi(slash + 1);
    *slash = 0;
    bool ok = normal_ip(text, ip, &family) && prefix <= (family == AF_INET ? 32 : 128);
    *slash = '/';
    return ok && snprintf(out, size, "%s/%d", ip, prefix) < (int)size;
}

static bool normal_mac(const char *text, char out[18])
{
    if (!text || strlen(text) != 17)
        return false;
    for (int i = 0; i < 17; i++) {
        if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
            return false;
        out[i] = (char)tolower((unsigned char)text[i]);
    }
    out[17] = 0;
    return true;
}

// ---- A key's value ------------------------------------------------------------------------------

static void take_boot_id(struct bf_evidence *e, char *value)
{
    const char *id = only_word(value);
    if (!id || strlen(id) != 36 || strspn(id, "0123456789abcdef-") != 36)
        return;
    if (strcmp(e->boot_id, id) != 0)
        *e = (struct bf_evidence){0};
    memcpy(e->boot_id, id, 37);
}

static void take_host(struct bf_evidence *e, char *value)
{
    const char *host = only_word(value);
    if (host && strlen(host) < sizeof e->host)
        memcpy(e->host, host, strlen(host) + 1);
}

static void take_root(struct bf_evidence *e, char *value)
{
    const char *device = word_of(&value), *type = device ? only_word(value) : NULL;
    char root[BF_PLAIN_MAX + 1];
    if (!type || snprintf(root, sizeof root, "%s %s", device, type) >= (int)sizeof e->root)
        return;
    memcpy(e->root, root, strlen(root) + 1);
}

static void take_root_writable(struct bf_evidence *e, char *value)
{
    yes_or_no(only_word(value), &e->root_writable);
}

static void take_gateway(struct bf_evidence *e, char *value)
{
    struct bf_evidence_gateway g = {.answers = false};
    const char *address = word_of(&value);
    uint32_t i = 0;
    int family;
    if (!address || !normal_ip(address, g.address, &family) ||
        !yes_or_no(only_word(value), &g.answers))
        return;
    while (i < e->gateways && strcmp(e->gateway[i].address, g.address) != 0)
        i++;
    if (i == BF_COUNT(e->gateway))
        return;
    e->gateway[i] = g;
    e->gateways += i == e->gateways;
}

// Addresses beyond what there is room for are left out; a word that is none makes the line invalid.
static void take_nic(struct bf_evidence *e, char *value)
{
    struct bf_evidence_nic n = {.mac = ""};
    char one[64], *word = word_of(&value);
    uint32_t i = 0;
    size_t len = 0;
    if (!normal_mac(word, n.mac))
        return;
    while ((word = word_of(&value))) {
        if (!normal_cidr(word, one, sizeof one))
            return;
        size_t more = strlen(one) + (len > 0);
        if (len + more < sizeof n.addresses)
            len += (size_t)snprintf(n.addresses + len, sizeof n.addresses - len, "%s%s",
                                    len ? " " : "", one);
    }
    while (i < e->nics && strcmp(e->nic[i].mac, n.mac) != 0)
        i++;
    if (i == BF_COUNT(e->nic))
        return;
    e->nic[i] = n;
    e->nics += i == e->nics;
}

static void take_failed_unit(struct bf_evidence *e, char *value)
{
    char *name = only_word(value);
    if (!name)
        return;
    if (strlen(name) >= sizeof e->unit[0])
        name[sizeof e->unit[0] - 1] = 0;
    for (uint32_t i = 0; i < e->units; i++)
        if (strcmp(e->unit[i], name) == 0)
            return;
    if (e->units < BF_COUNT(e->unit))
        memcpy(e->unit[e->units++], name, strlen(name) + 1);
}

static void take_end(struct bf_evidence *e, char *value)
{
    const char *word = only_word(value);
    e->complete = e->complete || (word && strcmp(word, "-") == 0);
}

static const struct {
    const char *key;
    void (*take)(struct bf_evidence *e, char *value);
} keys[] = {
    {"boot-id", take_boot_id},
    {"host", take_host},
    {"root", take_root},
    {"root-writable", take_root_writable},
    {"gateway", take_gateway},
    {"nic", take_nic},
    {"failed-unit", take_failed_unit},
    {"end", take_end},
};

static void take_line(struct bf_evidence *e, const char *word, char *at)
{
    const char *given = word_of(&at), *key = given ? word_of(&at) : NULL;
    if (!key || strcmp(given, word) != 0)
        return;
    for (size_t i = 0; i < BF_COUNT(keys); i++)
        if (strcmp(keys[i].key, key) == 0)
            keys[i].take(e, at);
}

void bf_evidence_read(struct bf_evidence *e, const char *word, const char *bytes, size_t len)
{
    struct bf_plain p;
    if (!word[0])
        return;
    bf_plain_begin(&p, bytes, len);
    while (bf_plain_next(&p)) {
        // A line that was cut may stand before a whole one.
        char *at = NULL;
        for (char *next = strstr(p.line, mark); next; next = strstr(next + 1, mark))
            at = next + sizeof mark - 1;
        if (at && p.whole)
            take_line(e, word, at);
    }
}
