# %% [markdown]
# # Pictures alone: 62 %. Words alone: 62 %. And both together?
#
# You will
# - see what one stop costs a network with two inputs,
# - measure what each input is worth to a trained network,
# - give each part of a network its own stop, and get a first hint whether it needs one.
#
# 35 minutes to read, 50 for the exercises. You need `&` and `|` between criteria from 01, patience and
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
# The data are emoji in eight groups. Each comes in two forms, or **modalities**: a picture (as 1,280 features of the
# MobileNetV2 from [06](06_transfer_learning.ipynb)) and the words of its name (a 0 or 1 for each word). 900 train, 300
# validate, 444 test; the dots are eight ways to split them. Always naming the largest group gets 24 % right.
#
# One network with both inputs is little better than one with either. The last bar: the same data and layers of the same
# sizes, but in two networks, each with a loss and a stop of its own; at the end their probabilities are multiplied.
# How high is it?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent right on the test; leave the dots to skip
reveal(guess, round(results["own"].mean(), 1), "Two networks, a stop each, in percent")
for name in ("pictures", "words"):
    print(f"both in one network, compared with {name} alone:", paired(results["both"], results[name]))
print("a stop each, compared with one network and one stop:", paired(results["own"], results["both"]))
print(f"always the largest group: {100 * np.bincount(split.test[1]).max() / len(split.test[1]):.0f} %")

# %% [markdown]
# (After ± stands the standard deviation of the difference over the splits: how uneven it is. Whether there is any, the
# count tells better: nearly all splits should agree. A hint, no proof: all draw on the same emoji. Differences are
# rounded last.)
#
# ## The article's model
#
# The article from [01](01_threshold_stop.ipynb) joins its two inputs in a common way: a layer on each, then one that
# sees both. One loss, one stop:
#
# ```python
# pictures, words = keras.Input((1280,)), keras.Input((len(vocabulary),))
# seen = [keras.layers.Dense(64, "relu")(pictures), keras.layers.Dense(64, "relu")(words)]
# outputs = keras.layers.Dense(8)(keras.layers.Concatenate()(seen))
# ```
#
# `network` builds that; its last layer, the head, sees both, or one input alone. On the first split we train one on
# pictures and one on both, with a patience of 3. Words take longest: theirs is recorded.

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
# loss. Pictures are done almost at once: after 3 epochs, which is epoch 2, counted from 0. When is the network that has
# both at its best?

# %% tags=["reveal"]
guess = ...  # an epoch, counted from 0
reveal(guess, both.report.best_epoch, "Best epoch of the network with both")
show(figures.three_curves(ways), alt=figures.ALT["three_curves"])

# %% [markdown]
# After a few epochs: close to where pictures alone are at their best, and far from words. Then, probably, its picture
# branch learns the training set by heart; the loss of the whole rises, and the stop comes.
#
# ## Take one input away
#
# If so, the network that was kept should make little of the words. Ask it: replace an input by its mean, which
# says nothing about the group. How many emoji does it get right without their names?

# %% tags=["reveal"]
guess = ...  # percent of the test
used = utilisation(joint, (x_test, y_test), reference=x)
reveal(guess, round(100 * used.without["words"]), "Right without the words")
early = ways["words"][0]["test_accuracy"][both.report.best_epoch]
print(used, f"words alone, after as many epochs: {early:.3f}", sep="\n")
print("eight splits, with words compared with without:", paired(results["both"], results["without_words"]))

# %% [markdown]
# It hardly misses the names. The **utilisation rate** is the share of its accuracy that a network loses without an
# input: next to nothing for the words, in this split. It can read: without pictures it still gets half right, more than
# words alone do so early. But beside the pictures, its words add little.
#
# ## Then stop later?
#
# A later stop gives the words time, and the pictures time to overfit. To compare all stops, take the two networks that
# see one input each, and join them after training: for each group multiply their probabilities; the largest product wins
# (**late fusion**). The validation loss, for every pair of epochs:

# %%
maps = [grid(late, scale=1.0, seed=seed) for seed in range(8)]
own = np.median(results["words_epoch"]), np.median(results["pictures_epoch"])
show(figures.stops_map(maps, own, np.median(results["one_epoch"])), alt=figures.ALT["stops_map"])

# %% [markdown]
# With one stop for both you can only move along the dashed line; the square is the best epoch there. The circle,
# off the line, is lower: pictures stop early, words late. (Its epochs are each network's own best; the map was not
# used.)
#
# How much of the gain comes from two stops, and how much from two networks? That depends on how you join them: you can
# also average the probabilities. And what if we cheat, and choose the joint network's epoch by the test itself?

# %%
# NBVAL_CHECK_OUTPUT
averages = averaged(late, results)
print("right, %             one stop  a stop each  by the second stop")
print(f"one network         {results['both'].mean():9.1f}")
for how, of in {"multiplied": results, "averaged": averages}.items():
    means = f"{of['one'].mean():9.1f}{of['own'].mean():13.1f}"
    print(f"two, {how:15}{means}  {paired(of['own'], of['one'])}")
print(f"one network, epoch chosen by the test: {results['by_test'].mean():.1f} %")

# %% [markdown]
# If you multiply, a third of the gain comes from two networks and two thirds from two stops. If you average, two networks
# alone bring nearly all of it, probably because an overconfident network then does less harm; a stop for each brings 0.7
# points more, in 6 of 8 splits: too little and too uneven to build on.
#
# But no single stop would have saved the *joint* network, not even one chosen by the test: 67.7 %.

# %% [markdown]
# ## What sets a clock
#
# Multiply the features by a small constant. That changes no information. A network on pictures alone gets as good as
# before, only later: the same step in the weights now moves its output less. (That is why pictures were so
# fast: their numbers are large, and many.) So the constant sets their clock. At a hundredth, how many points does the
# joint network gain, or lose?

# %% tags=["reveal"]
guess = ...  # points; with a minus if it loses
scales = {scale: outcomes(runs, late, scale=scale) for scale in (1.0, 0.3, 0.1, 0.03, 0.01)}
gain = round((scales[0.01]["both"] - results["both"]).mean(), 1)
reveal(guess, gain, "Joint network, features x 0.01 compared with x 1, in points")
show(figures.gain_by_ratio(scales), alt=figures.ALT["gain_by_ratio"])

# %%
# NBVAL_CHECK_OUTPUT
print("features  pictures alone  both, one stop  a stop each")
for scale, of in scales.items():
    rows = [f"{of[name].mean():{wide}.1f}" for name, wide in
            {"pictures": 14, "both": 15, "own": 12}.items()]
    print(f"x {scale:<6g}", *rows)
print("both, one stop, x 0.01 compared with x 1:", paired(scales[0.01]["both"], results["both"]))
for name, values in x.items():
    print(f"one emoji's {name}, absolute values summed (mean): {np.abs(values).sum(1).mean():.0f}")

# %% [markdown]
# Pictures alone stay between 61.9 and 63.0 %. The joint network gains 9.9 points as the clocks draw level, and
# then a stop for each gains nothing. Its own curve gave no sign that they were missing.
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
# Now it uses both. (`pictures_frozen` is 1 from the first epoch on that runs with frozen layers.) How does `FreezeWhen`
# do it? `trainable = False` alone changes nothing in mid-fit: the compiled step goes on as it was made (06).
# `model.make_train_function(force=True)` makes it anew, and keeps what the optimizer remembers.
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
# A rate of its own, or equal clocks, is as good as two stops, and cheap, if you know the factor. (Ours, 0.03, was picked
# on these very splits.)
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
for way, scale in [("words", 1.0), ("pictures", 1.0), ("pictures", 0.3), ("pictures", 0.03)]:
    ratios = [overfitting_ratio(run, start=0, end=2) for run in runs.select(way=way, scale=scale)]
    said = f"{way} x {scale:g}" if way == "pictures" else way
    print(f"{said:20}{np.median(ratios):6.1f}{min(ratios):8.1f} to {max(ratios):.1f}")

# %% [markdown]
# Well above 1: the network memorises. Near 0: it learns something that carries over. (The 47.1: the validation loss has
# hardly changed, and one divides by nearly 0.) After three epochs it says what the clocks say: at x 1 pictures and words
# are far apart, in all eight splits, and at x 0.03 they are level. (Once the validation loss rises, it is above 1 for
# any input.)
#
# ## Exercises
#
# `hint()` and `solution()` stand by.
#
# **7.1 Which clock?** Validation losses of one more split: pictures alone, words alone, and both in one network. Which
# curve is which? Answer with three letters, for pictures, words and both, in this order, such as "abc".

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
# What you need stands at the end of *A stop inside a fit*. The check trains a tiny network for some seconds, and prints
# how far its layers move in each epoch.

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
# - Training ends once `val_both_loss` has gone three epochs without a new best, counted from the first epoch in which
#   both `_frozen` columns are 1,
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
# with its own clock. Give one criterion for all. On ten splits that you have not seen it stops the training of each
# view, and the weights with the lowest `val_loss` so far are kept.
#
# - No view loses more than 0.5 points of test accuracy on average, compared with the epoch of lowest `val_loss` of all.
# - Of all 6,000 epochs (6 views, 10 splits, 100 each) at most 75 % are trained. <!-- given: 0.5, 75 -->
#
# No fixed number of epochs does it. `try_out` tries a rule on splits 0 to 9.

# %% tags=["exercise"]
rule = ...  # while it is blank, you see what a patience of 1 would do
ex.try_out(rule)
ex.one_rule_six_clocks.check(rule)

# %% tags=["solution"]
rule = Patience("val_loss", 3)
ex.try_out(rule)
ex.one_rule_six_clocks.check(rule)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# One stop for several inputs can come too early for the slower ones. Train each input alone until its validation loss
# turns, and compare the best epochs. Where they agree, one stop will do; where they differ, try a stop or a rate for
# each, or another way to combine them, and measure.
#
# Next: [90 Cabinet of traps](90_cabinet_of_traps.ipynb).
