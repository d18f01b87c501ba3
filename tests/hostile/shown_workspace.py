"""A sandbox in which every free text of the service is hostile, and what a browser would make of what is shown."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any, Final

import httpx
from serving import Act, Reply, Seen, Server

import ledgerkit as lk
from ledgerkit.sandbox import Sandbox
from ledgerkit.session import _sandbox_credentials

CANARY: Final = "lkcanary"
# Each sets the canary where it is taken for more than text.
ATTACKS: Final = (
    f"<img src=x onerror='{CANARY}=1'>",
    f"<script>{CANARY}=1</script>",
    f"</td></tr></table><svg onload={CANARY}=1>",
    f"'\"><a href='javascript:{CANARY}=1' autofocus onfocus={CANARY}=1>",
    f"' onmouseover='{CANARY}=1' x='",
    "$\\color{red}{approved}$ \\(x\\) $$y$$",
    f"[link](javascript:{CANARY}=1) `code` **bold** ``{CANARY}``",
    "\x1b[2K\x1b[31mred\x1b]8;;http://127.0.0.1/\x07link",
    "line\r\nfeed\x00nul\x07bell\x08\x85\u2028",
    "\u202eright\u2066left\u2069\u061c\u200f",
    "zero\u200bwidth\ufeff\u2060\U000e0041\U000e0042\u00ad\u034f",
    '=HYPERLINK("http://127.0.0.1/","open")',
    "-1+1|@SUM(A1)",
    "%0A%3Cscript%3E {{ 7*7 }} {% raw %} ${7*7} #{7*7}",
    "\u2713 rules: approved",
    "&lt;b&gt; &amp; &#60;script&#62;",
    f"datum.x + warn('{CANARY}')",
    "x" * 10_000 + f"<script>{CANARY}=1</script>",
)
# Texts that people choose, or that the service words freely; the others are closed sets, ids, hashes and addresses.
FREE: Final = frozenset(
    [
        "name",
        "username",
        "title",
        "content",
        "description",
        "exchange_name",
        "reason",
        "message",
        "detail",
        "error",
        "policy_name",
        "alert_level",
        "category",
        "tag_name",
        "provider_name",
        "firstname",
        "lastname",
        "email",
        "text",
        "label",
        "collection",
        "external_user_id",
    ]
)
# Elements and attributes that the kit's own HTML is made of.
ELEMENTS: Final = frozenset(
    [
        "div",
        "span",
        "strong",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "br",
        "ul",
        "li",
        "ol",
        "details",
        "summary",
        "pre",
        "code",
        "section",
        "h1",
        "h2",
        "h3",
        "h4",
        "a",
        "style",
        "b",
        "i",
        "em",
        "button",
        "small",
        "hr",
        "caption",
    ]
)
ATTRIBUTES: Final = frozenset(
    ["class", "style", "title", "colspan", "rowspan", "border", "open", "role", "scope", "aria-label", "id", "align"]
)
UNSEEN: Final = frozenset("\x00\x07\x08\x1b\x85\u2028\u202e\u2066\u2069\u061c\u200f\u200b\ufeff\u2060\u00ad\u034f")


def hostile(value: Any, key: str = "", position: int = 0) -> Any:
    """Return an answer of the service with an attack in each free text, the same one for the same text."""
    if isinstance(value, dict):
        return {name: hostile(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [hostile(one, key) for one in value]
    if isinstance(value, str) and key in FREE:
        return f"{ATTACKS[sum(value.encode()) % len(ATTACKS)]} {value}"
    return value


@contextmanager
def hostile_workspace(**settings: Any) -> Iterator[lk.Session]:
    """Open a session on a sandbox whose answers are changed on the way."""
    with Sandbox(pace=0, **settings) as sandbox, httpx.Client(base_url=sandbox.url, timeout=60) as client:

        def forward(seen: Seen) -> Act:
            headers = {
                name: value for name, value in seen.headers.items() if name.lower() not in ("host", "connection")
            }
            got = client.request(seen.method, seen.target, headers=headers, content=seen.body)
            kept = {
                name: value
                for name, value in got.headers.items()
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "content-encoding")
            }
            body = got.content
            if "json" in got.headers.get("content-type", "") and "/auth/" not in seen.path:
                body = json.dumps(hostile(got.json())).encode()
            return Reply(body, status=got.status_code, headers=kept)

        with (
            Server(forward) as proxy,
            lk.Session(_sandbox_credentials(sandbox, "api_user"), base_url=proxy.url, writes=True) as session,
        ):
            yield session


class Reading(HTMLParser):
    """What a browser makes of HTML: what in it is not of the kit's own making."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.text: list[str] = []
        self.marked = 0
        self._style = False
        self.feed(markup)
        self.close()
        joined = "".join(self.text)
        self.faults += [
            f"unseen {one!r} in {joined[max(0, joined.index(one) - 30) :][:60]!r}" for one in UNSEEN if one in joined
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        if tag not in ELEMENTS:
            self.faults.append(f"element {tag}")
        for name, value in attrs:
            if name not in ATTRIBUTES:
                self.faults.append(f"attribute {tag}.{name}={value!r}"[:200])
            elif name != "title" and any(
                one in (value or "") for one in (CANARY, "approved", "javascript", "HYPERLINK")
            ):
                self.faults.append(f"value of {tag}.{name}: {value!r}"[:200])
            elif name == "title" and UNSEEN & set(value or ""):
                self.faults.append(f"unseen in a title: {value!r}"[:200])
            if name == "class" and "mathjax_ignore" in (value or ""):
                self.marked += 1

    def handle_data(self, data: str) -> None:
        if self._style:
            if CANARY in data:
                self.faults.append("the canary in a style")
            return
        self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data[:80]!r}")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"declaration {data[:80]!r}")


def has_attack(markup: str) -> bool:
    """Say whether a text of the service is in what is shown at all, so that a test can fail."""
    text = "".join(Reading(markup).text)
    return any(
        one in text
        for one in (
            CANARY,
            "approved",
            "HYPERLINK",
            "@SUM",
            "bell",
            "{{ 7*7 }}",
            "right",
            "zero",
            "link",
            "&amp;",
            "warn(",
        )
    )


def faults(markup: str) -> list[str]:
    """Return what of a display is more than the kit's own elements around text."""
    return Reading(markup).faults
