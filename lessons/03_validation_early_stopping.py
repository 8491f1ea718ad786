# %% [markdown]
# # Five epochs of patience. Is that enough?
#
# You will
# - see why a threshold on the validation loss is hard to name, and what replaces it,
# - write early stopping yourself, and keep the best weights,
# - know when it gains seven points of accuracy, when nothing, and when it costs one.
#
# 30 minutes to read, 75 for the exercises. You need `model.fit` and a `for` loop, and for exercise 3.3 you should have seen a Python
# class. Nothing is trained here: all runs were recorded.

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
problems = {name: curves.select(problem=name, units=64) for name in names}
one_each = {name: runs[1] for name, runs in problems.items()}
ax = figures.validation_curves(one_each)
show(ax, alt="Five curves of the validation loss over 300 epochs. "
             "Gene turns up after a few epochs, with one deep dip; diabetes soon, thyroid later; "
             "soybean and building fall for most of the time, soybean with spikes.")

# %% [markdown]
# Five problems: who has diabetes, what ails a soybean plant, where a gene is spliced, whether a thyroid works, how much energy a building
# will use. On each a network with 64 units was trained for 300 epochs. The curves show its loss on **validation data**, which training does
# not touch. Where would you stop each?
#
# ## The article's loop
#
# *Stopping and transfer*, the third of the [articles that this course follows](00_start_here.ipynb), watches the mean squared error (MSE)
# on validation data. The idea: stop once the model is good enough, before it learns the training data by heart.
#
# ```python
# for epoch in range(1000):
#     ...                       # train
#     MSE = ...                 # on the validation set
#     if MSE > MSE_th:
#         break
# ```
#
# Spot the bug before you go on.

# %% tags=["reveal"] claims=["D1"]
# NBVAL_CHECK_OUTPUT
# building is measured in MSE. With a threshold of 0.01, at which epoch does the loop stop?
guess = ...  # an epoch from 0 to 299; leave the dots to skip
run = one_each["building"]
for epoch, mse in enumerate(run["val_loss"]):
    if mse > 0.01:
        break
reveal(guess, epoch, "It stops at epoch")
print(f"with an MSE of {mse:.3f}, where the lowest of the run is {min(run['val_loss']):.4f}")

# %% [markdown]
# It stops at the first look, because the model is *bad*. The article says "when performance exceeds the threshold": right for accuracy,
# where more is better. For an error, less is better. The article's formula has that right, $MSE < MSE_{th}$; its code does not.
#
# The course's `Below` gets it right; its `first(run)` is the first epoch with a loss below the threshold, or `None`. Four thresholds on twenty
# runs of building, each with its own split into training, validation and test data:

# %% claims=["D2"]
# NBVAL_CHECK_OUTPUT
for threshold in (0.01, 0.007, 0.0065, 0.006):
    stops = [Below("val_loss", threshold).first(run) for run in problems["building"]]
    met = [stop for stop in stops if stop is not None]
    when = f"median epoch {np.median(met):.0f}" if met else "never"
    print(f"below {threshold:<6}  {len(met):2} of 20 runs, {when}")

# %% [markdown]
# Lower the threshold from 0.007 to 0.006, and it is met by all runs, then by half, then by none. You would have to know the number
# beforehand, to the fourth decimal place, and anew for every new problem.
#
# ## From threshold to patience
#
# So ask: not "is it good?" but "is it still getting better?" Remember the best loss so far. An epoch that does not
# improve on it is a **failure**. When the number of failures in a row reaches your **patience**, stop.

# %%
# NBVAL_CHECK_OUTPUT
run, best, wait = one_each["building"], float("inf"), 0
for epoch, loss in enumerate(run["val_loss"]):
    if loss < best:
        best, best_epoch, wait = loss, epoch, 0
    else:
        wait += 1
        if wait >= 5:
            break
print(f"stop at epoch {epoch}, best so far {best:.4f} at epoch {best_epoch}")
print(replay(Patience("val_loss", 5), run, best="val_loss"))

# %% [markdown]
# The last two lines come from the course's own criterion, **replayed** on the recorded run: it says why it stopped. In live training, `fit`
# gets the callback `StopWhen(Patience("val_loss", 5), restore_best="val_loss")`.
#
# ## Patience on five problems
#
# Same network, same rule, twenty splits each. You keep the weights of lowest validation loss up to the stop. The
# [regret](00_start_here.ipynb) says by how many percent their test loss is above that of the weights you would keep after all 300 epochs. (By
# luck it can be negative.) The **longest wait** is the most epochs from one best to the next.
#
# On which problem does a patience of five lose the most?

# %% tags=["reveal"] claims=["B8", "A14", "C8", "03.1", "03.2", "B14"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "diabetes", "soybean", "gene", "thyroid" or "building"
rows = {}
for name, runs in problems.items():  # compare has one row per rule: stop, share of epochs, regret of each run
    rows[name] = compare([Patience("val_loss", 5)], runs, measured="test_loss")[0]
reveal(guess, max(rows, key=lambda name: rows[name].regret.mean()), "Most is lost on")
print(tables.fates(problems, rows))

# %% tags=["reveal"]
ax = figures.validation_curves(one_each, Patience("val_loss", 5))
show(ax, alt="The five curves again, diabetes and gene for 60 epochs. There the stop, a dot, is just behind "
             "the best epoch, a square. On thyroid it is to the left of it, on soybean and building far "
             "to the left.")

# %% [markdown]
# On gene and diabetes the stop comes close to the best epoch, on building and soybean far too early.
# **Patience counts the epochs since the last best, and problems differ in how long they go
# without a new one:** the longest wait is 2 epochs on gene, 53.5 on building. With less patience you never see the best.
#
# At the stop the model holds its *last* weights, five epochs past its best. A copy of the best turns gene's
# regret of 15.7 % into 0.3 %. *Saving time and machines*, the second article, offers a rule or the best model. Take both:
# `keras.callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True)`.
#
# So, is five enough?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
every_run = [run for runs in problems.values() for run in runs]
print("regret in %, mean ± standard deviation:")
print(" " * 11, *(f"{name:>13}" for name in names), "    all    epochs trained")
for n in (5, 10, 20, 50):
    row = compare([Patience("val_loss", n)], every_run, measured="test_loss")[0]
    each = [tables.mean_sd(regrets) for regrets in row.regret.reshape(len(names), -1)]
    print(f"patience {n:2}", *each, f"{row.regret.mean():7.1f} {100 * row.share.mean():10.1f} %")

# %% [markdown]
# On diabetes and gene, yes; on the other three, no. You rarely know beforehand which kind you have, so it is a question of price. Ten
# still loses 7.8 % on soybean and 6.2 % on building. Twenty loses only on building, and trains two thirds more epochs. Fifty nearly doubles
# the cost again. Start at ten, or at twenty if epochs are cheap. (Negative means are luck.)

# %% [markdown]
# ## The stopping lab
#
# Turn the knobs (in JupyterLab or Colab; elsewhere you see a picture). The dot is the stop, the ring the best epoch until then. With
# **smoothing**, as in `Smoothed(5, Patience("val_loss", 5))`, the rule sees the mean of the last five epochs. Two questions on this soybean
# run:
#
# - From which patience on does waiting longer change nothing, up to the knob's end? And what would that patience cost on gene?
# - Can smoothing stand in for a longer patience?

# %%
lab = stopping_lab({"soybean": problems["soybean"], **problems}, measured="test_loss", run=1)  # soybean first
lab

# %% [markdown]
# <details><summary>Answers</summary>
#
# - From about 20 on: up to 60 you keep the same epoch, 108. On gene patience 20
#   only costs epochs: you train 26 instead of 11.
# - In part. Smoothed over 20 epochs, patience 10 keeps the epoch that patience 20 keeps without smoothing, and stops at 124 instead of 128.
#
# </details>

# %% [markdown]
# ## One training, two hundred validation sets
#
# What if you had drawn other validation images? We took *one* training on Fashion-MNIST, pictures of clothes, and drew 200 validation sets
# of 50 images from a pool of 9000. By each set, one of the 60 epochs is best. Leave out the earliest and the latest 5 % of these best
# epochs: over how many epochs are the others spread? <!-- given: 5 -->
#
# The table also compares patience 3 with patience 10, and with sets of 2000. The **excess**, never negative, says by how many percent the
# test loss of the epoch kept is above the run's lowest.

# %% tags=["reveal"] claims=["03.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # how many epochs wide, of 60
recorded = data.load_curves("validation_sets")
best = [np.argmin(run["val_loss"]) for run in recorded.select(shuffled=0, size=50)]
first, last = np.percentile(best, [5, 95])
reveal(guess, round(last - first), "Width with 50 images, in epochs")
print(tables.two_patiences(recorded, sizes=(50, 2000)))

# %% tags=["reveal"]
ax = figures.validation_sets(recorded)
show(ax, alt="Left: best epochs of 200 validation sets. With 50 images they are spread over 50 epochs; "
             "with 2000 nearly all are 16 or 10. "
             "Right: mean excess, with ranges, of patience 3 and 10. Both fall with the size of the set; "
             "10 is clearly lower from 100 images on.")

# %% [markdown]
# With 2000 images the best epoch is 10, 12 or 16 in every set (such sets share many images). With 50, patience 10 is no better
# than 3: probably it waits for an epoch lucky on those images. With 2000 it pays in most sets
# and never hurts. **In this training, the size of the validation set decides what patience is worth.**
#
# ## When it helps, and when it does not
#
# Fashion-MNIST with true labels, and with 30 % of the training and validation labels shuffled; test labels stay true. How many points of
# test accuracy do patience 10 and the best weights gain over the end with shuffled labels?

# %% tags=["reveal"] claims=["B10", "03.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # points gained with shuffled labels
fashion = data.load_curves("fashion")
groups = {"true labels": fashion.select(shuffled=0), "30 % shuffled": fashion.select(shuffled=0.3),
          "gene": problems["gene"]}
gained = {}  # test_error and, below, error: the share of wrong answers on test and on training data
for name, runs in groups.items():
    row = compare([Patience("val_loss", 10)], runs, measured="test_error", measured_mode="min")[0]
    gained[name] = 100 * (np.array([run["test_error"][-1] for run in runs]) - row.kept)
reveal(guess, round(gained["30 % shuffled"].mean(), 1), "Points gained with shuffled labels")
for name, points in gained.items():
    better, missed = np.sum(points > 0), 100 * np.mean([run["error"][-1] for run in groups[name]])
    print(f"{name:13} {tables.mean_sd(points)} points, better than the end in {better:2} of 20 runs; "
          f"training error at the end {missed:.1f} %")

# %% tags=["reveal"]
ax = figures.worth_or_not(fashion, problems["gene"])
show(ax, alt="Four panels. Accuracy with true labels rises and stays; with shuffled labels it peaks early "
             "and falls. On gene the mean test loss rises after the first few epochs, "
             "while the accuracy goes on rising until about epoch 15, and stays there.")

# %% [markdown]
# - **True labels:** the accuracy rises and stays, so a stop only saves time.
# - **Shuffled labels:** seven points on average, a gain in every run. Past the peak the network learns the wrong labels by
#   heart: in the end it misses 2.1 % of the training labels, shuffled as they are. Early stopping pays where there is something bad to learn.
# - **Gene:** it costs a point, although past the best epoch the mean test loss nearly doubles. A loss punishes confident mistakes more than
#   hesitant ones; accuracy counts all alike. Until about epoch 15 the mistakes become fewer while the loss rises: most likely the network
#   grows more confident in the rest.
#
# So loss and accuracy can disagree about the best epoch; with shuffled labels, too.

# %% [markdown]
# ## What if the first loss is NaN?
#
# Keras's `EarlyStopping` with patience 3 sees a NaN, then five falling losses. Which weights does it give back? (The toy model's only weight
# is the number of its last epoch.)

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # weights of which epoch, 0 to 5?
losses = [float("nan"), 0.9, 0.7, 0.5, 0.4, 0.3]
stop = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
epoch, model = feed(stop, [{"val_loss": loss} for loss in losses])
reveal(guess, model.weights[0], "Weights of epoch")
print(f"Keras stopped at epoch {epoch}.")
print("The course's rule:", replay(Patience("val_loss", 3), {"val_loss": losses}, best="val_loss"))

# %% [markdown]
# Keras (3.15.1) takes the first value as the best so far. Every comparison with NaN is False, so no loss is ever lower:
# Keras stops while every epoch improves, and gives you the weights of the NaN.
#
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by.
#
# **3.1 Stop and keep.** Patience 3 on these validation losses. After which epoch (counted from 0) does training stop, and which
# epoch's weights are kept?

# %% tags=["exercise"]
losses = [0.9, 0.7, 0.72, 0.6, 0.61, 0.65, 0.58, 0.6, 0.63, 0.59, 0.55]
answer = ..., ...  # stop, keep
ex.stop_and_keep.check(answer)

# %% tags=["solution"]
losses = [0.9, 0.7, 0.72, 0.6, 0.61, 0.65, 0.58, 0.6, 0.63, 0.59, 0.55]
answer = 9, 6  # epochs 7, 8 and 9 fail; epoch 10 is never trained
ex.stop_and_keep.check(answer)

# %% [markdown]
# **3.2 The best epoch.** Return the epoch with the best value. `mode` is "min" or "max". NaN is never best, and at least one value
# is a number; in a tie, the first wins.

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
# - stop at `patience` failures of `val_loss` in a row; a NaN is a failure,
# - once training is over, leave the model with its best weights,
# - if every loss is NaN, no epoch is best: leave the weights as they are,
# - begin afresh in a second `fit`.
#
# `self.model.stop_training = True` ends training, `self.model.get_weights()` gives a copy, `self.model.set_weights(...)` puts it back.
# Keras calls `on_train_begin(logs)` and `on_train_end(logs)`, too.

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
# **3.4 What a stop loses.** Return the regret in percent, as in "Patience on five problems": `val_loss` chooses both epochs, `test_loss`
# measures. Training ends after epoch `stop`, so that epoch can still be kept. In a tie, the first wins; do not round.

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
# **3.5 A rule of your own.** One rule for all five problems, scored on 100 unseen runs of other networks. It must
#
# - end every run,
# - on average, train at most 30 % of the epochs and have at most 10 % regret,
# - not be beaten by plain `Patience`, whatever its length: none may train fewer epochs *and* have less regret,
# - not be plain `Patience` on `val_loss`. With a budget it counts, if that ends some runs.
#
# Criteria, `A | B` (or), `A & B` (and) and functions of the history so far are welcome: `Epochs(100)` is
# `lambda history: len(history["val_loss"]) >= 100`. To try a rule:
# `print(compare([rule], every_run, measured="test_loss"))`. <!-- given: 10, 30 -->

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
# Patience counts the epochs since the last best, and problems differ in how long they go without a new one. Keep the best weights,
# whatever stops you. A stop is only as good as the validation set and the metric it watches.
#
# Next: [04 Scores and noise](04_scores_and_noise.ipynb). Can a rule do better than counting?
