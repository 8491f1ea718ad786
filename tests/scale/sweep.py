"""A small sweep with Ray Tune, for test_ray.py: trials tell a curve, from a checkpoint if there is one.

    python sweep.py FOLDER trial | driver | restore

"trial" kills a process of a trial in the middle, "driver" this process; "restore" goes on after that.
"""

import json
import logging
import os
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

EPOCHS, TRIALS = 40, 4


def curve(trial):
    """A validation loss that falls, turns, and is noisy: list of EPOCHS."""
    chance, turns = random.Random(trial), 4 + 5 * trial
    return [abs(epoch - turns) / EPOCHS + 0.05 * chance.random() for epoch in range(EPOCHS)]


def rule():
    from course_utils.stopping import Patience

    return Patience("val_loss", 5)


def environment(folder):
    """For a process that starts Ray. `folder` is for what it needs."""
    hidden = folder / "hidden"
    hidden.mkdir(exist_ok=True)
    # Jupyter brings a grammar that jsonschema loads, seconds in each of Ray's processes: they start too late
    (hidden / "rfc3987_syntax.py").write_text("raise ImportError")
    path = [hidden, Path(__file__).parents[2], *filter(None, sys.path)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}


def main(folder, how):
    import ray
    from ray import tune

    from course_utils.scale import as_stopper

    def train(config):
        trial, start, flag = config["trial"], 0, folder / "killed"
        if checkpoint := tune.get_checkpoint():
            with checkpoint.as_directory() as place:
                start = json.loads(Path(place, "epoch.json").read_text())
        for epoch, value in enumerate(curve(trial)[start:], start):
            if how == "trial" and trial == 1 and epoch == 7 and not flag.exists():
                flag.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(0.1)
            with tempfile.TemporaryDirectory() as place:
                Path(place, "epoch.json").write_text(json.dumps(epoch + 1))
                tune.report({"val_loss": value}, checkpoint=tune.Checkpoint.from_directory(place))

    def kill_the_driver():
        def told():
            return sum(len(path.read_text().splitlines()) for path in (folder / "rows").glob("*.jsonl"))

        while told() < 20:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGKILL)

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR,
             object_store_memory=100 * 2**20)
    if how == "restore":
        tuner = tune.Tuner.restore(str(folder / "sweep"), trainable=train, resume_errored=True)
    else:
        # all checkpoints are kept: the snapshot that Tune restores may be older than the newest of them
        tuner = tune.Tuner(
            train, param_space={"trial": tune.grid_search([*range(TRIALS)])},
            run_config=tune.RunConfig(
                name="sweep", storage_path=str(folder), stop=as_stopper(rule(), folder / "rows"), verbose=0,
                failure_config=tune.FailureConfig(max_failures=1)))
    if how == "driver":
        threading.Thread(target=kill_the_driver, daemon=True).start()
    results = tuner.fit()
    ended = sorted((result.config["trial"], result.metrics["training_iteration"]) for result in results)
    best = results.get_best_result("val_loss", "min", scope="all").metrics_dataframe["val_loss"].min()
    reports = as_stopper(rule(), folder / "rows").reports(best="val_loss")
    told = {"ended": [epochs for _, epochs in ended], "best": best, "errors": results.num_errors,
            "reasons": sorted(report.reason for report in reports.values())}
    ray.shutdown()
    (folder / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
