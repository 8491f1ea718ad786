# @title Set-up: fetches the course in Colab, and does nothing elsewhere { display-mode: "form" }
import importlib.util, os, subprocess, sys

if "google.colab" in sys.modules and not importlib.util.find_spec("course_utils"):
    if not os.path.isdir("<folder>"):
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", "<repository>", "<folder>"], check=True)
    sys.path.insert(0, os.path.abspath("<folder>"))
from course_utils.classroom import colab  # before TensorFlow, whose start-up lines it keeps away

colab.set_up(<packages>)
