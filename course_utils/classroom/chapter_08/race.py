"""The race: a setting of every family, chosen on half of the problems and judged on the other half."""

import functools
from dataclasses import dataclass

import numpy as np

from .rules import FAMILIES
from .study import Price, interval, patience_line, prices, ratio, study


@dataclass(frozen=True, eq=False)
class Entry:
    """A family in the race.

    Attributes:
        name: the family's.
        chosen: for each half the setting that was chosen on it: its Price there, or None where no setting
            loses as little as the goal.
        judged: for each half the same setting on the other one.
        price: the judged halves together, a Price on all problems; None where a half chose none.
        ratio, low, high: its cost, as a multiple of that of patience at equal regret, with the interval.
    """

    name: str
    chosen: tuple
    judged: tuple
    price: Price | None
    ratio: float = np.nan
    low: float = np.nan
    high: float = np.nan


TWENTY = "first", "second"  # the groups of problems that settings are chosen on


@functools.cache
def settings():
    """Family -> the prices of its settings on the twenty problems."""
    return {name: prices(rules, study(*TWENTY)) for name, rules in FAMILIES.items()}


def cheapest(candidates, goal):
    """The price of least cost among those with a mean regret of at most `goal`; None if there is none."""
    good = [price for price in candidates if price.regret.mean() <= goal]
    return min(good, key=lambda price: price.cost.mean(), default=None)


def race(like="Patience 5", halves=None):
    """Every family's `Entry`, the cheapest first.

    Args:
        like: the length of patience whose regret, on the half where settings are chosen, is the goal.
        halves: two lists of places of problems; the first ten and the others if left out.
    """
    on, candidates = study(*TWENTY), settings()
    line = patience_line(on)
    halves = halves or np.array_split(np.arange(len(on.problems)), 2)
    goals = [next(price for price in line if price.name == like).on(half).regret.mean() for half in halves]
    entries = [_entry(name, prices, halves, goals, line) for name, prices in candidates.items()]
    return sorted(entries, key=lambda entry: (np.isnan(entry.ratio), entry.ratio))  # NaN is no place: last


def _entry(name, candidates, halves, goals, line):
    chosen = tuple(cheapest([price.on(half) for price in candidates], goal)
                   for half, goal in zip(halves, goals))
    if None in chosen:
        return Entry(name, chosen, (None, None), None)
    named = {price.name: price for price in candidates}
    judged = tuple(named[best.name].on(other) for best, other in zip(chosen, halves[::-1]))
    order = np.argsort(np.concatenate(halves[::-1]))
    cost, regret = (np.concatenate([getattr(price, of) for price in judged])[order]
                    for of in ("cost", "regret"))
    whole = Price(name, cost, regret, max(price.never for price in judged))
    return Entry(name, chosen, judged, whole, ratio(whole, line), *interval(whole, line))


@functools.cache
def on_the_last(like="Patience 5"):
    """Family -> (ratio, low, high, Price) on the last problems, with the setting chosen on all others."""
    line = patience_line(study("last"))
    twenty = patience_line(study(*TWENTY))
    goal = next(price for price in twenty if price.name == like).regret.mean()
    found = {}
    for name, candidates in settings().items():
        best = cheapest(candidates, goal)
        if best is not None:
            rule = next(rule for rule in FAMILIES[name] if repr(rule) == best.name)
            price = prices([rule], study("last"))[0]
            found[name] = ratio(price, line), *interval(price, line), price
    return found


def win_twice(like="Patience 5"):
    """Names of the rivals whose whole interval lies below 1 both in the race and on the last problems.

    Args:
        like: the length of patience whose regret is the goal, as for `race`.
    """
    last = on_the_last(like)
    return [entry.name for entry in race(like) if entry.name != "Patience" and entry.high < 1
            and entry.name in last and last[entry.name][2] < 1]


def needs(rules, on, goal):
    """Which setting does each problem need, and what does one setting for all cost?

    A problem needs the first setting from which on it, and every later one, loses at most `goal`.

    Args:
        rules: setting -> criterion, from the one that stops soonest to the one that stops last.
        on: a Study.
        goal: mean regret of a problem, in percent.

    Returns:
        (settings, own, same): the setting that each problem needs, in order of need; the mean cost if each
        has its own; the mean cost if all have the last of these. Problems that no setting suits are left out.
    """
    found = prices(rules, on)
    good = np.array([price.regret <= goal for price in found])
    enough = np.logical_and.accumulate(good[::-1])[::-1]
    suited, first = enough.any(0), enough.argmax(0)
    costs = np.array([price.cost for price in found])[:, suited]
    first = first[suited]
    own = costs[first, np.arange(len(first))].mean()
    return [list(rules)[i] for i in sorted(first)], float(own), float(costs[first.max()].mean())
