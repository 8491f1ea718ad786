"""How much of each input a model uses: what is lost when one is taken away."""

from dataclasses import dataclass

import numpy as np

from ..stopping.probes import Probe
from .inputs import as_taken, named, taken_away


@dataclass(frozen=True)
class Utilisation:
    """What `utilisation` has measured; print it to read it.

    Attributes:
        score: with all inputs.
        without: input -> the score when it is taken away.
        rate: input -> its conditional utilisation rate; NaN where `score` is 0.
    """

    score: float
    without: dict

    @property
    def rate(self):
        return {name: (self.score - less) / self.score if self.score else float("nan")
                for name, less in self.without.items()}

    def __str__(self):
        wide = max(map(len, self.without))
        lines = [f"{'with all':{wide + 8}}  {self.score:.3f}   utilisation rate"]
        lines += [f"{'without ' + name:{wide + 8}}  {less:.3f}   {self.rate[name]:6.3f}"
                  for name, less in self.without.items()]
        return "\n".join(lines)


def utilisation(model, data, *, output=None, baseline="mean", reference=None, score=None, batch_size=256,
                seed=0):
    """Accuracy with all inputs and without each, and how much of each the model uses.

    The conditional utilisation rate of an input m, given the others:

        u(m | others) = (A(all) - A(all but m)) / A(all)

    with A the accuracy of this one trained model (no model is trained without m): Wu, Jastrzebski, Cho, Geras
    2022, "Characterizing and overcoming the greedy nature of learning in multi-modal deep neural networks".
    With two inputs that is u(m1 | m0) = (A(both) - A(m0)) / A(both). About 0: the model would be as good
    without. A large one says that the model leans on it, not that it has to.

    A network has to be given something in the place of what is taken away, and what matters. The default is
    the input's mean, as in that paper, which replaces by averages over the training data: a typical value
    that says nothing about the class.

    Args:
        model: of keras or tf_keras, with inputs as a dict or a list, any number of them.
        data: (x, y), arrays with one row an example; x as for `check_inputs`; y of classes as whole numbers
            or one-hot, or what `score` takes; a dict if outputs have labels of their own.
        output: name (or number, of a list) of the output that is scored; needed where there are several.
        baseline: what stands in for an input that is taken away, one for all or a dict by name:
            "mean", of the rows of `reference`: equals "zeros" where features are standardised;
            "zeros": an empty bag of words; black, in a picture;
            "rows": the same rows in another order. Each is real, but speaks for another example's class, and
            so the score falls lower than it would from silence; or an array, one example.
        reference: the inputs over which the mean is taken, in the form of x: the training data. Left out, x.
        score: a function of (y, predictions) that returns a number, larger is better: default `accuracy`.
        batch_size: for prediction; it changes no result.
        seed: of the order of "rows".

    Returns:
        A Utilisation.

    Raises:
        ValueError: an input is missing, `output` is needed or unknown, or a mean of whole numbers is asked.

    >>> import keras
    >>> inputs = [keras.Input((2,), name=name) for name in ("pictures", "words")]
    >>> model = keras.Model(inputs, keras.layers.Subtract()(inputs))
    >>> pictures = np.array([[1.0, 0.0], [0.0, 1.0]] * 2)      # right in every row, and louder than
    >>> words = np.array([[0.0, 0.5], [0.0, 0.5]] * 2)         # words, which are always the same
    >>> print(utilisation(model, ([pictures, words], [0, 1, 0, 1])))
    with all          1.000   utilisation rate
    without pictures  0.500    0.500
    without words     1.000    0.000
    """
    x, y = data
    values, score = named(model, x), score or accuracy
    reference = None if reference is None else named(model, reference)

    def scored(inputs):
        predictions = model.predict(as_taken(model, inputs), batch_size=batch_size, verbose=0)
        predicted, wanted = _head(model, predictions, y, output)
        return float(score(wanted, predicted))

    return Utilisation(scored(values), {
        name: scored(taken_away(values, name, baseline, reference, seed)) for name in values})


class UtilisationRate(Probe):
    """A probe: the conditional utilisation rate of each input at the end of every epoch, a column each.

    The columns are called "utilisation_pictures" and so on, with the inputs' names. Each epoch predicts the
    data once more than there are inputs.

        model.fit(..., callbacks=[UtilisationRate((x_val, y_val), reference=x_train),
                                  StopWhen(Below("utilisation_words", 0.02))])

    Args:
        data, output, baseline, reference, score, batch_size, seed: see `utilisation`.
        name: what the columns' names begin with.

    Raises:
        ValueError: when training begins, whatever `utilisation` would raise.
    """

    def __init__(self, data, *, name="utilisation", batch_size=256, **options):
        super().__init__(name)
        self.data, self.options = data, dict(options, batch_size=batch_size)

    def on_train_begin(self, logs=None):
        x, y = self.data  # what cannot work should say so now, not after an epoch: try a few rows
        few = {name: array[:2] for name, array in named(self.model, x).items()}
        if isinstance(y, dict):
            y = {name: each[:2] for name, each in y.items()}
        else:
            y = [each[:2] for each in y] if _is_several(y) else y[:2]
        utilisation(self.model, (few, y), **self.options)

    def on_epoch_end(self, epoch, logs=None):
        for name, rate in utilisation(self.model, self.data, **self.options).rate.items():
            Probe(f"{self.name}_{name}").write(logs, rate)


def accuracy(y, predictions):
    """The share of rows in which the largest prediction is that of the right class.

    Args:
        y: classes as whole numbers, or one-hot: an array.
        predictions: logits or probabilities, (rows, classes).

    Raises:
        ValueError: there is one prediction a row: whether that is a logit, a probability or no class at all,
            nobody can see.

    >>> accuracy([1, 0], np.array([[0.2, 0.8], [0.1, 0.9]]))
    0.5
    """
    y, predictions = np.asarray(y), np.asarray(predictions)
    if predictions.ndim < 2 or predictions.shape[-1] < 2:
        raise ValueError("The model gives one number a row, which may be a logit, a probability or no class "
                         "at all. Say how it is scored: score=lambda y, p: ((p[:, 0] > 0.5) == y).mean().")
    one_hot = y.ndim == predictions.ndim and y.shape[-1] > 1
    right = y.argmax(-1) if one_hot else y.reshape(predictions.shape[:-1])
    return float(np.mean(predictions.argmax(-1) == right))


def _head(model, predictions, y, output):
    """(predictions, labels) of the output that is asked for."""
    if isinstance(predictions, (list, tuple)):
        names = [str(name) for name in getattr(model, "output_names", range(len(predictions)))]
        predictions = dict(zip(names, predictions))
        y = dict(zip(names, y)) if _is_several(y) else y
        output = names[output] if isinstance(output, int) and output < len(names) else output
    if not isinstance(predictions, dict):
        if output is not None:
            raise ValueError(f"The model has one output: leave output={output!r} out.")
        return predictions, y
    if output is None and len(predictions) == 1:
        output = next(iter(predictions))
    for what, there in (("predictions", predictions), ("labels", y if isinstance(y, dict) else predictions)):
        if output not in there:
            asked = f"There are no {what} of an output {output!r}" if output else "Say which is scored"
            raise ValueError(f"{asked}: output= is one of {', '.join(map(repr, there))}.")
    return predictions[output], y[output] if isinstance(y, dict) else y


def _is_several(y):
    """Is it a list of labels for several outputs, rather than the labels of one?"""
    return isinstance(y, (list, tuple)) and all(np.ndim(each) and len(each) != 1 for each in y)
