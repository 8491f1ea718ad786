# %% [markdown]
# # A cabinet of traps
#
# Twelve ways in which stopping goes wrong in Keras without an error. One guess each, then the fix.
#
# You will
# - meet each trap in its smallest form,
# - see the one line that mends it,
# - know which of your old results to look at again.
#
# 45 minutes. First run the cells above drawer 1; then open the drawers in any order.

# %%
from course_utils.stopping import Above, After, NotFinite, Patience, StopWhen, batches
from course_utils.classroom.chapter_90 import exercises as ex, figures
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np
import os
import tempfile
import warnings

# %%
x = np.linspace(-1, 1, 32, dtype="float32").reshape(16, 2)
y = np.sin(9 * x.sum(axis=1))


def new_model(rate=0.01, **settings):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse", **settings)
    return model


model = new_model()
start = model.get_weights()

# %% [markdown]
# A model of nine weights and sixteen rows of data: four batches an epoch. The training is real, but `val_loss` was written beforehand,
# so that we know what a stop ought to do.

# %%
class Script(keras.callbacks.Callback):
    """A run whose val_loss is written beforehand. It keeps the weights of every epoch."""

    def __init__(self, val_loss):
        super().__init__()
        self.val_loss, self.weights = val_loss, []

    def on_epoch_end(self, epoch, logs=None):
        self.last_epoch = epoch
        self.weights.append(self.model.get_weights()[0])
        if self.always or "val_loss" in logs:  # run(), below, sets always
            logs["val_loss"] = self.val_loss[epoch]

    def epoch_of_weights(self):
        return [np.array_equal(w, model.get_weights()[0]) for w in self.weights].index(True)

# %%
def run(script, *callbacks, model=model, **settings):
    """Train from the start, for the script's epochs unless a callback stops; returns the last epoch."""
    script.always = "validation_data" not in settings  # else only in epochs in which Keras validates
    model.set_weights(start)
    model.fit(x, y, batch_size=4, epochs=len(script.val_loss), verbose=0, callbacks=[script, *callbacks],
              **settings)
    return script.last_epoch


def trap(guess, seen, what, safe):
    reveal(guess, seen, what)
    if seen == safe:
        print(f"Keras {keras.__version__} does the right thing: this trap is gone.")

# %% [markdown]
# Every drawer names the versions on which we saw its trap. The cell finds out whether yours still has it.
#
# ## 1. One order
#
# You set the seed, as one should. Then `fit(x, y)` trains for three epochs, and shuffles before each. How many different orders of the
# sixteen rows does the model see? The labels are row numbers, and a metric writes them down.
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1. Not in tf_keras 2.21.0.*

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # orders in three epochs
keras.utils.set_random_seed(0)
seen = []


def rows(y_true, y_pred):
    seen.extend(y_true.numpy().ravel())
    return 0.0


watched = new_model(metrics=[rows], run_eagerly=True)
watched.fit(x, np.arange(16), batch_size=4, epochs=3, verbose=0)
seeded = np.reshape(seen, (3, 16))
trap(guess, len(np.unique(seeded, axis=0)), "Different orders", safe=3)

# %% [markdown]
# One: the noise that a new order brings to each epoch is gone. A tf.data pipeline that shuffles by itself has both: a new order for each
# epoch, and the same orders when you run it again.

# %%
# NBVAL_CHECK_OUTPUT
seen.clear()
watched.fit(batches(x, np.arange(16), size=4, seed=0), epochs=3, verbose=0)
mended = np.reshape(seen, (3, 16))
print("different orders:", len(np.unique(mended, axis=0)))

# %% tags=["reveal"]
show(figures.orders(seeded, mended),
     alt="Three epochs as rows of sixteen coloured squares. Seeded fit: three equal rows. "
         "With batches(): three different rows.")

# %% [markdown]
# ## 2. The callback that remembers
#
# One `ModelCheckpoint` for two models, as in a loop over folds. It saves each epoch that is the best so far. The first run goes from bad to
# worse. The second improves in each of its four epochs, from a higher loss. How many of them are saved?
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1, tf_keras 2.21.0. With `EarlyStopping`: Keras 3.13.2, 3.14.0.*

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # saved epochs of the second run, of four
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "{val_loss}.weights.h5")
    best = keras.callbacks.ModelCheckpoint(path, save_best_only=True, save_weights_only=True)
    run(Script([0.1, 0.2]), best)
    first = os.listdir(folder)
    run(Script([0.9, 0.8, 0.7, 0.6]), best)
    trap(guess, len(os.listdir(folder)) - len(first), "Saved of the second run", safe=4)

# %% [markdown]
# None. The second model is measured against the first one's best, 0.1. `EarlyStopping` does the same on Keras 3.13.2 and 3.14.0: with a
# patience of 2 it ends the second run in epoch 1. The fix is a new callback for each `fit`. `StopWhen` starts afresh by itself.

# %%
# NBVAL_CHECK_OUTPUT
stop = StopWhen(Patience("val_loss", 2), restore_best="val_loss")
run(Script([0.1, 0.2, 0.3, 0.4]), stop)
second = Script([0.9, 0.8, 0.7, 0.6])
run(second, stop)
print(f"second run: last epoch {second.last_epoch}, weights of epoch {second.epoch_of_weights()}")

# %% [markdown]
# ## 3. The baseline
#
# "... training will stop if the model doesn't show improvement over the baseline", says Keras. The baseline is 0.1, patience is 2, and
# the loss never gets there. It does get a little better in each of the eight epochs. In which epoch does training end?
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1, tf_keras 2.21.0.*

# %% tags=["reveal"] claims=["90.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # last epoch, of 0 to 7
slow = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
last = run(Script(slow), keras.callbacks.EarlyStopping(patience=2, baseline=0.1))
trap(guess, last, "Last epoch", safe=1)

# %% [markdown]
# While every epoch improves on all before it, Keras never gets to the line that compares the wait with the patience. If you mean "below
# 0.1 from epoch 2 on, or it is not worth it", say that.

# %%
# NBVAL_CHECK_OUTPUT
stop = StopWhen(After(2, Above("val_loss", 0.1)))
run(Script(slow), stop)
print(stop.report.reason)

# %% [markdown]
# ## 4. The best that was not kept
#
# `min_delta=0.1` should say which improvements count for patience. `restore_best_weights=True` should bring back the best epoch. Which
# epoch's weights do you get?
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1, tf_keras 2.21.0.*

# %% tags=["reveal"] claims=["90.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # the epoch whose weights come back
steady = Script([0.50, 0.45, 0.41, 0.43])
run(steady, keras.callbacks.EarlyStopping(patience=3, min_delta=0.1, restore_best_weights=True))
trap(guess, steady.epoch_of_weights(), "Weights of epoch", safe=2)

# %% [markdown]
# Epoch 2 was better, but by less than `min_delta`, so it was never stored. In `StopWhen` the margin decides when to stop, and nothing else.

# %%
# NBVAL_CHECK_OUTPUT
again = Script(steady.val_loss)
run(again, StopWhen(Patience("val_loss", 3, min_delta=0.1), restore_best="val_loss"))
print("weights of epoch", again.epoch_of_weights())

# %% [markdown]
# ## 5. One letter short
#
# The monitor is misspelt, and `mode="min"` is given. The loss does not improve at all, and patience is 2. In which epoch, of 0 to 7, does training end?
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1 with `mode` given; tf_keras 2.21.0 with any mode.*

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # last epoch
flat = Script([0.5] * 8)
with warnings.catch_warnings(record=True) as said:
    last = run(flat, keras.callbacks.EarlyStopping("val_los", mode="min", patience=2))
trap(guess, last, "Last epoch", safe=2)
warned = [str(one.message)[:53] for one in said if "val_los" in str(one.message)]
print("in each epoch:", (warned or ["no warning"])[0], "...")

# %% [markdown]
# It warns, in lines that scroll away among the progress bars. (With `mode="auto"` Keras 3 raises an error, since it cannot know the
# direction.) A stop that cannot see its column should not let you go on training.

# %%
# NBVAL_CHECK_OUTPUT
try:
    run(flat, StopWhen(Patience("val_los", 2, mode="min")))
except KeyError as error:
    print(error)

# %% [markdown]
# ## 6. The loss of a batch
#
# The weights are zero and stay zero. The first batch has labels of 10, so its loss is 100; the other three batches have a loss of 0. A
# callback looks at `logs["loss"]` after the last batch. What does it see?
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1, tf_keras 2.21.0.*

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # logs["loss"] after the last batch
seen = []
look = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
still = new_model(rate=0.0)
still.set_weights([0 * w for w in start])
labels = np.repeat([10.0, 0.0, 0.0, 0.0], 4)
still.fit(x, labels, batch_size=4, shuffle=False, verbose=0, callbacks=[look])
trap(guess, float(seen[-1]), "After the last batch", safe=0.0)
print("after each batch:", [round(float(loss), 1) for loss in seen])

# %% [markdown]
# The mean of the epoch so far. A spike in a late batch hardly shows, and each epoch begins with a jump. With `check="batch"` the history
# of `StopWhen` has each batch's own loss as a column, `batch_loss`. (A model with several outputs has another such trap:
# [07b](07b_more_on_several_inputs.ipynb).)

# %%
# NBVAL_CHECK_OUTPUT
stop = StopWhen(NotFinite(), check="batch")
still.fit(x, labels, batch_size=4, shuffle=False, verbose=0, callbacks=[stop])
print([round(loss, 1) + 0.0 for loss in stop.history["batch_loss"]])

# %% [markdown]
# ## 7. A patience that forgets
#
# The best epoch is 2 and patience is 4, so this run should end with epoch 6. As epoch 5 begins, the machine is taken away. A new process
# goes on from the backup of `BackupAndRestore`. In which epoch does it end?
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1, tf_keras 2.21.0.*

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # last epoch, of 0 to 14
def taken_away(epoch, logs=None):
    if epoch == 5:
        raise RuntimeError("the machine is gone")


def resumed(callbacks):
    script = Script([0.9, 0.8, 0.4] + [0.5] * 12)
    try:
        lost = keras.callbacks.LambdaCallback(on_epoch_begin=taken_away)
        run(script, *callbacks(), lost, model=new_model())
    except RuntimeError:
        return run(script, *callbacks(), model=new_model())  # as a new process: all is new but the folder


with tempfile.TemporaryDirectory() as folder:
    last = resumed(lambda: [keras.callbacks.BackupAndRestore(folder),
                            keras.callbacks.EarlyStopping(patience=4)])
trap(guess, last, "Last epoch", safe=6)

# %% [markdown]
# The backup holds the weights and the epoch. What the callback knew is gone: it takes epoch 5 for the best so far, and waits from there.
# `StopWhen` writes down what it knows, if you give it a folder. Put it before `BackupAndRestore` in the list. If the machine fails
# between the two callbacks, `StopWhen` has noted one epoch more than the backup, and drops it. In the other order it would lack one.

# %%
# NBVAL_CHECK_OUTPUT
with tempfile.TemporaryDirectory() as folder:
    notes, backup = os.path.join(folder, "stop"), os.path.join(folder, "backup")
    last = resumed(lambda: [StopWhen(Patience("val_loss", 4), restore_best="val_loss", state=notes),
                            keras.callbacks.BackupAndRestore(backup)])
print("last epoch:", last)

# %% [markdown]
# ## 8. The validation after the stop
#
# A callback sets `stop_training` after the first of four batches, because time is up. Validation has four batches too. How many of
# those still run?
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1, tf_keras 2.21.0.*

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # validation batches after the stop
class TimeIsUp(keras.callbacks.Callback):
    validated = 0

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = True

    def on_test_batch_end(self, batch, logs=None):
        self.validated += 1


stop = TimeIsUp()
run(Script([0.5] * 8), stop, validation_data=(x, y))
trap(guess, stop.validated, "Validation batches after the stop", safe=0)

# %% [markdown]
# All of them: the batch loop ends, the epoch does not. On a large validation set that is minutes after the deadline. So `TimeBudget`
# stops earlier, by the time that the previous validation took. Keras 3 can also cut validation short; its `val_loss` is then that of the
# batches seen.

# %%
# NBVAL_CHECK_OUTPUT
class CutShort(TimeIsUp):
    def on_test_batch_end(self, batch, logs=None):
        self.validated += 1
        self.model.stop_evaluating = True  # tf_keras 2.21.0 does not look at this


stop = CutShort()
run(Script([0.5] * 8), stop, validation_data=(x, y))
print("validation batches after the stop:", stop.validated)

# %% [markdown]
# ## 9. Frozen, it says
#
# At the start of epoch 2 a callback sets `trainable = False` on the first layer. In how many of the two epochs that follow do the layer's
# weights still move?
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1, tf_keras 2.21.0.*

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # epochs, of two
def freeze(epoch, logs=None):
    model.layers[0].trainable = epoch < 2


def moved(script, callback):
    run(script, callback)
    return sum(not np.array_equal(a, b) for a, b in zip(script.weights[1:], script.weights[2:]))


script = Script([0.5] * 4)
freezer = keras.callbacks.LambdaCallback(on_epoch_begin=freeze)
trap(guess, moved(script, freezer), "Epochs in which it moved", safe=0)

# %% [markdown]
# `model.layers[0].trainable` reads `False`, and `summary()` agrees. But the training step was compiled before, with this layer in it.
# Have it made again. (Between two fits `compile` does that. In the middle of one it takes the step away, and the next batch fails.)

# %%
# NBVAL_CHECK_OUTPUT
def freeze_now(epoch, logs=None):
    freeze(epoch)
    if epoch in (0, 2):
        model.make_train_function(force=True)


freezer = keras.callbacks.LambdaCallback(on_epoch_begin=freeze_now)
print("epochs in which it moved:", moved(Script([0.5] * 4), freezer))
model.layers[0].trainable = True  # for the other drawers
model.make_train_function(force=True)

# %% [markdown]
# ## 10. Where was the best?
#
# To save time you validate after every second epoch: `validation_freq=2`. The best validation is in epoch 3. What does
# `np.argmin(history["val_loss"])` say?
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1, tf_keras 2.21.0.*

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # np.argmin(history["val_loss"])
script = Script([0.9, 0.8, 0.7, 0.1, 0.6, 0.5])
stop = StopWhen(NotFinite(), validation_freq=2)
run(script, stop, validation_data=(x, y), validation_freq=2)
history = model.history.history  # what fit returned
trap(guess, int(np.argmin(history["val_loss"])), "np.argmin", safe=3)

# %% [markdown]
# Keras keeps the values and loses their places: six losses, three validation losses, and no word about which epochs they belong to. The
# history of `StopWhen` has a `None` in each epoch without validation.

# %% claims=["90.2"]
# NBVAL_CHECK_OUTPUT
print("Keras:   ", history["val_loss"])
print("StopWhen:", stop.history["val_loss"])

# %% [markdown]
# ## 11. Ctrl-C
#
# You have seen enough, and interrupt the run in epoch 4. `restore_best_weights=True` is on, and epoch 1 was the best. Which epoch's
# weights does the model have?
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1, tf_keras 2.21.0.*

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # the epoch whose weights you have
def ctrl_c(epoch, logs=None):
    if epoch == 4:
        raise KeyboardInterrupt


script = Script([0.5, 0.1, 0.2, 0.3, 0.4, 0.5])
stop = StopWhen(Patience("val_loss", 5), restore_best="val_loss")
early = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
try:
    run(script, early, stop, keras.callbacks.LambdaCallback(on_epoch_end=ctrl_c))
except KeyboardInterrupt:
    trap(guess, script.epoch_of_weights(), "Weights of epoch", safe=1)

# %% [markdown]
# The weights are restored in `on_train_end`, which Keras does not call after an interrupt. They are still there, in the callback.

# %%
# NBVAL_CHECK_OUTPUT
stop.restore_best()  # with EarlyStopping: model.set_weights(early.best_weights)
print("weights of epoch", script.epoch_of_weights())

# %% [markdown]
# ## 12. Patience is counted in evaluations
#
# `validation_freq=3` and `patience=3`. The best validation is in epoch 2, and nothing better comes. How many more epochs are
# trained?
#
# *Seen: Keras 3.13.2, 3.14.0, 3.15.1, tf_keras 2.21.0.*

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # epochs after the best
late = Script([0.5] * 3 + [0.6] * 17)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns in epochs without validation
    last = run(late, keras.callbacks.EarlyStopping(patience=3), validation_data=(x, y), validation_freq=3)
trap(guess, last - 2, "Epochs after the best", safe=3)

# %% [markdown]
# Three evaluations are nine epochs. Our `Patience` counts the same way, and so does Lightning. Decide how many epochs you are willing to
# wait, and divide by `validation_freq`. ([Chapter 91](91_in_your_project.ipynb) has a table of who counts what.)

# %%
# NBVAL_CHECK_OUTPUT
epochs_to_wait, freq = 3, 3
stop = StopWhen(Patience("val_loss", epochs_to_wait // freq), validation_freq=freq)
print("epochs after the best:", run(late, stop, validation_data=(x, y), validation_freq=freq) - 2)

# %% [markdown]
# ## Exercises
#
# Which trap is this?
#
# **90.1 A lost node.** A run with `EarlyStopping(patience=4, restore_best_weights=True)` left this log. Which drawer is it? Give its number,
# 1 to 12.
#
# ```
# epoch 0   val_loss 0.61
# epoch 1   val_loss 0.48
# epoch 2   val_loss 0.44
# epoch 3   val_loss 0.45
# epoch 4   val_loss 0.47
# (node lost; started again, going on from the backup)
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
answer = 7  # it waited four epochs from epoch 5, not from epoch 2
ex.four_epochs.check(answer)

# %% [markdown]
# **90.2 Three in one loop.** This loop over folds has walked into three drawers. Which? The model is compiled with `metrics=["accuracy"]`.
#
# ```python
# keras.utils.set_random_seed(0)
# checkpoint = keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True)
# for train, new in folds:
#     model = build_model()
#     stop = keras.callbacks.EarlyStopping("val_acc", mode="max", patience=5)
#     model.fit(x[train], y[train], validation_data=(x[new], y[new]), epochs=100, callbacks=[stop, checkpoint])
# ```

# %% tags=["exercise"]
answer = [..., ..., ...]  # three drawers
ex.three_in_one_loop.check(answer)

# %% tags=["solution"]
answer = [1, 2, 5]  # set_random_seed with fit(x, y); one checkpoint for all folds; val_acc for val_accuracy
ex.three_in_one_loop.check(answer)

# %% [markdown]
# **90.3 The epoch of the best.** `history` is the dictionary `fit(...).history`, from a fit with `validation_freq`. Return the epoch,
# counted from 0, with the lowest `val_loss` (none of them is NaN); of equals, the first. Keras validates after every `validation_freq` epochs.

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
# ## Three sentences to keep
#
# A stop that never fires is silent, so let it say why a run ended. Trust no best epoch that you have not looked up in a history that knows its
# epochs. Try a
# callback on a run whose end you know.
#
# Next: [91 In your project](91_in_your_project.ipynb). All of it in a script of your own.
