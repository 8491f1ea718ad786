# %% [markdown]
# # Nine weights in ten, or half of the units: which makes a network small and fast?
#
# You will
# - cut whole units out of a trained network, by hand and then by name,
# - write it as the file that a phone runs, read it back and measure it,
# - see when to begin pruning, and when a teacher helps.
#
# 30 minutes to read, 40 for the exercises. You need the masks and the second stop of 05, and `When` from 02.

# %%
from course_utils.stopping import Patience, StopWhen, batches
from course_utils.small import Lite, measure, prune_filters, to_lite
from course_utils.classroom.data import load_curves
from course_utils.classroom.chapter_05 import pictures
from course_utils.classroom.chapter_09 import exercises as ex, figures, outcomes
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

train, validation, test = pictures.digits()  # those of chapter 05


def trained(network, rate=0.003):
    network.compile(keras.optimizers.Adam(rate), network.loss or model.loss, metrics=["accuracy"])
    stop = StopWhen(Patience("val_loss", 3), restore_best="val_loss")
    network.fit(batches(*train, 64, seed=0), validation_data=validation, epochs=40, verbose=0, callbacks=[stop])
    return network


model = trained(pictures.small_network())  # three Dense layers, of 256, 128 and 10 units
print(f"{model.count_params():,} weights, {model.evaluate(*test, verbose=0)[1]:.1%} of the test right")

# %% [markdown]
# Chapter 05 left nine weights in ten at zero. The file to download shrank, and nothing got faster: a zero in
# the middle of a matrix is multiplied like any number. A matrix that is *smaller* is another matter.
#
# ## Cut a unit
#
# A unit of a `Dense` layer lives in three places: a column of the layer's kernel, a number of its bias, and a
# row of the next kernel, which it feeds. We take out half of the first layer: the units whose weights are
# smallest in size, in sum.

# %%
kernel, bias, after, *rest = model.get_weights()
size = np.abs(kernel).sum(0)  # one number a unit
kept = np.sort(np.argsort(size)[128:])  # the larger half, in their old order

by_hand = pictures.small_network(units=(128, 128))
by_hand.set_weights([kernel[:, kept], bias[kept], after[kept], *rest])
print(f"{by_hand.count_params():,} weights, {by_hand.evaluate(*test, verbose=0)[1]:.1%} right, not trained further")

# %% [markdown]
# `prune_filters` does that for all layers at once, and for filters of convolutions, through branches,
# normalization and recurrent layers. It says what it cut and what it had to leave whole.
#
# Both hidden layers lose half of their units. What is left of the weights, in percent?

# %%
guess = ...  # percent of 50,826

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
half, report = prune_filters(model, 0.5)
reveal(guess, round(100 * half.count_params() / model.count_params()), "Weights left, in percent")
print(report)

# %% [markdown]
# A third: the kernel between two layers that are cut loses rows *and* columns. As after any cut, the
# rest has to make up for it, until a second stop. There are no masks to wait for.

# %%
trained(half)
print(f"trained on: {half.evaluate(*test, verbose=0)[1]:.1%} right")

# %% [markdown]
# ## Write it, read it back
#
# `to_lite` gives the bytes of a LiteRT file, here in **int8**, a byte a weight. A hundred pictures tell it
# which range of numbers each layer has. It loads the file and runs it once before you get it, since not every
# file that can be written can be run.

# %%
import tempfile
from pathlib import Path

mine = 7  # a picture of the test, 0 to 539
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.tflite"
    path.write_bytes(to_lite(half, int8=True, data=train[0]))
    lite = Lite(path)  # what a phone would load
    print(pictures.drawn(test[0][mine]))
    print(f"It reads {lite.predict(test[0][mine: mine + 1]).argmax()}, and this is {test[1][mine]}. "
          f"Of the whole test {lite.accuracy(*test):.1%} are right.")
    print(measure(path, reference=model))

# %% [markdown]
# `measure` lets the file and the reference, your uncut network in 32 bits, take turns, so that the ratio
# holds where microseconds do not. It is your processor's ratio. A phone has another one.
#
# ## One picture
#
# Five MLPs and five CNNs were made small in seven ways, each in 32 bits and in 8, written, read back, and
# run. All were trained to a stop and then on, at three times the rate, to a second one.
#
# The uncut MLP weighs 190 kB. What does the smallest file weigh that loses at most half a point?

# %%
guess_size = ...  # kB after gzip

# %% tags=["reveal"] claims=["09.1", "C12"]
# NBVAL_CHECK_OUTPUT
front = load_curves("small_front")
mlp = outcomes.files(front, "mlp")
right = {key: 100 * rows["test_accuracy"].mean() for key, rows in mlp.items()}
good = [key for key in mlp if right["dense", 32] - right[key] <= 0.5]
least = min(good, key=lambda key: mlp[key]["gz"].mean())
reveal(guess_size, f"{mlp[least]['gz'].mean() / 1000:.0f} kB, {least[0]}", "Smallest file within half a point")
print("                         kB  time  right")
for key in (("dense", 32), *((name, 8) for name in figures.LOOKS)):
    rows = mlp[key]
    print(f"{key[0]:15} {key[1]:2} bits {rows['gz'].mean() / 1000:4.0f}  {rows['latency'].mean():.1f}  "
          f"{right[key]:.1f} % ± {100 * rows['test_accuracy'].std(ddof=1):.1f}")
print("(± is the standard deviation of five seeds; time: of 32 bits uncut = 1, one thread, AMD EPYC)")

# %% tags=["reveal"]
show(*figures.one_picture(front))

# %% [markdown]
# Zeros buy bytes and no time. Eight bits buy both, and cost next to nothing. Cutting buys both, and can be had
# on top. Nine weights in ten are zero, and a network of a quarter the width, in 8 bits, is about half as large, twice as
# fast, and as good.
#
# Cut or narrow from the beginning? The bars overlap: if you know the width beforehand, begin with it.
#
# ## Do zeros ever buy time?
#
# Where they come in blocks. A network of three layers of 1,024 units; single zeros are the smallest weights,
# fours are blocks of four neighbouring inputs of a unit. The files leave the zeros out (`sparse=True`).

# %% claims=["C14"]
# NBVAL_CHECK_OUTPUT
times = load_curves("small_zeros")
print("zeros          file        MB  time")
for zeros, share, file in (("none", 0, "plain"), ("none", 0, "int8"), ("single", 0.9, "sparse"),
                           ("fours", 0.8, "sparse"), ("fours", 0.9, "sparse")):
    rows = times.select(zeros=zeros, share=share, file=file)
    time, size = (np.mean([row[column][0] for row in rows]) for column in ("latency", "bytes"))
    print(f"{zeros:6} {share:7}  {file:8} {size / 1e6:4.1f}  {time:4.1f}")

# %% [markdown]
# On this processor (an AMD EPYC, which is an x86 with AVX2) LiteRT does not even try to skip single zeros. On
# others, such as ARM, it may: measure there. Eight bits get most of what blocks get, and ask for nothing.
#
# ## When to begin, and how fast to go on
#
# tfmot's guide trains a fixed number of epochs, then prunes in half as many again. Against it:
# `PruneWhen` at a stop, or early, or once the masks have settled, each up to a second stop. And another
# thing: when the masks come, three times the learning rate,
# `When(rule, scale_learning_rate(3))` beside `PruneWhen(rule, 0.9)`.
#
# How many percent of the guide's steps does *patience, rate x 3* need, on the MLP?

# %%
guess_steps = ...  # the guide is 100

# %% tags=["reveal"] claims=["09.2"]
# NBVAL_CHECK_OUTPUT
when = load_curves("small_when")
print("                  steps  right   against the guide, and with rate x 3")
for network, way in outcomes.ways(when):
    own = outcomes.begun(when, network, way)
    guides = [outcomes.begun(when, network, name) for name in ("guide", "guide x3")]
    print(f"{network} {way:12} {own.share.mean():6.2f}  {own.accuracy.mean():.1f} %   " + "   ".join(
        f"{(own.accuracy - other.accuracy).mean():+z.1f} ({outcomes.ahead(own.accuracy, other.accuracy)})"
        for other in guides))
patient = outcomes.begun(when, "mlp", "patience x3")
reveal(guess_steps, round(100 * patient.share.mean()), "Percent of the guide's steps")

# %% tags=["reveal"]
show(*figures.when_to_begin(when))

# %% [markdown]
# PLACEHOLDER WHEN
#
# ## Have the masks settled?
#
# "Early-Bird" tickets (You et al. 2020) begin when the mask that would be drawn stops changing. A fine
# criterion, it seems: it asks the network and not the clock.

# %%
show(*figures.clocks(when))

# %% [markdown]
# PLACEHOLDER CLOCK
#
# ## A teacher
#
# In **distillation** a small network (the student) learns from what a large one (the teacher) says of each
# picture: not "a 7", but "a 7, perhaps a 1". The large one that we have anyway. Half the width, ten seeds, three
# tasks: all labels; 30 % of them shuffled; labels for 160 pictures of 960. On which does it help?

# %%
guess_task = ...  # all, noisy, few, none or every one

# %% tags=["reveal"] claims=["C11", "09.3"]
# NBVAL_CHECK_OUTPUT
distil = load_curves("small_distil")
print("points gained, stopped by")
for task in ("all", "noisy", "few"):
    plain, _ = outcomes.student(distil, task, "plain")
    gains = {stop: outcomes.student(distil, task, "distilled", stop)[0] for stop in (*outcomes.STOPS, None)}
    print(f"{task:6}", "   ".join(f"{stop or 'no stop'} {(own - plain).mean():+.1f} ({outcomes.ahead(own, plain)})"
                                  for stop, own in gains.items()))
last, _ = outcomes.student(distil, "noisy", "plain", None)
print(f"noisy, on labels alone, no stop: {(last - outcomes.student(distil, 'noisy', 'plain')[0]).mean():+.1f}")

# %% tags=["reveal"]
show(*figures.what_a_teacher_gives(distil))

# %% [markdown]
# PLACEHOLDER DISTIL
#
# Keras has `keras.distillation`, and a trap in it. Here are a student that says exactly what its teacher says, and one
# that says nothing at all:

# %%
# NBVAL_CHECK_OUTPUT
teacher = np.array([[4.0, 0.0, -2.0], [0.0, 3.0, 1.0]])
for loss in ("kl_divergence", keras.losses.KLDivergence()):  # the first is the default
    rule = keras.distillation.LogitsDistillation(loss=loss)
    perfect, useless = (float(rule.compute_loss(teacher, student)) for student in (teacher, 0 * teacher + 10))
    print(f"perfect {perfect:z.2f}, useless {useless:z.2f}")

# %% [markdown]
# Given a *name*, it forgets the softmax, and the useless student has the lower loss. Give it an object: `KLDivergence()`.
#
# ## How many zeros, then?
#
# The largest share of zeros that costs at most one point of accuracy, for four networks:

# %% claims=["09.1x"]
# NBVAL_CHECK_OUTPUT
zeros = load_curves("pruning_sparsity")
tasks = {f"digits, {name.upper()}": outcomes.by_zeros(zeros, network=name) for name in ("mlp", "cnn", "gru")}
tasks["names of emoji, mean of words"] = outcomes.by_zeros(load_curves("small_text"))
for name, accuracy in tasks.items():
    print(f"{name:30} dense {accuracy[0].mean():.1f} %, zeros up to {outcomes.borne(accuracy)}")

# %% [markdown]
# PLACEHOLDER TASKS
#
# ## Exercises
#
# `hint()` and `solution()` stand by.
#
# **9.1 Half of the units.** A network of `Dense` layers reads 64 pixels; it has layers of 256, 128 and 10 units, with
# biases. Half of the units of the first two go. How many weights are left, biases included?

# %% tags=["exercise"]
answer = ...
ex.half_the_units.check(answer)

# %% tags=["solution"]
answer = (64 * 128 + 128) + (128 * 64 + 64) + (64 * 10 + 10)
ex.half_the_units.check(answer)

# %% [markdown]
# **9.2 Cut by hand.** `kernel` (inputs, units) and `bias` (units,) are a layer's, `after` (units, outputs) is the next
# kernel. `gone` units should go: those with the smallest sum of sizes in their own kernel. Return the new
# `kernel, bias, after`, the other units in their old order.

# %% tags=["exercise"]
def cut(kernel, bias, after, gone):
    return ...


ex.cut_units.check(cut)

# %% tags=["solution"]
def cut(kernel, bias, after, gone):
    size = np.abs(kernel).sum(0)
    kept = np.sort(np.argsort(size)[gone:])
    return kernel[:, kept], bias[kept], after[kept]


ex.cut_units.check(cut)

# %% [markdown]
# **9.3 The front.** `models` is a dict: name -> (bytes, accuracy). One is *beaten* if another is no larger and no less accurate,
# and better in one of the two. Return the names of those that are not beaten, the smallest first.

# %% tags=["exercise"]
def front_of(models):
    return ...


ex.the_front.check(front_of)

# %% tags=["solution"]
def front_of(models):
    kept, best = [], -1
    for name in sorted(models, key=lambda name: (models[name][0], -models[name][1])):
        if models[name][1] > best:
            kept.append(name)
            best = models[name][1]
    return kept


ex.the_front.check(front_of)

# %% [markdown]
# **9.4 The teacher's loss.** `teacher` and `student` are logits (examples, classes), arrays. Return `temperature ** 2` times the mean
# over the examples of the sum of `p * log(p / q)`, where p and q are the softmax of the teacher's and the student's logits,
# divided by `temperature` before.

# %% tags=["exercise"]
def soft_loss(teacher, student, temperature):
    return ...  # softmax(logits) below is yours to use


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


ex.the_teachers_loss.check(soft_loss)

# %% tags=["solution"]
def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def soft_loss(teacher, student, temperature):
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    return temperature ** 2 * np.mean(np.sum(p * np.log(p / q), axis=1))


ex.the_teachers_loss.check(soft_loss)

# %% [markdown]
# **9.5 The smallest that still reads.** Write a function that is given `train` and `validation`, pairs of pictures and labels as
# above, and returns the bytes of a file. It is called for two splits that you have not seen: at least 95 % of their test
# pictures right, at most 12 kB after gzip. How small can you get? <!-- given: 95 -->

# %% tags=["exercise"]
def make(train, validation):
    return ...  # train, cut, prune, distil as you like; to_lite(...) at the end


ex.the_smallest.check(make)

# %% tags=["solution"]
def make(train, validation):
    network = pictures.small_network(units=(64, 32))
    stop = StopWhen(Patience("val_loss", 5), restore_best="val_loss")
    network.fit(batches(*train, 32, seed=0), validation_data=validation, epochs=60, verbose=0,
                callbacks=[stop])
    return to_lite(network, int8=True, data=train[0])


ex.the_smallest.check(make)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# Zeros make a small download, and only fewer units or shorter numbers make a network small and fast: cut first,
# then 8 bits, then zeros. PLACEHOLDER two. A teacher helps where labels are wrong or few,
# and costs accuracy where they are right.
#
# Next: [90 Cabinet of traps](90_cabinet_of_traps.ipynb). What Keras does that you did not ask for.
