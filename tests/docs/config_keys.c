// SPDX-License-Identifier: Apache-2.0
// Prints the keys of the configuration as the table that docs/configuration.md contains. With
// arguments KEY=VALUE: whether a medium that is complete otherwise may have them, all together;
// says why not, and ends with status 1 then.
#include <stdio.h>
#include <string.h>

#include "base/config.h"

enum { COLUMNS = 120 }; // of the documents

static void print_wrapped(const char *text)
{
    while (strlen(text) > COLUMNS) {
        size_t len = COLUMNS;
        while (len && text[len] != ' ')
            len--;
        if (!len)
            break;
        printf("%.*s\n", (int)len, text);
        text += len + 1;
    }
    printf("%s\n", text);
}

static void print_group(const char *heading, int trust)
{
    uint32_t count;
    const struct bf_config_key *table = bf_config_table(&count);
    printf("\n### %s\n", heading);
    for (uint32_t i = 0; i < count; i++)
        if (table[i].trust == trust) {
            printf("\n`%s=%s`%s%s  \n", table[i].name, table[i].form,
                   table[i].repeat ? " (repeatable)" : "", table[i].secret ? " (secret)" : "");
            print_wrapped(bf_config_help(i));
        }
}

static int refused(int count, char **settings)
{
    static struct bf_config c;
    char reason[256] = "";
    uint32_t line;
    enum bf_err err = BF_OK;
    bf_config_defaults(&c);
    for (int i = 0; !err && i < count; i++)
        err = bf_config_parse(&c, settings[i], strlen(settings[i]), BF_ORIGIN_SECTION, &line,
                              reason, sizeof reason);
    if (!c.servers)
        strcpy(c.server[c.servers++].host, "10.0.0.9");
    c.root.len = c.certificate.len = c.key.len = 1;
    if (!err)
        err = bf_config_check(&c, reason, sizeof reason);
    if (err)
        printf("%s\n", reason);
    return err != BF_OK;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return refused(argc - 1, argv + 1);
    print_group("What an administrator sets", 0);
    print_group("Root of trust and identity", 1);
    return 0;
}
