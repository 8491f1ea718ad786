# %% [markdown]
# # In your project
#
# Epoch 112 of 200, and the machine is gone. With section 10's script, if the disk is there, the next machine goes on at epoch 112.
#
# You will
# - add the callback to a script of yours (sections 1, 2), choose a rule (3) and its patience (4, 5),
# - look up falling rates (6), no validation data (7), honest scores (8), a running fit (9),
# - resume after a kill (10), on a cluster (11).
#
# 50 minutes. The exercise is your project: it is solved when your own script prints a report, and comes back after a Ctrl-C. Run 1 and 2
# first, the rest as needed; 7 needs 5, 11 needs 10.

# %% [markdown]
# ## 1 Install it, or copy a folder
#
# Your project needs the course's library:

# %%
from course_utils.classroom.chapter_91 import tables

print(tables.pip_line())  # type this line in your project's terminal

# %% [markdown]
# The script of this page needs three more:
#
# ```sh
# pip install tensorflow matplotlib scikit-learn
# ```
#
# Instead of the first line you can copy the folder `course_utils/stopping` beside your script, and import from `stopping`.

# %%
# For this page alone: a folder that stands in for your project, recorded runs, reveal and show.
import pathlib
import shutil
import tempfile
import numpy as np
from course_utils.classroom import data
from course_utils.classroom.notebook import reveal, show

project = pathlib.Path(tempfile.mkdtemp())

# %% [markdown]
# ## 2 Your train.py, before and after
#
# Your script may begin so:

# %%
import keras
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
x = x / 16
train, val = (x[:1200], y[:1200]), (x[1200:], y[1200:])


def build_model():
    layers = [keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

# %% [markdown]
# The four marked lines make it stop in time, keep its best weights, and say why it ended:

# %% claims=["91.1"]
from course_utils.stopping import NotFinite, Patience, StopWhen  # new

stop = StopWhen(Patience("val_loss", 10) | NotFinite(), restore_best="val_loss")  # new
model = build_model()
model.fit(*train, validation_data=val, epochs=200, batch_size=64, verbose=0,
          callbacks=[stop])  # new
print(stop.report)  # new

# %% [markdown]
# <details><summary>And after Ctrl-C?</summary>
#
# Keras then calls no more callbacks. To get the best weights all the same, catch the interrupt (not in section 10, where it has to end
# the script):
#
# ```python
# try:
#     model.fit(*train, validation_data=val, epochs=200, batch_size=64, callbacks=[stop])
# except KeyboardInterrupt:
#     stop.restore_best()
# ```
#
# </details>

# %%
from course_utils.stopping import plots

ax = plots.curve(stop.history, report=stop.report)
ax.set_ylabel("loss")
for line, name in zip(ax.lines, ("training", "validation")):
    line.set_label(name)
ax.legend(frameon=False)
ax.locator_params(axis="x", integer=True)
show(ax, alt="Training and validation loss of the run. A ring marks the best epoch, whose weights were kept, "
             "a dot the stop, ten epochs later.")

# %% [markdown]
# Then save what you will want tomorrow:
#
# ```python
# import pathlib
# from course_utils.stopping import plots
#
# folder = pathlib.Path("runs/1")  # another number for each run: section 5 compares them
# folder.mkdir(parents=True, exist_ok=True)
# model.save(folder / "model.keras")  # it has the best weights
# (folder / "report.json").write_text(stop.report.to_json())
# stop.history.to_csv(folder / "history.csv")  # section 5 reads it
# plots.curve(stop.history, report=stop.report).figure.savefig(folder / "run.png")
# ```

# %% [markdown]
# ## 3 A rule to start from
#
# | you have | start from |
# |---|---|
# | validation data | `Patience("val_loss", 10)` |
# | a metric that counts more than the loss | `Patience("val_accuracy", 10, mode="max")`, and for the weights `restore_best="val_accuracy"` |
# | a curve that jumps | more patience, or `Smoothed(5, Patience("val_loss", 10))`, on means of five epochs |
# | a value that is good enough | `Below("val_loss", 0.1)` |
# | no validation data | `ImprovementBelow("loss", 0.01, window=10, relative=True)`: ten epochs gained 1 % or less. Leave out `restore_best`: the lowest training loss need not be best. Or section 7 |
# | so much time, and no more | `TimeBudget(minutes=30)`; across jobs, section 10 |
# | any run | also `NotFinite()`, which ends it at NaN or infinity |
#
# Join them with `|`: the first that is met ends the run. <!-- given: 0.1, 0.01, 1 -->

# %% [markdown]
# On anything but a loss `Patience` needs `mode="max"` or `"min"`. `restore_best` takes it from a rule on the same column; on another say
# it: `StopWhen(rule, restore_best="val_f1", mode="max")`.

# %% [markdown]
# ## 4 What patience counts
#
# You move from Keras to Lightning, with `patience=8` and four validations an epoch. How many epochs is it there? Two. So ask: eight of what?
#
# A *failure* is a check without improvement. By default, scikit-learn, PyTorch and Keras's `ReduceLROnPlateau` count a very small
# improvement as a failure, too.

# %% [markdown]
# | tool with patience N | counts | acts at failure number |
# |---|---|---|
# | this course's `Patience`; Keras's `EarlyStopping`, `ReduceLROnPlateau` | epochs that were validated | N |
# | Lightning's `EarlyStopping` | validation runs | N |
# | Hugging Face's `EarlyStoppingCallback` | evaluations: epochs, or every `eval_steps` steps | N |
# | scikit-learn's `SGDClassifier` (`n_iter_no_change`) | epochs | N |
# | scikit-learn's `MLPClassifier` | epochs | N + 1 |
# | PyTorch's `lr_scheduler.ReduceLROnPlateau` | calls of `step` | N + 1 |

# %% [markdown]
# <details><summary>How do we know?</summary>
#
# Tested: Keras, scikit-learn. Read: the code of Lightning 2.6, Transformers 5.24 and PyTorch (commit 008f727).
# <!-- given: 2.6, 5.24 -->
#
# </details>

# %% [markdown]
# ## 5 Ask the runs you have
#
# How much patience do your curves need? Finished runs with patience 10 know where any smaller one would have stopped:
#
# ```python
# from pathlib import Path
# from course_utils.stopping import History, Patience, compare
#
# histories = [History.from_csv(path) for path in Path("runs").glob("*/history.csv")]
# print(compare([Patience("val_loss", n) for n in (2, 3, 5)], histories))
# ```
#
# But they end where patience 10 ended, and cannot show what it missed: train a few to the last epoch, too. Weigh what a
# smaller one costs in `val_loss` against the epochs that it saves.

# %% [markdown]
# Here are 80 recorded runs on the problem *building*, of 300 epochs. *Regret*: by
# how many percent the test loss at the epoch kept is above that at the lowest validation loss of all 300.

# %% claims=["B13", "91.2"]
# NBVAL_CHECK_OUTPUT
from course_utils.stopping import compare

curves = data.load_curves("proben1")
rules = [Patience("val_loss", patience) for patience in (3, 10, 30, 100)]
# epochs: how much of the 300 was trained. sd: how far the runs scatter about the mean
# never fired: such a run goes on to its last epoch, so its regret is 0 by definition
print(compare(rules, curves.select(problem="building"), measured="test_loss"))

# %% [markdown]
# From row to row more epochs buy less. **Name the mean regret that you can bear, and take the smallest patience within it: for 5 %, of these, 30.**
# Single runs can lose more. <!-- given: 5 -->

# %% [markdown]
# ## 6 Learning rates that fall
#
# With `When`, a rule can lower the learning rate instead of ending the run ([chapter 02](02_budgets_and_events.ipynb)). Here the validation
# loss never improves, and the rate falls after five failures. If the run stops with patience 5, how many epochs has the lower rate?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
from course_utils.stopping import When, scale_learning_rate

guess = ...  # epochs; leave the dots to skip


class Flat(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = 0.5  # pretends that it never improves


left = {}
for patience in (5, 7, 15):
    lower = When(Patience("val_loss", 5), do=scale_learning_rate(0.1))  # once; times=3 allows three times
    end = StopWhen(Patience("val_loss", patience))
    build_model().fit(*train, epochs=50, batch_size=600, verbose=0, callbacks=[Flat(), lower, end])
    left[patience] = end.report.epoch - lower.events[0].epoch
reveal(guess, left[5], "Epochs at the lower rate")
print("by the patience of the stop:", left)

# %% [markdown]
# None: with equal patience the rate falls and the run ends in the same epoch. **The stop must be the more patient of the two, by as many
# epochs as the lower rate needs.** Keras's `ReduceLROnPlateau` waits 10 by default: `EarlyStopping` with 10 leaves it none here.

# %% [markdown]
# A **cosine** schedule lowers the rate to zero along half a cosine wave. Stop halfway, and you never get to the small rates. So stop early
# only when something goes wrong:
#
# ```python
# import keras
# from course_utils.stopping import NotFinite, StopWhen, TimeBudget
#
# # for `epochs=200` in fit, each of 19 batches: 1200 rows, 64 a batch
# schedule = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=200 * 19)
# optimizer = keras.optimizers.Adam(schedule)  # for model.compile
# stop = StopWhen(NotFinite() | TimeBudget(hours=8), restore_best="val_loss")  # more hours than it should take
# ```

# %% [markdown]
# ## 7 All the data, and no validation set
#
# A last run, trained on everything, has no validation data to stop it. How many epochs should it get? A usual answer: train several times, with
# another part of the data (a *fold*) held out each time, and take the median of the best epochs:
#
# ```python
# import numpy as np
# from course_utils.stopping import NotFinite, Patience, StopWhen
#
# best = []
# for fold in range(5):
#     out = np.random.default_rng(0).permutation(len(x)) % 5 == fold  # one shuffle for all folds, a fifth each
#     stop = StopWhen(Patience("val_loss", 10) | NotFinite(), restore_best="val_loss")
#     build_model().fit(x[~out], y[~out], validation_data=(x[out], y[out]), epochs=200, batch_size=64,
#                       callbacks=[stop])
#     best.append(stop.report.best_epoch)
#
# model = build_model()  # a fresh one; we ignore that its epochs have a quarter more steps
# model.fit(x, y, epochs=1 + int(np.median(best)), batch_size=64)  # 1 +: epochs are counted from 0
# ```

# %% [markdown]
# Such a run borrows its best epoch from others. What does that cost? We have 100 recorded runs, twenty splits of the data on each of five
# problems. Each in turn is the final run; five others of its problem play the folds.
#
# - *Blind*: train the five with patience 10, stop the final run at the median of their best epochs, keep its last weights.
# - *Watched*: the final run has a validation set and patience 10, and keeps its best weights.
#
# In how many of the 100 runs has *blind* the larger regret (section 5)?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # runs, of 100; where both are equal, neither is larger
blind, watched = tables.blind_and_watched(curves)  # problem -> regrets in test loss, one a run
gaps = np.concatenate([blind[problem] - watched[problem] for problem in blind])
reveal(guess, int((gaps > 0).sum()), "Blind has the larger regret in")
print(f"in those, larger by {gaps[gaps > 0].mean():.0f} points on average; in {(gaps < 0).sum()} smaller, "
      f"by {-gaps[gaps < 0].mean():.0f} points; in {(gaps == 0).sum()} the same\n")
# below zero: the epoch kept had, by luck, the lower test loss
tables.print_regrets(blind, watched)

# %% [markdown]
# *Watched* wins by 67 to 24. **Stopping blind cost more on four problems of five; on diabetes it is a draw.**
#
# But you refit for more data, which *blind* did not get. Our advice, unmeasured: refit when data are scarce, else watch.

# %% [markdown]
# ## 8 The score of the chosen epoch
#
# The epoch that you keep was picked because its validation loss is low. How far off is that loss?
#
# On one training, [chapter 03](03_validation_early_stopping.ipynb) drew 25 validation pictures 200 times, and kept each time the epoch of
# their lowest loss. At these epochs the loss on the 9,000 that all were drawn from was 0.63, on average. What was it on the 25 that chose?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # a loss, from 0 to 1
sets = data.load_curves("validation_sets")
(pool,) = sets.select(shuffled=0, size=9000)  # 0: true labels; chapter 03 also has shuffled ones
rows = {}
for size in (25, 50, 200, 2000):
    runs = sets.select(shuffled=0, size=size)
    chosen = [int(np.argmin(run["val_loss"])) for run in runs]
    promised = np.mean([min(run["val_loss"]) for run in runs])
    rows[size] = promised, np.array(pool["val_loss"])[chosen].mean()
reveal(guess, round(rows[25][0], 2), "Loss on the 25 that chose, on average")
tables.print_losses(rows)

# %% [markdown]
# Here, the smaller the set, the better it makes you look, and the worse the epoch that it picks. **Report a score from data that
# chose nothing: no epoch, no rule, no learning rate.**

# %% [markdown]
# ## 9 Watch a run
#
# How near is a run to its end? Most rules have a score and a limit: for `Patience` the failures in a row, and N. `TensorBoardReport`
# writes both, and the reason.

# %% claims=["B12"]
from course_utils.stopping import GeneralizationLoss, TensorBoardReport

rule = Patience("val_loss", 10) | GeneralizationLoss(50)  # val_loss more than 50 % above its lowest so far
stop = StopWhen(rule, restore_best="val_loss")
board = TensorBoardReport(stop, project / "logs")  # it has to stand after its StopWhen in the list
build_model().fit(*train, validation_data=val, epochs=200, batch_size=64, verbose=0, callbacks=[stop, board])
print(stop.report.reason)

# %% [markdown]
# In your project: `pip install tensorboard`, then `tensorboard --logdir runs`. In section 10's script import it, and write
# `board = TensorBoardReport(stop, folder / "logs")` and `callbacks=[stop, board, backup]`. Drawn here:

# %%
import matplotlib.pyplot as plt

figure, panels = plt.subplots(2, 1, figsize=(7, 4.2), sharex=True, layout="constrained")
for part, unit, ax in zip(stop.criterion.parts(), ("failures in a row", "% above lowest"), panels):
    plots.score(part, stop.history, ax=ax).set(ylabel=unit, ylim=(0, None))
    ax.legend(loc=(0.01, 0.48), frameon=False)
ax.set_xlabel("epoch (counted from 0)")
ax.locator_params(axis="x", integer=True)
show(figure, alt="Two panels over the epochs, each with a score and its dashed limit: failures in a row, and "
                 "percent above the lowest loss. A dot marks where a limit is met.")

# %% [markdown]
# ## 10 A machine that may be taken away
#
# What must be on the disk when the machine goes? Two folders, written at each epoch's end:
#
# - `state`, by `StopWhen`, holds the history (and so the count of failures), the time used and the best weights.
# - `backup`, by Keras's `BackupAndRestore`, after it, holds the model and its optimizer.
#
# Then a killed run (tested with `kill -9`) goes on after its last finished epoch. A `When` takes a `state=`, too; Keras's
# `ReduceLROnPlateau` does not, and counts from 0.

# %% [markdown]
# The whole `train.py`; `# new` marks what your script did not have:
#
# ```python
# import pathlib  # new
# import sys  # new
#
# import keras
# from sklearn.datasets import load_digits
# from course_utils.stopping import NotFinite, Patience, Signal, StopWhen, TimeBudget, plots  # new
#
# folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "runs/1")  # new: python train.py runs/2
# folder.mkdir(parents=True, exist_ok=True)  # new: one for each run, on a disk that outlives the machine
#
# x, y = load_digits(return_X_y=True)
# x = x / 16
# train, val = (x[:1200], y[:1200]), (x[1200:], y[1200:])
#
#
# def build_model():
#     layers = [keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")]
#     model = keras.Sequential(layers)
#     model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
#     return model
#
#
# rule = Patience("val_loss", 10) | NotFinite()  # new: section 3
# rule = rule | TimeBudget(hours=24)  # new: 24 hours over all jobs together
# rule = rule | Signal("SIGTERM")  # new: a cluster's "please end", section 11
# stop = StopWhen(rule, restore_best="val_loss", state=folder / "state")  # new
# backup = keras.callbacks.BackupAndRestore(folder / "backup")  # new
# model = build_model()
# model.fit(*train, validation_data=val, epochs=200, batch_size=64, verbose=2,
#           callbacks=[stop, backup])  # new: in this order
# model.save(folder / "model.keras")  # new: the best weights. At once: fit may just have emptied state and backup
#
# print(stop.report)  # new
# (folder / "report.json").write_text(stop.report.to_json())  # new
# stop.history.to_csv(folder / "history.csv")  # new
# plots.curve(stop.history, report=stop.report).figure.savefig(folder / "run.png")  # new
# sys.exit(75 if stop.interrupted else 0)  # new: 75 means "begin me again"
# ```

# %% [markdown]
# **Try it in a terminal: save it as `train.py`, with `batch_size=1` for slow epochs, run `python train.py runs/try`, press Ctrl-C under
# `Epoch 5/200`, and, after a long error, run it again.** It must print `Epoch 5/200` first. (`Epoch 1/200`? The first had ended, or finished no epoch.)
#
# Then put the 64 back and delete `runs/try`. New model or rule: another folder.

# %% [markdown]
# | what ended it | exit code of `train.py` | `state`, `backup` | started again |
# |---|---|---|---|
# | `Signal`, or section 11's `Deadline` and `StopFile` | 75 | kept | goes on |
# | any other rule, also `TimeBudget`, or the last epoch | 0 | emptied as `fit` ends | trains from the start, overwrites the results |
# | within `fit`: an error, Ctrl-C, or a kill without warning | neither 0 nor 75 | kept | goes on |
#
# `NotFinite`, too, ends with 0: look at `ended_by` in `report.json`.

# %% [markdown]
# Is it still the same run? We train a small one undisturbed, and once more in two jobs: an exception ends the first as epoch 4 begins (Keras prints 5).

# %%
from course_utils.stopping import Signal


def train_somewhere(*more):
    rule = Patience("val_loss", 5) | NotFinite() | Signal("SIGTERM")  # the signal has its turn later
    stop = StopWhen(rule, restore_best="val_loss", state=project / "state")
    backup = keras.callbacks.BackupAndRestore(project / "backup")
    build_model().fit(*train, validation_data=val, epochs=200, batch_size=64, verbose=0, shuffle=False,
                      callbacks=[stop, backup, *more])
    return stop


def taken_away(epoch, logs=None):
    if epoch == 4:
        raise OSError("the machine is gone")

# %%
keras.utils.set_random_seed(1)
unbroken = train_somewhere()
keras.utils.set_random_seed(1)  # the same first weights
try:
    train_somewhere(keras.callbacks.LambdaCallback(on_epoch_begin=taken_away))
except OSError as error:
    print(error)
stop = train_somewhere()  # with other first weights, which the backup replaces
print(stop.report)

# %% [markdown]
# How many of the two jobs' losses, training and validation, differ from the undisturbed run's?

# %% tags=["reveal"] claims=["91.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # losses, of some fifty
differ = [a != b for name in ("loss", "val_loss")
          for a, b in zip(stop.history[name], unbroken.history[name], strict=True)]
reveal(guess, sum(differ), "Losses that differ")

# %% [markdown]
# **None, to the bit.** After its first weights this run left nothing to chance: no shuffling, no dropout, no graphics card. `train.py`
# shuffles, and each job anew.

# %% [markdown]
# ## 11 On a cluster
#
# A cluster ends jobs by the clock, and can be asked to warn. Three rules end only the *job*; the next goes on:
#
# - `Signal("SIGTERM")` hears the warning.
# - `Deadline("06:30")` stops early enough before the next 6:30 for a batch, a validation and the saving. `Deadline()` asks SLURM, a
#   scheduler, for the job's end.
# - `StopFile("STOP")` ends it when that file appears. Delete the file, or the next job refuses to start.

# %% [markdown]
# We warn our small run by a `SIGTERM` as epoch 4 begins:

# %%
# NBVAL_CHECK_OUTPUT
import signal


def asked_to_leave(epoch, logs=None):
    if epoch == 4:
        signal.raise_signal(signal.SIGTERM)


keras.utils.set_random_seed(1)
first = train_somewhere(keras.callbacks.LambdaCallback(on_epoch_begin=asked_to_leave))
print(first.report.reason)
second = train_somewhere()
print("interrupted:", first.interrupted, "then", second.interrupted)
print("epochs of the first job:", first.history["epoch"])
print("as undisturbed, to the bit:", second.history["val_loss"] == unbroken.history["val_loss"])

# %% [markdown]
# **The three act after a batch, and the next job begins that epoch again: so an epoch has to fit into a job.**

# %% [markdown]
# <details><summary>The SLURM script: it passes the warning on, and waits until Python has saved</summary>
#
# ```bash
# # #!/bin/bash
# #SBATCH --time=04:00:00 --requeue --open-mode=append
# #SBATCH --signal=B:TERM@120    # two minutes before the end: enough for a batch, a validation and saving?
# python train.py runs/1 & job=$!    # its TimeBudget (24 hours) counts all jobs together
# trap 'kill -TERM $job' TERM
# wait $job; code=$?
# if [ $code -eq 143 ]; then wait $job; code=$?; fi    # SIGTERM (128 + 15) ended the wait, not the job
# if [ $code -eq 75 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
# exit $code
# ```
#
# Tested with a stand-in for `scontrol`, not on a cluster.
#
# </details>

# %%
shutil.rmtree(project)  # it was only a stand-in

# %% [markdown]
# ## Three sentences to keep
#
# Let every run say why it ended. Keep the history of every run, and choose the next rule by replay. Before a long run, kill a short one
# and see it come back.
#
# Back to [00](00_start_here.ipynb).
