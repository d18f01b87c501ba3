"""What a break between balance and movements may come from: what has exactly its size, nothing that is guessed."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.coins import counts_a_token
from ledgerkit.directions import direction
from ledgerkit.reports.daily import DAY, Break
from ledgerkit.reports.movements import Movements
from ledgerkit.reports.rows import Row

UNEXPLAINED: Final = "unexplained"
# Blocks and their indexing may fall on two sides of midnight, and a service may take a day more.
MOST_DAYS_LATE: Final = 3


def explain(
    account: int,
    breaks: Sequence[Break],
    found: Movements,
    rows: Sequence[Row],
    now: pd.Timestamp | None,
) -> list[tuple[Break, dict[str, Any]]]:
    """Return each break with an explanation, and the transaction that it names.

    Parameters
    ----------
    now
        The moment of the closing balance, where it is what the account holds now.
    """
    result = []
    for position, one in enumerate(breaks):
        text, transaction = UNEXPLAINED, None
        for neighbour in (breaks[position - 1 : position], breaks[position + 1 : position + 2]):
            for other in neighbour:
                late = abs(other.last_day - one.last_day)
                if other.size == -one.size and late <= MOST_DAYS_LATE * DAY:
                    text = f"undone on {other.last_day:%Y-%m-%d}: the balance counts it on another day"
        for size, said, identifier in _candidates(account, one, found, rows, now):
            if size == one.size:
                text, transaction = said if text == UNEXPLAINED else f"{said}; {text}", identifier
                break
        result.append((one, {"explanation": text, "transaction_id": transaction}))
    return result


def _candidates(
    account: int, one: Break, found: Movements, rows: Sequence[Row], now: pd.Timestamp | None
) -> Iterator[tuple[int, str, int]]:
    """Give sizes that would explain a break, with words and transactions; the more likely first."""
    for row in found.apart:
        if row["account_id"] == account and _near(row, one):
            # A token's amount explains nothing of the coin's balance; its fees do.
            amount = None if row["unit_of"][0] == "light" else row["amount_base"]
            fees = row["fees_base"]
            said = f"the amount of a transaction that is not counted ({row['type']}, {row['status']})"
            if isinstance(amount, int) and amount:
                yield amount, said, row["transaction_id"]
                yield -amount, said, row["transaction_id"]
            if isinstance(fees, int) and fees:
                yield -fees, f"the fees of a transaction that is not counted ({row['status']})", row["transaction_id"]
                if isinstance(amount, int):
                    yield (
                        -amount - fees,
                        f"amount and fees of one that is not counted ({row['status']})",
                        row["transaction_id"],
                    )
    for row in found.moved:
        if row["account_id"] != account or row["unit_of"][0] == "light":
            continue
        what, size, identifier = row["movement"], row["amount_base"], row["transaction_id"]
        if row["block_time"] is None:
            yield size, f"the {what} of a transaction without a block time", identifier
        elif one.after <= row["block_time"] < one.until:
            yield -size, f"the {what} of a transaction that the balance does not show", identifier
            yield size, f"the {what} of a transaction that the balance shows twice", identifier
    if now is not None and one.until == now:
        for row in rows:
            if row["status"] == "SUBMITTED" and row["account_id"] == account and isinstance(row["amount"], int):
                if counts_a_token(row["type"]):
                    continue
                fees = row["fees"] if isinstance(row["fees"], int) else 0
                said = "a transaction that is sent and not confirmed, which the balance counts already"
                if direction(row["type"]) == "in":
                    yield row["amount"], said, row["id"]
                elif direction(row["type"]) == "out":
                    yield -row["amount"], said, row["id"]
                    yield -row["amount"] - fees, said, row["id"]


def _near(row: Row, one: Break) -> bool:
    moments = (row["block_time"], row["broadcast_on"], row["created_on"])
    moment = next((time for time in moments if time is not None), None)
    return moment is None or bool(one.after - DAY <= moment < one.until + DAY)
