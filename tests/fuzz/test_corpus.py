"""Every hostile input that is known goes through its door again."""

from pathlib import Path

import pytest

from fuzz.doors import DOORS
from fuzz.seeds import CORPUS, content_of, files


def test_every_door_has_seeds_and_every_seed_a_door() -> None:
    assert sorted(path.name for path in CORPUS.iterdir()) == sorted(DOORS)
    assert all(len(list((CORPUS / door).iterdir())) >= 5 for door in DOORS)


@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_hostile_input_is_taken_in_or_refused_in_words(path: Path) -> None:
    DOORS[path.parent.name](content_of(path))
