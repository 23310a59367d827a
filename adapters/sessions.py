"""Keys of an assumed role: once for one errand, or held and renewed in time.

A session assumed from another session lives one hour at most, whatever the role allows (IAM, "role chaining").
"""

import threading
from typing import Final

from adapters.clients import AwsClient, Keys
from adapters.errors import translated
from contracts.errors import Unavailable
from contracts.ports import Clock

CHAINED_SECONDS: Final = 3_600
SHORTEST_SECONDS: Final = 900
"""The least that STS gives."""

RENEW_SECONDS: Final = 1_900
"""Left of a held session when it is renewed: more than the longest link (1,800 s), so that none is cut short."""
USABLE_SECONDS: Final = 30
"""Left of a held session below which it is of no use any more."""
RETRY_SECONDS: Final = 10
"""Between two attempts to renew a session that is still of use."""


def assume(
    sts: AwsClient, role_arn: str, session_name: str, *, policy: str | None = None, seconds: int = CHAINED_SECONDS
) -> Keys:
    """Keys of a new session of the role; `policy` (JSON) narrows what it may do. Raises Unavailable."""
    narrowed = {} if policy is None else {"Policy": policy}
    with translated():
        answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name, DurationSeconds=seconds, **narrowed)[
            "Credentials"
        ]
    return Keys(
        access_key=answer["AccessKeyId"],
        secret_key=answer["SecretAccessKey"],
        token=answer["SessionToken"],
        expires_at=int(answer["Expiration"].timestamp() * 1000),
    )


class RoleSession:
    """A session of a role, held and renewed.

    0                                 3600 - 1900 s                3570 s   3600 s
    |--------- everyone uses it ---------|-- one caller renews it, --|-- all --|
                                         |   others go on            |   wait  |
    """

    def __init__(self, sts: AwsClient, role_arn: str, session_name: str, clock: Clock) -> None:
        self._sts = sts
        self._role_arn = role_arn
        self._session_name = session_name
        self._clock = clock
        self._held: Keys | None = None
        self._try_at = 0
        self._renewing = threading.Lock()

    def keys(self) -> Keys:
        """Keys that live for another half minute at the very least. Raises Unavailable if there are none to be had."""
        held = self._held
        if held is not None and self._seconds_left(held) > RENEW_SECONDS:
            return held
        if held is None or self._seconds_left(held) <= USABLE_SECONDS:
            with self._renewing:
                return self._renewed(held)
        if self._clock.now() < self._try_at or not self._renewing.acquire(blocking=False):
            return held
        try:
            return self._renewed(held)
        except Unavailable:
            self._try_at = self._clock.now() + RETRY_SECONDS * 1000
            return held
        finally:
            self._renewing.release()

    def _renewed(self, held: Keys | None) -> Keys:
        # whoever waited for the lock finds the work done
        if self._held is None or self._held is held:
            self._held = assume(self._sts, self._role_arn, self._session_name)
        return self._held

    def _seconds_left(self, keys: Keys) -> float:
        return (keys.expires_at - self._clock.now()) / 1000
