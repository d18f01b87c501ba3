"""Every kind of request, from its body to its last approval: what is drafted is what would be signed."""

from collections.abc import Iterator
from typing import Any

import pytest
from sandbox import creations

import ledgerkit as lk
from ledgerkit import payloads
from ledgerkit.sandbox import Sandbox, intents
from ledgerkit.sandbox.answers import Refusal
from ledgerkit.sandbox.viewers import Viewer

# Whose group no API user is in: they are created by people.
BY_PEOPLE = {"polygon", "XRP", "tron", "TRC-20", "digests", "forced unpledge"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(transactions=250, pace=0) as running:
        yield running


@pytest.fixture(scope="module")
def people(sandbox: Sandbox) -> Iterator[dict[int, lk.Session]]:
    """A session of each API user of the sandbox."""
    sessions = {
        user.user_id: lk.Session(
            lk.ApiUser(sandbox.world.workspace, user.key_id, user.key_secret, private_key=user.private_key_pem),
            base_url=sandbox.url,
            writes=True,
        )
        for user in sandbox.credentials.api_users
    }
    yield sessions
    for session in sessions.values():
        session.close()


def creator(service: Any, body: dict[str, Any], users: list[int]) -> int:
    for user in users:
        try:
            intents.read(service, Viewer("api_user", user), body)
        except Refusal:
            continue
        return user
    raise AssertionError(f"no API user may create {body}")


@pytest.mark.parametrize("name", [name for name in creations.ALL if name not in BY_PEOPLE])
def test_a_request_of_this_kind_is_drafted_reviewed_and_approved(
    sandbox: Sandbox, people: dict[int, lk.Session], name: str
) -> None:
    service = sandbox._build()
    body = creations.creation(service, name)
    if name == "deployment":
        body["data"]["transaction_data"]["amount"] = "0"  # a null is not written: "0" says the same, and is signed
    if name == "token account":
        body["data"]["account_data"]["name"] = "New token account"  # the other test took the name
    session = people[creator(service, body, list(people))]
    draft = session.requests.draft(body)
    assert not isinstance(draft.payload, payloads.Raw)
    request_id = int(draft.submit()["id"].iloc[0])
    review = session.requests.review(request_id, draft)
    assert review.matches, review
    assert review.level == ("documented" if name == "bitcoin" else "assumed")
    phrase = f"approve {request_id}" + ("" if name == "bitcoin" else " assumed")
    session.requests.approve(request_id, draft, confirm=phrase)
    while session.requests.get(request_id)["status"].iloc[0] == "PENDING_APPROVAL":
        sandbox.colleagues.approve(request_id)
    assert session.requests.get(request_id)["status"].iloc[0] in ("APPROVED", "ACTIVE")


def test_what_is_left_to_people_is_what_no_api_user_may_create(
    sandbox: Sandbox, people: dict[int, lk.Session]
) -> None:
    service = sandbox._build()
    for name in BY_PEOPLE:
        with pytest.raises(AssertionError, match="no API user may create"):
            creator(service, creations.creation(service, name), list(people))
