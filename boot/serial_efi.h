// SPDX-License-Identifier: Apache-2.0
// The line channel: plain text lines on the serial ports that the firmware names as consoles
// (EFI_SERIAL_IO_PROTOCOL handles, UEFI 2.10, 12.8). No other port is touched.
#ifndef BF_BOOT_SERIAL_EFI_H
#define BF_BOOT_SERIAL_EFI_H

#include <stdint.h>

#include "base/config.h"
#include "base/err.h"

// BF_SERIAL_LINES: opens the ports EXCLUSIVE, so that the firmware's terminal driver lets go of
// them and no escape codes mix with the lines. BF_SERIAL_CONSOLE leaves the ports to the firmware
// (the screen appears there, and no lines). BF_SERIAL_OFF: neither lines nor screen. Returns the
// number of ports that lines go to.
uint32_t bf_serial_open(enum bf_serial mode);

// Sends text and CR LF to every port. A port that does not take it within 200 ms is left out until
// the next line, so that a missing cable does not stop a migration.
void bf_serial_line(const char *text);

// The number of ports that lines go to, as bf_serial_open said.
uint32_t bf_serial_ports(void);

// Gives the ports back and lets the terminal driver return.
void bf_serial_close(void);

#endif
