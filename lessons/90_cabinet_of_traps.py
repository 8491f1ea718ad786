# %% [markdown]
# # A cabinet of traps
#
# Thirteen ways in which Keras quietly does something that you did not mean. Drawers 3, 5, 7, 8 and 12 are about when a run stops; 2, 4,
# 10 and 11, about which epoch it keeps; the others, about what it trains on and measures.
#
# You will
# - meet each trap in its smallest form,
# - see what mends it,
# - know which of your old results to look at again.
#
# 50 minutes. You need budgets ([02](02_budgets_and_events.ipynb)) and `Patience` ([03](03_validation_early_stopping.ipynb)). First run
# the cells above drawer 1; then open the drawers in any order.
#
# We saw each trap with Keras 3.13.2, 3.14.0 and 3.15.1 on TensorFlow and, unless its drawer says otherwise, with tf_keras 2.21.0, the old
# Keras 2. On JAX and PyTorch we have not looked.

# %%
from course_utils.stopping import Above, After, NotFinite, Patience, StopWhen, batches
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
run = drawers.runner(model, x, y)

# %% [markdown]
# Nine weights, sixteen rows, four batches an epoch. The training is real, but the `val_loss` that callbacks see is scripted, so we know
# what a stop ought to do. `run(Script([0.5, 0.4]), callback)` trains for two epochs, unless the callback ends it sooner, and returns the
# last one's number, counted from 0. `epoch_of_weights()` says which epoch's weights the model has. If your version
# gives the `safe` answer, the trap is gone.
#
# ## 1. The seed
#
# *Keras 3 only.*
#
# You set the seed, as one should, and train for three epochs with `fit(x, y)`. In how many different orders does the model see
# the sixteen rows? (The labels are row numbers, and a metric notes them.)

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # orders in three epochs
seen = []


def rows(y_true, y_pred):
    seen.extend(y_true.numpy().ravel())
    return 0.0


watched = new_model(metrics=[rows], run_eagerly=True)  # so that the metric can take notes
drawers.forget_seed()  # as if none had been set
watched.fit(x, np.arange(16), batch_size=4, epochs=3, verbose=0)
keras.utils.set_random_seed(0)
watched.fit(x, np.arange(16), batch_size=4, epochs=3, verbose=0)
unseeded, seeded = np.reshape(seen, (2, 3, 16))
trap(guess, len(np.unique(seeded, axis=0)), "Different orders", safe=3)
print("without a seed:", len(np.unique(unseeded, axis=0)))

# %% [markdown]
# One: each epoch has the same batches in the same order. With a seed set, the shuffle of each epoch starts from the same random state.
# Our `batches` gives `fit` a new order in each epoch, and the same orders again in the next run:

# %% tags=["reveal"]
seen.clear()
for _ in range(2):
    watched.fit(batches(x, np.arange(16), size=4, seed=0), epochs=3, verbose=0)
mended, again = np.reshape(seen, (2, 3, 16))
print("the same orders in the next run:", np.array_equal(mended, again))
show(figures.orders(seeded, mended),
     alt="Three epochs as rows of sixteen coloured squares. Seeded fit: three equal rows. "
         "With batches(): three different rows.")

# %% [markdown]
# ## 2. The callback that remembers
#
# One `ModelCheckpoint` for two models, as in a loop over folds. It saves each epoch that is the best so far. The first run goes from bad
# to worse. The second improves in each of its four epochs, from a higher loss. How many of them are saved?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # saved epochs of the second run, of four


def checkpoint(folder):
    path = os.path.join(folder, "{val_loss}.weights.h5")
    return keras.callbacks.ModelCheckpoint(path, save_best_only=True, save_weights_only=True)


with tempfile.TemporaryDirectory() as folder:
    one_for_all = checkpoint(folder)
    run(Script([0.1, 0.2]), one_for_all)
    first = os.listdir(folder)
    run(Script([0.9, 0.8, 0.7, 0.6]), one_for_all)
    trap(guess, len(os.listdir(folder)) - len(first), "Saved of the second run", safe=4)

# %% [markdown]
# None. The second model is measured against the first one's best, 0.1. `EarlyStopping` does the same on Keras 3.13.2 and 3.14.0; 3.15.1
# has mended it. So make a new callback for each `fit`. `StopWhen` starts afresh by itself.

# %%
# NBVAL_CHECK_OUTPUT
stop = StopWhen(Patience("val_loss", 2), restore_best="val_loss")
with tempfile.TemporaryDirectory() as folder:
    run(Script([0.1, 0.2, 0.3, 0.4]), stop, checkpoint(folder))
    first, second = os.listdir(folder), Script([0.9, 0.8, 0.7, 0.6])
    run(second, stop, checkpoint(folder))
    print("saved of the second run:", len(os.listdir(folder)) - len(first))
print(f"StopWhen: last epoch {second.last_epoch}, weights of epoch {second.epoch_of_weights()}")

# %% [markdown]
# ## 3. The baseline
#
# Keras's documentation says of `baseline`: "training will stop if the model doesn't show improvement over the baseline". The baseline is
# 0.1, and patience is 2. The loss never gets down to 0.1, but it improves a little in each of the eight epochs. In which epoch does
# training end?

# %% tags=["reveal"] claims=["90.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # last epoch, of 0 to 7
slow = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
last = run(Script(slow), keras.callbacks.EarlyStopping(patience=2, baseline=0.1))
trap(guess, last, "Last epoch", safe=1)

# %% [markdown]
# In the last, as if `baseline` were not there. Keras counts the epochs that miss the baseline, but looks at the count only in an epoch
# that fails to beat the best so far. Here there is none. If you mean "never above 0.1 from epoch 1 on", say that:

# %%
# NBVAL_CHECK_OUTPUT
stop = StopWhen(After(1, Above("val_loss", 0.1)))
run(Script(slow), stop)
print(stop.report.reason)

# %% [markdown]
# ## 4. The margin has a second job
#
# You set `min_delta=0.1` so that only clear improvements reset the patience, and `restore_best_weights=True` to get the best epoch back.
# The losses are 0.50, 0.45, 0.41 and 0.43. Which epoch's weights do you get?

# %% tags=["reveal"] claims=["90.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # the epoch whose weights come back
steady = Script([0.50, 0.45, 0.41, 0.43])
run(steady, keras.callbacks.EarlyStopping(patience=3, min_delta=0.1, restore_best_weights=True))
trap(guess, steady.epoch_of_weights(), "Weights of epoch", safe=2)

# %% [markdown]
# You get 0.50 instead of 0.41: epoch 2 was better, but by less than `min_delta`, so it was never stored. In `StopWhen`, `min_delta`
# decides when to stop, and nothing else.

# %%
# NBVAL_CHECK_OUTPUT
again = Script(steady.val_loss)
run(again, StopWhen(Patience("val_loss", 3, min_delta=0.1), restore_best="val_loss"))
print("weights of epoch", again.epoch_of_weights())

# %% [markdown]
# ## 5. One letter short
#
# *Keras 3 with `mode` given; tf_keras with any mode.*
#
# The monitor is misspelt, and `mode="min"` is given. The loss does not improve at all, and patience is 2. In which epoch does
# training end?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # last epoch, of 0 to 7
flat = Script([0.5] * 8)
with warnings.catch_warnings(record=True) as said:
    last = run(flat, keras.callbacks.EarlyStopping("val_los", mode="min", patience=2))
trap(guess, last, "Last epoch", safe=2)
warned = [str(one.message) for one in said if "val_los" in str(one.message)]
print("warnings in 8 epochs:", len(warned), *warned[:1])

# %% [markdown]
# Keras 3 does warn, but Python shows a repeated warning only once, and it scrolls away above the progress bars. (With `mode="auto"` Keras
# raises an error, since it cannot tell whether lower or higher is better.) A stop that lacks its column should say so:

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

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # logs["loss"] after the last batch
seen = []
look = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
still = new_model(rate=0.0)
still.set_weights([0 * w for w in still.get_weights()])
labels = np.repeat([10.0, 0.0, 0.0, 0.0], 4)
still.fit(x, labels, batch_size=4, shuffle=False, verbose=0, callbacks=[look])
trap(guess, float(seen[-1]), "After the last batch", safe=0.0)
print("after each batch:", [round(float(loss), 1) for loss in seen])

# %% [markdown]
# The mean of the epoch so far: a spike in a late batch hardly shows, and the value jumps at each new epoch, when the mean starts again.
# With `check="batch"`, the history of `StopWhen` has each batch's own loss, `batch_loss`, worked back from the mean.
# ([07b](07b_more_on_several_inputs.ipynb) has another such trap.)

# %%
# NBVAL_CHECK_OUTPUT
stop = StopWhen(NotFinite(), check="batch")  # any rule will do: we want the history
still.fit(x, labels, batch_size=4, shuffle=False, verbose=0, callbacks=[stop])
print([round(loss) for loss in stop.history["batch_loss"]])

# %% [markdown]
# ## 7. The machine is taken away
#
# The best epoch is 2 and patience is 4, so this run should end with epoch 6. As epoch 5 begins, the machine is taken away. A new process
# goes on from the backup of `BackupAndRestore`. In which epoch does it end?

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
# A patience that forgets: the new `EarlyStopping` takes epoch 5 for the best so far, and waits from there. `StopWhen` writes down what it
# knows, if you give it a folder. List it before `BackupAndRestore`: if the machine dies between the two, `StopWhen` has one epoch more than
# the backup, and drops it on resuming. In the other order it would lack an epoch.

# %%
# NBVAL_CHECK_OUTPUT
with tempfile.TemporaryDirectory() as folder:
    notes, backup = os.path.join(folder, "stop"), os.path.join(folder, "backup")
    last = resumed(lambda: [StopWhen(Patience("val_loss", 4), restore_best="val_loss", state=notes),
                            keras.callbacks.BackupAndRestore(backup)])
print("last epoch:", last)

# %% [markdown]
# ## 8. Time is up
#
# Time is up, so a callback sets `stop_training` after the first of four batches. Validation has four batches too. How many of those
# still run?

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
# All of them: the batch loop ends, the epoch does not. With much data that is minutes after the deadline, so our `TimeBudget` leaves
# room for a validation as long as the last one. In Keras 3 you can also cut a validation short; `val_loss` then covers only the
# batches it got to. (Keras looks only after a validation batch, so one still runs.)

# %%
# NBVAL_CHECK_OUTPUT
class CutShort(TimeIsUp):
    def on_test_batch_end(self, batch, logs=None):
        self.validated += 1
        if self.model.stop_training:
            self.model.stop_evaluating = True  # tf_keras 2.21.0 does not look at this


stop = CutShort()
run(Script([0.5] * 8), stop, validation_data=(x, y))
print("validation batches after the stop:", stop.validated)

# %% [markdown]
# ## 9. Frozen, it says
#
# At the start of epoch 2 a callback sets `trainable = False` on the first layer. In how many of epochs 2 and 3 do the layer's weights
# still move?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # 0, 1 or 2


def freeze(epoch, logs=None):
    model.layers[0].trainable = epoch < 2


script = Script([0.5] * 4)
run(script, keras.callbacks.LambdaCallback(on_epoch_begin=freeze))
trap(guess, script.moved(layer=0, since=2), "Epochs in which it moved", safe=0)
print("trainable:", model.layers[0].trainable)
model.layers[0].trainable = True  # for the other drawers

# %% [markdown]
# "Frozen", says the layer. But Keras compiled the training step before that, with this layer in it. So make Keras build the step again.
# (Between two fits, `compile` does that; called during a fit, it makes the next batch fail.)

# %%
# NBVAL_CHECK_OUTPUT
def freeze_now(epoch, logs=None):
    freeze(epoch)
    if epoch == 2:
        model.make_train_function(force=True)


script = Script([0.5] * 4)
run(script, keras.callbacks.LambdaCallback(on_epoch_begin=freeze_now))
for layer in (0, 1):
    print(f"layer {layer} moved in {script.moved(layer, since=2)} of 2 epochs")
model.layers[0].trainable = True  # for the other drawers
model.make_train_function(force=True)

# %% [markdown]
# ## 10. Where was the best?
#
# To save time you validate after every second epoch: `validation_freq=2`. The best validation is in epoch 3. What does
# `np.argmin(history["val_loss"])` say?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # np.argmin(history["val_loss"])
script = Script([0.9, 0.8, 0.7, 0.1, 0.6, 0.5])
stop = StopWhen(NotFinite(), validation_freq=2)  # any rule will do: we want the history
run(script, stop, validation_data=(x, y), validation_freq=2)
history = model.history.history  # what fit returned
trap(guess, int(np.argmin(history["val_loss"])), "np.argmin", safe=3)

# %% [markdown]
# Epoch 1 had 0.8, not 0.1. Keras keeps the values and loses their places: six losses, three validation losses, and no word on which
# epochs. The history of `StopWhen` has a `None` in each epoch without validation.

# %% claims=["90.2"]
# NBVAL_CHECK_OUTPUT
print("Keras:   ", history["val_loss"])
print("StopWhen:", stop.history["val_loss"])

# %% [markdown]
# ## 11. Ctrl-C
#
# You have seen enough, and interrupt the run at the end of epoch 4. `restore_best_weights=True` is on, and epoch 1 was the best. Which
# epoch's weights does the model have?

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
# ## 12. Three of what?
#
# You set `validation_freq=3` and `patience=3`. The best validation is in epoch 2, and nothing better comes. How many more epochs are
# trained?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # epochs after the best
late = Script([0.5] * 3 + [0.6] * 17)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns in epochs without validation
    last = run(late, keras.callbacks.EarlyStopping(patience=3), validation_data=(x, y), validation_freq=3)
trap(guess, last - 2, "Epochs after the best", safe=3)

# %% [markdown]
# Patience is counted in evaluations, and three evaluations are nine epochs. Our `Patience` counts the same way
# ([91](91_in_your_project.ipynb) lists who counts what). Take the epochs that you are willing to wait, divide by `validation_freq`, and
# round up.

# %%
# NBVAL_CHECK_OUTPUT
epochs_to_wait, freq = 3, 3
stop = StopWhen(Patience("val_loss", math.ceil(epochs_to_wait / freq)), validation_freq=freq)
print("epochs after the best:", run(late, stop, validation_data=(x, y), validation_freq=freq) - 2)

# %% [markdown]
# ## 13. The loss without a softmax
#
# *Keras 3 only.*
#
# In distillation ([09](09_small_and_fast.ipynb)) a small network, the student, learns to say what a large one, the teacher, says. Keras
# has a loss for that. One student gives exactly the teacher's outputs, the other gives one number for every class. Which has the
# lower loss?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "perfect" or "useless"
teacher = np.array([[4, 0, -2], [0, 3, 1]], "float32")  # before the softmax: two examples, three classes
students = {"perfect": teacher, "useless": np.full((2, 3), 10, "float32")}


def losses(distillation):
    return {name: round(float(distillation.compute_loss(teacher, student)), 2)
            for name, student in students.items()}


found = losses(keras.distillation.LogitsDistillation())
trap(guess, min(found, key=found.get), "The lower loss", safe="perfect")
print(found)

# %% [markdown]
# The useless one, with a loss below zero. A softmax turns raw outputs into probabilities; without it, the loss takes the raw outputs for
# probabilities. Keras applies it only if `loss` is an object of the class `KLDivergence`. The default is a name, `"kl_divergence"`,
# which Keras turns into a function. So always pass the object:

# %%
# NBVAL_CHECK_OUTPUT
print(losses(keras.distillation.LogitsDistillation(loss=keras.losses.KLDivergence())))

# %% [markdown]
# ## Exercises
#
# **90.1 A lost node.** A run with `EarlyStopping(patience=4, restore_best_weights=True)` left this log. Which epoch's weights does the
# model have at the end?
#
# ```
# epoch 0   val_loss 0.61
# epoch 1   val_loss 0.48
# epoch 2   val_loss 0.44
# epoch 3   val_loss 0.45
# epoch 4   val_loss 0.47
# (node lost; BackupAndRestore goes on)
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
# **90.2 Three in one loop.** This loop over folds walks into three of the traps. Which drawers are they in? The model is compiled
# with `metrics=["accuracy"]`.
#
# ```python
# keras.utils.set_random_seed(0)
# checkpoint = keras.callbacks.ModelCheckpoint("{val_loss:.3f}.keras", save_best_only=True)
# for train, held_out in folds:
#     model = build_model()
#     stop = keras.callbacks.EarlyStopping("val_acc", mode="max", patience=5)
#     model.fit(x[train], y[train], validation_data=(x[held_out], y[held_out]), epochs=100,
#               callbacks=[stop, checkpoint])
# ```

# %% tags=["exercise"]
answer = [..., ..., ...]  # three drawers, in any order
ex.three_in_one_loop.check(answer)

# %% tags=["solution"]
answer = [1, 2, 5]  # set_random_seed with fit(x, y); one checkpoint for all folds; val_acc for val_accuracy
ex.three_in_one_loop.check(answer)

# %% [markdown]
# **90.3 The epoch of the best.** `history` is the dictionary `fit(...).history`, from a fit with `validation_freq`. Return the epoch,
# counted from 0, with the lowest `val_loss` (none of them is NaN); of equals, the first. Keras validates after every `validation_freq`
# epochs.

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
# ## Which of your old results?
#
# | drawer | look again at runs with | in Keras alone |
# |---|---|---|
# | 1 | a seed and `fit(x, y)` | a tf.data pipeline that shuffles |
# | 2 | one callback in several fits | a new one for each |
# | 3 | `baseline=` | a callback of your own |
# | 4 | `min_delta=` and restored weights | `ModelCheckpoint(save_best_only=True)` |
# | 5 | `mode=` | leave it out (Keras 3) |
# | 6 | `logs["loss"]` in mid-epoch | `reset_metrics()` before each batch (`loss` is then the last batch's, all through) |
# | 7 | a restart | save every epoch, find the best in the whole log |
# | 8 | a time limit | `stop_evaluating` |
# | 9 | `trainable` set in mid-fit | `make_train_function(force=True)` |
# | 10 | `validation_freq=` and `argmin` | exercise 90.3 |
# | 11 | an interrupt | `early.best_weights` |
# | 12 | `validation_freq=` and patience | divide |
# | 13 | `LogitsDistillation()` | `loss=keras.losses.KLDivergence()` |

# %% [markdown]
# ## Three sentences to keep
#
# A stop that never fires is silent, so have every run say why it ended. Look up the best epoch in a history that records which epoch each
# value belongs to. Try a callback on a run whose end you know.
#
# Next: [91 In your project](91_in_your_project.ipynb) puts it all into a script of your own.
