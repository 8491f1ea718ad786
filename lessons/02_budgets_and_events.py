# %% [markdown]
# # Improvement is infinite, and training goes on. Why?
#
# You will
# - mend a stopping rule that can never be met,
# - give training a time budget that leaves room for the last validation,
# - find out that ending is not always the best answer when a rule is met.
#
# 30 minutes to read, 40 for the exercises. You need `model.fit`, a little numpy, regret from chapter 00 and callbacks from 01.

# %% [markdown]
# You pay for every step of a training, also for those that gain nothing. Here a small model learns by **gradient descent**: each step
# moves the weights in the direction in which the loss falls fastest, by the **learning rate** times the slope.

# %% claims=["B6"]
from course_utils.stopping import (ImprovementBelow, NotFinite, Patience, StopWhen, TimeBudget, When, batches,
                                   compare, scale_learning_rate)
from course_utils.classroom import data
from course_utils.classroom.chapter_02 import descent, exercises as ex, figures
from course_utils.classroom.chapter_02.clock import HandClock
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np
from sklearn.datasets import load_diabetes

X, disease = load_diabetes(return_X_y=True)  # 442 patients; how ill each was a year later, in points
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = (disease - disease.mean()) / disease.std()  # one unit is one standard deviation
curve = descent.losses_of(X, y, steps=100)
show(figures.descent(curve), alt="The loss of a gradient descent over 100 steps: "
                                  "it falls within 20 steps, and is flat from then on.")

# %% [markdown]
# After 20 steps hardly anything is left to gain.
#
# ## Where is the bug?
#
# The second of the [four articles](00_start_here.ipynb) wants to end such a training when time is up, or when the performance hardly
# improves. Here is its loop. We filled in `descent.step` and `descent.loss`; the bug is not there. Follow `performance_improvement`
# through two rounds by hand. After how many steps does the loop stop?

# %%
def articles_loop(train_time_limit=100, performance_improvement_threshold=0.001,
                  performance_improvement=float("inf")):
    theta, train_time, improvements = np.random.default_rng(0).random(10), 0, []  # theta: the ten weights
    for t in range(train_time_limit):
        theta = descent.step(theta, X, y, rate=0.1)
        performance = descent.loss(theta, X, y)  # so less is better
        if train_time >= train_time_limit or performance_improvement <= performance_improvement_threshold:
            break
        # the article's update:
        performance_improvement = performance_improvement - (performance - performance_improvement)
        train_time += 1  # it counts steps, as range does
        improvements.append(performance_improvement)
    return t + 1, improvements


guess = ...  # steps, from 1 to 100; or leave the dots

# %% tags=["reveal"] claims=["B1", "B2"]
# NBVAL_CHECK_OUTPUT
steps, improvements = articles_loop()
reveal(guess, steps, "Steps")
print("performance_improvement:", *improvements[:3], "...", improvements[-1])
for start in (2.0, 1.0):
    steps, found = articles_loop(performance_improvement=start)
    print(f"begun with {start:g} instead of inf: {found[-1]:.2g} at the end, steps: {steps}")

# %% [markdown]
# All 100: `range` ran out. `train_time` counts the same steps, so that clause always comes too late. `performance_improvement` begins at
# infinity, and `inf - (performance - inf)` is infinity again. A finite start is no cure: begun with 2 it ends up huge, begun with 1 it is
# negative at once. **An improvement is the loss before minus the loss now. The article compares the loss with the last improvement.**
#
# ## Formula or text?
#
# The article states its rule twice. By its formula you stop when the improvement is $\leq \epsilon$, a small number called **epsilon**.
# By its text you stop when the improvement *exceeds* a threshold. Try both on the curve above.

# %% claims=["B4", "B5"]
# NBVAL_CHECK_OUTPUT
improved = -np.diff(curve)  # improved[0]: the loss at step 0 minus the loss at step 1
print("formula, improved <= 0.001: first at step", 1 + np.argmax(improved <= 0.001))  # argmax: the first True
print("text,    improved >  0.001: first at step", 1 + np.argmax(improved > 0.001))

# %% [markdown]
# The text ends the run at step 1, because that step went well. **The formula is right: it stops where the picture gets flat.**
#
# ## What does epsilon measure?
#
# So far the illness was *standardised*: less its mean, and divided by its
# standard deviation, 77 points. Now predict the points. Same patients, same model, same epsilon of 0.001. At which step does the formula
# stop? <!-- given: 77 -->

# %%
guess = ...  # a step from 1 to 999; standardised, it was 20

# %% tags=["reveal"] claims=["02.1"]
# NBVAL_CHECK_OUTPUT
in_points = descent.losses_of(X, disease - disease.mean(), steps=1000)  # from the same weights, times 77
formula = ImprovementBelow("loss", epsilon=0.001)  # the article's formula, in the course's words
share = ImprovementBelow("loss", epsilon=0.001, relative=True)  # epsilon is 0.1 % of the loss before
reveal(guess, formula.first({"loss": in_points}), "Stops at step")
print("stops at step   epsilon 0.001   epsilon 0.1 % of the loss")
for name, each in (("standardised", curve), ("in points", in_points)):
    print(f"{name:13} {formula.first({'loss': each}):15} {share.first({'loss': each}):27}")
print(f"in points, the loss is {in_points[0] / curve[0]:,.0f} times as large")

# %% [markdown]
# In points the losses are 5,930 times as large, about 77 × 77; but 0.001 stays 0.001. **Epsilon has the units of the
# loss; with `relative=True` it is a share of it, whatever the scale.**
#
# ## When are 30 seconds up?
#
# A loss may improve longer than you can pay, so set a limit. We move the clock by hand: a batch takes 1 second, a validation 3; an
# epoch has 20 batches. Two runs get 30 seconds each.
# - `late`: our own function, asked after each epoch and its validation; `True` means stop.
# - `prompt`: `TimeBudget`, asked after each batch, too.
#
# When does `late` end?

# %%
def timed_fit(criterion):
    clock = HandClock(batch=1, validation=3)
    stop = StopWhen(criterion, clock=clock)  # it asks this clock for the time
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    training_data = batches(X, y, size=23, seed=0)  # 442 patients: 20 batches an epoch
    model.fit(training_data, epochs=9, verbose=0, callbacks=[clock, stop],
              validation_data=(X, y))  # it only has to take time: elsewhere, validate on other patients
    return stop


late = timed_fit(lambda history: history["seconds"][-1] >= 30)  # [-1]: of the latest epoch
prompt = timed_fit(TimeBudget(seconds=30))
guess = ...  # after how many seconds, from 30 upwards

# %% tags=["reveal"]
reveal(guess, late.report.seconds, "`late` ends after, in seconds")
spans = {name: figures.spans(stop.history, validation=3) for name, stop in
         (("late", late), ("prompt", prompt))}
show(figures.budgets(spans, budget=30),
     alt="Two runs as bars over time. The first ends at 46 seconds, far past the budget of 30; "
         "the second, cut short, ends at 30.")

# %% [markdown]
# `late` checked at 23 and at 46 seconds. `prompt` stopped training at 27, to leave 3 for the validation. **Check the clock after every batch and every epoch, and leave room for a validation, as `TimeBudget` does once it has timed one.**
#
# ## Which matters more, epsilon or the window?
#
# Beside the epoch before, one bad epoch looks like the end. With a **window** of 10 it is compared with the
# one ten before: while the curve still falls, a small rise ends nothing.
#
# Here is one of fifty recorded runs of 300 epochs, ten on each of five problems. Where do windows 1 and 10 stop it?

# %%
curves = data.load_curves("proben1")
# of the Proben1 collection, whose diabetes data are others than those above
names = ("diabetes", "soybean", "gene", "thyroid", "building")
seen = [run for name in names for run in curves.select(problem=name, units=64)[:10]]
show(*figures.two_windows("thyroid", seen[38], epsilon=0.001))

# %% [markdown]
# Window 1 falls for a small rise in epoch 3. Window 10 survives that one and falls for a big one in epoch 28: here without harm, as the
# best epoch, 26, is past.
#
# And on all fifty? A stop keeps the weights of the lowest validation loss so far; a run of all 300 epochs would keep those of the lowest of
# all. [Regret](00_start_here.ipynb): by how many percent the loss of the first is above that of the second, here on **test data**, which
# neither training nor stopping has seen. With window 1 the mean regret is 95 %. With window 10?

# %%
guess = ...  # percent, from 0 to 95: the mean regret with window 10

# %% tags=["reveal"] claims=["B11", "02.2"]
# NBVAL_CHECK_OUTPUT
def price(window, epsilon):
    rule = ImprovementBelow("val_loss", epsilon, window, relative=True)
    (row,) = compare([rule], seen, measured="test_loss")
    return row.regret.mean(), 100 * row.share.mean()  # regret, in percent; epochs trained, in percent of 300


reveal(guess, f"{price(10, 0.001)[0]:.0f} %", "Mean regret with window 10")
print("means over five problems, which differ; epochs trained in percent of 300")
print("          epsilon 0.1 %       epsilon 1 %")
print("window   regret   epochs   regret   epochs")
for window in (1, 5, 10, 20):
    values = [*price(window, 0.001), *price(window, 0.01)]
    print(f"{window:6}", *(f"{value:6.0f} %" for value in values))

# %% [markdown]
# Ten times the epsilon changes little: the regret at most from 31 % to 35 %. Ten times the window takes it from 95 % to 14 %, and the
# epochs trained from 2 % to 8 %. **Choose the window first: epsilon hardly matters here between 0.1 % and 1 %.**
#
# ## An event: end, go on, or lower the rate?
#
# The moment when a criterion is met is an **event**. Ten networks learned to tell clothes apart, with Adam at rate 0.005, until a
# short `Patience("val_loss", 3)` was met. Three actions from there:
# - *end*: stop;
# - *go on*: six more epochs;
# - *rate / 10*: six more at a tenth of the rate.
#
# Each keeps the weights of the lowest validation loss it ever saw. By how many points of test accuracy does *rate / 10* beat *end*?

# %%
events = data.load_curves("events")  # Patience 3: three epochs without a new lowest validation loss
guess = ...  # points of test accuracy, perhaps below 0

# %% tags=["reveal"]
end, go_on, lower = figures.actions(events, "adam 0.005").T  # percent, of the best weights of ten runs
reveal(guess, f"{np.mean(lower - end):+.1f}", "Rate / 10 against end, in points")
print(f"better in {np.sum(lower > end)} of {len(end)} runs, worse in {np.sum(lower < end)}")
show(figures.three_actions(events, "adam 0.005"),
     alt="Left: the validation loss of one run falls and rises; after the event it falls a little below "
         "its old best and rises again, or, with a tenth of the rate, drops at once far below. "
         "Right: test accuracy of ten seeds for three actions; rate / 10 is highest in nine, level in one.")

# %% [markdown]
# Nine of ten runs gain. It is not only the six more epochs: *go on* has them, too, and gains less. The usual explanation: large steps jump about the
# minimum, small ones settle into it.
#
# Is that so for another optimizer, or another rate? We did the same with SGD at rate 0.3, and with Adam at 0.0005. Does *rate / 10* beat *go on*
# there, too?

# %% tags=["reveal"] claims=["02.3"]
# NBVAL_CHECK_OUTPUT
print("points of test accuracy gained over end: mean ± standard deviation of ten runs")
print("              go on, 6 epochs   rate / 10, 6 epochs")
for optimizer in ("adam 0.005", "sgd 0.3", "adam 0.0005"):
    end, go_on, lower = figures.actions(events, optimizer).T
    gains = [f"{np.mean(kept - end):+.1f} ± {np.std(kept - end, ddof=1):.1f}" for kept in (go_on, lower)]
    print("{:11} {:>17} {:>21}".format(optimizer, *gains))

# %% [markdown]
# With SGD, yes. With Adam at 0.0005 *rate / 10* gains no more than *go on*, perhaps because the steps were small already. That *go on* gains at all, 1.7 ±
# 1.9 with SGD, suggests that after a patience of only 3 some runs were not at their end. **An event says that its rule was met, not why:
# before you end, a lower rate is worth a few epochs' try.**
#
# ## How does that look in `fit`?
#
# At an event `StopWhen` ends the run; `When` does what you tell it, and training goes on. Keras's `ReduceLROnPlateau` lowers the rate by
# one kind of rule, a patience; `When` takes any rule.

# %%
(x, label), _ = data.load_fashion_mnist()
x = x.reshape(-1, 784) / 255
keras.utils.set_random_seed(0)
layers = [keras.Input((784,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")]
model = keras.Sequential(layers)
model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
lower_rate = When(Patience("val_loss", 3), do=scale_learning_rate(0.1))  # at the first event, and not again
# On a slow computer time may be up before that event: then add seconds.
stop = StopWhen(TimeBudget(seconds=20) | NotFinite() | Patience("val_loss", 10), restore_best="val_loss")
model.fit(x[:4000], label[:4000], batch_size=100, epochs=1000, verbose=0,
          validation_data=(x[4000:5000], label[4000:5000]), callbacks=[lower_rate, stop])
print("event:", *(event.reason for event in lower_rate.events))
print("end:", stop.report)  # has the lower rate helped? One run cannot tell

# %% [markdown] claims=["B7"]
# **Join criteria with `|`: what you can spend (`TimeBudget`); what must not happen (`NotFinite`: NaN or infinity); when to be content (`Below`,
# if you know that loss); when to stop hoping (`Patience`, or `ImprovementBelow` with a wide window).**
#
# <details><summary>And memory?</summary>
#
# Set a ceiling for memory, since a greedy process may be killed: `Above("memory", 16_000)` (MiB) with `Memory()` among the callbacks.
# A busy processor needs none: busy is what you pay for.
#
# </details>
#
# ## Exercises
#
# Stuck? `ex.which_clause.hint()`, then `.solution()`.
#
# **2.1 Which clause?** Training ends when `seconds >= 12`, or when an epoch improves on the one before by 0.01 or less. At which epoch,
# counted from 0, and by which clause, "time" or "improvement"?

# %% tags=["exercise"]
seconds = [3, 6, 9, 12, 15]
losses = [0.9, 0.6, 0.65, 0.5, 0.499]
epoch, clause = ..., ...  # a number, and "time" or "improvement"
ex.which_clause.check((epoch, clause))

# %% tags=["solution"]
seconds = [3, 6, 9, 12, 15]
losses = [0.9, 0.6, 0.65, 0.5, 0.499]
epoch, clause = 2, "improvement"  # from 0.6 to 0.65 is an improvement of -0.05
ex.which_clause.check((epoch, clause))

# %% [markdown]
# **2.2 Improvement as a list.** Given the losses of some epochs, return a list: the improvement of each epoch over the one before.
# The first has none before it: give it `float("inf")`.

# %% tags=["exercise"]
def improvements(losses):
    return ...


ex.improvement_list.check(improvements)

# %% tags=["solution"]
def improvements(losses):
    return [float("inf")] + [before - now for before, now in zip(losses, losses[1:])]


ex.improvement_list.check(improvements)

# %% [markdown]
# **2.3 The condition, mended.** Write the rule as a function that returns `True` to stop and `False` to go on. It stops when the time is
# at least `limit`, or the latest improvement at most `epsilon`. `seconds` and `losses` hold one value for each epoch so far; `seconds`
# counts from the start of training. With one loss there is no improvement yet, and only the time counts.

# %% tags=["exercise"]
def should_stop(seconds, losses, limit, epsilon):
    return ...


ex.mended_condition.check(should_stop)

# %% tags=["solution"]
def should_stop(seconds, losses, limit, epsilon):
    small = len(losses) > 1 and losses[-2] - losses[-1] <= epsilon
    return seconds[-1] >= limit or small


ex.mended_condition.check(should_stop)

# %% [markdown]
# **2.4 A budget that keeps its word.** Write the callback. After each batch, and after each epoch and its validation, it ends training if
# the time since the start, plus a validation as long as the last one, reaches the budget. Before the first validation it keeps nothing
# back. `self.clock()` gives the seconds.
#
# Keras calls `on_train_begin` once; in each epoch `on_train_batch_end` after every batch, `on_test_begin` and `on_test_end` around the
# validation, then `on_epoch_end`. An epoch that is cut short is validated, too. The check tries 30 seconds, with 20 batches of a second and
# 3 seconds of validation, and then others.

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

    def on_epoch_end(self, epoch, logs=None):  # else one more batch is trained, and validated
        self.on_train_batch_end(None)


ex.prompt_budget.check(PromptBudget)

# %% [markdown]
# **2.5 Epsilon and window.** Find an `ImprovementBelow` on "val_loss" that trains at most 20 % of the epochs, with a mean regret of at
# most 3 %. `price(window, epsilon)` gives regret and epochs, both in percent, of the rule with `relative=True` on the fifty runs above. The check
# takes fifty others, so leave a margin of half a percent. The window may be longer than the table's.

# %% tags=["exercise"]
rule = ...  # ImprovementBelow("val_loss", epsilon=, window=, relative=)
ex.epsilon_and_window.check(rule)

# %% tags=["solution"]
for window in (30, 40, 60):
    regret, epochs = price(window, 0.001)
    print(f"window {window}: regret {regret:.1f} %, epochs {epochs:.1f} %")
rule = ImprovementBelow("val_loss", epsilon=0.001, window=40, relative=True)
ex.epsilon_and_window.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# Improvement is the loss before minus the loss now, and epsilon is measured in the units of the loss unless it is relative. From one
# epoch to the next, noise can look like the end: choose the window before epsilon, and set a time budget, checked after every batch. When
# a criterion is met, that is an event, and ending is one of several things to do.
#
# Next: [03 Validation early stopping](03_validation_early_stopping.ipynb). Patience, on five problems.
