"""Send messages about failures, successes and warnings by the notifiers of Airflow's providers."""

from __future__ import annotations

import html
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

Channel = Mapping[str, Any]


def notify(context: Mapping[str, Any], *, event: str, channels: Sequence[Channel]) -> None:
    """A task's callback. An error in sending is only logged, so as not to hide the task's result.

    :param event: `failure`, `success` or `warning`.
    :param channels: as under `notify:` in a pipeline's file.
    """
    error = context.get("exception")
    task = context["ti"].task_id
    words = {"failure": "failed", "success": "was published"}[event]
    interval = _interval(context)
    text = f"{context['ti'].dag_id} {words}" + (f" at {task}" if event == "failure" else "")
    lines = [f"{text}{interval}", *([str(error)] if error else [])]
    facts = {"pipeline": context["ti"].dag_id, "step": task, "report": _page(context)}
    tell(channels, event, facts, lines, context)


async def late(
    *, seconds: int, channels: Sequence[Channel], report: str = "", context: Any = None
) -> None:
    """Send a message about a run that missed its deadline; Airflow's triggerer calls this.

    :param report: the address of the page that the message leads to.
    """
    from asgiref.sync import sync_to_async

    run = (context or {}).get("dag_run") or {}
    pipeline, name = run.get("dag_id", ""), run.get("run_id", "")
    await sync_to_async(_tell_late)(pipeline, name, seconds, channels, report)


def missed(
    dag: Any,
    _tasks: str,
    _blocking: str,
    slas: Sequence[Any],
    *_: Any,
    seconds: int,
    channels: Sequence[Channel],
    report: str = "",
) -> None:
    """Send a message about tasks that missed their SLA; Airflow 2 calls this.

    :param slas: the missed SLAs, each with the time of its run.
    """
    due = min(sla.execution_date for sla in slas)
    _tell_late(dag.dag_id, f"the run of {due:%Y-%m-%d %H:%M}", seconds, channels, report)


def _tell_late(
    pipeline: str, run: str, seconds: int, channels: Sequence[Channel], report: str
) -> None:
    line = f"{pipeline} is late: {run} was not done after {timedelta(seconds=seconds)}"
    facts = {"pipeline": pipeline, "step": "", "report": report}
    tell(channels, "late", facts, [line], {"run_id": run})


def tell(
    channels: Sequence[Channel],
    event: str,
    facts: Mapping[str, str],
    lines: Sequence[str],
    context: Mapping[str, Any],
) -> None:
    """Send lines to the channels of an event; the first line is the subject.

    :param facts: for programs; `report` is the address of a page, which people get, too.
    """
    from etl_framework.errors.secrets import said, without_secrets

    facts = {name: fact for name, fact in facts.items() if fact or name != "report"}
    safe = [without_secrets(line) for line in lines]
    safe += [facts["report"]] if "report" in facts else []
    for channel in channels:
        if event not in channel["events"]:
            continue
        try:
            _SEND[channel["type"]](channel, safe, {**facts, "event": event}, context)
        except Exception as error:  # noqa: BLE001 - what providers raise has nothing in common
            logging.getLogger(__name__).warning(
                "cannot notify by %s, connection '%s': %s: %s",
                channel["type"],
                channel["conn_id"],
                type(error).__name__,
                said(error),
            )


def _page(context: Mapping[str, Any]) -> str:
    """The address of the run's page; empty for tasks without one, or whose files are wrong."""
    task = context.get("task") or getattr(context["ti"], "task", None)
    try:
        return str(task.page_of(context)) if task and hasattr(task, "page_of") else ""
    except Exception:  # noqa: BLE001 - a message without a link is better than none
        return ""


def _interval(context: Mapping[str, Any]) -> str:
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    return (
        f", data interval [{start:%Y-%m-%d %H:%M}, {end:%Y-%m-%d %H:%M})" if start and end else ""
    )


def _slack(channel: Channel, lines: Sequence[str], facts: Any, context: Any) -> None:
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    notifier: Any = SlackWebhookNotifier(
        slack_webhook_conn_id=channel["conn_id"], text="\n".join(lines)
    )
    notifier.notify(context)


def _sns(channel: Channel, lines: Sequence[str], facts: Any, context: Any) -> None:
    from airflow.providers.amazon.aws.notifications.sns import SnsNotifier

    notifier: Any = SnsNotifier(
        aws_conn_id=channel["conn_id"],
        target_arn=channel["topic"],
        message="\n".join(lines),
        subject=lines[0][:100],
        region_name=channel.get("region"),
    )
    notifier.notify(context)


def _email(channel: Channel, lines: Sequence[str], facts: Any, context: Any) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    notifier: Any = SmtpNotifier(
        smtp_conn_id=channel["conn_id"],
        to=channel["to"],
        subject=lines[0],
        html_content=f"<pre>{html.escape(chr(10).join(lines))}</pre>",
    )
    notifier.notify(context)


def _webhook(channel: Channel, lines: Sequence[str], facts: Any, context: Any) -> None:
    from airflow.providers.http.hooks.http import HttpHook

    hook = HttpHook(method="POST", http_conn_id=channel["conn_id"])
    hook.run(channel["endpoint"], json={**facts, "text": "\n".join(lines)})


_SEND = {"slack": _slack, "sns": _sns, "email": _email, "webhook": _webhook}
