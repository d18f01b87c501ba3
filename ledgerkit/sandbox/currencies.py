"""The currencies and tokens of the sandbox, with the units that the public knows."""

from dataclasses import dataclass
from typing import Any, get_args

from ledgerkit.vocabulary import CurrencyName

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Coin:
    """What the world needs to know about a currency beyond its node."""

    name: str
    family: str
    ticker: str
    magnitude: int
    confirmations: int
    block_seconds: float
    # price in dollars of one display unit: it makes sizes plausible and appears in no answer
    price: float


_EVM: dict[str, tuple[str, int, float, float]] = {
    "arbitrum": ("ETH", 20, 0.25, 3100.0),
    "avalanche_c_chain": ("AVAX", 12, 2.0, 28.0),
    "base": ("ETH", 20, 2.0, 3100.0),
    "blast": ("ETH", 20, 2.0, 3100.0),
    "bsc": ("BNB", 15, 3.0, 610.0),
    "celo": ("CELO", 12, 5.0, 0.6),
    "cronos": ("CRO", 12, 6.0, 0.12),
    "ethereum": ("ETH", 12, 12.0, 3100.0),
    "ethereum_classic": ("ETC", 500, 13.0, 24.0),
    "ethereum_pow": ("ETHW", 50, 13.0, 2.0),
    "etherlink": ("XTZ", 20, 0.5, 0.9),
    "fantom": ("FTM", 10, 1.0, 0.6),
    "filecoin": ("FIL", 30, 30.0, 4.0),
    "flare": ("FLR", 12, 1.8, 0.02),
    "kava_evm": ("KAVA", 12, 6.0, 0.4),
    "klaytn": ("KLAY", 12, 1.0, 0.15),
    "linea": ("ETH", 20, 3.0, 3100.0),
    "mantle": ("MNT", 20, 2.0, 0.8),
    "neon_evm": ("NEON", 20, 0.4, 0.4),
    "optimism": ("ETH", 20, 2.0, 3100.0),
    "polygon_zk_evm": ("ETH", 20, 3.0, 3100.0),
    "pulsechain": ("PLS", 12, 10.0, 0.00005),
    "scroll": ("ETH", 20, 3.0, 3100.0),
    "sonic": ("S", 12, 1.0, 0.5),
    "tomo": ("TOMO", 12, 2.0, 0.3),
}
_UTXO: dict[str, tuple[str, int, float, float]] = {
    "bitcoin": ("BTC", 3, 600.0, 64000.0),
    "bitcoin_cash": ("BCH", 6, 600.0, 420.0),
    "bitcoin_gold": ("BTG", 6, 600.0, 30.0),
    "bitcoin_testnet": ("tBTC", 1, 600.0, 64000.0),
    "dash": ("DASH", 6, 156.0, 30.0),
    "digibyte": ("DGB", 40, 15.0, 0.01),
    "dogecoin": ("DOGE", 20, 60.0, 0.15),
    "komodo": ("KMD", 6, 60.0, 0.3),
    "litecoin": ("LTC", 6, 150.0, 85.0),
    "pivx": ("PIVX", 20, 60.0, 0.3),
    "vertcoin": ("VTC", 20, 150.0, 0.1),
    "viacoin": ("VIA", 20, 24.0, 0.02),
}
# name: family, ticker, magnitude, confirmations, seconds per block, price, code of the base unit
_OTHERS: dict[str, tuple[str, str, int, int, float, float, str]] = {
    "cardano": ("cardano", "ADA", 6, 15, 20.0, 0.5, "lovelace"),
    "cosmos": ("cosmos", "ATOM", 6, 1, 6.0, 7.0, "uatom"),
    "near": ("near", "NEAR", 24, 2, 1.2, 5.0, "yocto"),
    "polkadot": ("polkadot", "DOT", 10, 15, 6.0, 6.0, "planck"),
    "westend": ("polkadot", "WND", 12, 15, 6.0, 6.0, "planck"),
    "polygon": ("polygon", "POL", 18, 64, 2.1, 0.5, "wei"),
    "polygon_amoy": ("polygon", "POL", 18, 64, 2.1, 0.5, "wei"),
    "polygon_mumbai": ("polygon", "MATIC", 18, 64, 2.1, 0.5, "wei"),
    "ripple": ("ripple", "XRP", 6, 1, 3.9, 0.55, "drop"),
    "solana": ("solana", "SOL", 9, 31, 0.4, 150.0, "lamport"),
    "solana_devnet": ("solana", "SOL", 9, 31, 0.4, 150.0, "lamport"),
    "solana_testnet": ("solana", "SOL", 9, 31, 0.4, 150.0, "lamport"),
    "stellar": ("stellar", "XLM", 7, 1, 5.5, 0.11, "stroop"),
    "tezos": ("tezos", "XTZ", 6, 2, 10.0, 0.9, "mutez"),
    "tron": ("tron", "TRX", 6, 19, 3.0, 0.13, "sun"),
}
_TESTNETS = (
    *("fuji", "sepolia", "goerli", "holesky", "hoodi", "ropsten", "testnet", "baobab", "calibration", "coston"),
    *("alfajores", "amoy", "mumbai", "devnet", "westend"),
)


def _coin(name: str) -> Coin:
    if name in ("Dollar", "Euro"):
        return Coin(name, "fiat", "USD" if name == "Dollar" else "EUR", 2, 0, 1.0, 1.0)
    if name in _UTXO:
        ticker, confirmations, seconds, price = _UTXO[name]
        return Coin(name, "bitcoin", ticker, 8, confirmations, seconds, price)
    if name in _OTHERS:
        family, ticker, magnitude, confirmations, seconds, price, _ = _OTHERS[name]
        return Coin(name, family, ticker, magnitude, confirmations, seconds, price)
    parent = name if name in _EVM else name.rsplit("_", 1)[0]
    ticker, confirmations, seconds, price = _EVM[parent]
    return Coin(name, "ethereum", ticker, 18, confirmations, seconds, price)


COINS: dict[str, Coin] = {name: _coin(name) for name in get_args(CurrencyName)}


def is_testnet(name: str) -> bool:
    """Say whether a currency is worth nothing."""
    return name.endswith(_TESTNETS)


def coin_units(coin: Coin) -> list[Node]:
    """Return the units of a coin, from the base unit up."""
    prefix = "t" if is_testnet(coin.name) and not coin.ticker.startswith("t") else ""
    if coin.family == "fiat":
        codes = [("cent", 0), (coin.ticker, 2)]
    elif coin.name in ("bitcoin", "bitcoin_testnet"):
        bit = "t" if coin.name == "bitcoin_testnet" else ""
        codes = [("sat", 0), (bit + "bit", 2), (f"m{coin.ticker}", 5), (coin.ticker, 8)]
    elif coin.family == "bitcoin":
        codes = [("sat", 0), (coin.ticker, 8)]
    elif coin.magnitude == 18:
        codes = [("wei", 0), ("Kwei", 3), ("Mwei", 6), ("Gwei", 9), (prefix + coin.ticker, 18)]
    else:
        codes = [(_OTHERS[coin.name][6], 0), (prefix + coin.ticker, coin.magnitude)]
    return [{"code": code, "magnitude": magnitude} for code, magnitude in codes]


def currency_nodes() -> list[Node]:
    """Return the node of every currency."""
    return [
        {
            "name": coin.name,
            # one currency without a family: the API allows it, so a reader has to bear it
            "family": None if coin.name == "tomo_testnet" else coin.family,
            "type": "FIAT" if coin.family == "fiat" else "CRYPTO",
            "num_confirmation_needed": coin.confirmations,
            "units": coin_units(coin),
        }
        for coin in COINS.values()
    ]


@dataclass(frozen=True, slots=True)
class Token:
    """A token on one of the chains."""

    ticker: str
    name: str
    currency: str
    contract: str
    magnitude: int
    price: float


TOKENS: tuple[Token, ...] = (
    Token("USDT", "Tether USD", "ethereum", "0xdAC17F958D2ee523a2206206994597C13D831ec7", 6, 1.0),
    Token("USDC", "USD Coin", "ethereum", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6, 1.0),
    Token("DAI", "Dai Stablecoin", "ethereum", "0x6B175474E89094C44Da98b954EedeAC495271d0F", 18, 1.0),
    Token("WBTC", "Wrapped BTC", "ethereum", "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599", 8, 64000.0),
    Token("LINK", "ChainLink Token", "ethereum", "0x514910771AF9Ca656af840dff83E8264EcF986CA", 18, 14.0),
    Token("UNI", "Uniswap", "ethereum", "0x1f9840a85d5aF5bf1D1762F925BDADdC4201F984", 18, 8.0),
    Token("AAVE", "Aave Token", "ethereum", "0x7Fc66500c84A76Ad7e9c93437bFc5Ac33E2DDaE9", 18, 150.0),
    Token("stETH", "Liquid staked Ether 2.0", "ethereum", "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84", 18, 3100.0),
    Token("wstETH", "Wrapped stETH", "ethereum", "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0", 18, 3600.0),
    Token("WETH", "Wrapped Ether", "ethereum", "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", 18, 3100.0),
    Token("SHIB", "SHIBA INU", "ethereum", "0x95aD61b0a150d79219dCF64E1E6Cc01f0B64C4cE", 18, 0.00002),
    Token("PEPE", "Pepe", "ethereum", "0x6982508145454Ce325dDbE47a25d4ec3d2311933", 18, 0.00001),
    Token("MKR", "Maker", "ethereum", "0x9f8F72aA9304c8B593d555F12eF6589cC3A579A2", 18, 2500.0),
    Token("CRV", "Curve DAO Token", "ethereum", "0xD533a949740bb3306d119CC777fa900bA034cd52", 18, 0.4),
    Token("LDO", "Lido DAO Token", "ethereum", "0x5A98FcBEA516Cf06857215779Fd812CA3beF1B32", 18, 1.8),
    Token("MATIC", "Matic Token", "ethereum", "0x7D1AfA7B718fb893dB30A3aBc0Cfc608AaCfeBB0", 18, 0.5),
    Token("EURC", "Euro Coin", "ethereum", "0x1aBaEA1f7C830bD89Acc67eC4af516284b1bC33c", 6, 1.08),
    Token("PYUSD", "PayPal USD", "ethereum", "0x6c3ea9036406852006290770BEdFcAbA0e23A0e8", 6, 1.0),
    Token("COMP", "Compound", "ethereum", "0xc00e94Cb662C3520282E6f5717214004A7f26888", 18, 50.0),
    Token("USDC", "USD Coin (Sepolia)", "ethereum_sepolia", "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238", 6, 1.0),
    Token("USDC", "USD Coin (Arbitrum)", "arbitrum", "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", 6, 1.0),
    Token("USDT", "Tether USD (Arbitrum)", "arbitrum", "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9", 6, 1.0),
    Token("ARB", "Arbitrum", "arbitrum", "0x912CE59144191C1204E64559FE8253a0e49E6548", 18, 0.8),
    Token("USDC", "USD Coin (Base)", "base", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", 6, 1.0),
    Token("USDC", "USD Coin (Optimism)", "optimism", "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85", 6, 1.0),
    Token("OP", "Optimism", "optimism", "0x4200000000000000000000000000000000000042", 18, 1.7),
    Token("USDC", "USD Coin (Polygon)", "polygon", "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", 6, 1.0),
    Token("USDT", "Tether USD (Polygon)", "polygon", "0xc2132D05D31c914a87C6611C10748AEb04B58e8F", 6, 1.0),
    Token("USDC", "USD Coin (Avalanche)", "avalanche_c_chain", "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E", 6, 1.0),
    Token("USDT", "Tether USD (BNB Chain)", "bsc", "0x55d398326f99059fF775485246999027B3197955", 18, 1.0),
    Token("USDC", "USD Coin (BNB Chain)", "bsc", "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d", 18, 1.0),
    Token("BUSD", "Binance USD", "bsc", "0xe9e7CEA3DedcA5984780Bafc599bD69ADd087D56", 18, 1.0),
    Token("CAKE", "PancakeSwap Token", "bsc", "0x0E09FaBB73Bd3Ade0a17ECC321fD13a19e81cE82", 18, 2.2),
    Token("USDT", "Tether USD (TRON)", "tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", 6, 1.0),
    Token("USDC", "USD Coin (TRON)", "tron", "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8", 6, 1.0),
    Token("JST", "JUST", "tron", "TCFLL5dx5ZJdKnWuesXxi1VPwjLVmWZZy9", 18, 0.03),
    Token("USDC", "USD Coin (Solana)", "solana", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", 6, 1.0),
    Token("USDT", "Tether USD (Solana)", "solana", "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", 6, 1.0),
    Token("BONK", "Bonk", "solana", "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263", 5, 0.00002),
    Token("JUP", "Jupiter", "solana", "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN", 6, 0.9),
    Token("JitoSOL", "Jito Staked SOL", "solana", "J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn", 9, 175.0),
)


def find_token(currency: str, ticker: str) -> Token:
    """Return the token of a chain that has a ticker."""
    return next(token for token in TOKENS if (token.currency, token.ticker) == (currency, ticker))


def token_units(token: Token) -> list[Node]:
    """Return the units of a token, from the base unit up."""
    return [
        {"code": f"{token.ticker} base unit", "magnitude": 0},
        {"code": token.ticker, "magnitude": token.magnitude},
    ]


def token_nodes() -> list[Node]:
    """Return the node of every token."""
    return [
        {
            "contract_address": token.contract,
            "name": token.name,
            "parent_currency": token.currency,
            "units": token_units(token),
        }
        for token in TOKENS
    ]
