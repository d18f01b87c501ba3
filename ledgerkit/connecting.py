"""What is said of a call that got no answer: what broke, at which of the steps, and what to look at."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import httpx

from ledgerkit import surroundings, trust
from ledgerkit.answers import one_line, outcome_unknown
from ledgerkit.errors import ConnectionFailed, LedgerError
from ledgerkit.surroundings import Proxy, Remark
from ledgerkit.wire import PACKED_OTHERWISE, TOO_LONG, Attempt

WHAT_BROKE: Final[Mapping[type[httpx.RequestError], str]] = {
    httpx.ConnectError: "no connection could be made",
    httpx.ConnectTimeout: "no connection could be made in time",
    httpx.PoolTimeout: "no connection was free in time",
    httpx.ReadTimeout: "no answer came in time",
    httpx.WriteTimeout: "the request could not be sent in time",
    httpx.RemoteProtocolError: "the answer broke off",
    httpx.ReadError: "the connection broke while the answer was read",
    httpx.WriteError: "the connection broke while the request was sent",
    httpx.ProxyError: "the proxy in between refused the connection",
    httpx.DecodingError: "the answer's compression could not be read",
}


# As often a call is sent through a proxy that has led nowhere yet: most likely it is set wrongly.
FIRST_ATTEMPTS: Final = 3
# Of a user name or password in an address.
RESERVED: Final = "Characters such as @ : / in them are written as %40 %3A %2F."


class Broken(NamedTuple):
    """A call without an answer: its error, and whether it may be sent again."""

    error: LedgerError
    again: bool


def broken(error: httpx.RequestError, call: str, *, safe: bool, attempt: Attempt, proxy: Proxy | None) -> Broken:
    """Return the error of a call that got no answer.

    Parameters
    ----------
    safe
        Whether sending it twice does no harm.
    attempt
        What it came to.
    proxy
        What it went through.
    """
    where = f"{error.request.url.scheme}://{error.request.url.netloc.decode()}"
    # A proxy is told what to pass on after it has made a tunnel: all but loopback goes through one.
    never_sent = attempt.connecting or isinstance(
        error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError
    )
    what = WHAT_BROKE.get(type(error), "the connection broke")
    # Later on, an SSLError is a connection that broke, perhaps after the request had arrived.
    if isinstance(error, httpx.ConnectError) and (said := trust.reason(error)):
        who = f"the proxy of {proxy.variable}" if proxy is not None and attempt.with_proxy else where
        way = f"{trust.advice(said, who)}{_remarks(surroundings.not_read())}"
        text = f"the TLS connection was refused: {one_line(said)}. {way}"
        return Broken(ConnectionFailed(text, call=call), again=False)  # the same certificate will be there again
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return Broken(ConnectionFailed("the request could not be put on the wire.", call=call), again=False)
    if proxy is not None and never_sent and not isinstance(error, httpx.PoolTimeout):
        text, again = _of_proxy(error, what, where, proxy, attempt)
        return Broken(ConnectionFailed(text, call=call), again)
    if safe or never_sent:
        advice = f"Check whether {where} is the right address, the network, and the proxy."
        return Broken(
            ConnectionFailed(f"{what}. {advice}{_remarks(surroundings.proxies(where))}", call=call),
            again=not _endless(error),
        )
    return Broken(outcome_unknown(what, call, None), again=False)


def _endless(error: httpx.RequestError) -> bool:
    """Say whether it is an answer that will come again as it came: h11 takes no head of 100 kB either."""
    return any(words in str(error) for words in (TOO_LONG, "Receive buffer too long", PACKED_OTHERWISE))


def _of_proxy(error: httpx.RequestError, what: str, where: str, proxy: Proxy, attempt: Attempt) -> tuple[str, bool]:
    """Return what is said of a proxy, and whether another attempt may go better.

    One that has led to the service before may be away for a while; one that has not is tried a few times, and is not
    waited for twice.
    """
    again = attempt.led_on or (attempt.number < FIRST_ATTEMPTS and not isinstance(error, httpx.TimeoutException))
    around = f"or name the host of {where} in NO_PROXY if it can be reached without it"
    status = str(error)[:3] if isinstance(error, httpx.ProxyError) else ""
    refused = f"the proxy in between refused the connection: that of {proxy.variable}"
    if status == "407":
        if proxy.user is None:
            way = "write user name and password into it, as http://user:password@host:port"
        else:
            way = "it does not take the user name and password in it, or not in this way (Basic)"
        return f"{refused} wants to be signed in to (407). Mend {proxy.variable}: {way}. {RESERVED}", False
    if status:
        if status in ("502", "503", "504"):
            way = f"It could not reach {where}: check whether that is the right address"
            return f"{refused} answered {status}. {way}, and the network behind the proxy, {around}.", again
        return f"{refused} answered {status}. Have {where} allowed there, {around}.", False
    if not attempt.with_proxy:
        return f"{what}, through the proxy of {proxy.variable}. Check whether {where} is the right address.", True
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return f"{what} to the proxy of {proxy.variable}. Check its host and port there, {around}.", again
    garbled = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)
    what = "what answers is no proxy, or it hung up" if garbled else what
    return f"{what}: the proxy of {proxy.variable}. Check its scheme, host and port there, {around}.", again


def _remarks(remarks: Iterable[Remark]) -> str:
    """Return what is set on this machine and may be why."""
    odd = [str(one) for one in remarks if one.level != "ok"]
    return f" Of this machine: {'; '.join(odd)}." if odd else ""
