// SPDX-License-Identifier: Apache-2.0
// The one loop: receive, timers, one step of the sender, the screen. Everything runs on the boot
// processor inside boot services, and nothing in here waits, so that a slow disk or a silent server
// delays the others by one turn at most.
#include "boot/app.h"

#include "base/mem.h"
#include "base/platform.h"
#include "boot/platform_efi.h"
#include "boot/screen_efi.h"
#include "boot/serial_efi.h"

enum {
    REST_US = 50,                   // between two turns without work
    QUIET_US = 100000,              // after so long without work
    QUIET_REST_US = BF_EFI_TICK_US, // the processor may sleep until the firmware's next tick
};

// The last turn in which something happened decides how deep the rest may be.
static void rest(uint64_t now_us, uint64_t busy_us)
{
    bf_platform_idle(now_us - busy_us > QUIET_US ? QUIET_REST_US : REST_US);
}

// One turn of what this medium does; on failure with its fault.
static enum bf_err step(struct bf_app *app, uint64_t now_us, int *idle)
{
    enum bf_err err = app->assess ? bf_assess_step(app->assess, now_us, idle)
                                  : bf_sender_step(app->sender, now_us, idle);

    if (err && err != BF_AGAIN)
        app->fault = app->assess ? *bf_assess_fault(app->assess) : *bf_sender_fault(app->sender);
    return err;
}

static void cancel(struct bf_app *app)
{
    if (app->assess)
        bf_assess_cancel(app->assess);
    else
        bf_sender_cancel(app->sender);
}

static enum bf_err run(struct bf_app *app)
{
    uint64_t busy_us = bf_platform_now_us();

    app->screen.kind = BF_SCREEN_RUNNING;
    for (;;) {
        uint64_t now = bf_platform_now_us();
        uint32_t frames = bf_ip_poll();
        int idle = 0;
        enum bf_err err = step(app, now, &idle);

        bf_app_observe(app, now);
        if (bf_app_worker_crashed(app))
            return app->fault.code;
        if (err != BF_AGAIN)
            return err;
        if (bf_screen_cancel_requested(&app->screen, now))
            cancel(app);
        if (frames || !idle)
            busy_us = now;
        else
            rest(now, busy_us);
    }
}

EFI_STATUS bf_app_run(void)
{
    struct bf_app *app = bf_alloc_aligned(sizeof *app, _Alignof(struct bf_app));
    EFI_STATUS status;

    if (!app) {
        bf_platform_log(BF_LOG_ERROR, "Bootferry: the firmware has no memory left for a program");
        return EFI_OUT_OF_RESOURCES;
    }
    bf_app_log_to(app);
    bf_app_crash_watch(app);
    if (bf_app_prepare(app) == BF_OK && run(app) == BF_OK)
        app->screen.kind = app->assess ? BF_SCREEN_ASSESSED : BF_SCREEN_SUCCESS;
    else if (app->fault.code == BF_ERR_FENCED) // whatever else is wrong
        app->screen.kind = BF_SCREEN_FENCED;
    else if (app->screen.kind != BF_SCREEN_NO_CONFIG)
        app->screen.kind = BF_SCREEN_FAILURE;
    if (app->refusal.code && app->screen.kind == BF_SCREEN_FAILURE)
        app->fault = app->refusal;
    bf_app_release(app);
    status = bf_app_end(app);
    bf_screen_close();
    bf_serial_close();
    bf_app_crash_watch(NULL);
    bf_app_log_to(NULL);
    bf_wipe(&app->config, sizeof app->config);
    bf_free(app);
    return status;
}
