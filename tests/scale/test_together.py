"""Two processes train one model and stop together: on JAX, on PyTorch, and under tf_keras's strategy."""

import contextlib
import importlib.util
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

WORKER = Path(__file__).with_name("worker.py")
ENGINES = ["torch", pytest.param("tf_keras", marks=pytest.mark.rare)]
LIMIT = 400  # seconds, on a machine that has other things to do


def needs(engine):
    if engine == "torch" and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed; `make scale` installs it and runs this")


def two_ports():
    """A port, and the next one, that nobody listens at."""
    while True:
        with socket.socket() as one, socket.socket() as next_one, contextlib.suppress(OSError, OverflowError):
            one.bind(("127.0.0.1", 0))
            next_one.bind(("127.0.0.1", one.getsockname()[1] + 1))
            return one.getsockname()[1]


@contextlib.contextmanager
def started(folder, engine, cases, **more):
    """The two processes; they are gone afterwards."""
    needs(engine)
    port, processes = two_ports(), []
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", **more,
                   "PYTHONPATH": os.pathsep.join([str(WORKER.parents[2]), *sys.path])}
    try:
        for rank in (0, 1):
            command = [sys.executable, WORKER, folder, str(rank), str(port), engine, ",".join(cases)]
            with open(folder / f"log {rank}", "w") as log:
                processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run(folder, engine, cases):
    """What both processes tell of each case: case -> [of process 0, of process 1]."""
    with started(folder, engine, cases) as processes:
        codes = [process.wait(LIMIT) for process in processes]
    assert codes == [0, 0], "\n".join((folder / f"log {rank}").read_text()[-3000:] for rank in (0, 1))
    return {case: [told(folder, case, rank) for rank in (0, 1)] for case in cases}


def told(folder, case, rank):
    return json.loads((folder / f"{case}.{rank}.json").read_text())


def is_one_stop(one, other):
    """Do both processes report the same, and have the same weights to the bit?"""
    reports = [dict(each["report"], seconds=None) for each in (one, other)]
    assert reports[0] == reports[1]
    assert [one[name] for name in ("weights", "interrupted", "events", "votes", "rate")] == \
        [other[name] for name in ("weights", "interrupted", "events", "votes", "rate")]
    return one["report"]


def test_jax_processes_stop_together(tmp_path):
    cases = run(tmp_path, "jax", ["any", "all", "signal", "when"])
    any_of_them = is_one_stop(*cases["any"])
    assert any_of_them["reason"] == "process 1: 60 seconds are up in batch 3 of epoch 3"
    assert any_of_them["step"] == 24 and any_of_them["ended_by"] == "TimeBudget(seconds=60)"
    all_of_them = is_one_stop(*cases["all"])
    assert all_of_them["step"] >= 40 and all_of_them["best_epoch"] < all_of_them["epoch"]
    first, second = all_of_them["reason"].split("; ")
    assert first.startswith("process 0: val_loss") and second.startswith("process 1: 40 steps are done")
    interrupted = is_one_stop(*cases["signal"])
    assert interrupted["reason"].startswith("process 1: SIGUSR1 came ") and cases["signal"][0]["interrupted"]
    is_one_stop(*cases["when"])
    acted = cases["when"][0]["events"]
    assert [step for _, step in acted] == [20, 40] and cases["when"][0]["rate"] == pytest.approx(0.02 / 4)


@pytest.mark.rare
def test_weights_in_shards_come_back_where_they_were(tmp_path):
    """ModelParallel: no process can read all of a weight. The evaluated value is the kept one."""
    both = run(tmp_path, "jax_model", ["best"])["best"]
    shards = [each.pop("weights") for each in both]
    report = is_one_stop(*(dict(each, weights=None) for each in both))
    assert report["best_epoch"] < report["epoch"] and shards[0] != shards[1]
    for each in both:
        assert each["evaluated"] == pytest.approx(report["kept"], rel=1e-5)


CASES = ["any", "all", "nan", "signal", "file", "deadline", "best", "when"]


@pytest.mark.parametrize("engine", [*ENGINES, pytest.param("jax", marks=pytest.mark.rare)])
def test_whatever_one_wishes_all_do_at_one_step(engine, tmp_path):
    cases = run(tmp_path, engine, CASES)
    reports = {case: is_one_stop(*both) for case, both in cases.items()}
    for case, words in [("any", "60 seconds are up"), ("signal", "SIGUSR1 came"), ("file", "the file"),
                        ("deadline", "the deadline")]:
        assert reports[case]["reason"].startswith(f"process 1: {words}")
        assert cases[case][0]["interrupted"] == (case != "any")
    assert "loss is nan in batch 3 of epoch 0" in reports["nan"]["reason"] and reports["nan"]["step"] < 7
    values = [each["val_loss"] for each in cases["best"]]
    assert (values[0] != values[1]) == (engine == "torch")  # the others validate together
    means = [sum(pair) / 2 for pair in zip(*values)]
    assert reports["best"]["kept"] == min(means) and means[reports["best"]["best_epoch"]] == min(means)
    notes = " ".join(reports["best"]["notes"])
    assert ("is the mean of 2 processes" in notes) == (engine == "torch")


@pytest.mark.parametrize("engine", [*ENGINES, pytest.param("jax", marks=pytest.mark.rare)])
def test_without_agreement_the_others_never_take_another_step(engine, tmp_path):
    """What Together is there for: process 1 stops alone, and process 0 is in a step that never ends."""
    with started(tmp_path, engine, ["alone"]) as processes:
        assert came(tmp_path / "wishes", processes)
        time.sleep(10)
        done = (tmp_path / "done 0").read_text()
        time.sleep(20)
        assert [process.poll() for process in processes] == [None, None]
        assert done == (tmp_path / "done 0").read_text() and int(done) < 30 < 72  # it never goes on
        # TensorFlow may see that the one trains and the other validates, and fail; JAX and PyTorch hang
        failed = (tmp_path / "alone.0.json").exists()
        assert not failed or engine == "tf_keras" and told(tmp_path, "alone", 0)["error"]


@pytest.mark.parametrize("killed", [0, 1])
@pytest.mark.parametrize("engine", [*ENGINES, pytest.param("jax", marks=pytest.mark.rare)])
def test_the_others_end_with_a_reason_when_a_process_is_killed(engine, killed, tmp_path):
    dies_at = random.Random(f"{engine} {killed}").randint(14, 40)  # the best epoch is known then
    with started(tmp_path, engine, [f"kill {killed}"], DIES_AT=str(dies_at)) as processes:
        assert processes[killed].wait(LIMIT) == -signal.SIGKILL
        left = processes[1 - killed].wait(60)
    if engine == "jax" and killed == 0 and left == -signal.SIGABRT:
        return  # process 0 leads: without it JAX itself may end the other, and say so, before its step fails
    assert left == 3
    survivor = told(tmp_path, f"kill {killed}", 1 - killed)
    assert survivor["report"]["reason"].startswith("a process was lost in epoch"), survivor
    assert survivor["report"]["ended_by"] == survivor["error"] and survivor["restored"]
    assert 0 <= survivor["report"]["best_epoch"] < survivor["report"]["epoch"]


def came(path, processes):
    """Did the file come, before a process ended?"""
    until = time.monotonic() + LIMIT / 2
    while not path.exists() and time.monotonic() < until and all(each.poll() is None for each in processes):
        time.sleep(0.2)
    return path.exists()
