"""What can be the name of a host, and which hosts are this machine itself."""

import re
from ipaddress import ip_address
from typing import Final

# Of a name, and of one of its parts: found at the first call only, it would be a UnicodeError of the lookup.
LONGEST_NAME: Final = 253
PARTS: Final = re.compile(r"([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")


def is_host(host: str) -> bool:
    """Say whether a text in lower case is an IP address, or may be the name of a host."""
    if ":" in host or host.rpartition(".")[2].isdigit():
        try:
            return bool(ip_address(host))
        except ValueError:
            return False
    return len(host) <= LONGEST_NAME and PARTS.fullmatch(host) is not None


def is_loopback(host: str) -> bool:
    """Say whether a name or an address is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return bool((getattr(address, "ipv4_mapped", None) or address).is_loopback)
