"""Lanes run by `make browser`, `make colab`, `make offline`, each with tools of its own: never by plain pytest."""

collect_ignore_glob = ["*.py"]
