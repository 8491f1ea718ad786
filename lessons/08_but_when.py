# %% [markdown]
# # Fourteen stopping rules enter a race. Which one would you bet on?
#
# You will
# - see what fourteen rules cost, at equal regret, on 2,100 recorded trainings,
# - judge settings on problems that they were not chosen on,
# - take home a patience to begin with, and know when not to trust it.
#
# 30 minutes to read, 40 for the exercises. You need regret from chapter 00, patience from 03, and GL, PQ and UP from 04.
# Nothing is trained here: `make study` recorded all runs. <!-- given: 2,100 -->

# %% [markdown]
# In 1998 Lutz Prechelt asked "Early stopping, but when?". Everybody has advice, hardly anybody a comparison. Here is one: twenty problems,
# with six networks and ten splits each (half at learning rate 0.01, half at 0.001), by Adam, on fifteen also by RPROP, Prechelt's
# optimizer. All took 300 epochs: we can ask any rule where it *would* have stopped.
#
# **Cost** is the share of the epochs trained. **Regret**, what a rule *loses*, compares test losses: by how many percent are its weights
# worse than those at the run's lowest validation loss? Below zero they are better. Every problem counts the same.
#
# What percentage of the epochs does Patience 5 train? <!-- given: 0.01, 0.001, 5, 300 -->

# %%
from course_utils.stopping import (Epochs, GeneralizationLoss, Patience, SuccessiveIncreases, first_rows,
                                   patience_for)
from course_utils.classroom.chapter_08 import exercises as ex, figures
from course_utils.classroom.chapter_08.race import needs, on_the_last, race
from course_utils.classroom.chapter_08.rules import ABOUT, KINDS
from course_utils.classroom.chapter_08.study import (LENGTHS, clairvoyant, interval, own_patience,
                                                     patience_line, prices, ratio, study)
from course_utils.classroom.notebook import reveal, show

twenty = study("first", "second")
print(len(twenty.of), "runs of", len(twenty.problems), "problems:", *twenty.problems)
guess = ...  # percent of 300 epochs; leave the dots to skip

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
line = patience_line(twenty)  # the prices, cost and regret, of patience of many lengths
by_length = {price.name: price for price in line}
reveal(guess, round(100 * by_length["Patience 5"].cost.mean()), "Patience 5 trains, in percent")
for name in ("Patience 1", "Patience 3", "Patience 5", "Patience 10", "Patience 20"):
    print(by_length[name])
lost = twenty.lost(first_rows(Patience("val_loss", 20), twenty.runs))  # one number for each run
print("Patience 20 against no stop at all: better weights in", (lost < 0).sum(), "runs, worse in",
      (lost > 0).sum(), "and the same in", (lost == 0).sum())

# %% [markdown]
# The first epochs of patience are a bargain. From 10 on the mean hardly moves, and no stop at all (regret 0) is no better: what
# comes after Patience 20 is worse about as often as better. <!-- given: 10, 0, 20 -->
#
# ## The race
#
# Thirteen rivals. For each,
#
# 1. on ten problems, take its cheapest setting that loses no more than Patience 5, <!-- given: 5 -->
# 2. judge it on the other ten, and swap,
# 3. divide its cost by what patience costs **at the same regret**.
#
# Say a rule trains 21 % and loses 0.8 %. Patience 3 loses 1.3 % (training 14 %), Patience 5 loses 0.3 % (16 %). Halfway between them, 0.8 %
# costs 15 %: the ratio is 21 / 15 = 1.4. <!-- given: 21, 0.8, 14, 1.3, 16, 0.3, 15, 1.4 -->
#
# Does any beat patience by more than luck (the whole 95 % interval of its ratio is below 1)? <!-- given: 95, 1 -->

# %%
for name, about in ABOUT.items():
    print(f"{name:22} {about}")
bet = ...  # a name, or "none"

# %% tags=["reveal"] claims=["B15", "08.1"]
# NBVAL_CHECK_OUTPUT
entries = race(like="Patience 5")
rivals = [entry for entry in entries if entry.name != "Patience"]
better = [entry.name for entry in rivals if entry.high < 1]
worse = [entry.name for entry in rivals if entry.low > 1]
reveal(bet, ", ".join(better) or "none", "Cheaper than patience")
level = len(rivals) - len(better) - len(worse)
print(f"{len(worse)} of {len(rivals)} cost more, {level} cannot be told apart from it")
for entry in (rivals[0], *rivals[-2:]):  # the cheapest, and the two most expensive
    print(f"{entry.name:20} {entry.ratio:.2f} times the cost of patience, 95 % interval "
          f"{entry.low:.2f} to {entry.high:.2f}")
    print("    chosen on each ten:", ", ".join(price.name for price in entry.chosen))
print(f"if all were level, the chance of at least one lucky win: {100 * (1 - 0.975 ** len(rivals)):.0f} %")

# %% tags=["reveal"]
show(*figures.the_race(entries))

# %% [markdown]
# One of thirteen beats patience; eight cost more, GL twice as much. Each bar is a 95 % interval, by **bootstrap**: draw twenty problems from
# the twenty, with repeats; compute the ratio, again and again; keep the middle 95 %. If all rules were level, and independent,
# one or more would win by luck in 28 % of such races. <!-- given: 95 -->
#
# ## Can one threshold serve all tasks?
#
# The fourth [article](00_start_here.ipynb) leaves that open. Each problem *needs* a certain setting: the least patient that loses at most
# 1 %, as do all more patient ones. The most demanding of the twenty needs patience 12. If the *number* of epochs is fixed, how many does
# it take? <!-- given: 1, 12 -->

# %%
guess_fixed = ...  # from 1 to 300

# %% tags=["reveal"] claims=["C13", "08.2"]
# NBVAL_CHECK_OUTPUT
found = {name: needs(settings, twenty, goal=1) for name, settings in KINDS.items()}
needed = {name: settings[-1] for name, (settings, _, _) in found.items()}  # by the most demanding problem
reveal(guess_fixed, needed["A fixed number"], "Epochs that the most demanding problem needs")
print("                  the most demanding    epochs trained, each    all with that")
print("                  problem needs         with its own setting    one setting")
for name, (_, own, same) in found.items():
    print(f"{name:17} {needed[name]:13} {100 * own:21.0f} % {100 * same:18.0f} %")

# %% [markdown]
# One setting for all has to suit the most demanding problem, and the others pay: twice as much with GL.
# **One GL limit, one plateau or one number of epochs for all tasks is expensive, one patience is cheap.**
#
# ## Does the winner win again?
#
# **Patience by the gap** won by 5 %. Its idea: a training loss far below the validation loss means memorising. We had invented it on earlier
# trainings, some on the same data. Eight more sets of trainings, of 600 epochs, lay in a drawer: five regressions, and digits again, by
# a CNN, a GRU and with dropout. What does it cost there, as a multiple of patience? <!-- given: 600, 5 -->

# %%
guess_drawer = ...  # below 1: cheaper again

# %% tags=["reveal"] claims=["B17", "08.1"]
# NBVAL_CHECK_OUTPUT
last, eight = on_the_last(like="Patience 5"), study("last")  # with the settings chosen on all twenty
times, low, high, by_gap = last["Patience by the gap"]
reveal(guess_drawer, round(times, 2), "Patience by the gap, times the cost of patience")
print(f"95 % interval {low:.2f} to {high:.2f}; of all {len(last) - 1} rivals wholly below 1:",
      sum(last[rival.name][2] < 1 for rival in rivals))
five = prices([Patience("val_loss", 5)], eight)[0]
for problem in ("digits_dropout", "digits_cnn"):
    at = eight.problems.index(problem)
    for name, price in {"by the gap": by_gap, "Patience 5": five}.items():
        print(f"{problem:14} {name} {100 * price.cost[at]:4.0f} % trained, regret {price.regret[at]:4.1f} %")
    loss, val_loss = (eight.columns[name][eight.of == at, 20] for name in ("loss", "val_loss"))
    print(f"    in epoch 20 the training loss is {(loss / val_loss).mean():.1f} times the validation loss")

# %% tags=["reveal"]
show(*figures.on_new_problems(entries, last, [entry.name for entry in rivals[:6]]))

# %% [markdown]
# The win is not confirmed. Had these eight come first, we would have bet on Patience by a margin.
#
# Two show why. Dropout punches holes into the network in training: its training loss stays above the validation loss, the rule sees
# no gap, and trains longer than Patience 5, for worse weights. On the CNN the gap opens wide: the rule loses its patience, and 3 %.
#
# ## How much is left to win?
#
# A **clairvoyant** sees a run's whole validation curve beforehand. To save one percent of the epochs she accepts a validation loss that is
# 0.2 % higher. What does she pay, at equal regret, as a multiple of patience? <!-- given: 0.2, 1 -->

# %%
guess_clairvoyant = ...  # 0.5 would be half of the epochs

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
sees = clairvoyant(twenty, "val_loss", worth=0.2)
low, high = interval(sees, line)
reveal(guess_clairvoyant, round(ratio(sees, line), 2), "Seeing the whole curve, she pays")
print(f"95 % interval {low:.2f} to {high:.2f}; {sees}")

# %% tags=["reveal"]
worths = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
oracles = {"sees the whole validation curve": [clairvoyant(twenty, "val_loss", worth) for worth in worths],
           "best patience of each problem, in hindsight": [own_patience(twenty, worth) for worth in worths],
           "sees the test": [clairvoyant(twenty, "test_loss", worth) for worth in worths]}
show(*figures.left_to_win(line, oracles))

# %% [markdown]
# She saves 6 %, or a sixth at the good end of her interval. At the other end she pays more than patience: she sees validation, not the test.
# The diamonds give each problem its own patience, chosen in hindsight by the test. The triangles see each run's test, luck included, and no
# rule can plan luck. <!-- given: 6 -->
#
# ## So how patient?
#
# All this is a mean over learning rates. Under Adam at 0.01 Patience 5 brings the mean regret below 0.1 %. What length does that take at a
# tenth of the rate? <!-- given: 0.01, 0.1, 5 -->

# %%
guess_slow = ...  # the patience it takes

# %% tags=["reveal"]
lines = {f"learning rate {rate}": patience_line(study("first", "second", optimizer="adam", rate=rate))
         for rate in (0.01, 0.001)}
enough = [next(n for n, price in zip(LENGTHS, line) if price.regret.mean() <= 0.1) for line in lines.values()]
reveal(guess_slow, enough[1], f"Patience {enough[0]} at 0.01. And at 0.001")
show(*figures.by_rate(lines))

# %% [markdown]
# 0.001 is Keras's default for Adam. An epoch gets less far there. **At the lower rate the same patience loses more.** (The 12 above was for 1 % on each problem, at both rates together.)
#
# A patience to begin with has to suit such runs, too. `patience_for(epochs)` is 0.75 times the square root of the epochs you allow, a rule
# of thumb from earlier trainings. Beside it, Patience 10, on the same runs cut short: <!-- given: 0.001, 0.75, 10, 1, 12 -->

# %% claims=["B16", "08.3"]
# NBVAL_CHECK_OUTPUT
print("            epochs    patience_for                                            Patience 10")
print("problems    allowed   gives   trained   mean regret   worst problem           trained   mean regret")
for of, groups, cuts in (("twenty", ("first", "second"), (30, 100, 300)),
                         ("last eight", ("last",), (100, 300))):  # all 600 epochs: see exercise 8.5
    for epochs in cuts:
        on, n = study(*groups, epochs=epochs), patience_for(epochs)
        own, ten = prices([Patience("val_loss", n), Patience("val_loss", 10)], on)
        worst = f"{own.regret.max():.1f} % ({on.problems[own.regret.argmax()]})"
        print(f"{of:10} {epochs:8} {n:7} {100 * own.cost.mean():7.0f} % {own.regret.mean():z11.1f} %   "
              f"{worst:18} {100 * ten.cost.mean():9.0f} % {ten.regret.mean():z11.1f} %")
best = sorted(on.best[on.of == on.problems.index("friedman")])
print(f"friedman: half of the runs are at their best in epoch {best[len(best) // 2]} of {epochs}, or later")

# %% [markdown]
# `patience_for` loses at most 1 % on average, and 6 % on friedman, half of whose runs are at their best only near the end. Patience 10 does
# about as well from 100 epochs on; where only 30 are allowed, the formula trains 77 % of them instead of 87 %, and loses 0.3 %. Your own
# finished runs know better ([91](91_in_your_project.ipynb)):
# `compare([Patience("val_loss", n) for n in (5, 10, 20)], my_runs)`. <!-- given: 1, 6, 10, 5, 20 -->
#
# ## And Prechelt?
#
# His much quoted finding: slower rules lower the test error by about 4 %, and take about four times as long. And here? Bet
# first. <!-- given: 4 -->

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
quick, slow, plain = prices({"quick, GL 1": GeneralizationLoss(1), "slow, UP 8": SuccessiveIncreases(8),
                             "Patience 8": Patience("val_loss", 8)}, twenty)
print(quick, slow, plain, sep="\n")
print(f"slow / quick: {100 * slow.cost.mean():.1f} % / {100 * quick.cost.mean():.1f} %, "
      f"{slow.cost.mean() / quick.cost.mean():.1f} times the epochs")

# %% [markdown]
# The direction holds: the slow rule is three percent better, for 2.7 times the epochs. But plain patience was not in his
# race. A patience of 8 gets the same three percent for nearly the quick rule's price. <!-- given: 3, 8 -->
#
# ## Exercises
#
# Run the cell with your answer. `hint()` and `solution()` stand by.
#
# **8.1 At equal regret.** Patience 3 trains 14 % of the epochs and loses 1.3 %; Patience 5 trains 16 % and loses 0.3 %. A new rule
# trains 18 % and loses 0.5 %. What is its cost as a multiple of patience's, at equal regret? (Between two lengths, go along the
# straight line.)

# %% tags=["exercise"]
answer = ...
ex.at_equal_regret.check(answer)

# %% tags=["solution"]
answer = 18 / 15.6  # 0.5 is 0.8 of the way from 1.3 to 0.3, and 15.6 is 0.8 of the way from 14 to 16
ex.at_equal_regret.check(answer)

# %% [markdown]
# **8.2 One problem, one vote.** `regrets` is a list with one number per run, `problems` a list of their problems' names. Some problems have more runs than
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
# **8.3 Choose a setting.** `settings` is a dict: name -> (cost, regret), measured on the problems you choose on. Return the
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
# **8.4 The clairvoyant.** She sees all validation losses of a run. If she stops after epoch `e`, counted from 0, she pays `(e + 1) * worth` plus the lowest of the losses up to and including `e`. Return the `e` at which she pays least; if several tie, the first.

# %% tags=["exercise"]
def stop(val_loss, worth):  # worth: of an epoch, in units of the loss
    return ...


ex.the_clairvoyant.check(stop)

# %% tags=["solution"]
def stop(val_loss, worth):  # worth: of an epoch, in units of the loss
    paid = [worth * (epoch + 1) + min(val_loss[: epoch + 1]) for epoch in range(len(val_loss))]
    return paid.index(min(paid))


ex.the_clairvoyant.check(stop)

# %% [markdown]
# **8.5 Your rule in the race.** Find one rule for the last eight problems, which ran for 600 epochs. It must end every run before the last
# epoch, train at most 20 % of the epochs and lose at most 1 %, both means over the eight. It may read `loss`, `val_loss`, `error`, `val_error` and `gradient_norm`. Try it
# on the twenty as often as you like: `print(prices([rule], twenty)[0])`. Every check is a look into the drawer, and each look makes it less new. <!-- given: 600, 20, 1 -->

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
# Compare rules at equal regret, on problems that they were not chosen on: of thirteen one beat patience, by 5 %, and eight further
# sets of trainings did not confirm it. One limit, one plateau or one number of epochs for all tasks is expensive, one patience is cheap.
# Begin with `patience_for(epochs)` or with 10, take more where the learning rate is low, and let your own finished runs correct it. <!-- given: 5 -->
#
# Next: [09 Small and fast](09_small_and_fast.ipynb). What buys bytes, and what buys time.
