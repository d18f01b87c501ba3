"""Requests: every change of the workspace, waiting for approvals or done."""

from collections.abc import Iterable
from typing import Any, Final, Literal

import pandas as pd

from ledgerkit.errors import ContractViolation, shorten
from ledgerkit.filters import Many, Time
from ledgerkit.frames import FLAG, INTEGER, LIST, OBJECT, REFERENCE, TEXT, TIME, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section
from ledgerkit.vocabulary import Order, RequestStatus, RequestTargetType, RequestType


def as_searched(node: dict[str, Any]) -> dict[str, Any]:
    """Return a request as searches show it, whichever of the API's shapes it came in."""
    request = dict(node)
    if isinstance(request.get("created_by"), dict):
        request["created_by"] = request["created_by"].get("id")
    if "expired_at" in request and "expires_at" not in request:
        request["expires_at"] = request.pop("expired_at")
    if request.get("status") == "ABORTED":
        request["status"] = "REJECTED"
    return request


REQUEST: Final = Table(
    "request",
    {
        "id": INTEGER,
        "type": TEXT,
        "status": TEXT,
        "target_type": TEXT,
        "target_id": INTEGER,
        "created_by": INTEGER,
        "created_on": TIME,
        "expires_at": TIME,
        "used_admin_group": INTEGER,
    },
    normalise=as_searched,
)
REQUEST_WITH_CHALLENGE: Final = REQUEST.extended(after={"challenge": OBJECT})
CHALLENGE: Final = Table("request", {"id": INTEGER, "challenge": TEXT})
GOVERNANCE_STEP: Final = Table(
    "step",
    {
        "request_id": INTEGER,
        "step_index": INTEGER,
        "quorum": INTEGER,
        "group_id": INTEGER,
        "approvers": LIST,
        "approvals": LIST,
        "is_complete": FLAG,
        "request": {
            "type": TEXT,
            "status": TEXT,
            "target_type": TEXT,
            "target_id": INTEGER,
            "current_step_index": INTEGER,
            "created_by": REFERENCE,
            "created_on": TIME,
            "expired_at": TIME,
        },
    },
)
# What a request is from its creation on.
SETTLED: Final = frozenset({"created_by", "target_id", "target_type", "type"})


class Requests(Section, name="requests"):
    """Requests, the governed changes of the workspace.

    The API has two shapes for them; here they have one: ``created_by`` is an id, ``expires_at`` a time, and a request
    that was aborted has the status REJECTED.
    """

    @operation("GET /requests", returns=REQUEST)
    def search(
        self,
        *,
        approved_by: int | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        created_by: int | None = None,
        id: int | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        pending_by: int | None = None,
        rejected_by: int | None = None,
        status: Many[RequestStatus | Literal["ABORTED"]] | None = None,
        target_id: int | None = None,
        target_type: Many[RequestTargetType] | None = None,
        type: Many[RequestType] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search requests.

        Parameters
        ----------
        approved_by, rejected_by, created_by, pending_by
            Ids of users; ``pending_by`` finds what waits for the approval of one.
        target_id, target_type
            The object that a request acts on.
        status
            ABORTED is taken for REJECTED.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        given = locals()
        given["status"] = _rejected(status)
        return self._list(Requests.search, given, settled=SETTLED)

    @operation("GET /requests/{request_id}", returns=REQUEST_WITH_CHALLENGE)
    def get(self, request_id: Many[int]) -> pd.DataFrame:
        """Get requests by id; for several ids, a column ``error`` says what could not be had.

        The ``challenge`` in this answer is deprecated by the API: :meth:`challenge` has the one to sign.
        """
        return self._each(Requests.get, locals(), lead={"request_id": "id"})

    @operation("GET /requests/{request_id}/challenge", returns=CHALLENGE)
    def challenge(self, request_id: Many[int]) -> pd.DataFrame:
        """Get what an approver of requests has to sign, as unpadded base64url of JSON."""
        return self._each(Requests.challenge, locals(), lead={"request_id": "id"})

    @operation("GET /requests/{request_id}/challenge/reject", returns=CHALLENGE)
    def reject_challenge(self, request_id: Many[int]) -> pd.DataFrame:
        """Get what has to be signed to reject requests, as unpadded base64url of JSON."""
        return self._each(Requests.reject_challenge, locals(), lead={"request_id": "id"})

    @operation("GET /requests/{request_id}/governance-status", returns=GOVERNANCE_STEP)
    def governance_status(self, request_id: Many[int]) -> pd.DataFrame:
        """Get how far requests have come: one row per step, with who may approve and who did.

        Ids of users that the caller may not see are null. A request without visible steps has one row without a step.
        """
        lead = {"request_id": "request_id"}
        return self._each(Requests.governance_status, locals(), lead=lead, nodes=_steps)


def _rejected(status: Any) -> Any:
    if isinstance(status, str) or not isinstance(status, Iterable):
        return "REJECTED" if status == "ABORTED" else status
    return ["REJECTED" if one == "ABORTED" else one for one in status]


def _steps(body: Any) -> list[Any]:
    if not isinstance(body, dict) or not isinstance(body.get("governance_steps"), list):
        raise ContractViolation(
            "this is no governance status: `governance_steps` is missing.",
            field="governance_steps",
            body=shorten(body, 500),
        )
    shared = {field: value for field, value in body.items() if field != "governance_steps"}
    request = shared.get("request")
    if isinstance(request, dict) and "id" in request:
        shared["request"] = {field: value for field, value in request.items() if field != "id"}
        shared["request_id"] = request["id"]
    # A step may be null as a whole: it is hidden from the caller, and stays a row.
    return [{**shared, **_flat_step(step)} for step in body["governance_steps"] or [None]]


def _flat_step(step: Any) -> dict[str, Any]:
    if step is None:
        return {}
    if not isinstance(step, dict):
        raise ContractViolation(
            f"a step is a {type(step).__name__} where an object belongs: whose approval is missing can't be told.",
            field="governance_steps",
            body=shorten(step, 500),
        )
    own = {field: value for field, value in step.items() if field != "group"}
    group = step.get("group")
    if group is None:
        return own
    inner = group if isinstance(group, dict) else {"id": group}
    return {**own, **{f"group_{field}": value for field, value in inner.items()}}
