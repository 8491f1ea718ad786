# %% [markdown]
# # Improvement is infinite, and training goes on. Why?
#
# You will
# - mend a stopping rule that can never be met,
# - give training a time budget that leaves room for the last validation,
# - try three answers when a rule is met, and find out that ending is not always the best.
#
# 30 minutes to read, 40 for the exercises. You need `model.fit`, a little numpy, and regret from chapter 00.

# %% claims=["B6"]
from course_utils.stopping import (Above, ImprovementBelow, Memory, NotFinite, Patience, StopWhen, TimeBudget,
                                   When, batches, compare, scale_learning_rate)
from course_utils.classroom import data
from course_utils.classroom.chapter_02 import exercises as ex, figures
from course_utils.classroom.chapter_02.clock import HandClock
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np
from sklearn.datasets import load_diabetes

X, disease = load_diabetes(return_X_y=True)  # 442 patients; `disease`: how far it had got a year later
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = (disease - disease.mean()) / disease.std()
ax = figures.descent(figures.losses_of_descent(X, y, steps=100))
show(ax, alt="The mean squared error of a gradient descent over 100 steps: "
             "it falls within 20 steps, and is flat from then on.")

# %% [markdown]
# ## The article's loop
#
# In the picture a linear model is trained by gradient descent. After 20 steps hardly anything is left to gain; the other 80 cost the
# same.
#
# The second of the [articles that this course follows](00_start_here.ipynb) wants to end such a training when time is up, or when the
# performance hardly improves. This is its loop. We filled in what it leaves open (gradient, performance, learning rate); the bug is not
# there. Spot it before you run the loop. After how many steps does it stop?

# %%
def articles_loop(train_time_limit=100, performance_improvement_threshold=0.001,
                  performance_improvement=float("inf"), learning_rate=0.1):
    theta, train_time, improvements = np.random.default_rng(0).random(10), 0, []  # theta: the ten weights
    for t in range(train_time_limit):
        theta = theta - learning_rate * 2 * X.T @ (X @ theta - y) / len(y)  # @ multiplies matrices
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
for start in (2.0, 1.0):
    found = articles_loop(performance_improvement=start)
    print(f"begun with {start:g} instead of inf: {found[0]:.2g} ... {found[-1]:.2g}, steps: {len(found)}")

# %% [markdown]
# The rule never stops it: after 100 steps `range` ran out. `inf - (performance - inf)` is infinite, for ever, and infinity is never
# <= 0.001. A finite start is no cure, because the line compares the performance with the last *improvement*: begun with 2, that grows for
# ever; begun with 1, it is negative at once. The line should compare two performances. (`train_time` is no time: it counts steps, as `range`
# does.)
#
# The article's formula: stop when time is up, or when the improvement is $\leq \epsilon$, its **epsilon**. Its text says the opposite: stop
# when the improvement *exceeds* a threshold. Which is right? Run both.

# %% claims=["B4", "B5"]
# NBVAL_CHECK_OUTPUT
def descend(y, stop, steps=5000):
    theta, losses = y.std() * np.random.default_rng(0).random(10), []  # equally far off, on any scale of y
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
# Our `improvement` begins with infinity, which exceeds everything: the text's rule stops at step 0. (Begun later, it would stop at step 1.)
# The formula is right: it stops where the picture gets flat.
#
# So far `y` was standardised: one unit was one standard deviation. Now take the doctors' own scale, `disease`, where a standard
# deviation is 77 points. Same patients, same model, same epsilon. Where does the rule stop? <!-- given: 77 -->

# %%
guess = ...  # the step

# %% tags=["reveal"] claims=["02.1"]
# NBVAL_CHECK_OUTPUT
points = disease - disease.mean()
reveal(guess, descend(points, lambda losses: improvement(losses) <= 0.001), "Stops at step")
for name, values in (("standardised", y), ("points", points)):
    step = descend(values, lambda losses: improvement(losses) <= 0.001 * losses[-1])
    print(f"improvement <= 0.1 % of the loss, {name}: stops at {step}")
print(f"in points, the loss is {np.var(points) / np.var(y):,.0f} times as large")

# %% [markdown]
# Epsilon has the units of the loss, here points squared. In points the loss is 5,930 (77 × 77) times as large, and the same 0.001 that
# much stricter. In the course's `ImprovementBelow`, `relative=True` makes epsilon a share of the loss: the same stop on both scales.
#
# ## When are 30 seconds up?
#
# We move the clock by hand: a batch takes a second, a validation three; an epoch has twenty batches. `prompt` is the formula in the
# course's words (`|` means or). `late` has the same budget of 30 seconds, but looks at the clock only when an epoch is over. When does
# it end?

# %%
def fit(criterion):
    clock = HandClock(batch=1, validation=3)
    stop = StopWhen(criterion, clock=clock)  # it asks this clock for the time
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(batches(X, y, size=23, seed=0), epochs=9, verbose=0, callbacks=[clock, stop],
              validation_data=(X, y))  # only the clock matters here: elsewhere, validate on other patients
    return stop


late = fit(lambda history: history["seconds"][-1] >= 30)  # a function is asked when an epoch is over
prompt = fit(TimeBudget(seconds=30) | ImprovementBelow("loss", 0.001))
guess = ...  # after how many seconds `late` ends

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
reveal(guess, late.report.seconds, "`late` ends after, in seconds")
print(f"`prompt` ends after {prompt.report.seconds} s:", prompt.report.reason)  # batches count from 0, too

# %% tags=["reveal"]
runs = {"late": late.history, "prompt": prompt.history}
spans = {name: figures.spans(history, validation=3) for name, history in runs.items()}
ax = figures.budgets(spans, budget=30)
show(ax, alt="Two runs as bars over time. The first ends at 46 seconds, far past the budget of 30; "
             "the second, cut short, ends at 30.")

# %% [markdown]
# Both validate after their last batch. `late` overruns by 16 seconds, with epochs of 23; with epochs of an hour it can be almost an hour.
# `prompt` keeps room for a validation as long as the last.
#
# ## Which matters more, epsilon or the window?
#
# The **window** says which two epochs are compared: with window 10, an epoch and the one ten before. Here is one of fifty runs (five data
# sets, ten random splits each). [Regret](00_start_here.ipynb): by how many percent is the test loss of the kept weights above that of
# the epoch with the lowest validation loss? With window 1 its mean is 95 %. And with window 10?

# %%
names = ("diabetes", "soybean", "gene", "thyroid", "building")
curves = data.load_curves("proben1")
problems = {name: curves.select(problem=name, units=64)[:10] for name in names}
seen = sum(problems.values(), [])  # all fifty, of 300 epochs each
show(*figures.two_windows("thyroid", problems["thyroid"][8], epsilon=0.001))
guess = ...  # percent

# %% tags=["reveal"] claims=["B11", "02.2"]
# NBVAL_CHECK_OUTPUT
def price(window, epsilon):
    rule = ImprovementBelow("val_loss", epsilon, window, relative=True)
    (row,) = compare([rule], seen, measured="test_loss")
    return row.regret.mean(), 100 * row.share.mean()  # both in percent


reveal(guess, f"{price(10, 0.001)[0]:.0f} %", "Mean regret with window 10")
print("window   regret, epsilon 0.1 %   regret, epsilon 1 %   epochs trained, epsilon 0.1 %")
apart = 0
for window in (1, 5, 10, 20):
    (small, cost), (large, _) = price(window, 0.001), price(window, 0.01)
    apart = max(apart, large - small)
    print(f"{window:6} {small:20.0f} % {large:19.0f} % {cost:23.0f} %")
print(f"between the two epsilons: at most {apart:.0f} points of regret")
gains = [1 - losses[1:] / losses[:-1] for losses in map(figures.until_best, seen)]  # as shares of the loss
rises = np.mean([np.mean(gain < 0) for gain in gains])
little = np.mean([np.mean((gain > 0.001) & (gain <= 0.01)) for gain in gains])
print(f"epochs until the best: {100 * rises:.0f} % rise, {100 * little:.0f} % improve by 0.1 to 1 %")

# %% tags=["reveal"]
ax = figures.windows(problems)
show(ax, alt="Five panels, one for each problem, on one scale: "
             "regret falls steeply from window 1 to window 20. "
             "The lines for two epsilons, one ten times the other, lie almost on each other; "
             "they are furthest apart on soybean, at window 5.")

# %% [markdown]
# Ten times the epsilon moves mean regret by 4 points at most; ten times the window takes it from 95 % to 14 %, and the cost from 2 % to
# 8 %. Why? Until its best the validation loss rises in 38 % of the epochs, and window 1 takes the first rise for the end. Gains between the
# two epsilons are rare.
#
# ## An event: end, go on, or lower the rate?
#
# A criterion that is met is an **event**. `StopWhen` ends training there, `When` does what you like. Ten trainings on Fashion-MNIST, by Adam
# at 0.005, meet `Patience("val_loss", 3)`. Then *end*; *go on* for six epochs; or *divide the rate by ten*, then six more. Each keeps its
# best weights. By how many points of test accuracy does dividing beat ending?

# %%
events = data.load_curves("events")  # the event: three epochs without a new lowest validation loss
guess = ...  # points of test accuracy

# %% tags=["reveal"] claims=["02.3"]
# NBVAL_CHECK_OUTPUT
accuracy = figures.actions(events, "adam 0.005")  # a row for each of ten seeds: end, go on, rate / 10
end, go_on, lower = accuracy.T
reveal(guess, f"{np.mean(lower - end):+.1f}", "Rate / 10 against ending, in points")
print("end, go on, rate / 10:", accuracy.mean(axis=0).round(2))
print("rate / 10 - end:  ", *np.sort(lower - end).round(1))
print("rate / 10 - go on:", *np.sort(lower - go_on).round(1))

# %% tags=["reveal"]
ax = figures.three_actions(events, "adam 0.005")
show(ax, alt="Left: the validation loss of one run falls and rises; after the event it falls a little below "
             "its old best and rises again, or, with a tenth of the rate, drops at once far below. "
             "Right: test accuracy of ten seeds for three actions; rate / 10 is highest.")

# %% [markdown]
# Nine of ten seeds gain, one stands still; going on at the same rate gains little. The event said only that little was left to learn *at
# this rate*. (The usual explanation: large steps jump about the minimum, small ones settle into it.) The price is six more epochs.
#
# Now live, in one `fit`: one rule lowers the rate at the event; another ends training when time is up, the loss is no number (NaN) or
# memory runs short.

# %%
(x, label), _ = data.load_fashion_mnist()
x = x.reshape(-1, 784) / 255
keras.utils.set_random_seed(0)
layers = [keras.Input((784,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")]
model = keras.Sequential(layers)
model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy",
              steps_per_execution=25)  # 25 batches run as one: faster, but the clock is read only after them
lower_rate = When(Patience("val_loss", 3), do=scale_learning_rate(0.1))  # acts once; no event? Add seconds
stop = StopWhen(TimeBudget(seconds=10) | NotFinite() | Above("memory", 16_000), restore_best="val_loss")
model.fit(batches(x[:4000], label[:4000], size=32, seed=0), epochs=1000, verbose=0,
          validation_data=(x[4000:5000], label[4000:5000]), validation_batch_size=1000,
          callbacks=[Memory(), lower_rate, stop])  # Memory measures this process, in MiB
print("event:", *(event.reason for event in lower_rate.events))
print("end:", stop.report)

# %% [markdown] claims=["B7"]
# The article would also stop on the use of resources. A ceiling for memory makes sense, if it is below what the machine has: a process that
# wants more is killed. A ceiling for the processor rarely does: a busy processor is what you pay for.
#
# ## Which criteria?
#
# First what you can spend: a budget, always. Then what must not happen: `NotFinite`, a memory ceiling. Then what is good enough: `Below`
# if you know which loss that is, otherwise `Patience` or improvement over a window.
#
# ## Does lowering the rate always beat going on?
#
# Adam at 0.005, SGD at 0.3, Adam at 0.0005: with which does it *not*? Bet first.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("points of test accuracy gained over ending at the event: mean ± standard deviation of ten seeds")
print("             go on, 6 epochs   rate / 10, 6 epochs   go on to epoch 39")
for optimizer in ("adam 0.005", "sgd 0.3", "adam 0.0005"):
    end, go_on, lower = figures.actions(events, optimizer).T
    to_the_end = figures.actions(events, optimizer, more=39)[:, 1]
    gains = [f"{np.mean(kept - end):+.1f} ± {np.std(kept - end, ddof=1):.1f}"
             for kept in (go_on, lower, to_the_end)]
    print("{:11} {:>16} {:>21} {:>19}".format(optimizer, *gains))

# %% [markdown]
# Not under Adam at the small rate: there going on gains as much. Under SGD lowering gains most, 4.8 points; but going on to epoch 39 gains
# 4.3, so the event came too early to be an end. An event says that its rule was met, not why.
#
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by.
#
# **2.1 Which clause?** Stop when `seconds >= 12` or when the loss improves by 0.01 or less, whichever comes first. At which epoch, counted
# from 0, does training end, and by which clause? There is one value for each epoch.

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
# **2.2 Improvement as a list.** Given the losses of some epochs, return the improvement of each over the one before. The first has none
# before it: give it `float("inf")`.

# %% tags=["exercise"]
def improvements(losses):
    return ...


ex.improvement_list.check(improvements)

# %% tags=["solution"]
def improvements(losses):
    return [float("inf")] + [before - now for before, now in zip(losses, losses[1:])]


ex.improvement_list.check(improvements)

# %% [markdown]
# **2.3 The condition, mended.** Write the formula as a function: stop when the time is at least `limit`, or the improvement at most
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
# **2.4 A budget that keeps its word.** Write the callback. `clock()` gives the time in seconds. After each batch, stop if the time passed,
# plus a validation as long as the last one, reaches the budget. Before the first validation keep nothing back. Keras calls
# `on_train_begin`, `on_train_batch_end`, `on_test_begin`, `on_test_end` (the two around each validation pass) and `on_epoch_end`. It is
# tried with 20 batches of a second and 3 seconds of validation in each epoch, and a budget of 30; then with others.

# %% tags=["exercise"]
class PromptBudget(keras.callbacks.Callback):
    def __init__(self, seconds, clock):
        super().__init__()
        self.seconds, self.clock = seconds, clock

    def on_train_begin(self, logs=None):
        return ...  # your lines, and more methods; self.model.stop_training = True ends training


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
# **2.5 Epsilon and window.** Choose epsilon, window, and whether epsilon is relative, so that the mean regret is at most 3 % and at most 20 % of the
# epochs are trained. `compare([rule], seen, measured="test_loss")` gives a table of both on the fifty runs above. The rule is scored on ten
# other splits of each data set.

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
# Improvement is the previous loss minus this one, and epsilon is measured in the units of the loss unless it is relative. From one
# epoch to the next, noise looks like the end: choose the window first, and add a time budget. A criterion that is met is an event,
# and ending is one of several things to do.
#
# Next: [03 Validation early stopping](03_validation_early_stopping.ipynb). Patience, on five problems.
