"""Plain pytest tests what the lanes say of a notebook, and runs no lane: `make browser colab offline` do."""

collect_ignore_glob = ["[!t]*.py"]
