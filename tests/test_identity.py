"""Who the caller is: found by the public key that the token names."""

import pytest

import ledgerkit as lk
from ledgerkit.identity import own_user, public_key, subject
from ledgerkit.sandbox import Sandbox
from ledgerkit.secret import Secret


def test_an_api_user_finds_itself_and_the_card_shows_it() -> None:
    with lk.connect("sandbox", transactions=300) as session:
        me = session.me()
        assert len(me) == 1
        assert me["is_api"].tolist() == [True]
        assert me["username"].iloc[0] in repr(session)


def test_a_reporting_key_has_no_user_and_every_frame_says_what_it_may_not_see() -> None:
    with lk.connect("sandbox", transactions=300, family="reporting_key") as session:
        with pytest.raises(lk.Unsupported, match="only an API user has"):
            session.me()
        assert "only the accounts of some entities" in session.accounts.search(limit=1).attrs["scope"]


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.e30.c", "a.W10.c", "a.eyJwdWJfa2V5IjoxfQ.c"])
def test_a_token_that_names_no_key_is_no_error(token: str) -> None:
    assert public_key(Secret(token)) is subject(Secret(token)) is None


def test_a_token_names_its_user_whatever_key_pair_that_has() -> None:
    with Sandbox(transactions=10) as sandbox:
        user, found = sandbox.credentials.api_users[0], []
        for _ in range(2):
            credentials = lk.ApiUser(sandbox.world.workspace, user.key_id, user.key_secret)
            with lk.Session(credentials, base_url=sandbox.url) as session:
                token, _ = session._keeper.token()  # type: ignore[union-attr]  # an API user has one
                found.append((subject(token), public_key(token)))
            sandbox.faults.rotate_private_key(user.user_id)
    assert found[0][0] == found[1][0] is not None
    assert found[0][1] != found[1][1]


def test_a_key_that_no_visible_user_has_is_said_in_words() -> None:
    with lk.connect("sandbox", transactions=300) as session:
        users = session.users.search()
    for key in (None, "04FF"):
        with pytest.raises(lk.NotFound, match="can't be told"):
            own_user(users, key)
