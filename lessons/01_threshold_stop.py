# %% [markdown]
# # The loop says "Stop training". Does it stop?
#
# You will
# - see why one lucky batch is not a trained model,
# - write a callback that stops when you want it to,
# - add the condition that ends a run whose threshold is never reached.
#
# 25 minutes to read, 30 for the exercises. You need `model.fit`, a `for` loop and, once, a class.
#
# The task: from the picture of an emoji and its name, say which of eight groups it belongs to. A small network reads both.

# %%
from course_utils.stopping import (Above, After, Below, Epochs, GradientNorm, StepBudget, StopWhen,
                                   TimeBudget, batches)
from course_utils.classroom import data
from course_utils.classroom.chapter_01 import exercises as ex, figures, tables
from course_utils.classroom.models import two_input_model
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

emoji = data.emoji_split(seed=0)
show(figures.emoji_examples(data.load_openmoji()),
     alt="Eight emoji, one of each group, each with its name above and its group below.")

# %% [markdown]
# There are 1294 emoji to train on, in 81 batches of 16 (the last has fewer), and 350 others for validation.
#
# ## Where does `break` lead?
#
# Epochs cost time, so the first of the [four articles](00_start_here.ipynb) stops once the loss is small enough. Here is its loop,
# rewritten for Keras. Take thirty seconds: how often will it say "Stop training"?

# %%
def articles_loop(model, training_data, epochs=25):
    counts, messages = [], 0
    for epoch in range(epochs):
        counts.append(0)
        for inputs, labels in training_data:
            loss = train_step(model, inputs, labels)
            counts[-1] += 1
            if loss < 0.01:
                messages += 1  # here the article prints "Stop training"
                break
    return counts, messages


def train_step(model, inputs, labels):  # trains on one batch and returns its loss
    model.reset_metrics()  # else some versions of Keras return the mean of all batches so far
    return float(model.train_on_batch(inputs, labels)[0])


guess = ...  # messages, from 0 to 25; or leave the dots

# %% tags=["reveal"] claims=["A1"]
model = two_input_model(len(emoji.vocabulary), len(emoji.groups))
counts, messages = articles_loop(model, batches(*emoji.train, size=16, seed=0))  # half a minute
reveal(guess, messages, "Messages in 25 epochs")
ax = figures.batches_run(counts, full=81)
show(ax, alt="Bars: batches run in each of 25 epochs. The first are full, 81 high; "
             "later ones are cut short, most to a few batches.")

# %% [markdown]
# It says "stop" again and again, and trains on. **`break` leaves the loop it stands in: it ends the epoch, not the training.**
#
# ## Is a lucky batch the mean?
#
# A rule should look at all the data. The article's own formula does: $\text{Loss} = \frac{1}{N}\sum_{i=1}^{N} L(y_i, \hat y_i)$ is the
# loss $L$ between label $y_i$ and prediction $\hat y_i$, averaged over all $N$ training emoji. But its loop looks at 16 of them.
#
# The loop above did not note that mean; we recorded one that did, after each epoch. When a batch first fell below 0.01, what was the
# mean over all 1294?

# %%
guess = ...  # the mean loss at that moment; it began near 2

# %% tags=["reveal"] claims=["A2", "01.1"]
# NBVAL_CHECK_OUTPUT
recorded = data.load_curves("break")
run = recorded.select(broken=True)[0]  # with the article's break; the first of five runs
first = run["messages"].index(1)  # the epoch of the first message
reveal(guess, round(run["full_loss"][first], 3), "Mean loss over all emoji")
print(f"the lucky batch: {run['smallest_loss'][first]:.5f}, in epoch {first}")

# %% [markdown]
# The mean was more than three times the threshold. Does the loop get there in its 25 epochs?
#
# We recorded five runs with the `break`, and the same five without it. Each has its own **seed**, a number that fixes what chance decides:
# the first weights, the order of the data, and which emoji are for training.

# %% tags=["reveal"]
show(figures.break_or_not(recorded),
     alt="Mean loss, two panels. By epochs, five runs with the break almost level off above 0.01, "
         "and five without it go on down through 0.01. By batches trained on, all ten lie "
         "nearly on one curve; those with the break end early.")

# %% [markdown]
# Without the `break` all five get below 0.01, with it none does. By batches trained on, all ten are nearly one curve. So the `break`
# seems to do no other harm than to leave batches out: of 2025 batches in 25 epochs it trains on fewer than 1000. **A lucky batch is not
# the mean. The loop skips more than half of its batches, and after 25 epochs the mean is still above 0.01.**
#
# ## How do you fix it?
#
# Two changes: after each epoch look at the mean over all emoji, and leave the loop over epochs there. Here is that loop, on losses
# recorded without the `break`.

# %% claims=["A4"]
# NBVAL_CHECK_OUTPUT
run = recorded.select(broken=False)[0]  # the first of the five without the break
for epoch, loss in enumerate(run["full_loss"]):
    if loss < 0.01:
        print(f"loss {loss:.4f} < 0.01 at epoch {epoch}: stop")
        break  # leaves the loop over epochs
print(f"mean of the batches' losses, as that epoch trained on them: {run['mean_loss'][epoch]:.4f}")

# %% [markdown]
# In Keras the loops are inside `fit`. To act between two epochs you hand it a **callback**: an object whose methods Keras calls at fixed
# moments, such as the end of each epoch. `StopWhen(rule)` is one: it ends the run once its rule, or **criterion**, is met. Our rule is
# `Below("loss", 0.01)`.
#
# Some losses never get there. `epochs=25` ends such a run, too, but you pay for time, and seldom know how long an epoch takes:
# `TimeBudget` sets a **budget** in minutes. `|` means "or".

# %% claims=["A5", "A7"]
stop = StopWhen(Below("loss", 0.01) | TimeBudget(minutes=2))
model = two_input_model(len(emoji.vocabulary), len(emoji.groups))
model.fit(batches(*emoji.train, size=16, seed=0), epochs=25, verbose=0, callbacks=[stop])
print(stop.report)  # a step is one batch

# %% [markdown]
# Why epoch 13, where our loop said 12? Keras's `loss`, the **training loss**, is the mean of the batches' losses, each taken before its batch
# changed the weights. So it lags: the recorded run had 0.0106 in epoch 12. `fit` computes it: we use it from now on. **Look at the mean, leave the loop over epochs, and set a budget beside the threshold.**
#
# ## When does one threshold come?
#
# Whoever pays wants to know. We recorded networks on words, pictures and both for 45 epochs, with five random splits into training
# and new data. A layer of 64 **units** reads the words. Whose training loss gets below 0.01 first?

# %%
guess = ...  # "words", "pictures" or "both"

# %% tags=["reveal"] claims=["A14", "A15", "01.2"]
# NBVAL_CHECK_OUTPUT
curves = data.load_curves("threshold")
reveal(guess, tables.soonest(curves, limit=0.01), "First below 0.01")
tables.reached(curves, limit=0.01)

# %% [markdown]
# With 64 units, words alone are first, then both; pictures do not get there in 45 epochs. Change only the network, and the more units read
# the words, the sooner. **The same threshold comes at another time for another input or another model, if at all: it cannot promise when
# you stop paying.**
#
# ## Does it stop at the right time?
#
# A stop may leave a model **undertrained**, with more to learn, or **overfit**: better on its training data, worse on new data.
# First the networks that see both, at five thresholds. How low would you go?

# %% tags=["reveal"] claims=["A12"]
# NBVAL_CHECK_OUTPUT
tables.undertrained(curves.select(input="both"))

# %% [markdown]
# **Threshold 1 leaves the model undertrained. 0.5 and 0.2 lose little against the best row, which we picked afterwards: perhaps nothing.** Thresholds 0.2 and 0.01
# are met in epochs 6 and 13: the article wanted to stop paying, and a stop at its own threshold pays for twice as many as one at 0.2.
#
# Now pictures alone, which did not get down to 0.01. Do those networks overfit?

# %% tags=["reveal"] claims=["A13"]
show(figures.overfit(curves.select(input="pictures")),
     alt="Pictures alone, 45 epochs, two panels. The training loss falls steadily; the validation loss "
         "falls, and rises again from about epoch 20. The validation accuracy rises and stays.")

# %% [markdown]
# Yes, says the validation loss: after epoch 20 its mean rises by half. No, says the accuracy: no fewer answers are right. Both can be true:
# the loss rises if the network gets surer of wrong answers. **A threshold on the training loss sees none of this: that takes
# [validation data](03_validation_early_stopping.ipynb).**
#
# ## Is the gradient a better signal?
#
# The **gradient** is a list of numbers, one per weight: how fast the loss changes as that weight moves. Its length, as an arrow, is the
# **gradient norm**; we noted its mean over each epoch's batches. Once it is small, little should be left to learn. When is it first below
# 1.0?

# %%
guess = ...  # an epoch, from 0 to 44, for a network that sees both

# %% tags=["reveal"] claims=["A6", "01.3"]
# NBVAL_CHECK_OUTPUT
both, small = curves.select(input="both"), Below("gradient_norm", 1.0)
reveal(guess, small.first(both[0]), "Below 1.0 in epoch")
rules = {"norm < 1.0": small,
         "norm < 1.0, but not in epoch 0": After(1, small),
         "loss < 0.2": Below("loss", 0.2),
         "norm < 0.5": Below("gradient_norm", 0.5),
         "loss < 0.1": Below("loss", 0.1)}
tables.stops(both, rules, labels=emoji.validation[1])

# %% tags=["reveal"]
ax = figures.gradient_norms(both, limits=(1.0, 0.5))
show(ax, alt="Gradient norm of five runs over 20 epochs: it begins below 1.0, rises to between 1.5 and 2 "
             "within three epochs, and falls to almost nothing. All five are below the limit 1.0 at epoch 0, "
             "and below 0.5 from epoch 7 or 8.")

# %% [markdown]
# The norm is below 1.0 in epoch 0, too, when little has been learned: the accuracy is 0.30, against 0.23 for naming the largest group each
# time. `After(1, ...)` skips that epoch. But the other two norm rules each have a twin in the row below: a rule on the loss, no later and as
# accurate. **Here the gradient is no better a signal than the loss, and at the start it can mislead.**
#
# <details><summary>Where does the norm come from?</summary>
#
# From a **probe**, a callback that adds a number to each epoch: `callbacks=[GradientNorm(), stop]`.
#
# </details>
#
# ## Exercises
#
# Put your answer where the dots are. The check tries what your code does, not how it looks.
#
# **1.1 The first epoch below.** At which epoch, counted from 0, does `Below("loss", 0.5)` stop?

# %% tags=["exercise"]
losses = [2.0, 1.1, 0.7, 0.5, 0.48, 0.52, 0.46, 0.41]
answer = ...
ex.first_below.check(answer)  # or ex.first_below.hint(), ex.first_below.solution()

# %% tags=["solution"]
losses = [2.0, 1.1, 0.7, 0.5, 0.48, 0.52, 0.46, 0.41]
answer = 4  # 0.5 itself is not below 0.5
ex.first_below.check(answer)

# %% [markdown]
# **1.2 Count the breaks.** `losses` holds a list for each epoch: the losses of all its batches, also of those that the article's loop
# skips. On how many batches does the loop train in each epoch, if it breaks at a loss below `threshold`? Return a list of counts.

# %% tags=["exercise"]
def batches_run(losses, threshold):
    return ...


ex.count_the_breaks.check(batches_run)

# %% tags=["solution"]
def batches_run(losses, threshold):
    counts = []
    for epoch in losses:
        below = [i for i, loss in enumerate(epoch) if loss < threshold]
        counts.append(below[0] + 1 if below else len(epoch))  # the batch that breaks was trained on
    return counts


ex.count_the_breaks.check(batches_run)

# %% [markdown]
# **1.3 The mean over the emoji.** `losses` holds the mean loss of each batch, `sizes` how many emoji it had; the last batch is often
# smaller. Return the formula's loss, the mean over all $N$ emoji.

# %% tags=["exercise"]
def mean_loss(losses, sizes):
    return ...


ex.mean_over_emoji.check(mean_loss)

# %% tags=["solution"]
def mean_loss(losses, sizes):
    return np.average(losses, weights=sizes)


ex.mean_over_emoji.check(mean_loss)

# %% [markdown]
# **1.4 ThresholdStop.** Write the callback: end training after the first epoch in which `metric` is below `threshold`. `logs` is a
# dictionary of the epoch's values, and `metric` one of its keys, such as "loss". Set `self.model.stop_training = True` in `on_epoch_end`,
# and Keras begins no further epoch.

# %% tags=["exercise"]
class ThresholdStop(keras.callbacks.Callback):
    def __init__(self, metric, threshold):
        super().__init__()
        self.metric, self.threshold = metric, threshold

    def on_epoch_end(self, epoch, logs=None):
        return ...  # your lines instead of this one


ex.threshold_stop.check(ThresholdStop)

# %% tags=["solution"]
class ThresholdStop(keras.callbacks.Callback):
    def __init__(self, metric, threshold):
        super().__init__()
        self.metric, self.threshold = metric, threshold

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.metric] < self.threshold:
            self.model.stop_training = True


ex.threshold_stop.check(ThresholdStop)

# %% [markdown]
# **1.5 A rule that always ends.** One rule for words, pictures and both, with three ways to end:
# - the training loss is below 0.01: stop at that epoch;
# - 10 epochs or more are done, and it is above 1.0: give up (10 is reached in epoch 9);
# - neither: stop at epoch 29, 30 epochs done.
#
# Pieces, more than you need:
# - `Below` and `Above`;
# - `Epochs(n)`: n epochs or more are done;
# - `StepBudget(n)`: n steps or more, 81 an epoch;
# - `After(9, rule)`: the rule, as if the run began at epoch 9;
# - `|` for or, `&` for and.
#
# `rule.first(ex.practice("pictures"))` tries it on a recorded run; the check uses others.

# %% tags=["exercise"]
rule = ...  # made of Below, Above, After, Epochs, StepBudget, | and &
ex.always_ends.check(rule)

# %% tags=["solution"]
rule = Below("loss", 0.01) | After(9, Above("loss", 1.0)) | Epochs(30)  # After(10, ...) is right, too
ex.always_ends.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# To stop, leave the loop over epochs, not only that over batches, and look at the mean over the data, not at a lucky batch. A threshold
# that may never be reached needs a budget beside it, of epochs or of time. A gradient below your limit can mean finished, or not yet begun.
#
# Next: [02 Budgets and events](02_budgets_and_events.ipynb). What else can run out?
