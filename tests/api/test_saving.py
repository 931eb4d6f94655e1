"""What is saved is one file per conversation whatever its id, or lines with manifests, and loads back equal."""

import re
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trajworker as tj
from trajworker.api.saving import file_stem
from trajworker.trajectory import MessageView

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


def trajectory(conversation_id: str | None, text: str = "hello", project_id: str | None = None) -> tj.Trajectory:
    message = tj.Message(role=tj.Role.USER, content=text)
    return tj.Trajectory(
        task=tj.Task(conversation_id=conversation_id),
        messages=(message,),
        steps=(tj.Step(messages=[message]),),
        origin=tj.Origin(project_id=project_id),
    )


def test_every_id_has_its_own_file_within_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    kept = [trajectory(name) for name in [*IDS, None, "", "\0unnamed", "\0empty", "unnamed", "empty", "a~2"]]
    paths = tj.save(kept, folder)
    assert {path.parent for path in paths} == {folder}
    assert len(set(paths)) == len(kept)
    assert [path for path in tmp_path.rglob("*") if folder not in (path.parent, path)] == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert sorted(tj.load(folder), key=repr) == sorted(kept, key=repr)


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_folders_that_are_made_are_private_and_one_that_was_there_stays_as_it_is(
    tmp_path: Path, form: Literal["json", "jsonl"]
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    tj.save(trajectory("a"), shared / "made" / "out", form)
    tj.save(trajectory("a"), shared, form)
    rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (shared, *shared.rglob("*")) if path.is_dir()}
    assert rights == {"shared": 0o755, "made": 0o700, "out": 0o700}


def test_documents_are_saved_into_any_folder_that_can_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    (path,) = tj.save(trajectory("a"), tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path], "no draft is left behind"


@given(st.lists(st.text(max_size=400), unique=True, min_size=2, max_size=8))
def test_no_two_ids_share_a_name_and_every_name_is_plain(ids: list[str]) -> None:
    names = [f"{file_stem(one)}.json" for one in ids]
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


def test_saving_again_leaves_no_revision_of_an_earlier_call(tmp_path: Path) -> None:
    others = [trajectory("k2"), trajectory("a~2")]
    tj.save([*others, *(trajectory("k", text) for text in ("first", "second", "third"))], tmp_path)
    tj.save(trajectory("k", "fourth"), tmp_path)
    assert sorted(tj.load(tmp_path), key=repr) == sorted([*others, trajectory("k", "fourth")], key=repr)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a%7E2.json", "k.json", "k2.json"]


def test_saving_many_again_lists_their_folder_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [trajectory(f"k{number}", text) for number in range(20) for text in ("first", "second")]
    tj.save(many, tmp_path)
    listed: list[Path] = []
    iterdir = Path.iterdir

    def watched(path: Path) -> Iterator[Path]:
        listed.append(path)
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", watched)
    tj.save(many, tmp_path)
    assert listed == [tmp_path]


@pytest.mark.parametrize("thread", ["k", "k" * 300])
def test_conversations_of_two_projects_with_one_thread_id_do_not_take_each_others_place(
    tmp_path: Path, thread: str
) -> None:
    one, other = (trajectory(thread, "said", project) for project in ("p", "q"))
    (ours,) = tj.save(one, tmp_path)
    (theirs,) = tj.save(other, tmp_path)
    assert ours.name == f"{file_stem(thread)}.json"
    assert sorted(tj.load(tmp_path), key=repr) == sorted([one, other], key=repr)
    assert tj.save([one, other], tmp_path) == [ours, theirs]
    revised = [trajectory(thread, text, "q") for text in ("more", "and more")]
    tj.save(revised, tmp_path)
    assert sorted(tj.load(tmp_path), key=repr) == sorted([one, *revised], key=repr)
    tj.save(other, tmp_path)
    assert sorted(tj.load(tmp_path), key=repr) == sorted([one, other], key=repr)


def test_what_has_no_id_or_the_id_of_another_is_lost_neither_in_one_call_nor_over_two(tmp_path: Path) -> None:
    one, two, other = (trajectory(None, text) for text in ("one", "two", "other"))
    revised = [trajectory("a", text) for text in ("first", "second", "second")]
    paths = tj.save([one, two, *revised], tmp_path)
    assert len(set(paths)) == 5
    assert {"a.json", "a~2.json", "a~3.json"} <= {path.name for path in paths}
    assert tj.save([one, two, *revised], tmp_path) == paths
    tj.save(other, tmp_path)
    assert sorted(tj.load(tmp_path), key=repr) == sorted([one, two, other, *revised], key=repr)


CALL = tj.Message(role=tj.Role.ASSISTANT, tool_calls=(tj.ToolCall(name="f", arguments={"q": float("nan")}),))
ITSELF: list[Any] = []
ITSELF.append(ITSELF)
UNSAVEABLE: dict[str, Any] = {
    "messages[0].tool_calls[0].arguments.q is nan": tj.Trajectory(messages=(CALL,)),
    "reward.aggregated_value is inf": tj.Trajectory(reward=tj.Reward(aggregated_value=float("inf"))),
    "$.task.num_turns": tj.Trajectory(task=tj.Task(num_turns="x")),  # type: ignore[arg-type]
    "$.task.total_tokens": tj.Trajectory(task=tj.Task(total_tokens=1.0)),  # type: ignore[arg-type]
    "$.task.conversation_id": tj.Trajectory(task=tj.Task(conversation_id=5)),  # type: ignore[arg-type]
    "messages[0].content holds half of a surrogate": tj.Trajectory.from_messages(
        [{"role": "user", "content": "\ud800"}]
    ),
    "metadata.x is of type object": tj.Trajectory(metadata={"x": object()}),
    "metadata.x is of type tuple": tj.Trajectory(metadata={"x": (1, 2)}),
    "metadata has a key that is no text": tj.Trajectory(metadata={1: 2}),  # type: ignore[dict-item]
    "holds itself": tj.Trajectory(metadata={"x": ITSELF}),
    "Trajectory objects, not int": 1,
}


@pytest.mark.parametrize("told", UNSAVEABLE)
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_what_would_not_load_back_equal_is_refused_at_its_place_and_what_came_before_is_saved(
    tmp_path: Path, told: str, form: Literal["json", "jsonl"]
) -> None:
    with pytest.raises(tj.ConfigError, match=re.escape(told)):
        tj.save([trajectory("good"), UNSAVEABLE[told]], tmp_path, format=form)
    assert list(tj.load(tmp_path)) == [trajectory("good")]


@pytest.mark.parametrize("given", ["x", b"y", None, 1, {"a": 1}])
def test_what_is_no_trajectory_and_no_folder_is_refused_in_words(tmp_path: Path, given: Any) -> None:
    with pytest.raises(tj.ConfigError, match=type(given).__name__):
        tj.save(given, tmp_path / "out")
    with pytest.raises(tj.ConfigError, match="folder"):
        tj.save([], given if given != "x" else "a\0b")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_an_event_loop_saves_what_comes_asynchronously_too(tmp_path: Path, form: Literal["json", "jsonl"]) -> None:
    kept = [trajectory("a"), trajectory("b")]

    async def made() -> AsyncIterator[tj.Trajectory]:
        for one in kept:
            yield one

    async def main() -> list[Path]:
        await tj.aio.save(kept[0], tmp_path / "one", format=form)
        return await tj.aio.save(made(), tmp_path / "all", format=form)

    paths = anyio.run(main)
    assert [one for path in paths for one in tj.load(path)] == list(tj.load(tmp_path / "all")) == kept
    assert list(tj.load(tmp_path / "one")) == kept[:1]


class Watched(MessageView):
    """A view that counts how often it is looked through."""

    looks = 0

    def __eq__(self, other: object) -> bool:
        Watched.looks += 1
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # as that of the view


def test_a_long_conversation_is_compared_once_and_not_for_each_step(tmp_path: Path) -> None:
    said = tuple(tj.Message(role=tj.Role.ASSISTANT, content=str(number)) for number in range(400))
    steps = tuple(tj.Step(messages=Watched(said, ((0, stop),))) for stop in range(1, 401))
    tj.save(tj.Trajectory(messages=said, steps=steps), tmp_path, format="jsonl")
    assert Watched.looks == 0


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
