"""docs/api.md says what the services do: its table of problems, its fields and its routes are held to the code."""

import ast
import re
from itertools import pairwise
from pathlib import Path

from contracts.errors import Superseded
from contracts.keys import Scope
from contracts.options import Options
from services import edge
from services.upload.application import application
from services.upload.auth import scopes_of
from services.upload.document import SourceDocument, StatusDocument, VariantDocument
from tests.support.tree import python_files, read
from tests.support.upload_room import UploadRoom

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
BEGIN, END = "<!-- problems:begin -->\n", "<!-- problems:end -->"


def problems() -> str:
    """The table of problems as it must stand between the markers."""
    kinds = edge.error_types()
    rows = [
        f"| {edge.STATUS_OF[code]} | `{code}` | {kinds[code].title} | {'yes' if kinds[code].retryable else ''} |"
        for code in sorted(edge.STATUS_OF, key=lambda code: (edge.STATUS_OF[code], code))
    ]
    return "\n".join(["| status | code | | retryable |", "| --- | --- | --- | --- |", *rows, ""])


def with_problems(page: str) -> str:
    before, rest = page.split(BEGIN)
    return before + BEGIN + problems() + END + rest.split(END)[1]


def named(page: str) -> set[str]:
    """Everything that the page sets in code."""
    return set(re.findall(r"`([^`\n]+)`", page))


def as_described(word: str) -> str:
    """A route of the page, whose ids are all `{id}`, as the description writes it."""
    return word.replace("{id}", "{webhook_id}" if " /webhooks" in word else "{job_id}")


def test_the_table_of_problems_is_the_services_own() -> None:
    page = PAGE.read_text()
    assert page == with_problems(page), "write what `tests.api.test_page.with_problems` makes of the page"


def test_every_failure_that_can_leave_the_house_has_a_status() -> None:
    public = {code for code, kind in edge.error_types().items() if not issubclass(kind, Superseded)}
    assert public == set(edge.STATUS_OF)


def test_every_field_and_option_is_on_the_page() -> None:
    words = named(PAGE.read_text())
    for kind in (StatusDocument, SourceDocument, VariantDocument, Options):
        assert set(kind.__struct_fields__) - words == set(), kind


def warnings_of(source: str) -> set[str]:
    """Values of the constants that a module says are warnings."""
    body = ast.parse(source).body
    return {
        one.value.value
        for one, said in pairwise(body)
        if isinstance(one, ast.AnnAssign) and isinstance(one.value, ast.Constant)
        if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant)
        if str(said.value.value).startswith("Warning")
    }


def test_every_warning_of_a_variant_is_on_the_page() -> None:
    found = set().union(*(warnings_of(read(path)) for path in python_files("functions/transform")))
    assert {"first-frame-only", "trim-too-much", "colour-not-kept"} <= found
    assert found <= named(PAGE.read_text())


def test_no_example_says_to_curl_what_it_drops() -> None:
    """Of a value after -F curl takes what stands before the first `;`, unless a type or a name follows: `;b=rs::9` is
    another variant to us, and nothing to it."""
    values = re.findall(r"-F '([^']*)'", PAGE.read_text())
    assert len(values) >= 4
    assert not [value for value in values if re.search(r";(?!type=|filename=|headers=|encoder=)", value)]


def test_every_described_route_is_on_the_page() -> None:
    room = UploadRoom()
    described = application(room.desk).openapi_schema.to_schema()["paths"]
    room.threads.close()
    shown = {as_described(word) for word in named(PAGE.read_text())}
    routes = {f"{method.upper()} {path}" for path, item in described.items() for method in item}
    assert "POST /uploads" in routes
    assert routes - shown == set()


def test_every_route_stands_beside_the_scope_that_it_asks_for() -> None:
    room = UploadRoom()
    asked = scopes_of(application(room.desk))
    room.threads.close()
    rows = {scope: line for line in PAGE.read_text().splitlines() for scope in Scope if line.startswith(f"| `{scope}`")}
    assert asked["/uploads", "post"] is Scope.UPLOADS_WRITE
    for (path, method), scope in asked.items():
        assert f"{method.upper()} {path}" in {as_described(word) for word in named(rows[scope])}
