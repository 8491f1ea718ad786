"""Import it before Keras: TensorFlow then sums in one order, and a second recording writes the same bytes.

oneDNN reorders sums, which changes low bits and, in a long training, curves. A variable that is set already
stays as it is.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
