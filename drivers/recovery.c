// SPDX-License-Identifier: Apache-2.0
// Bringing devices back, or to an end. See drivers/recovery.h.
#include "drivers/recovery.h"

#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/platform.h"

enum { REST_US = 100 };

void bf_recovery_init(struct bf_recovery *r, const struct bf_recovery_ops *ops, void *impl,
                      struct bf_pci *pci, const char *name)
{
    BF_ASSERT(ops->reset && ops->quiet && ops->restart && ops->ended);
    *r = (struct bf_recovery){.ops = ops, .impl = impl, .pci = pci, .name = name};
}

void bf_recovery_begin(struct bf_recovery *r, const char *why)
{
    if (r->state != BF_DEVICE_WORKING)
        return;
    BF_ASSERT(!r->quiet); // one that works has our memory
    bf_log(BF_LOG_WARNING, "%s: %s%s", r->name, why, r->resets ? " again" : "; resetting it");
    r->state = r->resets ? BF_DEVICE_STOPPING : BF_DEVICE_RESETTING;
    r->resets = 1;
    r->ops->reset(r->impl);
}

static void end(struct bf_recovery *r, int quiet, enum bf_err status)
{
    BF_ASSERT(r->state == BF_DEVICE_RESETTING || r->state == BF_DEVICE_STOPPING);
    BF_ASSERT(!r->quiet); // what was out is given back once
    r->state = BF_DEVICE_DEAD;
    r->quiet = (uint8_t)quiet;
    r->pci->wild = (uint8_t)!quiet;
    if (!quiet)
        bf_log(BF_LOG_ERROR,
               "%s: it does not stop and may still write to its memory, which is not used again",
               r->name);
    r->ops->ended(r->impl, quiet, status);
}

// The device's reset is not confirmed: its way to memory is cut instead.
static void cut_off(struct bf_recovery *r, enum bf_err status)
{
    r->pci->cut = 1;
    end(r, r->pci->ops->master(r->pci->impl, 0) == BF_OK, status);
}

static void stop_step(struct bf_recovery *r, enum bf_err status)
{
    enum bf_err err;
    BF_ASSERT(r->state == BF_DEVICE_STOPPING);
    err = r->ops->quiet(r->impl);
    if (err == BF_AGAIN)
        return;
    if (err)
        cut_off(r, status);
    else
        end(r, 1, status);
}

static void give_up(struct bf_recovery *r)
{
    bf_log(BF_LOG_ERROR, "%s: it no longer works; giving up on it", r->name);
}

void bf_recovery_poll(struct bf_recovery *r)
{
    enum bf_err err = BF_OK;
    BF_ASSERT(!r->quiet || r->state == BF_DEVICE_DEAD);
    if (r->state == BF_DEVICE_RESETTING) {
        err = r->ops->quiet(r->impl);
        if (!err)
            r->state = BF_DEVICE_RESTARTING;
        if (err && err != BF_AGAIN) {
            give_up(r);
            cut_off(r, BF_ERR_TIMEOUT);
        }
    }
    if (r->state == BF_DEVICE_RESTARTING) {
        err = r->ops->restart(r->impl);
        if (!err)
            r->state = BF_DEVICE_WORKING;
        if (err && err != BF_AGAIN) {
            r->state = BF_DEVICE_STOPPING;
            r->ops->reset(r->impl);
        }
    }
    if (r->state == BF_DEVICE_STOPPING) {
        stop_step(r, BF_ERR_TIMEOUT);
        if (r->state == BF_DEVICE_DEAD)
            give_up(r);
    }
}

enum bf_err bf_recovery_stop(struct bf_recovery *r, enum bf_err status)
{
    BF_ASSERT(status != BF_OK && status != BF_AGAIN);
    if (!r->quiet) { // one that was given up may have come to an end since
        r->state = BF_DEVICE_STOPPING;
        r->ops->reset(r->impl);
    }
    for (;;) {
        if (r->state == BF_DEVICE_STOPPING)
            stop_step(r, status);
        if (r->state == BF_DEVICE_DEAD)
            return r->quiet ? BF_OK : BF_ERR_TIMEOUT;
        bf_platform_idle(REST_US);
    }
}
