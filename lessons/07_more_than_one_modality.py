# %% [markdown]
# # Pictures alone: 62 %. Words alone: 62 %. And both together?
#
# You will
# - see what one stop costs a network with two inputs,
# - measure what each input is worth to a trained network,
# - give each input a stop of its own, and get a first hint whether it needs one.
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
from course_utils.classroom.chapter_07.outcomes import grid, outcomes
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")  # recorded trainings
results = outcomes(runs, late, scale=1.0)  # test accuracies in percent, of eight splits
split = emoji.split(seed=0)  # 900 emoji to train, 300 to validate, 444 to test
show(figures.four_bars(results, hidden=True), alt=figures.ALT["four_bars_hidden"])

# %% [markdown]
# The data are emoji in eight groups. Each comes in two forms, or **modalities**: a picture (as 1,280 features of the
# MobileNetV2 from [06](06_transfer_learning.ipynb)) and the words of its name (a 0 or 1 for each). Always naming the
# largest group gets 24 % right.
#
# One network with both inputs is little better than one with either. The last bar: the same data and layers of the
# same sizes, but in two networks, each with a loss and a stop of its own; at the end their probabilities are
# multiplied. How high is it?

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
# The article from [01](01_threshold_stop.ipynb) joins its inputs in a common way: a layer on each, then one that
# sees both. One loss, one stop:
#
# ```python
# pictures, words = keras.Input((1280,)), keras.Input((len(vocabulary),))
# seen = [keras.layers.Dense(64, "relu")(pictures), keras.layers.Dense(64, "relu")(words)]
# outputs = keras.layers.Dense(8)(keras.layers.Concatenate()(seen))
# ```
#
# `network` builds that; its last layer, the head, sees both, or one input alone. On the first split we train one
# network on pictures and one on both, with a patience of 3. Words take longest, so theirs was recorded.

# %% claims=["07.2"]
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
# An input's **clock** is the number of epochs that a network with it alone takes to its lowest validation loss.
# Pictures are done almost at once; words take several times as long. When is the network with both at its best?

# %% tags=["reveal"] claims=["07.1"]
guess = ...  # an epoch, counted from 0
reveal(guess, both.report.best_epoch, "Best epoch of the network with both")
show(figures.three_curves(ways), alt=figures.ALT["three_curves"])

# %% [markdown]
# Early: about when pictures alone are, and long before words. Then its loss rises, probably because its picture branch
# begins to learn the training set by heart, and the stop comes.
#
# ## Take one input away
#
# If so, the network that was kept should make little of the words. Replace them by their mean, which says nothing
# about a group. How many emoji does it still get right?

# %% tags=["reveal"]
guess = ...  # percent of the test
used = utilisation(joint, (x_test, y_test), reference=x)
reveal(guess, round(100 * used.without["words"]), "Right without the words, in percent")
print(used)
kept, without = (results[name].mean() for name in ("both", "without_words"))
print(f"mean of the eight splits: {kept:.0f} % with words, {without:.0f} % without")

# %% [markdown]
# It hardly misses them. The **utilisation rate** is the share of its accuracy that a network loses without an
# input: next to nothing for the words. It can read (without pictures it still gets half right), but beside the
# pictures its words add little.
#
# ## Then stop later?
#
# A later stop gives the words time, and the pictures time to overfit. To compare all stops, take two networks with
# one input each, and multiply their probabilities of each group; the largest product wins (**late fusion**). The
# validation loss, for every pair of epochs:

# %%
maps = [grid(late, scale=1.0, seed=seed) for seed in range(8)]
own = np.median(results["words_epoch"]), np.median(results["pictures_epoch"])
show(figures.stops_map(maps, own, np.median(results["one_epoch"])), alt=figures.ALT["stops_map"])

# %% [markdown]
# One stop for both can only move along the dashed line; the square is its best epoch. The circle, off the line, is
# lower: pictures stop early, words late.
#
# And the *joint* network? Let us cheat: for each split, choose its epoch by the test itself. How many does it get
# right?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of the test
reveal(guess, round(results["by_test"].mean()), "One network, its epoch chosen by the test, in percent")
print(f"two networks, one stop for both: {results['one'].mean():.0f} %")
print(f"two networks, a stop each:       {results['own'].mean():.0f} %")

# %% [markdown]
# No single stop saves it. Two networks do not either: most of the gain comes with the second stop. (With averaged
# probabilities it is the other way round: [07b](07b_more_on_several_inputs.ipynb).)
#
# ## What sets a clock?
#
# Multiply the features by a small constant. That changes no information: a network on pictures alone gets as good as
# before, only later, since the same step in the weights now moves its output less. (Pictures were so fast because their
# numbers are large, and many.) So the constant sets their clock. At a hundredth, how many does the joint network get
# right?

# %% tags=["reveal"] claims=["A9", "07.3"]
guess = ...  # percent right on the test
scales = {scale: outcomes(runs, late, scale=scale) for scale in (1.0, 0.3, 0.1, 0.03, 0.01)}
reveal(guess, round(scales[0.01]["both"].mean()), "One network, one stop, features x 0.01, in percent")
for name, values in x.items():
    print(f"one emoji's {name}, absolute values summed (mean): {np.abs(values).sum(1).mean():.0f}")
show(figures.by_scale(scales), alt=figures.ALT["by_scale"])

# %% [markdown]
# Pictures alone stay where they were. The joint network climbs to 75 % as the clocks draw level (their ratio is in
# brackets), and there a stop for each gains nothing.
#
# The habit to take home: **train each input alone until its validation loss turns, and compare the best epochs.** (A
# hint, no law: [07b](07b_more_on_several_inputs.ipynb) has two other data sets.)
#
# ## A stop inside a fit
#
# You need not build two networks. Give each input a head, so that it has a loss to watch. When the pictures' loss has
# stopped improving, `FreezeWhen` brings back their best weights and freezes them. The rest learns on, and only then
# the stop of the whole fit starts counting:

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
# Now it uses both. How does `FreezeWhen` do it? `trainable = False` alone changes nothing in mid-fit: the compiled step
# goes on as it was made (06). `model.make_train_function(force=True)` makes it anew, and keeps what the optimizer
# remembers.
#
# ## And both together?
#
# Two cheaper ways remain: a tenth of the learning rate for the pictures' layer, or the constant. On the eight splits:

# %% claims=["07.3"]
# NBVAL_CHECK_OUTPUT
first = results["both"]
print(f"{'one network, one stop':46}{first.mean():.0f} %")
for said, of in {"two networks, a stop each": results["own"],
                 "one network, pictures frozen at their best": results["frozen"],
                 "one network, pictures at a tenth of the rate": results["own_rate"],
                 "one network, one stop, features x 0.01": scales[0.01]["both"]}.items():
    print(f"{said:46}{of.mean():.0f} %, higher in {higher_in(of, first, 'splits')}")

# %% [markdown]
# Both together: 65 % with one stop, and 71 to 75 % once each input has its time, however you give it. A rate or
# a constant is cheap, if you know the factor. (We picked ours on these very splits.) A stop finds its moment by itself.
#
# ## Exercises
#
# **7.1 Which clock?** Validation losses of one more split. Which curve is pictures alone, which words alone, and which
# both in one network? Answer with three letters, in this order, such as "abc".

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
# values. Where val is the same at both, return infinity, `float("inf")`. Do not round.
#
# (This is the overfitting-to-generalisation ratio, OGR, of Wang, Tran and Feiszli, 2020. Well above 1, a network
# memorises; near 0, it learns what carries over.)

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
# What you need stands at the end of *A stop inside a fit*.

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
# each, and measure.
#
# Next: [08 But when?](08_but_when.ipynb). Which of all these rules is best?
