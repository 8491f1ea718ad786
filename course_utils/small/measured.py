"""What a network weighs and takes: bytes, bytes after gzip, and LiteRT's time for one example."""

import gzip
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..stopping.checks import check_count
from ..stopping.words import number, plural
from .lite import Lite

# Instructions, the widest first: of x86, then of ARM, as Linux calls them.
WIDEST = ("amx_int8", "avx512_vnni", "avx_vnni", "avx512f", "avx2", "i8mm", "asimddp", "asimd")
SLICE = 0.02  # seconds of a round: long beside a clock's tick, short beside what else a machine does


@dataclass(frozen=True)
class Measured:
    """What `measure` has found; print it to read it.

    Attributes:
        bytes, gzip: of the file, and of that after gzip.
        seconds: for one example, the median of the rounds.
        fastest: the least of them.
        threads, rounds: with how many threads, and in how many rounds it was measured.
        ratio: seconds as a share of the reference's, the median of the rounds; None without a reference.
        ratios: the least and the largest of them.
    """

    bytes: int
    gzip: int
    seconds: float
    fastest: float
    threads: int
    rounds: int
    ratio: float | None = None
    ratios: tuple = ()

    def __str__(self):
        text = (f"{self.bytes:,} bytes, after gzip {self.gzip:,}; {number(1e6 * self.seconds)} microseconds "
                f"an example on {plural(self.threads, 'thread')}")
        if self.ratio is None:
            return text
        least, largest = self.ratios
        return (f"{text}, {self.ratio:.2f} times the reference's ({least:.2f} to {largest:.2f} in "
                f"{plural(self.rounds, 'round')})")


def measure(file, reference=None, *, threads=1, rounds=15):
    """What a file or model weighs, and how long LiteRT takes for one example of it.

    Args:
        file: the bytes of a LiteRT file or its path; a Keras model is converted, in float32.
        reference: another, of which the time is 1. They take turns, so that what else the machine does
            meets both, and the ratio holds where seconds do not. It holds for a `processor()`.
        threads: how many the interpreter may use.
        rounds: how often each is timed, 0.02 seconds each time.

    Returns:
        A Measured.
    """
    found = race({"it": file} if reference is None else {"it": file, "reference": reference},
                 None if reference is None else "reference", threads=threads, rounds=rounds)
    return found["it"]


def race(files, reference=None, *, threads=1, rounds=15):
    """The same of several files, which take turns: a dict, name -> Measured.

    Args:
        files: name -> file or model, as in `measure`.
        reference: a name in `files`, of which the time is 1.

    Raises:
        ValueError: the reference is not among them, or a number is no count.
    """
    check_count("threads", threads)
    check_count("rounds", rounds)
    if reference is not None and reference not in files:
        raise ValueError(f'The reference "{reference}" is none of the files: {", ".join(files)}.')
    lites = {name: Lite(_as_file(file), threads) for name, file in files.items()}
    times = {name: max(1, int(SLICE / lite.seconds(3))) for name, lite in lites.items()}
    for name, lite in lites.items():  # warm, and a better guess
        times[name] = max(1, int(SLICE / lite.seconds(times[name])))
    taken = {name: [] for name in lites}
    for _ in range(rounds):
        for name, lite in lites.items():
            taken[name].append(lite.seconds(times[name]))
    base = None if reference is None else np.array(taken[reference])
    return {name: _measured(lites[name], np.array(taken[name]), base, threads) for name in lites}


def processor():
    """The processor's name, and the widest of its instructions that matter here, as "AMD EPYC (avx2)".

    Ratios hold for a processor: with avx512_vnni, multiplying in 8 bits is much faster than in float32, and
    with avx2 alone it may not be. Outside Linux it is what Python knows, at least the architecture.
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    name = re.search(r"(?m)^model name\s*:\s*(.+)$", text)
    flags = set(re.findall(r"\w+", "".join(re.findall(r"(?mi)^(?:flags|features)\s*:(.*)$", text)[:1])))
    best = next((flag for flag in WIDEST if flag in flags), None)
    return (name[1].strip() if name else platform.processor() or platform.machine()) + (
        f" ({best})" if best else "")


def _as_file(file):
    if not hasattr(file, "predict"):
        return file
    from .conversion import to_lite

    return to_lite(file)


def _measured(lite, seconds, base, threads):
    ratios = None if base is None else seconds / base
    more = {} if base is None else {"ratio": float(np.median(ratios)),
                                    "ratios": (float(ratios.min()), float(ratios.max()))}
    return Measured(len(lite.content), len(gzip.compress(lite.content)), float(np.median(seconds)),
                    float(seconds.min()), threads, len(seconds), **more)
