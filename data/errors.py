"""The one error tree.

::

    SegueError                  anything that Segue reports in one line
    ├── ParameterError          an argument, flag, setting or query value is wrong
    ├── DataError               a file or a row of it cannot be used
    │   └── RowError            one row of a file cannot be used; others may
    ├── AudioError              a sound file cannot be decoded or has nothing to hear
    ├── BundleError             a bundle is missing, corrupt or of another schema
    ├── UnknownUser             no event of this user is held
    └── UnknownTrack            no such track in the catalogue

A message names the value and the remedy: "`hop_length` must be a positive integer. Received: -3."
"""


class SegueError(Exception):
    """Base of every error that Segue reports to a person in one line."""


class ParameterError(SegueError):
    """An argument, flag, setting or query value is wrong."""


class DataError(SegueError):
    """A file, or a row of it, cannot be used."""


class RowError(DataError):
    """One row of a file cannot be used; others may."""


class AudioError(SegueError):
    """A sound file cannot be decoded, or holds nothing to hear."""


class BundleError(SegueError):
    """A bundle is missing, corrupt, or of another schema."""


class UnknownUser(SegueError):  # noqa: N818 - the name is part of the contract
    """No event of this user is held."""


class UnknownTrack(SegueError):  # noqa: N818 - the name is part of the contract
    """No such track in the catalogue."""
