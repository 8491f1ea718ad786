# %% [markdown]
# # Five epochs of patience. Is that enough?
#
# You will
# - see why a threshold on the validation loss is hard to name, and what replaces it,
# - write early stopping yourself, with the best weights kept,
# - know when it gains seven points of accuracy, and when nothing.
#
# 30 minutes to read, 50 for the exercises. You need `model.fit` and a `for` loop. Nothing is trained here: all runs were recorded.

# %%
from course_utils.stopping import (Below, Epochs, ImprovementBelow, Patience, Smoothed, compare, replay,
                                   stopping_lab)
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
dip = "Gene's dip: just before it, the training loss suddenly jumped."
ax = figures.validation_curves(one_each, note=dip)
show(ax, alt="Five curves of the validation loss over 300 epochs. "
             "Gene turns up after a few epochs, with one deep dip; diabetes soon, thyroid later; "
             "soybean and building fall for most of the time, soybean with spikes.")

# %% [markdown]
# Five problems: who has diabetes, what ails a soybean plant, where a gene is spliced, whether a thyroid works, how much energy a building
# will use. On each a network with 64 units was trained for 300 epochs. The curves: its validation loss. Where would you stop?
#
# ## The article's loop
#
# The third of the [articles that this course follows](00_start_here.ipynb) watches
# $MSE = \frac{1}{n}\sum_{i=1}^{n}(y_i - f(\theta))^2$, with $f(\theta)$ for the prediction, on data that training does not touch. It
# wants to stop when the model is good enough, before it learns the training data by heart:
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
# It stops at the first look, because the model is *bad*. The text says "when performance exceeds the threshold". That is right for
# accuracy, where more is better. An error needs the sign of the article's own formula: $MSE < MSE_{th}$.
#
# The course's `Below` has that sign; `first(run)` is the first epoch that meets it, or `None`. Four thresholds on twenty runs of building,
# each with its own split into training, validation and test data:

# %% claims=["D2"]
# NBVAL_CHECK_OUTPUT
for threshold in (0.01, 0.007, 0.0065, 0.006):
    stops = [Below("val_loss", threshold).first(run) for run in problems["building"]]
    met = [stop for stop in stops if stop is not None]
    when = f"median epoch {np.median(met):.0f}" if met else "never"
    print(f"below {threshold:<6}  {len(met):2} of 20 runs, {when}")

# %% [markdown]
# From 0.007 to 0.006 it goes from all runs to half of them, and to none. You would have to know the number beforehand, to the fourth
# decimal place, and once more for every new problem.
#
# ## From threshold to patience
#
# So ask something else: not "is it good?" but "is it still getting better?" Remember the best loss so far. An epoch that does not
# improve on it is a **failure**. When the failures in a row reach a number, your **patience**, stop.

# %%
# NBVAL_CHECK_OUTPUT
best, wait = float("inf"), 0
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
# The last two lines are the course's criterion, **replayed** on the recorded run; it gives its reason. In live training
# it is `StopWhen(Patience("val_loss", 5), restore_best="val_loss")`.
#
# ## Patience on five problems
#
# Same network, same rule, twenty splits each. You keep the epoch with the lowest validation loss among those trained. With all 300 trained,
# you might have kept another. The [regret](00_start_here.ipynb) says by how many percent the test loss of the epoch you kept is above
# that of the one you would have kept. The test loss measures, it does not choose; so a regret can be negative.
#
# On which problem does five epochs of patience lose most?

# %%
guess = ...  # "diabetes", "soybean", "gene", "thyroid" or "building"

# %% tags=["reveal"] claims=["B8", "A14", "C8", "03.1", "03.2", "B14"]
# NBVAL_CHECK_OUTPUT
rows = {}
for name, runs in problems.items():  # compare has one row per rule: stop, share of epochs, regret of each run
    rows[name] = compare([Patience("val_loss", 5)], runs, measured="test_loss")[0]
reveal(guess, max(rows, key=lambda name: rows[name].regret.mean()), "Most is lost on")
print(tables.fates(problems, rows))

# %% tags=["reveal"]
ax = figures.validation_curves(one_each, Patience("val_loss", 5))
show(ax, alt="The five curves again, diabetes and gene for 60 epochs. There the stop, a dot, is just behind "
             "the best epoch, a square. On thyroid, soybean and building it is far to the left of it.")

# %% [markdown]
# On gene, and in most runs of diabetes, the stop comes just after the best epoch. On thyroid it comes somewhat early, on building and
# soybean far too early. **Patience counts the epochs since the last best, and problems differ in how long they go
# without a new one.**
#
# Now the last two columns. At the stop the model holds its *last* weights, five epochs past its best. A copy of the best turns gene's
# regret of 15.7 % into 0.3 %. The second article offers a choice: stop by a rule, or select the best model. Do both. In Keras:
# `restore_best_weights=True`.
#
# So, is five enough? All 100 runs together:

# %%
# NBVAL_CHECK_OUTPUT
every_run = sum(problems.values(), [])
rules = {f"patience {n:2}": Patience("val_loss", n) for n in (5, 10, 20, 50)}
for row in compare(rules, every_run, measured="test_loss"):
    print(f"{row.name}: {100 * row.share.mean():4.1f} % of the epochs, regret {row.regret.mean():4.1f} %")

# %% [markdown]
# No. Ten is a fair start, twenty if you can afford it: it loses next to nothing, for two thirds more epochs. Fifty gains about half a
# point more and nearly doubles the cost.

# %% [markdown]
# ## The stopping lab
#
# Turn the knobs (in JupyterLab or Colab; elsewhere you see a picture). With **smoothing**, the rule sees the mean of the last few epochs:
# `Smoothed(5, Patience("val_loss", 5))`. `ImprovementBelow("val_loss", 0.001, window=10)` stops when the last ten epochs (the window)
# have lowered the loss by no more than 0.001 (the epsilon). In the lab, epsilon is a percentage of the loss. <!-- given: 0.001 -->
#
# The dot is the stop, the ring the best epoch until then. Three questions on this run of soybean:
#
# - Beyond which patience do you gain nothing more? And what would that patience cost on gene?
# - Can smoothing do what patience does?
# - Set the rule to `ImprovementBelow`. Which matters more, window or epsilon?

# %%
lab = stopping_lab({"soybean": problems["soybean"], **problems}, measured="test_loss", run=1)  # soybean first
lab

# %% [markdown]
# <details><summary>Answers</summary>
#
# - About 20: any more, up to 60, keeps the same epoch. On gene it only costs epochs: 26 instead of 11.
# - Nearly: smoothed over 20 epochs, patience 10 keeps the same epoch as patience 20 alone, and stops at 124 instead of 128.
# - The window. With 20, every epsilon up to 3 % stops at epoch 53; with 60, at 105.
#
# </details>
#
# ## The first loss is not a number
#
# Keras's `EarlyStopping` sees six losses: a NaN, then five that fall. Which weights does it give you? (The toy model's only weight is the
# number of the epoch just trained.)

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # weights of which epoch, 0 to 5?
losses = [float("nan"), 0.9, 0.7, 0.5, 0.4, 0.3]
stop = keras.callbacks.EarlyStopping("val_loss", patience=3, mode="min", restore_best_weights=True)
epoch, model = feed(stop, [{"val_loss": loss} for loss in losses])
reveal(guess, model.weights[0], "Weights of epoch")
print(f"Keras stopped at epoch {epoch}.")
print("The course's rule:", replay(Patience("val_loss", 3), {"val_loss": losses}, best="val_loss"))

# %% [markdown]
# A NaN at the start becomes a "best" that nothing beats. Keras stops while every epoch improves, and gives you the weights of the NaN.
# With `start_from_epoch=1` it skips that epoch; then look for the cause.
#
# ## One training, two hundred validation sets
#
# What if your split had been another? We took *one* training on Fashion-MNIST, pictures of clothes, and drew 200 validation sets of 50
# images from a pool of 9000. Each picks its best epoch. Leave out the earliest and the latest 5 %: how many epochs are the others
# spread over? <!-- given: 5 -->
#
# The table adds the **excess**, a regret whose yardstick is the run's lowest test loss: never negative.

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
             "10 is lower from 100 images on.")

# %% [markdown]
# With 50 images nine best epochs in ten lie between 7 and 37; with 2000, between 10 and 16 (sets so large share many images). With 50,
# patience 10 is no better than 3: it waits for a lucky epoch. With 2000 it pays in most sets, and never hurts. **In this training,
# the size of the validation set decides what patience is worth.**
#
# ## When it helps, and when it does not
#
# Fashion-MNIST with true labels, and with 30 % of the training and validation labels shuffled; the test labels stay true. And gene.
# How many points of test accuracy does the epoch of lowest validation loss gain over the last?

# %% tags=["reveal"] claims=["B10", "03.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # points gained with shuffled labels
fashion = data.load_curves("fashion")
groups = {"true labels": fashion.select(shuffled=0), "30 % shuffled": fashion.select(shuffled=0.3),
          "gene": problems["gene"]}
saved = {name: 100 * np.array([run["test_error"][-1] - run["test_error"][np.argmin(run["val_loss"])]
                               for run in runs]) for name, runs in groups.items()}
reveal(guess, round(saved["30 % shuffled"].mean(), 1), "Points gained with shuffled labels")
for name, points in saved.items():
    better = np.sum(points > 0)
    print(f"{name:13} {tables.mean_sd(points)} points, better than the end in {better:2} of 20 runs")

# %%
ax = figures.worth_or_not(fashion, problems["gene"])
show(ax, alt="Four panels. Accuracy with true labels rises and stays; with shuffled labels it peaks early "
             "and falls. On gene the mean validation loss rises after the first few epochs, "
             "while the test error goes on falling until about epoch 15, and stays there.")

# %% [markdown]
# - **True labels:** you gain nothing. The accuracy rises and stays, so a stop could only save time.
# - **Shuffled labels:** seven points on average, some in every run. Past the peak the network learns wrong labels by heart. Early
#   stopping pays where there is something bad to learn.
# - **Gene:** it costs a point. The loss punishes confident mistakes; the error only counts mistakes. Until about epoch 15 the network makes
#   fewer and fewer, while its loss rises: most likely it is surer of those left. So loss and error can disagree about the best epoch.
#   Chapter 04 asks which one to watch.

# %% [markdown]
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
# `self.model.stop_training = True` ends training, `self.model.get_weights()` gives a copy, `self.model.set_weights(...)` takes it back.
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
# **3.4 What a stop loses.** Return the regret of a stop at epoch `stop`, in percent, as in "Patience on five problems": `val_loss` chooses
# both epochs, `test_loss` measures. In a tie, the first wins; do not round.

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
# **3.5 A rule of your own.** One rule for all five problems, scored on 100 unseen runs of smaller and larger networks. It must
#
# - end every run,
# - train at most 30 % of the epochs, and have at most 10 % regret, both on average,
# - not be beaten by plain `Patience`: no length of it may be both cheaper and better than yours,
# - and differ from plain `Patience` on `val_loss`: a budget that ends some runs is enough.
#
# Criteria, `|` (or), `&` (and) and functions of the history so far are welcome: `Epochs(100)` and
# `lambda history: len(history["val_loss"]) >= 100` are one budget. To try a rule:
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
# whatever stops you. A stop is only as good as the validation set and the column it watches.
#
# Next: [04 Scores and noise](04_scores_and_noise.ipynb). Can a rule do better than counting?
