# %% [markdown]
# # More on thresholds, L2 and patience
#
# An optional appendix to [04 Scores and noise](04_scores_and_noise.ipynb). Nothing later needs it. Its three parts can
# be read in any order, after the first code cell. Needed are *regret* from 03 and, for the second, a little linear
# algebra.
#
# You will
# - read a 95 % rule in two ways, and test the one that can be used,
# - see early stopping shrink weights as L2 does,
# - let patience grow, and see how little fifty runs can say about it.
#
# 35 minutes, with five guesses and no exercises. <!-- given: 95 -->

# %%
from course_utils.stopping import Below, Criterion, compare
from course_utils.classroom import data
from course_utils.classroom.chapter_04 import appendix
from course_utils.classroom.notebook import reveal, show
import numpy as np

curves = data.load_curves("proben1")
names = ("diabetes", "soybean", "gene", "thyroid", "building")
problems = {name: curves.select(problem=name, units=64) for name in names}  # 64 hidden units
every_run = [run for runs in problems.values() for run in runs]  # 20 of each, on 20 splits; 300 epochs

# %% [markdown]
# ## The 95 % rule
#
# How should one choose a threshold? The third of the [four articles](00_start_here.ipynb) says: put it where 95 % of
# the validation losses lie below. Such a threshold is their 0.95 **quantile**: `np.quantile(values, 0.95)`. But 95 % of
# which losses?
#
# First reading: the 300 epochs of one run. Here is a run of *building*. <!-- given: 95 -->

# %%
# NBVAL_CHECK_OUTPUT
def quantile_of_epochs(run):
    return np.quantile(run["val_loss"], 0.95)


building = problems["building"][1]
own_epochs = quantile_of_epochs(building)
print(f"its validation loss begins at {building['val_loss'][0]:.4f}; its threshold is {own_epochs:.4f}")

# %% [markdown]
# At which epoch does it first get below its threshold?

# %%
guess = ...  # an epoch from 0 to 299; leave the dots to skip

# %% tags=["reveal"] claims=["D3"]
# NBVAL_CHECK_OUTPUT
reveal(guess, Below("val_loss", own_epochs).first(building), "First epoch below it")
print("problem    below already at epoch 0 (of 20 runs)    last run to get below: epoch")
for name, runs in problems.items():
    first = [Below("val_loss", quantile_of_epochs(run)).first(run) for run in runs]
    print(f"{name:9} {first.count(0):23} {max(first):38}")

# %% [markdown]
# A run's threshold is known only when the run is over, so nobody can stop by it. Nor would it help: only fifteen of
# 300 epochs lie above it, so the run stops in the first sixteen, whatever the curve does afterwards. On gene it always
# stops at epoch 0: at least fifteen later epochs are worse than the very first, which smells of overfitting.

# %% [markdown]
# Second reading, one that can be used: take **the lowest loss of each of ten past runs**, and the 0.95 quantile of
# these ten numbers. It lies between the two highest of them, so nine of the ten runs got below it.
#
# The ten are the runs of building with even numbers; ours has number 1.

# %%
# NBVAL_CHECK_OUTPUT
past = np.quantile([min(run["val_loss"]) for run in problems["building"][0::2]], 0.95)
print(f"the threshold from ten past runs is {past:.4f}")

# %% tags=["reveal"]
guess_past = ...  # at which epoch does our run first get below this one? 0 to 299
reveal(guess_past, Below("val_loss", past).first(building), "First epoch below it")
show(*appendix.two_readings(building, own_epochs, past))

# %% [markdown]
# Later, at least: the first rule fell for one lucky dip, and an epoch later the loss was twice as high. But is the
# second a good rule? As in 04 we compare at equal cost:
#
# - The ten even runs set the threshold for the ten odd ones; then we swap.
# - Its rival on each problem is a patience: the one that trains most nearly as many epochs on average.
# - Regret, as before: by how many percent the test loss at the epoch kept is above that at the run's lowest validation
#   loss. (By luck it can be negative.) A run that never gets below the threshold trains all its epochs, keeps the best,
#   and has no regret.

# %% claims=["D4"]
# NBVAL_CHECK_OUTPUT
loose = appendix.against_patience(problems, quantile=0.95)
print(loose.table())

# %% [markdown]
# On building the two are about even. On the other four the threshold is worse in most or all of the runs in which they
# differ; on thyroid 43.6 % against 1.9 %. And everywhere it loses more on the ten easier runs, those whose loss falls
# lowest: probably because they soon get below a threshold that the hardest past runs have set.
#
# Would a stricter threshold do better, such as the median of the ten?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # its regret, in percent, mean of all 100 runs; the first threshold has 18.8
strict = appendix.against_patience(problems, quantile=0.5)
reveal(guess, f"{strict.regrets[0].mean():.1f} %", "Its regret")
for duel in (loose, strict):
    print(duel.who_trains())

# %% [markdown]
# It loses less, but most epochs are trained, and patience at that price loses nothing.
#
# Why is patience so much better? Two thirds of the first threshold's epochs go to 16 runs that never get below. The
# other 84 train a tenth of theirs, mostly too few; with patience, a quarter. A threshold cannot know how hard this
# split is. Patience does not need to.

# %% [markdown]
# ## Does early stopping act like L2?
#
# The fourth article asks how stopping relates to regularisation: holding a model back on purpose. **L2** adds
# $\lambda / 2$ times the sum of the squared weights to the loss, and so keeps them small. Stopping keeps them small,
# too: they start near zero and get no time to grow.
#
# For a linear model, gradient descent from zero with learning rate $\eta$, stopped after $t$ steps, should resemble L2
# with $\lambda = 1/(\eta t)$: more steps let the weights grow, just as a smaller penalty does. With $\eta = 0.1$, ten
# steps should resemble $\lambda = 1$.

# %% [markdown]
# (Why this $\lambda$? Where the loss curves little, by $c$, descent covers about the share
# $\eta t c$ of the way to the minimum, and L2 about $c / \lambda$.)
#
# Our data (not the *diabetes* above) are forty patients: ten measurements each, and how far their diabetes had
# advanced a year later, every column rescaled to mean 0 and standard deviation 1. We compare the two lists of ten
# weights: their lengths (the root of the sum of squares), and the **cosine** of the angle between them, which is 1 if
# they point the same way.

# %%
# NBVAL_CHECK_OUTPUT
(x, y), _ = appendix.diabetes_rows(seed=0)  # scikit-learn's diabetes; the other 402 patients come later
rate, curvature, pull = 0.1, x.T @ x / len(y), x.T @ y / len(y)
weights = np.zeros(10)
print("steps   length: descent     L2   cosine")
for t in range(1, 1001):
    weights = weights - rate * (curvature @ weights - pull)  # in brackets: the gradient
    if t in (1, 10, 100, 1000):
        shrunk = np.linalg.solve(curvature + np.eye(10) / (rate * t), pull)  # the minimum with L2
        a, b = np.linalg.norm(weights), np.linalg.norm(shrunk)
        print(f"{t:5} {a:17.2f} {b:6.2f} {weights @ shrunk / (a * b):8.3f}")

# %% [markdown]
# Nearly the same direction. But in every row the length is smaller with L2, by a third after one step and by a tenth
# after 1000. So for the same length L2 needs a smaller $\lambda$.
#
# Now 201 other patients choose the number of steps and the penalty, and the remaining 201 score both models, beside
# one that practically never stops: 2000 steps. What is the best $\lambda$, divided by the best $1/(\eta t)$? (An exact
# conversion would give 1.)

# %% tags=["reveal"] claims=["C7"]
# NBVAL_CHECK_OUTPUT
guess = ...  # mean of 20 splits
tuning, scoring = appendix.both_paths()  # each: losses of (descent, L2), a row for each split
scores = appendix.choose_and_score(tuning, scoring)
reveal(guess, round(scores.ratio.mean(), 2), "The best lambda, divided by the best 1/(rate t)")
print(scores)

# %%
show(*appendix.same_path(x, y, scoring))

# %% [markdown]
# *Left:* solid and dashed lines take nearly the same path. Cholesterol parts from its twin at the right, body mass
# index in the middle. *Right:* two valleys equally deep, descent's after only 12 steps; L2's lies further right.
#
# At their best both are equally good: stopping wins in 9 of the 20 splits, and each beats 2000 steps in 18. (±: the
# standard deviation over the splits.) But the conversion is not exact: the best $\lambda$ is about half of the best
# $1/(\eta t)$. The table had warned us: at equal strength, L2 shrinks more.
#
# As a rule of thumb, few steps act like a strong penalty. This was a linear model; a deep network need not follow.

# %% [markdown]
# ## Should patience grow?
#
# AutoGluon, which trains many models on a table and combines them, has a patience that
# [grows](https://github.com/autogluon/autogluon/blob/650cc8136fb272ee5b2abc529e9f7601328c5402/core/src/autogluon/core/utils/early_stopping.py):
# unless told otherwise, its `AdaptiveES` waits 10 rounds (epochs) plus 0.3 times the best round so far. If
# that was round 50, it waits 10 + 15 = 25. That makes sense: a slow problem needs patience. (With a factor
# of 0 instead of 0.3 it is plain patience.)

# %% [markdown]
# Here it is as a criterion of our own. It names the columns it reads, gives each epoch a score (`yield` hands out one
# at a time), and says which scores mean stop. (The library has `GrowingPatience` ready.)

# %%
class Growing(Criterion):
    columns = ("val_loss",)

    def __init__(self, factor, least):
        self.factor, self.least = factor, least

    def scores(self, values):
        best, best_epoch = float("inf"), 0
        for epoch, value in enumerate(values):
            if value < best:
                best, best_epoch = value, epoch
            yield epoch - best_epoch - self.factor * best_epoch

    def is_met(self, score):
        return score >= self.least


grid = {f"{factor} x best epoch + {least}": Growing(factor, least)
        for factor in (0, 0.1, 0.2, 0.3, 0.5, 1) for least in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30)}
results = compare(grid, every_run, measured="test_loss")

# %% [markdown]
# Which of these 72 pairs of numbers is best? We ask the even-numbered runs alone: the smallest regret among the pairs
# that train on average at most 15 % of the 300 epochs. In the same way we choose the best plain patience, from the
# twelve with factor 0. <!-- given: 15 -->

# %%
# NBVAL_CHECK_OUTPUT
even = np.arange(100) % 2 == 0
plain_ones = [row for row in results if row.name.startswith("0 ")]
grown, plain = (appendix.choice(rows, even, limit=0.15) for rows in (results, plain_ones))
print(f"chosen: {grown.name}; plain: {plain.name}")

# %% [markdown]
# On the even runs this pair cannot lose: the twelve are among the 72. Now the fifty odd runs, which had *no* say in the
# choice. By how many points is its regret below that of plain patience there?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # points; negative if plain patience wins
gain, elsewhere = plain.regret - grown.regret, plain.stops != grown.stops
reveal(guess, round(gain[~even].mean(), 1), "Gain in points on the odd runs")
for half, runs in (("even", even), ("odd ", ~even)):
    print(f"{half} runs: {appendix.gained(gain[runs])}; stops elsewhere in {elsewhere[runs].sum()}")

# %% [markdown]
# On the runs that chose it, growing patience wins by 1.1 points (±: the standard deviation over the runs). The two
# rules stop at different epochs in 41 of the 50, but in 43 they keep equally good weights. Here are the three in which
# growing patience is better.

# %%
# NBVAL_CHECK_OUTPUT
for i in np.flatnonzero(even & (gain > 0)):
    print(f"{names[i // 20]:9} plain stops at epoch {plain.stops[i]:3}, regret {plain.regret[i]:5.1f} %; "
          f"growing at {grown.stops[i]:3}, {grown.regret[i]:5.1f} %")
print(f"gain on the even runs without the run that gains most: {np.sort(gain[even])[:-1].mean():+.1f} points")
star = np.argmax(np.where(even, gain, 0))  # the run with the greatest gain
length, share = appendix.shortest(every_run[star], grown.regret[star], every_run[::2])
print(f"to do as well on that run, plain patience must be {length}, "
      f"which trains {100 * share:.0f} % of the even runs' epochs")

# %% [markdown]
# One run, of soybean, makes the whole gain.

# %%
show(*appendix.one_run(every_run[star], plain.stops[star], grown.stops[star], "an even run of soybean"))

# %% [markdown]
# Growing patience is meant for such a run: a plain patience of 16 would also do, but at 21 % of the epochs. Still,
# without this run the gain is -0.3 points.
#
# What would the odd runs have chosen? And how good are AutoGluon's own numbers? They cost more than our 15 %, so we
# compare them with the plain patience that costs the same.

# %%
# NBVAL_CHECK_OUTPUT
gluon = results["0.3 x best epoch + 10"]
_, equal = appendix.same_cost(gluon.share.mean(), every_run)
print(appendix.by_half({"growing, chosen by even": grown, "plain, chosen by even": plain,
                        "either, chosen by odd": appendix.choice(results, ~even, limit=0.15),
                        "AutoGluon's own": gluon, "plain, at that cost": equal}, even))
print(f"AutoGluon's numbers against plain {equal.name}: {appendix.gained(equal.regret - gluon.regret)}")

# %% [markdown]
# The odd runs choose plain patience 8, with regret 4.2 % on the odd runs and 7.4 % on the even ones. On the odd runs
# the even half's choices have less regret, 2.8 % and 2.2 %, but train 16.0 % and 15.3 % of the epochs, just above the
# limit.
#
# On the odd half growing patience loses 0.6 points: better in two runs, worse in five. On the even half it is better in
# three and worse in four: too few to tell skill from luck. **A stopping rule is fitted too, so it needs a test set of runs.**

# %% [markdown]
# So, should patience grow? On these runs we saw no difference. AutoGluon's numbers lose next to nothing, for a third of
# the epochs. So does plain patience at that price. (Five problems tell us little about a sixth.)
#
# Back to [04 Scores and noise](04_scores_and_noise.ipynb), or on to
# [05 Stop-time pruning](05_stop_time_pruning.ipynb).
