"""Reading TOML files that a person wrote."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from data.errors import ParameterError


def read_toml(path: Path, *, what: str, option: str) -> dict[str, Any]:
    """Return the content of a file.

    Parameters
    ----------
    path : Path
    what : str
        What the file is, for the message: "settings", "rules".
    option : str
        The option that names another one.

    Raises
    ------
    ParameterError
        If it cannot be read, is not UTF-8, or no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        reason = f"{error.strerror}. Name another with {option}"
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text. Save it as UTF-8"
    except tomllib.TOMLDecodeError as error:
        reason = f"it is not TOML: {error}. Correct it"
    raise ParameterError(f"The {what} file {str(path)!r} cannot be read: {reason}.")
