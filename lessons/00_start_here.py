# %% [markdown]
# # Where would you stop?
#
# Ten minutes: you run a few cells, make a guess, give a wrong answer on purpose and a right one. No theory yet.
#
# You will
# - see that a recorded run is data, which you can question as often as you like,
# - measure what your own stop loses,
# - know how exercises work.
#
# Run a cell with Shift+Enter.

# %% [markdown]
# Somebody trained a small network to diagnose thyroid disease. After each epoch they wrote down the loss on validation data: data that
# the network never learns from. Here are the first 25 epochs, counted from 0.

# %%
from course_utils.stopping import Patience, replay
from course_utils.classroom.chapter_00 import exercises as ex, figures
from course_utils.classroom.notebook import reveal, show

history = ex.recorded_run()  # column -> one value per epoch
losses = history["val_loss"]
show(figures.validation_loss(losses[:25]),
     alt="Validation loss of 25 epochs: it falls from 0.28 to about 0.12, with bumps.")

# %% [markdown]
# The whole run took 150 epochs. In which epoch was the validation loss lowest?

# %%
guess = ...  # an epoch from 0 to 149; leave the dots to skip

# %% tags=["reveal"]
lowest = min(range(150), key=lambda epoch: losses[epoch])
reveal(guess, lowest, "Lowest in epoch")
show(figures.validation_loss(losses, guess, lowest),
     alt="Validation loss of 150 epochs: it falls, with spikes, and rises slowly afterwards; "
         "a diamond marks the lowest loss.")

# %% [markdown]
# ## What does your own stop lose?
#
# Nothing was trained just now: a recorded run shows what any stop within it would have lost.
#
# You stop, and keep the weights of the lowest validation loss so far. Your **regret** says by how many percent that loss is above the
# lowest of the run: for 0.12 against 0.10 it is 20 %. You keep the best so far, so a later stop never raises it.
#
# **Exercise 0.1:** you can pay for epochs 0 to 64; the lowest, 66, is out of reach. At which epoch do you stop, for a regret of at most
# 3 %?
#
# First a wrong answer, on purpose. <!-- given: 0.12, 0.10, 20, 3 -->

# %%
ex.your_stop.check(15)

# %% [markdown]
# A check says what is wrong, not only that something is. Now your answer. Stuck? `ex.your_stop.hint()`, then `ex.your_stop.solution()`.

# %% tags=["exercise"]
answer = ...  # your epoch instead of the dots
ex.your_stop.check(answer)

# %% tags=["solution"]
answer = 55  # keeps epoch 52, the lowest of the first 65; 56 epochs are trained
ex.your_stop.check(answer)

# %% [markdown]
# ## In a hurry? Eight lines
#
# This is what the course recommends while you know little about your problem: a rule, a cap, and the best weights kept.
# ([91](91_in_your_project.ipynb) installs it in your project.)
#
# ```python
# from course_utils.stopping import NotFinite, Patience, StopWhen, TimeBudget
#
# stop = StopWhen(
#     Patience("val_loss", 10)      # the rule: ten epochs in a row without a new lowest validation loss
#     | TimeBudget(minutes=30)      # the cap, in case the rule takes too long
#     | NotFinite(),                # once the loss is infinite or NaN (not a number), waiting seldom helps
#     restore_best="val_loss")      # you get the weights of the best epoch, not of the last
# model.fit(x, y, validation_data=(x_val, y_val), epochs=1000, callbacks=[stop])
# print(stop.report)                # why it ended, and which epoch's weights you have
# ```
#
# <details><summary>And Keras's own <code>EarlyStopping</code>?</summary>
#
# It has such a rule, and can keep the best weights. With `verbose=1` it then prints the epoch of the stop and the epoch kept, both
# counted from 1. It has no cap on the time; the check for NaN is a class of its own, `TerminateOnNaN`.
#
# </details>
#
# The ten epochs are the rule's **patience**. In which epoch would the rule have stopped our run?

# %%
guess = ...  # an epoch from 0 to 149

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
# replay asks a rule where it would have stopped; best: keep the lowest val_loss until then
reports = {patience: replay(Patience("val_loss", patience), history, best="val_loss")
           for patience in (10, 20)}
reveal(guess, reports[10].epoch, "Patience 10 stops at epoch")
for patience, report in reports.items():
    regret = 100 * (report.kept / min(losses) - 1)  # kept: the lowest loss until the stop
    print(f"patience {patience}: {report.epoch + 1} epochs trained, epoch {report.best_epoch} kept, "
          f"regret {regret:.1f} %")

# %% [markdown]
# On this run patience 10 would have solved your exercise, without seeing the rest of the curve. Is 1.3 % worth another 24 epochs? That is
# for you to say.
#
# For a problem of your own, 10 is a fair start; chapters [03](03_validation_early_stopping.ipynb) and [08](08_but_when.ipynb) try it on
# many runs. To check it, train once or twice with patience 20, and ask what 10 would have kept:
#
# ```python
# from course_utils.stopping import replay
#
# # stop: the callback of your run with patience 20
# print(replay(Patience("val_loss", 10), stop.history, best="val_loss"))
# ```
#
# If 20 kept a clearly lower loss, take 20. [Chapter 91](91_in_your_project.ipynb) looks for a better number in your own runs.

# %%
import keras

ex.summary()
print("Ready for chapter 01, with Keras", keras.__version__)

# %% [markdown]
# ## Where does the course come from?
#
# From four well-meant articles on stopping early, whose code does not always do what the text says. We quote what matters, and leave the
# authors unnamed: their mistakes are common ones.
#
# 1. *Several kinds of input*: stop a network for words and pictures once its loss is small ([01](01_threshold_stop.ipynb)).
# 2. *Saving time and machines*: stop when time is up or an epoch gains little ([02](02_budgets_and_events.ipynb)).
# 3. *Stopping and transfer*: stop on validation data ([03](03_validation_early_stopping.ipynb), [04](04_scores_and_noise.ipynb)), and
#    start from another network's weights ([06](06_transfer_learning.ipynb)).
# 4. *Stopping as pruning* (removing weights): an early stop is said to make a network smaller ([05](05_stop_time_pruning.ipynb)).

# %% [markdown]
# Where the articles end, [07](07_more_than_one_modality.ipynb) joins several inputs, [08](08_but_when.ipynb) races fourteen rules, and
# [09](09_small_and_fast.ipynb) makes networks small. [90](90_cabinet_of_traps.ipynb) collects what goes wrong in Keras without an error
# message.
#
# One sign that you will meet: 3 **±** 1 is a mean and a standard deviation of several runs.
#
# Next: [01 Threshold stop](01_threshold_stop.ipynb). A loop that says "stop" and does not.
