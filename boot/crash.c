// SPDX-License-Identifier: Apache-2.0
// The end after an exception of the processor. On the boot processor nothing that the program was
// in the middle of is looked at again: no driver is asked to let go, no connection is ended; what
// was known before is told and shown, and the machine is powered off or restarted. A worker has
// nothing but its job, so the program ends in the usual way. A second exception stops everything.
#include "base/log.h"
#include "base/platform.h"
#include "boot/app.h"
#include "boot/traps.h"
#include "boot/workers_efi.h"

enum { TEXT_MAX = 120 };

static const char todo[] = "start it again, and report this as a defect";

static struct bf_app *watched;
static uint32_t exceptions;

// Without the screen, and without what was known.
static void tell_briefly(const char *text)
{
    struct bf_fault fault;

    bf_fault_set(&fault, BF_ERR_CRASH, BF_SIDE_SOURCE, todo, "%s, and no more can be done", text);
    if (watched->reported)
        bf_announce_log(&watched->announcer, bf_platform_now_us(), BF_LOG_ERROR, fault.what);
    else
        bf_announce_verdict(&watched->announcer, bf_platform_now_us(), NULL, &fault);
}

// When it returns, the processor halts.
static void crashed(const struct bf_exception *e)
{
    char text[TEXT_MAX];

    bf_traps_text(text, sizeof text, e);
    if (exceptions++) {
        if (exceptions == 2)
            tell_briefly(text);
        return;
    }
    if (watched->reported || watched->fault.code)
        bf_log(BF_LOG_ERROR, "%s", text);
    else
        bf_fault_set(&watched->fault, BF_ERR_CRASH, BF_SIDE_SOURCE, todo, "%s", text);
    if (!watched->reported)
        watched->screen.kind = BF_SCREEN_FAILURE;
    watched->screen.progress = NULL;
    watched->no_way_back = 1;
    bf_app_end(watched);
}

void bf_app_crash_watch(struct bf_app *app)
{
    if (app) {
        watched = app;
        bf_traps_begin(crashed);
    } else {
        bf_traps_end();
    }
}

int bf_app_worker_crashed(struct bf_app *app)
{
    const struct bf_exception *e = bf_efi_workers_crash();
    char text[TEXT_MAX];

    if (!e)
        return 0;
    bf_traps_text(text, sizeof text, e);
    bf_fault_set(&app->fault, BF_ERR_CRASH, BF_SIDE_SOURCE, todo, "%s, on a worker", text);
    return 1;
}
