"""The users of the LAM: who they are in the workspace, and how new ones come."""

from .world import World

# the sandbox's LAM holds the secrets of one user of the workspace
_OPERATORS = {"sandbox_operator": "api-operator"}


def operators(world: World) -> dict[str, int]:
    """Return the user of the workspace for whom each user of the LAM acts."""
    ids = {user["username"]: user["id"] for user in world.users}
    return {name: ids[username] for name, username in _OPERATORS.items()}
