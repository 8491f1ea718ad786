"""One of two processes that train one model, for test_together.py.

    python worker.py FOLDER RANK PORT ENGINE CASE,CASE

ENGINE is jax, jax_model (its weights in shards), torch or tf_keras. What became of each case is left in
FOLDER/CASE.RANK.json. In "alone" there is no agreement; in "kill 0" and "kill 1" that process dies.
"""

import hashlib
import json
import os
import signal
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

BATCH = 10


def begin(engine, rank, port):
    """Couple the processes. Returns Keras, and what a model is to be built in."""
    if engine == "tf_keras":
        workers = [f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"]
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers},
                                              "task": {"type": "worker", "index": rank}})
        os.environ["GRPC_FAIL_FAST"] = "use_caller"
        import tensorflow as tf
        import tf_keras

        return tf_keras, tf.distribute.MultiWorkerMirroredStrategy().scope
    os.environ["KERAS_BACKEND"] = engine.partition("_")[0]
    if engine == "torch":
        import torch
        from torch import distributed

        torch.set_num_threads(1)
        distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    else:
        import jax

        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(f"127.0.0.1:{port}", 2, rank, heartbeat_timeout_seconds=10)
    import keras

    if engine.startswith("jax"):
        keras.distribution.set_distribution(distribution(keras.distribution, engine))
    return keras, nullcontext


def distribution(keras_distribution, engine):
    devices = [str(device) for device in keras_distribution.list_devices()]
    if engine == "jax":
        return keras_distribution.DataParallel(devices=devices, auto_shard_dataset=False)
    mesh = keras_distribution.DeviceMesh((1, 2), ["batch", "model"], devices)
    layout = keras_distribution.LayoutMap(mesh)
    layout[".*dense/kernel"], layout[".*dense/bias"] = (None, "model"), ("model",)
    return keras_distribution.ModelParallel(layout_map=layout, batch_dim_name="batch",
                                            auto_shard_dataset=False)


def network(keras, engine):
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((6,)), dense(8, "tanh", name="dense"), dense(1, name="out")])
    optimizer = keras.optimizers.Adam(0.02)
    if engine == "torch":
        averages(optimizer)
    model.compile(optimizer, "mse")
    return model


def averages(optimizer):
    """Let PyTorch's processes train one model: the mean of their gradients."""
    from torch import distributed

    apply = optimizer.apply

    def of_the_mean(gradients, *arguments, **options):
        for gradient in gradients:
            distributed.all_reduce(gradient)
            gradient /= 2
        return apply(gradients, *arguments, **options)

    object.__setattr__(optimizer, "apply", of_the_mean)


def data(engine, case, rank):
    """What fit is given: training and validation."""
    own_data = engine in ("jax", "torch")
    chance = np.random.default_rng(5 + (rank if own_data else 0))
    x = chance.normal(size=(80, 6)).astype("float32")
    y = (x[:, :1] + 0.3 * chance.normal(size=(80, 1))).astype("float32")
    train, validation = (x[:60], y[:60]), (x[60:], y[60:])
    if case == "nan" and rank == 1:
        train[0][35] = np.nan  # in the fourth batch
    if engine != "tf_keras":
        return {"x": train[0], "y": train[1], "batch_size": BATCH, "shuffle": False,
                "validation_data": validation}
    import tensorflow as tf

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    train, validation = (tf.data.Dataset.from_tensor_slices(part).batch(BATCH).with_options(options)
                         for part in (train, validation))
    return {"x": train, "validation_data": validation}


class Events:
    """What happens to a process, told in batches that are done: to process 1 alone, and after 21 of them."""

    def __init__(self, keras, case, rank, folder):
        self.case, self.rank, self.folder, self.done = case, rank, folder, 0
        self.callback = keras.callbacks.LambdaCallback(on_train_batch_end=self.after_a_batch)

    def after_a_batch(self, batch, logs):
        self.done += 1
        if self.case == "alone":
            (self.folder / f"done {self.rank}").write_text(str(self.done))
        if self.case == f"kill {self.rank}" and self.done == int(os.environ["DIES_AT"]):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.rank == 1 and self.done == 21:
            if self.case == "signal":
                os.kill(os.getpid(), signal.SIGUSR1)
            if self.case == "file":
                (self.folder / "stop 1").touch()

    def clock(self):
        late = self.rank == 1 and self.done > 21
        if late:
            (self.folder / "wishes").touch()
        return 100.0 if late else 0.0


def callback(case, rank, folder, clock):
    from course_utils.scale import Together
    from course_utils.stopping import (
        Deadline,
        NotFinite,
        Patience,
        Signal,
        StepBudget,
        StopFile,
        StopWhen,
        TimeBudget,
        When,
        scale_learning_rate,
    )

    days = timedelta(days=1 - 2 * rank)
    rule = {
        "any": TimeBudget(seconds=60), "alone": TimeBudget(seconds=60), "best": Patience("val_loss", 3),
        "all": Patience("val_loss", 3) if rank == 0 else StepBudget(40), "when": StepBudget(20 + 7 * rank),
        "signal": Signal("SIGUSR1"), "file": StopFile(folder / f"stop {rank}"),
        "deadline": Deadline(datetime.now() + days),
    }.get(case, NotFinite())
    together = None if case == "alone" else Together(every=5, rule=all if case == "all" else any)
    if case == "when":
        return When(rule, scale_learning_rate(0.5), times=2, together=together)
    return StopWhen(rule, "val_loss", clock=clock, together=together)


def main(folder, rank, port, engine, cases):
    keras, scope = begin(engine, rank, port)
    from course_utils.scale import reporting

    for case in cases.split(","):
        with scope():
            model = network(keras, engine)
        events = Events(keras, case, rank, folder)
        stop = callback(case, rank, folder, events.clock)
        began, told = time.monotonic(), {"error": None}
        try:
            with reporting(stop):
                model.fit(**data(engine, case, rank), epochs=12, verbose=0, callbacks=[events.callback, stop])
        except Exception as problem:
            told["error"] = type(problem).__name__
            stop.restore_best()
            kept = map(np.asarray, stop.best.weights)
            told["restored"] = all(map(np.array_equal, model.get_weights(), kept))
        votes = [getattr(stop.votes, name, 0) for name in ("count", "seconds")]
        told.update(seconds=time.monotonic() - began, report=asdict(stop.report),
                    interrupted=stop.interrupted, votes=votes[0], vote_seconds=votes[1],
                    val_loss=stop.history.get("val_loss"),
                    events=[[each.reason, each.step] for each in stop.events])
        if told["error"] is None:
            told["weights"] = fingerprint(model, in_shards=engine == "jax_model")
        if engine == "jax_model":
            told["evaluated"] = model.evaluate(*data(engine, case, rank)["validation_data"], BATCH, verbose=0)
        told["rate"] = float(np.asarray(model.optimizer.learning_rate)) if case == "when" else None
        unfinished = folder / f"{case}.{rank}"
        unfinished.write_text(json.dumps(told))
        unfinished.rename(folder / f"{case}.{rank}.json")
    if case == "alone":
        time.sleep(600)  # it lives on, as a script does that evaluates its model
    os._exit(0 if told["error"] is None else 3)  # not waiting for the other


def fingerprint(model, in_shards):
    values = model.get_weights() if not in_shards else [
        shard.data for variable in model.weights for shard in variable.value.addressable_shards]
    return hashlib.sha256(b"".join(np.asarray(value).tobytes() for value in values)).hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
