"""What a person reads at night is there: a section for every alarm, and only commands, fields and names that exist."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from msgspec import Struct

from components import alarms, exhausted, fuse, loops
from components.settings import PipelineConfig
from operations.symptoms import Check
from tests.support.pages import code
from tests.support.plan import record
from tests.support.tree import ROOT

PAGE = Path("docs/operations.md")
TEXT = (ROOT / PAGE).read_text()
HEADINGS = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
DARKROOM = re.compile(r"(?:^|/)darkroom ([a-z][a-z-]+)((?: --[a-z-]+)*)")
FIELD = re.compile(r"[a-z_]+(?:\.[a-z_]+)+")


def anchor(heading: str) -> str:
    """As GitHub makes one."""
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")


ANCHORS = {anchor(heading) for heading in HEADINGS}


def test_every_alarm_has_its_section_and_every_section_its_alarm() -> None:
    sources = [Path(module.__file__ or "").read_text() for module in (alarms, exhausted, fuse, loops)]
    named = {found for source in sources for found in re.findall(r'anchor="([a-z-]+)"', source)}
    assert named
    assert named == {one for one in ANCHORS if one.startswith("alarm-")}


def test_every_section_of_an_alarm_says_what_it_means_where_to_look_and_what_to_do() -> None:
    sections = re.split(r"^### Alarm: .+$", TEXT, flags=re.MULTILINE)[1:]
    assert len(sections) > 10
    for section in sections:
        assert re.findall(r"\*\*(Means|Look|Do):\*\*", section) == ["Means", "Look", "Do"]


def test_links_within_the_page_lead_somewhere() -> None:
    links = set(re.findall(r"\]\(#([^)]+)\)", TEXT))
    assert links
    assert links <= ANCHORS


def test_commands_of_darkroom_are_there_with_their_options() -> None:
    called = {match.groups() for mention in code(PAGE) for match in DARKROOM.finditer(mention.text)}
    assert {"check-account", "review", "prices"} <= {command for command, _options in called}
    for command, options in called:
        shown = subprocess.run(
            [sys.executable, "-m", "client", command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for option in options.split():
            assert option in shown.stdout, f"darkroom {command} {option}"


def test_everything_that_the_doctor_looks_at_is_in_its_table() -> None:
    section = TEXT.partition("## Does everything hold?")[2].partition("\n## ")[0]
    named = re.findall(r"^\| ([a-z ]+) \|", section, re.MULTILINE)
    assert named == ["check", *(check.called for check in Check if check is not Check.AT_REST)]


def fields(kind: type[Struct], path: str = "") -> set[str]:
    """Every path to a field of a stack's file."""
    found = set()
    for name, hint in get_type_hints(kind).items():
        found.add(f"{path}{name}")
        for part in _structs(hint):
            found |= fields(part, f"{path}{name}.")
    return found


def _structs(hint: object) -> list[type[Struct]]:
    if isinstance(hint, type) and issubclass(hint, Struct):
        return [hint]
    return [kind for argument in get_args(hint) for kind in _structs(argument)]


def test_fields_of_a_stacks_file_have_the_names_they_are_called_by() -> None:
    known = fields(PipelineConfig)
    tops = {path.partition(".")[0] for path in known}
    mentioned = {
        mention.text.partition(":")[0]
        for mention in code(PAGE)
        if FIELD.fullmatch(mention.text.partition(":")[0]) and mention.text.partition(".")[0] in tops
    }
    assert len(mentioned) > 10
    assert mentioned - known == set()


@pytest.mark.parametrize(
    "name", ["darkroom-prod-upload", "darkroom-prod-processing", "/aws/lambda/darkroom-prod-transform"]
)
def test_groups_of_logs_are_named_as_they_are(name: str) -> None:
    plan = record("prod")
    assert name in {one.inputs["name"] for one in plan.of("LogGroup")}
    assert name in TEXT


def test_things_of_a_stack_are_named_as_they_are() -> None:
    plan = record("prod")
    names = {str(value) for one in plan for key, value in one.inputs.items() if "ame" in key}
    for name in ("darkroom-prod-jobs", "darkroom-prod-observability"):
        assert name in names
        assert name in TEXT
