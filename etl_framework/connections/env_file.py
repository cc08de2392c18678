"""The `env_file` of an environment: variables by the rules of python-dotenv."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.errors import ConfigError, Diagnostic

if TYPE_CHECKING:
    from dotenv.parser import Binding


def load_env_file(file: Path) -> None:
    """Set the variables of a file of NAME=value lines, unless they are set already.

    `export`, quotes, escapes, values of several lines, comments and `${NAME:-default}` mean what
    they mean to python-dotenv; a name without a value sets nothing.

    :raises ConfigError: the file does not exist, or some lines set no variable; no message shows
        what stands in them.
    """
    from dotenv import load_dotenv
    from dotenv.parser import parse_stream

    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"the file {file.name} that the environment's `env_file` names is not there",
            hint="for the environments of `etl dev`: etl dev up",
        ) from error
    except UnicodeDecodeError:
        hint = "save it as UTF-8"
        raise ConfigError([_problem(file, 0, "this file is not UTF-8", hint)]) from None
    hint = "write NAME=value, or NAME='a value'"
    wrong = [
        _problem(file, _line(binding), "this line sets no variable", hint)
        for binding in parse_stream(StringIO(text))
        if not _can_be_set(binding)
    ]
    if wrong:
        raise ConfigError(wrong)
    load_dotenv(stream=StringIO(text), override=False)


def _can_be_set(binding: Binding) -> bool:
    """Whether a line parses, and the system takes its name and its value."""
    key = binding.key or ""
    return not binding.error and "=" not in key and "\0" not in key + (binding.value or "")


def _line(binding: Binding) -> int:
    """The line where a variable begins; blank lines before it belong to it in the parser."""
    text = binding.original.string
    before = text[: len(text) - len(text.lstrip())]
    return binding.original.line + len(before.splitlines())


def _problem(file: Path, line: int, message: str, hint: str) -> Diagnostic:
    return Diagnostic(file.name, line, 1, ConfigError.code, message, hint)
