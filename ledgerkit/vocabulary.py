"""The closed sets of values that the Vault API 1.35.0 documents, as ``Literal`` types.

The documented lists lag behind the service, so readers of answers must take any string;
these sets serve completion, the check of filters, and the pick lists of forms.
"""

from typing import Literal

# direction of a listing
Order = Literal["asc", "desc"]
# every currency of `GET /currencies`, fiat ones included
CurrencyName = Literal[
    "Dollar",
    "Euro",
    "arbitrum",
    "arbitrum_goerli",
    "arbitrum_sepolia",
    "avalanche_c_chain",
    "avalanche_c_chain_fuji",
    "base",
    "base_goerli",
    "base_sepolia",
    "bitcoin",
    "bitcoin_cash",
    "bitcoin_gold",
    "bitcoin_testnet",
    "blast",
    "blast_sepolia",
    "bsc",
    "cardano",
    "celo",
    "celo_alfajores",
    "cosmos",
    "cronos",
    "cronos_testnet",
    "dash",
    "digibyte",
    "dogecoin",
    "ethereum",
    "ethereum_classic",
    "ethereum_goerli",
    "ethereum_holesky",
    "ethereum_hoodi",
    "ethereum_pow",
    "ethereum_ropsten",
    "ethereum_sepolia",
    "etherlink",
    "fantom",
    "fantom_testnet",
    "filecoin",
    "filecoin_calibration",
    "flare",
    "flare_coston",
    "kava_evm",
    "kava_evm_testnet",
    "klaytn",
    "klaytn_baobab",
    "komodo",
    "linea",
    "litecoin",
    "mantle",
    "mantle_sepolia",
    "near",
    "neon_evm",
    "optimism",
    "optimism_goerli",
    "optimism_sepolia",
    "pivx",
    "polkadot",
    "polygon",
    "polygon_amoy",
    "polygon_mumbai",
    "polygon_zk_evm",
    "polygon_zk_evm_testnet",
    "pulsechain",
    "pulsechain_testnet",
    "ripple",
    "scroll",
    "scroll_sepolia",
    "solana",
    "solana_devnet",
    "solana_testnet",
    "sonic",
    "stellar",
    "tezos",
    "tomo",
    "tomo_testnet",
    "tron",
    "vertcoin",
    "viacoin",
    "westend",
]
# `Currency.family`; `Transaction.currency_family` has all of these but fiat
CurrencyFamily = Literal[
    "bitcoin",
    "cardano",
    "cosmos",
    "ethereum",
    "fiat",
    "near",
    "polkadot",
    "polygon",
    "ripple",
    "solana",
    "stellar",
    "tezos",
    "tron",
]
CurrencyType = Literal["CRYPTO", "FIAT"]
AccountType = Literal[
    "Bep20",
    "Bitcoin",
    "Cardano",
    "Cosmos",
    "Erc20",
    "Ethereum",
    "Generic",
    "Near",
    "Polkadot",
    "Polygon",
    "Ripple",
    "Solana",
    "Stellar",
    "Tezos",
    "Trc20",
    "Tron",
]
AccountStatus = Literal[
    "ACTIVATION_ABORTED",
    "ACTIVE",
    "APPROVED",
    "HSM_COIN_UPDATED",
    "PENDING",
    "PENDING_ACTIVATION",
    "PENDING_CREATE_IN_HSM",
    "PENDING_VIEW_ONLY",
    "REJECTED",
    "VIEW_ONLY",
]
# `change` is listed by the API but not supported by it yet
AddressType = Literal["change", "receive"]
# the rules inside a rule set of an account
AccountRuleType = Literal[
    "MULTI_AUTHORIZATIONS", "SMART_CONTRACT_INTERACTION", "THRESHOLD", "TRANSACTION_FILTER", "WHITELIST"
]
TransactionStatus = Literal[
    "APPROVED",
    "CONFIRMED",
    "DROPPED",
    "FAILED",
    "FAILED_TO_BROADCAST",
    "FAILED_TO_CRAFT",
    "FAILED_TO_SIGN",
    "PENDING_APPROVAL",
    "PENDING_CREATE_IN_HSM",
    "REJECTED",
    "REPLACED",
    "SIGNED",
    "SUBMITTED",
]
TransactionType = Literal[
    "ADDPROXY",
    "ANONYMOUSPROXY",
    "BOND",
    "BONDEXTRA",
    "CHILL",
    "CREATE_SPL_TOKEN_ACCOUNT",
    "DELEGATE",
    "DELEGATE_VOTE_TO_DREP",
    "DEPLOY_CONTRACT",
    "EXECUTE_CONTRACT",
    "KILLANONYMOUS",
    "PROXY",
    "REBOND",
    "RECEIVE",
    "RECEIVE_SPL_TOKEN_CHECKED",
    "RECEIVE_SPL_TOKEN_CHECKED_FUNDED",
    "REMOVEPROXY",
    "REVEAL",
    "REWARD",
    "SEND",
    "SEND_SPL_TOKEN_CHECKED",
    "SEND_SPL_TOKEN_CHECKED_FUNDED",
    "SETCONTROLLER",
    "SETPAYEE",
    "STAKE",
    "STAKE_CREATE_DELEGATE",
    "STAKE_DEACTIVATE",
    "STAKE_DELEGATE",
    "STAKE_MERGE",
    "STAKE_SPLIT",
    "STAKE_SPLIT_DEACTIVATE",
    "STAKE_WITHDRAW",
    "STAKING_DELEGATE",
    "STAKING_DEREGISTER",
    "STAKING_REGISTER",
    "STAKING_WITHDRAW",
    "UNBOND",
    "UNDELEGATE",
    "UNKNOWN",
    "WITHDRAWUNBONDED",
]
InteractionType = Literal["APPROVAL", "STAKE", "SWAP", "UNKNOWN", "UNWRAP", "WRAP"]
# `Transaction.speed`; CUSTOM cannot be asked for by name when creating
Speed = Literal["CUSTOM", "FAST", "NORMAL", "SLOW"]
# as searched and listed; answers to a POST say ABORTED for REJECTED
RequestStatus = Literal[
    "ACTIVE",
    "APPROVED",
    "BLOCKED",
    "EXPIRED",
    "PENDING_APPROVAL",
    "PENDING_FIRST_APPROVAL",
    "PENDING_REGISTRATION",
    "REJECTED",
    "SIGNED",
    "SUBMITTED",
]
RequestType = Literal[
    "ACTIVATE",
    "CREATE_ACCOUNT",
    "CREATE_ADMIN",
    "CREATE_ADMIN_GROUP",
    "CREATE_API_USER",
    "CREATE_API_USER_ACCESS",
    "CREATE_DAPPS_CONFIG",
    "CREATE_ENTITY",
    "CREATE_FORCED_UNPLEDGE",
    "CREATE_GROUP",
    "CREATE_OPERATOR",
    "CREATE_PLEDGE_INCREMENT",
    "CREATE_POLICY",
    "CREATE_REPLEDGE",
    "CREATE_TRADELINK",
    "CREATE_TRADELINK_ASSET_MANAGER",
    "CREATE_TRADELINK_EXCHANGE",
    "CREATE_TRANSACTION",
    "CREATE_WHITELIST",
    "EDIT_ACCOUNT",
    "EDIT_ADMIN_GROUP",
    "EDIT_DAPPS_CONFIG",
    "EDIT_ENTITY",
    "EDIT_GROUP",
    "EDIT_POLICY",
    "EDIT_WHITELIST",
    "MESSAGE_SIGNING",
    "MIGRATE_ACCOUNT",
    "MIGRATE_ADMIN",
    "MIGRATE_GROUP",
    "MIGRATE_OPERATOR",
    "MIGRATE_WHITELIST",
    "REVOKE_ENTITY",
    "REVOKE_GROUP",
    "REVOKE_USER",
    "SIGN_DIGESTS",
    "UPDATE_QUORUM",
]
RequestTargetType = Literal[
    "ACCOUNT",
    "ADMIN_GROUP",
    "DIGESTS",
    "ENTITY",
    "FORCED_UNPLEDGE",
    "GROUP",
    "MESSAGE",
    "PLEDGE_INCREMENT",
    "POLICY",
    "REPLEDGE",
    "TRADELINK",
    "TRADELINK_ASSET_MANAGER",
    "TRADELINK_EXCHANGE",
    "TRANSACTION",
    "USER",
    "WHITELIST",
]
# ABORT counts as a rejection
ApprovalType = Literal["ABORT", "APPROVE"]
# groups, whitelists and entities share these
GroupStatus = Literal["ACTIVE", "PENDING", "REJECTED", "REVOKED"]
# messages and digests share these
SigningStatus = Literal["ABORTED", "APPROVED", "PENDING_APPROVAL", "PENDING_CREATE_IN_HSM", "SIGNED"]
# as objects spell it
MessageType = Literal["EIP-191", "EIP-712"]
# as the filter of `GET /messages` spells it
MessageTypeFilter = Literal["EIP191", "EIP712"]
# roles that `GET /users` filters by; a reporting key shows as READ_ONLY_API_KEY
UserRole = Literal["ADMIN", "ADMIN_SYSTEM", "OPERATOR", "SHARED_OWNER", "WRAPPING_KEYS"]
UserStatus = Literal[
    "ACCESS_SUSPENDED",
    "ACTIVE",
    "APPROVED",
    "PENDING_APPROVAL",
    "PENDING_REGISTRATION",
    "PENDING_REVOCATION",
    "REJECTED",
    "REVOKED",
]
# what a user of the role READ_ONLY_API_KEY has for a status
ReportingKeyStatus = Literal["ABORTED", "ACTIVE", "PENDING_APPROVAL", "PENDING_SECRET", "REVOKED", "SUSPENDED"]
PledgeState = Literal[
    "ASSIGNED_TO_SETTLEMENT",
    "OUTBOUND_TRANSACTION_CONFIRMED",
    "OUTBOUND_TRANSACTION_FAILED",
    "PLEDGE_APPROVED",
    "PLEDGE_CONSUMED",
    "PLEDGE_INCREMENT_PENDING_APPROVAL",
    "PLEDGE_READY",
    "PLEDGE_REJECTED",
    "RECOVERING_FROM_FAILURE",
    "REPLEDGE_APPROVED",
    "REPLEDGE_PENDING_APPROVAL",
    "REPLEDGE_REJECTED",
    "UNPLEDGE_APPROVED",
    "UNPLEDGE_PENDING_APPROVAL",
    "UNPLEDGE_REJECTED",
]
# the status that the Vault gives a stake; the chain has its own
StakeStatus = Literal[
    "ABORTED", "ACTIVATING", "ACTIVE", "DEACTIVATED", "DEACTIVATING", "DELETED", "PENDING", "UNKNOWN"
]
SolanaStakeState = Literal["activated", "activating", "deactivated", "deactivating", "deleted", "not_sync", "pending"]
TezosStakeState = Literal["activating", "active", "inactive", "syncing"]
# the scale of the service
Risk = Literal["HIGH", "LOW", "MEDIUM"]
# the scale of the compliance provider
ProviderRisk = Literal["High", "Low", "Medium", "Severe"]
