# %% [markdown]
# # Pictures alone: 62 %. Words alone: 62 %. And both together?
#
# You will
# - see what one stop costs a network with two inputs,
# - measure what each input is worth to a trained network,
# - give an input a stop of its own, and see when you need none.
#
# 30 minutes to read, 60 for the exercises. You need `&` and `|` from 01, restored weights from 03, `Armed` from 05,
# `trainable` from 06. Epochs are counted from 0. <!-- given: 62 -->

# %%
from course_utils.stopping import Above, Armed, Epochs, Patience, StopWhen, batches
from course_utils.multimodal import FreezeWhen, clocks, utilisation
from course_utils.classroom import data
from course_utils.classroom.chapter_07 import emoji, exercises as ex, figures
from course_utils.classroom.chapter_07.networks import network
from course_utils.classroom.chapter_07.outcomes import averaged, grid, kept, outcomes, side_by_side
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

show(figures.examples(data.load_openmoji()), alt=figures.ALT["examples"])

# %% [markdown]
# An emoji goes in, one of eight groups comes out. There are two kinds of input, two **modalities**: the picture
# (1,280 numbers from the MobileNetV2 of [06](06_transfer_learning.ipynb)) and the words of the name. Red heart and
# heart suit look alike: the name tells. A hot dog is no dog: the picture tells.
#
# A network on pictures alone gets 62 % right, one on words alone 62 %. Now one network sees both. How many does it
# get right? <!-- given: 62 -->

# %% tags=["reveal"]
guess = ...  # percent of the test emoji, 0 to 100; leave the dots to skip
runs = data.load_curves("clocks")  # recorded trainings
late = data.load_curves("clocks_late")  # two separate networks
results = outcomes(runs, late, scale=1.0)  # test accuracy on eight splits; scale: see "What sets a clock?"
reveal(guess, round(results["both"].mean()), "Both in one network, in percent")
show(figures.four_bars(results), alt=figures.ALT["four_bars"])

# %% [markdown]
# **A second input brings three points.** Two separate networks, the last bar, get eight more, and are ahead in all
# eight splits. <!-- given: 3 -->
#
# Each of the two sees one input and has its own stop, which keeps the weights of its lowest validation loss. Then we
# multiply their probabilities; the largest product wins. That is **late fusion**.
#
# ## One network for both
#
# Why only three? The article from [01](01_threshold_stop.ipynb) joins its inputs like this, with one loss and one
# stop:
#
# ```python
# pictures, words = keras.Input((1280,)), keras.Input((n_words,))  # words: 1 if it is in the name, else 0
# branches = [keras.layers.Dense(64, "relu")(pictures), keras.layers.Dense(64, "relu")(words)]
# outputs = keras.layers.Dense(8)(keras.layers.Concatenate()(branches))
# ```

# %% [markdown]
# Each input has a layer of its own, its *branch*; the last layer, the *head*, sees both. We call it the *joint*
# network.
#
# On our first split, a network on pictures alone has its lowest validation loss in epoch 2, one on words in epoch 18.
# So they take 3 and 19 epochs of training: that is an input's **clock**. In which epoch is the joint network at its
# best?

# %% tags=["reveal"] claims=["07.1", "07.2"]
guess = ...  # an epoch, 0 to 29
reveal(guess, results["both_epoch"][0], "The joint network is at its best in epoch")
ways = {way: runs.select(way=way, scale=1.0) for way in ("pictures", "words", "both")}
alone = clocks({name: ways[name][0] for name in ("pictures", "words")})
print(f"clocks: {alone.epochs}, ratio {alone.ratio:.1f}")
show(figures.three_curves(ways), alt=figures.ALT["three_curves"])

# %% [markdown]
# Here the joint network is best before either input alone; on the other splits by epoch 5. After that its loss rises.
# **One stop goes by the fast clock,** and words have had 2 of their 19 epochs.
#
# Words get by far the lowest loss, yet are right no oftener: a loss also counts how sure a network is. A clock is
# *when* a curve turns, not how low.
#
# ## Take one input away
#
# We hide the words: every emoji gets the same, average ones. An input's **utilisation rate** is the share of the
# accuracy lost when it is hidden.
#
# On the first split about 63 % are right. And without words? <!-- given: 63 -->

# %% tags=["reveal"]
guess = ...  # percent of the test emoji, 0 to 63
split = emoji.split(seed=0)  # 900 emoji to train, 300 to validate, 444 to test
(x, y), validation, (x_test, y_test) = split.train, split.validation, split.test
widths = {name: values.shape[1] for name, values in x.items()}
joint = network(widths, classes=8)  # the article's network, compiled with Adam
stop = StopWhen(Patience("val_loss", 3), restore_best="val_loss")
joint.fit(batches(x, y, 16, seed=0), validation_data=validation, epochs=60, verbose=0, callbacks=[stop])
before = utilisation(joint, (x_test, y_test), reference=x)  # a hidden input: its average in x
reveal(guess, round(100 * before.without["words"]), "Right without the words, in percent")
print(side_by_side({f"one stop, epoch {stop.report.best_epoch} kept": before}))
print(f"all splits, without words: {(results['without_words'] - results['both']).mean():.1f} points")

# %% [markdown]
# **It hardly misses the words:** over all splits, hiding them costs 1.5 points. It does know some: without pictures
# it gets half right here. But where it sees the picture, words hardly change how many it gets right. <!-- given: 1.5 -->
#
# ## Would a later stop save it?
#
# Let us cheat: on each split, keep the epoch that gets most right on the *test*. No stop in these 30 epochs can beat
# that. How many are right?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of the test emoji, 65 to 100
reveal(guess, round(results["by_test"].mean()), "Joint network, its epoch chosen by the test, in percent")
print(f"stopped by the validation loss: {results['both'].mean():.0f} %")

# %% [markdown]
# **No single stop in its 30 epochs saves it:** even in hindsight it gets 68 %.
#
# ## Two networks, or two stops?
#
# Late fusion has two networks *and* two stops: which helps? On the map below, a point is a pair: the pictures'
# network after one epoch, the words' after the same or another, multiplied. The colour is the pair's validation loss: bright is
# good. A shared stop has only the dashed line.

# %%
maps = [grid(late, scale=1.0, seed=seed) for seed in range(8)]
own = np.median(results["words_epoch"]), np.median(results["pictures_epoch"])
show(figures.stops_map(maps, own, np.median(results["one_epoch"])), alt=figures.ALT["stops_map"])

# %% [markdown]
# The bright field lies low and to the right: pictures stop early, words late. **The dashed line never gets there.**
#
# And in the test? We join the probabilities by a product, as before, and by a mean.

# %%
# NBVAL_CHECK_OUTPUT
fused = {"multiplied": results, "averaged": averaged(late, results)}
print(f"one network, one stop: {results['both'].mean():.1f} %")
print("two networks   one shared stop   two stops   a second stop adds")
for way, of in fused.items():
    one, own = of["one"], of["own"]  # the shared stop, too, goes by the validation loss
    print(f"{way:15}{one.mean():11.1f} % {own.mean():13.1f} %   {figures.paired(own, one)}")
ahead = [(of["one"] > results["both"]).sum() for of in fused.values()]
print("with one shared stop, two networks beat one in {} and {} of 8 splits".format(*ahead))

# %% [markdown]
# **Two networks help either way; a second stop helps much where we multiply, little where we average.** Perhaps, in a
# product, an overconfident network overrules the other.
#
# Average, and go home? One may. But two networks are two trainings, and neither can learn from the other's mistakes.
#
# ## Can one input stop before the other?
#
# Inside *one* network, we freeze the picture branch when its time has come; the rest learns on. Three heads tell
# when: on the pictures' branch, on the words', on both. All learn the same labels; their losses add up. Only the
# third answers; the others give `val_pictures_loss` and `val_words_loss`.

# %%
heads = ("pictures", "words", "both")  # Dense(8) on one branch, on the other, and on both joined
model = network(widths, classes=8, heads=heads)


def for_each_head(inputs, label):
    return inputs, dict.fromkeys(heads, label)  # the same label three times


training = batches(x, y, 16, seed=0).map(for_each_head)
x_val, y_val = for_each_head(*validation)

# %% [markdown]
# `FreezeWhen` takes a criterion. Once `val_pictures_loss` has not improved for 3 epochs, it brings back the best
# weights of the pictures' branch and head, and freezes both. Its column in the log, here named `pictures_frozen`, is
# 0 until then, 1 from the next epoch on.
#
# `Armed` lets the fit's own patience count from the 1 on: before, the loss on both may rise just because pictures
# overfit.
#
# With one head, one stop, it was about 63 % on this split. And now? <!-- given: 63 -->

# %% tags=["reveal"]
guess = ...  # percent of the test emoji, 0 to 100
freeze = FreezeWhen(Patience("val_pictures_loss", 3), ["pictures_branch", "pictures_head"],
                    restore_best="val_pictures_loss", name="pictures_frozen")
patience = Patience("val_both_loss", 3, min_delta=0.01)  # ends the fit once the loss only creeps
stop = StopWhen(Armed(Above("pictures_frozen", 0.5), patience), restore_best="val_both_loss")
model.fit(training, validation_data=(x_val, y_val), validation_batch_size=300,  # why all at once: see 07b
          epochs=60, verbose=0, callbacks=[freeze, stop])  # in this order: stop reads what freeze writes
after = utilisation(model, (x_test, y_test), output="both", reference=x)
reveal(guess, round(100 * after.score), "With pictures frozen, right in percent")
print(side_by_side({"one stop": before, "pictures frozen": after}))

# %%
plain = data.load_curves("blending").select(way="equal")[0]["val_loss"]  # three heads, nothing frozen
frozen = figures.frozen_fit(stop.history["val_both_loss"], freeze.frozen_at, plain)
show(frozen, alt=figures.ALT["frozen_fit"])

# %% [markdown]
# **One input can stop first, and then the network learns to use both:** now it misses the words. Over all splits, heads and freezing bring 6.9 points, the heads alone 1.0.
#
# ## What sets a clock?
#
# Something as dull as a unit of measurement can do it.
#
# Multiply the pictures' features by a small constant. Pictures alone get just as good, only later: Adam's steps stay
# about as long, but with small features each changes the output less. At a hundredth, the clocks are nearly level.
# How many does the joint network get right?

# %% tags=["reveal"]
guess = ...  # percent of the test emoji, 0 to 100; unscaled it was 65, on average
scales = {scale: outcomes(runs, late, scale=scale) for scale in (1.0, 0.3, 0.1, 0.03, 0.01)}
reveal(guess, round(scales[0.01]["both"].mean()), "Joint network, one stop, pictures x 0.01, in percent")
show(figures.by_scale(scales), alt=figures.ALT["by_scale"])

# %% [markdown]
# Ten points, for a division by a hundred.
#
# Is it because the clocks are level now? If so, freezing the faster input should bring most where they are far apart.
# One head will do: when each input is best we know from training it alone, and freeze the faster one then. At x 1 this brings 6.6 points.
# And at x 0.01, where mostly words are frozen? <!-- given: 6.6 -->

# %% tags=["reveal"] claims=["A9", "07.3"]
guess = ...  # points that freezing brings at x 0.01, -5 to 10
gain = scales[0.01]["frozen"] - scales[0.01]["both"]
reveal(guess, round(gain.mean(), 1), "Faster input frozen, at x 0.01, in points")
show(figures.frozen_by_scale(scales), alt=figures.ALT["frozen_by_scale"])

# %% [markdown]
# **It fits: the further apart the clocks are here, the more freezing brings, and nothing where they agree.** Small features bring more, 9.9 points against 6.6: why, we do not know. <!-- given: 6.6 -->
#
# ## Which way, then?
#
# Which of the cures would you try first: two networks, frozen pictures, small features? A fourth is a tenth of the
# *learning rate* for the pictures' branch, in Keras 3.15: <!-- given: 3.15 -->
#
# ```python
# rates = keras.optimizers.OptimizerMap(
#     keras.optimizers.Adam(0.001),  # for everything not named in the map
#     {"pictures_branch/.*": keras.optimizers.Adam(0.0001)})
# model.compile(keras.optimizers.MultiOptimizer(rates), loss=...)
# ```

# %% claims=["07.3"]
# NBVAL_CHECK_OUTPUT
recorded = data.load_curves("blending")  # each run is kept at its lowest validation loss
# The rate was recorded with an Adam of our own; tried on the first split, OptimizerMap gave the same.
print(f"{'one network, one stop':49}{results['both'].mean():.0f} %")
for name, right in {"three heads, nothing frozen": kept(recorded.select(way="equal")),
                    "two networks (2 trainings), averaged, one stop": fused["averaged"]["one"],
                    "three heads, pictures frozen": kept(recorded.select(way="frozen")),
                    "two networks (2 trainings), multiplied, 2 stops": results["own"],
                    "one network, pictures' rate / 10": results["own_rate"],
                    "one network, pictures x 0.01": scales[0.01]["both"]}.items():
    print(f"{name:49}{right.mean():.0f} %, {figures.paired(right, results['both'])}")

# %% [markdown]
# Each of the last five helps in every split; one network can keep up with two. The 75 % are flattered: 0.01 is the
# best of five factors by these tests.
#
# **We would try the rate or the factor first: each is a few lines, and one training for each value you try.** (A
# tenth is the only rate we tried.)
#
# Clocks that differ are no promise: [07b](07b_more_on_several_inputs.ipynb) has a case.
#
# ## Exercises
#
# **7.1 Whose curve?** Validation losses of another split. Which is pictures alone, which words alone, which the joint
# network? Three letters, in that order, such as "abc". Two turn in the same epoch: which of these two lay
# lower in the figure of three curves?

# %% tags=["exercise"]
ex.show_unnamed_curves()
answer = ...
ex.which_clock.check(answer)

# %% tags=["solution"]
ex.show_unnamed_curves()
answer = "bca"  # early; late; as early as the pictures, and a little lower
ex.which_clock.check(answer)

# %% [markdown]
# **7.2 Learning or learning by heart.** `train` and `val` are lists of losses, epoch by epoch; the gap is val -
# train. Return how much the gap changes from epoch `start` to `end`, divided by how much val changes, both as
# absolute values. (If the gap grows by 1 while val falls by 2, that is 0.5.) <!-- given: 0.5 -->
#
# Where val is the same at both, return `float("inf")`, even if the gap has not changed either. Do not round.
#
# This is Wang, Tran and Feiszli's overfitting-to-generalisation ratio (2020): well above 1 while val falls, it tells
# after a few epochs: this one learns by heart.

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
# **7.3 A branch that stands still.** Someone tried to stop a branch by a layer, `gate`, that multiplies its gradient
# by 0 from epoch 3 on. The branch still moves: AdamW follows earlier gradients, and shrinks every weight a little.
# Write a callback class that needs no gate:
#
# - `pictures_branch` learns in epochs 0 to 2 and does not change at all from epoch 3 to the end,
# - the rest learns on as before, and the optimizer forgets nothing (so do not compile again).
#
# In a fit, `trainable = False` alone changes nothing: the step stays as it was built, until the model's
# `make_train_function(force=True)` builds it anew.

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
# **7.4 A stop each.** One fit has two `FreezeWhen`, for pictures and for words, and a `StopWhen`. Give their three
# criteria as a tuple: pictures, words, stop. Plain patience, no `min_delta`.
#
# - Pictures are frozen once `val_pictures_loss` has gone three epochs without a new best, words once `val_words_loss`
#   has.
# - Training ends once `val_both_loss` has gone three epochs without a new best, counted from the first epoch in which
#   `pictures_frozen` and `words_frozen` are both 1; lower losses before do not count.
# - In any case it ends after 50 epochs.

# %% tags=["exercise"]
answer = ..., ..., ...  # for pictures, for words, for the end of training
ex.own_stops.check(answer)

# %% tags=["solution"]
frozen = Above("pictures_frozen", 0.5) & Above("words_frozen", 0.5)
answer = (Patience("val_pictures_loss", 3), Patience("val_words_loss", 3),
          Armed(frozen, Patience("val_both_loss", 3)) | Epochs(50))
ex.own_stops.check(answer)

# %% [markdown]
# **7.5 One rule, six clocks.** Six views of handwritten digits were each trained alone for 100 epochs. Give one
# criterion that stops all six in time. It sees `loss`, `accuracy`, `val_loss` and `val_accuracy`; the weights with
# the lowest `val_loss` until its stop are kept.
#
# - Compared with the weights of lowest `val_loss` in all 100 epochs, no view loses more than 0.5 points of test
#   accuracy, on average over the splits.
# - Of all 6,000 epochs, at most 75 % are trained. <!-- given: 0.5, 75 -->
#
# No fixed number up to 75 does it. `try_out` takes splits 0 to 9, the check ten others. Leave a margin in epochs: 70
# % here may be 77 % there. <!-- given: 70, 77 -->

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
# network on each input alone until its validation loss turns, and compare the best epochs. Where they are far apart,
# try a stop, a learning rate or a factor for each, and measure.
#
# Next: [08 But when?](08_but_when.ipynb). Which of all these rules is best?
