# %% [markdown]
# # Asked for 0.90, kept 0.30. Where did the pruning go?
#
# You will
# - see why a network that stops early is not yet a smaller one,
# - prune a trained Keras model, with a second stop that waits for the masks,
# - turn it into the file that a phone runs, and measure what zeros cost and buy.
#
# 40 minutes to read, 30 for the exercises. You need patience and restored weights from 03, `After` and `|`
# from 01. <!-- given: 0.90, 0.30 -->

# %%
from course_utils.stopping import Above, After, Armed, Epochs, Patience, StopWhen, batches, replay
from course_utils.pruning import at_target, prune_at_stop, sparsity, tfmot
from course_utils.classroom import data
from course_utils.classroom.chapter_05 import exercises as ex, figures
from course_utils.classroom.notebook import reveal, show
import gzip
import keras
import numpy as np
import tensorflow as tf

curves = data.load_curves("pruning_stops")
after = curves.select(phase="pruned")  # ten trained networks, each pruned for 40 epochs
show(figures.asked_and_kept(after[0], replay(Patience("val_loss", 3), after[0], best="val_loss")),
     alt=figures.ALT["asked_and_kept"])

# %% [markdown]
# **Pruning** sets the least important weights of a trained network to zero, a few more in each epoch, while
# training goes on. The share of zeros is its **sparsity**. This run asked for 0.90. Patience 3 ended it and
# restored the epoch of lowest loss (the ring): epoch 0, where only 0.30 had been cut, and so little was
# broken.
#
# ## The article's perceptron
#
# We will fix that below. First: why prune at a stop at all? An article says that stopping early *is* pruning.
# Here is its loop, as a function. Spot the bug before you run it. How many updates does it make? <!-- given:
# 0.90, 0.30 -->

# %%
X = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
y = np.array([1, -1, -1, 1])


def articles_loop(W, X, y, learning_rate=0.1):
    for t in range(1000):
        y_pred = X.dot(W)
        acc = np.mean(y_pred * y > 0)
        if acc >= 0.99:
            return f"Accuracy: {acc}, Terminate training at iteration {t}"
        W -= learning_rate * X.T.dot(y_pred - y)
    return f"No stop in 1000 updates. Accuracy {acc}, largest weight {np.abs(W).max():.1f}"


guess = ...  # a number from 0 to 1000; leave the dots to skip

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
reveal(guess, 0, "Updates made")
W = np.random.default_rng(0).normal(size=(2, 1))
try:
    articles_loop(W, X, y)
except ValueError as error:
    print("ValueError:", error)
print("shape of y_pred * y:", (X.dot(W) * y).shape)
others = [np.random.default_rng(seed).normal(size=(2, 1)) for seed in range(1000)]
print("accuracy of 1000 random W:", {float(np.mean(X.dot(W) * y > 0)) for W in others})
print("with y as a column:", articles_loop(W, X, y[:, np.newaxis]))

# %% [markdown]
# None. `X.dot(W)` is a column and `y` a row, so numpy broadcasts both to 4 x 4: every prediction meets every
# label, and the update no longer fits W. That is lucky, because the accuracy is wrong too: of the sixteen
# products half are positive, whatever W is.
#
# With `y` as a column the loop runs, and W shrinks to nothing. The label says whether the two inputs are
# equal (XOR, negated), and no straight line separates those four points. One hidden layer can:

# %%
# NBVAL_CHECK_OUTPUT
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1, "sigmoid")])
model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
before = model.count_params()
stop = StopWhen(Above("accuracy", 0.99) | Epochs(300))
model.fit(X, y > 0, epochs=300, verbose=0, callbacks=[stop])
print("stopped by", stop.report.ended_by)
print(f"parameters: {before} before, {model.count_params()} after; sparsity {sparsity(model).total:.2f}")

# %% [markdown]
# Now the threshold fires. And what was pruned? Nothing: all 33 parameters are there. **A stop saves epochs
# and removes no weight.** What is left of the idea: once training has no more to gain, weights can be spared,
# so a stop is a natural moment to prune. Whether it is the best one, we measure below.
#
# ## Which weights go?
#
# Usually the smallest: in each layer's **kernel**, the array of its weights, those of least magnitude become
# zero, and a **mask** remembers which. Biases stay; they are few.
#
# Train a small network on digits until its patience is over, then cut nine tenths of each kernel. What
# accuracy is left?

# %%
guess = ...  # from 0 to 1; leave the dots to skip
train, validation, test = figures.digits()  # scikit-learn's, 8 x 8 pixels
model = figures.small_network()  # three Dense layers
stop = StopWhen(Patience("val_loss", 3), restore_best="val_loss")
model.fit(batches(*train, 64, seed=0), validation_data=validation, epochs=40, verbose=0, callbacks=[stop])
dense = model.get_weights()  # kernel, bias, kernel, bias ...


def cut(kernel, share):
    size = np.abs(kernel)
    return kernel * (size > np.quantile(size, share))  # the mask: False for the smallest

# %% tags=["reveal"]
accuracies = {}
for share in (0, 0.5, 0.8, 0.9):
    model.set_weights([cut(weight, share) if weight.ndim > 1 and share else weight for weight in dense])
    accuracies[share] = round(model.evaluate(*test, verbose=0)[1], 2)
model.set_weights(dense)
reveal(guess, accuracies[0.9], "Test accuracy with nine tenths cut")
print("by share cut:", accuracies)

# %% [markdown]
# Half of the weights are not missed; nine tenths are. But the rest can make up for them, if training goes on.
# So the mask usually grows along a **ramp**, steep at first, while that costs little:
#
# $$s(t) = \text{target} \cdot \left(1 - (1 - t / T)^3\right) \quad \text{at step } t \text{ of } T$$
#
# Is a ramp better than one cut? How much can be spared? And is the stop the moment to begin? We recorded a CNN
# (convolutions), an MLP (dense layers) and a GRU (it reads a picture row by row); and the MLP pruned from the
# *start*, after 3 of 60 epochs (*early*), at the *stop*, and after 48 (*late*).

# %%
costs, when = data.load_curves("pruning_sparsity"), data.load_curves("pruning_when")
show(figures.costs(costs, when), alt=figures.ALT["costs"])

# %%
# NBVAL_CHECK_OUTPUT
kept, paired = figures.kept_accuracy, figures.paired
for target in (0.9, 0.98):
    ramp, once = (kept(costs, target, network="cnn", schedule=way) for way in ("gradual", "one-shot"))
    print(f"left:   CNN at {target:.2f}, ramp - at once ", paired(ramp, once))
for network in ("cnn", "gru"):
    ramp = kept(costs, 0.9, network=network, schedule="gradual")
    dense_one = kept(costs, 0, network=network, schedule="dense")
    print(f"middle: {network.upper()} at 0.90, pruned - dense ", paired(ramp, dense_one))
for target in (0.9, 0.98):
    stop_then, late = (kept(when, target, labels="true", moment=moment) for moment in ("stop", "late"))
    print(f"right:  MLP at {target:.2f}, stop - late    ", paired(stop_then, late))

# %% [markdown]
# *Left:* training mends what the cut broke. Up to 0.90 one cut does as well as a ramp; at 0.98 the ramp wins
# by far. *Middle:* nine tenths cost the CNN less than a point and the GRU nearly five. (Bands: lowest to
# highest seed.) *Right:* at 0.90 it hardly matters when you begin. At 0.98 *late* is behind, with only 12
# epochs left to recover. So the stop is a good moment, and no magic one.

# %% [markdown]
# ## The second stop
#
# After the stop, TensorFlow's library **tfmot** prunes. When should *that* end? We try six rules on ten
# recorded runs. What sparsity does patience 10 keep?

# %%
guess = ...  # a share from 0 to 0.9
three, ten = Patience("val_loss", 3), Patience("val_loss", 10)
full = at_target(0.9)  # met when the masks are full
waits = Armed(full, three)  # does not ask `three` before `full` has been met
# name: the rule, does it restore the best epoch, and in which epochs may the best one be
rules = {"patience 3": (three, True, None),
         "patience 10": (ten, True, None),
         "patience 3, last weights": (three, False, None),
         "After(8, patience 3)": (After(8, three), True, None),
         "Armed(full, patience 3)": (waits, True, None),
         "  the same, best_when=full": (waits, True, full)}

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print(f"{'':28}stopped  epochs  sparsity  full masks  test")
for name, (rule, restore, best_when) in rules.items():
    reports = [replay(rule, run, best="val_loss", best_when=best_when) for run in after]
    rows = [report.best_epoch if restore else report.epoch for report in reports]
    shares, accuracy = figures.at_rows(after, rows)
    stopped = sum(rule.first(run) is not None for run in after)
    print(f"{name:28}{stopped:7}  {np.mean([report.epoch + 1 for report in reports]):6.0f} "
          f"{np.median(shares):9.2f} {np.sum(shares > 0.895):5} of 10  {accuracy.mean():5.1f} %")
    if name == "patience 10":
        answer = round(float(np.median(shares)), 2)
reveal(guess, answer, "Patience 10 keeps, in the median run")
print("last row - not pruned:", figures.paired(accuracy, figures.dense_accuracy(curves)))

# %% [markdown]
# (*sparsity*: of the median run. One that is not stopped has 40 epochs.)
#
# - Patience 10 sees full masks, then restores the same early weights: their loss was lowest.
# - Without restoring, patience 3 stops while the mask is still growing, at 0.79.
# - `After` and `Armed` wait, and still three runs in ten keep an early epoch.
# - **Only epochs with full masks may count as best.** Then all ten keep 0.90, 0.6 points below the unpruned
#   networks.
#
# `prune_at_stop` ramps, waits and keeps the right epoch. (tfmot needs tf_keras, the older Keras: your model is
# converted there and back.) `PruneWhen` prunes inside one `fit`, without tfmot:
#
# ```python
# from course_utils.pruning import PruneWhen
#
# prune = PruneWhen(Patience("val_loss", 3), target_sparsity=0.9)
# stop = StopWhen(Armed(full, Patience("val_loss", 3)), restore_best="val_loss", best_when=full)
# model.fit(..., callbacks=[prune, stop])
# ```

# %%
pruned, report = prune_at_stop(
    model, train, validation_data=validation, target_sparsity=0.9, ramp_epochs=4, batch_size=64,
    first=None,  # it is trained already
    second=Patience("val_loss", 3) | Epochs(8),  # from full masks on; short, for a lesson
    verbose=0)
print(report)
for name, network in {"dense": model, "pruned": pruned}.items():
    print(f"test accuracy, {name}: {network.evaluate(*test, verbose=0)[1]:.2f}")

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # train `pruned` on, one plain epoch: what is its sparsity then?
zeros = pruned.get_weights()
began = sparsity(pruned).total
pruned.fit(batches(*train, 64, seed=0), epochs=1, verbose=0)
left = sparsity(pruned).total
reveal(guess, f"below {np.ceil(10 * left) / 10:.1f}", f"From {began:.2f}, after one epoch")
pruned.set_weights(zeros)

# %% [markdown]
# ## Five traps
#
# You have just walked into the first. **1. Zeros grow back.** The optimizer moves a zero like any
# weight; only a mask holds it. So do all **fine-tuning** (training a pruned network on) with masks. The
# others wait for whoever calls tfmot directly, which wraps each layer:
#
# - **2. Keras 3.** tfmot takes tf_keras models.
# - **3. Frequency.** With a mask at every 100th step, a ramp that ends between two of them falls short.
# - **4. Order.** The callback `UpdatePruningStep` puts the zeros back once an epoch. A callback before it
#   keeps drifted weights.
# - **5. Ctrl-C** in mid-epoch leaves such weights too: apply the masks, then strip the wrappers off.

# %%
# NBVAL_CHECK_OUTPUT
library = tfmot().sparsity.keras
try:
    library.prune_low_magnitude(model)
except ValueError as error:
    print("2.", error)
for end in (99, 199, 200):
    schedule = library.PolynomialDecay(0.0, 0.9, begin_step=0, end_step=end, frequency=100)
    asked = [float(share) for now, share in map(schedule, range(end + 1)) if bool(now)]
    print(f"3. a ramp that ends at step {end}, a mask every 100 steps: the last asks for {asked[-1]:.3f}")
traps = data.load_curves("pruning_traps")
for said, case in [("4. EarlyStopping before UpdatePruningStep", "before"), ("   and after it", "after"),
                   ("5. Ctrl-C, strip", "stripped"), ("   Ctrl-C, masks, strip", "masked, stripped")]:
    print(f"{said}: sparsity {np.mean([run['sparsity'][0] for run in traps.select(case=case)]):.3f}")

# %% [markdown]
# ## What do zeros buy?
#
# **LiteRT**, formerly TensorFlow Lite, runs networks on phones. Its converter turns a model into a single
# file. In **int8** a weight takes one byte instead of four.
#
# First our model, then a recorded CNN, five seeds. How many times faster does it answer with nine weights in
# ten zero?

# %%
guess = ...  # 1 is as fast as dense, 10 is ten times as fast


def lite_file(model, int8=False):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([picture[None]] for picture in train[0][:100])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with figures.quietly():  # it talks a lot
        return converter.convert()  # bytes; open("digits.tflite", "wb").write(...) keeps them


files = {"dense": lite_file(model), "pruned": lite_file(pruned),
         "pruned int8": lite_file(pruned, int8=True)}
for name, file in files.items():
    print(f"{name:12}{len(file) / 1000:4.0f} kB, after gzip {len(gzip.compress(file)) / 1000:4.0f} kB")

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
sizes, models = data.load_curves("pruning_sizes"), ("dense", "pruned", "int8", "pruned int8", "half")
rows = {name: figures.means(sizes.select(model=name)) for name in models}
print("                file    gzip   time  accuracy")
for name, row in rows.items():
    file, packed = row["lite_bytes"] / 1000, row["lite_gz"] / 1000
    accuracy = 100 * row["test_accuracy"]
    print(f"{name:12} {file:4.0f} kB  {packed:3.0f} kB   {row['latency']:4.2f}    {accuracy:.1f} %")
reveal(guess, round(1 / rows["pruned"]["latency"], 1), "Times faster")

# %% [markdown]
# (*time*: for one picture on one processor, dense = 1. *half*: half of the filters, a convolution's units,
# were removed.)
#
# 1.0 times: no faster at all. Zeros are stored and multiplied like any number; only gzip sees them. int8
# takes a third of the time and costs no accuracy; *half* is nearly as fast. Pruned *and* int8, this CNN's
# packed file is 17 times smaller than the packed dense one.

# %% [markdown]
# **When pruning does not help:** where you want speed, which scattered zeros do not bring, or where the network
# needs what you cut: the GRU spares half of its weights, and not nine tenths.
#
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by.
#
# **5.1 Count the zeros.** `kernels` is a list of arrays. Return the sparsity of all of them together, a
# share from 0 to 1, not rounded.

# %% tags=["exercise"]
def share_of_zeros(kernels):
    return ...


ex.share_of_zeros.check(share_of_zeros)

# %% tags=["solution"]
def share_of_zeros(kernels):
    return sum(np.sum(kernel == 0) for kernel in kernels) / sum(kernel.size for kernel in kernels)


ex.share_of_zeros.check(share_of_zeros)

# %% [markdown]
# **5.2 The last mask.** Masks are drawn at steps 0, 150, 300 ... up to `end_step`. At each the schedule
# asks for `0.9 * (1 - (1 - step / end_step) ** 3)`. Somebody wants 20 epochs of 14 batches, and wrote
# `end_step=280`. Which sparsity does the last mask reach (three decimals)? The training may become a little
# shorter or longer: which `end_step`, as near to 280 as can be, reaches 0.90 exactly?

# %% tags=["exercise"]
answer = ..., ...  # a sparsity, an end_step
ex.last_mask.check(answer)

# %% tags=["solution"]
answer = 0.810, 300  # the last mask is that of step 150: 0.9 (1 - (130 / 280) ** 3)
ex.last_mask.check(answer)

# %% [markdown]
# **5.3 The armed stop.** Without `Armed`: a function of the history so far, `history["val_loss"]` and
# `history["sparsity"]`, two lists. Masks are full where sparsity > 0.895. Ignore all other epochs, also those
# in between. Of the epochs that are left, return True if there are more than three and none of the last three
# has a lower `val_loss` than all before them, else False. Equal is not lower.

# %% tags=["exercise"]
def second_stop(history):
    return ...


ex.armed_stop.check(second_stop)

# %% tags=["solution"]
def second_stop(history):
    pairs = zip(history["val_loss"], history["sparsity"])
    losses = [loss for loss, share in pairs if share > 0.895]
    return len(losses) > 3 and min(losses[-3:]) >= min(losses[:-3])


ex.armed_stop.check(second_stop)

# %% [markdown]
# **5.4 Read the table.** Which of these hold, by the table of sizes and times? The answer is a string of
# letters, such as "acd".
#
# - *a* Pruning by itself makes the file smaller, even before it is packed.
# - *b* For the smallest download, prune and use int8.
# - *c* A network of which nine tenths are zeros answers faster than one without half of its filters.
# - *d* int8 saves time, and pruning on top of it saves no more.

# %% tags=["exercise"]
answer = ...
ex.read_the_table.check(answer)

# %% tags=["solution"]
answer = "bd"
ex.read_the_table.check(answer)

# %% [markdown]
# **5.5 Your second stop.** Twenty MLPs that you have not seen are pruned to 0.90, for 24 to 49 epochs.
# Give a rule that ends each run, and a criterion by which epochs with full masks may be best, and no others.
# <!-- given: 0.90 -->
#
# - All twenty keep 0.90,
# - take at most 20 epochs on average,
# - and lose at most half a point of accuracy against waiting for the best.
# - Where masks fill later, the rule waits for them, then trains for 8 epochs or more while the loss falls.
# - A run that gets no better ends within 6 full epochs.
#
# The first line tries a rule on a run from above.

# %% tags=["exercise"]
print(replay(three, after[0], best="val_loss", best_when=full))  # put your rule in place of `three`
answer = ..., ...  # a rule, and which epochs may be best: criteria of this lesson, | and &
ex.your_second_stop.check(answer)

# %% tags=["solution"]
answer = Armed(at_target(0.9), Patience("val_loss", 3) | Epochs(12)), at_target(0.9)
ex.your_second_stop.check(answer)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# A stop saves epochs and removes no weight; it is a good moment to prune. A second stop has to wait until the
# masks are full, and so has the choice of the best epoch. Scattered zeros make a file small once it is
# packed, and save no time in LiteRT as it comes.
#
# Next: [06 Transfer learning](06_transfer_learning.ipynb).
