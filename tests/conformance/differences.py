"""Where the kit differs from the letter of the contract on purpose, each with its reason, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from conformance.contract import Leaf, Schema, columns, row, schemas
from ledgerkit.frames import AMOUNT, FEES, INTEGER, NUMBER, REFERENCE, TEXT, TIME

# Parameters

# Paging is the reader's business: a search returns every row.
NEVER_PARAMETERS: Final = frozenset({"page", "page_size"})
# What a method takes beside the parameters of its operation.
ADDED_PARAMETERS: Final[Mapping[str, Mapping[str, str]]] = {
    "GET /accounts": {"include_xpub": "the extended public key is shown only where it is asked for"},
    "GET /accounts/{account_id}": {"include_xpub": "as in the search"},
    "GET /pledges": {"status": "everywhere else the API calls this filter `status`, here `state`"},
    **{
        f"GET /{chain}/accounts/{{account_id}}/stakes": {
            "creation_account_id": "`account_id` is in the path too, and Python has one name for one parameter"
        }
        for chain in ("cardano", "solana", "tezos")
    },
}
LIMIT: Final = "limit"  # rows, of every list that has pages
# The name of a filter where it can't be the API's.
RENAMED_PARAMETERS: Final = {
    f"GET /{chain}/accounts/{{account_id}}/stakes": {"account_id": "creation_account_id"}
    for chain in ("cardano", "solana", "tezos")
}
# Values that a filter takes beside those of the contract.
ADDED_CHOICES: Final = {
    ("GET /requests", "status"): {"ABORTED"},  # how the answers to a POST spell REJECTED
    ("GET /messages", "message_type"): {"EIP-191", "EIP-712"},  # how objects spell EIP191, EIP712
}
# Filters for which the contract lists no values, while the objects that they select have a closed set.
CHOICES_OF_OBJECTS: Final = {
    (f"GET /{chain}/accounts/{{account_id}}/stakes", "status"): f"_{chain.title()}Stake"
    for chain in ("cardano", "solana", "tezos")
}
# The contract says integer, but bodies and searches show UUIDs (pledges and settlements alone have them).
TEXT_IN_PATHS: Final = frozenset({"pledge_id", "settlement_id"})

# Rows


@dataclass(frozen=True)
class Difference:
    """How the columns of an operation differ from the fields of its answer.

    Parameters
    ----------
    why
        The reason.
    added, left_out, renamed
        Columns that are not in the answer, fields that are no column, and columns by the name of their field.
    """

    why: str
    added: Mapping[str, str]
    left_out: frozenset[str] = frozenset()
    renamed: Mapping[str, str] | None = None


def _asked_for(column: str, operations: str, kind: str = INTEGER) -> dict[str, Difference]:
    why = "rows of several objects are read into one frame, and do not say themselves whose they are"
    return {f"GET {path}": Difference(why, {column: kind}) for path in operations.split()}


_NO_XPUB = Difference("the extended public key is shown only where it is asked for", {}, left_out=frozenset({"xpub"}))
_JWT = Difference(
    "the answer is a signed text: its claims, the text itself, and that nobody verified it",
    {
        "account_id": INTEGER,
        "address": TEXT,
        "derivation_path": TEXT,
        "blockchain_name": TEXT,
        "verification": TEXT,
        "jwt": TEXT,
    },
    left_out=frozenset({""}),
)

ROWS: Final[Mapping[str, Difference]] = {
    **_asked_for(
        "account_id",
        """
        /accounts/{account_id}/addresses
        /accounts/{account_id}/addresses/{index}
        /accounts/{account_id}/balances
        /accounts/{account_id}/balances/history
        /accounts/{account_id}/currency
        /accounts/{account_id}/labels
        /accounts/{account_id}/nft-portfolio
        /accounts/{account_id}/nfts
        /accounts/{account_id}/tokens
        /cardano/accounts/{account_id}/periodic-rewards
        /cardano/accounts/{account_id}/rewards
        /cardano/accounts/{account_id}/stakes
        /cardano/accounts/{account_id}/stakes/{stake_uid}/rewards
        /ethereum/accounts/{account_id}/stakes/{stake_uid}/rewards
        /solana/accounts/{account_id}/periodic-rewards
        /solana/accounts/{account_id}/rewards
        /solana/accounts/{account_id}/stakes
        /solana/accounts/{account_id}/stakes/{stake_uid}/rewards
        /tezos/accounts/{account_id}/rewards
        /tezos/accounts/{account_id}/stakes
        """,
    ),
    **_asked_for("entity_id", "/entities/{entity_id}/users"),
    **_asked_for("transaction_id", "/transactions/{transaction_id}/labels"),
    "GET /ethereum/accounts/{account_id}/rewards": Difference(
        "one table for the rewards of accounts, which name no stake here, and of stakes, which do",
        {"account_id": INTEGER, "stake_uid": TEXT},
    ),
    **{
        f"GET /{section}/{{{name}}}/history": Difference(
            "whose history it is, and where in the list of lists an entry stood", {name: INTEGER, "position": INTEGER}
        )
        for section, name in {
            "accounts": "account_id",
            "digests": "digests_id",
            "entities": "entity_id",
            "groups": "group_id",
            "messages": "message_id",
            "transactions": "transaction_id",
            "users": "user_id",
            "whitelists": "whitelist_id",
        }.items()
    },
    "GET /accounts": _NO_XPUB,
    "GET /accounts/{account_id}": _NO_XPUB,
    "GET /accounts/{account_id}/sync": _NO_XPUB,
    "GET /accounts/{parent_account_id}/erc20-children-accounts": _NO_XPUB,
    "GET /accounts/{account_id}/address": _JWT,
    "GET /accounts/{account_id}/address/{index}": _JWT,
    "GET /certificates/chain": Difference(
        "a list of bare texts, whose order is the order of trust",
        {"position": INTEGER, "certificate": TEXT},
        left_out=frozenset({""}),
    ),
    "GET /currencies/{currency_name}/{address}": Difference(
        "the answer is a bare yes or no", {"currency_name": TEXT, "address": TEXT}
    ),
    "GET /requests/{request_id}/governance-status": Difference(
        "the creator is an object of an id alone, shown as the id",
        {"request_created_by": REFERENCE},
        left_out=frozenset({"request_created_by_id"}),
    ),
}
# Answers whose rows are the members of one of their lists, each with what stands beside the list.
ONE_ROW_PER: Final = {
    "GET /accounts/{account_id}/balances/history": "balances",
    "GET /requests/{request_id}/governance-status": "governance_steps",
}
# The contract names the list of pledges here, a slip: its prose and everything else say settlements.
SLIPS: Final = {"GET /settlements": "Settlement"}


def row_of(operation: str) -> Schema:
    """Return the schema of what is a row of the kit's frame."""
    return schemas()[SLIPS[operation]] if operation in SLIPS else row(operation)


def columns_of(operation: str) -> dict[str, list[Leaf]]:
    """Return the columns that an answer gives, before the differences."""
    found = columns(operation, row_of(operation))
    if operation not in ONE_ROW_PER:
        return found
    [inner] = found.pop(ONE_ROW_PER[operation])
    return found | columns(operation, inner.schema["items"])


# Kinds that the contract does not say, by the field where they are declared.
# Texts and integers that count money or tokens: never int64, never a float, never a text that sorts 10 before 9.


def _fields(text: str, kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.split("\n"):
        if line.strip():
            schema, _, names = line.strip().partition(": ")
            found |= {f"{schema}.{name}": kind for name in names.split()}
    return found


# Base units of the account itself.
AMOUNTS: Final = _fields(
    """
    Account: balance available_balance pending_balance
    AccountBalances: available pending total
    AccountBalancesHistoryEntry: value
    BitcoinBalances: available confirmed mempool_change mempool_in mempool_out pending total worthless
    BitcoinBalances: under_confirmation_change under_confirmation_in under_confirmation_out
    CardanoStakeReward: amount
    CardanoStakeRewardInfo: accumulated
    CardanoTxMetadata: amount
    EthereumAccountReward: amount
    EthereumStakeBlockchainState: balance consensus_rewards effective_balance execution_rewards
    EthereumStakeReward: amount
    EthereumStakeRewardInfo: consensus_rewards execution_rewards stake_balance
    EthereumStakingInfo: available_rewards total_rewards total_staking
    InboundTransactionIntent: amount
    MaticStakingInfo: total_rewards total_staking total_unbonded total_unbonding
    PeriodicRewards: last7 last30 total
    Pledge: amount pending
    PolkadotBalances: available bonded free frozen reserved total
    PolkadotBalancesWithUnbondingInfo: available bonded free frozen reserved total total_unbonded total_unbonding
    RepledgeIntent: amount
    SolanaBalances: activating deactivating delegated total_staked undelegated
    SolanaStakeBlockchainState: active_balance inactive_balance rent_exempt_reserve total_balance withdrawable_balance
    SolanaStakeReward: amount
    SolanaStakeRewardInfo: post_balance
    TezosRewardInfo: active_balance rewards
    TezosRewards: amount
    TezosStakeBlockchainState: active_balance rewards
    TradelinkState: total_repledge
    Transaction: amount
    _CardanoStake: amount total_reward
    _EthereumBlockchainStake: total_reward
    _SolanaStake: amount total_reward
    _TezosStake: amount total_reward
    """,
    AMOUNT,
)
# Base units of what the account pays fees in: of a token's account that is the network's currency.
FEE_AMOUNTS: Final = _fields("Transaction: fees max_fees", FEES)
# Exact numbers of no unit of the account: prices and quantities of gas, counts of NFTs that may be 256 bits wide, wei
# whatever the account is of, base units of a token whose account the row does not name, 64-bit unsigned memos, rates.
NUMBERS: Final = _fields(
    """
    BitcoinFields: fees_per_byte
    EthereumAndEvmFieldsEip1559: gas_limit priority_fees
    EthereumAndEvmFieldsLegacy: gas_limit gas_price
    NFT: value
    NFTCollection: token_balance
    NFTPortfolioValuation: token_quantity
    NFTTransactionBalance: available on_chain pending_approval submitted
    NFTValuation: eth_value usd_value
    StellarMemoId: MEMO_ID
    TezosFields1: gas_limit storage_limit
    TezosRewardInfo: gross_apy
    TezosStakeBlockchainState: gross_apy
    VaultLightTokenAccount: available pending
    """,
    NUMBER,
)
# Texts without a format whose examples and prose are times.
TIMES: Final = _fields(
    """
    AccountBalancesHistoryEntry: date
    EthereumStakeBlockchainState: activated_at delegated_at
    PolkadotAnonymousProxyInfo: created_at
    TezosRewardInfo: cycle_begins_at
    TezosRewards: created_on
    _CardanoStake: created_on
    _EthereumBlockchainStake: created_on
    _SolanaStake: created_on
    _TezosStake: created_on
    """,
    TIME,
)
KINDS: Final[Mapping[str, str]] = {**AMOUNTS, **FEE_AMOUNTS, **NUMBERS, **TIMES}
