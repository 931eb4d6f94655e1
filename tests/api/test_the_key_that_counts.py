"""Which API key a client takes: the one it is handed, else what the configuration says, as everywhere."""

import re
from pathlib import Path

import pytest

from trajworker import wiring
from trajworker.api.options import Connection, Options, options_of
from trajworker.errors import ConfigError


def key_of(options: Options) -> str:
    key = wiring.source_settings(options.settings).api_key
    assert key is not None
    return key.reveal()


def configured(folder: Path, *, key: str | None) -> dict[str, str]:
    """The environment of a configuration file that names a file with a key."""
    if key is not None:
        (folder / "key").write_text(key, "utf-8")
    (folder / "trajworker.toml").write_text(f'[source]\napi_key_file = "{folder / "key"}"\n', "utf-8")
    return {"TRAJWORKER_CONFIG": str(folder / "trajworker.toml")}


@pytest.mark.parametrize("kept", ["another", None])
def test_a_key_that_is_handed_over_wins_over_every_other_one(tmp_path: Path, kept: str | None) -> None:
    environ = configured(tmp_path, key=kept) | dict.fromkeys(
        ("LANGSMITH_API_KEY", "TRAJWORKER_SOURCE_API_KEY"), "third"
    )
    assert key_of(options_of(Connection(api_key="mine", project_id="p"), environ)) == "mine"


def test_without_one_the_configuration_tells_it(tmp_path: Path) -> None:
    assert key_of(options_of(Connection(project_id="p"), configured(tmp_path, key="from-file"))) == "from-file"
    assert key_of(options_of(Connection(project_id="p"), {"TRAJWORKER_SOURCE_API_KEY": "own"})) == "own"


def test_without_any_key_a_client_says_what_to_pass() -> None:
    with pytest.raises(ConfigError, match="no API key: pass api_key") as caught:
        options_of(Connection(project_id="p"), {})
    named = re.findall(r"[A-Z]+_[A-Z_]+", str(caught.value))
    assert [key_of(options_of(Connection(project_id="p"), {variable: "k"})) for variable in named] == ["k"] * 3
    assert "source.api_key_file" in str(caught.value)
    with pytest.raises(ConfigError, match="no key has"):
        options_of(Connection(api_key="two words", project_id="p"), {})
