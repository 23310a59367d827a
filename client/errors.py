"""What can go wrong for a user of the client, named by what they do next. `advice` says it in one sentence.

DarkroomError
├── BadInput       what was given cannot be sent: change it
├── Unreachable    nothing answered at the address: start the server, or name another address
├── StrangeAnswer  something answered, but not Darkroom: check the address
├── Problem        Darkroom answered with a problem document (RFC 9457)
│   ├── Refused      4xx: the request is at fault, sending it again would end the same way
│   ├── Busy         429, 503: too much is under way, and waiting as told did not help
│   └── ServerFault  any other 5xx: report it with its request id, or see to the host that did not answer
├── NotFinished    the job is still under way after the time that was given
├── Damaged        downloaded bytes are not the ones that the job names
├── Unverified     a webhook that came is not to be believed: answer 400
└── StrangeEvent   a webhook that came is Darkroom's, and of a kind that is not known here: answer 2xx, pass it over
"""

from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from client.answers import Status

_ADVICE: Final = {
    "payload-too-large": "send a smaller file",
    "unsupported-media-type": "send a JPEG, PNG, WebP, GIF, AVIF, TIFF, BMP or ICO",
    "type-mismatch": "give the file the name and type of what it is",
    "pixel-limit": "send a picture with fewer pixels",
    "frame-limit": "send an animation with fewer frames",
    "image-corrupt": "save the picture again and send that",
    "spec-invalid": "correct the options that are named",
    "idempotency-key-reused": "send it under another key",
    "unauthenticated": "name an API key that is valid there, in DARKROOM_KEY or by --key",
    "scope-missing": "use an API key that has the scope",
    "not-found": "check the id; `darkroom put` prints it",
    "fetch-disabled": "send the file itself; who runs the server can have it fetch pictures",
    "source-forbidden": "name an https address on a public host",
    "source-unreachable": "check that the address answers from the internet, and try again",
    "gone": "upload the picture again",
    "state-conflict": "look at the job with `darkroom status`, and decide again",
}


_UNVERIFIED: Final = {
    "headers": "answer 400; if it is Darkroom's, something on its way takes headers off",
    "timestamp": "answer 400; if it is Darkroom's, set the clock of this machine",
    "signature": "answer 400; if it is Darkroom's, compare the secret, and give the bytes as they came",
}


class DarkroomError(Exception):
    """Every error of this client. The text is for people; `advice` says what to do next."""

    advice = ""


class BadInput(DarkroomError):
    """What was given cannot be sent: an unreadable file, a key with control characters, an impossible address."""

    def __init__(self, what: str, advice: str = "correct it and try again") -> None:
        super().__init__(what)
        self.advice = advice


class Unreachable(DarkroomError):
    """Nothing answered at `address`, however often it was tried."""

    def __init__(
        self,
        address: str,
        reason: str,
        advice: str = "start Darkroom there, or name its address with --url or DARKROOM_URL",
    ) -> None:
        super().__init__(f"no answer from {address} ({reason})")
        self.address = address
        self.reason = reason
        self.advice = advice


class StrangeAnswer(DarkroomError):
    """Something answered that is not Darkroom: a proxy's page, say."""

    def __init__(self, address: str, status: int, what: str) -> None:
        super().__init__(f"{address} answered {status} with {what}, which is not an answer of Darkroom")
        self.address = address
        self.status = status
        self.advice = "check that the address is Darkroom's"


class Problem(DarkroomError):
    """A problem document. `code` is stable; `title` and `detail` are for people; `errors` are (JSON Pointer, detail).

    `document` has every member as it was sent, also those that this version does not know.
    """

    def __init__(self, status: int, document: dict[str, Any], retry_after_seconds: float | None = None) -> None:
        self.status = status
        self.document = document
        self.code = str(document.get("code", ""))
        self.title = str(document.get("title", "")) or f"status {status}"
        self.detail = str(document.get("detail", ""))
        self.retryable = document.get("retryable") is True
        self.request_id = str(document.get("request_id", ""))
        self.retry_after_seconds = retry_after_seconds
        listed = document.get("errors")
        self.errors = tuple(
            (str(entry.get("pointer", "")), str(entry.get("detail", "")))
            for entry in (listed if isinstance(listed, list) else [])
            if isinstance(entry, dict)
        )
        super().__init__(self._line())
        self.advice = self._advised()

    def _line(self) -> str:
        line = f"{self.title}: {self.detail}" if self.detail else self.title
        # what the detail has said already is not said twice
        further = [
            (pointer, detail) for pointer, detail in self.errors if f"{detail} (at {pointer})" not in self.detail
        ]
        if further:
            line += " [" + "; ".join(f"{pointer}: {detail}" for pointer, detail in further) + "]"
        return " ".join(line.split())

    def _advised(self) -> str:
        return _ADVICE.get(self.code, "correct the request")


class Refused(Problem):
    """4xx: the request is at fault."""


class Busy(Problem):
    """429 or 503, also after the waiting that the server asked for (or it asked for more than is reasonable)."""

    def _advised(self) -> str:
        wait = "a moment" if self.retry_after_seconds is None else f"{self.retry_after_seconds:.0f} s"
        return f"try again in {wait}"


class ServerFault(Problem):
    """5xx: the server is at fault, or a host that it was to ask."""

    def _advised(self) -> str:
        if self.code in _ADVICE:
            return _ADVICE[self.code]
        who = f" with request id {self.request_id}" if self.request_id else ""
        return f"try again; if it stays so, report it{who} to who runs the server"


class NotFinished(DarkroomError):
    """The job was still under way when the given time was over. `last` is the last status that was seen."""

    def __init__(self, last: "Status", seconds: float) -> None:
        super().__init__(f"job {last.id} is still {last.state} after {seconds:g} s")
        self.last = last
        self.advice = f"it goes on; look again with: darkroom status {last.id} --watch"


class Damaged(DarkroomError):
    """Downloaded bytes are not those of the digest in the status. Nothing was kept."""

    advice = "download it again"


class Unverified(DarkroomError):
    """What came to a receiver was not shown to be Darkroom's; `reason` says by which of its parts."""

    def __init__(self, reason: Literal["headers", "timestamp", "signature"], what: str) -> None:
        super().__init__(f"this webhook is not to be believed: {what}")
        self.reason = reason
        self.advice = _UNVERIFIED[reason]


class StrangeEvent(DarkroomError):
    """A webhook that was signed as it should be, and cannot be read by this version. `event` is its id."""

    advice = "answer 2xx and pass it over; a newer client may know it"

    def __init__(self, event: str) -> None:
        super().__init__(f"event {event} is of a kind that is not known here")
        self.event = event


def problem(status: int, document: dict[str, Any], retry_after_seconds: float | None = None) -> Problem:
    """The error of the right family for an answer."""
    if status in (429, 503):
        return Busy(status, document, retry_after_seconds)
    return (ServerFault if status >= 500 else Refused)(status, document, retry_after_seconds)
