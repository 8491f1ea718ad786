# %% [markdown]
# # Improvement is infinite, and training goes on. Why?
#
# You will
# - mend a stopping rule that can never be met,
# - give training a time budget that leaves room for the last validation,
# - meet one event with three actions, and find out that ending is not always the best of them.
#
# 25 minutes to read, 30 for the exercises. You need `model.fit` and a little numpy.

# %% claims=["B6"]
from course_utils.stopping import (Above, ImprovementBelow, Memory, NotFinite, Patience, StopWhen, TimeBudget,
                                   When, batches, compare, scale_learning_rate)
from course_utils.classroom import data
from course_utils.classroom.chapter_02 import exercises as ex, figures
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np
from sklearn.datasets import load_diabetes

X, disease = load_diabetes(return_X_y=True)  # 442 patients, ten measurements; the disease a year later
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = (disease - disease.mean()) / disease.std()
ax = figures.descent(figures.losses_of_descent(X, y, steps=100))
show(ax, alt="The mean squared error of a gradient descent over 100 steps: "
             "it falls within 20 steps, and is flat from then on.")

# %% [markdown]
# ## The article's loop
#
# In the picture a linear model is trained by gradient descent. After 20 steps there is hardly anything left to gain, and 80 more are
# paid for.
#
# The article wants to end such a training: when its time is up, or when the performance hardly improves. Below is its loop, with its
# own names. What it leaves to the reader (gradient, performance, learning rate) is filled in, and correct.
#
# Spot the bug before you run it. After how many steps does it stop?

# %%
def articles_loop(train_time_limit=100, performance_improvement_threshold=0.001,
                  performance_improvement=float("inf"), learning_rate=0.1):
    theta, train_time, improvements = np.random.default_rng(0).random(10), 0, []
    for t in range(train_time_limit):
        theta = theta - learning_rate * 2 * X.T @ (X @ theta - y) / len(y)
        performance = np.mean((X @ theta - y) ** 2)  # the mean squared error: less is better
        if train_time >= train_time_limit or performance_improvement <= performance_improvement_threshold:
            break
        performance_improvement = performance_improvement - (performance - performance_improvement)
        train_time += 1
        improvements.append(performance_improvement)  # ours, to see what happens
    return improvements


guess = ...  # steps; a number, or leave the dots

# %% tags=["reveal"] claims=["B1", "B2"]
# NBVAL_CHECK_OUTPUT
improvements = articles_loop()
reveal(guess, len(improvements), "Steps")
print("improvement:", *improvements[:3], "...", improvements[-1])
print(f"begun with 2 instead of inf: ... {articles_loop(performance_improvement=2.0)[-1]:.0e}")

# %% [markdown]
# It does not stop. `inf - (performance - inf)` is infinite, for ever, and infinity is never <= 0.001. A finite start such as 2 does not
# cure it: the line compares the performance with the last *improvement*, which then grows and grows. It should compare two performances.
#
# The time limit does nothing either: `train_time` counts steps, and `range` already does that.
#
# The article's formulas are right: $\theta_{t+1} = \theta_t - \eta \nabla J(\theta_t)$, and stop when time $\geq T$ or improvement
# $\leq \epsilon$, its **epsilon**. Its text says: stop when the improvement *exceeds* a threshold. One of the two is wrong.

# %% claims=["B4", "B5"]
# NBVAL_CHECK_OUTPUT
def descend(y, stop, steps=5000):
    theta, losses = np.random.default_rng(0).random(10), []
    for t in range(steps):
        theta = theta - 0.1 * 2 * X.T @ (X @ theta - y) / len(y)
        losses.append(np.mean((X @ theta - y) ** 2))
        if stop(losses):
            return t


def improvement(losses):
    return losses[-2] - losses[-1] if len(losses) > 1 else np.inf


print("the text,    improvement >  0.001: stops at", descend(y, lambda losses: improvement(losses) > 0.001))
print("the formula, improvement <= 0.001: stops at", descend(y, lambda losses: improvement(losses) <= 0.001))

# %% [markdown]
# Our `improvement` begins with infinity, which exceeds everything, so the text's rule stops at step 0. The formula's stops where the picture says.
#
# So far `y` was standardised: one unit was one standard deviation. Now take the doctors' own scale, `disease`, where a standard
# deviation is 77 points. Same patients, same model, same $\epsilon$. Where does the mended rule stop? <!-- given: 77 -->

# %%
guess = ...  # the step

# %% tags=["reveal"] claims=["02.1"]
# NBVAL_CHECK_OUTPUT
points = disease - disease.mean()
reveal(guess, descend(points, lambda losses: improvement(losses) <= 0.001), "Stops at step")
for name, values in (("standardised", y), ("points", points)):
    step = descend(values, lambda losses: improvement(losses) <= 0.001 * losses[-1])
    print(f"improvement <= 0.1 % of the loss, {name}: stops at {step}")

# %% [markdown]
# Epsilon has units: those of the loss, here points squared. The course's criterion is `ImprovementBelow`; its `relative=True` makes epsilon a share of the loss. (The
# two stops still differ. Both runs start from the same random numbers, which are small only on the doctors' scale.)
#
# ## Time is not a number of steps
#
# Here is the formula in the course's words, with a budget in seconds. We move the clock by hand: each batch takes a
# second, each validation pass three. `late` has the same budget, but looks at it only after each epoch.

# %%
# NBVAL_CHECK_OUTPUT
class Clock(keras.callbacks.Callback):
    seconds = 0

    def __call__(self):
        return self.seconds

    def on_train_batch_end(self, batch, logs=None):
        self.seconds += 1

    def on_test_end(self, logs=None):
        self.seconds += 3


def fit(criterion):
    clock, model = Clock(), keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
    stop = StopWhen(criterion, clock=clock)
    model.compile("sgd", "mse")
    pipeline = batches(X, y, size=23, seed=0)  # twenty of them
    model.fit(pipeline, validation_data=(X, y), epochs=9, verbose=0, callbacks=[clock, stop])
    return stop


late = fit(lambda history: history["seconds"][-1] >= 30)  # a function is looked at when an epoch is over
prompt = fit(TimeBudget(seconds=30) | ImprovementBelow("loss", 0.001))
print("late:  ", late.report.seconds, "seconds")
print("prompt:", prompt.report.seconds, "seconds:", prompt.report.reason)

# %%
runs = {"late": late.history, "prompt": prompt.history}
spans = {name: figures.spans(history, validation=3) for name, history in runs.items()}
ax = figures.budgets(spans, budget=30)
show(ax, alt="Two runs as bars over time. The first ends at 46 seconds, far past the budget of 30; "
             "the second, cut short, ends at 30.")

# %% [markdown]
# Both validate after their last batch, as Keras does. `prompt` has measured one validation and keeps room for the next; not for the batch
# that is running, and in the first epoch it has measured nothing yet. `late` overruns by 16 seconds, with epochs of 23. With epochs of an hour it
# can be an hour.
#
# ## The window before epsilon
#
# $\epsilon$ looked like the knob to turn. Let us see, on fifty recorded runs: five problems, ten splits each, 300 epochs, 64 units. We
# measure the [regret](00_start_here.ipynb), in test loss.
#
# The **window** says which two epochs are compared: with window 10, an epoch and the one ten before. Window 1 has a regret of 95 % on
# average. And window 10?

# %%
names = ("diabetes", "soybean", "gene", "thyroid", "building")
curves = data.load_curves("proben1")
problems = {name: curves.select(problem=name, units=64)[:10] for name in names}
seen = sum(problems.values(), [])  # all fifty
guess = ...  # percent

# %% tags=["reveal"] claims=["B11", "02.2"]
# NBVAL_CHECK_OUTPUT
def price(window, epsilon):
    rule = ImprovementBelow("val_loss", epsilon, window, relative=True)
    rows = [compare([rule], runs, measured="test_loss")[0] for runs in problems.values()]
    return [row.regret.mean() for row in rows], 100 * np.mean([row.share for row in rows])


reveal(guess, f"{np.mean(price(10, 0.001)[0]):.0f} %", "Mean regret with window 10")
print("window  epsilon", *(f"{name:>9}" for name in names), "     mean    epochs trained")
for window in (1, 5, 10, 20):
    for epsilon in (0.001, 0.01):
        lost, cost = price(window, epsilon)
        columns = " ".join(f"{value:z9.0f}" for value in [*lost, np.mean(lost)])
        print(f"{window:6}  {epsilon:7} {columns} {cost:11.0f} %")

# %% tags=["reveal"]
ax = figures.windows(problems)
show(ax, alt="Five panels, one for each problem, on one scale: "
             "regret falls steeply from window 1 to window 20. "
             "The lines for two epsilons, one ten times the other, lie almost on each other.")

# %% [markdown]
# With these two small epsilons, one ten times the other, the lines are hardly apart. The window changes everything: from epoch to epoch the validation loss goes up
# and down by chance, and window 1 takes the first bad epoch for the end.
#
# ## One event, three actions
#
# A criterion that is met is an **event**. `StopWhen` ends training there, `When` does what you like. Here are ten trainings on
# Fashion-MNIST, and one event, `Patience("val_loss", 3)`: three epochs in a row without a new best. Then *end*; or *go on* for six
# epochs; or *divide the learning rate by ten* and go on for six. Each keeps its best epoch.

# %%
events = data.load_curves("events")
guess = ...  # by how many points of test accuracy does the third beat the first?

# %% tags=["reveal"] claims=["02.3"]
# NBVAL_CHECK_OUTPUT
accuracy = figures.actions(events, "adam 0.005")  # a row for each of ten seeds: end, go on, rate / 10
end, go_on, lower = accuracy.T
reveal(guess, f"{np.mean(lower - end):+.1f}", "Rate / 10 against ending, points")
print("end, go on, rate / 10:", accuracy.mean(axis=0).round(1))
print("rate / 10 - end:  ", *np.sort(lower - end).round(1))
print("rate / 10 - go on:", *np.sort(lower - go_on).round(1))

# %% tags=["reveal"]
ax = figures.three_actions(events, "adam 0.005")
show(ax, alt="Left: the validation loss of one run rises and falls; after the event it soon rises again, "
             "or, with a tenth of the rate, drops at once below all before. "
             "Right: test accuracy of ten seeds for three actions; rate / 10 is highest.")

# %% [markdown]
# Nine of ten seeds gain, one stands still. Going on at the same rate gains little. The event said only that there was little left to learn *at this rate*: large steps jump about the minimum, small ones settle into it. The
# price is six epochs.
#
# Now live, in one `fit`: a rule that lowers the rate at the event, should it come in time, and an end with a clause for each thing that
# can run out.

# %%
(x, label), _ = data.load_fashion_mnist()
x = x.reshape(-1, 784) / 255
keras.utils.set_random_seed(0)
layers = [keras.Input((784,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")]
model = keras.Sequential(layers)
model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy",
              steps_per_execution=5)  # five batches at once: less overhead
lower_rate = When(Patience("val_loss", 3), do=scale_learning_rate(0.1))
stop = StopWhen(TimeBudget(seconds=8) | NotFinite() | Above("memory", 16_000), restore_best="val_loss")
model.fit(batches(x[:4000], label[:4000], size=32, seed=0), epochs=1000, verbose=0,
          validation_data=(x[4000:5000], label[4000:5000]), validation_batch_size=1000,
          callbacks=[Memory(), lower_rate, stop])
print(*(event.reason for event in lower_rate.events), stop.report, sep="\n")

# %% [markdown] claims=["B7"]
# Eight seconds, give or take five batches, which run as one here. No event listed? It came too late. The probe `Memory` measures the process,
# in MiB.
#
# The article would also stop on the use of resources. A ceiling for memory makes sense: above it a process is killed.
# One for the processor rarely does: a busy processor is what you pay for.
#
# ## Which criteria?
#
# First what you can spend: a budget, always. Then what must not happen: `NotFinite` (a loss of NaN), a memory ceiling. Then what is good
# enough: `Below` if you know the number, otherwise improvement over a window.
#
# ## When it does not help

# %%
# NBVAL_CHECK_OUTPUT
print("the same event under three optimizers: mean test accuracy of ten seeds, in percent")
print("               end   go on 6   rate / 10, 6   go on to epoch 39   rate / 10 - go on 6")
for optimizer in ("adam 0.005", "sgd 0.3", "adam 0.0005"):
    end, go_on, lower = figures.actions(events, optimizer).T
    to_the_end = figures.actions(events, optimizer, more=39)[:, 1]
    means = [values.mean() for values in (end, go_on, lower, to_the_end)]
    gain = f"{np.mean(lower - go_on):+16.1f} ± {np.std(lower - go_on, ddof=1):.1f}"
    print("{:11} {:6.1f} {:9.1f} {:14.1f} {:19.1f}".format(optimizer, *means), gain)

# %% [markdown]
# With gradient descent (SGD) both help: a lower rate, or many more epochs. With Adam at a rate that is already small, lowering it gains
# nothing over going on. With both, more epochs gain: the event was a false alarm, and patience too short.
#
# So an event says that its rule was met, and not why. Nor does a budget know what the next epoch would have brought.

# %% [markdown]
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by.
#
# **2.1 Which clause?** Stop when `seconds >= 12` or when the loss improves by 0.01 or less, whichever comes first. At which epoch does
# training end, and by which clause? There is one value for each epoch.

# %% tags=["exercise"]
seconds = [3, 6, 9, 12, 15]
losses = [0.9, 0.6, 0.65, 0.5, 0.499]
epoch, clause = ..., ...  # a number, and "time" or "improvement"
ex.which_clause.check((epoch, clause))  # or ex.which_clause.hint(), ex.which_clause.solution()

# %% tags=["solution"]
seconds = [3, 6, 9, 12, 15]
losses = [0.9, 0.6, 0.65, 0.5, 0.499]
epoch, clause = 2, "improvement"  # from 0.6 to 0.65 is an improvement of -0.05
ex.which_clause.check((epoch, clause))

# %% [markdown]
# **2.2 Improvement as a list.** Given the losses of some epochs, return the improvement of each over the one before: as many numbers as
# there are losses.

# %% tags=["exercise"]
def improvements(losses):
    return ...


ex.improvement_list.check(improvements)

# %% tags=["solution"]
def improvements(losses):
    return [float("inf")] + [before - now for before, now in zip(losses, losses[1:])]


ex.improvement_list.check(improvements)

# %% [markdown]
# **2.3 The condition, mended.** Write the formula: stop when the time is at least `limit`, or when the improvement is at most
# `epsilon`. `seconds` and `losses` hold a value for each epoch so far; `seconds` counts from the start. Return `True` or `False`.

# %% tags=["exercise"]
def stop(seconds, losses, limit, epsilon):
    return ...


ex.mended_condition.check(stop)

# %% tags=["solution"]
def stop(seconds, losses, limit, epsilon):
    small = len(losses) > 1 and losses[-2] - losses[-1] <= epsilon
    return seconds[-1] >= limit or small


ex.mended_condition.check(stop)

# %% [markdown]
# **2.4 A budget that keeps its word.** Write the callback. `clock()` gives the time in seconds. After each batch, stop when what has
# passed, and one more validation as long as the last, reach the budget. Before the first validation keep nothing back. Keras calls `on_train_begin`, `on_train_batch_end`, `on_test_begin`, `on_test_end` (the
# two around each validation pass) and `on_epoch_end`. It is tried with 20 batches of a second and 3 seconds of validation in each epoch,
# and a budget of 30; then with other budgets, batches and validations.

# %% tags=["exercise"]
class PromptBudget(keras.callbacks.Callback):
    def __init__(self, seconds, clock):
        super().__init__()
        self.seconds, self.clock = seconds, clock

    def on_train_begin(self, logs=None):
        return ...  # your lines instead of this one, and the other methods you need


ex.prompt_budget.check(PromptBudget)

# %% tags=["solution"]
class PromptBudget(keras.callbacks.Callback):
    def __init__(self, seconds, clock):
        super().__init__()
        self.seconds, self.clock = seconds, clock

    def on_train_begin(self, logs=None):
        self.start, self.validation = self.clock(), 0.0

    def on_test_begin(self, logs=None):
        self.test_start = self.clock()

    def on_test_end(self, logs=None):
        self.validation = self.clock() - self.test_start

    def on_train_batch_end(self, batch, logs=None):
        if self.clock() - self.start + self.validation >= self.seconds:
            self.model.stop_training = True


ex.prompt_budget.check(PromptBudget)

# %% [markdown]
# **2.5 Epsilon and window.** Choose epsilon, window, and relative or not, so that the rule loses at most 3 % and trains at most 20 % of
# the epochs, on average. `compare([rule], seen, measured="test_loss")` gives a table of regret and epochs on the fifty runs above. It is scored on fifty others.

# %% tags=["exercise"]
rule = ...  # ImprovementBelow("val_loss", epsilon=, window=, relative=)
ex.epsilon_and_window.check(rule)

# %% tags=["solution"]
rule = ImprovementBelow("val_loss", epsilon=0.001, window=40, relative=True)
ex.epsilon_and_window.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# Improvement is the previous loss minus this one, and epsilon has its units. One epoch against the one before is mostly noise: choose
# the window first. A criterion that is met is an event, and ending is one of several things to do.
#
# Next: [03 Validation early stopping](03_validation_early_stopping.ipynb). Patience, on five problems.
