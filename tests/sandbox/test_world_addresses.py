"""Addresses of the world have the form and the check digits of their chains."""

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgerkit.sandbox.chains import UTXO_FORMS, keccak256, make_address, make_hash, valid_address
from ledgerkit.sandbox.currencies import COINS, TOKENS
from ledgerkit.sandbox.world import World, build

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
# one currency per form of address
FORMS = (
    *UTXO_FORMS,
    *("cardano", "cosmos", "ethereum", "near", "polkadot", "polygon", "ripple", "solana", "stellar", "tezos", "tron"),
    "westend",
)
# addresses and hashes of the chains' own documentation
KNOWN = {
    "bitcoin": (
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    ),
    "bitcoin_cash": ("bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",),
    "cardano": (
        "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x",
    ),
    "cosmos": ("cosmos1hsk6jryyqjfhp5dhc55tc9jtckygx0eph6dd02",),
    "ethereum": (
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    ),
    "polkadot": ("15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",),
    "ripple": ("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",),
    "stellar": ("GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7",),
    "tezos": ("tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb",),
    "westend": ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",),
}


@pytest.fixture(scope="module")
def world() -> World:
    return build(transactions=700, now=NOW)


def test_the_hash_of_ethereum_is_the_one_before_the_standard() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"") != hashlib.sha3_256(b"").digest()


@pytest.mark.parametrize(("currency", "address"), [(name, text) for name, texts in KNOWN.items() for text in texts])
def test_known_addresses_are_valid(world: World, currency: str, address: str) -> None:
    assert world.check_address(currency, address)


@pytest.mark.parametrize("currency", FORMS)
@given(entropy=st.binary(min_size=32, max_size=32))
def test_made_addresses_are_valid(currency: str, entropy: bytes) -> None:
    family = COINS[currency].family
    assert valid_address(currency, family, make_address(currency, family, entropy))


# Of the same draws in each run: two bytes of a checksum let one wrong character of 65,536 pass.
@pytest.mark.parametrize("currency", [form for form in FORMS if form not in ("near", "solana")])
@settings(derandomize=True)
@given(entropy=st.binary(min_size=32, max_size=32), place=st.integers(min_value=0), turn=st.integers(1, 30))
def test_one_wrong_character_is_noticed(currency: str, entropy: bytes, place: int, turn: int) -> None:
    family = COINS[currency].family
    address = make_address(currency, family, entropy)
    if family in ("ethereum", "polygon"):
        # the check of EIP-55 is in the case of the letters
        letters = [index for index, letter in enumerate(address) if index > 1 and letter.isalpha()]
        if len(letters) < 8:
            return
        index = letters[place % len(letters)]
        wrong = address[:index] + address[index].swapcase() + address[index + 1 :]
        if wrong[2:] in (wrong[2:].lower(), wrong[2:].upper()):
            return
    else:
        index = len(address) - 1 - place % 20
        alphabet = sorted(set(address[-20:]))
        wrong = (
            address[:index] + alphabet[(alphabet.index(address[index]) + turn) % len(alphabet)] + address[index + 1 :]
        )
        if wrong == address:
            return
    assert not valid_address(currency, family, wrong)


@pytest.mark.parametrize("currency", ["bitcoin", "ethereum", "solana", "Dollar", "no such currency"])
@pytest.mark.parametrize("address", ["", "1", "0x", "bc1", "r" * 34, "é" * 40, "0x" + "g" * 40])
def test_nonsense_is_no_address(world: World, currency: str, address: str) -> None:
    assert not world.check_address(currency, address)


def test_an_address_of_one_chain_is_none_of_another(world: World) -> None:
    for currency in ("bitcoin", "ethereum", "ripple", "stellar", "tezos", "tron", "polkadot", "cardano"):
        for other, addresses in KNOWN.items():
            if COINS[other].family != COINS[currency].family:
                assert not any(world.check_address(currency, address) for address in addresses)


def test_every_address_of_the_world_fits_its_chain(world: World) -> None:
    currencies = {account["id"]: account["currency"] for account in world.accounts}
    found = [(currencies[key], node["address"]) for key, nodes in world.addresses.items() for node in nodes]
    found += [(node["currency"], node["address"]) for node in world.accounts if node["address"]]
    found += [(entry["currency"], entry["address"]) for lists in world.whitelists for entry in lists["addresses"]]
    found += [(currency, address) for currency, group in world.bad_addresses.items() for address in group]
    for node in world.transactions:
        found += [(node["currency"], address) for address in (node["recipient"], *(node["senders"] or ())) if address]
    assert len(found) > 1000
    assert not [pair for pair in set(found) if not world.check_address(*pair)]


def test_contracts_of_tokens_are_addresses(world: World) -> None:
    assert not [token for token in TOKENS if not world.check_address(token.currency, token.contract)]


def test_hashes_look_like_those_of_their_chains() -> None:
    digest = bytes(range(32))
    assert make_hash("ethereum", digest) == "0x" + digest.hex()
    assert make_hash("ripple", digest) == digest.hex().upper()
    assert make_hash("tezos", digest).startswith("o")
    assert make_hash("bitcoin", digest) == digest.hex()


def test_utxo_accounts_have_many_addresses_and_the_last_are_fresh(world: World) -> None:
    accounts = [node for node in world.accounts if node["type"] == "Bitcoin" and world.addresses[node["id"]]]
    received = {node["recipient"] for node in world.transactions}
    assert accounts
    for account in accounts:
        addresses = world.addresses[account["id"]]
        assert [int(node["derivation_path"].rsplit("/", 1)[1]) for node in addresses] == list(range(len(addresses)))
        assert not received & {node["address"] for node in addresses[-3:]}
        assert account["address"] is None
        assert account["xpub"].startswith("xpub")


def test_the_certificates_form_a_chain(world: World) -> None:
    root, intermediate, leaf = (
        x509.load_der_x509_certificate(bytes.fromhex(certificate)) for certificate in world.certificates
    )
    for certificate, issuer in ((root, root), (intermediate, root), (leaf, intermediate)):
        certificate.verify_directly_issued_by(issuer)


def test_the_jwt_of_an_address_is_signed_by_the_leaf(world: World) -> None:
    account = next(node for node in world.accounts if node["name"] == "BTC Treasury 1")
    token = world.address_jwt(account["id"], 2)
    assert token
    header, payload, signature = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")
    )
    assert json.loads(header) == {"typ": "JWT", "alg": "ES256"}
    assert json.loads(payload) == {
        "address": world.addresses[account["id"]][2]["address"],
        "derivation_path": world.addresses[account["id"]][2]["derivation_path"],
        "blockchain_name": "bitcoin",
    }
    leaf = x509.load_der_x509_certificate(bytes.fromhex(world.certificates[-1])).public_key()
    assert isinstance(leaf, ec.EllipticCurvePublicKey)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    leaf.verify(utils.encode_dss_signature(r, s), token.rpartition(".")[0].encode(), ec.ECDSA(hashes.SHA256()))
    assert world.address_jwt(account["id"], 99) is None
    assert world.address_jwt(10_000, None) is None


def test_signed_digests_verify(world: World) -> None:
    signed = [item for node in world.digests if node["status"] == "SIGNED" for item in node["digests_data"]]
    assert signed
    for item in signed:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), bytes.fromhex(item["pub_key"][2:]))
        digest = bytes.fromhex(item["digest"])
        key.verify(bytes.fromhex(item["signature"]["der"]), digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def test_api_users_show_the_public_half_of_their_key(world: World) -> None:
    assert {credential.role for credential in world.credentials.api_users} == {"OPERATOR", "ADMIN"}
    assert {credential.view_all for credential in world.credentials.api_users} == {True, False}
    for credential in world.credentials.api_users:
        key = load_pem_private_key(credential.private_key_pem.encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        numbers = key.public_key().public_numbers()
        user = world.users[credential.user_id - 1]
        assert user["pub_key"] == f"04{numbers.x:064x}{numbers.y:064x}"
        assert user["is_api"]
        assert credential.private_key_pem.startswith("-----BEGIN EC PRIVATE KEY-----")
        assert (len(credential.key_id), len(credential.key_secret)) == (22, 43)
        assert credential.key_secret not in repr(world.credentials)


def test_reporting_keys_come_open_scoped_and_suspended(world: World) -> None:
    keys = world.credentials.reporting_keys
    assert [key.status for key in keys] == ["ACTIVE", "ACTIVE", "SUSPENDED"]
    assert [bool(key.entities) for key in keys] == [False, True, False]
    for key in keys:
        assert world.users[key.user_id - 1]["role"] == "READ_ONLY_API_KEY"
        assert world.users[key.user_id - 1]["status"] == key.status
        assert all(world.entities[entity - 1]["status"] == "ACTIVE" for entity in key.entities)
