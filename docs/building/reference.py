"""The pages of the reference, made of what the kit has when they are built."""

import argparse
import importlib
import inspect
import typing
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from unittest import mock

import ledgerkit
from building import objects, sections
from building.docstrings import Docstring, closed_sets, indented

# What people get from calls, and do not make themselves.
_GIVEN = {
    "drafts": ["ledgerkit.drafts.Draft", "ledgerkit.drafts.Check", "ledgerkit.outcomes.Outcome"],
    "approvals": ["ledgerkit.approvals.Vote", "ledgerkit.reviews.Review", "ledgerkit.reviews.Row"],
    "plans": ["ledgerkit.plans.plan.Plan"],
}
_FORMS = {
    "ledgerkit.forms.search.SearchForm": "session.transactions.form()",
    "ledgerkit.forms.payment.PaymentForm": "session.transactions.payment_form()",
    "ledgerkit.forms.kinds.RequestForm": "session.requests.new_form()",
    "ledgerkit.forms.inbox.InboxForm": "session.requests.inbox_form()",
    "ledgerkit.forms.explorer.Explorer": "lk.explorer(session)",
    "ledgerkit.forms.panel.Panel": "lk.panel(session)",
}
# What reads an archive back, and what keeps several.
_ARCHIVE = ("read_archive", "query", "archive")
# What all payloads have in common is told once.
_SHARED = {
    "Body": ("to_json", "shown_json", "preview", "replace", "values"),
    "Payload": ("from_json",),
    "Preview": (),
    "Line": (),
}
# What people use of a form from code; the rest is how it works.
_FORM_MEMBERS = ("of", "run", "stop", "clear", "wait", "refresh", "text", "close")


def pages() -> dict[str, str]:
    """Return the text of each page by its name."""
    made = {
        "connecting": _page("Connecting", _connecting()),
        "frames": _page("Frames", _frames()),
        "operations": sections.operations_page(),
        "values": _page("Sets of values", _values()),
        **{f"section-{name}": sections.page(name) for name in sections.named()},
        "drafts": _page("Drafts and outcomes", _given("drafts")),
        "approvals": _page("Reviews and votes", _given("approvals")),
        "plans": _page("Plans", _given("plans")),
        "payloads": _page("Payloads", _payloads()),
        "reports": _page("Reports", _reports()),
        "trace": _page("Tracing", _trace()),
        "archive": _page("Archive", _archive()),
        "forms": _page("Forms", _forms()),
        "webhooks": _page("Webhooks", _webhooks()),
        "keys": _page("Keys and credentials", _keys()),
        "errors": _page("Errors and warnings", _errors()),
        "exercises": _page("Exercises", _exercises()),
        "sandbox": _page("Sandbox", _sandbox()),
        "command-line": _page("Command line", _command_line()),
    }
    return {**made, "index": _index(made)}


def _page(title: str, parts: Iterable[str]) -> str:
    label = f".. _reference-{title.lower().replace(' ', '-')}:"
    return "\n\n".join([label, f"{title}\n{'=' * len(title)}", ".. py:currentmodule:: ledgerkit", *parts]) + "\n"


def _index(made: dict[str, str]) -> str:
    of_sections = [name for name in made if name.startswith("section-")]
    groups = {
        "Start": ["connecting", "frames", "operations", "values", "errors"],
        "Sections of a session": of_sections,
        "Writing": ["drafts", "approvals", "plans", "payloads", "keys", "webhooks"],
        "Above the calls": ["reports", "trace", "archive", "forms", "exercises", "sandbox", "command-line"],
    }
    title = "Reference"
    parts = [
        f".. _reference:\n\n{title}\n{'=' * len(title)}",
        "Made of the kit itself: signatures, docstrings and declared tables, when these pages were built.",
        "In a notebook ``help(session.transactions.search)`` says the same.",
    ]
    for name, listed in groups.items():
        entries = "\n".join(f"   {one}" for one in listed)
        parts.append(f".. toctree::\n   :caption: {name}\n   :maxdepth: 1\n\n{entries}")
    return "\n\n".join(parts) + "\n"


def _found(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _connecting() -> Iterator[str]:
    yield objects.function("ledgerkit.connect", ledgerkit.connect)
    yield objects.kind("ledgerkit.Session", ledgerkit.Session)
    yield (
        "A session has each section of the API as an attribute: "
        + ", ".join(f":ref:`session.{name} <section-{name}>`" for name in sections.named())
        + "."
    )


def _frames() -> Iterator[str]:
    placed = {
        "connect",
        "Session",
        "payloads",
        "reports",
        "webhooks",
        "explorer",
        "panel",
        "trace",
        "exercises",
        *_ARCHIVE,
    }
    for name in ledgerkit.__all__:
        found = getattr(ledgerkit, name)
        if name not in placed and inspect.isfunction(found):
            yield objects.function(f"ledgerkit.{name}", found)
    yield (
        "Amounts in the unit of each account, and names beside ids, are added by "
        ":py:meth:`ledgerkit.Session.to_display` and :py:meth:`ledgerkit.Session.with_names`."
    )


def _values() -> Iterator[str]:
    yield (
        "The values that the documentation of the API lists. The lists lag behind the service: a value that is like "
        "none of them is sent with a warning, and what comes back is kept as it is."
    )
    for name, hint in closed_sets().items():
        values = ", ".join(f"``{one}``" for one in typing.get_args(hint))
        yield f".. _values-{name.lower()}:\n\n{name}\n{'-' * len(name)}\n\n{values}"


def _given(page: str) -> Iterator[str]:
    for path in _GIVEN[page]:
        yield objects.kind(path, _found(path), made=False)
    if page == "plans":
        yield _module("ledgerkit.plans.journal")
        for name in ("JournalInUse", "JournalDamaged"):
            yield objects.kind(f"ledgerkit.plans.journal.{name}", _found(f"ledgerkit.plans.journal.{name}"))


def _payloads() -> Iterator[str]:
    yield _module("ledgerkit.payloads")
    module = ledgerkit.payloads
    for name in sorted(module.__all__, key=lambda one: (not inspect.isclass(getattr(module, one)), one)):
        found = getattr(module, name)
        if inspect.isclass(found):
            shared = _SHARED.get(name)
            members = () if shared is None else shared
            yield objects.kind(f"ledgerkit.payloads.{name}", found, members=members, made=shared is None)
        elif inspect.isroutine(found):
            yield objects.function(f"ledgerkit.payloads.{name}", found)
        else:
            said = "The class of each kind of request, by its type."
            yield f".. py:data:: {name}\n   :module: ledgerkit.payloads\n\n   {said}\n"


def _module(path: str) -> str:
    return f".. py:module:: {path}\n\n{Docstring.of(importlib.import_module(path)).text}"


def _listed(path: str) -> Iterator[str]:
    module = importlib.import_module(path)
    names = sorted(module.__all__, key=lambda one: (inspect.isclass(getattr(module, one)), one))
    for name in names:
        found = getattr(module, name)
        if inspect.isclass(found):
            yield objects.kind(f"{path}.{name}", found, made=False)
        elif inspect.isroutine(found):
            yield objects.function(f"{path}.{name}", found)
        elif inspect.ismodule(found):
            yield from _listed(found.__name__)


def _reports() -> Iterator[str]:
    yield _module("ledgerkit.reports")
    yield from _listed("ledgerkit.reports")
    yield objects.kind("ledgerkit.charts.Chart", _found("ledgerkit.charts.Chart"), made=False)


def _trace() -> Iterator[str]:
    yield objects.function("ledgerkit.trace", ledgerkit.trace)
    tracing = importlib.import_module("ledgerkit.tracing")
    for name in tracing.__all__:
        member = getattr(tracing, name)
        if inspect.isclass(member):
            yield objects.kind(f"ledgerkit.tracing.{name}", member, made=False)


def _archive() -> Iterator[str]:
    from ledgerkit.resources.base import Section

    yield (
        "Each section whose search needs no argument has this method, as ``session.transactions.archive()``:\n\n"
        + objects.function("session.transactions.archive", Section.archive, kind="method")
    )
    for name in _ARCHIVE:
        yield objects.function(f"ledgerkit.{name}", getattr(ledgerkit, name))


def _forms() -> Iterator[str]:
    yield (
        "A form is a widget that is made of the call which it stands for. Nobody makes one from its class: the calls "
        "beside the classes below return them, and every section has ``form()``."
    )
    yield objects.function("ledgerkit.explorer", ledgerkit.explorer)
    yield objects.function("ledgerkit.panel", ledgerkit.panel)
    from ledgerkit.resources.base import Section

    yield (
        "Each section has this method, as ``session.accounts.form()``:\n\n"
        + objects.function("session.accounts.form", Section.form, kind="method")
    )
    for path, call in _FORMS.items():
        cls = _found(path)
        members = [
            name for name in _FORM_MEMBERS if callable(getattr(cls, name, None)) and getattr(cls, name).__doc__
        ]
        described = objects.kind(path, cls, members=members, made=False)
        yield described.replace("\n\n", f"\n\n   Returned by ``{call}``.\n\n", 1)


def _webhooks() -> Iterator[str]:
    yield _module("ledgerkit.webhooks")
    from ledgerkit import webhooks

    yield objects.kind("ledgerkit.webhooks.Receiver", webhooks.Receiver)
    yield objects.kind("ledgerkit.webhooks.Event", webhooks.Event, made=False)
    yield objects.function("ledgerkit.webhooks.verify", webhooks.verify)


def _keys() -> Iterator[str]:
    for name in ("ApiUser", "ReportingKey", "LAM"):
        yield objects.kind(f"ledgerkit.{name}", getattr(ledgerkit, name))
    yield objects.kind("ledgerkit.secret.Secret", _found("ledgerkit.secret.Secret"))
    yield (
        "``ledgerkit keys new`` makes the key pair that an API user approves with, see "
        ":ref:`the command line <reference-command-line>`; these calls do the same."
    )
    from ledgerkit import keys

    for name, found in vars(keys).items():
        if inspect.isfunction(found) and found.__module__ == "ledgerkit.keys" and not name.startswith("_"):
            yield objects.function(f"ledgerkit.keys.{name}", found)


def _errors() -> Iterator[str]:
    yield (
        "Every error says what failed, on which call, why, and what to do next. All of them are "
        ":py:class:`LedgerError`, and each is also the built-in error that people catch."
    )
    for name in ledgerkit.__all__:
        found = getattr(ledgerkit, name)
        if inspect.isclass(found) and issubclass(found, Exception):
            bases = ", ".join(f"``{base.__name__}``" for base in found.__bases__)
            yield objects.kind(f"ledgerkit.{name}", found) + f"\n   Is a {bases}.\n"


def _exercises() -> Iterator[str]:
    yield _module("ledgerkit.exercises")
    yield from _listed("ledgerkit.exercises")


def _sandbox() -> Iterator[str]:
    from ledgerkit.sandbox import Sandbox
    from ledgerkit.sandbox.challenges import Challenges
    from ledgerkit.sandbox.colleagues import Colleagues
    from ledgerkit.sandbox.faults import Faults

    yield _module("ledgerkit.sandbox")
    yield '``lk.connect("sandbox", ...)`` makes one; ``session.sandbox`` is it.'
    yield objects.kind("ledgerkit.sandbox.Sandbox", Sandbox)
    yield objects.kind("ledgerkit.sandbox.answers.Refusal", _found("ledgerkit.sandbox.answers.Refusal"))
    for path, cls, skipped in (
        (
            "ledgerkit.sandbox.faults.Faults",
            Faults,
            ("strikes", "refuses_refresh", "before_page", "after_page", "now"),
        ),
        ("ledgerkit.sandbox.colleagues.Colleagues", Colleagues, ("act",)),
        ("ledgerkit.sandbox.challenges.Challenges", Challenges, ("issue", "outstanding", "redeem", "forget")),
    ):
        members = [name for name in objects.public(cls) if name not in skipped]
        yield objects.kind(path, cls, members=members, made=False)


def _command_line() -> Iterator[str]:
    parser = _parser()
    yield (parser.description or "") + " Exit codes: 0 done, 1 it could not, 2 the command line is wrong."
    yield from _commands(parser)


def _parser() -> argparse.ArgumentParser:
    from ledgerkit import cli

    caught: list[argparse.ArgumentParser] = []

    def catch(self: argparse.ArgumentParser, *_: Any, **__: Any) -> Any:
        caught.append(self)
        raise SystemExit

    with mock.patch.object(argparse.ArgumentParser, "parse_known_args", catch), suppress(SystemExit):
        cli.main([])
    return caught[0]


def _commands(parser: argparse.ArgumentParser, depth: int = 0) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {one.dest: one.help for one in action._choices_actions}
            for name, command in action.choices.items():
                if any(isinstance(one, argparse._SubParsersAction) for one in command._actions):
                    yield from _commands(command, depth + 1)
                    continue
                title = command.prog
                with mock.patch.dict("os.environ", {"COLUMNS": "88", "NO_COLOR": "1"}):
                    told = command.format_help()
                said = str(helps.get(name) or "")
                code = f".. code-block:: text\n\n{indented(told)}"
                yield f"{title}\n{'-' * len(title)}\n\n{said[:1].upper()}{said[1:].rstrip('.')}.\n\n{code}"
