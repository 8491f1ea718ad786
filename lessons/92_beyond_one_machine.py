# %% [markdown]
# # Twelve trainings, then two workers: who may stop whom?
#
# You will
# - end each training of a sweep by its own curve,
# - see what becomes of one worker when the other stops,
# - let the workers vote, and find the tool for what you have.
#
# 25 minutes, no exercises. You need budgets ([02](02_budgets_and_events.ipynb)) and `Patience`
# ([03](03_validation_early_stopping.ipynb)).

# %%
from course_utils.stopping import NotFinite, Patience, StepBudget, StopWhen
from course_utils.scale import CriterionStopper, Together
from course_utils.classroom import data
from course_utils.classroom.chapter_92 import figures, sweeps, workers
from course_utils.classroom.notebook import reveal, show

five = sweeps.recorded()  # five sweeps of twelve trainings each

# %% [markdown]
# ## A sweep
#
# Which width, which learning rate? A **sweep** tries them all. Ours has 8, 32 and 128 units, each with four learning rates:
# twelve **trials** of 60 epochs. (The rate of 3 is far too high, on purpose.) We recorded five sweeps, which differ in their
# split and first weights.
#
# Each trial may end by its own curve. What percentage of a sweep's epochs does a patience of 5 save? And how much higher is the
# sweep's best `val_loss` then?

# %% tags=["reveal"] claims=["92.1"]
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
# In two sweeps the best trial ended a little too soon. And about half of the saving is the rate of 3, hopeless from the start; without
# it the rule saves about a quarter.
#
# Ray Tune runs sweeps, on a cluster if there is one. Its **ASHA** ends trials, too. It looks here after 5, 15 and 45 epochs: a trial
# goes on only if it is among the best third of those that have got so far. This is the first sweep, once by our rule,
# once by ASHA:

# %%
first, names = five[0], five[0].names
show(*figures.sweep(first, ended[0]))

# %% [markdown]
# ASHA **compares trials**: it ends what is behind, and gives all 60 epochs to trials whose best came long ago. Our rule asks
# **one trial whether it still improves**.
#
# Use both, and a trial ends at whichever comes first. What percentage of this sweep's epochs is left? Add up in the figure.

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent
ways = {"rule": ended, "ASHA": [sweep.asha for sweep in five], "both": [sweep.both for sweep in five]}
reveal(guess, first.percent(first.both), "Left with both, in percent")
print("      percent of each sweep's epochs    best val_loss higher by at most")
for way, rows in ways.items():
    shares = [f"{sweep.percent(each):4}" for sweep, each in zip(five, rows)]
    rise = max(sweep.rise(each) for sweep, each in zip(five, rows))
    print(f"{way:5}", *shares, f"{rise:18.1f} %")

# %% [markdown]
# Alone, ASHA needs fewer epochs in three sweeps, the rule in two. Together they need 33 to 41 %.
#
# (The trials ran two at a time, from the top of the figure down. The first have few rivals, so ASHA lets three of the 8-unit
# networks run to the end. In another order it might need fewer epochs.)

# %% [markdown]
# In Ray Tune the rule is the argument `stop`. `train` and `space` are your own; `train` reports `val_loss` once an epoch:
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
# The folder `sweep/rows` keeps each trial's numbers. If the sweep is killed, `Tuner.restore` goes on, and the rule knows all
# earlier epochs.
#
# Without Ray, we call the stopper by hand. It ends two of the first four trials (the first epoch is epoch 0):

# %%
# NBVAL_CHECK_OUTPUT
stopper = CriterionStopper(rule)  # what as_stopper makes
for name, run in zip(names[:4], first.runs):
    for epoch, val_loss in enumerate(run["val_loss"]):
        if stopper(name, {"training_iteration": epoch + 1, "val_loss": val_loss}):
            break
for name, reason in stopper.reasons.items():
    print(name, reason, sep=": ")

# %% [markdown]
# ## One training, two workers
#
# Now one training on several machines. Each **worker**, a process, has a copy of the network and its own part of every batch.
# In each step they average their gradients before changing weights: everybody **waits for everybody**.
#
# Where all see the same `val_loss`, a patience ends all at once. But clocks differ, and a signal may reach one worker alone.
#
# We recorded two workers on one machine, coupled by JAX, PyTorch or TensorFlow, with 72 batches to do. After 22 worker 1's time budget
# is up (we set its clock), and its `StopWhen` asks its fit to end. How many batches does worker 0 get done? <!-- given: 72, 22 -->

# %% tags=["reveal"] claims=["C15", "92.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # batches
real = data.load_two_workers()
reveal(guess, real["torch"]["alone"]["batches"][0], "Batches of worker 0")
print("half a minute later:")
for engine, what in real.items():
    for worker, (batches, end) in enumerate(zip(what["alone"]["batches"], workers.ends(what["alone"]))):
        print(f"{engine:9} worker {worker}: {batches} batches, {end}")
print("where worker 0 is, with PyTorch:", real["torch"]["alone"]["stack"][0])

# %% [markdown]
# Worker 0 **hangs**: `all_reduce`, the averaging, waits for gradients that nobody will send, and the machine is paid by the hour. (We
# watched for half a minute; worker 1's process stayed alive.)
#
# With PyTorch worker 1's report looks as it should, which is worse. With JAX worker 1 hangs too. With TensorFlow (under tf_keras) it
# fails.
#
# A stop, a lower rate, restored weights: **everybody does it at the same step, or nobody does**.

# %% [markdown]
# ## The vote
#
# So a worker's stop is a **wish**, at first. `Together` asks everybody, at each epoch's end and every few batches. One wish stops
# all (`rule=all` waits for everybody's):
#
# ```python
# from course_utils.scale import Together
# from course_utils.stopping import Patience, StopWhen, TimeBudget
#
# stop = StopWhen(Patience("val_loss", 5) | TimeBudget("2h"), "val_loss", together=Together(every=20))
# ```
#
# Here two threads play the workers, each with a network of its own; only the vote couples them. They
# vote at every tenth step, counted from the start of training, and at each epoch's end (an epoch has 19 steps). Worker 1's budget is 165 steps. After how many does worker 0 stop? <!-- given: 165 -->

# %% tags=["reveal"] claims=["92.3"]
guess = ...  # steps
x, y, x_val, y_val = workers.digits()
networks, meeting = [workers.network(seed) for seed in range(2)], workers.Meeting()


def work(worker):
    own = StepBudget(165 if worker == 1 else 1000)
    # gather: how they exchange notes
    stop = StopWhen(own, "val_loss", together=Together(every=10, gather=meeting.gather_of(worker)))
    networks[worker].fit(x[worker::2], y[worker::2], validation_data=(x_val, y_val), epochs=40,
                         verbose=0, callbacks=[stop])
    return stop


stops = workers.at_once(work)
reveal(guess, stops[0].report.step, "Steps of worker 0")
for worker, stop in enumerate(stops):
    print(f"worker {worker}: {stop.report.reason}; it has the weights of epoch {stop.report.best_epoch}")

# %% [markdown]
# The next vote was at step 170. Both reports say whose wish it was (process 1 is worker 1), and both have brought back the **same
# epoch**. Which one, if their losses disagree?

# %%
losses = [stop.history["val_loss"] for stop in stops]
mean = [sum(pair) / 2 for pair in zip(*losses)]
for whose, values in zip(("worker 0", "worker 1", "mean of both"), [*losses, mean]):
    print(f"{whose:12} lowest val_loss {min(values):.3f}, in epoch {values.index(min(values))}")

# %% [markdown]
# That of the mean: what is best has to be one number. (In a shared training the networks are equal; losses differ if each worker
# validates on its own part.)
#
# Real processes need no `gather=`: the vote takes the channel they have. The recorded workers again, with a vote after every
# fifth batch, counted from the start, and at each epoch's end. An epoch has six batches, and worker 1's wish comes after 22. When
# do both stop? <!-- given: 22 -->

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # batches
reveal(guess, real["torch"]["together"]["batches"][0], "Batches of both")
for engine, what in real.items():
    both = what["together"]
    cost = max(both["milliseconds_a_vote"])
    print(f"{engine:9} stops after {both['batches'][0]} and {both['batches'][1]}, "
          f"same weights to the bit: {'yes' if len(set(both['weights'])) == 1 else 'no'}; "
          f"a vote: {cost:.0f} ms, with every=20 {cost / 20:.1f} ms a step")

# %% [markdown]
# The fourth epoch ends there. (Where a step takes milliseconds, vote less often.)
#
# If a worker is killed, the other one gets an error, in our tests within a minute:
#
# ```python
# from course_utils.scale import reporting
#
# with reporting(stop):  # the error becomes the reason in stop.report, and goes on
#     model.fit(..., callbacks=[stop])
# ```
#
# `stop.restore_best()` works then: it needs no other worker. (But if worker 0 is killed, JAX may end the others itself,
# without a report. And where one model is split among workers, each has only its part.)

# %% [markdown]
# ## What do you have?
#
# All this was two processes on one machine. Nobody here has tried several machines, or several GPUs.
#
# | you have | use |
# |---|---|
# | one GPU, or none | `StopWhen` |
# | several GPUs in one machine | the same with TensorFlow's `MirroredStrategy` or, on JAX, Keras's `DataParallel`: one process. PyTorch needs a process for each: see the next row, and average the gradients yourself |
# | several machines, one training | `StopWhen(..., together=Together(every=20))` in each worker; Ray Train can start them |
# | many trainings to compare | `as_stopper` for Ray Tune, `OptunaStop` for Optuna, `StopWhen` for KerasTuner: see `docs/recipes.md` |
# | a queue with an end time | `Deadline()`, `Signal("SIGTERM")` and `state=`, in [91](91_in_your_project.ipynb) |
# | finished runs, by the thousand | `compare`, in [91](91_in_your_project.ipynb): it trains nothing |

# %% [markdown]
# ## Three sentences to keep
#
# In a sweep each training can end by its own curve: ours needed about a quarter fewer epochs even without the hopeless rate, and
# the best loss rose by 1.3 % at most. In a training that several workers share, one that stops alone leaves the others waiting.
# Let them vote: all stop at one step, with one reason and the same weights.
#
# The course ends here. Your own training begins in [91 In your project](91_in_your_project.ipynb).
