# %% [markdown]
# # Pictures alone: 62 %. Words alone: 62 %. And both together?
#
# You will
# - see what one stop costs a network with two inputs,
# - measure what each input is worth to a trained network,
# - give an input a stop of its own, and see when you need none.
#
# 30 minutes to read, 60 for the exercises. You need `&` and `|` from 01, restored weights from 03, `Armed`
# from 05, and `trainable` from 06. <!-- given: 62 -->

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
# An emoji goes in, one of eight groups comes out. There are two kinds of input, two **modalities**: the picture (1,280
# numbers from the MobileNetV2 of [06](06_transfer_learning.ipynb)) and the words of the name.
#
# From pictures alone a network gets 62 % right, from words alone 62 %. Now one network sees both. How many does it get
# right? <!-- given: 62 -->

# %% tags=["reveal"]
guess = ...  # percent of the test emoji, 0 to 100; leave the dots to skip
runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")  # recorded trainings
results = outcomes(runs, late, scale=1.0)  # percent right in the test, on each of eight random splits
reveal(guess, round(results["both"].mean()), "Both in one network, in percent")
show(figures.four_bars(results), alt=figures.ALT["four_bars"])

# %% [markdown]
# **A second input brings three points.** Two separate networks, the last bar, get eight more, and are ahead in all
# eight splits. <!-- given: 3 -->
#
# Each of the two sees one input and has its own stop, which keeps the weights of its lowest validation loss. Then we
# multiply their probabilities, and the group with the largest product wins. That is **late fusion**.
#
# So what does the one network do with its second input?
#
# ## One network for both
#
# The article from [01](01_threshold_stop.ipynb) joins its inputs like this, with one loss and one stop:
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
# An input's **clock** is the number of epochs until a network on that input alone has its lowest validation loss. On
# our first split, pictures take 3 epochs and words 19. After how many is the joint network at its best?

# %% tags=["reveal"] claims=["07.1", "07.2"]
guess = ...  # a number of epochs, 1 to 30
first_best = results["both_epoch"][0] + 1  # the recording counts epochs from 0
reveal(guess, first_best, "Epochs until the joint network is at its best")
ways = {way: runs.select(way=way, scale=1.0) for way in ("pictures", "words", "both")}
print(clocks({name: ways[name][0] for name in ("pictures", "words")}))
show(figures.three_curves(ways), alt=figures.ALT["three_curves"])

# %% [markdown]
# It is done before either (on the other splits, at most three epochs after the pictures). Then its loss rises, probably
# because its picture branch learns the training set by heart. **One stop goes by the fast clock,** and the words have
# hardly begun.
#
# ## Take one input away
#
# What are the words worth to it, then? Give every emoji the same words: for each word, its average in training. The
# **utilisation rate** of an input is the share of its accuracy that a network loses without it.
#
# On the first split our joint network gets about 63 % right. And without the words? <!-- given: 63 -->

# %% tags=["reveal"]
guess = ...  # percent of the test emoji, 0 to 63
split = emoji.split(seed=0)  # 900 emoji to train, 300 to validate, 444 to test
(x, y), validation, (x_test, y_test) = split.train, split.validation, split.test
widths = {name: values.shape[1] for name, values in x.items()}
joint = network(widths, classes=8)  # the article's network, compiled with Adam
stop = StopWhen(Patience("val_loss", 3), restore_best="val_loss")
joint.fit(batches(x, y, 16, seed=0), validation_data=validation, epochs=60, verbose=0, callbacks=[stop])
before = utilisation(joint, (x_test, y_test), reference=x)  # x: whose averages stand in
reveal(guess, round(100 * before.without["words"]), "Right without the words, in percent")
print(side_by_side({"one stop": before}))

# %% [markdown]
# **It hardly misses the words.** It can read: without pictures it still gets about half of the emoji right. But beside
# the pictures the words add little (1.5 points on average over the splits). <!-- given: 1.5 -->
#
# ## Would a later stop save it?
#
# Can we not simply stop later? Let us cheat: on each split, keep the epoch that gets most right on the *test*. No stop
# can beat that. How many does the joint network get right?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent of the test emoji, 65 to 100
reveal(guess, round(results["by_test"].mean()), "Joint network, its epoch chosen by the test, in percent")
print(f"stopped by the validation loss: {results['both'].mean():.0f} %")

# %% [markdown]
# **No single stop saves it:** even in hindsight it gets 68 %.
#
# ## Two networks, or two stops?
#
# The winner has two of each. Which helps? Two finished networks can be joined at any pair of epochs, and the map shows
# how good each pair is. A shared stop lies on the dashed line, at best in the square. In the circle each network stops
# by its own loss.
#
# The table compares such stops on the test, for two ways of joining.

# %%
maps = [grid(late, scale=1.0, seed=seed) for seed in range(8)]
own = np.median(results["words_epoch"]), np.median(results["pictures_epoch"])
show(figures.stops_map(maps, own, np.median(results["one_epoch"])), alt=figures.ALT["stops_map"])

# %%
# NBVAL_CHECK_OUTPUT
mean = averaged(late, results)  # the same two networks, their probabilities averaged and not multiplied
print("two networks      multiplied  averaged")
for name, key in {"one shared stop": "one", "a stop each": "own"}.items():
    print(f"{name:15}{results[key].mean():11.0f} %{mean[key].mean():8.0f} %")

# %% [markdown]
# The joint network got 65 %. If we multiply, having two networks brings a little (67), and a second stop the rest (73).
# If we average, it is the other way round (71, then 72). **Both help; how you join decides which helps more.**
#
# ## Can one input stop before the other?
#
# What is a second stop worth inside *one* network? Freeze its picture branch when its time has come, and let the rest
# learn on.
#
# For that, `fit` has to see how pictures do alone. So each branch gets a head of its own, beside the one that sees
# both. All three learn the same labels; their losses are added up.

# %%
heads = ("pictures", "words", "both")
model = network(widths, classes=8, heads=heads)


def for_each_head(inputs, label):
    return inputs, dict.fromkeys(heads, label)  # the same label three times


training = batches(x, y, 16, seed=0).map(for_each_head)
x_val, y_val = for_each_head(*validation)

# %% [markdown]
# `FreezeWhen` takes a criterion. Here: when the loss of the pictures' head has not improved for 3 epochs, it brings
# back the best weights of the pictures' branch and head, and freezes both. In the next epoch its column
# `pictures_frozen` goes from 0 to 1. That arms the stop of the whole fit, which has waited until then.
#
# With one stop it was about 63 % on this split. And now? <!-- given: 63 -->

# %% tags=["reveal"]
guess = ...  # percent of the test emoji, 0 to 100
freeze = FreezeWhen(Patience("val_pictures_loss", 3), ["pictures_branch", "pictures_head"],
                    restore_best="val_pictures_loss", name="pictures_frozen")
patience = Patience("val_both_loss", 3, min_delta=0.01)  # an improvement of less than 0.01 does not count
stop = StopWhen(Armed(Above("pictures_frozen", 0.5), patience), restore_best="val_both_loss")
model.fit(training, validation_data=(x_val, y_val), validation_batch_size=300,  # why all at once: see 07b
          epochs=60, verbose=0, callbacks=[freeze, stop])  # in this order: stop reads what freeze writes
after = utilisation(model, (x_test, y_test), output="both", reference=x)
reveal(guess, round(100 * after.score), "With pictures frozen, right in percent")
print(side_by_side({"one stop": before, "pictures frozen": after}))
plain = data.load_curves("blending").select(way="equal")[0]["val_loss"]  # recorded: nothing frozen
show(figures.frozen_fit(stop.history["val_both_loss"], freeze.frozen_at, plain), figures.ALT["frozen_fit"])

# %% [markdown]
# **One input can stop first, and then the network learns to use both:** now it misses the words. (One split; all eight
# come below.)
#
# ## What sets a clock?
#
# Nobody sees the cost of one stop coming: each input looks fine alone. And its cause can be as dull as a unit of
# measurement.
#
# Multiply the pictures' features by a small constant. Pictures alone get just as good, only later: Adam's steps stay
# about as long, but with small features each step changes the output less. At a hundredth, the clocks are nearly
# level. How many does the joint network get right, with one stop?

# %% tags=["reveal"] claims=["A9", "07.3"]
guess = ...  # percent of the test emoji, 0 to 100; it was 65
scales = {scale: outcomes(runs, late, scale=scale) for scale in (1.0, 0.3, 0.1, 0.03, 0.01)}
reveal(guess, round(scales[0.01]["both"].mean()), "Joint network, one stop, pictures x 0.01, in percent")
show(figures.by_scale(scales), alt=figures.ALT["by_scale"])

# %% [markdown]
# Ten points, for a division by a hundred; pictures alone (left) show nothing of it. **Here one stop costs more, the
# further apart the clocks are. Where they agree, two networks with a stop each gain nothing** (right).
#
# ## Which way, then?
#
# Freeze, or shrink the features: two cures. A third is a tenth of the *learning rate* for the pictures' branch. In
# Keras 3.15: <!-- given: 3.15 -->
#
# ```python
# rates = keras.optimizers.OptimizerMap(
#     keras.optimizers.Adam(0.001),  # for everything not named in the map
#     {"pictures_branch/.*": keras.optimizers.Adam(0.0001)})
# model.compile(keras.optimizers.MultiOptimizer(rates), loss=...)
# ```

# %% claims=["07.3"]
# NBVAL_CHECK_OUTPUT
first, frozen = results["both"], kept(data.load_curves("blending").select(way="frozen"))
print(f"{'one network, one stop':28}{first.mean():.0f} %")
for name, right in {"pictures frozen": frozen,  # three heads; with nothing frozen they gain 1.0 point
                    "pictures' rate / 10": results["own_rate"],
                    "pictures' features x 0.01": scales[0.01]["both"],
                    "two networks, a stop each": results["own"]}.items():
    print(f"{name:28}{right.mean():.0f} %, {figures.paired(right, first)}")

# %% [markdown]
# All of them help in every split. **We would try the learning rate first: it is quickly set, and leaves the inputs as
# they are.** But we judged its factor, and that of the features, by these very tests: expect less on new data. Freezing
# needs no factor, only a patience.
#
# And where the clocks agree, do nothing. (They are a hint, not a law: see [07b](07b_more_on_several_inputs.ipynb).)
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
# **7.2 Learning or learning by heart.** `train` and `val` are lists, the losses after each epoch; the gap is
# val - train. Return how much the gap changes from epoch `start` to `end`, divided by how much val changes, both as
# absolute values. (If the gap grows by 1 while val falls by 2, that is 0.5.) <!-- given: 0.5 -->
#
# Where val is the same at both, return `float("inf")`, even if the gap is the same, too. Do not round.
#
# Wang, Tran and Feiszli (2020) call this the overfitting-to-generalisation ratio: while val falls, well above 1 means
# learning by heart, near 0 learning what carries over.

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
# **7.3 A branch that stands still.** Someone tried to stop a branch in epoch 3. A helper layer, `gate`, multiplies the
# branch's gradient by 0 from then on. The callback's `on_epoch_begin` does only this:
#
# ```python
# if epoch == 3:
#     self.model.get_layer("gate").open.assign(0)
# ```
#
# The branch still moves: AdamW follows its memory of earlier gradients, and shrinks every weight a little.
# Write a better callback:
#
# - `pictures_branch` learns in epochs 0 to 2 and does not change at all from epoch 3 on,
# - everything else learns on as before; the optimizer forgets nothing.
#
# In the middle of a fit, `trainable = False` alone changes nothing: the compiled step goes on as it was built, until
# `model.make_train_function(force=True)` builds it anew.

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
# criteria.
#
# - Pictures are frozen once `val_pictures_loss` has gone three epochs without a new best, words once `val_words_loss`
#   has.
# - Training ends once `val_both_loss` has gone three epochs without a new best. Count from the first epoch in which
#   `pictures_frozen` and `words_frozen` are both 1; before, they are 0, and lower losses there do not count.
# - In any case it ends after 50 epochs, since an input might never freeze.
#
# (`val_loss` is the sum of the three losses.)

# %% tags=["exercise"]
answer = ..., ..., ...  # for pictures, for words, for the end of training
ex.own_stops.check(answer)

# %% tags=["solution"]
frozen = Above("pictures_frozen", 0.5) & Above("words_frozen", 0.5)
answer = (Patience("val_pictures_loss", 3), Patience("val_words_loss", 3),
          Armed(frozen, Patience("val_both_loss", 3)) | Epochs(50))
ex.own_stops.check(answer)

# %% [markdown]
# **7.5 One rule, six clocks.** Six descriptions (views) of handwritten digits, each trained alone for 100 epochs.
# Their clocks differ. Give one criterion that stops them all in time. Where it stops, the weights with the lowest
# `val_loss` so far are kept.
#
# - Compared with all 100 epochs, no view loses more than 0.5 points of test accuracy, on average over the splits.
# - Of all 6,000 epochs (6 views, 10 splits), at most 75 % are trained. <!-- given: 0.5, 75 -->
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
