"""Record data/two_workers.json: what two processes of one training do when one of them stops, for 92.

    pip install jax "torch>=2.5"
    python data/make/two_workers.py

tests/scale/worker.py trains one small model in two processes, coupled by JAX, by PyTorch and by tf_keras's
MultiWorkerMirroredStrategy. In process 1 sixty seconds seem to be up after 22 batches of 72. First it stops
alone: half a minute after that process 0 is made to say where it is (SIGABRT, and Python's faulthandler), and
both are killed. Then both vote, every 5 batches. Five minutes of two cores.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from npz import DATA, note

sys.path.insert(0, str(DATA.parent / "tests" / "scale"))
from test_together import WORKER, two_ports

ENGINES = ("jax", "torch", "tf_keras")
WAIT = 30  # seconds
FRAMES = 8
PACKAGES = ("jax", "keras", "tensorflow", "tf_keras", "torch")


@contextlib.contextmanager
def two(folder, engine, case):
    """The two processes; they are gone afterwards."""
    port, processes = two_ports(), []
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu",
                   "PYTHONPATH": os.pathsep.join([str(DATA.parent), *sys.path])}
    for rank in (0, 1):
        with open(folder / f"log {rank}", "w") as log:
            processes.append(subprocess.Popen(
                [sys.executable, "-X", "faulthandler", WORKER, folder, str(rank), str(port), engine, case],
                env=environment, stdout=log, stderr=log))
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def frames(log):
    """Where the main thread was, the innermost call first: "file, function", without the folders above."""
    main = log.rpartition("Current thread")[2] if "Current thread" in log else log.rpartition("Thread")[2]
    found = re.findall(r'File "(.*?)", line (\d+) in (\S+)', main)
    return [f"{shown(path)}, {function}" for path, _, function in found[:FRAMES]]


def shown(path):
    """From the package on, or the file's name alone."""
    parts = Path(path).parts
    first = next((i for i, part in enumerate(parts) if part in PACKAGES), len(parts) - 1)
    return "/".join(parts[first:])


def alone(engine):
    """Process 1 stops alone: the batches that each has done half a minute later, where process 0 waits."""
    with tempfile.TemporaryDirectory() as place, two(folder := Path(place), engine, "alone") as processes:
        while not (folder / "wishes").exists():
            time.sleep(0.5)
        time.sleep(WAIT)
        done = [int((folder / f"done {rank}").read_text()) for rank in (0, 1)]
        over = [(folder / f"alone.{rank}.json").exists() for rank in (0, 1)]
        processes[0].send_signal(signal.SIGABRT)
        processes[0].wait()
        report = json.loads((folder / "alone.1.json").read_text())["report"] if over[1] else None
        return {"batches": done, "over": over, "reason": report and report["reason"],
                "stack": frames((folder / "log 0").read_text())}


def together(engine):
    """Both vote: what each says in the end."""
    with tempfile.TemporaryDirectory() as place, two(folder := Path(place), engine, "any") as processes:
        assert [process.wait() for process in processes] == [0, 0]
        ends = [json.loads((folder / f"any.{rank}.json").read_text()) for rank in (0, 1)]
    return {"reason": [end["report"]["reason"] for end in ends],
            "batches": [end["report"]["step"] for end in ends],
            "best_epoch": [end["report"]["best_epoch"] for end in ends],
            "weights": [end["weights"] for end in ends], "votes": [end["votes"] for end in ends],
            "milliseconds_a_vote": [round(1000 * end["vote_seconds"] / end["votes"], 1) for end in ends]}


def main():
    told = {}
    for engine in ENGINES:
        told[engine] = {"alone": alone(engine), "together": together(engine)}
        print(engine, json.dumps(told[engine], indent=1), flush=True)
    (DATA / "two_workers.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    note("two_workers.json")


if __name__ == "__main__":
    main()
