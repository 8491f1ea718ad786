"""Two threads that play the two processes of a training, and what the recorded ones say."""

import re
import threading

import numpy as np

from ...scale import Together

NAMES = {"jax": "JAX", "torch": "PyTorch", "tf_keras": "TensorFlow"}  # what couples the recorded workers


class Meeting:
    """A gather for threads: each brings an array, waits for the others, and gets all of them.

    Args:
        workers: how many there are.
        patience: seconds after which one who waits alone gives up, by threading.BrokenBarrierError.
    """

    def __init__(self, workers=2, patience=60):
        self.barrier, self.brought = threading.Barrier(workers, timeout=patience), [None] * workers

    def gather_of(self, worker):
        """What `Together(gather=...)` of this worker is given."""
        def gather(mine):
            self.brought[worker] = mine
            self.barrier.wait()  # all have brought theirs
            rows = np.stack(self.brought)
            self.barrier.wait()  # all have taken them
            return rows

        return gather


def at_once(work, workers=2):
    """Call work(0), work(1), ... each in a thread of its own. Returns what they return.

    Raises:
        Exception: that of the first worker that raised one.
    """
    results = [None] * workers

    def run(worker):
        try:
            results[worker] = work(worker)
        except Exception as error:
            results[worker] = error

    threads = [threading.Thread(target=run, args=(worker,), daemon=True) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def meet(work, every):
    """Call work(0, together) and work(1, together) at once, each with a Together by which they vote."""
    meeting = Meeting()
    return at_once(lambda worker: work(worker, Together(every=every, gather=meeting.gather_of(worker))))


def ends(alone):
    """What had become of the two fits of which one stopped alone, see data/make/two_workers.py: two texts."""
    reason = alone["reason"] or ""  # worker 1's
    error = re.search(r"\w+Error", reason)
    return [f"its fit has ended ({error[0] if error else reason})" if over else "still in its fit"
            for over in alone["over"]]


def digits():
    """1,200 digits to train on: x, y."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x[:1200] / 16).astype("float32"), y[:1200]


def network(seed):
    """A small network for them, compiled."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
