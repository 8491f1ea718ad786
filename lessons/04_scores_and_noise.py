# %% [markdown]
# # The loss has just gone up. Is it time to stop?
#
# You will
# - see how often the loss goes up in a run that is getting better,
# - take three published rules apart, and find out which runs they never stop,
# - compare cures for noise with plain patience, at equal cost.
#
# 30 minutes to read, 35 for the exercises. You need patience and regret, from chapter 03. Nothing is trained here: all runs were
# recorded.

# %%
from course_utils.stopping import (Epochs, GeneralizationLoss, Lasting, Patience, ProgressQuotient,
                                   Smoothed, SuccessiveIncreases, compare)
from course_utils.classroom import data
from course_utils.classroom.chapter_04 import exercises as ex, figures
from course_utils.classroom.notebook import reveal, show
import numpy as np

names = ("diabetes", "soybean", "gene", "thyroid", "building")
curves = data.load_curves("proben1")
problems = {name: curves.select(problem=name, units=64) for name in names}  # 20 runs each
show(*figures.ups_and_downs({name: runs[1] for name, runs in problems.items()}))

# %% [markdown]
# One run of each of chapter 03's five problems, from the first epoch **to its best**. You would not want to stop anywhere here. Yet each
# triangle is an epoch in which the validation loss was higher than in the epoch before.
#
# So a rise on the way down means little. But past the best epoch, surely, the curve goes up? Take soybean's twenty runs, and only the
# epochs after the best one. In how many percent of them is the loss higher than in the epoch before?

# %%
guess = ...  # percent; leave the dots to skip

# %% tags=["reveal"] claims=["04.1"]
# NBVAL_CHECK_OUTPUT
rises = {}
for name, runs in problems.items():
    until, after, ends = [], [], []
    for run in runs:
        rose, best = np.diff(run["val_loss"]) > 0, np.argmin(run["val_loss"])
        until.extend(rose[:best])
        after.extend(rose[best:])
        ends.append(100 * (run["val_loss"][-1] / run["val_loss"][best] - 1))
    rises[name] = 100 * np.mean(until), 100 * np.mean(after), np.median(ends)
reveal(guess, round(rises["soybean"][1]), "Higher than the epoch before, in percent")
print("           higher than the epoch before, %      last epoch above the best, %")
print("           until the best         after it      (median)")
for name, (until, after, end) in rises.items():
    print(f"{name:10} {until:14.0f} {after:16.0f} {end:13.0f}")

# %% [markdown]
# On four problems of five a step past the best goes up about as often as down: a coin toss. Even on thyroid, whose loss ends 98 % above
# its best, single steps do not show it. Only on gene do they.

# %% [markdown]
# So how far up must it go, or how often? **Lutz Prechelt** compared three answers in 1998:
#
# - **GL 5**, generalization loss: stop when the validation loss is more than 5 % above its lowest so far.
# - **PQ 3**, progress quotient: the GL divided by a measure of how fast the training loss is still falling (formula below); checked every
#   fifth epoch, stop above 3.
# - **UP 8**: look at every fifth epoch only; stop when the validation loss has been higher than at the previous look eight times in a row.
#
# Here are 100 runs: five problems, twenty splits each. How many does UP 8 stop? <!-- given: 5 -->

# %% tags=["reveal"] claims=["B9", "04.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # a number from 0 to 100
every_run = [run for runs in problems.values() for run in runs]
three = {"GL 5": GeneralizationLoss(5), "PQ 3": ProgressQuotient(3), "UP 8": SuccessiveIncreases(8)}
table = compare(three, every_run, measured="test_loss")
reveal(guess, table["UP 8"].fired.sum(), "UP 8 stops")
for row in table:  # a row per rule, with the stop, the share of the epochs and the regret of each run
    print(f"{row.name}: stops {row.fired.sum():3} of 100 runs, "
          f"trains {100 * row.share.mean():2.0f} % of the epochs, mean regret {row.regret.mean():4.1f} %")

# %% tags=["reveal"]
show(*figures.who_stops(table, names))

# %% [markdown]
# Each mark is a run. Under GL 5 all end, within 30 epochs; PQ 3 and UP 8 never stop a single run of soybean or thyroid. Their
# [regret](03_validation_early_stopping.ipynb) is next to nothing: a rule that never stops a run loses nothing. It saves nothing, either.
# Prechelt knew that none of his rules is certain to end a run. Give it a budget: `| Epochs(200)`.

# %% [markdown]
# ## One leaves at once, two often never
#
# Why? With $E$ for the validation loss,
#
# $$GL = 100 \left( \frac{E}{\text{lowest } E \text{ so far}} - 1 \right), \qquad PQ = \frac{GL}{P}, \qquad
# P = 1000 \left( \frac{\text{mean of the last five training losses}}{\text{lowest of them}} - 1 \right).$$
#
# $P$ is the progress. The last five epochs are a **strip**, and $P$ says by how many thousandths the strip's mean *training* loss lies above
# the strip's lowest. While the training loss falls steeply, $P$ is large. By hand, on a run of thyroid:

# %%
# NBVAL_CHECK_OUTPUT
run = problems["thyroid"][1]
loss, val_loss = np.array(run["loss"]), np.array(run["val_loss"])
for epoch in (4, 9, 14):  # where a strip ends
    gl = 100 * (val_loss[epoch] / val_loss[: epoch + 1].min() - 1)
    strip = loss[epoch - 4 : epoch + 1]
    progress = 1000 * (strip.mean() / strip.min() - 1)
    print(f"epoch {epoch:2}: GL {gl:.1f}, P {progress:.0f}, PQ {gl / progress:.3f}")
print("the library's PQ:", ProgressQuotient(3).score(run)[[4, 9, 14]].round(3))

# %%
show(*figures.scores(three, run))

# %% [markdown]
# **GL** stops at its first spike, in epoch 14. Each blue tick after that is a new lowest loss which it did not wait for. **UP** never gets
# past three: noise breaks every row of rises.
#
# And **PQ** stays low because it divides by progress, and there is progress to the very end. Is there? Here are the last hundred epochs.

# %%
# NBVAL_CHECK_OUTPUT
for first in (200, 250):
    strips = loss[first : first + 50].reshape(10, 5)
    progress = 1000 * (strips.mean(1) / strips.min(1) - 1)
    print(f"epochs {first} to {first + 49}: training loss {strips.mean():.4f}, mean P {progress.mean():.0f}")

# %% [markdown]
# The training loss hardly moves, and $P$ reports more progress than in the first strip, where the loss really fell: it cannot tell falling
# from jumping about. Prechelt's networks saw all the data at each step, and their training losses were smooth; ours see batches of 32.
#
# ## What does a cure for noise buy?
#
# Three cures for a nervous rule:
#
# - persistence: `Lasting(5, rule)` fires once the rule has held for five epochs,
# - averaging: `Smoothed(10, rule)` sees the mean of ten epochs,
# - a margin: with `min_delta=0.03, relative=True`, only 3 % lower counts as better.
#
# GL 5 has a mean regret of 63.8 %. And `Lasting(5, GeneralizationLoss(5))`? <!-- given: 3 -->

# %%
guess = ...  # mean regret in percent

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
cure = {"Lasting(5, GL 5)": Lasting(5, GeneralizationLoss(5))}
lasting = compare(cure, every_run, measured="test_loss")[0]
lengths = {f"patience {n}": Patience("val_loss", n) for n in range(1, 51)}
plain = compare(lengths, every_run, measured="test_loss")
reveal(guess, f"{lasting.regret.mean():.1f} %", "Mean regret")
for row in (table["GL 5"], lasting, plain["patience 11"]):
    print(f"{row.name:16}  {100 * row.share.mean():4.1f} % of the epochs, "
          f"mean regret {row.regret.mean():4.1f} %")

# %% [markdown]
# Some cure! But it also trains for 15.2 % of the epochs, not 3.4 %. And patience 11, which costs about as much, has less than half the
# regret. So **compare at equal cost.** On each run, subtract the regret of patience 11 from that of `Lasting(5, GL 5)`: above zero, the cure
# did worse. It is in the third line, with five other rules, each against the patience from 1 to 50 whose cost is nearest. (PQ 3 and UP 8
# cost more than any of these: hence PQ 1 and UP 3.) ± is the spread of the 100 runs; a tenth of it is the uncertainty of the mean.

# %% claims=["04.3"]
# NBVAL_CHECK_OUTPUT
def at_equal_cost(row, plain):
    """A line: the row of a rule against the row of plain patience whose cost is nearest, run by run."""
    equal = min(plain, key=lambda other: abs(other.share.mean() - row.share.mean()))
    more = row.regret - equal.regret
    return (f"{row.name:25} {equal.name:11} {more.mean():+6.1f} ± {more.std(ddof=1):4.1f} "
            f"{np.sum(more < 0):12} {np.sum(more > 0):10}")


rules = {"PQ 1": ProgressQuotient(1), "UP 3": SuccessiveIncreases(3),
         "Lasting(5, GL 5)": Lasting(5, GeneralizationLoss(5)),
         "Smoothed(10, Patience 10)": Smoothed(10, Patience("val_loss", 10)),
         "Patience 20, by 3 %": Patience("val_loss", 20, min_delta=0.03, relative=True),
         "Lasting(20, GL 1)": Lasting(20, GeneralizationLoss(1))}
print("rule                      against      more regret, points    better in   worse in (of 100 runs)")
for row in compare(rules, every_run, measured="test_loss"):
    print(at_equal_cost(row, plain))

# %%
show(*figures.price_list(every_run))

# %% [markdown]
# The first three do worse than patience on average; the next two are draws. In the picture GL lies on the grey line: it is no worse than a
# very short patience. PQ and UP lie above it wherever there is a line to compare with. The cures lie near it, except two of
# `Lasting(n, GL 5)` and, by a little, `Smoothed(10, Patience 20)`: **a cure makes the rule wait.**
#
# And `Lasting(20, GL 1)`? Half a point less regret than patience, better in 13 runs, worse in 4. But of a dozen cures in the picture, one
# may be lucky. Here are 100 runs that had no say in it, of networks with 16 and 256 units. Does it win again?

# %%
# NBVAL_CHECK_OUTPUT
others = []
for units in (16, 256):
    for name in names:
        others += curves.select(problem=name, units=units)[10:]
row = compare(rules, others, measured="test_loss")["Lasting(20, GL 1)"]
print(at_equal_cost(row, compare(lengths, others, measured="test_loss")))

# %% [markdown]
# A draw: the one cure that beat patience does not do it twice, at least not at other sizes of network. Prechelt saw the same trade in
# [1296 trainings](https://doi.org/10.1016/S0893-6080(98)00010-0): his slower rules had about 4 % less test error than his quick ones, and took
# about four times as long. <!-- given: 4 -->
#
# ## Which column to watch
#
# On gene, chapter 03 found, the lowest validation loss is not where the fewest mistakes are. Should you watch the **error** instead, the share
# of wrong answers? Patience 20 on each. The difference is in points of test error; below zero, watching the error is better.

# %%
# NBVAL_CHECK_OUTPUT
def kept(metric, runs):
    rule = Patience(metric, 20, mode="min")
    return 100 * compare([rule], runs, metric, "min", measured="test_error", measured_mode="min")[0].kept


def line(name, gap):
    print(f"{name:27} {gap.mean():+9.2f} ± {gap.std(ddof=1):.2f} {np.sum(gap < 0):8} {np.sum(gap > 0):7}")


print("against watching the loss:      points      better   worse (of 20 runs)")
for name in names[:4]:  # building has no classes
    line(f"{name}, watch error", kept("val_error", problems[name]) - kept("val_loss", problems[name]))
last = np.array([100 * run["test_error"][-1] for run in problems["gene"]])
line("gene, all 300 epochs", last - kept("val_loss", problems["gene"]))

# %% [markdown]
# On gene, watch the error: better in 17 runs of 20. But never stopping is about as good, so all that stopping saves is time. On soybean,
# watch the loss. The error moves in whole mistakes, so one lucky epoch is hard to beat; that is probably why. On diabetes and
# thyroid the difference is lost in the noise.
#
# An [optional appendix](04b_more_on_thresholds.ipynb) asks where a threshold could come from, what stopping has to do with weight decay (L2),
# and whether patience should grow with the run.

# %% [markdown]
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by.
#
# **4.1 A score by hand.** The GL of each of these six epochs, in percent.

# %% tags=["exercise"]
losses = [0.5, 0.4, 0.44, 0.5, 0.3, 0.36]
answer = [..., ..., ..., ..., ..., ...]
ex.score_by_hand.check(answer)

# %% tags=["solution"]
losses = [0.5, 0.4, 0.44, 0.5, 0.3, 0.36]
answer = [0, 0, 10, 25, 0, 20]  # against 0.5, 0.4, 0.4, 0.4, 0.3, 0.3
ex.score_by_hand.check(answer)

# %% [markdown]
# **4.2 Which rule speaks when.** At which epochs do Patience 3, GL 20 and UP 2 stop this run? UP looks at epochs 4, 9, 14.

# %% tags=["exercise"]
losses = [1.0, 0.8, 0.7, 0.6, 0.5, 0.52, 0.45, 0.5, 0.55, 0.6, 0.58, 0.5, 0.56, 0.6, 0.62]
answer = ..., ..., ...  # Patience 3, GL 20, UP 2
ex.who_speaks_when.check(answer)

# %% tags=["solution"]
losses = [1.0, 0.8, 0.7, 0.6, 0.5, 0.52, 0.45, 0.5, 0.55, 0.6, 0.58, 0.5, 0.56, 0.6, 0.62]
answer = 9, 8, 14  # lowest is 0.45 at 6; 0.55 is 22 % above it; 0.5 < 0.6 < 0.62 at the strip ends
ex.who_speaks_when.check(answer)

# %% [markdown]
# **4.3 Rises in a row.** UP's score. Return a list with one count for each whole strip: how many strips in a row, up to this one, have ended
# higher than the strip before? The first counts 0.

# %% tags=["exercise"]
def rises(values, strip):
    return ...


ex.rises_in_a_row.check(rises)

# %% tags=["solution"]
def rises(values, strip):
    ends, counts = values[strip - 1 :: strip], [0]
    for before, value in zip(ends, ends[1:]):
        counts.append(counts[-1] + 1 if value > before else 0)
    return counts


ex.rises_in_a_row.check(rises)

# %% [markdown]
# **4.4 The 95 % rule.** `past` is a list of runs of different lengths, each a list of validation losses. Take the lowest loss of each run, and
# return the 0.95 quantile of these, with `np.quantile`. About 95 % of the runs got down to that threshold, so a new run is likely to reach
# it, too. Do not round. (The third article takes the quantile over all epochs. Nearly every epoch is below that, good or not.)

# %% tags=["exercise"]
def threshold(past):
    return ...


ex.threshold_of_past_runs.check(threshold)

# %% tags=["solution"]
def threshold(past):
    return np.quantile([min(run) for run in past], 0.95)


ex.threshold_of_past_runs.check(threshold)

# %% [markdown]
# **4.5 No problem left behind.** One rule for 100 runs that you have not seen, of networks with 16 and with 256 units. It must
#
# - stop every run,
# - train at most 25 % of the epochs, over all runs,
# - and have at most 10 % regret on *each* problem, not on average.
#
# The check takes as many tries as you like. To try a rule first, on similar networks that the check does not use: <!-- given: 25, 10 -->
#
# ```python
# print(compare([rule], others, measured="test_loss"))
# ```

# %% tags=["exercise"]
rule = ...  # any criterion of this chapter, |, &, or a function of the history so far
ex.no_problem_behind.check(rule)

# %% tags=["solution"]
rule = Patience("val_loss", 16) | Epochs(250)
ex.no_problem_behind.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# One bad epoch says little: before its best a loss often goes up, and after it often down. A rule that never stops a run loses nothing
# and saves nothing, so look at how many it stops, and give it a budget. Compare rules at equal cost and run by run: most of what a cure for noise gains, it gains by
# training longer.
#
# Next: [05 Stop-time pruning](05_stop_time_pruning.ipynb).
