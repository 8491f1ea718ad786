# %% [markdown]
# # The loop says "Stop training". Does it stop?
#
# You will
# - see why one lucky batch is not a trained model,
# - write a callback that stops when you meant it to,
# - add the clause that ends a run whose threshold is never reached.
#
# 20 minutes to read, 20 for the exercises. You need `model.fit` and a `for` loop.

# %%
from course_utils.stopping import (After, Below, Epochs, GradientNorm, StepBudget, StopWhen, TimeBudget,
                                   batches)
from course_utils.classroom import data
from course_utils.classroom.chapter_01 import exercises as ex, figures
from course_utils.classroom.models import two_input_model
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

emoji = data.emoji_split(seed=0)
show(figures.emoji_examples(data.load_openmoji()),
     alt="Eight emoji, one of each group, each with its name above and its group below.")

# %% [markdown]
# That is the task: a picture and a name go in, one of eight groups comes out.
#
# ## The article's loop
#
# The first of the [four articles](00_start_here.ipynb) that this course follows trains a network with two inputs. It wants something
# sensible: stop paying for epochs once the loss is small enough. Here is its loop, in Keras. Take thirty seconds before you run
# anything. Where does `break` lead?

# %%
def articles_loop(model, batches, epochs=25):
    batches_run, messages = [], 0
    for epoch in range(epochs):
        batches_run.append(0)
        for inputs, labels in batches:
            loss = train_step(model, inputs, labels)
            batches_run[-1] += 1
            if loss < 0.01:
                messages += 1  # here the article prints "Stop training"
                break
    return batches_run, messages


def train_step(model, inputs, labels):
    model.reset_metrics()  # without it some versions of Keras return the mean of all batches so far
    return float(model.train_on_batch(inputs, labels)[0])

# %%
guess = ...  # how often will it say "Stop training"? A number, or leave the dots

# %% tags=["reveal"] claims=["A1"]
model = two_input_model(len(emoji.vocabulary), len(emoji.groups))
batches_run, messages = articles_loop(model, batches(*emoji.train, size=16, seed=0))
reveal(guess, messages, "Messages in 25 epochs")
ax = figures.batches_run(batches_run, full=81)
show(ax, alt="Bars: batches run in each of 25 epochs. The first are full, 81 high; "
             "later ones are cut short, most to a few batches.")

# %% [markdown]
# It announces the end again and again, and trains on. `break` leaves the loop it stands in. That is the loop over batches: the epoch
# ends early, and the next one begins.
#
# Each orange bar is such an epoch. Look how short they get: in most of them a handful of batches is seen. So the loop fails twice. It
# does not stop, and it hardly trains.
#
# Was that bad luck? We ran the same loop with five seeds, each with its own first weights and its own order of the data, and kept the
# record.

# %%
# NBVAL_CHECK_OUTPUT
recorded = data.load_curves("break")
runs = recorded.select(broken=True)
print("messages:", [int(sum(run["messages"])) for run in runs])
print("lowest mean loss:", [round(min(run["full_loss"]), 3) for run in runs])

# %% [markdown]
# No run ends. And in none of them does the mean loss over all the emoji ever get below the threshold that the loop keeps announcing.
#
# ## A lucky batch is not the mean
#
# The article's own formula is right: $\text{Loss} = \frac{1}{N}\sum_{i=1}^{N} L(y_i, \hat y_i)$, over all $N$ pictures. Its loop looks at
# 16 of them. At the first message one batch had a loss below 0.01. What was the mean over all 1294 training emoji at that moment?

# %%
guess = ...  # the mean loss at the first message

# %% tags=["reveal"] claims=["A2", "01.1"]
# NBVAL_CHECK_OUTPUT
run = runs[0]
first = run["messages"].index(1)
reveal(guess, round(run["full_loss"][first], 3), "Mean loss over all emoji at the first message")
print(f"the lucky batch: {run['smallest_loss'][first]:.5f} in epoch {first}")

# %% tags=["reveal"]
ax = figures.break_or_not(recorded)
show(ax, alt="Mean loss of five runs with the break, which level off above 0.01, "
             "and of five without it, which go on down through 0.01.")

# %% [markdown]
# Solid: with the `break`. The curves flatten above the threshold, because the loop hardly feeds them any more. Dashed: the same five
# trainings left alone. They cross it a few epochs later, by themselves.
#
# ## Mended
#
# Two changes: look at the mean over all emoji after each epoch, and end the loop over epochs there. Here is that loop on the record of a
# training without the `break`: nothing is trained.

# %% claims=["A4"]
# NBVAL_CHECK_OUTPUT
losses = recorded.select(broken=False)[0]["full_loss"]  # one value per epoch
for epoch, loss in enumerate(losses):
    if loss < 0.01:
        print(f"loss {loss:.4f} < 0.01 at epoch {epoch}: stop")
        break  # this leaves the loop over epochs

# %% [markdown]
# In Keras the loops are inside `fit`. What you can do between two epochs is a **callback**: an object whose methods Keras calls. You
# write this one in exercise 1.4; the course's is `StopWhen`, and it takes any **criterion**, such as `Below("loss", 0.01)`.
#
# `|` means "or": the second part is a **budget**, for the day on which the threshold is not reached. Before `stop` comes a **probe**:
# a callback that measures what Keras does not, here the size of the gradient. The cell is silent while it trains, up to a minute; on a
# slow computer the budget may end it.

# %% claims=["A5", "A7"]
stop = StopWhen(Below("loss", 0.01) | TimeBudget(minutes=1))
model = two_input_model(len(emoji.vocabulary), len(emoji.groups))
model.fit(batches(*emoji.train, size=16, seed=0), validation_data=emoji.validation, epochs=25, verbose=0,
          callbacks=[GradientNorm(), stop])
print(stop.report)
print("gradient norm, first and last epoch:", [round(stop.history["gradient_norm"][i], 2) for i in (0, -1)])

# %% [markdown]
# The report says why the run ended, with numbers. (Keras's `loss` is the mean of the epoch's batches, taken while the weights were
# still moving. So it lags a little behind the formula, and costs nothing extra.)
#
# ## The article's questions, in one picture
#
# The article ends with four questions. May stopping early leave a model undertrained? May it overfit? Does it depend on the data, or on
# the model? We trained on both inputs, on words alone and on pictures alone, with five random splits into training and new emoji, and
# kept the curves. In which epoch does the mean loss get below 0.01?

# %% claims=["A14", "01.2"]
# NBVAL_CHECK_OUTPUT
curves = data.load_curves("threshold")
rule = Below("loss", 0.01)
for inputs in ("words", "both", "pictures"):
    runs = curves.select(input=inputs, units=64)  # 64 units in the layer that reads the words
    print(f"{inputs:9}", [rule.first(run) for run in runs])

# %% claims=["A15"]
ax = figures.four_questions(curves)
show(ax, alt="Four panels. Accuracy is lower for threshold 1 than for smaller ones. "
             "Pictures: validation loss turns up, accuracy does not fall. "
             "Three inputs: words and both cross 0.01, pictures never. "
             "Four sizes: larger networks cross it sooner.")

# %% [markdown]
# 1. **Undertrained?** Yes, with a loose threshold. From 0.2 on it hardly matters where you stop.
# 2. **Overfit?** A stop does not cause it; a threshold on the training loss just does not prevent it. And overfit in which metric? On
#    pictures the validation loss turns up for good, and the accuracy does not fall.
# 3. **The data?** Pictures alone do not get there in 45 epochs. That run needs a budget.
# 4. **The model?** The threshold comes early with many units in the layer that reads the words, and late with few.
#
# Here are the numbers behind panels 1 and 2.

# %% claims=["A12", "A13"]
# NBVAL_CHECK_OUTPUT
epochs, accuracy = figures.accuracy_at_thresholds(curves)
sds = accuracy.std(0, ddof=1)
for limit, when, mean, sd in zip(figures.THRESHOLDS, epochs.mean(0), accuracy.mean(0), sds):
    print(f"loss < {limit:<4}  epoch {when:4.1f}  accuracy {mean:.2f} ± {sd:.2f}")
pictures = curves.select(input="pictures")
gain = [100 * (run["val_accuracy"][-1] - run["val_accuracy"][np.argmin(run["val_loss"])]) for run in pictures]
rise = [run["val_loss"][-1] / min(run["val_loss"]) for run in pictures]
print(f"pictures, last epoch against lowest validation loss: loss x {np.mean(rise):.1f}, "
      f"accuracy {np.mean(gain):+.0f} ± {np.std(gain, ddof=1):.0f} points")

# %% [markdown]
# ## Any other indicator: the gradient
#
# The article also offers "gradient change" as a condition. We take the gradient's size instead: a small gradient should mean that there
# is little left to learn. Its size, over all weights, is the **gradient norm**. Here is `Below("gradient_norm", 1.0)` on the recorded runs. When does it fire?

# %%
guess = ...  # the epoch

# %% tags=["reveal"] claims=["A6", "01.3"]
# NBVAL_CHECK_OUTPUT
both, small = curves.select(input="both"), Below("gradient_norm", 1.0)
reveal(guess, small.first(both[0]), "Fires at epoch")
print("five splits, limit 1.0:", [small.first(run) for run in both])
print("limit 0.5:             ", [Below("gradient_norm", 0.5).first(run) for run in both])
print("limit 1.0, After(5):   ", [After(5, small).first(run) for run in both])

# %% tags=["reveal"]
ax = figures.gradient_norms(both, limits=(1.0, 0.5))
show(ax, alt="Gradient norm of five runs over 45 epochs: it begins below 1.0, rises to nearly 2 "
             "within three epochs, and falls to almost nothing. Limits 1.0 and 0.5 are horizontal lines; "
             "only 1.0 is above the start.")

# %% [markdown]
# The gradient is small at the end. It is also fairly small at the very start, where the network knows nothing yet and every direction
# looks much alike; then it rises. The limit 1.0 happens to lie above the start, and fires at once. The limit 0.5 happens to lie below
# it, and works. You know which is which once you have seen the curve.
#
# `After(5, ...)` does not look at the first five epochs, and needs less luck.
#
# ## When a threshold does not help
#
# You have to know which loss is good before you train: 0.01 suits the words, and not the pictures. And a threshold on the training loss
# cannot see a model get worse on new data. That takes validation data, and [another chapter](03_validation_early_stopping.ipynb).

# %% [markdown]
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by. Numbers, functions and classes are checked by
# what they do.
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
# **1.2 Count the breaks.** `losses` holds a list for each epoch: the losses of its batches. How many batches does the article's loop run
# in each epoch? Return a list of counts.

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
# **1.3 The mean over the pictures.** `losses` and `sizes` are two lists: the loss of each batch, and how many
# pictures it had; the last one is often smaller. Return the
# formula's loss, the mean over all $N$ pictures.

# %% tags=["exercise"]
def mean_loss(losses, sizes):
    return ...


ex.mean_over_pictures.check(mean_loss)

# %% tags=["solution"]
def mean_loss(losses, sizes):
    return np.average(losses, weights=sizes)


ex.mean_over_pictures.check(mean_loss)

# %% [markdown]
# **1.4 ThresholdStop.** Write the callback: end training after the first epoch in which `metric` is below `threshold`. `logs` is a
# dictionary of the epoch's values, with keys such as "loss", and Keras stops where `self.model.stop_training` is `True`.

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
# **1.5 A rule that always ends.** One rule for words, pictures and both. Where the loss gets below 0.01, stop there: at most 3 epochs
# sooner or 2 later. Where it does not, stop within 30 epochs, but try at least half of them.
#
# Pieces: `Epochs(n)` ends after n epochs and `StepBudget(n)` after n steps, which are batches: an epoch has 81. `|` is or, `&` is and.
# `rule.first(ex.practice("pictures"))` says where a rule stops one recorded run; it is scored on twelve others.

# %% tags=["exercise"]
rule = ...  # made of Below, After, Epochs, StepBudget, | and &
ex.always_ends.check(rule)

# %% tags=["solution"]
rule = Below("loss", 0.01) | StepBudget(30 * 81)
ex.always_ends.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# Look at the mean over the data, not at a lucky batch. A threshold that may never be reached needs a budget beside it. A small gradient
# can mean finished, or not yet begun.
#
# Next: [02 Budgets and events](02_budgets_and_events.ipynb). What else can run out.
