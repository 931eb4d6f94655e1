"""The API key comes from the environment or a file, is checked without being shown, and never shows itself."""

import pickle
from pathlib import Path

import msgspec
import pytest

from trajworker.config import Asked, Purpose, Resolution, Secret, read_secret, resolve
from trajworker.config.rendering import effective
from trajworker.errors import ConfigError

CANARY = "lsv2_canary_6f1d"


def resolved(environ: dict[str, str]) -> Resolution:
    return resolve(Asked(environ=environ, purpose=Purpose.SOURCE))


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(CANARY)
    assert {repr(secret), str(secret), f"{secret}", f"{secret!r:>3}"} == {"***"}
    assert secret.reveal() == CANARY
    assert secret == Secret(CANARY) != Secret("other")
    assert secret != CANARY
    assert len({secret, Secret(CANARY)}) == 1
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)


def test_effective_settings_and_their_repr_mask_key_and_proxy() -> None:
    resolution = resolved({"LANGSMITH_API_KEY": CANARY, "TRAJWORKER_SOURCE_PROXY": f"http://me:{CANARY}@proxy.example"})
    assert resolution.problems == ()
    assert CANARY not in repr(resolution) + effective(resolution)
    assert '# api_key = "***"  # environment LANGSMITH_API_KEY' in effective(resolution)


@pytest.mark.parametrize("ending", ["", "\n"])
def test_one_newline_at_the_end_is_not_part_of_the_key(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "key"
    file.write_bytes((CANARY + ending).encode())
    for environ in ({"TRAJWORKER_SOURCE_API_KEY_FILE": str(file)}, {"LANGSMITH_API_KEY": CANARY + ending}):
        key = resolved(environ).require().source.api_key
        assert key is not None
        assert key.reveal() == CANARY


@pytest.mark.parametrize(
    "bad", ["", "\n", "  ", CANARY + "\n\n", CANARY + "\r\n", CANARY + "é", CANARY + " x", "x" * 5000 + CANARY]
)
def test_a_key_that_cannot_be_one_is_refused_and_never_shown(tmp_path: Path, bad: str) -> None:
    file = tmp_path / "key"
    file.write_bytes(bad.encode())
    for environ in ({"TRAJWORKER_SOURCE_API_KEY_FILE": str(file)}, {"LANGSMITH_API_KEY": bad}):
        with pytest.raises(ConfigError) as caught:
            resolved(environ).require()
        assert CANARY not in str(caught.value)
        assert caught.value.__cause__ is None


def test_the_file_wins_over_the_environment_and_is_named_as_the_origin(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n", "utf-8")
    resolution = resolved({"LANGSMITH_API_KEY": "from-env", "TRAJWORKER_SOURCE_API_KEY_FILE": str(file)})
    key = resolution.require().source.api_key
    assert key is not None
    assert key.reveal() == "from-file"
    assert str(resolution.origins["source.api_key"]) == f"file {file}"


def test_a_key_file_that_is_absent_or_far_too_long_is_one_clear_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent cannot be read"):
        read_secret(tmp_path / "absent")
    long = tmp_path / "long"
    long.write_bytes(b"x" * 10_000)
    with pytest.raises(ConfigError, match="longer than"):
        read_secret(long)


def test_the_secret_of_redaction_comes_the_same_ways(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from-file\n", "utf-8")
    environ = {"LANGSMITH_API_KEY": "k", "TRAJWORKER_REDACTION_SECRET": "s"}
    assert resolved(environ).require().redaction.secret == Secret("s")
    settings = resolved(environ | {"TRAJWORKER_REDACTION_SECRET_FILE": str(file)}).require()
    assert settings.redaction.secret == Secret("from-file")
