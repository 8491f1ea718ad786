"""Renews constraints/colab.txt from the list that Colab publishes: what `pip freeze` says on its runtime.

    curl -LO https://raw.githubusercontent.com/googlecolab/backend-info/main/pip-freeze.txt
    python tests/lanes/colab_pins.py pip-freeze.txt [--date 2026-08-19] [--python 3.13]

The same packages as before, at the versions of that list, and its date in the first line: --date, or today.
"""

import argparse
import datetime
import re
import sys
from pathlib import Path

PINS = Path(__file__).resolve().parents[2] / "constraints" / "colab.txt"


def plain(name):
    """A package's name as pip compares it: tf_keras and TF.Keras are tf-keras."""
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(freeze):
    """Package -> version, of the lines NAME==VERSION in `freeze`; +cu128 and the like, not on PyPI, go."""
    found = re.findall(r"^([\w.-]+)==([\w.!]+)", freeze, re.MULTILINE)
    return {plain(name): version for name, version in found}


def renewed(pins, freeze, date, python=None):
    """`pins` with the versions of `freeze` and the date. Raises ValueError if a package is not there."""
    there, lines = versions(freeze), []
    for line in pins.splitlines():
        name = line.split("==")[0].strip()
        if name and not name.startswith("#"):
            if plain(name) not in there:
                raise ValueError(f"{name} is not in Colab's list, which has {len(there)} packages.")
            line = f"{name}=={there[plain(name)]}"
        lines.append(line)
    lines[0], dates = re.subn(r"\d{4}-\d\d-\d\d", date, lines[0])
    if dates != 1:
        raise ValueError(f"The first line should have one date, such as 2026-08-19: {lines[0]}")
    if python:
        lines[0] = re.sub(r"Python [\d.]+", f"Python {python}", lines[0])
    return "\n".join(lines) + "\n"


def main(argv=None):
    as_it_is = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_it_is)
    parser.add_argument("freeze", type=Path)
    parser.add_argument("--date", type=datetime.date.fromisoformat, default=datetime.date.today())
    parser.add_argument("--python")
    chosen = parser.parse_args(argv)
    try:
        text = renewed(PINS.read_text(encoding="utf-8"), chosen.freeze.read_text(encoding="utf-8"),
                       chosen.date.isoformat(), chosen.python)
    except ValueError as error:
        sys.exit(str(error))
    PINS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
