"""Record data/curves/small_distil.npz: does a small network learn more from a large one? For chapter 09b.

    python data/make/small_distil.py

Labels task, way and seed (20 to 29); 60 epochs of 30 batches, none of them stopped: rules are replayed.
task    all     960 labelled digits for training, 297 for validation
        noisy   the same, and 30 % of these labels have changed places
        few     labels of 160 digits for training and 50 for validation; the other 800 and 247 have none
way     teacher     the MLP of chapter 09, on the labels
        plain       half its width, on the labels
        distilled   half its width; the loss is 0.3 of the labels' cross-entropy, where there is a label, and
                    0.7 of the divergence from what the teacher says, both softened by a temperature of 2. The
                    teacher is that of `Patience("val_loss", 5)`, the best epoch so far

val_loss        cross-entropy of the validation labels, with the mistakes that are in them
val_mixture_loss     the distilled network's own loss on the validation part (NaN for others)
val_agreement   share of the validation part on which student and teacher say the same (NaN for the teacher)
test_accuracy   of 540, all with their own labels

On one machine a second run writes the same bytes; another processor rounds differently.
"""

import argparse
import functools

import small
from course_utils.stopping import Patience, replay
from small import np, tf

SEEDS = range(20, 30)
EPOCHS = 60
COLUMNS = ("val_loss", "val_mixture_loss", "val_agreement", "test_accuracy")
TASKS = {"all": (0.0, None), "noisy": (0.3, None), "few": (0.0, (160, 50))}  # shuffled, how many labels
TEMPERATURE, HARD = 2.0, 0.3


def soft_loss(said, logits):
    """For each example: the divergence from the teacher's logits, softened, on the scale of a hard loss."""
    p, q = (tf.nn.log_softmax(each / TEMPERATURE) for each in (said, logits))
    return TEMPERATURE**2 * tf.reduce_sum(tf.exp(p) * (p - q), -1)


def train(model, seed, train, validation, test, epochs=EPOCHS):
    """Train without a stop, a whole epoch as one graph: (column -> list, the weights of every epoch).

    Args:
        train, validation: (pictures, labels, teacher's logits or None, how many of them have labels).
        test: (pictures, labels).
    """
    optimizer = small.keras.optimizers.Adam(small.RATE)
    optimizer.build(model.trainable_variables)
    random, distils = np.random.default_rng([seed, 1]), train[2] is not None
    x, y, said, labelled = train
    said = tf.constant(said if distils else np.zeros((len(x), 10), "float32"))
    x, y, labelled = tf.constant(x), tf.constant(y), tf.constant(np.arange(len(x)) < labelled, tf.float32)

    def losses(y, logits, said, labelled):
        hard = labelled * tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
        return HARD * hard + (1 - HARD) * soft_loss(said, logits) if distils else hard

    @tf.function
    def train_epoch(order):
        for rows in order:
            with tf.GradientTape() as tape:
                logits = model(tf.gather(x, rows), training=True)
                parts = (tf.gather(each, rows) for each in (said, labelled))
                loss = tf.reduce_mean(losses(tf.gather(y, rows), logits, *parts))
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)

    v_x, v_y, v_said, v_labelled = validation
    v_has = tf.constant(np.arange(len(v_x)) < v_labelled, tf.float32)

    @tf.function
    def measure():
        row = [small.scores(model, v_x[:v_labelled], v_y[:v_labelled])[0]]
        logits = model(v_x, training=False)
        mixture = agreement = tf.constant(np.nan)
        if v_said is not None:
            agreement = tf.reduce_mean(tf.cast(tf.argmax(logits, 1) == tf.argmax(v_said, 1), tf.float32))
            mixture = tf.reduce_mean(losses(v_y, logits, v_said, v_has)) if distils else mixture
        return *row, mixture, agreement, small.scores(model, *test)[1]

    history, weights = {}, []
    for _ in range(epochs):
        rows = len(x) if distils else int(tf.reduce_sum(labelled))  # a plain network sees no others
        order = np.concatenate([random.permutation(rows) for _ in range(-(-960 // rows))])[:960]
        train_epoch(tf.constant(order.reshape(-1, small.BATCH).astype("int32")))
        for column, value in zip(COLUMNS, measure()):
            history.setdefault(column, []).append(float(value))
        weights.append(model.get_weights())
    return history, weights


def parts_of(task, seed):
    """(training, validation, test) of a task; the first two without a teacher."""
    shuffled, labelled = TASKS[task]
    train, validation, test = small.digits(seed, shuffled)
    counts = labelled or (len(train[1]), len(validation[1]))
    return [(*part, None, count) for part, count in zip((train, validation), counts)], test


@functools.lru_cache(1)
def teacher(task, seed):
    """The large network's history, and what it says of the training and the validation part."""
    parts, test = parts_of(task, seed)
    small.seeded(seed)
    model = small.mlp()
    history, weights = train(model, seed, *parts, test)
    model.set_weights(weights[replay(Patience("val_loss", 5), history, best="val_loss").best_epoch])
    return history, [model(x, training=False).numpy() for x, *_ in parts]


def run(task, way, seed):
    """History of one training: column -> list."""
    history, said = teacher(task, seed)
    if way == "teacher":
        return history
    parts, test = parts_of(task, seed)
    (x, y, _, n), (v_x, v_y, _, v_n) = parts
    small.seeded(100 + seed)
    return train(small.mlp(0.5), 100 + seed, (x, y, said[0] if way == "distilled" else None, n),
                 (v_x, v_y, said[1], v_n), test)[0]


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    small.one_thread()
    small.record("small_distil", run, [{"task": task, "way": way, "seed": seed} for task in TASKS
                                       for seed in SEEDS for way in ("teacher", "plain", "distilled")])


if __name__ == "__main__":
    main()
