"""Planted faults where pictures come by another way than through the service: posted straight to S3."""

from typing import Final

from tests.support.mutant import one

_ARRIVALS: Final = "contracts/arrivals.py"
_DIRECT: Final = "services/upload/direct.py"

_DIRECT_TESTS: Final = "tests/services/upload/test_direct.py"
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
        "check_declared(file.read(SNIFF_BYTES), head.media_type, name)",
        "check_declared(file.read(SNIFF_BYTES), None, None)",
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
)
