"""Record data/curves/small_front.npz: ways to a smaller network, in bytes, time and accuracy, for chapter 09.

    python data/make/small_front.py --train     # trains, and writes the files
    python data/make/small_front.py             # times them: when nothing else runs

Labels network (mlp, cnn), model, bits (32, 8) and seed (30 to 34); every column has one row.
dense           as large as it is
pruned          0.9 of the weights zero, `PruneWhen` with a ramp of 8 epochs
half, quarter   `prune_filters` leaves a half or a quarter of the filters and units
half + zeros    half, and 0.8 of what is left zero
half scratch, quarter scratch
                a half or a quarter as wide from the beginning
distilled       half scratch, with a loss as in small_distil.py: the teacher is dense
aware           8 bits only: dense, and the second training rounds to 8 bits what the file will round (tfmot's
                `quantize_model`, over the bridge to tf_keras)
aware slow      the same, and the second training is at 0.001 too

Each is trained twice: at a rate of 0.001 until `Patience("val_loss", 5)`, and on at 0.003 until it again,
armed by full masks where there are masks. pruned, half, quarter and aware begin at dense's first stop, half
+ zeros at half.
Where both trainings are of one network, the lower validation loss is kept.

test_accuracy       of the LiteRT file, share of 540 pictures
zeros, weights      share of zeros among the kernels' weights, number of weights
epochs              of both trainings
bytes, gz           the LiteRT file, and after gzip
microseconds, two   one picture through LiteRT's interpreter (TensorFlow 2.21) on one thread, and on two: the
                    fastest of 200 rounds, in which all files of a seed take turns
latency, latency_two    the same by those of dense in 32 bits

Accuracies and bytes come again on one machine; times do not. The course's are those of an AMD EPYC (x86 with
AVX2) on which nothing else ran.
"""

import argparse
import functools
import gzip

from small_distil import HARD, soft_loss
from small_files import race

import small
from course_utils.pruning import PruneWhen, at_target, sparsity, tfmot, tfmot_twin, to_tf_keras
from course_utils.small import Lite, prune_filters, to_lite
from course_utils.stopping import Armed, Epochs, Patience, StopWhen
from small import np, tf

SEEDS = range(30, 35)
NETWORKS = ("mlp", "cnn")
MODELS = ("dense", "pruned", "half", "quarter", "half + zeros", "half scratch", "quarter scratch",
          "distilled", "aware", "aware slow")
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


def aware(model, data, seed, rate):
    """A copy in tf_keras that was trained on, rounding: (it, epochs)."""
    train, validation, _ = data
    keras2 = tfmot_twin.import_tf_keras()
    twin = tfmot().quantization.keras.quantize_model(to_tf_keras(model))
    twin.compile(keras2.optimizers.Adam(rate),
                 keras2.losses.SparseCategoricalCrossentropy(from_logits=True))
    stop = StopWhen(FIVE, restore_best="val_loss")
    twin.fit(small.flow(train, seed, 100), epochs=100, steps_per_epoch=small.STEPS, verbose=0, shuffle=False,
             validation_data=validation, validation_batch_size=len(validation[1]),
             callbacks=[tfmot_twin._for_tf_keras(stop)])
    return twin, stop.report.epoch + 1


def rounded(twin):
    """The bytes of a file in 8 bits, with the ranges that were learnt in training."""
    answer = tf.function(lambda x: twin(x, training=False))
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [answer.get_concrete_function(tf.TensorSpec((1, 8, 8, 1)))], twin)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


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
    for name, rate in (("aware", 3 * small.RATE), ("aware slow", small.RATE)):
        model, epochs = aware(dense, data, 50 + seed, rate)
        models[name] = model, first + epochs
    return models


@functools.lru_cache(1)
def table(network, seed):
    """(model, bits) -> its row, without times; writes the files."""
    models, data = trained(network, seed), small.digits(seed)
    (x, _), _, (x_test, y_test) = data
    rows = {}
    for name, bits in kinds():
        model, epochs = models[name]
        own = models["dense"][0] if "aware" in name else model  # of the same shape, in Keras 3
        file = rounded(model) if "aware" in name else to_lite(model, bits == 8, x if bits == 8 else None)
        path = path_of(network, seed, name, bits)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file)
        rows[name, bits] = {
            "test_accuracy": Lite(file).accuracy(x_test, y_test),
            "zeros": sparsity(own).total, "weights": own.count_params(), "epochs": epochs,
            "bytes": len(file), "gz": len(gzip.compress(file))}
    return rows


def path_of(network, seed, model, bits):
    return small.BUILD / "small_front_files" / f"{network}-{seed}-{model.replace(' ', '_')}-{bits}.tflite"


def kinds():
    return [(model, bits) for model in MODELS for bits in (32, 8) if bits == 8 or "aware" not in model]


def run(network, seed, model, bits):
    return {column: [value] for column, value in table(network, seed)[model, bits].items()}


def timed(network, seed):
    """(model, bits) -> the columns of times."""
    files = {key: path_of(network, seed, *key) for key in kinds()}
    one, two = (race({key: Lite(file, threads) for key, file in files.items()}) for threads in (1, 2))
    return {key: {"microseconds": [1e6 * one[key]], "two": [1e6 * two[key]],
                  "latency": [one[key] / one["dense", 32]], "latency_two": [two[key] / two["dense", 32]]}
            for key in files}


def settings():
    return [{"network": network, "seed": seed, "model": model, "bits": bits}
            for network in NETWORKS for seed in SEEDS for model, bits in kinds()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", action="store_true", help="train and write the files, and time nothing")
    only_train = parser.parse_args().train
    small.one_thread()
    histories = small.done("small_front", run, settings())
    if only_train:
        return
    times = {(network, seed): timed(network, seed) for network in NETWORKS for seed in SEEDS}
    for setting, history in zip(settings(), histories, strict=True):
        history.update(times[setting["network"], setting["seed"]][setting["model"], setting["bits"]])
    small.write("small_front", histories, settings())


if __name__ == "__main__":
    main()
