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
# The task: from the picture of an emoji and its name, say which of eight groups it belongs to.

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
# There are 1294 emoji to train on, in 81 batches of 16, and 350 new ones for validation.
#
# ## Where does `break` lead?
#
# The first of the [four articles](00_start_here.ipynb) trains a network with two inputs. Its aim is sensible: to stop paying for epochs
# once the loss is small enough. Here is its loop, rewritten for Keras. Take thirty seconds: where does `break` take you?

# %%
def train_step(model, inputs, labels):
    model.reset_metrics()  # else some versions of Keras return the mean of all batches so far
    return float(model.train_on_batch(inputs, labels)[0])  # [0] is the loss; metrics follow


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

# %%
guess = ...  # how often will it say "Stop training"? From 0 to 25, or leave the dots

# %% tags=["reveal"] claims=["A1"]
model = two_input_model(len(emoji.vocabulary), len(emoji.groups))
counts, messages = articles_loop(model, batches(*emoji.train, size=16, seed=0))  # half a minute
reveal(guess, messages, "Messages in 25 epochs")
ax = figures.batches_run(counts, full=81)
show(ax, alt="Bars: batches run in each of 25 epochs. The first are full, 81 high; "
             "later ones are cut short, most to a few batches.")

# %% [markdown]
# It announces the end again and again, and trains on. `break` leaves the loop it stands in, and that is the loop over batches: the epoch
# ends early, and the next one begins. Most of the orange epochs see fewer than ten batches.
#
# ## Is a lucky batch the mean?
#
# The article's own formula is right: $\text{Loss} = \frac{1}{N}\sum_{i=1}^{N} L(y_i, \hat y_i)$, the loss of label $y_i$ and prediction
# $\hat y_i$, averaged over all $N$ training emoji. Its loop looks at the 16 of one batch. When a batch first fell below 0.01, what was
# the mean over all 1294?

# %%
guess = ...  # the mean loss at the first message

# %% tags=["reveal"] claims=["A2", "01.1"]
# NBVAL_CHECK_OUTPUT
recorded = data.load_curves("break")
runs = recorded.select(broken=True)  # with the article's break
first = runs[0]["messages"].index(1)
reveal(guess, round(runs[0]["full_loss"][first], 3), "Mean loss over all emoji at the first message")
print(f"the lucky batch: {runs[0]['smallest_loss'][first]:.5f} in epoch {first}\n")
print("five runs, messages:    ", [int(sum(run["messages"])) for run in runs])
print("lowest mean loss:       ", [round(min(run["full_loss"]), 3) for run in runs])
print("batches run, in epochs: ", [round(sum(run["batches_run"]) / 81, 1) for run in runs])

# %% [markdown]
# Bad luck? Each of the five runs has its own seed: its own first weights and its own order of the data. In none does the mean loss get
# below 0.01 within 25 epochs. We also recorded all five without the `break`. Did they get there?

# %% tags=["reveal"]
show(figures.break_or_not(recorded),
     alt="Mean loss, two panels. By epochs, five runs with the break almost level off above 0.01, "
         "and five without it go on down through 0.01. By batches trained on, all ten lie "
         "nearly on one curve; those with the break end early.")

# %% [markdown]
# Left, the runs with the `break` almost flatten above the threshold. Right, the same losses by batches trained on: nearly one curve. The
# `break` does little but withhold batches: the loop got about as far as 11 or 12 whole epochs.
#
# ## How do you fix it?
#
# Two changes: look at the mean over all emoji after each epoch, and end the loop over epochs there. Here is that loop, on the losses
# recorded without the article's `break`.

# %% claims=["A4"]
# NBVAL_CHECK_OUTPUT
left_alone = recorded.select(broken=False)[0]
for epoch, loss in enumerate(left_alone["full_loss"]):
    if loss < 0.01:
        print(f"loss {loss:.4f} < 0.01 at epoch {epoch}: stop")
        break  # this leaves the loop over epochs
print("mean over the epoch's batches: below 0.01 at epoch", Below("mean_loss", 0.01).first(left_alone))

# %% [markdown]
# In Keras the loops are inside `fit`. To act between two epochs you hand it a **callback**: an object whose methods Keras calls at fixed
# moments, such as the end of each epoch. The course has `StopWhen`: you give it a **criterion**, such as `Below("loss", 0.01)`, and it
# ends the run when that is met.
#
# In the next cell `|` means "or", and `TimeBudget(minutes=2)` is a **budget**: it ends the run after two minutes.

# %% claims=["A5", "A7"]
stop = StopWhen(Below("loss", 0.01) | TimeBudget(minutes=2))
model = two_input_model(len(emoji.vocabulary), len(emoji.groups))
model.fit(batches(*emoji.train, size=16, seed=0), epochs=25, verbose=0, callbacks=[stop])
print(stop.report)

# %% [markdown]
# Why epoch 13, where our loop said 12? Keras's `loss` is the mean over the epoch's batches, taken while the weights were still changing:
# it lags a little, but is free, and in the recorded run it says 13, too. We call it the training loss. (A step is one batch.)
#
# ## Does the threshold stop at the right time?
#
# The article ends with four questions. Two ask when the threshold is reached: does that depend on the data? On the model? We recorded
# networks that see words, pictures or both, with five random splits into training and new emoji.
# Whose training loss gets below 0.01 first?

# %%
guess = ...  # "words", "pictures" or "both"

# %% tags=["reveal"] claims=["A14", "A15", "01.2"]
# NBVAL_CHECK_OUTPUT
curves, rule = data.load_curves("threshold"), Below("loss", 0.01)
stops = {inputs: [rule.first(run) for run in curves.select(input=inputs, units=64)]
         for inputs in ("words", "both", "pictures")}
reveal(guess, min(stops, key=lambda inputs: stops[inputs][0] or np.inf), "First below 0.01")
for inputs, epochs in stops.items():
    print(f"{inputs:10}", epochs)  # None: not within 45 epochs
print("\nwords alone, by the units of the layer that reads them")
for units in (4, 16, 64, 256):
    print(f"{units:3} units ", [rule.first(run) for run in curves.select(input="words", units=units)])

# %% [markdown]
# **The data?** Words are first. Pictures do not get there within 45 epochs: they need a budget. **The model?** The more units, the sooner.
#
# The other two ask what you get. Can stopping early leave a model undertrained? Can it still overfit (get better on its training data,
# worse on new data)? At which threshold, from 1 down to 0.01, would you stop?

# %% tags=["reveal"] claims=["A12"]
# NBVAL_CHECK_OUTPUT
tables.undertrained_or_overfit(curves)

# %% tags=["reveal"] claims=["A13"]
show(figures.overfit(curves.select(input="pictures")),
     alt="Pictures alone, 45 epochs, two panels. The training loss falls steadily; the validation loss "
         "falls, and rises again from about epoch 20. The validation accuracy rises and stays.")

# %% [markdown]
# **Undertrained?** At threshold 1, yes. From 0.5 downwards the accuracies lie between 0.67 and 0.70, too close to rank. Yet
# 0.2 stops at epoch 6, and 0.01 at 13. The article wanted to stop paying, and with its own threshold it pays double.
#
# **Overfit?** Yes, says the loss: on pictures the validation loss rises to 1.5 times its lowest, with 0.01 still far away. No, says the
# accuracy: it does not fall on average. The loss also counts how sure the network is of a wrong answer. A threshold on the training loss
# sees none of this: that takes [validation data](03_validation_early_stopping.ipynb).

# %% [markdown]
# ## Is the gradient a better signal?
#
# The **gradient** says, for every weight, how much the loss would change if that weight moved a little. Its length, over all weights, is
# the **gradient norm**. If that is small, there should be little left to learn. Keras does not report it. A **probe** can: a callback that
# adds one more number per epoch, here the norm, averaged over the epoch's batches: `callbacks=[GradientNorm(), stop]`.
#
# In which epoch would `Below("gradient_norm", 1.0)` stop the first recorded run on both inputs?

# %%
guess = ...  # the epoch

# %% tags=["reveal"] claims=["A6", "01.3"]
# NBVAL_CHECK_OUTPUT
both, norm_below_1 = curves.select(input="both"), Below("gradient_norm", 1.0)
reveal(guess, norm_below_1.first(both[0]), "Stops at epoch")
rules = {"norm < 1.0": norm_below_1, "norm < 0.5": Below("gradient_norm", 0.5),
         "norm < 1.0, not in epoch 0": After(1, norm_below_1),
         "norm < 1.0, not in 0 to 5": After(6, norm_below_1),
         "loss < 0.1": Below("loss", 0.1)}
for name, rule in rules.items():
    epochs = [rule.first(run) for run in both]
    accuracy = np.mean([run["val_accuracy"][epoch] for run, epoch in zip(both, epochs)])
    print(f"{name:27} {epochs}  validation accuracy {accuracy:.2f}")

# %% tags=["reveal"]
ax = figures.gradient_norms(both, limits=(1.0, 0.5))
show(ax, alt="Gradient norm of five runs over 20 epochs: it begins below 1.0, rises to between 1.5 and 2 "
             "within three epochs, and falls to almost nothing. All five are below the limit 1.0 at epoch 0, "
             "and below 0.5 from epoch 7 or 8.")

# %% [markdown]
# The norm begins below 1.0, rises, and only then falls. So the limit 1.0 is met at once, with accuracy 0.30: nothing
# has been learned yet. `After` can ignore the start, and a rough guess will do: 1 to 6 epochs ignored give the same stops.
#
# Better? No. The loss below 0.1 stops no later than the norm below 0.5, with the same accuracy, and needs no probe. With either, you learn
# only afterwards which limit was good.
#
# ## Exercises
#
# Put your answer where the dots are and run the cell. Your code need not look like ours: the check only tries what it does.
#
# **1.1 The first epoch below.** Here are the losses of eight epochs. At which epoch does `Below("loss", 0.5)` stop?

# %% tags=["exercise"]
losses = [2.0, 1.1, 0.7, 0.5, 0.48, 0.52, 0.46, 0.41]
answer = ...
ex.first_below.check(answer)  # or ex.first_below.hint(), ex.first_below.solution()

# %% tags=["solution"]
losses = [2.0, 1.1, 0.7, 0.5, 0.48, 0.52, 0.46, 0.41]
answer = 4  # 0.5 itself is not below 0.5
ex.first_below.check(answer)

# %% [markdown]
# **1.2 Count the breaks.** `losses` holds a list for each epoch: the losses of its batches. How many batches does the article's loop run in
# each epoch? Return a list of counts.

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
# dictionary of the epoch's values, with keys such as "loss". Keras stops after an epoch in which you set `self.model.stop_training = True`.

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
# - it is still above 1.0 after 10 epochs: too slow, give up (epoch 9 or 10, as you like);
# - neither: stop when 30 epochs are done.
#
# Pieces: `Above`, like `Below`; `Epochs(n)`: n epochs are done; `StepBudget(n)`: n steps (81 an epoch) are done; `After(n, rule)`: the rule,
# but not in the first n epochs; `|` is or, `&` is and. `rule.first(ex.practice("pictures"))` tries your rule on one recorded run; the check
# uses others.

# %% tags=["exercise"]
rule = ...  # made of Below, Above, After, Epochs, StepBudget, | and &
ex.always_ends.check(rule)

# %% tags=["solution"]
rule = Below("loss", 0.01) | After(10, Above("loss", 1.0)) | StepBudget(30 * 81)
ex.always_ends.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# Leave the loop over epochs, too, and look at the mean over the data, not at a lucky batch. A threshold that may never be reached needs a
# budget beside it. A gradient below your limit can mean finished, or not yet begun.
#
# Next: [02 Budgets and events](02_budgets_and_events.ipynb). What else can run out?
