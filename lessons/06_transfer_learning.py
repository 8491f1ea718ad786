# %% [markdown]
# # Ten classes, 1,500 photos, one laptop. Is that enough?
#
# You will
# - see where an article's two lines put a layer,
# - freeze layers and set them free, then train in phases that end at events of their own,
# - score a source before you train on it, and meet a task that needs no source.
#
# 50 minutes to read, 35 for the exercises. You need `Patience` from 03, `prune_at_stop` from 05 for the last
# exercise, and an idea of what a convolution is.

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
# CIFAR-10 has photos of ten things, 32 pixels wide. (The second deer is one because its label says so.) 150 of
# each class are little to learn from. **Transfer learning** begins with a network that has seen a million
# others, those of ImageNet: the *source*. Our photos, and the network that we make for them, are the *target*.
#
# ## An article's two lines
#
# ```python
# target_model.layers.pop(0)                  # take the target's first layer away
# target_model.add(source_model.layers[0])    # put the source's first layer there
# ```
#
# The intention is good: the first layers of a network are the most general. The target has three layers. How
# many has it afterwards?

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
# In Keras 3 `layers` is **a copy of the list**, which `pop` shortens. `add` puts the source's layer **at the
# end**, behind the classes; there is no error only because four outputs fit four inputs. And it is the source's own layer: train the target, and the source changes, too.
#
# The article's formula is right: the source's weights $\theta_s$; of these the layers that fit, $\theta_s'$;
# from them the target's weights $\theta_t$ start. On top goes a new last layer, one output for each class of the
# target: the **head**.

# %% [markdown]
# ## Frozen, and set free
#
# Take a small source with a BatchNormalization (*norm*), which remembers the mean and the variance of what it
# has seen. It has six arrays of weights: kernel, bias; scale, shift, mean, variance.
#
# - **`trainable = False`** freezes a layer, or a whole model.
# - **`compile`** builds the training step from what is trainable at that moment.
# - **`source(inputs, training=False)`** calls the source as if it predicted: the usual advice, so that
#   BatchNormalization keeps its mean.
#
# How many arrays change, first frozen, then set free? And does the mean stay?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # of 6, after it is set free
keras.utils.set_random_seed(0)
inputs = keras.Input((4,))
norm = keras.layers.BatchNormalization(name="norm")
source = keras.Model(inputs, norm(keras.layers.Dense(8, name="old")(inputs)))  # from inputs to norm
source.trainable = False
model = keras.Model(inputs, keras.layers.Dense(4, name="head")(source(inputs)))  # a head on the source
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
x, y = np.random.default_rng(0).normal(3, 1, (64, 4)), np.arange(64) % 4


def changed(model):
    before = source.get_weights()
    model.fit(x, y, batch_size=8, verbose=0)
    return sum(not np.array_equal(old, new) for old, new in zip(before, source.get_weights()))


print("Frozen, of 6 change:", changed(model))
source.trainable = True
reveal(guess, changed(model), "Set free, of 6 change")
model.compile("adam", model.loss)
print("Set free and compiled, of 6 change:", changed(model))

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # does training=False keep the mean? "yes" or "no"


def mean_stays(freeze_norm):
    source.trainable, norm.trainable = True, not freeze_norm
    model = keras.Model(inputs, keras.layers.Dense(4, name="head")(source(inputs, training=False)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    mean = norm.moving_mean.numpy()
    model.fit(x, y, batch_size=8, verbose=0)
    return "yes" if np.array_equal(mean, norm.moving_mean.numpy()) else "no"


reveal(guess, mean_stays(freeze_norm=False), "With training=False alone the mean stays")
print("With norm.trainable = False besides:", mean_stays(freeze_norm=True))

# %% [markdown]
# What you set free waits for the next `compile`. **`training=False` does not keep the mean**: in Keras 3
# (seen on 3.15.1) `fit` calls the model with `training=True`, which overrules yours, and a few hundred photos
# pull away what a million had set. **Freeze BatchNormalization itself**; its scale and shift then stay, too.
#
# ## A real source
#
# MobileNetV2 learnt ImageNet's thousand classes; ours comes without its last layer. What its frozen layers
# below the last convolution, `Conv_1`, make of a photo is computed only once. `model` is the rest and a head.
#
# The head is trained first: while random, its large gradients could spoil what is below. (Do they? We look
# later.) Then the convolution is set free, at a lower rate. How many new photos are right?

# %%
guess = ...  # in percent of 500 new photos, with 400 to learn from; chance is 10
weights = data.mobilenetv2_weights()  # or "imagenet", which Keras downloads


def with_head():
    keras.utils.set_random_seed(0)
    source = backbone("MobileNetV2", side=97, from_side=32, weights=weights)  # it enlarges the photos
    bottom, top = split_at(source, "Conv_1")
    x = keras.layers.Dropout(0.5)(top.output)  # a random half is left out, against learning by heart
    return bottom, keras.Model(top.input, keras.layers.Dense(10, name="head")(x))


bottom, model = with_head()
rows = np.random.default_rng(0).permutation(len(labels))[:600]
middle = cached_features(bottom, photos[rows], verbose=0)  # 320 numbers at each of 4 x 4 places
known, validation = (middle[:400], labels[rows[:400]]), (middle[400:], labels[rows[400:]])

# %% tags=["reveal"]
history, report = fit_in_phases(  # it leaves BatchNormalization frozen
    model, [Phase("head", Patience("val_loss", 3), learning_rate=3e-3),
            Phase("top", Patience("val_loss", 3), learning_rate=5e-5, unfreeze_from="Conv_1")],
    known, validation_data=validation, metrics=["accuracy"], verbose=0,
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
unseen, answers = test_photos[::3], test_labels[::3]
logits = model.predict(cached_features(bottom, unseen, verbose=0), verbose=0)
right = logits.argmax(1) == answers
reveal(guess, f"about {100 * right.mean():.0f}", "Right of 500 new photos, in percent")
print(f"{results.after_each(history, report)}\n{report}")
show(figures.phases(history, report), alt=figures.ALT["phases"])

# %% [markdown]
# Both phases write into one history, but each rule looks only at its own phase's epochs; else the second would
# be measured against the head's best loss from its start. The second begins with the head's best weights. Here it
# lowers the loss a little and gets hardly a photo more right.
#
# **Your turn.** Write two phases of your own: another patience, other rates, a rule on `val_accuracy`? Judge by
# the 200 validation photos; the 500 are for the end.

# %% tags=["exercise"]
answer = dict(model=with_head()[1], data=known, validation_data=validation, phases=[..., ...])
ex.your_phases.check(answer)  # calls fit_in_phases

# %% tags=["solution"]
answer = dict(model=with_head()[1], data=known, validation_data=validation, phases=[
    Phase("head", Patience("val_loss", 2), learning_rate=3e-3),
    Phase("top", Patience("val_loss", 2), learning_rate=2e-4, unfreeze_from="Conv_1")])
ex.your_phases.check(answer)  # calls fit_in_phases

# %% tags=["reveal"]
guess = ...  # from 0 to 1: how sure was our model of the mistake of which it was surest?
chances = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
sure = chances.max(axis=1)
mistakes = np.argsort(np.where(right, 0, sure))[::-1]  # the surest first
few = [*np.random.default_rng(1).permutation(len(unseen))[:3], *mistakes[:2]]
reveal(guess, f"{sure[mistakes[0]]:.2f}", "Probability of a wrong class, at most")
drawn = figures.predictions(unseen[few], chances[few], data.CIFAR10, answers[few])
show(drawn, alt=figures.ALT["predictions"])

# %% [markdown]
# Three photos by lot, then its two surest mistakes, on our machine a moose and an owlet: **a network may be sure
# and wrong.** Ask it about a photo of yours:
#
# ```python
# from keras.utils import img_to_array, load_img
# photo = load_img("cat.jpg", target_size=(32, 32), keep_aspect_ratio=True)  # cut to a square
# yours = np.array([img_to_array(photo)])
# chances = keras.ops.softmax(model.predict(bottom.predict(yours)))
# show(figures.predictions(yours.astype("uint8"), np.array(chances), data.CIFAR10), alt="My cat")
# ```
#
# ## Is it enough?
#
# Now all **1,500 photos**, with 500 for validation, 1,500 for the test, and five seeds.
#
# - *Scratch* is a network for small photos, from random weights.
# - *Features* is a head on what the whole source makes of a photo, its features. The source stays as it is.
# - *Fine-tuned* goes on from there with the source's last four blocks of layers.
#
# By how many percentage points is *features* ahead of *scratch*?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percentage points
curves = data.load_curves("transfer")
rules = {"scratch": Patience("val_loss", 8),  # more patience, the more weights are new
         "features": Patience("val_loss", 5), "fine-tuned": Patience("val_loss", 3)}
ends = {way: results.outcomes(curves.select(way=way), rule) for way, rule in rules.items()}
lead = 100 * (ends["features"]["test_accuracy"] - ends["scratch"]["test_accuracy"])
reveal(guess, round(lead.mean()), "Points")
results.print_table(ends, epochs="epochs", seconds="seconds", test_accuracy="test")
results.print_gains(ends, "features", "scratch")
results.print_gains(ends, "fine-tuned", "features")

# %% [markdown]
# **Yes, if the source fits.** This one has met most of our classes: ImageNet has dogs, trucks and frogs of its
# own. A head on its features gets three photos in four right after eight seconds on one core of our machine,
# computing the features included; from scratch it is one in two, after 26. Fine-tuning adds a little,
# and takes 28.
#
# ## Change the photos a little
#
# The other remedy for few photos is **augmentation**: change them anew in every epoch. From scratch, mirrored and
# shifted by up to three pixels: does the stop come sooner or later?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "sooner" or "later"
runs = {"changed": data.load_curves("transfer_scratch_augmented").select(),
        "unchanged": curves.select(way="scratch")}
of = {f"{kind} {patience}": results.outcomes(runs[kind], Patience("val_loss", patience))
      for kind in runs for patience in (8, 15)}
later = of["changed 8"]["epochs"].mean() > of["unchanged 8"]["epochs"].mean()
reveal(guess, "later" if later else "sooner", "With patience 8 the stop comes")
results.print_gains(of, "changed 8", "unchanged 8", epochs="epochs", test_accuracy="test")
results.print_gains(of, "changed 15", "changed 8")  # two end with their recording, at 60 epochs
results.print_gains(of, "unchanged 15", "unchanged 8")

# %% [markdown]
# **Later, and better**: a network that hardly ever sees the same photo twice learns less by heart. With patience
# 15 four of five seeds do better still, without the changes one: when the data change, choose the stop anew.
#
# ## Does stopping between phases find the best model sooner?
#
# So says the article. Three ways, three seeds: *events*, two phases that end by patience; *fixed*, the same with
# 60 and 10 epochs, the second from the head's last epoch on; *at once*, one phase with the head and the last
# four blocks free. Which has its best epoch first? And is it the best model?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "events", "fixed" or "at once"
patient = Patience("val_loss", 3)
ways = {"events": ("fine-tuned", patient), "fixed": ("long head", None), "at once": ("at once", patient)}
became = {name: results.outcomes(curves.select(way=way)[:3], rule) for name, (way, rule) in ways.items()}
reveal(guess, min(became, key=lambda name: became[name]["found"].mean()), "First to have its best epoch")
told = {"found": "best after", "seconds": "ends after", "test_accuracy": "test"}
results.print_table(became, **told)
results.print_gains(became, "events", "at once", **told)
results.print_gains(became, "events", "fixed")

# %% [markdown]
# The fixed head is first, after 7 s, and the model no better: it goes on to learn by heart, and no epoch of the
# second phase gets below that loss. **Events are sooner than everything at once, at about the same accuracy**: their best epoch comes after
# 16 s, not 30. (Three seeds cannot tell 0.2 points.) Nor did the random head spoil anything, at this rate.
#
# ## Fewer photos, and clothes
#
# Of 100, 300 and 750 photos, how many does *features* need to reach *scratch* with 1,500? And does it help with
# Fashion-MNIST's grey clothes?

# %% tags=["reveal"]
guess = ...  # photos
recorded = data.load_curves("transfer_sizes")
sizes = {task: results.by_size(recorded, task) for task in ("photos", "clothes")}
for way, end in ends.items():
    sizes["photos"][way][1500] = end["test_accuracy"]
reveal(guess, results.enough(sizes["photos"], ends["scratch"]["test_accuracy"].mean()), "Enough")
results.print_gains_by_size(sizes["clothes"])
show(figures.sizes(sizes), alt=figures.ALT["sizes"])

# %% [markdown]
# **100 photos with a source do at least as well as 1,500 without.** Each also needs 500 for validation, so in
# labelled photos it is 600 against 2,000.
#
# **When transfer does not help:** the clothes. With 300, the fewest, nothing is gained; with more, a small network
# that learns all its weights is ahead.

# %% [markdown]
# ## Which source, before training?
#
# A source near the task, or just any, says the article. Three scores tell without training:
#
# - **LEEP**: how well the source's own classes predict the labels,
# - **H-score**: how much of the variance of the features is between classes, not within them,
# - **LogME**: how well a linear model on the features explains the labels.
#
# Two tasks: the photos, and the emoji of chapter 01. Five sources each: ImageNet's MobileNetV2, the same with
# random weights, small networks trained on clothes, on the other task, or on nothing (*random small*). How many
# photos does a head on *random small* get right?

# %% tags=["reveal"]
guess = ...  # in percent; chance is 10
fits = results.source_table(data.load_curves("transfer_sources"))  # five random draws of 1000 pictures
reveal(guess, round(100 * fits["photos"]["random small"]["test_accuracy"].mean()), "Right, in percent")
results.print_accuracies(fits["photos"])
results.print_scores(fits)
show(figures.sources(fits), alt=figures.ALT["sources"])

# %% [markdown]
# *Rank agreement* is Kendall's tau: 1 where score and accuracy rank the sources alike, 0 for chance, -1 for the
# reverse. H-score and LogME do well. LEEP needs a source with classes; both MobileNetV2s come without, so it can
# never name ImageNet. Among the other three it ranks worst.
#
# "Any" is no advice: on photos, the network that learnt clothes is behind *random small*, which learnt nothing.
#
# ## Exercises
#
# **6.1 Which layer goes where.** `source` has the layers a, b, c, and `target` d, e, f, all `Dense(4)`.
# Which layers has `target` after these lines, in order? (`target.pop()` takes off the model's last layer.)
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
# The course's `unfreeze` sets free that layer and all after it, and treats BatchNormalization as this chapter
# advises.

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
# - the best of the epochs trained, numbered from 0 through both phases; of equals, the first.

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
# dogs. Its probabilities $\theta$ of (z0, z1) are (1, 0), (0.5, 0.5), (0, 1), (0, 1). <!-- given: 0.5 -->
#
# $P(y|z)$ is the share of all the probability that class $z$ got which came from photos with label $y$. LEEP is
# the mean over the photos of $\log \sum_z P(y|z)\, \theta_z$, with the natural logarithm and the photo's own
# label $y$. Two decimals will do.

# %% tags=["exercise"]
answer = ...
ex.leep_by_hand.check(answer)

# %% tags=["solution"]
answer = -0.239  # the mean of log 1, log 0.6, log 0.8, log 0.8
ex.leep_by_hand.check(answer)

# %% [markdown]
# **6.5 Prune what was fine-tuned.** With chapter 05's `prune_at_stop`, make at least 90 % of the weights in the
# kernels of `model` zero, and keep at least 60 % right on the 500 new photos, with a loss there below that of
# guessing (ln 10, about 2.3). <!-- given: 90, 60, 2.3 --> `second` is a rule, such as
# `Patience("val_loss", 3)` or `Epochs(4)`. Every try begins from `model`, which stays as it is, and trains at
# most 12 epochs. After many tries the 500 are no longer quite
# new.

# %% tags=["exercise"]
answer = dict(model=model, data=known, validation_data=validation, first=None,  # it is trained already
              second=..., target_sparsity=..., ramp_epochs=..., learning_rate=...)
ex.prune_the_top.check(answer)  # calls prune_at_stop(**answer)

# %% tags=["solution"]
answer = dict(model=model, data=known, validation_data=validation, first=None,  # it is trained already
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
