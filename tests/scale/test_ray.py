"""Ray Tune itself: the kill of a trial, and of the driver. `make scale` installs it."""

import importlib.util
import json
import signal
import subprocess
import sys

import pytest

import sweep
from course_utils.stopping import replay

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None,
                                reason="ray is not installed; `make scale` installs it and runs this")
REPORTS = [replay(sweep.rule(), {"val_loss": sweep.curve(trial)}, best="val_loss")
           for trial in range(sweep.TRIALS)]


def run(folder, how):
    """What the sweep left, or None if it was killed."""
    done = subprocess.run([sys.executable, sweep.__file__, folder, how], capture_output=True, text=True,
                          env=sweep.environment(folder), timeout=400)
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads((folder / "told.json").read_text())


def is_the_undisturbed_one(told):
    assert told["ended"] == [report.epoch + 1 for report in REPORTS]
    assert told["reasons"] == sorted(report.reason for report in REPORTS)
    assert told["best"] == min(report.kept for report in REPORTS) and told["errors"] == 0
    return True


def test_each_trial_ends_where_its_replay_does_also_one_that_was_killed(tmp_path):
    assert sum(report.epoch + 1 for report in REPORTS) < sweep.TRIALS * sweep.EPOCHS / 2
    assert is_the_undisturbed_one(run(tmp_path, "trial"))
    assert (tmp_path / "killed").exists()


def test_a_sweep_whose_driver_was_killed_goes_on(tmp_path):
    assert run(tmp_path, "driver") is None
    told = sum(len(path.read_text().splitlines()) for path in (tmp_path / "rows").glob("*.jsonl"))
    assert 20 <= told < sum(report.epoch + 1 for report in REPORTS)
    assert is_the_undisturbed_one(run(tmp_path, "restore"))
