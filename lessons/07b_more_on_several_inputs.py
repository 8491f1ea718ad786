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
from course_utils.classroom.chapter_07 import figures, head_loss, tables
from course_utils.classroom.chapter_07.factors import distances
from course_utils.classroom.chapter_07.outcomes import (
    conditions, gained, kept, of_views, outcomes, own_within, within, without_new_best)
from course_utils.classroom.notebook import reveal, show
import keras

clock_runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")  # recorded trainings
pixels, colour = data.load_curves("clocks_pixels"), data.load_curves("colour")

# %% [markdown]
# ## Which number should a stop watch?
#
# If you care about F1, should your stop watch it? The article of [01](01_threshold_stop.ipynb) leaves it open: F1, AUC,
# accuracy or IoU.
#
# Of the emoji put in a group, *precision* is the share that belong there. Of those that belong there, *recall* is the
# share that were found. **F1** is high if both are (it is their harmonic mean). We average it over the groups, so that
# rare ones count as much as large ones.
#
# **AUC** asks for the order alone: of two emoji, one in the group and one outside, it is how often the first is rated
# higher.

# %% [markdown]
# Two settings for 07's joint network, ten splits each:
#
# - *As in 07*: the pictures overfit within a few epochs.
# - *With rare groups*: three of the eight groups lose nine tenths of their emoji, except in the test. And pictures have
#   07's cure, a tenth of the learning rate.
#
# Take the rare groups, and a patience of 3. It watches F1 instead of the loss. How many points of *test* F1 does that
# gain?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # points of F1, -10 to 10; with a minus if watching F1 loses
recorded = data.load_curves("conditions")
rare = conditions(recorded, rate=0.1, kept_share=0.1)
reveal(guess, round(gained(rare, "val_f1").mean(), 1), "Rare groups, points of F1 gained by watching F1")
longer = gained(conditions(recorded, rate=0.1, kept_share=0.1, patience=10), "val_f1").mean()
print(f"with a patience of 10: {longer:+z.1f}")
stalls = [without_new_best(recorded.select(rate=0.1, kept=0.1), of, last=15) for of in ("val_f1", "val_loss")]
print("of its epochs 1 to 15, without a new best: {:.1f} for F1, {:.1f} for the loss".format(*stalls))

# %% tags=["reveal"] claims=["A8", "07b.1"]
panels = {"with rare groups": rare, "as in 07": conditions(recorded, rate=1.0, kept_share=1.0)}
show(figures.any_condition(panels), alt=figures.ALT["any_condition"])

# %% [markdown]
# *With rare groups* (left) F1 is noisy. On average it stalls in 4.0 of 15 epochs, the loss in none; so a patience of 3
# gives up early. A patience of 10 loses next to nothing.
#
# *As in 07* (right) it is the loss that stops early, as soon as pictures overfit. F1 goes on, and gains. AUC gains
# most, but hardly ever stops.
#
# **Watch what you care about, but give it a patience that suits its noise: with too short a one, watching F1 costs
# F1.**

# %% [markdown]
# ## Finished, or not begun?
#
# A good number need not mean that training is done. Take a network that marks the pixels of a digit in a noisy
# picture. Two numbers could stop it: the accuracy of its pixels, or **IoU** (intersection over union), which is the
# overlap of marked and true pixels, divided by all pixels in either.
#
# From which epoch on is accuracy above 0.95?

# %% tags=["reveal"] claims=["C6"]
guess = ...  # an epoch from 0 to 39
masks = data.load_curves("pruning_masks").select()  # six runs, recorded for 05
patience = Patience("val_iou", 3, min_delta=0.01, mode="max")
rules = {"accuracy > 0.95": Above("val_accuracy", 0.95), "IoU, patience 3": patience,
         "IoU, armed": Armed(Above("val_iou", 0.1), patience)}  # counts once IoU has passed 0.1
stops = {name: [rule.first(run) for run in masks] for name, rule in rules.items()}
reveal(guess, max(stops["accuracy > 0.95"]), "Accuracy is above 0.95 in all six runs from this epoch on")
show(comparisons.finished_or_not(masks, stops), alt=comparisons.ALT["finished_or_not"])

# %% [markdown]
# Few pixels belong to the digit, so a network that marks none has nearly all of them right: accuracy is high before
# anything is learnt. IoU is 0 at first, for longer than the bare patience waits. **Arm the patience, and it waits for
# the digit.**

# %% [markdown]
# ## What if half of the names are missing?
#
# Inputs go missing. Back to the small network of 01, which sees emoji as pixels and reads their names. It gets 64 %
# right. Hide the names in the test, as in 07, and it gets 28 %, although pictures alone would give 50 %.
#
# Now drop half of the names in training (all their words 0), others in each epoch. How many does it then get right
# with the names hidden?

# %% tags=["reveal"] claims=["A10"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of the test, 0 to 64
ways = {"pictures alone": "pictures", "both": "both", "both, half the names dropped": "names dropped",
        "both, pictures shifted": "shifted"}  # and mirrored: the usual augmentation of pictures
ways = {said: pixels.select(rows=900, way=way) for said, way in ways.items()}
hidden = kept(ways["both, half the names dropped"], "without_words").mean()
reveal(guess, round(hidden), "Names dropped in training and hidden in the test, percent right")
print(tables.hidden_names(ways))

# %% [markdown]
# Nearly as many as pictures alone. **Drop an input at random in training, and the network learns to do without
# it.** It is at its best later, too: in epoch 22 on average, not 9. The usual augmentation, pictures shifted and
# mirrored, changes next to nothing.
#
# <details><summary>Is it better with names, too?</summary>
#
# On average, 68 % against 64. In the five splits it gains 1.1, -0.5, 7.0, 7.2 and 2.0 points: much in two of them.
# <!-- given: 1.1, 0.5, 7.0, 7.2, 2.0 -->
#
# </details>

# %% [markdown]
# ## Who is ahead on a small budget?
#
# You may not have the time for the best. Given as many steps (batches) as they want, 07's two networks with a stop
# each end 7.8 points ahead of the joint one. How far ahead are they after two epochs, if each step trains the two on
# the same batch?

# %% tags=["reveal"] claims=["A11"]
guess = ...  # points, -8 to 8
contenders = {"pictures": "pictures", "words": "words", "both, one stop": "both"}
over_steps = {name: within(clock_runs.select(way=way, scale=1.0), 25) for name, way in contenders.items()}
over_steps["two networks, a stop each"] = own_within(clock_runs, late, 25, seeds=range(8), scale=1.0)
ahead = (over_steps["two networks, a stop each"] - over_steps["both, one stop"]).mean(0)  # after each epoch
reveal(guess, round(ahead[1], 1), "Two networks ahead of the joint one after two epochs, in points")
show(figures.budget(over_steps), alt=figures.ALT["budget"])

# %% [markdown]
# For two epochs pictures alone nearly keep up with the best. **A second input, and a second stop, pay later.**

# %% [markdown]
# ## Does the ratio of the clocks say how much?
#
# An input's **clock** is the number of epochs that it takes alone to its best. In 07 two networks with a stop each
# gained more where the clocks were further apart. At a ratio of 2.7 (pictures x 0.1) it was 1.7 points.
#
# Emoji as *pixels* have a ratio of 2.6. How many points there?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # points, 0 to 8
found = {"07": outcomes(clock_runs, late, scale=1.0),
         "07, pictures x 0.1": outcomes(clock_runs, late, scale=0.1),
         "pixels": outcomes(pixels, data.load_curves("clocks_pixels_late"), rows=900),
         "digits, six inputs": of_views(data.load_curves("views"), data.load_curves("views_late"))}
reveal(guess, round((found["pixels"]["own"] - found["pixels"]["both"]).mean(), 1), "Pixels, points gained")
print(tables.ratios(found))

# %% [markdown]
# The widest gap gains most. But three ratios are nearly equal, and their gains run from 1.0 to 3.2 points. **The ratio
# says where to look, not how much you will find.**
#
# <details><summary>Do the pixels gain by their clocks at all?</summary>
#
# Hardly. Two networks with *one* stop gain nearly as much there; the second stop adds 0.3 points. <!-- given: 0.3 -->
#
# </details>

# %% [markdown]
# ## Does a smaller gradient mean a smaller step?
#
# To slow down a part of a network, you might multiply its gradient by a tenth. To freeze it, by zero.
#
# We follow some weights without a network, whose gradients all point roughly one way. With Adam the whole gradient
# takes them a distance of 1 in 100 steps. How far does a tenth take them?

# %% tags=["reveal"] claims=["07b.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # 0.1, 1, or something between
optimizers = {"SGD": lambda: keras.optimizers.SGD(0.01),
              "SGD, momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
              "Adam": lambda: keras.optimizers.Adam(0.001)}
plans = {"whole": [1] * 120, "tenth": [0.1] * 120,  # a factor for each step's gradient
         "zero later": [1] * 100 + [0] * 20}
far = {name: distances(make(), plans) for name, make in optimizers.items()}
reveal(guess, round(far["Adam"]["tenth"][99] / far["Adam"]["whole"][99], 1), "Adam, a tenth of the gradient")
print(tables.smaller_gradients(far))

# %% [markdown]
# Just as far. Adam divides a gradient by the size of recent ones, so a factor that was there from the first step on
# cancels. At gradient zero, momentum and Adam coast on for eight steps' worth, by the gradients they remember. Plain SGD
# does as it is told.
#
# **To freeze a part, freeze it (`FreezeWhen`, in 07). To slow it down, lower its *rate*.**
#
# <details><summary>Two published remedies that multiply</summary>
#
# OGM-GE (Peng and others, 2022) multiplies the stronger input's gradient by a factor below 1. Gradient-Blending (Wang,
# Tran and Feiszli, 2020) multiplies each head's loss by a weight: 65 % on 07's emoji, with Adam; equal weights get 66 %.
# <!-- given: 65, 66 -->
#
# </details>

# %% [markdown]
# ## What validation cannot see
#
# A stop believes what validation says. Here one input is a grey picture of clothing from Fashion-MNIST, the other a
# colour. In training and validation the colour gives the class away; in the test, as in the world, it is random.
#
# A network with both gets 99 % right in validation. And in the test?

# %% tags=["reveal"] claims=["07b.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent right in the test, 0 to 100
reveal(guess, round(kept(colour.select(way="both")).mean()), "Both, in the test, in percent")
said = {"gray": "grey alone", "both": "both", "frozen": "both, colour frozen after one epoch",
        "dropped": "both, half of the colours dropped"}
print(tables.right_and_right({name: colour.select(way=way) for way, name in said.items()}))  # five runs each

# %% [markdown]
# The network has learnt the colour, and validation applauds. Freezing or dropping the colour helps, but either stays
# far behind a network that never saw it (85 %).
#
# **No stop on this validation can be trusted: it is as deceived as training.** You need validation data that look like
# the world, or at least a test that does.

# %% [markdown]
# ## Which loss does Keras report wrongly?
#
# With several outputs, Keras reports a loss for each, and a stop may watch one. Here 33 rows come in batches of 32, so
# that the last row is a batch by itself. Its loss on words is 1.75, the mean of the other 32 is 1.05, and that of all
# 33 is 1.07. What does Keras report as `words_loss`?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # a loss, 1.05 to 1.75
model, x, labels = head_loss.thirty_three_rows()
said = {size: model.evaluate(x, labels, batch_size=size, verbose=0, return_dict=True) for size in (32, 33)}
reveal(guess, f"{said[32]['words_loss']:.2f}", "words_loss, in batches of 32")
for size, losses in said.items():
    print(f"in batches of {size}: words_loss {losses['words_loss']:.2f}, loss {losses['loss']:.2f}")
means = head_loss.mean_losses(model, x, labels, "words", slice(32), slice(32, 33))
print("by hand: the first 32 rows {:.2f}, the last {:.2f}".format(*means))

# %% [markdown]
# It is the mean of 1.05 and 1.75: for an output's own loss Keras 3.15.1 averages the *batches*, so one hard row counts
# as much as the 32 before it. The total `loss` is right.
#
# **If a stop watches `val_words_loss`, let `validation_batch_size` divide the number of rows.** (07 does.)

# %% [markdown]
# ## Three sentences to keep
#
# A noisy column needs more patience than a smooth one, even if it is the very number you care about. With Adam,
# multiplying a gradient by a constant from the first step on changes next to nothing; with momentum (Adam has it) a
# gradient of zero does not stop a part at once. A shortcut that works in validation as well as in training goes
# unnoticed.
#
# Back to [07](07_more_than_one_modality.ipynb), or on to the [cabinet of traps](90_cabinet_of_traps.ipynb).
