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
# One run of each of chapter 03's five problems, from the first epoch **to its best**. All of this is progress. Yet each triangle is an
# epoch in which the validation loss was worse than in the epoch before.
#
# So a rise on the way down means little. But past the best epoch, surely, the curve goes up? Take soybean's twenty runs, and
# only the epochs after the best one. In what percentage of them is the loss worse than in the epoch before?

# %%
guess = ...  # percent; leave the dots to skip

# %% tags=["reveal"] claims=["04.1"]
# NBVAL_CHECK_OUTPUT
rises = {}
for name, runs in problems.items():
    until, after = [], []
    for run in runs:
        rose, best = np.diff(run["val_loss"]) > 0, np.argmin(run["val_loss"])
        until.extend(rose[:best])
        after.extend(rose[best:])
    rises[name] = 100 * np.mean(until), 100 * np.mean(after)
reveal(guess, round(rises["soybean"][1]), "Worse than the epoch before, in percent")
print("            until the best   after it")
for name, (until, after) in rises.items():
    print(f"{name:10} {until:15.0f} {after:10.0f}")

# %% [markdown]
# On four problems of five, the loss past its best goes up about as often as down: a coin toss. Only gene clearly
# rises.
#
# So how far up must it go, or how often? **Lutz Prechelt** compared three answers in 1998:
#
# - **GL 5**, generalization loss: stop when the validation loss is more than 5 % above its lowest so far.
# - **PQ 3**, progress quotient: the same rise, divided by how fast the training loss is still falling; stop above 3.
# - **UP 8**: look at every fifth epoch, stop after eight rises in a row.
#
# Here are 100 runs: five problems, twenty splits each. How many does UP 8 stop? <!-- given: 5 -->

# %%
guess = ...  # a number from 0 to 100

# %% tags=["reveal"] claims=["B9", "04.2"]
# NBVAL_CHECK_OUTPUT
every_run = [run for runs in problems.values() for run in runs]
three = {"GL 5": GeneralizationLoss(5), "PQ 3": ProgressQuotient(3), "UP 8": SuccessiveIncreases(8)}
table = compare(three, every_run, measured="test_loss")
reveal(guess, table["UP 8"].fired.sum(), "UP 8 stops")
stopped = {row.name: row.fired.reshape(5, 20).sum(1) for row in table}  # the runs stand problem by problem
print("stopped, of 20      ", *(f"{rule:>6}" for rule in stopped))
for i, name in enumerate(names):
    print(f"{name:20}", *(f"{counts[i]:6}" for counts in stopped.values()))
print("epochs trained, %   ", *(f"{100 * row.share.mean():6.0f}" for row in table))
print("mean regret, %      ", *(f"{row.regret.mean():6.1f}" for row in table))

# %% tags=["reveal"]
show(*figures.who_stops(table, names))

# %% [markdown]
# Each mark is a run. **Who never stops?** The crosses:
#
# - under GL 5, nobody: it stops all runs within 30 epochs,
# - under PQ 3, all of soybean and thyroid, 16 of building, 2 of diabetes,
# - under UP 8, all of soybean, thyroid and building, 19 of diabetes.
#
# Now the **regret**: by how many percent is the test loss of the weights you keep above that of the run's best epoch? For PQ 3 and UP 8,
# next to nothing. A rule that never stops loses nothing; it saves nothing, either. Prechelt knew that none of his rules is certain
# to end a run. Give it a budget: `| Epochs(200)`.

# %% [markdown]
# ## One leaves at once, two hardly ever
#
# Why? With $E$ for the validation loss,
#
# $$GL = 100 \left( \frac{E}{\text{lowest } E \text{ so far}} - 1 \right), \qquad PQ = \frac{GL}{P}, \qquad
# P = 1000 \left( \frac{\text{mean of the last five training losses}}{\text{lowest of them}} - 1 \right).$$
#
# $P$ is the progress. Take the *training* loss of the last five epochs, a **strip**; $P$ says by how many thousandths its mean is above
# its lowest. While the training loss falls steeply, $P$ is large. By hand, on a run of thyroid:

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
# **GL** stops at its first spike, in epoch 14. Each green line after that is a new lowest loss which it did not wait for. **UP** never gets
# past three: noise breaks every row of rises.
#
# And **PQ** stays low because it divides by progress, and there is progress to the very end. Is there? Here are the last hundred epochs.

# %%
# NBVAL_CHECK_OUTPUT
strips = loss[200:].reshape(20, 5)
progress = 1000 * (strips.mean(1) / strips.min(1) - 1)
print(f"training loss: epochs 200 to 249 {loss[200:250].mean():.3f}, 250 to 299 {loss[250:].mean():.3f}")
print(f"P in these epochs, mean: {progress.mean():.0f} thousandths")

# %% [markdown]
# The training loss stands still, and $P$ reports 309 thousandths of progress. It cannot tell falling from jumping about. Prechelt's
# networks saw all the data at each step, so their training losses were smooth. Ours see batches of 32.
#
# ## What does a cure for noise buy?
#
# Three cures for a nervous rule:
#
# - persistence: `Lasting(5, rule)` fires only when the rule held for five epochs in a row,
# - averaging: `Smoothed(10, rule)` sees the mean of the last ten epochs,
# - a margin: with `min_delta=0.03, relative=True`, patience counts only what is 3 % better.
#
# GL 5 alone has a regret of 63.8 %. What is it for `Lasting(5, GeneralizationLoss(5))`? <!-- given: 3 -->

# %%
guess = ...  # mean regret in percent

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
lasting = compare([Lasting(5, GeneralizationLoss(5))], every_run, measured="test_loss")[0]
plain = compare([Patience("val_loss", n) for n in range(1, 51)], every_run, measured="test_loss")
reveal(guess, round(lasting.regret.mean(), 1), "Mean regret in percent")
print("                     epochs, %   regret, %")
for name, row in {"GL 5": table["GL 5"], "Lasting(5, GL 5)": lasting, "Patience 11": plain[10]}.items():
    print(f"{name:22} {100 * row.share.mean():7.1f} {row.regret.mean():11.1f}")

# %% [markdown]
# What a cure. But it also trains for longer. Plain patience, given as many epochs, loses less than half as
# much. So **compare at equal cost.** For each rule below we look for the patience that trains as many epochs on average, and take the
# difference in regret, run by run. Above zero, the rule does worse than patience.
#
# (We tried patience 1 to 50. None trains as many epochs as PQ 3 or UP 8, so those two take part with lower limits, PQ 1 and UP 3. ± is
# the standard deviation over the runs.)

# %% claims=["04.3"]
# NBVAL_CHECK_OUTPUT
rules = {"PQ 1": ProgressQuotient(1), "UP 3": SuccessiveIncreases(3),
         "Lasting(5, GL 5)": Lasting(5, GeneralizationLoss(5)),
         "Lasting(10, GL 1)": Lasting(10, GeneralizationLoss(1)),
         "Smoothed(10, Patience 10)": Smoothed(10, Patience("val_loss", 10)),
         "Patience 20, by 3 %": Patience("val_loss", 20, min_delta=0.03, relative=True)}
costs = np.array([row.share.mean() for row in plain])
print("rule                  patience of equal cost   more regret, points   better   worse (of 100)")
for row in compare(rules, every_run, measured="test_loss"):
    n = np.argmin(np.abs(costs - row.share.mean()))  # plain[n] is Patience n + 1
    more = row.regret - plain[n].regret
    print(f"{row.name:27} {n + 1:10} {more.mean():+18.1f} ± {more.std(ddof=1):4.1f} "
          f"{np.sum(more < 0):10} {np.sum(more > 0):7}")

# %%
show(*figures.price_list(every_run))

# %% [markdown]
# The last three are draws: small differences, a large spread, about as many runs better as worse. That is noise, and UP 3 may be no
# different. PQ 1 is worse, in 27 runs against 6. `Lasting(5, GL 5)` wins nearly as often as it loses, but loses more.
#
# In the picture, down and left is good. GL and three of the four cures lie along the grey line; PQ, UP and `Lasting(5, GL 5)` lie beyond
# it. **A cure makes the rule wait. In these runs no cure beats patience by more than noise.**
#
# Prechelt saw the same trade in 1296 trainings: his slower rules had about 4 % less test error than his quick ones, and took about four
# times as long. <!-- given: 4 -->

# %% [markdown]
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


print("against watching the loss         points      better   worse (of 20 runs)")
for name in names[:4]:  # building has no classes
    line(f"{name}, watch error", kept("val_error", problems[name]) - kept("val_loss", problems[name]))
last = np.array([100 * run["test_error"][-1] for run in problems["gene"]])
line("gene, never stop", last - kept("val_loss", problems["gene"]))

# %% [markdown]
# On gene, watch the error: better in 17 runs of 20. But never stopping is about as good, so all that stopping saves is time. On soybean,
# watch the loss; probably because the error moves in whole mistakes, and one lucky epoch is hard to beat. Diabetes and thyroid are noise.
#
# Where does a threshold come from? Is stopping a kind of L2? Should patience grow with the run? An optional appendix has more:
# [04b More on thresholds](04b_more_on_thresholds.ipynb).

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
# **4.2 Which rule speaks when.** At which epochs do Patience 3, GL 20 and UP 2 stop this run? UP looks at the last epoch of each strip of
# five: 4, 9, 14.

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
# **4.4 The 95 % rule.** The third article advises a threshold such that 95 % of the validation losses are smaller. Taken over the epochs of
# one run, that is of no use: nearly all of its epochs are below it, good or not. Over runs it makes sense. `past` is a list of runs, each
# a list of validation losses; some runs are longer than others. Return the threshold that 95 % of these runs got down to, so that a new
# run is likely to reach it, too. (`np.quantile(values, 0.95)` is the number that 95 % of the values do not exceed.) Do not round.

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
# print(compare([rule], curves.select(problem="soybean", units=256)[10:], measured="test_loss"))
# ```

# %% tags=["exercise"]
rule = ...  # any criterion of this lesson, |, &, or a function of the history so far
ex.no_problem_behind.check(rule)

# %% tags=["solution"]
rule = Patience("val_loss", 16) | Epochs(250)
ex.no_problem_behind.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# One bad epoch says next to nothing, before the best epoch or after it. A rule that never stops a run loses nothing and saves nothing, so
# look at how many it stops, and give it a budget. Compare rules at equal cost and run by run: most of what a cure for noise buys is time.
#
# Next: [05 Stop-time pruning](05_stop_time_pruning.ipynb).
