# %% [markdown]
# # Remove nine weights in ten, or half of the units: which makes a network small and fast?
#
# You will
# - cut whole units out of a trained network, by hand and with one call,
# - save it as a file that a phone can run, load that file and time it,
# - begin to prune in the middle of a `fit`, and see when a teacher helps.
#
# 30 minutes to read, 50 for the exercises. You need masks and the second stop from 05, and `When` from 02.

# %%
from course_utils.stopping import Patience, StopWhen, batches
from course_utils.small import Lite, measure, prune_filters, to_lite
from course_utils.classroom.data import load_curves
from course_utils.classroom.chapter_05 import pictures
from course_utils.classroom.chapter_09 import exercises as ex, figures, outcomes
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

train, validation, test = pictures.digits()  # the digits of chapter 05


def trained(network, train, validation):
    stop = StopWhen(Patience("val_loss", 3), restore_best="val_loss")
    network.fit(batches(*train, 64, seed=0), validation_data=validation, epochs=40, verbose=0,
                callbacks=[stop])
    return network


model = trained(pictures.small_network(), train, validation)  # three Dense layers: 256, 128 and 10 units
print(f"{model.count_params():,} weights, biases included")

# %% [markdown]
# Chapter 05 left nine weights in ten at zero. The download shrank, and nothing got faster: a zero is
# multiplied like any number. A *smaller matrix* is another matter.
#
# ## Cut a unit
#
# A unit of a `Dense` layer lives in three places: a column of the layer's kernel, a number of its bias, and a
# row of the next kernel. We take out half of the second layer: the units whose incoming weights have the
# smallest sum of absolute values. Then `prune_filters` does so in every layer.

# %%
# NBVAL_CHECK_OUTPUT
*first, kernel, bias, after, last = model.get_weights()
size = np.abs(kernel).sum(0)  # one number for each of the 128 units
gone = 64
kept = np.sort(np.argsort(size)[gone:])  # the larger half, in the old order

by_hand = pictures.small_network(units=(256, 64))
by_hand.set_weights([*first, kernel[:, kept], bias[kept], after[kept], last])
print(f"by hand:  {by_hand.count_params():,} weights")

half, report = prune_filters(model, 0.5)  # the share that goes
print(report)

# %% [markdown]
# A third is left, not a half: the kernel between two layers that are cut loses rows *and* columns.
#
# The units that are left must be trained again, until a second stop. There are no masks to wait for, so `trained`
# will do. What percentage of the test pictures is right just after the cut?

# %% tags=["reveal"]
guess = ...  # percent, of `half`


def accuracy(network):
    return f"{network.evaluate(*test, verbose=0)[1]:.1%}"


half, _ = prune_filters(model, 0.5)  # anew, should this cell run twice
half.compile(keras.optimizers.Adam(0.003), model.loss, metrics=["accuracy"])  # three times Adam's usual rate
reveal(guess, accuracy(half), "Right just after the cut")
trained(half, train, validation)
print(f"before: {accuracy(model)}; second layer cut by hand: {accuracy(by_hand)}")
print(f"both layers cut, and trained on until the second stop: {accuracy(half)}")

# %% [markdown]
# ## Save it, load it, time it
#
# `to_lite` returns the bytes of a file for LiteRT, the program that runs networks on phones: here in
# **int8**, one byte a weight. The training pictures tell it how large the numbers in each layer get.

# %%
import tempfile
from pathlib import Path

mine = 7  # a picture of the test, 0 to 539
file = to_lite(half, int8=True, data=train[0])
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.tflite"
    path.write_bytes(file)
    lite = Lite(path)  # what a phone would load
    print(pictures.drawn(test[0][mine]))
    print(f"It reads {lite.predict(test[0][mine: mine + 1]).argmax()}, and this is {test[1][mine]}. "
          f"Of all test pictures {lite.accuracy(*test):.1%} are right.")
    yours = measure(path, reference=model)
print(yours)

# %% [markdown]
# `measure` lets your file and a reference, your uncut network in 32 bits, take turns. The ratio is your
# processor's; a phone has its own.
#
# ## Bytes, time and accuracy
#
# Five MLPs as wide as yours and five CNNs were made smaller, in 32 bits and in 8. Each was trained until a first stop,
# then cut or pruned (or left whole), then trained at three times the rate until a second stop.
#
# In the MLP, nine zeros in ten leave fewer weights than a quarter of the width does. Whose file, in 8 bits, is smaller
# after gzip?

# %% tags=["reveal"] claims=["C12", "09.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "zeros" or "quarter"
front = load_curves("small_front")
mlp, cnn = (outcomes.files(front, network) for network in ("mlp", "cnn"))
size = {name: mlp[model, 8]["gz"].mean() for name, model in (("zeros", "pruned"), ("quarter", "quarter"))}
reveal(guess, min(size, key=size.get), "The smaller file")
print("weights other than zero:", *(f"{outcomes.not_zero(mlp, model):,}" for model in ("pruned", "quarter")))
print("          bits     MLP: kB  time  right     CNN: kB  time  right")
for way, bits in (("dense", 32), *((name, 8) for name in figures.NAMES)):
    print(f"{figures.NAMES[way]:10}{bits:4}", "  ".join(
        f"{files[way, bits]['gz'].mean() / 1000:11.0f}  {files[way, bits]['latency'].mean():4.2f} "
        f"{100 * files[way, bits]['test_accuracy'].mean():4.1f} %" for files in (mlp, cnn)))
sd = max(100 * each[name, 8]["test_accuracy"].std(ddof=1) for each in (mlp, cnn) for name in figures.NAMES)
print(f"(five seeds, sd up to {sd:.1f} points; time: uncut in 32 bits = 1, one thread of an AMD EPYC)")
print("points more, trained from scratch at that width:", ", ".join(
    f"{name}'s {width} {outcomes.from_scratch(files, width):+z.1f}"
    for name, files in (("MLP", mlp), ("CNN", cnn)) for width in ("half", "quarter")))

# %% tags=["reveal"]
show(*figures.one_picture(front, own=[(yours.gzip, yours.ratio, 100 * lite.accuracy(*test))]))

# %% [markdown]
# Zeros buy bytes and no time. Eight bits shrink every file at almost no loss, and make the MLP faster, the CNN
# slower. Fewer units buy both: **a quarter of the MLP is about half as large as nine zeros in ten, more than twice as
# fast, and reads about as well.** A quarter of the CNN loses over a point; so do its zeros. Narrow from scratch does as well.
#
# ## Do zeros ever buy time?
#
# Take layers of 1,024 units with nine zeros in ten: *single* weights, or *fours*: four inputs of a unit.
# `sparse=True` leaves zeros out of the file. How long do *fours* take?

# %% tags=["reveal"] claims=["C14"]
# NBVAL_CHECK_OUTPUT
guess = ...  # 1 is the time without zeros
times, rows = load_curves("small_zeros"), {}
for zeros, share, kind in (("none", 0, "plain"), ("none", 0, "int8"), ("single", 0.9, "sparse"),
                           ("fours", 0.9, "sparse")):
    found = times.select(zeros=zeros, share=share, file=kind)
    rows[zeros, kind] = [np.median([run[column][0] for run in found]) for column in ("bytes", "latency")]
reveal(guess, round(rows["fours", "sparse"][1], 2), "Time of fours")
print("zeros    file     MB  time")
for (zeros, kind), (size, time) in rows.items():
    print(f"{zeros:7}  {kind:6} {size / 1e6:4.1f}  {time:.2f}")

# %% [markdown]
# Single zeros, left out, save bytes and no time on this x86 processor. Blocks make it about seven times as fast;
# so do 8 bits without a single zero. What blocks cost in accuracy these untrained layers cannot say.
#
# ## When to begin, and how fast to go on
#
# The guide of tfmot (chapter 05) trains for a fixed number of epochs, then prunes for half as many. `PruneWhen` waits
# for a rule instead, and `When` raises the learning rate at the same moment. The second stop is chapter 05's:

# %%
from course_utils.pruning import PruneWhen, at_target
from course_utils.stopping import Armed, When, scale_learning_rate

pruned = pictures.small_network()
rule, full = Patience("val_loss", 3), at_target(0.9)
prune, faster = PruneWhen(rule, 0.9), When(rule, scale_learning_rate(3))
stop = StopWhen(Armed(full, rule), restore_best="val_loss", best_when=full)
pruned.fit(batches(*train, 64, seed=0), validation_data=validation, epochs=84, verbose=0,
           callbacks=[prune, faster, stop])
print("pruning begins:", prune.events[0].reason)
print("second stop:   ", stop.report.reason)
print(f"kept:           {prune.sparsity:.2f} zeros, {accuracy(pruned)} right")

# %% [markdown]
# We recorded ten seeds of that with patience 5 (*patience x3*), without the higher rate (*patience*, MLP only) or
# begun after five epochs (*early x3*), and the guide with the higher rate (*guide x3*).
#
# What percentage of the guide's 84 epochs does *patience x3* take on the MLP?

# %% tags=["reveal"] claims=["09.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # the guide takes 100
when = load_curves("small_when")
share = outcomes.begun(when, "mlp", "patience x3").share.mean()
reveal(guess, round(100 * share), "Percent of the guide's steps")
print("points of accuracy more than the guide, and in how many of ten seeds it is ahead:")
print("             MLP: steps  points  ahead    CNN: steps  points  ahead")
for way in ("guide x3", "patience", "patience x3", "early x3"):
    line = f"{way:11}"
    for network in ("mlp", "cnn") if way != "patience" else ("mlp",):
        own, guide = (outcomes.begun(when, network, name) for name in (way, "guide"))
        gain = own.accuracy - guide.accuracy
        line += f"{own.share.mean():12.2f} {gain.mean():+z7.1f} {outcomes.ahead(gain):6}  "
    print(line.rstrip())
for way, rate in (("slow", 0.0003), ("guide", 0.001), ("fast", 0.003)):
    masks, _ = outcomes.settled(when, way)
    print(f"MLP, rate {rate}: masks settled at epochs {min(masks)} to {max(masks)}")

# %% tags=["reveal"]
show(*figures.when_to_begin(when))

# %% [markdown]
# To begin at a stop takes 60 to 81 % of the guide's steps, to begin early less than half, and both read about as well.
# **With a higher rate you save steps at about the same accuracy, or take them all (*guide x3*) and gain a little.**
#
# *Settled* (Early-Bird: at most 2 % of the mask's places still change) is nearly a clock: about the same epoch in
# every seed. (10 %, the usual limit, says nothing: random masks differ in 18 %.) <!-- given: 2, 10, 18 -->
#
# ## A teacher
#
# In **distillation** a small network, the student, learns what a large one, the teacher, says of each picture: not "a 7",
# but "a 7, or perhaps a 1". Its *mixed* loss has a part for the label and one for the teacher.

# %% [markdown]
# Three tasks, ten seeds, half the teacher's width. *all*: 960 right labels. *noisy*: 30 % of them shuffled, in the
# validation set too. *few*: 160 labels; on the other 800 pictures the student hears the teacher alone. The teacher has
# learnt from the same labels.
#
# The student stops with patience 5: by its loss on the *labels* of the validation set, by its *mixed* loss there, or
# by how often the two *agree*. Stopped by the labels, where does it gain on average? <!-- given: 30 -->

# %% tags=["reveal"] claims=["C11", "09.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "all", "noisy", "few", several of them, or "none"
distil, gains = load_curves("small_distil"), {}
for task in ("all", "noisy", "few"):
    alone, _ = outcomes.student(distil, task, "plain")
    gains[task] = [outcomes.student(distil, task, "distilled", stop)[0] - alone for stop in outcomes.STOPS]
reveal(guess, ", ".join(task for task in gains if gains[task][0].mean() > 0), "It gains")
print("points gained by the teacher (and in how many of ten seeds), by what stops the student:")
print("           labels      mixed      agree")
for task, each in gains.items():
    print(f"{task:6}" + "".join(f"{gain.mean():+7.1f} ({outcomes.ahead(gain)})" for gain in each))

# %% tags=["reveal"]
show(*figures.what_a_teacher_gives(distil))

# %% [markdown]
# Where labels are right the teacher costs 0.4 to 1.7 points. Where they are noisy or few, a student stopped by a loss
# gains 0.3 to 0.7 points on average, and something in 6 to 8 seeds of ten: no sure help. Agreement is the worst of the
# three, unless labels are few.
#
# Keras has `keras.distillation`, with a trap in it. One student says exactly what its teacher says, the other finds
# every class equally likely:

# %%
# NBVAL_CHECK_OUTPUT
teacher = np.array([[4.0, 0.0, -2.0], [0.0, 3.0, 1.0]], "float32")  # logits of two examples
for kind, loss in {"a name": "kl_divergence", "an object": keras.losses.KLDivergence()}.items():
    distillation = keras.distillation.LogitsDistillation(loss=loss)  # the name is the default
    perfect, useless = (float(distillation.compute_loss(teacher, student))
                        for student in (teacher, np.full((2, 3), 10, "float32")))
    print(f"{kind:9}: perfect {perfect:z.2f}, useless {useless:z.2f}")

# %% [markdown]
# Given a *name*, as by default, Keras leaves out the softmax, and the useless student has the lower loss. Always pass
# `keras.losses.KLDivergence()`.
#
# ## How many zeros, then?
#
# How many does a network bear before it loses more than a point? Three read digits, one sorts emoji by the words of
# their names:

# %% claims=["C9"]
# NBVAL_CHECK_OUTPUT
zeros = load_curves("pruning_sparsity")  # of chapter 05: other splits than above, so other numbers
tasks = {f"digits, {name.upper()}": outcomes.by_zeros(zeros, network=name) for name in ("mlp", "cnn", "gru")}
tasks["emoji, words"] = outcomes.by_zeros(load_curves("small_text"))
print("              uncut   bears   at the next share tried")
for name, found in tasks.items():
    most = outcomes.borne(found)
    after = min(share for share in found if share > most)
    print(f"{name:12} {found[0].mean():.1f} %   {most:.2f}   {after:.2f}: "
          f"{found[0].mean() - found[after].mean():.1f} points lost")

# %% [markdown]
# No one share suits them all: the GRU, which reads a digit row by row, loses 4.7 points at the 0.9 that MLP and CNN
# bear; words just miss 0.8 (the last tried before it is 0.5). Try two or three, each until its second stop. <!-- given: 0.8 -->
#
# ## Exercises
#
# `ex.half_the_units.hint()` and `.solution()`, and so on, stand by.
#
# **9.1 Half of the units.** A network of `Dense` layers reads 64 pixels; it has layers of 300, 100 and 10 units, with
# biases. Half of the units of the first two go. How many weights are left, biases included?

# %% tags=["exercise"]
answer = ...
ex.half_the_units.check(answer)

# %% tags=["solution"]
answer = (64 * 150 + 150) + (150 * 50 + 50) + (50 * 10 + 10)
ex.half_the_units.check(answer)

# %% [markdown]
# **9.2 Cut by hand.** `kernel` (inputs, units) and `bias` (units,) are a layer's, `after` (units, outputs) is the next
# kernel, `gone` is how many units to remove: those with the smallest sum of absolute values in their own kernel. Return
# the new `kernel, bias, after`, the other units in their old order.

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
# and better in one of the two. Return a list of the names not beaten, the smallest first. (No two are
# equal in both.)

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
# divided by `temperature` first. (That makes gradients smaller; the factor undoes it. No p or q is 0.)

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
# **9.5 The smallest that still reads.** Write a function of `train` and `validation`, pairs of pictures and labels, that learns from
# these alone and returns the bytes of a file. It is called for two splits that you have not seen: at least 95 % of their test
# pictures right, at most 12,000 bytes after gzip. Next steps: 8,000, then 5,000. <!-- given: 95 -->

# %% tags=["exercise"]
def make(train, validation):
    return ...  # train, cut, prune, distil as you like; to_lite(...) at the end


ex.the_smallest.check(make)

# %% tags=["solution"]
def make(train, validation):
    network = trained(pictures.small_network(units=(64, 32)), train, validation)
    return to_lite(network, int8=True, data=train[0])


ex.the_smallest.check(make)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# Zeros make a small download; fewer units make a network small *and* fast, and 8 bits make it smaller still. Begin to
# prune when the stop is met, or earlier, and raise the rate at that moment: that saves steps, and a full schedule with the
# same rate is still a little better. Here a teacher helped a little where labels were wrong or few; with many right ones it cost accuracy.
#
# Next: [90 Cabinet of traps](90_cabinet_of_traps.ipynb). What Keras does that you did not ask for.
