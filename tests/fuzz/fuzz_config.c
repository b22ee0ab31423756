// SPDX-License-Identifier: Apache-2.0
// Configuration text: first byte chooses the origin. Whatever was accepted is shown and checked,
// and what is shown for a key that is not secret is accepted again.
#include <stdlib.h>
#include <string.h>

#include "base/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show_again(const struct bf_config *c, uint32_t i, const struct bf_config_key *key)
{
    static struct bf_config again;
    char text[8192], reason[256];
    bf_config_show(c, i, text, sizeof text);
    if (!c->origin[i] || key->repeat || text[0] == '(' || !text[0])
        return;
    bf_config_defaults(&again);
    if (bf_config_set(&again, key->name, text, BF_ORIGIN_FILE, reason, sizeof reason) != BF_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bf_config c;
    char reason[256];
    const char *text;
    size_t len;
    uint32_t line, count;
    if (!size)
        return 0;
    bf_config_defaults(&c);
    bf_config_parse(&c, (const char *)data + 1, size - 1, (enum bf_origin)(1 + data[0] % 4), &line,
                    reason, sizeof reason);
    bf_config_check(&c, reason, sizeof reason);
    bf_config_check_signed(&c, reason, sizeof reason);
    const struct bf_config_key *table = bf_config_table(&count);
    for (uint32_t i = 0; i < count; i++)
        show_again(&c, i, &table[i]);
    bf_section_text(data, size, &text, &len);
    return 0;
}
