# %% [markdown]
# # Asked for 0.90, kept 0.30. Where did the pruning go?
#
# You will
# - see why a network that stops early is not yet a smaller one,
# - prune a Keras 3 model at its stop, with a second stop that waits for the masks,
# - measure what zeros cost, and what they buy.
#
# 20 minutes to read, 20 for the exercises. You need patience and restored weights, from 03. Two small networks are trained here; the
# other runs were recorded. <!-- given: 0.90, 0.30 -->

# %%
import course_utils  # before keras: it keeps TensorFlow's start-up lines away
from course_utils import data
from course_utils.callbacks import StopWhen
from course_utils.criteria import Above, After, Armed, Epochs, Patience
from course_utils.exercises import chapter_05 as ex
from course_utils.figures import chapter_05 as figures
from course_utils.notebook import reveal, show
from course_utils.pruning import PruneWhen, at_target, prune_at_stop, sparsity, tfmot
from course_utils.replay import replay
import keras
import numpy as np

curves = data.load_curves("pruning_stops")
after = curves.select(phase="pruned")  # ten trained networks, each pruned for 40 epochs or more
show(figures.asked_and_kept(after[0], replay(Patience("val_loss", 3), after[0], best="val_loss")),
     alt="One pruning run. The share of zeros climbs from 0.30 to 0.90 in eight epochs. The validation loss rises at once and falls later; "
         "the run stops at epoch 3 and keeps epoch 0, with a share of 0.30.")

# %% [markdown]
# A trained network is being pruned: smallest weights first, more in each epoch, until a share of 0.90 is zero. That share is its
# **sparsity**. Patience 3 ends the run and restores the best epoch, the ring. Which is the first: nothing was broken yet, because hardly
# anything had been cut.
#
# ## The article's perceptron
#
# The article wants smaller networks, and offers an early stop as a way to prune. Here is its listing; we added only the `return`s. Spot
# the bug before you run it. How many updates does it make? <!-- given: 0.90 -->

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
products = [np.random.default_rng(seed).normal(size=(1, 2)) @ X.T * y[:, np.newaxis] for seed in range(1000)]
print("shape of y_pred * y:", (X.dot(W) * y).shape, " its accuracies, of 1000 random W:", {np.mean(p > 0) for p in products})
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
before, stop = model.count_params(), StopWhen(Above("accuracy", 0.99) | Epochs(300))
model.fit(X, y > 0, epochs=300, verbose=0, callbacks=[stop])
print("stopped by", stop.report.ended_by)
print(f"parameters: {before} before, {model.count_params()} after; share of zeros: {sparsity(model).total:.2f}")

# %% [markdown]
# Now the threshold fires, and what was pruned? All 33 parameters are there. **A stop saves epochs, and removes no weight.** But the article's
# intention has a true form: once training has nothing more to gain, it is time to prune. *The stop says when.*
#
# So: train in Keras, until patience says stop. Then let TensorFlow's own pruning library, tfmot, train on with **masks**: each keeps the
# largest weights of a layer at work, fewer step by step. A second stop ends that. We recorded ten such runs, masks to 0.90 in eight epochs.
#
# Patience 3 ended the run above too soon. With patience 10 the masks are full before it ends. What sparsity does it keep, in most runs?
# <!-- given: 0.90 -->

# %%
guess = ...  # a share from 0 to 0.9

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
three, ten, full = Patience("val_loss", 3), Patience("val_loss", 10), at_target(0.9)
rules = {"patience 10": (ten, {}), "patience 3": (three, {}), "3, no restore": (three, None),
         "After(8), 3": (After(8, three), {}), "Armed, 3": (Armed(full, three), {}),
         "both armed, 3": (Armed(full, three), {"best_when": full})}
kept = {}
for name, (rule, settings) in rules.items():
    reports = [replay(rule, run, best="val_loss", **(settings or {})) for run in after]
    rows = [report.epoch if settings is None else report.best_epoch for report in reports]
    kept[name] = np.array([[run["sparsity"][row], 100 * run["test_accuracy"][row]] for run, row in zip(after, rows)]).T
    print(f"{name:14} {np.mean([report.epoch + 1 for report in reports]):4.0f} epochs   sparsity: median "
          f"{np.median(kept[name][0]):.2f}, at 0.90 in {sum(kept[name][0] > 0.895):2} of 10   "
          f"test {kept[name][1].mean():.1f} ± {kept[name][1].std(ddof=1):.1f} %")
dense = [100 * run["test_accuracy"][replay(Patience("val_loss", 5), run, best="val_loss").best_epoch] for run in curves.select(phase="dense")]
print(f"before pruning: test {np.mean(dense):.1f} ± {np.std(dense, ddof=1):.1f} %")
reveal(guess, round(np.median(kept["patience 10"][0]), 2), "Sparsity kept with patience 10, median")

# %% tags=["reveal"]
show(figures.kept_by_rule(kept, np.mean(dense)),
     alt="Six panels, ten runs each, test accuracy over the sparsity kept. Patience keeps 0.3 or 0.5; without restoring 0.8 at lower accuracy; "
         "After and Armed 0.9 in seven runs; both armed 0.9 in all ten.")

# %% [markdown]
# Patience 10 pays for eight full epochs of masks and brings the same weights back: the best loss was before the cut. `After` and
# `Armed(full, ...)` let the stop wait, `Armed` until the *measured* sparsity is there. Even then three runs in ten keep an early epoch. **What may
# be best has to wait as well**: `best_when=full`. Then all ten keep 0.90, for about half a point of accuracy, within the spread of the seeds.
#
# Now live, both armed. tfmot refuses models of Keras 3 (you will see how). `prune_at_stop` carries the layers over and back.
# `PruneWhen` needs no tfmot: one `fit`, masks in the compiled step.

# %%
train, validation, test = figures.digits()  # scikit-learn's, 8 x 8 pixels
model = figures.small_network()
pruned, report = prune_at_stop(model, train, validation_data=validation, batch_size=64, target_sparsity=0.9, ramp_epochs=4,
                               first=Patience("val_loss", 3) | Epochs(12), second=Patience("val_loss", 3) | Epochs(8))
print(report)
print("test accuracy, dense and pruned:", [round(net.evaluate(*test, verbose=0)[1], 3) for net in (model, pruned)])

model = figures.small_network()
prune = PruneWhen(Patience("val_loss", 3) | Epochs(12), target_sparsity=0.9, epochs=4)
stop = StopWhen(Armed(full, Patience("val_loss", 3) | Epochs(8)), restore_best="val_loss", best_when=full)
model.fit(data.batches(*train, 64, seed=0), validation_data=validation, epochs=40, verbose=0, callbacks=[prune, stop])
print(f"\nIn one fit: pruning began: {prune.report.reason}\n{sparsity(model)}\n{stop.report}")

# %% [markdown]
# Read the second line of each stop: best *of the epochs where* the masks are full. The patience counts from there, and a budget stands
# beside it.
#
# ## Four traps on one screen
#
# If you call tfmot yourself:

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
batch, epoch = figures.zeros_in_an_epoch(model, *train)
print(f"sparsity after the last batch: {batch:.1f}, after the end of its epoch: {epoch:.1f}")

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
# **5.2 The last mask.** Masks are drawn at steps 0, 100, 200 ... up to `end_step`, and at each the schedule asks for
# `0.9 * (1 - (1 - step / end_step) ** 3)`. Somebody counted 200 steps from 0, and wrote `end_step=199`. Which sparsity do the masks reach (three decimals)? And which
# `end_step`, nearest to 199, reaches 0.90?

# %% tags=["exercise"]
answer = ..., ...  # a sparsity, an end_step
ex.last_mask.check(answer)

# %% tags=["solution"]
answer = 0.789, 200  # the last mask is that of step 100: 0.9 (1 - (99 / 199) ** 3)
ex.last_mask.check(answer)

# %% [markdown]
# **5.3 The armed stop.** Without `Armed`: a function of the history so far, `history["val_loss"]` and `history["sparsity"]`, two lists. Masks
# are full where sparsity > 0.895. Return True once, among the epochs with full masks, the last three brought no new lowest `val_loss`.

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

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# A stop saves epochs and removes no weight; it says when to prune. A second stop has to wait until the masks are full, and so has the
# choice of the best epoch. Zeros make a file small once it is packed, and no network fast by themselves.
#
# Next: 06, transfer learning.
