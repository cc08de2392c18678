"""Column types: how they are read, and what they are called elsewhere."""

from __future__ import annotations

import pyarrow as pa
import pytest

from etl_framework.columns import SYNONYMS, TYPES, ColumnType


@pytest.mark.parametrize(
    ("text", "shown", "duckdb", "arrow"),
    [
        pytest.param("integer", "integer", "INTEGER", pa.int32(), id="integer"),
        pytest.param("INT8", "bigint", "BIGINT", pa.int64(), id="a synonym in capitals"),
        pytest.param("int2", "smallint", "SMALLINT", pa.int16(), id="int2"),
        pytest.param("numeric(10, 2)", "decimal(10,2)", "DECIMAL(10,2)", pa.decimal128(10, 2),
                     id="numeric with a space"),
        pytest.param("decimal(5)", "decimal(5,0)", "DECIMAL(5,0)", pa.decimal128(5, 0),
                     id="a decimal without a scale"),
        pytest.param("decimal", "decimal(18,0)", "DECIMAL(18,0)", pa.decimal128(18, 0),
                     id="a decimal as Redshift has it"),
        pytest.param("float", "double precision", "DOUBLE", pa.float64(), id="float"),
        pytest.param("float4", "real", "FLOAT", pa.float32(), id="float4"),
        pytest.param("bool", "boolean", "BOOLEAN", pa.bool_(), id="bool"),
        pytest.param(" varchar (255) ", "varchar(255)", "VARCHAR", pa.string(), id="spaces"),
        pytest.param("text", "varchar(65535)", "VARCHAR", pa.string(), id="text"),
        pytest.param("char", "char(1)", "VARCHAR", pa.string(), id="char"),
        pytest.param("date", "date", "DATE", pa.date32(), id="date"),
        pytest.param("datetime", "timestamp", "TIMESTAMP", pa.timestamp("us"), id="datetime"),
        pytest.param("timestamptz", "timestamptz", "TIMESTAMP WITH TIME ZONE",
                     pa.timestamp("us", tz="UTC"), id="timestamptz"),
    ],
)  # fmt: skip
def test_a_type(text: str, shown: str, duckdb: str, arrow: pa.DataType) -> None:
    found = ColumnType.parse(text)

    assert (str(found), found.duckdb, found.arrow()) == (shown, duckdb, arrow)
    assert ColumnType.parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "in_catalogues"),
    [
        pytest.param("int8", "bigint", id="a number"),
        pytest.param("decimal(5)", "numeric(5,0)", id="a decimal"),
        pytest.param("varchar(9)", "character varying(9)", id="a text"),
        pytest.param("char(2)", "character(2)", id="a text of one length"),
        pytest.param("timestamp", "timestamp without time zone", id="a local time"),
        pytest.param("timestamptz", "timestamp with time zone", id="a moment"),
    ],
)
def test_a_type_as_catalogues_name_it(text: str, in_catalogues: str) -> None:
    assert ColumnType.parse(text).postgres == in_catalogues


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("intger", "unknown column type 'intger'; did you mean 'integer'?", id="typo"),
        pytest.param("decimal(39,2)", "a decimal holds 1 to 38", id="too many digits"),
        pytest.param("decimal(2,3)", "a decimal holds 1 to 38", id="more behind the point"),
        pytest.param("decimal(0,0)", "a decimal holds 1 to 38", id="a decimal of no digits"),
        pytest.param("integer(4)", "'integer' takes 0 arguments, not 1", id="an argument"),
        pytest.param("varchar(1,2)", "'varchar' takes 1 arguments, not 2", id="two arguments"),
        pytest.param("varchar(0)", "varchar", id="a text of no length"),
        pytest.param("varchar(-1)", "is not a column type", id="a negative length"),
        pytest.param("varchar(10", "is not a column type", id="an open parenthesis"),
        pytest.param("", "is not a column type", id="nothing"),
        pytest.param(None, "is not a column type", id="null"),
        pytest.param(5, "is not a column type", id="a number"),
        pytest.param("integer; drop", "is not a column type", id="more than a type"),
    ],
)
def test_what_is_no_type(text: object, message: str) -> None:
    with pytest.raises(ValueError, match=r"type|decimal|argument|varchar") as caught:
        ColumnType.parse(text)

    assert message in str(caught.value)


@pytest.mark.parametrize("name", [*TYPES, *SYNONYMS])
def test_every_name_is_read_and_has_each_form(name: str) -> None:
    found = ColumnType.parse(name)

    assert found.duckdb
    assert found.family
    assert isinstance(found.arrow(), pa.DataType)
