"""Record data/curves/small_front.npz: ways to a smaller network, in bytes, time and accuracy, for chapter 09.

    python data/make/small_front.py

Labels network (mlp, cnn), model, bits (32, 8) and seed (30 to 34); every column has one row.
dense           as large as it is
pruned          0.9 of the weights zero, `PruneWhen` with a ramp of 8 epochs
half, quarter   `prune_filters` leaves a half or a quarter of the filters and units
half + zeros    half, and 0.8 of what is left zero
half scratch, quarter scratch
                a half or a quarter as wide from the beginning
distilled       half scratch, with a loss as in small_distil.py: the teacher is dense

Each is trained twice: at a rate of 0.001 until `Patience("val_loss", 5)`, and on at 0.003 until it again,
armed by full masks where there are masks. pruned, half, quarter begin at dense's first stop, half + zeros at
half.
Where both trainings are of one network, the lower validation loss is kept.

test_accuracy       of the LiteRT file, share of 540 pictures
zeros, weights      share of zeros among the kernels' weights, number of weights
epochs              of both trainings
bytes, gz           the LiteRT file, and after gzip
microseconds, two   one picture through LiteRT's interpreter (TensorFlow 2.21) on one thread, and on two: the
                    fastest of 80 rounds, in which all files of a seed take turns
latency, latency_two    the same by those of dense in 32 bits

Accuracies and bytes come again on one machine; times do not. The course's are those of an AMD EPYC (x86 with
AVX2) that others used too.
"""

import argparse
import functools
import gzip

from small_distil import HARD, soft_loss
from small_files import race

import small
from course_utils.pruning import PruneWhen, at_target, sparsity
from course_utils.small import Lite, prune_filters, to_lite
from course_utils.stopping import Armed, Epochs, Patience, StopWhen
from small import np, tf

SEEDS = range(30, 35)
NETWORKS = ("mlp", "cnn")
MODELS = ("dense", "pruned", "half", "quarter", "half + zeros", "half scratch", "quarter scratch",
          "distilled")
FIVE = Patience("val_loss", 5)


def fit(model, data, seed, rate, target=None, loss=None):
    """Train until patience 5, with the best weights: (lowest validation loss, epochs)."""
    small.compiled(model, rate, loss)
    full = None if target is None else at_target(target)
    prune = [] if target is None else [PruneWhen(Epochs(1), target)]
    stop = StopWhen(FIVE if full is None else Armed(full, FIVE), restore_best="val_loss", best_when=full)
    small.fit(model, data, seed, 100, [*prune, stop])
    return stop.report.kept, stop.report.epoch + 1


def copy_of(model):
    """The same network with the same weights, not compiled."""
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


def on(model, data, seed, target=None):
    """A copy that was trained on at 0.003."""
    copy = copy_of(model)
    return copy, *fit(copy, data, seed, 3 * small.RATE, target)


def distilling(model, data):
    """The data with the model's logits beside the labels, and the loss that takes both."""
    (x, y), *others = data
    packed = np.concatenate([y[:, None], model(x, training=False).numpy()], 1).astype("float32")

    def loss(packed, logits):
        labels = tf.cast(packed[:, 0], tf.int32)
        hard = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return HARD * hard + (1 - HARD) * soft_loss(packed[:, 1:], logits)

    return [(x, packed), *others], loss


def trained(network, seed):
    """Name -> (model, epochs)."""
    data, new, models = small.digits(seed), small.NETWORKS[network], {}
    small.seeded(seed)

    def twice(model, data=data, loss=None):
        best, epochs = fit(model, data, seed, small.RATE, loss=loss)
        first = copy_of(model)
        lowest, more = fit(model, data, 50 + seed, 3 * small.RATE, loss=loss)
        if lowest > best:
            model.set_weights(first.get_weights())
        return first, (model, epochs + more), epochs

    dense, models["dense"], first = twice(new())
    model, _, epochs = on(dense, data, 50 + seed, 0.9)
    models["pruned"] = model, first + epochs
    for name, share in (("half", 0.5), ("quarter", 0.75)):
        model, _, epochs = on(prune_filters(dense, share)[0], data, 50 + seed)
        models[name] = model, first + epochs
    model, _, epochs = on(models["half"][0], data, 70 + seed, 0.8)
    models["half + zeros"] = model, models["half"][1] + epochs
    for name, part in (("half scratch", 0.5), ("quarter scratch", 0.25)):
        models[name] = twice(new(part))[1]
    models["distilled"] = twice(new(0.5), *distilling(dense, data))[1]
    return models


@functools.lru_cache(1)
def table(network, seed):
    """(model, bits) -> its row."""
    models, data = trained(network, seed), small.digits(seed)
    (x, _), _, (x_test, y_test) = data
    files = {(name, bits): to_lite(models[name][0], bits == 8, x if bits == 8 else None)
             for name in MODELS for bits in (32, 8)}
    seconds = [race({key: Lite(file, threads) for key, file in files.items()}) for threads in (1, 2)]
    rows = {}
    for key, file in files.items():
        model, epochs = models[key[0]]
        times = [each[key] for each in seconds]
        ratios = [each[key] / each["dense", 32] for each in seconds]
        rows[key] = {
            "test_accuracy": Lite(file).accuracy(x_test, y_test),
            "zeros": sparsity(model).total, "weights": model.count_params(), "epochs": epochs,
            "bytes": len(file), "gz": len(gzip.compress(file)),
            "microseconds": 1e6 * times[0], "two": 1e6 * times[1],
            "latency": ratios[0], "latency_two": ratios[1]}
    return rows


def run(network, seed, model, bits):
    return {column: [value] for column, value in table(network, seed)[model, bits].items()}


def settings():
    return [{"network": network, "seed": seed, "model": model, "bits": bits}
            for network in NETWORKS for seed in SEEDS for model in MODELS for bits in (32, 8)]


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    small.one_thread()
    small.record("small_front", run, settings())


if __name__ == "__main__":
    main()
