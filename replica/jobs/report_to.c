// SPDX-License-Identifier: Apache-2.0
// What a plan's evidence.report_to needs of this server; see report_to.h.
#include "replica/jobs/report_to.h"

#include <stdlib.h>
#include <string.h>

#include "base/fmt.h"
#include "base/log.h"
#include "replica/pki/ca.h"
#include "replica/state/ask.h"
#include "replica/state/file.h"

enum { PATH_SIZE = 4352, ROOT_MAX = 8191 }; // ROOT_MAX: what a plan takes

const char *bf_report_to(const json_t *plan)
{
    return json_string_value(json_object_get(json_object_get(plan, "evidence"), "report_to"));
}

// The URL's host as an address is written for init, IPv6 in brackets (RFC 3986, 3.2).
static bool host_of(const char *url, char *out, size_t size)
{
    const char *at = strstr(url, "://");
    if (!at)
        return false;
    at += 3;
    size_t len = strcspn(at, "/?#");
    const char *user = memrchr(at, '@', len);
    if (user) {
        len -= (size_t)(user + 1 - at);
        at = user + 1;
    }
    const char *bracket = *at == '[' ? memchr(at, ']', len) : NULL;
    size_t host = bracket ? (size_t)(bracket + 1 - at) : strcspn(at, ":");
    if (host > len)
        host = len;
    if (host == 0 || host >= size || memchr(at, ',', host))
        return false;
    memcpy(out, at, host);
    out[host] = 0;
    return true;
}

static bool is_ours(const struct bf_ca *ca, const char *url)
{
    struct bf_ca_addresses own, asked;
    char host[BF_CA_ADDRESS_MAX];
    struct bf_fault ignored;
    if (!host_of(url, host, sizeof host) || bf_ca_addresses_parse(&asked, host, &ignored) ||
        bf_ca_addresses(ca, &own, &ignored))
        return false;
    for (uint32_t i = 0; i < own.count; i++)
        if (strcmp(own.text[i], asked.text[0]) == 0)
            return true;
    return false;
}

void bf_report_to_trust(const struct bf_state *state, json_t *evidence)
{
    const char *url = json_string_value(json_object_get(evidence, "report_to"));
    char path[PATH_SIZE];
    struct bf_fault ignored;
    struct bf_ca *ca = NULL;
    uint8_t *pem = NULL;
    size_t len;
    if (!url || json_object_get(evidence, "ca") || bf_ca_open(&ca, bf_state_path(state), &ignored))
        return;
    bf_snprintf(path, sizeof path, "%s/pki/root.pem", bf_state_path(state));
    if (is_ours(ca, url) && bf_file_read(path, ROOT_MAX, &pem, &len, &ignored) == BF_OK)
        json_object_set_new(evidence, "ca", json_stringn((const char *)pem, len));
    free(pem);
    bf_ca_close(ca);
}

void bf_report_to_check(struct bf_runner *r)
{
    json_t *plan = json_loadb(r->plan, r->plan_len, 0, NULL), *answer = NULL;
    const char *url = bf_report_to(plan);
    enum bf_err err = url ? bf_control_query(r->state, BF_CONTROL_STATUS, &answer, NULL) : BF_OK;
    if (url && err != BF_ERR_TIMEOUT && !json_is_string(json_object_get(answer, "reports")))
        bf_runner_say(r, BF_LOG_WARNING,
                      "the machine is to report to %.80s, and %s: start bootferryd with --reports "
                      "ADDR:PORT, unless that is another server",
                      url, err ? "no bootferryd runs here" : "bootferryd listens for no reports");
    json_decref(answer);
    json_decref(plan);
}
