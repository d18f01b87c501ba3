"""Every frame has the columns of the contract's answer, of the kinds that its fields are."""

import pytest

from conformance.calls import BY_OPERATION
from conformance.contract import LAM_FILE, columns, document, needs_contract, reads, schemas
from conformance.differences import AMOUNTS, FEE_AMOUNTS, KINDS, NUMBERS, ROWS, TIMES, Difference, columns_of
from ledgerkit.frames import AMOUNT, DTYPES, FEES, FLAG, INTEGER, LIST, NUMBER, OBJECT, REFERENCE, TEXT, TIME, Leaves
from ledgerkit.resources.accounts import ACCOUNT_WITH_XPUB
from ledgerkit.resources.api_users import API_USER

pytestmark = needs_contract

NO_DIFFERENCE = Difference("", {})


def expected_kinds(operation: str) -> dict[str, str]:
    """The kind of every column, from the contract; a column that comes from several fields must be one thing."""
    kinds: dict[str, str] = {}
    for column, sources in columns_of(operation).items():
        told = {leaf.origin: KINDS.get(leaf.origin, leaf.kind) for leaf in sources}
        assert None not in told.values(), f"{column}: {told}: in which unit is this number?"
        # a text beside an object of the same name is a column of its own, so sources differ only where they disagree
        assert len(set(told.values())) == 1, f"{column}: {told}"
        kinds[column] = str(next(iter(told.values())))
    return kinds


@pytest.mark.parametrize("operation", reads())
def test_a_frame_has_every_field_and_none_that_the_contract_lacks(operation: str) -> None:
    difference = ROWS.get(operation, NO_DIFFERENCE)
    fields = set(columns_of(operation))
    assert difference.left_out <= fields, "the exception is not needed any more"
    assert not difference.added.keys() & (fields - difference.left_out), "the exception is not needed any more"

    declared = BY_OPERATION[operation].table.columns

    assert sorted(declared) == sorted((fields - difference.left_out) | difference.added.keys())


@pytest.mark.parametrize("operation", reads())
def test_a_column_is_of_the_kind_of_its_field(operation: str) -> None:
    difference = ROWS.get(operation, NO_DIFFERENCE)
    expected = {name: kind for name, kind in expected_kinds(operation).items() if name not in difference.left_out}

    assert dict(BY_OPERATION[operation].table.kinds) == {**expected, **difference.added}


def test_with_the_extended_public_key_an_account_has_all_fields() -> None:
    assert sorted(ACCOUNT_WITH_XPUB.columns) == sorted(columns("GET /accounts"))
    assert ACCOUNT_WITH_XPUB.kinds["xpub"] == TEXT


def test_the_api_users_of_a_lam_have_all_fields() -> None:
    fields = document(LAM_FILE)["components"]["schemas"]["APIUser"]["properties"]

    assert dict(API_USER.kinds) == dict.fromkeys(API_USER.columns, TEXT)
    assert sorted(API_USER.columns) == sorted(fields)


def test_each_kind_that_the_contract_does_not_say_is_one_of_a_field_that_it_has() -> None:
    read = {leaf.origin for operation in reads() for sources in columns_of(operation).values() for leaf in sources}

    assert sorted(set(KINDS) - read) == []
    assert len(KINDS) == len(AMOUNTS) + len(FEE_AMOUNTS) + len(NUMBERS) + len(TIMES), "a field stands in two lists"


def test_no_integer_that_may_be_wider_than_64_bits_is_in_an_int64_column() -> None:
    # Amounts are typed integer in some schemas, and wei pass 2^63 at 9.2 ether.
    wide = {origin for origin in (*AMOUNTS, *NUMBERS) if _schema_of(origin).get("type") == "integer"}

    assert {"Pledge.amount", "VaultLightTokenAccount.available", "StellarMemoId.MEMO_ID"} <= wide
    for operation in reads():
        for column, sources in columns_of(operation).items():
            if any(leaf.origin in wide for leaf in sources):
                assert BY_OPERATION[operation].table.kinds[column] not in (INTEGER, REFERENCE), column


def _schema_of(origin: str) -> dict[str, object]:
    name, _, field = origin.rpartition(".")
    found: dict[str, object] = schemas()[name]["properties"][field]
    return found


@pytest.mark.parametrize("operation", reads())
def test_a_frame_without_rows_has_the_columns_and_dtypes_of_one_with_rows(operation: str) -> None:
    table = BY_OPERATION[operation].table

    empty = table.frame(Leaves())

    assert empty.columns.tolist() == table.columns
    assert {name: str(dtype) for name, dtype in empty.dtypes.items()} == {
        name: PANDAS_DTYPES[kind] for name, kind in table.kinds.items()
    }
    assert empty.dtypes.equals(table.frame(table.leaves([{}])).dtypes)


PANDAS_DTYPES = {
    TEXT: "str",
    TIME: "datetime64[us, UTC]",
    FLAG: "boolean",
    INTEGER: "Int64",
    REFERENCE: "Int64",
    **dict.fromkeys((NUMBER, AMOUNT, FEES, LIST, OBJECT), "object"),
}


def test_what_docstrings_say_of_dtypes_is_what_frames_have() -> None:
    assert {kind: said.split()[0] for kind, said in DTYPES.items()} == {
        kind: "datetime64[us," if kind == TIME else dtype for kind, dtype in PANDAS_DTYPES.items()
    }
