# %% [markdown]
# # In your project
#
# You will
# - add the callbacks to a script that you have,
# - choose a rule to start from, and what goes with it,
# - save a report, and resume after the machine was taken away.
#
# 35 minutes in all, or three for the section that you need. No exercises: the exercise is your project.

# %% [markdown]
# | you want to | section |
# |---|---|
# | install or copy the callbacks | 1 |
# | copy a whole `train.py`, before and after | 2 |
# | choose a rule | 3 |
# | translate another tool's patience | 4 |
# | try rules on finished runs | 5 |
# | lower the learning rate as well | 6 |
# | train on all the data in the end | 7 |
# | report a score | 8 |
# | watch a run, in TensorBoard or without | 9 |
# | resume after a kill, or on SLURM | 10 |

# %% [markdown]
# ## 1 Install it, or copy a folder
#
# ```
# pip install "git+<address of this repository>"
# ```
#
# (the address is in the first code cell) brings the library, `course_utils`, without the lessons. Or copy one folder, `course_utils/stopping`, into your project.
#
# The callbacks need Keras (with a backend of yours) and NumPy; `plots` also needs matplotlib, `Memory` psutil, and `TensorBoardReport`
# TensorFlow, whatever Keras computes with.

# %%
# For this page alone: a folder that stands for your project, recorded runs, guesses and pictures.
import pathlib
import shutil
import sys
import tempfile
import numpy as np
import course_utils.stopping
from course_utils.classroom import data
from course_utils.classroom.notebook import reveal, show

project = pathlib.Path(tempfile.mkdtemp())
shutil.copytree(pathlib.Path(course_utils.stopping.__file__).parent, project / "stopping")
sys.path.insert(0, str(project))

# %% [markdown]
# `data`, `reveal` and `show` are this page's own, not for you. All else comes from the copy, `stopping`.
#
# ## 2 Your train.py, before and after
#
# Before:
#
# ```python
# import keras
# from sklearn.datasets import load_digits
#
# x, y = load_digits(return_X_y=True)
# train, val = (x[:1200] / 16, y[:1200]), (x[1200:] / 16, y[1200:])
#
# model = keras.Sequential([
#     keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")])
# model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
# model.fit(*train, validation_data=val, epochs=200, batch_size=64, verbose=2)
# model.save("model.keras")
# ```

# %% [markdown]
# After, with the new lines marked:
#
# ```python
# import pathlib  # new
# import sys  # new
#
# import keras
# from sklearn.datasets import load_digits
# from stopping import NotFinite, Patience, Signal, StopWhen, TimeBudget, plots  # new
#
# folder = pathlib.Path("runs/1")  # new: one folder for each run, on a disk that outlives the machine
# folder.mkdir(parents=True, exist_ok=True)  # new
#
# x, y = load_digits(return_X_y=True)
# train, val = (x[:1200] / 16, y[:1200]), (x[1200:] / 16, y[1200:])
#
# model = keras.Sequential([
#     keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")])
# model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
# rule = Patience("val_loss", 10) | NotFinite() | TimeBudget(minutes=30)  # new: section 3
# rule = rule | Signal("SIGTERM")  # new: the system's "please end", section 10
# stop = StopWhen(rule, restore_best="val_loss", state=folder / "state")  # new
# backup = keras.callbacks.BackupAndRestore(folder / "backup")  # new: behind `stop` in the list
# model.fit(*train, validation_data=val, epochs=200, batch_size=64, verbose=2,
#           callbacks=[stop, backup])  # new
#
# print(stop.report)  # new
# (folder / "report.json").write_text(stop.report.to_json())  # new
# stop.history.to_csv(folder / "history.csv")  # new
# plots.curve(stop.history, report=stop.report).figure.savefig(folder / "run.png")  # new
# model.save(folder / "model.keras")  # new: it has the best weights
# sys.exit(75 if stop.interrupted else 0)  # new: 75 means "begin me again", section 10
# ```

# %% [markdown]
# A test runs this script, ends it with SIGTERM, and runs it again. In pieces:

# %%
import keras
from sklearn.datasets import load_digits
from stopping import NotFinite, Patience, StopWhen, TimeBudget, plots

x, y = load_digits(return_X_y=True)
train, val = (x[:1200] / 16, y[:1200]), (x[1200:] / 16, y[1200:])


def build_model():
    layers = [keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

# %%
stop = StopWhen(Patience("val_loss", 10) | NotFinite() | TimeBudget(minutes=30), restore_best="val_loss")
build_model().fit(*train, validation_data=val, epochs=200, batch_size=64, verbose=0, callbacks=[stop])
print(stop.report)

# %% [markdown]
# The report says why the run ended and which epoch's weights you have. You can read `stop.report` during the run, too. After Ctrl-C
# Keras calls no more callbacks, so put the best weights back yourself: `stop.restore_best()`.
#
# In `report.json`, `kept` is the best epoch's `val_loss`. `pandas.DataFrame(stop.history)` works, too.

# %%
ax = plots.curve(stop.history, report=stop.report)
ax.set_ylabel("loss")
ax.figure.savefig(project / "run.png")
show(ax, alt="Training and validation loss of the run. A ring marks the best epoch, whose weights were kept, "
             "a dot the stop, ten epochs later.")

# %% [markdown]
# ## 3 A rule to start from
#
# | you have | start from |
# |---|---|
# | validation data | `Patience("val_loss", 10)` |
# | a metric that counts more than the loss | `Patience("val_accuracy", 10, mode="max")`, and for the weights `restore_best="val_accuracy"` |
# | a curve that jumps | more patience, or `Smoothed(5, Patience("val_loss", 10))`, on means of five epochs |
# | a value that is good enough | `Below("val_loss", 0.1)` |
# | no validation data | `ImprovementBelow("loss", 0.01, window=10, relative=True)`: ten epochs gained 1 % or less |
# | a machine by the hour | `TimeBudget(minutes=30)` |
# | little memory | `Above("memory", 8000)`, with `Memory()` before `StopWhen` in the list |
# | always | `NotFinite()`: against NaN and infinity |
#
# Join what fits with `|`: the run ends when the first of them is met. <!-- given: 0.1, 0.01, 1 -->

# %% [markdown]
# Only a loss is known to be better when small; for other columns say `mode=`. (`restore_best` learns it from a rule on the same column.)
#
# `Memory` measures this process's main memory in MiB at each epoch's end, not the graphics card's. A ceiling for the
# processor rarely makes sense: a busy one is what you pay for.
#
# ## 4 What patience counts
#
# Ten of what? And does the tool stop at failure number N, or at the next?

# %% [markdown]
# | tool | counts | stops at failure |
# |---|---|---|
# | this course's `Patience`; Keras's `EarlyStopping`, `ReduceLROnPlateau` | epochs with a validation | N |
# | Lightning's `EarlyStopping` | validation runs; an epoch may have several | N |
# | Ignite's `EarlyStopping` | calls, mostly one for each validation run | N |
# | Hugging Face's `EarlyStoppingCallback` | evaluations: epochs, or every `eval_steps` steps | N |
# | XGBoost's `early_stopping_rounds` | boosting rounds | N |
# | scikit-learn's `SGDClassifier` | epochs | N |
# | scikit-learn's `MLPClassifier` | epochs | N + 1 |
# | Flax's `EarlyStopping` | calls of `update` | N + 1 |
# | Composer's `EarlyStopper` | epochs or batches, as you choose | N + 1 |
#
# Between tools that train in batches, translate through steps: epochs times batches per epoch.

# %% [markdown]
# ## 5 Ask the runs you have
#
# How much patience? As much as your curves need; finished runs can tell you. With what `train.py` saved:
#
# ```python
# from pathlib import Path
# from stopping import History, Patience, compare
#
# histories = [History.from_csv(path) for path in Path("runs").glob("*/history.csv")]
# print(compare([Patience("val_loss", n) for n in (2, 3, 5)], histories))
# ```
#
# A run that patience 10 ended knows nothing of patience 30: the rest of its curve does not exist. So ask it for less, and
# once let two or three runs go on to the end.
#
# Here are 80 recorded runs of building: four sizes of network, twenty splits of the data, 300 epochs. ([Regret](00_start_here.ipynb):
# percent of test loss given away, against the epoch of lowest validation loss; so it can be negative.)

# %%
# NBVAL_CHECK_OUTPUT
from stopping import compare

curves = data.load_curves("proben1")
rules = [Patience("val_loss", patience) for patience in (3, 10, 30, 100)]
print(compare(rules, curves.select(problem="building"), measured="test_loss"))

# %% [markdown]
# Each step up costs more epochs than the one before, and saves less. Patience 100 never stopped more than half of the runs; there its
# regret is 0 because they were trained to the end. Another problem, another table.
#
# Without a `test_loss`, `compare` measures in `val_loss`, which also chose the epoch. By that measure more patience never looks worse.

# %% [markdown]
# ## 6 Learning rates that fall
#
# An **event** need not end a run: with `When` you choose what happens instead, such as a lower learning rate
# ([chapter 02](02_budgets_and_events.ipynb)). Then the stop must be the more patient of the two.
#
# Here the validation loss never improves, and the rate falls after five failures. We try stops of patience 5, 7 and 15. How many epochs
# does the first leave at the lower rate?

# %%
guess = ...  # epochs; leave the dots to skip

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
from stopping import When, scale_learning_rate


class Flat(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = 0.5


left, model = {}, build_model()
for patience in (5, 7, 15):
    lower = When(Patience("val_loss", 5), do=scale_learning_rate(0.1))  # once; times=3: three times
    end = StopWhen(Patience("val_loss", patience))
    model.fit(*train, epochs=50, batch_size=600, verbose=0, callbacks=[Flat(), lower, end])
    left[patience] = end.report.epoch - lower.events[0].epoch
reveal(guess, left[5], "Epochs at the lower rate")
print("by the patience of the stop:", left)

# %% [markdown]
# None: with equal patience the rate falls and the run ends in the same epoch. Keras's own pair does nearly that: `ReduceLROnPlateau` waits
# for ten epochs by default, so beside an `EarlyStopping` of patience 10 the lower rate is hardly ever used. A rule of thumb: give the stop
# two or three times the patience of the rate.

# %% [markdown]
# A **cosine** schedule lowers the rate along half a cosine wave, to nearly zero at the end. Stop halfway, and you never get to the small
# rates. So let it run to its end, keep the best weights, and leave `NotFinite` and a budget for what goes wrong.
#
# ## 7 All the data, and no validation set
#
# In the end you train on everything. For how long, with nothing left to look at? The usual answer: cross-validate, and take the median of
# the folds' best epochs.

# %% [markdown]
# We ask recorded runs, of five problems with twenty splits each. *Blind* trains until the median best epoch of five other splits, and
# keeps the last weights. *Watched* has a validation set and patience 10, and keeps the best. In how many of the 100 does blind lose more?

# %%
guess = ...  # runs, of 100

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
more, table = {}, "regret, %   blind  watched   difference    blind worse : better\n"
for problem in ("diabetes", "soybean", "gene", "thyroid", "building"):
    runs = curves.select(problem=problem, units=64)  # one size of the four
    best = [int(np.argmin(run["val_loss"])) for run in runs]
    lost = []
    for i, run in enumerate(runs):
        epoch = int(np.median(np.roll(best, -i)[1:6]))
        lost.append(100 * (run["test_loss"][epoch] / run["test_loss"][best[i]] - 1))
    watched = compare([Patience("val_loss", 10)], runs, measured="test_loss")[0].regret
    more[problem] = diff = np.array(lost) - watched
    table += (f"{problem:9} {np.mean(lost):7.1f} {np.mean(watched):8.1f} {diff.mean():+8.1f} ± "
              f"{diff.std(ddof=1):4.1f} {(diff > 0).sum():12} : {(diff < 0).sum()}\n")
every = np.concatenate(list(more.values()))
reveal(guess, int((every > 0).sum()), "Blind loses more in")
print(f"less in: {(every < 0).sum()}, the same in: {(every == 0).sum()}\n{table}")

# %% [markdown]
# On average blind costs more on all five. Run by run it is no sure thing: worse in 52, better in 39; and soybean's spread says that a few
# splits make its mean.
#
# This table cannot weigh what refitting is for: training on the validation data as well. A rule of thumb: refit when data are scarce;
# otherwise keep the run that was stopped.
#
# Within cross-validation, the fold that decides when to stop cannot also say how good the model is. Which brings us to the score.

# %% [markdown]
# ## 8 The score of the chosen epoch
#
# You pick the epoch with the lowest validation loss, and report that loss. It was picked for being low. In chapter 03 one training was
# watched by 200 validation sets of each size, all from one pool of 9000 pictures. At the epochs that sets of 25 chose, the
# whole pool's loss is 0.63 on average. What did the sets promise?

# %%
guess = ...  # a loss

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
sets, promises = data.load_curves("validation_sets"), {}
(pool,) = sets.select(shuffled=0, size=9000)
table = "pictures   lowest validation loss   pool, there   test set, there\n"
for size in (25, 50, 200, 2000):
    runs = sets.select(shuffled=0, size=size)
    chosen = [int(np.argmin(run["val_loss"])) for run in runs]
    promises[size] = np.mean([min(run["val_loss"]) for run in runs])
    there, test = np.array(pool["val_loss"])[chosen].mean(), np.array(pool["test_loss"])[chosen].mean()
    table += f"{size:8} {promises[size]:24.2f} {there:13.2f} {test:17.2f}\n"
reveal(guess, round(promises[25], 2), "Promised by sets of 25, on average")
print(table)

# %% [markdown]
# The smaller the set, the better it makes you look, and the worse the epoch that it picks. (The test pictures are a little harder than the
# pool.) Report a score from data that chose nothing: no epoch, no rule, no learning rate.
#
# ## 9 Watch a run
#
# Every part of a rule has a score and a limit; with `|` the run ends where the first reaches its limit. `TensorBoardReport`, after its
# `StopWhen` in the list, writes both for TensorBoard, and the reason as text.

# %%
from stopping import GeneralizationLoss, TensorBoardReport

rule = (Patience("val_loss", 10) | TimeBudget(minutes=1)
        | GeneralizationLoss(50))  # more than 50 % above the lowest so far
stop = StopWhen(rule, restore_best="val_loss")
build_model().fit(*train, validation_data=val, epochs=200, batch_size=64, verbose=0,
                  callbacks=[stop, TensorBoardReport(stop, project / "logs")])
print(stop.report.reason)

# %% [markdown]
# To look at it: `pip install tensorboard`, then `tensorboard --logdir logs`. Weights & Biases should pick up these files after
# `wandb.init(sync_tensorboard=True)`; we have not run it. The history is enough, too:

# %%
import matplotlib.pyplot as plt

figure, panels = plt.subplots(3, 1, figsize=(8, 4.5), sharex=True, layout="constrained")
for part, ax in zip(stop.criterion.parts(), panels):
    plots.score(part, stop.history, ax=ax).set_ylim(bottom=0)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
ax.set_xlabel("epoch (counted from 0)")
ax.xaxis.get_major_locator().set_params(integer=True)
show(figure, alt="Three panels over the epochs, each with a score and its dashed limit: failures in a row, "
                 "seconds, percent above the lowest loss. A dot marks where a limit is met.")

# %% [markdown]
# ## 10 A machine that may be taken away
#
# Give `StopWhen` a folder, `state=`, and put `BackupAndRestore` after it in the list, with a folder of its own. Then a run that was
# killed goes on where it was: epoch, patience, best weights, seconds. (Keras's own `EarlyStopping` [forgets](90_cabinet_of_traps.ipynb) its
# count and its best weights.) `When` and `PruneWhen` take a folder as well.
#
# - Keep the folders on a disk that outlives the machine.
# - Each run has its own; with another model or another rule, an old one is refused.
# - When the rule ends a run, or all epochs are done, they are emptied.

# %% [markdown]
# Here the machine goes away as epoch 4 begins. The second call is the new process.

# %%
from stopping import Signal


def train_somewhere(*more):
    rule = Patience("val_loss", 5) | NotFinite() | Signal("SIGTERM")  # Signal: below
    stop = StopWhen(rule, restore_best="val_loss", state=project / "state")
    backup = keras.callbacks.BackupAndRestore(project / "backup")
    build_model().fit(*train, validation_data=val, epochs=200, batch_size=64, verbose=0,
                      callbacks=[stop, backup, *more])
    return stop


def taken_away(epoch, logs=None):
    if epoch == 4:
        raise OSError("the machine is gone")


seen = []  # what the first process would have printed
try:
    train_somewhere(keras.callbacks.LambdaCallback(
        on_epoch_begin=taken_away, on_epoch_end=lambda epoch, logs: seen.append(logs["val_loss"])))
except OSError as error:
    print(error)
stop = train_somewhere()
print(stop.report)

# %%
# NBVAL_CHECK_OUTPUT
print(f"{len(seen)} epochs were seen before it went away; they are in the history:",
      stop.history["val_loss"][:4] == seen)

# %% [markdown]
# If nothing is left to chance (the order of batches depends on the epoch alone, no dropout, no augmentation, no graphics card), the resumed
# run is the one that you would have had, to the bit: `tests/stopping/test_state.py` kills trainings at random points and compares.

# %% [markdown]
# A well-behaved cluster warns you: it sends SIGTERM, and waits a little. Three criteria end a run after the current batch, and leave the
# folders for the next job: <!-- given: 06:30 -->
#
# - `Signal("SIGTERM")` hears the warning.
# - `Deadline("06:30")` ends in time for that: it times batches, validations and saves as they happen, and leaves room
#   for one more of each. `Deadline()` reads the end of the job from SLURM, a cluster's scheduler.
# - `StopFile("STOP")` waits for a colleague to make that file.
#
# Of the unfinished epoch nothing is kept, as after a kill: the next job begins it again. If that is hours of work, make epochs
# shorter (`steps_per_epoch`).

# %%
import signal


def asked_to_leave(epoch, logs=None):
    if epoch == 4:
        signal.raise_signal(signal.SIGTERM)


first = train_somewhere(keras.callbacks.LambdaCallback(on_epoch_begin=asked_to_leave))
print(first.report)

# %%
# NBVAL_CHECK_OUTPUT
second = train_somewhere()
print("interrupted:", first.interrupted, "then", second.interrupted)
print("epochs of the first job:", first.history["epoch"])
print("the second job knows their losses:", second.history["val_loss"][:4] == first.history["val_loss"])

# %% [markdown]
# After a warning `fit` returns, so `train.py` gets to its report and its last line: 75 is the customary "try again later". With SLURM:
#
# ```bash
# # #!/bin/bash
# #SBATCH --time=04:00:00 --requeue --open-mode=append
# #SBATCH --signal=B:TERM@120    # two minutes before the end, to this script
# python train.py & job=$!
# trap 'kill -TERM $job' TERM
# wait $job; code=$?
# if [ $code -eq 143 ]; then wait $job; code=$?; fi    # SIGTERM (128 + 15) ended the wait, not the job
# if [ $code -eq 75 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
# exit $code
# ```
#
# Tested with a stand-in for `scontrol`, not on a cluster.

# %%
shutil.rmtree(project)  # it was only a stand-in

# %% [markdown]
# ## Three sentences to keep
#
# Let every run say why it ended. Keep the history of every run, and choose the next rule by replay. Before a long run, kill a short one
# and see it come back.
#
# Back to the [cabinet of traps](90_cabinet_of_traps.ipynb), or to [00](00_start_here.ipynb).
