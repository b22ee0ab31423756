// SPDX-License-Identifier: Apache-2.0
// Whether the names in server= are those of the server's certificate. Others are allowed, since the
// certificate can get them later, but until then each run of the medium ends with auth.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/config.h"
#include "base/mem.h"
#include "replica/media/media.h"
#include "replica/pki/ca.h"

static int is_host(const char *a, const char *b)
{
    struct bf_ip x, y;
    if (bf_ip_parse(a, strlen(a), &x) == BF_OK && bf_ip_parse(b, strlen(b), &y) == BF_OK)
        return memcmp(&x, &y, sizeof x) == 0;
    return strcasecmp(a, b) == 0;
}

// A server that its certificate does not name: the machine will refuse it.
static void warn_of_name(const struct bf_medium *m, const char *host)
{
    const struct bf_ca_addresses *names = m->servers;
    for (uint32_t i = 0; i < names->count; i++)
        if (is_host(host, names->text[i]))
            return;
    printf("Warning: the server's certificate is not for %s: %s will refuse a server\n"
           "of that name. The certificate is for ",
           host, m->name);
    for (uint32_t i = 0; i < names->count; i++)
        printf("%s%s", i ? ", " : "", names->text[i]);
    printf(".\nUse one of these in server=, or add the other: bootferry init --address %s\n", host);
}

void bf_medium_warn_of_names(const struct bf_medium *m)
{
    char reason[160];
    uint32_t line;
    struct bf_config *c = malloc(sizeof *c);
    if (!c)
        return;
    bf_config_defaults(c);
    for (uint32_t i = 0; i < m->settings; i++)
        bf_config_parse(c, m->set[i], strlen(m->set[i]), BF_ORIGIN_SECTION, &line, reason,
                        sizeof reason);
    for (uint32_t i = 0; i < c->servers; i++)
        warn_of_name(m, c->server[i].host);
    bf_wipe(c, sizeof *c);
    free(c);
}
