"""The exceptions of this package, in one tree.

Each message names the thing (cell, task, volume, key, file), what was found, what was
expected, and the way out, so that catching ``EyewireValidatorError`` and printing it
is enough.
"""


class EyewireValidatorError(Exception):
    """Root of all errors that a user can do something about."""


class ConfigError(EyewireValidatorError):
    """A configuration value is unknown, missing or out of range."""


class RegistryError(EyewireValidatorError):
    """A cell registry CSV cannot be used."""


class TableError(EyewireValidatorError):
    """A table does not match its schema."""


class FileError(EyewireValidatorError):
    """A file on disk is missing, cut short or of another form."""


class VolumeError(EyewireValidatorError):
    """A volume's images or segmentation are not what they should be."""


class SandboxError(EyewireValidatorError):
    """A sandbox cannot be made from what was given."""


class SplitError(EyewireValidatorError):
    """The tasks cannot be split as configured."""


class ModelError(EyewireValidatorError):
    """A model or checkpoint does not fit what it is used for."""


class AuditError(EyewireValidatorError):
    """The leak tests did not end as they must."""


class ApiError(EyewireValidatorError):
    """A request to the Eyewire API or its bucket did not give a usable answer."""


class AuthError(ApiError):
    """The service refused the token, or asked for a login."""


class NotFoundError(ApiError):
    """The service does not know the cell, task or file."""


class ThrottledError(ApiError):
    """The service asked to slow down, and went on asking."""


class MalformedReplyError(ApiError):
    """The reply is not of the form that the client understands."""


class CutShortError(MalformedReplyError):
    """The reply is not whole, on any try."""


class TransientError(ApiError):
    """The service or the network failed, on every try."""


class StoppedError(ApiError):
    """So many requests in a row failed that no more are sent."""
