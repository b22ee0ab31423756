#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plot.py DATA SVG TITLE X-AXIS Y-AXIS NAME...: lines of "x y1 y2 ..." as curves in one picture, from zero."""
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 400, 60, 20, 50, 50
COLOURS = ["#1b6ca8", "#c0392b", "#27825a", "#8e5ea2"]


def step(largest):
    """A round distance of lines, of which about five fit."""
    unit = 10 ** len(str(int(largest))) / 100000
    while largest / unit > 6:
        unit *= 2.5 if str(unit).lstrip("0.").startswith("2") else 2
    return unit


def main():
    data, target, title, x_axis, y_axis, *names = sys.argv[1:]
    with open(data) as file:
        rows = [[float(value) for value in line.split()] for line in file]
    x_most, y_most = max(r[0] for r in rows), max(max(r[1:]) for r in rows) * 1.1 or 1

    def x_of(x):
        return LEFT + x / (x_most or 1) * (WIDTH - LEFT - RIGHT)

    def y_of(y):
        return HEIGHT - BOTTOM - y / y_most * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
           f'<text x="{(WIDTH + LEFT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x_axis)}</text>',
           f'<text x="{LEFT}" y="{TOP - 8}" text-anchor="end">{escape(y_axis)}</text>']
    unit, value = step(y_most), 0
    while value <= y_most:
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_of(value):.1f}" y2="{y_of(value):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y_of(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
        value = round(value + unit, 9)
    for row in rows:
        out.append(f'<text x="{x_of(row[0]):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{row[0]:g}</text>')
    for i, name in enumerate(names):
        colour = COLOURS[i % len(COLOURS)]
        points = " ".join(f"{x_of(r[0]):.1f},{y_of(r[i + 1]):.1f}" for r in rows)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x_of(r[0]):.1f}" cy="{y_of(r[i + 1]):.1f}" r="3" fill="{colour}"/>' for r in rows]
        out.append(f'<text x="{WIDTH - RIGHT}" y="{TOP - 8 - 16 * (len(names) - 1 - i)}" text-anchor="end" fill="{colour}">{escape(name)}</text>')
    with open(target, "w") as file:
        file.write("\n".join(out) + "\n</svg>\n")


main()
