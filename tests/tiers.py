"""Which tests `make test` leaves to `make slow`: those in tests/slow.txt, which this script writes anew.

    pytest -n 2 --dist loadscope -m "not rare" --durations=0 --durations-min=0.1 | python tests/tiers.py

It reads what pytest says of durations, on a quiet machine. A test that takes longer than TEST is slow, and
so is a notebook that takes longer than NOTEBOOK. A fixture that many tests share is paid by the first of
them: name all of them by hand, with a * at the end.
"""

import collections
import re
import sys
from pathlib import Path

TEST, NOTEBOOK = 1.2, 30.0  # seconds
LIST = Path(__file__).with_name("slow.txt")
DURATION = re.compile(r"\s*([\d.]+)s (?:call|setup|teardown)\s+(\S.*)")


def patterns():
    """The lines of the list: ids of tests, or their beginning and a *."""
    return [line for line in _lines() if line and line[0] != "#"]


def _lines():
    return LIST.read_text(encoding="utf-8").splitlines()


def seconds(lines):
    """Seconds of each test, or of each notebook with its *, as pytest reports them."""
    found = collections.Counter()
    for line in lines:
        if match := DURATION.match(line):
            test = match[2].rstrip()
            if test.startswith("notebooks/"):
                test = test.partition("::")[0] + "::*"
            found[test] += float(match[1])
    return found


def main():
    found = seconds(sys.stdin)
    slow = {test for test, taken in found.items() if taken > (NOTEBOOK if test.startswith("note") else TEST)}
    by_hand = [line for line in patterns() if line.endswith("*") and not line.startswith("notebooks/")]
    slow = {test for test in slow if not test.startswith(tuple(pattern[:-1] for pattern in by_hand))}
    head = [line for line in _lines() if line.startswith("#")]
    LIST.write_text("\n".join([*head, *sorted({*slow, *by_hand}), ""]), encoding="utf-8")
    print(f"{len(found)} tests took {sum(found.values()):.0f} s; without the slow ones "
          f"{sum(taken for test, taken in found.items() if test not in slow):.0f} s")


if __name__ == "__main__":
    main()
