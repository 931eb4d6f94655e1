"""What is saved is one file per conversation whatever its id, or lines with manifests, and loads back equal."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trajworker as tj
from trajworker.api.saving import file_name

IDS = [
    "../x",
    "/abs",
    "a/b",
    "a_b",
    "a\\b",
    "A",
    "a",
    "\u00e9",
    "e\u0301",
    "-rf",
    ".",
    "..",
    "con",
    "x" * 300,
    "a%2Fb",
    "line\nbreak",
    "\0",
]


def trajectory(conversation_id: str | None, text: str = "hello") -> tj.Trajectory:
    message = tj.Message(role=tj.Role.USER, content=text)
    return tj.Trajectory(
        task=tj.Task(conversation_id=conversation_id), messages=(message,), steps=(tj.Step(messages=[message]),)
    )


def test_every_id_has_its_own_file_within_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    kept = [trajectory(name) for name in [*IDS, None, ""]]
    paths = tj.save(kept, folder)
    assert {path.parent for path in paths} == {folder}
    assert len(set(paths)) == len(kept)
    assert [path for path in tmp_path.rglob("*") if folder not in (path.parent, path)] == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert sorted(tj.load(folder), key=repr) == sorted(kept, key=repr)


@given(st.lists(st.text(max_size=400), unique=True, min_size=2, max_size=8))
def test_no_two_ids_share_a_name_and_every_name_is_plain(ids: list[str]) -> None:
    names = [file_name(one) for one in ids]
    assert len(set(names)) == len(ids)
    assert all(
        name.isascii() and "/" not in name and len(name) <= 255 and not name.startswith((".", "-")) for name in names
    )


def test_any_iterable_is_taken_as_it_comes(tmp_path: Path) -> None:
    def made() -> Iterator[tj.Trajectory]:
        for number in range(3):
            assert len(list(tmp_path.glob("*.json"))) == number
            yield trajectory(f"t-{number}")

    assert len(tj.save(made(), tmp_path)) == 3
    assert tj.save(trajectory("one"), str(tmp_path)) == [tmp_path / "one.json"]


def test_saving_again_replaces_the_file(tmp_path: Path) -> None:
    tj.save(trajectory("a", "before"), tmp_path)
    (path,) = tj.save(trajectory("a", "after"), tmp_path)
    (loaded,) = tj.load(path)
    assert loaded.messages[0].content == "after"


def test_lines_have_manifests_and_are_never_changed(tmp_path: Path) -> None:
    kept = [trajectory(f"t-{number}") for number in range(500)]
    (path,) = tj.save(iter(kept), tmp_path / "out", format="jsonl")
    assert list(tj.load(path)) == list(tj.load(tmp_path / "out")) == kept
    assert path.with_name(f"{path.name}.manifest.json").exists()
    with pytest.raises(tj.SinkError, match="choose a new folder"):
        tj.save(kept, tmp_path / "out", format="jsonl")


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tj.ConfigError, match="'json' or 'jsonl'"):
        tj.save([], tmp_path, format="csv")  # type: ignore[arg-type]  # that is the point
