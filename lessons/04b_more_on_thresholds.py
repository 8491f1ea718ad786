# %% [markdown]
# # Seven bets on thresholds, mistakes, L2 and patience
#
# An optional appendix to [04 Scores and noise](04_scores_and_noise.ipynb). Nothing later needs it. Run the first two code cells, then pick
# any of the four parts. You need *regret*, from 03, and for the third part a little linear algebra.
#
# You will
# - test an article's rule for choosing a threshold,
# - see what watching the mistakes gains, and when a stop does the work of L2,
# - let patience grow, and see how little fifty runs can say about it.
#
# 30 minutes, and no exercises.

# %%
from course_utils.stopping import Below, GrowingPatience, compare
from course_utils.classroom import data
from course_utils.classroom.chapter_04 import appendix
from course_utils.classroom.notebook import reveal, show
import numpy as np

curves = data.load_curves("proben1")
names = ("diabetes", "soybean", "gene", "thyroid", "building")
problems = {name: curves.select(problem=name, units=64) for name in names}  # 64 hidden units
every_run = [run for runs in problems.values() for run in runs]  # 20 of each, on 20 splits; 300 epochs

# %% [markdown]
# ## Can the losses set their own threshold?
#
# You stop below a threshold, and it has to come from somewhere. The third of the [four articles](00_start_here.ipynb) says: put it where
# 95 % of the validation losses lie below. But of which losses? Say, of one run's, all 300 epochs.
#
# Such a number is called their 0.95 **quantile**, and `Below("val_loss", x)` stops at the first epoch with a loss below x. We take a run of
# *building*. **The bet:** in which epoch does its loss first get below its own 0.95 quantile? <!-- given: 95 -->

# %% tags=["reveal"] claims=["D3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # an epoch, 0 to 299; leave the dots to skip


def first_below(run):
    return Below("val_loss", np.quantile(run["val_loss"], 0.95)).first(run)


building = problems["building"][1]
reveal(guess, first_below(building), "First epoch below it")
firsts = [first_below(run) for run in every_run]
print(f"of 100 runs {firsts.count(0)} are below at epoch 0, and the last gets there at epoch {max(firsts)}")

# %% [markdown]
# Only fifteen of 300 epochs lie above this threshold. So one of the first sixteen lies below it, and the run is over, whatever the curve
# meant to do afterwards. In 38 runs epoch 0 is enough: their loss later climbs above where it began. Besides, you know a run's quantile
# only once it has ended, which is late for stopping it.
#
# A better reading: take **the lowest loss of each of ten past runs**, and the 0.95 quantile of these ten numbers. Nine of the ten got below
# it, so most new runs should, too. **The bet:** in which epoch does our run get below?

# %% tags=["reveal"]
guess_past = ...  # an epoch, 0 to 299
past = np.quantile([min(run["val_loss"]) for run in problems["building"][0::2]], 0.95)  # 0, 2, 4 ...
reveal(guess_past, Below("val_loss", past).first(building), "First epoch below it")
show(*appendix.two_readings(building, np.quantile(building["val_loss"], 0.95), past))

# %% [markdown]
# Later, and much nearer the lowest loss. But would you rather have it than patience? Let them compete, at equal cost:
#
# - Ten runs of a problem set the threshold for the other ten, then these for the first.
# - The rival is the patience that trains about as many epochs on that problem.
# - A run that never gets below the threshold trains to the end, keeps its best epoch, and so has no regret.
#
# **The bet:** patience has a mean regret of 4.2 % here. And the threshold?

# %% tags=["reveal"] claims=["D4"]
# NBVAL_CHECK_OUTPUT
guess = ...  # mean regret in percent; patience has 4.2
duel = appendix.against_patience(problems, quantile=0.95)
reveal(guess, f"{duel.regrets[0].mean():.1f} %", "Mean regret of the threshold")
print(duel.table())
print(duel.who_trains())

# %% [markdown]
# About even on building, worse everywhere else, and worst on thyroid. The last two lines say why. Two thirds of the epochs go to 16 hard
# runs that never get below. The other 84 get there early, and leave when they could still have become better.
#
# **A threshold cannot know how hard this run is. Patience does not need to.**

# %% [markdown]
# ## Watch the loss, or the mistakes?
#
# You will be judged by the **error**, the share of wrong answers. Should you not watch that?
#
# Let patience 20 watch the loss in one replay, the error in the other. **The bet:** in how many of gene's twenty runs does watching the error leave fewer
# mistakes on the test data?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # runs, 0 to 20
gap = appendix.error_minus_loss(problems["gene"], patience=20)  # in points of test error
reveal(guess, np.sum(gap < 0), "Runs with fewer mistakes")
print(appendix.loss_or_error({name: problems[name] for name in names[:4]}, 20))  # building has no classes

# %% [markdown]
# On gene, watch the error, and not because it trains longer: with no stop, each keeping its best of all 300 epochs, the gain is about
# the same. On soybean watching the error is worse, but it stops after 20 % of
# the epochs, not 44. One reason may be ties: the error counts whole mistakes, and a tie with the best is a failure. With no stop
# 0.93 points shrink to 0.20, noise like the other two.
#
# **With the cost taken out, it mattered on one problem of four. So try both on past runs.**

# %% [markdown]
# ## Does a stop do the work of L2?
#
# **L2** keeps weights small: it adds $\lambda / 2$ times the sum of their squares to the loss. A stop keeps them small, too: they start near
# zero, and get no time to grow. Is it the same thing?
#
# A linear model with ten weights learns from forty patients how far their diabetes will advance (other data than our *diabetes*).
# We fit it twice: ten steps from zero at learning rate 0.1, then stop; and with L2, $\lambda = 1$, solved exactly for the lowest loss. The
# ten weights of each are an arrow in ten dimensions. **The bet:** by how many degrees do the two point apart? For two random arrows, expect about 90.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # degrees, 0 to 180
(x, y), _ = appendix.diabetes_rows(seed=0)  # scikit-learn's; ten measurements, each scaled to deviation 1
curvature, pull = x.T @ x / len(y), x.T @ y / len(y)  # of the loss, half the mean square error
stopped = np.zeros(10)
for step in range(10):
    stopped -= 0.1 * (curvature @ stopped - pull)  # in brackets: the gradient
arrows = []
for penalty in (1, 10, 0.1):
    shrunk = np.linalg.solve(curvature + penalty * np.eye(10), pull)  # where the loss with L2 is lowest
    lengths = np.linalg.norm(stopped), np.linalg.norm(shrunk)
    arrows.append((penalty, np.degrees(np.arccos(stopped @ shrunk / np.prod(lengths))), *lengths))
reveal(guess, round(arrows[0][1], 1), "Degrees between them")
for row in arrows:
    print("lambda {:3}: {:4.1f} degrees; lengths of the arrows: stopped {:.2f}, with L2 {:.2f}".format(*row))

# %% [markdown]
# Nearly the same direction! The $\lambda$ was no accident: ten times as much, or as little, is over twenty degrees off. L2's arrow
# is a sixth shorter, though: close, not equal.
# [Theory](https://www.deeplearningbook.org/contents/regularization.html) pairs $t$ steps at learning rate $\eta$ with
# $\lambda = 1 / (\eta t)$. Here that is 1 / (0.1 · 10) = 1, our $\lambda$.
#
# Which of the two predicts better? On 201 other patients choose the best number of steps and the best $\lambda$, on 201 more compare their
# mean square errors. **The bet:** of 20 such splits, in how many does stopping win?

# %% tags=["reveal"] claims=["C7"]
# NBVAL_CHECK_OUTPUT
guess = ...  # splits, 0 to 20
tuning, scoring = appendix.both_paths()  # each: losses of (descent, L2), a row for each split
scores = appendix.choose_and_score(tuning, scoring)
reveal(guess, np.sum(scores.stopped < scores.penalised), "Stopping wins")
print(scores)

# %%
show(*appendix.same_path(x, y, scoring))

# %% [markdown]
# A draw, and in 18 splits of 20 each beats the model that trains on.
#
# *Left:* the weights take much the same path, and two of the three part most where the penalty is weak.
# *Right:* two valleys of about equal depth. But L2's lies further right: its best $\lambda$ is about half the best $1 / (\eta t)$. Theory's
# exchange rate is a rough one.
#
# **In this linear model a stop is as good as L2, and few steps act like a strong penalty.** A deep network need not follow.

# %% [markdown]
# ## Should patience grow?
#
# AutoGluon, which trains many models on a table and combines them, has
# [a patience that grows](https://github.com/autogluon/autogluon/blob/650cc8136fb272ee5b2abc529e9f7601328c5402/core/src/autogluon/core/utils/early_stopping.py):
# 10 rounds plus 0.3 times the best round so far; we count epochs. If the best was epoch 50, it waits 10 + 15 = 25. With 0 times the best
# it is plain patience. A slow run needs a longer wait; who would not believe that?
#
# We try 72 pairs of such numbers, twelve of them plain patience, and ask the fifty even-numbered runs for the best: the smallest mean
# regret with at most 15 % of the epochs trained.

# %%
# NBVAL_CHECK_OUTPUT
plus = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30)  # epochs
grid = {f"{share} x best epoch + {n}": GrowingPatience("val_loss", share, n, least=1)
        for share in (0.1, 0.2, 0.3, 0.5, 1) for n in plus}
grid |= {f"plain patience {n}": GrowingPatience("val_loss", 0, n, least=1) for n in plus}
results = compare(grid, every_run, measured="test_loss")
even = np.arange(100) % 2 == 0
plain_ones = [row for row in results if row.name.startswith("plain")]
grown, plain = (appendix.choice(rows, even, limit=0.15) for rows in (results, plain_ones))
gain = plain.regret - grown.regret  # in points, for each run
print(f"chosen: {grown.name}; of the plain ones: {plain.name}")
print(f"even runs: {appendix.gained(gain[even])}")

# %% [markdown]
# It seems to work: waiting 6 epochs plus a tenth of the best epoch leaves 0.8 points less regret than the best plain patience. But these are the
# runs that chose it. **The bet:** how much does it gain on the fifty odd ones, which had no say?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # points; negative if plain patience wins
reveal(guess, round(gain[~even].mean(), 1), "Gain in points on the odd runs")
print(f"odd runs: {appendix.gained(gain[~even])}")
costs = [100 * row.share[~even].mean() for row in (grown, plain)]
print("epochs trained on them: growing {:.1f} %, plain {:.1f} %".format(*costs))
star = np.argmax(np.where(even, gain, 0))  # the even run with the greatest gain
print(f"even runs without the one that gains most: {np.sort(gain[even])[:-1].mean():+.1f} points")

# %% [markdown]
# The gain is gone. On the even runs, too, it hung on a single run. Here it is, of soybean:

# %%
show(*appendix.one_run(every_run[star], plain.stops[star], grown.stops[star], "a run of soybean"))

# %% [markdown]
# For such a run growing patience was made. In the mean this one outweighed the other 49, and made the choice.
# <!-- given: 49 -->
#
# And AutoGluon's own numbers? They cost more than our 15 %, so they meet a plain patience of the same cost.

# %%
# NBVAL_CHECK_OUTPUT
gluon = results["0.3 x best epoch + 10"]
_, equal = appendix.same_cost(gluon.share.mean(), every_run)
print(f"trains {100 * gluon.share.mean():.0f} % of the epochs, mean regret {gluon.regret.mean():z.1f} %")
print(f"against plain {equal.name}: {appendix.gained(equal.regret - gluon.regret)}")

# %% [markdown]
# A draw. They lose next to nothing, for a third of the epochs, and so does plain patience at that price. Neither test speaks for a patience
# that grows.
#
# What does remain is a warning. **A stopping rule is fitted to runs, so it needs test runs of its own.**
#
# Back to [04 Scores and noise](04_scores_and_noise.ipynb), or on to
# [05 Stop-time pruning](05_stop_time_pruning.ipynb).
