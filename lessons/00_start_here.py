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
show(plots.curve(start, ["val_loss"]), alt="Validation loss of 25 epochs: it falls from 0.3 to about 0.12, with spikes.")

# %% [markdown]
# Somebody trained a small network to read thyroid tests, and wrote down the loss on validation data after each epoch. Here are the first
# 25 epochs. (Epochs count from 0, as in Keras's history. Its progress bar counts from 1.)
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
show(ax, alt="Validation loss of 150 epochs: it falls, with spikes, and rises slowly afterwards; a dotted line stands at the best epoch.")

# %% [markdown]
# Nothing was trained just now. The run was recorded once, and we can ask it as often as we like: what if we had stopped here, or there?
# That is how this course can compare hundreds of rules in seconds.
#
# ## Your own stop
#
# Say you stop at some epoch, and have kept a copy of the best weights until then. Your **regret** is how much higher their loss is than the best there
# was. **Exercise 0.1:** stop with at most 5 % regret, and train at most 80 epochs (that is 0 to 79).
#
# First a wrong answer, on purpose. <!-- given: 5 -->

# %%
ex.your_stop.check(10)

# %% [markdown]
# A check says what is wrong, never just that it is. There is a hint, too, and a solution; ask for them when you want them.

# %%
ex.your_stop.hint()
# ex.your_stop.solution()

# %% tags=["exercise"]
answer = ...  # your epoch instead of the dots
ex.your_stop.check(answer)

# %% tags=["solution"]
answer = 70  # after epoch 66, the best of all; 71 epochs are trained
ex.your_stop.check(answer)

# %%
import keras

ex.summary()
print("Ready for chapter 01, with Keras", keras.__version__)

# %% [markdown]
# Next: [01 Threshold stop](01_threshold_stop.ipynb). A loop that says "stop" and does not.
