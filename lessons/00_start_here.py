# %% [markdown]
# # Where would you stop?
#
# Five minutes: you run a few cells, make a guess, give a wrong answer on purpose and a right one. No theory yet.
#
# You will
# - see that a training run is data, which can be asked again and again,
# - measure what your own stop costs,
# - know how exercises work.
#
# Run a cell with Shift+Enter.

# %%
from course_utils.stopping import plots
from course_utils.classroom.chapter_00 import exercises as ex
from course_utils.classroom.notebook import reveal, show

history = ex.recorded_run()  # column -> one value per epoch
start = {"val_loss": history["val_loss"][:25]}
ax = plots.curve(start, ["val_loss"])
show(ax, alt="Validation loss of 25 epochs: it falls from 0.28 to about 0.12, with bumps.")

# %% [markdown]
# Somebody trained a small network to read thyroid tests, and wrote down the loss on validation data, which it does not learn from, after
# each epoch. Here are the first 25 epochs. (Epochs count from 0, as in Keras's history. Its progress bar counts from 1.)
#
# In all it ran for 150. When was it at its best?

# %%
guess = ...  # an epoch from 0 to 149; leave the dots to skip

# %% tags=["reveal"]
best = min(range(150), key=lambda epoch: history["val_loss"][epoch])
reveal(guess, best, "Best epoch")
ax = plots.curve(history, ["val_loss"], guess=guess)
ax.axvline(best, color=plots.RED, linestyle=":", label=f"best of all: {best}")
ax.legend(frameon=False)
show(ax, alt="Validation loss of 150 epochs: it falls, with spikes, and rises slowly afterwards; "
             "a dotted line stands at the best epoch.")

# %% [markdown]
# Nothing was trained just now. The run was recorded once, and we can ask it as often as we like: what if we had stopped here, or there?
# That is how this course can compare hundreds of rules in seconds.
#
# ## Your own stop
#
# Say you stop at some epoch, and have kept a copy of the best weights until then. Your **regret**: by how many percent is the validation
# loss of those weights higher than the lowest of the whole run? **Exercise 0.1:** stop with at most 5 % regret, and train at most 80 epochs (that
# is 0 to 79).
#
# First a wrong answer, on purpose. <!-- given: 5 -->

# %%
ex.your_stop.check(15)

# %% [markdown]
# A check says what is wrong, not only that something is. There is a hint, too, and a solution; ask for them when you want them.

# %%
ex.your_stop.hint()
# ex.your_stop.solution()

# %% tags=["exercise"]
answer = ...  # your epoch instead of the dots
ex.your_stop.check(answer)

# %% tags=["solution"]
answer = 70  # after epoch 66, the best of all; 71 epochs are trained
ex.your_stop.check(answer)

# %% [markdown]
# Two terms keep one meaning throughout. **Regret** is what you have just met. If a run also has a test loss, the validation loss still
# chooses the epoch you keep and the best epoch; the regret compares their test losses. It can then be negative. And **±** stands between
# a mean and the standard deviation of the runs behind it (the sample's, `ddof=1`).

# %% [markdown]
# ## In a hurry? Eight lines
#
# This is what the course recommends before you know more about your problem: a rule, a cap, and the best weights kept.
#
# ```python
# from course_utils.stopping import NotFinite, Patience, StopWhen, TimeBudget
#
# stop = StopWhen(
#     Patience("val_loss", 10)      # the rule: ten epochs in a row without a new lowest validation loss
#     | TimeBudget(minutes=30)      # the cap, in case the rule is never met
#     | NotFinite(),                # a loss that is NaN does not come back
#     restore_best="val_loss")      # you get the weights of the best epoch, not of the last
# model.fit(x, y, validation_data=(x_val, y_val), epochs=1000, callbacks=[stop])
# print(stop.report)                # why it ended, and which epoch's weights you have
# ```
#
# That count of epochs is called **patience**, and 10 is where to start. If you can, let one run continue past its stop. If the loss
# then falls below the old best, double the patience. [Chapter 91](91_in_your_project.ipynb) finds a better number in runs that you have.

# %% [markdown]
# ## What the course follows
#
# Four articles on stopping early, well meant. Their code does not always do what they say. You need not read them; what is discussed is
# quoted.
#
# 1. *Several kinds of input*: stop a network that reads words and pictures once its loss is small ([01](01_threshold_stop.ipynb)).
# 2. *Saving time and machines*: stop when time is up, or when little is gained ([02](02_budgets_and_events.ipynb)).
# 3. *Stopping and transfer*: stop on validation data ([03](03_validation_early_stopping.ipynb), [04](04_scores_and_noise.ipynb)), and
#    start from another network's weights ([06](06_transfer_learning.ipynb)).
# 4. *Stopping as pruning*: an early stop is said to make a network smaller ([05](05_stop_time_pruning.ipynb)).
#
# Chapter [90](90_cabinet_of_traps.ipynb) collects what goes wrong in Keras without an error message.

# %%
import keras

ex.summary()
print("Ready for chapter 01, with Keras", keras.__version__)

# %% [markdown]
# Next: [01 Threshold stop](01_threshold_stop.ipynb). A loop that says "stop" and does not.
