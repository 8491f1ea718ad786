# %% [markdown]
# # More on thresholds
#
# An optional appendix to [04 Scores and noise](04_scores_and_noise.ipynb). Nothing later needs it, and its three parts do not need each
# other.
#
# You will
# - read a 95 % rule in two ways, one of which makes sense,
# - see early stopping shrink weights as L2 does,
# - let patience grow, and find out whether that was skill or luck.
#
# 30 minutes, with four guesses and no exercises. Nothing is trained but a linear model. <!-- given: 95 -->

# %%
from course_utils.stopping import Below, Criterion, compare
from course_utils.classroom import data
from course_utils.classroom.chapter_04 import appendix
from course_utils.classroom.notebook import reveal, show
import numpy as np

curves = data.load_curves("proben1")
names = ("diabetes", "soybean", "gene", "thyroid", "building")
problems = {name: curves.select(problem=name, units=64) for name in names}
every_run = [run for runs in problems.values() for run in runs]  # 20 each, on 20 splits; 300 epochs

# %% [markdown]
# ## The 95 % rule
#
# How should one choose a threshold? The third of the [four articles](00_start_here.ipynb) advises: so that 95 % of the validation losses
# lie below it. That number is called the 0.95 **quantile**: `np.quantile(values, 0.95)`. But 95 % of which values?
#
# First reading: the 300 epochs of one run. Here is a run of building. At which epoch does it first get below the threshold?
# <!-- given: 95 -->

# %%
guess = ...  # an epoch from 0 to 299; leave the dots to skip

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
def quantile_of_epochs(run):
    return np.quantile(run["val_loss"], 0.95)


building = problems["building"][1]
own = quantile_of_epochs(building)
reveal(guess, Below("val_loss", own).first(building), "It gets below at epoch")
for name, runs in problems.items():
    first = [Below("val_loss", quantile_of_epochs(run)).first(run) for run in runs]
    print(f"{name:9} 20 runs: median epoch {np.median(first):2.0f}, the last at epoch {max(first):2}")

# %% [markdown]
# Only fifteen of a run's 300 epochs lie above its threshold. So the first one below comes at epoch 15 at the latest, whatever the curve
# looks like: this reading stops by the calendar. Besides, a run's threshold is known only when the run is over.
#
# Second reading: take **the lowest loss of each of ten past runs**, and of these ten numbers the 0.95 quantile. That is a loss which nearly
# every past run got down to. At which epoch does the same run of building get below it?

# %%
guess_past = ...  # an epoch from 0 to 299

# %% tags=["reveal"]
past = np.quantile([min(run["val_loss"]) for run in problems["building"][0::2]], 0.95)
reveal(guess_past, Below("val_loss", past).first(building), "It gets below at epoch")
show(*appendix.two_readings(building, own, past))

# %% [markdown]
# Later, at least. Is it good? The runs with even numbers set the threshold for the odd ones; then we swap. As in 04 we compare at equal
# cost: for each problem we take the patience that trains as many epochs on average. A run that never reaches the threshold
# goes on to the end: full cost, and the best weights of all. (Regret, as before: how many percent higher the test loss is at the epoch kept
# than at the epoch of the run's lowest validation loss.)

# %%
# NBVAL_CHECK_OUTPUT
def tried(past, new):
    threshold = np.quantile([min(run["val_loss"]) for run in past], 0.95)
    return compare([Below("val_loss", threshold)], new, measured="test_loss")[0]


rows, lost, patient = {}, {}, {}
print("           cost: epochs, %    regret, %: threshold   patience   (long)")
for name, runs in problems.items():
    even, odd = runs[0::2], runs[1::2]
    rows[name] = tried(even, odd), tried(odd, even)
    lost[name] = np.concatenate([row.regret for row in rows[name]])  # first the odd runs, then the even
    share = np.mean([row.share for row in rows[name]])
    n, patient[name] = appendix.same_cost(share, odd + even)
    print(f"{name:9} {100 * share:16.0f} {lost[name].mean():23.1f} {patient[name].regret.mean():10.1f} {n:6}")

# %%
# NBVAL_CHECK_OUTPUT
print("          threshold loses   never reached,      how much more, in points, on the 10")
print("          more : less       odd runs   even     easier splits   harder")
for name, runs in problems.items():
    more, never = lost[name] - patient[name].regret, [row.never for row in rows[name]]
    by_ease = more[np.argsort([min(run["val_loss"]) for run in runs[1::2] + runs[0::2]])]
    print(f"{name:9} {np.sum(more > 0):4} : {np.sum(more < 0):<4} {never[0]:14} {never[1]:6}",
          f"{by_ease[:10].mean():14.1f} {by_ease[10:].mean():12.1f}")

# %% [markdown]
# On building the two are even. (Where counts do not add up to 20, the rest are ties.) On the other four the threshold loses more in most of
# the runs in which they differ, or in all; on thyroid 43.6 % against 1.9 %.
#
# It also matters which ten runs set the threshold. On gene, 6 odd runs never get down to what the even ones ask; all even runs get down to
# what the odd ones ask. And the easier the split (the lower its lowest loss), the more the threshold loses: such a run is soon below
# what the worst of the past splits have set.
#
# A threshold cannot know how hard this split is. Patience does not need to.

# %% [markdown]
# ## Does early stopping act like L2?
#
# The fourth article asks how stopping relates to regularisation: holding a model back on purpose. **L2** adds $\lambda / 2$
# times the squared length of the weights to the loss, and so keeps them small. Stopping keeps them small, too: they start near zero and get
# no time to grow.
#
# For a linear model we can write both down without Keras. Gradient descent from zero with learning rate $\eta$, stopped after $t$ steps,
# should resemble L2 with $\lambda = 1/(\eta t)$: more steps loosen the limit, just as a smaller penalty does.

# %% [markdown]
# The data: forty patients, ten measurements each, and how far their diabetes had advanced a year later (with mean 0 and standard
# deviation 1, so that always guessing the mean would cost about 1). We compare the weights of both: their length, and
# the **cosine** of the angle between them, which is 1 if they point the same way.

# %%
# NBVAL_CHECK_OUTPUT
(x, y), _ = appendix.diabetes_rows(seed=0)  # scikit-learn's diabetes; the other 402 patients come later
curvature, pull, rate, weights = x.T @ x / len(y), x.T @ y / len(y), 0.1, np.zeros(10)
print("steps   length: descent     L2   cosine")
for t in range(1, 1001):
    weights = weights - rate * (curvature @ weights - pull)  # the gradient of half the mean square
    if t in (1, 10, 100, 1000):
        shrunk = np.linalg.solve(curvature + np.eye(10) / (rate * t), pull)  # the minimum with L2
        a, b = np.linalg.norm(weights), np.linalg.norm(shrunk)
        print(f"{t:5} {a:17.2f} {b:6.2f} {weights @ shrunk / (a * b):8.3f}")

# %% [markdown]
# Nearly the same direction. But in every row L2's weights are shorter: at $\lambda = 1/(\eta t)$ it shrinks a little more, so it needs a
# smaller $\lambda$ to get to the same place.
#
# Now tune each on 201 other patients, the number of steps for the one and the penalty for the other, and score both on the 201 that are
# left. In how many of 20 splits does stopping get the lower loss there?

# %%
guess = ...  # splits, of 20

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
tuning, scoring = appendix.two_clocks()  # each: losses of (descent, L2), a row for each split
chosen = [losses.argmin(1) for losses in tuning]
stopped, penalised = [losses[np.arange(20), best] for losses, best in zip(scoring, chosen)]
less = stopped - penalised
factor = appendix.PENALTIES[chosen[1]] * rate * (chosen[0] + 1)
reveal(guess, int(np.sum(less < 0)), "Stopping gets the lower loss in")
print(f"loss, mean of 20 splits: stopped {stopped.mean():.3f}, L2 {penalised.mean():.3f}")
print(f"stopped less L2: {less.mean():+.3f} ± {less.std(ddof=1):.3f}")
print(f"after {appendix.STEPS} steps: {scoring[0][:, -1].mean():.3f}")
print(f"best lambda = {factor.mean():.2f} ± {factor.std(ddof=1):.2f} times the best 1/(rate t)")

# %%
show(*appendix.same_path(x, y, [(a + b) / 2 for a, b in zip(tuning, scoring)]))  # all 402

# %% [markdown]
# At their best both are equally good: stopping gets the lower loss in 9 splits of 20, and the difference, -0.001 ± 0.012, is next to nothing (± is
# the standard deviation over the splits). Both beat training on, to 0.675 after 2000 steps. But the conversion is not exact: the best
# $\lambda$ is about half of the best $1/(\eta t)$, as the table made us expect, and the factor varies from split to split.
#
# Take it as a rule of thumb: few steps act like a strong penalty. This comparison is for a linear model; do not expect it to hold exactly
# for a deep network.

# %% [markdown]
# ## Should patience grow?
#
# AutoGluon, a library that trains many models on a table and keeps the best, lets patience
# [grow](https://github.com/autogluon/autogluon/blob/master/core/src/autogluon/core/utils/early_stopping.py): it waits 10 rounds plus 0.3
# times the number of the best round so far. That makes sense: a slow problem needs patience. (With 0 times, it is plain patience.)
#
# Here we write it as our own criterion, which has three parts: the columns it reads, a score for each epoch, and whether a score means
# stop. (The library has `GrowingPatience`.) What should the two numbers be? We choose among 72 pairs by the even-numbered runs alone: the
# smallest regret for at most 15 % of the epochs. <!-- given: 15 -->

# %%
class Growing(Criterion):
    columns = ("val_loss",)

    def __init__(self, share, least):
        self.share, self.least = share, least

    def scores(self, values):
        best, best_epoch = float("inf"), 0
        for epoch, value in enumerate(values):
            if value < best:
                best, best_epoch = value, epoch
            yield epoch - best_epoch - self.share * best_epoch  # a score; then it goes on from here

    def is_met(self, score):
        return score >= self.least


grid = {f"{share} x best epoch + {least}": Growing(share, least)
        for share in (0, 0.1, 0.2, 0.3, 0.5, 1) for least in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30)}
results = compare(grid, every_run, measured="test_loss")

# %% [markdown]
# By how many points of regret does the chosen pair beat the best plain patience, on the fifty runs that had *no* say in the choice?

# %%
guess = ...  # points; negative if plain patience wins

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
even = np.arange(100) % 2 == 0
plain_ones = [row for row in results if row.name.startswith("0 ")]


def choice(rows, half):
    affordable = [row for row in rows if row.share[half].mean() <= 0.15]
    return min(affordable, key=lambda row: row.regret[half].mean())


grown, plain = choice(results, even), choice(plain_ones, even)
gain = plain.regret - grown.regret
reveal(guess, round(gain[~even].mean(), 1), "Gain in points on the odd runs")
print(f"chosen: {grown.name}; plain: {plain.name}")
for half, runs in (("even", even), ("odd ", ~even)):
    better, worse, same = (np.sum(np.sign(gain[runs]) == sign) for sign in (1, -1, 0))
    print(f"{half} runs: gain {gain[runs].mean():+.1f} ± {gain[runs].std(ddof=1):.1f} points, "
          f"better in {better} of 50, worse in {worse}, the same in {same}")

# %% [markdown]
# On the runs that chose it, growing patience wins by 1.1 points. Look at how: in 43 of the 50 runs both rules keep weights of the same loss;
# it is better in 3 and worse in 4. Three runs carried the mean. On the other half the gain is gone: -0.6 points.
#
# What would the odd runs have chosen? And how good is AutoGluon's own pair? It costs more than 15 % of the epochs, so beside it stands the
# plain patience that costs the same.

# %%
# NBVAL_CHECK_OUTPUT
own = results["0.3 x best epoch + 10"]
n, equal = appendix.same_cost(own.share.mean(), every_run)
rows = {"even runs": grown, "even, plain": plain, "odd runs": choice(results, ~even),
        "odd, plain": choice(plain_ones, ~even), "AutoGluon": own, "same cost": equal}
print("chosen by                             regret, %: even    odd   epochs, %: even    odd")
for who, row in rows.items():
    name = f"0 x best epoch + {n}" if row is equal else row.name
    print(f"{who:12} {name:22} {row.regret[even].mean():z15.1f} {row.regret[~even].mean():z6.1f}",
          f"{100 * row.share[even].mean():16.1f} {100 * row.share[~even].mean():6.1f}")
less = equal.regret - own.regret
print(f"AutoGluon's against the same cost: gain {less.mean():+z.1f} ± {less.std(ddof=1):.1f} points, "
      f"better in {np.sum(less > 0)} of 100, worse in {np.sum(less < 0)}")

# %% [markdown]
# The odd runs choose plain patience, and a shorter one. So the two halves do not agree on a rule, let alone on its numbers. **A stopping rule
# is fitted too, so it needs a test set of runs.** Choose among 72 rules, and the best one has been lucky, whatever else it is. (And both
# halves come from the same five problems: of a sixth they say nothing.)
#
# AutoGluon's pair gives away next to nothing, for a third of the epochs. So does the plain patience that costs as much.
#
# Back to [04 Scores and noise](04_scores_and_noise.ipynb), or on to [05 Stop-time pruning](05_stop_time_pruning.ipynb).
