"""What is wrong is said, all of it, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from etl_framework.errors import BundleError, ConfigError, MissingExtraError
from etl_framework.mwaa.bundle import tools
from etl_framework.mwaa.bundle.archive import write_zip
from etl_framework.mwaa.bundle.constraints import constraints_of
from etl_framework.mwaa.bundle.manifest import FILE
from etl_framework.mwaa.bundle.needs import needs_of
from etl_framework.mwaa.bundle.resolve import Wanted, resolved
from etl_framework.mwaa.bundle.verify import verified
from etl_framework.mwaa.bundle.write import Order, put_in_place, refuse_foreign, write_bundle
from etl_framework.mwaa.bundle.write_serverless import write_serverless
from etl_framework.platforms.mwaa import Limits, mwaa_version
from etl_framework.project.project import load_project
from tests.conftest import ORDERS, Folder
from tests.mwaa.bundle.test_manifest import MANIFEST

NEWEST = mwaa_version("3.3.1")


def refused(folder: Folder, order: Order, write: object = write_bundle) -> list[str]:
    """What is said of a bundle that cannot be, of which nothing is written."""
    assert callable(write)
    with pytest.raises(BundleError) as caught:
        write(load_project(folder.root), order, folder.root / "out")
    assert not (folder.root / "out").exists()
    return str(caught.value).splitlines()


def test_everything_at_once(with_prod: Folder) -> None:
    file = with_prod.root / "sql_templates/orders/totals.sql"
    file.write_text(file.read_text().replace("customer,", "custmer,", 1))
    more = with_prod.write("more.txt", "# further\npandas==2.0.0\nboto3 == 1.2 # old\nnumpy\n")
    with_prod.write("wheels/torch-2.0-cp312-cp312-win_amd64.whl", "")
    order = Order(NEWEST, "prod", requirements=more, wheels=with_prod.root / "wheels",
                  authorities=(more,))  # fmt: skip

    said = refused(with_prod, order)

    assert f"{more}: B104 holds no certificates in PEM" in said
    assert (
        f"{more}:2:1: B202 pandas==2.0.0 cannot be on MWAA 3.3.1: its constraints say 3.0.5" in said
    )
    assert f"{more}:3:1: B202 boto3==1.2 cannot be on MWAA 3.3.1: the image has 1.43.56" in said
    assert "  hint: write boto3==1.43.56, or no version" in said
    assert any("totals.sql:1:8: E413 unknown column 'custmer'" in line for line in said)
    assert any(line.startswith("torch-2.0-cp312-cp312-win_amd64.whl: B201 is for cp312-cp312-win_")
               for line in said)  # fmt: skip


def test_an_environment_of_one_machine(with_prod: Folder) -> None:
    said = refused(with_prod, Order(NEWEST))

    assert said[0] == (
        "environments.yml:4:14: B101 'local' keeps staging on one machine, and the tasks of MWAA "
        "run on several"
    )
    assert said[1] == "  hint: name another environment: --env prod"
    assert [line.split()[1] for line in said[::2]] == ["B101", "B101", "B101"]


def test_variables_that_mwaa_does_not_set(with_prod: Folder) -> None:
    file = with_prod.root / "environments.yml"
    text = file.read_text()
    file.write_text(text.replace('bucket: "{{ var.s3_bucket }}"', 'bucket: "{{ env.BUCKET }}"'))

    assert [line.partition(": ")[2] for line in refused(with_prod, Order(NEWEST, "prod"))][:1] == [
        "B102 the environment variable BUCKET is not set on MWAA"
    ]


def test_a_project_without_dags(with_prod: Folder) -> None:
    (with_prod.root / "dags/orders.py").unlink()
    (with_prod.root / "dags").rmdir()

    assert refused(with_prod, Order(NEWEST, "prod"))[0].startswith("dags: B103 the project has no")


def test_versions_that_do_not_fit(tmp_path: Path) -> None:
    wheels, work = tmp_path / "wheels", tmp_path / "work"
    wheels.mkdir()
    work.mkdir()
    for name, needs in (("ours", b"Requires-Dist: theirs>=2\n"), ("theirs", b"")):
        write_zip(
            wheels / f"{name}-1-py3-none-any.whl",
            {f"{name}-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: " + name.encode()
             + b"\nVersion: 1\n" + needs,
             f"{name}-1.dist-info/WHEEL": b"Wheel-Version: 1.0\n"},
        )  # fmt: skip
    with pytest.raises(BundleError, match=r"B203 no versions fit MWAA 3.3.1.*theirs") as caught:
        resolved(Wanted(NEWEST, ("ours",), "pandas==3.0.5\n", wheels), work)
    assert "hint: ask for versions that the constraints allow" in str(caught.value)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param({"notes.txt": "mine"}, "notes.txt is not of a bundle", id="a file of mine"),
        pytest.param({FILE: "{}"}, "manifest.json is not of a bundle", id="another manifest"),
        pytest.param(
            {"requirements.txt": "", "deep/notes.txt": "", FILE: MANIFEST.model_dump_json()},
            "deep/notes.txt is not of a bundle",
            id="a file beside a bundle's",
        ),
    ],
)
def test_foreign_files_stay(tmp_path: Path, files: dict[str, str], words: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    with pytest.raises(BundleError, match=words):
        refuse_foreign(tmp_path)


@pytest.mark.parametrize("write", [write_bundle, write_serverless], ids=["mwaa", "serverless"])
def test_no_bundle_is_written_over_files(with_prod: Folder, write: Callable[..., object]) -> None:
    mine = with_prod.write("out/notes.txt", "mine")
    with pytest.raises(BundleError, match="B501"):
        write(load_project(with_prod.root), Order(NEWEST, "prod"), with_prod.root / "out")
    assert mine.read_text() == "mine"


def test_an_earlier_bundle_is_replaced(tmp_path: Path) -> None:
    output, draft = tmp_path / "out", tmp_path / "draft"
    for folder, text in ((output, "old"), (draft, "new")):
        folder.mkdir()
        (folder / "requirements.txt").write_text(text)
    MANIFEST.write(output)
    refuse_foreign(output)
    put_in_place(draft, output)

    assert [file.name for file in output.iterdir()] == ["requirements.txt"]
    assert (output / "requirements.txt").read_text() == "new"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["draft", "out"]


def test_what_is_too_large_or_loose(tmp_path: Path) -> None:
    limits = Limits(plugins_mb=0, dags_mb=0, requirements_kb=1, startup_kb=1)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags/data.csv").write_bytes(b"x" * 200_000)
    (tmp_path / "requirements.txt").write_text("boto3==1.0\n")
    write_zip(tmp_path / "plugins.zip", {"mine.py": b"", "deep/a-1-py3-none-any.whl": b""})

    found = verified(tmp_path, NEWEST.model_copy(update={"limits": limits}), [], imports=True)

    assert [f"{each.path} {each.code} {each.message[:30]}" for each in found.problems] == [
        "plugins.zip B301 has 0.0 MB; MWAA starts with u",
        "dags B301 has 0.2 MB; MWAA starts with u",
        "plugins.zip B206 deep/a-1-py3-none-any.whl is n",
        "plugins.zip B206 mine.py is neither a wheel nor",
        "requirements.txt B202 boto3==1.0 is 1.43.56 on MWAA ",
    ]


def test_no_constraints(with_prod: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(ConfigError) as caught:
        constraints_of(mwaa_version("3.0.6"), with_prod.root, None)
    assert "no file constraints/3.0.6.txt in the project, and https://" in str(caught.value)
    assert "hint: save it as constraints/3.0.6.txt, or name a file with --constraints" in str(
        caught.value
    )
    empty = with_prod.write("empty.txt", "<html>")
    with pytest.raises(ConfigError, match="holds no constraints"):
        constraints_of(NEWEST, with_prod.root, empty)


def test_no_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tools.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"etl-framework\[mwaa\]"):
        tools.uv(["--version"], tmp_path)


def test_needs(with_prod: Folder) -> None:
    with_prod.write(
        "pipelines/orders.yml",
        ORDERS + "notify: [{type: slack}, {type: sns, topic: x, conn_id: aws_other}]\n",
    )
    project = load_project(with_prod.root)
    found = needs_of([each.model for each in project.pipelines if each.model],
                     project.environment("prod"))  # fmt: skip

    assert found.connections == ("aws_default", "aws_other", "redshift_default", "slack_default")
    assert found.variables == ("iam_arn", "s3_bucket")
    assert found.secrets == ("connection:redshift_default", "connection:slack_default")
    assert "apache-airflow-providers-slack" in found.requirements


def with_report(folder: Folder) -> None:
    """Give the environment a place for its report, with a variable and a connection of its own."""
    file = folder.root / "environments.yml"
    text = file.read_text().replace(
        "    staging_connection: lake\n",
        "    staging_connection: lake\n    report: s3://{{ var.reports }}/music\n"
        "    report_connection: reports\n",
    )
    reports = "connections:\n      reports: {type: s3, bucket: x, conn_id: aws_reports}\n"
    file.write_text(reports.join(text.rsplit("connections:\n", 1)))


def test_needs_of_a_report(with_prod: Folder) -> None:
    with_report(with_prod)
    project = load_project(with_prod.root)
    found = needs_of(project.models, project.environment("prod"))

    assert "aws_reports" in found.connections and "reports" in found.variables


def test_lint_tells_of_a_report_that_serverless_does_not_publish(with_prod: Folder) -> None:
    with_report(with_prod)
    file = with_prod.root / "environments.yml"
    assert "W507" not in with_prod.etl("lint").stdout
    file.write_text(file.read_text().replace("  prod:\n", "  prod:\n    serverless: true\n"))

    told = with_prod.etl("lint").stdout
    assert "W507 warning: 'prod' is MWAA Serverless: it publishes no report after a run" in told


def test_what_cannot_go_to_serverless(with_prod: Folder) -> None:
    with_report(with_prod)
    wrong = "after: [x.y]\npool: small\nretries: 5\nretry_delay: 10m\ntimezone: Europe/Berlin\n"
    wrong += "catchup: true\ndeadline: 2h\nnotify: [{type: slack}]\n"
    text = ORDERS.replace("sources:", f"{wrong}sources:", 1)
    with_prod.write(
        "pipelines/orders.yml", text.replace("path: orders", "wait: 6h\n    path: orders")
    )

    said = refused(with_prod, Order(mwaa_version("3.0.6"), "prod",
                                    constraints=with_prod.root / "constraints/3.3.1.txt"),
                   write_serverless)  # fmt: skip

    found = [
        line.split("B601 cannot run on MWAA Serverless: ")[1] for line in said if "B601" in line
    ]
    assert len(found) == 10
    assert any("environments.yml:" in line and "report" in line for line in said)
    assert "it publishes no report after a run" in found
    assert "it has no pools" in found
    assert "it cannot wait without a worker" in found
