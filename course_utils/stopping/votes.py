"""Whose wish counts. One process alone does what it wishes; several have to agree: see scale.Together."""


class Alone:
    """One process: its events are acted upon as they come.

    This is all that a Follower asks of an agreement between processes, too.
    """

    each_batch = False  # whether it has to be asked after every batch

    def begin(self, follower):
        """A fit begins."""

    def agreed(self, event, whole_epoch):
        """This process's Event, or None, after a batch or a whole epoch: what is acted upon now, or None."""
        return event

    def mean(self, value):
        """A measured value of this process as that of all."""
        return value

    def said(self, metric):
        """What the report should say of it, a sentence each."""
        return []

    def memory(self):
        """Name -> what is to be remembered in the state, see Follower."""
        return {}
