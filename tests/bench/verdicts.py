"""Holds what a program delivered against the truth of its corpus: speed counts only for what is right."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from bench.corpora import Corpus, Truth, digest


class Verdict(Struct, frozen=True, kw_only=True):
    """How much of a corpus was delivered; `problems` tells the first few of what is wrong."""

    turns: int = 0
    turns_expected: int
    right: int = 0
    wrong: int = 0
    missing: int = 0
    lines: int = 0
    messages: int = 0
    tokens_ratio: float | None = None
    problems: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Turns delivered, as a share of those there were."""
        return self.turns / self.turns_expected

    @property
    def clean(self) -> bool:
        """Whether everything came, once, and right."""
        return not self.wrong and not self.missing and self.turns == self.turns_expected


SHOWN_PROBLEMS = 5


class _Newest(Struct, frozen=True):
    """The newest revision of a conversation, and what is wrong with it."""

    revision: int
    turns: int
    messages: int
    tokens: int
    problems: list[str]


def of_trajectories(corpus: Corpus, out: Path) -> Verdict:
    """Of published files of the worker: each message, each figure, each revision of each conversation once."""
    truths = corpus.truth()
    newest: dict[str, _Newest] = {}
    problems: list[str] = []
    lines = strange = 0
    for line in _published(out):
        lines += 1
        conversation, revision = line["task"]["conversation_id"], line.get("revision", 1)
        before = newest.get(conversation)
        if conversation not in truths or revision != (before.revision + 1 if before else 1):
            strange += 1
            problems.append(f"{conversation}: unexpected revision {revision}")
            continue
        newest[conversation] = _judged(truths[conversation], line, revision)
    bad = {name: one for name, one in newest.items() if one.problems}
    problems += [f"{name}: {'; '.join(one.problems)}" for name, one in bad.items()]
    expected = sum(truth.input_tokens + truth.output_tokens for truth in truths.values())
    return Verdict(
        turns=sum(one.turns for one in newest.values()),
        turns_expected=corpus.figures.turns,
        right=len(newest) - len(bad),
        wrong=len(bad) + strange,
        missing=len(truths.keys() - newest.keys()),
        lines=lines,
        messages=sum(one.messages for one in newest.values()),
        tokens_ratio=sum(one.tokens for one in newest.values()) / expected,
        problems=tuple(problems[:SHOWN_PROBLEMS]),
    )


def _judged(truth: Truth, line: dict[str, Any], revision: int) -> _Newest:
    task = line["task"]
    turns = min(task.get("num_turns") or 0, truth.turns)
    return _Newest(revision, turns, len(line["messages"]), task.get("total_tokens") or 0, _differences(truth, line))


def _published(out: Path) -> Iterator[dict[str, Any]]:
    """Lines of files that have their manifest: a consumer may act on no others."""
    for manifest in sorted(out.glob("*.manifest.json"), key=_sequence):
        with manifest.with_name(manifest.name.removesuffix(".manifest.json")).open("rb") as lines:
            yield from map(msgspec.json.decode, lines)


def _sequence(file: Path) -> str:
    """Files of all streams count on one number: `late-0000000002.jsonl` follows `trajectories-0000000001.jsonl`."""
    return file.name.partition("-")[2]


def _differences(truth: Truth, line: dict[str, Any]) -> list[str]:
    metrics = line.get("metrics") or {}
    found = [
        f"{name} {told} instead of {expected}"
        for name, told, expected in (
            ("num_turns", line["task"].get("num_turns"), truth.turns),
            ("total_tokens", line["task"].get("total_tokens"), truth.input_tokens + truth.output_tokens),
            ("input_tokens", metrics.get("input_tokens"), truth.input_tokens),
            ("output_tokens", metrics.get("output_tokens"), truth.output_tokens),
            ("messages", len(line["messages"]), len(truth.messages)),
            ("complete", line.get("complete", True), True),
            ("trace_ids", set(line.get("origin", {}).get("trace_ids", ())), set(truth.trace_ids)),
        )
        if told != expected
    ]
    for index, (told, expected) in enumerate(zip(map(_digest, line["messages"]), truth.messages, strict=False)):
        if told != expected:
            found.append(f"message {index}: {str(line['messages'][index])[:200]}")
            break
    return found


def _digest(message: dict[str, Any]) -> str:
    answered = (message.get("tool_response") or {}).get("id")
    return digest(message | {"tool_call_id": answered})


def of_raw_lines(corpus: Corpus, out: Path) -> Verdict:
    """Of raw runs grouped by conversation: all runs of each, no more."""
    truths = corpus.truth()
    turns = right = wrong = lines = 0
    seen = set()
    with (out / "conversations.jsonl").open("rb") as file:
        for raw in file:
            line = msgspec.json.decode(raw)
            lines += 1
            truth = truths[line["conversation"]]
            roots = sum(1 for run in line["runs"] if run.get("is_root"))
            turns += min(roots, truth.turns)
            seen.add(line["conversation"])
            if len(line["runs"]) == truth.runs:
                right += 1
            else:
                wrong += 1
    missing = len(truths.keys() - seen)
    return Verdict(
        turns=turns, turns_expected=corpus.figures.turns, right=right, wrong=wrong, missing=missing, lines=lines
    )


def of_count(corpus: Corpus, out: Path) -> Verdict:
    """Of a peer that only counts runs: the share of runs stands for the share of turns."""
    count = int((out / "count.txt").read_text("ascii")) if (out / "count.txt").exists() else 0
    turns = round(corpus.figures.turns * min(1.0, count / corpus.figures.runs))
    return Verdict(turns=turns, turns_expected=corpus.figures.turns)


def of_sdk_files(corpus: Corpus, out: Path) -> Verdict:
    """Of trajectory-sdk's files: user messages found in the last step stand for turns."""
    return _of_files(corpus, out, _sdk_messages, _sdk_tokens)


def of_fetch_files(corpus: Corpus, out: Path) -> Verdict:
    """Of langsmith-fetch's files, one list of messages each."""
    return _of_files(corpus, out, _fetch_messages, lambda _: 0)


def _sdk_messages(document: Any) -> tuple[str, list[Any]]:
    steps = document["steps"]
    return document["task"]["conversation_id"], steps[-1]["messages"] if steps else []


def _sdk_tokens(document: Any) -> int:
    return int(document["task"]["total_tokens"] or 0)


def _fetch_messages(document: Any) -> tuple[str, list[Any]]:
    return "", document.get("messages", []) if isinstance(document, dict) else document


def _of_files(
    corpus: Corpus, out: Path, read: Callable[[Any], tuple[str, list[Any]]], tokens_of: Callable[[Any], int]
) -> Verdict:
    truths = corpus.truth()
    turns = lines = tokens = right = 0
    seen = set()
    for file in out.glob("*.json"):
        document = msgspec.json.decode(file.read_bytes())
        conversation, messages = read(document)
        truth = truths.get(conversation or file.stem)
        if truth is None:
            continue
        lines += 1
        seen.add(truth.conversation_id)
        users = sum(1 for message in messages if message.get("role") in ("user", "human"))
        turns += min(users, truth.turns)
        right += len(messages) == len(truth.messages)
        tokens += tokens_of(document)
    expected = sum(truth.input_tokens + truth.output_tokens for truth in truths.values())
    return Verdict(
        turns=turns,
        turns_expected=corpus.figures.turns,
        right=right,
        wrong=lines - right,
        missing=len(truths.keys() - seen),
        lines=lines,
        tokens_ratio=tokens / expected,
    )


def of_imported(corpus: Corpus, out: Path) -> Verdict:
    """Of a bulk import: JSONL files, with manifests or not."""
    if not any(out.glob("*.manifest.json")):
        for file in out.glob("*.jsonl"):
            file.with_name(f"{file.name}.manifest.json").write_text("{}", "ascii")
    return of_trajectories(corpus, out)
