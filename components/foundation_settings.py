"""What the foundation of an account may say of itself: the fields of the `foundation` object.

The foundation is what all stacks of an account share and what must be there before the first of them.
"""

from typing import Annotated

from msgspec import Meta, Struct

from components.words import Email, TagKey, TagValue, tag_contradictions


class FoundationConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything in which one account may differ from another."""

    repository: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}\Z")] | None = None
    """`owner/name` on GitHub whose workflows deploy. None: no workflow may, and there are no roles for one."""
    budget_usd: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    """USD a month for everything tagged as this project's; told at half, at four fifths, and when the forecast is
    above it."""
    budget_emails: list[Email] = []
    """Whom the budget writes to. Empty: it is kept, and read in the console."""
    deletion_protection: bool = True
    """Whether what cannot be made again (state, keys, images) refuses to be deleted."""
    tags: dict[TagKey, TagValue] = {}
    """On everything that takes tags, beside `project` and `stack`."""

    def __post_init__(self) -> None:
        for mistake in tag_contradictions(self.tags):
            raise ValueError(mistake)
