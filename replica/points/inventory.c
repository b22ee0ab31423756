// SPDX-License-Identifier: Apache-2.0
// Reads the inventory of a point, see inventory.h.
#include "replica/points/inventory.h"

#include <stdlib.h>

#include "base/fmt.h"

enum { INVENTORY_MAX = 1 << 20 };

json_t *bf_point_inventory(struct bf_db *db, const struct bf_point *point)
{
    char key[BF_NAME_MAX + 32];
    json_t *json = NULL;
    char *text = malloc(INVENTORY_MAX);

    bf_snprintf(key, sizeof key, "inventory/%s@%u", point->machine, point->number);
    if (text && bf_db_meta_get(db, key, text, INVENTORY_MAX) == BF_OK)
        json = json_loads(text, 0, NULL);
    free(text);
    return json;
}
