"""Addresses with the right form and check digits for every chain of the sandbox."""

import hashlib
import re
from collections.abc import Callable
from functools import cache, lru_cache

BITCOIN_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE_ALPHABET = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
BECH32_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BASE32_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

# version byte of pay-to-key, version byte of pay-to-script, prefix of the segwit form where the chain has one
UTXO_FORMS: dict[str, tuple[int, int, str | None]] = {
    "bitcoin": (0, 5, "bc"),
    "bitcoin_cash": (0, 5, None),
    "bitcoin_gold": (38, 23, "btg"),
    "bitcoin_testnet": (111, 196, "tb"),
    "dash": (76, 16, None),
    "digibyte": (30, 63, "dgb"),
    "dogecoin": (30, 22, None),
    "komodo": (60, 85, None),
    "litecoin": (48, 50, "ltc"),
    "pivx": (30, 13, None),
    "vertcoin": (71, 5, "vtc"),
    "viacoin": (71, 33, "via"),
}
SUBSTRATE_PREFIXES = {"polkadot": 0, "westend": 42}
TEZOS_PREFIXES = {"tz1": b"\x06\xa1\x9f", "tz2": b"\x06\xa1\xa1", "tz3": b"\x06\xa1\xa4", "KT1": b"\x02\x5a\x79"}


# --- base58 -----------------------------------------------------------------------------------------------------


def base58_encode(data: bytes, alphabet: str = BITCOIN_ALPHABET) -> str:
    """Encode bytes in base 58."""
    number = int.from_bytes(data, "big")
    digits = []
    while number:
        number, remainder = divmod(number, 58)
        digits.append(alphabet[remainder])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return alphabet[0] * zeros + "".join(reversed(digits))


def base58_decode(text: str, alphabet: str = BITCOIN_ALPHABET) -> bytes | None:
    """Decode base 58, or None where a character does not belong to it."""
    number = 0
    for character in text:
        digit = alphabet.find(character)
        if digit < 0:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _double_sha256(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def base58check_encode(data: bytes, alphabet: str = BITCOIN_ALPHABET) -> str:
    """Encode bytes in base 58 with four check bytes."""
    return base58_encode(data + _double_sha256(data)[:4], alphabet)


def base58check_decode(text: str, alphabet: str = BITCOIN_ALPHABET) -> bytes | None:
    """Decode base 58 with check bytes, or None where they do not fit."""
    data = base58_decode(text, alphabet)
    if data is None or len(data) < 5 or _double_sha256(data[:-4])[:4] != data[-4:]:
        return None
    return data[:-4]


# --- bech32 and cashaddr ----------------------------------------------------------------------------------------


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                checksum ^= generator
    return checksum


def _cash_polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 35
        checksum = (checksum & 0x07FFFFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)):
            if top >> bit & 1:
                checksum ^= generator
    return checksum ^ 1


def _regroup(data: bytes | list[int], source: int, target: int, pad: bool) -> list[int] | None:
    accumulator = bits = 0
    out = []
    for value in data:
        accumulator = accumulator << source | value
        bits += source
        while bits >= target:
            bits -= target
            out.append(accumulator >> bits & (1 << target) - 1)
        accumulator &= (1 << bits) - 1
    if pad:
        if bits:
            out.append(accumulator << target - bits & (1 << target) - 1)
    elif bits >= source or accumulator:
        return None
    return out


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def bech32_encode(prefix: str, data: bytes, version: int | None = None) -> str:
    """Encode bytes in bech32; with a segwit version, in the variant which that version asks for."""
    values = ([] if version is None else [version]) + (_regroup(data, 8, 5, pad=True) or [])
    constant = 0x2BC830A3 if version else 1
    checksum = _polymod(_expand(prefix) + values + [0] * 6) ^ constant
    values += [checksum >> 5 * (5 - index) & 31 for index in range(6)]
    return prefix + "1" + "".join(BECH32_ALPHABET[value] for value in values)


def bech32_decode(text: str, prefix: str, segwit: bool = False) -> tuple[int | None, bytes] | None:
    """Decode bech32 to (segwit version, bytes), or None where form, prefix or check digits are wrong."""
    if text != text.lower() and text != text.upper():
        return None
    found, separator, body = text.lower().rpartition("1")
    values = [BECH32_ALPHABET.find(character) for character in body]
    if not separator or found != prefix or len(values) < 7 or min(values) < 0:
        return None
    version = values[0] if segwit else None
    if _polymod(_expand(prefix) + values) != (0x2BC830A3 if version else 1):
        return None
    data = _regroup(values[1 if segwit else 0 : -6], 5, 8, pad=False)
    return None if data is None else (version, bytes(data))


def _cash_encode(data: bytes, prefix: str = "bitcoincash") -> str:
    values = _regroup(b"\0" + data, 8, 5, pad=True) or []
    checksum = _cash_polymod([ord(c) & 31 for c in prefix] + [0] + values + [0] * 8)
    values += [checksum >> 5 * (7 - index) & 31 for index in range(8)]
    return prefix + ":" + "".join(BECH32_ALPHABET[value] for value in values)


def _cash_check(text: str, prefix: str = "bitcoincash") -> bool:
    body = text.lower().removeprefix(prefix + ":")
    values = [BECH32_ALPHABET.find(character) for character in body]
    if text not in (text.lower(), text.upper()) or len(values) < 34 or min(values) < 0:
        return False
    if _cash_polymod([ord(c) & 31 for c in prefix] + [0] + values):
        return False
    data = _regroup(values[:-8], 5, 8, pad=False)
    return data is not None and len(data) == 21 and data[0] in (0, 8)


# --- EVM --------------------------------------------------------------------------------------------------------

_MASK = (1 << 64) - 1


@cache
def _keccak_constants() -> tuple[list[int], list[tuple[int, int, int]]]:
    rounds, register = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << (1 << j) - 1
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        rounds.append(constant)
    steps, x, y = [], 1, 0
    for step in range(24):
        source = x + 5 * y
        x, y = y, (2 * x + 3 * y) % 5
        steps.append((source, x + 5 * y, (step + 1) * (step + 2) // 2 % 64))
    return rounds, steps


def keccak256(data: bytes) -> bytes:
    """Hash at most 135 bytes with Keccak-256, which hashlib lacks: its SHA3 pads in another way."""
    if len(data) > 135:
        raise ValueError("one block of 135 bytes is all that addresses need")
    block = bytearray(200)
    block[: len(data)] = data
    block[len(data)] ^= 0x01
    block[135] ^= 0x80
    a = [int.from_bytes(block[i : i + 8], "little") for i in range(0, 200, 8)]
    constants, steps = _keccak_constants()
    for constant in constants:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[x - 1] ^ (c[(x + 1) % 5] << 1 & _MASK | c[(x + 1) % 5] >> 63) for x in range(5)]
        b = [0] * 25
        b[0] = a[0] ^ d[0]
        for source, target, turn in steps:
            lane = a[source] ^ d[source % 5]
            b[target] = lane << turn & _MASK | lane >> 64 - turn if turn else lane
        for y in range(0, 25, 5):
            b0, b1, b2, b3, b4 = b[y : y + 5]
            a[y] = b0 ^ (~b1 & b2)
            a[y + 1] = b1 ^ (~b2 & b3)
            a[y + 2] = b2 ^ (~b3 & b4)
            a[y + 3] = b3 ^ (~b4 & b0)
            a[y + 4] = b4 ^ (~b0 & b1)
        a[0] ^= constant
    return b"".join(lane.to_bytes(8, "little") for lane in a[:4])


@lru_cache(maxsize=8192)
def checksum_address(address: str) -> str:
    """Return an EVM address in the mixed case of EIP-55."""
    digits = address[2:].lower()
    pattern = keccak256(digits.encode()).hex()
    return "0x" + "".join(c.upper() if int(p, 16) > 7 else c for c, p in zip(digits, pattern, strict=False))


def _evm_check(text: str) -> bool:
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        return False
    digits = text[2:]
    return digits in (digits.lower(), digits.upper()) or checksum_address(text) == text


# --- the other families -----------------------------------------------------------------------------------------


def _crc16(data: bytes) -> bytes:
    register = 0
    for byte in data:
        register ^= byte << 8
        for _ in range(8):
            register = register << 1 ^ (0x1021 if register & 0x8000 else 0)
    return (register & 0xFFFF).to_bytes(2, "little")


def _base32_encode(data: bytes) -> str:
    return "".join(BASE32_ALPHABET[value] for value in _regroup(data, 8, 5, pad=True) or [])


def _stellar_check(text: str) -> bool:
    values = [BASE32_ALPHABET.find(character) for character in text]
    if len(text) != 56 or min(values) < 0:
        return False
    data = bytes(_regroup(values, 5, 8, pad=False) or [])
    return len(data) == 35 and data[0] == 6 << 3 and _crc16(data[:-2]) == data[-2:]


def _substrate_check(text: str, prefix: int) -> bool:
    data = base58_decode(text)
    if data is None or len(data) != 35 or data[0] != prefix:
        return False
    return hashlib.blake2b(b"SS58PRE" + data[:-2]).digest()[:2] == data[-2:]


def _substrate_encode(key: bytes, prefix: int) -> str:
    data = bytes([prefix]) + key
    return base58_encode(data + hashlib.blake2b(b"SS58PRE" + data).digest()[:2])


def _tezos_check(text: str) -> bool:
    data = base58check_decode(text)
    prefix = TEZOS_PREFIXES.get(text[:3])
    return data is not None and prefix is not None and len(data) == 23 and data[:3] == prefix


def _cardano_check(text: str) -> bool:
    decoded = bech32_decode(text, "addr")
    if decoded is None or not decoded[1]:
        return False
    kind, network = decoded[1][0] >> 4, decoded[1][0] & 15
    return network == 1 and (
        (kind in (0, 1, 2, 3) and len(decoded[1]) == 57) or (kind in (6, 7) and len(decoded[1]) == 29)
    )


def _cosmos_check(text: str) -> bool:
    decoded = bech32_decode(text, "cosmos")
    return decoded is not None and len(decoded[1]) in (20, 32)


def _near_check(text: str) -> bool:
    name = r"[a-z0-9]+([-_][a-z0-9]+)*(\.[a-z0-9]+([-_][a-z0-9]+)*)+"
    return bool(re.fullmatch(r"[0-9a-f]{64}", text) or (2 <= len(text) <= 64 and re.fullmatch(name, text)))


def _ripple_check(text: str) -> bool:
    data = base58check_decode(text, RIPPLE_ALPHABET)
    return data is not None and len(data) == 21 and data[0] == 0


def _solana_check(text: str) -> bool:
    data = base58_decode(text)
    return data is not None and len(data) == 32


def _tron_check(text: str) -> bool:
    data = base58check_decode(text)
    return data is not None and len(data) == 21 and data[0] == 0x41


def _utxo_check(text: str, currency: str) -> bool:
    key, script, prefix = UTXO_FORMS[currency]
    if prefix and text.lower().startswith(prefix + "1"):
        decoded = bech32_decode(text, prefix, segwit=True)
        if decoded is None:
            return False
        version, data = decoded
        return (version == 0 and len(data) in (20, 32)) or (version == 1 and len(data) == 32)
    if currency == "bitcoin_cash" and _cash_check(text):
        return True
    decoded_bytes = base58check_decode(text)
    return decoded_bytes is not None and len(decoded_bytes) == 21 and decoded_bytes[0] in (key, script)


def _utxo_encode(entropy: bytes, currency: str) -> str:
    key, script, prefix = UTXO_FORMS[currency]
    if currency == "bitcoin_cash":
        return _cash_encode(entropy[:20])
    if prefix and entropy[31] < 200:
        # one in eight of the segwit addresses pays to a taproot key, the rest to a key hash
        return bech32_encode(prefix, entropy, 1) if entropy[31] < 25 else bech32_encode(prefix, entropy[:20], 0)
    return base58check_encode(bytes([script if entropy[31] % 4 == 0 else key]) + entropy[:20])


_ENCODERS: dict[str, Callable[[bytes], str]] = {
    "cardano": lambda entropy: bech32_encode("addr", b"\x01" + (entropy * 2)[:56]),
    "cosmos": lambda entropy: bech32_encode("cosmos", entropy[:20]),
    "ethereum": lambda entropy: checksum_address("0x" + entropy[:20].hex()),
    "near": lambda entropy: entropy.hex(),
    "ripple": lambda entropy: base58check_encode(b"\0" + entropy[:20], RIPPLE_ALPHABET),
    "solana": base58_encode,
    "stellar": lambda entropy: _base32_encode(b"\x30" + entropy + _crc16(b"\x30" + entropy)),
    "tezos": lambda entropy: base58check_encode(TEZOS_PREFIXES["tz1"] + entropy[:20]),
    "tron": lambda entropy: base58check_encode(b"\x41" + entropy[:20]),
}
_ENCODERS["polygon"] = _ENCODERS["ethereum"]
_CHECKS: dict[str, Callable[[str], bool]] = {
    "cardano": _cardano_check,
    "cosmos": _cosmos_check,
    "ethereum": _evm_check,
    "near": _near_check,
    "polygon": _evm_check,
    "ripple": _ripple_check,
    "solana": _solana_check,
    "stellar": _stellar_check,
    "tezos": _tezos_check,
    "tron": _tron_check,
}


def make_address(currency: str, family: str, entropy: bytes) -> str:
    """Return the address that 32 bytes stand for on a chain."""
    if currency in UTXO_FORMS:
        return _utxo_encode(entropy, currency)
    if currency in SUBSTRATE_PREFIXES:
        return _substrate_encode(entropy, SUBSTRATE_PREFIXES[currency])
    return _ENCODERS[family](entropy)


def valid_address(currency: str, family: str, address: str) -> bool:
    """Say whether an address has the form and the check digits of a chain."""
    if not address.isascii():
        return False
    if currency in UTXO_FORMS:
        return _utxo_check(address, currency)
    if currency in SUBSTRATE_PREFIXES:
        return _substrate_check(address, SUBSTRATE_PREFIXES[currency])
    check = _CHECKS.get(family)
    return check is not None and check(address)


def make_hash(family: str, entropy: bytes) -> str:
    """Return a transaction hash in the spelling of a chain's explorers."""
    if family in ("ethereum", "polygon", "polkadot"):
        return "0x" + entropy.hex()
    if family in ("ripple", "cosmos"):
        return entropy.hex().upper()
    if family == "solana":
        return base58_encode(entropy + entropy[::-1])
    if family == "near":
        return base58_encode(entropy)
    if family == "tezos":
        return base58check_encode(b"\x05\x74" + entropy)
    return entropy.hex()
