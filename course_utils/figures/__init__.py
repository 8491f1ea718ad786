"""The figures of the lessons, one file a chapter, where drawing is not what the lesson is about."""
