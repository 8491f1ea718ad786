# %% [markdown]
# # F1, AUC, augmentation, a budget: more on several inputs
#
# You will
# - watch F1, AUC and IoU instead of the loss, and see when that pays,
# - see what dropped names, a small budget and two other data sets do to the stop,
# - meet remedies that look right and do little, and a number that Keras reports wrongly.
#
# 25 minutes. An appendix to [07](07_more_than_one_modality.ipynb), without exercises. Each section stands alone; read
# the ones you need.

# %%
from course_utils.stopping import Above, Armed, Patience
from course_utils.classroom import comparisons, data
from course_utils.classroom.chapter_07 import figures
from course_utils.classroom.chapter_07.networks import cross_entropy, network
from course_utils.classroom.chapter_07.outcomes import (
    conditions, kept, of_views, outcomes, own_within, within)
from course_utils.classroom.notebook import reveal, show
import keras
import numpy as np

colour = data.load_curves("colour")

# %% [markdown]
# ## Any condition
#
# The article proposes F1, AUC, accuracy or IoU as the condition. Should they decide? (**F1**: the harmonic mean of
# precision and recall, here averaged over the groups. **AUC**: how often an emoji of a group is ranked above one of
# another.)
#
# The network of 07, in two settings. *Left:* the pictures' layer learns at a tenth of the rate, and three of the eight
# groups are thinned to a tenth. *Right:* as in 07, pictures overfit at once. Stopped by a patience of 3 on F1, is the
# *test* F1 of its best epoch higher or lower than when the loss is watched? Guess for the left.

# %% tags=["reveal"] claims=["A8", "07b.1"]
recorded = data.load_curves("conditions")
left, right = conditions(recorded, 0.1, 0.1), conditions(recorded, 1.0, 1.0)
panels = {"pictures' rate a tenth, thinned groups": left, "pictures overfit": right}
guess = ...  # points of F1; with a minus if watching F1 loses
gain = round((left["val_f1"]["test_f1"] - left["val_loss"]["test_f1"]).mean(), 1)
reveal(guess, gain, "Left, test F1 by watching F1, compared with watching the loss, in points")
whole = conditions(recorded, 0.1, 1.0)
gain = (whole["val_f1"]["test_f1"] - whole["val_loss"]["test_f1"]).mean()
print(f"the same, no group thinned: {gain:+.1f}")
show(figures.any_condition(panels), alt=figures.ALT["any_condition"])

# %% [markdown]
# *Left:* accuracy and F1 of a few hundred emoji are noisy, so a patience of 3 gives up early, and **watching F1 costs
# F1**; with all groups whole it costs less. Given all epochs to choose from (squares), F1 picks as well as the loss:
# what fails is the short patience. A stop on AUC trains nearly to the end, and gains nothing.
#
# *Right:* the loss stops as soon as the pictures overfit. The other three stop later and gain, probably because a network
# can be too sure of itself and still put the right group first. The same emoji, trained otherwise: no condition is best
# for all.

# %% [markdown]
# ## Finished, or not begun?
#
# Accuracy has a trap of its own. A small task: mark the pixels of a digit in a noisy picture. **IoU** is the
# overlap of marked and true pixels, divided by all pixels that are in either. Which of three rules waits for the digit?

# %% claims=["C6"]
masks, best = data.load_curves("pruning_masks").select(), dict(mode="max")
rules = {"accuracy > 0.95": Above("val_accuracy", 0.95), "IoU, patience 5": Patience("val_iou", 5, **best),
         "IoU, armed": Armed(Above("val_iou", 0.1), Patience("val_iou", 3, min_delta=0.01, **best))}
stops = {name: [rule.first(run) for run in masks] for name, rule in rules.items()}
show(comparisons.finished_or_not(masks, stops), alt=comparisons.ALT["finished_or_not"])

# %% [markdown]
# Few pixels belong to the digit, so an empty mask already has nearly all of them right: accuracy passes 0.95 at once.
# IoU stays at 0 at first, longer than a patience of 5 waits. So arm the stop: start counting once IoU has passed 0.1.
#
# ## Augmentation
#
# The network of 01 on emoji as pixels: here the words are the fast input. In each epoch, drop the names of half of the
# emoji: for those, the network has only the picture. Or shift the pictures by a few pixels.

# %% claims=["A10"]
# NBVAL_CHECK_OUTPUT
pixels = data.load_curves("clocks_pixels")
ways = {way: pixels.select(rows=900, way=way)
        for way in ("pictures", "words", "both", "names dropped", "shifted")}
print("               best epoch  right  without words  gain over both in each of five splits, points")
for way, runs in ways.items():
    said = f"{way:15}{np.mean([np.argmin(run['val_loss']) for run in runs]):10.0f}{kept(runs).mean():5.0f} %"
    if way not in ("pictures", "words"):
        said += f"{kept(runs, 'without_words').mean():13.0f} %"
    if way in ("names dropped", "shifted"):
        said += "".join(f"{gain:+z5.0f}" for gain in kept(runs) - kept(ways["both"]))
    print(said)

# %% [markdown]
# With names dropped, the network learns more from pictures: without words it then gets 47 % right, not 28, and its best
# epoch comes later. It never hurt, and helped clearly in two splits of five. Shifted pictures, the usual
# augmentation, change next to nothing.
#
# ## One budget
#
# Suppose you can afford only a certain number of steps. Who is ahead, and when?

# %% claims=["A11"]
clock_runs, late = data.load_curves("clocks"), data.load_curves("clocks_late")
tables = {way: within(clock_runs.select(way=way, scale=1.0), 25) for way in ("pictures", "words", "both")}
tables["a stop each"] = own_within(clock_runs, late, 25, seeds=range(8), scale=1.0)
show(figures.budget(tables), alt=figures.ALT["budget"])

# %% [markdown]
# After an epoch or two (57 steps each), pictures alone are nearly as good as anything, and words far behind. With one
# stop for both nothing is gained after about six epochs; a second stop (two networks, side by side) goes on paying until
# about fifteen. Words alone are most accurate after about ten epochs and then get a little worse, though their loss
# still falls.
#
# ## Two other data sets
#
# In 07 a second stop gained more where the clocks were further apart. Does their ratio tell how much? Beside the
# pictures x 0.1 of 07, the emoji as *pixels*, and handwritten *digits* in six descriptions, each of them an input:

# %%
# NBVAL_CHECK_OUTPUT
print("                slowest over fastest clock  a stop each gains, points")
for said, of in {"pictures x 0.1": outcomes(clock_runs, late, scale=0.1),
                 "pixels": outcomes(pixels, data.load_curves("clocks_pixels_late"), rows=900),
                 "digits": of_views(data.load_curves("views"), data.load_curves("views_late"))}.items():
    ratio = np.median(np.maximum(of["ratio"], 1 / of["ratio"]))
    higher = comparisons.higher_in(of["own"], of["both"], "splits")
    print(f"{said:16}{ratio:26.1f}  {(of['own'] - of['both']).mean():+.1f}, higher in {higher}")

# %% [markdown]
# Nearly one ratio, and gains of one to three points. The ratio says where to look, and not how much you will find.

# %% [markdown]
# ## Is a gradient times zero a stop?
#
# A tempting way to freeze a part: multiply its gradient by zero. Or to slow it down: by a tenth. What do optimizers
# make of it? Guess for Adam and a tenth: how far does it get, if 1 is as far as with the whole gradient?

# %%
def distances(optimizer, factors):
    """How far weights are from their start after each step, if its gradient is multiplied by its factor."""
    weights, rng, far = keras.Variable(np.zeros(200, "float32")), np.random.default_rng(0), []
    for factor in factors:
        gradient = keras.ops.convert_to_tensor(factor * rng.normal(0.02, 0.01, 200).astype("float32"))
        optimizer.apply([gradient], [weights])
        far.append(np.abs(weights.numpy()).mean())
    return far

# %% tags=["reveal"] claims=["07b.2"]
# NBVAL_CHECK_OUTPUT
guess = ...  # between 0 and 1
optimizers = {"SGD": lambda: keras.optimizers.SGD(0.01),
              "SGD, momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
              "Adam": lambda: keras.optimizers.Adam(0.001)}
tenths = {name: distances(make(), [0.1] * 100)[-1] / distances(make(), [1] * 100)[-1]
          for name, make in optimizers.items()}
reveal(guess, round(tenths["Adam"], 1), "Adam, with a tenth of the gradient")
print("\n                 100 steps, a tenth of the gradient  then 20 steps, gradient times zero")
print("                 (1: as far as with all of it)       (1: as far as an ordinary step)")
for name, make in optimizers.items():
    shut = distances(make(), [1] * 100 + [0] * 20)
    print(f"{name:17}{tenths[name]:<36.1f}{(shut[-1] - shut[99]) / (shut[99] - shut[98]):.0f}")

# %% [markdown]
# Plain SGD does as it is told. With the gradient at zero, momentum and Adam move on, on what they remember of earlier
# gradients (ours keep their direction; the less steady they are, the shorter the way). A tenth of the gradient takes
# Adam just as far: it divides a gradient by the size of recent ones, so a fixed factor cancels. (A weight on the only
# loss that a part sees is such a factor, too.) To freeze, freeze. To slow a part down, lower its *rate*.

# %% [markdown]
# ## What validation cannot see
#
# One input has the gray clothes of Fashion-MNIST, the other a colour. In training and validation the colour gives the
# class away; in the test, as in the world, colours are random. In validation a network with both gets 99 % right. How
# much is left of that in the test?

# %% tags=["reveal"] claims=["07b.3"]
# NBVAL_CHECK_OUTPUT
guess = ...  # percent right, with random colours
reveal(guess, round(kept(colour.select(way="both")).mean()), "Both, in the test, in percent")
said = {"gray": "gray alone", "both": "both", "frozen": "both, colour frozen after an epoch",
        "dropped": "both, half of the colours dropped"}
print("right, %, means of five runs           validation        test")
for way, name in said.items():
    runs = colour.select(way=way)
    print(f"{name:36}{kept(runs, 'val_accuracy').mean():13.0f} {kept(runs).mean():11.0f}")

# %% [markdown]
# No stop on this validation can be trusted: it is as deceived as training. Freezing the colour early, or dropping it
# often, makes the network rely more on the clothes, but either is far behind a network without colours (85 %). What you
# need is a test that looks like the world.
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
# Keras 3 (seen on 3.15.1) averages the *batches* for an output's own loss, so a short last batch counts too much. The
# total `loss` is right. Whoever watches `val_words_loss` should give `fit` a `validation_batch_size` that divides the
# number of rows evenly, as 07 does.
#
# ## Three sentences to keep
#
# A noisy column needs more patience than a smooth one, whatever it is called. With Adam, scaling a gradient does not
# slow learning down; and with any optimizer that remembers gradients, a zero gradient does not stop it. A shortcut that
# works in validation as well as in training goes unnoticed.
#
# Back to [07](07_more_than_one_modality.ipynb), or on to the [cabinet of traps](90_cabinet_of_traps.ipynb).
