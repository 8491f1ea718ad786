# %% [markdown]
# # Which source fits? Ask before training
#
# An optional appendix to [06 Transfer learning](06_transfer_learning.ipynb). Nothing later needs it.
#
# You will
# - see how few photos will do with a source, and whether mirrored and shifted ones can replace it,
# - meet sources that do not help,
# - compare sources before any training, by three scores.
#
# 30 minutes, and 10 more for the exercise.

# %%
from course_utils.stopping import Patience
from course_utils.transfer import h_score, leep, logme
from course_utils.classroom import data
from course_utils.classroom.chapter_06 import source_exercises as ex, source_figures as figures
from course_utils.classroom.chapter_06 import results, sources
from course_utils.classroom.notebook import reveal, show
import numpy as np

curves = data.load_curves("transfer")  # all trainings here are recorded
scratch, features = curves.select(way="scratch"), curves.select(way="features")

# %% [markdown]
# ## How few photos will do?
#
# Labels cost time: somebody has to look at each photo. In 06 two ways learnt from 1,500 of them: *scratch*, a small
# network from random weights, and *features*, a head on the frozen MobileNetV2.
#
# With how few photos does *features* do as well as *scratch* with 1,500: 100, 300 or 750?

# %% tags=["reveal"] claims=["B14"]
# NBVAL_CHECK_OUTPUT
guess = ...  # photos; leave the dots to skip
recorded = data.load_curves("transfer_sizes")
photos = sources.by_size(recorded, "photos")
rules = {"scratch": Patience("val_loss", 8), "features": Patience("val_loss", 5),
         "fine-tuned": Patience("val_loss", 3)}  # as in 06
for way, rule in rules.items():
    photos[way][1500] = results.outcomes(curves.select(way=way), rule)["test_accuracy"]
reveal(guess, sources.enough(photos, np.mean(photos["scratch"][1500])), "Enough")
sources.print_few(photos, (100, 300), 1500)

# %% tags=["reveal"]
show(figures.sizes(photos), alt=figures.ALT["sizes"])

# %% [markdown]
# A hundred will do. Add the 500 that decide when to stop, and **600 labelled photos with a source do about as well as
# 2,000 without, trained as in 06.** With a hundred, unfreezing a part of the source as well (*fine-tuned*) adds nothing.

# %% [markdown]
# ## Can varied photos replace a source?
#
# Could we do without a source? **Augmentation** gets more out of few photos: in training, each is
# changed a little every time it comes. *Scratch* gets them mirrored or not, and shifted by up to three pixels; *features*
# only mirrored or not. Validation and test see the photos as they are.
#
# That makes overfitting harder, so the stop should move. *Scratch* on 1,500 photos with a patience of 8 trains 21 epochs,
# the mean of five seeds. How many with augmentation?

# %% tags=["reveal"] claims=["06b.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # epochs
varied = data.load_curves("transfer_scratch_augmented").select()
mirrored = data.load_curves("transfer_augmented").select()  # features of photos and their mirror images
# each pair: without augmentation, with it
pairs = {"scratch, patience 8": sources.pair(scratch, varied, Patience("val_loss", 8)),
         "scratch, patience 15": sources.pair(scratch, varied, Patience("val_loss", 15)),
         "features, only mirrored": sources.pair(features, mirrored, Patience("val_loss", 5))}
reveal(guess, round(pairs["scratch, patience 8"][1]["epochs"].mean()), "Epochs with augmentation")
sources.print_pairs(pairs)  # without -> with augmentation, "up" in how many seeds
sources.print_longest(pairs["scratch, patience 15"], pairs["features, only mirrored"])

# %% tags=["reveal"]
show(figures.augmented(scratch, varied, Patience("val_loss", 8)), alt=figures.ALT["augmented"])

# %% [markdown]
# **From scratch, augmentation moves the stop: it comes later**, in four seeds of five with a patience of 8, in all with 15.
# And patience pays more: with augmentation, 15 instead of 8 takes *scratch* from 56.3 to 60.4 %, without it from 51.7 to
# 52.6 %. (On the frozen source mirroring gains a tenth of a point: nothing.)
#
# **But augmentation does not replace the source**: *features* with 1,500 photos is 15 points ahead of what we recorded, in
# every seed. Even with 300, at 69 %, it is ahead. (Two augmented runs reached the recording's end, 60 epochs, before they
# stopped: 56 is a lower limit, and 60.4 % may be one.)

# %% [markdown]
# ## And if the source does not fit?
#
# The clothes of chapter 02 are grey pictures, and ImageNet is made of colour photos. Again a head on the frozen
# MobileNetV2 meets a small network from random weights. Which is ahead with 9,000 pictures, and by how many points?

# %% tags=["reveal"] claims=["06b.1"]
# NBVAL_CHECK_OUTPUT
guess = ...  # points by which features is ahead; minus if scratch is
clothes = sources.by_size(recorded, "clothes")
lead = 100 * (np.mean(clothes["features"][9000]) - np.mean(clothes["scratch"][9000]))
reveal(guess, round(lead), "Points")
sources.print_counts(clothes)

# %% [markdown]
# Level with 300 pictures. From 1,000 on *features* is behind in every seed, perhaps because ImageNet holds more dogs than
# grey shirts. **A frozen source can be worse than none: compare it with a run from scratch.**

# %% [markdown]
# ## Will any source do?
#
# The article of 06 says: take a source close to your task or, failing that, any. Our tasks: the photos, and the
# emoji of 01 in eight groups. Five frozen sources:
#
# | name | network | has learnt |
# |---|---|---|
# | *ImageNet* | MobileNetV2 | ImageNet, as in 06 |
# | *random MobileNetV2* | the same | nothing: random weights |
# | *small, other task* | small | the other of our two tasks (so two networks) |
# | *random small* | the same | nothing: random weights |
# | *clothes* | smaller | grey clothes |
#
# The *random* ones are untrained *twins*. Every source gets a head, trained on 1,000 pictures of the
# task; five draws. On emoji, by how many points is *ImageNet* ahead of *random MobileNetV2*?

# %% tags=["reveal"] claims=["D9"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percentage points
fits = sources.source_table(data.load_curves("transfer_sources"))
emoji = {name: 100 * of["test_accuracy"].mean() for name, of in fits["emoji"].items()}
reveal(guess, round(emoji["ImageNet"] - emoji["random MobileNetV2"], 1), "Points")
sources.print_accuracies(fits)  # right in the test, means of five draws of pictures
sources.print_gains(fits)  # rounded after subtracting
print(f"photos from scratch, 750 of them: {100 * np.mean(photos['scratch'][750]):.1f} %")  # three seeds

# %% [markdown]
# **So, for the photos, not just any source will do.** Only *ImageNet* beats training from scratch: that gets 44.4 % with 750
# photos (in another test), the other heads at most 41.7 % with 1,000. On emoji we did not train from scratch: there the
# question stays open.
#
# Is knowing something better than knowing nothing? ImageNet beat its random twin on both tasks. Knowing photos perhaps
# helped with emoji, in four draws of five. Knowing emoji did not help with photos: a head on a network that has
# learnt *nothing* got as many right. Why the larger random network is the worse, we do not know.
#
# Three scores claim to know beforehand, without training a head. In the end each meets a lazy rival, who always names the same
# source.

# %% [markdown]
# ## LEEP: what do the source's own classes say?
#
# The first score needs a source with its head. One says this of four photos, at the left our labels:
#
# ```
#          animal  vehicle
# cat         0.9      0.1
# cat         0.8      0.2
# truck       0.1      0.9
# truck       0.2      0.8
# ```
#
# **LEEP** asks how well the source's classes foretell our labels:
#
# 1. What share of *animal* comes from cats? Of its column's 2.0, 0.9 + 0.8 stand at cats: 0.85.
# 2. The first photo is 0.9 *animal* and 0.1 *vehicle*. Its probability for *cat*: 0.9 times the cats' share of *animal*
#    plus 0.1 times that of *vehicle*.
# 3. LEEP is the mean logarithm of each photo's probability for its own label: at most 0.
#
# Which probability for *cat* does the first photo get? <!-- given: 0.9, 0.8, 2.0, 0.1, 0.85 -->

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # from 0 to 1
says = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]])
labels = np.array([0, 0, 1, 1])  # cat, cat, truck, truck
means = np.array([says[labels == label].sum(0) for label in (0, 1)]) / says.sum(0)  # step 1, each class
expected = (means[labels] * says).sum(1)  # step 2, over the source's two classes
reveal(guess, expected[0].round(2), "Probability of cat")
print("animal means: cat {:.2f}, truck {:.2f}".format(*means[:, 0]))
print(f"LEEP: {np.log(expected).mean():.3f}; the library's: {leep(says, labels):.3f}")
print(f"LEEP of a source that always says half and half: {leep(np.full((4, 2), 0.5), labels):.3f}")

# %% [markdown]
# $0.9 \cdot 0.85 + 0.1 \cdot 0.15 = 0.78$: nearly sure it is an animal, and an animal is mostly a cat. The source that says
# half and half gets the logarithm of a half.
#
# **LEEP is high if the source's classes, whatever they are called, sort our pictures by our labels.**

# %% [markdown]
# ## H-score: do its features keep our classes apart?
#
# Often the source's head is cut off, and only its **features** are left: the numbers that come out below it, a list for
# each picture. The **H-score** asks how much of their spread lies *between* our classes.
#
# A source gives one number a photo. For cat, cat, truck, truck it is 1, 2, 5, 6. The class means are 1.5 and 5.5: they
# have a variance of 4. The four numbers have 4.25. So the share is $4 / 4.25$. <!-- given: 1.5, 5.5, 4.25 -->
#
# And if the four numbers were 1, 5, 2, 6?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # a share, from 0 to 1
apart, mixed = np.array([[1.0], [2.0], [5.0], [6.0]]), np.array([[1.0], [5.0], [2.0], [6.0]])
reveal(guess, round(h_score(mixed, labels), 2), "H-score of 1, 5, 2, 6")
print(f"H-score of 1, 2, 5, 6: {h_score(apart, labels):.2f}")

# %% [markdown]
# The class means, 3 and 4, are nearly the same. **The H-score is high if the classes are far apart and each stays
# together.** With many features the shares add up, so it may exceed 1.
#
# <details><summary>With as many features as pictures it is useless.</summary>
#
# It is then at its maximum, whatever the features are. MobileNetV2 gives 1,280 for our 1,000 pictures, so for this score
# we keep, of every source, only the 100 directions in which its features vary most. The next score takes them all.
#
# </details>

# %% [markdown]
# ## LogME: how easily does a linear model do it?
#
# The natural test: fit a linear model to the features, and see how many labels it gets right. Can we trust it? Take 20
# pictures, and two sources:
#
# - *one number*: the label, 0 or 1, with some noise,
# - *20 numbers*: nothing but noise.
#
# A linear model on *one number* gets 18 of the 20 right. How many does one on the 20 numbers get?

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
guess = ...  # of 20
rng, ours = np.random.default_rng(2), np.arange(20) % 2  # ours: the labels of the 20
kinds = {"one number": (ours + rng.normal(0, 0.3, 20))[:, None], "20 numbers": rng.normal(size=(20, 20))}
right = {name: sources.fitted(numbers, ours) for name, numbers in kinds.items()}
reveal(guess, right["20 numbers"], "Right with 20 numbers of noise")
for name, numbers in kinds.items():
    print(f"{name}: {right[name]} of 20 right, LogME {logme(numbers, ours):.2f}")

# %% [markdown]
# All of them: 20 weights for 20 labels, as many knobs as answers, so noise could explain any labels.
#
# **LogME** does not ask how well the *best* linear model does. It tries all possible weights, small ones counting most, and
# averages how probable they make our labels. On *one number*, many choices of its one weight do fairly well: a good
# average. On noise, only a few sets of 20 weights do, tuned just so: a poor one. LogME is the average's logarithm: higher is
# better, without a fixed scale.
#
# **LogME is high if a simple linear model explains our labels.**

# %% [markdown]
# ## Do the scores find the best source?
#
# Two tasks, with five draws of pictures each, make ten draws. Does the source with the highest score have the best head?
# Among all five that is easy: *ImageNet*'s head is best in every draw.
#
# So leave both MobileNetV2s out. (We kept them without their heads, so LEEP could not judge them anyway.) Among the three
# small networks, in how many of the ten draws does LogME name the best? (A blind guess: 3.3.) <!-- given: 3.3 -->

# %% tags=["reveal"] claims=["D8", "06b.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # of ten draws
small = [sources.with_classes(own) for own in fits.values()]  # those with a head: the three small ones
reveal(guess, sum(sources.names_the(True, own, "logme") for own in small), "Draws, of ten")
sources.print_scores(fits)  # how often each score, and at the right the rival, names the best or the weakest
sources.print_last(fits, "leep", "random small")

# %% tags=["reveal"]
show(figures.scores(fits), alt=figures.ALT["scores"])

# %% [markdown]
# **Among all five, H-score and LogME find ImageNet, the best in every draw.** So would "take what has seen most photos".
#
# Among the small ones each score is right six or seven times in ten; always naming *small, other task*, six times. (We
# picked that rival afterwards.) LEEP names the weakest once: it always puts *random small* last, whose random
# head says nothing.
#
# **Here no score did much better than always naming the same one.**
#
# With many sources, `logme(features, labels)`, on the same pictures for each, may help to drop the hopeless: in the figure
# none at the far left is good. Between close ones, train the heads.

# %% [markdown]
# ## Exercise
#
# **6b.1 A score by hand.** A source with two classes, z0 and z1, looks at four photos, our labels at the left:
#
# ```
#         z0     z1
# cat     1      0
# dog     0.5    0.5
# dog     0      1
# dog     0      1
# ```
#
# What is its LEEP, by the three steps above and with natural logarithms? Two decimals will do.
#
# <details><summary>In symbols, as the hints have it</summary>
#
# $y$ is our label, $z$ a class of the source. The table has $p_z$, what a photo gets for class $z$; step 1 gives
# $P(y|z)$, and LEEP is the mean of $\log \sum_z P(y|z)\, p_z$ over the photos.
#
# </details>

# %% tags=["exercise"]
answer = ...
ex.leep_by_hand.check(answer)

# %% tags=["solution"]
answer = -0.203  # the mean of log 2/3, log 2/3, log 1, log 1
ex.leep_by_hand.check(answer)

# %%
ex.summary()

# %% [markdown]
# ## Three sentences to keep
#
# If the source fits, a hundred photos can do the work of 1,500 from scratch without augmentation, each with 500 more for
# the stop; if not, a small network of your own may be ahead of a head on the frozen source.
# H-score and LogME found the best of our five sources, an easy choice; among three small ones no score
# did much better than always naming the same. From scratch, augmentation moves the stop and deserves more
# patience, but does not replace a source that fits.
#
# Back to [06 Transfer learning](06_transfer_learning.ipynb), or on to
# [07 More than one modality](07_more_than_one_modality.ipynb).
