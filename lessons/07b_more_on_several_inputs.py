# %% [markdown]
# # F1, AUC, augmentation, a budget: more on several inputs
#
# You will
# - watch F1, AUC and IoU instead of the loss, and see when that pays,
# - see what dropping names does to the stop, and who wins on a small budget,
# - meet remedies that look right and do little, and a number that Keras reports wrongly.
#
# 20 minutes. An appendix to [07](07_more_than_one_modality.ipynb): take what you need. No exercises.

# %%
from course_utils.stopping import Above, Armed, Patience
from course_utils.classroom import data
from course_utils.classroom.chapter_07 import figures
from course_utils.classroom.chapter_07.networks import cross_entropy, network
from course_utils.classroom.chapter_07.outcomes import conditions, kept, own_within, within
from course_utils.classroom.notebook import show
import keras
import numpy as np

paired = figures.paired

# %% [markdown]
# ## Any condition
#
# One article stops by F1 or AUC, another by accuracy, F1 or IoU. (**F1**: the harmonic mean of precision and recall, here its mean
# over the groups. **AUC**: how often a picture of a group ranks above one of another, chance is 0.5.) Any column can
# decide. Should it? Twice the network of 07. *Left:* the pictures' layer at a tenth of the rate, and three of the eight groups
# thinned to a tenth. *Right:* as in 07, where pictures overfit at once. What does a patience of 3 on each column keep, in F1 on the
# test, against patience 3 on the loss? <!-- given: 0.5 -->

# %%
recorded = data.load_curves("conditions")
panels = {"equal clocks, thinned groups": conditions(recorded, 0.1, 0.1),
          "pictures overfit": conditions(recorded, 1.0, 1.0)}
show(figures.any_condition(panels), alt=figures.ALT["any_condition"])

# %%
# NBVAL_CHECK_OUTPUT
for title, came in panels.items():
    for column in ("val_accuracy", "val_f1", "val_auc"):
        gain = paired(came[column]["test_f1"], came["val_loss"]["test_f1"])
        print(f"{title:30}{column:13}- val_loss: {gain}")

# %% [markdown]
# *Left:* accuracy and F1 of 300 emoji are noisy, so a patience of 3 gives up early, and **watching F1 costs F1**. With all 40
# epochs to choose from, it is as good as the loss: it is the patience that suffers. AUC hardly has a peak, and trains to the end.

# %% [markdown]
# *Right:* the other way round. The loss rises as soon as the pictures overfit; accuracy, F1 and AUC still get better, because an
# overconfident network can rank well. "Different data, different conditions", says the article. So it is.
#
# ## Finished, or not begun?
#
# Accuracy has a trap of its own. A small task: mark the pixels of a digit in a noisy picture. **IoU** is the overlap
# of marked and true pixels, as a share of both together.

# %%
masks, best = data.load_curves("pruning_masks").select(), dict(mode="max")
rules = {"accuracy > 0.95": Above("val_accuracy", 0.95), "IoU, patience 5": Patience("val_iou", 5, **best),
         "IoU, armed": Armed(Above("val_iou", 0.1), Patience("val_iou", 3, min_delta=0.01, **best))}
stops = {name: [rule.first(run) for run in masks] for name, rule in rules.items()}
show(figures.finished_or_not(masks, stops), alt=figures.ALT["finished_or_not"])

# %% [markdown]
# Few pixels belong to the digit, so marking nothing is nearly always right: accuracy passes 0.95 at once. IoU
# stays at 0 at first, longer than patience 5 waits. So arm it: count from IoU 0.1 on. (F1, 2 IoU / (1 + IoU),
# is no second opinion.)
#
# ## Augmentation
#
# Chapter 01's network on emoji as pixels: there the words are learnt first. Drop all words of an emoji
# in half of the rows of each epoch, and the pictures have to answer. Or shift the pictures by a few pixels.

# %%
# NBVAL_CHECK_OUTPUT
pixels = data.load_curves("clocks_pixels")
plain = pixels.select(rows=900, way="both")
for way in ("names dropped", "shifted"):
    runs = pixels.select(rows=900, way=way)
    stops = [int(np.argmin(run["val_loss"])) for run in runs]
    print(f"{way:14}stop {np.mean(stops):3.0f}, accuracy {paired(kept(runs), kept(plain))}, "
          f"without words {kept(runs, 'without_words').mean():.0f} %")
stops = [int(np.argmin(run["val_loss"])) for run in plain]
left = kept(plain, "without_words").mean()
print(f"{'as they are':14}stop {np.mean(stops):3.0f}, without words {left:.0f} %")

# %% [markdown]
# Without words for half of the time, the network learns pictures as well: without words it gets 47 % right, not 28. It
# stops a dozen epochs later, and is 3.4 points better on average, about as much as the splits differ. Shifted pictures, the usual
# augmentation, change neither the stop nor the accuracy. What helps is to disturb the input that is learnt first.
#
# ## One budget
#
# You may take so many steps and no more. Who is ahead, and when?

# %%
clock_runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")
tables = {way: within(clock_runs.select(way=way, scale=1.0), 25) for way in ("pictures", "words", "both")}
tables["a stop each"] = own_within(clock_runs, late, 25, seeds=range(8), scale=1.0)
show(figures.budget(tables), alt=figures.ALT["budget"])

# %% [markdown]
# (57 steps are an epoch. *A stop each* trains two networks side by side, in the same number of steps.) With steps for
# an epoch or two, pictures alone are nearly as good as anything, and words still far behind. The more steps there are, the more
# a second clock is worth.
#
# ## A gradient times zero is no stop
#
# A tempting way to freeze a part: multiply its gradient by zero. Or to slow it down: multiply by a tenth, as
# balancing methods such as OGM-GE do for the stronger input. What do optimizers make of it?

# %%
# NBVAL_CHECK_OUTPUT
def distances(optimizer, factors):
    """How far weights are from their start after each step, if its gradient is multiplied by its factor."""
    rng, far = np.random.default_rng(0), []
    weights = keras.Variable(np.zeros(200, "float32"))
    optimizer.build([weights])
    for factor in factors:
        gradient = factor * rng.normal(0.02, 0.01, 200).astype("float32")
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weights])
        far.append(np.abs(weights.numpy()).mean())
    return far


print("                 gate shut: goes on for   a tenth of the gradient: goes")
for name, make in {"SGD": lambda: keras.optimizers.SGD(0.01),
                   "SGD, momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
                   "Adam": lambda: keras.optimizers.Adam(0.001)}.items():
    shut = distances(make(), [1] * 100 + [0] * 20)
    coasts = (shut[-1] - shut[99]) / (shut[99] - shut[98])
    tenth = distances(make(), [0.1] * 100)[-1] / distances(make(), [1] * 100)[-1]
    print(f"{name:14}{coasts:13.1f} ordinary steps {tenth:21.1f} of the way")

# %% [markdown]
# With the gate shut for 20 steps, momentum and Adam coast on for about eight, on their memory of earlier gradients. And a tenth
# of the gradient takes Adam just as far: it divides a gradient by the size of the recent ones, so a factor cancels. To
# freeze, freeze. To slow a part down, lower its *rate*.
#
# ## Weights for the losses
#
# Each input has a head, and the total loss is a sum. Gradient-Blending (Wang, Tran, Feiszli, 2020) trains each alone for
# a few epochs, and weighs its loss by what it gained in validation, over the square of what it overfitted.

# %%
# NBVAL_CHECK_OUTPUT
blended = data.load_curves("blending")
for head in ("pictures", "words", "both"):
    weights = [run[f"weight_{head}"][0] for run in blended.select(way="blended")]
    print(f"weight of {head:9}{np.mean(weights):5.2f}")
gain = paired(*(kept(blended.select(way=way)) for way in ("blended", "equal")))
print("blended - equal weights:", gain)

# %% [markdown]
# It finds the culprit, the pictures, and takes nearly all their weight away. And it cures nothing here. A likely reason you have just
# seen: a weight is a factor on gradients, and Adam cancels factors.
#
# ## What validation cannot see
#
# One input has the gray clothes of Fashion-MNIST, the other a colour. In training and in validation the colour gives the class
# away. Later, in the world, it means nothing. What does validation promise, and what is kept?

# %%
# NBVAL_CHECK_OUTPUT
colour = data.load_curves("colour")
said = {"gray": "gray alone", "both": "both", "frozen": "both, colour frozen after an epoch",
        "dropped": "both, half of the colours dropped"}
print("test accuracy, %, five seeds          colour true   at random")
for way, name in said.items():
    runs = colour.select(way=way)
    print(f"{name:36}{kept(runs, 'as_trained').mean():13.1f} {kept(runs).mean():11.1f}")

# %% [markdown]
# No stop on this validation helps, because it is as deceived as training: the colour is a shortcut that works there. Freezing it early,
# or dropping it often, leaves more for the clothes to do, and is still far behind leaving it out. What you need is a test
# that looks like the world.
#
# ## A head's own loss
#
# With several outputs, Keras 3 reports a loss for each. Is it the mean over the rows?

# %%
# NBVAL_CHECK_OUTPUT
rng = np.random.default_rng(0)
x = {name: rng.normal(size=(33, 4)) for name in ("pictures", "words")}
x["words"][32] *= 9  # the last row is a hard one
y = np.arange(33) % 3
model = network({"pictures": 4, "words": 4}, 3, heads=("pictures", "words"))
for size in (32, 33):
    said = model.evaluate(x, {"pictures": y, "words": y}, batch_size=size, verbose=0, return_dict=True)
    print(f"in batches of {size}: words_loss {said['words_loss']:.2f}, loss {said['loss']:.2f}")
logits = model.predict(x, verbose=0)
print(f"mean over the rows: {cross_entropy(logits['words'], y):.2f}")

# %% [markdown]
# Keras 3 (seen on 3.15.1) averages the *batches* for an output's own loss, as if the last one, with a single row, weighed as
# much as the first. The total `loss` is right. Whoever watches `val_words_loss` should give `fit` a `validation_batch_size`
# that divides the rows, as 07 does.
#
# ## Three sentences to keep
#
# A noisy column needs more patience than a smooth one, whatever it is called. A factor on a gradient is no rate, and zero
# times a gradient no stop. Validation that shares the training data's giveaway cannot warn you of it.
#
# Back to [07](07_more_than_one_modality.ipynb), or on to the [cabinet of traps](90_cabinet_of_traps.ipynb).
