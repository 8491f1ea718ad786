# %% [markdown]
# # F1, AUC, augmentation, a budget: more on several inputs
#
# You will
# - watch F1, AUC and IoU instead of the loss, and see when that pays,
# - see what augmentation, a small budget and other data do to a stop,
# - meet remedies that do little, and a number that Keras reports wrongly.
#
# 35 minutes, six guesses, no exercises. An appendix to [07](07_more_than_one_modality.ipynb). Run the first cell,
# then the sections you need.

# %%
from course_utils.stopping import Above, Armed, Patience
from course_utils.classroom import comparisons, data
from course_utils.classroom.chapter_07 import figures
from course_utils.classroom.chapter_07.networks import cross_entropy, network
from course_utils.classroom.chapter_07.outcomes import (
    conditions, kept, of_views, outcomes, own_within, within, without_new_best)
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

clock_runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")  # recorded trainings
pixels, colour = data.load_curves("clocks_pixels"), data.load_curves("colour")

# %% [markdown]
# ## Any condition
#
# The article of [01](01_threshold_stop.ipynb) offers F1, AUC, accuracy or IoU as the number to watch. **F1** is the
# harmonic mean of precision and recall (how many of those put in a group belong there; how many of a group are put
# there), averaged over groups. **AUC**: of two emoji, one of a group and one not, how often is the first ranked higher
# for that group?

# %% [markdown]
# We train the network of 07 in two settings. *Left* in the figure below, the pictures' layer learns ten times more
# slowly, and three of the eight groups keep only a tenth of their emoji (not in the test). *Right*, as in 07, pictures
# overfit at once. A patience of 3 watches F1 instead of the loss. How much *test* F1 does that gain on the left?

# %%
guess = ...  # points of F1; with a minus if watching F1 loses

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
def gains(of, column):  # test F1 of the epoch kept, in points above what watching the loss keeps
    return of[column]["test_f1"] - of["val_loss"]["test_f1"]


recorded = data.load_curves("conditions")
left, right = conditions(recorded, 0.1, 0.1), conditions(recorded, 1.0, 1.0)
reveal(guess, round(gains(left, "val_f1").mean(), 1), "Left, points of test F1 gained by watching F1")
longer = gains(conditions(recorded, 0.1, 0.1, patience=10), "val_f1").mean()
stalls = [without_new_best(recorded.select(rate=0.1, kept=0.1), of, last=15) for of in ("val_f1", "val_loss")]
print("left, with patience 10: {:+z.1f}; epochs 1 to 15 without a new best: F1 {:.1f}, loss {:.1f}".format(
    longer, *stalls))
for side, of in {"left": left, "right": right}.items():
    gained = gains(of, "val_auc")
    print(f"{side}, watching AUC: {gained.mean():+z.1f}, at worst {gained.min():+.1f}, "
          f"median stop in epoch {np.median(of['val_auc']['stop']):g} of 0 to 39")

# %% tags=["reveal"] claims=["A8", "07b.1"]
panels = {"pictures' rate a tenth, thinned groups": left, "pictures overfit": right}
show(figures.any_condition(panels), alt=figures.ALT["any_condition"])

# %% [markdown]
# *Left:* on a few hundred emoji F1 is noisy: it stalls in 4.0 of 15 epochs, the loss in none. So a patience of 3 gives
# up early, and **watching F1 costs F1**. With a patience of 10, or all epochs to choose from (squares), it costs
# next to nothing.
#
# *Right:* the loss stops as soon as pictures overfit. The others go on, and gain.
#
# AUC loses nothing on average (in one split 3.2 points), but hardly stops. Of the columns that do stop early, none is
# best in both.

# %% [markdown]
# ## Finished, or not begun?
#
# **IoU** is for other tasks, such as marking a digit in a noisy picture: the overlap of marked and true pixels,
# divided by all pixels in either. Which rule waits for the digit: accuracy above 0.95, a patience of 3 on IoU, or that
# patience *armed*, counting once IoU has passed 0.1? And at which epoch does accuracy pass 0.95?

# %%
guess = ...  # an epoch from 0 to 39

# %% tags=["reveal"] claims=["C6"]
masks = data.load_curves("pruning_masks").select()
patience = Patience("val_iou", 3, min_delta=0.01, mode="max")
rules = {"accuracy > 0.95": Above("val_accuracy", 0.95), "IoU, patience 3": patience,
         "IoU, armed": Armed(Above("val_iou", 0.1), patience)}
stops = {name: [rule.first(run) for run in masks] for name, rule in rules.items()}
reveal(guess, max(stops["accuracy > 0.95"]), "In all six runs accuracy is above 0.95 from epoch")
show(comparisons.finished_or_not(masks, stops), alt=comparisons.ALT["finished_or_not"])

# %% [markdown]
# Few pixels belong to the digit, so an empty mask has nearly all of them right: accuracy passes 0.95 at once. IoU is 0
# at first, for longer than the bare patience waits.

# %% [markdown]
# ## Augmentation
#
# The small network of 01, with emoji as pixels; here words are the faster input. Hide the names in the test (behind
# their mean), and it gets only 28 % right; a network on pictures alone gets 50 %.
#
# Now drop the names of half of the emoji in each epoch of training. How many does it get right then, without names?

# %%
guess = ...  # percent of the test

# %% tags=["reveal"] claims=["A10"]
# NBVAL_CHECK_OUTPUT
ways = {way: pixels.select(rows=900, way=way)
        for way in ("pictures", "words", "both", "names dropped", "shifted")}
hidden = kept(ways["names dropped"], "without_words").mean()
reveal(guess, round(hidden), "Names dropped in training, hidden in the test, percent right")
print("               best epoch  test, %  names hidden, %  gain over both in five splits, points")
for way, runs in ways.items():
    said = f"{way:15}{np.mean([np.argmin(run['val_loss']) for run in runs]):10.0f}{kept(runs).mean():9.0f}"
    if way not in ("pictures", "words"):
        said += f"{kept(runs, 'without_words').mean():17.0f}"
    if way in ("names dropped", "shifted"):
        said += " " + "".join(f"{gained:+z6.1f}" for gained in kept(runs) - kept(ways["both"]))
    print(said)

# %% [markdown]
# Nearly as many as pictures alone: it has learnt to do without names, and is at its best later. With names it is
# better, too, though clearly so in only two splits of five. (*Shifted*, the usual augmentation: moving and mirroring
# pictures changes next to nothing.)

# %% [markdown]
# ## One budget
#
# You can afford only so many steps (batches). Who is ahead, and when? Emoji and networks of 07.

# %% claims=["A11"]
contenders = {"pictures": "pictures", "words": "words", "both, one stop": "both"}
tables = {name: within(clock_runs.select(way=way, scale=1.0), 25) for name, way in contenders.items()}
tables["two networks, a stop each"] = own_within(clock_runs, late, 25, seeds=range(8), scale=1.0)
show(figures.budget(tables), alt=figures.ALT["budget"])

# %% [markdown]
# At first, pictures alone are nearly as good as anything. One network with one stop soon gains nothing more; two with
# a stop each improve for much longer (each takes all these steps, but is smaller). Words alone pass a peak of accuracy
# while their validation loss still falls.

# %% [markdown]
# ## Two other data sets
#
# In 07 a second stop gained more where the **clocks**, each input's epochs to its best, were further apart. Does their
# ratio tell how much? Two rows from 07, then emoji as *pixels*, and *digits* in six descriptions, each an input:

# %%
# NBVAL_CHECK_OUTPUT
found = {"07": outcomes(clock_runs, late, scale=1.0),
         "07, pictures x 0.1": outcomes(clock_runs, late, scale=0.1),
         "pixels": outcomes(pixels, data.load_curves("clocks_pixels_late"), rows=900),
         "digits": of_views(data.load_curves("views"), data.load_curves("views_late"))}
print("                    slowest over   points gained by a network and a stop for each input")
print("                    fastest clock  over one network, one stop      over as many networks, one stop")
for name, of in found.items():
    ratio = np.median(np.maximum(of["ratio"], 1 / of["ratio"]))
    said = [f"{(of['own'] - of[rival]).mean():+.1f}, higher in "
            f"{comparisons.higher_in(of['own'], of[rival], 'splits')}" for rival in ("both", "one")]
    print(f"{name:20}{ratio:10.1f}     {said[0]:32}{said[1]}")

# %% [markdown]
# The widest gap gains most. But three nearly equal ratios gain from one to three points, and on pixels that comes from
# having two networks, not two stops. The ratio says where to look, not how much you will find.

# %% [markdown]
# ## Is a gradient times zero a stop?
#
# A tempting way to freeze a part of a network: multiply its gradient by zero. Or by a tenth, to slow it down. Guess
# for Adam and a tenth from the first step on: how far does it get, if 1 is as far as with the whole gradient?

# %%
def distances(optimizer, plans):
    """For each plan, how far 200 weights are from their start after each step, on average.

    A plan has a factor for each step, by which that step's gradient is multiplied.
    """
    weights, rng, far = keras.Variable(np.zeros((len(plans), 200), "float32")), np.random.default_rng(0), []
    for factors in np.transpose(plans):
        gradients = np.outer(factors, rng.normal(0.02, 0.01, 200)).astype("float32")
        optimizer.apply([keras.ops.convert_to_tensor(gradients)], [weights])
        far.append(np.abs(weights.numpy()).mean(1))
    return np.transpose(far)

# %%
guess = ...  # between 0 and 1

# %% tags=["reveal"] claims=["07b.2"]
# NBVAL_CHECK_OUTPUT
optimizers = {"SGD": lambda: keras.optimizers.SGD(0.01),
              "SGD, momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
              "Adam": lambda: keras.optimizers.Adam(0.001)}
whole, tenth, zero = [1] * 100, [0.1] * 100, [0] * 100
far = {name: distances(make(), [whole + whole, tenth + tenth, whole + tenth, whole + zero])
       for name, make in optimizers.items()}
reveal(guess, round(far["Adam"][1][99] / far["Adam"][0][99], 1), "Adam, a tenth from the first step on")
print("\n               100 steps with a tenth of the gradient    then 20 steps at gradient zero: they")
print("               from the start   after 100 whole ones     still move as far as ... ordinary steps")
for name, (full, slow, slowed, shut) in far.items():
    later = (slowed[199] - slowed[99]) / (full[199] - full[99])
    drift = (shut[119] - shut[99]) / (shut[99] - shut[98])
    print(f"{name:15}{slow[99] / full[99]:14.1f}{later:23.1f}{drift:33.0f}")

# %% [markdown]
# Plain SGD does as it is told. At gradient zero, momentum and Adam move on, on the gradients that they remember; so
# momentum's 0.2 still carries some of the whole ones. (Ours are steady; erratic ones carry less far.) With a tenth from
# the first step on Adam gets just as far: it divides a gradient by the size of earlier ones, so a constant factor
# cancels. A tenth that comes later does slow it down, while it remembers the larger ones.
#
# To freeze a part, freeze it (`FreezeWhen`, in 07). To slow it down, lower its *rate*.

# %% [markdown]
# ## What validation cannot see
#
# One input has the grey clothes of Fashion-MNIST, the other a colour. In training and validation the colour gives the
# class away; in the test, as in the world, it is random. A network with both gets 99 % right in validation. And in the
# test?

# %%
guess = ...  # percent right, with random colours

# %% tags=["reveal"] claims=["07b.3"]
# NBVAL_CHECK_OUTPUT
reveal(guess, round(kept(colour.select(way="both")).mean()), "Both, in the test, in percent")
said = {"gray": "grey alone", "both": "both", "frozen": "both, colour frozen after an epoch",
        "dropped": "both, half of the colours dropped"}
print("right, %, means of five runs           validation        test")
for way, name in said.items():
    runs = colour.select(way=way)
    print(f"{name:36}{kept(runs, 'val_accuracy').mean():13.0f} {kept(runs).mean():11.0f}")

# %% [markdown]
# No stop on this validation can be trusted: it is as deceived as training. Freezing or dropping the colour helps, but
# either is far behind a network without it (85 %). You need validation data that look like the world; failing that, a
# test that does.

# %% [markdown]
# ## A head's own loss
#
# With several outputs, Keras 3 reports a loss for each. Here 33 rows come in batches of 32: the last, a hard one with
# a words' loss of 1.75, is a batch by itself. The others average 1.05, all 33 together 1.07. What does Keras report
# as `words_loss`?

# %%
guess = ...  # a loss

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
rng = np.random.default_rng(0)
x = {name: rng.normal(size=(33, 4)) for name in ("pictures", "words")}
x["words"][32] *= 9  # the last row
y = np.arange(33) % 3
model = network({"pictures": 4, "words": 4}, 3, heads=("pictures", "words"))
logits = model.predict(x, verbose=0)
said = {size: model.evaluate(x, {"pictures": y, "words": y}, batch_size=size, verbose=0, return_dict=True)
        for size in (32, 33)}
reveal(guess, round(said[32]["words_loss"], 2), "words_loss, in batches of 32")
means = [cross_entropy(logits["words"][rows], y[rows]) for rows in (slice(33), slice(32), slice(32, 33))]
print("mean over the rows: {:.2f}; over the first 32: {:.2f}; the last: {:.2f}".format(*means))
for size, losses in said.items():
    print(f"in batches of {size}: words_loss {losses['words_loss']:.2f}, loss {losses['loss']:.2f}")

# %% [markdown]
# Keras 3 (seen on 3.15.1) averages the *batches* for an output's own loss, so the hard row counts as much as the 32
# before it. The total `loss` is right. If you watch `val_words_loss`, let `validation_batch_size` divide the number of
# rows, or take all at once.

# %% [markdown]
# ## Three sentences to keep
#
# A noisy column needs more patience than a smooth one, whatever it is called. With Adam, scaling a gradient from the
# first step on changes next to nothing, and with momentum, which Adam has built in, a zero gradient does not stop a
# part at once. A shortcut that works in validation as well as in training goes unnoticed.
#
# Back to [07](07_more_than_one_modality.ipynb), or on to the [cabinet of traps](90_cabinet_of_traps.ipynb).
