"""Every bad input comes to what the catalogue says, none is answered with 5xx, and memory stays flat.

The catalogue is `tests/bad_inputs.json`. The figure's second part: 64 uploads of 20 MB at once, sent again by whoever
is told to wait, and how far the memory of both services grew beyond what it was when idle.
"""

import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.support.bad_inputs import TABLE, Outcome, Sender, senders
from tests.support.bad_inputs.bench import Bench, bench
from tests.support.bad_inputs.forms import JPEG, LIGHT, form
from tests.support.cases import hold, say
from tests.support.upload_room import file_part, options_part

UPLOADS: Final = 64
UPLOAD_BYTES: Final = 20_000_000
MOST_GROWTH_MB: Final = 64
_SERVICES: Final = ("upload", "processing")
_MB: Final = 1_000_000


def main() -> str:
    with bench() as running:
        cases = sum(len(entry.cases) for entry in TABLE.values())
        say(f"up at {running.stack.url}: {len(TABLE)} entries, {cases} cases")
        strange, faults, left = catalogue(running)
        for line in strange:
            say(line)
        wrong = {line.split()[0] for line in strange}
        grown = memory(running)
    figure = (
        f"{len(TABLE) - len(wrong)} of {len(TABLE)} as expected, {faults} answers of 5xx for a fault of ours, "
        f"{left} left behind, RSS +{grown:.0f} MB"
    )
    hold(not strange and not faults and not left and grown < MOST_GROWTH_MB, figure)
    return figure


def catalogue(running: Bench) -> tuple[list[str], int, int]:
    """What came otherwise than expected, a line each; 5xx of ours; cases that left more than they should."""
    strange, faults, left = [], 0, 0
    by_entry: dict[str, list[tuple[str, Sender]]] = defaultdict(list)
    for (entry, case), send in senders().items():
        by_entry[entry].append((case, send))
    for entry, cases in by_entry.items():
        for case, send in cases:
            due = TABLE[entry].cases[case]
            found = _outcome(running, send)
            if isinstance(found, str) or found != due:
                strange.append(f"{entry} {case}: {found}, and not {due}")
            if isinstance(found, Outcome):
                # 502 says that a stranger's host is at fault, and is expected where it is
                faults += (found.status or 0) >= 500 and found.status != due.status
                left += found.leaves != due.leaves
        say(f"{entry}: {len(cases)} cases; {TABLE[entry].what}")
    return strange, faults, left


def memory(running: Bench) -> float:
    """Megabytes by which both services' memory grew together at its highest while large uploads came all at once."""
    idle = {name: _resident(running, name) for name in _SERVICES}
    highest, over = dict(idle), threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            for name in _SERVICES:
                highest[name] = max(highest[name], _resident(running, name))

    watching = threading.Thread(target=watch)
    watching.start()
    asked = form(options_part(LIGHT), file_part(JPEG + bytes(UPLOAD_BYTES - len(JPEG))))
    told_to_wait = []

    def send(_: int) -> str:
        while True:
            answer = running.ask(asked)
            if answer.status == 202:
                return answer.document["id"]
            # one at a time finds a place in the end
            hold(answer.status in (429, 503), f"an upload of 20 MB was answered {answer.status} {answer.code}")
            told_to_wait.append(answer.status)
            time.sleep(int(answer.headers["retry-after"]))

    try:
        with ThreadPoolExecutor(UPLOADS) as crowd:
            jobs = list(crowd.map(send, range(UPLOADS)))
        say(f"{len(jobs)} uploads of 20 MB taken; {len(told_to_wait)} times one was told to wait")
        ends = {running.ended(job_id)["state"] for job_id in jobs}
        hold(ends == {"completed"}, f"jobs of 20 MB ended as {sorted(ends)}")
    finally:
        over.set()
        watching.join()
    for name in _SERVICES:
        say(f"{name}: {idle[name] / _MB:.0f} MB idle, {highest[name] / _MB:.0f} MB at most")
    return sum(highest[name] - idle[name] for name in _SERVICES) / _MB


def _outcome(running: Bench, send: Sender) -> Outcome | str:
    try:
        return running.outcome(send)
    except (AssertionError, KeyError, OSError) as error:
        return f"{type(error).__name__}: {error}"


def _resident(running: Bench, name: str) -> int:
    """Bytes that a service's process has in memory now (Linux)."""
    status = Path(f"/proc/{running.pid(name)}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024
