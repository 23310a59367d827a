"""The internal API's routes over dead letters. What is done is in `letters`."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from contracts.errors import Malformed, SpecInvalid
from contracts.messages import Queue
from contracts.ports import Queues
from services.processing.letters import MOST_LETTERS, DeadLetters, Fate, Letter, Redrive
from services.processing.records import depth_of, rfc3339


def letter_routes(letters: DeadLetters, queues: Queues) -> list[ControllerRouterHandler]:
    """The handlers, closed over the use case."""

    @get("/api/dlq", summary="Dead letters of all queues, and what a redrive would do", sync_to_thread=True)
    def listed(
        queue: Annotated[str | None, QueryParameter(description="Of this one alone.", required=False)] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=MOST_LETTERS, required=False)] = 100,
    ) -> dict[str, Any]:
        """Every letter is given back: the next look, or whoever reads it, has it at once."""
        wanted = _queue(queue)
        looked = letters.redriven(Redrive(queue=wanted, limit=limit, dry_run=True))
        return {
            "queues": [
                {
                    "name": one.value,
                    **depth_of(queues.depth(one, dead_letters=True)),
                    "letters": [_shown(letter) for letter in looked.letters if letter.queue is one],
                }
                for one in ([wanted] if wanted is not None else Queue)
            ],
            "more": looked.more,
        }

    @post("/api/dlq/redrive", status_code=200, summary="Send dead letters to their queues again")
    async def redrive(request: Request[Any, Any, Any]) -> dict[str, Any]:
        """Ends within half a minute; `more` says that there was not time enough for all."""
        wish = _wish(await request.body())
        looked = await sync_to_thread(letters.redriven, wish)
        return {
            "dry_run": wish.dry_run,
            **{fate.value: sum(letter.fate is fate for letter in looked.letters) for fate in Fate},
            "more": looked.more,
            "letters": [_shown(letter) for letter in looked.letters],
        }

    return [listed, redrive]


def _queue(name: str | None) -> Queue | None:
    try:
        return None if name is None else Queue(name)
    except ValueError:
        raise Malformed(f"queue is one of {', '.join(Queue)}") from None


def _wish(body: bytes) -> Redrive:
    """Raises Malformed for what is not JSON, SpecInvalid for what may not be asked for."""
    try:
        return msgspec.json.decode(body or b"{}", type=Redrive)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$")
        pointer = "#" + path.rstrip("`").replace(".", "/")
        raise SpecInvalid(f"{detail} (at {pointer})", errors=[(pointer, detail)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("the body is not JSON") from error


def _shown(letter: Letter) -> dict[str, Any]:
    shown = msgspec.to_builtins(letter)
    return {**shown, "sent_at": rfc3339(letter.sent_at)}
