"""Writes docs/study.md, the tables behind chapter 08. `make notebooks` runs it, for half a minute."""
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from course_utils.classroom.chapter_08 import race, study  # noqa: E402
from course_utils.classroom.chapter_08.rules import FAMILIES  # noqa: E402
from course_utils.stopping import Patience, first_rows, patience_for  # noqa: E402

PAGE = ROOT / "docs" / "study.md"
HALVINGS = 60
OPENING = """# The study

The tables behind [08 But when?](../notebooks/08_but_when.ipynb), written by `docs/study_page.py` from
the recorded runs (`data/curves/study.npz`; [data/README.md](../data/README.md) says what they are, `make
study` records them anew).

A rule's *cost* is the share of the epochs that it trains. Its *regret* says by how many percent the test
loss of the kept weights lies above that of the run's best epoch, best in validation loss. A problem's
number is the mean over its runs; all problems count the same. The *ratio* is a rule's cost divided by
what patience costs at the same mean regret, on the line that joins its lengths; in brackets 95 % by a
bootstrap over problems, paired. Below 1 is better than patience. Of each family the cheapest setting was
chosen that loses no more than a patience does, on half of the problems, and it was judged on the other
half.
"""


def head(*names):
    """The first two lines of a table."""
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"


def shown(ratio, low, high):
    return "none" if np.isnan(ratio) else f"{ratio:.2f} ({low:.2f} to {high:.2f})"


def random_halves():
    """Medians over random halvings: family -> ratio. The page's first table has one halving."""
    chance, ratios = np.random.default_rng(0), {name: [] for name in FAMILIES}
    for _ in range(HALVINGS):
        halves = np.array_split(chance.permutation(len(study.study(*race.TWENTY).problems)), 2)
        for entry in race.race("Patience 5", halves):
            ratios[entry.name].append(entry.ratio)
    return {name: np.nanmedian(values) for name, values in ratios.items()}


def by_goal():
    """A table: the ratio at three regrets, its median over other halvings, and on the last problems."""
    goals, medians = ("Patience 3", "Patience 5", "Patience 8"), random_halves()
    tables = {goal: {entry.name: entry for entry in race.race(goal)} for goal in goals}
    last = race.on_the_last("Patience 5")
    yield from head("family", "at the regret of Patience 3", "of Patience 5", "of Patience 8",
                    f"median of {HALVINGS} halvings, Patience 5", "the last eight")
    for name in sorted(FAMILIES, key=lambda name: tables["Patience 5"][name].ratio):
        cells = [shown(e.ratio, e.low, e.high) for e in (tables[goal][name] for goal in goals)]
        yield f"| {name} | {' | '.join(cells)} | {medians[name]:.2f} | {shown(*last[name][:3])} |"


def by_measure():
    """A table: other measures of the stops of Patience 5's race, means over problems."""
    on, entries = study.study(*race.TWENTY), race.race("Patience 5")
    half = np.isin(on.of, np.array_split(np.arange(len(on.problems)), 2)[0])
    each, stops = np.arange(len(on.of)), {}
    for entry in entries:
        rules = {repr(rule): rule for rule in FAMILIES[entry.name]}
        on_first, on_second = (first_rows(rules[price.name], on.runs) for price in entry.chosen)
        stops[entry.name] = np.where(half, on_second, on_first)
    rows = {name: np.where(stop < 0, on.lengths - 1, stop) for name, stop in stops.items()}
    losses = {name: on.regrets()[row, each] for name, row in rows.items()}
    best = np.min(list(losses.values()), 0)
    error = np.take_along_axis(on.columns["test_error"].T, on.kept, 0)
    classes = np.array([name not in ("building", "abalone", "kin32fm") for name in on.problems])
    yield from head("family", "settings: chosen on the first ten; on the second ten", "epochs, %",
                    "regret, %", "mistakes, points", "badness, %", "never stopped, %")
    for entry in entries:
        row, lost = rows[entry.name], losses[entry.name]
        wrong = on.mean(100 * (error[row, each] - error[on.lengths - 1, each]))[classes].mean()
        bad = on.mean(100 * ((100 + lost) / (100 + best) - 1)).mean()
        chosen = "; ".join(f"`{price.name}`" for price in entry.chosen)
        yield (f"| {entry.name} | {chosen} | {100 * on.mean((row + 1) / on.lengths).mean():.1f} | "
               f"{on.mean(lost).mean():z.2f} | {wrong:+.2f} | {bad:.2f} | "
               f"{100 * np.mean(stops[entry.name] < 0):.1f} |")


def by_problem():
    """A table: what each problem is, and what patience costs and loses there."""
    yield from head("problem", "runs", "best epoch, median", "Patience 5: epochs, %", "regret, %",
                    "Patience 14: epochs, %", "regret, %", "its own patience for 1 %")
    for groups in (race.TWENTY, ("last",)):
        on = study.study(*groups)
        lengths = dict(zip(study.LENGTHS, study.patience_line(on)))
        for place, problem in enumerate(on.problems):
            runs = on.of == place
            good = [lengths[n].regret[place] <= 1 for n in study.LENGTHS]
            enough = next(n for i, n in enumerate(study.LENGTHS) if all(good[i:]))
            cells = [f"{100 * lengths[n].cost[place]:.0f} | {lengths[n].regret[place]:z.1f}" for n in (5, 14)]
            best = np.median(on.kept[-1, runs])
            yield f"| {problem} | {runs.sum()} | {best:.0f} | {' | '.join(cells)} | {enough} |"


def past_runs():
    """A table: a threshold from past runs, which knows more than the families do.

    A run ends where val_loss gets down to the quantile of the lowest val_loss of the four runs that differ
    from it in their split and first weights alone.
    """
    on = study.study(*race.TWENTY)
    line, lowest = study.patience_line(on), on.columns["val_loss"].min(1)
    alike = {}
    same = (on.labels[name].tolist() for name in ("problem", "network", "optimizer", "rate"))
    for run, key in enumerate(zip(*same)):
        alike.setdefault(key, []).append(run)
    yield from head("quantile", "epochs, %", "regret, %", "ratio to patience", "never stopped, %")
    for quantile in (0, 0.25, 0.5, 0.75, 0.95):
        stops = np.full(len(on.of), -1)
        for runs in alike.values():
            for run in runs:
                past = np.quantile([lowest[other] for other in runs if other != run], quantile)
                below = on.columns["val_loss"][run] <= past
                stops[run] = below.argmax() if below.any() else -1
        price = on.price("past runs", stops)
        cells = f"{100 * price.cost.mean():.1f} | {price.regret.mean():z.2f} | "
        cells += f"{shown(study.ratio(price, line), *study.interval(price, line))} | {100 * price.never:.0f}"
        yield f"| {quantile} | {cells} |"


def defaults():
    """A table: `patience_for(epochs)` where runs are cut at several lengths, against one patience for all."""
    yield from head("problems", "epochs, %", "regret, %", "ratio to one patience for all lengths",
                    "Patience 10: epochs, %", "regret, %")
    for said, groups, cuts in (("twenty", race.TWENTY, (20, 30, 60, 100, 200, 300)),
                               ("last eight", ("last",), (20, 30, 60, 100, 200, 300, 600))):
        cut = [study.study(*groups, epochs=epochs) for epochs in cuts]
        rules = [Patience("val_loss", patience_for(epochs)) for epochs in cuts]
        own = [study.prices([rule], on)[0] for rule, on in zip(rules, cut)]
        line = [together(prices) for prices in zip(*(study.patience_line(on) for on in cut))]
        price, ten = together(own), line[study.LENGTHS.index(10)]
        ratio = shown(study.ratio(price, line), *study.interval(price, line))
        cells = [f"{100 * each.cost.mean():.1f} | {each.regret.mean():z.2f}" for each in (price, ten)]
        yield f"| {said} | {cells[0]} | {ratio} | {cells[1]} |"


def noisy_labels():
    """A table: clothes, and the same runs with 30 % of the labels shuffled; intervals over the ten seeds."""
    chosen = {name: price for name, (*_, price) in race.on_the_last("Patience 5").items()}
    yield from head("family", "setting", "clothes: epochs, %", "regret, %", "ratio",
                    "labels shuffled: epochs, %", "regret, %", "ratio")
    seeds = [study.by_seed(study.study(problem=name)) for name in ("clothes", "clothes_noisy")]
    for name, price in chosen.items():
        cells = []
        for on in seeds:
            rule = next(rule for rule in FAMILIES[name] if repr(rule) == price.name)
            own, line = study.prices([rule], on)[0], study.patience_line(on)
            cells.append(f"{100 * own.cost.mean():.1f} | {own.regret.mean():z.2f} | "
                         f"{shown(study.ratio(own, line), *study.interval(own, line))}")
        yield f"| {name} | `{price.name}` | {' | '.join(cells)} |"


def small_sets():
    """A table: the same trainings, seen through validation sets of several sizes."""
    yield from head("validation examples", "never stopped: loss, %", "Patience 5: epochs, %", "loss, %",
                    "Patience 20: epochs, %", "loss, %", "runs in which 20 kept worse, better weights than 5")
    for size, on in study.by_validation_size().items():
        five, twenty = study.prices([Patience("val_loss", n) for n in (5, 20)], on)
        never = on.price("never", np.full(len(on.of), -1)).regret
        lost = [on.lost(first_rows(Patience("val_loss", n), on.runs)) for n in (5, 20)]
        cells = [f"{100 * price.cost.mean():.1f} | {spread(price.regret)}" for price in (five, twenty)]
        yield (f"| {size} | {spread(never)} | {' | '.join(cells)} | {np.sum(lost[1] > lost[0])}, "
               f"{np.sum(lost[1] < lost[0])} of {len(on.of)} |")


def spread(values):
    """The mean of problems, and their range."""
    return f"{values.mean():z.2f} ({values.min():z.2f} to {values.max():z.2f})"


def photos():
    """A table: chapter 06's runs on photos, each phase by itself, as mean and sd over five seeds."""
    yield from head("run", "epochs", "best epoch", "`patience_for`", "epochs, %", "regret, %",
                    "Patience 10: epochs, %", "regret, %")
    for said, way, phase in (("a small network from scratch", "scratch", 0),
                             ("a head on ImageNet's features", "features", 0),
                             ("the top of MobileNetV2, fine-tuned", "fine-tuned", 1)):
        on = study.phase_of_transfer(way, phase)
        n = patience_for(int(on.lengths.max()))
        own, ten = study.prices([Patience("val_loss", n), Patience("val_loss", 10)], on)
        cells = [f"{plus_minus(100 * price.cost)} | {plus_minus(price.regret)}" for price in (own, ten)]
        best = on.kept[on.lengths - 1, np.arange(len(on.of))]
        yield f"| {said} | {on.lengths.max()} | {plus_minus(best)} | {n} | {' | '.join(cells)} |"


def plus_minus(values):
    return f"{values.mean():z.1f} ± {values.std(ddof=1):.1f}"


def together(prices):
    """The mean of several prices on the same problems."""
    cost, regret = (np.mean([getattr(price, of) for price in prices], 0) for of in ("cost", "regret"))
    return study.Price(prices[0].name, cost, regret)


LAST = "The last eight problems were looked at once; the setting is the one chosen on all twenty."
MEASURES = """*Mistakes*: points of test error above the run's best epoch, on problems with classes.
*Badness*: by how many percent the test loss is above that of the best of the fourteen in that run."""
PAST = """It knows four past runs of the same problem, network, optimizer and rate, which the families do not.
Where a run never gets so low, nothing ends it."""
DEFAULT = """`patience_for(epochs)`, which is 0.75 times the square root of the epochs, on runs cut at 20, 30,
60, 100, 200 and 300 epochs (the last eight also at 600), all lengths together. It saves a choice; that it
saves epochs, beside one patience for all lengths, is not shown."""

# What is said, the verdict, what was found: tests/classroom/test_study.py holds the numbers behind it.
ADVICE = (
    ("slower rules win about 4 % of test error for four times the epochs (Prechelt 1998)", "holds if",
     "they are compared with his quick rules. A patience of 8 gets most of it at nearly the quick rule's "
     "price (chapter 08)"),
    ("noisy labels ask for another rule", "fails",
     "the network is at its best sooner, and patience ends it sooner. The best rivals are a tenth cheaper "
     "there, on one data set"),
    ("a small validation set asks for more patience", "fails",
     "it trains twice as long for weights that are no better, on digits for worse ones: a late record on 25 "
     "examples is mostly luck. More examples help"),
    ("a pretrained network asks for another rule", "not seen",
     "the rule of thumb loses next to nothing on photos, in any phase: one data set, five seeds"))
LABELS = """Clothes with the labels as they are, and with 30 % of those of training and validation shuffled.
The settings are those chosen on all twenty problems, these two among them. In brackets 95 % by a bootstrap
over ten seeds."""
SMALL = """Five problems (digits, clothes, the same with shuffled labels, emoji by words and by pictures), two
networks, ten seeds: `data/curves/study_validation.npz`. *Loss* compares the kept weights with those that the
whole validation set (some 450 examples) calls the best of the run; in brackets the lowest and the highest of
the five problems."""
PHOTOS = """The runs of chapter 06, each phase by itself: five seeds, mean and sd. Ten epochs are all that
fine-tuning was given, so a patience of 10 never ends it."""

def page():
    parts = [OPENING, "## Fourteen families", "", *by_goal(), "", LAST, "",
             "## The same stops by other measures", "", MEASURES, "", *by_measure(), "",
             "## A threshold from past runs", "", PAST, "", *past_runs(), "",
             "## The default", "", DEFAULT, "", *defaults(), "",
             "## Advice, tried", "", *head("what is said", "verdict", "what was found"),
             *(f"| {' | '.join(row)} |" for row in ADVICE), "",
             "### Labels that lie", "", LABELS, "", *noisy_labels(), "",
             "### Small validation sets", "", SMALL, "", *small_sets(), "",
             "### A pretrained network", "", PHOTOS, "", *photos(), "",
             "## The problems", "", *by_problem()]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: written")
