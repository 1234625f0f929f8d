"""What the real trainer dies of: a claim that does not hold, or an error of a library.

The libraries are not here; their errors have the names that a traceback shows.
"""


def insist(claim: object, otherwise: str) -> None:
    """Die of a claim that does not hold."""
    if not claim:
        raise AssertionError(otherwise)


def missing(library: str, message: str) -> ImportError:
    """Give the error of a library that is not there, behind that of Python."""
    error = ImportError(message)
    error.__context__ = ModuleNotFoundError(f"No module named '{library}'")
    return error


class SafetensorError(Exception):
    """A `.safetensors` file that cannot be read or written."""

    __module__ = "safetensors_rust"


class MultipleInvalid(Exception):  # noqa: N818 - its name is what is read
    """A dataset configuration that is not of the right form."""

    __module__ = "voluptuous.error"


class TomlDecodeError(ValueError):
    """A dataset configuration that is no TOML."""

    __module__ = "toml.decoder"
