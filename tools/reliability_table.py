#!/usr/bin/env python3
"""Print one table of what the tests that break things counted; tools/reliability calls it.

    tools/reliability_table.py LOG...

Tests print lines `counted WHAT: COUNT`; those of one name are added up. A line of the table that no test counted, and anything
lost, wrong or missed, makes the exit code 1. Uses the standard library only.
"""

import collections
import re
import sys

COUNTED = re.compile(r"^\.?counted (.+): (\d+)$", re.M)
# The lines that must be there, in their order; others follow.
LINES = (
    "crash points",
    "crash points: of a life",
    "crash points: of the recovery from one",
    "kills survived",
    "recoveries",
    "acknowledged writes",
    "flipped bits",
    "flipped bits: reported by verify",
    "flipped bits: without a meaning",
    "flipped bits: answered right",
    "flipped bits: refused by name",
    "cut files",
    "cut files: reported by verify",
    "failed file operations",
    "failed file operations: full disk",
    "failed file operations: short write",
    "failed file operations: sync",
    "answers compared",
)
# What must be 0, last.
ZEROES = ("flipped bits: missed by verify", "lost", "wrong answers")


def add_up(text):
    counts = collections.Counter()
    for what, count in COUNTED.findall(text):
        counts[what] += int(count)
    return counts


def table(counts):
    """Return the table's text, and what is wrong with it."""
    others = sorted(set(counts) - set(LINES) - set(ZEROES))
    names = [*LINES, *others, *ZEROES]
    width = max(map(len, names))
    lines = [f"{name:<{width}}  {format(counts[name], ',') if name in counts else 'not counted':>12}" for name in names]
    wrong = [f"not counted: {name}" for name in names if name not in counts]
    wrong += [f"not 0: {name}" for name in ZEROES if counts[name] > 0]
    return "\n".join(lines), wrong


def main(paths):
    text = ""
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as stream:
            text += stream.read()
    told, wrong = table(add_up(text))
    print(told)
    for problem in wrong:
        print(f"reliability: {problem}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
