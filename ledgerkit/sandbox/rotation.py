"""Credentials that are replaced while the sandbox runs: the secret of an API key, the key pair of an API user.

The faults call these, and no function here holds the sandbox, which ends when nobody holds it.
"""

from dataclasses import replace
from typing import cast

from cryptography.hazmat.primitives.asymmetric import ec

from .material import private_pem, public_point
from .people import ApiUserCredential
from .service import Service
from .store import Node
from .tokens import TokenIssuer
from .world import World


def rotate_secret(world: World, tokens: TokenIssuer, key_id: str) -> str:
    """Replace the secret of an API key and return the new one."""
    secret = tokens.rotate_secret(key_id).key_secret
    [credential] = [one for one in world.credentials.api_users if one.key_id == key_id]
    _put(world, replace(credential, key_secret=secret))
    return secret


def rotate_private_key(service: Service, user_id: int) -> str:
    """Give an API user another key pair and return its private half as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    users = service.collections["users"]
    with service.engine.lock:
        users.replace({**cast(Node, users.find(user_id)), "pub_key": public_point(key)})
        service.tokens.rotate_private_key(user_id, public_point(key))
    [credential] = [one for one in service.world.credentials.api_users if one.user_id == user_id]
    _put(service.world, replace(credential, private_key_pem=private_pem(key)))
    return private_pem(key)


def _put(world: World, changed: ApiUserCredential) -> None:
    users = world.credentials.api_users
    users[[one.user_id for one in users].index(changed.user_id)] = changed
