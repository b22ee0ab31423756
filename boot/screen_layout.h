// SPDX-License-Identifier: Apache-2.0
// What the screen shows, as a grid of characters with attributes. Portable: no firmware, no clock,
// no memory of its own, so that every picture is a unit test. boot/screen_efi.c puts the grid out.
#ifndef BF_BOOT_SCREEN_LAYOUT_H
#define BF_BOOT_SCREEN_LAYOUT_H

#include <stdint.h>

#include "base/err.h"
#include "migrate/progress.h"
#include "net/proto/proto.h"

enum {
    BF_SCREEN_MIN_COLUMNS = 80,
    BF_SCREEN_MIN_ROWS = 25,
    BF_SCREEN_MAX_COLUMNS = 132, // a wider mode is used in its left part
    BF_SCREEN_MAX_ROWS = 60,
    BF_SCREEN_EVENTS = 8,
    BF_SCREEN_EVENT_MAX = 120,
};

// What a cell means; the colours are chosen by whoever puts it out.
enum bf_tone {
    BF_TONE_NORMAL = 0,
    BF_TONE_DIM,
    BF_TONE_BRIGHT,
    BF_TONE_TITLE,
    BF_TONE_GOOD,
    BF_TONE_WARN,
    BF_TONE_BAD,
    BF_TONE_BAR, // the filled part of a bar
};

struct bf_cell {
    char ch; // printable ASCII, or one of those below
    uint8_t tone;
};
// Full block; double and single horizontal line: characters that every firmware has (UEFI 2.10,
// 12.4.2).
enum { BF_CELL_BLOCK = 1, BF_CELL_DOUBLE, BF_CELL_SINGLE };

struct bf_grid {
    uint16_t columns, rows;
    struct bf_cell cell[BF_SCREEN_MAX_ROWS][BF_SCREEN_MAX_COLUMNS];
};

enum bf_screen_kind {
    BF_SCREEN_STARTING,  // looking at the machine, getting an address
    BF_SCREEN_RUNNING,   // progress
    BF_SCREEN_SUCCESS,   // the point is committed
    BF_SCREEN_ASSESSED,  // what an assessment found
    BF_SCREEN_FAILURE,   // fault says why
    BF_SCREEN_FENCED,    // it lives elsewhere: fault says where
    BF_SCREEN_NO_CONFIG, // nothing to work with: what to do
};

struct bf_assess_view;
struct bf_screen {
    enum bf_screen_kind kind;
    const char *version;
    char machine[64];                     // its name as configured; the server's word replaces it
    char step[80];                        // STARTING: what is being done
    char nic[80];                         // MAC, PCI slot, VLAN of the NIC in use, empty before
    char driver[16];                      // that serves it
    char address[64];                     // own address, empty before
    char address6[52];                    // a second one, empty without one
    char gateway[48], dns[48];            // empty where there is none
    int8_t link;                          // 1 up, 0 down, -1 not known
    uint8_t looking;                      // STARTING: at disks, which can be cancelled
    uint8_t confirming;                   // the operator pressed Esc and is asked
    const struct bf_inventory *inventory; // NULL before it is known
    const struct bf_progress *progress;   // NULL before the sender exists
    const struct bf_assess_view *assess;  // NULL when this is no assessment
    const struct bf_fault *fault;         // FAILURE, FENCED
    uint8_t fence_off;                    // FENCED: the configuration does not want it off
    const char *next;                     // of the last screens: "power off", "restart", ...
    uint32_t countdown;                   // seconds until next happens; UINT32_MAX = it waits
    uint64_t memory_used, memory_limit;   // bytes
    uint32_t workers;                     // other processors that help
    uint64_t elapsed_seconds;             // since the program started
    uint16_t events;                      // number of events ever added
    char event[BF_SCREEN_EVENTS][BF_SCREEN_EVENT_MAX]; // ring: number n is at n % BF_SCREEN_EVENTS
};

// Adds a line to the last events; control characters are replaced.
void bf_screen_event(struct bf_screen *screen, const char *text);

// Renders into the grid whose columns and rows are set (clamped to the limits above).
void bf_screen_render(const struct bf_screen *screen, struct bf_grid *grid);

#endif
