# %% [markdown]
# # Pictures alone: 62 %. Words alone: 62 %. And both together?
#
# You will
# - see what one stop costs a network with two inputs,
# - measure what each input is worth to a trained network,
# - give each input a stop of its own, and see whether it needs one.
#
# 25 minutes to read, 50 for the exercises. You need `&` and `|` between criteria from 01, restored
# weights from 03, `Armed` from 05, and `trainable` from 06. <!-- given: 62 -->

# %%
from course_utils.stopping import Above, Armed, Epochs, Patience, StopWhen, batches
from course_utils.multimodal import FreezeWhen, clocks, utilisation
from course_utils.classroom import data
from course_utils.classroom.comparisons import higher_in
from course_utils.classroom.chapter_07 import emoji, exercises as ex, figures
from course_utils.classroom.chapter_07.networks import network
from course_utils.classroom.chapter_07.outcomes import averaged, grid, kept, outcomes
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")  # recorded trainings
results = outcomes(runs, late, scale=1.0)  # test accuracies in percent, of eight splits
split = emoji.split(seed=0)  # 900 emoji to train, 300 to validate, 444 to test
show(figures.four_bars(results, hidden=True), alt=figures.ALT["four_bars_hidden"])

# %% [markdown]
# The data are emoji in eight groups. Each comes in two forms, or **modalities**: a picture (as 1,280 features of the
# MobileNetV2 from [06](06_transfer_learning.ipynb)) and the words of its name (1 for a word that it has, 0 for every
# other).
#
# One network with both is little better than one with either. The last bar: the same data in two networks, each with a
# stop of its own; their probabilities are multiplied. How high is it?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent right on the test; leave the dots to skip
reveal(guess, round(results["own"].mean()), "Two networks, a stop each, in percent")
print(f"one network, one stop: {results['both'].mean():.0f} %")
print("two compared with one:", figures.paired(results["own"], results["both"]))
print(f"always the largest group: {100 * np.bincount(split.test[1]).max() / len(split.test[1]):.0f} %")

# %% [markdown]
# Eight points more, from the same data. So what does the one network do with its second input?
#
# ## The article's model
#
# The article from [01](01_threshold_stop.ipynb) joins its inputs in a common way. One loss, one stop:
#
# ```python
# pictures, words = keras.Input((1280,)), keras.Input((len(vocabulary),))
# seen = [keras.layers.Dense(64, "relu")(pictures), keras.layers.Dense(64, "relu")(words)]
# outputs = keras.layers.Dense(8)(keras.layers.Concatenate()(seen))
# ```
#
# `network` builds that; its last layer, the head, sees both, or one input alone. On the first split we train one
# network on pictures and one on both, with a patience of 3. (The one on words is recorded, as are all other splits.)

# %% claims=["07.2"]
(x, y), validation, (x_test, y_test) = split.train, split.validation, split.test
widths = {name: values.shape[1] for name, values in x.items()}
ways = {way: runs.select(way=way, scale=1.0) for way in ("pictures", "words", "both")}


def trained(head):
    """A network whose head sees pictures, words, or both, with its best weights; and its history."""
    model = network(widths, classes=8, heads=(head,))
    stop = StopWhen(Patience("val_loss", 3), restore_best="val_loss")
    model.fit(batches(x, y, 16, seed=0), validation_data=validation, epochs=60, verbose=0, callbacks=[stop])
    return model, stop.history


(_, alone), (joint, _) = trained("pictures"), trained("both")
print(clocks({"pictures": alone, "words": ways["words"][0]}))

# %% [markdown]
# An input's **clock**: how many epochs a network trained on it alone takes to its lowest validation loss. (After 3
# epochs: the best is epoch 2.) Pictures are done almost at once, words much later. When is the network with both at
# its best? <!-- given: 3, 2 -->

# %% tags=["reveal"] claims=["07.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # an epoch of the first split, counted from 0
reveal(guess, results["both_epoch"][0], "Best epoch of the network with both")
for way in ways:
    at = results[f"{way}_epoch"]
    print(f"{way:9} best in epochs {at.min()} to {at.max()}, of the eight splits")

# %%
show(figures.three_curves(ways), alt=figures.ALT["three_curves"])

# %% [markdown]
# Early: in epochs 1 to 5, where pictures alone have 1 to 2 and words 13 to 23. Then its loss rises, probably because
# its picture branch learns the training set by heart.
#
# ## Take one input away
#
# What are the words to the network that was kept? Replace every emoji's words by their mean, which says nothing about
# a group. What becomes of its 65 % (mean of the splits)?

# %% tags=["reveal"]
guess = ...  # percent of the test
reveal(guess, round(results["without_words"].mean()), "Right without the words, in percent")
print("\nours, on the first split:")
print(utilisation(joint, (x_test, y_test), reference=x))

# %% [markdown]
# It hardly misses them. The **utilisation rate** is the share of its accuracy that a network loses without an
# input: next to nothing for the words. It can read (without pictures it gets about half right), but beside the pictures
# its words add little.
#
# ## Then stop later?
#
# A later stop gives the words time, and the pictures time to overfit. To try every pair of stops, take a network for
# each input. Multiply their probabilities of each group; the largest wins (**late fusion**). The product's validation
# loss:

# %%
maps = [grid(late, scale=1.0, seed=seed) for seed in range(8)]
own = np.median(results["words_epoch"]), np.median(results["pictures_epoch"])
show(figures.stops_map(maps, own, np.median(results["one_epoch"])), alt=figures.ALT["stops_map"])

# %% [markdown]
# One stop for both moves along the dashed line; the square is its best epoch. The circle is where each network, on its
# own, is at its best: pictures early, words late. It was not chosen on this map, and is brighter than the square.
#
# And the *joint* network? Let us cheat: for each split, choose its epoch by the test itself. How many are right?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of the test
reveal(guess, round(results["by_test"].mean()), "One network, its epoch chosen by the test, in percent")
print("two networks     one stop for both  a stop each")
for how, of in {"multiplied": results, "averaged": averaged(late, results)}.items():
    print(f"{how:17}{of['one'].mean():15.0f} %{of['own'].mean():11.0f} %")

# %% [markdown]
# No single stop saves the joint network. Nor do two networks that share a stop (67 %). But if their probabilities are
# *averaged*, one stop gets 71 % and two get 72 %: then most of the gain comes from having two networks. To see what a
# second stop is worth, we need a single network.
#
# ## A stop inside a fit
#
# Give each input a head of its own, beside the one that sees both. All three get the same labels; their losses are
# added up:

# %%
heads = ("pictures", "words", "both")
model = network(widths, classes=8, heads=heads)


def for_each_head(inputs, label):
    return inputs, dict.fromkeys(heads, label)


training, (x_val, y_val) = batches(x, y, 16, seed=0).map(for_each_head), for_each_head(*validation)

# %% [markdown]
# When the pictures' loss has stopped improving, `FreezeWhen` brings back the best weights of their two layers and
# freezes these. Its column (`name`) is 0, and 1 from the next epoch on. Only at that 1 the stop of the whole fit starts
# counting (`Armed`):

# %%
freeze = FreezeWhen(Patience("val_pictures_loss", 3), ["pictures_branch", "pictures_head"],
                    restore_best="val_pictures_loss", name="pictures_frozen")
patience = Patience("val_both_loss", 3, min_delta=0.01)  # for less than 0.01 we do not wait
stop = StopWhen(Armed(Above("pictures_frozen", 0.5), patience), restore_best="val_both_loss")
model.fit(training, validation_data=(x_val, y_val), validation_batch_size=300,  # all in one: 07b says why
          epochs=60, verbose=0, callbacks=[freeze, stop])  # in this order: stop reads what freeze writes
print(freeze.report.notes[0], stop.report.reason, sep="\n\n")
print(utilisation(model, (x_test, y_test), output="both", reference=x))

# %% [markdown]
# Now it uses both. How does `FreezeWhen` do it? `trainable = False` alone changes nothing in the middle of a fit: the
# compiled step goes on as it was built (06). `model.make_train_function(force=True)` builds it anew, and the optimizer
# keeps its memory.
#
# ## What sets a clock?
#
# Or slow the pictures down: multiply their features by a small constant. No information is lost; a network on them alone
# gets as good, only later, since the same step in the weights moves its output less. So the constant sets their clock.
# At a hundredth, how many does the joint network get right?

# %% tags=["reveal"] claims=["A9", "07.3"]
guess = ...  # percent right on the test
scales = {scale: outcomes(runs, late, scale=scale) for scale in (1.0, 0.3, 0.1, 0.03, 0.01)}
reveal(guess, round(scales[0.01]["both"].mean()), "One network, one stop, pictures x 0.01, in percent")
show(figures.by_scale(scales), alt=figures.ALT["by_scale"])

# %% [markdown]
# Pictures alone stay where they were. The joint network climbs to 75 % as the clocks draw level (their ratio is in
# brackets), and there a stop for each gains nothing.
#
# ## Which way, then?
#
# One more: a tenth of the rate for the pictures' layer (Keras 3.15):
#
# ```python
# adam, several = keras.optimizers.Adam, keras.optimizers.MultiOptimizer
# rates = keras.optimizers.OptimizerMap(adam(0.001), {"pictures_branch/.*": adam(0.0001)})
# model.compile(several(rates), loss=...)
# ```
#
# On the eight splits: <!-- given: 3.15 -->

# %% claims=["07.3"]
# NBVAL_CHECK_OUTPUT
first = results["both"]
print(f"{'one network, one stop':46}{first.mean():.0f} %")
for said, of in {"the same, with three heads": kept(data.load_curves("blending").select(way="equal")),
                 "one network, pictures frozen at their best": results["frozen"],
                 "two networks, a stop each": results["own"],
                 "one network, pictures at a tenth of the rate": results["own_rate"],
                 "one network, pictures x 0.01": scales[0.01]["both"]}.items():
    print(f"{said:46}{of.mean():.0f} %, higher in {higher_in(of, first, 'splits')}")

# %% [markdown]
# Both together: 65 % with one stop, 71 to 75 % once each input has its time or both need the same. The frozen network
# of this table has one head and freezes where pictures alone were best: it differs from the first in that alone. A rate or a constant is cheap, if you know the factor.
# (We picked ours on these very splits.) A stop needs none; here it got a little less.
#
# The habit to take home: **train each input alone until its validation loss turns, and compare the best epochs.** (A
# hint, no law: [07b](07b_more_on_several_inputs.ipynb).)
#
# ## Exercises
#
# **7.1 Which clock?** Validation losses of another split. Which curve is pictures alone, which words alone, and which
# both in one network? Three letters, in this order, such as "abc".

# %% tags=["exercise"]
ex.show_unnamed_curves()
answer = ...
ex.which_clock.check(answer)

# %% tags=["solution"]
ex.show_unnamed_curves()
answer = "bca"  # early; late; as early as the pictures, and a little lower
ex.which_clock.check(answer)

# %% [markdown]
# **7.2 Learning or learning by heart.** `train` and `val` are lists, the losses after each epoch. Return by how much
# the gap (val - train) has changed from epoch `start` to `end`, divided by how much val has changed, both as absolute
# values. Where val is the same at both, return infinity, `float("inf")`, even if the gap is the same, too. Do not
# round.
#
# (That is the overfitting-to-generalisation ratio, OGR, of Wang, Tran and Feiszli, 2020. While val falls: well above 1,
# mostly by heart; near 0, it learns what carries over. Once val rises, it overfits, whatever the ratio.)

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
# Somebody does that at epoch 3, and `pictures_branch` still moves. (The optimizer is AdamW.)
#
# ```python
# if epoch == 3:
#     self.model.get_layer("gate").open.assign(0)
# ```
#
# Write a better callback:
#
# - `pictures_branch` learns in epochs 0 to 2 and does not change at all from epoch 3 on,
# - everything else learns on as before; the optimizer forgets nothing.
#
# What you need is at the end of *A stop inside a fit*.

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
# **7.5 One rule, six clocks.** Six descriptions (views) of handwritten digits, each trained alone, each with its own
# clock. Give one criterion for all. On ten unseen splits it stops the training of each view, and the weights with the
# lowest `val_loss` so far are kept.
#
# - No view loses more than 0.5 points of test accuracy on average, compared with its epoch of lowest `val_loss` of 100.
# - Of all 6,000 epochs (6 views, 10 splits, 100 each) at most 75 % are trained. <!-- given: 0.5, 75 -->
#
# No fixed number of epochs does it: try `Epochs(75)`. `try_out` tries a rule on splits 0 to 9.

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
# One stop for several inputs can come too early for the slower ones, and a later one too late for the faster. Train each input alone until its validation loss
# turns, and compare the best epochs. Where they agree, one stop will probably do; where they differ, try a stop or a
# rate for each, and measure.
#
# Next: [08 But when?](08_but_when.ipynb). Which of all these rules is best?
