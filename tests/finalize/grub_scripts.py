#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""grub_scripts.py FOLDER COUNT: writes scripts of GRUB into FOLDER, 0 to COUNT-1, the same ones each time. Many are
wrong, in every place where a script can be. Each that GRUB runs ends: a loop counts, and no function calls another."""
import os
import random
import sys

WORDS = ["a", "b1", "$x", '"$x"', "${y}", '"${y} z"', "'q w'", "x=1", "\\$", '\\"', '"\\$x"', '"\\a"', "#c", "a#c", "do",
         "fi", "in", "if", "then", "$", '"$"', "${", "$1", "$#", "$@", '"$@"', "$*", '"a', "'b", "\\", "[", "]", "=",
         "{", "}", "||", "&", ">", "\\ ", '$"m $x"', "a\\\nb", '"n\nn"', "$unset", '""', "''", "!", "[[", "case", '$"q']
COMMANDS = ["true", "false", "set x=1", 'set y="a  b"', '[ "$x" = 1 ]', "nosuch", "f", 'test -z "$x"', "unset x",
            "export x", "z=4", "break", "continue", "return", "return 2", "shift", "setparams p q", "! true", "! false"]
ENDS = ["\n", "\n", "\n", ";", " ; ", ";\n"]
ODD_ENDS = ["\n\n", " ", ";;", "; ;", "#k\n", " # it's\n"]


class Script:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.loops = 0
        self.in_function = False

    def one_of(self, items):
        return items[int(self.random.random() * len(items))]

    def often(self, share):
        return self.random.random() < share

    def simple(self):
        if self.often(0.6):
            plain = ["a", '"$x"', "$y", "b"]
            words = [self.one_of(WORDS if self.often(0.5) else plain) for _ in range(int(self.random.random() * 5))]
            return " ".join(["echo @"] + words)
        command = self.one_of(COMMANDS)
        return "true" if self.in_function and command == "f" else command

    def end(self):
        return self.one_of(ENDS if self.often(0.95) else ODD_ENDS)

    def commands(self, depth):
        return "".join(self.command(depth) + self.end() for _ in range(1 + int(self.random.random() * 3)))

    def condition(self, depth):
        text = f"if {self.commands(depth)}then{self.one_of([' ', chr(10)])}{self.commands(depth)}"
        if self.often(0.3):
            text += f"elif {self.commands(depth)}then {self.commands(depth)}"
        if self.often(0.5):
            text += f"else {self.commands(depth)}"
        return text + "fi"

    def loop(self, depth):
        self.loops += 1
        name = f"w{self.loops}"
        if self.often(0.4):
            words = " ".join(self.one_of(WORDS if self.often(0.3) else "abc") for _ in range(int(self.random.random() * 4)))
            return f"for i in {words}{self.end()}do echo @ \"$i\";{self.commands(depth)}done"
        head = f'while [ "${name}" != xx ]' if self.often(0.5) else f'until [ "${name}" = xx ]'
        return f"{head}; do {name}=x${name}{self.one_of([';', chr(10)])}{self.commands(depth)}done"

    def function(self, depth):
        if self.in_function:
            return "true"
        self.in_function = True
        body = self.commands(depth).replace("f a", "true a")
        self.in_function = False
        return f"function f{self.one_of([' ', chr(10)])}{{{self.one_of([' ', chr(10), ''])}{body}}}"

    def command(self, depth):
        if depth == 0 or self.often(0.55):
            return self.simple()
        kind = self.random.random()
        if kind < 0.35:
            return self.condition(depth - 1)
        if kind < 0.7:
            return self.loop(depth - 1)
        if kind < 0.85:
            return self.function(depth - 1) if depth > 2 or self.often(0.2) else "true" if self.in_function else 'f a "b c"'
        return f"{self.one_of(['menuentry x', 'submenu y --id z'])} {{{self.one_of([' ', chr(10)])}{self.commands(depth - 1)}}}"

    def text(self):
        text = "x=1\n" if self.often(0.5) else ""
        for _ in range(1 + int(self.random.random() * 5)):
            text += self.command(3) + self.end()
        return text[:int(self.random.random() * len(text))] if self.often(0.1) else text


def main():
    folder, count = sys.argv[1], int(sys.argv[2])
    os.makedirs(folder, exist_ok=True)
    for number in range(count):
        with open(os.path.join(folder, str(number)), "w", encoding="utf-8") as f:
            f.write(Script(number).text())


main()
