"""Planted faults in the order of effects and their guards: intake, readers, sweeper, function, adapters."""

from typing import Final

from tests.support.mutant import Mutant, one

_INTAKE: Final = "services/upload/intake.py"
_COMMANDS: Final = "services/upload/commands.py"
_LETTERS: Final = "services/processing/letters.py"
_BATCHES: Final = "services/processing/batches.py"
_CHANGES: Final = "services/processing/changes.py"
_SWEEPER: Final = "services/processing/sweeper.py"
_PURGES: Final = "services/processing/purges.py"
_WORK: Final = "functions/transform/work.py"
_LEDGER: Final = "adapters/ledger.py"
_ROWS: Final = "adapters/rows.py"
_QUEUES: Final = "adapters/queues.py"
_OBJECTS: Final = "adapters/objects.py"

_INTAKE_TESTS: Final = "tests/services/upload/test_intake.py"
_COMMAND_TESTS: Final = "tests/services/upload/test_commands.py"
_LETTER_TESTS: Final = "tests/services/processing/test_letters.py"
_BATCH_TESTS: Final = "tests/services/processing/test_batches.py"
_BAD_MESSAGES: Final = "tests/services/processing/test_hostile_messages.py"
_SWEEP_TESTS: Final = "tests/services/processing/test_sweeper.py"
_PURGE_TESTS: Final = "tests/services/processing/test_purges.py"
_WORK_TESTS: Final = "tests/functions/test_work.py"
_LEDGER_TESTS: Final = "tests/adapters/test_ledger.py"
_QUEUE_TESTS: Final = "tests/adapters/test_queues.py"
_OBJECT_TESTS: Final = "tests/adapters/test_objects.py"

EFFECTS: Final = (
    # --- an upload: row, object, row, reply, message ---
    one(
        "an upload is accepted before it is written",
        _INTAKE,
        "                self._ledger.replace(current, job.revision)\n",
        "                pass\n",
        _INTAKE_TESTS,
    ),
    one(
        "an upload is announced before it is written",
        _INTAKE,
        "                self._ledger.replace(current, job.revision)\n",
        "                self.announce(outcome.send)\n                self._ledger.replace(current, job.revision)\n",
        _INTAKE_TESTS,
    ),
    one(
        "an original is stored before its row is reserved",
        _INTAKE,
        "        existing = self._ledger.create(fresh)\n",
        "        self._stored(fresh, arrival.body, arrival.source)\n        existing = self._ledger.create(fresh)\n",
        _INTAKE_TESTS,
    ),
    one(
        "bytes that are there are taken for ours",
        _INTAKE,
        "if head.sha256 != body.sha256:",
        "if False:",
        _INTAKE_TESTS,
    ),
    one(
        "options are not compared under a key", _INTAKE, "job.fingerprint != fresh.fingerprint", "False", _INTAKE_TESTS
    ),
    one("files are not compared under a key", _INTAKE, " or not same_bytes:", ":", _INTAKE_TESTS),
    one("a dead job is adopted", _INTAKE, "if dead or never_stored:", "if False:", _INTAKE_TESTS),
    one(
        "bytes that meet a dead job are accepted",
        _INTAKE,
        "            if current.state is not JobState.QUEUED:\n",
        "            if False:\n",
        _INTAKE_TESTS,
    ),
    one(
        "a rival's version is taken for ours",
        _INTAKE,
        "version_id != pinned.version_id:",
        "version_id == '':",
        _INTAKE_TESTS,
    ),
    one(
        "who doubts its own Stored sends nothing", _INTAKE, "owed(current, now) if attempt else ()", "()", _INTAKE_TESTS
    ),
    one(
        "a refused Stored is accepted as it is",
        _INTAKE,
        "                job = self._read(job)\n                continue\n",
        "                return Accepted(job=current, messages=outcome.send)\n",
        _INTAKE_TESTS,
    ),
    one(
        "an upload fails for its message",
        _INTAKE,
        "            self._send(messages)\n        except Unavailable as error:",
        "            self._send(messages)\n        except ZeroDivisionError as error:",
        _INTAKE_TESTS,
    ),
    # --- a command: known, written, sent ---
    one(
        "a command is answered before it is written",
        _COMMANDS,
        "                self._ledger.replace(outcome.job, job.revision)\n",
        "                pass\n",
        _COMMAND_TESTS,
    ),
    one("a key is taken for another command's", _COMMANDS, "known.kind != kind or", "False or", _COMMAND_TESTS),
    one(
        "who doubts its own command sends nothing",
        _COMMANDS,
        "owed(job, self._clock.now()) if job.state is JobState.QUEUED else ()",
        "()",
        _COMMAND_TESTS,
    ),
    one("a foreign job is commanded", _COMMANDS, "job is None or job.tenant != tenant", "job is None", _COMMAND_TESTS),
    # --- a letter: receive, read, send, delete ---
    one(
        "a letter is deleted before it is sent again",
        _LETTERS,
        "        if sent:\n            self._queues.redrive(sent)\n",
        "        self._queues.delete(sent, dead_letters=True)\n        self._queues.redrive(sent)\n",
        _LETTER_TESTS,
    ),
    one("a dry run is not dry", _LETTERS, "gone = [] if call.wish.dry_run else [", "gone = [", _LETTER_TESTS),
    one(
        "what was looked at is kept back",
        _LETTERS,
        "            self._give_back(kept)\n",
        "            pass\n",
        _LETTER_TESTS,
    ),
    # --- a batch: decode, read, write, send, delete ---
    one(
        "messages are deleted before what they owe is sent",
        _BATCHES,
        "        if not self._send(outgoing):\n",
        "        self._delete([received for received, end in zip(batch, ends, strict=True) if end is not End.LEFT])\n"
        "        if not self._send(outgoing):\n",
        _BATCH_TESTS,
    ),
    one(
        "messages are deleted though what they owe was not sent",
        _BATCHES,
        "        if not self._send(outgoing):\n",
        "        if not self._send(outgoing) and False:\n",
        _BATCH_TESTS,
    ),
    one(
        "messages are deleted before the jobs are read",
        _BATCHES,
        "        jobs = readable(",
        "        self._delete(list(batch))\n        jobs = readable(",
        _BATCH_TESTS,
    ),
    one("what was left is deleted", _BATCHES, " if end is not End.LEFT]", "]", _BATCH_TESTS, _BAD_MESSAGES),
    one("an illegal message is acknowledged", _BATCHES, "if verdict is Verdict.ILLEGAL:", "if False:", _BAD_MESSAGES),
    one(
        "a message of no job is acknowledged",
        _BATCHES,
        'reason="there is no such job")\n        return End.LEFT',
        'reason="there is no such job")\n        return End.ACKNOWLEDGED',
        _BAD_MESSAGES,
    ),
    one("a bad message is thrown away", _BATCHES, "self._queues.park(received, reason)", "pass", _BAD_MESSAGES),
    one(
        "a bad message that could not be parked is thrown away",
        _BATCHES,
        "reason=error.detail, **who)\n            return End.LEFT",
        "reason=error.detail, **who)\n            return End.PARKED",
        _BAD_MESSAGES,
    ),
    one(
        "bad dead letters are thrown away",
        _BATCHES,
        "self._tell_once(received, _unquoted(reason), who)\n            return End.LEFT",
        "self._tell_once(received, _unquoted(reason), who)\n            return End.PARKED",
        _BAD_MESSAGES,
    ),
    one("an order's tenant is believed", _BATCHES, "if message.tenant != job.tenant:", "if False:", _BATCH_TESTS),
    # --- a change: step, write, and again ---
    one(
        "a write does not look at the revision",
        _CHANGES,
        "ledger.replace(change.job, job.revision, born(job))",
        "ledger.replace(change.job, ledger.read([job.id])[job.id].revision, born(job))",
        _BATCH_TESTS,
        _SWEEP_TESTS,
    ),
    one("debts are forgotten after a refused write", _CHANGES, "(self.contested or before)", "before", _BATCH_TESTS),
    one("debts are forgotten at a redelivery", _CHANGES, "(self.contested or before)", "self.contested", _BATCH_TESTS),
    one("copies breed", _CHANGES, " and (self.contested or before)", "", _BATCH_TESTS),
    one(
        "a refused write counts as written",
        _CHANGES,
        "            contested = True\n        else:",
        "            return change\n        else:",
        _BATCH_TESTS,
    ),
    one(
        "after a refused write the old copy is stepped again",
        _CHANGES,
        "        job = found\n",
        "        job = msgspec.structs.replace(job, revision=found.revision)\n",
        _BATCH_TESTS,
    ),
    # --- the sweeper ---
    one(
        "an order that is in hand counts as lost",
        _SWEEPER,
        "dead_letters=dead_letters).total == 0",
        "dead_letters=dead_letters).visible == 0",
        _SWEEP_TESTS,
    ),
    one("an erasure is settled and never made", _SWEEPER, "self._eraser.erase(job.tenant, job.id)", "0", _SWEEP_TESTS),
    one(
        "an erasure that failed is settled",
        _SWEEPER,
        "            yield LapsedDebt(debt=debt.id)\n\n",
        "            yield Erased(debt=debt.id)\n\n",
        _SWEEP_TESTS,
    ),
    Mutant(
        "the second erasure is begun ahead of its time",
        (
            (_SWEEPER, "debt.kind is DebtKind.ERASE and debt.due_at <= now for", "debt.kind is DebtKind.ERASE for"),
            (_SWEEPER, "if debt.kind is DebtKind.ERASE and debt.due_at <= now]", "if debt.kind is DebtKind.ERASE]"),
        ),
        (_SWEEP_TESTS,),
    ),
    one(
        "an upload is given up though its object is there",
        _SWEEPER,
        "if head is not None and head.sha256 is not None and head.sha256 == job.content_sha256:",
        "if head is None and self is None:",
        _SWEEP_TESTS,
    ),
    one(
        "bytes that the row does not know are pinned",
        _SWEEPER,
        "if head is not None and head.sha256 is not None and head.sha256 == job.content_sha256:",
        "if head is not None:",
        _SWEEP_TESTS,
    ),
    one("what lapsed is dated and not sent", _SWEEPER, "        self._send(outgoing)\n", "", _SWEEP_TESTS),
    one(
        "one shard is never swept", _SWEEPER, "list(range(self._shards))", "list(range(1, self._shards))", _SWEEP_TESTS
    ),
    one("a backlog is not asked for", _SWEEPER, "depths.is_empty(one) is False", "False", _SWEEP_TESTS),
    one(
        "orders are repeated while their answers are on the way",
        _PURGES,
        "        (Queue.COMPLETIONS, False),\n        (Queue.TRANSFORMS, True),\n        (Queue.COMPLETIONS, True),\n",
        "",
        _SWEEP_TESTS,
    ),
    one("one look at an empty queue is enough", _PURGES, ">= self._apart", ">= 0", _PURGE_TESTS),
    one(
        "a backlog holds nobody back",
        "services/processing/backlog.py",
        "            return self._estimate <= self._most\n",
        "            return True\n",
        "tests/services/processing/test_backlog.py",
    ),
    # --- the function ---
    one("an answer has a token of its own", _WORK, "        token=order.token,\n", "        token=1,\n", _WORK_TESTS),
    one(
        "a result is stored after its answer",
        _WORK,
        "self._stores.results.put_result(\n                key, made.body, digest=digest,"
        " media_type=made.format.media_type, hops=self._order.hops + 1\n            )",
        "threading.Timer(0.1, self._stores.results.put_result, (key, made.body),"
        ' {"digest": digest, "media_type": made.format.media_type}).start()',
        _WORK_TESTS,
    ),
    one(
        "a result is not named by its bytes",
        _WORK,
        "hashlib.sha256(made.body).hexdigest()",
        "hashlib.sha256(made.name.encode()).hexdigest()",
        _WORK_TESTS,
    ),
    one(
        "an original that is gone rejects its job",
        _WORK,
        "except SourceMissing as",
        "except RecursionError as",
        _WORK_TESTS,
    ),
    one(
        "an order may read another job's original",
        _WORK,
        "if (place.tenant, place.job_id) != (order.tenant, order.job_id):",
        "if False:",
        _WORK_TESTS,
    ),
    one(
        "what there was no time for pays as if it had failed",
        _WORK,
        "found.get(variant.name, Undone(name=variant.name))",
        'found.get(variant.name, Retryable(name=variant.name, code="out-of-time"))',
        _WORK_TESTS,
    ),
    one(
        "an order is acknowledged though its answer was not sent",
        "functions/transform/handler.py",
        "        root.queues.send([Outgoing(Queue.COMPLETIONS, answer)])\n",
        "        try:\n            root.queues.send([Outgoing(Queue.COMPLETIONS, answer)])\n"
        "        except Exception:\n            pass\n",
        "tests/functions/test_handler.py::test_an_answer_that_cannot_be_sent_brings_the_order_back",
    ),
    # --- the adapters ---
    one(
        "a row is created over another",
        _LEDGER,
        '"attribute_not_exists(#key)"',
        '"attribute_not_exists(#key) OR attribute_exists(#key)"',
        f"{_LEDGER_TESTS}::test_a_second_create_is_answered_with_the_first_and_writes_nothing",
    ),
    one(
        "a row is replaced whatever its revision",
        _ROWS,
        '"#revision = :expected"',
        '"#revision = :expected OR attribute_exists(#revision)"',
        f"{_LEDGER_TESTS}::test_a_replace_of_another_revision_changes_nothing",
    ),
    one(
        "rows are read as they may have been",
        _ROWS,
        '"ConsistentRead": True',
        '"ConsistentRead": False',
        f"{_LEDGER_TESTS}::test_a_read_asks_for_a_hundred_at_a_time_and_for_each_once",
    ),
    one(
        "rows that DynamoDB left out are missing",
        _ROWS,
        "        if not left:\n",
        "        if True:\n",
        f"{_LEDGER_TESTS}::test_keys_left_unprocessed_are_asked_for_again",
    ),
    one(
        "what is due ends with the first page",
        _ROWS,
        '        if "LastEvaluatedKey" not in page:\n',
        "        if True:\n",
        f"{_LEDGER_TESTS}::test_pages_are_followed_until_there_are_enough",
    ),
    one(
        "what a batch did not take is taken for sent",
        _QUEUES,
        "            if not failed:\n                return {}\n",
        "            return {}\n",
        f"{_QUEUE_TESTS}::test_what_failed_in_a_batch_is_sent_once_more",
        f"{_QUEUE_TESTS}::test_what_fails_twice_is_its_senders_alone",
    ),
    one(
        "what was not deleted is taken for deleted",
        _QUEUES,
        'failed = [one for one in answer.get("Failed", []) if not _is_stale(one)]',
        "failed = []",
        f"{_QUEUE_TESTS}::test_a_delete_that_failed_for_another_reason_is_tried_once_more",
    ),
    one(
        "what is parked comes back",
        _QUEUES,
        "QueueUrl=self._dead_letter_urls[message.queue]",
        "QueueUrl=self._urls[message.queue]",
        f"{_QUEUE_TESTS}::test_a_parked_message_says_why",
    ),
    one("an object is put over another", _OBJECTS, 'put_object(IfNoneMatch="*", **', "put_object(**", _OBJECT_TESTS),
    one("whatever version is there is read", _OBJECTS, "Key=key, VersionId=version_id)", "Key=key)", _OBJECT_TESTS),
)
