"""What the lessons use and no project needs: data, notebook helpers, exercises, a folder for each chapter.

Importing this package, unlike the rest of course_utils, changes the process: a learner's first output
should not be a page of red notes about GPUs and CPU instructions. The set-up cell of every notebook imports
it before TensorFlow. `TF_CPP_MIN_LOG_LEVEL=0` in the environment brings the notes back.
"""

from .quiet import keep_tensorflow_quiet

keep_tensorflow_quiet()
