# %% [markdown]
# # Pictures alone: 62 %. Words alone: 62 %. And both together?
#
# You will
# - see what one stop costs a network with two inputs,
# - measure what each input is worth to a trained network,
# - give each input a stop of its own, and see whether it needs one.
#
# 30 minutes to read, 60 for the exercises. You need `&` and `|` from 01, restored weights from 03, `Armed`
# from 05, and `trainable` from 06. <!-- given: 62 -->

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

show(figures.examples(data.load_openmoji()), alt=figures.ALT["examples"])

# %% [markdown]
# An emoji goes in, one of eight groups comes out; hearts belong to three of them, cats to two. Each comes in two
# **modalities**: its picture (1,280 features of the MobileNetV2 from [06](06_transfer_learning.ipynb)) and the words of
# its name (a 1 for every word in the name, a 0 for every other word).

# %%
runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")  # recorded trainings
results = outcomes(runs, late, scale=1.0)  # test accuracies in percent, of eight splits
split = emoji.split(seed=0)  # 900 emoji to train, 300 to validate, 444 to test
show(figures.four_bars(results, hidden=True), alt=figures.ALT["four_bars_hidden"])

# %% [markdown]
# The last bar is for two networks, one for each input, each with its own stop. For every emoji we multiply their two
# probabilities of each group; the largest product wins (**late fusion**). How high is the bar?

# %% tags=["reveal"]
guess = ...  # percent right on the test; leave the dots to skip
reveal(guess, round(results["own"].mean()), "Two networks, a stop each, in percent")
print(f"one network, one stop: {results['both'].mean():.0f} %")
print("two compared with one:", figures.paired(results["own"], results["both"]))
print(f"always the largest group: {100 * np.bincount(split.test[1]).max() / len(split.test[1]):.0f} %")
show(figures.four_bars(results), alt=figures.ALT["four_bars"])

# %% [markdown]
# Eight points more, from the same data. So what does the one network do with its second input?
#
# ## The article's model
#
# The article from [01](01_threshold_stop.ipynb) joins its inputs in a common way, with one loss and one stop:
#
# ```python
# pictures, words = keras.Input((1280,)), keras.Input((n_words,))
# branches = [keras.layers.Dense(64, "relu")(pictures), keras.layers.Dense(64, "relu")(words)]
# outputs = keras.layers.Dense(8)(keras.layers.Concatenate()(branches))
# ```
#
# Each input has a hidden layer of its own, its *branch*. The last layer, the *head*, sees one branch or, in the *joint*
# network, both. On the first split we train a network on pictures and a joint one, with a patience of 3. (All others
# are recorded.)

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


(_, alone), (joint, together) = trained("pictures"), trained("both")
print(clocks({"pictures": alone, "words": ways["words"][0]}))

# %% [markdown]
# An input's **clock** is the number of epochs that a network on it alone takes to its lowest validation loss. (Careful:
# we count epochs from 0, so "best after 3" means that epoch 2 was the best.) When is the joint network at its best?
# <!-- given: 3, 2 -->

# %% tags=["reveal"] claims=["07.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # an epoch of the first split, counted from 0
reveal(guess, results["both_epoch"][0], "Best epoch of the joint network")
lowest = {way: np.array([min(run["val_loss"]) for run in ways[way]]) for way in ways}
print("          lowest loss, first split  best epoch, all splits")
for way, losses in lowest.items():
    at = results[f"{way}_epoch"]
    print(f"{way:10}{losses[0]:24.2f}{at.min():19} to {at.max()}")
print("words alone get lower than the joint network in", higher_in(lowest["both"], lowest["words"], "splits"))

# %% tags=["reveal"]
print("ours: best in epoch", int(np.argmin(together["val_loss"])))
show(figures.three_curves(ways), alt=figures.ALT["three_curves"])

# %% [markdown]
# About as early as pictures alone. Then its loss rises, probably because the picture branch learns the training set by
# heart. Look at the heights, too: in 6 of the 8 splits, this one among them, its loss never gets as low as that of
# words alone, although on average it is right a little more often (65 % against 62 %). <!-- given: 62 -->
#
# ## Take one input away
#
# What are the words worth to the joint network, at its best epoch? Give every emoji the same words: the average of each
# word's 0s and 1s over the training set. They no longer say anything about its group. What becomes of the 65 %?

# %% tags=["reveal"]
guess = ...  # percent of the test
reveal(guess, round(results["without_words"].mean()), "Right without the words, in percent")
before = utilisation(joint, (x_test, y_test), reference=x)
print("\nours, on the first split:", before, sep="\n")

# %% [markdown]
# It hardly misses them. The **utilisation rate** is the share of its accuracy that a network loses without an
# input: next to nothing for the words. It can read (without pictures it gets about half right), but while it has the
# pictures, the words add little.
#
# ## Then stop later?
#
# A later stop gives the words time, and the pictures time to overfit. The two networks of the last bar let us try every
# pair:

# %%
maps = [grid(late, scale=1.0, seed=seed) for seed in range(8)]
own = np.median(results["words_epoch"]), np.median(results["pictures_epoch"])
show(figures.stops_map(maps, own, np.median(results["one_epoch"])), alt=figures.ALT["stops_map"])

# %% [markdown]
# A shared stop moves along the dashed line; the square is its best epoch. The circle is where each network, on its own,
# is at its best. It was not chosen on this map, and still lies in a lower (brighter) region.
#
# And the joint network? Let us cheat: on each split, keep the epoch that gets the most right on the *test*. What
# percentage is that?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of the test
reveal(guess, round(results["by_test"].mean()), "Joint network, its epoch chosen by the test, in percent")
mean = averaged(late, results)
print("\ntwo networks, probabilities  multiplied  averaged")
for name, key in {"one shared stop": "one", "a stop each": "own"}.items():
    print(f"{name:29}{results[key].mean():8.0f} %{mean[key].mean():8.0f} %")

# %% [markdown]
# No single stop saves the joint network. With two networks, if we multiply, most of the gain over 65 % comes from the
# second stop (67 to 73). If we *average*, most comes from simply having two (71 with one stop already). To see what a
# second stop is worth, we need a single network with two.
#
# ## A stop inside a fit
#
# Give each branch a head of its own, beside the one that sees both. All three get the same labels; their losses are
# added up:

# %%
# NBVAL_CHECK_OUTPUT
heads = ("pictures", "words", "both")
model = network(widths, classes=8, heads=heads)


def for_each_head(inputs, label):
    return inputs, dict.fromkeys(heads, label)


training, (x_val, y_val) = batches(x, y, 16, seed=0).map(for_each_head), for_each_head(*validation)
plain = data.load_curves("blending").select(way="equal")  # recorded: this network, nothing frozen
print(f"lowest loss of the head that sees both, nothing frozen, first split: {min(plain[0]['val_loss']):.2f}")

# %% [markdown]
# Once the pictures' loss has stopped improving, `FreezeWhen` restores the best weights of their branch and head, and
# freezes both. The column that it writes (`name`) is 0 up to that epoch, and 1 from the next one on. Only then does the
# stop of the whole fit begin to count (`Armed`).
#
# With nothing frozen, the head that sees both gets down to 1.09. How low now?

# %%
freeze = FreezeWhen(Patience("val_pictures_loss", 3), ["pictures_branch", "pictures_head"],
                    restore_best="val_pictures_loss", name="pictures_frozen")
patience = Patience("val_both_loss", 3, min_delta=0.01)  # an improvement of less than 0.01 does not count
stop = StopWhen(Armed(Above("pictures_frozen", 0.5), patience), restore_best="val_both_loss")
model.fit(training, validation_data=(x_val, y_val), validation_batch_size=300,  # one batch: exact losses
          epochs=60, verbose=0, callbacks=[freeze, stop])  # in this order: stop reads what freeze writes
print(freeze.report.notes[0])

# %% tags=["reveal"]
guess = ...  # a loss
reveal(guess, round(min(stop.history["val_both_loss"]), 2), "Lowest loss of the head that sees both")
after = utilisation(model, (x_test, y_test), output="both", reference=x)
print(stop.report.reason, "\none stop:", before, "\npictures frozen:", after, sep="\n")
show(figures.frozen_fit(stop.history, freeze.frozen_at, plain[0]["val_loss"]), alt=figures.ALT["frozen_fit"])

# %% [markdown]
# Now it uses both. (One split; all eight follow below.)
#
# How? In the middle of a fit `trainable = False` alone changes nothing: the compiled step goes on as it was built (06).
# So `FreezeWhen` also calls `model.make_train_function(force=True)`, which builds it anew; the optimizer keeps its
# memory.
#
# ## What sets a clock?
#
# Instead of stopping the pictures, slow them down: multiply their features by a small constant. Pictures alone end up
# as good, only later. Adam's steps do not shrink with the features: the weights move as far as before, but a step
# now changes the output much less. At a hundredth, how many does the joint network get right?

# %% tags=["reveal"] claims=["A9", "07.3"]
guess = ...  # percent right on the test
scales = {scale: outcomes(runs, late, scale=scale) for scale in (1.0, 0.3, 0.1, 0.03, 0.01)}
reveal(guess, round(scales[0.01]["both"].mean()), "Joint network, one stop, pictures x 0.01, in percent")
show(figures.by_scale(scales), alt=figures.ALT["by_scale"])

# %% [markdown]
# Pictures alone stay where they were. The joint network climbs to 75 % as the clocks draw level, and there two networks
# with a stop each are no better. (The constant may do more than set the clock.)
#
# ## Which way, then?
#
# One more: a tenth of the *learning rate* for the pictures' branch (Keras 3.15):
#
# ```python
# rates = keras.optimizers.OptimizerMap(
#     keras.optimizers.Adam(0.001),  # for everything not named in the map
#     {"pictures_branch/.*": keras.optimizers.Adam(0.0001)})
# model.compile(keras.optimizers.MultiOptimizer(rates), loss=...)
# ```
#
# On the eight splits: <!-- given: 3.15 -->

# %% claims=["07.3"]
# NBVAL_CHECK_OUTPUT
first = results["both"]
print(f"{'one network, one stop':31}{first.mean():.0f} %")
for name, right in {"  three heads, one stop": kept(plain),
                    "  pictures frozen (one head)": results["frozen"],
                    "  pictures' learning rate / 10": results["own_rate"],
                    "  pictures x 0.01": scales[0.01]["both"],
                    "two networks, a stop each": results["own"]}.items():
    print(f"{name:31}{right.mean():.0f} %, {figures.paired(right, first)}")
losses = np.array([run["val_loss"] for run in runs.select(way="frozen", scale=1.0)])
splits, epochs = losses.shape
at_the_end = np.sum(losses.argmin(1) == epochs - 1)
print(f"pictures frozen: still improving in the last of {epochs} epochs in {at_the_end} of {splits} splits")

# %% [markdown]
# What did one stop cost, with clocks this far apart? About 6.6 points. The *pictures frozen* runs have one head and 30
# epochs, like the first row; only the freeze was added. (Three heads alone bring 1 point.)
#
# Freezing leaves no factor to choose: a run on pictures alone told us when. A smaller learning rate and smaller
# features did better, but we judged their factors on these splits: expect less on new data. We would try the rate
# first, because it changes only the pace.
#
# Do you need any of it? Compare the clocks. (A hint, no law: [07b](07b_more_on_several_inputs.ipynb).)
#
# ## Exercises
#
# **7.1 Whose curve?** Validation losses of another split. Which curve is pictures alone, which words alone, and which
# the joint network? Three letters, in this order, such as "abc".

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
# values. Where val is the same at both, return `float("inf")`, even if the gap is the same, too. Do not round.
#
# (This is the overfitting-to-generalisation ratio of Wang, Tran and Feiszli, 2020. While val falls, well above 1 means
# mostly learning by heart, near 0 learning what carries over.)

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
# **7.3 A branch that stands still.** Someone tried to stop a branch at epoch 3 with a helper layer, `gate`, that
# multiplies its gradient by 0. The branch still moves: this network trains with AdamW, which still follows its memory
# of earlier gradients and still applies its weight decay. Here is the body of that `on_epoch_begin`:
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
#   both `_frozen` columns are 1 (lower values before that do not count),
# - or once 50 epochs are trained, since an input might never freeze.

# %% tags=["exercise"]
answer = ..., ..., ...  # for pictures, for words, for the end of training
ex.own_stops.check(answer)

# %% tags=["solution"]
frozen = Above("pictures_frozen", 0.5) & Above("words_frozen", 0.5)
answer = (Patience("val_pictures_loss", 3), Patience("val_words_loss", 3),
          Armed(frozen, Patience("val_both_loss", 3)) | Epochs(50))
ex.own_stops.check(answer)

# %% [markdown]
# **7.5 One rule, six clocks.** Six descriptions (views) of handwritten digits, each trained alone for 100 epochs. Their
# clocks differ, and some views still improve at the end. Give one criterion that stops them all in time; the weights
# with the lowest `val_loss` so far are kept.
#
# - On average over the splits, no view loses more than 0.5 points of test accuracy, compared with all 100 epochs
#   and the weights with the lowest `val_loss`.
# - Of all 6,000 epochs (6 views, 10 splits) at most 75 % are trained. <!-- given: 0.5, 75 -->
#
# No fixed number does it: try `Epochs(75)`. `try_out` tries a rule on splits 0 to 9, the check takes ten others.

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
# One stop for several inputs can come too early for the slower ones, and a later one too late for the faster. Train
# each input alone until its validation loss turns, and compare the best epochs. Where they are far apart, try a stop or
# a learning rate for each, and measure.
#
# Next: [08 But when?](08_but_when.ipynb). Which of all these rules is best?
