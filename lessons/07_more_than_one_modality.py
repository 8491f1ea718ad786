# %% [markdown]
# # Pictures alone: 62 %. Words alone: 62 %. And both together?
#
# You will
# - see what one stop costs a network with two inputs,
# - measure what each input is worth to a trained network,
# - give each part of a network its own stop, and get a first hint whether it needs one.
#
# 35 minutes to read, 40 for the exercises. You need `&` and `|` between criteria from 01, patience and
# restored weights from 03, `Armed` from 05, and `trainable` from 06. <!-- given: 62 -->

# %%
from course_utils.stopping import Above, Armed, Epochs, Patience, StopWhen, batches
from course_utils.multimodal import FreezeWhen, clocks, overfitting_ratio, utilisation
from course_utils.classroom import data
from course_utils.classroom.chapter_07 import emoji, exercises as ex, figures
from course_utils.classroom.chapter_07.networks import network
from course_utils.classroom.chapter_07.outcomes import averaged, grid, outcomes
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")  # recorded trainings
results, paired = outcomes(runs, late, scale=1.0), figures.paired
split = emoji.split(seed=0)
show(figures.four_bars(results, hidden=True), alt=figures.ALT["four_bars_hidden"])

# %% [markdown]
# The data are emoji in eight groups. Each comes in two forms, or **modalities**: a
# picture (as 1,280 features of the MobileNetV2 from [06](06_transfer_learning.ipynb)) and the words of its
# name (a 0 or 1 for each word). 900 are for training, 300 for validation, 444 for the test; the dots are eight ways
# to split them. Always naming the largest group gets 24 % right.
#
# One network with both inputs is little better than one with either. The last bar: the same data and layers of the
# same sizes, but in two networks, each with a loss and a stop of its own. How high is it?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent right on the test; leave the dots to skip
reveal(guess, round(results["own"].mean(), 1), "Two networks, a stop each, in percent")
for name in ("pictures", "words"):
    print(f"both in one network - {name} alone:", paired(results["both"], results[name]))
print("a stop each - one network, one stop:", paired(results["own"], results["both"]))
print(f"always the largest group: {100 * np.bincount(split.test[1]).max() / len(split.test[1]):.0f} %")

# %% [markdown]
# (±: the standard deviation of the difference over the splits.)
#
# ## The article's model
#
# The article from [01](01_threshold_stop.ipynb) joins its two inputs as everybody does: a layer on each, then one
# that sees both. One loss, one stop. In Keras:
#
# ```python
# pictures, words = keras.Input((1280,)), keras.Input((len(vocabulary),))
# seen = [keras.layers.Dense(64, "relu")(pictures), keras.layers.Dense(64, "relu")(words)]
# outputs = keras.layers.Dense(8)(keras.layers.Concatenate()(seen))
# ```
#
# `network` builds that; its last layer, the head, sees both, or one input alone. On the first split we train one on
# pictures and one on both, each stopped by a patience of 3 on its own validation loss. Words take longest: theirs
# is recorded (`trained("words")` gives the same).

# %%
(x, y), validation, (x_test, y_test) = split.train, split.validation, split.test
widths = {name: values.shape[1] for name, values in x.items()}
ways = {way: runs.select(way=way, scale=1.0) for way in ("pictures", "words", "both")}


def trained(head):
    """A network whose head sees pictures, words, or both, with its best weights; and its StopWhen."""
    model = network(widths, classes=8, heads=(head,))
    stop = StopWhen(Patience("val_loss", 3), restore_best="val_loss")
    model.fit(batches(x, y, 16, seed=0), validation_data=validation, epochs=60, verbose=0, callbacks=[stop])
    return model, stop


(_, pictures), (joint, both) = trained("pictures"), trained("both")
print(clocks({"pictures": pictures.history, "words": ways["words"][0]}))

# %% [markdown]
# An input's **clock** is the number of epochs that a network with only this input takes to its lowest validation
# loss. Pictures are done almost at once (why, we shall see): after 3 epochs, which is epoch 2, counted from 0. Words
# take many. When is the network that has both at its best?

# %% tags=["reveal"]
guess = ...  # an epoch, counted from 0
reveal(guess, both.report.best_epoch, "Best epoch of the network with both")
show(figures.three_curves(ways), alt=figures.ALT["three_curves"])

# %% [markdown]
# After a few epochs: close to where pictures alone are at their best, and far from words. Until then it is lower than
# either. Then its picture branch learns the training set by heart, the loss of the whole rises, and the stop comes.
# Words alone would go on learning for a dozen epochs or more.
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
# It hardly misses the names. The **utilisation rate**, the last column, is the share of its accuracy that a network
# loses without an input: next to nothing for the words. This network can read (without pictures it still gets half of
# the emoji right), but beside the pictures its words change almost nothing.
#
# ## Then stop later?
#
# A later stop gives the words time, and the pictures time to overfit. To see all stops at once, join the two networks
# with one input each after training: multiply the probabilities that they give a group, and take the group with the
# largest product (**late fusion**). For every pair of epochs:

# %%
maps = [grid(late, scale=1.0, seed=seed) for seed in range(8)]
own = np.median(results["words_epoch"]), np.median(results["pictures_epoch"])
show(figures.stops_map(maps, own, np.median(results["one_epoch"])), alt=figures.ALT["stops_map"])

# %% [markdown]
# With one stop for both you can only move along the dashed line; the square is the best epoch there. The circle,
# off the line, is lower: pictures stop early, words late. (It was chosen without the map.)
#
# So how much of the gain comes from two stops, and how much from having two networks? That depends on how you
# join them: you can also average the probabilities. And what if we cheat, and choose the joint network's epoch by
# the test itself?

# %%
# NBVAL_CHECK_OUTPUT
averages = averaged(late, results)
print(f"one network, one stop                  {results['both'].mean():.1f} %")
print(f"one network, epoch chosen by the test  {results['by_test'].mean():.1f} %")
for how, of in {"multiplied": results, "averaged": averages}.items():
    print(f"\ntwo networks, {how}")
    for name, said in {"one": "one stop for both", "own": "a stop each"}.items():
        print(f"  {said:20}{of[name].mean():.1f} %")
    print("  two networks - one network: ", paired(of["one"], results["both"]))
    print("  a stop each - one for both: ", paired(of["own"], of["one"]))

# %% [markdown]
# Both ways end near 72 %. If you multiply, a third of the gain comes from two networks and two thirds from
# two stops. If you average, two networks alone bring nearly all of it, probably because an overconfident network
# then does less harm; a stop for each is worth 0.7 ± 1.0 points, which we cannot tell from chance. So how you
# combine matters as much as when you stop.
#
# But no single stop would have saved the *joint* network, not even one chosen by the test: 67.7 %.

# %% [markdown]
# ## Why nobody sees it coming
#
# Multiply the features by a constant. That changes no information. A network on pictures alone gets as good as
# before, only later: the same step in the weights now moves its output less. (That is why pictures were so
# fast: their numbers are large, and many.) So the constant sets the pictures' clock. Make it smaller and smaller, down
# to a hundredth: how many points does the joint network gain, or lose?

# %% tags=["reveal"]
guess = ...  # points; with a minus if it loses
scales = {scale: outcomes(runs, late, scale=scale) for scale in (1.0, 0.3, 0.1, 0.03, 0.01)}
gain = round((scales[0.01]["both"] - results["both"]).mean(), 1)
reveal(guess, gain, "Both, one stop, features x 0.01 - x 1, in points")
show(figures.gain_by_ratio(scales), alt=figures.ALT["gain_by_ratio"])

# %%
# NBVAL_CHECK_OUTPUT
print("features  pictures alone  both, one stop  a stop each")
for scale, of in scales.items():
    rows = [f"{of[name].mean():{wide}.1f}" for name, wide in
            {"pictures": 14, "both": 15, "own": 12}.items()]
    print(f"x {scale:<6g}", *rows)
print("both, one stop, x 0.01 - x 1:", paired(scales[0.01]["both"], results["both"]))
for name, values in x.items():
    print(f"the numbers of one emoji, {name}: together {np.abs(values).sum(1).mean():.0f} in size")

# %% [markdown]
# Pictures alone stay between 61.9 and 63.0 %. The joint network gains 9.9 points as the clocks draw level, and
# then a stop for each gains nothing. Its own curve never told you what it was missing.
#
# The habit to take home: **train each input alone until its validation loss turns, and compare the best epochs.** It
# is no law: on [two other data sets](07b_more_on_several_inputs.ipynb) the ratio does not say how much there is to gain.

# %% [markdown]
# ## A stop inside a fit
#
# You need not build two networks. Give each input a head of its own, so that it has a loss to watch. When the
# pictures' loss has stopped improving, `FreezeWhen` brings back their best weights and freezes them. The rest goes
# on learning, and the stop of the whole fit starts counting only then:

# %%
heads = ("pictures", "words", "both")
model = network(widths, classes=8, heads=heads)
freeze = FreezeWhen(Patience("val_pictures_loss", 3), ["pictures_branch", "pictures_head"],
                    restore_best="val_pictures_loss", name="pictures_frozen")
stop = StopWhen(Armed(Above("pictures_frozen", 0.5), Patience("val_both_loss", 3, min_delta=0.01)),
                restore_best="val_both_loss")
x_val, y_val = validation
model.fit(batches(x, y, 16, seed=0).map(lambda inputs, label: (inputs, dict.fromkeys(heads, label))),
          validation_data=(x_val, dict.fromkeys(heads, y_val)),
          validation_batch_size=len(y_val),  # one batch: 07b says why
          epochs=60, verbose=0, callbacks=[freeze, stop])
print(freeze.report.notes[0], stop.report.reason, sep="\n\n")
print(utilisation(model, (x_test, y_test), output="both", reference=x))

# %% [markdown]
# Now it uses both. (Armed one epoch after the freeze: `pictures_frozen` is 1 where frozen layers were measured.) How does
# `FreezeWhen` do it? `trainable = False` alone changes nothing in mid-fit: the compiled step goes on as it was made
# (06). `model.make_train_function(force=True)` makes it anew, and keeps what the optimizer remembers.
#
# ## What else helps
#
# The pictures' layer can instead get a learning rate of its own, a tenth; or you make the clocks agree, by the
# constant. On the same eight splits:

# %%
# NBVAL_CHECK_OUTPUT
print("gain over one network with one stop")
for said, of in {"two networks, a stop each": results["own"],
                 "pictures frozen at their best": results["frozen"],
                 "pictures at a tenth of the rate": results["own_rate"],
                 "features x 0.03, one stop": scales[0.03]["both"]}.items():
    print(f"  {said:34}{paired(of, results['both'])}")

# %% [markdown]
# A rate of its own, or equal clocks, is as good as two stops, and cheap, once you know the factor.
#
# ## Overfitting in one number
#
# If you have only a few epochs, can you see whether an input learns by heart? Between two epochs, divide the change of
# the gap between validation and training loss by the change of the validation loss. That is the
# **overfitting-to-generalisation ratio** (Wang, Tran, Feiszli, 2020):
#
# $$\text{OGR} = \left|\frac{\Delta (L_\text{val} - L_\text{train})}{\Delta L_\text{val}}\right|$$

# %%
# NBVAL_CHECK_OUTPUT
print("OGR, epoch 0 to 2   median      range")
for said, way, scale in [("words", "words", 1.0), *((f"pictures x {s:g}", "pictures", s) for s in scales)]:
    ratios = [overfitting_ratio(run, start=0, end=2) for run in runs.select(way=way, scale=scale)]
    print(f"{said:20}{np.median(ratios):6.1f}{min(ratios):8.1f} to {max(ratios):.1f}")

# %% [markdown]
# Well above 1 is learning by heart, near 0 is learning. After three epochs it says what the clocks say: at x 1 pictures
# and words are far apart, in all eight splits, and at x 0.03 they are level. (Later on it says little: once the
# validation loss rises, it is above 1 for any input.)
#
# More is in the appendix, [07b](07b_more_on_several_inputs.ipynb).
#
# ## Exercises
#
# `hint()` and `solution()` stand by.
#
# **7.1 Which clock?** Validation losses of one more split, with the features x 1: pictures alone, words alone, and
# both in one network. Which curve is which? Answer with three letters, for pictures, words and both, in this order,
# such as "abc".

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
# `words_frozen`, 0 before and 1 after. (`&` asks for both criteria, `|` for either.)
#
# - Pictures are frozen once their own loss has gone three epochs without a new best, and words once theirs has.
# - Training ends once the joint loss has done so, counted from the first epoch in which both columns are 1,
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
# **7.5 One rule, six clocks.** Six inputs: six descriptions (views) of handwritten digits, each trained alone, each
# with its own clock. Give one criterion for all. On ten splits that you have not seen, 100 epochs each, it stops
# the training of each view, and the weights with the lowest `val_loss` so far are kept.
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
# One stop for several inputs can come too early for the slower ones. Train each input alone until its validation loss
# turns, and compare the best epochs. Where they agree, one stop will do; where they differ, try a stop or a rate for
# each, or another way to combine them, and measure, since it does not always pay.
#
# Next: [90 Cabinet of traps](90_cabinet_of_traps.ipynb).
