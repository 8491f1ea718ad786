"""What several processes, JAX and sweeps cost: rows for bench.py. What JAX trains has processes of its own.

On JAX, Keras hands the numbers of a batch to every callback that is called after it, and waits for them. The
yardstick of a step is therefore a callback that is called and does nothing.

    python benchmarks/bench_scale.py step          # prints ratios, as JSON
    python benchmarks/bench_scale.py vote RANK PORT
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS, VOTES, LAYERS = 40, 300, 50
TRIALS, EPOCHS = 12, 60


def rows():
    """What, measured, limit, remark; a limit is "at most"."""
    step = of_process("step")
    votes = of_process("vote", 0, free_port(), beside=True)
    slow, epochs = 1000 * sorted(votes)[9 * VOTES // 10], sweep()
    ratios = sorted(one / other for one, other in zip(step["budget"], step["nothing"]))
    middle, plain = ratios[ROUNDS // 4 : -ROUNDS // 4], 1000 * statistics.median(step["nothing"])
    return [
        ("a step of JAX under StepBudget / under a callback that does nothing",
         statistics.median(ratios), 1.1,
         f"after every batch; of {plain:.1f} ms, {2 * LAYERS + 2} weights; half of {ROUNDS} rounds: "
         f"{middle[0]:.3f} to {middle[-1]:.3f}"),
        ("a vote of two processes of JAX, in ms", 1000 * statistics.median(votes), None,
         f"loopback, both on this machine; nine of ten take at most {slow:.1f}"),
        ("epochs of a sweep whose trials stop / without", epochs["with"] / epochs["without"], None,
         f"{TRIALS} trials of {EPOCHS} epochs, Patience of 5: {epochs['with']} of {epochs['without']}; "
         f"best val_loss {epochs['best with']:.4f} (without {epochs['best']:.4f})"),
    ]


def free_port():
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


def of_process(*arguments, beside=False):
    """What this file prints with these arguments; `beside`: with process 1 of two beside it."""
    root = Path(__file__).parents[1]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu",
                   "PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)])}
    command = [sys.executable, __file__, *map(str, arguments)]
    other = subprocess.Popen([*command[:3], "1", *command[4:]], env=environment) if beside else None
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True,
                          timeout=600)
    if other:
        other.wait(60)
    return json.loads(done.stdout.splitlines()[-1])


def step():
    """Processor time of a step in seconds, round by round: under StepBudget, and one that does nothing."""
    import keras
    import numpy as np

    from course_utils.stopping import StepBudget, StopWhen

    x = np.random.default_rng(0).normal(size=(1000, 16)).astype("float32")
    models, steps = {}, 100
    idle = keras.callbacks.LambdaCallback
    columns = {"nothing": lambda: [idle(on_train_batch_end=lambda batch, logs: None)],
               "budget": lambda: [StopWhen(StepBudget(10**9))]}
    for name in columns:
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Dense(16, "relu") for _ in range(LAYERS)]
        models[name] = keras.Sequential([keras.Input((16,)), *layers, keras.layers.Dense(1)])
        models[name].compile("adam", "mse")

    def seconds(name):
        callbacks = columns[name]()
        began = time.process_time()
        models[name].fit(x, x[:, :1], batch_size=len(x) // steps, epochs=1, verbose=0, callbacks=callbacks)
        return time.process_time() - began

    for name in [*models] * 2:
        seconds(name)  # JAX compiles
    rounds = [{name: seconds(name) / steps for name in ([*models] * 2)[number % 2 : number % 2 + 2]}
              for number in range(ROUNDS)]  # none is always the first
    return {name: [each[name] for each in rounds] for name in models}


def vote(rank, port):
    """Seconds of each of many votes in which nobody wishes anything."""
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(f"127.0.0.1:{port}", 2, rank)
    from course_utils.scale import Together
    from course_utils.scale.gathers import jax_gather
    from course_utils.stopping import Epochs, StopWhen

    votes = StopWhen(Epochs(3), together=Together(gather=jax_gather)).votes
    votes.gather, seconds = jax_gather, []
    for _ in range(VOTES + 20):
        before = votes.seconds
        votes.agreed(None, whole_epoch=True)
        seconds.append(votes.seconds - before)
    return seconds[20:]  # in the first JAX compiles


def sweep():
    """Epochs and best validation loss of a small sweep, with its trials stopped and without."""
    import keras
    import numpy as np

    from course_utils.stopping import NotFinite, Patience, replay

    chance = np.random.default_rng(0)
    x = chance.normal(size=(300, 8)).astype("float32")
    y = (np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3] + 0.3 * chance.normal(size=(300, 1))).astype("float32")
    reports, best = [], []
    for trial in range(TRIALS):
        keras.utils.set_random_seed(trial)
        rate, width = 10 ** chance.uniform(-3, -0.5), int(chance.integers(4, 65))
        layers = [keras.Input((8,)), keras.layers.Dense(width, "relu"), keras.layers.Dense(1)]
        model = keras.Sequential(layers)
        model.compile(keras.optimizers.Adam(rate), "mse")
        train, validation = (x[:200], y[:200]), (x[200:], y[200:])
        run = model.fit(*train, validation_data=validation, epochs=EPOCHS, verbose=0).history
        reports.append(replay(Patience("val_loss", 5) | NotFinite(), run, best="val_loss"))
        best.append(min(run["val_loss"]))
    return {"with": sum(report.epoch + 1 for report in reports), "without": TRIALS * EPOCHS,
            "best with": min(report.kept for report in reports), "best": min(best)}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*map(int, sys.argv[2:]))))
