"""One request of a conversation, with as many tries as are reasonable, and what its failures are called.

What is sent again, at most `TRIES` times: a request that nobody answered, and one answered with 429 or 503. All are
safe: reads change nothing, and whatever changes something carries an Idempotency-Key, under which it is done once, or
comes to the same twice. What does not (`Ask.once`) is sent again only where it was certainly not done.
"""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from client.effects import Answer, Ask, Flow, Pause
from client.errors import BadInput, Problem, StrangeAnswer, Unreachable, problem
from contracts.keys import prefix_of

DEFAULT_ADDRESS: Final = "http://127.0.0.1:8000"

TRIES: Final = 4
FIRST_BACK_OFF_SECONDS: Final = 0.25
"""Mean wait before the second try where the server names none; doubles."""
LONGEST_RETRY_AFTER_SECONDS: Final = 30
"""A server that asks for more patience than this is given up at once: the caller knows better how to spend it."""


_STORAGE_CODE: Final = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")


class Asking:
    """Requests to one address. `clock` is in seconds from anywhere; `jitter` gives random factors, 0.5 to 1.5.

    `api_key` goes to that address and nowhere else: links to variants are good by themselves. Raises BadInput for what
    is no address, and what is no key.
    """

    def __init__(
        self,
        address: str,
        *,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        api_key: str | None = None,
    ) -> None:
        try:
            named = urlsplit(address)
            usable = named.scheme in ("http", "https") and bool(named.hostname) and named.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise BadInput(f"{address!r} is not an address; one looks like {DEFAULT_ADDRESS}")
        key = (api_key or "").strip()
        if key and prefix_of(key) is None:
            # which one is not said: it may be a good one but for a typing mistake
            raise BadInput("the API key is none of Darkroom's", "one begins with dk_; who runs the server makes them")
        self.address = address.rstrip("/")
        self._authorization = {"Authorization": f"Bearer {key}"} if key else {}
        self._clock = clock
        self._jitter = jitter

    def _answered(self, ask: Ask, before: Callable[[], None] | None = None) -> Flow[Answer]:
        """An answer below 400, after as many tries as are reasonable; raises for every other end."""
        if ask.url.startswith(f"{self.address}/"):
            ask = msgspec.structs.replace(ask, headers={**ask.headers, **self._authorization})
        for attempt in range(1, TRIES + 1):
            if before is not None:
                before()
            answer = yield ask
            last_try = attempt == TRIES
            back_off = FIRST_BACK_OFF_SECONDS * 2 ** (attempt - 1) * self._jitter()
            if isinstance(answer, Answer):
                if answer.status < 400:
                    return answer
                failure = self._failure(answer, ask)
                asked = _retry_after(answer)
                perhaps_done = ask.once is not None and answer.status >= 500
                if perhaps_done:
                    failure.advice = ask.once or ""
                sent_again = answer.status in (429, 503) and not perhaps_done
                if not sent_again or last_try or (asked or 0) > LONGEST_RETRY_AFTER_SECONDS:
                    raise failure
                yield Pause((asked or 0) + back_off)
            elif ask.once is not None and answer is not None and not answer.unsent:
                raise Unreachable(self.address, answer.reason, ask.once)
            elif last_try:
                raise self._unreachable(ask, answer.reason if answer is not None else "nothing was sent")
            else:
                yield Pause(back_off)
        raise AssertionError("the last try returns or raises")

    def _failure(self, answer: Answer, ask: Ask) -> Problem | StrangeAnswer:
        if answer.headers.get("content-type", "").partition(";")[0].strip() == "application/problem+json":
            try:
                document = msgspec.json.decode(answer.body, type=dict[str, Any])
            except (msgspec.MsgspecError, UnicodeDecodeError):
                return self._strange(answer)
            return problem(answer.status, document, _retry_after(answer))
        if ask.sink is not None or ask.to_storage:
            # S3 speaks XML
            named = _STORAGE_CODE.search(answer.body) if ask.to_storage else None
            what = f"storage answered {named[1].decode()}" if named else f"the link answered {answer.status}"
            return problem(answer.status, {"title": what, "code": ""})
        if answer.status in (429, 502, 503, 504):
            return problem(answer.status, {"title": f"the server answered {answer.status}"}, _retry_after(answer))
        return self._strange(answer)

    def _unreachable(self, ask: Ask, reason: str) -> Unreachable:
        if ask.sink is None and not ask.to_storage:
            return Unreachable(self.address, reason)
        host = urlsplit(ask.url)
        where = f"{host.scheme}://{host.netloc}"
        return Unreachable(where, reason, "the links lead there; make it reachable from here and try again")

    def _strange(self, answer: Answer) -> StrangeAnswer:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip() or "no content type"
        return StrangeAnswer(self.address, answer.status, kind)


def _retry_after(answer: Answer) -> float | None:
    """Seconds that the server asked for; the date form of the header is not used by Darkroom."""
    text = answer.headers.get("retry-after", "").strip()
    return float(text) if text.isdecimal() and len(text) < 8 else None
