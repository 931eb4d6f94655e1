"""The guide's examples run, and what it lists is what there is: options, settings, faults, and what is missing."""

import re
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec
import pytest
from anyio.to_thread import run_sync

import trajworker
from support import corpus
from support.sdk import MAY_BE_DEPRECATED
from trajworker.cli.parser import SIMULATOR_GUIDE, command_parser
from trajworker.simulator import Fault, Reveal, Simulator, SimulatorSettings, read_script, serve
from trajworker.simulator.faults import Effect

GUIDE = (Path(trajworker.__file__).parent / "guides" / "simulator.md").read_text("utf-8")
SCRIPTS = re.findall(r"^```json\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:1984"
pytestmark = MAY_BE_DEPRECATED


def rows(head: str) -> dict[str, list[str]]:
    """The table with this head: its rows by the names in their first cell."""
    _, _, below = GUIDE.partition(f"\n{head}\n")
    table = below.split("\n\n")[0].splitlines()[1:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]
    return {name: [first, *others] for first, *others in cells for name in re.findall(r"`(--[\w-]+|\w+)", first)}


def told(kind: type[msgspec.Struct], name: str) -> str:
    """The default of a field as the guide writes it; empty where it has no words for it that could be compared."""
    default = next(field for field in msgspec.structs.fields(kind) if field.name == name).default
    return str(default) if isinstance(default, int | float | str) and not isinstance(default, bool) else ""


async def test_the_examples_in_python_run_from_top_to_bottom() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3

    def run(url: str) -> None:
        code = "\n".join(blocks).replace(ADDRESS, url)
        names: dict[str, Any] = {"__name__": "guide"}
        exec(compile(code, "simulator.md", "exec"), names)  # noqa: S102 - our own guide
        names["client"].cleanup()
        names["client"]._get_langsmith_api_sync().close()

    simulator = Simulator()
    async with serve(simulator) as url:
        await run_sync(run, url)
    assert simulator.requests.count("POST", "/runs/delete") == 1


async def test_the_script_of_faults_does_what_the_guide_says() -> None:
    (text,) = SCRIPTS
    simulator = Simulator(SimulatorSettings(faults=read_script(text.encode())))
    simulator.load(corpus.CORPUS / "rest_lifecycle")
    asked = {
        "project_ids": [corpus.runs("rest_lifecycle")[0]["session_id"]],
        "min_start_time": "2020-01-01T00:00:00Z",
        "max_start_time": "2100-01-01T00:00:00Z",
        "page_size": 3,
    }
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as client:
        first = (await client.post("/v2/runs/query", json=asked)).json()
        refused = await client.post("/api/v2/runs/query", json=asked)
        again = asked | {"cursor": first["next_cursor"]}
        pages = [(await client.post("/v2/runs/query", json=again)).json()["items"] for _ in range(2)]
        lost = 0
        for _ in range(50):
            try:
                await client.post("/api/v1/runs/batch", json={})
            except httpx.TransportError:
                lost += 1
    assert (refused.status_code, refused.json()) == (429, {"detail": "slow down"})
    assert pages[0] == [*first["items"][-2:], *pages[1]]
    assert simulator.faults.hits() == (1, 1, lost)
    assert 5 <= lost <= 15


def test_every_option_is_in_the_guide_and_the_help_names_it() -> None:
    parser = command_parser("simulate")
    options = rows("| option | default | |")
    typed = {action.option_strings[-1]: action for action in parser._actions if action.option_strings[-1] != "--help"}
    assert set(options) == set(typed)
    single = [name for name in typed if "," not in options[name][0] and isinstance(typed[name].default, str | float)]
    assert [name for name in single if f"{typed[name].default:}".removesuffix(".0") not in options[name][1]] == []
    assert SIMULATOR_GUIDE in parser.format_help()
    assert Path(SIMULATOR_GUIDE).read_text("utf-8") == GUIDE


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("| field of `SimulatorSettings` | default | |", SimulatorSettings),
        ("| field of `Reveal` | default | |", Reveal),
        ("| field | default | meets |", Fault),
    ],
)
def test_every_field_is_in_the_guide_with_its_default(head: str, kind: type[msgspec.Struct]) -> None:
    table = rows(head)
    assert set(table) == set(kind.__struct_fields__)
    alone = [name for name in table if "," not in table[name][0]]
    assert [name for name in alone if told(kind, name) not in table[name][1]] == []


def test_every_effect_is_in_the_guide_with_its_fields_and_their_defaults() -> None:
    table = rows("| `type` of the effect | fields, with their defaults | what the client sees |")
    effects = {kind.__struct_config__.tag: kind for kind in get_args(Effect)}
    assert set(table) == set(effects)
    for tag, kind in effects.items():
        assert set(re.findall(r"`(\w+)`", table[tag][1])) - {"before_headers"} == set(kind.__struct_fields__)
        assert [name for name in kind.__struct_fields__ if told(kind, name) not in table[tag][1]] == []


async def test_what_the_guide_calls_missing_answers_that_it_is() -> None:
    _, _, limits = GUIDE.partition("## What it does not do\n")
    paths = re.findall(r"`(/[^`]+)`", limits)
    assert len(paths) >= 10
    async with serve(Simulator()) as url, httpx.AsyncClient(base_url=url) as client:
        answers = [await client.post(path.replace("{id}", "a"), json={}) for path in paths]
    assert [answer.status_code for answer in answers] == [501] * len(paths)


@pytest.mark.parametrize(
    "fault",
    [
        '{"effect": {"type": "answer", "status": 99}}',
        '{"effect": {"type": "cut_body", "share": 5}}',
        '{"effect": {"type": "slow", "pieces": 0}}',
        '{"effect": {"type": "stall", "seconds": -1}}',
        '{"effect": {"type": "duplicate", "rows": 0}}',
        '{"effect": {"type": "reset"}, "nth": [0]}',
        '{"effect": {"type": "reset"}, "times": 0}',
        '{"effect": {"type": "reset"}, "probability": 2}',
    ],
)
def test_a_number_that_no_fault_can_have_is_refused_with_its_place(fault: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"at `\$\[0\]\."):
        read_script(f"[{fault}]".encode())
