"""`darkroom webhooks`: endpoints that are told of jobs, and what was sent to them. Joined to others by `command`."""

import sys
from typing import Annotated, Final

from cyclopts import App, Parameter

from client.endpoints import Delivery, Endpoint
from client.outcome import OK, THE_USUAL, Server, print_json, say
from client.table import clean

app: Final = App(
    name="webhooks",
    help="""Have an endpoint of yours told when jobs are over.

Make an endpoint, keep its secret, and name its id when you send a picture.
What comes is signed with the secret: docs/api.md shows how to check it.""",
    help_epilogue="""Examples:

  darkroom webhooks create https://hooks.example/darkroom
  darkroom put chair.jpg --webhook ID       the endpoint is told when it is over
  darkroom webhooks show ID                 what was sent, and what was answered
  darkroom webhooks redeliver ID EVENT      send an event once more""",
)

Id = Annotated[str, Parameter(name="ID", help="Id of the endpoint, as `create` and `list` print it.")]
Event = Annotated[str, Parameter(name="EVENT", help="Id of the event, as `show` prints it.")]


@app.command(
    help_epilogue="""Examples:

  darkroom webhooks create https://hooks.example/darkroom
  darkroom webhooks create https://hooks.example/darkroom --json | jq -r .secret > secret"""
)
def create(address: Annotated[str, Parameter(name="URL")], /, *, server: Server = THE_USUAL) -> int:
    """Make an endpoint, and print its id and its secret. The secret is shown this once: keep it.

    Parameters
    ----------
    address
        Where events are sent: https, port 443, a public host.
    """
    with server.client() as darkroom:
        made = darkroom.create_webhook(address)
    _tell_secret(made, server)
    say(sys.stderr, f"have it told of a picture: darkroom put FILE --webhook {clean(made.id)}")
    return OK


@app.command(
    name="list",
    help_epilogue="""Examples:

  darkroom webhooks list
  darkroom webhooks list --json | jq -r .id""",
)
def list_(*, server: Server = THE_USUAL) -> int:
    """List the endpoints that there are, the oldest first."""
    with server.client() as darkroom:
        found = darkroom.webhooks()
    for endpoint in found:
        _tell(endpoint, server)
    if not found:
        say(sys.stderr, "there is no endpoint yet; make one: darkroom webhooks create https://...")
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom webhooks show ID
  darkroom webhooks show ID --most 100 --json | jq '.deliveries[] | select(.state != "delivered")'"""
)
def show(webhook_id: Id, /, *, most: int = 20, server: Server = THE_USUAL) -> int:
    """Show an endpoint and what was sent to it lately, newest first: when, of which job, what came of the last try.

    Parameters
    ----------
    most
        Deliveries to show, 1 to 100.
    """
    with server.client() as darkroom:
        endpoint = darkroom.webhook(webhook_id)
        sent = darkroom.deliveries(webhook_id, most)
    if server.json:
        print_json({**endpoint.as_sent, "deliveries": [delivery.as_sent for delivery in sent]})
        return OK
    say(sys.stdout, _line(endpoint))
    for delivery in sent:
        say(sys.stdout, _delivery_line(delivery))
    if not sent:
        say(sys.stderr, f"nothing was sent to it yet; have it told: darkroom put FILE --webhook {clean(webhook_id)}")
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom webhooks rotate ID"""
)
def rotate(webhook_id: Id, /, *, server: Server = THE_USUAL) -> int:
    """Give an endpoint a new secret, and print it this once. For a day events are signed with both secrets."""
    with server.client() as darkroom:
        changed = darkroom.rotate_webhook(webhook_id)
    _tell_secret(changed, server)
    say(sys.stderr, "the secret before it signs beside it for a day: give the receiver the new one until then")
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom webhooks enable ID"""
)
def enable(webhook_id: Id, /, *, server: Server = THE_USUAL) -> int:
    """Send to an endpoint again that was disabled, because it answered 410."""
    with server.client() as darkroom:
        _tell(darkroom.enable_webhook(webhook_id), server)
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom webhooks redeliver ID EVENT"""
)
def redeliver(webhook_id: Id, event: Event, /, *, server: Server = THE_USUAL) -> int:
    """Send an event once more, within seconds and under the id that it had: a receiver that knows it drops it."""
    with server.client() as darkroom:
        again = darkroom.redeliver(webhook_id, event)
    if server.json:
        print_json(again.as_sent)
    else:
        say(sys.stdout, _delivery_line(again))
        say(sys.stderr, f"what comes of it: darkroom webhooks show {clean(webhook_id)}")
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom webhooks delete ID"""
)
def delete(webhook_id: Id, /, *, server: Server = THE_USUAL) -> int:
    """Send nothing more to an endpoint, and forget its secrets. Deleting again is no error."""
    with server.client() as darkroom:
        darkroom.delete_webhook(webhook_id)
    if server.json:
        print_json({"id": webhook_id, "state": "deleted"})
    else:
        say(sys.stdout, clean(f"{webhook_id} is deleted; what was still to be sent to it is given up"))
    return OK


def _tell(endpoint: Endpoint, server: Server) -> None:
    if server.json:
        print_json(endpoint.as_sent)
    else:
        say(sys.stdout, _line(endpoint))


def _tell_secret(endpoint: Endpoint, server: Server) -> None:
    _tell(endpoint, server)
    if not server.json:
        say(sys.stdout, clean(f"secret  {endpoint.secret}"))
    say(sys.stderr, "keep the secret now: it is not shown again")


def _line(endpoint: Endpoint) -> str:
    facts = [endpoint.id, endpoint.state, endpoint.url]
    if endpoint.disabled_why is not None:
        facts.append(f"{endpoint.disabled_why}; send to it again: darkroom webhooks enable {endpoint.id}")
    return clean("  ".join(facts))


def _delivery_line(delivery: Delivery) -> str:
    """One event: when it happened, what, what became of it, its last try, its ids."""
    happened = "" if delivery.created_at is None else f"{delivery.created_at:%Y-%m-%d %H:%M:%S}"
    facts = [happened, f"{delivery.type:23}", _ended(delivery), delivery.event, f"job {delivery.job_id}"]
    return clean("  ".join(facts))


def _ended(delivery: Delivery) -> str:
    last = delivery.attempts[-1] if delivery.attempts else None
    answer = "" if last is None else f"answered {last.status}" if last.status is not None else last.error or "no answer"
    if delivery.state == "pending":
        next_try = "" if delivery.due_at is None else f"next {delivery.due_at:%Y-%m-%d %H:%M:%S}"
        facts = [answer, next_try]
    else:
        facts = [answer, "" if delivery.reason is None else delivery.reason]
    said = ", ".join(fact for fact in facts if fact)
    return f"{delivery.state} ({said})" if said else delivery.state
