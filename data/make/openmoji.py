"""Build data/openmoji_48.npz: 1644 emoji as 48 x 48 pictures, with name, group and hexcode.

    npm pack openmoji@17.0.0
    python data/make/openmoji.py openmoji-17.0.0.tgz

(`pip install --group data -c constraints/lock.txt` brings resvg-py and Pillow.) Left out: emoji with a skin
tone, which would repeat one drawing five times; flags, whose names are countries; OpenMoji's extras and
components, which have no proper group. The drawings are under CC BY-SA 4.0, and so is the file made here:
see data/README.md.
"""

import argparse
import csv
import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import resvg_py
from npz import save
from PIL import Image

LEFT_OUT = {"flags", "component", "extras-openmoji", "extras-unicode"}
SIDE = 48  # pixels


def draw(svg):
    """The drawing on white, uint8 (48, 48, 3). No system fonts, so that every machine draws the same."""
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=SIDE, height=SIDE, background="white", skip_system_fonts=True
    )
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="openmoji-17.0.0.tgz, as `npm pack` saves it")
    # All at once, since jumping about in a .tgz unzips it again and again: 40 s.
    unzipped = gzip.decompress(parser.parse_args().package.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(unzipped)) as package:

        def text(path):
            return package.extractfile(f"package/{path}").read().decode("utf-8")

        rows = [
            row
            for row in csv.DictReader(io.StringIO(text("data/openmoji.csv")))
            if not row["skintone"] and row["group"] not in LEFT_OUT
        ]
        pictures = np.stack([draw(text(f"color/svg/{row['hexcode']}.svg")) for row in rows])
    save(
        "openmoji_48.npz",
        {
            "pictures": pictures,
            "names": np.array([row["annotation"] for row in rows]),
            "groups": np.array([row["group"] for row in rows]),
            "hexcodes": np.array([row["hexcode"] for row in rows]),
        },
    )


if __name__ == "__main__":
    main()
