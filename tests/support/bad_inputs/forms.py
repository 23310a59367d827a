"""How an upload can be badly written (B1 to B22): its head, its form, the names in it, and how it arrives."""

import gzip
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from contracts.formats import ImageFormat
from contracts.limits import MAX_BODY_BYTES, MIB
from tests.support.bad_inputs.asked import Asked, heard
from tests.support.bad_inputs.outcome import Seen
from tests.support.pictures import sample
from tests.support.upload_room import file_part, multipart, options_part

if TYPE_CHECKING:
    from tests.support.bad_inputs.bench import Bench

JPEG: Final = sample(ImageFormat.JPEG)
LIGHT: Final = '{"variants":[{"name":"a","resize":{"width":8}}]}'
"""Options of a job that costs little."""
FORM: Final = "multipart/form-data; boundary=b0undary"
Part = tuple[str, bytes]
Maker = Callable[[], Asked]


def form(*parts: Part, headers: tuple[tuple[str, str], ...] = (), **more: object) -> Asked:
    """An upload of these parts."""
    body, head = multipart(parts)
    return Asked(headers=(*head.items(), *headers), body=body, **more)


def headed(*headers: tuple[str, str]) -> Maker:
    """A good form under these headers alone."""
    return lambda: Asked(headers=headers, body=multipart([options_part(LIGHT), file_part(JPEG)])[0])


def typed(content_type: str) -> Maker:
    return headed(("Content-Type", content_type))


def parts(*given: Part) -> Maker:
    return partial(form, *given)


def part(disposition: str, body: bytes = b"x") -> Part:
    return f"Content-Disposition: {disposition}", body


def named(name: str) -> Maker:
    """A picture under this name, which is no reason to refuse it."""
    return lambda: form(options_part(LIGHT), file_part(JPEG, name), names=True)


def cut(sixteenths: int) -> Maker:
    """The first sixteenths of a good body, and a Content-Length that says that this is all."""

    def made() -> Asked:
        whole = form(options_part(LIGHT), file_part(JPEG))
        return Asked(headers=whole.headers, body=whole.body[: len(whole.body) * sixteenths // 16])

    return made


def broken_off(share: float) -> Maker:
    """A sender that says how much comes, and leaves before."""

    def made() -> Asked:
        whole = form(options_part(LIGHT), file_part(JPEG))
        length = ("Content-Length", str(len(whole.body)))
        return Asked(headers=(*whole.headers, length), body=whole.body[: int(len(whole.body) * share)], breaks_off=True)

    return made


def filled(length: int) -> Asked:
    """A picture of so many bytes, nearly all of them behind its end."""
    return form(options_part(LIGHT), file_part(JPEG + bytes(length - len(JPEG))))


def chunked() -> Asked:
    """64 MiB whose length nobody said."""
    head, headers = multipart([file_part(JPEG)], end=False)
    chunk = b"%x\r\n" % MIB + bytes(MIB) + b"\r\n"
    body = b"%x\r\n" % len(head) + head + b"\r\n" + chunk * 64 + b"0\r\n\r\n"
    return Asked(headers=(*headers.items(), ("Transfer-Encoding", "chunked")), body=body)


def understated() -> Asked:
    whole = form(options_part(LIGHT), file_part(JPEG))
    return Asked(headers=(*whole.headers, ("Content-Length", "100")), body=whole.body)


def bomb() -> Asked:
    return Asked(
        headers=(("Content-Type", FORM), ("Content-Encoding", "gzip")), body=gzip.compress(bytes(10_000_000), 9)
    )


TYPED: Final = "application/json; charset="
HEAD: Final = file_part(JPEG)[0]

REQUESTS: Final[dict[str, dict[str, Maker]]] = {
    "B1": {"none": headed(), "nonsense": typed(";;;"), "mixed": typed("multipart/mixed; boundary=b0undary")},
    "B2": {
        "missing": typed("multipart/form-data"),
        "empty": typed("multipart/form-data; boundary="),
        "empty in quotes": typed('multipart/form-data; boundary=""'),
        "71 characters": typed("multipart/form-data; boundary=" + "b" * 71),
        "not ASCII": typed('multipart/form-data; boundary="é"'),
        "another": typed("multipart/form-data; boundary=other"),
    },
    "B3": {"of a form": lambda: Asked(headers=(("Content-Type", FORM),)), "of a picture": lambda: raw(b"")},
    "B4": {
        **{f"{sixteenths} of 16": cut(sixteenths) for sixteenths in range(1, 16)},
        **{f"left at {share:.0%}": broken_off(share) for share in (0.01, 0.5, 0.99)},
    },
    "B5": {"options": parts(options_part(b"\xff\xfe"), file_part(JPEG))},
    "B6": {
        charset: parts(options_part("{}", TYPED + charset), file_part(JPEG)) for charset in ("nope", "utf-7", "idna")
    },
    "B7": {
        "none": parts(("Content-Type: image/jpeg", JPEG)),
        "no header at all": parts(("", JPEG)),
        "attachment": parts(part("attachment; name=file")),
    },
    "B8": {
        "none": parts(part("form-data")),
        "of a file": parts(part('form-data; filename="a.jpg"', JPEG)),
        "empty": parts(part('form-data; name=""')),
    },
    "B9": {"two files": parts(file_part(JPEG), file_part(JPEG)), "none": parts(options_part("{}"))},
    "B10": {
        "unknown": parts(part('form-data; name="evil"'), file_part(JPEG)),
        "_charset_": parts(part('form-data; name="_charset_"'), file_part(JPEG)),
        "options twice": parts(options_part("{}"), options_part("{}"), file_part(JPEG)),
        "options behind the file": parts(file_part(JPEG), options_part("{}")),
    },
    "B11": {
        "1 001 fields": parts(*[part(f'form-data; name="p{number}"') for number in range(1_001)]),
        "1 001 times options": parts(*[options_part("{}")] * 1_001),
    },
    "B12": {"an object": lambda: Asked(headers=(("Content-Type", "text/json"),), body=b'{"preset":"web@1"}')},
    "B13": {
        "../../etc/passwd.jpg": named("../../etc/passwd.jpg"),
        "C:\\Users\\me\\a.jpg": named("C:\\Users\\me\\a.jpg"),
    },
    "B14": {"a.php NUL .jpg": named("a.php\0.jpg")},
    "B15": {
        "4 kB": named("ä" * 1_998 + ".jpg"),
        "right to left": named("\u202egpj.exe.jpg"),
        "emoji": named("🐱.jpg"),
    },
    "B16": {"CON.jpg": named("CON.jpg"), ".htaccess": named(".htaccess")},
    "B17": {
        "filename*=": lambda: form(
            options_part(LIGHT), part("form-data; name=\"file\"; filename*=UTF-8''evil.png", JPEG), names=True
        )
    },
    "B18": {"in per cent": named("a%0D%0ASet-Cookie: x.jpg"), "bare": parts(file_part(JPEG, "a\r\nX-Evil: 1.jpg"))},
    "B19": {
        "10 kB": parts((f"X-Long: {'a' * 10_000}", b"")),
        "9 headers": parts(("X: 1\r\n" * 8 + "X: 1", b"")),
        "none at all": parts(("nonsense", b"")),
        "of other bytes": parts(("X-\udcff: \udcff", b"")),
        "base64": parts((f"{HEAD}\r\nContent-Transfer-Encoding: base64", b"aGk=")),
        "a length that lies": parts((f"{HEAD}\r\nContent-Length: 3", JPEG)),
    },
    "B20": {
        "the limit": lambda: filled(MAX_BODY_BYTES),
        "one byte more": lambda: filled(MAX_BODY_BYTES + 1),
        "64 MiB in chunks": chunked,
        "a length of 10 TB": headed(("Content-Type", FORM), ("Content-Length", "10000000000000")),
    },
    "B21": {"gzip": bomb},
}


def raw(body: bytes, query: str = "", media_type: str = "image/jpeg") -> Asked:
    """The bare picture."""
    return Asked(path="/uploads" + query, headers=(("Content-Type", media_type),), body=body)


def trickled(bench: "Bench") -> Seen:
    """One byte a second, until somebody has enough of it."""
    return bench.early["slow"]()


def trickle(bench: "Bench") -> Callable[[], Seen]:
    """Begin to send slowly; what is given back waits for the answer, as long as patience lasts."""
    whole = form(file_part(JPEG))
    line = bench.line()
    line.sendall(whole.head(bench.key))
    ends = threading.Event()

    def send() -> None:
        for byte in whole.body:
            try:
                line.sendall(bytes([byte]))
            except OSError:
                return
            if ends.wait(1):
                return

    sending = threading.Thread(target=send, daemon=True)
    sending.start()

    def waited() -> Seen:
        answer = heard(line)
        ends.set()
        sending.join()
        line.close()
        return Seen(status=answer.status, code=answer.code)

    return waited


SENDERS: Final = {
    # the parser of HTTP ends the body there; without one nothing would
    "B20": {
        "fewer bytes than come": lambda bench: bench.sent(understated()),
        "a length that is none": lambda bench: bench.sent(headed(("Content-Type", FORM), ("Content-Length", "-1"))()),
    },
    "B22": {"one byte a second": trickled},
}
