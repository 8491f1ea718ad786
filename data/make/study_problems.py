"""Write the tables of the study's problems to build/study/problems, one npz each; `study.py` records on them.

    apt-get download libfann-doc r-cran-mlbench
    dpkg-deb -x libfann-doc_*.deb debian; dpkg-deb -x r-cran-mlbench_*.deb debian
    python data/make/study_problems.py debian

A problem is x, float32 (examples, inputs), and y, labels int32 (examples,) or targets float32 (examples,
outputs). Inputs and targets are standardised (mean 0, sd 1) over the whole table; what is nominal becomes a
column for each value. Of more than 2,000 examples, 2,000 are drawn. Sources and licences: data/README.md.
rdata, which reads R's tables, is one of the packages that `pip install --group data` installs.
"""

import argparse
from pathlib import Path

import numpy as np
from curves_proben1 import read_fann

from course_utils.classroom import data

FOLDER = Path(__file__).resolve().parents[2] / "build" / "study" / "problems"
MOST = 2000

# name -> is it a classification? From libfann-doc; the first five are of Prechelt's Proben1.
FANN = {"diabetes": True, "soybean": True, "gene": True, "thyroid": True, "building": False, "abelone": False,
        "kin32fm": False, "bank32nh": False, "pumadyn-32fm": False, "robot": False}
# From mlbench: R's name of the table -> of its column with the class
MLBENCH = {"Glass": "Type", "Vowel": "Class", "Satellite": "classes", "Sonar": "Class", "Vehicle": "Class",
           "Ionosphere": "Class", "LetterRecognition": "lettr"}
SPELT = {"abelone": "abalone", "pumadyn-32fm": "pumadyn", "letterrecognition": "letters"}


def fann(folder, name):
    """Both halves of a FANN problem."""
    halves = [read_fann(folder / f"{name}.{half}") for half in ("train", "test")]
    x, y = (np.concatenate(part) for part in zip(*halves, strict=True))
    return x, y.argmax(1) if FANN[name] else y


def mlbench(path, name, target):
    """One of mlbench's tables: numbers as they are, factors as a column for each level."""
    import rdata

    table = rdata.read_rda(path, default_encoding="utf8")[name]
    y = table.pop(target).cat.codes.to_numpy()
    columns = []
    for column in table:
        if table[column].dtype.kind in "fi":
            columns.append(table[column].to_numpy(float)[:, None])
        else:
            codes = table[column].cat.codes.to_numpy()
            columns.append(np.eye(codes.max() + 1)[codes])
    return np.hstack(columns), y


def pictures():
    """Clothes at 14 x 14, the same with 30 % of the labels of training and validation shuffled (study.py)."""
    (x, y), _ = data.load_fashion_mnist()
    return x.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(len(x), 196), y


def emoji():
    """Two inputs of one problem: 128 principal components of the pictures' features, and the words."""
    from sklearn.feature_extraction.text import CountVectorizer

    everything = data.load_openmoji()
    y = np.unique(everything.groups, return_inverse=True)[1]
    features = data.load_emoji_features().astype(float)
    features -= features.mean(0)
    u, s, _ = np.linalg.svd(features, full_matrices=False)
    words = CountVectorizer(binary=True, token_pattern=r"\w+", min_df=3).fit_transform(everything.names)
    return (u * s)[:, :128], words.toarray(), y


def problems(folder):
    """name -> (x, y), as they are measured."""
    from sklearn import datasets

    sets = folder / "usr/share/doc/libfann-dev/examples/datasets"
    tables = folder / "usr/lib/R/site-library/mlbench/data"
    found = {name: fann(sets, name) for name in FANN}
    found |= {name.lower(): mlbench(tables / f"{name}.rda", name, target) for name, target in MLBENCH.items()}
    found["cancer"] = datasets.load_breast_cancer(return_X_y=True)
    found["digits"] = datasets.load_digits(return_X_y=True)
    found["progression"] = _targets(datasets.load_diabetes(return_X_y=True))
    found["friedman"] = _targets(datasets.make_friedman1(800, 10, noise=1.0, random_state=3))
    found["clothes"] = pictures()
    by_picture, by_words, y = emoji()
    found |= {"emoji_pictures": (by_picture, y), "emoji_words": (by_words, y)}
    return {SPELT.get(name, name): table for name, table in found.items()}


def _targets(table):
    return table[0], table[1][:, None]


def prepared(x, y):
    """At most MOST examples, standardised: (x float32, y int32 or float32)."""
    rows = np.sort(np.random.default_rng(7).permutation(len(x))[:MOST])
    x, y = np.asarray(x, float)[rows], np.asarray(y)[rows]
    if y.ndim == 1:
        return _standardised(x), np.unique(y, return_inverse=True)[1].astype("int32")
    return _standardised(x), _standardised(np.asarray(y, float))


def _standardised(values):
    sd = values.std(0)
    kept = sd > 0  # a constant says nothing
    return ((values[:, kept] - values[:, kept].mean(0)) / sd[kept]).astype("float32")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where both Debian packages were unpacked")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, table in problems(parser.parse_args().folder).items():
        x, y = prepared(*table)
        np.savez(FOLDER / f"{name}.npz", x=x, y=y)
        kind = f"{y.max() + 1} classes" if y.ndim == 1 else f"{y.shape[1]} targets"
        print(f"{name:15} {len(x):5} examples, {x.shape[1]:4} inputs, {kind}")


if __name__ == "__main__":
    main()
