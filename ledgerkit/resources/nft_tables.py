"""The columns of NFTs, of their collections, and of what they are worth."""

from typing import Final

from ledgerkit.frames import INTEGER, LIST, NUMBER, OBJECT, TEXT, Table

NFT: Final = Table(
    "NFT",
    {
        "account_id": INTEGER,
        "contract_address": TEXT,
        "token_id": TEXT,
        "token_type": TEXT,
        "value": NUMBER,
        "tx_balance": {
            "available": NUMBER,
            "on_chain": NUMBER,
            "pending_approval": NUMBER,
            "submitted": NUMBER,
        },
        "price": {
            "contract_address": TEXT,
            "ticker": TEXT,
            "token_id": TEXT,
            "value": NUMBER,
        },
        "metadata": {
            "description": TEXT,
            "links": OBJECT,
            "media": TEXT,
            "medias": {
                "big": {
                    "mediaType": TEXT,
                    "uri": TEXT,
                },
                "original": {
                    "mediaType": TEXT,
                    "uri": TEXT,
                },
                "preview": {
                    "mediaType": TEXT,
                    "uri": TEXT,
                },
            },
            "nftName": TEXT,
            "properties": LIST,
            "staxImage": TEXT,
            "tokenId": TEXT,
            "tokenName": TEXT,
            "tokenNameThumbnail": TEXT,
        },
    },
)
NFT_COLLECTION: Final = Table(
    "NFT collection",
    {
        "account_id": INTEGER,
        "name": TEXT,
        "contract_address": TEXT,
        "token_type": TEXT,
        "token_balance": NUMBER,
        "price": {
            "contract_address": TEXT,
            "ticker": TEXT,
            "token_id": TEXT,
            "value": NUMBER,
        },
        "image": {
            "mediaType": TEXT,
            "uri": TEXT,
        },
    },
)
NFT_PORTFOLIO: Final = Table(
    "account",
    {
        "account_id": INTEGER,
        "token_quantity": NUMBER,
        # In wei whatever the account is of, so not in the base unit of a Polygon account.
        "portfolio_value": {"eth_value": NUMBER, "usd_value": NUMBER},
    },
)
