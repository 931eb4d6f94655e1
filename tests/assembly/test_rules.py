"""Folds of other rules are told apart: by the release's number, which must change with what folding tells."""

from hashlib import sha256

from support import recorded, runs
from support.folding import fold_all
from trajworker.assembly import RULES_VERSION, FoldSettings, Header, encode_line
from trajworker.assembly.kept.rewards import RewardRule

PINNED = ("13", "f52fbd3a49e0fdde")
"""RULES_VERSION, and the digest of what it tells of all recorded dialogues."""


def _told() -> str:
    told = sha256()
    for producer in sorted(recorded.producers()):
        rows = [runs.from_v1(row) for row in recorded.runs(producer)]
        for thread, traces in sorted(runs.conversations(rows).items()):
            for piece in encode_line(fold_all(traces), Header(conversation_id=thread)):
                told.update(piece)
    return told.hexdigest()[:16]


def test_the_number_of_the_rules_changes_with_what_they_tell() -> None:
    version, digest = PINNED
    assert (RULES_VERSION, _told()) == (version, digest), (
        "folding tells something else of what was recorded: raise RULES_VERSION, so that staged folds are made again "
        "and no line mixes old rules with new ones, and pin both here (new recordings change the digest alone)"
    )


def test_other_rewards_are_other_rules() -> None:
    marks = {FoldSettings(rewards=RewardRule(weights={"good": weight})).mark for weight in (1.0, 2.0)}
    assert len(marks | {FoldSettings().mark}) == 3
    assert FoldSettings(rewards=RewardRule(weights={"a": 1.0, "b": 2.0})).mark == (
        FoldSettings(rewards=RewardRule(weights={"b": 2.0, "a": 1.0})).mark
    )
