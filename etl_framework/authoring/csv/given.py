"""What a person says about how CSV files are written."""

from __future__ import annotations

from dataclasses import dataclass

from etl_framework.errors import ConfigError


@dataclass(frozen=True)
class Given:
    """What the user says about the files; None for what is to be found out."""

    delimiter: str | None = None
    quote: str | None = None
    encoding: str | None = None
    header: bool | None = None
    nulls: tuple[str, ...] | None = None

    def refuse_wrong(self) -> None:
        """Refuse what no file can be written with.

        :raises ConfigError: a mark has not one character, or two marks are the same.
        """
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ConfigError("a delimiter is one character", hint="for example --delimiter ';'")
        if self.quote is not None and len(self.quote) > 1:
            raise ConfigError("a quote is one character, or none", hint="for example --quote ''")
        if self.quote and self.quote == self.delimiter:
            raise ConfigError("delimiter, quote and escape are three different characters")
        if {self.delimiter, self.quote} & {"\n", "\r", "\0"}:
            raise ConfigError("a line end is neither a delimiter nor a quote")
