# %% [markdown]
# # Asked for 0.90, kept 0.30. Where did the pruning go?
#
# You will
# - see why a network that stops early is not yet a smaller one,
# - prune a trained Keras model, with a second stop that waits for the masks,
# - turn it into the file that a phone runs, and measure what zeros cost and buy.
#
# 40 minutes to read, 35 for the exercises. You need `StopWhen`, `Epochs`, `After` and `|` from 01, patience,
# restored weights and `replay` from 03. <!-- given: 0.90, 0.30 -->

# %%
from course_utils.stopping import After, Armed, Epochs, Patience, StopWhen, batches, replay
from course_utils.pruning import at_target, prune_at_stop, sparsity, tfmot
from course_utils.classroom import data
from course_utils.classroom.chapter_05 import exercises as ex, figures, pictures
from course_utils.classroom.notebook import reveal, show
import gzip
import numpy as np
import tensorflow as tf

curves = data.load_curves("pruning_stops")
after = curves.select(phase="pruned")  # ten trained networks, each pruned for 40 epochs
show(figures.asked_and_kept(after[0], replay(Patience("val_loss", 3), after[0], best="val_loss")),
     alt=figures.ALT["asked_and_kept"])

# %% [markdown]
# **Pruning** sets the least important weights of a trained network to zero, a few more in each epoch, while
# training goes on. The share of zeros is its **sparsity**. This run asked for 0.90. Patience 3 ended it and
# restored the epoch of lowest loss (the ring): epoch 0, with 0.30 cut and the network nearly whole.
#
# ## The article's loop
#
# Before we mend that: why prune at a stop at all? The fourth [article](00_start_here.ipynb) says that
# stopping early *is* pruning, for longer training would only add parameters. Here is its loop, on four
# points. Spot the bug before you run it. How many updates of W does it make? <!-- given: 0.90, 0.30 -->

# %%
X = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
y = np.array([1, -1, -1, 1])
W = np.random.default_rng(0).normal(size=(2, 1))


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
try:
    articles_loop(W, X, y)
except ValueError as error:
    print("ValueError:", error)
print("shapes: y_pred", X.dot(W).shape, " y", y.shape, " y_pred * y", (X.dot(W) * y).shape)
easy = X[:, 0]  # labels of an easier task, and weights that get all four right
always_right = X.dot([[1], [0]])
print("always right, and the accuracy is", np.mean(always_right * easy > 0),
      "or, with a column,", np.mean(always_right * easy[:, np.newaxis] > 0))
print("the loop with y as a column:", articles_loop(W, X, y[:, np.newaxis]))

# %% [markdown]
# None. `X.dot(W)` is a column and `y` a row, so numpy pairs every prediction with every label: the first
# update is 2 x 4, and W is 2 x 1. The crash is lucky. Without it nobody would notice the accuracy, which is
# 0.5 even for weights that are always right.
#
# With `y` as a column the loop runs, and W shrinks to zero: the pulls of the four points cancel. The label
# says whether both inputs are equal (XOR, negated), and no straight line separates those points.
#
# But suppose that the stop comes. Here is one that does, on a network that reads digits. What does it prune?

# %%
# NBVAL_CHECK_OUTPUT
train, validation, test = pictures.digits()  # scikit-learn's, 8 x 8 pixels
model = pictures.small_network()  # three Dense layers
before = model.count_params()
stop = StopWhen(Patience("val_loss", 3), restore_best="val_loss")
model.fit(batches(*train, 64, seed=0), validation_data=validation, epochs=40, verbose=0, callbacks=[stop])
print("stopped before its 40 epochs were over:", stop.report.epoch < 39)
print(f"parameters: {before:,} before, {model.count_params():,} after; sparsity {sparsity(model).total:.2f}")

# %% [markdown]
# Nothing. Training had added no parameter, and the stop took none away. **A stop saves epochs and removes no
# weight.** What is left of the idea: prune once training has no more to gain. Whether that is the best
# moment, we measure below.
#
# ## Which weights go?
#
# Usually the smallest. In each layer's **kernel**, the array of its weights, those of least magnitude become
# zero, and a **mask** remembers which. Biases stay; they are few.
#
# Let us cut nine tenths of each kernel in the network that you have just trained. What is left of its
# accuracy?

# %% tags=["reveal"]
guess = ...  # from 0 to 1; leave the dots to skip


def cut(kernel, share):
    size = np.abs(kernel)
    return kernel * (size > np.quantile(size, share))  # the mask: False for the smallest


dense, accuracies = model.get_weights(), {}  # kernel, bias, kernel, bias ...
for share in (0, 0.5, 0.8, 0.9):
    model.set_weights([cut(weight, share) if weight.ndim > 1 and share else weight for weight in dense])
    accuracies[share] = round(model.evaluate(*test, verbose=0)[1], 2)
model.set_weights(dense)
reveal(guess, accuracies[0.9], "Test accuracy with nine tenths cut")
print("by share cut:", accuracies)

# %% [markdown]
# Nobody misses half of the weights. Nine tenths are missed. But the rest can make up for them, if training
# goes on. So the mask usually grows along a **ramp**, steep at first, while a cut costs little:
#
# $$s(t) = \text{target} \cdot \left(1 - (1 - t / T)^3\right) \quad \text{at step } t \text{ of } T$$
#
# Is a ramp better than one cut? How much can be spared? Three networks read the digits: a CNN (convolutions),
# an MLP (dense layers) and a GRU (row by row). Lines are means of six seeds (CNN) or five; bars go from the
# lowest seed to the highest.

# %%
costs, when = data.load_curves("pruning_sparsity"), data.load_curves("pruning_when")
show(figures.costs(costs), alt=figures.ALT["costs"])

# %% [markdown]
# *Left:* up to 0.95, training mends nearly all that the cut broke. For this CNN one cut does as well as a
# ramp up to 0.90; at 0.98 the ramp is far ahead. *Right:* nine tenths fewer weights cost the CNN less than a
# point, and the GRU nearly five.
#
# And when should the cutting begin? An MLP was trained for 60 epochs in all, and pruned from the *start*,
# after 3 epochs (*early*), at the *stop*, or after 48 (*late*). Thin lines are seeds. Which moment would you
# take?

# %%
show(figures.moments(when), alt=figures.ALT["moments"])

# %%
# NBVAL_CHECK_OUTPUT
wrong, paired = figures.mistakes, figures.paired
ways = {"uncut": (0, "dense"), "cut": (0.95, "untrained"), "ramp": (0.95, "gradual")}
for said, (target, way) in ways.items():
    mean = wrong(costs, target, network="cnn", schedule=way).mean()
    print(f"CNN at {target:.2f}, {said:5} {mean:5.1f} % mistakes")
print("more mistakes, mean ± standard deviation of the seeds:")
for target in (0.9, 0.98):
    once, ramp = (wrong(costs, target, network="cnn", schedule=way) for way in ("one-shot", "gradual"))
    print(f"CNN at {target:.2f}, at once - ramp   ", paired(once, ramp))
for network in ("cnn", "gru"):
    ramp = wrong(costs, 0.9, network=network, schedule="gradual")
    uncut = wrong(costs, 0, network=network, schedule="dense")
    print(f"{network.upper()} at 0.90, ramp - uncut     ", paired(ramp, uncut))
for target, moment in ((0.9, "late"), (0.98, "late"), (0.98, "early"), (0.98, "start")):
    other, at_stop = (wrong(when, target, moment=each) for each in (moment, "stop"))
    print(f"MLP at {target:.2f}, {moment:5} - at stop ", paired(other, at_stop))

# %% [markdown]
# At 0.90 it hardly matters when you begin. At 0.98 *late* was behind in eight seeds of ten, on average by ten
# points and by very different amounts, perhaps because only 12 epochs were left. *Early* and *start* were no
# worse than *stop*. So for this MLP the stop is early enough, and no magic moment.
#
# ## The second stop
#
# The first stop ended the training. A second one must end the pruning. A mask is *full* once it has cut all
# that was asked for. We try six rules on ten recorded runs of **tfmot**, TensorFlow's library for this. What
# sparsity does patience 10 keep?

# %%
guess = ...  # a share from 0 to 0.9
three, ten = Patience("val_loss", 3), Patience("val_loss", 10)
full = at_target(0.9)  # sparsity above 0.899: layers keep whole weights, and may end a hair below 0.9
waits = Armed(full, three)  # `three` starts, with no memory, at the first epoch that meets `full`
# name: the rule, does it restore the best epoch, and which epochs may count as best (None: all)
rules = {"patience 3": (three, True, None),
         "patience 10": (ten, True, None),
         "patience 3, last weights": (three, False, None),
         "After(8, patience 3)": (After(8, three), True, None),
         "Armed(full, patience 3)": (waits, True, None),
         "  the same, best_when=full": (waits, True, full)}

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
table = {name: figures.outcome(after, *rule) for name, rule in rules.items()}
kept = float(np.median(table["patience 10"].sparsity))
reveal(guess, round(kept, 2), "Patience 10 keeps, in the median run")
print(f"{'':28}stopped  epochs  sparsity  full masks  test")
for name, came in table.items():
    print(f"{name:28}{came.stopped:7}  {came.epochs.mean():6.0f} {np.median(came.sparsity):9.2f} "
          f"{np.sum(came.sparsity > full.value):5} of 10  {came.accuracy.mean():5.1f} %")
print("last row - not pruned:", paired(came.accuracy, figures.dense_accuracy(curves)))

# %% [markdown]
# (*sparsity* is a median. A run that is never stopped counts as 40 epochs.)
#
# - Patience 10 sees full masks, then restores the same early weights: their loss was lowest.
# - Without restoring, patience 3 stops while the mask is still growing, at 0.79.
# - `After` and `Armed` wait, and still three runs in ten keep an early epoch.
# - **Only epochs with full masks may count as best.** Then all ten keep 0.90, 0.6 points below the unpruned
#   networks.
#
# Two ways to do it. `PruneWhen` prunes inside one `fit`, without tfmot:
#
# ```python
# from course_utils.pruning import PruneWhen
#
# prune = PruneWhen(Patience("val_loss", 3), target_sparsity=0.9)
# stop = StopWhen(Armed(full, Patience("val_loss", 3)), restore_best="val_loss", best_when=full)
# model.fit(..., callbacks=[prune, stop])
# ```
#
# `prune_at_stop` uses tfmot. Let it prune your network, then train on for one plain epoch. What is left of
# 0.90?

# %%
guess = ...  # a share from 0 to 0.9
pruned, report = prune_at_stop(  # to tf_keras, the older Keras, which tfmot needs, and back
    model, train, validation_data=validation, target_sparsity=0.9, ramp_epochs=4, batch_size=64,
    first=None,  # it is trained already
    second=Patience("val_loss", 3) | Epochs(20),  # from full masks on
    verbose=0)
print(report.second.reason)  # 0.9, not 0.899: it knows the model, and what its masks can reach
print(report.sparsity)
for name, network in {"dense": model, "pruned": pruned}.items():
    print(f"test accuracy, {name}: {network.evaluate(*test, verbose=0)[1]:.2f}")

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
zeros, began = pruned.get_weights(), sparsity(pruned).total
pruned.fit(batches(*train, 64, seed=0), epochs=1, verbose=0)
left = sparsity(pruned).total
reveal(guess, f"below {np.ceil(10 * left) / 10:.1f}", f"From {began:.2f}, after one epoch")
pruned.set_weights(zeros)  # as it was

# %% [markdown]
# ## Five traps
#
# You have just walked into the first. **1. Zeros grow back.** The optimizer moves a zero like any weight;
# only a mask holds it. So keep the masks on in all **fine-tuning** (training a pruned network further).
# The others await anyone who calls tfmot directly:
#
# - **2. Keras 3.** tfmot takes tf_keras models only. Read its message to the end.
# - **3. Frequency.** A ramp that ends between two masks falls short.
# - **4. Order.** After an epoch's last step `UpdatePruningStep` puts the zeros back. A callback before it,
#   such as `EarlyStopping`, can keep weights without them.
# - **5. Ctrl-C** leaves such weights, too: apply the masks before you strip them off.

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
for said, kept in figures.recorded_traps(data.load_curves("pruning_traps")).items():
    print(f"{said}: sparsity {kept:.3f}")

# %% [markdown]
# ## What do zeros buy?
#
# **LiteRT**, formerly TensorFlow Lite, runs networks on phones. Its converter turns a model into a single
# file. In **int8** a weight takes one byte instead of four. (The file is not quite four times smaller: it
# also holds the network's plan, scales and biases.)
#
# First your network. Its smallest file reads a picture to you; choose which. Then a recorded CNN, five seeds.
# How many times faster does the CNN answer with nine weights in ten zero?

# %%
guess = ...  # 1 is as fast as dense, 10 is ten times as fast
mine = 7  # a picture of the test, 0 to 539


def lite_file(model, int8=False):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([picture[None]] for picture in train[0][:100])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with pictures.quietly():  # it talks a lot
        return converter.convert()  # bytes; open("digits.tflite", "wb").write(...) keeps them


for name, file in {"dense": lite_file(model), "pruned": lite_file(pruned),
                   "pruned int8": lite_file(pruned, int8=True)}.items():
    reads = pictures.lite_answers(file, test[0])  # what LiteRT's interpreter makes of the file
    print(f"{name:12}{len(file) / 1000:4.0f} kB, after gzip {len(gzip.compress(file)) / 1000:4.0f} kB, "
          f"test accuracy {np.mean(reads == test[1]):.2f}")
print(pictures.drawn(test[0][mine]), f"\n{name} reads: {reads[mine]}. It is: {test[1][mine]}.")

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
sizes, models = data.load_curves("pruning_sizes"), ("dense", "pruned", "int8", "pruned int8", "half")
rows = {name: figures.means(sizes.select(model=name)) for name in models}
reveal(guess, round(1 / rows["pruned"]["latency"], 1), "Times faster")
print("                file    gzip   time  accuracy")
for name, row in rows.items():
    print(f"{name:12} {row['lite_bytes'] / 1000:4.0f} kB  {row['lite_gz'] / 1000:3.0f} kB   "
          f"{row['latency']:4.2f}    {100 * row['test_accuracy']:.1f} %")
print(f"gzipped, dense / pruned int8: {rows['dense']['lite_gz'] / rows['pruned int8']['lite_gz']:.0f}")

# %% [markdown]
# (*time*: for one picture on one processor, dense = 1. *half*: half of the filters, a convolution's units,
# were left out, and the network trained on.)
#
# 1.0 times: no faster. Zeros are stored and multiplied like any number; only gzip sees them. int8
# takes a third of the time and costs this CNN no accuracy; *half* is nearly as fast. Pruned *and* int8, this
# CNN's gzipped file is 17 times smaller than the gzipped dense one.
#
# **When pruning does not help:** where you want speed, which scattered zeros do not bring, or where the
# network needs what you cut: the GRU can spare half of its weights, but not nine tenths.

# %% [markdown]
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by.
#
# **5.1 Count the zeros.** `kernels` is a list of one array or more. Return the sparsity of all of them
# together, a share from 0 to 1, not rounded.

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
# asks for `0.9 * (1 - (1 - step / end_step) ** 3)`. Twenty epochs of 14 batches make 280 steps, so somebody
# wrote `end_step=280`. What sparsity does the last mask reach (three decimals)? Training goes on after that
# for as long as you like. Which `end_step`, as near to 280 as possible, reaches 0.90 exactly?

# %% tags=["exercise"]
answer = ..., ...  # a sparsity, an end_step
ex.last_mask.check(answer)

# %% tags=["solution"]
answer = 0.810, 300  # the last mask is that of step 150: 0.9 (1 - (130 / 280) ** 3)
ex.last_mask.check(answer)

# %% [markdown]
# **5.3 The armed stop.** Write it yourself. `history["val_loss"]` and `history["sparsity"]` are lists, one
# number per epoch so far (no NaN). Masks are full where sparsity > 0.899. Ignore all other epochs, even
# between two full ones. Of the full epochs, return True if there are more than three and none of the last
# three is below the lowest `val_loss` before these three, else False. Equal is not below. Your function is
# asked after each epoch, until it says True.

# %% tags=["exercise"]
def second_stop(history):
    return ...


ex.armed_stop.check(second_stop)

# %% tags=["solution"]
def second_stop(history):
    pairs = zip(history["val_loss"], history["sparsity"])
    losses = [loss for loss, share in pairs if share > 0.899]
    return len(losses) > 3 and min(losses[-3:]) >= min(losses[:-3])


ex.armed_stop.check(second_stop)

# %% [markdown]
# **5.4 Read the table.** Which of these hold, by the table of sizes and times? The answer is a string of
# letters, such as "acd".
#
# - *a* After gzip, *int8* alone is smaller than *pruned* alone.
# - *b* Pruning makes the gzipped file at least four times smaller, with int8 and without.
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
# Give a rule that ends each run (the table's last one does not), and a criterion: all epochs with full masks
# may count as best, and no others. <!-- given: 0.90 -->
#
# - All twenty keep 0.90,
# - take at most 20 epochs on average,
# - and lose at most half a point of accuracy, compared with the full epoch of lowest loss.
# - On a slower or faster ramp, too, the rule waits for full masks, then allows at least 8 full epochs while
#   the loss falls.
# - A run that gets no better has at most 6 full epochs. (The first full one counts in both.)
#
# The first line tries a rule on a run from above.

# %% tags=["exercise"]
print(replay(waits, after[0], best="val_loss", best_when=full))  # put your rule in place of `waits`
answer = ..., ...  # a rule, and which epochs may be best: criteria of this lesson, and |
ex.your_second_stop.check(answer)

# %% tags=["solution"]
answer = Armed(at_target(0.9), Patience("val_loss", 3) | Epochs(12)), at_target(0.9)
ex.your_second_stop.check(answer)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# A stop saves epochs and removes no weight; it is early enough to prune. A second stop has to wait until the
# masks are full, and so has the choice of the best epoch. Scattered zeros make a file small once it is
# gzipped, and save no time in LiteRT out of the box.
#
# Next: [06 Transfer learning](06_transfer_learning.ipynb).
