// SPDX-License-Identifier: Apache-2.0
// The screen and the keyboard of the machine: ConOut and ConIn (UEFI 2.10, 12.3 and 12.4).
#ifndef BF_BOOT_SCREEN_EFI_H
#define BF_BOOT_SCREEN_EFI_H

#include <stdint.h>

#include "boot/screen_layout.h"

// Takes ConOut as it is, hides the cursor and clears. BF_ERR_NOT_FOUND without a usable ConOut:
// everything below then does nothing. Call it AFTER bf_serial_open, which takes serial consoles out
// of ConOut's outputs.
enum bf_err bf_screen_open(void);

// Draws what changed since the last call, at most every 250 ms unless force is set. Cheap when
// nothing changed.
void bf_screen_draw(const struct bf_screen *screen, uint64_t now_us, int force);

// Writes text as a line of its own and clears the screen again, so that it stays in the log of a
// console that has one. The next draw shows everything.
void bf_screen_line(const char *text);

// Gives ConOut back with a cleared screen and a cursor.
void bf_screen_close(void);

enum bf_key { BF_KEY_NONE = 0, BF_KEY_CANCEL, BF_KEY_YES, BF_KEY_OTHER };
// The next key, if one was pressed: Esc or q is CANCEL, y is YES. Never waits. Outside of
// the screen for tests in the firmware.
enum bf_key bf_screen_key(void);

// The dialogue about cancelling: call it in every turn. Esc or q asks (screen->confirming), y
// within ten seconds confirms, anything else takes it back. Returns 1 once when confirmed.
int bf_screen_cancel_requested(struct bf_screen *screen, uint64_t now_us);

#endif
