# %% [markdown]
# # The loss has just gone up. Is it time to stop?
#
# You will
# - see how often the loss goes up in a run that is getting better,
# - take three published rules apart, and find out which runs they never stop,
# - see what the cures for a noisy loss buy, at equal cost.
#
# 30 minutes to read, 45 for the exercises. You need patience and regret, from chapter 03. Nothing is trained here: all runs
# were recorded, on the five problems of chapter 03.

# %%
from course_utils.stopping import (Epochs, GeneralizationLoss, Lasting, Patience, ProgressQuotient,
                                   Smoothed, SuccessiveIncreases, compare)
from course_utils.classroom import data
from course_utils.classroom.chapter_04 import exercises as ex, figures, tables
from course_utils.classroom.notebook import reveal, show
import numpy as np

names = ("diabetes", "soybean", "gene", "thyroid", "building")
curves = data.load_curves("proben1")
problems = {name: curves.select(problem=name, units=64) for name in names}  # 20 runs each
show(*figures.ups_and_downs({name: runs[1] for name, runs in problems.items()}))

# %% [markdown]
# Five of the runs, each drawn from its first epoch **to its best**. Every triangle is an epoch whose validation loss was higher than one
# epoch earlier. Stop at a triangle, and you miss the best.
#
# But past the best epoch, surely, the curve goes up? Take soybean's twenty runs, and only the epochs after the best one. In what
# percentage of these is the loss higher than one epoch earlier?

# %% tags=["reveal"] claims=["04.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent, 0 to 100; leave the dots to skip
rose = []
for run in problems["soybean"]:
    best = np.argmin(run["val_loss"])
    rose.extend(np.diff(run["val_loss"])[best:] > 0)  # step i leads from epoch i to epoch i + 1
reveal(guess, round(100 * np.mean(rose)), "Higher than one epoch earlier, in percent")
print(tables.rises(problems))

# %% [markdown]
# A coin toss, and on three other problems as well. Thyroid's loss ends about twice as high as its lowest, and still only every other epoch
# brings a rise. On gene alone it is three in four.
#
# **Except on gene, one rise says little about which side of the best epoch you are on.**

# %% [markdown]
# ## Which runs do the published rules never stop?
#
# How far up must the loss go, or how often? In 1998 [Lutz Prechelt](https://doi.org/10.1016/S0893-6080(98)00010-0) compared three **scores**, each with several limits. One of each:
#
# - **GL 5**, generalization loss: by how many percent the validation loss is above its lowest so far. Stop at the first epoch above 5.
# - **UP 8**: cut the run into **strips** of five epochs. Count the strips in a row that ended with a higher validation loss than the strip
#   before did. Stop at 8.
# - **PQ 3**, progress quotient: GL, but it counts less while the training loss still falls (its formula follows). At the end of each strip,
#   stop above 3.
#
# Each of our 100 runs lasts 300 epochs. How many does UP 8 stop?

# %% tags=["reveal"] claims=["B9", "04.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # runs, 0 to 100
every_run = [run for runs in problems.values() for run in runs]
three = {"GL 5": GeneralizationLoss(5), "PQ 3": ProgressQuotient(3), "UP 8": SuccessiveIncreases(8)}
table = compare(three, every_run, measured="test_loss")
reveal(guess, table["UP 8"].fired.sum(), "UP 8 stops")  # fired: for each run, whether the rule stopped it
print("        epochs trained     mean regret     of the stopped runs alone")
for row in table:  # share: of the 300 epochs, how many were trained
    print(f"{row.name:8}{100 * row.share.mean():12.0f} %{row.regret.mean():14.1f} %"
          f"{row.regret[row.fired].mean():28.1f} %")

# %%
show(*figures.who_stops(table, names))

# %% [markdown]
# GL 5 stops every run within 30 epochs, and pays for it with a mean [regret](03_validation_early_stopping.ipynb) of 63.8 %.
#
# The other two never stop a run of soybean or thyroid, and **with the best weights kept, a rule that never stops a run loses
# nothing, and saves nothing.** The runs they do stop lose next to nothing either: most are of diabetes and gene, whose best epochs come early. Only on gene, where the loss keeps
# rising, does UP get its eight in a row soon.
#
# Prechelt knew that his rules need not end a run. Give them a budget: `SuccessiveIncreases(8) | Epochs(200)`, where `|` means "or".

# %% [markdown]
# ## Why does one stop at once, and two so seldom?
#
# Know what fools them, and you can tell whether they suit your own runs. Here is a run of thyroid: its losses, and below them its three
# scores with their limits.

# %%
run = problems["thyroid"][1]
show(*figures.scores(three, run, "thyroid, run 1"))

# %% [markdown]
# **GL** stops at its first spike, in epoch 14. Each blue tick is a new lowest loss that it missed. **UP** never gets
# past three: noise breaks every streak.
#
# **PQ** is $GL / P$, so a large $P$ keeps it low. $P$ is the progress, from the training losses of a strip:
#
# $$P = 1000 \left( \frac{\text{mean of the five}}{\text{lowest of the five}} - 1 \right).$$
#
# While the loss falls steeply, its mean lies far above its lowest: in the first strip $P$ is 251. In the last hundred epochs the training
# loss hardly falls. What is the mean $P$ of those twenty strips?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # 0: no progress; 251: as much as in the first five epochs
strips = np.array(run["loss"]).reshape(60, 5)  # 300 epochs
progress = 1000 * (strips.mean(axis=1) / strips.min(axis=1) - 1)
reveal(guess, round(progress[40:].mean()), "Mean P of the last twenty strips")
for first, last in ((0, 1), (40, 50), (50, 60)):
    print(f"epochs {5 * first:3} to {5 * last - 1:3}: mean training loss {strips[first:last].mean():.4f}, "
          f"mean P {progress[first:last].mean():.0f}")

# %% [markdown]
# More progress than at the start, from a loss that stands still! $P$ cannot tell falling from jumping about. Even at twice the
# lowest loss, GL = 100, PQ is 100 / 309 = 0.3, a tenth of its limit. <!-- given: 100, 0.3 --> (Prechelt's losses were most likely smoother: his
# networks saw all the data at each step, ours see batches of 32.)
#
# **In this run noise stops GL at the first spike, breaks UP's count, and passes for progress with PQ.**

# %% [markdown]
# ## What does a cure for noise buy?
#
# Three are common:
#
# - persistence: `Lasting(5, rule)` stops once the rule has said "stop" five epochs in a row,
# - averaging: `Smoothed(10, rule)` sees the mean of the last ten epochs,
# - a margin: `Patience(..., min_delta=0.03, relative=True)` counts only a loss at least 3 % lower as better.
#
# GL 5 has a mean regret of 63.8 %. How much is left of it with `Lasting(5, GeneralizationLoss(5))`?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # mean regret in percent, 0 to 63.8
cure = {"Lasting(5, GL 5)": Lasting(5, GeneralizationLoss(5))}
lasting = compare(cure, every_run, measured="test_loss")[0]
reveal(guess, f"{lasting.regret.mean():.1f} %", "Mean regret")
for row in (table["GL 5"], lasting):
    print(f"{row.name:16} trains {100 * row.share.mean():4.1f} % of the epochs")

# %% [markdown]
# Quite a cure. But it also trains more than four times as long, and longer training usually lowers the regret by itself. So compare at equal cost: what would plain
# patience do with as many epochs?
#
# Here is the price list: cost to the right, regret upwards, and in grey plain patience, from 1 to 50. A cure should lie below the grey line.
#
# - *Left:* the three scores, with other limits too.
# - *Right:* the three cures, each for n = 5, 10 and 20: persistence twice, with GL 5 and with GL 1, averaging before a patience of n, and a
#   patience of n with a margin of 3 %.

# %%
lengths = {f"patience {n}": Patience("val_loss", n) for n in range(1, 51)}
plain = compare(lengths, every_run, measured="test_loss")
show(*figures.price_list(every_run, plain))

# %% [markdown]
# *Left:* GL lies on the line, no better than a short patience. PQ and UP lie above it, or beyond its end.
#
# *Right:* most cures lie along the line, a few above or beyond its end. One dips below, by half a point: `Lasting(20, GL 1)`. It is like
# patience 20, but a loss within 1 % of the lowest also sets the count back to 0. A discovery?
#
# A mean may hang on a few runs. So subtract, run by run, the regret of the patience of about equal cost. <!-- given: 20 -->

# %% claims=["04.3"]
# NBVAL_CHECK_OUTPUT
rules = {"Lasting(5, GL 5)": Lasting(5, GeneralizationLoss(5)),
         "Smoothed(10, Patience 10)": Smoothed(10, Patience("val_loss", 10)),
         "Patience 20, by 3 %": Patience("val_loss", 20, min_delta=0.03, relative=True),
         "Lasting(20, GL 1)": Lasting(20, GeneralizationLoss(1))}
print(tables.at_equal_cost(compare(rules, every_run, measured="test_loss"), plain))

# %% [markdown]
# The first loses 4.8 points on average: it wins nearly as often as it loses, but wins little and loses much. The next two are draws.
# `Lasting(20, GL 1)` gains half a point: better in 13 runs, worse in 4, the same in 83. The mean of 100 runs is uncertain by about a tenth of
# the ± (1 / √100), here 0.2, and the gain is more than twice that: it looks real. But the best of twelve may have been lucky. <!-- given: 0.2 -->
#
# So here are 100 runs that had no part in picking it, of networks with 16 and 256 units instead of 64. In how many does it beat the patience of equal cost?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # runs, 0 to 100; it was 13
others = []
for units in (16, 256):
    for name in names:
        others += curves.select(problem=name, units=units)[10:]  # exercise 4.5 has the other ten
# the second is for the fold below: the shown solution of exercise 3.5, whose dot lay below the line
again_rules = {"Lasting(20, GL 1)": rules["Lasting(20, GL 1)"],
         "the rule of 3.5": Smoothed(5, Patience("val_loss", 12)) | Epochs(200)}
again = compare(again_rules, others, measured="test_loss")
plain_again = compare(lengths, others, measured="test_loss")
reveal(guess, tables.runs_better(again[0], plain_again), "Runs in which it is better")
print(tables.at_equal_cost(again, plain_again))

# %% [markdown]
# Better in 8, worse in 6, the same in 86, nothing gained on average. The one cure that beat patience does not do it again: it was luck, or it
# suits 64 units only.
#
# Here plain patience is enough: spend your effort on its length. **On these problems a cure changes how long a rule waits, and at equal
# cost gains little, or loses.**

# %% [markdown]
# <details><summary>And the rule of exercise 3.5?</summary>
#
# Its dot lay below the line on these very runs, so for it this is no fresh test. Run by run, even here it is a draw: as many better as
# worse, and its gain of 0.4 is less than a tenth of 7.2. Luck is enough to explain it.
#
# </details>

# %% [markdown]
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by.
#
# **4.1 A score by hand.** Give the GL of each of these six epochs, in percent. With $E$ for the validation loss, and this
# epoch counted among those "so far",
#
# $$GL = 100 \left( \frac{E}{\text{lowest } E \text{ so far}} - 1 \right).$$

# %% tags=["exercise"]
losses = [0.5, 0.4, 0.44, 0.5, 0.3, 0.36]
answer = [..., ..., ..., ..., ..., ...]
ex.score_by_hand.check(answer)

# %% tags=["solution"]
losses = [0.5, 0.4, 0.44, 0.5, 0.3, 0.36]
answer = [0, 0, 10, 25, 0, 20]  # against 0.5, 0.4, 0.4, 0.4, 0.3, 0.3
ex.score_by_hand.check(answer)

# %% [markdown]
# **4.2 Which rule speaks when.** At which epochs do Patience 3, GL 20 and UP 2 (in this order) stop this run? Count from 0; UP looks at epochs 4, 9, 14.

# %% tags=["exercise"]
losses = [1.0, 0.8, 0.7, 0.6, 0.5, 0.52, 0.45, 0.5, 0.55, 0.6, 0.58, 0.5, 0.56, 0.6, 0.62]
answer = ..., ..., ...  # Patience 3, GL 20, UP 2
ex.who_speaks_when.check(answer)

# %% tags=["solution"]
losses = [1.0, 0.8, 0.7, 0.6, 0.5, 0.52, 0.45, 0.5, 0.55, 0.6, 0.58, 0.5, 0.56, 0.6, 0.62]
answer = 9, 8, 14  # lowest is 0.45 at 6; 0.55 is 22 % above it; 0.5 < 0.6 < 0.62 at the strip ends
ex.who_speaks_when.check(answer)

# %% [markdown]
# **4.3 Rises in a row.** Write UP's score. Cut `values` into strips of `strip` epochs each, and look only at the last value of each whole
# strip; at least one strip is whole. Return a list with a count for each of them: how many strips in a row, this one included, ended higher
# than the strip before? The first counts 0. So `rises([3, 2, 4, 5, 1, 2], 1)` is `[0, 0, 1, 2, 0, 1]`.

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
# **4.4 The 95 % rule.** Chapter 03 found no good way to name a threshold. Past runs offer one: a loss that about 95 % of them got down to.
# `past` is a list of runs of different lengths, each a list of validation losses. Take the lowest loss of each run, and return the 0.95 quantile of
# these, as `np.quantile(values, 0.95)` gives it: about 95 % of the values do not exceed it. Do not round.

# %% tags=["exercise"]
def threshold(past):
    return ...


ex.threshold_of_past_runs.check(threshold)

# %% tags=["solution"]
def threshold(past):
    return np.quantile([min(run) for run in past], 0.95)


ex.threshold_of_past_runs.check(threshold)

# %% [markdown]
# **4.5 No problem left behind.** One rule for 100 runs that you have not seen: of each problem ten more with 16 and with 256 units. It must
#
# - stop every run (a budget counts),
# - train at most 25 % of the epochs, over all runs,
# - and have at most 10 % mean regret on *each* problem, both sizes together: four good ones do not make up for a bad one.
#
# Plain patience is welcome. Set `rule` in a new cell and try it on `others` first: every extra try at the check makes it likelier that
# you pass by luck. <!-- given: 25, 10 -->
#
# ```python
# row = compare([rule], others, measured="test_loss")[0]
# print(names, row.regret.reshape(2, 5, 10).mean(axis=(0, 2)).round(1))  # 2 sizes, 5 problems, 10 runs
# print(row.fired.all(), row.share.mean())
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
# One bad epoch says little: before its best a loss often goes up, and after it often down. A rule that never stops a run saves nothing: count
# its stops, and give it a budget. Compare rules at equal cost and run by run: most of what a cure for noise changes is how
# long you train.
#
# An [optional appendix](04b_more_on_thresholds.ipynb) has seven bets on thresholds, mistakes, L2 and patience.
#
# Next: [05 Stop-time pruning](05_stop_time_pruning.ipynb). Does stopping early make a network smaller?
