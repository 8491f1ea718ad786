"""Parquet files of runs, through pyarrow: plain tables come and go here, `Runs` makes runs of them.

What is written has a row for each run: its labels, and each column as a list of values. So a run without
rows, or without one of the columns, stays one; labels are read without the values (in a twelfth of the time);
and no batch of a file cuts a run in two. A file of others, with a row for each row of a run, is as large, and
is turned into that form as it is read.
"""

from itertools import chain

import numpy as np

from .history import missing_column


def write(path, histories, labels):
    """Write histories (dicts of lists or arrays) and labels (name -> one value per run). Errors: see Runs."""
    arrow, parquet = _pyarrow()
    columns = dict.fromkeys(name for history in histories for name in history)
    both = sorted(labels.keys() & columns)
    if both:
        raise ValueError(f'"{both[0]}" is a column and a label of these runs; in {path} it can be one alone.')
    table = {name: values.tolist() for name, values in labels.items()}
    for name in columns:
        values = [history.get(name) for history in histories]
        table[name] = [part.tolist() if isinstance(part, np.ma.MaskedArray) else part for part in values]
    for name, values in table.items():
        try:
            table[name] = arrow.array(values)
        except (arrow.ArrowException, OverflowError) as error:
            raise ValueError(f'"{name}" cannot be written to {path}, where all values of a column are of one '
                             f"kind. pyarrow says: {error}") from error
    parquet.write_table(arrow.table(table), path, row_group_size=10_000)


def read(path, run, labels, columns, size):
    """Yield (histories, labels) from `size` rows of the file after the other. Arguments, errors: see Runs."""
    arrow, parquet = _pyarrow()
    try:
        file = parquet.ParquetFile(path, pre_buffer=False)  # which would keep the whole file in memory
    except arrow.ArrowInvalid as error:
        raise ValueError(f"{path} cannot be read as Parquet. pyarrow says: {error}") from error
    with file:
        names = [name for name in file.schema_arrow.names if not name.startswith("__index_level_")]  # pandas'
        run = [] if run is None else [run]
        for name in (*run, *labels, *(columns or ())):
            if name not in names:
                raise missing_column(name, names, f" in {path}")
        lists = [field.name for field in file.schema_arrow if hasattr(field.type, "value_field")]
        if run and lists:
            raise ValueError(f'In {path} a row is a whole run, as "{lists[0]}" holds lists: leave out run.')
        if not run and not lists and file.metadata.num_rows:
            raise ValueError(f"In {path} a row is no whole run: no column holds lists. Which column says to "
                             f'which run it belongs? Say run="..."; there are {", ".join(names)}.')
        labels = dict.fromkeys([*run, *labels] if run else [name for name in names if name not in lists])
        columns = [name for name in names if name not in labels and (columns is None or name in columns)]
        batches = file.iter_batches(size, columns=[*labels, *columns])
        tables = (arrow.Table.from_batches([batch]) for batch in batches)
        if not file.metadata.num_rows:
            yield [], {name: [] for name in labels}
        for table in _nested(tables, path, *run, labels) if run else tables:
            parts = [_parts(table.column(name)) for name in columns]
            histories = [{name: part[row] for name, part in zip(columns, parts) if part[row] is not None}
                         for row in range(len(table))]
            yield histories, {name: table.column(name).to_pylist() for name in labels}


def _nested(tables, path, run, labels):
    """Tables with a row for each row of a run become tables with a row for each run."""
    arrow, rest, seen = _pyarrow()[0], None, set()
    for table in chain(tables, [None]):  # None: nothing comes any more, the last run is whole
        held = [part for part in (rest, table) if part]
        if not held:
            continue
        rows = arrow.concat_tables(held)
        is_new = _changes(rows.column(run))
        begins = np.flatnonzero(is_new)
        end = len(rows) if table is None else begins[-1]
        keys = rows.column(run).take(begins).to_pylist()
        for name in labels:
            if (varies := _changes(rows.column(name)) & ~is_new).any():
                key = keys[np.searchsorted(begins, varies.argmax(), "right") - 1]
                raise ValueError(f'In {path} "{name}" is no label: it changes within the run {key!r}.')
        rest, begins = rows.slice(end), begins[begins < end]
        for key in keys[: len(begins)]:
            if key is None or key in seen:
                wrong = "is null" if key is None else f"is {key!r} again after other runs"
                raise ValueError(f'In {path} "{run}" {wrong}. The rows of a run stand together: sort them.')
            seen.add(key)
        borders = np.array([*begins, end], "int32")
        yield arrow.table({name: column.take(begins) if name in labels else
                           arrow.ListArray.from_arrays(borders, column.combine_chunks())
                           for name, column in zip(rows.column_names, rows.columns)})


def _changes(column):
    """Is it another value than in the row before? bool array (rows,), True in the first."""
    if hasattr(column.type, "value_type"):  # pandas' categories
        column = column.cast(column.type.value_type)
    codes = column.combine_chunks().dictionary_encode(null_encoding="encode").indices
    return np.diff(codes.to_numpy(), prepend=-1) != 0


def _parts(column):
    """What each run has of a column of lists: an array, masked where something is null; a list; or None."""
    arrow, _ = _pyarrow()
    if arrow.types.is_fixed_size_list(column.type):
        column = column.cast(arrow.list_(column.type.value_type))
    lists = column.combine_chunks()
    values, null = lists.values, lists.values.is_null().to_numpy(zero_copy_only=False)
    is_of = arrow.types
    if is_of.is_floating(values.type) or is_of.is_integer(values.type) or is_of.is_boolean(values.type):
        values = values.fill_null(arrow.scalar(0).cast(values.type)) if null.any() else values
        values = values.to_numpy(zero_copy_only=False)
    else:
        values, null = values.to_pylist(), np.zeros(len(values), bool)
    borders, there = lists.offsets.tolist(), lists.is_valid().tolist()
    parts, has_null = [], null.any()
    for begin, end, is_there in zip(borders, borders[1:], there):
        part = values[begin:end] if is_there else None
        if has_null and is_there and null[begin:end].any():
            part = np.ma.array(part, mask=null[begin:end])
        parts.append(part)
    return parts


def _pyarrow():
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError("Parquet files need pyarrow: pip install pyarrow", name="pyarrow") from error
    return pyarrow, pyarrow.parquet
