"""Planted faults: each breaks one guard of the protocol or one order of effects, and a test must notice.

    python -m tests.support.mutants            all of them; exit 1 if one survives
    python -m tests.support.mutants TOKEN      those whose name contains the word

A mutant is a piece of text in one file and what it becomes. It is made in a copy of the tree, so nothing here is
touched. A mutant whose text is no longer there, or there twice, is an error: the table must follow the code.
"""

import concurrent.futures
import itertools
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.support.mutant import Mutant, one
from tests.support.mutants_of_arrivals import ARRIVALS
from tests.support.mutants_of_effects import EFFECTS
from tests.support.mutants_of_events import EVENTS
from tests.support.mutants_of_fetching import FETCHING
from tests.support.mutants_of_notifications import NOTIFICATIONS
from tests.support.mutants_of_pictures import PICTURES
from tests.support.mutants_of_tenants import TENANTS

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("contracts", "services", "adapters", "tests", "functions", "components", "client", "operations")
_SIZE_TESTS: Final = "tests/contracts/test_lifecycle_size.py"
_WORK: Final = "contracts/rules/work.py"
_PARTS: Final = "contracts/rules/parts.py"
_UPLOAD: Final = "contracts/rules/upload.py"
_ENDING: Final = "contracts/rules/ending.py"
_DEBTS: Final = "contracts/debts.py"
_STEP: Final = "contracts/lifecycle.py"

RULES: Final = (
    # --- the fence ---
    one(
        "an answer's token is not checked",
        "contracts/job.py",
        "if part.token == token and part.is_open), None)",
        "if part.is_open), None)",
    ),
    one(
        "a closed part still takes answers",
        "contracts/job.py",
        "if part.token == token and part.is_open), None)",
        "if part.token == token), None)",
    ),
    one(
        "tokens are given out twice",
        _PARTS,
        "token, number = job.last_token + 1,",
        "token, number = job.last_token or 1,",
    ),
    one(
        "a token nobody gave out is merely late",
        _PARTS,
        "if not 1 <= token <= job.last_token:",
        "if False:",
    ),
    Mutant(
        "final states take answers, and cancelling keeps tokens",
        (
            (
                _STEP,
                "{_S.PROCESSING: (_S.PROCESSING, *_ENDS, _S.REJECTED)},",
                "{s: (s, _S.PROCESSING, *_ENDS, _S.REJECTED) for s in _ALL},",
            ),
            (
                _PARTS,
                "        if part.is_open:\n            job = closed",
                "        if False:\n            job = closed",
            ),
        ),
    ),
    one(
        "an answer's variants are not compared with its part's",
        _WORK,
        "if sorted(names) != sorted(part.variants):",
        "if False:",
    ),
    one("a result's place is not compared with its name", _WORK, "if parse_result(answer.key) != wanted or", "if"),
    # --- debts ---
    one(
        "a stored original owes no planning",
        _UPLOAD,
        "return open_sent(queued, DebtKind.PROCESS, now, timing)",
        "return queued",
    ),
    one(
        "planning does not settle its debt",
        _WORK,
        "job = settle(job, lambda debt: debt.kind is DebtKind.PROCESS)\n",
        "job = replace(job)\n",
    ),
    one(
        "closing a part does not settle its debt",
        _PARTS,
        "return settle(job, lambda debt: debt.kind is DebtKind.TRANSFORM and debt.token == part.token)",
        "return job",
    ),
    one(
        "an order is sent and not owed",
        _PARTS,
        "return open_sent(job, DebtKind.TRANSFORM, now, timing, token=token)",
        "return job",
    ),
    one(
        "a cancelled job still owes its work",
        _PARTS,
        "return settle(job, lambda debt: debt.kind in {DebtKind.PROCESS, DebtKind.TRANSFORM})",
        "return job",
    ),
    one("a deleted job keeps its debts", _ENDING, "job = settle(job, lambda debt: True)", "job = replace(job)"),
    one("a final event is owed to nobody who asked", _DEBTS, "if job.webhook is None:", "if True:"),
    one(
        "a delivery settles whatever is owed",
        _ENDING,
        "    if debt is None or debt.kind is not DebtKind.NOTIFY:\n"
        '        return Refusal(reason="the debt is settled")\n'
        "    return settle(job, lambda other: other.id == debt.id)",
        "    return settle(job, lambda other: other.kind is DebtKind.NOTIFY)",
    ),
    one(
        "a lapse spends a token",
        _DEBTS,
        "return replace(debt, lapses=lapses, due_at=now + seconds(gap), sent_at=sent_at)",
        "return replace(debt, lapses=lapses, due_at=now + seconds(gap), sent_at=sent_at, token=(debt.token or 0) + 1)",
    ),
    one("a debt lapses before it is due", _DEBTS, "    if now >= debt.due_at:\n", "    if True:\n"),
    one(
        "a purge hurries a back-off",
        _DEBTS,
        "return purged and debt.sent_at is not None and",
        "return purged and (debt.sent_at or 0) + 1 and",
    ),
    one("a backlog is announced again and again", _DEBTS, "waits = not first and not queue_empty", "waits = False"),
    one("a waiting order is sent again", _DEBTS, "if waits and debt.kind is DebtKind.TRANSFORM:", "if False:"),
    one("gaps do not grow", _DEBTS, "timing.first_gap_seconds * 2**lapses", "timing.first_gap_seconds"),
    one("what backs off is sent at once", _DEBTS, "if not debt.is_backing_off(now) and", "if"),
    one(
        "a lapse sends nothing",
        _STEP,
        "if debt.sent_at == now and known.get(debt.id) != debt)",
        "if debt.sent_at == now and debt.id not in known)",
    ),
    # --- erasures ---
    one(
        "bytes that land late are owed under the old debt",
        _DEBTS,
        "    cleared = settle(job, lambda debt: debt.kind is DebtKind.ERASE)\n",
        "    if before is not None:\n        return job\n    cleared = job\n",
    ),
    one(
        "any erasure settles the open one",
        _ENDING,
        "    debt = debts.find(job, event.debt)\n    if debt is None or debt.kind is not DebtKind.ERASE:",
        "    debt = next((d for d in job.debts if d.kind is DebtKind.ERASE), None)\n    if debt is None:",
    ),
    one("one erasure is enough", _ENDING, "if debt.round == 1:", "if debt.round == 0:"),
    one(
        "the second erasure does not wait for the slowest writer",
        _ENDING,
        "return max(last_post, now + seconds(slowest))",
        "return max(last_post, now)",
    ),
    one(
        "the second erasure does not wait for the last POST",
        _ENDING,
        "return max(last_post, now + seconds(slowest))",
        "return now + seconds(slowest)",
    ),
    one(
        "the second erasure is dated by the deletion",
        _ENDING,
        "_last_writes_end(job, now, timing), round=2)",
        "_last_writes_end(job, debt.due_at, timing), round=2)",
    ),
    one(
        "a rejected original is kept",
        _PARTS,
        "return owe_notify(owe_erase(job, now), now, timing)",
        "return owe_notify(job, now, timing)",
    ),
    one(
        "late bytes of a dead job are kept",
        _UPLOAD,
        '        return Refusal(reason="the job has its original")\n    return owe_erase(job, now)',
        '        return Refusal(reason="the job has its original")\n    return Refusal(reason="dead")',
    ),
    one("a copy of an event erases the original", _UPLOAD, "    if pinned is not None:\n", "    if False:\n"),
    one(
        "a tombstone remembers the picture",
        _ENDING,
        "state=JobState.DELETED, forget_at",
        "meta=job.meta, state=JobState.DELETED, forget_at",
    ),
    # --- alarms ---
    one(
        "an abandoned job has no alarm",
        _UPLOAD,
        "    return job.expires_at\n",
        "    return None if job.state is JobState.ABANDONED else job.expires_at\n",
    ),
    one(
        "an upload that was cut off is given up in a minute",
        _UPLOAD,
        "timing.abandon_after_seconds",
        "timing.grace_seconds",
    ),
    one("an alarm rings early", _UPLOAD, "if alarm is None or now < alarm:", "if alarm is None:"),
    one("a job expires early", _ENDING, "if now < job.expires_at:", "if False:"),
    # --- tries and parts ---
    one(
        "a split costs a try",
        _WORK,
        "        half = (len(part.variants) + 1) // 2\n",
        "        half = (len(part.variants) + 1) // 2\n"
        "        spent = tuple(replace(record, tries=record.tries + 1) for record in job.variants)\n"
        "        job = replace(job, variants=spent)\n",
    ),
    one(
        "a crash of several spares none",
        _WORK,
        "    if len(part.variants) > 1:\n        half",
        "    if False:\n        half",
    ),
    one(
        "a crasher is tried for ever",
        _WORK,
        "given_up = record.crashes >= _CRASHES_ALLOWED or record.tries >= timing.variant_tries",
        "given_up = False",
    ),
    one("tries never end", _WORK, "    if tries >= timing.variant_tries:\n", "    if False:\n"),
    one(
        "what ran out of time pays though work was done",
        _WORK,
        "        if isinstance(answer, Undone) and not closes_some:\n",
        "        if isinstance(answer, Undone):\n",
    ),
    one(
        "what ran out of time never pays",
        _WORK,
        "        if isinstance(answer, Undone) and not closes_some:\n",
        "        if False:\n",
    ),
    one(
        "only what the answer names as failed counts as done with",
        _WORK,
        "any(records[name].state is not VariantState.PENDING for name in answers)",
        "any(isinstance(answer, Done | Failed) for answer in event.answers)",
    ),
    one(
        "an unreadable original loses what was made",
        _WORK,
        "if any(record.state is VariantState.COMPLETED for record in job.variants):\n        return concluded",
        "if False:\n        return concluded",
    ),
    one("a plan takes finished variants too", _WORK, "if record.state is VariantState.PENDING]\n    cut", "]\n    cut"),
    one(
        "a job is final while a part is open",
        _PARTS,
        "    if any(part.is_open for part in job.parts):\n        return job\n",
        "",
    ),
    one(
        "a lost variant counts as completed",
        _PARTS,
        "if states == {VariantState.COMPLETED}:",
        "if VariantState.COMPLETED in states:",
    ),
    # --- commands ---
    one(
        "a repeated command is carried out again",
        _STEP,
        "if isinstance(event, Cancelled | Retried | Deleted) and any(",
        "if False and any(",
    ),
    one("a retry does not look at the revision", _ENDING, "if event.revision != job.revision:", "if False:"),
    one(
        "a retry makes everything again",
        _ENDING,
        "VariantRecord(spec=record.spec) if record.state is VariantState.FAILED else record",
        "VariantRecord(spec=record.spec)",
    ),
    one(
        "a retry keeps spent tries",
        _ENDING,
        "VariantRecord(spec=record.spec) if record.state is VariantState.FAILED",
        "replace(record, state=VariantState.PENDING) if record.state is VariantState.FAILED",
    ),
    one("a retry keeps its run", _ENDING, "run=job.run + 1,", "run=job.run,"),
    one(
        "commands are not remembered",
        _ENDING,
        "return replace(job, commands=(*job.commands, done)[-MAX_COMMANDS:])",
        "return job",
    ),
    one(
        "a write keeps its revision",
        _STEP,
        "revision = 1 if before is None else before.revision + 1",
        "revision = 1 if before is None else before.revision",
    ),
    one(
        "an illegal event stops the others",
        _STEP,
        "            verdict, reason = answer\n",
        "            verdict, reason = answer\n"
        "            if verdict is Verdict.ILLEGAL:\n                job = before\n                break\n",
    ),
    # --- the row ---
    one(
        "closed parts fill the row",
        _PARTS,
        "if closed_parts > _CLOSED_PARTS_KEPT or names > _CLOSED_NAMES_KEPT:",
        "if closed_parts > _CLOSED_PARTS_KEPT:",
        _SIZE_TESTS,
    ),
    one("an answer may fill the row", _WORK, "    if not _is_short(event):\n", "    if False:\n", _SIZE_TESTS),
    one("details fill the row", _WORK, "[:_MAX_DETAIL_BYTES]", "", _SIZE_TESTS),
    one(
        "a later version's document is read",
        "contracts/job.py",
        "if job.schema > SCHEMA:",
        "if False:",
        "tests/contracts/test_job.py",
    ),
)
MUTANTS: Final = RULES + EFFECTS + ARRIVALS + FETCHING + EVENTS + NOTIFICATIONS + TENANTS + PICTURES


class Trees:
    """Copies of the rooms, one a worker: a mutant is made in one, tested, and made good again.

    Copies are kept because compiling and rewriting every module again takes longer than most tests.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._free: queue.Queue[Path] = queue.Queue()
        self._edits = itertools.count(1)
        ignored = shutil.ignore_patterns("node_modules", "__pycache__", "results", "api")
        for number in range(count):
            tree = folder / str(number)
            for room in ROOMS:
                shutil.copytree(ROOT / room, tree / room, ignore=ignored)
            shutil.copy(ROOT / "pyproject.toml", tree)
            # a test runs what the page says
            (tree / "docs").mkdir()
            shutil.copy(ROOT / "docs" / "api.md", tree / "docs")
            self._free.put(tree)

    def is_killed(self, mutant: Mutant) -> tuple[bool, float]:
        """Whether a test noticed, and the seconds it took."""
        began = time.monotonic()
        tree = self._free.get()
        before = {file: (tree / file).read_text() for file, _, _ in mutant.edits}
        try:
            for file, text, instead in mutant.edits:
                now = (tree / file).read_text()
                if now.count(text) != 1:
                    raise SystemExit(f"mutant {mutant.name!r}: {now.count(text)} places in {file}; mend the table")
                after = now.replace(text, instead)
                compile(after, file, "exec")  # a mutant that does not even parse would be killed for nothing
                self._write(tree / file, after)
            return _notices(tree, mutant), time.monotonic() - began
        finally:
            for file, text in before.items():
                self._write(tree / file, text)
            self._free.put(tree)

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text)
        # compiled modules are known by their source's date, to the second
        date = path.stat().st_mtime + 10 * next(self._edits)
        os.utime(path, (date, date))


def _notices(tree: Path, mutant: Mutant) -> bool:
    environment = os.environ | {"HYPOTHESIS_PROFILE": "ci", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    plugins = ("-p", "_hypothesis_pytestplugin", "-p", "anyio")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", *plugins, *mutant.tests],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode not in {0, 1}:
        raise SystemExit(f"mutant {mutant.name!r}: the tests did not run\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return run.returncode == 1


def survivors(mutants: tuple[Mutant, ...], trees: Trees, workers: int) -> list[str]:
    """Names of the mutants that every test let through."""
    found = []
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for mutant, (killed, seconds) in zip(mutants, pool.map(trees.is_killed, mutants), strict=True):
            print(f"{'killed  ' if killed else 'SURVIVED'} {seconds:5.1f} s  {mutant.name}", flush=True)  # noqa: T201
            if not killed:
                found.append(mutant.name)
    return found


def main(words: list[str]) -> int:
    """The exit status: 1 if a mutant survived."""
    began, workers = time.monotonic(), os.cpu_count() or 2
    chosen = tuple(mutant for mutant in MUTANTS if all(word in mutant.name for word in words))
    sound = Mutant(
        "none: the tests pass where nothing is broken", (), tuple({t: None for m in chosen for t in m.tests})
    )
    with tempfile.TemporaryDirectory(prefix="darkroom-mutants-") as folder:
        trees = Trees(Path(folder), workers)
        if trees.is_killed(sound)[0]:
            raise SystemExit("the tests fail without any mutant: mend that first")
        alive = survivors(chosen, trees, workers)
    took = time.monotonic() - began
    print(  # noqa: T201
        f"mutants: {len(chosen)}, killed: {len(chosen) - len(alive)}, survived: {len(alive)}, {took:.0f} s"
    )
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
