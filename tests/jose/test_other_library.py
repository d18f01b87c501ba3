"""Signatures as another library reads them: jose, in Node."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ledgerkit.challenges import decode
from ledgerkit.signing import public_point, sign_challenge

from .samples import challenge_text, documented, new_key

SCRIPT = Path(__file__).parent / "verify.mjs"
NODE = shutil.which("node")
JOSE = SCRIPT.parent.parent.parent / "node_modules" / "jose"

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="no node in PATH"),
    pytest.mark.skipif(not JOSE.is_dir(), reason="node_modules has no jose: npm install"),
]


def checked_by_node(jws: str, point: str) -> dict[str, Any]:
    """Return header and payload, or raise where jose refuses the signature."""
    assert NODE is not None
    done = subprocess.run(  # noqa: S603 - our own script
        [NODE, str(SCRIPT)],
        input=json.dumps({"jws": jws, "point": point}),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_jose_accepts_the_signature_of_the_documented_challenge() -> None:
    key, text = new_key(), challenge_text(documented())
    found = checked_by_node(sign_challenge(key, decode(text).raw), public_point(key))
    assert found == {"header": {"alg": "ES256", "typ": "JWT"}, "payload": text}


def test_jose_refuses_the_signature_of_another_key() -> None:
    signed = sign_challenge(new_key(), decode(challenge_text(documented())).raw)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        checked_by_node(signed, public_point(new_key()))
    assert "signature verification failed" in refused.value.stderr
