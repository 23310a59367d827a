"""What each event does to a job, given that the table allows it from the job's state.

Pure; called by `lifecycle.step` alone. A rule gives the next job, or a Refusal. Revision, `updated_at` and the alarm
are `step`'s.
"""

from contracts.rules.ending import cancelled, deleted, erased, expired, lapsed_debt, notified, retried
from contracts.rules.parts import Refusal
from contracts.rules.upload import alarm_of, charge_of, lapsed_alarm, refused, reserved, stored
from contracts.rules.work import crashed, finished, planned

__all__ = [
    "Refusal",
    "alarm_of",
    "cancelled",
    "charge_of",
    "crashed",
    "deleted",
    "erased",
    "expired",
    "finished",
    "lapsed_alarm",
    "lapsed_debt",
    "notified",
    "planned",
    "refused",
    "reserved",
    "retried",
    "stored",
]
