"""The command line: ``ledgerkit lab``, ``sandbox``, ``doctor``, ``keys`` and ``archive``."""

import argparse
import re
import signal
import sys
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ledgerkit import __version__

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|)")
SECONDS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 it could not, 2 the command line is wrong."""
    parser = argparse.ArgumentParser(prog="ledgerkit", description="A Ledger Enterprise workspace in JupyterLab.")
    parser.add_argument("--version", action="version", version=f"ledgerkit {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    lab = commands.add_parser(
        "lab",
        usage="ledgerkit lab [FOLDER] [options of jupyter lab]",
        help="open JupyterLab on the first notebook; with a folder, copy the notebooks into it first",
        description="Open JupyterLab on the first notebook. With FOLDER, the notebooks are copied into it first, and "
        "what is there already is left as it is. Options go on to `jupyter lab`, such as --no-browser.",
    )
    lab.set_defaults(run=_lab)

    sandbox = commands.add_parser("sandbox", help="serve the embedded workspace on this machine")
    sandbox.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    sandbox.add_argument("--seed", type=int, default=7, help="another seed, another workspace")
    sandbox.add_argument("--transactions", type=int, default=4000, help="how many transactions it has")
    sandbox.add_argument("--latency", type=_seconds, default=0.0, help="wait before each answer, such as 25ms")
    sandbox.add_argument("--token-life", type=_seconds, default=300.0, help="life of an access token, such as 300s")
    sandbox.add_argument(
        "--family",
        choices=("api_user", "reporting_key", "lam"),
        default="api_user",
        help="whose credentials are printed",
    )
    sandbox.set_defaults(run=_sandbox)

    doctor = commands.add_parser(
        "doctor",
        help="say which credentials are found, and whether the service takes them",
        description="Say which credentials are found, and whether the service takes them. Printed are names of "
        "settings and where they are, the address of the service, the organization and the user; never a secret.",
    )
    doctor.add_argument("profile", nargs="?", help="the profile to look at")
    doctor.set_defaults(run=_doctor)

    archive = commands.add_parser(
        "archive",
        help="keep what searches find as Parquet files; a later run reads what is new",
        description="Keep what searches find in FOLDER, as Parquet files; a later run reads what is new or may have "
        "changed. For cron: it prints a table, says on stderr how far it is and what failed, and ends with 1 where "
        "anything did. It can be stopped at any moment, and the same command goes on.",
    )
    archive.add_argument("folder", type=Path, metavar="FOLDER", help="where the archive is kept")
    archive.add_argument(
        "profiles",
        nargs="*",
        metavar="PROFILE",
        help="the workspaces, each by its profile, or as NAME=PROFILE where it is to be called otherwise in the "
        "archive than its credentials do (which name a LAM not at all: that is called as its profile); without one, "
        "that of the default profile, which NAME= alone names",
    )
    archive.add_argument(
        "--sections",
        nargs="+",
        default=["transactions", "requests"],
        metavar="SECTION",
        help="the lists to keep, by default transactions and requests; for another word, those that there are are "
        "told",
    )
    archive.add_argument(
        "--created-after",
        metavar="TIME",
        help="how far back it goes; everything without it. Lists such as accounts are kept whole",
    )
    archive.add_argument("--again", metavar="TIME", help="what was created since is read again, whatever its state")
    archive.set_defaults(run=_archive)

    keys = commands.add_parser(
        "keys", help="make the key pair that an API user approves with, or show its public half"
    )
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    new_key = actions.add_parser("new", help="make a key pair, and write its private half to a new file")
    new_key.add_argument("--out", type=Path, default=Path("ledger-operator.pem"), metavar="PATH", help="the new file")
    new_key.set_defaults(run=_new_key)
    show_key = actions.add_parser("show", help="print the public half of a private key")
    show_key.add_argument("path", type=Path, metavar="PATH", help="the file that holds the private key")
    show_key.set_defaults(run=_show_key)

    chosen, others = parser.parse_known_args(arguments)
    if others and chosen.run is not _lab:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    chosen.options = others
    code: int = chosen.run(chosen)
    return code


def _seconds(text: str) -> float:
    match = DURATION.fullmatch(text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration such as 25ms, 300s or 5m")
    return float(match[1]) * SECONDS[match[2]]


def _lab(chosen: argparse.Namespace) -> int:
    from ledgerkit import LedgerError, lab

    options: list[str] = chosen.options
    try:
        # argparse would take the value of an option of JupyterLab for the folder.
        if options and not options[0].startswith("-"):
            return _lab_in(Path(options[0]).expanduser(), options[1:])
        if (Path("notebooks") / lab.FIRST).exists():
            return lab.open_lab(Path(), f"notebooks/{lab.FIRST}", options)
        if Path(lab.FIRST).exists():
            return lab.open_lab(Path(), lab.FIRST, options)
        print("There are no notebooks of ledgerkit here; `ledgerkit lab FOLDER` copies them into a folder.")
        return lab.open_lab(Path(), None, options)
    except LedgerError as error:
        print(error, file=sys.stderr)
        return 1


def _lab_in(folder: Path, options: list[str]) -> int:
    from ledgerkit import lab

    copied = lab.copy(folder)
    print(f"{copied.new} new files in {folder}")
    if copied.kept:
        print(f"Left as they are, since they are not those of ledgerkit {__version__}: {', '.join(copied.kept)}")
    return lab.open_lab(folder, lab.FIRST, options)


def _sandbox(chosen: argparse.Namespace) -> int:
    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        print("The sandbox is not installed: pip install 'ledgerkit-enterprise[sandbox]'", file=sys.stderr)
        return 1
    from ledgerkit.sandbox import Sandbox
    from ledgerkit.sandbox.telling import Telling

    server = Sandbox(
        seed=chosen.seed,
        transactions=chosen.transactions,
        port=chosen.port,
        latency=chosen.latency,
        token_life=chosen.token_life,
        told=Telling(sys.stderr),
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with server:
        values = server.environment(chosen.family)
        key = values.get("LEDGER_ENTERPRISE_API_PRIVATE_KEY")
        if key is not None:
            values["LEDGER_ENTERPRISE_API_PRIVATE_KEY"] = key.encode().hex()  # as hex it fits on one line
        print(f"# The sandbox serves at {server.url} until Ctrl+C. Its credentials open nothing else.")
        print("# For a .env file:")
        for name, value in values.items():
            print(f"{name}={value}")
        print(f"# From a shell:\n{_curl(server.url, chosen.family, values)}", flush=True)
        while not stop.wait(1.0):  # a wait without an end can't be interrupted on Windows
            pass
    return 0


def _curl(url: str, family: str, values: dict[str, str]) -> str:
    given = {name.removeprefix("LEDGER_ENTERPRISE_"): value for name, value in values.items()}
    if family == "lam":
        return f"curl -H 'X-Ledger-API-User: {given['LAM_USER']}' '{url}/accounts?page_size=3'"
    workspace = f"-H 'X-Ledger-Workspace: {given['WORKSPACE']}'"
    if family == "reporting_key":
        key = given["REPORTING_API_KEY"]
        return f"curl {workspace} -H 'X-Ledger-Reporting-API-Key: {key}' '{url}/accounts?page_size=3'"
    body = f'{{"api_key_id":"{given["API_KEY_ID"]}","api_key_secret":"{given["API_KEY_SECRET"]}"}}'
    return f"curl {workspace} -H 'Content-Type: application/json' -d '{body}' {url}/auth/token"


def _doctor(chosen: argparse.Namespace) -> int:
    from ledgerkit import doctor

    code = 0
    for finding in doctor.findings(chosen.profile):
        amiss = finding.level == "problem"
        print(finding, file=sys.stderr if amiss else sys.stdout, flush=True)
        code = 1 if amiss else code
    return code


def _archive(chosen: argparse.Namespace) -> int:
    import warnings

    from ledgerkit import LedgerError
    from ledgerkit.archives import check_packages

    stopped = [signal.SIGINT]

    def stop(number: int, _: object) -> None:
        stopped.append(signal.Signals(number))
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        check_packages()
        from ledgerkit.archives import many

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            done = many.archive(
                chosen.folder,
                chosen.profiles or [""],
                sections=chosen.sections,
                created_after=chosen.created_after,
                again=chosen.again,
                told=lambda line: print(line, file=sys.stderr, flush=True),
            )
    except LedgerError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. What is in the archive is whole, and the same command goes on.", file=sys.stderr)
        return 128 + stopped[-1]
    finally:
        signal.signal(signal.SIGTERM, before)
    shown = done[["workspace", "dataset", "rows", "new", "changed", "open", "until", "complete", "requests"]]
    print(shown.to_string(index=False, na_rep="-"))
    for warning in caught:
        print(f"{warning.category.__name__}: {warning.message}", file=sys.stderr)
    _warn_of_git(chosen.folder, f"{chosen.folder}, which holds what the workspace holds,")
    return 1 if done["error"].notna().any() else 0


def _new_key(chosen: argparse.Namespace) -> int:
    from ledgerkit import LedgerError, keys

    try:
        point = keys.new(chosen.out)
    except LedgerError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(
        f"# The private key is in {chosen.out}, which only you may read. It goes to nobody, and into no repository."
    )
    print(f"# The administrator registers the API user with this public key:\n{point}")
    print(f"# For your .env file:\n{keys.setting(chosen.out)}")
    if _warn_of_git(chosen.out, str(chosen.out)) == "not known":
        print(f"Warning: whether git would take {chosen.out} could not be looked at.", file=sys.stderr)
    return 0


def _warn_of_git(path: Path, what: str) -> str:
    """Say on stderr that git would take something, and return how it stands."""
    from ledgerkit import tracked

    standing: str = tracked.standing(path.expanduser())
    if standing in ("not ignored", "tracked"):
        print(
            f"Warning: {what} lies in a git repository that does not ignore it: name it in .gitignore before the "
            "next `git add`, or move it elsewhere.",
            file=sys.stderr,
        )
    return standing


def _show_key(chosen: argparse.Namespace) -> int:
    from ledgerkit import LedgerError, keys

    try:
        print(keys.show(chosen.path))
    except LedgerError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0
