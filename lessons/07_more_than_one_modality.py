# %% [markdown]
# # Pictures alone: 62 %. Words alone: 62 %. And both together?
#
# You will
# - see how one stop decides what a network makes of two inputs,
# - measure what each input is worth to a trained network,
# - give each part of a network its own stop, and find out beforehand whether it needs one.
#
# 30 minutes to read, 30 for the exercises. You need patience and restored weights from 03, `Armed` from 05,
# and `trainable` from 06. <!-- given: 62 -->

# %%
from course_utils.stopping import Above, Armed, Epochs, Patience, StopWhen, batches
from course_utils.multimodal import FreezeWhen, clocks, overfitting_ratio, utilisation
from course_utils.classroom import data
from course_utils.classroom.chapter_07 import emoji, exercises as ex, figures
from course_utils.classroom.chapter_07.networks import network
from course_utils.classroom.chapter_07.outcomes import grid, kept, outcomes
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")
came, paired = outcomes(runs, late, scale=1.0), figures.paired
show(figures.four_bars(came, hidden=True), alt=figures.ALT["four_bars_hidden"])

# %% [markdown]
# The data are emoji in eight groups, such as *food-drink*. Each comes in two forms, or **modalities**: a
# picture (as 1,280 features of the MobileNetV2 from [06](06_transfer_learning.ipynb)) and the words of its
# name. 900 are for training, 300 for validation, 444 for the test; the dots are eight ways to split them.
#
# One network that has both inputs is hardly better than one that has either. The last bar has the same data
# and the same layers, and other stops. How high is it?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent right on the test; leave the dots to skip
reveal(guess, round(came["own"].mean(), 1), "Two networks, a stop each, in percent")
for name in ("pictures", "words"):
    print(f"both in one network - {name} alone:", paired(came["both"], came[name]))
print("a stop each - one network, one stop:", paired(came["own"], came["both"]))

# %% [markdown]
# Now slowly.
#
# ## The article's model
#
# The first article joins its inputs as everybody does: a layer on each, then one that sees both. One loss, one
# stop. In Keras:
#
# ```python
# pictures, words = keras.Input((1280,)), keras.Input((len(vocabulary),))
# seen = [keras.layers.Dense(64, "relu")(pictures), keras.layers.Dense(64, "relu")(words)]
# outputs = keras.layers.Dense(8)(keras.layers.Concatenate()(seen))
# ```
#
# `network` builds that; asked for one input, it leaves the other out. We train all three on the first split, each
# with its own patience.

# %%
split = emoji.split(seed=0)
(x, y), validation, (x_test, y_test) = split.train, split.validation, split.test
widths = {name: values.shape[1] for name, values in x.items()}


def trained(head):
    """A network that sees pictures, words, or both, with its best weights; and its StopWhen."""
    model = network(widths, classes=8, heads=(head,))
    stop = StopWhen(Patience("val_loss", 5), restore_best="val_loss")
    model.fit(batches(x, y, 16, seed=0), validation_data=validation, epochs=60, verbose=0, callbacks=[stop])
    return model, stop


(_, pictures), (_, words), (joint, both) = (trained(head) for head in ("pictures", "words", "both"))
print(clocks({"pictures": pictures.history, "words": words.history}))

# %% [markdown]
# An input's **clock** is how long it takes, alone, until it is at its best. Pictures are done almost at once
# (why, we shall see), and words take many epochs. When is the network that has both at its best?

# %% tags=["reveal"]
guess = ...  # an epoch, counted from 0
reveal(guess, both.report.best_epoch, "Best epoch of the network with both")
ways = {way: runs.select(way=way, scale=1.0) for way in ("pictures", "words", "both")}
show(figures.three_curves(ways), alt=figures.ALT["three_curves"])

# %% [markdown]
# Within a few epochs: close to the pictures, and far from the words. (Small marks: the other splits.) After that its
# part for pictures learns the training set by heart, the loss of the whole rises, and the stop comes. Words alone
# would go on learning for a dozen epochs.
#
# ## Take one input away
#
# If so, the network that was kept should make little of the words. Ask it: replace an input by its mean, which
# says nothing about the group. How many emoji does it get right without their names?

# %% tags=["reveal"]
guess = ...  # percent of the test
used = utilisation(joint, (x_test, y_test), reference=x)
reveal(guess, round(100 * used.without["words"]), "Right without the words")
print(used)

# %% [markdown]
# It hardly misses them. The **utilisation rate** is the share of its accuracy that a network loses without an
# input: next to nothing for the words, a good part for the pictures. This network can read (it gets half of them
# right without pictures), but beside the pictures its words change almost nothing.
#
# ## Then stop later?
#
# A later stop gives the words time, and the pictures time to overfit. To see all stops at once, take the two
# networks with one input each and combine them: add up the logarithms of their chances. For every pair of epochs:

# %%
maps = [grid(late, scale=1.0, seed=seed) for seed in range(8)]
own = np.median(came["words_epoch"]), np.median(came["pictures_epoch"])
show(figures.stops_map(maps, own, np.median(came["one_epoch"])), alt=figures.ALT["stops_map"])

# %% [markdown]
# One stop for both walks along the dashed line; the square is the best it can do. The lowest loss is off the line:
# pictures stop early, words late.
#
# So how much of the gain comes from the stops, and how much from having two networks? And what if we cheat, and
# choose the joint network's epoch by the test itself?

# %%
# NBVAL_CHECK_OUTPUT
for name, said in {"both": "one network, one stop", "by_test": "one network, epoch chosen by the test",
                   "one": "two networks, one stop for both", "own": "two networks, a stop each"}.items():
    print(f"{said:38}{came[name].mean():5.1f} %")
print("two networks - one network:", paired(came["one"], came["both"]))
print("a stop each - one for both:", paired(came["own"], came["one"]))
gains = []
for seed, pictures_end, words_end in zip(range(8), came["pictures_epoch"], came["words_epoch"]):
    loss, right = (grid(late, f"mean_{column}", scale=1.0, seed=seed)
                   for column in ("val_loss", "test_accuracy"))
    end = np.argmin(np.diagonal(loss))
    gains.append((100 * right[end, end], 100 * right[pictures_end, words_end]))
averaged = np.transpose(gains)
print("chances averaged, not their logarithms:")
print("  two networks - one network:", paired(averaged[0], came["both"]))
print("  a stop each - one for both:", paired(averaged[1], averaged[0]))

# %% [markdown]
# A third of the gain comes from two networks, two thirds from two stops, if logarithms are added. Average the chances
# themselves, and an overconfident network does less harm: then two networks alone bring nearly all of it. How you
# combine matters as much as when you stop.
#
# But no single stop would have saved the *joint* network, not even one that had seen the test.

# %% [markdown]
# ## Why nobody sees it coming
#
# Multiply the features by a constant. That changes no information. A network on pictures alone gets as good as
# before, only later, since each step now does less. (That is why pictures were so fast: their features are large.) So
# the constant sets the pictures' clock. Make it smaller and smaller: will the joint network get better, worse, or neither?

# %%
scales = {scale: outcomes(runs, late, scale=scale) for scale in (1.0, 0.3, 0.1, 0.03, 0.01)}
show(figures.gain_by_ratio(scales), alt=figures.ALT["gain_by_ratio"])

# %%
# NBVAL_CHECK_OUTPUT
print("features  pictures  words  both, one stop  a stop each")
for scale, of in scales.items():
    rows = [f"{of[name].mean():{wide}.1f}" for name, wide in
            {"pictures": 8, "words": 6, "both": 15, "own": 12}.items()]
    print(f"x {scale:<6g}", *rows)
print("both, one stop, x 0.01 - x 1:", paired(scales[0.01]["both"], came["both"]))

# %% [markdown]
# The networks with one input look alike in every row. The joint one gains 9.9 points as the clocks draw level, and
# then a stop for each gains nothing. Its own curve never told you what it was missing.
#
# The habit to take home: **train each input alone for a few epochs, and compare their best epochs.** It is a
# habit and no law: the ratio orders five points of one data set, and we know of no threshold.

# %% [markdown]
# ## A stop inside a fit
#
# You need not build two networks. Give each input a small output of its own (a head, as in 06), so that it has a
# loss to watch. When the pictures' loss has had enough, `FreezeWhen` brings back their best weights and freezes
# them. The rest learns on, and the stop of the whole waits for that:

# %%
heads = ("pictures", "words", "both")
model = network(widths, classes=8, heads=heads)
freeze = FreezeWhen(Patience("val_pictures_loss", 3), ["pictures_branch", "pictures_head"],
                    restore_best="val_pictures_loss", name="pictures_frozen")
stop = StopWhen(Armed(Above("pictures_frozen", 0.5), Patience("val_both_loss", 3)),
                restore_best="val_both_loss")
x_val, y_val = validation
model.fit(batches(x, y, 16, seed=0).map(lambda x, y: (x, dict.fromkeys(heads, y))),
          validation_data=(x_val, dict.fromkeys(heads, y_val)), validation_batch_size=len(y_val),
          epochs=60, verbose=0, callbacks=[freeze, stop])
print(freeze.report, stop.report, sep="\n\n")
print(utilisation(model, (x_test, y_test), output="both", reference=x))

# %% [markdown]
# Now it uses both. (In the first report, "another callback" is the stop.) How does `FreezeWhen` do it? `trainable = False`
# alone changes nothing in mid-fit: the compiled step goes on as it was made (06). `model.make_train_function(force=True)`
# makes it anew, and keeps what the optimizer remembers of earlier gradients.
#
# ## What else helps
#
# The pictures' layer can instead get a learning rate of its own, a tenth; or you make the clocks agree, by the
# constant. On the same eight splits:

# %%
# NBVAL_CHECK_OUTPUT
print("gain over one network with one stop")
for said, of in {"two networks, a stop each": came["own"], "pictures frozen at their best": came["frozen"],
                 "pictures at a tenth of the rate": came["own_rate"],
                 "features x 0.03, one stop": scales[0.03]["both"]}.items():
    print(f"  {said:34}{paired(of, came['both'])}")
pixels = outcomes(data.load_curves("clocks_pixels"), data.load_curves("clocks_pixels_late"), rows=900)
print(f"pixels: words take {np.median(pixels['ratio']):.1f} times the epochs of pictures")
print(f"  {'two networks, a stop each':34}{paired(pixels['own'], pixels['both'])}")
print(f"  {'  of it, by a stop each':34}{paired(pixels['own'], pixels['one'])}")
views, sums = data.load_curves("views"), data.load_curves("views_late").select(views="+".join(data.VIEWS))
six = kept(views.select(way="all"))
print(f"digits: one network, one stop, {six.mean():.1f} %")
own = np.array([100 * run["own_test_accuracy"][0] for run in sums])
print(f"  {'six networks, a stop each':34}{paired(own, six)}")

# %% [markdown]
# A rate of its own, or equal clocks, is as good as two stops, and cheap.
#
# **When a stop for each helps little.** The emoji as *pixels*, with the network of [01](01_threshold_stop.ipynb):
# words are the fast input there, the clocks are far apart, and two networks gain 3.2 points, but next to nothing
# of it comes from the stops. So much for a law. And handwritten *digits* in six descriptions: one network with one
# stop is within a point of six.

# %% [markdown]
# ## Overfitting in one number
#
# How to see early that an input learns by heart? Between two epochs, divide what the gap between validation and
# training loss has grown by what the validation loss has fallen. That is the
# **overfitting-to-generalisation ratio** (Wang, Tran, Feiszli, 2020):
#
# $$\text{OGR} = \left|\frac{\Delta (L_\text{val} - L_\text{train})}{\Delta L_\text{val}}\right|$$

# %%
# NBVAL_CHECK_OUTPUT
for name in ("pictures", "words"):
    ratios = [overfitting_ratio(run, start=0, end=2) for run in ways[name]]
    print(f"{name:9}epoch 0 to 2: median {np.median(ratios):.1f}, {min(ratios):.1f} to {max(ratios):.1f}")

# %% [markdown]
# Well above 1 is learning by heart, near 0 is learning. After three epochs the two are already told apart, in
# all eight splits. (Later on it says little: once the validation loss rises, it is above 1 for any input.)
#
# F1 and AUC as conditions, augmentation, a budget, and remedies that do little are in the appendix,
# [07b](07b_more_on_several_inputs.ipynb).
#
# ## Exercises
#
# Put your answer where the dots are and run the cell. `hint()` and `solution()` stand by.
#
# **7.1 Which clock?** Validation losses of one more split, with the features x 1, of three networks: pictures
# alone, words alone, and both with one stop. Which curve is which? The answer is a string of three letters,
# for pictures, words and both, in this order, such as "abc".

# %% tags=["exercise"]
ex.show_unnamed_curves()
answer = ...
ex.which_clock.check(answer)

# %% tags=["solution"]
ex.show_unnamed_curves()
answer = "bca"  # early; late; as early as the pictures, and a little lower
ex.which_clock.check(answer)

# %% [markdown]
# **7.2 Learning or learning by heart.** `train` and `val` are lists, the losses after each epoch. Return the
# OGR between the epochs `start` and `end`: by how much the gap (val - train) has changed, divided by how much
# val has changed, both as absolute values. Where val is the same at both epochs, return infinity,
# `float("inf")`. Do not round.

# %% tags=["exercise"]
def ogr(train, val, start, end):
    return ...


ex.overfitting_ratio.check(ogr)

# %% tags=["solution"]
def ogr(train, val, start, end):
    gained = val[end] - val[start]
    gap = (val[end] - train[end]) - (val[start] - train[start])
    return abs(gap / gained) if gained else float("inf")


ex.overfitting_ratio.check(ogr)

# %% [markdown]
# **7.3 A branch that stands still.** A helper layer, `gate`, can multiply the gradient of `pictures_branch` by 0.
# Somebody does that at epoch 3, and the layer still moves. (The optimizer is AdamW.)
#
# ```python
# if epoch == 3:
#     self.model.get_layer("gate").open.assign(0)
# ```
#
# Write a better callback:
#
# - `pictures_branch` learns in epochs 0 to 2 and stands exactly still from epoch 3 on,
# - everything else learns on as before.
#
# The check trains a tiny network for six epochs, some seconds, and prints how far its layers move in each.

# %% tags=["exercise"]
class Freeze(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        return ...  # your lines instead of this one


ex.freeze.check(Freeze)

# %% tags=["solution"]
class Freeze(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            self.model.get_layer("pictures_branch").trainable = False
            self.model.make_train_function(force=True)


ex.freeze.check(Freeze)

# %% [markdown]
# **7.4 A stop each.** Two `FreezeWhen` and a `StopWhen` share a fit. Give their three criteria. Columns are
# `val_pictures_loss`, `val_words_loss`, `val_both_loss`, their sum `val_loss`, and `pictures_frozen` and
# `words_frozen`, 0 before and 1 after.
#
# - Pictures are frozen once their own loss has gone three epochs without a new best, and words once theirs has.
# - Training ends once the joint loss has done so, counted from where both are frozen,
# - or after 50 epochs, since an input might never freeze.

# %% tags=["exercise"]
answer = ..., ..., ...  # for pictures, for words, for the end of training
ex.own_stops.check(answer)

# %% tags=["solution"]
frozen = Above("pictures_frozen", 0.5) & Above("words_frozen", 0.5)
answer = (Patience("val_pictures_loss", 3), Patience("val_words_loss", 3),
          Armed(frozen, Patience("val_both_loss", 3)) | Epochs(50))
ex.own_stops.check(answer)

# %% [markdown]
# **7.5 One rule, six clocks.** The six views of the digits have six clocks. Give one criterion for all. On
# ten splits that you have not seen, 100 epochs each, it stops every view's training and keeps the best
# `val_loss` so far.
#
# - No view loses more than 0.5 points of test accuracy on average, compared with the epoch of
#   lowest `val_loss` out of all 100.
# - At most 75 % of the epochs are trained. <!-- given: 0.5, 75 -->
#
# No fixed number of epochs does it. The first line tries a rule on splits 0 to 9.

# %% tags=["exercise"]
ex.try_out(Patience("val_loss", 1))  # put your rule in place of this one
rule = ...
ex.one_rule_six_clocks.check(rule)

# %% tags=["solution"]
ex.try_out(Patience("val_loss", 3))
rule = Patience("val_loss", 3)
ex.one_rule_six_clocks.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# One stop for several inputs can come too early for the slower ones. Train each input alone for a few epochs and compare
# their best epochs. Where they agree, one stop will do; where they differ, try a stop or a rate for each, and measure, since it
# does not always pay.
#
# Next: [90 Cabinet of traps](90_cabinet_of_traps.ipynb).
