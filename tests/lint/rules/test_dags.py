"""DAG files without a pipeline, pipelines without a DAG file, and what is waited for."""

from __future__ import annotations

from tests.conftest import ORDERS, TOTALS, Folder


def said(folder: Folder) -> list[str]:
    return folder.etl("lint").stdout.splitlines()


def test_each_pipeline_has_its_dag_file(orders: Folder) -> None:
    assert said(orders) == [], "a project without dags/ has none"

    orders.write("dags/other.py", "x = 1\n")
    assert said(orders)[:2] == [
        "pipelines/orders.yml:1:7: W501 warning: no file under dags/ loads the pipeline 'orders': "
        "it never runs",
        "  hint: etl new dag orders",
    ]
    made = orders.etl("new", "dag", "orders")
    assert (made.stdout, made.returncode) == ("dags/orders.py\n", 0)
    assert said(orders) == []


def test_each_dag_file_has_its_pipeline(orders: Folder) -> None:
    orders.etl("new", "dag", "orders")
    orders.write(
        "dags/old.py", 'import etl_framework.airflow as etl\netl.load_dag("order", globals())'
    )

    assert said(orders)[:2] == [
        "dags/old.py:2:14: E501 there is no pipeline 'order'",
        "  hint: did you mean 'orders'?",
    ]


def test_a_new_pipeline_is_right_and_nothing_is_written_over(orders: Folder) -> None:
    first = orders.etl("new", "pipeline", "shop")
    assert first.stdout.split() == [
        "pipelines/shop.yml", "sql_templates/shop/customers.sql", "dags/shop.py",
    ]  # fmt: skip
    assert [line for line in said(orders) if "shop" in line] == []
    assert orders.etl("test", "shop").returncode == 0

    (orders.root / "dags/shop.py").unlink()
    again = orders.etl("new", "pipeline", "shop")
    assert (again.returncode, again.stdout) == (2, "")
    assert "pipelines/shop.yml is there already; nothing was written" in again.stderr
    assert not (orders.root / "dags/shop.py").exists()


def test_names_that_cannot_be(orders: Folder) -> None:
    for name in ("Shop", "my-shop", "../shop", "1shop"):
        assert "no name for a pipeline" in orders.etl("new", "pipeline", name).stderr
    assert "did you mean 'orders'?" in orders.etl("new", "dag", "order").stderr


def test_what_a_pipeline_waits_for_is_there(orders: Folder) -> None:
    later = ORDERS.replace("name: orders", "name: later", 1).replace("table: totals", "table: more")
    orders.write("sql_templates/orders/totals.sql", TOTALS)
    orders.write(
        "pipelines/later.yml", later.replace("sources:", "after: [orders.totals]\nsources:")
    )
    assert said(orders) == []

    wrong = "after: [orders.total, later.totals]\nsources:"
    orders.write("pipelines/later.yml", later.replace("sources:", wrong))
    assert said(orders)[:3] == [
        "pipelines/later.yml:3:9: E502 there is no KPI 'orders.total'",
        "  hint: did you mean 'orders.totals'?",
        "pipelines/later.yml:3:23: E502 a pipeline cannot wait for itself",
    ]


def test_a_password_in_a_variable(orders: Folder) -> None:
    file = orders.root / "environments.yml"
    more = (
        "      cluster: {type: redshift, host: h, database: d, user: u, "
        'password: "{{ var.password }}"}\n'
    )
    text = file.read_text().replace("staging: .etl/staging", "staging: s3://bucket/prefix")
    file.write_text(text + more)

    assert said(orders)[:2] == [
        "environments.yml:10:74: W502 warning: a password in an Airflow Variable is shown to who "
        "may read variables",
        "  hint: keep it in a connection: `conn_id: redshift_default`",
    ]
