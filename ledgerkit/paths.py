"""Paths of calls: what one leads to by any reading, and which are not sent."""

import unicodedata
from typing import Any
from urllib.parse import unquote

from ledgerkit.errors import InvalidRequest, shorten


def check_path(path: Any) -> None:
    """Refuse a path that leads anywhere else than below the base URL, by any reading, or to where tokens are."""
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//"):
        raise InvalidRequest(f"`path` = {shorten(path)} was not sent: it starts with one slash, as in '/accounts'.")
    # Servers and gateways differ in what they unquote, merge and cut off: no reading may lead elsewhere.
    bare = unquoted(path)
    odd = any(char in path for char in "?#\\") or "\\" in bare or "\ufffd" in bare or "//" in bare
    steps = {".", ".."} & {one.partition(";")[0] for one in bare.split("/")}
    if odd or steps or not path.isprintable() or not bare.isprintable():
        raise InvalidRequest(
            f"`path` = {shorten(path)} was not sent: it holds no '?', '#', backslash, line break, '//', '.' or '..', "
            "quoted neither; parameters go into `params`."
        )
    if f"{plain_path(path)}/".lower().startswith("/auth/"):
        raise InvalidRequest("the session exchanges tokens itself; their answer would show them in the notebook.")


def of_notifications(call: str) -> bool:
    """Say whether the answer to a call may hold the secret of a webhook; a server unquotes the path that it gets."""
    return plain_path(call.partition(" ")[2]).lower().startswith("/notifications")


def unquoted(path: str) -> str:
    """Return a path without quoting, however often it is quoted: gateways unquote what they pass on."""
    while (once := unquote(path)) != path:
        path = once
    return unicodedata.normalize("NFKC", path)


def plain_path(path: str) -> str:
    """Return a path as the laxest of servers may read it: unquoted, each slash once, without ``;parameters``."""
    parts = (one.partition(";")[0] for one in unquoted(path).replace("\\", "/").split("/"))
    return "/" + "/".join(one for one in parts if one)
