"""What a query does to numbers, before it is run: what it reads, and where its plan leaves exactness without a word.

The plan is made over empty tables with the columns of the archive, and read as the JSON that DuckDB makes of it. Text
of an exact number carries a collation there: the one mark that a plan keeps through renames, subqueries, structs and
lists. A function that makes another text of it loses the mark: ``max(amount || '')`` is not seen.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from ledgerkit.archives.schema import SUFFIX

# Only a mark: comparing digits, `nfc` gives the same as no collation.
MARK: Final = "nfc"
# All that is done to a plan: what a subquery selects and nobody uses is taken out of it. Others calculate ahead.
_OPTIMIZERS: Final = ("cte_inlining", "unused_columns")
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
_SORTING: Final = frozenset(
    {"list_sort", "list_reverse_sort", "list_grade_up", "grade_up"}
    | {"array_sort", "array_reverse_sort", "array_grade_up"}
)
_ORDERED: Final = frozenset({"min", "max", "greatest", "least"}) | _BY_SECOND | _SORTING
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
    """What the plan of a query reads, and what it does to numbers.

    Parameters
    ----------
    read
        The columns of each dataset that the result depends on.
    floats
        It calculates in floating point somewhere.
    middles
        The functions of it that take the middle of two integers.
    as_text
        It orders or compares exact numbers by their text.
    places
        Where it casts the text of exact numbers to integers or decimals: to how many places it rounds them, at least.
    tried
        The types that it casts such text to, with null where that fails.
    rounds
        It casts a decimal to fewer places.
    """

    read: dict[str, set[str]] = field(default_factory=dict)
    floats: bool = False
    middles: set[str] = field(default_factory=set)
    as_text: bool = False
    places: int | None = None
    tried: set[str] = field(default_factory=set)
    rounds: bool = False


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
                f"{quoted(name)} {kind}{f' collate {MARK}' if f'{name}{SUFFIX}' in types else ''}"
                for name, kind in types.items()
            )
            c.execute(f"create table {quoted(dataset)} ({made})")
        others = (name for (name,) in c.execute("from duckdb_optimizers()").fetchall() if name not in _OPTIMIZERS)
        c.execute(f"set disabled_optimizers = '{','.join(others)}'")
        try:
            row = c.execute("select json_serialize_plan(?, optimize := true)", [sql]).fetchone()
        except duckdb.Error:
            return None
    plan = json.loads(row[0]) if row else {"error": True}
    if plan.get("error"):
        return None
    seen = Seen()
    for node, tried in _nodes(plan["plans"]):
        _note(node, seen, tried=tried)
    return seen


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def _note(node: Mapping[str, Any], seen: Seen, *, tried: bool) -> None:
    if node.get("type") == "LOGICAL_GET":
        _note_read(node, seen)
    kind = _kind(node)
    seen.floats |= kind in _FLOATS or _kind(node.get("value")) in _FLOATS
    name = _name(node)
    operands = list(_operands(node))
    if name in _BY_SECOND:  # the first is what is given back
        operands = operands[1:]
    marked = any(_is_marked(one) for one in operands)
    if name in _MIDDLES and kind in _WHOLE:
        seen.middles.add(name)
    compared = {str(node.get("type")), str(node.get("comparison"))} & _COMPARED  # the second: a condition of a join
    ordered = name in _ORDERED or compared or "null_order" in node
    seen.as_text |= marked and bool(ordered)
    if name != "__cast" or kind not in _WHOLE:
        return
    places = _places(node)
    if marked:
        seen.places = places if seen.places is None else min(seen.places, places)
        if tried or node["function_data"].get("try_cast"):
            info = node["return_type"].get("type_info") or {}
            seen.tried.add(f"DECIMAL({info['width']},{info['scale']})" if kind == "DECIMAL" else kind)
    seen.rounds |= any(_places(one) > places for one in operands)


def _note_read(node: Mapping[str, Any], seen: Seen) -> None:
    table = (node.get("function_data") or {}).get("table")
    if table is not None:  # else it is a function, such as range()
        positions = (one["index"] for one in node["column_indexes"])
        names = node["names"]
        # A position beyond the columns stands for the number of a row, or for none of them.
        seen.read.setdefault(table, set()).update(names[one] for one in positions if one < len(names))


def _nodes(tree: Any, *, tried: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """Give each node of a plan, and whether an error in it becomes null: it stands inside of a ``try(...)``."""
    if isinstance(tree, list):
        for one in tree:
            yield from _nodes(one, tried=tried)
    elif isinstance(tree, dict):
        yield tree, tried
        if _name(tree) in _INTERVALS:
            return
        for name, one in tree.items():
            if name != "sample_options":  # the size of a sample is a DOUBLE
                yield from _nodes(one, tried=tried or tree.get("type") == "OPERATOR_TRY")


def _operands(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give the expressions that a node works on, orders by, or joins by."""
    for one in (*node.get("children", ()), node.get("expression"), node.get("left"), node.get("right")):
        if isinstance(one, dict):
            yield one


def _name(node: Mapping[str, Any]) -> str:
    path = (node.get("qname") or {}).get("path") or [""]
    return str(path[-1])


def _kind(node: Any) -> str:
    kind = node.get("return_type") or node.get("type") if isinstance(node, dict) else None
    return str(kind.get("id")) if isinstance(kind, dict) else ""


def _places(node: Mapping[str, Any]) -> int:
    """Return how many places a number has: none, unless it is a decimal."""
    return int((node["return_type"].get("type_info") or {}).get("scale", 0)) if _kind(node) == "DECIMAL" else 0


def _is_marked(node: Mapping[str, Any]) -> bool:
    """Say whether an expression gives the text of an exact number, be it inside of a list or a struct."""
    return _has_mark(node.get("return_type"))


def _has_mark(tree: Any) -> bool:
    if isinstance(tree, dict):
        return tree.get("collation") == MARK or any(_has_mark(one) for one in tree.values())
    return isinstance(tree, list) and any(_has_mark(one) for one in tree)
