"""Planted faults where pictures come by another way than through the service: posted straight to S3, or imported."""

from typing import Final

from tests.support.mutant import one

_ARRIVALS: Final = "contracts/arrivals.py"
_DIRECT: Final = "services/upload/direct.py"

_DIRECT_TESTS: Final = "tests/services/upload/test_direct.py"
_INGEST: Final = "services/processing/ingest.py"
_NOTICES: Final = "contracts/notices.py"
_IMPORTING: Final = "operations/importing.py"
_PICTURES: Final = "operations/sources.py"
_OBJECTS: Final = "adapters/objects.py"

_IMPORT_TESTS: Final = "tests/operations/test_import.py"
_INGEST_TESTS: Final = "tests/services/processing/test_ingest.py"
_CHARGE_TESTS: Final = "tests/services/processing/test_charges.py"
_TALLY_TESTS: Final = "tests/adapters/test_tallies.py"

ARRIVALS: Final = (
    # --- a look at what was posted ---
    one(
        "a checksum that was promised is not compared",
        _ARRIVALS,
        "if job.content_sha256 is not None and head.sha256 != job.content_sha256:",
        "if False:",
        _DIRECT_TESTS,
        _INGEST_TESTS,
    ),
    one(
        "what was posted is not held to the limits",
        _ARRIVALS,
        "    check_limits(header)\n",
        "",
        _DIRECT_TESTS,
        _INGEST_TESTS,
    ),
    one(
        "what was posted is not compared with what was announced",
        _ARRIVALS,
        "check_declared(file.read(SNIFF_BYTES), head.media_type, name, read)",
        "check_declared(file.read(SNIFF_BYTES), None, None, read)",
        _DIRECT_TESTS,
        _INGEST_TESTS,
    ),
    one(
        "another file that is posted over the first ends the look",
        _ARRIVALS,
        "            # posted over: what is there now is looked at\n            continue",
        "            return None",
        _DIRECT_TESTS,
        _INGEST_TESTS,
    ),
    # --- the form, and the word that it was posted ---
    one(
        "a form is signed anew beyond the row's first expiry",
        _DIRECT,
        "            until=job.upload_until,",
        "            until=fresh.upload_until,",
        _DIRECT_TESTS,
    ),
    one(
        "a form takes any size up to the most",
        _DIRECT,
        "            least_bytes=least,",
        "            least_bytes=1,",
        _DIRECT_TESTS,
    ),
    one(
        "a form takes other bytes than were promised",
        _DIRECT,
        "            sha256=job.content_sha256,\n            until",
        "            sha256=None,\n            until",
        _DIRECT_TESTS,
    ),
    one(
        "a direct upload is accepted before it is written",
        _DIRECT,
        "                self._ledger.replace(current, job.revision)\n",
        "                pass\n",
        _DIRECT_TESTS,
    ),
    one(
        "nothing was posted, says who looked at the file after it was refused and erased",
        _DIRECT,
        "                if found is not None and found.revision != job.revision:\n",
        "                if False:\n",
        _DIRECT_TESTS,
    ),
    # --- what it costs ---
    one(
        "what was charged for a form is never put right",
        "contracts/lifecycle.py",
        "    charge = rules.charge_of(job, revision)\n",
        "    charge = job.charge\n",
        _CHARGE_TESTS,
    ),
    one(
        "what was refused or never came is charged as if it had come",
        "contracts/rules/upload.py",
        "arrived = Amounts() if job.original is None else cost_of(job.source)",
        "arrived = cost_of(job.source)",
        _CHARGE_TESTS,
    ),
    one(
        "a charge is put right by every later write",
        "contracts/charges.py",
        "replaced < written == self.revision",
        "replaced < written",
        _CHARGE_TESTS,
    ),
    one(
        "a charge is put right again by a row that is written anew",
        "contracts/charges.py",
        "replaced < written == self.revision",
        "written == self.revision",
        _TALLY_TESTS,
    ),
    one(
        "a form that is repeated is charged again",
        _DIRECT,
        "        if replayed:\n            taken.refund()\n",
        "",
        _CHARGE_TESTS,
    ),
    one(
        "a charge is given back though its row may be there",
        _DIRECT,
        "        existing = self._ledger.create(fresh)\n        replayed",
        "        with kept_if_done(taken):\n            existing = self._ledger.create(fresh)\n        replayed",
        _CHARGE_TESTS,
    ),
    one(
        "a tally is put right beside the write of its job, not with it",
        "adapters/ledger.py",
        "        row = {",
        "        for one in correction_update(self._table, job, expected_revision):\n"
        '            self._client.update_item(**one["Update"])\n'
        "        row = {",
        _TALLY_TESTS,
    ),
    one(
        "whoever knows its id commits an upload that is still under way",
        _DIRECT,
        "            if not job.direct:\n",
        "            if False:\n",
        f"{_DIRECT_TESTS}::test_an_upload_through_the_service_is_committed_by_itself_alone",
    ),
    # --- S3's notices ---
    one(
        "a notice is deleted before what it owes is sent",
        _INGEST,
        "        if not self._send(outgoing):\n",
        "        if False:\n",
        _INGEST_TESTS,
    ),
    one(
        "a notice is done with its first record",
        _INGEST,
        "                outgoing += owed\n        except BadMessage",
        "                outgoing += owed\n                break\n        except BadMessage",
        _INGEST_TESTS,
    ),
    one(
        "a notice is deleted though one of its jobs is not there yet",
        _INGEST,
        "End.LEFT if End.LEFT in ends else End.ACKNOWLEDGED",
        "End.ACKNOWLEDGED",
        _INGEST_TESTS,
    ),
    one(
        "a notice of another key than its job's is believed",
        _INGEST,
        "        if job.key != notice.place.key:\n",
        "        if False:\n",
        _INGEST_TESTS,
    ),
    one(
        "bytes that land for a job that is over are forgotten",
        _INGEST,
        '        return Stored(version_id=notice.version_id or "", etag="", source=Source())\n',
        "        return None\n",
        _INGEST_TESTS,
    ),
    one(
        "a notice that comes again sends nothing",
        _INGEST,
        "change.messages([received.receives > 1], self._clock.now())",
        "change.messages([False], self._clock.now())",
        _INGEST_TESTS,
    ),
    one(
        "a notice of any bucket is believed",
        _NOTICES,
        "    if record.s3.bucket.name != bucket:\n",
        "    if False:\n",
        _INGEST_TESTS,
    ),
    one(
        "what was removed counts as stored",
        _NOTICES,
        " if record.event_name.startswith(_CREATED))",
        ")",
        _INGEST_TESTS,
    ),
    one(
        "a key is taken as S3 writes it",
        _NOTICES,
        'parse_original(unquote_plus(record.s3.object.key, errors="replace"))',
        "parse_original(record.s3.object.key)",
        _INGEST_TESTS,
    ),
    one(
        "an inline upload is committed by a notice",
        _NOTICES,
        "    if place.way != DIRECT:\n",
        "    if False:\n",
        _INGEST_TESTS,
    ),
    # --- an import ---
    one(
        "a picture is copied before a row owns the copy",
        _IMPORTING,
        "        existing = self._stack.ledger.create(fresh)\n",
        "        self._originals.copy_original(\n"
        "            fresh.key,\n"
        "            bucket=self._pictures.source.bucket,\n"
        "            source=picture.key,\n"
        "            etag=picture.etag,\n"
        '            media_type="image/png",\n'
        "        )\n"
        "        existing = self._stack.ledger.create(fresh)\n",
        f"{_IMPORT_TESTS}::test_of_two_runs_side_by_side_one_copies",
    ),
    one(
        "a second run copies what the first one took",
        _IMPORTING,
        "            if (end := _before(picture, existing)) is not None:\n                return end\n",
        "",
        f"{_IMPORT_TESTS}::test_of_two_runs_side_by_side_one_copies",
    ),
    one(
        "an import goes on with what another one began with other options",
        _IMPORTING,
        "            if existing.fingerprint != fresh.fingerprint:\n",
        "            if False:\n",
        f"{_IMPORT_TESTS}::test_what_was_begun_with_other_options_is_left_to_those",
    ),
    one(
        "a picture that was deleted since is brought back",
        _IMPORTING,
        "    if job.state in (JobState.DELETING, JobState.DELETED):\n",
        "    if False:\n",
        f"{_IMPORT_TESTS}::test_what_was_deleted_since_is_not_brought_back",
    ),
    one(
        "a picture that was given up is never begun anew",
        _IMPORTING,
        "job.state in _GIVEN_UP and attempt + 1 < _ATTEMPTS:",
        "False:",
        f"{_IMPORT_TESTS}::test_a_picture_that_was_given_up_before_it_was_copied_is_begun_anew",
    ),
    one(
        "an imported picture is accepted before it is written",
        _IMPORTING,
        "                self._stack.ledger.replace(outcome.job, job.revision)\n",
        "                pass\n",
        f"{_IMPORT_TESTS}::test_each_picture_becomes_a_job_whose_original_is_its_copy",
    ),
    one(
        "an import takes its neighbours' jobs for its own",
        _IMPORTING,
        "        return derived_job_id(self._tenant, f",
        "        return derived_job_id('default', f",
        f"{_IMPORT_TESTS}::test_another_tenant_has_its_own",
    ),
    one(
        "a picture that is replaced is one job with the one before",
        _IMPORTING,
        "#{picture.etag}#{attempt}",
        "#{attempt}",
        f"{_IMPORT_TESTS}::test_a_second_run_does_nothing_twice_and_takes_what_is_new",
    ),
    one(
        "another object than was looked at is copied",
        _OBJECTS,
        "                CopySourceIfMatch=etag,\n",
        "",
        "tests/adapters/test_objects.py::test_only_the_object_that_was_looked_at_is_copied",
    ),
    one(
        "what the owner wrote on an object comes along",
        _OBJECTS,
        '                MetadataDirective="REPLACE",\n',
        "",
        f"{_IMPORT_TESTS}::test_each_picture_becomes_a_job_whose_original_is_its_copy",
    ),
    one(
        "another object than was listed is looked at",
        _PICTURES,
        "Key=key, IfMatch=version_id, Range=",
        "Key=key, Range=",
        f"{_IMPORT_TESTS}::test_a_picture_that_changes_while_it_is_looked_at_is_left_for_the_next_run",
    ),
)
