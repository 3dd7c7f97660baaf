"""Every error that a user can meet is one line: what is wrong, where, and what to do.

* IsekaiGenError                  shown as one line; its `exit_code` ends the command
  x InputError                    the user's files or options are wrong (exit 2)
    + ConceptError                a catalog
    + TemplateError               a template file
    + ModelError                  an image generator or an encoder that cannot be loaded
    + ManifestError               a manifest that would break its rules
    + ReleaseError                a release that cannot be built
  x WorkspaceError                files on disk disagree, or another process holds them (exit 2)
    + LockedError                 a second writer
    + StaleShardError             settings changed under finished work
    + ChecksumError               bytes are not what was recorded
  x StorageError                  disk full or read-only; finished work stays valid (exit 3)
  x MissingDependencyError        an extra is not installed (exit 2)

Wrong calls between our own modules raise ValueError or TypeError instead.
"""


class IsekaiGenError(Exception):
    """Base of all errors shown to the user as one line."""

    exit_code = 2


class InputError(IsekaiGenError):
    """The user's files or options are wrong."""


class ConceptError(InputError):
    """A concept catalog is wrong; the message lists every fault with file:line."""


class TemplateError(InputError):
    """A template file is wrong; the message lists every fault with file:line."""


class ModelError(InputError):
    """An image generator or encoder cannot be found, loaded or used as asked."""


class ManifestError(InputError):
    """A manifest would break the rules of its format."""


class ReleaseError(InputError):
    """A release cannot be built from this workspace."""


class WorkspaceError(IsekaiGenError):
    """Files on disk disagree with each other or with the request."""


class LockedError(WorkspaceError):
    """Another process writes to this workspace."""


class StaleShardError(WorkspaceError):
    """A shard was finished under other settings."""


class ChecksumError(WorkspaceError):
    """Bytes on disk are not the ones that were recorded."""


class StorageError(IsekaiGenError):
    """The disk is full or read-only; what was committed before stays valid."""

    exit_code = 3


class MissingDependencyError(IsekaiGenError):
    """An optional dependency is not installed."""
