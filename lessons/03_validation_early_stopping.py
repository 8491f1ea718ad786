# %% [markdown]
# # Five epochs of patience. Is that enough?
#
# You will
# - see why a threshold on the validation loss is hard to name, and what replaces it,
# - write early stopping yourself, and keep the best weights,
# - know when it gains seven points of accuracy, when nothing, and when it costs one.
#
# 30 minutes to read, 75 for the exercises. You need `model.fit` and a `for` loop, and a Python class for exercise 3.3. Nothing is trained
# here: all runs were recorded.

# %%
from course_utils.stopping import Below, Epochs, Patience, Smoothed, compare, replay, stopping_lab
from course_utils.classroom import data
from course_utils.classroom.chapter_03 import exercises as ex, figures, tables
from course_utils.classroom.notebook import reveal, show
from course_utils.classroom.stage import run as feed
import keras
import numpy as np

curves = data.load_curves("proben1")
names = ("diabetes", "soybean", "gene", "thyroid", "building")
problems = {name: curves.select(problem=name, units=64) for name in names}  # 64 hidden units; 20 runs each
one_each = {name: runs[1] for name, runs in problems.items()}
ax = figures.validation_curves(one_each)
show(ax, alt="Five curves of the validation loss over 300 epochs. "
             "Gene turns up after a few epochs, with one deep dip; diabetes soon, thyroid later; "
             "soybean and building fall for most of the time. All have spikes.")

# %% [markdown]
# Five problems: who has diabetes, what ails a soybean plant, where a gene is spliced, whether a thyroid works, how much energy a
# building uses. Each curve is a network's loss on **validation data**, from which it never learns. Where would you stop each?
#
# ## The article's loop
#
# Train too long, and a network may learn its data by heart. So the third [article](00_start_here.ipynb), *Stopping and transfer*, watches the
# mean squared error (MSE) on validation data, and stops once the model is good enough:
#
# ```python
# for epoch in range(1000):
#     ...                       # train
#     MSE = ...                 # on the validation set
#     if MSE > MSE_th:          # th: the threshold
#         break
# ```
#
# Spot the bug before you go on.

# %% tags=["reveal"] claims=["D1"]
# NBVAL_CHECK_OUTPUT
# The loss of building is an MSE. With a threshold of 0.01, after which epoch does the loop stop?
guess = ...  # an epoch from 0 to 299; leave the dots to skip
run = one_each["building"]
for epoch, mse in enumerate(run["val_loss"]):
    if mse > 0.01:
        break
reveal(guess, epoch, "It stops at epoch")
print(f"The MSE there is {mse:.3f}. Later in the run it falls to {min(run['val_loss']):.4f}.")

# %% [markdown]
# It stops at the first look, because the model is *bad*. "When performance exceeds the threshold", says the article. That is right for
# accuracy, but an error should be *small*. Its formula has it right, $MSE < MSE_{th}$; its code does not.
#
# So turn the sign around. Which threshold would you take? `Below(...).first(run)` is the first epoch below it, or `None`. Here are twenty
# runs of building, each with its own random split into training, validation and test data:

# %% claims=["D2"]
# NBVAL_CHECK_OUTPUT
for threshold in (0.01, 0.007, 0.0065, 0.006):
    stops = [Below("val_loss", threshold).first(run) for run in problems["building"]]
    met = [stop for stop in stops if stop is not None]
    when = f"median epoch {np.median(met):.0f}" if met else "never"
    print(f"below {threshold:<6}  {len(met):2} of 20 runs, {when}")

# %% [markdown]
# At 0.007 every run stops, the one of the last cell too soon: its loss later falls to 0.0062. At 0.006 none does. **On building a
# threshold works only if you know it beforehand, to the fourth decimal place.** And each problem needs its own: the lowest losses in the
# figure run from 0.006 to 0.55. <!-- given: 0.55 -->
#
# ## From threshold to patience
#
# So ask not "is it good?" but "is it still getting better?" An epoch that does not improve on the best loss so far is a **failure**. When
# the failures in a row reach your **patience**, stop. Here with a patience of five:

# %%
# NBVAL_CHECK_OUTPUT
run, best, wait = one_each["building"], float("inf"), 0
for epoch, loss in enumerate(run["val_loss"]):
    if loss < best:
        best, best_epoch, wait = loss, epoch, 0  # a new best: count from 0 again
    else:
        wait += 1
        if wait >= 5:
            break
print(f"stop at epoch {epoch}, best so far {best:.4f} at epoch {best_epoch}")
print(f"the course's rule: {replay(Patience('val_loss', 5), run)}")  # on the same run
lowest, test = np.argmin(run["val_loss"]), run["test_loss"]
more = 100 * (test[best_epoch] / test[lowest] - 1)
print(f"test loss: {test[lowest]:.4f} at epoch {lowest}, where val_loss is lowest of all {len(test)}; "
      f"{test[best_epoch]:.4f} at epoch {best_epoch}, {more:.0f} % more")

# %% [markdown]
# The course's rule, **replayed** here, agrees. **Patience asks for a number of epochs, not a loss.**
#
# What does such a stop lose? Two epochs matter: that of the lowest validation loss of all 300, here 224, and the one whose weights you
# keep, here 6. The [regret](00_start_here.ipynb) says by how many percent the *test* loss of the second is above that of the first: here
# 28 %. It can be negative: the validation loss chooses both epochs, and the earlier one may do better on the test data.

# %% [markdown]
# ## Patience on five problems
#
# Can one number serve all? We replay patience five on each problem's twenty runs. The table has the **longest wait**, the most epochs from
# one new best to the next, and the regret twice: if you keep the *best* weights until the stop, and if you keep the *last*. With the best
# kept, on which problem is it largest?

# %% tags=["reveal"] claims=["B8", "A14", "C8", "03.1", "03.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "diabetes", "soybean", "gene", "thyroid" or "building"
rows = {}
for name, runs in problems.items():  # compare gives a row for each rule; there is one, [0]
    rows[name] = compare([Patience("val_loss", 5)], runs, measured="test_loss")[0]
reveal(guess, max(rows, key=lambda name: rows[name].regret.mean()), "The largest regret is on")
print(tables.fates(problems, rows))

# %% tags=["reveal"]
ax = figures.validation_curves(one_each, Patience("val_loss", 5))
show(ax, alt="The five curves again, diabetes and gene for 60 epochs. There the stop, a dot, is just after "
             "the best epoch, a square, and the kept epoch, a ring, is inside the square. On thyroid dot and "
             "ring are to the left of it, on soybean and building far to the left.")

# %% [markdown]
# A run whose longest wait is more than five is stopped before its best epoch: by the medians, at least half of the runs of soybean,
# thyroid and building.
# **Patience counts the epochs since the last best, and problems differ in how long they go without a new one.**
#
# And the last column? At the stop the model holds its *last* weights, five epochs past its best. A copy of the best turns gene's regret of
# 15.7 % into 0.3 %. The second article lets you choose: a rule, or the best model. Do both:
# `keras.callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True)`.
#
# What does more patience cost, and what does it save?

# %% tags=["reveal"] claims=["B14"]
# NBVAL_CHECK_OUTPUT
every_run = [run for runs in problems.values() for run in runs]
rows = {f"patience {n}": compare([Patience("val_loss", n)], every_run, measured="test_loss")[0]
        for n in (5, 10, 20, 50)}
print(tables.prices(rows, names))

# %% [markdown]
# On these runs ten saves three quarters of five's mean regret, twenty nearly all of it. (On exercise 3.5's networks
# both lose more. Read -0.3 % as: nothing lost.) Each doubling costs over 60 % more epochs. **By the loss, five is enough on diabetes and gene. You rarely know which kind
# yours is: start at ten, or at twenty if epochs are cheap.** <!-- given: 60 -->
#
# ## The stopping lab
#
# The dot is the stop, the ring the best epoch until then. Raise patience from 5 to 60 on soybean. From which patience on does the
# ring no longer move? How many epochs would that patience train on gene? No sliders? Open the answers.

# %%
lab = stopping_lab({"soybean": problems["soybean"], **problems}, measured="test_loss", run=1)  # soybean first
lab

# %% [markdown]
# <details><summary>Answers</summary>
#
# From 18 on it stays at epoch 108: the next best, 193, is 85 epochs away, and the slider ends at 60. On gene, patience 18 trains 24 epochs, five
# only 11, and both keep the same one.
#
# </details>
#
# ## One training, two hundred validation sets
#
# Your validation set chooses your epoch. Would another have chosen the same? We recorded *one* training on Fashion-MNIST, pictures of
# clothes, and drew 200 validation sets of 50 images from one pool of 9,000. Each set calls one of the 60 epochs the best. How many
# different epochs do they name?

# %% tags=["reveal"] claims=["03.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # different epochs, 1 to 60
recorded = data.load_curves("validation_sets")
named = {np.argmin(run["val_loss"]) for run in recorded.select(shuffled=0, size=50)}  # true labels
reveal(guess, len(named), "Different best epochs with 50 images")
print(tables.two_patiences(recorded, sizes=(50, 200, 2000)))

# %% tags=["reveal"]
ax = figures.validation_sets(recorded)
show(ax, alt="Best epochs of 200 validation sets. With 50 images they lie between epochs 1 and 54; "
             "with 2000 nearly all are 16 or 10.")

# %% [markdown]
# Same training, and 42 opinions. What looks better on 50 images is often chance. Part of the agreement at 2000 is no merit: two such
# sets share, on average, more than a fifth of their images.
#
# The last columns compare the test loss kept with the *lowest* of this training, for all sets. Waiting
# longer does not make up for so small a set: with 50 images patience 10 loses as much as patience 3. **In this training a larger
# validation set gained more than a longer patience.** Here it was free; in your project its images are missing from the training.

# %% [markdown]
# ## When it helps, and when it does not
#
# Stopping saves time. Does it make a model better, too? We stop with patience 10, keep the best weights, and compare their test accuracy
# with that after the whole run: on Fashion-MNIST, on the same with 30 % of the labels shuffled, and on gene. How many
# points are gained with shuffled labels? <!-- given: 30 -->

# %% tags=["reveal"] claims=["B10", "03.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # points, 0 to 20; from 70 % to 75 % are five points
fashion = data.load_curves("fashion")
groups = {"true labels": fashion.select(shuffled=0),
          "30 % shuffled": fashion.select(shuffled=0.3),  # of training and validation; test labels stay true
          "gene": problems["gene"]}
rule = Patience("val_loss", 10)
gained = {name: tables.points_gained(rule, runs) for name, runs in groups.items()}
reveal(guess, round(gained["30 % shuffled"].mean(), 1), "Points gained with shuffled labels")
print(tables.gains(groups, gained, rule))

# %% tags=["reveal"]
ax = figures.worth_or_not(fashion, problems["gene"])
show(ax, alt="Three panels. With shuffled labels the accuracy peaks early and falls. "
             "On gene the mean test loss rises after the first few epochs, "
             "while the accuracy goes on rising until about epoch 15, and stays there.")

# %% [markdown]
# - **Shuffled labels:** a gain in every run. Wrong labels are learnt by heart: 30 % are shuffled, yet the training error ends at 2.1 %.
# - **Gene:** stopping costs a point of accuracy, which rises until about epoch 15, but the validation loss is lowest at 3 or 4 (dotted). By
#   the loss it pays: without a stop the loss nearly doubles by epoch 100. A loss can rise without another mistake: the wrong answers get surer. <!-- given: 3, 4, 30 -->
# - **True labels** (not drawn): no gain, but over half of the epochs saved.
#
# **Early stopping raised the accuracy where there were wrong labels to learn. Loss and accuracy need not be best at the same epoch.**

# %% [markdown]
# ## What if the first loss is NaN?
#
# NaN means "not a number". Keras's `EarlyStopping` with patience 3 sees one, then five falling losses. Which weights does it give back?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # weights of which epoch, 0 to 5?
losses = [float("nan"), 0.9, 0.7, 0.5, 0.4, 0.3]
stop = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
epoch, model = feed(stop, [{"val_loss": loss} for loss in losses])  # the toy's weight is its last epoch
reveal(guess, model.weights[0], "Weights of epoch")
print(f"Keras stopped at epoch {epoch}.")
print("The course's rule:", replay(Patience("val_loss", 3), {"val_loss": losses}, best="val_loss"))

# %% [markdown]
# Keras (3.15.1) takes the first value for the best so far. The losses after it fall, and yet every epoch counts as a
# failure. A first NaN that goes away is rare, but Keras does not warn.
# **Keras waits for a loss below NaN, and no number is below NaN.**
#
# ## Exercises
#
# Put your answer where the dots are and run the cell. `ex.stop_and_keep.hint()` and `.solution()` stand by.
#
# **3.1 Stop and keep.** Patience 3 on these validation losses. After which epoch (counted from 0) does training stop, and which
# epoch's weights are kept? Answer as `stop, keep`.

# %% tags=["exercise"]
losses = [0.9, 0.7, 0.72, 0.6, 0.61, 0.65, 0.58, 0.6, 0.63, 0.59, 0.55]
answer = ..., ...  # stop, keep
ex.stop_and_keep.check(answer)

# %% tags=["solution"]
losses = [0.9, 0.7, 0.72, 0.6, 0.61, 0.65, 0.58, 0.6, 0.63, 0.59, 0.55]
answer = 9, 6  # epochs 7, 8 and 9 fail; epoch 10 is never trained
ex.stop_and_keep.check(answer)

# %% [markdown]
# **3.2 The best epoch.** Return the epoch, counted from 0, with the best value. `mode` is "min" or "max". Values are finite or NaN,
# and at least one is finite. NaN is never best. In a tie, the first wins.

# %% tags=["exercise"]
def best_epoch(values, mode):
    return ...


ex.best_epoch.check(best_epoch)

# %% tags=["solution"]
def best_epoch(values, mode):
    sign = 1 if mode == "min" else -1
    best, epoch = float("inf"), None
    for i, value in enumerate(values):
        if sign * value < best:
            best, epoch = sign * value, i
    return epoch


ex.best_epoch.check(best_epoch)

# %% [markdown]
# **3.3 MyEarlyStopping.** Write the callback:
#
# - stop at `patience` failures of `val_loss` in a row; an equal loss is a failure, and so is a NaN,
# - once training is over, whether stopped or not, leave the model with its best weights,
# - if every loss is NaN, no epoch is best: leave the weights as they are,
# - begin afresh in a second `fit`.
#
# `self.model.stop_training = True` ends training (never set `False`: another callback may have asked), `self.model.get_weights()` gives
# a copy, `self.model.set_weights(...)` puts it back.
# Keras calls `on_train_begin(logs)`, `on_epoch_end(epoch, logs)` and `on_train_end(logs)`.

# %% tags=["exercise"]
class MyEarlyStopping(keras.callbacks.Callback):
    def __init__(self, patience):
        super().__init__()
        self.patience = patience

    def on_epoch_end(self, epoch, logs=None):
        return ...  # your lines instead of this one


ex.my_early_stopping.check(MyEarlyStopping)

# %% tags=["solution"]
class MyEarlyStopping(keras.callbacks.Callback):
    def __init__(self, patience):
        super().__init__()
        self.patience = patience

    def on_train_begin(self, logs=None):
        self.best, self.wait, self.weights = float("inf"), 0, None

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.best:
            self.best, self.wait, self.weights = logs["val_loss"], 0, self.model.get_weights()
        else:
            self.wait += 1
            if self.wait >= self.patience:
                self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.weights is not None:
            self.model.set_weights(self.weights)


ex.my_early_stopping.check(MyEarlyStopping)

# %% [markdown]
# **3.4 What a stop loses.** Two lists have a loss for each epoch of the whole run; training ends after epoch `stop`, which can still be
# kept. Return the regret in percent with the best weights kept: `val_loss` chooses both epochs, `test_loss`
# measures. There is no NaN. In a tie, the first wins; do not round.

# %% tags=["exercise"]
def regret(val_loss, test_loss, stop):
    return ...


ex.stop_regret.check(regret)

# %% tags=["solution"]
def regret(val_loss, test_loss, stop):
    kept = np.argmin(val_loss[: stop + 1])
    best = np.argmin(val_loss)
    return 100 * (test_loss[kept] / test_loss[best] - 1)


ex.stop_regret.check(regret)

# %% [markdown]
# **3.5 A rule of your own.** One rule for all, scored on 100 unseen runs of 300 epochs, with networks of other sizes:
#
# - It stops every run, if only by `| Epochs(n)`.
# - On average it trains at most 30 % of the epochs and has at most 10 % regret.
# - No `Patience("val_loss", n)`, n from 1 to 50, both trains fewer epochs and has less regret.
# - Such a `Patience` does not count itself, nor with a budget that ends no run.
#
# More bricks: `Smoothed(k, rule)`: the rule sees means of the last k epochs; a function of the epochs so far,
# such as `lambda history: len(history["val_loss"]) >= 100`. Join them with `|` (or) and `&` (and). To try one:
# `print(compare([rule, Patience("val_loss", 10)], every_run, measured="test_loss"))`.
# <!-- given: 10, 30 -->

# %% tags=["exercise"]
rule = ...  # a criterion, or a function of the columns loss, val_loss, error, val_error
ex.own_rule.check(rule)

# %% tags=["solution"]
rule = Smoothed(5, Patience("val_loss", 12)) | Epochs(200)
ex.own_rule.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# Patience counts the epochs since the last best, and problems differ in how long they go without a new one. Keep the
# best weights, not the last, and know which metric calls them best. A stop is only as good as the validation set and the metric it watches.
#
# Next: [04 Scores and noise](04_scores_and_noise.ipynb). Can a rule do better than counting?
