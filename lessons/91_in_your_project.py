# %% [markdown]
# # In your project
#
# You will
# - copy the callbacks into your own project, and add them to a script you already have,
# - choose a rule to start from, and know what goes with it: falling rates, refitting, an honest score,
# - save a report, and resume after the machine was taken away.
#
# 25 minutes. No exercises: the exercise is your project.
#
# ## Install it, or copy a folder
#
# ```
# pip install "git+<address of this repository>"
# ```
#
# brings the library, `course_utils`, without the lessons. The backend for Keras is up to you. If you would rather not depend on a course,
# copy one folder, `course_utils/stopping`. It stands alone: callbacks need Keras and NumPy, plots need matplotlib.

# %%
import course_utils.stopping
import pathlib
import shutil
import sys
import tempfile

project = pathlib.Path(tempfile.mkdtemp())  # stands for your project
shutil.copytree(pathlib.Path(course_utils.stopping.__file__).parent, project / "stopping")
sys.path.insert(0, str(project))

# %% [markdown]
# ## An existing script
#
# Any script with a `fit` will do. What is new is marked: an import, the rule, its place in `callbacks`, and the report. We import from the
# copy, `stopping`.

# %%
import keras
from sklearn.datasets import load_digits
from stopping import NotFinite, Patience, StopWhen, TimeBudget  # new

x, y = load_digits(return_X_y=True)
train, new = (x[:1200] / 16, y[:1200]), (x[1200:] / 16, y[1200:])


def build_model():
    layers = [keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

# %%
model = build_model()
stop = StopWhen(Patience("val_loss", 5) | NotFinite() | TimeBudget(minutes=10),  # new
                restore_best="val_loss")  # new
model.fit(*train, validation_data=new, epochs=200, batch_size=64, verbose=0,
          callbacks=[stop])  # new
print(stop.report)  # new

# %% [markdown]
# The report says why the run ended and which epoch's weights you have. It is also there while the run goes on. After Ctrl-C, Keras
# calls no further callbacks: `stop.restore_best()` then gives you the best weights.

# %%
from stopping import plots
from course_utils.classroom.notebook import show

ax = plots.curve(stop.history, report=stop.report)
show(ax, alt="Training and validation loss of the run. A ring marks the epoch whose weights were kept, "
             "a dot the stop.")

# %% [markdown]
# ## A rule to start from
#
# | you have | start from |
# |---|---|
# | validation data | `Patience("val_loss", 10)` |
# | a metric that counts more than the loss | `Patience("val_accuracy", 10, mode="max")`, and for the weights `restore_best="val_accuracy"` |
# | a curve that jumps | more patience, or `Smoothed(5, Patience("val_loss", 10))` |
# | a value that is good enough | `Below("val_loss", 0.1)` |
# | no validation data | `ImprovementBelow("loss", 0.01, window=10, relative=True)` |
# | a machine by the hour | `TimeBudget(minutes=30)` |
# | always | `NotFinite()` |
#
# Join what fits with `|`. (`Smoothed(5, ...)` shows a rule the mean of the last five epochs instead of each epoch.) <!-- given: 0.1 -->

# %% [markdown]
# ## What patience counts
#
# Ten of what? And does the tool stop at the tenth failure, N, or at the next, N + 1?
#
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
# | Composer's `EarlyStopper` | epochs or batches, as you say | N + 1 |
#
# To carry a patience from one tool to another, turn it into steps (batches) first: epochs times batches in an epoch.

# %% [markdown]
# ## Ask the runs you have
#
# How much patience? As much as your curves need, and a finished run can be asked. Keep each `stop.history`, and replay rules on them before
# you pay for the next run. Yours would be `compare(rules, histories)`; here are 80 recorded runs of one problem.
# ([Regret](00_start_here.ipynb): how much test loss a rule gives away, against the best epoch of the whole run.)

# %%
# NBVAL_CHECK_OUTPUT
from course_utils.classroom import data
from stopping import compare

curves = data.load_curves("proben1")
rules = [Patience("val_loss", patience) for patience in (3, 10, 30, 100)]
print(compare(rules, curves.select(problem="building"), best="val_loss", measured="test_loss"))

# %% [markdown]
# Each step up costs more epochs than the one before, and saves less. With 100, more than half of the runs were never stopped. Another problem has another
# table.
#
# ## Rates that fall
#
# An **event** need not end a run: `When` does what you like at it, such as lowering the learning rate ([chapter 02](02_budgets_and_events.ipynb)).
# Then two rules watch the same column, `val_loss`, and the stop must be the more patient of the two. Here the validation loss never
# improves, and the rate falls after five failures. How many epochs does each stop leave for the lower rate?

# %%
# NBVAL_CHECK_OUTPUT
from stopping import When, scale_learning_rate


class Flat(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = 0.5


for patience in (5, 7, 15):
    lower = When(Patience("val_loss", 5), do=scale_learning_rate(0.1))
    end = StopWhen(Patience("val_loss", patience))
    build_model().fit(*train, epochs=50, batch_size=600, verbose=0, callbacks=[Flat(), lower, end])
    left = end.report.epoch - lower.events[0].epoch
    print(f"stop after {patience:2} failures: {left:2} epochs at the lower rate")

# %% [markdown]
# With equal patience the rate falls and the run ends in the same epoch. Keras's own pair does nearly that: `ReduceLROnPlateau` waits for ten
# epochs by default, so beside an `EarlyStopping` of patience 10 the lower rate is hardly ever used. (Not quite never:
# `ReduceLROnPlateau` ignores improvements below 0.0001, `EarlyStopping` counts any.) Give the stop two or three times the patience of the rate.
# <!-- given: 0.0001 -->
#
# `When` acts once, and `ReduceLROnPlateau` again and again; `When(..., times=3)` acts three times.

# %% [markdown]
# A **cosine** schedule is another matter: its small rates come at the end. A stop halfway
# leaves you with weights from large rates. So let the schedule be the stop, keep the best weights, and leave `NotFinite` and a budget for
# what goes wrong. (`scale_learning_rate` refuses an optimizer with a schedule.)

# %% [markdown]
# ## All the data, and no validation set
#
# You would like to train on everything in the end. How many epochs, with nothing left to look at? The usual answer: cross-validate, take
# the median of the folds' best epochs, and train for that long. We ask the recorded runs. *Blind* trains each of twenty splits for the
# median best epoch of five others, and keeps the last weights. *Watched* is the same split with a validation set and patience 10. In how
# many of the twenty does blind lose more?

# %%
# NBVAL_CHECK_OUTPUT
import numpy as np

print("regret, %   blind  watched   difference    blind worse : better")
for problem in ("diabetes", "soybean", "gene", "thyroid", "building"):
    runs = curves.select(problem=problem, units=64)
    best = [int(np.argmin(run["val_loss"])) for run in runs]
    lost = []
    for i, run in enumerate(runs):
        epochs = int(np.median(np.roll(best, -i)[1:6]))
        lost.append(100 * (run["test_loss"][epochs] / run["test_loss"][best[i]] - 1))
    watched = compare([Patience("val_loss", 10)], runs, measured="test_loss")[0].regret
    more = np.array(lost) - np.array(watched)
    print(f"{problem:9} {np.mean(lost):7.1f} {np.mean(watched):8.1f} {more.mean():+8.1f} ± "
          f"{more.std(ddof=1):4.1f} {(more > 0).sum():12} : {(more < 0).sum()}")

# %% [markdown]
# On average blind costs more. Run by run only gene leans clearly; elsewhere blind is better about as often, or nearly, and soybean's
# spread says that a few splits make its mean. This table leaves out what refitting is for: you train on the validation data as well. So refit
# when data are scarce; otherwise keep the validation set and the run that it stopped. (With more data an epoch has more steps. Whether to keep the epochs or the
# steps, nobody can tell you beforehand.)
#
# Within cross-validation, the fold that decides when to stop cannot also say how good the model is. Which brings us to the score.

# %% [markdown]
# ## The score of the chosen epoch
#
# You pick the epoch with the lowest validation loss, and report that loss. It was picked for being low. Chapter 03's training had 200
# validation sets: what do they promise, and what does a test set of 10,000 pictures say of the same weights?

# %%
# NBVAL_CHECK_OUTPUT
sets = data.load_curves("validation_sets")
print("pictures   lowest validation loss   test loss there")
for size in (25, 50, 200, 2000):
    runs = sets.select(shuffled=0, size=size)
    promised = [min(run["val_loss"]) for run in runs]
    kept = [run["test_loss"][int(np.argmin(run["val_loss"]))] for run in runs]
    print(f"{size:8} {np.mean(promised):24.2f} {np.mean(kept):17.2f}")
fixed = np.mean([run["val_loss"][12] for run in runs]), runs[0]["test_loss"][12]
print("epoch 12, always: {:15.3f} {:17.3f}".format(*fixed))

# %% [markdown]
# The smaller the set, the better it makes you look, and the worse the epoch that it picks. (In the last line nothing was chosen, and there is
# a gap of 0.02 all the same: the test pictures are a little harder. Subtract it from each row.) Report a score from data that chose nothing: not the epoch, not the rule, not
# the learning rate. <!-- given: 0.02 -->
#
# ## Reports for people and programs
#
# `stop.report` is a small record, `stop.history` a table: JSON and CSV take a line or two, and `pandas.DataFrame(stop.history)` works
# too.

# %%
import csv
import dataclasses
import json

(project / "report.json").write_text(json.dumps(dataclasses.asdict(stop.report), indent=1))
with open(project / "history.csv", "w", newline="") as file:
    csv.writer(file).writerows([stop.history, *zip(*stop.history.values())])
print((project / "report.json").read_text())

# %%
# NBVAL_CHECK_OUTPUT
with open(project / "history.csv", newline="") as file:
    rows = list(csv.DictReader(file))
print(*rows[0])
print("as many rows as epochs:", len(rows) == stop.report.epoch + 1)

# %% [markdown]
# ## In TensorBoard
#
# `TensorBoardReport` comes after its `StopWhen` in the list. It writes the score of every part of the rule beside its limit, and the reason
# as text. During the run you see how close each part is to its limit.

# %%
from stopping import GeneralizationLoss, TensorBoardReport

stop = StopWhen(Patience("val_loss", 5) | GeneralizationLoss(30) | TimeBudget(minutes=1),
                restore_best="val_loss")
build_model().fit(*train, validation_data=new, epochs=200, batch_size=64, verbose=0,
                  callbacks=[stop, TensorBoardReport(stop, project / "logs")])
print(stop.report.reason)

# %% [markdown]
# To look at it, `pip install tensorboard` and `tensorboard --logdir logs`. Here we read the same files and draw them ourselves:

# %%
from course_utils.classroom.chapter_91 import figures

figure = figures.scores_and_limits(project / "logs")
show(figure, alt="Three panels, each a score and its dashed limit: failures, generalization loss in percent, "
                 "seconds. On top, the reason.")

# %% [markdown]
# The rule is met where a line reaches its limit. In Weights & Biases, `wandb.init(sync_tensorboard=True)` before `fit` should pick up
# these files; we have not run it.

# %% [markdown]
# ## A machine that may be taken away
#
# Give `StopWhen` a folder, `state=`, and put `BackupAndRestore` behind it, with a folder of its own. Then a run that was killed goes on where it was:
# epoch, patience, best weights, seconds. `When` and `PruneWhen` take a folder as well: what they did is not done twice, and a pruned
# network keeps its zeros. (Keras's `EarlyStopping` [forgets](90_cabinet_of_traps.ipynb) everything but the current weights.) When its
# rule ends a run, the folders are emptied.
#
# Here the machine goes away as epoch 4 begins. The second call stands for the new process.

# %%
from stopping import Signal


def train_somewhere(*more):
    rule = Patience("val_loss", 5) | NotFinite() | Signal("SIGTERM")
    stop = StopWhen(rule, restore_best="val_loss", state=project / "state")
    backup = keras.callbacks.BackupAndRestore(project / "backup")
    build_model().fit(*train, validation_data=new, epochs=200, batch_size=64, verbose=0,
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
print("the epochs before it went away are in the history:", stop.history["val_loss"][:4] == seen)

# %% [markdown]
# If the order of your batches depends on nothing but the epoch, the resumed run is the one that you would have had, to the bit: one of our
# tests kills trainings at random points and compares. Here `fit` shuffles as it likes, so the resumed run is another one.

# %% [markdown]
# A well-behaved cluster warns you before it takes a machine: it sends SIGTERM, and waits a little. Three criteria end a run after the
# batch, and leave the folders as they are for the next job: <!-- given: 06:30 -->
#
# - `Signal("SIGTERM")` hears the warning.
# - `Deadline("06:30")` ends it early enough to be done by then: it has measured a batch, a validation and saving, and leaves room for one
#   of each. `Deadline()` takes the end of the SLURM job.
# - `StopFile("STOP")` waits for a colleague to make that file.

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
print("the second job has all epochs:", second.history["epoch"] == list(range(second.report.epoch + 1)))

# %% [markdown]
# In a script, end with `sys.exit(75 if stop.interrupted else 0)`, and let the scheduler read that number: 75 is the customary "try again
# later". (143, below, is 128 + 15: ended by SIGTERM.) With SLURM: <!-- given: 75, 143, 128, 15 -->
#
# ```bash
# # #!/bin/bash
# #SBATCH --time=04:00:00 --requeue --open-mode=append
# #SBATCH --signal=B:TERM@120    # two minutes before the end, to this script
# python train.py & job=$!
# trap 'kill -TERM $job' TERM
# wait $job; code=$?
# if [ $code -eq 143 ]; then wait $job; code=$?; fi    # the signal ended the wait, not the job
# if [ $code -eq 75 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
# exit $code
# ```
#
# A test runs these lines, with a stand-in for `scontrol`; on a cluster we have not run them.

# %% [markdown]
# ## A ceiling for memory
#
# Should a run also end when resources run short? A ceiling for memory makes sense: better to end with the best weights than to be killed by
# the system. A ceiling for the processor rarely does: a busy one is what you pay for.
#
# `Memory` is a probe: it adds a column, in MiB. (It needs psutil.) This ceiling is far too low, so that you see it work.

# %%
from stopping import Above, Memory

stop = StopWhen(Above("memory", 100) | Patience("val_loss", 5), restore_best="val_loss")
build_model().fit(*train, validation_data=new, epochs=200, batch_size=64, verbose=0,
                  callbacks=[Memory(), stop])
print(stop.report.reason)

# %%
shutil.rmtree(project)  # it was only a stand-in

# %% [markdown]
# ## Three sentences to keep
#
# Let every run say why it ended. Keep the history of every run, and choose the next rule by replay. Before a long run, kill a short one
# and see it come back.
#
# Back to the [cabinet of traps](90_cabinet_of_traps.ipynb), or to [00](00_start_here.ipynb).
