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
after = curves.select(phase="pruned")  # ten CNNs that read digits: trained, then pruned for 40 epochs
show(figures.asked_and_kept(after[0], replay(Patience("val_loss", 3), after[0], best="val_loss")),
     alt=figures.ALT["asked_and_kept"])

# %% [markdown]
# **Pruning** sets the least important weights of a trained network to zero, a few more in each epoch, while
# training goes on. The share of zeros is its **sparsity**. This run asked for 0.90. Patience 3 ended it and
# restored the epoch of lowest loss (the ring): epoch 0, with 0.30 cut. Had it gone on, the loss would have
# fallen below that, with 0.90 cut.
#
# ## The article's loop
#
# First: why prune at a stop? The fourth [article](00_start_here.ipynb) says that stopping early *is* pruning,
# for longer training would only add parameters. Here is its loop, on four points. Spot the bug first. How
# many updates of W does it make? <!-- given: 0.90, 0.30 -->

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
# None. `X.dot(W)` is a column and `y` a row, so numpy pairs every prediction with every label: the update is
# 2 x 4, and W is 2 x 1. The crash is lucky: `W = W - ...` would have run, and nobody would have noticed that
# the accuracy is wrong. It is 0.5 even where the weights are always right (we tried an easier task).
#
# With `y` as a column the loop runs, and W shrinks to zero: the pulls of the four points cancel, and no
# straight line separates them (it is XOR, negated).
#
# Here is a stop that comes, on a network that reads digits. What does it prune?

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
# goes on. So one usually cuts step by step along a **ramp**: sparsity rises fast at first, while that costs
# little:
#
# $$s(t) = \text{target} \cdot \left(1 - (1 - t / T)^3\right) \quad \text{at step } t \text{ of } T$$
#
# Is a ramp better than one cut? How much can be spared? All recordings of this chapter are of three networks
# on these digits: the CNN (convolutions) of the first figure, an MLP (dense layers, like yours) and a GRU
# (recurrent: it reads a picture row by row).

# %%
costs, when = data.load_curves("pruning_sparsity"), data.load_curves("pruning_when")
show(figures.costs(costs), alt=figures.ALT["costs"])

# %%
# NBVAL_CHECK_OUTPUT
print(*figures.cost_rows(costs), sep="\n")

# %% [markdown]
# (The CNN has six seeds, the others five. Blue is the same left and right.)
#
# *Left:* up to 0.95, training mends nearly all that the cut broke. For this CNN one cut does as well as a
# ramp up to 0.90; at 0.98 the ramp is far ahead. *Right:* nine tenths fewer weights cost the CNN less than a
# point, and the GRU nearly five.
#
# And when should the cutting begin? The MLP was trained for 60 epochs in all, and pruned from the *start*,
# after 3 epochs (*early*), at the *stop*, or after 48 (*late*). Which moment would you take?

# %%
show(figures.moments(when), alt=figures.ALT["moments"])

# %%
# NBVAL_CHECK_OUTPUT
print(*figures.moment_rows(when), sep="\n")

# %% [markdown]
# At 0.90 the stop was ahead, by less than half a point. At 0.98 nobody would ship any of them; *late* was
# worse than *stop* in eight seeds of ten, perhaps because only 12 epochs were left. So for this MLP the stop
# was early enough: neither of the sooner moments did reliably better.
#
# ## The second stop
#
# The first stop ended the training. A second one must end the pruning. A mask is *full* once it has cut all
# that was asked for. We try six rules on the ten CNNs of the first figure, which **tfmot**, TensorFlow's
# library for this, has pruned. What sparsity does patience 10 keep?

# %%
guess = ...  # a share from 0 to 0.9
three, ten = Patience("val_loss", 3), Patience("val_loss", 10)
full = at_target(0.9)  # sparsity above 0.899: a layer cuts whole weights only, and may end a hair below 0.9
waits = Armed(full, three)  # `three` begins at the first epoch that meets `full`, and knows none before it
# each restores the best epoch so far, unless it says otherwise; best_when: only these epochs may be the best
rules = {"patience 3": dict(rule=three),
         "patience 10": dict(rule=ten),
         "patience 3, last weights": dict(rule=three, restore=False),
         "After(8, patience 3)": dict(rule=After(8, three)),
         "Armed(full, patience 3)": dict(rule=waits),
         "  the same, best_when=full": dict(rule=waits, best_when=full)}

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
table = {name: figures.outcome(after, **rule) for name, rule in rules.items()}
kept, dense_accuracy = float(np.median(table["patience 10"].sparsity)), figures.dense_accuracy(curves)
reveal(guess, round(kept, 2), "Patience 10 keeps, in the median run")
print(f"{'':28}stopped  epochs  sparsity  full masks  test")
for name, came in table.items():
    print(f"{name:28}{came.stopped:7}  {came.epochs.mean():6.0f} {np.median(came.sparsity):9.2f} "
          f"{np.sum(came.sparsity > full.value):5} of 10  {came.accuracy.mean():5.1f} %")
print(f"{'not pruned':28}{dense_accuracy.mean():44.1f} %")
print("best_when=full minus not pruned:", figures.paired(came.accuracy, dense_accuracy))
print("(sparsity: of the median run; a run that is never stopped counts as 40 epochs)")

# %% [markdown]
# - Patience 10 sees full masks, and restores early weights, of lower loss.
# - `After` and `Armed` wait, and still three runs in ten keep an early epoch. (`After(8)` fits a
#   ramp of eight; `Armed` looks at the masks.)
# - **Only epochs with full masks may count as best.** Then all ten keep 0.90, 0.6 points below the unpruned
#   networks. (Even 0.30 was not free.)
# - That is slow, and one run never stops. A limit, `| Epochs(20)`, mends both.
#
# Within one `fit`:
#
# ```python
# from course_utils.pruning import PruneWhen  # needs no tfmot
#
# prune = PruneWhen(Patience("val_loss", 3), target_sparsity=0.9)  # it logs `sparsity`, which `full` reads
# stop = StopWhen(Armed(full, Patience("val_loss", 3) | Epochs(20)),
#                 restore_best="val_loss", best_when=full)
# model.fit(..., callbacks=[prune, stop])
# ```
#
# `prune_at_stop` uses tfmot, begins at the best weights, and arms the second stop. Let it prune your
# network, then train on for one plain epoch. What is left of 0.90?

# %%
guess = ...  # a share from 0 to 0.9
pruned, report = prune_at_stop(  # to tf_keras, the older Keras, which tfmot needs, and back
    model, train, validation_data=validation, target_sparsity=0.9, ramp_epochs=4, batch_size=64,
    first=None,  # it is trained already
    second=Patience("val_loss", 3) | Epochs(20),  # from full masks on
    verbose=0)
print(report.second.reason)  # was it the limit, or the patience?
# it says 0.9, not 0.899: it counts the weights of this model, and so knows the share that its masks can reach
print(report.sparsity)
for name, network in {"dense": model, "pruned": pruned}.items():
    print(f"test accuracy, {name}: {network.evaluate(*test, verbose=0)[1]:.2f}")

# %% tags=["reveal"]
zeros, began = pruned.get_weights(), sparsity(pruned).total
pruned.fit(batches(*train, 64, seed=0), epochs=1, verbose=0)
reveal(guess, round(sparsity(pruned).total, 2), f"From {began:.2f}, after one epoch")
pruned.set_weights(zeros)  # as it was

# %% [markdown]
# ## Five traps
#
# - **1. Zeros grow back**, as you saw, wherever a gradient reaches them. So do all **fine-tuning** (training
#   a pruned network further) under the masks: by a longer `second`, not by a `fit` afterwards.
#
# Four more lie in tfmot:
#
# - **2. Keras 3.** It takes tf_keras models only. Read its message to the end.
# - **3. Frequency.** It draws masks every `frequency` steps. A ramp that ends between two falls short.
# - **4. Order.** Its callback `UpdatePruningStep` puts the zeros back at an epoch's end. `EarlyStopping`
#   before it can keep weights without them.
# - **5. Ctrl-C** in mid-epoch leaves such weights, too: multiply by the masks before `strip_pruning` takes
#   tfmot's wrappers off.

# %%
# NBVAL_CHECK_OUTPUT
library = tfmot().sparsity.keras
try:
    library.prune_low_magnitude(model)
except ValueError as error:
    print("2.", error)
print(*figures.trap_rows(library, data.load_curves("pruning_traps")), sep="\n")

# %% [markdown]
# (Why 0.056 twice? No gradient reaches these zeros, behind pixels that are always blank or at neurons
# that never fire.)
#
# ## What do zeros buy?
#
# **LiteRT**, formerly TensorFlow Lite, runs networks on phones. Its converter turns a model into a single
# file. In **int8** a weight takes one byte instead of four. (The file is only three to four times smaller: it
# also holds the network's plan, biases, and the scales that turn bytes back into numbers.)
#
# First your network: its smallest file will name one test picture, which you choose. Then the recorded CNN,
# five seeds. How many times faster does it answer when nine in ten weights are zero?

# %%
guess = ...  # 1 is as fast as dense, 10 is ten times as fast
mine = 7  # a picture of the test, 0 to 539


def lite_file(model, int8=False):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        # a hundred pictures, from which it learns the range of the numbers in each layer
        converter.representative_dataset = lambda: ([picture[None]] for picture in train[0][:100])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with pictures.quietly():  # it talks a lot
        return converter.convert()  # bytes; open("digits.tflite", "wb").write(...) keeps them


files = {"dense": lite_file(model), "pruned": lite_file(pruned), "pruned int8": lite_file(pruned, int8=True)}
reads = {name: pictures.lite_answers(file, test[0]) for name, file in files.items()}  # LiteRT runs the file
for name, file in files.items():
    print(f"{name:12}{len(file) / 1000:4.0f} kB, after gzip {len(gzip.compress(file)) / 1000:4.0f} kB, "
          f"test accuracy {np.mean(reads[name] == test[1]):.2f}")
print(pictures.drawn(test[0][mine]))
print(f"pruned int8 reads: {reads['pruned int8'][mine]}. It is: {test[1][mine]}.")

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
sizes, models = data.load_curves("pruning_sizes"), ("dense", "pruned", "int8", "pruned int8", "half")
rows = {name: figures.means(sizes.select(model=name)) for name in models}
reveal(guess, round(1 / rows["pruned"]["latency"], 1), "Times faster")
print("                file    gzip   time  accuracy")
for name, row in rows.items():
    print(f"{name:12} {row['lite_bytes'] / 1000:4.0f} kB  {row['lite_gz'] / 1000:3.0f} kB   "
          f"{row['latency']:4.2f}    {100 * row['test_accuracy']:.1f} %")
print("(time: for one picture, on one thread of an x86 processor, not of a phone; dense = 1)")
print(f"gzipped, dense / pruned int8: {rows['dense']['lite_gz'] / rows['pruned int8']['lite_gz']:.0f}")

# %% [markdown]
# (*half*: half of the filters, the units of a convolution, were removed, and the network was trained
# further.)
#
# No faster. LiteRT, used as here, stores and multiplies a zero like any number; only gzip sees it. int8 takes
# a third of the time and costs this CNN no accuracy. With both, pruning and int8, the CNN's gzipped file is
# 17 times smaller than the dense one's.
#
# **When pruning does not help:** where you want speed, or where the network needs what you cut: the GRU can
# spare half of its weights, but not nine tenths.
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
# **5.2 The last mask.** Masks are drawn at steps 0, 150, 300 ... up to `end_step`. At each the schedule
# asks for `0.9 * (1 - (1 - step / end_step) ** 3)`. Twenty epochs of 14 batches make 280 steps, so somebody
# wrote `end_step=280`. What sparsity does the last mask reach (three decimals)? Which `end_step`, as near to
# 280 as possible, reaches 0.90 exactly? It may be later: training may go on beyond step 280.

# %% tags=["exercise"]
answer = ..., ...  # a sparsity, an end_step
ex.last_mask.check(answer)

# %% tags=["solution"]
answer = 0.810, 300  # the last mask is that of step 150: 0.9 (1 - (130 / 280) ** 3)
ex.last_mask.check(answer)

# %% [markdown]
# **5.3 The armed stop.** Write it yourself. `history["val_loss"]` and `history["sparsity"]` are lists, one
# number per epoch so far (no NaN). Masks are full where sparsity > 0.899. Look at the full epochs only, also
# where others lie between them. Return True if there are more than three, and none of the last three has a
# lower `val_loss` than the lowest before these three; else False. Equal is not lower. Your function is asked
# after each epoch, until it says True.

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
# **5.5 Your second stop.** Twenty MLPs (ten with some labels shuffled) were pruned to 0.90, and recorded
# for 24 to 49 epochs. Give a rule that ends each run, and a criterion: all epochs with full masks may count
# as best, and no others. <!-- given: 0.90 -->
#
# On these twenty
#
# - all keep 0.90,
# - in at most 20 epochs on average,
# - and lose at most half a point of accuracy, against the full epoch of lowest loss.
#
# On made-up runs, with slower and faster ramps,
#
# - the rule does not stop before the eighth full epoch while the loss keeps falling,
# - nor after the sixth, if the loss never gets below that of the first.

# %% tags=["exercise"]
print(replay(waits, after[0], best="val_loss", best_when=full))  # put your rule in place of `waits`
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
# A stop saves epochs and removes no weight; for the MLP that we measured, it was early enough to prune. A
# second stop has to wait until the masks are full, and so has the choice of the best epoch. Scattered zeros
# make a file small once it is gzipped, and save no time in LiteRT out of the box.
#
# Next: [06 Transfer learning](06_transfer_learning.ipynb).
