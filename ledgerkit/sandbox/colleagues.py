"""The other people of a workspace, who vote when a test or a demonstration wants them to."""

from typing import TYPE_CHECKING, Literal

from .answers import Refusal

if TYPE_CHECKING:
    from .engine import Engine

Mood = Literal["silent", "approve", "reject"]


class Colleagues:
    """People whom the requests of the workspace wait for, beside the users who come over the API.

    Attributes
    ----------
    mood
        What they do by themselves with requests whose creator approved while the sandbox ran.
    after
        Seconds for which a request waits before the next of them acts.
    """

    def __init__(self, engine: "Engine") -> None:
        self.mood: Mood = "silent"
        self.after = 0.0
        self._engine = engine

    def approve(self, request_id: int, count: int = 1) -> list[int]:
        """Approve a request as so many people, one after the other, as long as it waits.

        Returns
        -------
        list of int
            The users who approved.

        Raises
        ------
        Refusal
            400 where it waits for none of them.
        """
        acted: list[int] = []
        while len(acted) < count:
            user = self._next(request_id)
            if user is None:
                break
            self._engine.approve_now(request_id, user)
            acted.append(user)
        if not acted:
            raise Refusal(400, f"Request {request_id} waits for no colleague")
        return acted

    def reject(self, request_id: int) -> list[int]:
        """Reject a request as one of the people of the step in progress.

        Returns
        -------
        list of int
            The one user who rejected.

        Raises
        ------
        Refusal
            400 where it waits for none of them.
        """
        user = self._next(request_id)
        if user is None:
            raise Refusal(400, f"Request {request_id} waits for no colleague")
        self._engine.reject_now(request_id, user)
        return [user]

    def act(self, request_id: int) -> bool:
        """Follow the mood once, and say whether anybody acted."""
        if self.mood == "silent" or self._next(request_id) is None:
            return False
        if self.mood == "approve":
            self.approve(request_id)
        else:
            self.reject(request_id)
        return True

    def _next(self, request_id: int) -> int | None:
        ballot = self._engine.ballots.get(request_id)
        if ballot is None or not ballot.opened:
            return None
        # whoever holds credentials of the API acts with them
        taken = {ballot.creator, *(user.user_id for user in self._engine.world.credentials.api_users)}
        return next((user for user in ballot.awaited() if user not in taken), None)
