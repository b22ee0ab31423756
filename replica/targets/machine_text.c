// SPDX-License-Identifier: Apache-2.0
// Texts of an inventory, and notes about a machine: what machine.c and machine_nics.c share.
#include "base/fmt.h"
#include "replica/targets/machine_parts.h"

void bf_tgt_note(struct bf_tgt_machine *m, const char *format, ...)
{
    va_list args;

    if (m->notes == BF_TGT_NOTES)
        return;
    va_start(args, format);
    bf_vsnprintf(m->note[m->notes++], BF_TGT_NOTE, format, args);
    va_end(args);
}

const char *bf_tgt_field(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s ? s : "";
}
