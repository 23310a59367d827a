"""Planted faults in what endpoints are told: the birth of a delivery, its tries, its end."""

from typing import Final

from tests.support.mutant import one

_COURIER: Final = "services/processing/courier.py"
_NOTIFICATIONS: Final = "services/processing/notifications.py"
_DELIVERIES: Final = "contracts/deliveries.py"
_WEBHOOKS: Final = "contracts/webhooks.py"
_ENDPOINTS: Final = "services/upload/endpoints.py"
_SWEEPER: Final = "services/processing/sweeper.py"

_TESTS: Final = "tests/services/processing/test_notifications.py"
_DELIVERY_TESTS: Final = "tests/contracts/test_deliveries.py"
_WEBHOOK_TESTS: Final = "tests/contracts/test_webhooks.py"
_ENDPOINT_TESTS: Final = "tests/services/upload/test_webhooks.py"

EVENTS: Final = (
    # --- born with the end of its debt ---
    one(
        "an event's debt is settled and no delivery is born",
        _NOTIFICATIONS,
        "            born[:] = [replace(delivery, due_at=now + lease(self._timing)) if reserved else delivery]\n",
        "            return ()\n",
        _TESTS,
    ),
    one(
        "an event is sent before its delivery is written",
        _NOTIFICATIONS,
        "            born[:] = [replace(delivery, due_at=now + lease(self._timing)) if reserved else delivery]\n",
        "            born[:] = [replace(delivery, due_at=now + lease(self._timing)) if reserved else delivery]\n"
        "            self._courier.carry(delivery)\n",
        _TESTS,
    ),
    one(
        "room that was kept for an event is never given back",
        _NOTIFICATIONS,
        "            if reserved and not written:\n",
        "            if False:\n",
        _TESTS,
    ),
    # --- tried by one at a time, and later and later ---
    one(
        "an event is sent without being taken first",
        _NOTIFICATIONS,
        "            self._deliveries.replace(after, delivery.revision)\n",
        "            pass\n",
        _TESTS,
    ),
    one(
        "an event is sent before its time",
        _NOTIFICATIONS,
        "delivery.due_at is None or delivery.due_at > now:",
        "delivery.due_at is None:",
        _TESTS,
    ),
    one(
        "what is in somebody's hands is anybody's at once",
        _DELIVERIES,
        "    return _changed(delivery, due_at=now + lease(timing))\n",
        "    return _changed(delivery, due_at=now)\n",
        _TESTS,
        _DELIVERY_TESTS,
    ),
    one(
        "waiting for a busy endpoint is a try",
        _DELIVERIES,
        "    return _changed(delivery, due_at=now + round(timing.first_gap_seconds",
        "    return _changed(delivery, tries=delivery.tries + 1, due_at=now + round(timing.first_gap_seconds",
        _TESTS,
        _DELIVERY_TESTS,
    ),
    one(
        "any answer counts as delivered",
        _DELIVERIES,
        "attempt.status is not None and 200 <= attempt.status < 300:",
        "attempt.status is not None:",
        _DELIVERY_TESTS,
        _TESTS,
    ),
    one(
        "an endpoint that is gone is tried on",
        _DELIVERIES,
        "    if attempt.status == 410:\n",
        "    if False:\n",
        _DELIVERY_TESTS,
        _TESTS,
    ),
    one(
        "an event is given up a try too early",
        _DELIVERIES,
        "if delivery.tries >= len(gaps):",
        "if delivery.tries + 1 >= len(gaps):",
        _DELIVERY_TESTS,
        _TESTS,
    ),
    one(
        "what failed together comes back together",
        _DELIVERIES,
        "    return 1 + _JITTER * dice\n",
        "    return 1\n",
        _DELIVERY_TESTS,
    ),
    one(
        "an endpoint may put an event off for ever",
        _DELIVERIES,
        "min(_asked_for(retry_after, now), round(max(gaps) * 1000))",
        "_asked_for(retry_after, now)",
        _DELIVERY_TESTS,
        _TESTS,
    ),
    # --- the courier ---
    one(
        "one endpoint gets every thread",
        _COURIER,
        " or self._reserved[webhook] >= CALLS_OF_ONE:",
        ":",
        _TESTS,
    ),
    one(
        "a courier that is to stop begins another call",
        _COURIER,
        "if self._stopped or self._reserved",
        "if self._reserved",
        _TESTS,
    ),
    one(
        "an endpoint that its owner removed is called",
        _COURIER,
        "        if webhook is None or not webhook.is_live:\n",
        "        if webhook is None:\n",
        _TESTS,
    ),
    one(
        "an endpoint that answered 410 is called by the next event",
        _COURIER,
        "            self._disable(webhook)\n",
        "            pass\n",
        _TESTS,
    ),
    one(
        "an event that somebody changed meanwhile is written over",
        _COURIER,
        "            self._deliveries.replace(after, delivery.revision)\n",
        "            current = self._deliveries.read([delivery.key])[delivery.key].revision\n"
        "            self._deliveries.replace(after, current)\n",
        _TESTS,
    ),
    one(
        "a call that fails keeps its room",
        _COURIER,
        "        finally:\n            self.give_back(delivery.webhook)\n",
        "        else:\n            self.give_back(delivery.webhook)\n",
        _TESTS,
    ),
    # --- signed, wanted again, emptied ---
    one(
        "a secret signs for ever",
        _WEBHOOKS,
        "if secret.ends_at is None or now < secret.ends_at]",
        "if secret]",
        _WEBHOOK_TESTS,
        _TESTS,
    ),
    one(
        "a new secret is not the one that signs first",
        _WEBHOOKS,
        "        return tuple(reversed(live))\n",
        "        return tuple(live)\n",
        _WEBHOOK_TESTS,
        _TESTS,
    ),
    one(
        "an event of a deleted job is sent again",
        _ENDPOINTS,
        "            if not found.body:\n",
        "            if False:\n",
        f"{_ENDPOINT_TESTS}::test_an_event_is_sent_again_when_somebody_asks",
    ),
    one(
        "a deletion leaves what endpoints were told",
        _SWEEPER,
        "                self._empty_deliveries(job, now)\n",
        "                pass\n",
        _TESTS,
    ),
)
