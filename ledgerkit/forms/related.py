"""What a detail shows beside an object: it is looked up behind the form, and drawn without a call."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import pandas as pd

from ledgerkit import cards
from ledgerkit.addresses import same_address
from ledgerkit.cards.layouts import TARGETS
from ledgerkit.cards.sections import approvals, person
from ledgerkit.cards.values import Value, amount, missing, named, pill, text
from ledgerkit.coins import TOKEN_MINT, counts_a_token
from ledgerkit.display import NAMED
from ledgerkit.errors import AuthenticationError, Cancelled, LedgerError
from ledgerkit.forms.workspace import Workspace
from ledgerkit.known_addresses import remembered
from ledgerkit.resources.accounts import Accounts
from ledgerkit.resources.compliance import Compliance
from ledgerkit.resources.entities import Entities
from ledgerkit.resources.groups import Groups
from ledgerkit.resources.requests import Requests
from ledgerkit.resources.transactions import Transactions
from ledgerkit.resources.users import Users
from ledgerkit.resources.whitelists import Whitelists
from ledgerkit.showing import spelled, visible

# Of one list so many have a button: the card has all of them.
MOST_BUTTONS: Final = 24
SECTIONS: Final[dict[str, type[Any]]] = {
    "account": Accounts,
    "transaction": Transactions,
    "request": Requests,
    "user": Users,
    "whitelist": Whitelists,
    "group": Groups,
    "entity": Entities,
}


@dataclass(frozen=True)
class Related:
    """Another object, as its button names it."""

    label: str
    kind: str
    key: str


@dataclass
class Found:
    """An object and what belongs to it.

    Parameters
    ----------
    frame
        The one row of the object.
    more
        What draws the parts below its facts, from what is known by then.
    lines
        The same as text.
    related
        What has a button.
    faults
        What could not be looked up, in words.
    """

    frame: pd.DataFrame
    more: list[Callable[[cards.Known], str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    related: list[Related] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def load(workspace: Workspace, kind: str, key: str) -> Found:
    """Look an object up, and what belongs to it; for a thread, it touches no widget.

    Raises
    ------
    LedgerError
        The object itself can't be had. What else can't is told in ``faults``.
    """
    return _Loading(workspace, kind, key).load()


class _Loading:
    """Looks up one object."""

    def __init__(self, workspace: Workspace, kind: str, key: str) -> None:
        self.workspace = workspace
        self.kind = kind
        self.key = key
        self.known = cards.Known(workspace.connection)
        self.found: Found

    def load(self) -> Found:
        if self.kind in ("account", "address", "transaction", "request", "whitelist"):
            remembered(self.workspace.connection)  # so that the card says what an address only looks like
        if self.kind == "address":
            return self._address()
        self.found = Found(self.workspace.section(SECTIONS[self.kind]).get(int(self.key)))
        self._names(self._ids_in(self.found.frame))
        {
            "account": self._account,
            "transaction": self._transaction,
            "request": self._request,
            "user": self._user,
            "whitelist": self._whitelist,
            "group": self._group,
            "entity": self._entity,
        }[self.kind]()
        self._link("user", self._value("created_by"), "Creator")
        if self.kind != "request":
            self._link("request", self._value("last_request"))
        return self.found

    # Kinds

    def _account(self) -> None:
        key = int(self.key)
        self._units([key])
        balances = self._try("its balances", lambda: self._section(Accounts).balances(key))
        if balances is not None:
            self._balances(balances.iloc[0])
        self._link("account", self._value("parent"), "Parent")
        self._children(key)

    def _balances(self, row: "pd.Series[Any]") -> None:
        shown = [
            (str(name), row[name])
            for name in row.index
            if name != "account_id" and isinstance(row[name], int) and not isinstance(row[name], bool)
        ]
        currency, contract = self._value("currency"), self._value("contract_address")

        def draw(known: cards.Known) -> str:
            unit, _ = known.units(int(self.key), currency, contract)
            rows: list[list[str | Value]] = [[text(_label(name)), amount(value, unit)] for name, value in shown]
            return cards.section("Balances", ["Part", "Amount"], rows)

        self.found.more.append(draw)
        self.found.lines += ["Balances in base units", *(f"  {visible(name)}  {value}" for name, value in shown)]

    def _children(self, key: int) -> None:
        listed = self._try("its token accounts", lambda: self.workspace.directory.listed("account"))
        if listed is None:
            return
        children = listed[listed["parent"] == key]
        if not len(children):
            return
        rows = children.to_dict("records")
        self._units([int(row["id"]) for row in rows])

        def draw(known: cards.Known) -> str:
            shown: list[list[str | Value]] = []
            for row in rows:
                unit, _ = known.units(int(row["id"]), row["currency"], row["contract_address"])
                balance = row["balance"]
                shown.append(
                    [
                        named("account", int(row["id"]), known),
                        "" if missing(balance) else amount(balance, unit),
                        "" if missing(row["status"]) else pill(str(row["status"]), "account"),
                    ]
                )
            return cards.section("Tokens", ["Account", "Balance", "Status"], shown)

        self.found.more.append(draw)
        for row in rows[:MOST_BUTTONS]:
            self._link("account", row["id"], "Token account")

    def _transaction(self) -> None:
        key = int(self.key)
        account = self._value("account_id")
        if account is not None:
            self._units([int(account)])
            self._link("account", account)
        currency, mint = self._value("currency"), self._value(TOKEN_MINT)
        if counts_a_token(self._value("type")) and currency is not None and mint is not None:
            self._try("the unit of its token", lambda: self.workspace.directory.token_units(currency, [mint]))
        changes = self._try("its requests", lambda: self._section(Transactions).history(key))
        # The first is the one that made it, whatever a later one did to it.
        requests = [] if changes is None else [int(one) for one in changes["id"].dropna()]
        last = self._value("last_request")
        if last is not None and int(last) not in requests:
            requests.append(int(last))
        for request in requests:
            self._steps(request)
            self._link("request", request)
        for address in [self._value("recipient"), *(self._value("senders") or [])[:2]]:
            if address is not None:
                self._link("address", address)

    def _request(self) -> None:
        self._steps(int(self.key))
        target, kind = self._value("target_id"), TARGETS.get(str(self._value("target_type")))
        if target is None or kind is None:
            return
        frame = self._try(f"its target, {kind} {int(target)}", lambda: self._section(SECTIONS[kind]).get(int(target)))
        self._link(kind, target)
        if frame is None:
            return
        self._names(self._ids_in(frame))
        self._units([int(one) for name in ("account_id",) if name in frame for one in frame[name].dropna()])
        if kind == "account":
            self._units([int(target)])
        self.found.more.append(lambda known: cards.facts(kind, frame, known))
        self.found.lines += cards.look_alikes(kind, frame, self.known)

    def _user(self) -> None:
        key = int(self.key)
        groups = self._try("the groups", lambda: self._section(Groups).search(members=key))
        if groups is None:
            return
        pairs = list(zip(groups["id"].tolist(), groups["status"].tolist(), strict=True))
        self.found.more.append(
            lambda known: cards.section(
                "Groups",
                ["Group", "Status"],
                [[named("group", one, known), pill(str(state))] for one, state in pairs],
            )
        )
        for one, _ in pairs[:MOST_BUTTONS]:
            self._link("group", one)

    def _whitelist(self) -> None:
        for address in (self._value("addresses") or [])[:MOST_BUTTONS]:
            if isinstance(address, dict) and isinstance(address.get("address"), str):
                self._link("address", address["address"], str(address.get("name") or ""))

    def _group(self) -> None:
        members = self._value("members") or []
        self._names({"user": {one for one in members if isinstance(one, int)}})
        for one in members[:MOST_BUTTONS]:
            self._link("user", person(one), "Member")

    def _entity(self) -> None:
        accounts = self._value("accounts") or []
        for one in accounts[:MOST_BUTTONS]:
            self._link("account", person(one))

    def _address(self) -> Found:
        self.found = Found(pd.DataFrame({"address": [self.key]}, dtype="str"))
        self.found.frame.attrs.update(self.workspace.connection.provenance("", {}))
        risk = self._try("its risk", lambda: self._section(Compliance).address_risk(self.key))
        sanctions = self._try("sanctions", lambda: self._section(Compliance).sanctions(self.key))
        for answer in (risk, sanctions):
            if answer is not None:
                added = [name for name in answer.columns if name not in self.found.frame.columns]
                attrs = self.found.frame.attrs
                self.found.frame = pd.concat([self.found.frame, answer[added]], axis=1)
                self.found.frame.attrs.update(attrs)
        self._holders()
        return self.found

    def _holders(self) -> None:
        lists = self._try("the whitelists", lambda: self._section(Whitelists).search(address=self.key))
        rows: list[tuple[str, int, str, str]] = []
        for row in [] if lists is None else lists.to_dict("records"):
            names = [
                str(one.get("name") or "")
                for one in row["addresses"]
                if isinstance(one, dict) and same_address(str(one.get("address")), self.key)
            ]
            # The service may find part of an address, and what it finds is no proof.
            if names:
                rows.append(("whitelist", int(row["id"]), str(row["name"]), ", ".join(names)))
        accounts = self._try("the accounts", lambda: self.workspace.directory.listed("account"))
        if accounts is not None:
            for key, name, address in zip(accounts["id"], accounts["name"], accounts["address"], strict=True):
                if isinstance(address, str) and same_address(address, self.key):
                    rows.append(("account", int(key), str(name), ""))
        shown = [[f"{kind} {key}", text(spelled(name)), text(as_name)] for kind, key, name, as_name in rows]
        held = cards.section("Held by", ["", "Name", "As"], shown)
        nobody = (
            "<div style='margin:8px 0 0'>No whitelist holds it that you can see, and no account shows it as its own. "
            "Of Bitcoin-like accounts the service does not list the addresses that they have used.</div>"
        )
        whole = lists is not None and accounts is not None
        self.found.more.append(lambda _: held or (nobody if whole else ""))
        self.found.lines += [f"Held by {kind} {key} {visible(name)}" for kind, key, name, _ in rows]
        for kind, key, name, _ in rows[:MOST_BUTTONS]:
            self._add(Related(f"{kind.capitalize()} {key} {name}", kind, str(key)))

    # Shared

    def _steps(self, request: int) -> None:
        """Add who approved a request, and who may."""
        frame = self._try(
            f"who approved request {request}", lambda: self._section(Requests).governance_status(request)
        )
        if frame is None:
            return
        votes = [vote for step in frame["approvals"] if isinstance(step, list) for vote in step]
        may = [one for step in frame["approvers"] if isinstance(step, list) for one in step]
        people = {key for key in map(person, [*(vote.get("user") for vote in votes), *may]) if key is not None}
        self._names({"user": people, "group": {int(one) for one in frame["group_id"].dropna()}})
        now = pd.Timestamp(self.workspace.connection.transport.clock.time(), unit="s", tz="UTC")
        heading = "" if self.kind == "request" else f"Request {request}"

        def draw(known: cards.Known) -> str:
            head = f"<div style='margin:8px 0 0'>{text(heading)}</div>" if heading else ""
            return head + cards.steps(frame, known, now)

        self.found.more.append(draw)
        for position, row in enumerate(frame.to_dict("records")):
            step = row["step_index"]
            given = approvals({str(name): value for name, value in row.items()})
            names = [self._name("user", person(one.get("user"))) for one in given]
            number = position + 1 if missing(step) else int(step) + 1
            quorum = "?" if missing(row["quorum"]) else int(row["quorum"])
            who = ", ".join(visible(name) for name in names) or "nobody yet"
            self.found.lines.append(f"Request {request}, step {number}: {len(given)} of {quorum} approved: {who}")
            for one in given:
                self._link("user", person(one.get("user")), "Approver")

    def _section(self, kind: type[Any]) -> Any:
        return self.workspace.section(kind)

    def _value(self, name: str) -> Any:
        frame = self.found.frame
        value = frame[name].iloc[0] if name in frame.columns else None
        return None if missing(value) else value

    def _ids_in(self, frame: pd.DataFrame) -> dict[str, set[int]]:
        """Return the ids in a frame that have names, by kind."""
        found: dict[str, set[int]] = {}
        for column, kind in NAMED.items():
            if column in frame.columns:
                found.setdefault(kind, set()).update(int(one) for one in frame[column].dropna())
        if "governance_rules" in frame.columns:  # who approves stands inside of them
            found |= {kind: found.get(kind, set()) for kind in ("group", "user")}
        return found

    def _names(self, ids: dict[str, set[int]]) -> None:
        for kind, keys in ids.items():
            self._try(f"names of {kind}s", partial(self.workspace.directory.names, kind, keys))

    def _units(self, accounts: Iterable[int]) -> None:
        self._try("units", lambda: self.workspace.directory.units(list(accounts)))

    def _name(self, kind: str, key: int | None) -> str:
        return "a user who is hidden from you" if key is None else self.known.name(kind, key) or f"{kind} {key}"

    def _try(self, what: str, look: Callable[[], Any]) -> Any:
        """Look something up; where that can't be had the rest is shown, and it is said what is missing."""
        try:
            return look()
        except (AuthenticationError, Cancelled):
            raise  # nothing else could be had either
        except LedgerError as error:
            fault = f"Not shown: {what}. {error}"
            if fault not in self.found.faults:
                self.found.faults.append(fault)
            return None

    def _link(self, kind: str, key: Any, role: str = "") -> None:
        if missing(key):
            return
        if kind == "address":
            shown = str(key)
            label = f"{role} {shown}".strip() if len(shown) <= 20 else f"{role} {shown[:8]}…{shown[-8:]}".strip()
            self._add(Related(f"Address {label}", kind, shown))
            return
        key = int(key)
        name = self.known.name(kind, key) if kind in ("account", "user", "group") else None
        if kind == "user":
            self._add(Related(f"{role or 'User'} {name or key}", kind, str(key)))
            return
        head = f"{role} {key}" if role else f"{kind.capitalize()} {key}"
        self._add(Related(f"{head} {name}" if name else head, kind, str(key)))

    def _add(self, one: Related) -> None:
        if (one.kind, one.key) == (self.kind, self.key):
            return
        if one not in self.found.related:
            self.found.related.append(one)


def _label(column: str) -> str:
    shown = column.replace("_", " ")
    return shown[:1].upper() + shown[1:]
