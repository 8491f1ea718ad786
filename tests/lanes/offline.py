"""`make offline`: the notebooks run where there is no network at all, from what a clone has.

    python tests/lanes/offline.py [00 03 ...]

Linux only: it runs itself again in a network namespace that has nothing but its own loopback.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from shared import ROOT, chosen, faults, skip, verdict

INSIDE = "COURSE_OFFLINE_LANE"  # set for the second run, in the namespace


def namespace():
    """The command that runs another one without a network, or None where this machine does not allow it."""
    for command in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if not shutil.which("unshare"):
            return None
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return None


def loopback_up():
    """Kernels talk to their client over 127.0.0.1, and a new namespace has that switched off."""
    import fcntl
    import struct

    SIOCSIFFLAGS, IFF_UP = 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def routes():
    """Interfaces with a route, without the loopback: none, or the lane tests nothing."""
    lines = Path("/proc/net/route").read_text().splitlines()[1:]
    return [line.split()[0] for line in lines if line.split()[0] != "lo"]


def run(path, folder):
    """Execute the notebook in a copy; returns its faults."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=900, allow_errors=True,
                            resources={"metadata": {"path": str(path.parent)}})
    client.execute(stderr=subprocess.DEVNULL)  # the kernel's own log; what cells write comes as output
    nbformat.write(notebook, folder / path.name)
    return faults(folder / path.name)


def main(names):
    if not os.environ.get(INSIDE):
        command = namespace()
        if not command:
            skip("unshare --net is not allowed here (or this is not Linux).")
        again = [*command, sys.executable, __file__, *names]
        sys.exit(subprocess.run(again, env={**os.environ, INSIDE: "1", "PYTHONPATH": str(ROOT)}).returncode)
    loopback_up()
    if routes():
        sys.exit(f"The namespace has routes by {', '.join(routes())}: nothing would be tested.")
    with tempfile.TemporaryDirectory() as folder:
        verdict({path.stem: run(path, Path(folder)) for path in chosen(names)})


if __name__ == "__main__":
    main(sys.argv[1:])
