# %% [markdown]
# # Twelve trainings, then two machines: who may stop whom?
#
# You will
# - end each training of a sweep by its own curve,
# - see what becomes of one worker when the other stops,
# - let the workers vote, and find the tool for what you have.
#
# 15 minutes, no exercises. You need `Patience` from [03](03_validation_early_stopping.ipynb) and `compare` from
# [00](00_start_here.ipynb).

# %%
from course_utils.stopping import NotFinite, Patience, StepBudget, StopWhen, replay
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
# each. One of the rates is far too high, on purpose; in a real sweep it gets in by itself.
#
# Each trial may end by a rule that looks at its own curve, as in any training. A patience of 5 saves how many
# percent of the epochs? And what does it cost? <!-- given: 60, 5 -->

# %% tags=["reveal"] claims=["92.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of all epochs; leave the dots to skip
rule = Patience("val_loss", 5) | NotFinite("val_loss")
ended = [sweep.by_rule(rule) for sweep in five]
reveal(guess, round(100 * (1 - sum(map(sum, ended)) / sum(sweep.epochs for sweep in five))), "Saved, in percent")
print("sweep   epochs by rule   by ASHA   of      best val_loss: no stop   rule     ASHA")
for number, (sweep, rows) in enumerate(zip(five, ended)):
    print(f"{number:5} {sum(rows):16} {sum(sweep.asha):9} {sweep.epochs:4}"
          f"{sweep.best():24.4f} {sweep.best(rows):8.4f} {sweep.best(sweep.asha):8.4f}")

# %% tags=["reveal"]
first, names = five[0], five[0].names
show(*figures.sweep(names, 60, ended[0], first.asha))

# %% [markdown]
# Each trial runs as long as its own curve improves: slow rates to the end, the far too high one hardly at all. **ASHA**,
# Ray's scheduler, judges otherwise. At epochs 5, 15 and 45 it lets a trial go on only if it is among the best third of
# those that came so far. So it ends hopeless trials sooner, and keeps good ones running that have long been done. It
# **compares**; a rule **knows when one is done**. They may be used together. <!-- given: 5, 15, 45 -->
#
# And the reason, of each trial? In Ray Tune the rule is one line, and the cluster starts by itself:
#
# ```python
# from ray import tune
# from course_utils.scale import as_stopper
#
# stopper = as_stopper(Patience("val_loss", 5) | NotFinite("val_loss"), "sweep/rows")  # a file of rows for each trial
# tuner = tune.Tuner(train, param_space=space, run_config=tune.RunConfig(stop=stopper))
# tuner.fit()
# ```
#
# What Tune calls with each result can be tried without Ray. Of the first four trials two end:

# %%
# NBVAL_CHECK_OUTPUT
stopper = CriterionStopper(rule)
for name, run in zip(names[:4], first.runs):
    for epoch, val_loss in enumerate(run["val_loss"]):
        if stopper(name, {"training_iteration": epoch + 1, "val_loss": val_loss}):
            break
for name, reason in stopper.reasons.items():
    print(name, reason, sep=": ")

# %% [markdown]
# The rows lie in files, so a sweep whose driver is killed goes on with `Tuner.restore`, each trial judged by all of
# its rows. For **Optuna** there is `OptunaStop`, for **KerasTuner** plain `StopWhen` in the model's own `fit`:
# `docs/recipes.md` shows both.
#
# ## One training, two workers
#
# Now the other way to use a second machine: one training on both. Each **worker** has a copy of the network and
# half of every batch; after each step the copies average their gradients, so that they stay equal. To average, each
# **waits for the other**.
#
# Two workers on JAX, with 72 batches to do. In worker 1 a time budget is used up in batch 22, and its `StopWhen` ends
# the fit. Worker 0's clock is slower. How many batches does worker 0 do? <!-- given: 72, 22 -->

# %% tags=["reveal"] claims=["C15", "92.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # batches
real = data.load_two_workers()
alone = real["jax"]["alone"]
reveal(guess, alone["batches"][0], "Batches of worker 0")
print("half a minute later its fit is over:", alone["over"][0])
print("where it is then, the innermost call first:", *alone["stack"][:5], sep="\n    ")
for engine, what in real.items():
    print(f"{engine:9} batches of worker 0 and 1: {what['alone']['batches']}, fit over: {what['alone']['over']}")

# %% [markdown]
# It **hangs**: in its next step it waits for a gradient that never comes. No error, no log line, and the machine is
# paid by the hour. (On JAX worker 1 hangs, too: to bring back the best weights, all are asked.) A stop, a
# lower rate, restored weights: in a shared training **all do it at the same step, or nobody**.
#
# ## The vote
#
# So a worker's stop is a **wish**, at first. `Together` lets all of them vote, at the end of each epoch and every few
# batches:
#
# ```python
# stop = StopWhen(Patience("val_loss", 5) | TimeBudget("2h"), "val_loss", together=Together(every=20))
# ```
#
# Here two threads play the workers. (Each trains a network of its own, and only the vote couples them.) Worker 1's
# budget is 21 steps, and the vote is every 10. When does worker 0 stop? <!-- given: 21, 10 -->

# %% tags=["reveal"] claims=["92.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # steps
x, y, x_val, y_val = workers.digits()
networks = [workers.network(seed) for seed in range(2)]
meeting = workers.Meeting()


def work(worker):
    own = Patience("val_loss", 3) | StepBudget(21 if worker == 1 else 1000)
    stop = StopWhen(own, "val_loss", together=Together(every=10, gather=meeting.gather_of(worker)))
    networks[worker].fit(x[worker::2], y[worker::2], validation_data=(x_val, y_val), epochs=40, verbose=0,
                         callbacks=[stop])
    return stop.report


reports = workers.at_once(work)
reveal(guess, reports[0].step, "Steps of worker 0")
for worker, report in enumerate(reports):
    print(f"worker {worker}: {report.reason}")
print(reports[0].notes[0])

# %% [markdown]
# Both say who wished it. And both bring back the **same epoch**, though each has validation losses of its own: what
# is best has to be one number, here their mean.
#
# Between real processes the vote goes through the engine's own channel (`gather=` is left out): JAX's, PyTorch's, or that
# of tf_keras's `MultiWorkerMirroredStrategy`. What they did, and what a vote cost on the busy machine where this was
# recorded:

# %%
# NBVAL_CHECK_OUTPUT
for engine, what in real.items():
    both = what["together"]
    print(f"{engine:9} both stop at batch {both['batches'][0]}: {both['batches'][0] == both['batches'][1]}; "
          f"same weights, to the bit: {both['weights'][0] == both['weights'][1]}; "
          f"a vote took {max(both['milliseconds_a_vote']):.0f} ms")

# %% [markdown]
# Set beside your own step, that says how often to vote: every 20 batches or so. If a worker is killed, the engine raises an error in the
# others; inside `with reporting(stop):` it becomes the reason in the report, and `stop.restore_best()` still works.
#
# (All this was two processes on one machine. Nobody here has tried two machines, or GPUs in several. The vote is the
# same; the network between them is not.)
#
# ## What do you have?
#
# | you have | use |
# |---|---|
# | one GPU, or none | `StopWhen`, as everywhere in this course |
# | several GPUs in one machine | the same: TensorFlow's `MirroredStrategy` and JAX's `DataParallel` run one process, and one process cannot disagree |
# | several machines, one training | `StopWhen(..., together=Together(every=20))` in each worker; on Ray, start them with Ray Train |
# | many trainings to compare | a sweep: `as_stopper` for Ray Tune, `OptunaStop` for Optuna; ASHA beside it if trials are many |
# | a queue with an end time | `Deadline()`, `Signal("SIGTERM")` and `state=`, in [91](91_in_your_project.ipynb) |
# | finished runs, by the thousand | `compare`, on a Parquet file if need be: nothing is trained at all |
#
# ## Three sentences to keep
#
# In a sweep a rule ends each training by its own curve: it takes fewer epochs, and the best trial hardly changes.
# In a training that several workers share, one that stops alone leaves the others waiting for ever. Let them vote: all
# stop at one step, with one reason and the same weights.
#
# That is the end of the course. [91 In your project](91_in_your_project.ipynb) is where it goes on.
