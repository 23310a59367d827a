"""A network of strangers' hosts on loopback, and the upload service standing in it.

    python -m tests.support.bad_inputs.strangers <network as JSON> services.upload <parent>

is `python -m local.service services.upload <parent>`, but that names are resolved and addresses called as the network
says. What was called is written to the network's file, a line each; the rest of the service is as it is everywhere.
"""

import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from local.supervisor import Supervisor
from tests.support.believing import believing
from tests.support.receivers import Authority, Behaviour, receiving

PUBLIC = "PUBLIC"
"""Stands for a host's own address."""


class Network(Struct, frozen=True, kw_only=True):
    """What names lead to, and the ports of ours behind addresses. `called` is the file."""

    answers: dict[str, list[list[str]]]
    ports: dict[str, int]
    called: str


@contextmanager
def network(
    folder: Path, hosts: Mapping[str, Behaviour], names: Mapping[str, Sequence[Sequence[str]]]
) -> Iterator[tuple[Network, Authority]]:
    """These hosts, each with a public address, a certificate and a receiver, for as long as this lasts."""
    authority, answers, ports = Authority(folder), {}, {}
    with ExitStack() as open_:
        for number, (name, behaviour) in enumerate(hosts.items(), start=1):
            shown = "somebody-else.example" if name == "impostor.example" else name
            tls = authority.server(shown, expired=name == "expired.example")
            own = f"93.184.215.{number}"
            ports[own] = open_.enter_context(receiving(behaviour, tls)).port
            answers[name] = [
                [own if address == PUBLIC else address for address in answer] for answer in names.get(name, [[PUBLIC]])
            ]
        called = folder / "called"
        called.touch()
        yield Network(answers=answers, ports=ports, called=str(called)), authority


def standing_in(made: Network, authority: Authority) -> type[Supervisor]:
    """A run whose upload service stands in this network."""

    class Among(believing(authority)):
        def _command(self, name: str) -> list[str]:
            python, flag, module, *more = super()._command(name)
            if name != "upload":
                return [python, flag, module, *more]
            return [python, flag, __name__, msgspec.json.encode(made).decode(), *more]

    return Among


def _enter(made: Network) -> None:
    """From here on this process knows no other network."""
    from adapters.outside import Outside

    left = {name: [list(answer) for answer in answers] for name, answers in made.answers.items()}

    def resolve(host: str, port: int, seconds: float) -> Sequence[str]:
        answers = left.get(host)
        if answers is None:
            raise OSError("nobody knows this name")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        with open(made.called, "a") as file:
            file.write(f"{address}\n")
        return socket.create_connection(("127.0.0.1", made.ports[address]), timeout=seconds)

    defaults = Outside.__init__.__kwdefaults__
    assert {"resolve", "connect"} <= defaults.keys()
    defaults.update(resolve=resolve, connect=connect)


if __name__ == "__main__":
    from local import service

    _enter(msgspec.json.decode(sys.argv.pop(1), type=Network))
    service.main()
