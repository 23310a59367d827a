"""Planted faults: each breaks one guard of the protocol or one order of effects, and a test must notice.

    python -m tests.support.mutants            all of them; exit 1 if one survives
    python -m tests.support.mutants TOKEN      those whose name contains the word

A mutant is a piece of text in one file and what it becomes. The tree is copied for each, so nothing here is touched. A
mutant whose text is no longer there, or there twice, is an error: the table must follow the code.
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("contracts", "services", "adapters", "tests", "functions", "components")
STEP_TESTS: Final = ("tests/contracts/test_lifecycle_traces.py", "tests/contracts/test_lifecycle_walk.py")
EFFECT_TESTS: Final = ("tests/services", "tests/simulation")


class Mutant(NamedTuple):
    """One planted fault: `edits` are (file, text, text instead), all made together."""

    name: str
    edits: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...] = STEP_TESTS


def _one(name: str, file: str, text: str, instead: str, tests: tuple[str, ...] = STEP_TESTS) -> Mutant:
    return Mutant(name, ((file, text, instead),), tests)


_WORK: Final = "contracts/rules/work.py"
_PARTS: Final = "contracts/rules/parts.py"
_UPLOAD: Final = "contracts/rules/upload.py"
_ENDING: Final = "contracts/rules/ending.py"
_DEBTS: Final = "contracts/debts.py"
_STEP: Final = "contracts/lifecycle.py"
_INTAKE: Final = "services/upload/intake.py"
_BATCHES: Final = "services/processing/batches.py"
_CHANGES: Final = "services/processing/changes.py"
_SWEEPER: Final = "services/processing/sweeper.py"

MUTANTS: Final = (
    # --- the fence ---
    _one(
        "an answer's token is not checked",
        "contracts/job.py",
        "if part.token == token and part.is_open), None)",
        "if part.is_open), None)",
    ),
    _one(
        "a closed part still takes answers",
        "contracts/job.py",
        "if part.token == token and part.is_open), None)",
        "if part.token == token), None)",
    ),
    _one(
        "tokens are given out twice",
        _PARTS,
        "token, number = job.last_token + 1,",
        "token, number = job.last_token or 1,",
    ),
    _one(
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
    _one(
        "an answer's variants are not compared with its part's",
        _WORK,
        "if sorted(names) != sorted(part.variants):",
        "if False:",
    ),
    _one("a result's place is not compared with its name", _WORK, "if parse_result(answer.key) != wanted or", "if"),
    # --- debts ---
    _one(
        "a stored original owes no planning",
        _UPLOAD,
        "return open_sent(queued, DebtKind.PROCESS, now, timing)",
        "return queued",
    ),
    _one(
        "planning does not settle its debt",
        _WORK,
        "job = settle(job, lambda debt: debt.kind is DebtKind.PROCESS)\n",
        "job = replace(job)\n",
    ),
    _one(
        "closing a part does not settle its debt",
        _PARTS,
        "return settle(job, lambda debt: debt.kind is DebtKind.TRANSFORM and debt.token == part.token)",
        "return job",
    ),
    _one(
        "an order is sent and not owed",
        _PARTS,
        "return open_sent(job, DebtKind.TRANSFORM, now, timing, token=token)",
        "return job",
    ),
    _one(
        "a cancelled job still owes its work",
        _PARTS,
        "return settle(job, lambda debt: debt.kind in {DebtKind.PROCESS, DebtKind.TRANSFORM})",
        "return job",
    ),
    _one("a deleted job keeps its debts", _ENDING, "job = settle(job, lambda debt: True)", "job = replace(job)"),
    _one("a final event is owed to nobody who asked", _DEBTS, "if job.webhook is None:", "if True:"),
    _one(
        "a delivery settles whatever is owed",
        _ENDING,
        "    if debt is None or debt.kind is not DebtKind.NOTIFY:\n"
        '        return Refusal(reason="the debt is settled")\n'
        "    return settle(job, lambda other: other.id == debt.id)",
        "    return settle(job, lambda other: other.kind is DebtKind.NOTIFY)",
    ),
    _one(
        "a lapse spends a token",
        _DEBTS,
        "return replace(debt, lapses=lapses, due_at=now + seconds(gap), sent_at=sent_at)",
        "return replace(debt, lapses=lapses, due_at=now + seconds(gap), sent_at=sent_at, token=(debt.token or 0) + 1)",
    ),
    _one("a debt lapses before it is due", _DEBTS, "    if now >= debt.due_at:\n", "    if True:\n"),
    _one(
        "a purge hurries a back-off",
        _DEBTS,
        "return purged and debt.sent_at is not None and",
        "return purged and (debt.sent_at or 0) + 1 and",
    ),
    _one("a backlog is sent copies", _DEBTS, "if not first and not queue_empty:", "if False:"),
    _one("gaps do not grow", _DEBTS, "timing.first_gap_seconds * 2**lapses", "timing.first_gap_seconds"),
    _one("what backs off is sent at once", _DEBTS, "if not debt.is_backing_off(now) and", "if"),
    _one(
        "a lapse sends nothing",
        _STEP,
        "if debt.sent_at == now and known.get(debt.id) != debt)",
        "if debt.sent_at == now and debt.id not in known)",
    ),
    # --- erasures ---
    _one(
        "bytes that land late are owed under the old debt",
        _DEBTS,
        "    cleared = settle(job, lambda debt: debt.kind is DebtKind.ERASE)\n",
        "    if before is not None:\n        return job\n    cleared = job\n",
    ),
    _one(
        "any erasure settles the open one",
        _ENDING,
        "    debt = debts.find(job, event.debt)\n    if debt is None or debt.kind is not DebtKind.ERASE:",
        "    debt = next((d for d in job.debts if d.kind is DebtKind.ERASE), None)\n    if debt is None:",
    ),
    _one("one erasure is enough", _ENDING, "if debt.round == 1:", "if debt.round == 0:"),
    _one(
        "the second erasure does not wait for the slowest writer",
        _ENDING,
        "return max(last_post, now + seconds(slowest))",
        "return max(last_post, now)",
    ),
    _one(
        "the second erasure does not wait for the last POST",
        _ENDING,
        "return max(last_post, now + seconds(slowest))",
        "return now + seconds(slowest)",
    ),
    _one(
        "the second erasure is dated by the deletion",
        _ENDING,
        "_last_writes_end(job, now, timing), round=2)",
        "_last_writes_end(job, debt.due_at, timing), round=2)",
    ),
    _one(
        "a rejected original is kept",
        _PARTS,
        "return owe_notify(owe_erase(job, now), now, timing)",
        "return owe_notify(job, now, timing)",
    ),
    _one(
        "late bytes of a dead job are kept",
        _UPLOAD,
        '        return Refusal(reason="the job has its original")\n    return owe_erase(job, now)',
        '        return Refusal(reason="the job has its original")\n    return Refusal(reason="dead")',
    ),
    _one("a copy of an event erases the original", _UPLOAD, "    if pinned is not None:\n", "    if False:\n"),
    _one(
        "a tombstone remembers the picture",
        _ENDING,
        "state=JobState.DELETED, forget_at",
        "meta=job.meta, state=JobState.DELETED, forget_at",
    ),
    # --- alarms ---
    _one(
        "an abandoned job has no alarm",
        _UPLOAD,
        "    return job.expires_at\n",
        "    return None if job.state is JobState.ABANDONED else job.expires_at\n",
    ),
    _one("an alarm rings early", _UPLOAD, "if alarm is None or now < alarm:", "if alarm is None:"),
    _one("a job expires early", _ENDING, "if now < job.expires_at:", "if False:"),
    # --- tries and parts ---
    _one(
        "a split costs a try",
        _WORK,
        "        half = (len(part.variants) + 1) // 2\n",
        "        half = (len(part.variants) + 1) // 2\n"
        "        spent = tuple(replace(record, tries=record.tries + 1) for record in job.variants)\n"
        "        job = replace(job, variants=spent)\n",
    ),
    _one(
        "a crash of several spares none",
        _WORK,
        "    if len(part.variants) > 1:\n        half",
        "    if False:\n        half",
    ),
    _one(
        "a crasher is tried for ever",
        _WORK,
        "given_up = record.crashes >= _CRASHES_ALLOWED or record.tries >= timing.variant_tries",
        "given_up = False",
    ),
    _one("tries never end", _WORK, "    if tries >= timing.variant_tries:\n", "    if False:\n"),
    _one("what ran out of time pays though work was done", _WORK, "        if spares_undone:\n", "        if False:\n"),
    _one("what ran out of time never pays", _WORK, "        if spares_undone:\n", "        if True:\n"),
    _one(
        "an unreadable original loses what was made",
        _WORK,
        "if any(record.state is VariantState.COMPLETED for record in job.variants):\n        return concluded",
        "if False:\n        return concluded",
    ),
    _one(
        "a plan takes finished variants too", _WORK, "if record.state is VariantState.PENDING]\n    cut", "]\n    cut"
    ),
    _one(
        "a job is final while a part is open",
        _PARTS,
        "    if any(part.is_open for part in job.parts):\n        return job\n",
        "",
    ),
    _one(
        "a lost variant counts as completed",
        _PARTS,
        "if states == {VariantState.COMPLETED}:",
        "if VariantState.COMPLETED in states:",
    ),
    # --- commands ---
    _one(
        "a repeated command is carried out again",
        _STEP,
        "if isinstance(event, Cancelled | Retried | Deleted) and any(",
        "if False and any(",
    ),
    _one("a retry does not look at the revision", _ENDING, "if event.revision != job.revision:", "if False:"),
    _one(
        "a retry makes everything again",
        _ENDING,
        "VariantRecord(spec=record.spec) if record.state is VariantState.FAILED else record",
        "VariantRecord(spec=record.spec)",
    ),
    _one(
        "a retry keeps spent tries",
        _ENDING,
        "VariantRecord(spec=record.spec) if record.state is VariantState.FAILED",
        "replace(record, state=VariantState.PENDING) if record.state is VariantState.FAILED",
    ),
    _one("a retry keeps its run", _ENDING, "run=job.run + 1,", "run=job.run,"),
    _one(
        "commands are not remembered",
        _ENDING,
        "return replace(job, commands=(*job.commands, done)[-MAX_COMMANDS:])",
        "return job",
    ),
    _one(
        "a write keeps its revision",
        _STEP,
        "revision = 1 if before is None else before.revision + 1",
        "revision = 1 if before is None else before.revision",
    ),
    _one(
        "an illegal event stops the others",
        _STEP,
        "            verdict, reason = answer\n",
        "            verdict, reason = answer\n"
        "            if verdict is Verdict.ILLEGAL:\n                job = before\n                break\n",
    ),
)


def survivors(mutants: tuple[Mutant, ...]) -> list[str]:
    """Names of the mutants that every test let through."""
    found = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for mutant, (killed, seconds) in zip(mutants, pool.map(_is_killed, mutants), strict=True):
            print(f"{'killed  ' if killed else 'SURVIVED'} {seconds:5.1f} s  {mutant.name}", flush=True)  # noqa: T201
            if not killed:
                found.append(mutant.name)
    return found


def _is_killed(mutant: Mutant) -> tuple[bool, float]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="darkroom-mutant-") as folder:
        tree = Path(folder)
        for room in ROOMS:
            ignored = shutil.ignore_patterns("node_modules", "__pycache__", "results")
            shutil.copytree(ROOT / room, tree / room, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", tree)
        for file, text, instead in mutant.edits:
            path = tree / file
            before = path.read_text()
            if before.count(text) != 1:
                raise SystemExit(f"mutant {mutant.name!r}: {before.count(text)} places in {file}; mend the table")
            after = before.replace(text, instead)
            compile(after, file, "exec")  # a mutant that does not even parse would be killed for nothing
            path.write_text(after)
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "ci"}
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", *mutant.tests],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode not in {0, 1}:
        raise SystemExit(f"mutant {mutant.name!r}: the tests did not run\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return run.returncode == 1, time.monotonic() - began


def main(words: list[str]) -> int:
    sound = Mutant("none: the tests pass where nothing is broken", (), tuple({t for m in MUTANTS for t in m.tests}))
    if not words and _is_killed(sound)[0]:
        raise SystemExit("the tests fail without any mutant: mend that first")
    chosen = tuple(mutant for mutant in MUTANTS if all(word in mutant.name for word in words))
    alive = survivors(chosen)
    print(f"mutants: {len(chosen)}, killed: {len(chosen) - len(alive)}, survived: {len(alive)}")  # noqa: T201
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
