# %% [markdown]
# # Asked for 0.90, kept 0.30. Where did the pruning go?
#
# You will
# - see why a network that stops early is not yet a smaller one,
# - prune a trained Keras model, with a second stop that waits,
# - make the file that a phone runs, and measure what zeros buy.
#
# 30 minutes to read, 40 for the exercises. You need `StopWhen`, `Epochs` and `|` from 01, patience, restored
# weights and `replay` from 03. <!-- given: 0.90, 0.30 -->

# %%
from course_utils.stopping import Armed, Epochs, Patience, StopWhen, batches, replay
from course_utils.pruning import at_target, prune_at_stop, sparsity
from course_utils.classroom import data
from course_utils.classroom.chapter_05 import exercises as ex, figures, pictures, second_stops
from course_utils.classroom.notebook import reveal, show
import gzip
import numpy as np
import tensorflow as tf

curves = data.load_curves("pruning_stops")
after = curves.select(phase="pruned")  # ten CNNs that read digits: trained, then pruned
show(figures.asked_and_kept(after[0], replay(Patience("val_loss", 3), after[0], best="val_loss")),
     alt=figures.ALT["asked_and_kept"])

# %% [markdown]
# **Pruning** sets the least important weights of a trained network to zero; here a portion in each epoch,
# while training goes on. The share of zeros is its **sparsity**.
#
# This run asked for 0.90 and came home with 0.30 (the ring). There is no bug: the stop is the one of 03,
# patience 3 with restored weights. A suspicion? Hold on to it.
#
# ## Does a stop prune?
#
# The fourth [article](00_start_here.ipynb) says that stopping early *is* pruning, because longer training
# would only add parameters. Here are the accuracy and the update of its loop, on four points.
# <!-- given: 0.90, 0.30 -->

# %% claims=["C1", "C2", "C3"]
# NBVAL_CHECK_OUTPUT
X = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
y = np.array([1, -1, -1, 1])
W = np.random.default_rng(0).normal(size=(2, 1))
print("shapes:", X.dot(W).shape, y.shape, "the accuracy is a mean over", (X.dot(W) * y > 0).shape)
try:
    W -= 0.1 * X.T.dot(X.dot(W) - y)
except ValueError as error:
    print("ValueError:", error)
column = y[:, np.newaxis]
for _ in range(1000):
    W -= 0.1 * X.T.dot(X.dot(W) - column)
print("with y as a column: accuracy", np.mean(X.dot(W) * column > 0), "after 1000 updates")

# %% [markdown]
# `X.dot(W)` is a column and `y` a row, so numpy pairs every prediction with every label. We are lucky that
# the update crashes: the accuracy makes the same mistake in silence. With `y` as a column the article's loop,
# which goes on until every point is right, would not end: no straight line separates these points (XOR, negated).
#
# Here a stop does come, on a network that reads digits.

# %% claims=["C4", "05.1"]
# NBVAL_CHECK_OUTPUT
train, validation, test = pictures.digits()  # scikit-learn's, 8 x 8 pixels
model = pictures.small_network()  # three Dense layers
before = model.count_params()
stop = StopWhen(Patience("val_loss", 3), restore_best="val_loss")
model.fit(batches(*train, 64, seed=0), validation_data=validation, epochs=40, verbose=0, callbacks=[stop])
print("stopped before its 40 epochs were over:", stop.report.epoch < 39)
print(f"parameters: {before:,} before, {model.count_params():,} after; sparsity {sparsity(model).total:.2f}")

# %% [markdown]
# Training had added no parameter, and the stop took none away. **A stop saves epochs and removes no weight.**
# So stop, and *then* prune.
#
# ## What does a cut cost?
#
# In each layer's **kernel** (the array of its weights) those nearest to zero become zero, and a **mask**
# remembers which. We do that to your network. What is left of its accuracy when nine tenths are cut?

# %% tags=["reveal"]
guess = ...  # from 0 to 1


def cut(kernel, share):
    size = np.abs(kernel)
    return kernel * (size >= np.quantile(size, share))  # the mask: False for the smallest


weights, accuracies = model.get_weights(), {}  # kernel, bias, kernel, bias ...; biases stay, they are few
for share in (0, 0.5, 0.8, 0.9):
    model.set_weights([cut(weight, share) if weight.ndim > 1 else weight for weight in weights])
    accuracies[share] = round(model.evaluate(*test, verbose=0)[1], 2)
model.set_weights(weights)
reveal(guess, accuracies[0.9], "Test accuracy with nine tenths cut")
print("by share cut:", accuracies)

# %% [markdown]
# Nobody misses half of the weights. Nine tenths are missed.
#
# But the rest can make up for them, if training goes on. Usually one also cuts little by little, along a
# **ramp**: fast at first, then slower. Does that help?
#
# We pruned three networks that read these digits: the CNN (convolutions) of the first figure, an MLP (`Dense`
# layers, like yours) and a GRU (recurrent: it reads row by row). Which will break first?

# %% claims=["C9"]
costs, when = data.load_curves("pruning_sparsity"), data.load_curves("pruning_when")
show(figures.costs(costs), alt=figures.ALT["costs"])

# %% [markdown]
# *Left:* the red line is a cut with no further training. With training less than a point is lost up to 0.90,
# by ramp or at once; at 0.98 the ramp is ahead, though the bars overlap. *Right:* the GRU, which is also the
# smallest, breaks first.
#
# ## When should pruning begin?
#
# The MLP was trained for 60 epochs in all, and pruned from the *start*, after 3 epochs (*early*), at the
# *stop*, or after 48 (*late*). Which moment would you take? <!-- given: 0.90, 0.98 -->

# %% claims=["C4"]
show(figures.moments(when), alt=figures.ALT["moments"])

# %% [markdown]
# At 0.90 the moment hardly matters. At 0.98 only *late* stands out, with 12 epochs left to recover. The other
# three cannot be told apart; at the stop you also have the unpruned network, to compare with.
# <!-- given: 0.90, 0.98 -->

# %% [markdown]
# ## Where did the pruning go?
#
# The run of the first figure had two stops. The **first stop** ended the training, and pruning began. The
# **second stop** ended the pruning and restored the epoch of lowest loss. But a cut hurts before it heals:
# the loss was lowest in epoch 0, when only a third of the cuts had been made.
#
# So let the second stop wait until the masks are *full*, with all cut that was asked for.
# `Armed(full, rule)` lets `rule` sleep until then. How many of ten such runs come home with full masks?

# %% tags=["reveal"] claims=["05.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # of ten runs
three, full = Patience("val_loss", 3), at_target(0.9)  # weights are cut in whole numbers: full is above 0.899
waits = Armed(full, three | Epochs(20))  # both count from the first epoch with full masks
rules = {"patience 3": (three, None), "patience 10": (Patience("val_loss", 10), None),
         "waits": (waits, None), "waits, best_when=full": (waits, full)}  # full: no other epoch may be best
kept = {name: figures.outcome(after, rule, best_when) for name, (rule, best_when) in rules.items()}
came_home = {name: int(np.sum(result.sparsity > full.value)) for name, result in kept.items()}
reveal(guess, came_home["waits"], "Runs that wait and keep full masks")
for name, result in kept.items():
    print(f"{name:22} {result.epochs.mean():2.0f} epochs, sparsity {result.sparsity.mean():.2f}, full masks "
          f"in {came_home[name]:2} of 10, {result.accuracy.mean():.1f} % right")
not_pruned = figures.dense_accuracy(curves)
lost = not_pruned - kept["waits, best_when=full"].accuracy
print(f"not pruned: {not_pruned.mean():.1f} % right, {lost.mean():.1f} points more than the last rule, "
      f"and better in {np.sum(lost > 1e-6)} of 10 runs")

# %% [markdown]
# Five. All ten wait, and then half of them restore an older epoch, of lower loss. **Only epochs with full
# masks may count as best.** Then all ten keep 0.90, at the cost of half a point.
#
# So a second stop has to wait twice: before it may stop, and before an epoch may be best. Where you write the `fit`, take `PruneWhen`:
#
# ```python
# from course_utils.pruning import PruneWhen
#
# prune = PruneWhen(Patience("val_loss", 3), target_sparsity=0.9)  # at the first stop pruning begins
# stop = StopWhen(waits, restore_best="val_loss", best_when=full)  # the second
# model.fit(..., callbacks=[prune, stop])  # in this order: `stop` reads the sparsity that `prune` logs
# ```
#
# To have the network before and after, take `prune_at_stop`: one call for both stops, which waits by itself
# and returns a pruned copy. It uses TensorFlow's **tfmot**.
#
# ## Do the zeros stay?
#
# Let `prune_at_stop` prune your network; then train on for an epoch, as usual. What is left of 0.90?

# %% tags=["reveal"]
guess = ...  # a share from 0 to 0.9
pruned, report = prune_at_stop(  # print(report) says what it did
    model, train, validation_data=validation, target_sparsity=0.9, ramp_epochs=4, batch_size=64,
    first=None,  # no first stop: it is trained already
    second=Patience("val_loss", 3) | Epochs(20),  # both asleep until the masks are full
    verbose=0)
for name, network in {"not pruned": model, "pruned": pruned}.items():
    print(f"test accuracy, {name}: {network.evaluate(*test, verbose=0)[1]:.2f}")
zeros, began = pruned.get_weights(), sparsity(pruned).total
pruned.fit(batches(*train, 64, seed=0), epochs=1, verbose=0)
reveal(guess, round(sparsity(pruned).total, 2), f"From {began:.2f}, after one epoch")
pruned.set_weights(zeros)  # as it was

# %% [markdown]
# A zero is a weight like any other, and grows back wherever a gradient reaches it. So do all **fine-tuning** (training a
# pruned network further) under the masks: give `second` more patience, and call no `fit` afterwards.
#
# ## What do zeros buy?
#
# **LiteRT**, formerly TensorFlow Lite, runs networks on phones, each from a single file. In **int8** a weight
# takes one byte, not four. Your network's file reads a picture of your choice.

# %%
mine = 7  # a picture of the test, 0 to 539


def lite_file(model):  # to copy rather than to learn
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # a hundred pictures, from which it learns the range of the numbers in each layer
    converter.representative_dataset = lambda: ([picture[None]] for picture in train[0][:100])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]  # int8
    with pictures.quietly():  # it talks a lot
        return converter.convert()  # bytes; open("digits.tflite", "wb").write(...) keeps them


file = lite_file(pruned)
reads = pictures.lite_answers(file, test[0])  # LiteRT runs the file
print(pictures.drawn(test[0][mine]))
print(f"{len(file) / 1000:.0f} kB, after gzip {len(gzip.compress(file)) / 1000:.0f} kB; "
      f"test accuracy {np.mean(reads == test[1]):.2f}. It reads {reads[mine]}, and this is {test[1][mine]}.")

# %% [markdown]
# Now the recorded CNN, by the clock. *dense* is not pruned; *half* has lost half of its filters (a
# convolution's units). How many times as fast is *pruned*, with nine tenths cut?

# %% tags=["reveal"] claims=["C10", "05.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # 1 is as fast as dense, 10 is ten times as fast
sizes, models = data.load_curves("pruning_sizes"), ("dense", "pruned", "int8", "pruned int8", "half")
rows = {name: figures.means(sizes.select(model=name)) for name in models}
reveal(guess, round(1 / rows["pruned"]["latency"], 1), "Times as fast")
print("                file    gzip   time  accuracy")
for name, row in rows.items():
    print(f"{name:12} {row['lite_bytes'] / 1000:4.0f} kB  {row['lite_gz'] / 1000:3.0f} kB   "
          f"{row['latency']:4.2f}    {100 * row['test_accuracy']:.1f} %")
print(f"(means of {len(sizes.select(model='dense'))} seeds; "
      "time: for one picture, on one thread of an x86 processor, not of a phone; dense = 1)")
print(f"gzipped, dense / pruned int8: {rows['dense']['lite_gz'] / rows['pruned int8']['lite_gz']:.0f}")

# %% [markdown]
# No faster. LiteRT, used as here, stores and multiplies a zero like any number; only gzip sees it. With int8
# and zeros the gzipped file is 17 times smaller. What saves time is int8, or to cut whole filters.
#
# **When scattered zeros do not help:** where you want speed, or where the network needs what you cut, as the
# GRU does at 0.90. <!-- given: 0.90 -->
#
# ## Exercises
#
# `hint()` and `solution()` stand by.
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
# **5.2 The last mask.** tfmot draws a new mask every so many steps: here at 0, 150, 300 ... up to `end_step`.
# At each its ramp asks for `0.9 * (1 - (1 - step / end_step) ** 3)`. Twenty epochs make 280 steps, so
# somebody wrote `end_step=280`. What sparsity does the last mask reach (three decimals)? Which `end_step`, as
# near to 280 as possible, would reach 0.90 exactly? (You may train for longer.)

# %% tags=["exercise"]
answer = ..., ...  # a sparsity, an end_step
ex.last_mask.check(answer)

# %% tags=["solution"]
answer = 0.810, 300  # the last mask is that of step 150: 0.9 (1 - (130 / 280) ** 3)
ex.last_mask.check(answer)

# %% [markdown]
# **5.3 The armed stop.** `history["val_loss"]` and `history["sparsity"]` are lists, one number per epoch so
# far (no NaN). Masks are full where sparsity > 0.899; drop all other epochs, also in between. Of the losses
# left, return True if there are more than three and none of the last three is lower than the lowest before
# these three; else False. Equal is not lower. Your function is called after every epoch.

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
# **5.4 Read the table.** Which of these hold, by the table? The answer is a string of letters, such as
# "acd".
#
# - *a* After gzip, *int8* alone is smaller than *pruned* alone.
# - *b* Pruning makes the gzipped file at least four times smaller, with int8 and without.
# - *c* *pruned* answers faster than *half*.
# - *d* int8 saves time, and pruning on top of it saves no more.

# %% tags=["exercise"]
answer = ...
ex.read_the_table.check(answer)

# %% tags=["solution"]
answer = "bd"
ex.read_the_table.check(answer)

# %% [markdown]
# **5.5 Your second stop.** Twenty MLPs were pruned to 0.90 and recorded. Give a rule that ends each run, and
# a criterion for `best_when`: exactly the *full* epochs (with full masks) may be best. <!-- given: 0.90 -->
#
# On these twenty
#
# - all keep 0.90,
# - in at most 20 epochs on average,
# - and lose at most half a point of test accuracy on average, against the full epoch of lowest loss.
#
# On made-up runs, with slower and faster ramps, the rule stops
#
# - while the loss keeps falling, not before the eighth full epoch,
# - where the loss never falls below that of the first full epoch, no later than the sixth.

# %% tags=["exercise"]
seen, _ = second_stops.runs()[1]  # one of the twenty; put your rule in place of `waits`
print(replay(waits, seen, best="val_loss", best_when=full))
answer = ..., ...  # a rule, and which epochs may be best: build both from criteria of this lesson, and |
ex.your_second_stop.check(answer)

# %% tags=["solution"]
answer = Armed(at_target(0.9), Patience("val_loss", 3) | Epochs(12)), at_target(0.9)
ex.your_second_stop.check(answer)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# A stop saves epochs and removes no weight. A second stop has to wait until the masks are full, and only
# epochs with full masks may count as best. Scattered zeros make a file small once it is gzipped, and save no
# time in LiteRT out of the box.
#
# Next: [06 Transfer learning](06_transfer_learning.ipynb).
