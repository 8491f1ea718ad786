# %% [markdown]
# # Five epochs of patience. Is that enough?
#
# You will
# - see why a threshold on the validation loss is hard to name, and what replaces it,
# - write early stopping yourself, with the best weights kept,
# - know when it saves seven points, and when nothing.
#
# 30 minutes to read, 35 for the exercises. You need `model.fit` and a `for` loop. Nothing is trained here: all runs were recorded.

# %%
from course_utils.stopping import (Below, Epochs, ImprovementBelow, Patience, Smoothed, compare, replay,
                                   stopping_lab)
from course_utils.classroom import data
from course_utils.classroom.chapter_03 import exercises as ex, figures
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
             "Gene jumps about and turns up after a few epochs, diabetes soon, thyroid later; "
             "soybean and building fall for most of the time, soybean with spikes.")

# %% [markdown]
# Five problems: who has diabetes, which disease a soybean plant has, where a gene is spliced, whether a thyroid works as it should, how
# much energy a building will use. A network with 64 hidden units was trained on each for 300 epochs, and the validation loss measured
# after each epoch. Where would you stop?
#
# ## The article's loop
#
# The third [article](00_start_here.ipynb) watches $MSE = \frac{1}{n}\sum_{i=1}^{n}(y_i - f(\theta))^2$ on a
# validation set, which training does not touch. It wants to stop when the model is good enough there, before it learns the training data
# by heart:
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

# %%
# building is measured in MSE. With a threshold of 0.01, at which epoch does the loop stop?
guess = ...  # an epoch from 0 to 299; leave the dots to skip

# %% tags=["reveal"] claims=["D1"]
# NBVAL_CHECK_OUTPUT
run = one_each["building"]
for epoch, mse in enumerate(run["val_loss"]):
    if mse > 0.01:
        break
reveal(guess, epoch, "It stops at epoch")
print(f"with an MSE of {mse:.3f}, where the lowest of the run is {min(run['val_loss']):.4f}")

# %% [markdown]
# It stops at the first look, because the model is *bad*. The text says "when performance exceeds the threshold". That is right for
# accuracy, where more is better. For an error the sign is the other way round, as in the article's own formula: $MSE < MSE_{th}$.
#
# Mended, it is `Below`. Four thresholds on twenty runs of building, each with its own split:

# %% claims=["D2"]
# NBVAL_CHECK_OUTPUT
for threshold in (0.01, 0.007, 0.0065, 0.006):
    stops = [Below("val_loss", threshold).first(run) for run in problems["building"]]
    met = [stop for stop in stops if stop is not None]
    when = f"median epoch {np.median(met):.0f}" if met else "never"
    print(f"below {threshold:<6}  {len(met):2} of 20 runs, {when}")

# %% [markdown]
# Everything happens between 0.007 and 0.006: all runs get there, then half of them, then none. You would have to know the number
# beforehand, to the fourth decimal place, and once more for every new problem.
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
# The last two lines are the course's criterion, **replayed** on the recorded run: the same loop, with a reason. In a live training it is
# `StopWhen(Patience("val_loss", 5), restore_best="val_loss")`.
#
# ## Patience on five problems
#
# Same network, same rule, `Patience("val_loss", 5)`, twenty splits each. The [regret](00_start_here.ipynb), once more: by how many percent
# is the test loss of the epoch you keep higher than that of the best of all 300? Both epochs are chosen by validation loss; the test
# loss only measures. So a regret can be negative: a lower validation loss is not always a lower test loss.
#
# On which problem does five epochs of patience lose most?

# %%
guess = ...  # "diabetes", "soybean", "gene", "thyroid" or "building"

# %% tags=["reveal"] claims=["B8", "A14", "C8", "03.1", "03.2", "B14"]
# NBVAL_CHECK_OUTPUT
def mean_sd(values):
    return f"{np.mean(values):6.1f} ± {np.std(values, ddof=1):4.1f}"


rule = Patience("val_loss", 5)
rows = {name: compare([rule], runs, measured="test_loss")[0] for name, runs in problems.items()}
reveal(guess, max(rows, key=lambda name: rows[name].regret.mean()), "Most is lost on")
print("           best epoch    stop       regret %: best weights    last weights")
for name, row in rows.items():
    best = [int(np.argmin(run["val_loss"])) for run in problems[name]]
    losses = [run["test_loss"] for run in problems[name]]
    last = [100 * (loss[stop] / loss[b] - 1) for loss, stop, b in zip(losses, row.stops, best)]
    print(f"{name:9} {np.median(best):11.1f} {np.median(row.stops):7.1f} "
          f"{mean_sd(row.regret):>28} {mean_sd(last):>15}")

# %% tags=["reveal"]
ax = figures.validation_curves(one_each, Patience("val_loss", 5))
show(ax, alt="The five curves again. On gene and diabetes the stop, a dot, is just behind the best epoch, "
             "a ring. On thyroid, soybean and building the dot is far to the left of the ring.")

# %% [markdown]
# On gene and diabetes the rule is all but perfect. On building and soybean it leaves long before the best epoch, and on soybean
# that costs most. **Patience counts epochs, and problems differ in how many they need.**
#
# Now the last two columns. At the stop the model holds its *last* weights, five epochs past its best. Keeping the best costs one copy,
# and on gene it turns a regret of 15.7 % into 0.3 %. Another article offers a choice: stop by a rule, or train on and select the best
# model. Do both: the rule says when to stop, the selection what to keep. In Keras: `restore_best_weights=True`.

# %% [markdown]
# ## The stopping lab
#
# Turn the knobs (in JupyterLab or Colab; elsewhere you see a picture). With **smoothing**, the rule sees the mean of the last few
# epochs, drawn in grey. In code: `Smoothed(5, Patience("val_loss", 5))` and `ImprovementBelow("val_loss", 0.001, window=10)`; the lab's
# epsilon is in percent of the loss, `relative=True`. <!-- given: 0.001 -->
#
# The red dot is the stop. The ring is now the best epoch *until the stop*, which is kept. Three questions:
#
# - How much patience does this run of soybean need? What does the same patience cost on gene?
# - Can smoothing do what patience does?
# - Set the rule to `ImprovementBelow`. Which matters more, window or epsilon?

# %%
lab = stopping_lab({"soybean": problems["soybean"], **problems}, measured="test_loss", run=1)  # soybean first
lab

# %% [markdown]
# <details><summary>Answers</summary>
#
# - About 20. More, up to 60, gets no closer. On gene that costs only epochs: 26 instead of 11.
# - Largely: smoothed over 20 epochs, patience 10 stops at epoch 124, plain patience 20 at 128.
# - The window. With 20 epochs, any epsilon up to 3 % stops at the same epoch.
#
# </details>
#
# ## Small print
#
# "Patience 5" is not one thing. Keras, Lightning and XGBoost stop at the fifth failure; Flax waits for the sixth. scikit-learn does both:
# `SGDClassifier` stops at the fifth, `MLPClassifier` at the sixth. And Keras has two quirks of its own. Here its `EarlyStopping` is fed
# losses from a list; for weights, the toy model holds just the number of its last epoch, so we can see which epoch was restored.

# %%
# NBVAL_CHECK_OUTPUT
def keras_on(losses, patience):
    stop = keras.callbacks.EarlyStopping("val_loss", patience=patience, mode="min", restore_best_weights=True)
    epoch, model = feed(stop, [{"val_loss": loss} for loss in losses])
    return f"last epoch {epoch}, weights of epoch {model.weights[0]}"


for patience in (0, 1, 2):
    print(f"patience {patience}:", keras_on([0.9, 0.7, 0.8, 0.9, 0.6], patience))
nan_first = [float("nan"), 0.9, 0.7, 0.5, 0.4, 0.3]
print("NaN first, Keras:", keras_on(nan_first, 3))
print("NaN first, ours: ", replay(Patience("val_loss", 3), {"val_loss": nan_first}, best="val_loss"))

# %% [markdown]
# Patience 0 is patience 1. And a NaN at the start becomes a "best" that nothing beats: Keras stops while every epoch improves, and gives
# you the weights of the NaN.
#
# ## One training, two hundred validation sets
#
# The validation loss is an estimate. What if your split had been another? We took *one* training on pictures of clothes, and drew 200
# validation sets of 50 images. Each picks a best epoch of its own. Drop the earliest and latest 5 %. How wide is the rest? <!-- given: 5 -->
#
# The **excess**, in the table, is by how many percent the test loss of the epoch kept is above the run's lowest: never negative.

# %%
guess = ...  # a number of epochs, of 60

# %% tags=["reveal"] claims=["03.3"]
# NBVAL_CHECK_OUTPUT
recorded = data.load_curves("validation_sets")
middle = {}
print("images   best epoch    excess %: patience 3   patience 10     10 is better   worse")
for size in (25, 50, 2000):
    runs = recorded.select(shuffled=0, size=size)
    middle[size] = np.percentile([np.argmin(run["val_loss"]) for run in runs], [5, 95])
    short, long = (figures.excess(runs, Patience("val_loss", patience)) for patience in (3, 10))
    print(f"{size:6} {middle[size][0]:6.0f} to {middle[size][1]:2.0f} {mean_sd(short):>23} "
          f"{mean_sd(long):>13} {np.sum(long < short):16} {np.sum(long > short):7}")
reveal(guess, round(np.ptp(middle[50])), "Width with 50 images, in epochs")

# %% tags=["reveal"]
ax = figures.validation_sets(recorded)
show(ax, alt="Left: best epochs of 200 validation sets. With 50 images they are spread over 50 epochs; "
             "with 2000 nearly all are 16 or 10. "
             "Right: mean excess, with ranges, of patience 3 and 10. Both fall with the size of the set; "
             "10 is lower for large sets only.")

# %% [markdown]
# With 50 images nine best epochs in ten lie between 7 and 37; with 2000, between 10 and 16. With 25 images more patience buys next to
# nothing: it only waits for a lucky epoch. With 2000 it pays in most sets and never hurts. **The validation set decides what patience is
# worth.**
#
# ## When it helps, and when it does not
#
# The clothes again, with true labels, and with 30 % of the training and validation labels shuffled. And gene once more. How many points
# of test accuracy does the epoch of lowest validation loss save, compared with training to the end?

# %% claims=["B10", "03.3"]
# NBVAL_CHECK_OUTPUT
fashion = data.load_curves("fashion")
groups = {"true labels": fashion.select(shuffled=0), "30 % shuffled": fashion.select(shuffled=0.3),
          "gene": problems["gene"]}
for name, runs in groups.items():
    saved = [100 * (run["test_error"][-1] - run["test_error"][np.argmin(run["val_loss"])]) for run in runs]
    better = np.sum(np.array(saved) > 0)
    print(f"{name:13} {mean_sd(saved)} points, better than the end in {better:2} of 20 runs")

# %%
ax = figures.worth_or_not(fashion, problems["gene"])
show(ax, alt="Four panels. Accuracy with true labels rises and stays; with shuffled labels it peaks early "
             "and falls. On gene the mean validation loss rises after the first few epochs, "
             "while the test error goes on falling until about epoch 15, and stays there.")

# %% [markdown]
# - **True labels:** nothing is saved but time. The accuracy rises and stays.
# - **Shuffled labels:** seven points, and in every run. Past the peak the network learns wrong labels by heart. Early stopping earns its
#   keep where there is something bad to learn.
# - **Gene:** it costs a point. (The end is epoch 299; the figure shows the first 100 epochs.) The loss punishes confident mistakes; the
#   error only counts mistakes. Past its lowest loss the network grows too sure of itself, and still makes fewer mistakes. If you are
#   judged by the error, watch the error.

# %% [markdown]
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by.
#
# **3.1 Stop and keep.** Patience 3 on these validation losses. After which epoch does training stop, and which epoch's weights are kept?

# %% tags=["exercise"]
losses = [0.9, 0.7, 0.72, 0.6, 0.61, 0.65, 0.58, 0.6, 0.63, 0.59, 0.55]
answer = ..., ...  # stop, keep
ex.stop_and_keep.check(answer)

# %% tags=["solution"]
losses = [0.9, 0.7, 0.72, 0.6, 0.61, 0.65, 0.58, 0.6, 0.63, 0.59, 0.55]
answer = 9, 6  # epochs 7, 8 and 9 fail; epoch 10 is never trained
ex.stop_and_keep.check(answer)

# %% [markdown]
# **3.2 The best epoch.** Return the epoch with the best value. `mode` is "min" or "max". NaN is never best; of equals, the first is.

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
# - stop at `patience` failures of `val_loss` in a row,
# - once training is over, leave the model with its best weights,
# - if every loss is NaN, no epoch is best; the callback still stops, and leaves the weights as they are.
#
# `self.model.get_weights()` gives a copy, `self.model.set_weights(...)` takes it back. Keras calls `on_train_begin(logs)` and
# `on_train_end(logs)`, too.

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
# **3.4 What a stop loses.** Return the regret of a stop at epoch `stop`, in percent, as in the table above: `val_loss` chooses, `test_loss`
# measures. Of equals the first is kept; do not round.

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
# **3.5 A rule of your own.** One rule for all five problems, scored on 100 runs that you have not seen, of smaller and larger networks. It
# must
#
# - end every run,
# - train at most 30 % of the epochs, and lose at most 10 %, on average,
# - not be beaten by plain `Patience`: no length of it may be both cheaper and better than yours,
# - and differ from plain `Patience` on `val_loss`. A clause joined to it, such as a budget that ends some runs, is enough.
#
# Criteria, `|`, `&` and functions of the history so far (columns `loss`, `val_loss`, `error`, `val_error`) are welcome. To try it:
# `compare([rule], problems["soybean"], measured="test_loss")`. <!-- given: 10, 30 -->

# %% tags=["exercise"]
rule = ...  # Patience, ImprovementBelow, Smoothed, Below, Epochs, or a function
ex.own_rule.check(rule)

# %% tags=["solution"]
rule = Smoothed(5, Patience("val_loss", 12)) | Epochs(200)
ex.own_rule.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# Patience counts epochs, and problems differ in how many they need. Keep the best weights, whatever stops you. A stop is only as good as
# the validation set and the column it watches.
#
# Next: [04 Scores and noise](04_scores_and_noise.ipynb). Can a rule do better than counting?
