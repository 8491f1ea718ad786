# %% [markdown]
# # Ten classes, 1,500 photos, one laptop. Is that enough?
#
# You will
# - find out what an article's two lines really do,
# - train in phases, each with its own stopping rule,
# - choose a pretrained network before you spend time on it.
#
# 30 minutes to read, 50 for the exercises. You need `Patience` from 03, `prune_at_stop` from 05 for the last
# exercise, and what a convolution is.

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
# Ten classes, about 150 photos of each. (The second deer is a deer only because its label says so.) **Transfer
# learning** starts from a network already trained on other photos, here a million from ImageNet: the
# *source*. Ours is the *target*.
#
# ## Where do an article's two lines put the layer?
#
# ```python
# target_model.layers.pop(0)                  # take the target's first layer away
# target_model.add(source_model.layers[0])    # put the source's first layer there
# ```
#
# The third of the [four articles](00_start_here.ipynb) means well: first layers are the most general. The
# target has three layers. How many does it have afterwards?

# %% tags=["reveal"] claims=["D5", "D6"]
# NBVAL_CHECK_OUTPUT
guess = ...  # a number of layers; leave the dots to skip


def three_layers(name, classes):
    sizes = (16, 8, classes)
    layers = [keras.layers.Dense(n, name=f"{name}_{i}") for i, n in enumerate(sizes)]
    return keras.Sequential([keras.Input((4,)), *layers])


source_model, target_model = three_layers("source", classes=5), three_layers("target", classes=4)
target_model.layers.pop(0)
target_model.add(source_model.layers[0])
reveal(guess, len(target_model.layers), "Layers")
print(*(layer.name for layer in target_model.layers))
print("the source's own layer:", target_model.layers[3] is source_model.layers[0])

# %% [markdown]
# In Keras 3 `layers` is **a copy of the list**: `pop` shortened the copy. `add` put the layer **at the end**
# (it fits, since four classes meet four inputs), and both models share it: train the target, and the source
# changes. What the article means:
#
# ```python
# target_model = three_layers("target", classes=4)
# target_model.layers[0].set_weights(source_model.layers[0].get_weights())
# ```
#
# The last layer, one output a class, stays new: the **head**.
#
# ## When is a layer frozen?
#
# A **frozen** layer keeps its weights in training: `trainable = False`. **BatchNormalization** standardises
# by a mean and a variance that it tracks, then scales and shifts by two arrays that it learns.
#
# We freeze a source of six arrays and fit; then we set `trainable = True` and fit again, without compiling.
# How many change then?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # of 6, the second time
keras.utils.set_random_seed(0)
inputs, norm = keras.Input((4,)), keras.layers.BatchNormalization()
small = keras.Model(inputs, norm(keras.layers.Dense(8)(inputs)))  # six: kernel, bias, those four
target = keras.Model(inputs, keras.layers.Dense(4)(small(inputs, training=False)))  # keep that mean
x, y = np.random.default_rng(0).normal(3, 1, (64, 4)), np.arange(64) % 4


def changed(compiled=True):
    if compiled:
        target.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = small.get_weights()
    target.fit(x, y, batch_size=8, verbose=0)
    return sum(not np.array_equal(old, new) for old, new in zip(before, small.get_weights()))


small.trainable = False
print("Frozen, of 6 change:", changed())
small.trainable = True
reveal(guess, changed(compiled=False), "Set free, of 6 change")
print("Set free and compiled, of 6 change:", changed())
norm.trainable = False
print("The same, but norm frozen:", changed())

# %% [markdown]
# **A change of `trainable` takes effect at the next `compile`.** Then all six change, mean and variance too:
# in a real source, a few hundred photos would overwrite what a million set. (`training=False` should keep those two; in
# Keras 3.15.1 `fit` overrules it.) **Freeze BatchNormalization, even in a part
# set free.**
#
# ## How good is a real source?
#
# We cut MobileNetV2, trained on that million, before its last convolution, `Conv_1`: the **bottom**, next to
# the input, stays frozen; the **top** is the rest. First the head trains alone: while random, its errors
# could spoil the top. Then the top is freed, too, at a lower rate.

# %%
guess = ...  # percent right of 500 new photos, after learning from 400; chance is 10
weights = data.mobilenetv2_weights()  # or "imagenet", which Keras downloads


def with_head():
    keras.utils.set_random_seed(0)
    source = backbone("MobileNetV2", side=97, from_side=32, weights=weights)  # enlarges the photos
    bottom, top = split_at(source, "Conv_1")
    x = keras.layers.Dropout(0.5)(top.output)  # a random half is left out, against learning by heart
    return bottom, keras.Model(top.input, keras.layers.Dense(10, name="head")(x))  # logits: no softmax yet


bottom, model = with_head()
rows = np.random.default_rng(0).permutation(len(labels))[:600]
middle = cached_features(bottom, photos[rows], verbose=0)  # the bottom never changes: computed once
known, validation = (middle[:400], labels[rows[:400]]), (middle[400:], labels[rows[400:]])

# %% tags=["reveal"] claims=["D7", "06.2"]
history, report = fit_in_phases(  # it leaves BatchNormalization frozen
    model, [Phase("head", Patience("val_loss", 3), learning_rate=3e-3),  # the whole source is frozen
            Phase("top", Patience("val_loss", 3), learning_rate=5e-5, unfreeze_from="Conv_1")],
    known, validation_data=validation, metrics=["accuracy"], verbose=0,
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
unseen, answers = test_photos[::3], test_labels[::3]
logits = model.predict(cached_features(bottom, unseen, verbose=0), verbose=0)
right = logits.argmax(1) == answers
reveal(guess, f"about {100 * right.mean():.0f}", "Right of 500 new photos, in percent")
print(report)
show(figures.phases(history, report), alt=figures.ALT["phases"])

# %% [markdown]
# The top lowers the validation loss, a little. It starts from the head's *best* weights (diamond): hence
# the jump of the training loss.
#
# **Your turn.** Write two phases. Not scored; solved when the second trains more weights than the first and half of
# the 200 validation photos are right.

# %% tags=["exercise"]
answer = dict(model=with_head()[1], data=known, validation_data=validation, phases=[..., ...])  # two Phases
ex.your_phases.check(answer)  # calls fit_in_phases

# %% tags=["solution"]
answer = dict(model=with_head()[1], data=known, validation_data=validation, phases=[
    Phase("head", Patience("val_loss", 1), learning_rate=3e-3),
    Phase("top", Patience("val_loss", 1), learning_rate=2e-4, unfreeze_from="Conv_1")])
ex.your_phases.check(answer)  # calls fit_in_phases

# %% tags=["reveal"]
guess = ...  # from 0 to 1: the highest probability that our model gave to a wrong class
chances = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
sure = chances.max(axis=1)
mistakes = np.argsort(np.where(right, 0, sure))[::-1]  # the surest first
few = [*np.random.default_rng(1).permutation(len(unseen))[:3], *mistakes[:2]]
reveal(guess, figures.share(sure[mistakes[0]]), "Highest probability of a wrong class")
drawn = figures.predictions(unseen[few], chances[few], data.CIFAR10, answers[few])
show(drawn, alt=figures.ALT["predictions"])

# %% [markdown]
# Three photos at random, then its two most confident mistakes, on our machine a moose and an owlet: **a
# network may be sure and wrong.** Ask it about your own; it will call even a teapot one of the ten:
#
# ```python
# from keras.utils import img_to_array, load_img
# photo = load_img("cat.jpg", target_size=(32, 32), keep_aspect_ratio=True, interpolation="box")  # cropped
# yours = np.array([img_to_array(photo)])
# says = keras.ops.softmax(model.predict(bottom.predict(yours)))
# show(figures.predictions(yours.astype("uint8"), np.array(says), data.CIFAR10), alt="My cat")
# ```
#
# ## Is it enough?
#
# All **1,500 photos** now, and 500 more to tell when to stop; five seeds:
#
# - *Scratch*: a small network, from random weights.
# - *Features*: a head on the frozen source.
# - *Fine-tuned*: that head, then a larger top, the last four blocks.
#
# By how many percentage points is *features* ahead of *scratch*?

# %% tags=["reveal"] claims=["B14", "06.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percentage points
curves = data.load_curves("transfer")  # recorded on one core; tested on 1500 other photos
rules = {"scratch": Patience("val_loss", 8), "features": Patience("val_loss", 5),
         "fine-tuned": Patience("val_loss", 3)}  # of the top; its head was recorded with patience 5
ends = {way: results.outcomes(curves.select(way=way), rule) for way, rule in rules.items()}
lead = 100 * (ends["features"]["test_accuracy"] - ends["scratch"]["test_accuracy"])
reveal(guess, round(lead.mean()), "Points")
results.print_table(ends, seconds="seconds", test_accuracy="right")
results.print_seeds(ends, "features", "scratch")
results.print_seeds(ends, "fine-tuned", "features")

# %% [markdown]
# **Yes, if the source fits**, and ImageNet has dogs, trucks and frogs of its own. *Features* gets three
# photos in four right, after eight seconds (computing them included, ImageNet's training not); *scratch* one in two, after 26.
# Fine-tuning adds a little.
#
# ## Does a stop between phases find the best model sooner?
#
# The article says so. Three ways, three seeds:
#
# - *Events*: head, then top, each with patience, the top from the head's best weights.
# - *Fixed*: 60 epochs of head, then 10 of top, from the head's last weights.
# - *At once*: both in one phase, with patience, at the top's low rate.
#
# Which is ahead after 20 s?

# %% tags=["reveal"] claims=["D10"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "events", "fixed" or "at once"
patient = Patience("val_loss", 3)
ways = {"events": ("fine-tuned", patient), "fixed": ("long head", None), "at once": ("at once", patient)}
early, ended = ({name: results.outcomes(curves.select(way=way)[:3], rule, within=seconds)  # best so far
                 for name, (way, rule) in ways.items()} for seconds in (20, np.inf))
reveal(guess, max(ways, key=lambda name: early[name]["test_accuracy"].mean()), "Ahead after 20 s")
results.print_seeds(early, "events", "at once")
print("When all is done:")
results.print_table(ended, seconds="done after", test_accuracy="right")
results.print_seeds(ended, "events", "fixed")
results.print_val_losses(curves.select(way="long head"), "fixed")

# %% [markdown]
# **Sooner than all at once: yes**, in every seed; in the end *at once* draws level. (Its random head spoilt
# nothing for good.)
#
# **Sooner than those fixed lengths, too, and in no seed worse.** *Fixed* overfits its head; its top starts there
# and never gets back down. (Sixty epochs of head are far too many; a shorter length we did not try.)
#
# ## How few photos will do?
#
# Of 100, 300, 750 photos, plus the 500, how many does *features* need to reach *scratch* with 1,500?

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
# **100 photos with a source do about as well as 1,500 without** (each with 500 more to tell when to stop). But on clothes, 02's grey pictures, frozen
# features gain nothing, and from 1,000 on *scratch* is ahead. (We did not fine-tune there.)

# %% [markdown]
# ## Which source fits? Ask before training
#
# The article advises a source near the task, or just any. **LEEP**, **H-score** and **LogME** tell before any training how well our
# labels can be told from what the frozen source puts out: LEEP from its classes, the others from its features. Higher is better.
#
# Two tasks, our photos and 01's emoji, each with five draws of 1,000 pictures. Five frozen sources:
# MobileNetV2 from ImageNet or with random weights; small networks trained on clothes, on the other task, or
# on nothing (*random small*). In how many of ten draws has the source of the highest LogME the best head?

# %% tags=["reveal"] claims=["D8", "D9", "06.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # of ten draws
fits = results.source_table(data.load_curves("transfer_sources"))
reveal(guess, sum(results.names_the_best(sources, "logme") for sources in fits.values()), "LogME is right in")
results.print_scores(fits)
results.print_by_score(fits)

# %% tags=["reveal"]
show(figures.sources(fits), alt=figures.ALT["sources"])

# %% [markdown]
# **A source that stands out is found**: ImageNet, in every draw. Among the small networks, which lie closer
# together, each score is right in 6 or 7 of ten; luck would be in about three. Heads get better with LogME
# from source to source; among the draws of one source they need not.
#
# "Just any" is no advice: random weights make MobileNetV2 the worst of all, and on photos our network that
# learnt clothes is behind *random small*, in all five draws. (It sees in grey and is half as wide: clothes need not
# be to blame.)

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
answer = [..., ...]  # a list of names, such as "a"; as many as there are
ex.which_layer_where.check(answer)

# %% tags=["solution"]
answer = ["d", "e", "f", "b"]  # pop(0) on a copy; a comes and goes; b stays
ex.which_layer_where.check(answer)

# %% [markdown]
# **6.2 What is trained?** A model has conv1 with 80 weights, norm1 (BatchNormalization) with 32, conv2 with
# 1168, norm2 with 64, a pooling layer, and the head with 170. How many are trained after `unfreeze(model,
# "conv2")`, how many after `unfreeze(model, "norm1")`? It sets free that layer and all after it, and treats
# BatchNormalization as this chapter advises.

# %% tags=["exercise"]
answer = ..., ...  # from conv2, from norm1
ex.what_is_trained.check(answer)

# %% tags=["solution"]
answer = 1338, 1338  # conv2 and the head; norm1 and norm2 stay as they are
ex.what_is_trained.check(answer)

# %% [markdown]
# **6.3 Two phases, two events.** `head` and `top` are lists of validation losses, none empty. A phase ends
# once it has set no new best *of its own*, strictly lower, for `patience` epochs in a row, or where its list
# ends: with patience 2, [3, 2, 2, 2, 1] ends after four. Return three numbers:
#
# - epochs of the head,
# - epochs of the top,
# - the best epoch trained, numbered from 0 through both phases; of equals, the first.

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
# **6.4 A score by hand.** A source with two classes, z0 and z1, looks at four photos: a cat, then three dogs.
# Its probabilities $p$ of (z0, z1) are (1, 0), (0.5, 0.5), (0, 1), (0, 1). <!-- given: 0.5 -->
#
# For each class $z$, add up its probabilities over the four photos. $P(y|z)$ is the share of that sum that
# comes from photos with label $y$. LEEP is the mean over the photos of $\log \sum_z P(y|z)\, p_z$, with
# natural logarithms and the photo's own label; 0 would be perfect. Two decimals will do.

# %% tags=["exercise"]
answer = ...
ex.leep_by_hand.check(answer)

# %% tags=["solution"]
answer = -0.203  # the mean of log 2/3, log 2/3, log 1, log 1
ex.leep_by_hand.check(answer)

# %% [markdown]
# **6.5 Prune what was fine-tuned.** With chapter 05's `prune_at_stop`, make at least 90 % of all kernel
# weights of `model` zero, and keep at least 60 % right on the 500 new photos, with a loss there below 2.3 (ln
# 10, that of guessing). <!-- given: 90, 60, 2.3 -->
#
# Choose by `val_loss`, which the check prints: after many tries the 500 are no longer new.

# %% tags=["exercise"]
answer = dict(model=model, data=known, validation_data=validation, first=None,  # it is trained already
              target_sparsity=..., ramp_epochs=...,  # the share of zeros, and for how many epochs it grows
              second=..., learning_rate=...)  # a rule for what comes after the ramp: Epochs(4), ...
ex.prune_the_top.check(answer)  # prune_at_stop(**answer), from `model` anew; at most 12 epochs in all

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
# Features of a source that fits cost seconds, and here beat a small network from scratch. Give each phase an
# event of its own, and let it see its own epochs alone. A score before training finds a source that stands
# out; whether that source beats training from scratch, only a run from scratch tells.
#
# Next: [07 More than one modality](07_more_than_one_modality.ipynb).
