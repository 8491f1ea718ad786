# %% [markdown]
# # Asked for 0.90, kept 0.30. Where did the pruning go?
#
# You will
# - see why a network that stops early is not yet a smaller one,
# - prune a Keras 3 model at its stop, with a second stop that waits for the masks,
# - measure what zeros cost, and what they buy.
#
# 20 minutes to read, 20 for the exercises. You need patience and restored weights, from 03. Three small networks are trained here; the
# other runs were recorded. <!-- given: 0.90, 0.30 -->

# %%
from course_utils.stopping import Above, After, Armed, Epochs, Patience, StopWhen, batches, replay
from course_utils.pruning import PruneWhen, at_target, prune_at_stop, sparsity, tfmot
from course_utils.classroom import data
from course_utils.classroom.chapter_05 import exercises as ex, figures
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

curves = data.load_curves("pruning_stops")
after = curves.select(phase="pruned")  # ten trained networks, each pruned for 40 epochs or more
show(figures.asked_and_kept(after[0], replay(Patience("val_loss", 3), after[0], best="val_loss")),
     alt="One pruning run. The share of zeros climbs from 0.30 to 0.90 in eight epochs. The validation loss rises at once and falls later; "
         "the run stops at epoch 3 and keeps epoch 0, with a share of 0.30.")

# %% [markdown]
# A trained network is being pruned: smallest weights first, more in each epoch, until a share of 0.90 is zero. That share is its
# **sparsity**. Patience 3 ends the run and restores the best epoch, the ring. That is the first one, where little was broken because little
# had been cut. Its weights come back, and its sparsity with them.
#
# ## The article's perceptron
#
# The article wants smaller networks, and offers an early stop as a way to prune. Here is its loop, line by line, as a function. Spot the bug
# before you run it. How many updates does it make? <!-- given: 0.90 -->

# %%
X = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
y = np.array([1, -1, -1, 1])


def articles_loop(W, X, y, learning_rate=0.1):
    for t in range(1000):
        y_pred = X.dot(W)
        acc = np.mean(y_pred * y > 0)
        if acc >= 0.99:
            return f"Accuracy: {acc}, Terminate training at iteration {t}"
        W -= learning_rate * X.T.dot(y_pred - y)
    return f"No stop in 1000 updates. Accuracy {acc}, largest weight {np.abs(W).max():.1f}"


guess = ...  # a number from 0 to 1000; leave the dots to skip

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
reveal(guess, 0, "Updates made")
W = np.random.default_rng(0).normal(size=(2, 1))
try:
    articles_loop(W, X, y)
except ValueError as error:
    print("ValueError:", error)
print("shape of y_pred * y:", (X.dot(W) * y).shape)
others = [np.random.default_rng(seed).normal(size=(2, 1)) for seed in range(1000)]
print("accuracy of 1000 random W:", {float(np.mean(X.dot(W) * y > 0)) for W in others})
print("with y as a column:", articles_loop(W, X, y[:, np.newaxis]))

# %% [markdown]
# None. `X.dot(W)` is a column, `y` a row, so numpy spreads both to 4 x 4. The update does not fit W, which is lucky: without it nobody would
# notice that the accuracy, too, is a mean over sixteen products. Half of them are positive, whatever W is.
#
# With `y` as a column the loop runs, and W shrinks to nothing. The labels say "are both inputs equal?", and no line separates these four
# points: 0.99 is out of reach. The formulas are right. The network is too small, for one hidden layer does it:

# %%
# NBVAL_CHECK_OUTPUT
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1, "sigmoid")])
model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
before = model.count_params()
stop = StopWhen(Above("accuracy", 0.99) | Epochs(300))
model.fit(X, y > 0, epochs=300, verbose=0, callbacks=[stop])
print("stopped by", stop.report.ended_by)
print(f"parameters: {before} before, {model.count_params()} after; share of zeros: {sparsity(model).total:.2f}")

# %% [markdown]
# Now the threshold fires, and what was pruned? All 33 parameters remain. **A stop saves epochs and removes no weight.** But the
# intention has a true form: when training has no more to gain, it is time to prune. The stop says *when*.
#
# So: train until patience says stop. Then TensorFlow's library for it, tfmot, trains on with **masks** that set the smallest weights to
# zero, more and more, until a second stop. We recorded ten such runs, masks up to 0.90 in eight epochs.
#
# Patience 3 left too soon. With patience 10 the masks are full before the stop. What sparsity does it keep, in most runs?
# <!-- given: 0.90 -->

# %%
guess = ...  # a share from 0 to 0.9

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
three, ten = Patience("val_loss", 3), Patience("val_loss", 10)
full = at_target(0.9)  # a criterion: the column "sparsity" is there
# replay: where would the rule have ended the recorded run? None: keep the last epoch, not the best
rules = {"patience 3": (three, {}), "patience 10": (ten, {}), "3, no restore": (three, None),
         "After(8), 3": (After(8, three), {}), "Armed, 3": (Armed(full, three), {}),
         "both armed, 3": (Armed(full, three), {"best_when": full})}
kept = {}
for name, (rule, settings) in rules.items():
    reports = [replay(rule, run, best="val_loss", **(settings or {})) for run in after]
    rows = [report.epoch if settings is None else report.best_epoch for report in reports]
    kept[name] = shares, accuracy = np.array(
        [[run["sparsity"][row], 100 * run["test_accuracy"][row]] for run, row in zip(after, rows)]).T
    print(f"{name:14} {np.mean([report.epoch + 1 for report in reports]):4.0f} epochs   sparsity: median {np.median(shares):.2f}, "
          f"at 0.90 in {np.sum(shares > 0.895):2} of 10   test {accuracy.mean():.1f} ± {accuracy.std(ddof=1):.1f} %")
dense = figures.dense_accuracy(curves)
print(f"{'not pruned':60} test {dense.mean():.1f} ± {dense.std(ddof=1):.1f} %")
reveal(guess, round(np.median(kept["patience 10"][0]), 2), "Patience 10 keeps a sparsity of")

# %% tags=["reveal"]
show(figures.kept_by_rule(kept, dense.mean()),
     alt="Six panels, ten runs each, test accuracy over the sparsity kept. Patience keeps 0.3 or 0.5; without restoring 0.8 at lower accuracy; "
         "After and Armed 0.9 in seven runs; both armed 0.9 in all ten.")

# %% [markdown]
# Patience 10 waits for full masks, and then restores the same early weights: their loss was lowest. Without restoring, patience 3 leaves in
# mid-cut. `After` counts epochs, `Armed` waits for
# the *measured* sparsity; both let the stop wait. Still three runs in ten keep an early epoch. **What may be best has to wait too**:
# `best_when=full`, the last panel. Then all ten keep 0.90. It costs about half a point of accuracy (dashed: before pruning), and the seeds
# differ by as much.
#
# Now live, both armed. `prune_at_stop` takes a Keras 3 model through tfmot and back. `PruneWhen` does without tfmot, in one `fit`.

# %%
train, validation, test = figures.digits()  # scikit-learn's, 8 x 8 pixels
model = figures.small_network()
first, second = Patience("val_loss", 3) | Epochs(20), Patience("val_loss", 3) | Epochs(8)
pruned, report = prune_at_stop(model, train, first=first, second=second, target_sparsity=0.9,
                               validation_data=validation, batch_size=64, ramp_epochs=4)
print(report)
print("test accuracy, dense and pruned:", [round(net.evaluate(*test, verbose=0)[1], 3) for net in (model, pruned)])

model = figures.small_network()
prune = PruneWhen(first, target_sparsity=0.9, epochs=4)
stop = StopWhen(Armed(full, second), restore_best="val_loss", best_when=full)
model.fit(batches(*train, 64, seed=0), validation_data=validation, epochs=40, verbose=0, callbacks=[prune, stop])
print(f"\nPruneWhen: {prune.events[0].reason}\n{stop.report}\n{sparsity(model)}")
print("test accuracy:", round(model.evaluate(*test, verbose=0)[1], 3))

# %% [markdown]
# Each second stop is armed, and its best is "of the epochs where" the masks are full. `second` has a budget beside the patience: eight epochs
# of fine-tuning are few, and the accuracy shows it. (`at_target(0.9)` asks for a little less, because whole weights rarely make 0.9.)
#
# ## Four traps on one screen
#
# They wait for whoever calls tfmot directly:

# %%
# NBVAL_CHECK_OUTPUT
library = tfmot().sparsity.keras
try:
    library.prune_low_magnitude(model)
except ValueError as error:
    print(error)
for end, frequency in ((99, 100), (199, 100), (200, 100)):
    schedule = library.PolynomialDecay(0.0, 0.9, begin_step=0, end_step=end, frequency=frequency)
    drawn = [float(share) for now, share in map(schedule, range(end + 1)) if bool(now)]
    print(f"end_step {end}, a mask every {frequency} steps: the last asks for {drawn[-1]:.3f}")
traps = data.load_curves("pruning_traps")
for said, trap, case in [("EarlyStopping before UpdatePruningStep", "order", "before"), ("EarlyStopping after it", "order", "after"),
                         ("Ctrl-C, strip", "interrupt", "stripped"), ("Ctrl-C, masks, strip", "interrupt", "masked, stripped")]:
    print(f"{said}: sparsity {np.mean([run['sparsity'][0] for run in traps.select(trap=trap, case=case)]):.3f}")

# %% [markdown]
# - **Keras 3.** It wants a Sequential of the other Keras.
# - **Frequency.** A schedule that ends between two masks never reaches its target.
# - **Order.** tfmot's zeros drift with each step; `UpdatePruningStep` mends them once an epoch. EarlyStopping *before* it kept unmended
#   weights (unless validation mends them first).
# - **Ctrl-C** in mid-epoch leaves such weights, too: apply the masks, then strip tfmot's wrappers.
#
# ## What do zeros cost?
#
# Test accuracy by sparsity in percent, five or six seeds. Below it an MLP, ten seeds, 60 epochs in all: masks from the start, after three
# epochs (early), at the stop, after 48 (late), or never. Shuffled: a fifth of the labels.

# %%
# NBVAL_CHECK_OUTPUT
costs, when = data.load_curves("pruning_sparsity"), data.load_curves("pruning_when")
targets, kept_accuracy = (0, 0.5, 0.8, 0.9, 0.95, 0.98), figures.kept_accuracy
print(f"{'':14}", *(f"{target:12}" for target in targets))
for network, way in [("cnn", "gradual"), ("cnn", "one-shot"), ("cnn", "untrained"), ("mlp", "gradual"), ("gru", "gradual")]:
    row = [kept_accuracy(costs, 0, network=network, schedule="dense")]
    row += [kept_accuracy(costs, target, network=network, schedule=way) for target in targets[1:]]
    print(f"{network} {way:10}", *(f"{each.mean():5.1f} ± {each.std(ddof=1):4.1f}" for each in row))
moments = "start", "early", "stop", "late", "never"
print(f"\n{'labels, target':14}", *(f"{moment:>12}" for moment in moments))
for labels, target in [("true", 0.9), ("true", 0.98), ("shuffled", 0.9), ("shuffled", 0.98)]:
    row = [kept_accuracy(when, 0 if moment == "never" else target, labels=labels, moment=moment) for moment in moments]
    print(f"{labels:8} {target:5}", *(f"{each.mean():5.1f} ± {each.std(ddof=1):4.1f}" for each in row))

# %%
show(figures.costs(costs, when),
     alt="Mistakes on the test. CNN: cut and not trained, half are wrong at 0.9; trained, few are until 0.95. GRU suffers sooner than MLP and CNN. "
         "When to prune: at 0.90 start, early and stop are alike; late is worse at 0.98 and on shuffled labels.")

# %% [markdown]
# *Left:* cut nine tenths and do nothing, and half of the answers are wrong; some epochs of training bring them back. Step by step or at
# once makes no difference up to 0.90. *Middle:* the GRU breaks first. (From 0.95 on, runs were ended after 25 epochs.) *Right:* start,
# early or stop is much the same at 0.90; at 0.98, true labels, the stop is behind. Late is bad at 0.98 and on shuffled labels: four
# epochs are left after the masks.
#
# ## What do zeros buy?
#
# The CNN at 0.90, beside **int8**, each weight in 8 bits, and *half*, without half of its filters and trained on. How many times faster is
# one picture when nine weights in ten are zero? <!-- given: 0.90, 0.95 -->

# %%
guess = ...  # 1 is as fast as dense, 10 is ten times as fast

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
sizes, models = data.load_curves("pruning_sizes"), ("dense", "pruned", "int8", "pruned int8", "half")
column = {name: {key: np.mean([run[key][0] for run in sizes.select(model=name)]) for key in sizes.columns} for name in models}
reveal(guess, round(1 / column["pruned"]["latency"], 1), "Times faster")
print("               file   gzip   time   accuracy")
for name in models:
    row, accuracy = column[name], [100 * run["test_accuracy"][0] for run in sizes.select(model=name)]
    print(f"{name:12} {row['lite_bytes'] / 1000:4.0f} kB {row['lite_gz'] / 1000:3.0f} kB  {row['latency']:4.2f}   "
          f"{np.mean(accuracy):.1f} ± {np.std(accuracy, ddof=1):.1f} %")

# %%
show(figures.purchases(sizes, models),
     alt="File sizes and times. Pruned: as large and as slow as dense until gzip makes a sixth of it. int8: a quarter, at a third of the time. "
         "Both: a seventeenth after gzip. Half: half the size, a third of the time.")

# %% [markdown]
# Once: not at all faster. Zeros are stored and multiplied like any number; only gzip sees them. **On this processor, with LiteRT, zeros buy a small download
# and no time.** int8 buys time and costs nothing here; removing filters does nearly as well. Pruned *and* int8 is a seventeenth of the packed dense file.
#
# ## Accuracy, F1 or IoU?
#
# The article names all three as criteria. A small task: mark the pixels of a digit, 8 x 8 somewhere in 28 x 28. IoU is the overlap of
# the marked and the true pixels, as a share of both together. Which rule stops a trained network?

# %%
# NBVAL_CHECK_OUTPUT
masks, best = data.load_curves("pruning_masks").select(), dict(mode="max")
rules = {"accuracy > 0.95": Above("val_accuracy", 0.95), "accuracy, patience 5": Patience("val_accuracy", 5, **best),
         "IoU, patience 5": Patience("val_iou", 5, **best), "IoU > 0.7": Above("val_iou", 0.7), "F1 > 0.8235": Above("val_f1", 0.8235),
         "IoU, armed": Armed(Above("val_iou", 0.1), Patience("val_iou", 3, 0.01, **best))}
stops = {name: [rule.first(run) for run in masks] for name, rule in rules.items()}
for name, rows in stops.items():
    there = [[run[column][row] for run, row in zip(masks, rows)] for column in ("val_accuracy", "val_iou")]
    print(f"{name:21} epochs {min(rows):2} to {max(rows):2}   accuracy {np.mean(there[0]):.3f}   IoU {np.mean(there[1]):.2f}")

# %%
show(figures.finished_or_not(masks, {name: stops[name] for name in ("accuracy > 0.95", "IoU, patience 5", "IoU, armed")}),
     alt="Six runs. The accuracy of pixels is 0.97 from the first epoch on, while IoU stays at 0 for about ten epochs, then rises to 0.8. "
         "Two rules stop within six epochs at IoU 0; the armed one stops near the top.")

# %% [markdown]
# 97 % of the pixels are no digit, so a network that marks nothing is 97 % right. Accuracy looks finished at once. Patience on the right metric
# is no cure: IoU, too, lies still for ten epochs. A threshold works if you know it beforehand. Else arm the patience by the first sign of
# life, and ask for a least gain. F1 is no
# second opinion: it is 2 IoU / (1 + IoU), and stops where IoU does. <!-- given: 97 -->
#
# **When pruning does not help:** where speed is wanted, and where there is no weight to spare: 0.90 cost the GRU nearly five points.


# %% [markdown]
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by.
#
# **5.1 Count the zeros.** `kernels` is a list of arrays. Return the sparsity of all of them together, a share from 0 to 1.

# %% tags=["exercise"]
def share_of_zeros(kernels):
    return ...


ex.share_of_zeros.check(share_of_zeros)

# %% tags=["solution"]
def share_of_zeros(kernels):
    return sum(np.sum(kernel == 0) for kernel in kernels) / sum(kernel.size for kernel in kernels)


ex.share_of_zeros.check(share_of_zeros)

# %% [markdown]
# **5.2 The last mask.** Masks are drawn at steps 0, 100, 200 ... up to `end_step`. At each the schedule asks for
# `0.9 * (1 - (1 - step / end_step) ** 3)`. Somebody counted 200 steps from 0, and wrote `end_step=199`. Which sparsity do the masks reach
# (three decimals)? And which `end_step`, as near to 199 as can be, reaches 0.90?

# %% tags=["exercise"]
answer = ..., ...  # a sparsity, an end_step
ex.last_mask.check(answer)

# %% tags=["solution"]
answer = 0.789, 200  # the last mask is that of step 100: 0.9 (1 - (99 / 199) ** 3)
ex.last_mask.check(answer)

# %% [markdown]
# **5.3 The armed stop.** Without `Armed`: a function of the history so far, `history["val_loss"]` and `history["sparsity"]`, two lists. Masks
# are full where sparsity > 0.895. Return True as soon as, of the epochs with full masks, the last three brought no new lowest `val_loss`.

# %% tags=["exercise"]
def second_stop(history):
    return ...


ex.armed_stop.check(second_stop)

# %% tags=["solution"]
def second_stop(history):
    pairs = zip(history["val_loss"], history["sparsity"])
    losses = [loss for loss, share in pairs if share > 0.895]
    return len(losses) > 3 and min(losses[-3:]) >= min(losses[:-3])


ex.armed_stop.check(second_stop)

# %% [markdown]
# **5.4 Read the table.** Which of these hold, by the table of sizes and times? The answer is a string of letters, such as "acd".
#
# - *a* Pruning by itself makes the file smaller, even before it is packed.
# - *b* For the smallest download, prune and use int8.
# - *c* A network of which nine tenths are zeros answers faster than one without half of its filters.
# - *d* int8 saves time, and pruning on top of it saves no more.

# %% tags=["exercise"]
answer = ...
ex.read_the_table.check(answer)

# %% tags=["solution"]
answer = "bd"
ex.read_the_table.check(answer)

# %% [markdown]
# **5.5 Your second stop.** Twenty MLPs that you have not seen are being pruned to 0.90, half of them trained on labels of which a fifth
# are shuffled. Give a rule that ends each run, and a criterion for the epochs that may be best. All must keep 0.90; on the mean it takes
# at most 20 epochs, and loses at most half a point of accuracy against waiting for the best. <!-- given: 0.90 -->

# %% tags=["exercise"]
answer = ..., ...  # a rule, and which epochs may be best: criteria of this lesson, | and &
ex.your_second_stop.check(answer)

# %% tags=["solution"]
answer = Armed(at_target(0.9), Patience("val_loss", 3) | Epochs(12)), at_target(0.9)
ex.your_second_stop.check(answer)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# A stop saves epochs and removes no weight; it says when to prune. A second stop has to wait until the masks are full, and so has the
# choice of the best epoch. Zeros make a file small once it is packed, and no network fast by themselves.
#
# Next: 06, transfer learning.
