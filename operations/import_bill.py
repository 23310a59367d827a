"""What an import costs, by the dated price file: the requests and the function's time of all its pictures. Pure."""

from typing import Any, Final

from msgspec import Struct

from components.cost import REQUESTS_OF_A_JOB
from components.price_file import Prices
from components.settings import PipelineConfig

_USUAL_RESULTS: Final = 4
"""Variants of the job that `REQUESTS_OF_A_JOB` is about."""
GB: Final = 1_000_000_000


class Bill(Struct, frozen=True, kw_only=True):
    """Of so many pictures. Storage comes every month, and is told in bytes: it depends on their variants."""

    pictures: int
    bytes: int
    requests_usd: float
    second_usd: float | None
    """For each second that the function works on each picture."""
    not_counted: tuple[str, ...]
    """What the price file has no price of."""

    def document(self) -> dict[str, Any]:
        return {
            "requests_usd": self.requests_usd,
            "usd_for_each_second_of_work": self.second_usd,
            "not_counted": list(self.not_counted),
        }

    def text(self) -> str:
        """One sentence for people."""
        said = f"{self.pictures} pictures of {self.bytes / GB:.2f} GB: {self.requests_usd:.2f} USD of requests"
        if self.second_usd is not None:
            said += f", and {self.second_usd:.2f} USD for each second that the function works on a picture"
        said += "; their copies are stored, and paid, beside your own"
        return said + (f" (no price is known of {', '.join(self.not_counted)})" if self.not_counted else "")


def bill(config: PipelineConfig, region: str, prices: Prices, *, pictures: int, size: int, variants: int) -> Bill:
    """Of taking so many pictures of `size` bytes in all, each with so many variants."""
    requests = {
        **REQUESTS_OF_A_JOB,
        # a put of the original is here a copy, at the same price
        "s3-put": REQUESTS_OF_A_JOB["s3-put"] - _USUAL_RESULTS + variants,
        # and its header is read before
        "s3-get": REQUESTS_OF_A_JOB["s3-get"] + 1,
    }
    total, missing = 0.0, []
    for item, count in requests.items():
        price = prices.find(item, region)
        if price is None or price.usd is None:
            missing.append(item)
        else:
            total += pictures * count * price.usd
    second = prices.find(f"lambda-{config.transform.architecture}", region)
    memory_gb = config.transform.memory_mb / 1_024
    return Bill(
        pictures=pictures,
        bytes=size,
        requests_usd=round(total, 4),
        second_usd=None if second is None or second.usd is None else round(pictures * memory_gb * second.usd, 4),
        not_counted=tuple(missing),
    )
