// SPDX-License-Identifier: Apache-2.0
// See agent.h. The commands are those of QEMU's docs/interop/qemu-ga-ref. Each answer becomes lines
// of evidence under a word of its own, so that one reader judges the form of all that a guest says.
#include "replica/jobs/agent.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"

#define WORD "agent"

enum { INTERFACES_MOST = 256, ADDRESSES_MOST = 64, LINE = 2048 };

// What "return" has; the caller releases *whole.
static json_t *returned(const char *answer, json_t **whole)
{
    *whole = json_loads(answer, 0, NULL);
    return json_object_get(*whole, "return");
}

static bool is_of(const char *text, const char *letters, size_t most)
{
    return text && text[0] && strlen(text) <= most && strspn(text, letters) == strlen(text);
}

static void take(struct bf_evidence *seen, const char *key, const char *value)
{
    char line[LINE + 64];

    bf_snprintf(line, sizeof line, "BOOTFERRY-EVIDENCE " WORD " %s %s\n", key, value);
    bf_evidence_read(seen, WORD, line, strlen(line));
}

bool bf_agent_read_host(const char *answer, struct bf_evidence *seen)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    json_t *whole, *name = json_object_get(returned(answer, &whole), "host-name");
    const char *host = json_string_value(name);

    if (is_of(host, letters, sizeof seen->host - 1))
        take(seen, "host", host);
    json_decref(whole);
    return host != NULL;
}

// " ADDRESS/LENGTH", unless it is of the link alone.
static void add_address(const json_t *address, char line[LINE])
{
    const char *ip = json_string_value(json_object_get(address, "ip-address"));
    const json_t *prefix = json_object_get(address, "prefix");
    size_t len = strlen(line);

    if (is_of(ip, "0123456789abcdefABCDEF:.", 45) && strncasecmp(ip, "fe80:", 5) != 0 &&
        json_is_integer(prefix) && json_integer_value(prefix) >= 0 &&
        json_integer_value(prefix) <= 128)
        bf_snprintf(line + len, LINE - len, " %s/%d", ip, (int)json_integer_value(prefix));
}

static void read_nic(const json_t *interface, struct bf_evidence *seen)
{
    const char *mac = json_string_value(json_object_get(interface, "hardware-address"));
    json_t *addresses = json_object_get(interface, "ip-addresses"), *one;
    char line[LINE];
    size_t i;

    if (!is_of(mac, "0123456789abcdefABCDEF:", 17) || strcmp(mac, "00:00:00:00:00:00") == 0)
        return;
    bf_snprintf(line, sizeof line, "%s", mac);
    json_array_foreach(addresses, i, one)
    {
        if (i < ADDRESSES_MOST && strlen(line) + 64 < sizeof line)
            add_address(one, line);
    }
    take(seen, "nic", line);
}

bool bf_agent_read_nics(const char *answer, struct bf_evidence *seen)
{
    json_t *whole, *interfaces = returned(answer, &whole), *one;
    bool is = json_is_array(interfaces);
    size_t i;

    json_array_foreach(interfaces, i, one)
    {
        if (i < INTERFACES_MOST)
            read_nic(one, seen);
    }
    json_decref(whole);
    return is;
}

enum bf_err bf_agent_look(const struct bf_tgt_ops *ops, const struct bf_tgt *tgt,
                          struct bf_evidence *seen, struct bf_fault *fault)
{
    static const struct {
        const char *command;
        bool (*read)(const char *answer, struct bf_evidence *seen);
    } questions[] = {{"{\"execute\":\"guest-get-host-name\"}", bf_agent_read_host},
                     {"{\"execute\":\"guest-network-get-interfaces\"}", bf_agent_read_nics}};
    enum bf_err err = BF_OK;

    memset(seen, 0, sizeof *seen);
    for (size_t i = 0; !err && i < BF_COUNT(questions); i++) {
        char *answer = NULL;
        err = ops->agent(tgt, questions[i].command, &answer, fault);
        if (!err)
            questions[i].read(answer, seen);
        free(answer);
    }
    return err;
}
