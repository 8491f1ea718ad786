# %% [markdown]
# # What a teacher adds, and when to prune: what 09 left out
#
# You will
# - see what a network says besides its answer, and how a temperature brings it out,
# - find out where a large network helps a small one to learn,
# - let a stop say when to prune, and compare it with a schedule.
#
# 25 minutes, four guesses, one exercise. An appendix to [09](09_small_and_fast.ipynb); nothing later needs it. Its two parts,
# the teacher and the beginning of pruning, can be read in any order; the second needs `PruneWhen` and `Armed` from 05 and `When` from 02.

# %%
from course_utils.pruning import PruneWhen, at_target
from course_utils.stopping import Armed, Patience, StopWhen, When, batches, scale_learning_rate
from course_utils.classroom.data import load_curves
from course_utils.classroom.chapter_05 import pictures
from course_utils.classroom.chapter_09 import appendix_exercises as ex, figures, outcomes
from course_utils.classroom.notebook import reveal, show
import numpy as np

train, validation, test = pictures.digits()  # as in 05 and 09

# %% [markdown]
# ## What does a network know besides its answer?
#
# A label says one thing about a picture: its digit. A trained network says more, and a smaller one could learn from it.
#
# For each class the last layer gives a number of any size and sign, a **logit**. The largest is the answer. These are the
# logits of a network as in 09, written down here so that yours are the same:

# %%
# NBVAL_CHECK_OUTPUT
print(pictures.drawn(test[0][425]))
logits = np.array([-2.5, -3.2, -4.9, -2.6, 0.8, -2.4, -7.9, 8.8, 0.6, 3.5])  # for the digits 0, 1, 2 ... 9
print("answer:", logits.argmax(), "  label:", test[1][425])

# %% [markdown]
# Logits are hard to read. A **softmax** turns them into probabilities: `exp` makes each one positive, and dividing by
# their sum makes them add up to 1. The 7 has 8.8 and the 9 has 3.5. What percentage do you expect for the 7?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))  # minus the largest: so exp cannot overflow
    return powers / powers.sum(-1, keepdims=True)


reveal(guess, f"{softmax(logits)[7]:.1%}", "Probability of a 7")
print(f"of a 9: {softmax(logits)[9]:.1%}")

# %% [markdown]
# So sure that the rest hardly shows. Divide the logits by a **temperature** above 1 before the softmax, and the
# differences shrink, while the order stays:

# %%
# NBVAL_CHECK_OUTPUT
print("temperature        1        2        4")
for digit in (7, 9, 4, 6):  # the three most probable, and the least
    print(f"a {digit}?", " " * 5, "".join(f"{softmax(logits / t)[digit]:9.1%}" for t in (1, 2, 4)))

# %% [markdown]
# **A higher temperature shows what else the picture looks like to the network:** a bit like a 9, see the loop at the
# top, and least of all like a 6.

# %% [markdown]
# ## What does the student see?
#
# In **distillation** a small network, the *student*, learns from a trained larger one, the *teacher*. Its loss has two
# parts. One compares the student with the label. The other compares it with the teacher, both softened by a
# temperature (2 here), and is 0 where they say the same; exercise 9b.1 has its formula.
#
# Let the network above be the teacher. Here are two students: *like* has exactly its logits; *odd* has them too, but with
# those of 9 and 6 swapped. Which one has the lower loss against the label?

# %% tags=["reveal"] claims=["09b.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "like", "odd" or "same"
students = {"like": logits, "odd": logits[[0, 1, 2, 3, 4, 5, 9, 7, 8, 6]]}
against_label = {name: round(float(-np.log(softmax(student)[7])), 3) for name, student in students.items()}
against_teacher = {name: round(ex.divergence(logits[None], student[None], temperature=2), 3)
                   for name, student in students.items()}
reveal(guess, outcomes.lower(against_label), "Lower against the label")
print("against the label:  ", against_label)
print("against the teacher:", against_teacher)

# %% [markdown]
# **The label cannot tell them apart. The teacher can:** it sees that *odd* would sooner take this 7 for a 6 than for a 9.

# %% [markdown]
# ## Does a teacher help?
#
# We tried it with ten seeds. The teacher is as wide as 09's MLP, the student half as wide. Its *mixed* loss is 0.3 times the
# label's part and 0.7 times the teacher's, at a temperature of 2. All stop by patience 5 on the validation labels' loss.
# - *all*: 960 pictures, all labels right,
# - *noisy*: the same, 27 % of the labels wrong, in validation too,
# - *few*: 160 pictures with labels (and 50 in validation). On 800 more only the teacher speaks; a student alone never sees them.
#
# The teacher learnt from the same labels, wrong ones included; the test's are right. On which tasks is a student with a
# teacher better than one alone, on average? <!-- given: 27, 50, 0.3, 0.7 -->

# %% tags=["reveal"] claims=["C11", "09b.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # "none", or the tasks in this order, as in "all, few"
distil = load_curves("small_distil")
gains = {task: outcomes.gained(distil, task) for task in ("all", "noisy", "few")}  # ten numbers each
reveal(guess, ", ".join(task for task in gains if gains[task].mean() > 0), "Better on average")
print(outcomes.taught(distil))  # points gained on average; seeds better and worse, the rest of ten are equal

# %% [markdown]
# **With noisy labels it probably helped: 0.7 points on average, better in 6 of ten seeds, worse in 1. With few it gained 0.3,
# better in 7, worse in 3: too little to be sure of. With 960 right ones it did harm, in all ten, under this stop.**
#
# On *noisy* the taught student even passed its teacher, by 0.3 points on average, in 7 of ten seeds (not shown). On *few* the taught
# student also saw 800 pictures more; part of its gain may be theirs. On *all* there was little to gain: alone, the student is 0.1
# behind its teacher.
# <!-- given: 0.1, 0.3 -->

# %% [markdown]
# <details><summary>A warning about Keras's own</summary>
#
# The default loss of Keras's `LogitsDistillation` has a trap: see "13. The loss without a softmax" in the
# [cabinet of traps](90_cabinet_of_traps.ipynb).
#
# </details>

# %% [markdown]
# ## What should stop the student?
#
# So far patience 5 watched the student's loss on the validation *labels*. It could instead watch the student's *mixed*
# loss, or the number of validation pictures on which student and teacher *agree* (no labels needed). Does it matter? In the figure 0 is the
# student alone, stopped by labels, with the same seed.

# %% tags=["reveal"]
show(*figures.what_a_teacher_gives(distil))

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print(outcomes.stopped(distil))  # points over the same taught student, stopped by labels

# %% [markdown]
# **The mixed loss was probably a better stop than labels on *all*: 0.4 points ahead on average, better in 6 of ten seeds, worse
# in 1. On *noisy* and *few* it is too close to call.** So on *all* it won back about half of the 0.7 that the teacher cost; where the
# other half went we do not know.
#
# **Agreement was a poor stop where labels are many:** on *all* and *noisy* it was worse in 8 and in 9 of ten seeds. Perhaps
# it stopped too soon: on *all* after 21 epochs on average, where the loss on labels took 37 (not shown). With few labels it
# did no worse than the losses on average. <!-- given: 21, 37 -->

# %% [markdown]
# ## When should pruning begin?
#
# Pruning takes epochs, and epochs take time. The example in the guide of tfmot, TensorFlow's pruning toolkit, trains for four,
# then prunes for two. With our few pictures, 28 epochs have about as many steps as those two. Our copy of the guide prunes for
# 28, and trains for twice as many before. A stop could say when instead.
#
# The plan: at a first stop pruning begins, and the learning rate goes up. The weights that stay have to make up for those
# that go, and a higher rate may let them do it sooner. Once all zeros are in, a second stop ends the training.
# <!-- given: 28, 56 -->

# %%
rule = Patience("val_loss", 5)  # serves all three callbacks below: each keeps its own count
prune = PruneWhen(rule, 0.9)  # pruning begins at this first stop; zeros come in over eight epochs
faster = When(rule, scale_learning_rate(3))  # three times the rate, once, at the same epoch
full = at_target(0.9)  # true once nine weights in ten are zero, to within a thousandth
# As in 05, the second stop begins to count when `full` comes true, and keeps an epoch with all zeros:
stop = StopWhen(Armed(full, rule), restore_best="val_loss", best_when=full)

# %%
# To see it work. Do not compare its epochs with those recorded below: batches, rate and dropout differ.
pruned = pictures.small_network()
pruned.fit(batches(*train, 64, seed=0), validation_data=validation, epochs=84, verbose=0,
           callbacks=[prune, faster, stop])
print("pruning begins:", prune.events[0].reason)
print("second stop:   ", stop.report.reason)
right = pruned.evaluate(*test, verbose=0)[1]
print(f"kept:           {prune.sparsity:.2f} zeros, {right:.1%} right (09's network, uncut: about 97%)")

# %% [markdown]
# We trained an MLP and a CNN from ten seeds each in five ways (patience is 5):
#
# | name | pruning begins | zeros come in over | rate from then on | training ends | epoch kept |
# |---|---|---|---|---|---|
# | *guide* | after 56 epochs | 28 epochs | unchanged | after 84 | last |
# | *guide x3* | after 56 | 28 | times 3 | after 84 | last |
# | *short x3* | after 56 | 8 | times 3 | after 64 | last |
# | *patience x3* | at the first stop | 8 | times 3 | at the second stop | best with all zeros |
# | *early x3* | after 5 | 8 | times 3 | at the second stop | best with all zeros |
#
# Call the 84 epochs 100 %. What percentage does *patience x3* take on the MLP?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent, counted to the second stop
when = load_curves("small_when")
took = outcomes.begun(when, "mlp", "patience x3").share  # one number a seed
reveal(guess, round(100 * took.mean()), "Percent of the 84 epochs")
print(outcomes.levels(when))  # means of ten seeds; right: of the test pictures, at 0.9 zeros

# %% tags=["reveal"]
show(*figures.when_to_begin(when))

# %% [markdown]
# Within one way the seeds lie one to three points apart, further than most of the means. So compare seed by seed, each with its
# like:

# %% tags=["reveal"] claims=["09b.3"]
# NBVAL_CHECK_OUTPUT
print(outcomes.beginnings(when))  # the first minus the second, in points; of ten seeds, the rest are equal
print()
print(outcomes.spent(when))

# %% [markdown]
# **The raised rate** (first row) helped the guide itself, almost certainly on the CNN, probably on the MLP. So let the guide have
# it, too.
#
# **Two stops** (second row): on the CNN they took 76 % of that guide's epochs and were 0.1 points behind on average (3 seeds
# better, 6 worse): too close to call. On the MLP they took 60 % and were probably a little behind, by 0.3 (2 better, 7 worse).

# %% [markdown]
# **A shorter schedule, without stops** (third row): *short x3* was about a point behind *guide x3*, in nearly every seed. Its
# zeros come in over 8 epochs, not 28, and nothing follows.
#
# **Two stops against the shorter schedule** (fourth row): 0.9 points better on the MLP and 0.8 on the CNN, in 9 of ten seeds on
# both, with fewer epochs on the MLP and as many on the CNN. Look where they went: on the CNN pruning began after 34, not 56, and
# once the last zeros were in, 22 more followed. The best of them was kept, not the last. What of this helped, we did not try.

# %% [markdown]
# **Without waiting for a first stop** (last row): on the CNN *early x3* was done sooner (47 %, not 76), but half a point worse (1
# seed better, 7 worse), so waiting seems to pay. On the MLP it was about as good, in 42 %, not 60.
#
# All this at a raised rate. At an unchanged one, on the MLP, two stops took 81 % of the epochs and were level with *guide* (not
# shown). <!-- given: 81 -->

# %% [markdown]
# <details><summary>Another beginning: when the mask has settled</summary>
#
# The Early-Bird rule, made for whole channels, looks at the mask that pruning *would* make, and begins once that has hardly
# changed over five epochs. For single weights we let at most 2 % of the mask's places change; at its authors' 10 % it would have
# begun at once. On our MLP it was nearly a clock: epoch 12, 13 or 14 in all ten seeds. Begun there at three times the rate, it
# was 0.1 behind *patience x3*, 3 seeds better and 4 worse (not shown). <!-- given: 2, 10, 12, 13, 14 -->
#
# </details>

# %% [markdown]
# ## Exercise
#
# **9b.1 The teacher's part of the loss.** `teacher` and `student` are arrays of logits, (examples, classes). Divide both by
# `temperature` and call their softmaxes p (teacher) and q (student). For each example add up `p * log(p / q)` over the
# classes. Return the mean over the examples, times `temperature ** 2`. (Dividing makes the gradients smaller; the factor makes up for
# that. No p or q is 0, and `softmax` above is yours to use.) `ex.the_teachers_loss.hint()` and `.solution()` stand by.

# %% tags=["exercise"]
def soft_loss(teacher, student, temperature):
    return ...


ex.the_teachers_loss.check(soft_loss)

# %% tags=["solution"]
def soft_loss(teacher, student, temperature):
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    return temperature ** 2 * np.mean(np.sum(p * np.log(p / q), axis=1))


ex.the_teachers_loss.check(soft_loss)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# A softmax at a temperature above 1 shows what a network knows and a label does not say. Here a teacher probably helped where
# labels were wrong and a loss was the stop, perhaps where they were few; with many right ones it cost accuracy on average. Two
# stops took fewer epochs than the guide's schedule, and with the raised rate in both they were little or nothing behind; one
# shorter schedule lost a point.
#
# Back to [09](09_small_and_fast.ipynb), or on to the [cabinet of traps](90_cabinet_of_traps.ipynb).
