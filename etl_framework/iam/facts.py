"""Facts that no file of the project holds; those not given become parameters of the output."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from jinja2 import TemplateError

from etl_framework.errors import ConfigError, Diagnostic, did_you_mean
from etl_framework.sql.templates import render_text

DEFAULTS = {
    "partition": "aws",
    "connections_prefix": "airflow/connections",
    "variables_prefix": "airflow/variables",
}
# The characters that a value may hold: no wildcards, no quotes, and no references.
_VALUE = re.compile(r"[\w./:@+=,-]+")
# The forms of values, by the ends of the facts' names.
_FORMS = {
    "account_id": (re.compile(r"\d{12}"), "twelve digits"),
    "region": (re.compile(r"[a-z]{2}(-[a-z]+)+-\d"), "such as eu-west-1"),
    "partition": (re.compile(r"aws[a-z-]*"), "aws, aws-cn or aws-us-gov"),
    "security_group_id": (re.compile(r"sg-[0-9a-f]{8,17}"), "such as sg-0123456789abcdef0"),
    "_arn": (re.compile(r"default|arn:aws[a-z-]*:[\w-]+:[\w-]*:\d*:[\w./:@+=,-]+"), "an ARN"),
}


class Facts:
    """The values of facts; a fact without a value appears as `${name}` in the output.

    :param given: the values that are known.
    :raises ConfigError: a value that would change the meaning of a policy or a statement.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        if wrong := [problem for name, value in given.items() if (problem := _wrong(name, value))]:
            raise ConfigError(wrong)
        self._given = DEFAULTS | dict(given)
        self._asked: dict[str, str] = {}

    @property
    def parameters(self) -> dict[str, str]:
        """The needed facts that have no value, each with its description."""
        missing = {name: text for name, text in self._asked.items() if name not in self._given}
        return dict(sorted(missing.items()))

    def fact(self, name: str, what: str) -> str:
        """The value of a fact, or a reference to it.

        :param what: the description of the fact for the user.
        """
        self._asked.setdefault(name, what)
        return self._given.get(name, f"${{{name}}}")

    def text(self, template: str, form: str = "") -> str:
        """A setting of a file with its `{{ env.X }}` and `{{ var.x }}` filled in.

        :param form: what is added to the descriptions of such values.
        :raises ConfigError: the template cannot be rendered.
        """
        env, var = f"The variable {{}}{form}.", f"Airflow's variable {{}}{form}."
        known = {
            "env": _Named(lambda name: self.fact(name.lower(), env.format(name))),
            "var": _Named(lambda name: self.fact(name.lower(), var.format(name))),
        }
        try:
            return render_text(template, known)
        except TemplateError as error:
            raise ConfigError(f"'{template}' cannot be read: {error}") from error

    def arn(self, service: str, resource: str, *, here: bool = True) -> str:
        """The ARN of a resource.

        :param here: whether it has region and account; ARNs of S3 have neither.
        """
        partition = self.fact("partition", "The partition of AWS.")
        region, account = (self.region, self.account) if here else ("", "")
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    @property
    def account(self) -> str:
        """The number of the account."""
        return self.fact("account_id", "The number of the account.")

    @property
    def region(self) -> str:
        """The region that everything lies in."""
        return self.fact("region", "The region that everything lies in.")

    def refuse_unknown(self) -> None:
        """Refuse values that nothing asked for: a mistyped name must not go unnoticed.

        :raises ConfigError: a value was given that nothing asked for.
        """
        for name in sorted(set(self._given) - set(self._asked) - set(DEFAULTS)):
            raise ConfigError(
                f"nothing here needs a fact '{name}'", hint=did_you_mean(name, self._asked)
            )


class _Named:
    """Looks up `env.X` and `var.x` for templates."""

    def __init__(self, find: Callable[[str], str]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._find(name)


def _wrong(name: str, value: str) -> Diagnostic | None:
    plain = (_VALUE, "letters, digits and ./:@+=,- alone")
    form, words = next((f for end, f in _FORMS.items() if name.endswith(end)), plain)
    if form.fullmatch(value):
        return None
    return Diagnostic("", 0, 0, ConfigError.code, f"{name} cannot be '{value}'", f"it is {words}")
