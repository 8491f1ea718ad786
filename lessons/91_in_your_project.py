# %% [markdown]
# # In your project
#
# You will
# - take the callbacks along into a folder of your own, and put them into a script that is there already,
# - choose a rule to start from,
# - leave a report behind, and survive a machine that is taken away.
#
# Ten minutes. No exercises: the exercise is your project.
#
# ## Install it, or copy a folder
#
# ```
# pip install "git+<address of this repository>"
# ```
#
# brings the library, `course_utils`, without the lessons; a backend for Keras is yours to bring. If you would rather not depend on a course,
# copy one folder, `course_utils/stopping`. It stands alone: callbacks ask for Keras and NumPy, plots for matplotlib.

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
# Any script with a `fit` will do. New are one import, the rule, its place in `callbacks`, and the report. We import from the copy,
# `stopping`.

# %%
import keras
from sklearn.datasets import load_digits
from stopping import NotFinite, Patience, StopWhen, TimeBudget  # new

x, y = load_digits(return_X_y=True)
train, new = (x[:1200] / 16, y[:1200]), (x[1200:] / 16, y[1200:])


def build_model():
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

# %%
model = build_model()
stop = StopWhen(Patience("val_loss", 5) | NotFinite() | TimeBudget(minutes=10), restore_best="val_loss")  # new
model.fit(*train, validation_data=new, epochs=200, batch_size=64, verbose=0,
          callbacks=[stop])  # new
print(stop.report)  # new

# %% [markdown]
# The report says why the run ended and which epoch's weights you have. It is also there while the run goes on. After Ctrl-C Keras calls
# nobody: `stop.restore_best()` then brings the best weights.

# %%
from stopping import plots
from course_utils.classroom.notebook import show

ax = plots.curve(stop.history, report=stop.report)
show(ax, alt="Training and validation loss of the run. A ring marks the epoch whose weights were kept, a dot the stop.")

# %% [markdown]
# ## A rule to start from
#
# | you have | start from |
# |---|---|
# | validation data | `Patience("val_loss", 10)` |
# | a metric that counts more than the loss | `Patience("val_accuracy", 10, mode="max")`, `restore_best="val_accuracy"` |
# | few validation data, a curve that jumps | `Smoothed(5, Patience("val_loss", 10))` |
# | a value that is good enough | `Below("val_loss", 0.1)` |
# | no validation data | `ImprovementBelow("loss", 0.01, window=10, relative=True)` |
# | a machine by the hour | `TimeBudget(minutes=30)` |
# | always | `NotFinite()` |
#
# Join what fits with `|`. <!-- given: 0.1 -->

# %% [markdown]
# ## Ask the runs you have
#
# How much patience? As much as your curves need, and a finished run can be asked. Keep each `stop.history`, and replay rules on them before
# you pay for the next run. Yours would be `compare(rules, histories)`; here are 80 recorded runs of one problem. Regret is the test loss that
# a rule gives away, against the epoch of lowest validation loss in the whole run.

# %%
# NBVAL_CHECK_OUTPUT
from course_utils.classroom import data
from stopping import compare

runs = data.load_curves("proben1").select(problem="building")
rules = [Patience("val_loss", patience) for patience in (3, 10, 30, 100)]
print(compare(rules, runs, best="val_loss", measured="test_loss"))

# %% [markdown]
# From row to row patience costs more and buys less. With 100, more than half of the runs never ended. Another problem has another table.
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
# `TensorBoardReport` stands after its `StopWhen`. It writes the score of every part of the rule beside its limit, and the reason as text. While
# the run goes on you see how near its end is.

# %%
from stopping import GeneralizationLoss, TensorBoardReport

stop = StopWhen(Patience("val_loss", 5) | GeneralizationLoss(30) | TimeBudget(minutes=1), restore_best="val_loss")
build_model().fit(*train, validation_data=new, epochs=200, batch_size=64, verbose=0,
                  callbacks=[stop, TensorBoardReport(stop, project / "logs")])
print(stop.report.reason)

# %% [markdown]
# To look at it, `pip install tensorboard` and `tensorboard --logdir logs`. Here we read the same files and draw them ourselves:

# %%
from course_utils.classroom.chapter_91 import figures

figure = figures.scores_and_limits(project / "logs")
show(figure, alt="Three panels, each a score and its dashed limit: patience, generalization loss, seconds. On top, the reason.")

# %% [markdown]
# The rule is met where a line gets to its limit. In Weights & Biases, `wandb.init(sync_tensorboard=True)` before `fit` takes these files along;
# we have not run it.
#
# ## A machine that may be taken away
#
# Give `StopWhen` a folder, and put `BackupAndRestore` behind it, with its own. Then a run that was killed goes on where it was: epoch,
# patience, best weights, seconds. (Keras's `EarlyStopping` [forgets](90_cabinet_of_traps.ipynb) all but the weights of the moment.) When a
# run ends, both folders are emptied.
#
# Here the machine goes away as epoch 4 begins. The second call stands for the new process.

# %%
def train_somewhere(*more):
    stop = StopWhen(Patience("val_loss", 5) | NotFinite(), restore_best="val_loss", state=project / "state")
    backup = keras.callbacks.BackupAndRestore(project / "backup")
    build_model().fit(*train, validation_data=new, epochs=200, batch_size=64, verbose=0, callbacks=[stop, backup, *more])
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
# If the order of your batches depends on the epoch alone, the resumed run is the one that would have been, to the bit: a test kills a
# training at twenty random points and compares. Here `fit` shuffles as it likes.
#
# ## A ceiling for memory
#
# Should a run also end when resources get short? A ceiling for memory makes sense: better an end with the best weights than a process that
# the system kills. A ceiling for the processor rarely does: a busy one is what you pay for.
#
# A probe is a callback that adds a column: `Memory`, in MiB. (It needs psutil.) This ceiling is far too low, to see
# it work.

# %%
from stopping import Above, Memory

stop = StopWhen(Above("memory", 100) | Patience("val_loss", 5), restore_best="val_loss")
build_model().fit(*train, validation_data=new, epochs=200, batch_size=64, verbose=0, callbacks=[Memory(), stop])
print(stop.report.reason)

# %%
shutil.rmtree(project)  # it was only a stand-in

# %% [markdown]
# ## Three sentences to keep
#
# Let every run say why it ended. Keep the history of every run, and choose the next rule by replay. Before a long run, kill a short one and see
# it come back.
#
# Back to the [cabinet of traps](90_cabinet_of_traps.ipynb), or to [00](00_start_here.ipynb).
