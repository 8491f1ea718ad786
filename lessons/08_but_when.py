# %% [markdown]
# # Fourteen stopping rules enter a race. Which one would you bet on?
#
# You will
# - see what fourteen rules cost, at equal regret, on 2,100 recorded trainings,
# - choose settings on ten problems, and watch them hold or fail on ten others,
# - take home a patience to begin with, and know when not to trust it.
#
# 25 minutes to read, 35 for the exercises. You need regret from chapter 00, patience from 03, and the scores of 04. Nothing is
# trained here: `make study` recorded all runs. <!-- given: 2,100 -->

# %%
from course_utils.stopping import (Epochs, GeneralizationLoss, Patience, Plateau, SuccessiveIncreases,
                                   patience_for)
from course_utils.classroom.chapter_08 import exercises as ex, figures
from course_utils.classroom.chapter_08.race import needs, on_the_last, race
from course_utils.classroom.chapter_08.study import (clairvoyant, interval, own_patience, patience_line,
                                                     prices, ratio, study)
from course_utils.classroom.notebook import reveal, show

twenty = study("first", "second")
print(len(twenty.of), "runs of", len(twenty.problems), "problems:", *twenty.problems)

# %% [markdown]
# In 1998 Lutz Prechelt asked "Early stopping, but when?". Everybody has advice, and hardly anybody a comparison. Here is
# one: twenty problems, six networks each, two learning rates, Adam and mostly also RPROP, which was Prechelt's optimizer. All runs
# took 300 epochs, so we can ask any rule where it *would* have stopped. <!-- given: 300 -->
#
# **Cost** is the share of the epochs that a rule trains. **Regret** says by how many percent the test loss of the weights you keep
# is above that of the run's best epoch. Every problem counts the same.
#
# First the rule that everybody uses. What percentage of the epochs does Patience 5 train? <!-- given: 5 -->

# %%
guess = ...  # percent of 300 epochs; leave the dots to skip

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
line = patience_line(twenty)
by_length = {price.name: price for price in line}
reveal(guess, round(100 * by_length["Patience 5"].cost.mean()), "Patience 5 trains, in percent")
for name in ("Patience 1", "Patience 3", "Patience 5", "Patience 10", "Patience 20"):
    print(by_length[name])
gained = by_length["Patience 20"].regret < 0
print("better off with Patience 20 than without a stop:", gained.sum(), "of 20")

# %% [markdown]
# The first epochs of patience are a bargain. From 10 on you pay and get nothing: so late a record is luck about as often as
# progress. <!-- given: 10 -->
#
# ## The race
#
# Thirteen rivals: chapter 04's scores, cures for noise, a patience that grows, a fixed number of epochs, and more (see `rules.py`). To
# be fair:
#
# 1. On ten problems, take a rule's cheapest setting that loses no more than Patience 5 does. <!-- given: 5 -->
# 2. Judge it on the other ten. Then swap the tens.
# 3. Divide its cost by what patience costs **at the same regret**.
#
# For how many of the thirteen is that below 1, beyond doubt? <!-- given: 1 -->

# %%
guess_winners = ...  # a number from 0 to 13

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
entries = race(like="Patience 5")
rivals = [entry for entry in entries if entry.name != "Patience"]
better = [entry for entry in rivals if entry.high < 1]
worse = [entry for entry in rivals if entry.low > 1]
reveal(guess_winners, len(better), "Rules that beat patience")
print(f"{len(worse)} are dearer, {len(rivals) - len(better) - len(worse)} cannot be told from it")
for entry in (rivals[0], rivals[-2], rivals[-1]):
    print(f"{entry.name:20} {entry.ratio:.2f} times the cost of patience, 95 % interval "
          f"{entry.low:.2f} to {entry.high:.2f}")

# %% tags=["reveal"]
show(*figures.the_race(entries))

# %% [markdown]
# Each bar is a 95 % interval, by **bootstrap**: draw twenty problems out of the twenty, with repeats, again and again, and see how
# much the ratio moves. Triangles beat patience, squares lose to it, circles are level. Eight rules are dearer than patience for the same
# result. <!-- given: 95 -->
#
# ## Which threshold for which task?
#
# So asks the third article. Take each problem's loosest setting that loses at most 1 % there. For patience that is between 1 and 12
# epochs. How long has a *fixed number* to be for the most demanding of the twenty? <!-- given: 1, 12 -->

# %%
guess_fixed = ...  # from 1 to 300

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
kinds = {"Patience": {n: Patience("val_loss", n) for n in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30)},
         "GL": {a: GeneralizationLoss(a) for a in (0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 15, 20, 30, 60, 100)},
         "Plateau": {d: Plateau("val_loss", d, 20) for d in (0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0002)},
         "A fixed number": {n: Epochs(n) for n in (30, 40, 60, 80, 100, 120, 150, 180, 210, 240, 270, 300)}}
found = {name: needs(settings, twenty, goal=1) for name, settings in kinds.items()}
reveal(guess_fixed, found["A fixed number"][0][-1], "Epochs for the most demanding problem")
print("                 problems need     epochs trained: each its own   one for all")
for name, (settings, own, same) in found.items():
    print(f"{name:14} {settings[0]:6} to {settings[-1]:<6} {100 * own:25.0f} % {100 * same:13.0f} %")

# %% [markdown]
# One threshold for all has to suit the most demanding problem, and the others pay. With patience that mistake is cheap, as it starts
# counting anew at every improvement. **No threshold suits all tasks, and a patience nearly does.**
#
# ## The winner, on problems it has never met
#
# One rule did win: **Patience by the gap**. It waits less where the training loss has fallen far below the validation loss, a sign of
# memorising. We kept eight problems in a drawer: up to 600 epochs, a CNN, a GRU, dropout, regressions. What does the winner cost there, as a
# multiple of patience? <!-- given: 600 -->

# %%
guess_drawer = ...  # below 1: it wins again

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
last, eight = on_the_last(like="Patience 5"), study("last")
times, low, high, by_gap = last["Patience by the gap"]
reveal(guess_drawer, round(times, 2), "Patience by the gap, times the cost of patience")
print(f"95 % interval {low:.2f} to {high:.2f}")
five = prices([Patience("val_loss", 5)], eight)[0]
for problem in ("digits_dropout", "digits_cnn"):
    at = eight.problems.index(problem)
    for name, price in {"by the gap": by_gap, "Patience 5": five}.items():
        print(f"{problem:14} {name:11} {100 * price.cost[at]:3.0f} % trained, "
              f"regret {price.regret[at]:z5.1f} %")

# %% tags=["reveal"]
show(*figures.on_new_problems(entries, last, [entry.name for entry in rivals[:6]]))

# %% [markdown]
# The win is gone. Dropout punches holes into the network while it trains, so the training loss stays high: the rule sees no memorising, and
# waits for nothing. On the CNN it leaves too soon. A rule found on twenty problems is a rule about twenty problems.
#
# ## How much is left to win?
#
# Perhaps somebody cleverer finds the rule. Suppose a **clairvoyant** who sees the whole validation curve beforehand, and makes the best
# trade between epochs and validation loss. What does she pay, at equal regret, as a multiple of patience?

# %%
guess_clairvoyant = ...  # 0.5 would be half of the epochs

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
sees = clairvoyant(twenty, "val_loss", worth=0.2)
low, high = interval(sees, line)
reveal(guess_clairvoyant, round(ratio(sees, line), 2), "Who sees the validation curve pays")
print(f"95 % interval {low:.2f} to {high:.2f}; {sees}")

# %% tags=["reveal"]
worths = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
oracles = {"sees the whole validation curve": [clairvoyant(twenty, "val_loss", worth) for worth in worths],
           "best patience of each problem, in hindsight": [own_patience(twenty, worth) for worth in worths],
           "sees the test": [clairvoyant(twenty, "test_loss", worth) for worth in worths]}
show(*figures.left_to_win(line, oracles))

# %% [markdown]
# Down and left is good. Patience 5 is nearly as good as knowing the future of the curve it watches. Only who sees the *test* does much
# better, so what a better rule would need is not in the validation loss. <!-- given: 5 -->
#
# ## So how patient?
#
# One thing you know beforehand is the learning rate. The same problems and networks under Adam, at two rates:

# %%
lines = {f"learning rate {rate}": patience_line(study("first", "second", optimizer="adam", rate=rate))
         for rate in (0.01, 0.001)}
show(*figures.by_rate(lines))

# %% [markdown]
# At a tenth of the rate an epoch gets less far, and a standstill takes longer to show. **Change the rate, change the patience.** Where
# `ReduceLROnPlateau` cuts the rate in mid-run, the stop has to outlast it.
#
# The other thing you know is how many epochs you can afford at most. The more, the less a few epochs of waiting matter. So
# `patience_for(epochs)` is 0.75 times their square root: <!-- given: 0.75 -->

# %%
# NBVAL_CHECK_OUTPUT
for of, groups, cuts in (("twenty", ("first", "second"), (30, 100, 300)),
                         ("last eight", ("last",), (100, 600))):
    for epochs in cuts:
        n = patience_for(epochs)
        price = prices([Patience("val_loss", n)], study(*groups, epochs=epochs))[0]
        print(f"{of:10} at most {epochs:3} epochs: patience {n:2}, {100 * price.cost.mean():2.0f} % trained, "
              f"regret {price.regret.mean():z4.1f} %, at worst {price.regret.max():.1f} %")

# %% [markdown]
# On average it loses less than a percent; at worst, on a regression that creeps downhill for hundreds of epochs, about 6. No number fixed
# beforehand would know. Your own finished runs do: give them to `compare`. <!-- given: 6 -->
#
# ## And Prechelt?
#
# His sentence that everybody quotes: slower rules gain about 4 % of test error, and take about four times as long. <!-- given: 4 -->

# %%
# NBVAL_CHECK_OUTPUT
for price in prices({"quick: GL 1": GeneralizationLoss(1), "slow: UP 8": SuccessiveIncreases(8),
                     "Patience 8": Patience("val_loss", 8)}, twenty):
    print(price)

# %% [markdown]
# Among his rules it holds: the slow one gains three points, and trains more than twice as long. But plain patience was not in his race. It
# gets the same three points for nearly the price of the quick rule.
#
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by.
#
# **8.1 At equal regret.** Patience 3 trains 14 % of the epochs and loses 1.3 %; Patience 5 trains 16 % and loses 0.3 %. A new rule
# trains 18 % and loses 0.8 %. What is its cost as a multiple of patience's, at equal regret? (Between two lengths, go along the
# straight line.)

# %% tags=["exercise"]
answer = ...
ex.at_equal_regret.check(answer)

# %% tags=["solution"]
answer = 18 / 15  # 0.8 % lies halfway between 1.3 and 0.3, so patience would cost halfway between 14 and 16
ex.at_equal_regret.check(answer)

# %% [markdown]
# **8.2 One problem, one vote.** `regrets` has one number a run, `problems` the name of each run's problem. Some problems have more runs than
# others. Return the mean regret in which every problem counts the same.

# %% tags=["exercise"]
def mean_regret(regrets, problems):
    return ...


ex.one_vote_each.check(mean_regret)

# %% tags=["solution"]
def mean_regret(regrets, problems):
    by_problem = {}
    for regret, problem in zip(regrets, problems):
        by_problem.setdefault(problem, []).append(regret)
    means = [sum(of) / len(of) for of in by_problem.values()]
    return sum(means) / len(means)


ex.one_vote_each.check(mean_regret)

# %% [markdown]
# **8.3 Choose a setting.** `settings` is a dict: name -> (cost, regret), as they were measured on the problems you choose on. Return the
# name of the cheapest setting whose regret is at most `goal`, or None if there is none.

# %% tags=["exercise"]
def choose(settings, goal):
    return ...


ex.choose_a_setting.check(choose)

# %% tags=["solution"]
def choose(settings, goal):
    good = {name: cost for name, (cost, regret) in settings.items() if regret <= goal}
    return min(good, key=good.get, default=None)


ex.choose_a_setting.check(choose)

# %% [markdown]
# **8.4 The clairvoyant.** She sees all validation losses of a run. An epoch is worth `worth` to her, in units of the loss. She stops at the epoch
# after which *epochs trained times worth, plus the lowest loss so far* is least; of equals, the first. Return that epoch, counted from 0.

# %% tags=["exercise"]
def stop(val_loss, worth):
    return ...


ex.the_clairvoyant.check(stop)

# %% tags=["solution"]
def stop(val_loss, worth):
    paid = [worth * (epoch + 1) + min(val_loss[: epoch + 1]) for epoch in range(len(val_loss))]
    return paid.index(min(paid))


ex.the_clairvoyant.check(stop)

# %% [markdown]
# **8.5 Your rule in the race.** One rule for the last eight problems, of which you have seen only what stands above. They train for 600 epochs at
# most. Your rule must end every run, train at most 20 % of the epochs and lose at most 1 %. It may read `loss`, `val_loss`, `error`, `val_error` and
# `gradient_norm`. Try on the twenty first: `print(prices([rule], twenty)[0])`. <!-- given: 600, 20, 1 -->

# %% tags=["exercise"]
rule = ...  # any criterion, |, &, or a function of the history so far
ex.your_rule.check(rule)

# %% tags=["solution"]
rule = Patience("val_loss", patience_for(600)) | Epochs(500)  # two runs never run out of patience
ex.your_rule.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# At equal regret none of thirteen rules beats plain patience on problems it has not met, and even knowing the whole validation curve would
# save little. No threshold suits all tasks, and a patience nearly does, if it grows where the learning rate shrinks. Begin with
# `patience_for(epochs)`, and let your own finished runs correct it.
#
# Next: [90 Cabinet of traps](90_cabinet_of_traps.ipynb). What Keras does that you did not ask for.
