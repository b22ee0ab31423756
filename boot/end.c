// SPDX-License-Identifier: Apache-2.0
// The end: the verdict as the last line, the last screen for as long as the configuration says, and
// then power off, restart, or back to the firmware. A machine that lives elsewhere is powered off
// whatever the configuration says about success and failure (docs/fencing.md).
#include "boot/app.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/platform.h"
#include "boot/cpu.h"
#include "boot/platform_efi.h"
#include "boot/screen_efi.h"
#include "boot/serial_efi.h"
#include "drivers/efi.h"

enum {
    DEBUG_EXIT_OK = 1, // QEMU's isa-debug-exit turns N into the exit status 2 * N + 1
    DEBUG_EXIT_FAIL = 2,
    SUCCESS_SECONDS = 3,    // long enough to be seen on a screen
    ASSESSED_SECONDS = 600, // it is there to be read, or photographed
    FENCED_SECONDS = 20,    // to read why; on-failure=wait:SECONDS may say another time
    FENCED_MOST = 60,
    DRAW_US = 100000,
};

struct ending {
    enum bf_end action;
    uint32_t seconds; // that the screen is shown before
};

static struct ending fenced(const struct bf_config *config)
{
    uint32_t seconds =
        config->on_failure == BF_FAILURE_WAIT ? config->failure_wait : FENCED_SECONDS;

    return (struct ending){config->fence == BF_FENCE_OFF ? config->end : BF_END_POWEROFF,
                           seconds < FENCED_MOST ? seconds : FENCED_MOST};
}

// Of a configuration that is wrong somewhere, what was read before the mistake holds, and the
// defaults for the rest: a script that expects an exit status gets it.
static struct ending choose(const struct bf_app *app)
{
    const struct bf_config *config = &app->config;

    if (!app->fault.code)
        return (struct ending){config->end, config->debug_exit ? 0
                                            : app->screen.kind == BF_SCREEN_ASSESSED
                                                ? ASSESSED_SECONDS
                                                : SUCCESS_SECONDS};
    if (app->fault.code == BF_ERR_FENCED)
        return fenced(config);
    switch (config->on_failure) {
    case BF_FAILURE_POWEROFF:
        return (struct ending){BF_END_POWEROFF, 0};
    case BF_FAILURE_REBOOT:
        return (struct ending){BF_END_REBOOT, 0};
    case BF_FAILURE_WAIT:
        break;
    }
    return (struct ending){BF_END_POWEROFF, config->failure_wait};
}

static void show(struct bf_app *app, struct ending ending)
{
    static const char *const names[] = {
        [BF_END_POWEROFF] = "power off", [BF_END_REBOOT] = "restart", [BF_END_EXIT] = "exit"};
    uint64_t end = bf_platform_now_us() + (uint64_t)ending.seconds * 1000000, now;

    app->screen.fault = &app->fault;
    app->screen.next = names[ending.action];
    while ((now = bf_platform_now_us()) < end) {
        app->screen.countdown = (uint32_t)((end - now + 999999) / 1000000);
        bf_screen_draw(&app->screen, now, 0);
        bf_platform_idle(DRAW_US);
    }
    app->screen.countdown = 0;
    bf_screen_draw(&app->screen, now, 1);
}

// Only where a hypervisor shows itself: on a machine of its own nobody knows what is at that port.
static void debug_exit(const struct bf_app *app)
{
    char hypervisor[13];

    bf_cpu_hypervisor(hypervisor);
    if (app->config.debug_exit && hypervisor[0])
        bf_cpu_port_write8(app->config.debug_exit,
                           app->fault.code ? DEBUG_EXIT_FAIL : DEBUG_EXIT_OK);
}

// A firmware that cannot power off would go on with the next boot entry, which is the machine's own
// system: it stays here until somebody comes.
static void stay_off(struct bf_app *app)
{
    bf_log(BF_LOG_ERROR, "the firmware does not power this machine off: switch it off by hand");
    app->screen.next = "switch it off by hand";
    for (;;) {
        bf_screen_draw(&app->screen, bf_platform_now_us(), 1);
        bf_platform_idle(DRAW_US);
    }
}

static void tell(struct bf_app *app)
{
    if (app->fault.code)
        bf_log(BF_LOG_ERROR, "%s side: %s", bf_side_name(app->fault.side), app->fault.what);
    app->screen.fence_off = app->config.fence == BF_FENCE_OFF;
    if (app->fault.code == BF_ERR_FENCED && app->screen.fence_off)
        bf_log(BF_LOG_WARNING,
               "fence=off: this machine is not kept off, and there may be two of it");
    bf_app_report_verdict(app);
}

EFI_STATUS bf_app_end(struct bf_app *app)
{
    struct ending ending = choose(app);
    EFI_STATUS status = app->fault.code ? EFI_ABORTED : EFI_SUCCESS;

    // The firmware would take memory back that the processor still works in.
    if (app->no_way_back && ending.action == BF_END_EXIT) {
        bf_log(BF_LOG_WARNING, "the firmware cannot continue here: restarting instead of exiting");
        ending.action = BF_END_REBOOT;
    }
    tell(app);
    show(app, ending);
    debug_exit(app);
    if (ending.action == BF_END_EXIT)
        return status;
    bf_efi_system->RuntimeServices->ResetSystem(
        ending.action == BF_END_REBOOT ? EfiResetCold : EfiResetShutdown, status, 0, NULL);
    if (app->fault.code == BF_ERR_FENCED && ending.action == BF_END_POWEROFF)
        stay_off(app);
    while (app->no_way_back)
        bf_platform_idle(DRAW_US);
    return status; // a firmware that cannot do it
}
