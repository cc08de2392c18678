"""Parse COPY and UNLOAD: source, destination and options.

Source: Redshift's Database Developer Guide, "COPY" and "UNLOAD".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from etl_framework.devstack.tokens import Statement, closing
from etl_framework.devstack.wire import WireError

# Option -> whether a value follows.
OPTIONS = {
    "IAM_ROLE": True,
    "CREDENTIALS": True,
    "REGION": True,
    "DELIMITER": True,
    "QUOTE": True,
    "IGNOREHEADER": True,
    "NULL": True,
    "DATEFORMAT": True,
    "TIMEFORMAT": True,
    "MAXERROR": True,
    "COMPUPDATE": True,
    "STATUPDATE": True,
    "ENCODING": True,
    "FORMAT": True,
    "PARALLEL": True,
    "KMS_KEY_ID": True,
    "EXTENSION": True,
    "MAXFILESIZE": True,
    "ROWGROUPSIZE": True,
    "MANIFEST": False,
    "GZIP": False,
    "ZSTD": False,
    "BZIP2": False,
    "CSV": False,
    "PARQUET": False,
    "EMPTYASNULL": False,
    "BLANKSASNULL": False,
    "ACCEPTINVCHARS": False,
    "IGNOREBLANKLINES": False,
    "TRIMBLANKS": False,
    "TRUNCATECOLUMNS": False,
    "ROUNDEC": False,
    "FILLRECORD": False,
    "ACCEPTANYDATE": False,
    "ALLOWOVERWRITE": False,
    "CLEANPATH": False,
    "HEADER": False,
    "ENCRYPTED": False,
    "ADDQUOTES": False,
    "ESCAPE": False,
    "REMOVEQUOTES": False,
    "NOLOAD": False,
}
FORMATS = {"CSV", "PARQUET"}
LIMITED_TO_TEXT = {
    "DELIMITER",
    "QUOTE",
    "IGNOREHEADER",
    "NULL",
    "DATEFORMAT",
    "TIMEFORMAT",
    "ENCODING",
    "GZIP",
    "ZSTD",
    "BZIP2",
    "CSV",
    "EMPTYASNULL",
    "BLANKSASNULL",
    "ACCEPTINVCHARS",
    "IGNOREBLANKLINES",
    "TRIMBLANKS",
    "TRUNCATECOLUMNS",
    "ROUNDEC",
    "ESCAPE",
    "REMOVEQUOTES",
    "MAXERROR",
    "ACCEPTANYDATE",
}


@dataclass
class Transfer:
    """What a COPY or an UNLOAD asks for.

    :param subject: the table, or the query.
    :param options: values by the option's name in capitals; empty for an option without a value.
    """

    subject: str
    columns: list[str]
    url: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def format(self) -> str:
        """`CSV`, `PARQUET`, or `TEXT` with a bar between values."""
        return self.options.get("FORMAT", "TEXT")

    def number(self, option: str, default: int) -> int:
        """Return the value of an option as a number."""
        return int(self.options.get(option, default))


def copy(statement: Statement) -> Transfer:
    """Parse a COPY.

    :raises WireError: Redshift would refuse it.
    """
    words, place = statement.words, 1
    while words[place].upper not in ("FROM", "("):
        place += 1
    table, columns = statement.between(1, place), []
    if words[place].upper == "(":
        end = closing(words, place)
        columns = [word.text for word in words[place + 1 : end] if word.text != ","]
        place = end + 1
    if words[place].upper != "FROM":
        raise WireError(f'syntax error at or near "{words[place].text}"', "42601")
    transfer = Transfer(table, columns, words[place + 1].text)
    _options(statement, place + 2, transfer)
    if transfer.format == "PARQUET" and (wrong := LIMITED_TO_TEXT & transfer.options.keys()):
        raise WireError(f"{sorted(wrong)[0]} argument is not supported for PARQUET based COPY")
    return transfer


def unload(statement: Statement) -> Transfer:
    """Parse an UNLOAD.

    :raises WireError: Redshift would refuse it.
    """
    words = statement.words
    if words[1].upper != "(" or words[3].upper != ")" or words[4].upper != "TO":
        raise WireError("syntax error in UNLOAD: UNLOAD ('select') TO 's3://...'", "42601")
    transfer = Transfer(words[2].text, [], words[5].text)
    _options(statement, 6, transfer)
    return transfer


def _options(statement: Statement, place: int, transfer: Transfer) -> None:
    words = statement.words
    if not re.match(r"^s3://[a-z0-9][a-z0-9.-]+/.+", transfer.url):
        raise WireError(f"The specified S3 prefix '{transfer.url}' does not exist", "XX000")
    while place < len(words):
        name = words[place].upper
        if name not in OPTIONS:
            raise WireError(f'syntax error at or near "{words[place].text}"', "42601")
        place += 1
        value = ""
        if OPTIONS[name]:
            while words[place].upper in ("AS", "WITH"):
                place += 1
            value = words[place].text
            place += 1
            if value == "-":
                raise WireError('syntax error at or near "-"', "42601")
        elif name == "ACCEPTINVCHARS":
            place += place < len(words) and words[place].upper == "AS"
            if place < len(words) and not words[place].upper:  # a quoted text: `upper` is empty
                value, place = words[place].text, place + 1
        elif place < len(words) and words[place].upper == "AS":
            place += 1
        if name in ("QUOTE", "DELIMITER") and not value:
            raise WireError(f"{name} must be a single character", "XX000")
        if name == "FORMAT":
            value = value.upper()
            if value not in FORMATS:
                raise WireError(f"the format {value} is not imitated", "0A000")
        elif name in FORMATS:
            name, value = "FORMAT", name
        transfer.options[name] = value
    if not {"IAM_ROLE", "CREDENTIALS"} & transfer.options.keys():
        raise WireError("Credentials or IAM_ROLE have to be given", "42601")
    if transfer.number("MAXERROR", 0) > 100_000:
        raise WireError("MAXERROR must be between 0 and 100000", "22023")
