"""The four exercises of chapter 06, transfer learning."""

import functools
import math

import keras
import numpy as np

from ...stopping import Patience
from ..data import load_cifar10, mobilenetv2_weights
from ..exercises import Chapter
from ..stage import Right, Wrong, all_of, call, several, shown, whole
from .own_phases import your_phases  # noqa: F401  the lesson finds it here; it counts for no score
from .pruned import pruned

chapter = Chapter()
summary = chapter.summary

# ---- 6.1 ----

ORDER = ("d", "e", "f", "b")


@chapter.exercise(
    "6.1", "Which layer goes where",
    hints=["Two of the four lines look alike: `target.layers.pop(0)` asks a list, `target.pop()` the model.",
           "`add` puts a layer at the end. Which layer is the last when `target.pop()` runs?"],
    solution='answer = ["d", "e", "f", "b"]  # pop(0) on a copy; a comes and goes; b stays',
    fact="The model's own pop() takes off its last layer. To take the first you build another model.")
def which_layer_where(answer):
    parts = several(answer)
    if parts is None:
        return f'The answer is a list of names, such as ["a", "b"]; this is {shown(answer)}.'
    names = tuple(str(name).strip() for name in parts)
    if names == ORDER:
        return None
    if not names:
        return "The list is empty, but the model has layers after those lines. Go through them one by one."
    strangers = [name for name in names if name not in "abcdef"]
    if strangers:
        return f'There is no layer "{strangers[0]}"; the six are a to f.'
    mistakes = {
        "efb": "target.layers is a copy: pop(0) took d out of the copy, and d is still in the model.",
        "defab": "target.pop() is the model's own method. It takes off the last layer, which by then is a.",
        "efab": "Two lines: target.layers.pop(0) changes a copy, so d stays; target.pop() is the model's "
                "own and takes off a.",
        "deb": "When target.pop() runs, the last layer is a, which the line before put there.",
        "deab": "target.pop() comes after a was added, so it takes off a, not f.",
        "bdef": "add puts a layer at the end, behind f.",
        "abdef": "add puts a layer at the end; and target.pop() takes off the last one, which is a by then.",
        "abf": "That is what the author of such lines may want, the source's layers first. But add puts a "
               "layer at the end, and target.layers.pop(0) changes a copy.",
        "efa": "Three lines: pop(0) changes a copy, so d stays; target.pop() takes off a; and the last line "
               "adds a layer.",
        "bef": "add puts a layer at the end, and target.layers.pop(0) changes a copy.",
        "def": "The last line adds one more layer: source.layers[1].",
        "defa": "The last two lines: target.pop() takes off a, and then one more layer comes.",
        "defc": "source.layers[1] is the second layer: counting starts at 0."}
    return mistakes.get(
        "".join(names), f"After those lines it is not {', '.join(names)}. Go through them one by one: which "
                        "of them changes the model, and at which end?")


# ---- 6.2 ----

COUNTS = {"conv1": 80, "norm1": 32, "conv2": 1168, "norm2": 64, "head": 170}
TRAINED = (1338, 1338)


def counted_model():
    """The model of exercise 6.2: two convolutions with BatchNormalization, and a head."""
    return keras.Sequential([
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(8, 3, name="conv1"), keras.layers.BatchNormalization(name="norm1"),
        keras.layers.Conv2D(16, 3, name="conv2"), keras.layers.BatchNormalization(name="norm2"),
        keras.layers.GlobalAveragePooling2D(name="pool"), keras.layers.Dense(10, name="head")])


@chapter.exercise(
    "6.2", "What is trained?",
    hints=["`unfreeze` unfreezes what comes from that layer on, but no BatchNormalization.",
           "From conv2 on: 1168, 64 and 170. Which of the three stays frozen?"],
    solution="answer = 1338, 1338  # both times conv2 and the head; the norms stay as they are",
    fact="Beginning at norm1 unfreezes nothing more than beginning at conv2. A look at the count tells.")
def what_is_trained(answer):
    counts = tuple(all_of(answer, "The answer is two whole numbers, such as (100, 200)", whole, count=2))
    if counts == TRAINED:
        return None
    known = [
        {1402: "you count norm2's weights: scale, shift, mean and variance. BatchNormalization stays frozen, "
               "as it was on a million pictures.",
         1370: "you count norm2's scale and shift. With the course's unfreeze they stay frozen too.",
         1168: "the head is trained too: from conv2 on means conv2 and all after it.",
         170: "that is the head alone. From conv2 on, conv2 counts too.",
         80: "that is conv1, which stands before conv2, and is frozen.",
         2: "that is how many layers are trained. Their weights are asked for.",
         112: "those are the layers before conv2. They are frozen.",
         1514: "that is the whole model."},
        {1434: "you count norm1 and norm2. BatchNormalization stays frozen wherever you begin.",
         1370: "you count norm1 or norm2. BatchNormalization stays frozen wherever you begin.",
         1354: "you count the scale and the shift of norm1. They stay frozen wherever you begin.",
         1168: "the head is trained too.",
         170: "that is the head alone. conv2 stands between norm1 and the head, and is trained.",
         2: "that is how many layers are trained. Their weights are asked for.",
         1386: "you count the scales and shifts of norm1 and norm2. They stay frozen wherever you begin.",
         1418: "conv1 stands before norm1, so it is frozen.",
         1514: "that is the whole model, with conv1 and both norms.",
         80: "conv1 stands before norm1, so it is frozen.",
         0: "a frozen norm1 does not keep what comes after it from being trained."}]
    for layer, count, right, reasons in zip(("conv2", "norm1"), counts, TRAINED, known):
        if count != right:
            why = reasons.get(count, f"{count} does not come out. Add up the layers from there on, and leave "
                                     "the norms out.")
            return f"From {layer}: {why}"


# ---- 6.3 ----

SCRIPTS = [  # head, top, patience -> epochs of each, best epoch
    ([1.0, 0.8, 0.7, 0.72, 0.71, 0.6, 0.62, 0.63, 0.61], [0.9, 0.75, 0.72, 0.65, 0.66, 0.68, 0.5], 2,
     (5, 6, 8)),
    ([0.5, 0.4, 0.45, 0.5, 0.3], [0.9, 0.6, 0.55, 0.56, 0.6, 0.35], 2, (4, 5, 1)),
    ([0.8, 0.7, 0.75, 0.65], [0.6, 0.5, 0.45], 1, (3, 3, 5)),
    ([0.9, 0.8, 0.8, 0.8, 0.8, 0.7], [0.6, 0.61, 0.62, 0.63, 0.64], 3, (5, 4, 5)),
    ([0.8, 0.5, 0.6, 0.7], [0.7, 0.5, 0.6, 0.7], 2, (4, 4, 1)),
    ([9.0, 8.0, 7.0, 7.5, 7.2, 6.0], [5.0, 4.0, 4.5, 4.2, 3.0], 2, (5, 4, 6)),
    ([-1.0, -2.0, -1.5, -1.2, -3.0], [-1.0, -3.0, -2.5, -2.2, -4.0], 2, (4, 4, 5)),
    ([1.0, 1.1, 0.9, 1.0, 0.8], [0.9, 1.0, 0.7, 0.8, 0.6], 2, (5, 5, 9)),
    ([0.5, 0.49999997, 0.49999994, 0.49999991],  # float32 can tell them apart
     [0.5, 0.49999997, 0.49999994, 0.49999988], 1, (4, 4, 7)),
    ([3e10, 2e10, 2.5e10, 2.6e10], [2.9e10, 1e10, 1.1e10, 1.2e10], 2, (4, 4, 5)),
    ([2.0, 0.0, 1.0, 1.0, 0.5], [0.5, 0.0, 0.25, 0.25], 2, (4, 4, 1))]


def _drawn():
    """130 scripts drawn at random, the last 30 long. Losses are few, so that many tie."""
    rng = np.random.default_rng(6)
    for number in range(130):
        longest, most = (12, 6) if number < 100 else (400, 60)
        head, top = (rng.integers(1, most + 2, rng.integers(1, longest)).tolist() for _ in range(2))
        patience = int(rng.integers(1, most))
        stops = (Patience("val_loss", patience).first({"val_loss": losses}) for losses in (head, top))
        epochs = [len(losses) if stop is None else stop + 1 for losses, stop in zip((head, top), stops)]
        both = head[: epochs[0]] + top[: epochs[1]]
        yield head, top, patience, (*epochs, both.index(min(both)))


@chapter.exercise(
    "6.3", "Two phases, each with its own stop",
    hints=["Write one function for a phase: which of its losses are seen before it ends? Call it twice.",
           "The best epoch: put what both phases have seen one behind the other, and take the lowest."],
    solution='''
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
''',
    fact="The second phase may begin worse than the first ended: a new rate shakes the weights. Judged "
         "by the old best, it could end after `patience` epochs, although it was still improving.")
def two_events(answer):
    def fault(number, script):
        head, top, patience, right = script
        given = list(head), list(top)
        got = call(answer, *given, patience)
        asked = "Three whole numbers are asked for, the epochs of the head, those of the top, the best epoch"
        got = tuple(all_of(got, asked, whole, typed=False, count=3))
        if got != right:
            return _why_not(number, got, script)
        if given != (head, top):
            return ("Right numbers, but the function changes the lists that it is given, and its caller "
                    "loses the losses. Take a slice, which is a copy: head[:5].")

    for case in enumerate([*SCRIPTS, *_drawn()]):
        if said := fault(*case):
            return said if fault(*case) == said else (
                "Asked the same again, your function gives something else: it keeps something from one call "
                "to the next. Let each phase begin anew.")


def _why_not(number, got, script):
    head, top, patience, right = script
    mistakes = {
        (0, (5, 2, 2)): "The top is judged by the head's best, 0.7, and ends after two epochs. A phase sees "
                        "its own epochs alone.",
        (0, (5, 1, 2)): "The top begins with the waiting of the head. Each phase counts from 0.",
        (0, (5, 6, 3)): "The best epoch is counted within the top. Counted through both it is 5 + 3.",
        (0, (4, 5, 8)): "You give the epoch of each stop. Asked is how many epochs: counted from 0, the stop "
                        "at 4 is the fifth.",
        (0, (5, 6, 11)): "The best is taken from epochs after the stop, which were never trained.",
        (0, (5, 6, 15)): "The best is taken from epochs after the stop, which were never trained.",
        (0, (5, 6, 12)): "You count the best epoch behind the head's whole list. After its stop there are no "
                         "epochs: only those that were trained count.",
        (0, (9, 7, 15)): "Patience 2 ends at the second epoch without a new best; yours waits for a third, "
                         "or never ends.",
        (0, (4, 5, 7)): "You leave out the epoch in which the patience runs out. It was trained, and counts.",
        (0, (3, 4, 6)): "You count up to the best epoch of each phase. The epochs of waiting were trained "
                        "too.",
        (0, (3, 3, 0)): "You take the highest loss for the best one. Of losses the lowest is.",
        (0, (9, 6, 5)): "The head is not stopped at all; the top is, as it should be.",
        (0, (8, 6, 5)): "Do you compare with the epoch before? A new best is lower than all before it: 0.71 "
                        "after 0.72 is none, since 0.7 was there.",
        (0, (5, 6, 5)): "The best is taken from the head's last epoch, which was never trained.",
        (0, (5, 6, 9)): "Epochs are counted from 0: yours is one too many.",
        (0, (5, 6, 2)): "That is the best epoch of the head. The top gets lower, to 0.65: look at both.",
        (0, (5, 11, 8)): "You count the top's epochs from the head's first on. Asked is how many the top "
                         "trains.",
        (2, (1, 1, 1)): "The first epoch is a new best: there was none before. With patience 1 yours ends "
                        "at once.",
        (1, (4, 5, 6)): "Here the head was better than the top ever is: its best epoch, 1, is kept. Look at "
                        "both.",
        (2, (4, 3, 6)): "Patience is a number that is given, here 1. Is it fixed in yours?",
        (3, (6, 4, 6)): "0.8 after 0.8 is no new best. The comparison is <.",
        (4, (4, 4, 5)): "Both phases get down to 0.5, the head at epoch 1, the top at epoch 5. Of equals the "
                        "first is best: the later one cost more and is no better.",
        (7, (4, 4, 6)): "You count all epochs without a new best. Patience counts those in a row: with a new "
                        "best it begins anew at 0."}
    if (number, got) in mistakes:
        return mistakes[number, got]
    if number == 8:
        return (f"Losses 0.5, 0.49999997, 0.49999994: each of them is a new best, however little it gains. "
                f"It should be {right}; you return {got}. Do you round, or ask for a margin?")
    if number == 9:
        return (f"A mean squared error may well be 30,000,000,000: with losses as large as that it should be "
                f"{right}; you return {got}. Let the best begin at infinity, or at the first loss.")
    if number == 10:
        return (f"With head {head}, top {top} and patience {patience} it should be {right}; you return "
                f"{got}. 0 is a loss as any other, and here the best: to `if not best` it looks like none.")
    if len(head) + len(top) > 40:
        return (f"Right in short phases. With {len(head)} losses of the head, {len(top)} of the top and "
                f"patience {patience} it should be {right}; you return {got}. Is there a limit in yours?")
    return f"With head {head}, top {top} and patience {patience} it should be {right}; you return {got}."


# ---- 6.4 ----

LEAST_ZEROS, LEAST_RIGHT, CUT = 0.9, 0.6, "Conv_1"
TOO_FEW_LEFT = 0.98  # zeros: with 0.95 there are right answers
GUESSING = math.log(10)  # the loss of ten classes with the same probability


@functools.cache
def _unseen():
    """What the frozen part makes of 500 test photos, their labels, and the shapes of the kernels on top."""
    from ...transfer import backbone, cached_features, split_at

    _, (x, y) = load_cifar10()
    bottom, top = split_at(backbone("MobileNetV2", side=97, from_side=32, weights=mobilenetv2_weights()), CUT)
    return cached_features(bottom, x[::3], verbose=0), y[::3], [*_shapes(top), (top.output_shape[-1], 10)]


def _shapes(model):
    """Shapes of what can be pruned in a model, a list."""
    from ...pruning import Choice

    return [tuple(kernel.shape) for each in Choice().measured(model).values() for kernel in each]


def _tested(model):
    """(share right, loss) on the photos not seen."""
    x, y, _ = _unseen()
    logits = model.predict(x, verbose=0).astype("float64")
    spread = logits - logits.max(1, keepdims=True)
    losses = np.log(np.exp(spread).sum(1)) - spread[np.arange(len(y)), y]
    return float((logits.argmax(1) == y).mean()), float(losses.mean())


@chapter.exercise(
    "6.4", "Prune what was fine-tuned",
    hints=["`second` sees the epochs from the one on in which the masks are full. Give the weights that are "
           "left some of them: a little patience, or Epochs(4).",
           "The ramp may be short, ramp_epochs=4. An epoch has 13 steps: with learning_rate=3e-4, six times "
           "the rate of the last phase, they mend more."],
    solution='''
answer = dict(model=model, data=known, validation_data=validation, first=None,
              second=Patience("val_loss", 2) | Epochs(3),
              target_sparsity=0.9, ramp_epochs=3, learning_rate=3e-4)
''',
    fact="Without nine in ten of its kernel weights the top still tells most photos of ten classes apart.")
def prune_the_top(answer):
    from ...pruning import sparsity

    dense = report = None
    if isinstance(answer, dict):
        dense, answer = answer.get("model"), pruned(answer, LEAST_ZEROS, _unseen()[0])
    if isinstance(answer, tuple) and answer and isinstance(answer[0], keras.Model):
        answer, report = answer[0], answer[-1]  # as prune_at_stop returns them
    if not isinstance(answer, keras.Model):
        return ("The answer is a dict of what prune_at_stop is called with, or a model that it gives back; "
                f"this is {shown(answer)}.")
    wanted = _unseen()[0].shape[1:]
    if answer.input_shape[1:] != wanted or answer.output_shape[1:] != (10,):
        return (f"The model should take the {wanted} of the frozen part and give ten numbers; this one takes "
                f"{answer.input_shape[1:]} and gives {answer.output_shape[1:]}. Prune `model`.")
    shapes, due = sorted(_shapes(answer)), sorted(_unseen()[2])
    if shapes != due:
        weights = [sum(math.prod(shape) for shape in each) for each in (shapes, due)]
        return (f"The kernels of your model are {shapes}, {weights[0]:,} weights; of `model` they are {due}, "
                f"{weights[1]:,}. Prune `model` itself: zeros beside it take none of its weights away.")
    zeros, (right, loss) = sparsity(answer).total, _tested(answer)
    before = None if dense is None else _tested(dense)[0]

    def draw():
        from ..notebook import show
        from .figures import pruned as picture

        ax = picture((zeros, right), (LEAST_ZEROS, LEAST_RIGHT), before)
        ring = "" if before is None else f", before the pruning a ring at {before:.0%} right"
        show(ax, f"Accuracy on 500 photos not seen against the share of zeros: your model is a dot at "
                 f"{zeros:.0%} zeros and {right:.0%} right{ring}; a shaded corner begins at 90 % and 60 %.")

    said = f"{zeros:.1%} zeros, and {right:.1%} of 500 photos not seen are right"
    said += "." if before is None else f"; {before:.1%} were before the pruning."
    if dense is not None and report.second.ended_by == "all epochs done":
        said += f" (Your `second` was not met: the check ended the training after {report.epochs[1]} epochs.)"
    if not zeros:
        raise Wrong(f"{said} Nothing is pruned: prune_at_stop leaves `model` as it is and returns another.",
                    draw)
    if zeros < LEAST_ZEROS - 1e-4 and right < LEAST_RIGHT:
        raise Wrong(f"{said} Both are too few.", draw)
    if zeros < LEAST_ZEROS - 1e-4:
        layers = ", ".join(f"{name} {share:.1%}" for name, share in sparsity(answer).layers.items())
        raise Wrong(f"{said} Asked are 90 % zeros, of all together. By layer: {layers}. Was one left out, or "
                    "the target not reached?", draw)
    if right < LEAST_RIGHT and zeros > TOO_FEW_LEFT:
        raise Wrong(f"{said} Asked are 60 %. So few weights are left that training cannot mend it: 90 % "
                    "zeros are enough.", draw)
    if right < LEAST_RIGHT:
        raise Wrong(f"{said} Asked are 60 %. After the pruning it has to be trained on, with the masks full: "
                    "for long enough, at a learning rate that fits, on all of `known`.", draw)
    if loss > GUESSING:
        raise Wrong(f"{said} But the loss there is {loss:.3g}, and guessing has {GUESSING:.2g}: the model is "
                    "as good as certain of what it gets wrong. Is learning_rate too high?", draw)
    return Right(f"{said} The loss there is {loss:.2f}, below {GUESSING:.1f}.", draw)
