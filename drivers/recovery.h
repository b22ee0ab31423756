// SPDX-License-Identifier: Apache-2.0
// What every native driver does with a device that does not answer or talks nonsense: it is reset
// once and started again; the second time it is stopped for good. Nothing waits: the driver's poll
// moves it on, so that the network lives while a controller takes its seconds.
//
//     WORKING --begin--> RESETTING --quiet--> RESTARTING --restart--> WORKING
//        |                   |                    |
//        +--begin again------+--- not confirmed --+--> STOPPING --> DEAD
//
// Memory that was given to the device is the device's until it is quiet: until its reset is
// confirmed, or its way to memory is cut. When neither can be had, the function is wild
// (drivers/pci.h): all memory that it was given is left to it for good, never freed or used again.
// One that was cut off or is wild is not given back to the firmware, whose driver would switch it
// on again before it resets it.
#ifndef BF_DRIVERS_RECOVERY_H
#define BF_DRIVERS_RECOVERY_H

#include <stdint.h>

#include "drivers/pci.h"

struct bf_recovery_ops {
    // Begins to reset the device.
    void (*reset)(void *impl);
    // BF_OK: the reset is confirmed, no memory is the device's any more. BF_AGAIN: not yet. Another
    // error: it is not confirmed within its time.
    enum bf_err (*quiet)(void *impl);
    // Starts a device that was reset: BF_OK, it works, and whatever was out has been asked again;
    // BF_AGAIN: not yet. Another error: it does not start.
    enum bf_err (*restart)(void *impl);
    // It is over. quiet: what was out can be given back, with this error; otherwise it ends with it
    // as well, but is marked as kept. Called again when closing finds the device quiet after all.
    void (*ended)(void *impl, int quiet, enum bf_err status);
};

enum bf_recovery_state {
    BF_DEVICE_WORKING,
    BF_DEVICE_RESETTING,
    BF_DEVICE_RESTARTING,
    BF_DEVICE_STOPPING,
    BF_DEVICE_DEAD,
};

struct bf_recovery {
    const struct bf_recovery_ops *ops;
    void *impl;
    struct bf_pci *pci;
    const char *name; // in front of its lines in the log
    enum bf_recovery_state state;
    uint8_t resets;
    uint8_t quiet; // when DEAD: what the device had is ours again
};

void bf_recovery_init(struct bf_recovery *r, const struct bf_recovery_ops *ops, void *impl,
                      struct bf_pci *pci, const char *name);

// Of a device that works: it shall be reset, or stopped when it was reset before. why: "the device
// does not answer".
void bf_recovery_begin(struct bf_recovery *r, const char *why);

// The next step of what is under way; nothing while it works or is dead. Never waits.
void bf_recovery_poll(struct bf_recovery *r);

// The end, for closing: stops the device, in whatever state it is, waits for that (each wait has a
// deadline) and ends what was out with this error. BF_OK: the device is quiet, its memory may be
// freed. Otherwise the log says so, and its memory must be kept.
enum bf_err bf_recovery_stop(struct bf_recovery *r, enum bf_err status);

#endif
