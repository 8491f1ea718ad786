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
# 25 minutes. Nothing is trained but a linear model. <!-- given: 95 -->

# %%
from course_utils.stopping import Below, Criterion, compare
from course_utils.classroom import data
from course_utils.classroom.chapter_04 import appendix
from course_utils.classroom.notebook import reveal, show
import numpy as np

curves = data.load_curves("proben1")
names = ("diabetes", "soybean", "gene", "thyroid", "building")
problems = {name: curves.select(problem=name, units=64) for name in names}  # 20 runs each, 300 epochs
every_run = [run for runs in problems.values() for run in runs]

# %% [markdown]
# ## The 95 % rule
#
# How should one choose a threshold? The third of the four articles advises: such that 95 % of the validation losses are smaller.
# That number is called the 0.95 **quantile**: `np.quantile(values, 0.95)`. But 95 % of which values?
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
    print(f"{name:9} median of 20 runs: epoch {np.median(first):.0f}")

# %% [markdown]
# All but fifteen of a run's 300 epochs are below it, so the first comes early: half of the runs of each problem are there by epoch 14. This
# reading is of no use.
#
# Second reading: take **the lowest loss of each of ten past runs**, and of these ten numbers the 0.95 quantile. That is a loss which nearly
# every past run got down to. We try it on the ten other runs, and then the other way round: runs with even numbers set the threshold for
# the odd ones, and the odd ones for the even ones.

# %% tags=["reveal"]
past = np.quantile([min(run["val_loss"]) for run in problems["building"][0::2]], 0.95)
show(*appendix.two_readings(building, own, past))

# %% [markdown]
# Later, at least. Is it good? We compare at equal cost, as in 04: for each problem with the patience that trains as many epochs. (Regret is
# still by how many percent the test loss of the weights you keep is above that of the run's best epoch.)

# %%
# NBVAL_CHECK_OUTPUT
def tried(past, new):
    threshold = np.quantile([min(run["val_loss"]) for run in past], 0.95)
    return compare([Below("val_loss", threshold)], new, measured="test_loss")[0]


reached, more = {}, {}
print("        threshold: regret, %   patience of equal cost   its regret, %")
for name, runs in problems.items():
    even, odd = runs[0::2], runs[1::2]
    rows = [tried(even, odd), tried(odd, even)]
    regret = np.concatenate([row.regret for row in rows])
    n, patient = appendix.same_cost(np.mean([row.share for row in rows]), odd + even)
    print(f"{name:9} {regret.mean():14.1f} {n:20} {patient.regret.mean():20.1f}")
    reached[name], more[name] = [row.fired.sum() for row in rows], regret - patient.regret

# %%
# NBVAL_CHECK_OUTPUT
print("           reached, of 10 and 10   threshold loses more   less (of 20 runs)")
for name in names:
    print(f"{name:9} {reached[name][0]:15} {reached[name][1]:5}",
          f"{np.sum(more[name] > 0):19} {np.sum(more[name] < 0):13}")

# %% [markdown]
# On building the two are even. On the other four, the threshold loses more in nearly every run in which they differ, and far more on
# thyroid: 43.6 % against 1.9 %. The worst of the past splits set the threshold, so an easy split passes it early.
# On diabetes and gene it also matters which ten runs set the threshold: with the even ones only 6 and 4 of the other ten reach it, with
# the odd ones all do.
#
# A threshold cannot know how hard this split is. Patience does not need to.

# %% [markdown]
# ## Does early stopping act like L2?
#
# Another article asks how stopping relates to regularisation: holding a model back on purpose. **L2** adds $\lambda / 2$
# times the squared length of the weights to the loss, and so keeps them small. Stopping keeps them small, too: they start near zero and get
# no time to grow.
#
# With a linear model we can compare the two. Gradient descent from zero with learning rate $\eta$, stopped after $t$ steps, should resemble
# L2 with $\lambda = 1/(\eta t)$: with more steps the limit loosens, as with a smaller penalty. The data: forty patients, ten measurements
# each, and how far their diabetes got in a year. The **cosine** of the angle between two weight vectors is 1 if they point the same way.

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
# Now tune each on new patients: the number of steps for the one, the penalty for the other. Which gets to the lower loss?

# %%
guess = ...  # "stopping", "L2" or "neither"

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
losses = stopped, penalised = appendix.two_clocks()  # losses on the other patients, for 20 splits
factor = appendix.PENALTIES[penalised.argmin(1)] * rate * (stopped.argmin(1) + 1)
by_stopping, by_l2 = round(stopped.min(1).mean(), 2), round(penalised.min(1).mean(), 2)
lower = "neither" if by_stopping == by_l2 else "stopping" if by_stopping < by_l2 else "L2"
reveal(guess, lower, "The lower loss, to two digits")
print(f"lowest loss, mean of 20 splits: stopped {by_stopping:.2f}, L2 {by_l2:.2f}")
print(f"lowest of the mean curves: stopped {stopped.mean(0).min():.2f}, L2 {penalised.mean(0).min():.2f}")
print(f"trained to the end: {stopped[:, -1].mean():.2f}")
print(f"best lambda = {factor.mean():.2f} ± {factor.std(ddof=1):.2f} times the best 1/(rate t)")

# %%
show(*appendix.same_path(x, y, losses))

# %% [markdown]
# Nearly the same path, and at their best both are equally good. But they do not arrive together: the best $\lambda$ is about half of the best
# $1/(\eta t)$, and it varies from split to split (± is the standard deviation over the splits). The mean curves bottom
# out at 0.58, above the mean of the lowest losses, 0.57: each split has its best at another place.
#
# Take it as a rule of thumb: few steps act like a strong penalty. This comparison is for a linear model; do not expect it to hold exactly
# for a deep network.

# %% [markdown]
# ## Should patience grow?
#
# AutoGluon, a library that trains many models on a table and keeps the best, lets patience grow: it is 10 plus 0.3 times the number of the
# best epoch so far. (An epoch, there, is a round of boosting.) That makes sense: a slow problem needs patience. Here it is as a criterion
# of your own: the columns it reads, a score for each epoch, and a verdict. What should the two numbers be? We choose among 72 pairs by the
# even-numbered runs alone: least regret for at most 15 % of the epochs. <!-- given: 15 -->

# %%
class GrowingPatience(Criterion):
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


grid = {f"{share} x best epoch + {least}": GrowingPatience(share, least)
        for share in (0, 0.1, 0.2, 0.3, 0.5, 1) for least in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30)}
results = compare(grid, every_run, measured="test_loss")

# %% [markdown]
# With 0 times the best epoch, it is plain patience. By how many points of regret does the pair that was chosen beat the best plain
# patience, on the fifty runs that had *no* say in the choice?

# %%
guess = ...  # points; negative if plain patience wins

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
even = np.arange(100) % 2 == 0
affordable = [row for row in results if row.share[even].mean() <= 0.15]
affordable.sort(key=lambda row: row.regret[even].mean())
grown, plain = affordable[0], next(row for row in affordable if row.name.startswith("0 "))
gain = plain.regret - grown.regret
reveal(guess, round(gain[~even].mean(), 1), "Gain in points on the odd runs")
print("patience                  even: regret, %   odd: regret, %   odd: epochs, %")
for row in (grown, plain):
    print(f"{row.name:24} {row.regret[even].mean():16.1f} {row.regret[~even].mean():17.1f}",
          f"{100 * row.share[~even].mean():15.0f}")
for half, runs in (("even", even), ("odd ", ~even)):
    print(f"{half} runs: gain {gain[runs].mean():+.1f} ± {gain[runs].std(ddof=1):.1f} points, "
          f"better in {np.sum(gain[runs] > 0)} of 50, worse in {np.sum(gain[runs] < 0)}")

# %% [markdown]
# On the runs that chose it, growing patience wins by 1.1 points. Look at how: better in 3 runs, worse in 4. A few lucky runs carried the
# mean. On the other half the gain is gone. **A stopping rule is fitted too, so it needs a test set of runs.** Choose among 72 rules,
# and the best one has been lucky, whatever else it is.
#
# What holds on both halves is dull: patience 10, for 15 % of the epochs.
#
# Back to [04 Scores and noise](04_scores_and_noise.ipynb), or on to [05 Stop-time pruning](05_stop_time_pruning.ipynb).
