#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""terminal.py LOG: what a terminal shows at the end of a serial log, one line of text per row. Knows what the firmware's
terminal driver writes (EDK II, MdeModulePkg/Universal/Console/TerminalDxe): the cursor's place, clearing, colours."""
import re
import sys

ROWS, COLUMNS = 60, 132
SEQUENCE = re.compile(r"\x1b(?:\[([0-9;=?]*)([A-Za-z])|.)|[^\x1b]", re.S)


class Screen:
    def __init__(self):
        self.row = self.column = 0
        self.clear()

    def clear(self):
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]

    def control(self, numbers, letter):
        if letter == "H":
            place = [int(n or 1) for n in (numbers or "1;1").split(";")]
            self.row, self.column = place[0] - 1, place[-1] - 1
        elif letter == "J":
            self.clear()

    def put(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.row += 1
        elif char == "\b":
            self.column -= 1
        elif 0 <= self.row < ROWS and 0 <= self.column < COLUMNS:
            self.cells[self.row][self.column] = char
            self.column += 1


def main():
    with open(sys.argv[1], "rb") as log:
        text = log.read().decode("utf-8", "replace")
    screen = Screen()
    for found in SEQUENCE.finditer(text):
        if found[2]:
            screen.control(found[1], found[2])
        elif not found[0].startswith("\x1b"):
            screen.put(found[0])
    print("\n".join("".join(row).rstrip() for row in screen.cells).rstrip())


if __name__ == "__main__":
    main()
