// SPDX-License-Identifier: Apache-2.0
// From power-on to a sender that is ready: configuration, clock, entropy, disks, NICs, the IP
// stack. The order matters to the firmware: what hangs on the boot handle is read before a
// controller or a NIC is taken over, since that may destroy the handle (drivers/snp_efi.h).
#include "boot/boot_entries_efi.h"
#include "boot/app.h"

#include <string.h>

#include "base/fmt.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/platform.h"
#include "boot/inventory_efi.h"
#include "boot/platform_efi.h"
#include "boot/screen_efi.h"
#include "boot/serial_efi.h"
#include "boot/unseen_efi.h"
#include "drivers/connect_efi.h"
#include "drivers/handles_efi.h"
#include "image/probe.h"
#include "migrate/disk_plan.h"
#include "migrate/report.h"
#include "migrate/unseen.h"
#include "net/tls/utc.h"

enum {
    CLOCK_GRACE = 2 * 86400, // seconds; certificates are dated back by as much
    REFUSAL_SECONDS = 15,
    DRAIN_US = 100000,
    DRAIN_REST_US = 50,
};

static void tell_start(const struct bf_app *app)
{
    struct bf_report r;

    bf_report_begin(&r, "start");
    bf_report_text(&r, "version", BF_VERSION);
    bf_report_seconds(&r, "t", bf_platform_now_us());
    bf_report_u64(&r, "ticks_hz", bf_efi_ticks_hz());
    bf_report_u64(&r, "secure_boot", app->sources.secure_boot == BF_SECURE_BOOT_ON);
    bf_serial_line(bf_report_end(&r));
}

// The channels are opened even when the configuration is wrong: the failure has to be reported.
static enum bf_err load_configuration(struct bf_app *app)
{
    enum bf_err err = bf_config_efi_load(&app->config, &app->sources, &app->fault);

    bf_serial_open(err ? BF_SERIAL_LINES : app->config.serial);
    bf_screen_open();
    tell_start(app);
    if (err == BF_ERR_NOT_FOUND) {
        app->screen.kind = BF_SCREEN_NO_CONFIG;
        if (!app->fault.code)
            bf_fault_set(&app->fault, BF_ERR_CONFIG, BF_SIDE_CONFIG,
                         "make a medium with `bootferry media`",
                         "this medium carries no configuration");
    }
    bf_snprintf(app->screen.machine, sizeof app->screen.machine, "%s", app->config.name);
    if (err)
        return err;
    bf_config_efi_log(&app->config, &app->sources);
    return BF_OK;
}

static enum bf_err check_clock(struct bf_app *app)
{
    char now[32], made[32];

    if (app->config.time)
        bf_platform_set_wall(app->config.time);
    if (!app->config.made || bf_platform_wall() >= app->config.made - CLOCK_GRACE)
        return BF_OK;
    bf_utc_text(bf_platform_wall(), now);
    bf_utc_text(app->config.made, made);
    return bf_fault_set(&app->fault, BF_ERR_CLOCK, BF_SIDE_SOURCE,
                        "set the clock in the firmware's setup, or give time= to the program",
                        "the firmware's clock says %s, but this medium was made %s", now, made);
}

static enum bf_err check_entropy(struct bf_app *app)
{
    if (bf_platform_entropy(app->boot, sizeof app->boot) == BF_OK)
        return BF_OK;
    return bf_fault_set(&app->fault, BF_ERR_NO_ENTROPY, BF_SIDE_SOURCE,
                        "give the machine a random number device (virtio-rng), or a processor "
                        "with RDRAND",
                        "neither firmware nor processor provides random numbers");
}

// The firmware had the wide registers switched off: nobody has tried them on this machine.
static enum bf_err check_processor(struct bf_app *app)
{
    enum bf_err err = bf_digest_check();

    if (!err)
        return BF_OK;
    return bf_fault_set(&app->fault, err, BF_SIDE_SOURCE,
                        err == BF_ERR_CORRUPT ? "look at the hypervisor's processor model, or test "
                                                "the machine's processor and memory"
                                              : "give the machine at least 512 MiB",
                        err == BF_ERR_CORRUPT ? "this processor computes wrong digests"
                                              : "there is not enough memory");
}

// Table, disk GUID and hibernation of each disk that may be read. One that cannot be read is still
// offered: copying it says precisely where it fails.
static void probe_disks(struct bf_app *app)
{
    struct bf_disk_facts *facts = bf_alloc(sizeof *facts);

    for (uint32_t i = 0; facts && i < app->disk_count; i++) {
        struct bf_source_disk *disk = &app->disks[i].source;
        if (!disk->ops)
            continue;
        if (bf_disk_probe(disk, facts)) {
            bf_log(BF_LOG_WARNING, "disk %u: its partition table cannot be read", i);
            continue;
        }
        app->inventory.disk[i].identity = disk->identity;
        app->inventory.disk[i].hibernated = facts->hibernated;
        if (facts->hibernated)
            bf_log(BF_LOG_WARNING,
                   "disk %u holds a hibernated system (%s): it is copied as it is; shut the "
                   "machine down properly, or let the finalizer's plan discard the hibernation",
                   i, facts->hibernation);
    }
    bf_free(facts);
}

static int wanted(const struct bf_app *app, const struct bf_snp_info *info)
{
    return !app->config.has_nic || memcmp(info->mac, app->config.nic, sizeof info->mac) == 0;
}

// Opens every NIC that may be used; one that the firmware does not give away is passed over.
static void open_nics(struct bf_app *app)
{
    int native = app->config.driver == BF_DRIVER_AUTO;

    for (uint32_t i = 0; i < app->nic_info_count; i++) {
        struct bf_efi_nic *nic = &app->nics[app->nic_count];
        enum bf_err err;
        if (!wanted(app, &app->nic_info[i]))
            continue;
        err = bf_efi_nic_open(&app->nic_info[i], native, app->config.mtu, nic);
        if (err) {
            bf_log(BF_LOG_WARNING, "NIC %s cannot be opened (%s); ignoring it",
                   app->nic_info[i].label, bf_err_name(err));
            continue;
        }
        app->nic_list[app->nic_count++] = &nic->nic;
    }
}

// Whether the run may go on without what no disk came from. If not, that is shown at once; a server
// that is only to hear of it is not waited for as long as one that is to take disks.
static void check_unseen(struct bf_app *app)
{
    uint32_t *retry = &app->config.retry_seconds;

    if (bf_unseen_check(&app->config, &app->inventory, &app->refusal) == BF_OK)
        return;
    bf_log(BF_LOG_WARNING, "stopping: %s", app->refusal.what);
    if (!*retry || *retry > REFUSAL_SECONDS)
        *retry = REFUSAL_SECONDS;
}

// Disks and NICs, each with the driver that serves it, and which disks are to be sent.
static enum bf_err find_devices(struct bf_app *app)
{
    const struct bf_usage_watch watch = {bf_app_looking, app};
    enum bf_err err = bf_blockio_scan(app->disks, &app->disk_count);

    if (err)
        return bf_fault_set(&app->fault, err, BF_SIDE_SOURCE,
                            "look at the disks in the firmware's setup",
                            "the firmware does not list its disks");
    app->nic_info_count = bf_snp_scan(app->nic_info, BF_SNP_NICS_MAX);
    if (app->config.driver == BF_DRIVER_AUTO)
        bf_takeover_begin(&app->takeover, app->disks, &app->disk_count);
    else
        bf_takeover_skip(&app->takeover);
    open_nics(app);
    bf_inventory_efi(&app->inventory, app->disks, app->disk_count, app->nic_info,
                     app->nic_info_count);
    bf_boot_entries_efi(&app->inventory);
    bf_unseen_efi(&app->inventory, &app->takeover);
    probe_disks(app);
    app->screen.inventory = &app->inventory;
    err = bf_disk_plan_apply(&app->config, &app->inventory, &app->fault);
    for (uint32_t i = 0; !err && i < app->inventory.disks; i++)
        if (app->inventory.disk[i].planned)
            app->planned[i] = &app->disks[i].source;
    bf_disk_plan_hibernation(&app->inventory, app->planned, &watch);
    app->screen.looking = 0;
    bf_workers_start(&app->workers, app->config.workers);
    app->announcer.workers = app->screen.workers = app->workers.count;
    bf_announce_inventory(&app->announcer, app->config.name, &app->inventory);
    if (!err && app->config.action != BF_ACTION_ASSESS) // which tells what is unseen
        check_unseen(app);
    if (app->cancelled)
        return bf_fault_set(&app->fault, BF_ERR_CANCELLED, BF_SIDE_SOURCE, "start it again",
                            "it was cancelled");
    return err;
}

static enum bf_err start_network(struct bf_app *app)
{
    enum bf_err err = bf_ip_start(app->nic_list, app->nic_count, &app->config, &app->fault);

    app->network = err == BF_OK;
    return err;
}

static void make_assess(struct bf_app *app)
{
    struct bf_assess_config config = {
        .connector = bf_server_connector(app->connector),
        .inventory = &app->inventory,
        .disks = app->planned,
        .config = &app->config,
        .processors = app->workers.count + 1,
        .clock = bf_platform_wall,
        .program = BF_PROGRAM,
        .looking = bf_app_looking,
        .user = app,
    };

    memcpy(config.boot, app->boot, sizeof config.boot);
    app->assess = bf_assess_new(&config);
}

static enum bf_err make_sender(struct bf_app *app)
{
    struct bf_sender_config config = {
        .inventory = &app->inventory,
        .disks = app->planned,
        .retry_us = (uint64_t)app->config.retry_seconds * 1000000,
        .refusal = app->refusal.code ? &app->refusal : NULL,
        .compression = app->config.compression,
        .copy_all = app->config.copy_all,
        .places = &app->config,
        .map_errors = app->config.on_read_error == BF_READ_ERROR_MAP,
        .limit = app->config.limit,
        .workers = &app->workers,
        .meanwhile = bf_app_meanwhile,
        .user = app,
        .clock = bf_platform_wall,
        .program = BF_PROGRAM,
    };

    memcpy(config.boot, app->boot, sizeof config.boot);
    app->connector = bf_server_connector_new(&app->config, bf_ip_dialer());
    if (app->connector && app->config.action == BF_ACTION_ASSESS) {
        make_assess(app);
    } else if (app->connector) {
        config.connector = bf_server_connector(app->connector);
        app->sender = bf_sender_new(&config, bf_platform_now_us());
    }
    if (app->sender || app->assess)
        return BF_OK;
    return bf_fault_set(&app->fault, BF_ERR_NO_MEMORY, BF_SIDE_SOURCE,
                        "give the machine at least 512 MiB", "there is not enough memory");
}

enum bf_err bf_app_prepare(struct bf_app *app)
{
    enum bf_err err;

    app->screen.version = BF_VERSION;
    app->screen.link = -1;
    app->screen.countdown = UINT32_MAX;
    err = load_configuration(app);
    if (err)
        return err;
    bf_app_show_step(app, "examining the machine");
    bf_efi_connect_all();
    if ((err = check_clock(app)) || (err = check_entropy(app)) || (err = check_processor(app)) ||
        (err = find_devices(app)))
        return err;
    bf_app_show_step(app, "starting the network");
    if ((err = start_network(app)))
        return err;
    return make_sender(app);
}

// The peer should hear the last words, and that the connection ends: what is buffered gets a moment
// to leave.
static void drain(void)
{
    uint64_t end = bf_platform_now_us() + DRAIN_US;

    while (bf_platform_now_us() < end)
        if (!bf_ip_poll())
            bf_platform_idle(DRAIN_REST_US);
}

void bf_app_release(struct bf_app *app)
{
    if (app->sender) {
        bf_app_observe(app, bf_platform_now_us());
        app->last_progress = *bf_sender_progress(app->sender);
        app->screen.progress = &app->last_progress;
    }
    if (app->assess) {
        bf_app_observe(app, bf_platform_now_us());
        app->last_view = *bf_assess_view(app->assess);
        app->screen.assess = &app->last_view;
    }
    if (app->network)
        drain();
    bf_assess_free(app->assess);
    app->assess = NULL;
    bf_sender_free(app->sender);
    app->sender = NULL;
    app->no_way_back = bf_workers_stop(&app->workers) != BF_OK;
    bf_server_connector_free(app->connector);
    if (app->network) {
        drain();
        bf_ip_stop();
        app->network = 0;
    }
    while (app->nic_count)
        bf_efi_nic_close(&app->nics[--app->nic_count]);
    while (app->disk_count)
        bf_source_close(&app->disks[--app->disk_count].source);
    bf_takeover_end(&app->takeover);
}
