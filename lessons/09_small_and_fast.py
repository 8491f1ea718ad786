# %% [markdown]
# # Nine weights in ten, or half of the units: which makes a network small and fast?
#
# You will
# - cut whole units out of a trained network, by hand and then with one call,
# - write it as the file that a phone runs, read it back and measure it,
# - see when to begin pruning, and when a teacher helps.
#
# 30 minutes to read, 40 for the exercises. You need masks and the second stop of 05, and `When` of 02.

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


def trained(network):
    stop = StopWhen(Patience("val_loss", 3), restore_best="val_loss")
    network.fit(batches(*train, 64, seed=0), validation_data=validation, epochs=40, verbose=0,
                callbacks=[stop])
    return network


model = trained(pictures.small_network())  # three Dense layers, of 256, 128 and 10 units
print(f"{model.count_params():,} weights; of the test {model.evaluate(*test, verbose=0)[1]:.1%} are right")

# %% [markdown]
# Chapter 05 left nine weights in ten at zero. The download shrank, and nothing got faster: a zero in the
# middle of a matrix is multiplied like any number. A *smaller matrix* is another matter.
#
# ## Cut a unit
#
# A unit of a `Dense` layer lives in three places: a column of the layer's kernel, a number of its bias, and a
# row of the next kernel, which it feeds. We take out half of the second layer: the units whose
# incoming weights have the smallest sum of absolute values. Below, `prune_filters` does that for all layers at once, and
# says what it left whole.

# %%
*first, kernel, bias, after, last = model.get_weights()
size = np.abs(kernel).sum(0)  # one number a unit
kept = np.sort(np.argsort(size)[64:])  # the larger half, in the old order

by_hand = pictures.small_network(units=(256, 64))
by_hand.set_weights([*first, kernel[:, kept], bias[kept], after[kept], last])
print(f"{by_hand.count_params():,} weights; {by_hand.evaluate(*test, verbose=0)[1]:.1%} right at once")

# %%
# NBVAL_CHECK_OUTPUT
half, report = prune_filters(model, 0.5)
print(report)

# %% [markdown]
# A third is left, not a half: the kernel between two layers that are cut loses rows *and* columns. As after
# any cut, the rest has to make up for it; a second stop says when it has. There is no mask here, so an ordinary
# stop will do.
#
# ## Write it, read it back
#
# `to_lite` gives the bytes of a LiteRT file, here in **int8**, one byte a weight. The training pictures tell
# it how large the numbers in each layer get. It loads the file and runs it once before you get it: not every
# file that can be written can be run.

# %%
import tempfile
from pathlib import Path

mine = 7  # a picture of the test, 0 to 539
half.compile(keras.optimizers.Adam(0.003), model.loss, metrics=["accuracy"])
file = to_lite(trained(half), int8=True, data=train[0])
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.tflite"
    path.write_bytes(file)
    lite = Lite(path)  # what a phone would load
    print(pictures.drawn(test[0][mine]))
    print(f"It reads {lite.predict(test[0][mine: mine + 1]).argmax()}, and this is {test[1][mine]}. "
          f"Of the whole test {lite.accuracy(*test):.1%} are right.")
    yours = measure(path, reference=model)
print(yours)

# %% [markdown]
# `measure` lets the file and the reference, your uncut network in 32 bits, take turns, and takes the median of the
# rounds. They scatter where other programs run. The ratio is your processor's; a phone has its own: measure it there.
#
# ## One picture
#
# Five MLPs like yours and five CNNs were made smaller in seven ways, each in 32 bits and in 8, written, read
# back and run. Each was trained to a stop, and then on, at three times the rate, to a second one.
#
# The uncut MLP weighs 190 kB. What does the smallest file weigh that loses at most half a point?
# <!-- given: 0.5 -->

# %%
guess_size = ...  # kB after gzip

# %% tags=["reveal"] claims=["C12", "09.1"]
# NBVAL_CHECK_OUTPUT
front = load_curves("small_front")
mlp = outcomes.files(front, "mlp")
right = {key: 100 * rows["test_accuracy"].mean() for key, rows in mlp.items()}
good = [key for key in mlp if right["dense", 32] - right[key] <= 0.5]
least = min(good, key=lambda key: mlp[key]["gz"].mean())
reveal(guess_size, f"{mlp[least]['gz'].mean() / 1000:.0f} kB", "Smallest file within half a point")
print("                    bits   kB  time  right")
for key in (("dense", 32), *((name, 8) for name in figures.LOOKS)):
    rows = mlp[key]
    print(f"{figures.NAMES[key[0]]:21} {key[1]:2} {rows['gz'].mean() / 1000:4.0f}  "
          f"{rows['latency'].mean():4.2f}  {right[key]:.1f} %")
slower = (mlp["dense", 32]["two"] / mlp["dense", 32]["microseconds"]).mean()
print(f"(time: dense in 32 bits = 1, one thread of an AMD EPYC; on two it takes {slower:.0f} times as long)")

# %% tags=["reveal"]
show(*figures.one_picture(front, own=[(yours.gzip, 100 * lite.accuracy(*test))]))

# %% [markdown]
# Zeros buy bytes and no time. Eight bits buy bytes for next to nothing, and time on the MLP alone. Cutting buys both, and
# goes with either. **An MLP of a quarter the width is about half as large as one with nine zeros in
# ten, twice as fast, and within its spread as good.** Narrow from the start is as good, if you
# know the width.
#
# ## Do zeros ever buy time?
#
# In blocks. Here are three layers of 1,024 units: *single* zeros are the smallest weights, *fours* are
# blocks of four neighbouring inputs of a unit. Sparse files leave the zeros out (`to_lite(..., sparse=True)`).

# %% claims=["C14"]
# NBVAL_CHECK_OUTPUT
times = load_curves("small_zeros")
print("zeros         file      MB  time")
for zeros, share, file in (("none", 0, "plain"), ("none", 0, "int8"), ("single", 0.9, "plain"),
                           ("single", 0.9, "sparse"), ("fours", 0.9, "sparse")):
    rows = times.select(zeros=zeros, share=share, file=file)
    time, size = (np.median([row[column][0] for row in rows]) for column in ("latency", "bytes"))
    print(f"{zeros:6} {share:4}   {file:6} {size / 1e6:4.1f}  {time:4.1f}")

# %% [markdown]
# Single zeros make a sparse file smaller and no faster, on this x86 processor: they are filled in again when
# it is loaded. ARM may differ.
#
# ## When to begin, and how fast to go on
#
# tfmot's guide trains for a fixed number of epochs, then prunes for half as many. Instead `PruneWhen` begins at
# a stop (*patience*), after five epochs (*early*), or once the masks hardly change (*settled*); each
# ends at a second stop. *x3* is three times the learning rate once there are masks: `When(rule,
# scale_learning_rate(3))` beside `PruneWhen(rule, 0.9)`.
#
# What percentage of the guide's steps does *patience x3* take on the MLP? <!-- given: 0.9 -->

# %%
guess_steps = ...  # the guide takes 100

# %% tags=["reveal"] claims=["09.2"]
# NBVAL_CHECK_OUTPUT
when = load_curves("small_when")
share = outcomes.begun(when, "mlp", "patience x3").share.mean()
reveal(guess_steps, round(100 * share), "Percent of the guide's steps")
print("                  steps   points against the guide   against the guide x3, of ten seeds")
for network, way in outcomes.ways(when):
    own = outcomes.begun(when, network, way)
    guides = [outcomes.begun(when, network, name).accuracy for name in ("guide", "guide x3")]
    print(f"{network} {way:12} {own.share.mean():6.2f}" + "".join(
        f"{(own.accuracy - guide).mean():+z9.1f}, ahead in {outcomes.ahead(own.accuracy, guide)}"
        for guide in guides))

# %% tags=["reveal"]
show(*figures.when_to_begin(when))
show(*figures.clocks(when))

# %% [markdown]
# At the guide's own rate, patience takes four fifths of the MLP's steps and is no less accurate; with three times
# the rate 60 %, on the CNN 76 %, and an early start less than half. But give the guide that rate, and it gains 0.4 to
# 0.5 points; now all that is shorter trails it, by 0.1 to 0.6. **A higher rate saves steps, or buys accuracy.**
#
# Masks that have *settled* sound like a sign from the network. In the second figure they settle within a few epochs
# of each other, however fast it learns. That is a clock. (The limit is 0.02; the usual 0.1 says nothing: at
# 0.9 zeros two random masks are 0.18 apart.)
# <!-- given: 0.02, 0.1, 0.9, 0.18 -->

# %% [markdown]
# ## A teacher
#
# In **distillation** a small network, the student, learns from what a large one, the teacher, says of each
# picture: not "a 7", but "a 7, or perhaps a 1". Half the width, ten seeds, three tasks: *all* labels; *noisy*,
# 30 % of them shuffled, also those that validate; *few*, labels for 160 of 960 pictures. The teacher has learnt from the
# same labels. Where does it help? <!-- given: 30 -->

# %%
guess_task = ...  # "all", "noisy", "few", several of them, or "none"

# %% tags=["reveal"] claims=["C11", "09.3"]
# NBVAL_CHECK_OUTPUT
distil, helped = load_curves("small_distil"), []
print("points gained over a student of the labels alone, by what stops the distilled one (patience 5 on):")
for task in ("all", "noisy", "few"):
    plain, _ = outcomes.student(distil, task, "plain")
    gains = {stop: outcomes.student(distil, task, "distilled", stop)[0] - plain for stop in outcomes.STOPS}
    helped += [task] if gains["own loss"].mean() > 0 else []
    print(f"{task:6}", "   ".join(f"{stop} {gain.mean():+.1f}, ahead in {outcomes.ahead(plain + gain, plain)}"
                                  for stop, gain in gains.items()))
reveal(guess_task, ", ".join(helped), "It helps")

# %% tags=["reveal"]
show(*figures.what_a_teacher_gives(distil))

# %% [markdown]
# Where labels are right the teacher costs 0.4 to 1.7 points. Where they are wrong or few, a student stopped by a loss
# gains half a point or so, in 6 to 8 seeds of ten. Agreement with the teacher is the worst of the three stops, unless
# labels are few. <!-- given: 6, 8, ten -->
#
# Keras has `keras.distillation`, with a trap in it. Here is a student that says exactly what its teacher
# says, and one that says nothing at all:

# %%
# NBVAL_CHECK_OUTPUT
teacher = np.array([[4.0, 0.0, -2.0], [0.0, 3.0, 1.0]], "float32")  # logits of two examples
for kind, loss in {"a name": "kl_divergence", "an object": keras.losses.KLDivergence()}.items():
    distillation = keras.distillation.LogitsDistillation(loss=loss)  # the name is the default
    perfect, useless = (float(distillation.compute_loss(teacher, student))
                        for student in (teacher, np.full((2, 3), 10, "float32")))
    print(f"{kind:9}: perfect {perfect:z.2f}, useless {useless:z.2f}")

# %% [markdown]
# Given a *name*, it forgets the softmax, and the useless student has the lower loss. Hand it the object.
#
# ## How many zeros, then?
#
# The largest share of zeros up to which the mean stays within a point of dense, on four tasks:

# %% claims=["C9"]
# NBVAL_CHECK_OUTPUT
zeros = load_curves("pruning_sparsity")  # of chapter 05
tasks = {f"digits, {name.upper()}": outcomes.by_zeros(zeros, network=name) for name in ("mlp", "cnn", "gru")}
tasks["names of emoji, words"] = outcomes.by_zeros(load_curves("small_text"))
print("                      dense    zeros   at the next share, points lost")
for name, accuracy in tasks.items():
    most = outcomes.borne(accuracy)
    after = min(share for share in accuracy if share > most)
    lost = accuracy[0].mean() - accuracy[after].mean()
    print(f"{name:20} {accuracy[0].mean():5.1f} %  {most:6.2f}   {after:10.2f} {lost:10.1f}")

# %% [markdown]
# No threshold suits them all: MLP and CNN bear nine tenths, the GRU that reads a digit row by row loses much there,
# and the network that reads words missed 0.8 by little. (In between nothing was tried.) Ask each task anew: prune to two
# or three shares, each until a second stop. <!-- given: 0.8 -->
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
# kernel. `gone` units should go: those with the smallest sum of absolute values in their own kernel. Return the new
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
# and better in one of the two. Return a list of the names of those that are not beaten, the smallest first.

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
# over the examples of the sum of `p * log(p / q)`, where p and q are the softmaxes of the teacher's and the student's logits, each
# divided by `temperature` first. (A high temperature makes both hesitate more; the factor keeps the gradient's size.)

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
# pictures right, at most 12,000 bytes after gzip. It trains twice, so a minute each is plenty. How small can you get? <!-- given: 95 -->

# %% tags=["exercise"]
def make(train, validation):
    return ...  # train, cut, prune, distil as you like; to_lite(...) at the end


ex.the_smallest.check(make)

# %% tags=["solution"]
def make(train, validation):
    network = pictures.small_network(units=(64, 32))
    stop = StopWhen(Patience("val_loss", 5), restore_best="val_loss")
    network.fit(batches(*train, 64, seed=0), validation_data=validation, epochs=60, verbose=0,
                callbacks=[stop])
    return to_lite(network, int8=True, data=train[0])


ex.the_smallest.check(make)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# Zeros make a small download; fewer units make a network small *and* fast, and 8 bits make it smaller still. Begin to
# prune at the stop or before it and raise the rate when the masks come: that saves steps, and a full schedule with the
# same rate is still a little better. A teacher may help where labels are wrong or few, and costs accuracy where they are right.
#
# Next: [90 Cabinet of traps](90_cabinet_of_traps.ipynb). What Keras does that you did not ask for.
