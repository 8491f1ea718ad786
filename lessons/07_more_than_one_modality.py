# %% [markdown]
# # Pictures alone: 62 %. Words alone: 62 %. And both together?
#
# You will
# - see what one stop costs a network with two inputs,
# - measure what each input is worth to a trained network,
# - give an input a stop of its own, and see whether you need it.
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
from course_utils.classroom.chapter_07.outcomes import averaged, grid, in_percent, kept, lowest, outcomes
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

show(figures.examples(data.load_openmoji()), alt=figures.ALT["examples"])

# %% [markdown]
# An emoji goes in, one of eight groups comes out; hearts belong to three of them, cats to two. Each comes in two
# **modalities**: its picture (1,280 features of the MobileNetV2 from [06](06_transfer_learning.ipynb)) and the words of
# its name (for each word of the vocabulary, a 1 if it is in the name, else a 0).

# %%
runs = data.load_curves("clocks")  # recorded trainings
late = data.load_curves("clocks_late")  # the two networks of the fourth bar
results = outcomes(runs, late, scale=1.0)  # test accuracies, eight splits; scale: see "What sets a clock?"
split = emoji.split(seed=0)  # 900 emoji to train, 300 to validate, 444 to test
show(figures.four_bars(results, hidden=True), alt=figures.ALT["four_bars_hidden"])

# %% [markdown]
# A *stop* here keeps the weights of the epoch with the lowest validation loss. The last bar is for two networks, one
# for each input, each with its own stop. For every emoji and every group we multiply the two networks' probabilities;
# the group with the largest product wins (**late fusion**). How high is the bar?

# %% tags=["reveal"]
guess = ...  # percent right on the test; leave the dots to skip
reveal(guess, round(results["own"].mean()), "Two networks, a stop each, in percent")
print(f"one network, one stop: {results['both'].mean():.0f} %")
print("two compared with one:", figures.paired(results["own"], results["both"]))
largest = np.bincount(split.test[1]).max() / len(split.test[1])
print(f"always the largest group (first split): {100 * largest:.0f} %")
show(figures.four_bars(results), alt=figures.ALT["four_bars"])

# %% [markdown]
# Eight points more, from the same data. (The splits overlap, so these are not eight separate proofs.) So what does the
# one network do with its second input?
#
# ## One network for both
#
# The article from [01](01_threshold_stop.ipynb) joins its inputs in the usual way, with one loss and one stop:
#
# ```python
# pictures, words = keras.Input((1280,)), keras.Input((n_words,))
# branches = [keras.layers.Dense(64, "relu")(pictures), keras.layers.Dense(64, "relu")(words)]
# outputs = keras.layers.Dense(8)(keras.layers.Concatenate()(branches))
# ```
#
# Each input has a hidden layer of its own, its *branch*. The last layer, the *head*, sees one branch or, in the *joint*
# network, both. On the first split we train a network on pictures and a joint one, with Adam and a patience of 3. (We
# train one more later; the rest is recorded.)
#
# An input's **clock** is the number of epochs that a network on it alone takes to its lowest validation loss.

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


_, alone = trained("pictures")
joint, together = trained("both")
print(clocks({"pictures": alone, "words": ways["words"][0]}))

# %% [markdown]
# Epochs are counted from 0, so "best after 3 epochs" means epoch 2. Which epoch is the joint network's best?
# <!-- given: 3, 2 -->

# %% tags=["reveal"] claims=["07.1"]
guess = ...  # an epoch of the first split, counted from 0
reveal(guess, results["both_epoch"][0], "Best epoch of the joint network")
print("in the training above: epoch", int(np.argmin(together["val_loss"])))
print("words alone reach a lower loss than the joint network in",
      higher_in(lowest(ways["both"]), lowest(ways["words"]), "splits"))
show(figures.three_curves(ways), alt=figures.ALT["three_curves"])

# %% [markdown]
# Even earlier than pictures alone (in other splits up to three epochs later), and long before words. Then its loss
# rises, probably because the picture branch learns the training set by heart. In 6 of the 8 splits words alone reach a
# lower loss, although the joint network is right more often (65 % against 62 %; loss also counts how sure a network
# is). <!-- given: 62 -->
#
# ## Take one input away
#
# What are the words worth to the joint network, at its best epoch? Give every emoji the same words: the average of each
# word's 0s and 1s in training, which says nothing about its group. How much of the 65 % is left?

# %% tags=["reveal"]
guess = ...  # percent of the test
reveal(guess, round(results["without_words"].mean()), "Right without the words, in percent")
print("what the words add:", figures.paired(results["both"], results["without_words"]))
before = utilisation(joint, (x_test, y_test), reference=x)
print("\nours, on the first split:", in_percent(before), sep="\n")

# %% [markdown]
# It hardly misses them. The **utilisation rate** is the share of its accuracy that a network loses without an input: in
# ours, next to nothing for the words. It can read (without pictures it gets about half right), but beside the pictures
# the words add only 1.5 points. <!-- given: 1.5 -->
#
# ## Then stop later?
#
# A later stop gives the words time, and the pictures time to overfit. With the two networks of the fourth bar we can
# try every pair of stops:

# %%
maps = [grid(late, scale=1.0, seed=seed) for seed in range(8)]
own = np.median(results["words_epoch"]), np.median(results["pictures_epoch"])
show(figures.stops_map(maps, own, np.median(results["one_epoch"])), alt=figures.ALT["stops_map"])

# %% [markdown]
# A shared stop moves along the dashed line; the square is its best epoch. The circle was chosen without this map, by
# each network's own loss, and still lies where it is brighter.
#
# And the joint network? Let us cheat: on each split, keep the epoch that gets the most right on the *test*. What
# percentage is that?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of the test
reveal(guess, round(results["by_test"].mean()), "Joint network, its epoch chosen by the test, in percent")
mean = averaged(late, results)
print("\ntwo networks; their probabilities are:  multiplied  averaged")
for name, key in {"one shared stop": "one", "a stop each (the same in both columns)": "own"}.items():
    print(f"{name:39}{results[key].mean():9.0f} %{mean[key].mean():8.0f} %")

# %% [markdown]
# Even the best stop in hindsight leaves the joint network at 68 %.
#
# And two networks? If we multiply, most of their gain over 65 % comes from the second stop (67 to 73). If we *average*,
# most comes from having two networks: one shared stop already gets 71. (In a product, an overfitted network's wrong
# probabilities near 0 veto the other; in a mean they cannot.)
#
# To see what a second stop alone is worth, we need one network with two stops.

# %% [markdown]
# ## Can one input stop before the other?
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
plain = data.load_curves("blending").select(way="equal")  # recorded: this network, nothing frozen; its
# three losses count equally, and "val_loss" is that of the head that sees both (not the sum)
print(f"lowest loss of the head that sees both, nothing frozen, first split: {min(plain[0]['val_loss']):.2f}")

# %% [markdown]
# Once the pictures' loss has stopped improving, `FreezeWhen` restores the best weights of their branch and head, and
# freezes these two layers. It also writes a column, here `pictures_frozen`: 0 up to and including the epoch in which it
# freezes, 1 afterwards. That 1 arms the stop of the whole fit (`Armed`).
#
# With nothing frozen, the head that sees both gets down to 1.09. How low now?

# %%
freeze = FreezeWhen(Patience("val_pictures_loss", 3), ["pictures_branch", "pictures_head"],
                    restore_best="val_pictures_loss", name="pictures_frozen")
patience = Patience("val_both_loss", 3, min_delta=0.01)  # an improvement of less than 0.01 does not count
stop = StopWhen(Armed(Above("pictures_frozen", 0.5), patience), restore_best="val_both_loss")
model.fit(training, validation_data=(x_val, y_val), validation_batch_size=300,  # exact losses: see 07b
          epochs=60, verbose=0, callbacks=[freeze, stop])  # in this order: stop reads what freeze writes
print(freeze.report.notes[0])

# %% tags=["reveal"]
guess = ...  # a loss
reveal(guess, round(min(stop.history["val_both_loss"]), 2), "Lowest loss of the head that sees both")
after = utilisation(model, (x_test, y_test), output="both", reference=x)
print(stop.report.reason)
print("\none head, one stop (from above):", in_percent(before), sep="\n")
print("\nthree heads, pictures frozen:", in_percent(after), sep="\n")
show(figures.frozen_fit(stop.history, freeze.frozen_at, plain[0]["val_loss"]), alt=figures.ALT["frozen_fit"])

# %% [markdown]
# Now it uses both. (One split; all eight below.)
#
# ### How the freeze works
#
# During a fit `trainable = False` alone changes nothing: the compiled step goes on as it was built (06). So
# `FreezeWhen` also calls `model.make_train_function(force=True)`, which builds it anew; the optimizer keeps its
# averages of earlier gradients.
#
# ## What sets a clock?
#
# Instead of stopping the pictures, slow them down: multiply their features by a small constant. Pictures alone end up
# as good, only later. Adam moves the weights about as far as before, but multiplied by small features, such a step
# changes the output much less. At a hundredth, what percentage does the joint network get right?

# %% tags=["reveal"] claims=["A9", "07.3"]
guess = ...  # percent right on the test
scales = {scale: outcomes(runs, late, scale=scale) for scale in (1.0, 0.3, 0.1, 0.03, 0.01)}
reveal(guess, round(scales[0.01]["both"].mean()), "Joint network, one stop, pictures x 0.01, in percent")
show(figures.by_scale(scales), alt=figures.ALT["by_scale"])

# %% [markdown]
# The joint network climbs to 75 % as the clocks draw level, and there two networks with a stop each are no better. So
# the scale of its features helps to set an input's clock. (Small features may help in other ways, too.)
#
# ## Which way, then?
#
# One more way, recorded: a tenth of the *learning rate* for the pictures' branch. In Keras 3.15:
#
# ```python
# rates = keras.optimizers.OptimizerMap(
#     keras.optimizers.Adam(0.001),  # for everything not named in the map
#     {"pictures_branch/.*": keras.optimizers.Adam(0.0001)})
# model.compile(keras.optimizers.MultiOptimizer(rates), loss=...)
# ```
#
# Will it beat the small features' 75 %? <!-- given: 3.15 -->

# %% claims=["07.3"]
# NBVAL_CHECK_OUTPUT
first, three = results["both"], kept(plain)
frozen = kept(data.load_curves("blending").select(way="frozen"))
print(f"{'one network, one stop':44}{first.mean():.0f} %")
for name, right in {"one network, one stop, three heads": three,
                    "one network, three heads, pictures frozen": frozen,
                    "one network, one stop, pictures' rate / 10": results["own_rate"],
                    "one network, one stop, pictures x 0.01": scales[0.01]["both"],
                    "two networks averaged, one stop": mean["one"],
                    "two networks multiplied, a stop each": results["own"]}.items():
    print(f"{name:44}{right.mean():.0f} %, {figures.paired(right, first)}")
print("\nwhat the freeze adds to three heads:", figures.paired(frozen, three))
print("the lower rate compared with the freeze:", figures.paired(results["own_rate"], frozen))

# %% [markdown]
# What did one stop cost? With three heads, the 5.9 points that the freeze adds; for the joint network that is an
# estimate.
#
# Freezing needs no factor, only a patience. The lower rate and smaller features came out higher, but we judged
# their factors on these tests: expect less on new data. Still, we would try the rate first: it leaves the inputs as
# they are.
#
# Do you need any of it? Compare the clocks first (a hint, not a law: [07b](07b_more_on_several_inputs.ipynb)).
#
# ## Exercises
#
# **7.1 Whose curve?** Validation losses of another split. Which is pictures alone, which words alone, which the joint
# network? Three letters, in that order, such as "abc".

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
# learning by heart, near 0 learning what carries over.)

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
# **7.3 A branch that stands still.** Someone tried to stop a branch in epoch 3 by a callback: a helper layer, `gate`,
# multiplies the branch's gradient by 0 from then on. Its `on_epoch_begin` does only this:
#
# ```python
# if epoch == 3:
#     self.model.get_layer("gate").open.assign(0)
# ```
#
# The branch still moves: AdamW goes on following its memory of earlier gradients, and shrinks every weight a little
# (weight decay). Write a better callback:
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
# clocks differ. Give one criterion that stops them all in time; the weights with the lowest `val_loss` so far are kept.
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
# One stop for several inputs can be too early for the slow ones, and a later stop too late for the fast ones. Train a
# network on each input alone until its validation loss turns, and compare the best epochs. Where they are far apart, try
# a stop or a learning rate for each, and measure.
#
# Next: [08 But when?](08_but_when.ipynb). Which of all these rules is best?
