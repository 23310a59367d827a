"""Planted faults in what keeps tenants and strangers from taking what is others': shares, sieve, quotas, sources."""

from typing import Final

from tests.support.mutant import one

_SHARES: Final = "services/upload/shares.py"
_LEASES: Final = "services/upload/leases.py"
_BUCKETS: Final = "services/upload/buckets.py"
_CHARGING: Final = "services/upload/charging.py"
_CHARGES: Final = "contracts/charges.py"
_SOURCES: Final = "services/upload/sources.py"
_SIEVE: Final = "services/processing/sieve.py"

_SHARE_TESTS: Final = "tests/services/upload/test_shares.py"
_METER_TESTS: Final = "tests/services/upload/test_meter.py"
_SOURCE_TESTS: Final = "tests/services/upload/test_sources.py"
_SIEVE_TESTS: Final = "tests/services/processing/test_sieve.py"
_USAGE_TESTS: Final = "tests/services/upload/test_usage.py"

TENANTS: Final = (
    # --- a tenant's share of the normal lane ---
    one(
        "a tenant beyond its share keeps the normal lane",
        _SHARES,
        "        return Lane.BULK if over else asked\n",
        "        return asked\n",
        _SHARE_TESTS,
    ),
    one(
        "a job that is accepted does not count",
        _SHARES,
        "                known.accepted += 1\n",
        "                pass\n",
        _SHARE_TESTS,
    ),
    one(
        "a tenant beyond its share is counted at every job",
        _SHARES,
        "            if estimate < bound or just_exceeded:\n",
        "            if estimate < bound:\n",
        _SHARE_TESTS,
    ),
    one(
        "what waits since yesterday is forgotten",
        _SHARES,
        "((today, now + _AHEAD), (today - _DAY, today))",
        "((today, now + _AHEAD),)",
        _SHARE_TESTS,
    ),
    # --- a crowd before the desk of jobs ---
    one(
        "a crowd is planned before whoever comes behind it",
        _SIEVE,
        "        return self._passed[message.tenant] > passes\n",
        "        return False\n",
        _SIEVE_TESTS,
    ),
    one(
        "what came before goes aside, and is not healed",
        _SIEVE,
        "        if received.receives > 1:\n",
        "        if False:\n",
        _SIEVE_TESTS,
    ),
    one(
        "a crowd is deleted before it is sent on",
        _SIEVE,
        "            self._queues.send([Outgoing(Queue.JOBS_BULK, decode(received.body)) for received in crowd])\n"
        "            self._queues.delete(crowd)\n",
        "            self._queues.delete(crowd)\n"
        "            self._queues.send([Outgoing(Queue.JOBS_BULK, decode(received.body)) for received in crowd])\n",
        _SIEVE_TESTS,
    ),
    one(
        "passes never begin anew",
        _SIEVE,
        "            self._passed.clear()\n",
        "            pass\n",
        _SIEVE_TESTS,
    ),
    # --- quotas ---
    one(
        "a quota of the day is exceeded",
        _LEASES,
        "if getattr(amounts, of) > getattr(limits, of)]",
        "if False]",
        _METER_TESTS,
    ),
    one(
        "a slice is leased beyond the quota",
        _LEASES,
        "limit // _FRACTION, limit - getattr(had, name))",
        "limit // _FRACTION)",
        _METER_TESTS,
    ),
    one(
        "a tally is written over another host's",
        _LEASES,
        "                self._tallies.replace(account.name, lease.day, taken, lease.tally.revision)\n",
        "                there = self._tallies.read(account.name, lease.day).revision\n"
        "                self._tallies.replace(account.name, lease.day, taken, there)\n",
        _METER_TESTS,
    ),
    one(
        "an upload is refused by what its host saw last",
        _LEASES,
        "            if over and is_fresh:\n",
        "            if over:\n",
        _METER_TESTS,
    ),
    one(
        "a charge is given back twice",
        _LEASES,
        "            self._amounts = Amounts()\n",
        "            pass\n",
        _METER_TESTS,
    ),
    one(
        "a charge is given back into another day",
        _LEASES,
        "            if self._lease.day == self._day:\n",
        "            if True:\n",
        _METER_TESTS,
    ),
    one(
        "a lease outlives its day",
        _LEASES,
        "            if lease.day < day:\n",
        "            if False:\n",
        _METER_TESTS,
    ),
    one(
        "a host that ends keeps what it did not spend",
        _LEASES,
        "            self._tallies.replace(name, lease.day, given, tally.revision)\n",
        "            pass\n",
        _METER_TESTS,
    ),
    one(
        "a bucket fills beyond its burst",
        _BUCKETS,
        "bucket.drops = min(float(quotas.burst_requests), bucket.drops + refilled)",
        "bucket.drops += refilled",
        _METER_TESTS,
    ),
    one(
        "an upload that fails has cost its tenant",
        _CHARGING,
        "        charge.refund()\n",
        "        pass\n",
        _USAGE_TESTS,
    ),
    one(
        "who is out of quota cannot hear the answer to an earlier request",
        _CHARGING,
        "if not made_before(ledger, tenant, idempotency_key):",
        "if True:",
        _USAGE_TESTS,
    ),
    one(
        "pixels do not count for whether a lease is enough",
        _CHARGES,
        " and self.bytes >= other.bytes and self.pixels >= other.pixels",
        " and self.bytes >= other.bytes",
        _METER_TESTS,
    ),
    # --- whoever tries keys that are none ---
    one(
        "bad keys are tried without an end",
        _SOURCES,
        "if known is not None and self._left(known) < 1:",
        "if False:",
        _SOURCE_TESTS,
    ),
    one(
        "who went on with bad keys is locked out for hours",
        _SOURCES,
        "known.tries = max(0.0, self._left(known) - 1)",
        "known.tries = self._left(known) - 1",
        _SOURCE_TESTS,
    ),
    one(
        "sources are remembered without a bound",
        _SOURCES,
        "            while len(self._failing) > MOST_SOURCES:\n",
        "            while False:\n",
        _SOURCE_TESTS,
    ),
    one(
        "a sender says where it comes from",
        _SOURCES,
        'peer = forwarded[-1].rpartition(",")[2].strip()',
        'peer = forwarded[0].partition(",")[0].strip()',
        _SOURCE_TESTS,
    ),
    one(
        "a host of IPv6 is as many sources as it likes",
        _SOURCES,
        "str(ip_network((int(address), 64), strict=False))",
        "str(address)",
        _SOURCE_TESTS,
    ),
)
