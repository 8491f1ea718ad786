"""When to Stop: criteria that say when training should end, callbacks that act on them, and a course.

    from course_utils.stopping import StopWhen, Patience, TimeBudget

`stopping` is a library of its own; `pruning`, `transfer`, `multimodal`, `scale` and `small` stand on it;
`classroom` is what the lessons use. README.md beside this file says what is in which room, and where a new
thing goes. Importing this package does nothing.
"""
