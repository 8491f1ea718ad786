# %% [markdown]
# # In your project
#
# You will
# - add the callbacks to a script that you have,
# - choose a rule to start from,
# - save a report, and resume after the machine has been taken away.
#
# 35 minutes in all, or five for a section. No exercises: the exercise is your project.

# %% [markdown]
# | you want to | section |
# |---|---|
# | install or copy the callbacks | 1 |
# | copy a whole `train.py` | 2 |
# | choose a rule | 3 |
# | translate another tool's patience | 4 |
# | try rules on finished runs | 5 |
# | lower the learning rate | 6 |
# | train on all the data, without a validation set | 7 |
# | report a score | 8 |
# | watch a run | 9 |
# | resume after a kill, or on SLURM | 10 |

# %% [markdown]
# ## 1 Install it, or copy a folder
#
# The line that installs the library, without the lessons:

# %%
import pathlib
import tomllib
import course_utils

course = pathlib.Path(course_utils.__file__).parents[1]
about = tomllib.loads((course / "pyproject.toml").read_text(encoding="utf-8"))["project"]
print(f'pip install "git+{about["urls"]["Repository"]}"')

# %% [markdown]
# Or copy one folder, `course_utils/stopping`, into your project, beside your script. Each way has its import:
#
# ```python
# from course_utils.stopping import Patience, StopWhen  # after pip install
# from stopping import Patience, StopWhen               # from the copied folder
# ```
#
# The callbacks need Keras (with any backend) and NumPy; `plots` also matplotlib, `Memory` psutil, `TensorBoardReport` TensorFlow.

# %%
# For this page alone: a folder that stands in for your project, and data, reveal and show.
# All else comes from the copied folder, `stopping`.
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
# After, with the new lines marked. (Installed with pip? Then `from course_utils.stopping import ...`.)
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
# (One of our tests ends this script with SIGTERM and runs it again.) Now the same, piece by piece:

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

# %% claims=["91.1"]
stop = StopWhen(Patience("val_loss", 10) | NotFinite() | TimeBudget(minutes=30), restore_best="val_loss")
build_model().fit(*train, validation_data=val, epochs=200, batch_size=64, verbose=0, callbacks=[stop])
print(stop.report)

# %% [markdown]
# First line: why the run ended. Second: the epoch whose weights `restore_best` put back. In `report.json` the field `kept` holds their
# `val_loss`.
#
# After Ctrl-C, Keras calls no more callbacks. A script that should still save its best weights catches it:
#
# ```python
# try:
#     model.fit(...)
# except KeyboardInterrupt:
#     stop.restore_best()
# ```

# %%
ax = plots.curve(stop.history, report=stop.report)
ax.set_ylabel("loss")
ax.lines[0].set_label("loss (training)")
ax.legend(frameon=False)
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
# | little memory | `Above("memory", 8000)`, MiB of main memory, with `Memory()` before `StopWhen` in the list |
# | always | `NotFinite()`: against NaN and infinity |
#
# Join what fits with `|`: the run ends when the first of them is met. <!-- given: 0.1, 0.01, 1 -->

# %% [markdown]
# For `loss`, and names that end in `_loss`, smaller is taken as better. For any other say `mode="max"` or `"min"`; `restore_best` takes the
# mode from a rule on the same column.

# %% [markdown]
# ## 4 What patience counts
#
# Ten of what? And does the tool act at failure number N (a check without improvement), or at the next?

# %% [markdown]
# | tool with patience N | counts | acts at failure |
# |---|---|---|
# | this course's `Patience`; Keras's `EarlyStopping`, `ReduceLROnPlateau` | epochs that were validated | N |
# | Lightning's `EarlyStopping` | validation runs; an epoch may have several | N |
# | Ignite's `EarlyStopping` | calls, mostly one for each validation run | N |
# | Hugging Face's `EarlyStoppingCallback` | evaluations: epochs, or every `eval_steps` steps | N |
# | XGBoost's `early_stopping_rounds` | boosting rounds | N |
# | scikit-learn's `SGDClassifier` | epochs | N |
# | scikit-learn's `MLPClassifier` | epochs | N + 1 |
# | Flax's `EarlyStopping` | calls of `update` | N + 1 |
# | Composer's `EarlyStopper` | epochs or batches, as you choose | N + 1 |
# | PyTorch's `lr_scheduler.ReduceLROnPlateau` | calls of `step`, mostly one each epoch | N + 1 |

# %% [markdown]
# So Lightning's patience 8 with four validations each epoch is about 2 here, and `MLPClassifier`'s 9 is 10 here.
#
# A test checks the rows of Keras and scikit-learn. The others, from the code: Lightning 2.6, Ignite 0.5, Transformers 5.24, XGBoost 3.2,
# Flax 0.12, Composer 0.32, PyTorch at 008f727. <!-- given: 2.6, 0.5, 5.24, 3.2, 0.12, 0.32 -->

# %% [markdown]
# ## 5 Ask the runs you have
#
# Finished runs can tell you how much patience your curves need. With what `train.py` saved:
#
# ```python
# from pathlib import Path
# from stopping import History, Patience, compare
#
# histories = [History.from_csv(path) for path in Path("runs").glob("*/history.csv")]
# print(compare([Patience("val_loss", n) for n in (2, 3, 5)], histories))
# ```
#
# A run that patience 10 ended knows nothing of patience 30: the rest of its curve does not exist. So replay only smaller patience on such
# runs, and let two or three runs train to the end once.

# %% [markdown]
# Here are 80 recorded runs on the problem *building*: four sizes of network, twenty splits of the data, 300 epochs. (*epochs*: the share of
# them that was trained. [Regret](00_start_here.ipynb): by how many percent the test loss at the epoch kept exceeds that at the epoch of
# lowest validation loss; so it can be negative.)

# %% claims=["B13", "91.2"]
# NBVAL_CHECK_OUTPUT
from stopping import compare

curves = data.load_curves("proben1")
rules = [Patience("val_loss", patience) for patience in (3, 10, 30, 100)]
print(compare(rules, curves.select(problem="building"), measured="test_loss"))

# %% [markdown]
# Each step up costs more epochs than the one before, and saves less. Patience 100 never fired in 47 of the 80 runs; they trained to the
# end, so their regret is 0 by definition.
#
# Without a `test_loss`, `compare` measures in `val_loss`, which also chose the epoch. By that measure more patience never looks worse.

# %% [markdown]
# ## 6 Learning rates that fall
#
# An **event** need not end a run: with `When` you choose what happens instead, such as a lower learning rate
# ([chapter 02](02_budgets_and_events.ipynb)).
#
# Here the validation loss never improves, and the rate falls after five failures. How many epochs at the lower rate does a stop of
# patience 5 leave?

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
# None: with equal patience the rate falls and the run ends in the same epoch. So the stop must be the more patient of the two; a rule of
# thumb: two or three times. Keras's own pair is no better: `ReduceLROnPlateau` has patience 10 by default, and an `EarlyStopping` of
# patience 10 ends the run in that epoch. (Unless a gain was below 0.0001: `EarlyStopping` counts it, the other does not.)
# <!-- given: 0.0001 -->

# %% [markdown]
# A **cosine** schedule lowers the rate along half a cosine wave, to zero at the end. Stop halfway, and you never get to the small
# rates. So let it run to its end, keep the best weights, and stop early only when something goes wrong:
#
# ```python
# schedule = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=200 * 19)  # 200 epochs of 19 batches
# stop = StopWhen(NotFinite() | TimeBudget(hours=8), restore_best="val_loss")
# ```

# %% [markdown]
# ## 7 All the data, and no validation set
#
# In the end you train on everything. For how long, with nothing left to look at? The usual answer: cross-validate, and take the median of
# the folds' best epochs:
#
# ```python
# epochs = 1 + int(np.median([stop.report.best_epoch for stop in stops]))  # stops: one for each fold
# model.fit(x, y, epochs=epochs, batch_size=64)  # in an epoch each row is seen once, as in the folds
# ```
#
# Recorded runs can answer: five problems, twenty splits each. *Blind* trains until the median best epoch of five other
# splits, and keeps the last weights. *Watched* has a validation set and patience 10, and keeps the best. In how many of the 100 is blind's
# regret the larger?

# %%
guess = ...  # runs, of 100

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
more, table = {}, "regret, %   blind  watched   difference   blind worse : better\n"
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
              f"{diff.std(ddof=1) / 20**0.5:.1f} {(diff > 0).sum():12} : {(diff < 0).sum()}\n")
every = np.concatenate(list(more.values()))
reveal(guess, int((every > 0).sum()), "Blind's regret is larger in")
print(f"smaller in: {(every < 0).sum()}, the same in: {(every == 0).sum()}\n{table}")

# %% [markdown]
# On average blind costs more on all five. But only on gene and thyroid by more than two standard errors (±: how far chance moves such a
# mean), and on diabetes and building it is better in more runs than worse.
#
# This table cannot weigh what refitting is for: training on the validation data as well. Our advice, not measured here: refit when data are
# scarce; otherwise keep the run that was stopped.

# %% [markdown]
# ## 8 The score of the chosen epoch
#
# You pick the epoch with the lowest validation loss, and report that loss. It was picked for being low. In chapter 03 one training was
# watched by 200 validation sets of each size, all from one pool of 9000 pictures. At the epochs that sets of 25 chose, the
# whole pool's loss is 0.63 on average. And what was the lowest loss on the 25 pictures themselves, on average?

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
reveal(guess, round(promises[25], 2), "Lowest loss on the 25 themselves, on average")
print(table)

# %% [markdown]
# The smaller the set, the better it makes you look, and the worse the epoch that it picks. (The test pictures are a little harder than the
# pool.) Report a score from data that chose nothing: no epoch, no rule, no learning rate.
#
# ## 9 Watch a run
#
# Every part of a rule has a score and a limit. `TensorBoardReport`, after its `StopWhen` in the list, writes both for TensorBoard, and the
# reason as text.

# %% claims=["B12"]
from stopping import GeneralizationLoss, TensorBoardReport

rule = (Patience("val_loss", 10) | TimeBudget(minutes=1)
        | GeneralizationLoss(50))  # more than 50 % above the lowest so far
stop = StopWhen(rule, restore_best="val_loss")
build_model().fit(*train, validation_data=val, epochs=200, batch_size=64, verbose=0,
                  callbacks=[stop, TensorBoardReport(stop, project / "logs")])
print(stop.report.reason)

# %% [markdown]
# In `train.py` it would be `TensorBoardReport(stop, folder / "logs")`. To look at it: `pip install tensorboard`, then
# `tensorboard --logdir runs`. Weights & Biases should pick up these files after `wandb.init(sync_tensorboard=True)`; we have not run it.
#
# Or draw the same from the history, without TensorBoard:

# %%
import matplotlib.pyplot as plt

figure, panels = plt.subplots(3, 1, figsize=(7, 5.5), sharex=True, layout="constrained")
for part, unit, ax in zip(stop.criterion.parts(), ("failures in a row", "seconds", "% above lowest"), panels):
    plots.score(part, stop.history, ax=ax).set(ylabel=unit, ylim=(0, None))
    ax.set_title(part, loc="left", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(ax.lines[1:], [line.get_label() for line in ax.lines[1:]], loc="center left", frameon=False)
ax.set_xlabel("epoch (counted from 0)")
ax.xaxis.get_major_locator().set_params(integer=True)
show(figure, alt="Three panels over the epochs, each with a score and its dashed limit: failures in a row, "
                 "seconds, percent above the lowest loss. A dot marks where a limit is met.")

# %% [markdown]
# ## 10 A machine that may be taken away
#
# Give `StopWhen` a folder, `state=`, and put `BackupAndRestore` after it in the list, with a folder of its own: no backup without its
# state. Then a run that was killed goes on from the last finished epoch, with its patience, best weights and seconds. (Keras's own
# `EarlyStopping` [forgets](90_cabinet_of_traps.ipynb) them.) `When` takes `state=`, too.
#
# - Keep the folders on a disk that outlives the machine.
# - Each run has its own; with another model or another rule, an old one is refused.
# - When the rule ends a run, or all epochs are done, they are emptied.

# %% [markdown]
# One run is left alone; from another the machine goes away as epoch 4 begins, and a new process goes on. Do they end alike?

# %%
from stopping import Signal


def train_somewhere(*more):
    rule = Patience("val_loss", 5) | NotFinite() | Signal("SIGTERM")  # Signal: below
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

# %% claims=["91.3"]
# NBVAL_CHECK_OUTPUT
print("broken or not, every loss of every epoch is the same:",
      all(stop.history[name] == unbroken.history[name] for name in ("loss", "val_loss")))

# %% [markdown]
# To the bit. That takes a run in which nothing is left to chance: `shuffle=False` (or a generator seeded by the epoch), no dropout, no
# augmentation, no graphics card. `tests/stopping/test_state.py` kills trainings at random points and compares.

# %% [markdown]
# A well-behaved cluster warns you: it sends SIGTERM, and waits a little. A `TimeBudget` ends the training (code 0). Three
# criteria end only the job (75), after the current batch, and leave the folders for the next one: <!-- given: 06:30 -->
#
# - `Signal("SIGTERM")` hears the warning.
# - `Deadline("06:30")` ends the run before 6:30: it times batches, validations and saves, and stops while there is
#   still time for one more of each. `Deadline()` reads the end of the job from SLURM, a cluster's scheduler.
# - `StopFile("STOP")` waits for a colleague to make that file.
#
# The next job begins the unfinished epoch again. If that is hours of work, make epochs shorter (`steps_per_epoch`).

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
