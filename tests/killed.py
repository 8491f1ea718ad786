"""A training that is killed again and again, each process a fork: for the scripts killed_*.py."""

import json
import os
import random
import signal
import traceback


def process(train, folder, last=None, gone=(-signal.SIGKILL,)):
    """Run `train(folder, last)` in a fork. Returns the result it left in result.json.

    None if it ended with one of the exit codes `gone`: it was killed, or asks to be begun again.
    """
    folder.mkdir(exist_ok=True)
    child = os.fork()
    if child == 0:
        try:
            train(folder, last)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code in gone:
        return None
    assert code == 0, f"a training failed with exit code {code}"
    return json.loads((folder / "result.json").read_text())


def again_and_again(train, folder, kills, latest):
    """An undisturbed run, and runs of which some processes were killed, `kills` in all: {"whole", "runs"}.

    Args:
        train: a function of a folder and the tick at which to die, or None.
        latest: a function of how many ticks the undisturbed run has: the last at which a process dies.
    """
    whole = process(train, folder / "whole")
    chance, done, runs = random.Random(0), 0, []
    while done < kills:
        result, killed = None, 0
        while result is None:  # a training of which some processes are killed, each a bit later
            last = chance.randint(1, latest(whole["ticks"])) if done < kills else None
            result = process(train, folder / f"run {len(runs)}", last)
            killed += result is None
            done += result is None
        runs.append(dict(result, killed=killed))
    return {"whole": whole, "runs": runs}
