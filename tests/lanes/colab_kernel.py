"""Executes the notebook IN in the current folder and writes it to OUT: python colab_kernel.py IN OUT."""

import subprocess
import sys

import nbformat
from nbclient import NotebookClient

source, target = sys.argv[1:]
notebook = nbformat.read(source, as_version=4)
client = NotebookClient(notebook, kernel_name="python3", timeout=900, allow_errors=True,
                        resources={"metadata": {"path": "."}})
client.execute(stderr=subprocess.DEVNULL)  # the kernel's own log; what cells write comes as output
nbformat.write(notebook, target)
