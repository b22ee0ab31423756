#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sql.py DATABASE [QUERY]: prints the rows of the query, a row a line, columns separated by spaces; without a query the
statements on standard input are executed."""
import contextlib
import sqlite3
import sys

with contextlib.closing(sqlite3.connect(sys.argv[1])) as database:
    if len(sys.argv) > 2:
        for row in database.execute(sys.argv[2]):
            print(*row)
    else:
        database.executescript(sys.stdin.read())
        database.commit()
