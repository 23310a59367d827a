"""A stack whose services believe an authority of a test's, as on a host they believe those of the system."""

from local.supervisor import Supervisor
from tests.support.receivers import Authority


def believing(authority: Authority) -> type[Supervisor]:
    class Believing(Supervisor):
        def _inform(self, name: str) -> None:
            self.exports["services"][name]["environment"]["SSL_CERT_FILE"] = str(authority.file)
            super()._inform(name)

    return Believing
