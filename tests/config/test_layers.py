"""Values come from the command line, the environment, a file or the default, in this order; where from is kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trajworker.config import Asked, Origin, Purpose, Resolution, Settings, resolve
from trajworker.config.choices import Api, Late
from trajworker.errors import ConfigError


def resolved(
    environ: dict[str, str] | None = None,
    overrides: dict[str, object] | None = None,
    file: Path | None = None,
    purpose: Purpose = Purpose.LOCAL,
) -> Resolution:
    return resolve(Asked(environ=environ or {}, overrides=overrides or {}, file=file, purpose=purpose))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "trajworker.toml"
    path.write_text('[intake]\nsettle = "1m"\npagers = 3\n\n[sink]\nout = "from-file"\n', "utf-8")
    return path


def test_without_anything_given_all_values_are_the_defaults() -> None:
    resolution = resolved()
    assert resolution.problems == ()
    assert resolution.require() == Settings()
    assert set(resolution.origins.values()) == {Origin("default")}


def test_the_command_line_wins_over_environment_over_file_over_default(config: Path) -> None:
    environ = {"TRAJWORKER_INTAKE_SETTLE": "2m", "TRAJWORKER_SINK_OUT": "from-environment"}
    resolution = resolved(environ, {"intake.settle": "3m"}, config)
    settings = resolution.require()
    assert settings.intake.settle == timedelta(minutes=3)
    assert settings.sink.out == Path("from-environment")
    assert settings.intake.pagers == 3
    assert settings.intake.poll == timedelta(minutes=1)
    assert [str(resolution.origins[key]) for key in ("intake.settle", "sink.out", "intake.pagers", "intake.poll")] == [
        "command line --settle",
        "environment TRAJWORKER_SINK_OUT",
        f"file {config}:3",
        "default",
    ]


def test_an_option_that_was_not_used_changes_nothing() -> None:
    assert (
        resolved(overrides={"intake.settle": None, "source.projects": [], "worker.once": False}).require() == Settings()
    )


def test_the_file_can_be_named_by_a_variable(config: Path) -> None:
    assert resolved({"TRAJWORKER_CONFIG": str(config)}).require().sink.out == Path("from-file")


def test_langsmith_variables_are_understood_and_the_newer_names_win() -> None:
    environ = {
        "LANGSMITH_API_KEY": "new-key",
        "LANGCHAIN_API_KEY": "old-key",
        "LANGCHAIN_ENDPOINT": "https://old.example",
        "LANGSMITH_WORKSPACE_ID": "w-1",
        "LANGSMITH_PROJECT": "one project, with a comma",
    }
    source = resolved(environ).require().source
    assert source.api_key is not None
    assert source.api_key.reveal() == "new-key"
    assert source.endpoint == "https://old.example"
    assert source.workspace_id == "w-1"
    assert source.projects == ("one project, with a comma",)


def test_our_own_variable_wins_over_those_of_langsmith() -> None:
    environ = {"LANGSMITH_PROJECT": "theirs", "TRAJWORKER_SOURCE_PROJECTS": "ours, other"}
    assert resolved(environ).require().source.projects == ("ours", "other")


def test_quotes_left_by_an_env_file_and_empty_langsmith_variables_do_no_harm() -> None:
    environ = {"LANGSMITH_ENDPOINT": '"https://eu.example"', "LANGSMITH_WORKSPACE_ID": "", "LANGSMITH_PROJECT": ""}
    source = resolved(environ).require().source
    assert (source.endpoint, source.workspace_id, source.projects) == ("https://eu.example", None, ())


def test_every_kind_of_value_can_be_written_in_a_file_and_in_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        '[source]\napi = "V1"\nsince = 2026-01-31\nuntil = 2026-02-01T12:00:00Z\n'
        'projects = ["a, b", "c"]\npage_cap = "2MiB"\n'
        'rate_scale = 2\n[reward]\nweights = { helpfulness = 2, tone = 0.5 }\n[conversation]\nlate = "drop"\n',
        "utf-8",
    )
    from_file = resolved(file=path).require()
    assert from_file.source.api is Api.V1
    assert from_file.source.since == datetime(2026, 1, 31, tzinfo=UTC)
    assert from_file.source.until == datetime(2026, 2, 1, 12, tzinfo=UTC)
    assert from_file.source.projects == ("a, b", "c")
    assert from_file.source.page_cap == 2 * 1024 * 1024
    assert from_file.conversation.late is Late.DROP
    environ = {
        "TRAJWORKER_SOURCE_API": "v1",
        "TRAJWORKER_SOURCE_SINCE": "2026-01-31",
        "TRAJWORKER_SOURCE_UNTIL": "2026-02-01T12:00Z",
        "TRAJWORKER_SOURCE_PAGE_CAP": "2MiB",
        "TRAJWORKER_SOURCE_RATE_SCALE": "2",
        "TRAJWORKER_REWARD_WEIGHTS": '{"helpfulness": 2, "tone": 0.5}',
        "TRAJWORKER_CONVERSATION_LATE": "drop",
    }
    assert resolved(environ, {"source.projects": ("a, b", "c")}).require() == from_file


def test_ages_are_kept_until_the_server_has_told_its_time() -> None:
    assert resolved(overrides={"source.since": "7d"}).require().source.since == timedelta(days=7)


def test_flags_of_the_environment_are_words(tmp_path: Path) -> None:
    assert resolved({"TRAJWORKER_WORKER_ONCE": "yes"}).require().worker.once
    with pytest.raises(ConfigError, match="write true or false"):
        resolved({"TRAJWORKER_WORKER_ONCE": "maybe"}).require()
    path = tmp_path / "c.toml"
    path.write_text("[worker]\nonce = 1\n", "utf-8")
    with pytest.raises(ConfigError, match="write true or false"):
        resolved(file=path).require()


def test_variables_that_kubernetes_injects_are_no_settings() -> None:
    injected = {
        "TRAJWORKER_SERVICE_HOST": "10.0.0.1",
        "TRAJWORKER_SERVICE_PORT_HEALTH": "8080",
        "TRAJWORKER_PORT": "tcp://10.0.0.1:8080",
        "TRAJWORKER_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert resolved(injected).problems == ()
