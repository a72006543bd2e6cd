"""What can go wrong: one class per status code of the engine, under viper.Error.

Where Python has a class for the same thing, ours is one of its kind: `except KeyError` catches NotFound.
"""


class Error(Exception):
    """An operation of the engine failed. The text names what failed, where, and the offending values."""

    # KeyError would show the text in quotes.
    __str__ = Exception.__str__


class InvalidArgument(Error, ValueError):
    """The caller passed something that can never work: a wrong dimension, a bad filter, a bad name."""


class WrongType(InvalidArgument, TypeError):
    """The caller passed an object of a type that the argument does not take."""


class NotFound(Error, KeyError):
    """The named collection, record or file does not exist."""


class AlreadyExists(Error):
    """The collection or record exists and the call asked that it should not."""


class FailedPrecondition(Error, RuntimeError):
    """The object is in a state that does not allow the call: closed, opened read-only, or after a failed sync."""


class Corruption(Error):
    """Stored bytes are damaged. The message names the file, the offset and what is lost."""


class IoError(Error, OSError):
    """The operating system refused a file operation."""


class Unsupported(Error, NotImplementedError):
    """The data need a newer version or a feature that this build does not have."""


class ResourceExhausted(Error):
    """Out of disk space or over a configured limit. Retrying later may work.

    Nothing was changed, unless the call is one that works in pieces; then the text says what was done before.
    """


class Busy(Error):
    """Another process holds the writer lock."""


class Conflict(Error):
    """Somebody else committed a change that contradicts this one."""


class Cancelled(Error):
    """The caller cancelled the operation."""


class DeadlineExceeded(Error, TimeoutError):
    """The deadline passed before the operation was done."""
