// SPDX-License-Identifier: Apache-2.0
// Tells what happens, from the outside: the announcer's lines and events go to the serial port and
// to the screen, the state of the network is compared with the last report, and the screen is
// drawn when it is time.
#include "boot/app.h"

#include <string.h>

#include "base/fmt.h"
#include "base/platform.h"
#include "boot/platform_efi.h"
#include "boot/screen_efi.h"
#include "boot/serial_efi.h"
#include "boot/workers_efi.h"
#include "migrate/report.h"

static struct bf_app *log_app;

// ---- Where it goes -----------------------------------------------------------------------------

// Without a serial port that is a console (U-Boot has no Serial I/O), the verdict alone goes to the
// screen's console: that may be a line with a log at its other end.
static void to_line(void *user, const char *line)
{
    static const char verdict[] = "BOOTFERRY verdict=";
    struct bf_app *app = user;

    bf_serial_line(line);
    if (!bf_serial_ports() && app->config.serial == BF_SERIAL_LINES &&
        strncmp(line, verdict, sizeof verdict - 1) == 0)
        bf_screen_line(line);
}

static void to_screen(void *user, const char *text)
{
    struct bf_app *app = user;

    bf_screen_event(&app->screen, text);
}

static void tell_log(enum bf_log_level level, const char *line)
{
    bf_announce_log(&log_app->announcer, bf_platform_now_us(), level, line);
    if (level <= BF_LOG_INFO)
        bf_screen_event(&log_app->screen, line);
}

void bf_app_log_to(struct bf_app *app)
{
    log_app = app;
    if (app)
        app->announcer = (struct bf_announcer){.line = to_line, .event = to_screen, .user = app};
    bf_efi_set_log_sink(app ? tell_log : NULL);
}

// ---- Network -----------------------------------------------------------------------------------

static const char *ip_phase_name(enum bf_ip_phase phase)
{
    switch (phase) {
    case BF_IP_DOWN:
        return "down";
    case BF_IP_NO_LINK:
        return "no-link";
    case BF_IP_CONFIGURING:
        return "configuring";
    case BF_IP_READY:
        return "ready";
    }
    return "unknown";
}

static void tell_network(const struct bf_ip_status *status, const char *mac, uint64_t now_us)
{
    struct bf_report r;

    bf_report_begin(&r, "network");
    bf_report_seconds(&r, "t", now_us);
    bf_report_text(&r, "state", ip_phase_name(status->phase));
    bf_report_text(&r, "nic", mac);
    bf_report_text(&r, "address", status->address);
    bf_report_text(&r, "address6", status->address6);
    bf_report_text(&r, "gateway", status->gateway);
    if (status->vlan)
        bf_report_u64(&r, "vlan", status->vlan);
    bf_report_u64(&r, "mtu", status->mtu);
    bf_report_text(&r, "driver", status->nic ? status->nic->ops->driver : "");
    bf_report_text(&r, "dns", status->dns);
    bf_serial_line(bf_report_end(&r));
}

static void show_network(struct bf_screen *screen, const struct bf_ip_status *status)
{
    int both = status->address[0] && status->address6[0];

    bf_snprintf(screen->address, sizeof screen->address, "%s",
                status->address[0] ? status->address : status->address6);
    bf_snprintf(screen->address6, sizeof screen->address6, "%s", both ? status->address6 : "");
    bf_snprintf(screen->gateway, sizeof screen->gateway, "%s", status->gateway);
    bf_snprintf(screen->dns, sizeof screen->dns, "%s", status->dns);
}

static void show_nic(struct bf_screen *screen, const struct bf_ip_status *status)
{
    char vlan[16] = "";

    if (status->vlan)
        bf_snprintf(vlan, sizeof vlan, " VLAN %u", (unsigned)status->vlan);
    bf_snprintf(screen->nic, sizeof screen->nic, "%s%s", status->nic->name, vlan);
    bf_snprintf(screen->driver, sizeof screen->driver, "%s", status->nic->ops->driver);
}

static void observe_network(struct bf_app *app, uint64_t now_us)
{
    struct bf_observed *seen = &app->observed;
    struct bf_screen *screen = &app->screen;
    struct bf_ip_status status;
    char mac[18] = "";

    bf_ip_status(&status);
    screen->link = status.link;
    if (status.phase == seen->ip_phase && strcmp(status.address, seen->address) == 0 &&
        strcmp(status.address6, seen->address6) == 0 && strcmp(status.dns, screen->dns) == 0 &&
        strcmp(status.gateway, screen->gateway) == 0)
        return;
    seen->ip_phase = status.phase;
    memcpy(seen->address, status.address, sizeof seen->address);
    memcpy(seen->address6, status.address6, sizeof seen->address6);
    if (status.nic) {
        bf_mac_text(mac, status.nic->mac);
        show_nic(screen, &status);
    }
    show_network(screen, &status);
    tell_network(&status, mac, now_us);
}

// ---- All together ------------------------------------------------------------------------------

static void refresh_screen(struct bf_app *app, uint64_t now_us, int force)
{
    uint64_t peak;

    bf_efi_memory(&app->screen.memory_used, &peak);
    app->screen.memory_limit = BF_EFI_MEMORY_LIMIT;
    app->screen.elapsed_seconds = now_us / 1000000;
    bf_screen_draw(&app->screen, now_us, force);
}

void bf_app_observe(struct bf_app *app, uint64_t now_us)
{
    if (app->network)
        observe_network(app, now_us);
    if (app->sender) {
        app->screen.progress = bf_sender_progress(app->sender);
        bf_announce_progress(&app->announcer, now_us, app->screen.progress);
    }
    if (app->assess) {
        app->screen.assess = bf_assess_view(app->assess);
        bf_announce_assess(&app->announcer, &app->told, now_us, app->screen.assess);
        bf_assess_text(app->screen.step, sizeof app->screen.step, app->screen.assess);
        app->screen.looking = 0;
    }
    refresh_screen(app, now_us, 0);
}

int bf_app_looking(void *user, const struct bf_usage_look *look)
{
    struct bf_app *app = user;
    uint64_t now = bf_platform_now_us();
    struct bf_looking looking;

    app->screen.looking = 1;
    bf_looking_set(&looking, look);
    bf_looking_text(app->screen.step, sizeof app->screen.step, &looking);
    bf_announce_looking(&app->announcer, now, &looking);
    refresh_screen(app, now, 0);
    app->cancelled |= (uint8_t)bf_screen_cancel_requested(&app->screen, now);
    return app->cancelled;
}

void bf_app_show_step(struct bf_app *app, const char *step)
{
    bf_snprintf(app->screen.step, sizeof app->screen.step, "%s", step);
    refresh_screen(app, bf_platform_now_us(), 1);
}

void bf_app_report_verdict(struct bf_app *app)
{
    uint64_t held, peak;
    struct bf_report r;

    if (app->reported)
        return;
    bf_efi_memory(&held, &peak);
    bf_report_begin(&r, "memory");
    bf_report_u64(&r, "held", held);
    bf_report_u64(&r, "peak", peak);
    bf_report_u64(&r, "limit", BF_EFI_MEMORY_LIMIT);
    bf_report_u64(&r, "stack", bf_efi_workers_stack());
    bf_serial_line(bf_report_end(&r));
    bf_announce_verdict(&app->announcer, bf_platform_now_us(), app->screen.progress, &app->fault);
    app->reported = 1;
}

void bf_app_meanwhile(void *user)
{
    struct bf_app *app = user;
    uint64_t now = bf_platform_now_us();

    bf_ip_poll();
    bf_app_observe(app, now);
    if (bf_screen_cancel_requested(&app->screen, now))
        bf_sender_cancel(app->sender);
}
