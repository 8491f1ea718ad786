# %% [markdown]
# # Ten classes, 1,500 photos, half a minute. Is that enough?
#
# You will
# - find out what an article's two lines really do,
# - train in phases, each with its own stopping rule,
# - see how far a score tells you which pretrained network to choose.
#
# 40 minutes to read, 50 for the exercises. You need `Patience` from 03, a rough idea of convolutions and,
# for the last exercise, `prune_at_stop` from 05.

# %%
from course_utils.stopping import Epochs, Patience
from course_utils.transfer import Phase, backbone, cached_features, fit_in_phases, split_at
from course_utils.classroom import data
from course_utils.classroom.chapter_06 import exercises as ex, figures, results
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

(photos, labels), (test_photos, test_labels) = data.load_cifar10()
show(figures.photos_by_class(photos, labels, data.CIFAR10), alt=figures.ALT["photos_by_class"])

# %% [markdown]
# 250 photos of each class. (The second deer is a deer only because its label says so.) **Transfer learning**
# starts from a network already trained on other data, the *source*; ours has seen a million photos from ImageNet. The
# network that we want, for ten classes, is the *target*.
#
# ## Two lines from an article: where does the layer go?
#
# ```python
# target_model.layers.pop(0)                  # take the target's first layer away
# target_model.add(source_model.layers[0])    # put the source's first layer there
# ```
#
# The third of the [four articles](00_start_here.ipynb) has a good idea: first layers are the most general.
# The target has three layers. How many afterwards, and where is the new one?

# %% tags=["reveal"] claims=["D5", "D6"]
# NBVAL_CHECK_OUTPUT
guess = ...  # a number of layers; leave the dots to skip


def three_layers(name, classes):
    sizes = (16, 8, classes)
    layers = [keras.layers.Dense(n, name=f"{name}_{i}") for i, n in enumerate(sizes)]
    return keras.Sequential([keras.Input((4,)), *layers])


source_model, target_model = three_layers("source", classes=5), three_layers("target", classes=4)
target_model.layers.pop(0)
target_model.add(source_model.layers[0])  # 4 numbers come out here, and it takes 4; otherwise: an error
reveal(guess, len(target_model.layers), "Layers")
print(*(layer.name for layer in target_model.layers))
print("the source's own layer:", target_model.layers[-1] is source_model.layers[0])

# %% [markdown]
# In Keras 3 `layers` is **a copy of the list**: `pop` shortened the copy. `add` put the layer **at the end**,
# and both models share it: training the target changes the source. What is meant:
#
# ```python
# target_model = three_layers("target", classes=4)
# target_model.layers[0].set_weights(source_model.layers[0].get_weights())
# ```
#
# Only the first layer is copied; the others start at random. The last, the **head**, has one output per class.

# %% [markdown]
# ## When is a layer frozen?
#
# A **frozen** layer keeps its weights: `trainable = False`. **BatchNormalization** has four arrays: a running **mean**
# and **variance**, which it tracks in training and uses in prediction, and a **scale** and a **shift**, which it learns.
#
# A toy source, Dense and BatchNormalization, has six arrays: these four, a kernel and a bias. We freeze it and fit;
# then we set `trainable = True` and fit again, without compiling. How many arrays change this time?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # of 6, the second time
keras.utils.set_random_seed(0)
inputs, norm = keras.Input((4,)), keras.layers.BatchNormalization()
source = keras.Model(inputs, norm(keras.layers.Dense(8)(inputs)))  # six arrays
target = keras.Model(inputs, keras.layers.Dense(4)(source(inputs, training=False)))  # as in prediction
x, y = np.random.default_rng(0).normal(3, 1, (64, 4)), np.arange(64) % 4


def changed(compile_first=True):
    if compile_first:
        target.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = source.get_weights()
    target.fit(x, y, batch_size=8, verbose=0)
    return sum(not np.array_equal(old, new) for old, new in zip(before, source.get_weights()))


source.trainable = False
print("Frozen:", changed(), "of 6 change")
source.trainable = True
reveal(guess, changed(compile_first=False), "Unfrozen, not compiled")
print("Unfrozen and compiled:", changed(), "of 6 change")
norm.trainable = False
print("The same, but norm frozen:", changed(), "of 6 change")

# %% [markdown]
# **A change of `trainable` takes effect at the next `compile`.** Then all six change, the running mean and variance
# too: with a real source, a few hundred photos would begin to overwrite what a million had set.
# (`training=False` ought to prevent that; in Keras 3.15.1 `fit` [ignores it](https://github.com/keras-team/keras/issues/20285).) **So keep
# BatchNormalization frozen, even in layers that you unfreeze.**

# %% [markdown]
# ## How good is a real source?
#
# We cut MobileNetV2 before its last convolution, `Conv_1`. The **bottom** never changes: each photo goes through it
# once, and we keep the result. The **top** is the rest and our head. First the head trains alone, since a
# random head could spoil the layers below. Then the whole top trains, at a rate 60 times lower, so as not to undo
# what the source knows.
#
# After training on 400 photos, what percentage of 500 new ones is right?

# %%
weights = data.mobilenetv2_weights()  # or "imagenet", which Keras downloads


def with_head():
    keras.utils.set_random_seed(0)
    source = backbone("MobileNetV2", side=97, from_side=32, weights=weights)  # enlarges 32 pixels to 97
    bottom, top = split_at(source, "Conv_1")
    x = keras.layers.Dropout(0.5)(top.output)  # leaves out a random half, against overfitting
    return bottom, keras.Model(top.input, keras.layers.Dense(10, name="head")(x))  # logits: no softmax yet


bottom, model = with_head()
rows = np.random.default_rng(0).permutation(len(labels))[:600]
middle = cached_features(bottom, photos[rows], verbose=0)
known, validation = (middle[:400], labels[rows[:400]]), (middle[400:], labels[rows[400:]])

# %% tags=["reveal"] claims=["D7", "06.2"]
guess = ...  # percent; chance is 10
history, report = fit_in_phases(  # it leaves BatchNormalization frozen
    model, [Phase("head", Patience("val_loss", 3), learning_rate=3e-3),  # the whole source is frozen
            Phase("top", Patience("val_loss", 3), learning_rate=5e-5, unfreeze_from="Conv_1")],
    known, validation_data=validation, metrics=["accuracy"], verbose=0,
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
unseen, truth = test_photos[::3], test_labels[::3]
logits = model.predict(cached_features(bottom, unseen, verbose=0), verbose=0)
right = logits.argmax(1) == truth
reveal(guess, f"about {100 * right.mean():.0f}", "Right, in percent")
print(report)
show(figures.phases(history, report), alt=figures.ALT["phases"])

# %% [markdown]
# The top lowers the validation loss a little (perhaps by luck: 200 photos, one run). The training loss jumps up at
# the dotted line, since the top starts from the head's *best* weights (diamond).
#
# How sure can the model be and still be wrong?

# %% tags=["reveal"]
guess = ...  # from 0 to 1: the probability that it gave to its surest mistake
chances = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
sure = chances.max(axis=1)
mistakes = np.argsort(np.where(right, 0, sure))[::-1]  # the surest first
few = [*np.random.default_rng(1).permutation(len(unseen))[:3], *mistakes[:2]]
reveal(guess, figures.share(sure[mistakes[0]]), "Probability of the surest mistake")
drawn = figures.predictions(unseen[few], chances[few], data.CIFAR10, truth[few])
show(drawn, alt=figures.ALT["predictions"])

# %% [markdown]
# Three photos at random, then its two surest mistakes, on our machine a moose and an owlet: **a network may be
# sure and wrong.** Try a photo of yours; it will call even a teapot one of the ten:
#
# ```python
# from keras.utils import img_to_array, load_img
# photo = load_img("cat.jpg", target_size=(32, 32), keep_aspect_ratio=True, interpolation="box")  # its middle
# yours = np.array([img_to_array(photo)])
# says = keras.ops.softmax(model.predict(bottom.predict(yours)))
# show(figures.predictions(yours.astype("uint8"), np.array(says), data.CIFAR10), alt="My cat")
# ```
#
# **Your turn.** Try another patience or learning rate in our two phases; guess first whether `val_loss` gets lower.

# %% tags=["exercise"]
answer = dict(model=with_head()[1], data=known, validation_data=validation, phases=[..., ...])  # two Phases
ex.your_phases.check(answer)  # trains; wants half of the 200 validation photos right, and counts for no score

# %% tags=["solution"]
answer = dict(model=with_head()[1], data=known, validation_data=validation, phases=[
    Phase("head", Patience("val_loss", 1), learning_rate=3e-3),
    Phase("top", Patience("val_loss", 1), learning_rate=2e-4, unfreeze_from="Conv_1")])
ex.your_phases.check(answer)  # calls fit_in_phases

# %% [markdown]
# ## Is it enough?
#
# Five seeds, each with **1,500** of the 2,500 photos, and 500 more to tell when to stop:
#
# - *Scratch*: a small network, from random weights.
# - *Features*: a head on the frozen source.
# - *Fine-tuned*: that head, then a larger top: `Conv_1` and four groups of layers before it.
#
# By how many percentage points is *features* ahead of *scratch*?

# %% tags=["reveal"] claims=["B14", "06.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percentage points
curves = data.load_curves("transfer")  # recorded; seconds of one core, computing features included
rules = {"scratch": Patience("val_loss", 8),  # with 3 it would end too soon
         "features": Patience("val_loss", 5),
         "fine-tuned": Patience("val_loss", 3)}  # for its top; its head had 5, as in *features*
ends = {way: results.outcomes(curves.select(way=way), rule) for way, rule in rules.items()}
lead = 100 * (ends["features"]["test_accuracy"] - ends["scratch"]["test_accuracy"])
reveal(guess, round(lead.mean()), "Points")
results.print_table(ends, seconds="seconds", test_accuracy="accuracy")
results.print_seeds(ends, "features", "scratch")
results.print_seeds(ends, "fine-tuned", "features")

# %% [markdown]
# **Enough to sort holiday photos, not to trust a single answer.** After eight seconds (not counting the training on
# ImageNet) *features* gets three in four right; *scratch*, after 26, one in two. *Fine-tuned* gains nearly two points,
# for 20 s more.
#
# ## Does a stop between phases find the best model sooner?
#
# The article says so. Three ways, three of the five seeds; each keeps its weights of lowest validation loss:
#
# - *Own stops*: head, then top, each with patience, like *fine-tuned*.
# - *Fixed*: 60 epochs of head, then 10 of top, from the head's last weights.
# - *At once*: both in one phase, with patience, at the top's low rate.
#
# Which has the highest accuracy after 20 s?

# %% tags=["reveal"] claims=["D10"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "own stops", "fixed" or "at once"
patient = Patience("val_loss", 3)
ways = {"own stops": ("fine-tuned", patient), "fixed": ("long head", None), "at once": ("at once", patient)}
early = results.compare(curves, ways, within=20)  # the best so far
ended = results.compare(curves, ways)
reveal(guess, results.ahead(early), "Ahead after 20 s")
both = {way: {"early": early[way]["test_accuracy"], **ended[way]} for way in ways}
results.print_table(both, early="accuracy at 20 s", seconds="done after", test_accuracy="accuracy then",
                    val_loss="validation loss then")
results.print_seeds(early, "own stops", "fixed", when="at 20 s, ")
results.print_seeds(early, "own stops", "at once", when="at 20 s, ")
results.print_seeds(ended, "at once", "own stops", "val_loss", when="when done, ")
results.print_val_losses(curves.select(way="long head"), "fixed")

# %% tags=["reveal"]
show(figures.over_time(results.so_far(curves, ways), at=20), alt=figures.ALT["over_time"])

# %% [markdown]
# **Is there a good model sooner? Sooner than *at once*, yes, in every seed**, though perhaps only because *at once*
# trains its head at the low rate. Over *fixed* the lead is one point: 60 epochs overfit its
# head, and a luckier number might do as well.
#
# **Does it end with the best? Not by validation loss.** Given time, *at once* gets about as many right, with a lower
# loss in every seed: its random head did no lasting harm.
#
# ## How few photos will do?
#
# *Scratch* learnt from 1,500. With how few does *features* do as well: 100, 300 or 750?

# %% tags=["reveal"]
guess = ...  # photos
recorded = data.load_curves("transfer_sizes")
sizes = {task: results.by_size(recorded, task) for task in ("photos", "clothes")}
for way, end in ends.items():
    sizes["photos"][way][1500] = end["test_accuracy"]
reveal(guess, results.enough(sizes["photos"], ends["scratch"]["test_accuracy"].mean()), "Enough")
results.print_few(sizes["photos"], 100, 1500)
show(figures.sizes(sizes), alt=figures.ALT["sizes"])

# %% [markdown]
# **600 labelled photos with a source do about as well as 2,000 without**: 100 and 1,500 to learn from, and 500 each
# to decide when to stop. But on the grey clothes of chapter 02 the source is no better with 300 pictures, and from 1,000
# on *scratch* is ahead, perhaps because ImageNet holds more dogs than grey shirts.

# %% [markdown]
# ## Which source fits? Ask before training
#
# The article advises a source close to our task or, failing that, any. Two tasks: our photos and the emoji of
# chapter 01. Five sources, all frozen: MobileNetV2 with *ImageNet*'s weights or *random* ones; *small* networks
# trained on grey *clothes*, on *the other task*, or not at all.
#
# Three scores estimate beforehand how good a head will be (higher is better):
#
# - **LEEP**, from the classes that the source predicts,
# - **H-score**, from how far apart its features keep our classes,
# - **LogME**, from how well a linear model on them explains our labels.
#
# Ten draws of pictures, five for each task: among the small sources, how often does the highest LogME go with the
# best head?

# %% tags=["reveal"] claims=["D8", "D9", "06.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # of ten draws
fits = results.source_table(data.load_curves("transfer_sources"))
small = [results.with_classes(sources) for sources in fits.values()]  # MobileNetV2 came without its classes
reveal(guess, sum(results.names_the_best(sources, "logme") for sources in small), "Draws, of ten")
results.print_scores(fits)
results.print_sources(fits)  # the network trained on clothes has half as many filters, and sees no colour
# For a source of your own: course_utils.transfer.logme(features, labels). Compare on the same pictures only.

# %% [markdown]
# **Among all five, LogME and H-score find ImageNet in every draw.** So would "take what has seen most photos". Among
# the three small ones, each score is right in 6 or 7 of ten. Luck would give about three; but the draws share their
# sources: a hint, no proof.
#
# "Any"? It depends. On emoji, ImageNet gives 61 % and photos 58 %; untrained, the same networks give
# 51 % and 55 %. On photos, emoji give 42 %, as random weights do.

# %% [markdown]
# ## Exercises
#
# **6.1 Which layer goes where.** `source` has the layers a, b, c, and `target` d, e, f, all `Dense(4)`. Which
# layers has `target` after these lines, in order? (`target.pop()` takes off the model's last layer.)
#
# ```python
# target.layers.pop(0)
# target.add(source.layers[0])
# target.pop()
# target.add(source.layers[1])
# ```

# %% tags=["exercise"]
answer = [...]  # a list of names, such as "a"; as many as there are
ex.which_layer_where.check(answer)

# %% tags=["solution"]
answer = ["d", "e", "f", "b"]  # pop(0) on a copy; a comes and goes; b stays
ex.which_layer_where.check(answer)

# %% [markdown]
# **6.2 What is trained?** A model's layers, with their weights; the norms are BatchNormalization:
#
# ```
# conv1 80    norm1 32    conv2 1168    norm2 64    pooling 0    head 170
# ```
#
# How many weights are trained after `unfreeze(model, "conv2")`, and how many after `unfreeze(model, "norm1")`?
# `unfreeze` unfreezes that layer and all after it, except BatchNormalization.

# %% tags=["exercise"]
answer = ..., ...  # from conv2, from norm1
ex.what_is_trained.check(answer)

# %% tags=["solution"]
answer = 1338, 1338  # both times conv2 and the head; the norms stay as they are
ex.what_is_trained.check(answer)

# %% [markdown]
# **6.3 Two phases, each with its own stop.** `head` and `top` are lists of validation losses, none empty. A phase
# ends once it has set no new best *of its own*, strictly lower, for `patience` epochs (at least 1) in a row, or where
# its list ends. Return three numbers:
#
# - epochs of the head,
# - epochs of the top,
# - the epoch with the lowest loss among those trained, counting from 0 through both phases; if tied, the first.
#
# ```python
# two_phases([3, 2, 2, 2, 1], [4, 3], patience=2)  # (4, 2, 1)
# ```

# %% tags=["exercise"]
def two_phases(head, top, patience):
    return ...


ex.two_events.check(two_phases)

# %% tags=["solution"]
def two_phases(head, top, patience):
    def seen(losses):
        best, wait = float("inf"), 0
        for epoch, loss in enumerate(losses):
            best, wait = (loss, 0) if loss < best else (best, wait + 1)
            if wait == patience:
                return losses[: epoch + 1]
        return losses

    head, top = seen(head), seen(top)
    both = head + top
    return len(head), len(top), both.index(min(both))


ex.two_events.check(two_phases)

# %% [markdown]
# **6.4 A score by hand.** A source with two classes, z0 and z1, looks at four photos. Its probabilities $p$:
#
# ```
#        cat   dog   dog   dog
# z0     1     0.5   0     0
# z1     0     0.5   1     1
# ```
#
# For each class $z$, add up its probabilities over the four photos. $P(y|z)$ is the share of that sum that
# comes from photos with label $y$. LEEP is the mean over the photos of $\log \sum_z P(y|z)\, p_z$, where $y$ is
# the photo's label, $p_z$ its probability for $z$, and $\log$ natural; 0 would be perfect. Two decimals will do.

# %% tags=["exercise"]
answer = ...
ex.leep_by_hand.check(answer)

# %% tags=["solution"]
answer = -0.203  # the mean of log 2/3, log 2/3, log 1, log 1
ex.leep_by_hand.check(answer)

# %% [markdown]
# **6.5 Prune what was fine-tuned.** `model` is the top alone: `Conv_1` and the head. With `prune_at_stop`, make at
# least 90 % of its kernel weights zero, in at most 12 epochs. Keep at least 60 % right on the 500 new photos, and
# a loss there below 2.3, which is what even guessing costs (ln 10). <!-- given: 90, 60, 2.3 -->

# %% tags=["exercise"]
answer = dict(model=model, data=known, validation_data=validation, first=None,  # it is trained already
              target_sparsity=..., ramp_epochs=...,  # the share of zeros, and for how many epochs it grows
              second=..., learning_rate=...)  # a rule for what comes after the ramp: Epochs(4), ...
# choose by val_loss, which the check prints: after many tries the 500 photos are no longer new
ex.prune_the_top.check(answer)  # prune_at_stop(**answer), always starting again from `model`

# %% tags=["solution"]
answer = dict(model=model, data=known, validation_data=validation, first=None,  # it is trained already
              target_sparsity=0.9, ramp_epochs=3,
              second=Patience("val_loss", 2) | Epochs(3), learning_rate=3e-4)
ex.prune_the_top.check(answer)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# Features of a source that fits cost seconds, and here beat a small network from scratch. If you train in
# phases, let each stop by its own rule and start from the best weights so far; one phase, given time, did as well
# here. A score before training found the best of our five sources, an easy choice; whether it beats *scratch*,
# only a run from scratch tells.
#
# Next: [07 More than one modality](07_more_than_one_modality.ipynb).
