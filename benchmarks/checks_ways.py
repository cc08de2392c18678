"""One way to check the rows: `checks_ways.py WAY FOLDER ROWS` writes seconds and failing rows.

Runs in the way's own environment, so only what that has is imported, and not before it is needed.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from checks_data import CHECKS, COLUMNS, file

Seconds = tuple[float, float]
Timed = tuple[Seconds, list[int]]


def _now() -> Seconds:
    """On the wall, and of all processors: the second tells more where others are at work too."""
    return time.perf_counter(), time.process_time()


def _since(start: Seconds) -> Seconds:
    wall, processor = _now()
    return wall - start[0], processor - start[1]


def aggregate(folder: Path, rows: int) -> Timed:
    """The floor: every column read once, by one aggregate without any rule.

    Of texts the lengths and of moments the microseconds: a greatest value stands in the file.
    """
    import duckdb

    session = duckdb.connect(config={"memory_limit": "400MB", "threads": 4})
    start = _now()
    sums = ", ".join(f"sum({_number(name, type_)})" for name, type_ in COLUMNS.items())
    session.execute(f"SELECT count(*), {sums} FROM '{file(folder, rows)}'").fetchall()
    return _since(start), []


def _number(name: str, type_: str) -> str:
    if type_.startswith("varchar"):
        return f"strlen({name})"
    return f"epoch_us({name})" if type_ == "timestamp" else name


def framework(folder: Path, rows: int) -> Timed:
    """The real check step of a real run, on a relation that lies in staging."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import yaml

    from etl_framework.plan.plan import build_plan
    from etl_framework.project.project import load_project
    from etl_framework.run.run import Run
    from etl_framework.sql.conditions import transpile_condition
    from etl_framework.storage.outcome import Outcome

    project = folder / "project"
    (project / "pipelines").mkdir(parents=True, exist_ok=True)
    (project / "sql_templates").mkdir(exist_ok=True)
    environment = {"connections": {"lake": {"type": "directory", "path": "."}}}
    environments = {"default": "local", "environments": {"local": environment}}
    (project / "environments.yml").write_text(yaml.safe_dump(environments), encoding="utf-8")
    checks = [{**check, "severity": "warning", "name": f"c{i}"} for i, check in enumerate(CHECKS)]
    source = {
        "type": "csv", "connection": "lake", "path": "none.csv", "checks": checks,
        "columns": [{"name": name, "type": type_} for name, type_ in COLUMNS.items()],
    }  # fmt: skip
    pipeline = {"name": "p", "sources": {"t": source}}
    (project / "pipelines/p.yml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    loaded = load_project(project)
    model = loaded.pipeline("p").model
    assert model is not None
    plan = build_plan(loaded, "p", None, model.some_interval())
    run = Run(plan, fresh=True)
    staged = run.folder.step("extract.t")
    staged.begin()
    part = staged.part("data") / "0.parquet"
    part.symlink_to(file(folder, rows))
    staged.finish(Outcome(files=tuple(run.folder.names([part]))))
    import duckdb  # noqa: F401  a whole run has it already

    transpile_condition("1 = 1", to="duckdb")  # imports what a plan has imported in a whole run
    start = _now()
    result = run.one_step("check.t")
    return _since(start), [check.failing for check in result.checks]


def pandera(folder: Path, rows: int) -> Timed:
    """A DataFrameSchema, with all failures gathered."""
    import pandas as pd
    import pandera.pandas as pa

    columns: dict[str, list[pa.Check]] = {name: [] for name in COLUMNS}
    nullable = dict.fromkeys(COLUMNS, True)
    frame_checks = []
    for number, check in enumerate(CHECKS):
        name, kind = f"c{number}", check["type"]
        if kind == "not_null":
            nullable[check["columns"][0]] = False
        elif kind == "accepted_values":
            columns[check["column"]].append(pa.Check.isin(check["values"], name=name))
        elif kind == "accepted_range":
            least, most = check.get("min"), check.get("max")
            at_least = pa.Check.ge(least, name=name)
            both = at_least if most is None else pa.Check.in_range(least, most, name=name)
            columns[check["column"]].append(both)
        elif kind == "pattern":
            columns[check["column"]].append(pa.Check.str_matches(check["pattern"], name=name))
        elif kind == "length":
            bounds = check["min"], check["max"]
            columns[check["column"]].append(pa.Check.str_length(*bounds, name=name))
    conditions = {
        17: lambda frame: frame["sent_at"] >= frame["made_at"],
        18: lambda frame: (frame["amount"] >= frame["discount"]) | (frame["amount"] < 100),
        19: lambda frame: (frame["quantity"] > 0) | (frame["state"] != "paid"),
    }
    for number, condition in conditions.items():
        frame_checks.append(pa.Check(condition, name=f"c{number}"))
    schema = pa.DataFrameSchema(
        {n: pa.Column(checks=columns[n], nullable=nullable[n]) for n in COLUMNS},
        checks=frame_checks,
    )
    start = _now()
    frame = pd.read_parquet(file(folder, rows))
    failing = [0] * len(CHECKS)
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        for error in errors.schema_errors:
            number = _check_of(error)
            failing[number] = error.failure_cases["index"].nunique()
    return _since(start), failing


def _check_of(error: object) -> int:
    """Which of the checks a pandera error is about."""
    name = str(getattr(error.check, "name", error.check))  # type: ignore[attr-defined]
    if re.fullmatch(r"c\d+", name):
        return int(name[1:])
    column = error.schema.name  # type: ignore[attr-defined]
    return next(i for i, check in enumerate(CHECKS) if check.get("columns") == [column])


def great_expectations(folder: Path, rows: int) -> Timed:
    """An expectation suite on a pandas batch."""
    import great_expectations as gx
    import pandas as pd
    from great_expectations import expectations as gxe

    context = gx.get_context(mode="ephemeral")
    start = _now()
    frame = pd.read_parquet(file(folder, rows))
    # Conditions over two columns are columns of their own: GX has no expectation for them.
    frame["c17"] = frame["sent_at"] >= frame["made_at"]
    frame["c18"] = (frame["amount"] >= frame["discount"]) | (frame["amount"] < 100)
    frame["c19"] = (frame["quantity"] > 0) | (frame["state"] != "paid")
    suite = gx.ExpectationSuite(name="twenty")
    for number, check in enumerate(CHECKS):
        kind, column = check["type"], check.get("column", f"c{number}")
        if kind == "not_null":
            found = gxe.ExpectColumnValuesToNotBeNull(column=check["columns"][0])
        elif kind == "accepted_values":
            found = gxe.ExpectColumnValuesToBeInSet(column=column, value_set=check["values"])
        elif kind == "accepted_range":
            bounds = {"min_value": check.get("min"), "max_value": check.get("max")}
            found = gxe.ExpectColumnValuesToBeBetween(column=column, **bounds)
        elif kind == "pattern":
            found = gxe.ExpectColumnValuesToMatchRegex(column=column, regex=check["pattern"])
        elif kind == "length":
            bounds = {"min_value": check["min"], "max_value": check["max"]}
            found = gxe.ExpectColumnValueLengthsToBeBetween(column=column, **bounds)
        else:
            found = gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[True])
        found.meta = {"number": number}
        suite.add_expectation(found)
    source = context.data_sources.add_pandas("p")
    batch = source.add_dataframe_asset("t").add_batch_definition_whole_dataframe("b")
    result = batch.get_batch({"dataframe": frame}).validate(suite)
    seconds = _since(start)
    failing = [0] * len(CHECKS)
    for each in result.results:
        failing[each.expectation_config.meta["number"]] = int(each.result["unexpected_count"])
    return seconds, failing


def soda(folder: Path, rows: int) -> Timed:
    """A scan over DuckDB, which reads the Parquet file as a view; with ten examples, as ours."""
    import duckdb
    from soda.scan import Scan

    lines = ["checks for t:"]
    for number, check in enumerate(CHECKS):
        kind, column = check["type"], check.get("column")
        rest = [f"      name: c{number}", "      samples limit: 10"]
        if kind == "not_null":
            lines += [f"  - missing_count({check['columns'][0]}) = 0:", *rest]
        elif kind == "expression":
            fail = f"      fail condition: NOT ({check['expression']})"
            lines += ["  - failed rows:", fail, *rest]
        else:
            lines += [f"  - invalid_count({column}) = 0:", *rest]
            if kind == "accepted_values":
                lines.append(f"      valid values: {json.dumps(check['values'])}")
            if kind == "pattern":
                lines.append(f"      valid regex: {check['pattern']}")
            for end in ("min", "max"):
                if end in check:
                    length = " length" if kind == "length" else ""
                    lines.append(f"      valid {end}{length}: {check[end]}")
    session = duckdb.connect(config={"memory_limit": "400MB", "threads": 4})
    session.execute(f"CREATE VIEW t AS SELECT * FROM '{file(folder, rows)}'")
    scan = Scan()
    scan.disable_telemetry()
    scan.add_duckdb_connection(session)
    scan.set_data_source_name("duckdb")
    scan.add_sodacl_yaml_str("\n".join(lines))
    start = _now()
    scan.execute()
    seconds = _since(start)
    values = {check.name: int(check.check_value) for check in scan._checks}
    return seconds, [values[f"c{number}"] for number in range(len(CHECKS))]


WAYS: dict[str, Callable[[Path, int], Timed]] = {
    "aggregate": aggregate,
    "framework": framework,
    "pandera": pandera,
    "great_expectations": great_expectations,
    "soda": soda,
}


def main() -> None:
    way, folder, rows = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    timed = WAYS[way](folder, rows)
    (folder / f"{way}.json").write_text(json.dumps(timed), encoding="utf-8")


if __name__ == "__main__":
    main()
