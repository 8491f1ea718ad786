# %% [markdown]
# # F1, AUC, augmentation, a budget: what 07 left out
#
# You will
# - watch F1, AUC and IoU instead of the loss, and see when that pays,
# - see what augmentation, a small budget and other data do to a stop,
# - meet remedies that do little, and a loss that Keras reports wrongly.
#
# 35 minutes, eight guesses, no exercises. An appendix to [07](07_more_than_one_modality.ipynb). Run the set-up and the
# imports, then the sections you need: metrics, masks, missing inputs, budgets, clocks, gradients, shortcuts, Keras's
# losses.

# %%
from course_utils.stopping import Above, Armed, Patience
from course_utils.classroom import comparisons, data
from course_utils.classroom.chapter_07 import figures, tables
from course_utils.classroom.chapter_07.networks import cross_entropy, network
from course_utils.classroom.chapter_07.factors import distances
from course_utils.classroom.chapter_07.outcomes import (
    conditions, gained, kept, of_views, outcomes, own_within, within, without_new_best)
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

clock_runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")  # recorded trainings
pixels, colour = data.load_curves("clocks_pixels"), data.load_curves("colour")

# %% [markdown]
# ## Which number should a stop watch?
#
# The article of [01](01_threshold_stop.ipynb) offers F1, AUC, accuracy or IoU. Of the emoji put in a group, *precision*
# is the share that belong there; of those that belong there, *recall* is the share that were found. **F1** is their
# harmonic mean, averaged over the groups. **AUC**: of two emoji, one from a group and one from outside it, how often
# does the network rate the first higher for that group?

# %% [markdown]
# Two settings for 07's joint network (ten splits):
#
# - *As in 07*: the picture branch overfits within a few epochs.
# - *Slow and thinned*: that branch learns at a tenth of the rate, and three of the eight groups lose nine tenths of
#   their emoji (not in the test): two changes at once.
#
# In *slow and thinned*, how many points of *test* F1 does a patience of 3 gain if it watches F1 instead of the loss?

# %%
guess = ...  # points of F1; with a minus if watching F1 loses

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
recorded = data.load_curves("conditions")
slow = conditions(recorded, rate=0.1, kept_share=0.1)
as_in_07 = conditions(recorded, rate=1.0, kept_share=1.0)
reveal(guess, round(gained(slow, "val_f1").mean(), 1), "Slow and thinned, points of F1 gained by watching F1")
print()
print(tables.watched({"slow and thinned, patience 3": slow, "as in 07, patience 3": as_in_07}))
longer = gained(conditions(recorded, rate=0.1, kept_share=0.1, patience=10), "val_f1").mean()
print(f"slow and thinned, patience 10, watching F1: {longer:+z.1f}")
stalls = [without_new_best(recorded.select(rate=0.1, kept=0.1), of, last=15) for of in ("val_f1", "val_loss")]
print("of its epochs 1 to 15, without a new best: {:.1f} for F1, {:.1f} for the loss".format(*stalls))

# %% tags=["reveal"] claims=["A8", "07b.1"]
panels = {"slow and thinned": slow, "as in 07": as_in_07}
show(figures.any_condition(panels), alt=figures.ALT["any_condition"])

# %% [markdown]
# *Slow and thinned:* on a few hundred emoji F1 is noisy: on average it stalls in 4.0 of 15 epochs, the loss in none. So
# a patience of 3 gives up early, and **watching F1 costs F1**. With a patience of 10, or all epochs to choose from
# (squares), it costs next to nothing.
#
# *As in 07:* the loss stops as soon as pictures overfit; the others go on, and gain. AUC loses in neither setting, but
# it hardly ever stops. (All on average.) Of the columns that stop early, none is best in both.

# %% [markdown]
# ## Finished, or not begun?
#
# **IoU** (intersection over union) is for tasks such as marking a digit in a noisy picture: the overlap of marked and
# true pixels, divided by all pixels in either. Which rule waits for the digit: accuracy above 0.95, a patience of 3 on
# IoU, or that patience *armed*, counting once IoU has passed 0.1? First decide. Then guess: from which epoch on is
# accuracy above 0.95?

# %%
guess = ...  # an epoch from 0 to 39

# %% tags=["reveal"] claims=["C6"]
masks = data.load_curves("pruning_masks").select()  # recorded for 05
patience = Patience("val_iou", 3, min_delta=0.01, mode="max")
rules = {"accuracy > 0.95": Above("val_accuracy", 0.95), "IoU, patience 3": patience,
         "IoU, armed": Armed(Above("val_iou", 0.1), patience)}
stops = {name: [rule.first(run) for run in masks] for name, rule in rules.items()}
reveal(guess, max(stops["accuracy > 0.95"]), "Accuracy is above 0.95 in all six runs from this epoch on")
show(comparisons.finished_or_not(masks, stops), alt=comparisons.ALT["finished_or_not"])

# %% [markdown]
# Few pixels belong to the digit, so an empty mask has nearly all of them right: accuracy passes 0.95 at once. IoU is 0
# at first, for longer than the bare patience waits. So arm the patience.

# %% [markdown]
# ## What if half of the names are missing?
#
# Back to the small network of 01, which sees emoji as pixels and reads their names. With all names in the test averaged
# away, as in 07, it gets only 28 % right; a network on pictures alone gets 50 %.
#
# Now drop half of the names (all their words 0) in each epoch of training. What percentage does it then get right, with
# the test's names averaged away?

# %%
guess = ...  # percent of the test

# %% tags=["reveal"] claims=["A10"]
# NBVAL_CHECK_OUTPUT
ways = {way: pixels.select(rows=900, way=way)
        for way in ("pictures", "words", "both", "names dropped", "shifted")}
hidden = kept(ways["names dropped"], "without_words").mean()
reveal(guess, round(hidden), "Names dropped in training, hidden in the test, percent right")
print(tables.hidden_names(ways))

# %% [markdown]
# Nearly as many as pictures alone: it has learnt to do without names, and is at its best later. With names it is
# better, too, though clearly so in only two splits of five. (*Shifted*, moving and mirroring pictures, changes next to
# nothing.)

# %% [markdown]
# ## Who is ahead on a small budget?
#
# Given as many steps (batches) as they want, 07's two networks with a stop each end 7.8 points ahead of the joint one.
# How far ahead are they after two epochs, 114 steps, if each step trains the two networks on the same batch?

# %%
guess = ...  # points

# %% tags=["reveal"] claims=["A11"]
contenders = {"pictures": "pictures", "words": "words", "both, one stop": "both"}
over_steps = {name: within(clock_runs.select(way=way, scale=1.0), 25) for name, way in contenders.items()}
over_steps["two networks, a stop each"] = own_within(clock_runs, late, 25, seeds=range(8), scale=1.0)
ahead = (over_steps["two networks, a stop each"] - over_steps["both, one stop"]).mean(0)  # after each epoch
reveal(guess, round(ahead[1], 1), "Two networks ahead of the joint one after two epochs, in points")
show(figures.budget(over_steps), alt=figures.ALT["budget"])

# %% [markdown]
# For two epochs pictures alone nearly keep up with the best: a second input, and a second stop, pay later.

# %% [markdown]
# ## Does the ratio of the clocks say how much?
#
# In 07 two networks with a stop each gained more where the **clocks**, each input's epochs to its best, were further
# apart: at a ratio of 2.7 (pictures x 0.1) 1.7 points over the joint network. Emoji as *pixels* have 2.6 (there the
# words are the faster input). How many points there?

# %%
guess = ...  # points

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
found = {"07": outcomes(clock_runs, late, scale=1.0),
         "07, pictures x 0.1": outcomes(clock_runs, late, scale=0.1),
         "pixels": outcomes(pixels, data.load_curves("clocks_pixels_late"), rows=900),
         "digits, six inputs": of_views(data.load_curves("views"), data.load_curves("views_late"))}
reveal(guess, round((found["pixels"]["own"] - found["pixels"]["both"]).mean(), 1), "Pixels, points gained")
print()
print(tables.ratios(found))

# %% [markdown]
# Of these four, the widest gap gains most. The other three ratios are nearly equal, but their gains run from 1.0 to 3.2
# points; on pixels, nearly all of that comes from having two networks, not two stops. (All with multiplied
# probabilities.) The ratio can say where to look, not how much you will find.

# %% [markdown]
# ## Does a smaller gradient mean a smaller step?
#
# A tempting way to freeze a part of a network: multiply its gradient by zero. Or by a tenth, to slow it down. We follow
# weights without a network, whose gradients vary around one value. With Adam, if the whole gradient takes them a
# distance of 1, how far does a tenth take them?

# %%
guess = ...  # 0.1, 1, or something between

# %% tags=["reveal"] claims=["07b.2"]
# NBVAL_CHECK_OUTPUT
optimizers = {"SGD": lambda: keras.optimizers.SGD(0.01),
              "SGD, momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
              "Adam": lambda: keras.optimizers.Adam(0.001)}
plans = {"whole": [1] * 200, "tenth": [0.1] * 200,  # a factor for each step's gradient
         "tenth later": [1] * 100 + [0.1] * 100, "zero later": [1] * 100 + [0] * 100}
far = {name: distances(make(), plans) for name, make in optimizers.items()}
adam = far["Adam"]
reveal(guess, round(adam["tenth"][99] / adam["whole"][99], 1), "Adam, a tenth from the first step on")
print()
print(tables.smaller_gradients(far))

# %% [markdown]
# Plain SGD does as it is told. At gradient zero, momentum and Adam keep moving, by the gradients they remember (hence
# momentum's 0.2 in the second column).
#
# With a tenth from the first step on, Adam gets just as far: it divides a gradient by the size of earlier ones, so a
# constant factor cancels. After whole gradients a tenth slows it down, while it remembers their size. (07's smaller
# *features* did slow a branch: there an equal step changed the output less.)
#
# To freeze a part, freeze it (`FreezeWhen`, in 07). To slow it down, lower its *rate*.

# %% [markdown]
# ## What validation cannot see
#
# One input is a grey picture of clothing from Fashion-MNIST, the other a colour. In training and validation the colour
# gives the class away; in the test, as in the world, it is random. A network with both gets 99 % right in validation.
# And in the test?

# %%
guess = ...  # percent right, with random colours

# %% tags=["reveal"] claims=["07b.3"]
# NBVAL_CHECK_OUTPUT
reveal(guess, round(kept(colour.select(way="both")).mean()), "Both, in the test, in percent")
said = {"gray": "grey alone", "both": "both", "frozen": "both, colour frozen after one epoch",
        "dropped": "both, half of the colours dropped"}
print("right, %, means of five runs           validation        test")
for way, name in said.items():
    runs = colour.select(way=way)
    print(f"{name:36}{kept(runs, 'val_accuracy').mean():13.0f} {kept(runs).mean():11.0f}")

# %% [markdown]
# No stop on this validation can be trusted: it is as deceived as training. Freezing or dropping the colour helps, but
# either is far behind a network without it (85 %). You need validation data that look like the world, or at least a
# test that does.

# %% [markdown]
# ## Which loss does Keras report wrongly?
#
# With several outputs, Keras reports a loss for each. Here 33 rows come in batches of 32: the last, a hard one whose
# loss on words is 1.75, is a batch by itself. The other 32 average 1.05, all 33 together 1.07. What does Keras report
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
reveal(guess, f"{said[32]['words_loss']:.2f}", "words_loss, in batches of 32")
means = [cross_entropy(logits["words"][rows], y[rows]) for rows in (slice(33), slice(32), slice(32, 33))]
print("mean over the rows: {:.2f}; over the first 32: {:.2f}; the last: {:.2f}".format(*means))
for size, losses in said.items():
    print(f"in batches of {size}: words_loss {losses['words_loss']:.2f}, loss {losses['loss']:.2f}")

# %% [markdown]
# Keras 3.15.1 averages the *batches* for an output's own loss, so the hard row counts as much as the 32 before it. The
# total `loss` is right. If you watch `val_words_loss`, let `validation_batch_size` divide the number of rows.

# %% [markdown]
# ## Three sentences to keep
#
# A noisy column needs more patience than a smooth one, even if it is the very number you care about. With Adam,
# multiplying a gradient by a constant from the first step on changes next to nothing; with momentum (Adam has it) a
# gradient of zero does not stop a part at once. A shortcut that works in validation as well as in training goes
# unnoticed.
#
# Back to [07](07_more_than_one_modality.ipynb), or on to the [cabinet of traps](90_cabinet_of_traps.ipynb).
