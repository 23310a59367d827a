"""Every fault that Darkroom claims to survive has a test that injects it. The list is the claim."""

import ast
import re
from pathlib import Path

FAULTS = range(1, 36)


def test_every_fault_has_a_test_of_its_name_that_says_what_it_is() -> None:
    named: dict[int, list[str]] = {}
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                for number in re.findall(r"(?:^test|(?<=\d))_f(\d\d)(?=_)", node.name):
                    named.setdefault(int(number), []).append(ast.get_docstring(node) or "")
    assert sorted(named) == list(FAULTS)
    for number, sayings in named.items():
        assert any(re.search(rf"\bF{number}\b", said) for said in sayings), f"no test says that it is F{number}"
