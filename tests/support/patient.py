"""Requests of tests over HTTP, one a connection, that wait: httpx by itself gives up after five seconds, which is less
than a machine that many tests share may stand still for.
"""

import functools

import httpx

SECONDS = 90
"""Ends a wait for what will not come; no promise is measured by it."""

request = functools.partial(httpx.request, timeout=SECONDS, trust_env=False)
get = functools.partial(httpx.get, timeout=SECONDS, trust_env=False)
post = functools.partial(httpx.post, timeout=SECONDS, trust_env=False)
