"""Columns and their types, with the name of every type in every system that values pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, get_args

from pydantic import AfterValidator, Field

from etl_framework.errors import did_you_mean
from etl_framework.model import Model, Written, wrong_at

if TYPE_CHECKING:
    import pyarrow as pa

# Our name (Redshift's) -> family, DuckDB's name, number of arguments. Synonyms follow below.
TYPES = {
    "smallint": ("integer", "SMALLINT", 0),
    "integer": ("integer", "INTEGER", 0),
    "bigint": ("integer", "BIGINT", 0),
    "decimal": ("decimal", "DECIMAL", 2),
    "real": ("float", "FLOAT", 0),
    "double precision": ("float", "DOUBLE", 0),
    "boolean": ("boolean", "BOOLEAN", 0),
    "char": ("text", "VARCHAR", 1),
    "varchar": ("text", "VARCHAR", 1),
    "date": ("date", "DATE", 0),
    "timestamp": ("timestamp", "TIMESTAMP", 0),
    "timestamptz": ("timestamptz", "TIMESTAMP WITH TIME ZONE", 0),
}
SYNONYMS = {
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float": "double precision",
    "float8": "double precision",
    "double": "double precision",
    "float4": "real",
    "numeric": "decimal",
    "bool": "boolean",
    "text": "varchar",
    "string": "varchar",
    "datetime": "timestamp",
}
IN_CATALOGUES = {
    "varchar": "character varying",
    "char": "character",
    "decimal": "numeric",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
}
# Digits of a `numeric` without arguments in PostgreSQL, which no decimal of ours holds.
ENDLESS = (147_455, 16_383)
# What else each type holds.
_HELD = {
    "integer": ("smallint",),
    "bigint": ("smallint", "integer"),
    "double precision": ("real",),
}
DEFAULTS = {"decimal": (18, 0), "char": (1,), "varchar": (65535,)}
# SQL over files of a relation uses these names for a row's file and number; no column has them.
RESERVED = ("etl_file", "file_row_number")
# Stands for a value that no report shows.
MASK = "***"
_PATTERN = re.compile(r"^([a-z][a-z0-9 ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?$")


@dataclass(frozen=True)
class ColumnType(Written):
    """A column's type: `integer`, `decimal(10,2)`, `varchar(255)` (length in bytes), and so on."""

    examples: ClassVar[list[str]] = ["integer", "varchar(255)", "decimal(10,2)"]
    form: ClassVar[dict[str, Any]] = {
        "anyOf": [{"enum": list(TYPES)}, {"type": "string", "pattern": "^ *[A-Za-z]"}]
    }

    name: str
    arguments: tuple[int, ...] = ()

    @classmethod
    def parse(cls, written: object) -> ColumnType:
        """Read a type as written.

        :raises ValueError: there is no such type, or its arguments are wrong.
        """
        if isinstance(written, ColumnType):
            return written
        match = _PATTERN.match(written.strip().lower()) if isinstance(written, str) else None
        if not match:
            raise ValueError(f"'{written}' is not a column type; write for example decimal(10,2)")
        name = SYNONYMS.get(match[1], match[1])
        if name not in TYPES:
            raise ValueError(f"unknown column type '{match[1]}'; {did_you_mean(match[1], TYPES)}")
        given = tuple(int(argument) for argument in match.groups()[1:] if argument)
        wanted = TYPES[name][2]
        if name == "decimal" and len(given) == 1:
            given = (*given, 0)
        if len(given) > wanted or (given and len(given) < wanted):
            raise ValueError(f"'{name}' takes {wanted} arguments, not {len(given)}")
        arguments = given or DEFAULTS.get(name, ())
        if name == "decimal" and not (
            0 <= arguments[1] <= arguments[0] and 1 <= arguments[0] <= 38
        ):
            raise ValueError(
                "a decimal holds 1 to 38 digits, and no more behind the point than in all"
            )
        if arguments and arguments[0] < 1:
            raise ValueError(f"a {name} has a length of 1 or more")
        return cls(name, arguments)

    @classmethod
    def of_duckdb(cls, name: str) -> ColumnType | None:
        """The column type for a type of DuckDB; None if there is none."""
        try:
            return cls.parse(name.replace("TIMESTAMP WITH TIME ZONE", "timestamptz"))
        except ValueError:
            return None

    @classmethod
    def of_postgres(cls, name: str) -> ColumnType | None:
        """The column type for a type as PostgreSQL's and Redshift's catalogues name it."""
        if name == "numeric":
            return cls("decimal", ENDLESS)
        ours = {theirs: name for name, theirs in IN_CATALOGUES.items()}
        word, bracket, rest = name.partition("(")
        try:
            return cls.parse(ours.get(word, word) + bracket + rest)
        except ValueError:
            return None

    def holds(self, other: ColumnType) -> bool:
        """Whether every value of another type is one of this type, exactly, and written alike."""
        if self.name == other.name == "decimal":
            (digits, scale), (their_digits, their_scale) = self.arguments, other.arguments
            return scale >= their_scale and digits - scale >= their_digits - their_scale
        if self.name == other.name:
            return not self.arguments or self.arguments >= other.arguments
        return other.name in _HELD.get(self.name, ())

    @property
    def family(self) -> str:
        """The family of the type; types of one family need no CAST from one to the other."""
        return TYPES[self.name][0]

    @cached_property
    def duckdb(self) -> str:
        """The type in DuckDB, where lengths are not enforced."""
        if self.name == "decimal":
            return "DECIMAL({},{})".format(*self.arguments)
        return TYPES[self.name][1]

    @cached_property
    def postgres(self) -> str:
        """The type as the catalogues of PostgreSQL and Redshift name it."""
        return str(self).replace(self.name, IN_CATALOGUES.get(self.name, self.name))

    def arrow(self) -> pa.DataType:
        """The type of a Parquet file's column."""
        import pyarrow as pa

        simple: dict[str, Callable[[], pa.DataType]] = {
            "smallint": pa.int16,
            "integer": pa.int32,
            "bigint": pa.int64,
            "real": pa.float32,
            "double precision": pa.float64,
            "boolean": pa.bool_,
            "date": pa.date32,
        }
        if self.name in simple:
            return simple[self.name]()
        if self.name == "decimal":
            return pa.decimal128(*self.arguments)
        if self.family == "text":
            return pa.string()
        return pa.timestamp("us", tz="UTC" if self.name == "timestamptz" else None)

    def __str__(self) -> str:
        arguments = ",".join(str(argument) for argument in self.arguments)
        return f"{self.name}({arguments})" if arguments else self.name


C = TypeVar("C", bound="Column")
# What a value tells of a person. `sensitive: true` is of the kind OTHER, for which files say true.
PersonalKind = Literal["email", "name", "id", "free text"]
KINDS, OTHER = get_args(PersonalKind), "other"
TABLE_NAME = r"^([A-Za-z_][A-Za-z0-9_]*\.)?[A-Za-z_][A-Za-z0-9_]*$"
ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,126}$")]


class Column(Model):
    """One column of a relation."""

    name: ColumnName = Field(description="Name, as the source or the SQL gives it.")
    type: ColumnType = Field(description="Type, in Redshift's words: `integer`, `varchar(255)`.")
    description: str = Field("", description="What a value means, with its unit.")
    primary_key: bool = Field(False, description="The rows are told apart by this column.")
    required: bool = Field(False, description="A row without a value here is rejected.")
    sensitive: bool | PersonalKind = Field(
        False,
        examples=["email", "name", "id", "free text", True],
        description="What a value tells of a person, or `true`. Values are masked in reports, in"
        " every relation with this column, and lint tells where they go unmasked.",
    )
    allow: str = Field(
        "",
        examples=["the support desk calls customers back"],
        description="Why sensitive values may stand here, and in what is computed of this column.",
    )

    @property
    def kind(self) -> str:
        """What a value tells of a person: one of KINDS or OTHER; empty if nothing."""
        return OTHER if self.sensitive is True else self.sensitive or ""


def columns_of(types: Mapping[str, str]) -> list[Column]:
    """Return columns by their names and types, as a file would declare them."""
    return [Column(name=name, type=ColumnType.parse(type_)) for name, type_ in types.items()]


def names_apart(columns: list[C]) -> list[C]:
    """Return the same columns if their names are different, in any case, and not reserved.

    :raises PydanticCustomError: two columns have the same name, or one has a reserved name; the
        error has the place of the second, or of that one.
    """
    seen: set[str] = set()
    for index, column in enumerate(columns):
        if column.name.lower() in RESERVED:
            raise wrong_at(f"no column can be called '{column.name}'", index)
        if column.name.lower() in seen:
            raise wrong_at(f"two columns are called '{column.name}'", index)
        seen.add(column.name.lower())
    return columns


Columns = Annotated[list[Column], AfterValidator(names_apart)]
