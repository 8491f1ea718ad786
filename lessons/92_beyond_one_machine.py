# %% [markdown]
# # Twelve runs, then two workers: who may stop whom?
#
# You will
# - end each run of a sweep by its own curve,
# - see what becomes of one worker when the other stops,
# - let the workers vote, and find the tool for what you have.
#
# 25 minutes, no exercises but one number to change. You need budgets ([02](02_budgets_and_events.ipynb)) and `Patience`
# ([03](03_validation_early_stopping.ipynb)).
#
# Two processes on one machine stand for two machines here; several machines we have not tried.

# %%
from course_utils.stopping import NotFinite, Patience, StepBudget, StopWhen, batches
from course_utils.classroom import data
from course_utils.classroom.chapter_92 import figures, sweeps, workers
from course_utils.classroom.notebook import reveal, show

five = sweeps.recorded()  # the same sweep five times, from other first weights and with other validation data
first = five[0]

# %% [markdown]
# ## A sweep
#
# Nobody knows the right learning rate. So you try several, and most of the bill is for the wrong ones.
#
# A **sweep** trains a network with each setting; each of these runs is a **trial**. Ours are recorded, and read digits, with 8, 32 or
# 128 units, at a rate of 0.0003, 0.003, 0.03 or 3. Twelve trials of 60 epochs make 720. The rate of 3 is hopeless, and there on purpose.
#
# A patience of 5 ends each trial by its own curve. **Guess:** what percentage of the epochs does that save?
# <!-- given: 0.0003, 0.003, 0.03 -->

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of the 720 epochs, 0 to 100
rule = Patience("val_loss", 5) | NotFinite("val_loss")  # NotFinite: a loss that is NaN or infinite
ended = first.by_rule(rule)  # how many epochs each trial gets
reveal(guess, 100 - first.percent(ended), "Saved, in percent")
print(f"best without the rule: {first.winner()}, val_loss {first.best():.4f}")
print(f"best with it:          {first.winner(ended)}, val_loss {first.best(ended):.4f}")

# %% [markdown]
# Two epochs in five are saved, and here the best loss is the same. Before you tell your boss, look where the saving comes from.
#
# A quarter of the trials have the hopeless rate. **Guess:** what percentage of the saved epochs is theirs?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of the saved epochs, 0 to 100
reveal(guess, first.share(ended, "rate 3"), "From rate 3, in percent of what is saved")
print("in each of the five sweeps:", *(sweep.share(sweep.by_rule(rule), "rate 3") for sweep in five))
print("saved of the other nine trials' epochs:", 100 - first.percent(ended, without="rate 3"), "%")

# %%
show(*figures.sweep(first, ended, hopeless="rate 3"))

# %% [markdown]
# Half of the saving is the orange hatching. At rate 3 no loss gets below that of a blind guess among ten digits, 2.30. A few more such
# rates, and the rule would look like a genius. Of the serious trials' epochs it saves 28 %.
#
# **Ending each trial by its own curve saved a good part of the bill; but ask how much of that is one hopeless rate.**
# <!-- given: 2.30 -->

# %% [markdown]
# ## Trials against each other
#
# Four trials are never stopped, among them the three of the lowest rate. Each still improves now and then, so its rule never fires; and
# none wins. A rule for one trial cannot see that.
#
# **ASHA**, in the sweep library Ray Tune, compares trials. After 5, 15 and 45 epochs a trial goes on if it is in the best third of those
# that got there so far. It does not wait for the others: the first at each mark passes unopposed, and another order could change who is
# ended.

# %% [markdown]
# Over all five sweeps the rule alone saves 40 % of the epochs, ASHA 45 %. With both, whichever comes first ends a trial. If the two never
# ended the same trial, their savings would add up, to 85 %. Think of rate 3. **Guess:** what percentage do they save together?
# <!-- given: 85 -->

# %% tags=["reveal"] claims=["92.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of all epochs, 45 to 85
ways = {"rule": [sweep.by_rule(rule) for sweep in five],
        "ASHA": [sweep.asha for sweep in five], "both": [sweep.both for sweep in five]}
found = {way: sweeps.together(five, ended, hopeless="rate 3") for way, ended in ways.items()}
reveal(guess, round(100 - found["both"].needed), "Saved with both, in percent")
print("        saved, % of all   without rate 3   best val_loss up, worst sweep")
for way, of in found.items():
    print(f"{way:8}{100 - of.needed:13.0f} % {100 - of.serious:14.0f} % {of.rise:29.1f} %")
earlier = [list(map(min, *alone)) for alone in zip(ways["rule"], ways["ASHA"])]
print("with both, each trial ended where the earlier of the two had ended it alone:",
      earlier == [list(epochs) for epochs in ways["both"]])

# %% [markdown]
# 63 %, well short of 85: what both save is mostly rate 3. Among the other nine trials they hardly overlap: alone they save 26 and 30 %,
# together 53. They look for different things: the rule for trials that no longer improve, ASHA for those that are behind.
#
# The price is the rule's: in the worst sweep the best loss rose by 1.3 %.
#
# **Ask both: does this trial still improve, and does it keep up with the others?**

# %% [markdown]
# In Ray Tune the rule is the `stop`, ASHA the `scheduler`. `rule` is the one above; `space` and `train` are yours, and `train` calls
# `tune.report({"val_loss": ...})` once an epoch:
#
# ```python
# from ray import tune
# from course_utils.scale import as_stopper
#
# folder = "sweep/rows"  # for each trial's past epochs: with them, Tuner.restore can go on
# # looks after 5, 15 (3 * 5) and 45 (3 * 15) epochs; a third (1 / 3) goes on
# asha = tune.schedulers.ASHAScheduler(max_t=60, grace_period=5, reduction_factor=3)
# tuner = tune.Tuner(
#     train, param_space=space,
#     tune_config=tune.TuneConfig(metric="val_loss", mode="min", scheduler=asha),
#     run_config=tune.RunConfig(stop=as_stopper(rule, folder)))
# results = tuner.fit()
# ```

# %% [markdown]
# ## One training, two workers
#
# Long trainings are shared by several processes, and there a stop can do harm.
#
# Each process, a **worker**, has its own copy of the network and its own part of every batch. A step is one batch. In every step they
# average their gradients, so the copies stay the same. Think of two people with a piano on the stairs: nobody takes a step alone.
#
# (One process may drive several GPUs: then there is one `StopWhen`, and nothing to agree on.)

# %% [markdown]
# And if one lets go? We recorded two workers with 72 batches to do, six an epoch. After 22, worker 1's time budget is up (we set its clock
# forward). Its `StopWhen` asks its `fit` to end; its process lives on. **Guess:** how many batches does worker 0 complete in all, with
# PyTorch?

# %% tags=["reveal"] claims=["C15", "92.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # batches, 0 to 72
real = data.load_two_workers()  # with three libraries; TensorFlow's workers ran Keras 2 (tf_keras)
reveal(guess, real["torch"]["alone"]["batches"][0], "Batches of worker 0, with PyTorch")
print("half a minute after worker 1's time was up:")
print("            worker 0                     worker 1")
for library, what in real.items():
    (zero, one), done = workers.ends(what["alone"]), what["alone"]["batches"][0]
    print(f"{workers.NAMES[library]:12}{f'{done} done, {zero}':29}{one}")

# %% [markdown]
# Not one more. Worker 0 **hangs**: it waits for gradients that nobody will send, and you pay for its machine by the hour. (Worker 1 counts
# from 0: its batch 3 of epoch 3 is the 22nd.)
#
# With JAX worker 1 hangs, too (why, we have not found out), and with TensorFlow its `fit` fails. PyTorch's is the most treacherous:
# worker 1 reports a good end, and worker 0 is stuck.
#
# **All workers must stop at the same step, or none.**
#
# <details><summary>For how long does it hang?</summary>
#
# We gave up after half a minute. By itself PyTorch gives up after 30 minutes, on GPUs (NCCL) after 10.
#
# </details>

# %% [markdown]
# ## The vote
#
# How do you put down a piano? One says "I can't any more", and on the next landing both let go.
#
# So a worker that wants to stop goes on, and votes for it. With `Together`, all vote every few batches, and at each epoch's end. One yes,
# and all stop:
#
# ```python
# from course_utils.scale import Together
# from course_utils.stopping import Patience, StopWhen, TimeBudget
#
# stop = StopWhen(Patience("val_loss", 5) | TimeBudget(hours=2), restore_best="val_loss",
#                 together=Together(every=20))
# ```

# %% [markdown]
# Try it. Two threads play the workers; they share votes, and no gradients. They vote after steps 8, 16, 24, … and at each epoch's end, that
# is after 20, 40, …
#
# Worker 1, "process 1" in the reports, may do 57 steps, worker 0 a thousand. **Guess:** after how many does worker 0 stop?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # steps, 57 to 1000
x, y = workers.digits()


def work(worker, together):  # together: a Together(every=8) that lets these threads vote
    stop = StopWhen(StepBudget(57 if worker == 1 else 1000), together=together)
    half = batches(x[worker::2], y[worker::2], size=30, seed=0)  # each worker has every other picture
    workers.network(seed=0).fit(half, epochs=50, verbose=0, callbacks=[stop])
    return stop


stops = workers.meet(work, every=8)  # for this demonstration; a real training passes Together(every=8)
reveal(guess, stops[0].report.step, "Steps of worker 0")
for worker, stop in enumerate(stops):
    print(f"worker {worker} says: {stop.report.reason}")

# %% [markdown]
# 64 would be the next eighth step, but at 60 an epoch ends. Both reports name the one who had enough: worker 1. Put 65 in place of the 57,
# predict again, and run it.
#
# <details><summary>And?</summary>
#
# 72: the next eighth step comes before the epoch's end at 80.
#
# </details>
#
# Now the recorded workers, which are real processes. They vote with `every=5`: after every fifth batch, and after every sixth, which ends
# an epoch:

# %% tags=["reveal"] claims=["92.3"]
# NBVAL_CHECK_OUTPUT
print("            stop after   same weights   time of a vote (mean, slower worker)")
for library, what in real.items():
    both = what["together"]
    same = "yes" if len(set(both["weights"])) == 1 else "no"  # to the bit
    print(f"{workers.NAMES[library]:12}{both['batches'][0]} and {both['batches'][1]} {same:>11} "
          f"{max(both['milliseconds_a_vote']):14.0f} ms")
print("reason in all:", *{reason for what in real.values() for reason in what["together"]["reason"]})

# %%
show(*figures.two_workers(real["torch"]))

# %% [markdown]
# The figure is PyTorch's. With each, the wish came after batch 22, the next vote after 24. Nobody hangs, and both networks are
# equal to the last bit. Here, on one machine, a vote took 4 to 208 ms on average. Choose `every` so large that the steps between two
# votes take far longer.
#
# **Let all vote, and all stop at one step.**
#
# <details><summary>Whose best epoch comes back?</summary>
#
# If each worker validates on its own part of the data, their losses differ. Then the mean decides, and all bring back the same epoch.
# But `Patience` reads each worker's own loss: one that has enough ends it for all.
#
# </details>

# %% [markdown]
# ## A worker that dies
#
# - If worker 1 *stops*, worker 0 hangs.
# - If it *votes*, both stop.
# - If it is *killed*, worker 0 gets an error, with all three libraries: `tests/scale/test_together.py` allows it a minute.
#
# So death is the lesser evil. A process that dies drops its connections, and that is noticed; one that lives on keeps them. (A machine that
# goes dark may drop nothing: that we did not try.) To have the reason in the
# survivor's report:
#
# ```python
# from course_utils.scale import reporting
#
# with reporting(stop):  # notes the error as the reason in stop.report, then raises it again
#     model.fit(..., callbacks=[stop])
# ```
#
# After such an error `stop.restore_best()` still worked in our tests, where each worker has the whole network.
#
# <details><summary>If worker 0 dies</summary>
#
# PyTorch and TensorFlow tell worker 1, too. JAX may end it without a report.
#
# </details>

# %% [markdown]
# ## What do you have?
#
# | you have | use |
# |---|---|
# | one process, on one GPU or several (several not tried) | `StopWhen`, as ever |
# | one training, several processes | `StopWhen(..., together=Together(every=20))` in each |
# | many runs to compare | `as_stopper` for Ray Tune, `OptunaStop` for Optuna: see `docs/recipes.md` |
# | a job with a set end time | `Deadline()` with SLURM, else `Deadline("06:30")`; and `state=`, in [91](91_in_your_project.ipynb) |
#
# **Count the processes, not the GPUs.**

# %% [markdown]
# ## Three sentences to keep
#
# In a sweep, end each run once its own curve stops improving, and let ASHA end those that are behind: here both together
# needed less than half of the epochs. In training that several workers share, one that stops alone leaves the others
# waiting. There, let them vote: all stop at one step, with one reason and the same weights.
#
# The course ends here. Your own training begins with the script of [91 In your project](91_in_your_project.ipynb).
