"""Write the course's data files so that the same arrays give the same bytes, and note their checksums.

`numpy.savez_compressed` writes the same kind of file, but promises nothing about its bytes. Here the members'
order, dates and compression are fixed, and nothing is pickled. Another build of zlib may still compress
differently: then the checksum differs though the arrays agree, and `save` says so.
"""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent.parent
SUMS = DATA / "SHA256SUMS"


def save(name, arrays):
    """Write `data/<name>` (a compressed npz) and its line in `data/SHA256SUMS`; print what became of it.

    Args:
        name: path below `data/`, with forward slashes: "curves/break.npz".
        arrays: dict of key -> array.

    Raises:
        ValueError: an array of Python objects, which only pickle could read.
    """
    path = DATA / name
    before = dict(_read(path)) if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for key, array in arrays.items():
            member = zipfile.ZipInfo(f"{key}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # else Windows writes another byte
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(member, content.getvalue(), compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)

    outcome = note(name)
    if outcome == "other":
        if before is not None and _same(before, _read(path)):
            print("The arrays are as before, zipped to other bytes by another zlib: `git checkout -- data`.")
        else:
            print("The contents have changed: copy the new checksum into data/README.md too.")


def note(name):
    """Write the checksum of `data/<name>` into `data/SHA256SUMS` and print it.

    Returns "new", "same" or "other": how it compares with the checksum before.
    """
    path = DATA / name
    lines = SUMS.read_text().splitlines() if SUMS.exists() else []
    sums = dict(reversed(line.split("  ", 1)) for line in lines)
    old, sums[name] = sums.get(name), hashlib.sha256(path.read_bytes()).hexdigest()
    SUMS.write_text("".join(f"{sums[key]}  {key}\n" for key in sorted(sums)))
    print(f"data/{name}: {path.stat().st_size / 1e6:.2f} MB, sha256 {sums[name]}")
    if sums[name] == old:
        print("Byte for byte as before.")
    return "new" if old is None else "same" if sums[name] == old else "other"


def joined(families):
    """Stack labelled recordings into the arrays of a curves file.

    Args:
        families: pairs (labels, columns): dict of label name -> value or array (runs,), and dict of column ->
            array (runs, epochs), such as `recording.record` returns.

    Returns:
        dict `label/<name>` -> array (all runs,), `column/<name>` -> array (all runs, epochs).
    """
    arrays = {}
    for labels, columns in families:
        runs = len(next(iter(columns.values())))
        for name, value in labels.items():
            arrays.setdefault(f"label/{name}", []).append(np.broadcast_to(value, runs))
        for name, curves in columns.items():
            arrays.setdefault(f"column/{name}", []).append(curves)
    return {key: np.concatenate(parts) for key, parts in arrays.items()}


def _read(path):
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def _same(a, b):
    return a.keys() == b.keys() and all(
        a[k].dtype == b[k].dtype and np.array_equal(a[k], b[k], equal_nan=a[k].dtype.kind == "f") for k in a
    )
