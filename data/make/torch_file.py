"""Read the tensors of a PyTorch file into NumPy arrays, without PyTorch and without running what it holds.

For files as PyTorch saved them before version 1.6: five pickles, then the tensors' values. A pickle can name
any Python function to be called; the reader here knows three harmless names and refuses all others.
"""

import collections
import pickle
import struct

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class Tensor:
    """Where a tensor's values are: in which storage, from which value on, and in which shape."""

    def __init__(self, storage, offset, shape, strides, *_):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def values(self, storages):
        flat = storages[self.storage][self.offset :]
        strides = [stride * flat.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(flat, self.shape, strides, writeable=False).copy()


class Unpickler(pickle.Unpickler):
    """Knows the names that a file of tensors needs, and no others."""

    def __init__(self, file):
        super().__init__(file)
        self.dtypes = {}  # storage -> type of its values

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return Tensor
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"refused: {module}.{name} has no place in a file of tensors")

    def persistent_load(self, identity):
        _, dtype, key, *_ = identity
        self.dtypes[key] = np.dtype(dtype)
        return key


def read_tensors(file):
    """dict of name -> array, from an open file in PyTorch's format before 1.6.

    Raises:
        ValueError: the file has another format.
        pickle.UnpicklingError: it is no pickle, or asks for more than tensors.
    """
    if Unpickler(file).load() != MAGIC:
        raise ValueError("not a PyTorch file from before version 1.6")
    for _ in ("protocol", "about the machine"):
        Unpickler(file).load()
    unpickler = Unpickler(file)
    tensors = unpickler.load()
    storages = {}
    for key in Unpickler(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        dtype = unpickler.dtypes[key]
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    return {name: tensor.values(storages) for name, tensor in tensors.items()}
