"""Labels: tags with a colour on accounts and transactions."""

from typing import Final

import pandas as pd

from ledgerkit.errors import InvalidRequest
from ledgerkit.filters import Many, Time
from ledgerkit.frames import INTEGER, TEXT, TIME, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section
from ledgerkit.resources.writing import DONE, identifier, write
from ledgerkit.vocabulary import Order

LABEL: Final = Table(
    "label",
    {
        "id": INTEGER,
        "name": TEXT,
        "created_by": INTEGER,
        "created_on": TIME,
        "info": {
            "color": TEXT,
            "description": TEXT,
        },
        "updated_by": INTEGER,
        "updated_on": TIME,
    },
)


DELETED: Final = DONE.extended(before={"label_id": INTEGER})
ATTACHED: Final = DONE.extended(before={"label_id": INTEGER, "account_id": INTEGER, "transaction_id": INTEGER})


class Labels(Section, name="labels"):
    """Tags with a colour on accounts and transactions."""

    @operation("GET /labels", returns=LABEL)
    def search(
        self,
        *,
        created_after: Time | None = None,
        created_before: Time | None = None,
        id: int | None = None,
        name: str | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search labels.

        Parameters
        ----------
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(Labels.search, locals())

    @operation("GET /labels/{label_id}", returns=LABEL)
    def get(self, label_id: Many[int]) -> pd.DataFrame:
        """Get labels by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Labels.get, locals(), lead={"label_id": "id"})

    @operation("POST /labels", returns=LABEL)
    def create(self, name: str, color: str | None = None, description: str | None = None) -> pd.DataFrame:
        """Create a label; only a LAM can.

        Parameters
        ----------
        color
            Such as ``"#fe3423"``.

        Raises
        ------
        OutcomeUnknown
            The answer was lost: ``search(name=...)`` tells whether the label is there.
        """
        from ledgerkit.payloads import LabelCreation  # a LAM alone takes it, and transactions need the table above

        body = LabelCreation(name=name, color=color, description=description).to_json()
        return write(self, "POST /labels", LABEL, {}, body=body, given={"name": name})

    @operation("DELETE /labels/{label_id}", returns=DELETED)
    def delete(self, label_id: int) -> pd.DataFrame:
        """Delete a label; only a LAM can."""
        inside = {"label_id": identifier("label_id", label_id)}
        return write(self, "DELETE /labels/{label_id}", DELETED, inside, lead=inside)

    @operation("POST /accounts/{account_id}/labels", "POST /transactions/{transaction_id}/labels", returns=ATTACHED)
    def attach(
        self, label_id: int, *, account_id: int | None = None, transaction_id: int | None = None
    ) -> pd.DataFrame:
        """Attach a label to one account or to one transaction; only a LAM can."""
        from ledgerkit.payloads import LabelAssignment

        section, target = _target(account_id, transaction_id)
        label = identifier("label_id", label_id)
        return write(
            self,
            f"POST /{section}/{{{next(iter(target))}}}/labels",
            ATTACHED,
            target,
            body=LabelAssignment(label_id=int(label)).to_json(),
            lead={"label_id": label, **target},
            given={"label_id": label},
        )

    @operation(
        "DELETE /accounts/{account_id}/labels/{label_id}",
        "DELETE /transactions/{transaction_id}/labels/{label_id}",
        returns=ATTACHED,
    )
    def detach(
        self, label_id: int, *, account_id: int | None = None, transaction_id: int | None = None
    ) -> pd.DataFrame:
        """Take a label off one account or off one transaction; only a LAM can."""
        section, target = _target(account_id, transaction_id)
        inside = {"label_id": identifier("label_id", label_id), **target}
        path = f"DELETE /{section}/{{{next(iter(target))}}}/labels/{{label_id}}"
        return write(self, path, ATTACHED, inside, lead=inside)


def _target(account_id: int | None, transaction_id: int | None) -> tuple[str, dict[str, str]]:
    """Return the section and the id of what a label is on."""
    given = {
        name: value
        for name, value in {"account_id": account_id, "transaction_id": transaction_id}.items()
        if value is not None
    }
    if len(given) != 1:
        raise InvalidRequest(
            f"a label goes on one of `account_id` and `transaction_id`, and "
            f"{'both were' if given else 'neither was'} given. Nothing was sent.",
            field="account_id",
        )
    [(name, value)] = given.items()
    return f"{name.removesuffix('_id')}s", {name: identifier(name, value)}
