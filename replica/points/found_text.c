// SPDX-License-Identifier: Apache-2.0
// See found_text.h.
#include "replica/points/found_text.h"

#include <stdlib.h>

#include "base/fmt.h"
#include "migrate/unseen.h"
#include "replica/state/text.h"

// Why nothing came of it, when the source gives no reason.
static const char *usual_reason(const struct bf_unseen *m)
{
    if (m->kind == BF_UNSEEN_UNIT)
        return "it cannot be read";
    return m->asked ? "it has no disk" : "it is unknown whether it has disks";
}

void bf_unseen_line(char out[BF_UNSEEN_LINE], const struct bf_unseen *m)
{
    char what[BF_UNSEEN_TEXT];

    bf_unseen_text(what, sizeof what, m);
    bf_snprintf(out, BF_UNSEEN_LINE, "%s: %s", what, m->why[0] ? m->why : usual_reason(m));
}

json_t *bf_unseen_json(struct bf_db *db, const uint8_t session[16])
{
    struct bf_unseen *row = NULL;
    size_t rows = 0;
    json_t *list = json_array();

    if (bf_db_unseen_list(db, session, &row, &rows))
        rows = 0;
    for (size_t i = 0; i < rows; i++) {
        char vendor[8], device[8];
        bf_snprintf(vendor, sizeof vendor, "%04x", row[i].vendor);
        bf_snprintf(device, sizeof device, "%04x", row[i].device);
        json_array_append_new(
            list, json_pack("{s:s, s:b, s:s, s:s, s:o, s:o, s:o, s:o}", "kind",
                            row[i].kind == BF_UNSEEN_UNIT ? "unit" : "controller", "asked",
                            (int)row[i].asked, "vendor", vendor, "device", device, "class",
                            bf_json_hex(row[i].class_code, sizeof row[i].class_code), "slot",
                            bf_json_text(row[i].slot), "what", bf_json_text(row[i].what), "why",
                            bf_json_text(row[i].why)));
    }
    free(row);
    return list;
}

json_t *bf_places_json(struct bf_db *db, const uint8_t session[16], int disk)
{
    struct bf_place_row *row = NULL;
    size_t rows = 0;
    json_t *list = json_array();

    if (bf_db_place_list(db, session, &row, &rows))
        rows = 0;
    for (size_t i = 0; i < rows; i++)
        if (disk < 0 || row[i].disk == disk)
            json_array_append_new(
                list, json_pack("{s:i, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "disk",
                                (int)row[i].disk, "name", bf_json_text(row[i].name), "what",
                                bf_json_text(row[i].what), "bytes",
                                row[i].bytes ? json_integer((json_int_t)row[i].bytes) : json_null(),
                                "whole", row[i].why[0] != 0, "why",
                                row[i].why[0] ? bf_json_text(row[i].why) : json_null(),
                                "unused_bytes", bf_json_known(row[i].unused_bytes), "new_bytes",
                                bf_json_known(row[i].new_bytes)));
    free(row);
    return list;
}
