# %% [markdown]
# # Twelve runs, then two workers: who may stop whom?
#
# You will
# - end each run of a sweep once its own curve stops improving,
# - see what becomes of one worker when the other stops,
# - let the workers vote, and find the tool for what you have.
#
# 25 minutes, no exercises. You need budgets ([02](02_budgets_and_events.ipynb)) and `Patience`
# ([03](03_validation_early_stopping.ipynb)).
#
# All workers here run on one machine, as processes or as threads; we have not tried several machines.

# %%
from course_utils.stopping import NotFinite, Patience, StepBudget, StopWhen, batches
from course_utils.scale import Together
from course_utils.classroom import data
from course_utils.classroom.chapter_92 import figures, sweeps, workers
from course_utils.classroom.notebook import reveal, show

five = sweeps.recorded()  # five sweeps of twelve runs each

# %% [markdown]
# ## A sweep
#
# Which width, which learning rate? A **sweep** tries them all. Ours reads digits with 8, 32 or 128 units, at a rate of 0.0003, 0.003,
# 0.03 or 3 (far too high, on purpose): twelve **trials** of 60 epochs. We recorded five sweeps, each with its own initial weights and
# validation data.
#
# Let a patience of 5 end each trial. What percentage of a sweep's epochs does that save? <!-- given: 0.0003, 0.003, 0.03 -->

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # a number, or a range such as "5 to 10" for the five sweeps; leave the dots to skip
rule = Patience("val_loss", 5) | NotFinite("val_loss")  # NotFinite: NaN or infinite
ended = [sweep.by_rule(rule) for sweep in five]
saved = [100 - sweep.percent(rows) for sweep, rows in zip(five, ended)]
reveal(guess, f"{min(saved)} to {max(saved)}", "Saved, in percent of a sweep's epochs")
print("best val_loss without a stop:", *(f"{sweep.best():.4f}" for sweep in five))
print("with the rule it is higher by", *(f"{sweep.rise(rows):.1f} % " for sweep, rows in zip(five, ended)))
same = sum(sweep.winner() == sweep.winner(rows) for sweep, rows in zip(five, ended))
print("the same trial is best in", same, "of", len(five))
fair = [100 - sweep.percent(rows, without="rate 3") for sweep, rows in zip(five, ended)]
print("saved without the trials at rate 3:", min(fair), "to", max(fair), "%")

# %% [markdown]
# In two sweeps the best trial ended a little too soon. About half of the saving comes from the three trials at the hopeless rate of 3. Of the
# other nine trials' epochs the rule saves about a quarter.
#
# Ray Tune runs sweeps, on a cluster if there is one. Its scheduler **ASHA** (asynchronous successive halving) looks at each trial three
# times, here after 5, 15 and 45 epochs. A trial goes on only if it would be in the best third of those that got there before it. Here is
# the first sweep, under our rule and under ASHA:

# %%
first = five[0]
show(*figures.sweep(first, ended[0]))

# %% [markdown]
# ASHA **compares trials**: it ends those that are behind when they arrive, but lets others run to 60 even if their best epoch is long
# past. (The narrow networks ran first, so most later ones met weaker rivals; another order would change the result.) Our rule asks **one
# trial whether it still improves**.
#
# Use both, and in all five sweeps each trial ends at the shorter of its two bars. What percentage of this sweep's 720 epochs is needed
# then?

# %% tags=["reveal"] claims=["92.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent
ways = {"rule": ended, "ASHA": [sweep.asha for sweep in five], "both": [sweep.both for sweep in five]}
reveal(guess, first.percent(first.both), "Needed with both, in percent")
print("needed, in %   sweep 1     2     3     4     5   all five   best val_loss up by at most")
for way, rows in ways.items():
    shares = [f"{sweep.percent(each):5}" for sweep, each in zip(five, rows)]
    of_all = 100 * sum(map(sum, rows)) / sum(sweep.epochs for sweep in five)
    rise = max(sweep.rise(each) for sweep, each in zip(five, rows))
    print(f"{way:15}", *shares, f"{of_all:10.1f} {rise:23.1f} %")

# %% [markdown]
# Alone, ASHA needs 54.7 % of all epochs and the rule 59.9 %; ASHA alone never lost the best value. Together they need 37.4 %, and pay the
# rule's price: a loss at most 1.3 % higher.
#
# In Ray Tune, pass the rule as `stop`. `train` and `space` are your own; `train` reports `val_loss` once an epoch:
#
# ```python
# from ray import tune
# from course_utils.scale import as_stopper
#
# # looks after 5, 15 (3 * 5) and 45 (3 * 15) epochs; a third (1 / 3) goes on
# asha = tune.schedulers.ASHAScheduler(max_t=60, grace_period=5, reduction_factor=3)
# tuner = tune.Tuner(
#     train, param_space=space,
#     tune_config=tune.TuneConfig(metric="val_loss", mode="min", scheduler=asha),
#     run_config=tune.RunConfig(stop=as_stopper(rule, "sweep/rows")))
# ```
#
# The folder `sweep/rows` keeps each trial's numbers. If the sweep is killed, `Tuner.restore` resumes it, and the rule knows all
# earlier epochs.

# %% [markdown]
# ## One training, two workers
#
# In a sweep the runs do not need each other. Now several processes, the **workers**, share one training. Each has a copy of the network and
# its own part of every batch. In each step they average their gradients before they change weights: everybody **waits for everybody**.
#
# If all see the same `val_loss`, patience runs out for all at once. But clocks differ, and a signal may reach one worker alone.
#
# We recorded two workers three times, coupled by JAX, PyTorch or TensorFlow. They have 72 batches to do (12 epochs of 6). After 22,
# worker 1's time budget runs out (we set its clock forward), and its `StopWhen` tells its `fit` to end. How many batches does worker 0
# complete?

# %% tags=["reveal"] claims=["C15", "92.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # batches
real = data.load_two_workers()
reveal(guess, real["torch"]["alone"]["batches"][0], "Batches of worker 0")
print("half a minute later:")
for engine, what in real.items():
    for worker, (done, end) in enumerate(zip(what["alone"]["batches"], workers.ends(what["alone"]))):
        print(f"{workers.NAMES[engine]:10} worker {worker}: {done} batches, {end}")
print("where worker 0 is, with PyTorch:", real["torch"]["alone"]["stack"][0])

# %% [markdown]
# Worker 0 **hangs**: `all_reduce`, the averaging, waits for gradients that nobody will send, while you pay for the machine by the hour.
# (We gave up after half a minute. PyTorch's own time-out is 30 minutes, with NCCL 10.)
#
# With PyTorch, worker 1's report looks normal, and that is the worst case: nothing tells you that worker 0 is stuck. With JAX, worker 1
# hangs too (we did not look into why). With TensorFlow (under tf_keras) its `fit` fails.
#
# A stop, a lower rate, restored weights: **everybody does it at the same step, or nobody does**.

# %% [markdown]
# ## The vote
#
# So at first a worker may only ask to stop: a **wish**. With `Together` all workers vote at each epoch's end and every few batches. One
# wish is enough to stop them all (with `rule=all`, all of them must wish it):
#
# ```python
# from course_utils.scale import Together
# from course_utils.stopping import Patience, StopWhen, TimeBudget
#
# stop = StopWhen(Patience("val_loss", 5) | TimeBudget("2h"), restore_best="val_loss",
#                 together=Together(every=20))
# ```
#
# Here two threads play the workers, each with a network of its own; only the vote couples them. They vote at every tenth step, counted
# from the start, and at each epoch's end (an epoch has 19 steps). Worker 1's budget is 165 steps. After how many does worker 0 stop?

# %% tags=["reveal"] claims=["92.3"]
guess = ...  # steps
x, y, x_val, y_val = workers.digits()
seeds = 5, 1  # with these the two best epochs differ
networks = [workers.network(seed) for seed in seeds]


def work(worker, gather):  # gather: how they exchange notes
    own = StepBudget(165 if worker == 1 else 1000)
    stop = StopWhen(own, restore_best="val_loss", together=Together(every=10, gather=gather))
    networks[worker].fit(batches(x[worker::2], y[worker::2], 32, seed=seeds[worker]), epochs=40,
                         validation_data=(x_val, y_val), verbose=0, callbacks=[stop])
    return stop


stops = workers.meet(work)
reveal(guess, stops[0].report.step, "Steps of worker 0")
for worker, stop in enumerate(stops):
    print(f"worker {worker} stopped: {stop.report.reason}")

# %% [markdown]
# The next vote was at step 170. Both reports say whose wish it was: in them worker 1 is process 1.
#
# Their losses disagree, and yet both bring back the weights of the **same epoch**. Is it the one in which worker 0 had its lowest
# `val_loss`, or the one in which worker 1 had?

# %% tags=["reveal"]
guess = ...  # "worker 0", "worker 1", "both" or "neither"
losses = [stop.history["val_loss"] for stop in stops]
mean = [sum(pair) / 2 for pair in zip(*losses)]
lowest = [values.index(min(values)) for values in (*losses, mean)]
reveal(guess, workers.whose(stops[0].report.best_epoch, lowest[:2]), "Whose best epoch")
for who, epoch in zip(("worker 0", "worker 1", "their mean"), lowest):
    print(f"{who:10} is lowest in epoch {epoch}")
print("they bring back epochs", *(stop.report.best_epoch for stop in stops))

# %% [markdown]
# The mean decides, since there can be only one best epoch. (In shared training the networks are identical; losses differ only if each
# worker validates on its own part.)
#
# Back to the recorded workers (real processes need no `gather=`). They vote after every fifth batch, counted from the start, and at each
# epoch's end. Worker 1's wish comes after batch 22. After how many batches do both stop?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # batches
reveal(guess, real["torch"]["together"]["batches"][0], "Batches of both")
for engine, what in real.items():
    both = what["together"]
    cost = max(both["milliseconds_a_vote"])
    print(f"{workers.NAMES[engine]:10} stops after {both['batches'][0]} and {both['batches'][1]}, "
          f"same weights to the bit: {'yes' if len(set(both['weights'])) == 1 else 'no'}; "
          f"a vote: {cost:.0f} ms, or {cost / 20:.1f} ms a step if you vote every 20")

# %% [markdown]
# Not 25: the fourth epoch ends at 24. (A vote waits for the slower worker. If a step takes only milliseconds, vote less often.)

# %%
show(*figures.two_workers(real["torch"]))

# %% [markdown]
# If a worker is killed, the other one gets an error: with all three libraries, in our tests within a minute. A death is noticed; a polite
# stop may not be.
#
# ```python
# from course_utils.scale import reporting
#
# with reporting(stop):  # notes the error as the reason in stop.report, then raises it again
#     model.fit(..., callbacks=[stop])
# ```
#
# `stop.restore_best()` works then: it needs no other worker. (But if worker 0 is killed, JAX may end the others without a report. And
# where one model is split among workers, each has only its part.)

# %% [markdown]
# ## What do you have?
#
# | you have | use |
# |---|---|
# | one GPU, or none | `StopWhen` |
# | several GPUs, TensorFlow or JAX (not tried) | `StopWhen`, with `MirroredStrategy` or Keras's `DataParallel`: one process |
# | several GPUs, PyTorch (not tried) | one process per GPU, as in the next row; average the gradients with `torch.distributed` |
# | several machines, one training (not tried) | `StopWhen(..., together=Together(every=20))` in each worker; Ray Train can start them |
# | many runs to compare | `as_stopper` for Ray Tune, `OptunaStop` for Optuna, `StopWhen` for KerasTuner: see `docs/recipes.md` |
# | a job queue with a set end time | `Deadline()`, `Signal("SIGTERM")` and `state=`, in [91](91_in_your_project.ipynb) |
# | finished runs, by the thousand | `compare`, in [91](91_in_your_project.ipynb): it trains nothing |

# %% [markdown]
# ## Three sentences to keep
#
# In a sweep, end each run once its own curve stops improving, and let ASHA end those that are behind: with both we needed 33 to 41 % of the
# epochs, and the best loss rose by 1.3 % at most. In training that several workers share, one that stops alone leaves the others waiting.
# There, let them vote: all stop at one step, with one reason and the same weights.
#
# The course ends here. Your own training begins with the script of [91 In your project](91_in_your_project.ipynb).
