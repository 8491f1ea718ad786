# %% [markdown]
# # A cabinet of traps
#
# Thirteen ways in which Keras does something other than you meant. Most make no sound.
#
# You will
# - meet each trap in its smallest form,
# - see what mends it,
# - know which of your scripts to check.
#
# 50 minutes. You need budgets ([02](02_budgets_and_events.ipynb)) and `Patience`
# ([03](03_validation_early_stopping.ipynb)). Run the cells above drawer 1; then open any.
#
# <details><summary>In which versions?</summary>
#
# Keras 3.13.2, 3.14.0 and 3.15.1 on TensorFlow; tf_keras 2.21.0, unless a drawer says otherwise. Not
# tried: JAX, PyTorch.
#
# </details>

# %% [markdown]
# ## Which drawers are yours?
#
# | in your script | drawer |
# |---|---|
# | `set_random_seed`, `tf.random.set_seed` | [1](#1-the-seed) |
# | one callback for two trainings | [2](#2-the-callback-that-remembers) |
# | `baseline=` | [3](#3-the-baseline) |
# | `min_delta=` | [4](#4-the-margin-has-a-second-job) |
# | `mode=`; in tf_keras `monitor=`, too | [5](#5-one-letter-short) |
# | `logs["loss"]`, after a batch | [6](#6-the-loss-of-a-batch) |
# | `BackupAndRestore` | [7](#7-the-machine-is-taken-away) |
# | `stop_training` | [8](#8-time-is-up) |
# | `trainable = False`, in a callback | [9](#9-frozen-it-says) |
# | `validation_freq=` | [10](#10-where-was-the-best), [11](#11-three-of-what) |
# | Ctrl-C, the stop button | [12](#12-ctrl-c) |
# | `LogitsDistillation` | [13](#13-the-loss-without-a-softmax) |
# | `restore_best_weights=` | 4, 7, 12 |
#
# <details><summary>Or let grep look</summary>
#
# ```bash
# look() { grep -rnoE --include='*.py' --include='*.ipynb' --exclude-dir=.venv "$1" .; }
# look "random.set_seed|set_random_seed|ModelCheckpoint|EarlyStopping|(baseline|min_delta|mode|monitor) *="
# look "logs(\[|\.get\().{1,2}loss|BackupAndRestore|stop_training"
# look "\.trainable *=|validation_freq|LogitsDistillation"
# ```
#
# It misses arguments without a name, and your own Ctrl-C.
#
# </details>

# %%
from course_utils.stopping import NotFinite, Patience, StopWhen, batches
from course_utils.classroom.chapter_90 import drawers, exercises as ex, figures
from course_utils.classroom.chapter_90.drawers import Script, trap
from course_utils.classroom.notebook import show
import keras
import math
import numpy as np
import os
import tempfile
import warnings

print("Keras", keras.__version__, "on", keras.backend.backend())

# %%
x = np.linspace(-1, 1, 32, dtype="float32").reshape(16, 2)
y = np.sin(9 * x.sum(axis=1))


def new_model(rate=0.01, **settings):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse", **settings)
    return model


model = new_model()
# run(script, callback) trains this model on x and y, each time from the same first weights: an epoch for each
# number of the script, unless a callback stops it.
run = drawers.runner(model, x, y)
# trap(...), in every drawer, prints what happened, and what one expects.

# %% [markdown]
# ## How to read a drawer
#
# A tiny network trains on sixteen rows, in batches of four. `val_loss` is made up, even with validation data: a `Script` has
# one number for each epoch.
#
# `run(script, callback)` is `fit` with this callback, and returns the last epoch, counted from 0.
# `script.epoch_of_weights()` says which epoch's weights the model has.
#
# Where you see `...`, put your guess, then run.

# %% [markdown]
# <a id="1-the-seed"></a>
#
# ## 1. The seed
#
# *Keras 3 only.* **Yours if** you call `set_random_seed` or `tf.random.set_seed`, then `fit(x, y)`, as careful people
# and [02](02_budgets_and_events.ipynb) do.
#
# **One expects** a new order of the rows in each epoch.
#
# **Guess:** how many orders do three epochs have?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # 1, 2 or 3
row = np.arange(16)  # each row has its number as its label
watch = drawers.watcher(new_model)  # trains for three epochs, and returns the labels as the model saw them
drawers.forget_seed()  # in case one has been set
print("orders without a seed:", len(np.unique(watch(x, row, batch_size=4), axis=0)))
keras.utils.set_random_seed(0)
seeded = watch(x, row, batch_size=4)
trap("Orders with a seed", len(np.unique(seeded, axis=0)), expected=3, guess=guess)

# %% [markdown]
# **What happens:** one order, three times: each row meets the same three others in every epoch. We have not measured the
# cost.
#
# **Instead: give `fit` our `batches`.** Each epoch then has its own order, and the next run with this seed repeats them:

# %% tags=["reveal"]
# In your script, without batch_size and validation_split:
# model.fit(batches(x, y, size=32, seed=0), epochs=10)
mended = watch(batches(x, row, size=4, seed=7))
again = watch(batches(x, row, size=4, seed=7))  # call batches anew for each training
print("the same orders in the next run:", np.array_equal(mended, again))
show(figures.orders(seeded, mended),
     alt="Three epochs as rows of sixteen coloured squares, four to a batch. Seeded fit: three equal rows. "
         "With batches(): three different rows.")

# %% [markdown]
# <a id="2-the-callback-that-remembers"></a>
#
# ## 2. The callback that remembers
#
# **Yours if** one `ModelCheckpoint(save_best_only=True)` serves several trainings: folds, seeds. `EarlyStopping`,
# too, in Keras 3.13.2 and 3.14.0, not in 3.15.1.
#
# The first run's loss only rises. The second starts higher and falls: each of its four epochs is its own best.
# **One expects** four files from it.
#
# **Guess:** how many?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # files of the second run, 0 to 4
rising, falling = [0.1, 0.2, 0.3, 0.4], [0.9, 0.8, 0.7, 0.6]


def checkpoint(folder):  # saves each new best in a file that is named after its val_loss
    path = os.path.join(folder, "{val_loss}.weights.h5")
    return keras.callbacks.ModelCheckpoint(path, save_best_only=True, save_weights_only=True)


with tempfile.TemporaryDirectory() as folder:
    one_for_both = checkpoint(folder)
    run(Script(rising), one_for_both)
    run(Script(falling), one_for_both)
    files = sorted(os.listdir(folder))
trap("Files of the second run", len(files) - 1, expected=4, guess=guess)  # less the first run's only one
print(files)

# %% [markdown]
# **What happens:** none. The checkpoint still holds the first run's 0.1 against the second.
#
# **Instead: make a new callback for each training.** `StopWhen` starts afresh in every `fit`.

# %%
# NBVAL_CHECK_OUTPUT
stop = StopWhen(Patience("val_loss", 2), restore_best="val_loss")  # one for both runs
with tempfile.TemporaryDirectory() as folder:
    for losses in (rising, falling):
        script = Script(losses)
        last = run(script, stop, checkpoint(folder))  # a new checkpoint for each run
    print(sorted(os.listdir(folder)))
# If StopWhen still held the first run's 0.1, the second would end at epoch 1.
print(f"StopWhen, second run: last epoch {last}, weights of epoch {script.epoch_of_weights()}")

# %% [markdown]
# <a id="3-the-baseline"></a>
#
# ## 3. The baseline
#
# **Yours if** you pass `baseline=` to `EarlyStopping`.
#
# The documentation: "training will stop if the model doesn't show improvement over the baseline". The baseline is 0.1,
# patience 2. Our loss falls from 0.9 to 0.2 in eight epochs. **One expects** the run to stop after epoch 1: two misses.
#
# **Guess:** which epoch is the last?

# %% tags=["reveal"] claims=["90.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # last epoch, 0 to 7
slow = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
last = run(Script(slow), keras.callbacks.EarlyStopping(patience=2, baseline=0.1))
trap("Last epoch", last, expected=1, guess=guess)

# %% [markdown]
# **What happens:** all eight epochs run. Keras counts epochs, and sets the count to 0 only at a new best that is also
# below the baseline. It compares the count with patience only in an epoch that is *not* a new best. Here each is one: the
# count reaches eight, and nobody looks.
#
# **Instead: say what you mean**, as a function. "After two epochs, no loss below 0.1":

# %%
# NBVAL_CHECK_OUTPUT
def too_slow(history):
    losses = history["val_loss"]  # with validation_freq=, drop its None first
    return len(losses) >= 2 and min(losses) >= 0.1


stop = StopWhen(Patience("val_loss", 2) | too_slow)
print("last epoch:", run(Script(slow), stop))
print(stop.report.reason)

# %% [markdown]
# <a id="4-the-margin-has-a-second-job"></a>
#
# ## 4. The margin has a second job
#
# **Yours if** you set `min_delta=` and `restore_best_weights=True`.
#
# `min_delta=0.1` is a margin: only a loss more than 0.1 below the best resets patience. The losses are 0.50, 0.45, 0.41
# and 0.43. **One expects** the weights of epoch 2 back.
#
# **Guess:** which come back?

# %% tags=["reveal"] claims=["90.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # an epoch, 0 to 3
steady = [0.50, 0.45, 0.41, 0.43]
script = Script(steady)
run(script, keras.callbacks.EarlyStopping(patience=3, min_delta=0.1, restore_best_weights=True))
trap("Weights of epoch", script.epoch_of_weights(), expected=2, guess=guess)

# %% [markdown]
# **What happens:** those of epoch 0, the worst of the four. Epoch 2 was better by less than the margin, so Keras never
# stored it.
#
# **Instead: keep the best without a margin.** The `min_delta` of our `Patience` decides when to stop, and nothing else:

# %%
# NBVAL_CHECK_OUTPUT
script = Script(steady)
run(script, StopWhen(Patience("val_loss", 3, min_delta=0.1), restore_best="val_loss"))
print("weights of epoch", script.epoch_of_weights())

# %% [markdown]
# <a id="5-one-letter-short"></a>
#
# ## 5. One letter short
#
# **Yours if** you pass `mode=`, and the monitor's name has a typo. In tf_keras the typo is enough.
#
# The monitor is `"val_los"`. The loss does not move, and patience is 2. **One expects** an error, or to stop after epoch 2.

# %%
# NBVAL_CHECK_OUTPUT
flat = [0.5] * 8
with warnings.catch_warnings(record=True) as said:
    last = run(Script(flat), keras.callbacks.EarlyStopping("val_los", mode="min", patience=2))
trap("Last epoch", last, expected=2)
warned = [str(one.message) for one in said if "val_los" in str(one.message)]
print(f"warnings: {len(warned)}", *warned[:1], sep="\n")

# %% [markdown]
# **What happens:** all eight epochs run. Keras 3 shows one warning, and progress bars can scroll it away.
#
# **Instead: leave `mode` out.** Keras 3 then raises an error. It tells you to pass `mode`, without a word of typos: obey, and
# you are in the trap. It also comes for most metrics of your own. For those, and in tf_keras, use `StopWhen`: its
# `Patience` takes a mode, and the name is checked:

# %%
# NBVAL_CHECK_OUTPUT
for callback in (keras.callbacks.EarlyStopping("val_los", patience=2),
                 StopWhen(Patience("val_los", 2, mode="min"))):
    try:
        run(Script(flat), callback)
    except (ValueError, KeyError) as error:
        print(f"{type(callback).__name__}: {error}")

# %% [markdown]
# <a id="6-the-loss-of-a-batch"></a>
#
# ## 6. The loss of a batch
#
# **Yours if** a callback of yours reads `logs["loss"]` after a batch.
#
# **One expects** that batch's loss. The first batch has a loss of 100, the other three 0.
#
# **Guess:** what is `logs["loss"]` after the last batch?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # 0 to 100
seen = []
look = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
still = new_model(rate=0.0)
still.set_weights([0 * w for w in still.get_weights()])
labels = np.repeat([10.0, 0.0, 0.0, 0.0], 4)
still.fit(x, labels, batch_size=4, shuffle=False, verbose=0, callbacks=[look])
trap("After the last batch", float(seen[-1]), expected=0, guess=guess)
print("after each batch:", [round(float(loss), 1) for loss in seen])

# %% [markdown]
# **What happens:** it is the mean of the epoch so far.
#
# **Instead: pass `check="batch"` to `StopWhen`.** Its history then has each batch's own loss, and
# `Patience("batch_loss", 50)` counts batches:

# %%
# NBVAL_CHECK_OUTPUT
stop = StopWhen(NotFinite(), check="batch")  # NotFinite() never fires here: we want the history
still.fit(x, labels, batch_size=4, shuffle=False, verbose=0, callbacks=[stop])
print([round(loss) for loss in stop.history["batch_loss"]])

# %% [markdown]
# <a id="7-the-machine-is-taken-away"></a>
#
# ## 7. The machine is taken away
#
# **Yours if** a run with `EarlyStopping` went on from a `BackupAndRestore`.
#
# The best epoch is 2 and patience is 4. As epoch 4 begins, the machine is gone, and a new process goes on. **One
# expects** it to stop after epoch 6, with the weights of epoch 2.
#
# **Guess:** which epoch is the last?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # last epoch, 4 to 14
losses = [0.9, 0.8, 0.4] + [0.5] * 12


def keras_alone(folder):
    return [keras.callbacks.EarlyStopping(patience=4, restore_best_weights=True),
            keras.callbacks.BackupAndRestore(folder)]


# lose_machine plays it: an error as epoch 4 begins, then a second fit of a new model. Only the folder lasts.
script = Script(losses)
last = drawers.lose_machine(run, script, keras_alone, new_model, at=4)
trap("Last epoch", last, expected=6, guess=guess)
print("weights of epoch", script.epoch_of_weights())

# %% [markdown]
# **What happens:** two epochs too many, and the wrong weights. The backup has the latest weights and the epoch. The best
# loss and weights are lost, so the new `EarlyStopping` takes epoch 4 for the best.
#
# **Instead: give `StopWhen` a folder for its notes, `state=`, and list it before the backup.**

# %%
# NBVAL_CHECK_OUTPUT
# StopWhen first: if the machine goes between the two, that epoch is trained again and counted once.
# The other way round, its notes would lack an epoch that the backup has, and going on would be an error.
def with_notes(folder):
    notes, backup = os.path.join(folder, "stop"), os.path.join(folder, "backup")
    return [StopWhen(Patience("val_loss", 4), restore_best="val_loss", state=notes),
            keras.callbacks.BackupAndRestore(backup)]


# In your script: model.fit(..., callbacks=with_notes("a/folder/that/lasts")).
# When the run has ended by itself, notes and backup are removed, and the next training starts afresh.
script = Script(losses)
last = drawers.lose_machine(run, script, with_notes, new_model, at=4)
print(f"last epoch {last}, weights of epoch {script.epoch_of_weights()}")

# %% [markdown]
# <a id="8-time-is-up"></a>
#
# ## 8. Time is up
#
# **Yours if** a callback sets `stop_training` in mid-epoch.
#
# Ours sets it after the first of four batches. Validation has four, too. **One expects** none of them to run.
#
# **Guess:** how many do?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # validation batches, 0 to 4


class TimeIsUp(keras.callbacks.Callback):
    validated = 0

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = True

    def on_test_batch_end(self, batch, logs=None):
        self.validated += 1


stop = TimeIsUp()
run(Script([0.5]), stop, validation_data=(x, y))
trap("Validation batches after the stop", stop.validated, expected=0, guess=guess)

# %% [markdown]
# **What happens:** all four.
#
# **Instead: leave time for validation**, as `TimeBudget` does after the first epoch ([02](02_budgets_and_events.ipynb)).
# If none is left, Keras 3 can end it after one batch, whose `val_loss` no callback should use:

# %%
# NBVAL_CHECK_OUTPUT
class CutShort(TimeIsUp):
    def on_test_batch_end(self, batch, logs=None):
        self.validated += 1
        if self.model.stop_training:  # else validation is to run in full
            self.model.stop_evaluating = True  # tf_keras 2.21.0 does not look at this


stop = CutShort()
run(Script([0.5]), stop, validation_data=(x, y))
print("validation batches after the stop:", stop.validated)

# %% [markdown]
# <a id="9-frozen-it-says"></a>
#
# ## 9. Frozen, it says
#
# **Yours if** a callback freezes a layer during a fit, by `trainable = False`.
#
# Ours freezes the first layer as epoch 2 begins. **One expects** its weights to rest in epochs 2 and 3.
#
# **Guess:** in how many of the two do they move?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # 0, 1 or 2
mine = new_model()


def freeze(epoch, logs=None):
    mine.layers[0].trainable = epoch < 2  # True, True, False, False


script = Script([0.5] * 4)
run(script, keras.callbacks.LambdaCallback(on_epoch_begin=freeze), model=mine)
moved = script.moved(layer=0, since=2)  # in how many epochs, from 2 on, its weights changed
trap("Epochs in which it moved", moved, expected=0, guess=guess)
print("trainable:", mine.layers[0].trainable)

# %% [markdown]
# **What happens:** in both, while `trainable` says False. Keras built its training step earlier, with this layer in it.
#
# **Instead: have the step built anew**, by `make_train_function(force=True)`. Unfreezing this way can
# fail: see [06](06_transfer_learning.ipynb).

# %%
# NBVAL_CHECK_OUTPUT
mine = new_model()


def freeze_now(epoch, logs=None):
    freeze(epoch)
    if epoch == 2:
        mine.make_train_function(force=True)


script = Script([0.5] * 4)
run(script, keras.callbacks.LambdaCallback(on_epoch_begin=freeze_now), model=mine)
for layer in (0, 1):
    print(f"layer {layer} moved in {script.moved(layer, since=2)} of 2 epochs")

# %% [markdown]
# <a id="10-where-was-the-best"></a>
#
# ## 10. Where was the best?
#
# **Yours if** you set `validation_freq=` and find the best by `argmin`.
#
# With `validation_freq=2` Keras validates in epochs 1, 3 and 5. Epoch 3 is the best. **One expects** `argmin` to say so.
#
# **Guess:** what does it say?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # an epoch, 0 to 5
stop = StopWhen(NotFinite(), validation_freq=2)  # it never fires here: we want its history
run(Script([0.9, 0.8, 0.7, 0.1, 0.6, 0.5]), stop, validation_data=(x, y), validation_freq=2)
history = model.history.history  # what fit returned
trap("np.argmin", int(np.argmin(history["val_loss"])), expected=3, guess=guess)

# %% [markdown]
# **What happens:** it says 1, an epoch with a loss of 0.8. Keras keeps three values, not their epochs.
#
# **Instead: read a history that knows them.** That of `StopWhen` has `None` where nothing was measured.

# %% claims=["90.2"]
# NBVAL_CHECK_OUTPUT
print("Keras:   ", history["val_loss"])
print("StopWhen:", stop.history["val_loss"])
measured = [(loss, epoch) for epoch, loss in enumerate(stop.history["val_loss"]) if loss is not None]
print("best epoch:", min(measured)[1])

# %% [markdown]
# <a id="11-three-of-what"></a>
#
# ## 11. Three of what?
#
# **Yours if** you set both `validation_freq=` and `patience=`.
#
# Both are 3. The documentation calls patience a "number of epochs". The best epoch is 2, so **one expects** three more.
#
# **Guess:** how many more?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # epochs after the best, 0 to 17
late = [0.5] * 3 + [0.6] * 17
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns in epochs without validation
    last = run(Script(late), keras.callbacks.EarlyStopping(patience=3), validation_data=(x, y),
               validation_freq=3)
trap("Epochs after the best", last - 2, expected=3, guess=guess)

# %% [markdown]
# **What happens:** nine. `EarlyStopping` counts validations, and three of them take nine epochs.
#
# **Instead: divide the epochs you would wait by `validation_freq`, and round up.** Our `Patience` counts validations, too:

# %%
# NBVAL_CHECK_OUTPUT
epochs_to_wait, freq = 3, 3
# Tell StopWhen the validation_freq of fit. If you forget, a rule on val_loss raises an error after epoch 0.
stop = StopWhen(Patience("val_loss", math.ceil(epochs_to_wait / freq)), validation_freq=freq)
last = run(Script(late), stop, validation_data=(x, y), validation_freq=freq)
print("epochs after the best:", last - 2)

# %% [markdown]
# <a id="12-ctrl-c"></a>
#
# ## 12. Ctrl-C
#
# **Yours if** you interrupt runs and trust `restore_best_weights=True`.
#
# Epoch 1 is the best. You interrupt at the end of epoch 4. **One expects** the weights of epoch 1.
#
# **Guess:** which does it have?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # an epoch, 0 to 4


def ctrl_c(epoch, logs=None):
    if epoch == 4:
        raise KeyboardInterrupt


script = Script([0.5, 0.1, 0.2, 0.3, 0.4, 0.5])
early = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
try:
    run(script, early, keras.callbacks.LambdaCallback(on_epoch_end=ctrl_c))
except KeyboardInterrupt:
    trap("Weights of epoch", script.epoch_of_weights(), expected=1, guess=guess)
    # Keras 3 and tf_keras 2.21.0 restore as a run ends; tf_keras 2.15.1 only if EarlyStopping ended it.
    # In a notebook this line goes into the next cell, without the try. best_weights is None in epoch 0.
    model.set_weights(early.best_weights)
print("with early.best_weights:", script.epoch_of_weights())

# %% [markdown]
# **What happens:** those of epoch 4. Keras restores in `on_train_end`, which an interrupt skips.
#
# **Instead: fetch them from `early.best_weights`.** `StopWhen` has `restore_best()`; [91](91_in_your_project.ipynb)
# has a script.

# %% [markdown]
# <a id="13-the-loss-without-a-softmax"></a>
#
# ## 13. The loss without a softmax
#
# *Keras 3 only.* **Yours if** you use `LogitsDistillation` without `loss=`, or with `loss="kl_divergence"`.
#
# It compares a small network, the student, with a large one, the teacher. Our perfect student gives the teacher's
# outputs. The useless one gives 10 for every class. **One expects** perfection to have the lower loss.

# %%
# NBVAL_CHECK_OUTPUT
teacher = np.array([[4, 0, -2], [0, 3, 1]], "float32")  # raw outputs: two examples, three classes
students = {"perfect": teacher, "useless": np.full((2, 3), 10, "float32")}


def losses_of(distillation):
    return {name: round(float(distillation.compute_loss(teacher, student)), 2)
            for name, student in students.items()}


found = losses_of(keras.distillation.LogitsDistillation())
trap("The lower loss", min(found, key=found.get), expected="perfect")
print("as it comes:", found)
print("with the object:", losses_of(keras.distillation.LogitsDistillation(loss=keras.losses.KLDivergence())))

# %% [markdown]
# **What happens:** the useless one wins, with a loss below zero. The loss compares probabilities, which a **softmax**
# makes from raw outputs. Keras applies one for a `KLDivergence` object, not for the string `"kl_divergence"`, the default.
#
# **Instead: pass the object.** Keras then multiplies the loss by the square of `temperature`, 9 by default: weigh
# it anew against the labels' loss. <!-- given: 9 -->

# %% [markdown]
# ## Exercises
#
# **90.1 A lost machine.** A run with `EarlyStopping(patience=4, restore_best_weights=True)` left this log. Which epoch's
# weights does the model have at the end?
#
# ```
# epoch 0   val_loss 0.61
# epoch 1   val_loss 0.48
# epoch 2   val_loss 0.44
# epoch 3   val_loss 0.45
# epoch 4   val_loss 0.47
# (machine lost; BackupAndRestore goes on)
# epoch 5   val_loss 0.46
# epoch 6   val_loss 0.49
# epoch 7   val_loss 0.47
# epoch 8   val_loss 0.48
# epoch 9   val_loss 0.50
# early stopping
# ```

# %% tags=["exercise"]
answer = ...
ex.four_epochs.check(answer)  # or ex.four_epochs.hint(), ex.four_epochs.solution()

# %% tags=["solution"]
answer = 5  # after the restart nobody knows of epoch 2
ex.four_epochs.check(answer)

# %% [markdown]
# **90.2 Three in one loop.** In Keras 3 this loop walks into three traps. Which drawers?
#
# ```python
# keras.utils.set_random_seed(0)
# checkpoint = keras.callbacks.ModelCheckpoint("{val_loss:.3f}.keras", save_best_only=True)
# for train, held_out in folds:
#     model = build_model()  # compiled with metrics=["accuracy"]
#     stop = keras.callbacks.EarlyStopping("val_acc", mode="max", patience=5)
#     model.fit(x[train], y[train], validation_data=(x[held_out], y[held_out]), epochs=100,
#               callbacks=[stop, checkpoint])
# ```

# %% tags=["exercise"]
answer = [..., ..., ...]  # the numbers of three drawers, in any order
ex.three_in_one_loop.check(answer)

# %% tags=["solution"]
answer = [1, 2, 5]  # set_random_seed with fit(x, y); one checkpoint for all folds; val_acc for val_accuracy
ex.three_in_one_loop.check(answer)

# %% [markdown]
# **90.3 The epoch of the best.** `history` is `fit(...).history`, from epoch 0. With `validation_freq=2`
# Keras validated in epochs 1, 3, 5. Return the epoch with the lowest `val_loss`; of equals the first. No value is NaN.
#
# ```python
# best_epoch({"val_loss": [0.8, 0.1, 0.5]}, validation_freq=2)  # 3, as in drawer 10
# ```

# %% tags=["exercise"]
def best_epoch(history, validation_freq):
    return ...


ex.epoch_of_the_best.check(best_epoch)

# %% tags=["solution"]
def best_epoch(history, validation_freq):
    return (np.argmin(history["val_loss"]) + 1) * validation_freq - 1


ex.epoch_of_the_best.check(best_epoch)

# %%
ex.summary()

# %% [markdown]
# ## And without our library?
#
# <details><summary>Drawers 1, 3 to 8, and 10; the other cures are plain Keras</summary>
#
# - 1: a tf.data pipeline that shuffles.
# - 3, 5, 8: a callback of your own; [02](02_budgets_and_events.ipynb) has one for 8.
# - 4: `ModelCheckpoint(save_best_only=True)`; load its file.
# - 6: `reset_metrics()` before each batch; the epoch's loss is then the last batch's.
# - 7: `ModelCheckpoint` for every epoch, and `CSVLogger(append=True)`; load the file of the log's best epoch. Files count
#   from 1, the log from 0. The stop comes late.
# - 10: exercise 90.3.
#
# </details>

# %% [markdown]
# ## Three sentences to keep
#
# A stop that never fires is easily missed, so have every run say why it ended. Look up the best epoch in a history that
# has the epoch of each value. Try a callback on a run whose end you know.
#
# Next: [91 In your project](91_in_your_project.ipynb).
