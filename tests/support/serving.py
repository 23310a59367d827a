"""An app of ours on a real port of loopback, served in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn

_PATIENCE_SECONDS: Final = 90


class _Server(uvicorn.Server):
    """Says when it listens, or that it never will: the socket of one that has just begun refuses whoever comes."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.begun.set()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Its address, without a slash at the end, while it is served there."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, ws="none", access_log=False, log_config=None)
    server = _Server(config)
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        assert server.begun.wait(_PATIENCE_SECONDS)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
