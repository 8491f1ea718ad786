# %% [markdown]
# # Three rules meet five problems. Which runs never stop?
#
# You will
# - take three published scores apart, and see each against its threshold,
# - find out what smoothing and its like buy against noise, at equal cost,
# - read a 95 % rule in two ways, and see early stopping shrink weights as L2 does.
#
# 20 minutes to read, 20 for the exercises. You need chapter 03's patience and regret. No network is trained here: all runs were
# recorded. <!-- given: 95 -->

# %%
from course_utils.stopping import (Below, Criterion, Epochs, GeneralizationLoss, Lasting, Patience,
                                   ProgressQuotient, Smoothed, SuccessiveIncreases, compare, replay)
from course_utils.classroom import data
from course_utils.classroom.chapter_04 import exercises as ex, figures
from course_utils.classroom.notebook import reveal, show
import numpy as np

curves = data.load_curves("proben1")
names = ("diabetes", "soybean", "gene", "thyroid", "building")
problems = {name: curves.select(problem=name, units=64) for name in names}
every_run = [run for runs in problems.values() for run in runs]
show(figures.ups_and_downs({name: runs[1] for name, runs in problems.items()}),
     alt="Five validation losses, each until its best epoch. Orange marks where an epoch was worse than the one before: nearly half of them.")

# %% [markdown]
# One run of each of chapter 03's problems, **until its best epoch**. All of this is progress. Yet at each orange mark the validation loss
# had just got worse. A stop is a decision on a noisy estimate.
#
# "Early stopping, but when?", asked Lutz Prechelt in 1998. Three answers:
#
# - **GL 5:** the validation loss is more than 5 % above its lowest so far.
# - **PQ 3:** that, divided by the progress of training, which forgives it, is above 3.
# - **UP 8:** the validation loss, seen every fifth epoch, has risen eight times in a row.
#
# Of 100 recorded runs, five problems and twenty splits, how many does UP 8 end? <!-- given: 5 -->

# %%
guess = ...  # a number from 0 to 100; leave the dots to skip

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
three = {"GL 5": GeneralizationLoss(5), "PQ 3": ProgressQuotient(3), "UP 8": SuccessiveIncreases(8)}
table = compare(three, every_run, measured="test_loss")
reveal(guess, table["UP 8"].fired.sum(), "UP 8 ends")
print("ended, of 20    ", *(f"{name:>9}" for name in names))
for row in table:
    print(f"{row.name:16}", *(f"{n:9}" for n in row.fired.reshape(5, 20).sum(1)))
print(table)

# %% tags=["reveal"]
show(figures.who_stops(table, names),
     alt="Three panels. GL 5 ends all runs within 30 epochs. PQ 3 ends 42, scattered. UP 8 ends gene's runs and one other; crosses mark the rest.")

# %% [markdown]
# Dots are stops, crosses are runs that nothing ended: **soybean and thyroid, under PQ 3 and UP 8.** These two rules have small regret
# because they hardly stop. GL 5 ended every run within 30 epochs, and loses 63.8 %. Prechelt knew that no score has to end a run: join it
# with `| Epochs(...)`.
#
# ## The formulas
#
# $E$ is the validation loss, and $GL(t) = 100 \left( \frac{E(t)}{\min_{t' \le t} E(t')} - 1 \right)$ its percent above the lowest.
# Progress looks at a **strip**, five epochs of *training* loss, in thousandths: $P = 1000 \left( \frac{\text{mean}}{\min} - 1 \right)$.
# Then $PQ = GL / P$, where a strip ends. By hand:

# %%
# NBVAL_CHECK_OUTPUT
run = problems["thyroid"][1]
lowest, strip = float("inf"), []
for epoch, (val_loss, loss) in enumerate(zip(run["val_loss"], run["loss"])):
    lowest = min(lowest, val_loss)
    gl = 100 * (val_loss / lowest - 1)
    strip = [*strip, loss][-5:]
    if epoch in (4, 9, 14):
        progress = 1000 * (sum(strip) / 5 / min(strip) - 1)
        print(f"epoch {epoch:2}: GL {gl:.1f}, progress {progress:.0f}, PQ {gl / progress:.3f}")
print("the library's PQ:", ProgressQuotient(1).score(run)[[4, 9, 14]].round(3))
print(replay(GeneralizationLoss(5), run, best="val_loss"))

# %%
show(figures.scores([GeneralizationLoss(5), ProgressQuotient(1), SuccessiveIncreases(3)], run),
     alt="Four panels. Losses of a thyroid run; GL, which passes 5 at epoch 14 and returns to 0 many times; PQ, below 1 throughout; UP, which "
         "reaches 3 at epoch 164.")

# %% [markdown]
# (PQ 3 and UP 8 never fire here: the limits drawn are 1 and 3.) GL fires at its first spike, then falls back to zero again and again: each zero is a new lowest loss that it never lived to see. PQ and UP
# speak at strip ends, the dots. You write UP in exercise 4.3.
#
# ## What do cures for noise buy?
#
# Averaging is one cure: `Smoothed(10, ...)` shows the rule the mean of the last ten epochs. Persistence is another: `Lasting(5, ...)` asks for five
# epochs in a row. GL 5 alone lost 63.8 %. What does `Lasting(5, GeneralizationLoss(5))` lose?

# %%
guess = ...  # mean regret in percent

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
cures = {"Lasting(5, GL 5)": Lasting(5, GeneralizationLoss(5)),
         "Patience 10": Patience("val_loss", 10),
         "Smoothed(10, Patience 10)": Smoothed(10, Patience("val_loss", 10)),
         "Patience 10, by 1 %": Patience("val_loss", 10, min_delta=0.01, relative=True),
         "Patience 20, by 3 %": Patience("val_loss", 20, min_delta=0.03, relative=True)}
cured = compare(cures, every_run, measured="test_loss")
reveal(guess, round(cured["Lasting(5, GL 5)"].regret.mean(), 1), "Regret in percent")
print(cured)

# %% tags=["reveal"]
lengths = (1, 2, 3, 5, 10, 20, 50)
families = {"GL 1, 2, 5": [GeneralizationLoss(alpha) for alpha in (1, 2, 5)],
            "PQ 0.5, 1, 3": [ProgressQuotient(alpha) for alpha in (0.5, 1, 3)],
            "UP 2, 3, 4, 8": [SuccessiveIncreases(s) for s in (2, 3, 4, 8)],
            "Lasting n, GL 1": [Lasting(n, GeneralizationLoss(1)) for n in (2, 3, 5, 10, 20)],
            "Smoothed 10, Patience n": [Smoothed(10, Patience("val_loss", n)) for n in lengths],
            "Patience n, by 3 %": [Patience("val_loss", n, 0.03, relative=True) for n in lengths]}
line = {str(n): figures.points([Patience("val_loss", n)], every_run)[0] for n in lengths}
families = {name: figures.points(rules, every_run) for name, rules in families.items()}
show(figures.cost_and_regret(line, families),
     alt="Regret against cost. Lasting, Smoothed and relative rules lie on the line of Patience, as does GL. PQ and UP 4 and 8 lie to the right of it.")

# %% [markdown]
# A large gain, for as many epochs as plain patience 10, which loses less. So it goes in the whole picture: all these cures lie near the
# grey line. **They buy a later stop, and plain patience sells it as cheaply.** PQ and UP pay more.
#
# Prechelt saw the same trade in 1296 trainings: slower rules had about 4 % less test error, for about four times the time.
# <!-- given: 4 -->
#
# ## Loss or error: what to watch?
#
# The error of a classifier only counts mistakes. Patience 20 on the validation loss, and on the validation error: which keeps fewer
# mistakes on the test? (A negative difference is in favour of the error.)

# %%
# NBVAL_CHECK_OUTPUT
def watching(metric, runs):
    rule = Patience(metric, 20, mode="min")
    return compare([rule], runs, metric, "min", measured="test_error", measured_mode="min")[0]


print("test error, %:    by loss (stop)   by error (stop)   difference in points   better / worse   at the end")
for name in names[:4]:  # building has no classes
    loss, error = watching("val_loss", problems[name]), watching("val_error", problems[name])
    gap, end = 100 * (error.kept - loss.kept), np.mean([run["test_error"][-1] for run in problems[name]])
    print(f"{name:16}", *(f"{100 * row.kept.mean():9.2f} ({np.median(row.stops):4.0f})" for row in (loss, error)),
          f"{gap.mean():+14.2f} ± {gap.std(ddof=1):.2f}",
          f"{np.sum(gap < 0):15} / {np.sum(gap > 0):2} {100 * end:13.2f}")
gene = [(run["test_error"][-1], run["test_error"][np.argmin(run["val_loss"])]) for run in problems["gene"]]
later = sum(end < best for end, best in gene)
print(f"gene: the last epoch makes fewer mistakes than the epoch of lowest loss in {later} of 20 runs")

# %% [markdown]
# **When early stopping does not help:** gene. By the loss it keeps more mistakes than no stop at all; by the error it only saves time. On
# soybean the error is the worse judge: it moves in whole mistakes, and a lucky epoch is hard to beat.
#
# ## The article's 95 % rule
#
# How should one choose a threshold? The article advises: such that 95 % of the validation MSE values are smaller. Values of what? Take one
# run of building: 95 % of its 300 epochs are below the threshold. At which epoch does `Below` fire?
# <!-- given: 95 -->

# %%
guess = ...  # an epoch from 0 to 299

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
own = np.quantile(problems["building"][1]["val_loss"], 0.95)
reveal(guess, Below("val_loss", own).first(problems["building"][1]), "It fires at epoch")
print("           one run's   best values of ten past runs,              the same runs")
print("           epochs      tried on the ten others, both ways         under patience 20")
for name, runs in problems.items():
    fires = [Below("val_loss", np.quantile(run["val_loss"], 0.95)).first(run) for run in runs]
    halves, rows = (runs[0::2], runs[1::2]), []
    for past, new in (halves, halves[::-1]):
        threshold = np.quantile([min(run["val_loss"]) for run in past], 0.95)
        rows.append(compare([Below("val_loss", threshold)], new, measured="test_loss")[0])
    regret, share = np.concatenate([row.regret for row in rows]), np.mean([row.share for row in rows])
    patient = compare([Patience("val_loss", 20)], runs, measured="test_loss")[0]
    print(f"{name:10} fires at {np.median(fires):2.0f}   {rows[0].fired.sum():2} and {rows[1].fired.sum():2} get there, "
          f"regret {regret.mean():4.1f} % for {share:.0%}   {patient.regret.mean():z5.1f} % for {patient.share.mean():.0%}")

# %% tags=["reveal"]
past = np.quantile([min(run["val_loss"]) for run in problems["building"][0::2]], 0.95)
show(figures.two_readings(problems["building"][1], own, past),
     alt="Validation loss of a building run. The threshold from its own epochs is crossed at epoch 6, that from past runs' best values at 26, of 300.")

# %% [markdown]
# Over one run's epochs it fires early: nearly all are below. Over **the best values of past runs** it means something. But no threshold
# knows how hard *this* split is. On soybean and thyroid it is too easy; on gene 4 of ten get there, or all. Patience 20 loses less
# everywhere. Join the two.
#
# ## Early stopping is a kind of L2
#
# How does stopping relate to regularisation, asks the article. L2 adds $\lambda / 2$ times the squared weights to the loss. A linear model
# can be solved: gradient descent with rate $\eta$ from zero, stopped after $t$ steps, should resemble L2 with $\lambda = 1/(\eta t)$.

# %%
# NBVAL_CHECK_OUTPUT
(x, y), _ = figures.diabetes_rows(seed=0)  # 40 patients to learn from, ten features, scikit-learn's diabetes
curvature, pull, rate, weights = x.T @ x / len(y), x.T @ y / len(y), 0.1, np.zeros(10)
for t in range(1, 1001):
    weights = weights - rate * (curvature @ weights - pull)  # the gradient of half the mean square
    if t in (1, 10, 100, 1000):
        shrunk = np.linalg.solve(curvature + np.eye(10) / (rate * t), pull)  # L2 with 1 / (rate t)
        a, b = np.linalg.norm(weights), np.linalg.norm(shrunk)
        print(f"t {t:4}: lengths {a:.2f} and {b:.2f}, cosine {weights @ shrunk / (a * b):.3f}")
losses = stopped, penalised = figures.two_clocks()  # on the other patients, 20 splits
lowest = [loss.min(1).mean() for loss in losses]
print(f"each split at its best: stopped {lowest[0]:.2f}, L2 {lowest[1]:.2f}; to the end: {stopped[:, -1].mean():.2f}")
factor = figures.PENALTIES[penalised.argmin(1)] * rate * (stopped.argmin(1) + 1)
print(f"best lambda = {factor.mean():.2f} ± {factor.std(ddof=1):.2f} times the best 1/(rate t)")

# %%
show(figures.same_path(x, y, losses),
     alt="Left: ten weights along descent and along L2 follow nearly the same lines. Right: both losses fall to the same lowest value and rise; "
         "that of L2 lies further right.")

# %% [markdown]
# The same path, nearly: the cosine stays close to 1, and at their best both are equally good. But another clock: the best $\lambda$ is
# about half of the best $1/(\eta t)$, and by no exact factor. (With the gradient of the whole mean square, time runs twice as fast.)
# Nothing here is proved for deep networks.
#
# ## A rule of thumb, and its test
#
# AutoGluon lets patience grow with the best epoch. As a criterion of your own: columns, scores, a verdict. The runs with even seeds choose
# its two numbers: least regret for at most 15 % of the epochs. The odd seeds judge. <!-- given: 15 -->

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
            yield epoch - best_epoch - self.share * best_epoch

    def is_met(self, score):
        return score >= self.least


grid = {f"{share} x best + {least}": GrowingPatience(share, least) for share in (0, 0.1, 0.2, 0.3, 0.5, 1)
        for least in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30)}

# %%
# NBVAL_CHECK_OUTPUT
even = np.arange(100) % 2 == 0  # seeds 0 to 19, problem after problem
results = compare(grid, every_run, measured="test_loss")
affordable = [row for row in results if row.share[even].mean() <= 0.15]
affordable.sort(key=lambda row: row.regret[even].mean())
grown, plain = affordable[0], next(row for row in affordable if row.name.startswith("0 "))
for row in (grown, plain):
    print(f"patience {row.name:16}  even seeds {row.regret[even].mean():.1f} %   "
          f"odd seeds {row.regret[~even].mean():.1f} % for {row.share[~even].mean():.0%}")
gain = (plain.regret - grown.regret)[~even]
print(f"gain on the odd seeds: {gain.mean():.1f} ± {gain.std(ddof=1):.1f} points")

# %% [markdown]
# On the half that chose it, the growing rule wins by a point. On the other half it gains nothing. With 72 rules to choose from, the best on
# any half is partly luck: **a stopping rule is fitted too, and needs a test.** What holds on both halves is dull: patience 10, about 3 %, a
# seventh of the epochs. <!-- given: 3 -->

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
# **4.2 Which rule speaks when.** At which epochs do Patience 3, GL 20 and UP 2 (strips of five) stop this run?

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
# **4.4 The 95 % rule that means something.** `past` is a list of runs, each a list of validation losses. Return the threshold that 95 % of
# these runs would have reached.

# %% tags=["exercise"]
def threshold(past):
    return ...


ex.threshold_of_past_runs.check(threshold)

# %% tags=["solution"]
def threshold(past):
    return np.quantile([min(run) for run in past], 0.95)


ex.threshold_of_past_runs.check(threshold)

# %% [markdown]
# **4.5 No problem left behind.** One rule for 100 runs that you have not seen, of smaller and larger networks. It must end every run, train
# at most 25 % of the epochs, and lose at most 10 % on *each* problem, not on the mean. To try it: `compare([rule], problems["soybean"],
# measured="test_loss")`. <!-- given: 25, 10 -->

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
# A stop is a decision on a noisy estimate, and one bad epoch proves nothing. Whatever score you choose, you buy less regret with more
# epochs, so compare rules at equal cost. A rule picked on some runs has to be judged on others.
#
# Next: 05, stop-time pruning.
