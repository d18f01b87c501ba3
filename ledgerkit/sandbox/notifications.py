"""The webhook that each caller may set."""

from .answers import Refusal, encode
from .bodies import body_of
from .service import Call, Service
from .webhooks import accepts


def configuration(service: Service, call: Call) -> bytes:
    """Answer the caller's configuration, once there is one."""
    found = service.webhooks.configuration(call.viewer)
    if found is None:
        raise Refusal(404, "No configuration was set")
    return encode(found)


def set_configuration(service: Service, call: Call) -> bytes:
    """Replace the caller's configuration."""
    body = body_of(call)
    if not isinstance(body, dict) or set(body) != {"all"} or not isinstance(body["all"], dict):
        raise Refusal(400, "A configuration has one field, 'all'")
    webhook = body["all"].get("webhook")
    if webhook is not None:
        if not isinstance(webhook, dict) or not all(isinstance(webhook.get(name), str) for name in ("url", "secret")):
            raise Refusal(400, "A webhook has a 'url' and a 'secret'")
        if not accepts(webhook["url"]):
            raise Refusal(400, "The URL of a webhook has to be https")
    kept = {"all": {"webhook": webhook and {"url": webhook["url"], "secret": webhook["secret"]}}}
    service.webhooks.configure(call.viewer, kept)
    return encode(kept)
