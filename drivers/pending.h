// SPDX-License-Identifier: Apache-2.0
// Requests in flight: what every native disk driver has to remember about each of them, however
// its device is asked. A driver has a fixed number of slots, one for each command that it may have
// taken, and the index of a slot is how a completion leads back to its request. What only one kind
// of device needs is kept by its driver, under the same index.
//
//            take           out
//     FREE -------> HELD ---------> OUT        release: from both back to FREE
//                        <---------
//                           hold
//
// The data of a request is open to the device from map to release. Only a driver that knows that
// the device is done with it, or can no longer reach it, may release it. When a device does not let
// go, bf_pending_end tells whoever waits that the request is over and its data kept, and the slot
// stays taken until it is called again for a device that has become quiet after all.
//
// Nothing here waits, allocates or logs, and nothing that a device says is looked at.
#ifndef BF_DRIVERS_PENDING_H
#define BF_DRIVERS_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/pci.h"
#include "image/block.h"

enum { BF_PENDING_SLOTS = 8 }; // of one controller, at most

enum bf_pending_state {
    BF_PENDING_FREE,
    BF_PENDING_HELD, // taken, and not with the device: to be sent, or to be sent again
    BF_PENDING_OUT,  // with the device
};

struct bf_pending_slot {
    enum bf_pending_state state;
    enum bf_err status;               // when FREE: how the last one ended
    struct bf_block_request *request; // NULL: a question of the driver's own, or told by _end
    struct bf_dma data;               // what was mapped for it
    uint64_t deadline_us;             // OUT: when it is late; HELD: the driver's
    uint32_t bytes;                   // of data, wherever that is
};

struct bf_pending {
    struct bf_pci *pci;
    uint32_t count; // how many slots may be taken
    struct bf_pending_slot slot[BF_PENDING_SLOTS];
};

// All slots are free. pci must outlive it. count: 1 to BF_PENDING_SLOTS.
void bf_pending_init(struct bf_pending *p, struct bf_pci *pci, uint32_t count);

// The first free slot. False: all are taken, and *index is p->count.
bool bf_pending_find(const struct bf_pending *p, uint32_t *index);

// Takes a free slot for a request of so many bytes, or with NULL for a question of the driver's
// own. The request is the slot's until it is done.
void bf_pending_take(struct bf_pending *p, uint32_t index, struct bf_block_request *request,
                     uint32_t bytes);

// Opens memory for the bytes of a slot that was taken to the device. Not called where they come to
// memory that the device has already. After an error, which is that of the bus, the slot has been
// released with it.
enum bf_err bf_pending_map(struct bf_pending *p, uint32_t index, void *data);

// The command is with the device from now on, and late after timeout_us. Also for one that is out
// already: a device that was reset is asked again.
void bf_pending_out(struct bf_pending *p, uint32_t index, uint64_t timeout_us);

// One that was out has come back without its data, and will be sent again.
void bf_pending_hold(struct bf_pending *p, uint32_t index);

// The device is done with the data of a slot that is taken, or can no longer reach it: takes the
// data from the device, frees the slot, and the request is done with this status, or with that of
// the unmapping if only that failed.
void bf_pending_release(struct bf_pending *p, uint32_t index, enum bf_err status);

// It is over, for all that are taken, as `ended` of drivers/recovery.h. quiet: they are released.
// Otherwise the device keeps the data: requests are done with this status and marked as kept.
void bf_pending_end(struct bf_pending *p, bool quiet, enum bf_err status);

// Whether all slots are free.
bool bf_pending_is_idle(const struct bf_pending *p);

// Whether one that is out is late.
bool bf_pending_is_late(const struct bf_pending *p);

// Ends a request that was never taken. Returns BF_OK, which is what submit answers then.
enum bf_err bf_pending_refuse(struct bf_block_request *request, enum bf_err status);

#endif
