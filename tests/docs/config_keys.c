// SPDX-License-Identifier: Apache-2.0
// Prints the keys of the configuration as the table that docs/configuration.md contains.
#include <stdio.h>

#include "base/config.h"

static void print_group(const char *heading, int trust)
{
    uint32_t count;
    const struct bf_config_key *table = bf_config_table(&count);
    printf("\n### %s\n", heading);
    for (uint32_t i = 0; i < count; i++)
        if (table[i].trust == trust)
            printf("\n`%s=%s`%s%s  \n%s\n", table[i].name, table[i].form,
                   table[i].repeat ? " (repeatable)" : "", table[i].secret ? " (secret)" : "",
                   table[i].help);
}

int main(void)
{
    print_group("What an administrator sets", 0);
    print_group("Root of trust and identity", 1);
    return 0;
}
