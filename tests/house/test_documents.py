"""The README's commands stand on their own, and what can be called, typed or configured is documented."""

import argparse
import ast
import re
import subprocess
from collections.abc import Iterator

import pytest

import trajworker
from support.house import ROOT, modules, readme, shell_blocks
from trajworker.cli.parser import COMMANDS, command_parser
from trajworker.config import Settings, fingerprint
from trajworker.config.catalog import by_path, keys, sections

DOCUMENTS = "\n".join(
    path.read_text("utf-8")
    for path in [
        ROOT / "README.md",
        *sorted((ROOT / ".github").glob("*.md")),
        *sorted((ROOT / "src" / "trajworker" / "guides").glob("*.md")),
    ]
)

ADOPTED = {
    "source.endpoint": "server",
    "source.workspace_id": "workspace",
    "sink.out": "folder",
    "conversation.thread_keys": "thread keys",
    "reward.weights": "rewards",
    "reward.aggregation": "rewards",
    **dict.fromkeys(("redaction.mode", "redaction.rules", "redaction.patterns", "redaction.secret"), "redaction"),
    "rules": "release",
}
"""What is pinned to a staging file, in the words of who runs a worker."""


def test_the_first_command_runs_the_demo_on_a_machine_with_nothing_but_python() -> None:
    first = shell_blocks(readme())[0]
    assert "python3 -m venv .venv" in first
    assert "--require-hashes -r config/requirements.lock" in first
    assert first.rstrip().endswith(".venv/bin/trajworker demo")


def test_the_second_command_passes_all_tests_and_does_not_need_the_first() -> None:
    second = shell_blocks(readme())[1]
    assert "python3 -m venv .venv" in second
    assert "--require-hashes -r config/requirements-test.lock" in second
    assert second.rstrip().endswith(".venv/bin/python -m pytest")


@pytest.mark.parametrize("number", [1, 2])
def test_ci_types_what_the_reader_types(number: int) -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    (reader,) = re.findall(r"^readme_block\(\) .*$", script, re.MULTILINE)
    command = ["bash", "-c", f"{reader}\nreadme_block {number}"]
    typed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert typed.stdout == shell_blocks(readme())[number - 1]
    (file,) = re.findall(rf'readme_block {number} >("\$scratch/\w+\.sh")', script)
    assert f"bash -e {file}" in script, "what was read is run"


def test_every_command_is_in_the_readme() -> None:
    assert [command for command in COMMANDS if f"trajworker {command}" not in readme()] == []


def test_every_room_is_in_the_readme_in_its_own_words() -> None:
    rooms = {path.removesuffix("/__init__.py"): tree for path, tree, _ in modules() if is_room(path)}
    told = {name: (ast.get_docstring(tree) or "").partition("\n")[0] for name, tree in rooms.items()}
    assert [name for name, words in told.items() if f"| `{name}` | {words} |" not in readme()] == []


def is_room(path: str) -> bool:
    """A package, or a module beside the packages."""
    folder, *below = path.split("/")
    return below == ["__init__.py"] or (not below and not folder.startswith("_"))


def test_every_public_name_is_documented() -> None:
    public = getattr(trajworker, "__all__", [])
    assert [name for name in public if not re.search(rf"\b{name}\b", DOCUMENTS)] == []


def options_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Every option that sets a setting: the key path it fills, and how it is typed."""
    return ((action.dest, action.option_strings[-1]) for action in parser._actions if "." in action.dest)


def test_options_that_are_settings_are_those_of_the_catalogue() -> None:
    documented = {key.path: key.key.option for key in keys() if key.key.option}
    typed = {path: option for name in COMMANDS for path, option in options_of(command_parser(name))}
    assert typed == documented


def test_what_adopt_goes_on_from_is_named_wherever_it_is_offered() -> None:
    named = fingerprint.parts(Settings(), "1")
    assert set(named) == set(ADOPTED)
    (option,) = [one for one in command_parser("run")._actions if one.dest == "staging.adopt"]
    guide = (ROOT / "src" / "trajworker" / "guides" / "output.md").read_text("utf-8")
    for text in (by_path()["staging.adopt"].key.why, option.help or "", guide[: guide.index("```")]):
        assert [part for part, word in ADOPTED.items() if word not in text] == []


def test_every_setting_is_in_the_documented_file() -> None:
    text = (ROOT / "config" / "trajworker.toml").read_text("utf-8")
    assert [key.path for key in keys() if not re.search(rf"^(# )?{key.name} ", text, re.MULTILINE)] == []


def test_the_source_advises_by_paths_of_settings_for_whoever_asked() -> None:
    """It serves the command line and the library alike, and only one of them has options."""
    trees = [tree for name, tree, _ in modules() if name.startswith("sources/")]
    texts = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    told = " ".join(text for text in texts if isinstance(text, str))
    named = set(re.findall(rf"\b(?:{'|'.join(sections())})\.[a-z_]+", told))
    assert {"source.endpoint", "source.ca_bundle"} <= named
    assert named - {key.path for key in keys()} == set()
    assert re.findall(r"--[a-z]\S+", told) == []


def test_files_that_the_readme_names_exist() -> None:
    named = re.findall(r"`((?:src|tests|config|\.github|\.ci)/[\w./-]*)`", readme())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_document_that_the_code_cites_is_here_or_among_the_sources() -> None:
    sources = (ROOT / ".github" / "SOURCES.md").read_text("utf-8")
    cited = {name for _, _, text in modules() for name in re.findall(r"[\w/-]+\.md\b|\bseed \d+", text)}
    places = (ROOT, ROOT / ".github", ROOT / "src" / "trajworker", ROOT / "src" / "trajworker" / "guides")
    unknown = [name for name in cited if not any((place / name).is_file() for place in places)]
    assert "langsmith-api.md" in unknown
    assert [name for name in unknown if name not in sources] == []


def test_files_that_the_sources_name_exist() -> None:
    sources = (ROOT / ".github" / "SOURCES.md").read_text("utf-8")
    named = re.findall(r"`((?:src|tests|config|\.github)/[\w./-]*)`", sources)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []
