"""The transactions that a sandbox world has whatever chance brings: every type, every status, every chain."""

from dataclasses import dataclass

from .accounts import Account


@dataclass(frozen=True, slots=True)
class Scene:
    """One scripted transaction; `day` counts from the opening, or back from today where negative."""

    day: float
    # an account, or `account/token` for a token account of Solana
    name: str
    kind: str
    # display units; None draws a usual amount
    units: float | None = None
    status: str = "CONFIRMED"
    mark: str | None = None
    note: str | None = None
    content: str | None = None
    interaction: str | None = None
    creator: str | None = None
    stage: int | None = None
    first: bool = False
    expired: bool = False
    # which of the bad addresses sent it
    bad: int | None = None
    # an amount as it is shown against the rules: "" for null
    raw_amount: str | None = None
    account: Account | None = None


_TEZOS = (
    Scene(20.1, "XTZ Staking", "REVEAL", 0, note="Reveal key"),
    Scene(20.2, "XTZ Staking", "DELEGATE", 0, mark="tezos 1", note="Delegate to Tidewell Baker"),
    Scene(210.0, "XTZ Staking", "UNDELEGATE", 0, note="Change of baker"),
    Scene(211.0, "XTZ Staking", "DELEGATE", 0, mark="tezos 2", note="Delegate to Northlight Baker"),
    Scene(500.0, "XTZ Staking", "DELEGATE", 0, mark="tezos 3", note="Trial of a second baker"),
    Scene(-0.9, "XTZ Staking", "DELEGATE", 0, "SUBMITTED", mark="tezos 4", note="Delegate to Saltmarsh Baker"),
    *(Scene(40.0 + 28 * i, "XTZ Staking", "REWARD", 61.25 + 1.375 * i, mark=f"tezos reward {i}") for i in range(18)),
)
_POLKADOT = tuple(
    Scene(24.0 + 9 * i, "DOT Staking", kind, units, note=f"Staking: {kind.lower()}")
    for i, (kind, units) in enumerate(
        (
            ("ANONYMOUSPROXY", 0),
            ("ADDPROXY", 0),
            ("BOND", 5000),
            ("SETCONTROLLER", 0),
            ("PROXY", 0),
            ("SETPAYEE", 0),
            ("BONDEXTRA", 1200.5),
            ("UNBOND", 800),
            ("REBOND", 300),
            ("WITHDRAWUNBONDED", 500),
            ("REMOVEPROXY", 0),
            ("KILLANONYMOUS", 0),
            ("CHILL", 0),
            ("BOND", 2500),
        )
    )
) + tuple(Scene(45.0 + 30 * i, "DOT Staking", "REWARD", 48.75 + 2 * i) for i in range(16))
_CARDANO = (
    Scene(21.0, "ADA Staking", "STAKING_REGISTER", 0, mark="cardano 1", note="Register stake key"),
    Scene(21.3, "ADA Staking", "STAKING_DELEGATE", 0, note="Delegate to pool"),
    Scene(60.0, "ADA Staking", "DELEGATE_VOTE_TO_DREP", 0, note="Vote: always abstain"),
    Scene(150.0, "ADA Staking", "STAKING_WITHDRAW", 412.25, note="Collect rewards"),
    Scene(300.0, "ADA Staking", "STAKING_WITHDRAW", 436.5, note="Collect rewards"),
    Scene(400.0, "ADA Staking", "STAKING_DEREGISTER", 0, note="Change of stake key"),
    Scene(402.0, "ADA Staking", "STAKING_REGISTER", 0, mark="cardano 2", note="Register stake key"),
    Scene(402.4, "ADA Staking", "STAKING_DELEGATE", 0, note="Delegate to pool"),
)
_SOLANA = (
    Scene(10.0, "SOL Trading/USDC", "CREATE_SPL_TOKEN_ACCOUNT", mark="spl USDC"),
    Scene(10.1, "SOL Trading/USDT", "CREATE_SPL_TOKEN_ACCOUNT", mark="spl USDT"),
    Scene(10.2, "SOL Trading/BONK", "CREATE_SPL_TOKEN_ACCOUNT", mark="spl BONK"),
    Scene(10.3, "SOL Staking/JitoSOL", "CREATE_SPL_TOKEN_ACCOUNT", mark="spl JitoSOL"),
    Scene(30.0, "SOL Trading/USDC", "RECEIVE_SPL_TOKEN_CHECKED", 25_000),
    Scene(33.0, "SOL Trading/USDC", "SEND_SPL_TOKEN_CHECKED", 9_500.25, note="OTC settlement"),
    Scene(36.0, "SOL Trading/USDT", "RECEIVE_SPL_TOKEN_CHECKED_FUNDED", 18_000),
    Scene(39.0, "SOL Trading/USDT", "SEND_SPL_TOKEN_CHECKED_FUNDED", 4_000, note="First payment"),
    *(
        Scene(25.0 + 24 * i, "SOL Staking", "STAKE_CREATE_DELEGATE", 150 + 25 * i, mark=f"solana {i + 1}")
        for i in range(6)
    ),
    Scene(175.0, "SOL Staking", "STAKE_DELEGATE", 0, note="Delegate again"),
    Scene(190.0, "SOL Staking", "STAKE_SPLIT", 40, mark="solana 7", note="Split before exit"),
    Scene(193.0, "SOL Staking", "STAKE_DEACTIVATE", 0, note="Exit of stake 2"),
    Scene(196.0, "SOL Staking", "STAKE_WITHDRAW", 175, note="Back from stake 2"),
    Scene(230.0, "SOL Staking", "STAKE_SPLIT_DEACTIVATE", 20, note="Partial exit"),
    Scene(260.0, "SOL Staking", "STAKE_MERGE", 0, note="Tidy up"),
    Scene(270.0, "SOL Staking", "STAKE_CREATE_DELEGATE", 60, "REJECTED", mark="solana 9", note="Declined by risk"),
    Scene(-0.6, "SOL Staking", "STAKE_CREATE_DELEGATE", 12, "SUBMITTED", mark="solana 8", note="New stake"),
)
_ETHEREUM = (
    *(
        Scene(22.0 + 30 * i, "ETH Staking", "STAKE", 32, mark=f"ethereum {i + 1}", note=f"Validator {i + 1}")
        for i in range(5)
    ),
    Scene(50.0, "ETH Staking", "EXECUTE_CONTRACT", 20, interaction="STAKE", note="Lido"),
    Scene(55.0, "ETH Trading Hot", "EXECUTE_CONTRACT", 0, interaction="APPROVAL", note="Approve router"),
    Scene(56.0, "ETH Trading Hot", "EXECUTE_CONTRACT", 3.5, interaction="SWAP", note="Swap to USDC"),
    Scene(70.0, "ETH Trading Hot", "EXECUTE_CONTRACT", 5, interaction="WRAP", note="Wrap"),
    Scene(75.0, "ETH Trading Hot", "EXECUTE_CONTRACT", 0, interaction="UNWRAP", note="Unwrap"),
    Scene(80.0, "ETH Trading Hot", "EXECUTE_CONTRACT", 0, interaction="UNKNOWN", note="Claim"),
    Scene(90.0, "POL Treasury", "EXECUTE_CONTRACT", 0, interaction="APPROVAL", note="Approve router"),
    Scene(100.0, "ETH Sepolia Test", "DEPLOY_CONTRACT", 0, note="Rehearsal of the vault contract"),
    # the two amounts that are not whole numbers: a null, and a decimal of a transaction that never left
    Scene(130.0, "ETH Clients", "UNKNOWN", 0, raw_amount=""),
    Scene(140.0, "USDC Clients", "SEND", 1, "FAILED_TO_CRAFT", note="Odd import", raw_amount="12500000.5"),
)
_COSMOS = (
    Scene(60.0, "ATOM Treasury", "DELEGATE", 800, note="Delegate to validator"),
    Scene(330.0, "ATOM Treasury", "UNDELEGATE", 200, note="Partial exit"),
    Scene(90.0, "ATOM Treasury", "REWARD", 11.5),
    Scene(180.0, "ATOM Treasury", "REWARD", 12.25),
)
_OUTCOMES = (
    Scene(200.0, "BTC Trading Hot", "SEND", None, "REPLACED", note="Slow, sped up later"),
    Scene(200.02, "BTC Trading Hot", "SEND", None, note="Speed-up"),
    Scene(215.0, "ETH Trading Hot", "SEND", None, "DROPPED", note="Left the mempool"),
    Scene(225.0, "USDT Trading", "SEND", None, "FAILED", note="Rules changed"),
    Scene(235.0, "XLM Clients", "SEND", None, "FAILED_TO_BROADCAST", note="Recipient not funded"),
    Scene(245.0, "BTC Clients", "SEND", None, "FAILED_TO_CRAFT", note="Too many outputs"),
    Scene(255.0, "TRX Clients", "SEND", None, "FAILED_TO_SIGN", note="Device timeout"),
    Scene(265.0, "USDC Treasury", "SEND", None, "REJECTED", note="Wrong beneficiary"),
    Scene(275.0, "ETH Treasury 1", "SEND", None, "REJECTED", note="Nobody looked", expired=True),
    Scene(285.0, "BTC Clients", "RECEIVE", 0.75, bad=0),
    Scene(295.0, "ETH Clients", "RECEIVE", 12.5, bad=1),
    Scene(305.0, "USDC Clients", "RECEIVE", 40_000, bad=2),
    Scene(315.0, "BTC Trading Hot", "RECEIVE", 1.125, bad=0),
)
_COLLATERAL = (
    Scene(120.0, "TL-0002-ETH-CLP-HSE", "SEND", 40, mark="settlement 1", note="Settlement"),
    Scene(200.5, "TL-0001-BTC-CLP-HSE", "SEND", 1.5, mark="settlement 2", note="Settlement"),
    Scene(
        290.0, "TL-0003-USD-HAL-HSE", "SEND", 150_000, "FAILED_TO_BROADCAST", mark="settlement 3", note="Settlement"
    ),
    Scene(-0.45, "TL-0003-ETH-HAL-HSE", "SEND", 25, "SUBMITTED", mark="settlement 4", note="Settlement"),
    Scene(
        -0.4, "TL-0002-ETH-CLP-HSE", "SEND", 15, "PENDING_APPROVAL", mark="settlement 5", note="Settlement", stage=1
    ),
)
_RECENT = (
    # waiting for the first API operator
    Scene(
        -5.2, "BTC Trading Hot", "SEND", 1.25, "PENDING_APPROVAL", creator="isabel.ortega", note="Exchange funding"
    ),
    Scene(-3.4, "ETH Sepolia Test", "SEND", 0.5, "PENDING_APPROVAL", creator="isabel.ortega", note="Rehearsal"),
    Scene(-1.7, "TBTC Test 1", "SEND", 0.001, "PENDING_APPROVAL", creator="isabel.ortega", note="Rehearsal"),
    Scene(-1.1, "WND Test", "SEND", 2, "PENDING_APPROVAL", creator="isabel.ortega", note="Rehearsal"),
    Scene(-0.8, "TBTC Test 1", "SEND", 0.002, "PENDING_APPROVAL", creator="isabel.ortega", note="Rehearsal 2"),
    # made by it, not signed by it yet
    Scene(-0.5, "ETH Sepolia Test", "SEND", 0.25, "PENDING_APPROVAL", creator="api-operator", first=True),
    Scene(
        -0.2, "TBTC Test 1", "SEND", 0.0015, "PENDING_APPROVAL", creator="api-operator", first=True, note="Invoice 42"
    ),
    # waiting for others
    Scene(-6.1, "ETH Treasury 1", "SEND", 310, "PENDING_APPROVAL", note="Loan repayment", stage=1),
    Scene(-4.3, "USDC Treasury", "SEND", 2_500_000, "PENDING_APPROVAL", note="Liquidity transfer", stage=2),
    Scene(-2.6, "BTC Clients", "SEND", 0.4, "PENDING_APPROVAL", note="Client withdrawal", stage=1),
    Scene(-2.1, "XRP Clients", "SEND", 8_000, "PENDING_APPROVAL", note="Client withdrawal", stage=1),
    Scene(-1.4, "XLM Clients", "SEND", 5_000, "PENDING_APPROVAL", note="Client withdrawal", stage=1),
    Scene(-0.95, "SOL Staking", "SEND", 20, "PENDING_APPROVAL", note="Validator fees", stage=1),
    Scene(-0.7, "USDC Clients", "SEND", 60_000, "PENDING_APPROVAL", note="Redemption", stage=1),
    Scene(-0.3, "SHIB Trading", "SEND", 900_000_000, "PENDING_APPROVAL", note="OTC settlement", stage=1),
    # on their way
    Scene(-0.25, "BTC Treasury 1", "SEND", 3, "APPROVED", note="Rebalancing"),
    Scene(-0.15, "USDT Treasury", "SEND", 400_000, "PENDING_CREATE_IN_HSM", note="Rebalancing"),
    Scene(-0.12, "ETH Clients", "SEND", 2.5, "SIGNED", note="Client withdrawal"),
    Scene(-0.1, "BTC Clients", "SEND", 0.15, "SUBMITTED", note="Client withdrawal"),
    Scene(-0.05, "ETH Trading Hot", "SEND", 8, "SUBMITTED", note="Margin call"),
    Scene(-0.03, "BTC Clients", "RECEIVE", 0.2),
    Scene(-0.02, "BTC Trading Hot", "RECEIVE", 0.6, "SUBMITTED"),
    Scene(-0.01, "ETH Clients", "RECEIVE", 1.75, "SUBMITTED"),
)
SCRIPT = _TEZOS + _POLKADOT + _CARDANO + _SOLANA + _ETHEREUM + _COSMOS + _OUTCOMES + _COLLATERAL + _RECENT

# what is paid every month: day of the month, hour, account, display units, prefix of the note, what it is for
MONTHLY: tuple[tuple[int, int, str, float, str, str], ...] = (
    (3, 9, "USDC Treasury", 42_500, "Invoice", "Custody fees"),
    (5, 10, "USDC Treasury", 18_250.75, "Invoice", "Fund administration"),
    (25, 8, "EURC Treasury", 86_400, "Payroll", "Salaries, Lisbon office"),
    (28, 15, "USDC Clients", 12_900.5, "Distribution", "Monthly distribution, share class B"),
)
