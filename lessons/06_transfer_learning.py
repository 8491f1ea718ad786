# %% [markdown]
# # Ten classes, 1,500 photos, one laptop. Is that enough?
#
# You will
# - see where the article's two lines put a layer, and put it where it belongs,
# - freeze and free layers in plain Keras, then train in phases that end at their own events,
# - score a source before you train on it, and meet a target that needs none.
#
# 45 minutes to read, 25 for the exercises. You need `Patience` from 03, `prune_at_stop` from 05 for the last
# exercise, and an idea of what a convolution is.

# %%
from course_utils.stopping import Epochs, Patience
from course_utils.transfer import Phase, backbone, cached_features, fit_in_phases, split_at
from course_utils.classroom import data
from course_utils.classroom.chapter_06 import exercises as ex, figures
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

(photos, labels), (test_photos, test_labels) = data.load_cifar10()
show(figures.photos_by_class(photos, labels, data.CIFAR10), alt=figures.ALT["photos_by_class"])

# %% [markdown]
# 150 such photos of each class are little to learn from. **Transfer learning** begins with a network that
# has already seen a million others: the *source*. Ours are the *target*.
#
# ## The article's two lines
#
# ```python
# target_model.layers.pop(0)                  # take the target's first layer away
# target_model.add(source_model.layers[0])    # put the source's first layer there
# ```
#
# The intention is good: the first layers of a network are the most general. Take thirty seconds before you
# run them. The target has three layers. How many has it afterwards?

# %%
def three_layers(name, classes):
    sizes = (16, 8, classes)
    layers = [keras.layers.Dense(n, name=f"{name}_{i}") for i, n in enumerate(sizes)]
    return keras.Sequential([keras.Input((4,)), *layers])


guess = ...  # a number of layers; leave the dots to skip

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
source_model, target_model = three_layers("source", classes=5), three_layers("target", classes=4)
target_model.layers.pop(0)
target_model.add(source_model.layers[0])
reveal(guess, len(target_model.layers), "Layers")
print(*(layer.name for layer in target_model.layers))
print("4 classes, and outputs:", target_model.output_shape[1])
print("the source's own layer:", target_model.layers[3] is source_model.layers[0])

# %% [markdown]
# In Keras 3 `layers` gives you **a copy of the list**, and `pop` shortens the copy. `add` puts the source's
# layer **at the end**, behind the classes. And it is the source's own: train the target, and the source
# changes too. The only reason that there is no error: the target's four outputs happen to
# fit the layer's four inputs.
#
# The article's formula is right: $\theta_s \to \theta_s' \to$ first $\theta_t$. Of the source's weights
# $\theta_s$ keep the layers that fit, $\theta_s'$; the target's weights $\theta_t$ begin there. On top goes a
# new last layer with one output for each class of the target, the **head**:

# %%
# NBVAL_CHECK_OUTPUT
lower = keras.Model(source_model.inputs, source_model.layers[-2].output)  # all but the source's classes
kept = keras.models.clone_model(lower)
kept.set_weights(lower.get_weights())
target_model = keras.Model(kept.input, keras.layers.Dense(4, name="head")(kept.output))
print(*(layer.name for layer in target_model.layers[1:]), target_model.output_shape)
print("begins as the source:", np.array_equal(kept.get_weights()[0], source_model.get_weights()[0]))
print("shares with it:", target_model.layers[1] is source_model.layers[0])

# %% [markdown]
# ## Frozen, and set free
#
# Which layers should be trained? Three switches, on a small source with a BatchNormalization (*norm*),
# which remembers the mean and the variance of what it has seen.
#
# - **`trainable = False`** freezes a layer, or all in a model.
# - **`compile`** makes the training step from what is trainable then. What you free afterwards waits for
#   the next `compile`.
# - **`source(inputs, training=False)`** calls the source as if it were predicting. It is the usual advice
#   for a source that is set free again: BatchNormalization should keep its mean. Does it?

# %%
# NBVAL_CHECK_OUTPUT
keras.utils.set_random_seed(0)
inputs = keras.Input((4,))
norm = keras.layers.BatchNormalization(name="norm")
source = keras.Model(inputs, norm(keras.layers.Dense(8, name="old")(inputs)))
source.trainable = False  # the first switch
model = keras.Model(inputs, keras.layers.Dense(4, name="head")(source(inputs)))
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
x, y = np.random.default_rng(0).normal(3, 1, (64, 4)), np.arange(64) % 4


def moved(model):
    before = source.get_weights()
    model.fit(x, y, batch_size=8, verbose=0)
    return sum(not np.array_equal(old, new) for old, new in zip(before, source.get_weights()))


print("frozen:", moved(model), "of 6 move")
source.trainable = True
print("freed:", moved(model), "of 6 move")
model.compile("adam", model.loss)  # the second
print("freed and compiled again:", moved(model), "of 6 move")

# %%
# NBVAL_CHECK_OUTPUT
for freeze in (False, True):
    source.trainable, norm.trainable = True, not freeze
    outputs = keras.layers.Dense(4, name="head")(source(inputs, training=False))  # the third
    again = keras.Model(inputs, outputs)
    again.compile("adam", model.loss)
    mean = norm.moving_mean.numpy()
    again.fit(x, y, batch_size=8, verbose=0)
    said = "training=False, norm.trainable=False" if freeze else "training=False alone"
    print(f"{said}: the mean moves: {not np.array_equal(mean, norm.moving_mean.numpy())}")

# %% [markdown]
# **`training=False` does not keep the mean.** In Keras 3 (seen on 3.15.1) `fit` calls the model with
# `training=True`, which overrules yours; a few hundred photos then overwrite the mean and the variance of a
# million. **Freeze BatchNormalization itself** to keep them.
#
# ## A real source
#
# MobileNetV2 learnt ImageNet's thousand classes; the course ships it without its last layer, which had them.
# All below its last convolution, `Conv_1`, stays frozen: what that makes of a photo, its **features**, is
# computed once. `model` is the rest.
#
# The head is trained first: while it is random, its large gradients would spoil what is below. Then the
# convolution is set free, at a lower rate. Of 500 new photos, how many are right?

# %%
guess = ...  # in percent; chance is 10

keras.utils.set_random_seed(0)
rows = np.random.default_rng(0).permutation(len(labels))[:600]
weights = data.mobilenetv2_weights()  # or "imagenet"
source = backbone("MobileNetV2", side=97, from_side=32, weights=weights)  # 32 pixels become 97 = 3 * 32 + 1
bottom, top = split_at(source, "Conv_1")
middle = cached_features(bottom, photos[rows], verbose=0)
known, validation = (middle[:400], labels[rows[:400]]), (middle[400:], labels[rows[400:]])
x = keras.layers.Dropout(0.5)(top.output)  # half of it is left out in each step, against learning by heart
model = keras.Model(top.input, keras.layers.Dense(10, name="head")(x))
print(photos[rows].shape, "->", middle.shape)  # 320 numbers at each of 4 x 4 places

# %% tags=["reveal"]
history, report = fit_in_phases(
    model, [Phase("head", Patience("val_loss", 3), learning_rate=3e-3),
            Phase("top", Patience("val_loss", 3), learning_rate=5e-5, unfreeze_from="Conv_1")],
    known, validation_data=validation, metrics=["accuracy"], verbose=0,
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
unseen, answers = test_photos[::3], test_labels[::3]
logits = model.predict(cached_features(bottom, unseen, verbose=0), verbose=0)
right = np.mean(logits.argmax(1) == answers)
reveal(guess, f"about {100 * right:.0f}", "Right of 500 new photos, in percent")
kept = [history["val_accuracy"][epoch] for epoch in (report.phases["head"].best_epoch, report.best_epoch)]
print(f"on the validation photos: after the head {kept[0]:.1%}, after both phases {kept[1]:.1%}\n{report}")
show(figures.phases(history, report), alt=figures.ALT["phases"])

# %% [markdown]
# One history, and each phase sees its own epochs alone. BatchNormalization stays frozen by itself. And the
# second phase? It lowers the loss a little and gets hardly a photo more right: 400 photos are few for a
# convolution of 400,000 weights.
#
# What does the model make of five of the new photos?

# %%
few = np.random.default_rng(1).permutation(len(unseen))[:5]
chances = keras.ops.convert_to_numpy(keras.ops.softmax(logits[few]))
show(figures.predictions(unseen[few], chances, data.CIFAR10, answers[few]), alt=figures.ALT["predictions"])

# %% [markdown]
# Three of these five are right, on our machine. Where the model is wrong, it is not sure either. To ask it
# about a photo of yours:
#
# ```python
# from keras.utils import img_to_array, load_img
# yours = np.array([img_to_array(load_img("cat.jpg", target_size=(32, 32)))])
# chances = keras.ops.softmax(model.predict(bottom.predict(yours)))
# show(figures.predictions(yours.astype("uint8"), np.array(chances), data.CIFAR10), alt="My cat")
# ```
#
# ## Is it enough?
#
# Now all **1,500 photos**, 500 more for validation and 1,500 for the test, recorded with five seeds.
#
# - *Scratch* is a network for small photos, from random weights.
# - *Features* is a head on the source, which stays as it is.
# - *Fine-tuned* goes on from there with the last four blocks (groups of layers) of the source.
#
# Each phase ends by patience. By how many percentage points is *features* ahead of *scratch*?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # points
curves = data.load_curves("transfer")
rules = {"scratch": Patience("val_loss", 8), "features": Patience("val_loss", 5),
         "fine-tuned": Patience("val_loss", 3)}
ends = {way: figures.outcomes(curves.select(way=way), rule) for way, rule in rules.items()}
points = {way: 100 * end["test_accuracy"] for way, end in ends.items()}
print("            epochs  seconds  training    test")
for way, end in ends.items():
    mean = {name: values.mean() for name, values in end.items()}
    print(f"{way:12}{mean['epochs']:6.0f}{mean['seconds']:7.0f} s{100 * mean['accuracy']:8.0f} %"
          f"{100 * mean['test_accuracy']:7.1f} %")
reveal(guess, round((points["features"] - points["scratch"]).mean()), "Points")
print("features - scratch:   ", figures.paired(points["features"], points["scratch"]))
print("fine-tuned - features:", figures.paired(points["fine-tuned"], points["features"]))
mirrored = figures.outcomes(data.load_curves("transfer_augmented").select(), rules["features"])
print("mirrored - features:  ", figures.paired(100 * mirrored["test_accuracy"], points["features"]))
print("  its stop:", figures.paired(mirrored["epochs"], ends["features"]["epochs"], "epochs"))

# %% [markdown]
# **Yes, if the source fits.** A head on its features gets three photos in four right, after eight seconds on
# one core of ours, computing the features included; from scratch it is one in two, after 26. Fine-tuning adds a
# little, for three and a half times the time.
#
# ## Change the photos a little
#
# **Augmentation**, the other cure, changes them anew in each epoch, as `keras.layers.RandomFlip` does.
# *mirrored* is a head that sees each photo or its mirror image: neither its
# accuracy nor its stop moves by more than noise. And from scratch, with photos mirrored and shifted by up to
# three pixels: does the stop come sooner or later?

# %%
# NBVAL_CHECK_OUTPUT
changed = data.load_curves("transfer_scratch_augmented").select()
for patience in (8, 15):
    two = [figures.outcomes(runs, Patience("val_loss", patience))
           for runs in (changed, curves.select(way="scratch"))]
    print(f"scratch, patience {patience:2}:", figures.paired(*(100 * end["test_accuracy"] for end in two)))
    print("   its stop:          ", figures.paired(*(end["epochs"] for end in two), "epochs"))

# %% [markdown]
# **Later, and better.** A network that never sees the same photo twice learns less by heart, and its loss
# falls for longer. A patience that was long enough before is now short: with 15 the changed photos are eight
# points ahead, not five. (Two of these runs outlast their record of 60 epochs.) When the data
# change, choose the stop anew.
#
# ## Does stopping between phases find the best model sooner?
#
# So says the article. With three seeds: the same two phases, ended by events or after a generous number of
# epochs; and one phase with everything free from the start. (*kept after*: seconds until the end of the kept
# epoch.)

# %%
# NBVAL_CHECK_OUTPUT
tuned, long, once = (curves.select(way=way)[:3] for way in ("fine-tuned", "long head", "at once"))
patient = Patience("val_loss", 3)
ways = {"two events": (tuned, patient), "fixed: head 60, top 10": (long,),
        "at once, one event": (once, patient), "at once, fixed: 20": (once,)}
became = {name: figures.outcomes(*how) for name, how in ways.items()}
print("                        epochs  seconds  kept after    test")
for name, end in became.items():
    print(f"{name:24}{end['epochs'].mean():5.0f}{end['seconds'].mean():8.0f} s{end['found'].mean():9.0f} s"
          f"{100 * end['test_accuracy'].mean():9.1f} %")
two, fixed = (100 * became[name]["test_accuracy"] for name in list(ways)[:2])
print("two events - fixed phases:        ", figures.paired(two, fixed))
tuned, by_accuracy = curves.select(way="fine-tuned"), Patience("val_accuracy", 3, mode="max")
judged = figures.outcomes(tuned, by_accuracy, "val_accuracy")
gain = figures.paired(100 * judged["test_accuracy"], points["fine-tuned"])
print("top judged by accuracy - by loss:", gain)

# %% [markdown]
# **Sooner than everything at once, and no better.** Two events take 29 s, one event for everything 39 s, its
# fixed 20 epochs 69 s, at the same accuracy. The fixed phases are best after 7 s, in the head, which then
# overfits; the top never gets below that loss.
#
# **Which column judges matters, too.** In fine-tuning, mistakes on validation photos go on falling after the
# loss has turned: judged by accuracy, the top keeps a better epoch in four of five seeds.
#
# ## Fewer photos, and pictures of clothes
#
# With how many photos does *features* reach what *scratch* reaches with 1,500? And does it help with
# Fashion-MNIST's grey clothes?

# %% tags=["reveal"]
guess = ...  # photos
recorded = data.load_curves("transfer_sizes")
sizes = {task: figures.by_size(recorded, task) for task in ("photos", "clothes")}
for way, accuracies in points.items():
    sizes["photos"][way][1500] = accuracies / 100
enough = points["scratch"].mean() / 100
needed = [n for n, test in sizes["photos"]["features"].items() if np.mean(test) >= enough]
reveal(guess, min(needed), "Enough, of 100, 300 and 750 photos")
for n, frozen in sorted(sizes["clothes"]["features"].items()):
    gain = figures.paired(100 * np.array(frozen), 100 * np.array(sizes["clothes"]["scratch"][n]))
    print(f"{n:4} clothes, features - scratch: {gain}")
show(figures.sizes(sizes), alt=figures.ALT["sizes"])

# %% [markdown]
# **100 photos with a source are worth 1,500 without.** Each has 500 more for validation: with labels it is
# 600 against 2,000. At 100 the top gains nothing. (Bars: lowest to highest seed.)
#
# **When transfer does not help:** the clothes. With 300 nothing is gained; with more, a small network that
# learns all its weights is ahead.

# %% [markdown]
# ## Which source, before training?
#
# A source near the task, or just any, says the article. Three scores, all in
# `course_utils.transfer`, need no training:
#
# - **LEEP**: how well the source's own classes predict the labels,
# - **H-score**: how much of the variance of the features is between classes, not within them,
# - **LogME**: how well a linear model on the features explains the labels.
#
# Two targets, the photos and the emoji of chapter 01. Five sources for each: ImageNet's MobileNetV2, the same
# with random weights, and small networks trained on clothes, on the other target, or on nothing (*random
# small*). With a trained head on *random small*, how many photos are right?

# %% tags=["reveal"]
guess = ...  # in percent; chance is 10
fits = figures.source_table(data.load_curves("transfer_sources"))  # five random draws of 1000 pictures
reveal(guess, round(100 * fits["photos"]["random small"]["test_accuracy"].mean()), "Right, in percent")
means = {source: of["test_accuracy"].mean() for source, of in fits["photos"].items()}
print("photos:", ", ".join(f"{source} {100 * mean:.0f} %" for source, mean in means.items()))
print("                sources  rank agreement  names the best of them")
for target, sources in fits.items():
    for score, function in {"leep": "LEEP", "h_score": "H-score", "logme": "LogME"}.items():
        agree, named, seen = figures.agreement(sources, score)
        print(f"{target:7} {function:8}{seen:6}{agree.mean():13.2f}{named:16} of 5 draws")
show(figures.sources(fits), alt=figures.ALT["sources"])

# %% [markdown]
# *Rank agreement* is Kendall's tau: 1 where score and accuracy rank the sources alike, 0 for chance. H-score
# and LogME do well. LEEP sees three sources of five, those with classes: MobileNetV2's were cut off, and
# ImageNet, the best, is not among them.
#
# "Any" is no advice: on photos, the network that learnt clothes is behind *random small*, which learnt
# nothing, and random MobileNetV2 is behind both.
#
# ## Exercises
#
# Put your answer where the dots are. `hint()` and `solution()` stand by.
#
# **6.1 Which layer goes where.** `source` has the layers a, b, c, and `target` d, e, f, all `Dense(4)`.
# Which layers has `target` after these lines, in order?
#
# ```python
# target.layers.pop(0)
# target.add(source.layers[0])
# target.pop()
# target.add(source.layers[1])
# ```

# %% tags=["exercise"]
answer = [..., ...]  # names, such as "a"; as many as there are
ex.which_layer_where.check(answer)

# %% tags=["solution"]
answer = ["d", "e", "f", "b"]  # pop(0) on a copy; a comes and goes; b stays
ex.which_layer_where.check(answer)

# %% [markdown]
# **6.2 What is trained?** A model has the layers conv1 with 80 weights, norm1 (BatchNormalization: scale,
# shift, mean and variance) with 32, conv2 with 1168, norm2 with 64, a pooling layer, and the head with 170.
# How many weights are trained after `unfreeze(model, "conv2")`, how many after `unfreeze(model, "norm1")`?
# `unfreeze` is the course's own: it frees that layer and all after it, and treats BatchNormalization as this
# chapter advises.

# %% tags=["exercise"]
answer = ..., ...  # from conv2, from norm1
ex.what_is_trained.check(answer)

# %% tags=["solution"]
answer = 1338, 1338  # conv2 and the head; norm1 and norm2 stay as they are
ex.what_is_trained.check(answer)

# %% [markdown]
# **6.3 Two phases, two events.** `head` and `top` are lists: the validation losses that each phase would
# have, none of them NaN. A phase ends when its loss was no new best *of its own* for `patience` epochs in a
# row, or where its list ends. Return three numbers:
#
# - how many epochs the head trains,
# - how many the top trains,
# - the best epoch of all, counted from 0 through both; of equals, the first.

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
# **6.4 A score by hand.** A source with two classes, z0 and z1, looks at four photos: two cats, then two
# dogs. Its probabilities $\theta$ are (1, 0), (0.5, 0.5), (0, 1), (0, 1). LEEP is the mean over the photos
# of $\log \sum_z P(y|z)\, \theta_z$, with the natural logarithm, where $y$ is the photo's label. $P(y|z)$: of
# the probability that class $z$ got from all photos, the share that came from photos with label $y$. Two
# decimals will do. <!-- given: 0.5 -->

# %% tags=["exercise"]
answer = ...
ex.leep_by_hand.check(answer)

# %% tags=["solution"]
answer = -0.239  # the mean of log 1, log 0.6, log 0.8, log 0.8
ex.leep_by_hand.check(answer)

# %% [markdown]
# **6.5 Prune what was fine-tuned.** With chapter 05's `prune_at_stop`, make at least 90 % of the weights of
# `model` zero and keep at least 60 % right on the 500 new photos, with a loss below that of guessing.
# <!-- given: 90, 60 --> Give what `prune_at_stop` is called with; the dots are yours. `first=None`, since
# `model` is trained already. The check trains at most 12 epochs (some 20 s of processor time) and shows how
# far it has got.

# %% tags=["exercise"]
answer = dict(model=model, data=known, validation_data=validation, first=None,
              second=..., target_sparsity=..., ramp_epochs=..., learning_rate=...)
ex.prune_the_top.check(answer)  # calls prune_at_stop(**answer)

# %% tags=["solution"]
answer = dict(model=model, data=known, validation_data=validation, first=None,
              second=Patience("val_loss", 3) | Epochs(5),
              target_sparsity=0.9, ramp_epochs=4, learning_rate=3e-4)
ex.prune_the_top.check(answer)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# Features of a source that fits cost seconds, and beat training from scratch where pictures are few. Give
# each phase an event of its own, and let it see its own epochs alone. A score before training ranks the
# sources; whether you need a source at all, only a run from scratch tells.
#
# Next: [07 More than one modality](07_more_than_one_modality.ipynb).
