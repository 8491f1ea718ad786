# %% [markdown]
# # Asked for 0.90, kept 0.30. Where did the pruning go?
#
# You will
# - see why a network that stops early is not yet a smaller one,
# - prune a trained Keras model, with a second stop that waits,
# - make the file that a phone runs, and measure what zeros buy.
#
# 30 minutes to read, 50 for the exercises. You need `StopWhen`, `Epochs`, `batches` and `|` from 01,
# patience, restored weights and `replay` from 03. <!-- given: 0.90, 0.30 -->

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
# **Pruning** sets the least important weights of a trained network to zero; here some in each epoch, while
# training goes on. The share of zeros is its **sparsity**.
#
# This run asked for 0.90 and came home with 0.30 (the ring). There is no bug: the stop is the one of 03,
# patience 3 with restored weights. Do you suspect something? Keep it in mind.
#
# ## Does a stop prune?
#
# The fourth [article](00_start_here.ipynb) says that stopping early *is* pruning, because longer training
# would only add parameters. Let us count. <!-- given: 0.90, 0.30 -->

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
# **A stop saves epochs and removes no weight.** Training adds none.
#
# The article also prints a loop that should stop at 99 % accuracy. Does it, as printed or repaired?

# %% claims=["C1", "C2", "C3"]
# NBVAL_CHECK_OUTPUT
X, y = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]), np.array([1, -1, -1, 1])


def articles_loop(y):
    W = np.random.default_rng(0).normal(size=(2, 1))
    for t in range(1000):
        y_pred = X.dot(W)
        accuracy = np.mean(y_pred * y > 0)
        if accuracy >= 0.99:
            return f"stops at {t}"
        W -= 0.1 * X.T.dot(y_pred - y)
    return f"no stop in 1000 rounds, accuracy {accuracy}"


print("the accuracy of four points is a mean over", (X.dot([[1], [1]]) * y).shape)
try:
    articles_loop(y)
except ValueError as error:
    print("ValueError:", error)
print("with y as a column:", articles_loop(y[:, np.newaxis]))

# %% [markdown]
# `y_pred` is a column and `y` a flat list, so numpy pairs every prediction with every label. The update
# crashes; the accuracy makes the same mistake in silence. With `y` as a column the loop runs to its end:
# whatever the weights, at least two of the four points come out wrong (this is XOR, negated).
#
# So stop, and *then* prune.
#
# ## What does a cut cost?
#
# In each layer's **kernel** (the array of its weights) those nearest to zero become zero, and a **mask**
# remembers which. What is left of your network's accuracy when nine tenths are cut?

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
# Nobody misses half of the weights. Nine tenths are missed badly.
#
# But those that remain can make up for the lost ones, if training goes on. Usually one also cuts little by
# little, along a **ramp**, fast at first.
#
# We pruned three networks: the CNN (convolutions) of the first figure, an MLP (`Dense` layers, like yours)
# and a GRU (recurrent: it reads row by row). Which loses most at 0.90? <!-- given: 0.90 -->

# %% tags=["reveal"] claims=["C9"]
guess = ...  # "CNN", "MLP" or "GRU"
costs = data.load_curves("pruning_sparsity")
lost = figures.points_lost(costs, 0.9)
reveal(guess, max(lost, key=lost.get), "Loses most")
print("points of accuracy lost at 0.90, along a ramp:", lost)
show(figures.costs(costs), alt=figures.ALT["costs"])

# %% [markdown]
# *Left:* with further training less than a point is lost up to 0.90, by ramp or at once. At 0.98 the ramp
# looks better, though the bars overlap. <!-- given: 0.90, 0.98 -->
#
# ## Where did the pruning go?
#
# A **first stop** ended the training before the first figure begins. Drawn there is the **second stop**: it
# ended the pruning and restored the epoch of lowest loss. But a cut hurts first, and the network recovers
# later. Up to the stop, epoch 0 had the lowest loss, with only a third of the cuts made.

# %% [markdown]
# So let the second stop wait until the masks are *full*, with everything cut that you asked for:
# `Armed(full, rule)` lets `rule` sleep until then. Ten runs wait like this, and then restore the epoch of
# lowest loss (`best_when` can limit that choice to some epochs). How many end with full masks?

# %% tags=["reveal"] claims=["05.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # of ten runs
three, full = Patience("val_loss", 3), at_target(0.9)  # full: above 0.899, as only whole weights can be cut
waits = Armed(full, three | Epochs(20))  # both count from the first epoch with full masks
rules = {"patience 3": (three, None), "patience 10": (Patience("val_loss", 10), None),
         "waits": (waits, None), "waits, best_when=full": (waits, full)}  # full: no other epoch may be best
kept = {name: figures.outcome(after, *rule) for name, rule in rules.items()}
reveal(guess, kept["waits"].full, "Runs that wait and keep full masks")
not_pruned = figures.dense_accuracy(curves)
print(figures.second_stops_table(kept, not_pruned))
lost = not_pruned - kept["waits, best_when=full"].accuracy
print(f"points lost by the last rule: {lost.mean():.1f}")
capped = [waits.first(run) != Armed(full, three).first(run) for run in after]
print(f"ended by the 20 epochs, before the patience: {sum(capped)} of {len(after)}")

# %% [markdown]
# Five. All ten wait, then half of them restore an older epoch, of lower loss. **Only epochs with full masks
# may count as best.** Then all ten keep 0.90, half a point below the unpruned networks. (Patience 10 keeps
# the same epochs as patience 3.)
#
# So a second stop waits twice: to stop, and to choose. If you call `fit` yourself, use `PruneWhen`:
#
# ```python
# from course_utils.pruning import PruneWhen
#
# prune = PruneWhen(Patience("val_loss", 3), target_sparsity=0.9)  # at the first stop pruning begins
# stop = StopWhen(waits, restore_best="val_loss", best_when=full)  # the second
# model.fit(..., callbacks=[prune, stop])  # in this order: `stop` reads the sparsity that `prune` logs
# ```

# %% [markdown]
# `prune_at_stop` makes both stops in one call. It waits by itself, and returns a pruned copy beside the
# unpruned network. It uses **tfmot**, TensorFlow's Model Optimization toolkit, which at intervals
# chooses anew what to cut.
#
# ## When should pruning begin?
#
# `PruneWhen` and `prune_at_stop` begin to prune at the first stop. Is that a good moment? Ten MLPs were
# trained for 60 epochs each, and pruned from the *start*, after 3 epochs (*early*), at the *stop*, or after
# 48 (*late*). Which does worst at 0.98? <!-- given: 0.98 -->

# %% tags=["reveal"] claims=["C4"]
guess = ...  # "start", "early", "stop" or "late"
when = data.load_curves("pruning_when")
wrong = {moment: figures.mistakes(when, 0.98, moment=moment).mean() for moment in figures.MOMENTS}
reveal(guess, max(wrong, key=wrong.get), "Most mistakes at 0.98")
show(figures.moments(when), alt=figures.ALT["moments"])

# %% [markdown]
# At 0.90 the moment hardly matters. At 0.98 *late* has only 12 epochs left for the ramp and the recovery.
# Of the other three, which cannot be told apart, only the stop also gives you a finished unpruned network.
# <!-- given: 0.90, 0.98 -->
#
# ## Do the zeros stay?
#
# Let `prune_at_stop` prune your network; then train on for an epoch. What is left of 0.90?

# %% tags=["reveal"]
guess = ...  # a share from 0 to 0.9
pruned, report = prune_at_stop(
    model, train, validation_data=validation, target_sparsity=0.9, ramp_epochs=4, batch_size=64,
    first=None,  # no first stop: it is trained already
    second=Patience("val_loss", 3) | Epochs(20),  # both asleep until the masks are full
    verbose=0)
# full is "> 0.9" here, where the network is known; 0.899 left room for other networks
print(report.second)  # print(report) says more
for name, network in {"not pruned": model, "pruned": pruned}.items():
    print(f"test accuracy, {name}: {network.evaluate(*test, verbose=0)[1]:.2f}")
pruned_weights, began = pruned.get_weights(), sparsity(pruned).total
pruned.fit(batches(*train, 64, seed=0), epochs=1, verbose=0)
reveal(guess, round(sparsity(pruned).total, 2), f"From {began:.2f}, after one epoch")
pruned.set_weights(pruned_weights)  # as it was

# %% [markdown]
# A zero is a weight like any other, and grows back wherever a gradient reaches it. So do all
# **fine-tuning** (training a pruned network further) under the masks: if the network needs more, give
# `second` more epochs; do not call `fit` afterwards.
#
# ## What do zeros buy?
#
# **LiteRT**, formerly TensorFlow Lite, runs networks on phones, each from a single file. In **int8** a
# weight takes one byte, not four. We also compress each file with gzip; like zip, it spends few bits on what
# it meets often. How many times smaller does pruning make the file itself?

# %%
def lite_file(model):  # to copy rather than to learn
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # a hundred pictures, from which it learns the range of the numbers in each layer
    converter.representative_dataset = lambda: ([picture[None]] for picture in train[0][:100])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]  # int8
    with pictures.quietly():  # it talks a lot
        return converter.convert()  # bytes; open("digits.tflite", "wb").write(...) keeps them

# %% tags=["reveal"]
guess = ...  # 1 is as large as before, 10 is ten times smaller
mine = 7  # a picture of the test, 0 to 539, for it to read
files = {"not pruned": lite_file(model), "pruned": lite_file(pruned)}
reveal(guess, round(len(files["not pruned"]) / len(files["pruned"]), 1), "Times smaller")
for name, file in files.items():
    reads = pictures.lite_answers(file, test[0])  # LiteRT runs the file
    print(f"{name:11}{len(file) / 1000:.0f} kB, after gzip {len(gzip.compress(file)) / 1000:.0f} kB; "
          f"test accuracy {np.mean(reads == test[1]):.2f}")
print(pictures.drawn(test[0][mine]))
print(f"The pruned file reads {reads[mine]}, and this is {test[1][mine]}.")

# %% [markdown]
# A zero fills its byte like any number. Only compression gets rid of it.
#
# Now the speed, of the recorded CNN. *pruned* has lost nine tenths of its weights, *half* the half of its
# filters (a convolution's units) with the smaller weights; both were trained on. How many times as fast as
# *dense* is *pruned*?

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
gz = {name: row["lite_gz"] for name, row in rows.items()}
print(f"gzipped, dense / pruned: {gz['dense'] / gz['pruned']:.0f}")
print(f"gzipped, dense / pruned int8: {gz['dense'] / gz['pruned int8']:.0f}")

# %% [markdown]
# No faster. LiteRT, out of the box, multiplies a zero like any number. What saves time is int8, or cutting
# whole filters. Scattered zeros pay once the file is gzipped: on their own they make it 5 times smaller,
# together with int8 17 times.
#
# **When scattered zeros do not help:** where you want speed, or where the cut costs too much, as with the GRU
# at 0.90. <!-- given: 0.90 -->
#
# ## Exercises
#
# `hint()` and `solution()` stand by.
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
# **5.2 The last mask.** Here tfmot draws a new mask at steps 0, 150, 300 ... up to `end_step`. At each of
# these steps its ramp asks for `0.9 * (1 - (1 - step / end_step) ** 3)`. Somebody's training has 280 steps,
# hence `end_step=280`. What sparsity does the last mask reach (rounded to three decimals)? If
# the training may be lengthened, which `end_step`, as near to 280 as possible, reaches exactly 0.90?

# %% tags=["exercise"]
answer = ..., ...  # a sparsity, an end_step
ex.last_mask.check(answer)

# %% tags=["solution"]
answer = 0.810, 300  # the last mask is that of step 150: 0.9 (1 - (130 / 280) ** 3)
ex.last_mask.check(answer)

# %% [markdown]
# **5.3 The armed stop.** `history["val_loss"]` and `history["sparsity"]` are lists, one number per epoch so
# far. Masks are full where sparsity > 0.899; drop all other epochs, also in between. Of the losses left,
# return True if there are more than three and none of the last three is lower than the lowest of those
# before; otherwise False.

# %% tags=["exercise"]
def second_stop(history):  # losses left: 5, 6, 7 is False; 5, 6, 4, 7 is False; 5, 6, 5, 7 is True
    return ...


ex.armed_stop.check(second_stop)

# %% tags=["solution"]
def second_stop(history):
    pairs = zip(history["val_loss"], history["sparsity"])
    losses = [loss for loss, share in pairs if share > 0.899]
    return len(losses) > 3 and min(losses[-3:]) >= min(losses[:-3])


ex.armed_stop.check(second_stop)

# %% [markdown]
# **5.4 Read the table.** Which of these hold? Answer with a string of letters, such as "acd".
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
# a criterion for `best_when`: exactly the *full* epochs (with full masks) may be best. Your pair must pass
# two tests. <!-- given: 0.90 -->
#
# On these twenty
#
# - all keep 0.90,
# - the runs last 20 epochs at most on average, ramp included,
# - and they lose at most half a point of test accuracy on average, against the full epoch of lowest loss.
#
# On made-up runs, with other ramps,
#
# - if the loss keeps falling, the rule must not stop before the eighth full epoch,
# - if the loss never falls below its value in the first full epoch, the rule must stop by the sixth full
#   epoch.

# %% tags=["exercise"]
seen, _ = second_stops.runs()[1]  # one of the twenty (_: its test accuracy, which no rule may see)
print(replay(waits, seen, best="val_loss", best_when=full))  # put your rule in place of `waits`
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
# epochs with full masks may count as best. Scattered zeros make a file small once it is gzipped, and save
# no time in LiteRT out of the box.
#
# Next: [06 Transfer learning](06_transfer_learning.ipynb).
