"""The users of the LAM: who they are in the workspace, and how new ones come."""

import re
import uuid
from typing import Any

from .answers import Refusal, encode
from .intents_fields import record, refused
from .material import Material
from .service import Call, Service
from .store import Node
from .world import World

# the LAM of the sandbox holds the secrets of one user of the workspace
_OPERATORS = {"sandbox_operator": "api-operator"}
_NAME = re.compile(r"\w{1,20}")


def operators(world: World) -> dict[str, int]:
    """Return the user of the workspace for whom each user of the LAM acts."""
    ids = {user["username"]: user["id"] for user in world.users}
    return {name: ids[username] for name, username in _OPERATORS.items()}


def acting(service: Service, call: Call) -> int:
    """Return the user of the workspace for whom a call to the LAM acts.

    Raises
    ------
    Refusal
        404 for any other caller, since the cloud has no such route; 403 for a LAM user without a user behind it.
    """
    if call.viewer.family != "lam":
        raise Refusal(404, "no Route matched with those values", gateway=True)
    name = str(call.viewer.identity)
    found = operators(service.world).get(name)
    if found is None:
        raise Refusal(403, f"Forbidden: the LAM's user '{name}' is no operator of the workspace")
    return found


def create(world: World, body: Any) -> bytes:
    """Make a user of the LAM, whose device id an administrator then invites."""
    name = record(body, "", ("name",))["name"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise refused("name", name, "1 to 20 letters, digits or underscores are expected")
    if _find(world, name) is not None:
        raise Refusal(400, f"API user '{name}' exists already")
    user = {
        "device_id": Material(world.seed, world.now).derive("lam", name).hex()[:16],
        "name": name,
        "role": "OPERATOR",
        "type_": "SOFT_PSD",
        "workspace": world.workspace,
    }
    world.lam_users.append(user)
    return encode(user)


def register(world: World, name: str, url_id: str) -> bytes:
    """Register a user of the LAM with the id of the invitation's URL."""
    if _find(world, name) is None:
        raise Refusal(404, f"API user '{name}' not found")
    try:
        uuid.UUID(url_id)
    except ValueError:
        raise refused("url_id", url_id, "the UUID of an invitation's URL is expected") from None
    return encode({"success": True})


def _find(world: World, name: str) -> Node | None:
    return next((user for user in world.lam_users if user["name"] == name), None)
