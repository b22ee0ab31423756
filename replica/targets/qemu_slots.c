// SPDX-License-Identifier: Apache-2.0
// Places of devices on the bus of a new machine, see qemu_args.h. QEMU reads them as hexadecimal.
#include "base/assert.h"
#include "base/fmt.h"
#include "replica/targets/qemu_args.h"

enum { SLOT_FIRST = 2, SLOTS = 26, FUNCTIONS = 8, FIXED_DEVICES = 3 };

// Each device has a slot of its own as long as there are enough; else eight share one.
static bool is_crowded(const struct bf_tgt_machine *m)
{
    return FIXED_DEVICES + m->disks + m->nics > SLOTS;
}

void bf_qemu_slot(char out[40], const struct bf_tgt_machine *m, uint32_t place)
{
    BF_ASSERT(place < SLOTS * FUNCTIONS);
    if (!is_crowded(m))
        bf_snprintf(out, 40, ",addr=%x", SLOT_FIRST + place);
    else
        bf_snprintf(out, 40, ",addr=%x.%u%s", SLOT_FIRST + place / FUNCTIONS, place % FUNCTIONS,
                    place % FUNCTIONS == 0 ? ",multifunction=on" : "");
}
