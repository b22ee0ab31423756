// SPDX-License-Identifier: Apache-2.0
// The boot program's main job, in its parts: prepare what there is, run the sender until the point
// is committed or nothing helps, show and report all of it, and end as the configuration says.
#ifndef BF_BOOT_APP_H
#define BF_BOOT_APP_H

#include <stdint.h>

#include <efi.h>

#include "base/config.h"
#include "boot/config_efi.h"
#include "boot/screen_layout.h"
#include "drivers/blockio_efi.h"
#include "drivers/nic_efi.h"
#include "drivers/takeover_efi.h"
#include "image/usage/usage.h"
#include "migrate/announce.h"
#include "migrate/announce_assess.h"
#include "migrate/assess.h"
#include "migrate/sender.h"
#include "migrate/workers.h"
#include "net/connector.h"
#include "net/ip/stack.h"
#include "net/proto/proto.h"

#define BF_PROGRAM "bootferry.efi " BF_VERSION

// The state of the network as it was last reported (boot/observe.c).
struct bf_observed {
    enum bf_ip_phase ip_phase;
    char address[24], address6[52];
};

// Everything that one run holds. Large: it lives on the heap.
struct bf_app {
    struct bf_config config;
    struct bf_config_report sources;
    uint8_t boot[16]; // random, of this boot

    struct bf_efi_disk disks[BF_EFI_DISKS_MAX];
    uint32_t disk_count;
    struct bf_takeover takeover;                        // controllers that native drivers have
    struct bf_source_disk *planned[BF_PROTO_DISKS_MAX]; // NULL where a disk is not sent

    struct bf_snp_info nic_info[BF_SNP_NICS_MAX];
    uint32_t nic_info_count;
    struct bf_efi_nic nics[BF_SNP_NICS_MAX];
    struct bf_nic *nic_list[BF_SNP_NICS_MAX];
    uint32_t nic_count; // opened
    uint8_t network;    // the IP stack runs

    struct bf_inventory inventory;
    struct bf_server_connector *connector;
    struct bf_sender *sender;
    struct bf_assess *assess; // instead of a sender, with action=assess
    struct bf_workers workers;
    uint8_t no_way_back; // a processor has not come back or crashed: the firmware must not go on
    uint8_t reported;    // the verdict
    uint8_t cancelled;   // while the disks were looked at

    struct bf_progress last_progress; // kept when the sender is gone
    struct bf_assess_view last_view;  // likewise
    struct bf_assess_announcer told;

    struct bf_screen screen;
    struct bf_announcer announcer;
    struct bf_observed observed;
    struct bf_fault fault; // why it failed; code BF_OK while it has not
    // Why nothing may be sent (migrate/unseen.h), known before the server is: it hears of it if it
    // answers soon. code BF_OK: nothing stops it.
    struct bf_fault refusal;
};

// From the loaded configuration to a running IP stack and a sender that is ready to go. On failure
// app->fault is filled and what was opened stays open: bf_app_release closes it.
enum bf_err bf_app_prepare(struct bf_app *app);

// Ends sender, connections, IP stack, NICs and disks, in this order; configuration, inventory and
// the last progress stay for the verdict and the last screen. Takes a half-prepared app.
void bf_app_release(struct bf_app *app);

// Looks at the state of network and sender and tells what changed, on the line channel and as
// events on the screen; draws the screen when it is time. Cheap; called in every turn.
void bf_app_observe(struct bf_app *app, uint64_t now_us);
// The same for a look at the disks before the sender exists. Anything but 0: it was cancelled.
int bf_app_looking(void *app, const struct bf_usage_look *look);
void bf_app_meanwhile(void *app); // a turn within one of the sender's, see migrate/sender.h
void bf_app_show_step(struct bf_app *app, const char *step); // before the sender exists
void bf_app_log_to(struct bf_app *app); // the log goes to its screen and to the line channel
void bf_app_report_verdict(struct bf_app *app); // once

// Shows the last screen for as long as the configuration says, then ends: power off, restart, or
// back to the firmware, in which case it returns the program's status.
EFI_STATUS bf_app_end(struct bf_app *app);

// From now on an exception ends the program with a verdict, a screen and what is configured for a
// failure; NULL: no more. A worker's is only asked for: 1 when there was one, with app->fault set.
void bf_app_crash_watch(struct bf_app *app);
int bf_app_worker_crashed(struct bf_app *app);

// The whole program after the platform is set up.
EFI_STATUS bf_app_run(void);

#endif
