"""Writes of labels, which the LAM alone has: making one, and tying it to accounts and transactions."""

from .answers import Refusal, encode
from .bodies import body_of
from .intents_fields import integer, record, refused, text
from .lam_users import acting
from .reads import Answer
from .service import Call, Service
from .store import Node, Where, wire_time

_CARRIERS = ("accounts", "transactions")
_DEFAULTS = {"color": "#666666", "description": ""}
_DONE = encode({"success": True})


def create(service: Service, call: Call) -> bytes:
    """Make a label."""
    user = acting(service, call)
    body = record(body_of(call), "", ("name", "info"))
    name = text(body["name"], "name")
    # the LAM's pages do not say that an info has to hold both, while every label that is read does
    info = _DEFAULTS | record(body["info"], "info", (), tuple(_DEFAULTS))
    for field, value in info.items():
        if not isinstance(value, str):
            raise refused(f"info.{field}", value, "a string is expected")
    labels = service.collections["labels"]
    named = zip(labels.ids, labels.columns["name"], strict=True)
    if any(known == name and labels.position(identifier) is not None for identifier, known in named):
        raise refused("name", name, "a label with this name exists already")
    now = wire_time(service.engine.now())
    label = {
        "id": labels.next_id(),
        "name": name,
        "info": info,
        "created_by": user,
        "created_on": now,
        "updated_by": user,
        "updated_on": now,
    }
    labels.append(label)
    return encode(label)


def delete(service: Service, call: Call) -> bytes:
    """Take a label away, and off everything that carries it."""
    acting(service, call)
    identifier = call.integer("label_id")
    _label(service, identifier)
    for section in _CARRIERS:
        collection = service.collections[section]
        carries = Where("labels", lambda ids: str(identifier) in ids)
        for position in collection.select([carries], hidden=True):
            _write(service, section, collection[position], identifier)
    service.collections["labels"].remove(identifier)
    return _DONE


def attach(section: str, parameter: str, name: str) -> Answer:
    """Tie a label to an object."""

    def answer(service: Service, call: Call) -> bytes:
        acting(service, call)
        body = record(body_of(call), "", ("label_id",))
        node = _carrier(service, section, call.integer(parameter), name)
        label = _label(service, integer(body["label_id"], "label_id", 2**63 - 1))
        _write(service, section, node, label["id"], {key: label[key] for key in ("id", "name", "info")})
        return _DONE

    return answer


def detach(section: str, parameter: str, name: str) -> Answer:
    """Take a label off an object."""

    def answer(service: Service, call: Call) -> bytes:
        acting(service, call)
        node = _carrier(service, section, call.integer(parameter), name)
        identifier = call.integer("label_id")
        if all(label["id"] != identifier for label in node["labels"]):
            raise Refusal(404, f"{name} {node['id']} has no label {identifier}")
        _write(service, section, node, identifier)
        return _DONE

    return answer


def _write(service: Service, section: str, node: Node, identifier: int, lite: Node | None = None) -> None:
    """Write an object without a label, or with it once."""
    labels = [label for label in node["labels"] if label["id"] != identifier]
    service.collections[section].replace({**node, "labels": labels if lite is None else [*labels, lite]})


def _label(service: Service, identifier: int) -> Node:
    found = service.collections["labels"].find(identifier)
    if found is None:
        raise Refusal(404, f"Label {identifier} not found")
    return found


def _carrier(service: Service, section: str, identifier: int, name: str) -> Node:
    found = service.collections[section].find(identifier)
    if found is None:
        raise Refusal(404, f"{name} {identifier} not found")
    return found
