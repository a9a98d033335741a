"""Every way edgekit can fail, one class and one exit code a kind.

A message has three parts: what failed, the likely cause, and what to type or change. ``cli.main`` is the only
place that catches these; foreign exceptions are translated at the border where they enter.
"""


class EdgekitError(Exception):
    """A failure that the user can understand.

    what: the thing that failed, with the name of the file or value.
    cause: the likely reason, in one sentence.
    fix: what to type or change.
    """

    exit_code = 1

    def __init__(self, what: str, *, cause: str = "", fix: str = "") -> None:
        super().__init__(what, cause, fix)
        self.what = what
        self.cause = cause
        self.fix = fix

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.cause, self.fix) if part)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.cause, self.fix)


def _rebuild(kind: type[EdgekitError], what: str, cause: str, fix: str) -> EdgekitError:
    return kind(what, cause=cause, fix=fix)


class UsageError(EdgekitError):
    """The command or the configuration asks for something that does not exist or contradicts itself."""

    exit_code = 2


class SourceError(EdgekitError):
    """The model that was given cannot be read or understood."""

    exit_code = 3


class ConversionError(EdgekitError):
    """The model is understood, but the recipe cannot be kept."""

    exit_code = 4


class TrainingError(EdgekitError):
    """A training went wrong on its own: its loss is no number any more, or TensorFlow failed."""

    exit_code = 4


class VerificationError(EdgekitError):
    """The converted model does not answer as its source does."""

    exit_code = 5


class MissingToolError(EdgekitError):
    """A package, a program or a device that the command needs is not there."""

    exit_code = 6


class UserDataError(EdgekitError):
    """Labels, pictures, truth boxes or keys that the user gave are unusable."""

    exit_code = 10


class StorageError(EdgekitError):
    """A file cannot be read or written, or the network failed."""

    exit_code = 11
