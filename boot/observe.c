// SPDX-License-Identifier: Apache-2.0
// Tells what happens, from the outside: compares the state of network and sender with what was told
// before, and turns each difference into a line for scripts (docs/serial.md) and, where a person
// wants to know it, an event on the screen.
#include "boot/app.h"

#include <string.h>

#include "base/fmt.h"
#include "base/platform.h"
#include "boot/platform_efi.h"
#include "boot/report.h"
#include "boot/screen_efi.h"
#include "boot/serial_efi.h"

enum { PROGRESS_US = 1000000 };

static struct bf_app *log_app;

// ---- Log ---------------------------------------------------------------------------------------

static void tell_log(enum bf_log_level level, const char *line)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    struct bf_report r;

    bf_report_begin(&r, "log");
    bf_report_seconds(&r, "t", bf_platform_now_us());
    bf_report_text(&r, "level", names[level > BF_LOG_DEBUG ? BF_LOG_DEBUG : level]);
    bf_report_text(&r, "text", line);
    bf_serial_line(bf_report_end(&r));
    if (log_app && level <= BF_LOG_INFO)
        bf_screen_event(&log_app->screen, line);
}

void bf_app_log_to(struct bf_app *app)
{
    log_app = app;
    bf_efi_set_log_sink(app ? tell_log : NULL);
}

// ---- Inventory ---------------------------------------------------------------------------------

static void mac_text(char out[18], const uint8_t mac[6])
{
    bf_snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                mac[5]);
}

static void tell_disk(const struct bf_inventory_disk *disk, uint32_t number)
{
    struct bf_report r;

    bf_report_begin(&r, "disk");
    bf_report_u64(&r, "number", number);
    bf_report_u64(&r, "planned", disk->planned);
    bf_report_u64(&r, "bytes", disk->identity.bytes);
    bf_report_u64(&r, "block", disk->identity.block_size);
    bf_report_u64(&r, "hibernated", disk->hibernated);
    bf_report_text(&r, "driver", disk->driver);
    bf_report_text(&r, "serial", disk->identity.serial);
    bf_report_text(&r, "why", disk->why);
    bf_report_text(&r, "path", disk->identity.path);
    bf_serial_line(bf_report_end(&r));
}

void bf_app_tell_inventory(const struct bf_app *app)
{
    const struct bf_inventory *inventory = &app->inventory;
    struct bf_report r;
    char mac[18];

    bf_report_begin(&r, "machine");
    bf_report_text(&r, "name", app->config.name);
    bf_report_u64(&r, "memory", inventory->memory_bytes);
    bf_report_u64(&r, "processors", inventory->processors);
    bf_report_text(&r, "vendor", inventory->system_vendor);
    bf_report_text(&r, "product", inventory->system_product);
    bf_serial_line(bf_report_end(&r));
    for (uint32_t i = 0; i < inventory->nics; i++) {
        mac_text(mac, inventory->nic[i].mac);
        bf_report_begin(&r, "nic");
        bf_report_text(&r, "mac", mac);
        bf_report_text(&r, "link", inventory->nic[i].link < 0 ? "unknown"
                                   : inventory->nic[i].link   ? "up"
                                                              : "down");
        bf_report_text(&r, "name", inventory->nic[i].name);
        bf_serial_line(bf_report_end(&r));
    }
    for (uint32_t i = 0; i < inventory->disks; i++)
        tell_disk(&inventory->disk[i], i);
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
    bf_serial_line(bf_report_end(&r));
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
        strcmp(status.address6, seen->address6) == 0)
        return;
    seen->ip_phase = status.phase;
    memcpy(seen->address, status.address, sizeof seen->address);
    memcpy(seen->address6, status.address6, sizeof seen->address6);
    if (status.nic) {
        mac_text(mac, status.nic->mac);
        bf_snprintf(screen->nic, sizeof screen->nic, "%s %s", status.nic->ops->driver, mac);
    }
    bf_snprintf(screen->address, sizeof screen->address, "%s",
                status.address[0] ? status.address : status.address6);
    tell_network(&status, mac, now_us);
}

// ---- Sender ------------------------------------------------------------------------------------

static void tell_progress(const struct bf_progress *p, uint64_t now_us)
{
    struct bf_report r;

    bf_report_begin(&r, "progress");
    bf_report_seconds(&r, "t", now_us);
    bf_report_text(&r, "phase", bf_phase_name(p->phase));
    bf_report_u64(&r, "total", p->bytes_total);
    bf_report_u64(&r, "position", p->bytes_position);
    bf_report_u64(&r, "read", p->read_bytes);
    bf_report_u64(&r, "sent", p->sent_bytes);
    bf_report_u64(&r, "data", p->data_bytes);
    bf_report_u64(&r, "zero", p->zero_bytes);
    bf_report_u64(&r, "same", p->same_bytes);
    bf_report_u64(&r, "rate", p->rate);
    if (p->eta_seconds != UINT64_MAX)
        bf_report_u64(&r, "eta", p->eta_seconds);
    bf_serial_line(bf_report_end(&r));
}

static void tell_phase(struct bf_app *app, const struct bf_progress *p, uint64_t now_us)
{
    struct bf_report r;

    bf_report_begin(&r, "phase");
    bf_report_seconds(&r, "t", now_us);
    bf_report_text(&r, "phase", bf_phase_name(p->phase));
    bf_report_text(&r, "server", p->server);
    if (p->phase == BF_PHASE_WAITING && p->last_fault.code) {
        bf_report_text(&r, "code", bf_err_name(p->last_fault.code));
        bf_report_text(&r, "side", bf_side_name(p->last_fault.side));
        bf_report_text(&r, "what", p->last_fault.what);
        bf_screen_event(&app->screen, p->last_fault.what);
    }
    bf_serial_line(bf_report_end(&r));
}

static void tell_connected(struct bf_app *app, const struct bf_progress *p, uint64_t now_us)
{
    char text[BF_SCREEN_EVENT_MAX];
    struct bf_report r;

    bf_report_begin(&r, "connected");
    bf_report_seconds(&r, "t", now_us);
    bf_report_text(&r, "server", p->server);
    bf_report_text(&r, "machine", p->machine);
    bf_report_u64(&r, "connections", p->connections);
    bf_serial_line(bf_report_end(&r));
    bf_snprintf(text, sizeof text, "connected to %s as %s", p->server, p->machine);
    bf_screen_event(&app->screen, text);
}

static void tell_disks_done(struct bf_app *app, const struct bf_progress *p, uint64_t now_us)
{
    for (uint32_t i = 0; i < p->disks; i++) {
        char root[2 * sizeof p->disk[i].root.bytes + 1];
        struct bf_report r;
        if (!p->disk[i].done || app->observed.disk_done[i])
            continue;
        app->observed.disk_done[i] = 1;
        bf_hex(root, p->disk[i].root.bytes, sizeof p->disk[i].root.bytes);
        bf_report_begin(&r, "disk-done");
        bf_report_seconds(&r, "t", now_us);
        bf_report_u64(&r, "number", i);
        bf_report_u64(&r, "bytes", p->disk[i].bytes);
        bf_report_text(&r, "root", root);
        bf_serial_line(bf_report_end(&r));
    }
}

static void observe_sender(struct bf_app *app, uint64_t now_us)
{
    const struct bf_progress *p = bf_sender_progress(app->sender);
    struct bf_observed *seen = &app->observed;

    app->screen.progress = p;
    if (p->connections != seen->connections) {
        seen->connections = p->connections;
        tell_connected(app, p, now_us);
    }
    if (p->phase != seen->phase || !seen->next_progress_us) {
        seen->phase = p->phase;
        tell_phase(app, p, now_us);
        seen->next_progress_us = now_us + PROGRESS_US;
    }
    if (!seen->first_byte && p->bytes_position && p->phase == BF_PHASE_COPYING) {
        struct bf_report r;
        seen->first_byte = 1;
        bf_report_begin(&r, "first-byte");
        bf_report_seconds(&r, "t", now_us);
        bf_serial_line(bf_report_end(&r));
    }
    if (now_us >= seen->next_progress_us &&
        (p->phase == BF_PHASE_COPYING || p->phase == BF_PHASE_VERIFYING)) {
        seen->next_progress_us = now_us + PROGRESS_US;
        tell_progress(p, now_us);
    }
    tell_disks_done(app, p, now_us);
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
    if (app->sender)
        observe_sender(app, now_us);
    refresh_screen(app, now_us, 0);
}

void bf_app_show_step(struct bf_app *app, const char *step)
{
    bf_snprintf(app->screen.step, sizeof app->screen.step, "%s", step);
    refresh_screen(app, bf_platform_now_us(), 1);
}

void bf_app_tell_verdict(const struct bf_app *app)
{
    const struct bf_progress *p = &app->last_progress;
    uint64_t held, peak;
    struct bf_report r;

    if (app->screen.progress)
        tell_progress(p, bf_platform_now_us());
    bf_report_begin(&r, "memory");
    bf_efi_memory(&held, &peak);
    bf_report_u64(&r, "held", held);
    bf_report_u64(&r, "peak", peak);
    bf_report_u64(&r, "limit", BF_EFI_MEMORY_LIMIT);
    bf_serial_line(bf_report_end(&r));

    bf_report_begin(&r, NULL);
    bf_report_text(&r, "verdict", app->fault.code ? "fail" : "ok");
    bf_report_text(&r, "code", bf_err_name(app->fault.code));
    bf_report_text(&r, "side", bf_side_name(app->fault.side));
    bf_report_seconds(&r, "t", bf_platform_now_us());
    if (app->fault.code) {
        bf_report_text(&r, "what", app->fault.what);
        bf_report_text(&r, "todo", app->fault.todo);
    } else {
        char root[2 * sizeof p->point_root.bytes + 1];
        bf_hex(root, p->point_root.bytes, sizeof p->point_root.bytes);
        bf_report_u64(&r, "point", p->point);
        bf_report_text(&r, "root", root);
    }
    bf_serial_line(bf_report_end(&r));
}
