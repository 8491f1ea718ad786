# %% [markdown]
# # More on several inputs: what if one is missing, or lies?
#
# You will
# - hide an input in the test, and see what prepares a network for that,
# - meet a shortcut that no stop can see,
# - find out what a smaller gradient does to Adam, and which loss Keras reports wrongly.
#
# 25 minutes, five guesses, no exercises. An appendix to [07](07_more_than_one_modality.ipynb). Epochs are counted
# from 0.
#
# Run the set-up and the imports, then the short parts, in any order. Six are on several inputs: missing names, a
# shortcut, small gradients, a loss that Keras reports wrongly, clocks that differ, little time. Two lay in the same
# drawer: F1 and IoU.

# %%
from course_utils.stopping import Above, Armed, Patience
from course_utils.classroom import data
from course_utils.classroom.chapter_07 import clothes, head_loss, tables
from course_utils.classroom.chapter_07.factors import distances
from course_utils.classroom.chapter_07.outcomes import conditions, gained, kept, outcomes, own_within, within
from course_utils.classroom.chapter_07.figures import paired
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

# %% [markdown]
# ## What if the names are missing?
#
# In use, an input may be missing. The small network of 01 sees emoji as pixels, reads their names, and gets 64 %
# right; pictures alone would give 50 %. In the test we now *hide* all names: every emoji gets the same, average
# words. The network that knew both gets 28 %: names are the quick
# input here, and it leans on them.
#
# So we prepare it. In *training*, we *blank* the names of about half of the emoji, drawn anew in each epoch: all
# zeros, not the average. Then we hide all names in the test, as before. How many does it get right?

# %% tags=["reveal"] claims=["A10", "07b.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of the test, 0 to 64
recorded = data.load_curves("clocks_pixels")  # trainings on five splits
ways = {"pictures alone": "pictures", "both": "both", "both, half the names blanked": "names dropped",
        "both, pictures shifted": "shifted"}  # and mirrored: the usual augmentation of pictures
runs = {name: recorded.select(rows=900, way=way) for name, way in ways.items()}
hidden = kept(runs["both, half the names blanked"], "without_words").mean()
reveal(guess, round(hidden), "Names blanked in training and hidden in the test, percent right")
print(tables.hidden_names(runs))
gains = kept(runs["both, half the names blanked"]) - kept(runs["both"])
print("what blanking gains with names, in points:", *[f"{gain:+.1f}" for gain in gains])

# %% [markdown]
# Nearly as many as pictures alone, although a blanked name is zeros and a hidden one an average. **Blank an input at
# random in training, and the network can learn to do without it.** It also takes longer: it is best in epoch 22, not
# 9, as late as pictures alone.
#
# With names, too, it is right more often, by 3.4 points on average; but two of the five splits make most of it. The
# usual augmentation, pictures shifted and mirrored, changes next to nothing here. <!-- given: 3.4 -->

# %% [markdown]
# ## What can validation not see?
#
# A stop believes what validation says. Here one input is a grey picture of clothing from Fashion-MNIST, the other a
# colour. In training and validation the colour gives the class away; in the test, as in the world, it is random.

# %%
show(clothes.coloured(), alt=clothes.ALT)

# %% [markdown]
# A network with both gets 99 % right in validation. And in the test?

# %% tags=["reveal"] claims=["07b.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent right in the test, 0 to 100; by luck it would be 10
colour = data.load_curves("colour")
reveal(guess, round(kept(colour.select(way="both")).mean()), "Both, in the test, in percent")
ways = {"grey alone": "gray", "both": "both",
        "both, half of the colours blanked": "dropped"}  # in training: three zeros, black
print(tables.right_and_right({name: colour.select(way=way) for name, way in ways.items()}))  # five runs each

# %% [markdown]
# The network has learnt the colour, and validation applauds. A *missing* name it can learn to do without; this colour
# is there, and lies. Even with half of the colours blanked in training it
# stays far behind a network that never saw the colour.
#
# **With a network that sees the colour no stop on this validation can be trusted: it is as deceived as training.** You need validation data that look
# like the world, or at least a test that does.

# %% [markdown]
# ## Does a smaller gradient mean a smaller step?
#
# To slow a branch down, you might multiply its gradient by a tenth; to freeze it, by zero. What does the optimizer
# make of that? We feed it made-up gradients:
#
# - *always a tenth*: every gradient is a tenth as large. A step with whole gradients has length 1; how long is Adam's
#   now, in steps 80 to 99?
# - *a tenth from step 50*: the same question.
# - *zero from step 100*: how many full steps do the weights still coast on?
#
# Guess the first.

# %% tags=["reveal"] claims=["07b.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # 0.1, 1, or something between
optimizers = {"SGD": lambda: keras.optimizers.SGD(0.01),
              "SGD, momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
              "Adam": lambda: keras.optimizers.Adam(0.001)}
trials = {"whole": [1] * 120, "always a tenth": [0.1] * 120,  # a factor for each step's gradient
          "a tenth from 50": [1] * 50 + [0.1] * 70, "zero from 100": [1] * 100 + [0] * 20}
far = {name: distances(make(), trials) for name, make in optimizers.items()}
reveal(guess, round(tables.step_length(far["Adam"], "always a tenth"), 1), "Adam's step, always a tenth")
print(tables.smaller_gradients(far))

# %% [markdown]
# As long as ever: Adam divides a gradient by the size of recent ones, so a factor from the start cancels. One that
# comes *later* does slow it, less and less, for some thousands of steps: our trial ends long before. Once the gradient is zero, momentum and Adam
# coast on by about eight steps in the next 20. Plain SGD does as it is told.
#
# **To freeze a part, freeze it (`FreezeWhen`, in 07). To slow it down, lower its *rate*.**
#
# <details><summary>Two published remedies that multiply</summary>
#
# OGM-GE (Peng and others, 2022) multiplies the stronger input's gradient by a factor that changes as training goes
# on; Gradient-Blending (Wang and others, 2020) weights each head's loss, and so their mix in a shared branch.
#
# </details>

# %% [markdown]
# ## Which loss does Keras report wrongly?
#
# With several outputs, Keras reports a loss for each, and a stop may watch one. Here a network has two, `pictures`
# and `words`. Of 33 rows in batches of 32, the last is a batch by itself. Its loss at `words` is 1.75, the mean of
# the other 32 is 1.05, and that of all 33 is 1.07. What does Keras report as `words_loss`?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # a loss, 1.05 to 1.75
model, x, labels = head_loss.thirty_three_rows()
said = {size: model.evaluate(x, labels, batch_size=size, verbose=0, return_dict=True) for size in (32, 33)}
reveal(guess, f"{said[32]['words_loss']:.2f}", "words_loss, in batches of 32")
for size, losses in said.items():
    print(f"in batches of {size}:",
          ", ".join(f"{name} {losses[name]:.2f}" for name in ("pictures_loss", "words_loss", "loss")))
means = head_loss.mean_losses(model, x, labels, "words", slice(32), slice(32, 33))
print("words by hand: the first 32 rows {:.2f}, the last {:.2f}".format(*means))
total = sum(head_loss.mean_losses(model, x, labels, head, slice(33))[0] for head in labels)
print(f"total by hand: {total:.2f}")

# %% [markdown]
# It is the mean of 1.05 and 1.75: for an output's own loss Keras 3.15.1 averages the *batches*, so one hard row
# counts as much as the 32 before it. The total `loss` is right: here its parts do not add up to it.
#
# **If a stop watches `val_words_loss`, choose a `validation_batch_size` that divides the number of rows.** 07 has its
# 300 rows in one.

# %% [markdown]
# ## Do clocks that differ promise a gain?
#
# In 07, words took 7.4 times as many epochs as pictures, and a second stop brought two networks, multiplied, 5.2
# points; with pictures x 0.1, 2.7 times and 2.2 points. In the small network of 01, on pixels, pictures are the slow
# ones, by 2.6 times. How many points does a second stop bring there? <!-- given: 7.4, 5.2, 2.7, 2.2, 2.6 -->

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # points, 0 to 10
emoji = data.load_curves("clocks"), data.load_curves("clocks_late")
pixels = outcomes(data.load_curves("clocks_pixels"), data.load_curves("clocks_pixels_late"), rows=900)
reveal(guess, round((pixels["own"] - pixels["one"]).mean(), 1), "On pixels, points by the second stop")
for name, of in {"07": outcomes(*emoji, scale=1.0), "07, pictures x 0.1": outcomes(*emoji, scale=0.1),
                 "pixels": pixels}.items():
    ratio = np.median(np.maximum(of["ratio"], 1 / of["ratio"]))  # slower clock / faster clock
    print(f"{name:18} clocks {ratio:.1f}, second stop {paired(of['own'], of['one'])}")

# %% [markdown]
# At nearly the same ratio, 2.2 points there and next to nothing here, where the pictures are the slow input. **Clocks that differ are a
# reason to try a second stop, no promise.**

# %% [markdown]
# ## And with little time?
#
# The article of [01](01_threshold_stop.ipynb) speaks of limited resources. In 07, two networks with a stop each beat
# one with one stop. Do they, if training must end after two epochs? Each keeps the weights of its lowest validation
# loss so far; for two networks, two epochs are two of each.

# %% claims=["A11"]
# NBVAL_CHECK_OUTPUT
runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")
ways = {"pictures alone": "pictures", "words alone": "words", "both, one stop": "both"}
right = {name: within(runs.select(way=way, scale=1.0), 25) for name, way in ways.items()}
right["two networks, a stop each"] = own_within(runs, late, 25, seeds=range(8), scale=1.0)
print(tables.after_epochs(right, (2, 10, 25)))

# %% [markdown]
# No: both have 63 %. **Two networks pay later: 71 % against 65 after ten epochs.** (Words have 64
# after ten and 62 after 25: the stop keeps the lowest loss, not the most right.)

# %% [markdown]
# ## Left over: F1 and IoU
#
# Two questions that have little to do with several inputs: the article of 01 says that a stop could watch F1, that of
# [05](05_stop_time_pruning.ipynb) names accuracy and IoU.
#
# ### Could a stop watch F1?
#
# F1 is high if a network finds most members of a group and few strangers; we average it over the groups. How many
# points of F1 does a stop on `val_f1` gain in the test over one on `val_loss` with the same patience? Ten splits, three
# settings; in the last, three of the eight groups are rare: a tenth of their emoji is left.

# %% claims=["A8"]
# NBVAL_CHECK_OUTPUT
recorded = data.load_curves("conditions")
settings = {"joint network of 07": dict(rate=1.0, kept_share=1.0),
            "pictures' rate / 10": dict(rate=0.1, kept_share=1.0),
            "pictures' rate / 10, three groups rare": dict(rate=0.1, kept_share=0.1)}
points = {name: [gained(conditions(recorded, **setting, patience=n), "val_f1") for n in (3, 10)]
          for name, setting in settings.items()}
print(tables.f1_gained(points))

# %% [markdown]
# With the network of 07 the loss turns up early, when the pictures overfit, and F1 probably later. With the lower rate and patience 3, watching F1 costs 0.7 points, with rare
# groups 1.9; with patience 10 it makes little difference. Perhaps F1 jumps about more than a patience of 3 allows
# for.
#
# **Before you stop on the number you care about, compare it with the loss, on your data.**

# %% [markdown]
# ### Accuracy or IoU?
#
# A network marks the pixels of a digit, some 3 % of the picture. IoU is the overlap of marked and true pixels,
# divided by all in either. When does each of three rules stop six recorded trainings of 40 epochs? The last is armed
# once IoU has passed 0.1. <!-- given: 3 -->

# %% claims=["C6"]
# NBVAL_CHECK_OUTPUT
patience = Patience("val_iou", 3, min_delta=0.01, mode="max")
print(tables.where_they_stop(data.load_curves("pruning_masks").select(), {
    "accuracy > 0.95": Above("val_accuracy", 0.95), "IoU, patience 3": patience,
    "IoU, armed": Armed(Above("val_iou", 0.1), patience)}))

# %% [markdown]
# A network that marks nothing has nearly all pixels right: "finished" in epoch 0. IoU begins near 0 and stays there for
# longer than the bare patience waits. **Arm the patience, and it waits for the digit.**

# %% [markdown]
# ## Three sentences to keep
#
# Blank an input at random in training, and the network can learn to do without it. With Adam, multiplying a gradient
# by a constant from the first step on changes next to nothing: lower the part's rate, or freeze it. A shortcut that
# works in validation as well as in training goes unnoticed.
#
# Back to [07](07_more_than_one_modality.ipynb), or on to [08 But when?](08_but_when.ipynb).
