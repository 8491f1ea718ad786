"""The training of exercise 7.3: one branch should stand still from an epoch on, and what is wrong if not."""

import functools
from inspect import signature

import keras
import numpy as np

from ..stage import Wrong, call, check_hooks, shown

FROM, EPOCHS, STEPS, BATCH = 3, 6, 4, 8
LAYERS = BRANCH, OTHER, HEAD = "pictures_branch", "words_branch", "both_head"
RATE, DECAY = 0.01, 0.05
AGAIN = EPOCHS + 2, STEPS + 1  # epochs and steps of a second training


class Gate(keras.layers.Layer):
    """What comes in goes out; of its gradient comes back what `open` says, from 1 (all) to 0 (nothing)."""

    def build(self, shape):
        self.open = self.add_weight(shape=(), initializer="ones", trainable=False, name="open")

    def call(self, x):
        return self.open * x + (1 - self.open) * keras.ops.stop_gradient(x)


def network(words_first=False):
    """A layer of four on each of two inputs, three classes, AdamW; above the pictures' layer a gate.

    `words_first`: the layers of the words come first in `layers`.
    """
    inputs = {name: keras.Input((6,), name=name) for name in ("pictures", "words")}

    def dense(units, name):
        start = keras.initializers.GlorotUniform(seed=LAYERS.index(name))
        return keras.layers.Dense(units, name=name, use_bias=name == BRANCH, kernel_initializer=start)

    seen = [Gate(name="gate")(dense(4, BRANCH)(inputs["pictures"])), dense(4, OTHER)(inputs["words"])]
    if words_first:  # Keras sorts layers by their depth, then by the order in which they are used
        seen = [keras.layers.Identity()(keras.layers.Identity()(seen[1])), seen[0]]
    model = keras.Model(inputs, dense(3, HEAD)(keras.layers.Concatenate()(seen)))
    model.compile(optimizer=keras.optimizers.AdamW(RATE, weight_decay=DECAY), jit_compile=False,
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def weights_of(model):
    """Name of a layer -> its weights, one vector."""
    return {name: np.concatenate([np.ravel(each) for each in model.get_layer(name).get_weights()])
            for name in LAYERS}


class Watched(keras.callbacks.Callback):
    """The weights at each epoch's begin and end, and after each step; `said`: prints how far they moved."""

    def __init__(self, said):
        super().__init__()
        self.said, self.begins, self.steps, self.ends = said, [], [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.begins.append(weights_of(self.model))
        self.steps.append([])

    def on_train_batch_end(self, batch, logs=None):
        self.steps[-1].append(weights_of(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(weights_of(self.model))
        if self.said:
            if not epoch:
                print(f"A tiny network, {EPOCHS} epochs, a second or two. How far a weight moves, at most:\n"
                      f"epoch  {'  '.join(LAYERS)}")
            print(f"{epoch:5}", *(f"{way:{len(name)}.5f}" for name, way in self.ways(epoch).items()),
                  sep="  ", flush=True)

    def ways(self, epoch):
        """Name of a layer -> how far one of its weights moved in this epoch, step by step, at most."""
        before = [self.ends[epoch - 1]] if epoch else []
        path = [*before, self.begins[epoch], *self.steps[epoch], self.ends[epoch]]
        return {name: float(np.abs(np.diff([each[name] for each in path], axis=0)).sum(0).max())
                for name in LAYERS}


def train(model, callback, said=False, epochs=EPOCHS, steps=STEPS):
    """Watched, after a training with this callback."""
    numbers = np.random.default_rng(0)
    x = {name: numbers.normal(size=(steps * BATCH, 6)).astype("float32") for name in ("pictures", "words")}
    y = (x["pictures"][:, 0] > 0) + (x["words"][:, 0] > 0).astype(int)
    watched = Watched(said)
    model.fit(x, y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, callbacks=[callback, watched])
    return watched


class Frozen(keras.callbacks.Callback):
    """What is asked for."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == FROM:
            self.model.get_layer(BRANCH).trainable = False
            self.model.make_train_function(force=True)


@functools.cache
def due(epochs=EPOCHS, steps=STEPS):
    """Watched, of the training that is asked for."""
    return train(network((epochs, steps) == AGAIN), Frozen(), epochs=epochs, steps=steps)


def callback_of(answer):
    """The callback that an answer is, or makes; a hook of it that returns `...` is a blank."""
    plain = keras.callbacks.Callback
    if isinstance(answer, type) and issubclass(answer, plain):
        check_hooks(answer)
    callback = call(answer) if isinstance(answer, type) or _takes_nothing(answer) else answer
    if not isinstance(callback, plain):
        raise Wrong("The answer is a class of callbacks, class Freeze(keras.callbacks.Callback); this is "
                    f"{shown(answer)}.")
    for name in dir(plain):
        if name.startswith("on_") and getattr(type(callback), name) is not getattr(plain, name):
            setattr(callback, name, _listening(getattr(callback, name)))
    return callback


def _takes_nothing(answer):
    """Is it a function without arguments, which may make a callback?"""
    try:
        signature(answer).bind()
    except (TypeError, ValueError):
        return False
    return True


def _listening(hook):
    @functools.wraps(hook)
    def answered(*args):
        value = hook(*args)
        return True if value is None else value

    return lambda *args, **named: call(answered, *args, *named.values())


def fault(answer):
    """What is wrong with an answer, a sentence, or None; and how far the layers went: Watched, or None."""
    callback, model = callback_of(answer), network()
    optimizer = model.optimizer
    try:
        watched = train(model, callback, said=True)
    except ValueError as error:
        if "Unknown variable" not in str(error):
            raise
        return (f"{BRANCH} is frozen in epoch 0, when the optimizer first sees what it is to train, and set "
                f"free later. It should learn in epochs 0 to {FROM - 1}, and then stand still."), None
    except TypeError:
        if model.train_function is not None:
            raise
        return ("Nothing is left for fit to call. compile() in the middle of a fit throws its step away, and "
                "AdamW's means of the gradients with it; or you assign what make_train_function returns, and "
                "it returns nothing. The call make_train_function(force=True) is enough."), None
    found = fault_of(model, optimizer, watched)
    last = weights_of(model)
    others = [name for name in LAYERS if not np.array_equal(last[name], watched.ends[-1][name])]
    if not found and others:
        found = (f"All is well until the last epoch ends, but {' and '.join(others)} has other weights when "
                 "training is over. Leave them as they are.")
    if not found and isinstance(answer, type):
        found = _fault_of_a_second(answer)
    return found, watched


def _fault_of_a_second(answer):
    """What is wrong with a second training, with a callback made anew: the first may have left something.

    It is longer, and the layers come in another order: epoch and layer should be told by number and name.
    """
    model, (epochs, steps) = network(words_first=True), AGAIN
    optimizer = model.optimizer
    said = fault_of(model, optimizer, train(model, callback_of(answer), epochs=epochs, steps=steps))
    return said and (f"Right in one training, but in a second one, with a new {answer.__name__}(), {epochs} "
                     f"epochs of {steps} steps and the layers in another order: {said}")


def fault_of(model, optimizer, watched):
    """What is wrong with a training that began with this optimizer, a sentence, or None."""
    ways = [watched.ways(epoch) for epoch in range(len(watched.ends))]
    still = {name: [not way[name] for way in ways] for name in LAYERS}
    if True in still[BRANCH][:FROM]:
        return (f"{BRANCH} stands still in epoch {still[BRANCH].index(True)}. It should learn in epochs 0 to "
                f"{FROM - 1}, and stand still from {FROM} on.")
    if len(ways) < watched.params["epochs"]:
        return (f"Training ends with epoch {len(ways) - 1}. One branch should stand still, and the rest "
                "learn to the end.")
    if not all(still[BRANCH][FROM:]):
        return _why_it_moves(model, watched, still)
    return _fault_of_the_rest(model, optimizer, watched, still)


def _why_it_moves(model, watched, still):
    layer, held, steps = model.get_layer(BRANCH), watched.ends[FROM - 1][BRANCH], watched.steps[FROM]
    later = range(FROM, len(watched.ends))
    begins, ends = ([each[epoch][BRANCH] for epoch in later] for each in (watched.begins, watched.ends))
    first = still[BRANCH].index(False, FROM)
    moves = f"{BRANCH} still moves in epoch {first}, by {watched.ways(first)[BRANCH]:.2g}"
    stand = [name for name in (OTHER, HEAD) if all(still[name][FROM:])]
    if stand:
        return f"{' and '.join(stand)} stopped, and {moves}. Is it the right layer?"
    if first > FROM:
        return f"{BRANCH} stands in epoch {FROM}, but then moves again in epoch {first}. Leave it frozen."
    if not np.array_equal(held, begins[0]) and all(np.array_equal(begins[0], end) for end in ends):
        return (f"{BRANCH} stands still from epoch {FROM} on, but with other weights than it had at the end "
                f"of {FROM - 1}. Leave them as they are.")
    since = max(epoch for epoch in later if not still[BRANCH][epoch]) + 1
    if since < len(watched.ends):
        return (f"{BRANCH} stands still from epoch {since} on; {FROM} is asked for. on_epoch_begin comes "
                "before the steps of its epoch, on_epoch_end after them.")
    if all(np.array_equal(held, each) for each in ends) or all(np.array_equal(held, each) for each in begins):
        return (f"{moves}. Its weights are put back once an epoch; in between it moves, and the rest learns "
                "beside a branch that moves.")
    if not layer.trainable:
        return (f"{moves}: trainable is False, but fit goes on with the step that it compiled before. "
                "make_train_function(force=True) makes a new one.")
    if np.allclose(steps[0][BRANCH], (1 - RATE * DECAY) * held, rtol=1e-6, atol=0):
        return (f"{moves}: each step takes the same share of every weight. That is the decay of AdamW, which "
                "needs neither gradient nor momentum.")
    if float(model.get_layer("gate").open) == 0:
        return (f"{moves}. Its gradient is 0, but AdamW goes on by its mean of the gradients before, and "
                "makes every weight smaller. The optimizer must not see the branch at all.")
    still_there = np.ptp([held, *(each[BRANCH] for each in steps)], axis=0) == 0
    if still_there.any():
        return (f"{moves}: {still_there.sum()} of its {len(held)} numbers stand still, the others learn on. "
                "Its kernel and its bias should both stand.")
    return (f"{moves}: it learns on. Which line takes the layer of that name away from the optimizer, and in "
            "which epoch?")


def _fault_of_the_rest(model, optimizer, watched, still):
    stand = [name for name in (OTHER, HEAD) if any(still[name][FROM:])]
    if len(stand) == 2:
        if not float(model.optimizer.learning_rate):
            return "With a learning rate of 0 everything stands still. Only the branch should."
        if not model.trainable_weights:
            return f"The whole model is frozen. Only {BRANCH} should be."
    if stand:
        return f"{BRANCH} stands still, but {' and '.join(stand)}, too. The rest should learn on."
    epochs, steps = watched.params["epochs"], watched.params["steps"]
    if model.optimizer is not optimizer or int(optimizer.iterations) != epochs * steps:
        return (f"{BRANCH} stands still, but the rest has a new optimizer, whose means of the gradients "
                "begin at 0: its first steps are as long as those of a new training. Keep the one there is.")
    if not np.isclose(float(optimizer.learning_rate), RATE):
        return (f"{BRANCH} stands still, but the rest learns on at another rate, "
                f"{float(optimizer.learning_rate):g} for {RATE:g}. Leave the rate alone.")
    if touched := _changed_between_steps(watched):
        name, when, way = touched
        return (f"{BRANCH} stands still, but {name} is changed {when}, by {way:.2g}, and not by a step. "
                "Leave all other weights to the optimizer.")
    right = due(epochs, steps).ends[-1]
    apart = {name: np.abs(watched.ends[-1][name] - right[name]).max() for name in LAYERS}
    name = max(apart, key=apart.get)
    if apart[BRANCH] > 1e-5:  # by rounding alone they differ by 1e-7
        return (f"{BRANCH} stands still, but ends up to {apart[BRANCH]:.2g} away from where it should. It "
                f"learns in every step of epochs 0 to {FROM - 1}, and as before.")
    if apart[name] > 1e-5:
        return (f"{BRANCH} stands still, but {name} ends up to {apart[name]:.2g} away from where it should. "
                "Leave weights and gradients alone.")
    return None


def _changed_between_steps(watched):
    """(layer, when, how far) of the first change of the rest that no step has made, or None."""
    for name in (OTHER, HEAD):
        start = due().begins[0][name]
        for epoch, (begin, steps, end) in enumerate(zip(watched.begins, watched.steps, watched.ends)):
            for when, one, other in ((f"before epoch {epoch} begins", start, begin[name]),
                                     (f"at the end of epoch {epoch}", steps[-1][name], end[name])):
                if not np.array_equal(one, other):
                    return name, when, float(np.abs(one - other).max())
            start = end[name]
    return None
