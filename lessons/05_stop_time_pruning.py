# %% [markdown]
# # Asked for 0.90, kept 0.30. Where did the pruning go?
#
# You will
# - see why a network that stops early is not yet a smaller one,
# - prune a trained Keras model, with a stop that waits for the last cut,
# - make the file that a phone runs, and measure what zeros buy.
#
# 35 minutes to read, 50 for the exercises. You need `StopWhen`, `Epochs`, `batches` and `|` from 01,
# patience, restored weights and `replay` from 03. <!-- given: 0.90, 0.30 -->

# %% [markdown]
# **Pruning** sets weights of a trained network to zero, the smallest first: a weight near zero usually
# changes the answer least. The share of zeros is the **sparsity**.
#
# A cut hurts, and training heals: the weights that are left learn to do without the others. So one usually cuts some
# each epoch, along a **ramp**.
#
# Two stops are at work: the *first* ends the training, the *second* the pruning. A CNN (it slides small filters over pictures) was
# trained until its first stop, then pruned along a ramp up to 0.90. The second, with patience 3, restored the epoch of
# lowest validation loss, and its sparsity: 0.30.
# <!-- given: 0.90, 0.30, 3 -->

# %%
from course_utils.stopping import Armed, Epochs, Patience, StopWhen, batches, replay
from course_utils.pruning import at_target, prune_at_stop, sparsity
from course_utils.small import Lite, to_lite
from course_utils.classroom import data
from course_utils.classroom.chapter_05 import exercises as ex, figures, pictures, second_stops
from course_utils.classroom.notebook import reveal, show
import gzip
import numpy as np

curves = data.load_curves("pruning_stops")
after = curves.select(phase="pruned")  # ten CNNs that read digits, while they are pruned
run, patience = after[0], Patience("val_loss", 3)
stopped = replay(patience, run, best="val_loss")
show(figures.asked_and_kept(run, stopped), alt=figures.ALT["asked_and_kept"])

# %% [markdown]
# ## Where did the pruning go?
#
# There is no bug. First the run *stopped* early (the dot), then the best epoch so far was *restored* (the ring). Which of
# these steps took more of the missing 0.60? <!-- given: 0.60 -->

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "stopped" or "restored"
there, home = (run["sparsity"][epoch] for epoch in (stopped.epoch, stopped.best_epoch))
reveal(guess, "stopped" if 0.9 - there > there - home else "restored", "Took more")
print(f"asked for 0.90; when it stopped {there:.2f}; restored {home:.2f}")

# %% [markdown]
# The loss had only risen: best was the first epoch, with a third of the cuts. **Restoring it undid most of
# the pruning.** From about epoch 25 on it was about as good with all cuts. <!-- given: 25 -->
#
# ## How should a stop wait?
#
# Until the last cut. A **mask** marks the weights that are cut. It is **full**, and so is its epoch, once all you asked for
# are cut: here from epoch 7 on. The rule in `Armed(full, rule)` begins to count there.
#
# Ten runs do so, with patience 3 and at most 20 full epochs. Each restores its best epoch, *full or not*. How many keep full masks? <!-- given: 3, 20 -->

# %% tags=["reveal"] claims=["05.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # of ten runs
full = at_target(0.9)  # met above 0.899: 0.9 of the weights is seldom a whole number
waits = Armed(full, patience | Epochs(20))
kept = {"does not wait": figures.outcome(after, patience),  # what each of the ten keeps
        "waits to stop": figures.outcome(after, waits),
        "waits to choose, too": figures.outcome(after, waits, best_when=full)}
reveal(guess, kept["waits to stop"].full, "Runs that wait and keep full masks")
unpruned, pruned_ten = figures.not_pruned(curves).mean(), kept["waits to choose, too"].accuracy.mean()
print(f"test accuracy: {unpruned:.1f} % before pruning, {pruned_ten:.1f} % if the choice waits, too, "
      f"{unpruned - pruned_ten:.1f} points less")

# %%
show(figures.kept_sparsities(kept), alt=figures.ALT["kept_sparsities"])

# %% [markdown]
# Five. The other five went back to their very first epoch, whose loss was lower. So a second stop has to wait twice: to
# stop, and to choose. With `best_when=full` (the last row) all ten keep 0.90, half a point of accuracy below the
# unpruned networks. **Only epochs with full masks may count as best.** <!-- given: 0.90 -->
#
# <details><summary>In your own code</summary>
#
# ```python
# from course_utils.pruning import PruneWhen, at_target
# from course_utils.stopping import Armed, Epochs, Patience, StopWhen
#
# full = at_target(0.9)
# prune = PruneWhen(Patience("val_loss", 3), target_sparsity=0.9)  # this stop begins the pruning
# stop = StopWhen(Armed(full, Patience("val_loss", 3) | Epochs(20)),  # and this one ends it
#                 restore_best="val_loss", best_when=full)
# # `prune` comes first: `stop` reads the sparsity that it logs
# model.fit(..., epochs=100, callbacks=[prune, stop])  # 100 ends it if the masks never get full
# ```
#
# </details>
#
# ## Does a stop prune?
#
# If it did, you could spare yourself the rest. The fourth [article](00_start_here.ipynb) says stopping early *is* pruning,
# because longer training would add parameters. Let us count, in a small `model` that you train here, on the digits that
# all recorded networks of this chapter read.

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
# Training adds no parameters, so stopping cannot save any. **A stop saves epochs and removes no weight.** Zeros
# have to be cut.
#
# ## What does a cut cost?
#
# How much do the small weights matter? Cut nine tenths of each **kernel** (a layer's array of weights) in `model`, and do not
# train on. What accuracy is left?

# %% tags=["reveal"]
guess = ...  # from 0 to 1; guessing among ten digits gives 0.1


def cut(kernel, share):
    size = np.abs(kernel)
    return kernel * (size >= np.quantile(size, share))  # the mask: False for the smallest


weights, accuracies = model.get_weights(), {}  # kernels and biases in turn; biases are few, and stay
for share in (0, 0.5, 0.9):
    model.set_weights([cut(weight, share) if weight.ndim > 1 else weight for weight in weights])
    accuracies[share] = round(model.evaluate(*test, verbose=0)[1], 2)
model.set_weights(weights)
reveal(guess, accuracies[0.9], "Test accuracy with nine tenths cut")
print("with none cut:", accuracies[0], "with half cut:", accuracies[0.5])

# %% [markdown]
# Half of the weights are not missed. Nine tenths are missed badly, unless the network may train on.
#
# Here are three networks that may: the CNN, an MLP (`Dense` layers, like `model`) and a GRU, which reads a picture row by row.
# Which loses most accuracy at 0.90? <!-- given: 0.90 -->

# %% tags=["reveal"] claims=["C9"]
guess = ...  # "CNN", "MLP" or "GRU"
costs = data.load_curves("pruning_sparsity")  # other trainings than the ten above, so other numbers
lost = figures.points_lost(costs, 0.9)
reveal(guess, max(lost, key=lost.get), "Loses most")
print("percentage points of accuracy lost at 0.90, along a ramp:", lost)
ramp, at_once = (figures.mistakes(costs, 0.98, network="cnn", schedule=way)
                 for way in ("gradual", "one-shot"))
print(f"CNN at 0.98: {ramp.mean():.0f} % wrong along a ramp, {at_once.mean():.0f} % if cut at once; "
      f"the ramp is better in {np.sum(ramp < at_once)} of {len(ramp)} runs")
show(figures.costs(costs), alt=figures.ALT["costs"])

# %% [markdown]
# *Left:* trained on, the CNN loses less than a point up to 0.90, along a ramp or at once, so there no ramp is needed. At 0.98
# the ramp halves the mistakes. *Right:* the GRU can spare half, not nine tenths.
# **With training after the cut, nine tenths are cheap for some networks.** <!-- given: 0.90, 0.98 -->
#
# ## When should pruning begin?
#
# Is a stop a good moment? Ten MLPs were trained for 60 epochs, once for each moment to begin pruning: epoch 0 (*start*), 3
# (*early*), their own stop (*stop*, 21 to 36), 48 (*late*). The later, the better trained, but the fewer epochs to heal.
# Which moment leads to most mistakes at 0.98? <!-- given: 0.98 -->

# %% tags=["reveal"] claims=["C4"]
guess = ...  # "start", "early", "stop" or "late"
when = data.load_curves("pruning_when")
wrong = {moment: figures.mistakes(when, 0.98, moment=moment).mean() for moment in figures.MOMENTS}
reveal(guess, max(wrong, key=wrong.get), "Most mistakes at 0.98")
show(figures.moments(when, epochs=12), alt=figures.ALT["moments"])

# %% [markdown]
# Is it the late moment, or the 12 epochs that were left? Give *stop* only 12, on the same ramp (hollow triangle): 31 % wrong, no better
# than *late*. So it is probably the few epochs. With all their epochs
# *start*, *early* and *stop* lie close together, and at 0.90 the moment hardly matters.
# **On these MLPs a stop is about as good a moment as any, if epochs remain to heal.** <!-- given: 0.90, 31 -->
#
# ## Do the zeros stay?
#
# One day you may train a pruned network further. First prune your own `model`: `prune_at_stop` does all in one call, with **tfmot**,
# TensorFlow's toolkit for making models smaller.

# %%
pruned, report = prune_at_stop(
    model, train, validation_data=validation, target_sparsity=0.9, ramp_epochs=4, batch_size=64,
    first=None,  # no stop to begin at: it is trained already
    second=Patience("val_loss", 3) | Epochs(20),  # no Armed, no best_when: prune_at_stop adds both
    verbose=0)
networks = {"not pruned": model, "pruned": pruned}
for name, network in networks.items():
    print(f"test accuracy, {name}: {network.evaluate(*test, verbose=0)[1]:.2f}")
print(f"cut by as much and not trained further: {accuracies[0.9]:.2f}")

# %% [markdown]
# Nearly healed. Now train it for one more epoch, with plain `fit`. What is left of its sparsity of 0.90? <!-- given: 0.90 -->

# %% tags=["reveal"]
guess = ...  # the sparsity after one more epoch, from 0 to 0.9
pruned_weights, began = pruned.get_weights(), sparsity(pruned).total
pruned.fit(batches(*train, 64, seed=0), epochs=1, verbose=0)
reveal(guess, round(sparsity(pruned).total, 2), f"From {began:.2f}, after one epoch")
pruned.set_weights(pruned_weights)  # as it was

# %% [markdown]
# To plain `fit` a zero is a weight like any other. A quarter of the weights stayed zero, perhaps since their gradient was 0.
# **Zeros grow back unless masks hold them.** So do all **fine-tuning**, the training after a cut, under the masks: give
# `second` more patience or more epochs, and do not call plain `fit` afterwards.
#
# ## What do zeros buy?
#
# Space, one hopes. **LiteRT**, formerly TensorFlow Lite, runs networks on phones, from files that `to_lite` makes. In
# **int8** a weight takes one byte, not four. Make an int8 file of each network. How many times smaller is that of the pruned one?

# %% tags=["reveal"]
guess = ...  # 1 is as large, 10 is ten times smaller
files = {name: to_lite(network, int8=True, data=train[0])  # `data`: whose range a byte has to cover
         for name, network in networks.items()}
reveal(guess, round(len(files["not pruned"]) / len(files["pruned"]), 1), "Times smaller")
for name, file in files.items():
    print(f"{name:11}{len(file) / 1000:.0f} kB, after gzip {len(gzip.compress(file)) / 1000:.0f} kB; "
          f"test accuracy {Lite(file).accuracy(*test):.2f}")  # LiteRT runs the file
mine = 7  # a picture of the test, 0 to 539, for it to read
print(pictures.drawn(test[0][mine]))
reads = Lite(files["pruned"]).predict(test[0][[mine]]).argmax()
print(f"The pruned file reads {reads}, and this is {test[1][mine]}.")

# %% [markdown]
# In the file, as it is made out of the box, a zero fills its byte like any number. Compression gets rid of it (gzip works
# like zip), until the phone unpacks the file.
#
# And time? We made files of the CNN, too: *pruned* by nine tenths, *int8*, both, and *half*: half of its filters taken
# out, those with the smaller weights, then trained on. How many times as fast is *pruned* as *not pruned*?

# %% tags=["reveal"] claims=["C10", "05.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # 1 is as fast, 10 is ten times as fast
rows = figures.sizes(data.load_curves("pruning_sizes"))  # once more trainings of their own
reveal(guess, round(1 / rows["pruned"]["latency"], 1), "Times as fast")
print(figures.sizes_table(rows))
pruned_kB, half_kB = (rows[name]["lite_bytes"] / 1000 for name in ("pruned", "half"))
print(f"not compressed: pruned {pruned_kB:.0f} kB, half {half_kB:.0f} kB")

# %% [markdown]
# No faster, on our processor (not a phone's): LiteRT seems to multiply zeros, too. What saves time is
# int8, or taking out whole filters: *half* takes a third of the time and keeps more accuracy than *pruned*. But it
# gave up only about half of its weights, not nine tenths. Its file is smaller than *pruned*'s until both are compressed.
# **Scattered zeros buy a smaller file, once it is compressed, and here no time.**
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
# **5.2 The last mask.** Here tfmot is set to draw a new mask at steps 0, 150, 300 ..., as long as they are not above `end_step`, at no
# others. Each has the sparsity `0.9 * (1 - (1 - step / end_step) ** 3)`. Somebody sets `end_step=280`. What sparsity does the last
# mask have (three decimals)? And which is the smallest `end_step` above 280 whose last mask has exactly 0.90?

# %% tags=["exercise"]
answer = ..., ...  # a sparsity, an end_step
ex.last_mask.check(answer)

# %% tags=["solution"]
answer = 0.810, 300  # the last mask is that of step 150: 0.9 (1 - (130 / 280) ** 3)
ex.last_mask.check(answer)

# %% [markdown]
# **5.3 The armed stop.** Write patience 3 over the full epochs only. `history["val_loss"]` and `history["sparsity"]`
# are lists, one number per epoch so far. Masks are full where sparsity > 0.899; leave out all other epochs. Return True if
# more than three losses are left and none of the last three is lower than the lowest before; otherwise False.

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
# **5.4 Read the table.** It is that of *What do zeros buy?* Which of these hold? Answer with letters, such as "acd".
#
# - *a* After gzip, *int8* alone is smaller than *pruned* alone.
# - *b* After gzip, int8 shrinks *not pruned* by a factor of 3.7, and *pruned* by a smaller one. <!-- given: 3.7 -->
# - *c* *pruned* answers faster than *half*.
# - *d* int8 saves time, and pruning on top of it saves no more.

# %% tags=["exercise"]
answer = ...
ex.read_the_table.check(answer)

# %% tags=["solution"]
answer = "bd"
ex.read_the_table.check(answer)

# %% [markdown]
# **5.5 Your second stop.** Twenty MLPs were pruned to 0.90 and recorded. Give a pair: a rule that ends each run, and a criterion
# for `best_when`, met in *full* epochs only. On these, <!-- given: 0.90 -->
#
# - every run keeps 0.90,
# - they last at most 20 epochs on average, the seven before full masks included (leaving how many full ones?),
# - mean test accuracy is at most half a percentage point below what it would be if nothing stopped the runs and each kept
#   its full epoch of lowest validation loss.
#
# On made-up runs with other ramps it must
#
# - last for at least eight full epochs, if the loss keeps falling,
# - stop in the sixth full epoch at the latest, if no later loss is below that of the first.

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
# ## For dessert: does this loop stop?
#
# The fourth article also prints a training loop, to stop at 99 % accuracy. As printed, does it? And with its bug repaired?

# %% claims=["C1", "C2", "C3"]
# NBVAL_CHECK_OUTPUT
X, y = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]), np.array([1, -1, -1, 1])


def articles_loop(y):
    W = np.random.default_rng(0).normal(size=(2, 1))
    for t in range(1000):
        y_pred = X.dot(W)
        if np.mean(y_pred * y > 0) >= 0.99:  # the accuracy
            return f"stops at {t}"
        W -= 0.1 * X.T.dot(y_pred - y)
    return "no stop in 1000 rounds"


try:
    articles_loop(y)
except ValueError as error:
    print("as printed: ValueError:", error)
print("with y as a column:", articles_loop(y[:, np.newaxis]))
sides = X[:, :1]  # label 1 on the right, -1 on the left
print("and labels that a line through the origin separates:", articles_loop(sides))

# %% [markdown]
# **Here the loop needs `y` as a column, and labels that a line through the origin separates.**
#
# <details><summary>What goes wrong?</summary>
#
# `y_pred` is a column and `y` is flat, so numpy pairs every prediction with every label, and the update
# crashes. Repaired, it never stops: no line separates these labels, through the origin or not.
#
# </details>
#
# ## Three sentences to keep
#
# A stop saves epochs and removes no weight. A second stop has to wait until the masks are full, and only
# epochs with full masks may count as best. Scattered zeros make a file small only when compressed, and saved
# no time in LiteRT on our processor.
#
# Next: [06 Transfer learning](06_transfer_learning.ipynb).
