"""Planted faults where a picture is named by its address, and where results come back."""

from typing import Final

from tests.support.mutant import one

_HOPS: Final = "contracts/hops.py"
_FETCHING: Final = "services/upload/fetching.py"
_ARRIVING: Final = "services/upload/arriving.py"

_HOPS_TESTS: Final = "tests/contracts/test_hops.py"
_FETCHED_TESTS: Final = "tests/services/upload/test_fetched.py"

FETCHING: Final = (
    # --- a picture by its address ---
    one(
        "a host is asked again for what was answered before",
        _ARRIVING,
        "        if known is not None:\n            return known\n",
        "",
        _FETCHED_TESTS,
    ),
    one(
        "a picture by its address is the same request at any address",
        "contracts/fetched.py",
        '{"url": asked.url, "name"',
        '{"name"',
        "tests/contracts/test_fetched.py",
    ),
    one(
        "the ending of an address is held against the bytes",
        _ARRIVING,
        "examined, body, None, asked.filename, desk.read)",
        "examined, body, None, asked.filename or name_in(asked.url), desk.read)",
        _FETCHED_TESTS,
    ),
    one(
        "a length that is said to be too great is read all the same",
        "adapters/outside.py",
        "                    _check_length(response, most_bytes)\n",
        "",
        "tests/adapters/test_outside.py",
    ),
    # --- the marker of results ---
    one("a result goes round once more", _HOPS, "if count > MAX_HOPS:", "if count > MAX_HOPS + 1:", _HOPS_TESTS),
    one("a marker that is none of ours is a fresh picture", _HOPS, "else BEYOND", "else 0", _HOPS_TESTS),
    one("a marked picture is fetched like any", _FETCHING, "            check_hops(count)\n", "", _FETCHED_TESTS),
    one(
        "a marked picture is imported like any",
        "operations/sources.py",
        "        check_hops(ranges.hops)\n",
        "",
        "tests/operations/test_import.py",
    ),
    one(
        "a marked picture may be put straight to the originals",
        "contracts/arrivals.py",
        "    check_hops(head.hops)\n",
        "",
        "tests/services/processing/test_ingest.py",
    ),
    one(
        "the function is not told how often a picture was here",
        "contracts/debts.py",
        "                    hops=source.hops,\n",
        "",
        "tests/services/processing/test_ingest.py",
    ),
    one(
        "results are marked as their original was",
        "functions/transform/work.py",
        "key, made.body, digest=digest, media_type=made.format.media_type, hops=self._order.hops + 1",
        "key, made.body, digest=digest, media_type=made.format.media_type, hops=self._order.hops",
        "tests/functions/test_work.py",
    ),
)
