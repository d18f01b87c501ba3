"""What a query does to numbers, before it is run: where its plan leaves exactness without a word.

The plan is made over empty tables with the columns of the archive, and read as the JSON that DuckDB makes of it. Text
of an exact number carries a collation there: the one mark that a plan keeps through renames and subqueries.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

# Only a mark: comparing digits, `nfc` gives the same as no collation.
MARK: Final = "nfc"
DECIMAL: Final = "_decimal"
_FLOATS: Final = frozenset({"DOUBLE", "FLOAT"})
# What makes an interval of a number goes through DOUBLE, whatever the number: `interval 30 day`.
_INTERVALS: Final = frozenset(
    f"to_{unit}"
    for unit in (
        *("microseconds", "milliseconds", "seconds", "minutes", "hours", "days", "weeks", "months", "quarters"),
        *("years", "decades", "centuries", "millennia"),
    )
)
# Between two integers they take one of whatever lies in the middle, cut to the places of the column.
_MIDDLES: Final = frozenset({"median", "quantile", "quantile_cont"})
# What goes by the order of texts, where "9" is more than "10".
_BY_SECOND: Final = frozenset(
    {"arg_min", "arg_max", "arg_min_null", "arg_max_null", "arg_min_nulls_last", "arg_max_nulls_last"}
    | {"argmin", "argmax", "min_by", "max_by"}
)
_ORDERED: Final = frozenset({"min", "max", "greatest", "least"}) | _BY_SECOND
_COMPARED: Final = frozenset(
    {"COMPARE_LESSTHAN", "COMPARE_GREATERTHAN", "COMPARE_LESSTHANOREQUALTO", "COMPARE_GREATERTHANOREQUALTO"}
    | {"COMPARE_BETWEEN", "COMPARE_NOT_BETWEEN"}
)
_WHOLE: Final = frozenset(
    {
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
    }
    | {"BIGNUM", "DECIMAL"}
)


@dataclass
class Seen:
    """What the plan of a query does to numbers.

    Parameters
    ----------
    floats
        It calculates in floating point somewhere.
    middles
        The functions of it that take the middle of two integers.
    as_text
        It orders or compares exact numbers by their text.
    places
        Where it casts the text of exact numbers to integers or decimals: to how many places it rounds them, at least.
    """

    floats: bool = False
    middles: set[str] = field(default_factory=set)
    as_text: bool = False
    places: int | None = None


def look(sql: str, columns: Mapping[str, Mapping[str, str]]) -> Seen | None:
    """Return what a query does to numbers, or None where its plan can't be looked at.

    Parameters
    ----------
    sql
        One SELECT.
    columns
        The columns of each dataset, and their types in DuckDB's words.
    """
    with duckdb.connect(
        ":memory:", config={"autoload_known_extensions": False, "enable_external_access": False}
    ) as c:
        for dataset, types in columns.items():
            made = ", ".join(
                f"{quoted(name)} {kind}{f' collate {MARK}' if f'{name}{DECIMAL}' in types else ''}"
                for name, kind in types.items()
            )
            c.execute(f"create table {quoted(dataset)} ({made})")
        try:
            row = c.execute("select json_serialize_plan(?, optimize := false)", [sql]).fetchone()
        except duckdb.Error:
            return None
    plan = json.loads(row[0]) if row else {"error": True}
    if plan.get("error"):
        return None
    seen = Seen()
    for node in _nodes(plan["plans"]):
        _note(node, seen)
    return seen


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def _note(node: Mapping[str, Any], seen: Seen) -> None:
    kind = _kind(node)
    seen.floats |= kind in _FLOATS or _kind(node.get("value")) in _FLOATS
    name = _name(node)
    operands = list(_operands(node))
    if name in _BY_SECOND:  # the first is what is given back
        operands = operands[1:]
    marked = any(_is_marked(one) for one in operands)
    if name in _MIDDLES and kind in _WHOLE:
        seen.middles.add(name)
    ordered = name in _ORDERED or str(node.get("type")) in _COMPARED or "null_order" in node
    seen.as_text |= marked and ordered
    if marked and name == "__cast" and kind in _WHOLE:
        info = node["return_type"].get("type_info") or {}
        places = int(info.get("scale", 0)) if kind == "DECIMAL" else 0
        seen.places = places if seen.places is None else min(seen.places, places)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, list):
        for one in tree:
            yield from _nodes(one)
    elif isinstance(tree, dict):
        yield tree
        if _name(tree) in _INTERVALS:
            return
        for name, one in tree.items():
            if name != "sample_options":  # the size of a sample is a DOUBLE
                yield from _nodes(one)


def _operands(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give the expressions that a node works on, or that it orders by."""
    for one in (*node.get("children", ()), node.get("expression")):
        if isinstance(one, dict):
            yield one


def _name(node: Mapping[str, Any]) -> str:
    path = (node.get("qname") or {}).get("path") or [""]
    return str(path[-1])


def _kind(node: Any) -> str:
    kind = node.get("return_type") or node.get("type") if isinstance(node, dict) else None
    return str(kind.get("id")) if isinstance(kind, dict) else ""


def _is_marked(node: Mapping[str, Any]) -> bool:
    kind = node.get("return_type")
    info = kind.get("type_info") if isinstance(kind, dict) else None
    return isinstance(info, dict) and info.get("collation") == MARK
