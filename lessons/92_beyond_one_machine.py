# %% [markdown]
# # Twelve trainings, then two machines: who may stop whom?
#
# You will
# - end each training of a sweep by its own curve,
# - see what becomes of one worker when the other stops,
# - let the workers vote, and find the tool for what you have.
#
# 15 minutes, no exercises. You need `Patience` from [03](03_validation_early_stopping.ipynb).

# %%
from course_utils.stopping import NotFinite, Patience, StepBudget, StopWhen
from course_utils.scale import CriterionStopper, Together
from course_utils.classroom import data
from course_utils.classroom.chapter_92 import figures, sweeps, workers
from course_utils.classroom.notebook import reveal, show

five = sweeps.recorded()  # five sweeps of twelve trainings each, recorded
print(*five[0].names, sep="\n")

# %% [markdown]
# ## A sweep
#
# Which width, which learning rate? A **sweep** tries them all: here twelve **trials** on the digits, 60 epochs
# each. One of the rates is far too high, on purpose. The five sweeps differ in their split and first weights.
#
# Each trial may end by a rule that looks at its own curve, as in any training. (`NotFinite` is for those that blow up.)
# What percentage of all epochs does a patience of 5 save? Then see what it costs: the sweep's best `val_loss`, with and
# without it. <!-- given: 60, 5 -->

# %% tags=["reveal"] claims=["92.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of all epochs; leave the dots to skip
rule = Patience("val_loss", 5) | NotFinite("val_loss")
ended = [sweep.by_rule(rule) for sweep in five]
saved = [round(100 * (1 - sum(rows) / sweep.epochs)) for sweep, rows in zip(five, ended)]
reveal(guess, f"{min(saved)} to {max(saved)}", "Saved in the five sweeps, in percent")
print("sweep   best val_loss without a stop   with the rule   by the same trial")
for number, (sweep, rows) in enumerate(zip(five, ended)):
    same = sweep.winner() == sweep.winner(rows)
    print(f"{number:5} {sweep.best():30.4f} {sweep.best(rows):15.4f}   {'yes' if same else 'no'}")

# %% [markdown]
# Ray Tune runs such sweeps, on a cluster if there is one. It has a scheduler of its own, **ASHA**, that compares trials. At
# epochs 5, 15 and 45 a trial goes on only if it is in the best third of those that have come so far. Epochs of each trial
# in the first sweep: <!-- given: 5, 15, 45 -->

# %% tags=["reveal"]
first, names = five[0], five[0].names
show(*figures.sweep(names, 60, ended[0], first.asha))

# %%
# NBVAL_CHECK_OUTPUT
print("sweep   epochs without a stop   rule   ASHA   both        best val_loss: rule     ASHA     both")
for number, (sweep, rows) in enumerate(zip(five, ended)):
    ways = rows, sweep.asha, sweep.both
    print(f"{number:5} {sweep.epochs:23}", *(f"{sum(way):6}" for way in ways), " " * 20,
          *(f"{sweep.best(way):8.4f}" for way in ways))

# %% [markdown]
# Alone they are not far apart, and do different things. ASHA **compares trials**: it drops those that are behind at
# epoch 5, and trains on those that have long been done. Our rule looks at **one trial, and asks whether it still improves**.
# So they go together. (The trials came two at a time, in this order, and to ASHA the first that comes is among the
# best: hence the narrow network that it kept.) <!-- given: 5 -->

# %% [markdown]
# In Ray Tune the rule is one line; `train` and `space` are your own:
#
# ```python
# from ray import tune
# from course_utils.scale import as_stopper
#
# stopper = as_stopper(Patience("val_loss", 5) | NotFinite("val_loss"), "sweep/rows")
# tuner = tune.Tuner(train, param_space=space, run_config=tune.RunConfig(stop=stopper))
# ```
#
# Tune calls the stopper after every epoch of every trial. Without Ray we can call one by hand. Of the first four trials
# it ends two; the other two run all their epochs:

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
# Each trial's epochs are kept in a file, in the folder `sweep/rows`. If the program that runs the sweep is killed,
# `Tuner.restore` goes on, and the rule still knows every earlier epoch. For **Optuna** there is `OptunaStop`, for
# **KerasTuner** plain `StopWhen`: `docs/recipes.md` shows both.

# %% [markdown]
# ## One training, two workers
#
# Now the other way to use a second machine: one training on both. Each **worker**, a process, has a copy of the network
# and half of every batch. After each step the copies average their gradients, so that they stay equal. To average, each
# **waits for the other**.
#
# We recorded two workers on JAX, with 72 batches to do. After 22 of them worker 1's time budget is used up, and its
# `StopWhen` ends its fit. Worker 0's clock is slower, and has time left. How many batches does worker 0 do? <!-- given: 72, 22 -->

# %% tags=["reveal"] claims=["C15", "92.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # batches
real = data.load_two_workers()
alone = real["jax"]["alone"]
reveal(guess, alone["batches"][0], "Batches of worker 0")
print("half a minute later its fit is over:", alone["over"][0])
print("where it is then, the innermost call first:", *alone["stack"][:5], sep="\n    ")
for engine, what in real.items():
    batches, over = what["alone"]["batches"], what["alone"]["over"]
    print(f"{engine:9} batches of worker 0 and 1: {batches}, fit over: {over}")

# %% [markdown]
# It **hangs**. (JAX computes behind Python's back: the call that waits is the first that wants a number, here a loss.) In
# half a minute there was no error and no line in the log. Some engines give up after many minutes, JAX and gloo did not
# while we watched, and the machine is paid by the hour.
#
# On JAX worker 1 hangs as well: to restore the best weights it needs every worker, and worker 0 is stuck. A stop, a lower
# rate, restored weights: in a shared training **all do it at the same step, or nobody**.

# %% [markdown]
# ## The vote
#
# So a worker's stop is a **wish**, at first. `Together` asks all of them, at the end of each epoch and every few
# batches. One wish is enough to stop all (`rule=all` waits for everybody's):
#
# ```python
# stop = StopWhen(Patience("val_loss", 5) | TimeBudget("2h"), "val_loss", together=Together(every=20))
# ```
#
# Here two threads play the workers, each with a network and a validation loss of its own; only the vote couples them
# (`gather` is how they exchange notes). There is a vote at every tenth step. Worker 1's budget is 165 steps. After how many does
# worker 0 stop? <!-- given: 165 -->

# %% tags=["reveal"] claims=["92.3"]
guess = ...  # steps
x, y, x_val, y_val = workers.digits()
networks, meeting = [workers.network(seed) for seed in range(2)], workers.Meeting()


def work(worker):
    own = StepBudget(165 if worker == 1 else 1000)
    stop = StopWhen(own, "val_loss", together=Together(every=10, gather=meeting.gather_of(worker)))
    networks[worker].fit(x[worker::2], y[worker::2], validation_data=(x_val, y_val), epochs=40,
                         verbose=0, callbacks=[stop])
    return stop


stops = workers.at_once(work)
reveal(guess, stops[0].report.step, "Steps of worker 0")
for worker, stop in enumerate(stops):
    print(f"worker {worker}: {stop.report.reason}")
    losses = stop.history["val_loss"]
    print(f"    best by its own losses: epoch {losses.index(min(losses))}; kept: {stop.report.best_epoch}")
print(stops[0].report.notes[0])

# %% [markdown]
# Both say who wished it. And both bring back the **same epoch**, whichever of them each alone would have chosen: what is
# best has to be one number, here the mean of theirs.
#
# Real processes need no `gather=`: the vote goes through the engine's own channel, JAX's, PyTorch's, or that of
# tf_keras's `MultiWorkerMirroredStrategy`. The recorded workers once more, now with a vote every five batches and at each
# epoch's end (after six), on a busy machine:

# %%
# NBVAL_CHECK_OUTPUT
for engine, what in real.items():
    both = what["together"]
    print(f"{engine:9} both stop at batch {both['batches'][0]}: {both['batches'][0] == both['batches'][1]}; "
          f"same weights, to the bit: {both['weights'][0] == both['weights'][1]}; "
          f"a vote took {max(both['milliseconds_a_vote']):.0f} ms")

# %% [markdown]
# Divide a vote's time by `every`, and compare it with your step. If a worker is killed, the engine raises an error in
# the others, mostly within a minute. Inside `with reporting(stop): model.fit(...)` that error becomes the reason in the
# report, and `stop.restore_best()` still works.
#
# (All this was two processes on one machine. Nobody here has tried two machines, or GPUs in several. The vote is the
# same; the network between them is not.)

# %% [markdown]
# ## What do you have?
#
# | you have | use |
# |---|---|
# | one GPU, or none | `StopWhen`, as everywhere in this course |
# | several GPUs in one machine | the same with TensorFlow's `MirroredStrategy` or JAX's `DataParallel`, which are one process; PyTorch has one for each GPU: next row |
# | several machines, one training | `StopWhen(..., together=Together(every=20))` in each worker; on Ray, start them with Ray Train |
# | many trainings to compare | a sweep: `as_stopper` for Ray Tune, `OptunaStop` for Optuna; ASHA beside it if trials are many |
# | a queue with an end time | `Deadline()`, `Signal("SIGTERM")` and `state=`, in [91](91_in_your_project.ipynb) |
# | finished runs, by the thousand | `compare`, on a Parquet file if need be: nothing is trained at all |

# %% [markdown]
# ## Three sentences to keep
#
# In a sweep a rule ends each training by its own curve: fewer epochs, and the best loss hardly changes. In a
# training that several workers share, one that stops alone leaves the others waiting. Let them vote: all
# stop at one step, with one reason and the same weights.
#
# That is the end of the course. [91 In your project](91_in_your_project.ipynb) is where it goes on.
