"""NFTs, their collections and what they are worth together."""

from dataclasses import dataclass, field

from .accounts import Chart
from .material import Material, Node

# name, contract, type, floor price in ether, tokens held by account
_COLLECTIONS: tuple[tuple[str | None, str, str, float | None, dict[str, int]], ...] = (
    ("Bored Ape Yacht Club", "0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D", "ERC721", 11.85, {"ETH Treasury 1": 2}),
    (
        "Ethereum Name Service",
        "0x57f1887a8BF19b14fC0dF6Fd9B2acc9Af147eA85",
        "ERC721",
        0.0007,
        {"ETH Treasury 1": 9, "ETH Trading Hot": 4},
    ),
    (
        "OpenSea Shared Storefront",
        "0x495f947276749Ce646f68AC8c248420045cb7b5e",
        "ERC1155",
        None,
        {"ETH Trading Hot": 5, "ETH Treasury 1": 3},
    ),
    (None, "0x2953399124F0cBB46d2CbACD8A89cF0599974963", "ERC1155", None, {"POL Treasury": 14}),
)


@dataclass(slots=True)
class Gallery:
    """NFTs by account."""

    nfts: dict[int, list[Node]] = field(default_factory=dict)
    collections: dict[int, list[Node]] = field(default_factory=dict)
    portfolios: dict[int, Node] = field(default_factory=dict)


def build_gallery(material: Material, chart: Chart) -> Gallery:
    """Make the NFTs of the accounts that hold some."""
    gallery = Gallery()
    worth: dict[int, int] = {}
    for name, contract, standard, floor, holders in _COLLECTIONS:
        price = _price(floor)
        for account_name, count in holders.items():
            account_id = chart.by_name[account_name].node["id"]
            tokens = [_token(material, name, contract, standard, price, index) for index in range(count)]
            gallery.nfts.setdefault(account_id, []).extend(tokens)
            image = {"mediaType": "image/png", "uri": f"https://nft.example.org/{contract}/collection.png"}
            gallery.collections.setdefault(account_id, []).append(
                {
                    "account_id": account_id,
                    "contract_address": contract,
                    "name": name,
                    "token_type": standard,
                    "token_balance": sum(token["value"] for token in tokens),
                    "price": price,
                    "image": image if name else None,
                }
            )
            worth[account_id] = worth.get(account_id, 0) + round((floor or 0) * 10**6) * 10**12 * count
    for account_id, value in worth.items():
        dollars = f"{value / 10**18 * 3100:.2f}" if value else None
        gallery.portfolios[account_id] = {
            "portfolio_value": {"eth_value": value, "usd_value": dollars},
            "token_quantity": sum(token["value"] for token in gallery.nfts[account_id]),
        }
    return gallery


def _price(floor: float | None) -> Node | None:
    if floor is None:
        return None
    return {"ticker": "ETH", "value": floor, "contract_address": None, "token_id": None}


def _token(
    material: Material, name: str | None, contract: str, standard: str, price: Node | None, index: int
) -> Node:
    digest = material.derive("nft", contract, index)
    wide = standard == "ERC1155" or name == "Ethereum Name Service"
    token_id = str(int.from_bytes(digest if wide else digest[:2], "big"))
    # semi-fungible tokens come in any number: one of them in more than 64 bits hold
    value = 1 if standard == "ERC721" else (1, 25, 3 * 10**20)[index % 3]
    uri = f"https://nft.example.org/{contract}/{index}.png"
    metadata: Node | None = {
        "tokenId": token_id,
        "tokenName": name or "Unnamed collection",
        "nftName": f"{name} #{token_id[:6]}" if name else None,
        "description": None,
        "media": uri,
        "medias": {
            "original": {"uri": uri, "mediaType": "image/png"},
            "preview": {"uri": uri + "?size=200", "mediaType": "image/png"},
            "big": None,
        },
        "properties": [{"key": "Background", "value": ("Blue", "Army Green", "Purple")[index % 3]}],
        "links": {"explorer": f"https://nft.example.org/{contract}/{index}"},
        "tokenNameThumbnail": None,
        "staxImage": None,
    }
    return {
        "contract_address": contract,
        "token_id": token_id,
        "token_type": standard,
        "value": value,
        "metadata": None if name is None and index % 4 == 3 else metadata,
        "price": price,
        "tx_balance": {"available": value, "on_chain": value, "pending_approval": 0, "submitted": 0}
        if index % 2 == 0
        else None,
    }
