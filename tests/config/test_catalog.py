"""Every key is documented, reachable in every layer, and the committed file is exactly what the code says."""

import re
import tomllib
from pathlib import Path

import pytest

from trajworker.config import Asked, Purpose, Settings, resolve
from trajworker.config.catalog import CatalogKey, by_variable, keys
from trajworker.config.conversion import type_name
from trajworker.config.fingerprint import changed, digest, parts
from trajworker.config.rendering import effective, template

COMMITTED = Path(__file__).resolve().parents[2] / "config" / "trajworker.toml"


def test_the_committed_file_is_current() -> None:
    assert COMMITTED.read_text("utf-8") == template(), "run: trajworker config --toml > config/trajworker.toml"


def test_every_key_tells_in_one_sentence_why_it_is_there() -> None:
    for key in keys():
        assert re.fullmatch(r"\S.{15,160}\.", key.key.why), key.path
        assert type_name(key)


def test_variables_and_options_name_one_key_each() -> None:
    variables = [variable for key in keys() for variable in key.variables]
    options = [key.key.option for key in keys() if key.key.option]
    assert len(set(variables)) == len(variables) == len(by_variable())
    assert len(set(options)) == len(options)


def test_the_committed_file_says_what_the_defaults_are() -> None:
    resolution = resolve(Asked(environ={}, file=COMMITTED, purpose=Purpose.LOCAL))
    assert resolution.require() == Settings()
    given = {path for path, origin in resolution.origins.items() if origin.layer == "file"}
    assert given == {key.path for key in keys() if key.default is not None}


WITH_EXAMPLE = [key for key in keys() if key.default is None and not key.key.env_only]


@pytest.mark.parametrize("key", WITH_EXAMPLE, ids=lambda key: key.path)
def test_examples_of_keys_without_a_default_can_be_used(tmp_path: Path, key: CatalogKey) -> None:
    file = tmp_path / "c.toml"
    file.write_text(f"[{key.section}]\n{key.name} = {key.key.example}\n", "utf-8")
    resolution = resolve(Asked(environ={}, file=file, purpose=Purpose.LOCAL))
    assert resolution.value(key.path) is not None
    assert [problem.text for problem in resolution.problems if "the file" not in problem.text] == []


def test_effective_settings_are_toml_that_means_the_same() -> None:
    overrides: dict[str, object] = {
        "source.projects": ('quo"ted', "b"),
        "intake.settle": "90s",
        "source.since": "2026-01-31",
    }
    first = resolve(Asked(environ={}, overrides=overrides, purpose=Purpose.LOCAL))
    text = effective(first)
    assert 'settle = "90s"  # command line --settle' in text
    assert tomllib.loads(text)["source"]["projects"] == ['quo"ted', "b"]


def test_effective_settings_can_be_used_as_a_file(tmp_path: Path) -> None:
    overrides: dict[str, object] = {"reward.weights": {"tone": 2}, "sink.seal_size": "3MiB", "source.until": "1d"}
    first = resolve(Asked(environ={}, overrides=overrides, purpose=Purpose.LOCAL))
    file = tmp_path / "c.toml"
    file.write_text(effective(first), "utf-8")
    again = resolve(Asked(environ={}, file=file, purpose=Purpose.LOCAL))
    assert again.require() == first.require()


def test_the_fingerprint_changes_with_what_must_not_change_and_with_nothing_else(tmp_path: Path) -> None:
    def named(**overrides: object) -> dict[str, str]:
        given = {path.replace("__", "."): value for path, value in overrides.items()}
        return parts(resolve(Asked(environ={}, overrides=given, purpose=Purpose.LOCAL)).require(), "1")

    def changed(after: dict[str, str]) -> set[str]:
        return {name for name, _ in before.items() ^ after.items()}

    before = named()
    assert changed(named(source__since="1d", intake__pagers=2, worker__once=True)) == set()
    assert changed(named(sink__out=str(tmp_path))) == {"sink.out"}
    assert changed(named(redaction__mode="builtin", conversation__thread_keys="a")) == {
        "conversation.thread_keys",
        "redaction.mode",
    }
    assert changed({**before, "rules": "2"}) == {"rules"}
    assert digest(before) == digest(dict(reversed(before.items())))
    assert digest(before) != digest(named(sink__out=str(tmp_path)))


SPELLINGS = ("https://x.example", "https://x.example/", "https://x.example/api/v1", "HTTPS://X.example:443/api")


def test_the_fingerprint_holds_one_server_under_one_name_however_it_is_or_was_spelt() -> None:
    def named(endpoint: str) -> dict[str, str]:
        asked = Asked(environ={}, overrides={"source.endpoint": endpoint}, purpose=Purpose.LOCAL)
        return parts(resolve(asked).require(), "1")

    now = named("https://x.example/api/v1")
    assert now["source.endpoint"] == "https://x.example"
    assert all(named(spelling) == now for spelling in SPELLINGS)
    assert all(changed({"source.endpoint": pinned}, now) == {} for pinned in SPELLINGS)
    others = ("https://y.example", "http://x.example", "no address", "https://x.example/gateway")
    assert all(changed({"source.endpoint": pinned}, now) == {"source.endpoint": pinned} for pinned in others)
    assert changed({"rules": "0"}, now) == {"rules": "0"}


def test_the_fingerprint_changes_with_the_secret_of_placeholders_and_does_not_tell_it() -> None:
    def named(secret: str | None) -> dict[str, str]:
        environ = {} if secret is None else {"TRAJWORKER_REDACTION_SECRET": secret}
        return parts(resolve(Asked(environ=environ, purpose=Purpose.LOCAL)).require(), "1")

    told = [named(secret) for secret in (None, "canary-1", "canary-2")]
    assert {name for one in told[1:] for name, _ in told[0].items() ^ one.items()} == {"redaction.secret"}
    assert len({one["redaction.secret"] for one in told}) == 3
    assert named("canary-1") == told[1]
    assert "canary" not in str(told)
