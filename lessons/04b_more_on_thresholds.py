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
# First reading: the 300 epochs of one run. Here is a run of *building*. <!-- given: 95 -->

# %%
# NBVAL_CHECK_OUTPUT
def quantile_of_epochs(run):
    return np.quantile(run["val_loss"], 0.95)


building = problems["building"][1]
own = quantile_of_epochs(building)
print(f"its validation loss begins at {building['val_loss'][0]:.4f}; its threshold is {own:.4f}")

# %% [markdown]
# At which epoch does it first get below the threshold?

# %%
guess = ...  # an epoch from 0 to 299; leave the dots to skip

# %% tags=["reveal"] claims=["D3"]
# NBVAL_CHECK_OUTPUT
reveal(guess, Below("val_loss", own).first(building), "It gets below at epoch")
for name, runs in problems.items():
    first = [Below("val_loss", quantile_of_epochs(run)).first(run) for run in runs]
    print(f"{name:9} 20 runs: median epoch {np.median(first):2.0f}, the last at epoch {max(first):2}")

# %% [markdown]
# Only fifteen of a run's 300 epochs lie above its threshold, so this reading stops somewhere in the first sixteen epochs, whatever the
# curve does afterwards. On gene, and in most runs of diabetes, it stops at epoch 0: at least fifteen later epochs are worse than the very
# first, so far do these runs overfit. Besides, a run's threshold is known only when the run is over.

# %% [markdown]
# Second reading: take **the lowest loss of each of ten past runs**, and the 0.95 quantile of these ten numbers: a loss between the highest
# and the second highest of them, so nine of the ten runs got below it. At which epoch does the same run of building?

# %%
guess_past = ...  # an epoch from 0 to 299

# %% tags=["reveal"]
past = np.quantile([min(run["val_loss"]) for run in problems["building"][0::2]], 0.95)
reveal(guess_past, Below("val_loss", past).first(building), "It gets below at epoch")
show(*appendix.two_readings(building, own, past))

# %% [markdown]
# Later, at least. But is it a good rule? The runs with even numbers set the threshold for the odd ones; then we swap. As in 04 we compare
# at equal cost: for each problem we take the patience that trains as many epochs on average. A run that never reaches the threshold
# goes on to the end: it costs all 300 epochs and keeps the weights of lowest validation loss, so its regret is 0. (Regret, as before: how
# many percent higher the test loss is at the epoch kept than at the epoch of the run's lowest validation loss.)

# %% claims=["D4"]
# NBVAL_CHECK_OUTPUT
def tried(past, new):
    threshold = np.quantile([min(run["val_loss"]) for run in past], 0.95)
    return compare([Below("val_loss", threshold)], new, measured="test_loss")[0]


rows, lost, patient = {}, {}, {}
print("           epochs, %   regret, %: threshold   patience, of length")
for name, runs in problems.items():
    even, odd = runs[0::2], runs[1::2]
    rows[name] = tried(even, odd), tried(odd, even)
    lost[name] = np.concatenate([row.regret for row in rows[name]])  # first the odd runs, then the even
    share = np.mean([row.share for row in rows[name]])
    n, row = appendix.same_cost(share, odd + even)
    patient[name] = row.regret
    print(f"{name:9} {100 * share:10.0f} {lost[name].mean():22.1f} {row.regret.mean():10.1f} {n:12}")

# %%
# NBVAL_CHECK_OUTPUT
print("how much more the threshold loses, in points:")
print("          more in : less in    ten easier splits   ten harder")
for name, runs in problems.items():
    more = lost[name] - patient[name]
    by_ease = more[np.argsort([min(run["val_loss"]) for run in runs[1::2] + runs[0::2]])]
    print(f"{name:9} {np.sum(more > 0):7} : {np.sum(more < 0):<7}",
          f"{by_ease[:10].mean():20.1f} {by_ease[10:].mean():12.1f}")
never = [row.never for row in rows["gene"]]
print(f"on gene never reached by {never[0]} of the odd runs, {never[1]} of the even")

# %% [markdown]
# (Easy: a split with a low lowest loss. Where counts do not add up to 20, the rest are ties.)
#
# On building the two are even. On the other four the threshold loses more in most of the runs in which they differ, or in all; on thyroid
# 43.6 % against 1.9 %. And everywhere it loses more on the easier half of the splits: such a run is soon below what the worst of the past
# splits have set. (The harder half is flattered: who never gets below has no regret.)

# %% [markdown]
# It also matters which ten runs set the threshold: on gene, 6 odd runs never get down to what the even ones ask.
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
# should resemble L2 with $\lambda = 1/(\eta t)$: more steps let the weights grow, just as a smaller penalty does.

# %% [markdown]
# Why just this $\lambda$? The loss is a bowl. Along an axis of it with curvature $c$, $t$ steps go the share $1 - (1 - \eta c)^t$ of the way
# to the bottom, and with L2 the lowest point lies at the share $c / (c + \lambda)$. Where the bowl is nearly flat, these are about
# $\eta t c$ and $c / \lambda$: equal if $\lambda = 1/(\eta t)$. Where it is steep, both are nearly 1. In between, L2's is the smaller.

# %% [markdown]
# The data: forty patients, ten measurements each, and how far their diabetes had advanced a year later, with mean 0 and standard
# deviation 1. (Another data set than the *diabetes* above.) We compare the weights of both: their length, and
# the **cosine** of the angle between them, which is 1 if they point the same way.

# %%
# NBVAL_CHECK_OUTPUT
(x, y), _ = appendix.diabetes_rows(seed=0)  # scikit-learn's diabetes; the other 402 patients come later
curvature, pull, rate, weights = x.T @ x / len(y), x.T @ y / len(y), 0.1, np.zeros(10)
print("steps   length: descent     L2   cosine")
for t in range(1, 1001):
    weights = weights - rate * (curvature @ weights - pull)  # (...): the gradient of half the mean square
    if t in (1, 10, 100, 1000):
        shrunk = np.linalg.solve(curvature + np.eye(10) / (rate * t), pull)  # the minimum with L2
        a, b = np.linalg.norm(weights), np.linalg.norm(shrunk)
        print(f"{t:5} {a:17.2f} {b:6.2f} {weights @ shrunk / (a * b):8.3f}")

# %% [markdown]
# Nearly the same direction. But in every row L2's weights are shorter: at this $\lambda$ it shrinks a little more, so it needs a smaller
# one to get to the same place.
#
# Now choose the number of steps and the penalty on 201 other patients, and score both models on the remaining 201. In how many of 20
# splits does stopping get the lower loss there?

# %%
guess = ...  # splits, of 20

# %% tags=["reveal"] claims=["C7"]
# NBVAL_CHECK_OUTPUT
tuning, scoring = appendix.two_clocks()  # each: losses of (descent, L2), a row for each split
chosen = [losses.argmin(1) for losses in tuning]
stopped, penalised = [losses[np.arange(20), best] for losses, best in zip(scoring, chosen)]
less = stopped - penalised
factor = appendix.PENALTIES[chosen[1]] * rate * (chosen[0] + 1)
reveal(guess, int(np.sum(less < 0)), "Stopping gets the lower loss in")
print(f"loss, mean of 20 splits: stopped {stopped.mean():.4f}, L2 {penalised.mean():.4f}")
print(f"stopped less L2: {less.mean():+.4f} ± {less.std(ddof=1):.4f}")
print(f"after {appendix.STEPS} steps: {scoring[0][:, -1].mean():.3f}")
print(f"best lambda = {factor.mean():.2f} ± {factor.std(ddof=1):.2f} times the best 1/(rate t)")

# %%
show(*appendix.same_path(x, y, [(a + b) / 2 for a, b in zip(tuning, scoring)]))  # all 402

# %% [markdown]
# At their best both are equally good: stopping gets the lower loss in 9 splits of 20, and the mean difference is small beside
# its spread (±: the standard deviation over the splits). Both beat training on, to 0.675 after 2000 steps. But the conversion is not exact. The best
# $\lambda$ is smaller than the best $1/(\eta t)$, as the table made us expect: about half of it, and the factor varies from split to split.
#
# Take it as a rule of thumb: few steps act like a strong penalty. This comparison is for a linear model; do not expect it to hold exactly
# for a deep network.

# %% [markdown]
# ## Should patience grow?
#
# AutoGluon, a library that trains many models on a table and keeps the best, has a patience that
# [grows](https://github.com/autogluon/autogluon/blob/650cc8136fb272ee5b2abc529e9f7601328c5402/core/src/autogluon/core/utils/early_stopping.py):
# unless told otherwise, its `AdaptiveES` waits 10 rounds plus 0.3 times the number of the best round so far. That makes sense: a slow
# problem needs patience. (With a factor of 0 it is plain patience.)
#
# Here we write it as our own criterion. It has three parts: the columns it reads, a score for each epoch, and whether a score means stop.
# (The library has `GrowingPatience`.)

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
# Which of these 72 pairs of numbers is best? We ask the even-numbered runs alone: the smallest regret among the pairs that train at most
# 15 % of their epochs. In the same way we choose the best plain patience.
#
# By how many points of regret does the pair beat it on the fifty odd-numbered runs, which had *no* say in the choice? <!-- given: 15 -->

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
# it is better in 3 and worse in 4. Here are the three.

# %%
# NBVAL_CHECK_OUTPUT
for i in np.flatnonzero(even & (gain > 0)):
    print(f"{names[i // 20]:9} plain stops at epoch {plain.stops[i]:3}, regret {plain.regret[i]:5.1f} %; "
          f"growing at {grown.stops[i]:3}, {grown.regret[i]:5.1f} %")
print(f"gain on the even runs without the greatest: {np.sort(gain[even])[:-1].mean():+.1f} points")

# %% [markdown]
# One run makes the whole gain: on soybean plain patience left at epoch 83, and growing patience stayed until 239. Without that run plain
# patience wins on this half, too.
#
# What would the odd runs have chosen? And how good are AutoGluon's own numbers? They cost more than 15 % of the epochs, so beside them
# stands the plain patience that costs the same.

# %%
# NBVAL_CHECK_OUTPUT
own = results["0.3 x best epoch + 10"]
n, equal = appendix.same_cost(own.share.mean(), every_run)
rows = {"even runs": grown, "even, plain": plain, "odd runs": choice(results, ~even),
        "AutoGluon": own, "same cost": equal}


def means(values):  # of the even runs and of the odd; + 0 makes 0.0 of -0.0
    return [round(values[half].mean(), 1) + 0 for half in (even, ~even)]


print("chosen by                             regret, %: even    odd   epochs, %: even    odd")
for who, row in rows.items():
    name = f"0 x best epoch + {n}" if row is equal else row.name
    numbers = "{:15.1f} {:6.1f} {:16.1f} {:6.1f}".format(*means(row.regret), *means(100 * row.share))
    print(f"{who:12} {name:22} {numbers}")
less = equal.regret - own.regret
print(f"AutoGluon's against the same cost: gain {round(less.mean(), 1) + 0:+.1f} ± "
      f"{less.std(ddof=1):.1f} points, better in {np.sum(less > 0)} of 100, worse in {np.sum(less < 0)}")

# %% [markdown]
# On the odd half the gain is gone: -0.6 points. And it was not the pair that had been lucky: it loses 2.8 % on both halves. Its rival had
# been unlucky, once: plain patience 10 loses 3.9 % on the even runs and 2.2 % on the odd ones. **A stopping rule is fitted too, so it needs a test set
# of runs.**

# %% [markdown]
# The odd runs choose plain patience 8, at 4.2 %. Not because they like it better: what the even half chose costs 16.0 % and 15.3 % of the
# epochs there, just above the limit. (And both halves come from the same five problems: of a sixth they say nothing.)
#
# So, should patience grow? On these runs it made no difference that we could see. AutoGluon's numbers give away next to nothing, for a
# third of the epochs. So does the plain patience that costs as much.
#
# Back to [04 Scores and noise](04_scores_and_noise.ipynb), or on to [05 Stop-time pruning](05_stop_time_pruning.ipynb).
