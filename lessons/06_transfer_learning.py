# %% [markdown]
# # Ten classes, 1,500 photos, one laptop. Is that enough?
#
# You will
# - see where an article's two lines put a layer,
# - freeze layers and set them free, then train in phases, each until its own rule fires,
# - score a source before you train from it, and meet a task on which a frozen one gains nothing.
#
# 50 minutes to read, 50 for the exercises. You need `Patience` from 03, `prune_at_stop` from 05 for the last
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
# CIFAR-10 has photos of ten things, 32 pixels wide. (The second deer is one because its label says so.) 150
# of each class is not much to learn from. **Transfer learning** starts from a network already trained on
# other photos, ImageNet's million: the *source*. Our photos and our network are the *target*.
#
# ## An article's two lines
#
# ```python
# target_model.layers.pop(0)                  # take the target's first layer away
# target_model.add(source_model.layers[0])    # put the source's first layer there
# ```
#
# The intention is good: first layers are the most general. The target has three layers. How many has it
# afterwards?

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
# end**, behind the classes; there is no error only because four outputs fit four inputs. And it is the
# source's own layer: train the target, and the source changes, too.
#
# The article means: copy into the target those of the source's weights $\theta_s$ that fit, $\theta_s'$; the
# target's weights $\theta_t$ start from them.
#
# ```python
# target_model = three_layers("target", classes=4)
# target_model.layers[0].set_weights(source_model.layers[0].get_weights())
# ```
#
# The last layer stays new, one output for each class: the **head**.

# %% [markdown]
# ## Frozen, and set free
#
# Take a small source: a Dense layer and a BatchNormalization (`norm`), which keeps a running mean and
# variance of what it has seen: together six arrays of weights, kernel, bias; scale, shift, mean, variance.
#
# **`trainable = False`** freezes a layer, or a whole model. We freeze the source and fit; then we set
# `trainable = True` and fit again, without compiling. How many of the six arrays change the second time?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # of 6, the second time
keras.utils.set_random_seed(0)
inputs = keras.Input((4,))
norm = keras.layers.BatchNormalization(name="norm")
small = keras.Model(inputs, norm(keras.layers.Dense(8, name="old")(inputs)))  # the source
small.trainable = False
target = keras.Model(inputs, keras.layers.Dense(4, name="head")(small(inputs)))  # a head on the source
target.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
x, y = np.random.default_rng(0).normal(3, 1, (64, 4)), np.arange(64) % 4


def changed():
    before = small.get_weights()
    target.fit(x, y, batch_size=8, verbose=0)
    return sum(not np.array_equal(old, new) for old, new in zip(before, small.get_weights()))


print("Frozen, of 6 change:", changed())
small.trainable = True
reveal(guess, changed(), "Set free, of 6 change")
target.compile("adam", target.loss)
print("Set free and compiled, of 6 change:", changed())

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
# the usual advice: call the source with training=False, as if it predicted, and norm keeps its mean
guess = ...  # does it, while we fit? "yes" or "no"


def mean_stays(freeze_norm):
    small.trainable, norm.trainable = True, not freeze_norm
    target = keras.Model(inputs, keras.layers.Dense(4, name="head")(small(inputs, training=False)))
    target.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    mean = norm.moving_mean.numpy()
    target.fit(x, y, batch_size=8, verbose=0)
    return "yes" if np.array_equal(mean, norm.moving_mean.numpy()) else "no"


reveal(guess, mean_stays(freeze_norm=False), "With training=False alone the mean stays")
print("With norm.trainable = False besides:", mean_stays(freeze_norm=True))

# %% [markdown]
# **What you set free waits for the next `compile`**, which fixes what is trained. **`training=False` does not
# keep the mean**: in Keras 3.15.1 `fit` says `training=True`, which overrules yours, so a few hundred photos
# can pull away what a million had set. **Freeze BatchNormalization itself**: scale and shift stay, too.
#
# ## A real source
#
# MobileNetV2 learnt ImageNet's classes; ours comes without its last layer. What lies below the last
# convolution, `Conv_1`, stays frozen, so its output is computed once for each photo. `model` is what follows:
# `Conv_1` and a new head.
#
# The head comes first: while random, its large gradients could spoil what is below. Then `Conv_1` is set
# free, at a lower rate, to keep what it knows. How many new photos are right?

# %%
guess = ...  # in percent of 500 new photos, with 400 to learn from; chance is 10
weights = data.mobilenetv2_weights()  # or "imagenet", which Keras downloads


def with_head():
    keras.utils.set_random_seed(0)
    source = backbone("MobileNetV2", side=97, from_side=32, weights=weights)  # enlarged; why 97: data/README
    bottom, top = split_at(source, "Conv_1")
    x = keras.layers.Dropout(0.5)(top.output)  # a random half is left out, against learning by heart
    return bottom, keras.Model(top.input, keras.layers.Dense(10, name="head")(x))  # logits: no softmax yet


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
# Both phases write into one history, but each rule sees its own phase's epochs alone; otherwise the second
# would have to beat the head's best loss from its first epoch. It begins with the head's best weights, not
# its last: hence the jump of the training loss. On our machine it gets one photo of 200 more right.
#
# **Your turn.** Write two phases of your own: another patience, other rates, a rule on `val_accuracy`?
# Solved, outside the score, when the second sets more weights free and half of the 200 validation photos are
# right. The 500 are for the end.

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
# Three photos by lot, then its two surest mistakes, on our machine a moose and an owlet: **a network may be
# sure and wrong.** Ask it about a photo of yours:
#
# ```python
# from keras.utils import img_to_array, load_img
# photo = load_img("cat.jpg", target_size=(32, 32), keep_aspect_ratio=True, interpolation="box")  # a square
# yours = np.array([img_to_array(photo)])
# chances = keras.ops.softmax(model.predict(bottom.predict(yours)))
# show(figures.predictions(yours.astype("uint8"), np.array(chances), data.CIFAR10), alt="My cat")
# ```
#
# ## Is it enough?
#
# All **1,500 photos** now, 500 for validation, 1,500 for the test, five seeds.
#
# - *Scratch*: a network for small photos, from random weights.
# - *Features*: a head on what the whole source, frozen, makes of a photo, its features.
# - *Fine-tuned*: that head, then the *top* set free, too, the source's last four blocks of layers.
#
# Patience ends each phase. By how many points is *features* ahead of *scratch*?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percentage points
curves = data.load_curves("transfer")
rules = {"scratch": Patience("val_loss", 8), "features": Patience("val_loss", 5),
         "fine-tuned": Patience("val_loss", 3)}  # of the top; its head was recorded with patience 5
ends = {way: results.outcomes(curves.select(way=way), rule) for way, rule in rules.items()}
lead = 100 * (ends["features"]["test_accuracy"] - ends["scratch"]["test_accuracy"])
reveal(guess, round(lead.mean()), "Points")
results.print_table(ends, epochs="epochs", seconds="seconds", test_accuracy="test")
results.print_gains(ends, "features", "scratch")  # mean ± standard deviation over the seeds
results.print_gains(ends, "fine-tuned", "features")

# %% [markdown]
# **Yes, if the source fits.** This one has met most of our classes: ImageNet has dogs, trucks and frogs of
# its own. A head on its features gets three photos in four right after eight seconds on one core, computing
# them included; from scratch it is one in two, after 26. Fine-tuning adds a little, after 28. (Another
# patience, other seconds.)
#
# ## Change the photos a little
#
# The other remedy for few photos is **augmentation**: change them anew in every epoch. From scratch, mirrored
# and shifted by up to three pixels, fractions too: does the stop come sooner or later?

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
results.print_gains(of, "changed 15", "changed 8")  # two of five still went on when the recording ended
results.print_gains(of, "unchanged 15", "unchanged 8")

# %% [markdown]
# **Later, and better**: a network that hardly ever sees quite the same photo twice learns less by heart. With
# patience 15, four of five augmented runs get better still, and one of five without augmentation. When you
# change the data, choose the patience again.
#
# ## Does stopping between phases find the best model sooner?
#
# So says the article. Three ways, three seeds:
#
# - *Events*: the head, then the top, each until its patience ends it.
# - *Fixed*: the head for 60 epochs, then the top for 10, from the head's last weights.
# - *At once*: both in one phase.
#
# Which has its best epoch first? And is it the best model?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "events", "fixed" or "at once"
patient = Patience("val_loss", 3)
ways = {"events": ("fine-tuned", patient), "fixed": ("long head", None), "at once": ("at once", patient)}
became = {name: results.outcomes(curves.select(way=way)[:3], rule) for name, (way, rule) in ways.items()}
reveal(guess, min(became, key=lambda name: became[name]["found"].mean()), "First to have its best epoch")
told = {"found": "best after", "seconds": "ends after", "test_accuracy": "test"}
results.print_table(became, **told)
results.print_gains(became, "events", "at once", found="best after", test_accuracy="test")
results.print_gains(became, "events", "fixed")
results.print_losses(curves.select(way="long head"), "fixed")

# %% [markdown]
# **Sooner than all at once, yes**: after 16 s, not 30; three seeds cannot tell 0.2 points. (There the random
# head spoilt nothing, at a rate of 5e-5.) **Than *fixed*, no**: its best epoch comes after 7 s, though you
# know it only after 44. It is the head's, which then learns by heart; the top never gets back down, and the
# model is 1.6 points behind. But 60 epochs are far too many (*features* stops after 18); 15 we did not try.
#
# ## Fewer photos, and clothes
#
# Of 100, 300, 750 photos, how many does *features* need to reach *scratch* with 1,500? And does it help with
# Fashion-MNIST's clothes?

# %% tags=["reveal"]
guess = ...  # photos
recorded = data.load_curves("transfer_sizes")
sizes = {task: results.by_size(recorded, task) for task in ("photos", "clothes")}
for way, end in ends.items():
    sizes["photos"][way][1500] = end["test_accuracy"]
reveal(guess, results.enough(sizes["photos"], ends["scratch"]["test_accuracy"].mean()), "Enough")
results.print_few(sizes["photos"], 100, 1500)
results.print_gains_by_size(sizes["clothes"])
show(figures.sizes(sizes), alt=figures.ALT["sizes"])

# %% [markdown]
# **100 photos with a source do about as well as 1,500 without.** (With those for validation, 600 and 2,000.)
#
# **When frozen features do not help:** the clothes. (We did not fine-tune there.) With 300 nothing is gained;
# with more, a small network from scratch is ahead.

# %% [markdown]
# ## Which source? Ask before training
#
# Should it be close to the task, or will any do, as the article says? Three scores estimate what suits:
#
# - **LEEP**: how well the source's own classes predict the labels,
# - **H-score**: how much of the features' variance is between classes, not within them,
# - **LogME**: how well a linear model on the features explains the labels.
#
# Two tasks, these photos and chapter 01's emoji, and five sources each: ImageNet's MobileNetV2, the same with
# random weights, small networks trained on clothes, the other task, or nothing (*random small*). How many
# photos does a head on *random small* get right?

# %% tags=["reveal"]
guess = ...  # in percent; chance is 10
fits = results.source_table(data.load_curves("transfer_sources"))  # five random draws of 1000 pictures
reveal(guess, round(100 * fits["photos"]["random small"]["test_accuracy"].mean()), "Right, in percent")
results.print_accuracies(fits["photos"])
# Kendall's tau compares the rankings by score and by accuracy: 1 the same, 0 chance, -1 the reverse
results.print_scores(fits)
show(figures.sources(fits), alt=figures.ALT["sources"])

# %% [markdown]
# H-score and LogME do well. LEEP needs the classes of a source; our MobileNetV2s came without their last
# layer, so for them there is none. Of the three scores it ranks worst.
#
# "Any" is no advice: on photos, our one network that learnt clothes is behind five that learnt nothing.
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
# **6.2 What is trained?** A model has the layers conv1 with 80 weights, norm1 (BatchNormalization)
# with 32, conv2 with 1168, norm2 with 64, a pooling layer, and the head with 170.
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
# have, one or more, all finite. A phase ends when its loss was no new best *of its own* for `patience` epochs
# in a row (`patience` >= 1), or where its list ends. Return three numbers:
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
# **6.4 A score by hand.** A source with two classes, z0 and z1, looks at four photos: a cat, then three
# dogs. Its probabilities $p$ of (z0, z1) are (1, 0), (0.5, 0.5), (0, 1), (0, 1). <!-- given: 0.5 -->
#
# Add up the probability that class $z$ gets from all photos. $P(y|z)$ is the share of that sum that comes
# from the photos with label $y$. LEEP is the mean over the photos of $\log \sum_z P(y|z)\, p_z$, with the
# natural logarithm and the photo's own label $y$. Two decimals will do.

# %% tags=["exercise"]
answer = ...
ex.leep_by_hand.check(answer)

# %% tags=["solution"]
answer = -0.203  # the mean of log 2/3, log 2/3, log 1, log 1
ex.leep_by_hand.check(answer)

# %% [markdown]
# **6.5 Prune what was fine-tuned.** With chapter 05's `prune_at_stop`, make at least 90 % of the kernel
# weights of `model` zero, and keep at least 60 % right on the 500 new photos, with a loss there below that of
# guessing (ln 10, about 2.3), so that it is not sure of its mistakes. <!-- given: 90, 60, 2.3 -->
#
# The share of zeros grows for `ramp_epochs` epochs; then `second` may end the training, a rule such as
# `Patience("val_loss", 3)` or `Epochs(4)`. Every try begins from `model` and trains at most 12 epochs. Choose
# by `val_loss`: after many tries the 500 are no longer new.

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
# sources; whether the best beats random weights, only a run from scratch tells.
#
# Next: [07 More than one modality](07_more_than_one_modality.ipynb).
