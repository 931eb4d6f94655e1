"""A bad configuration gives one error with exit code 78 that names every problem, where it is, and what to write."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajworker.config import Asked, Purpose, resolve, rules
from trajworker.errors import EXIT_CONFIG, ConfigError

KEY = {"LANGSMITH_API_KEY": "key"}


def problems_of(
    environ: dict[str, str] | None = None,
    overrides: dict[str, object] | None = None,
    file: Path | None = None,
    purpose: Purpose = Purpose.LOCAL,
) -> list[str]:
    asked = Asked(environ=environ or {}, overrides=overrides or {}, file=file, purpose=purpose)
    return [str(problem) for problem in resolve(asked).problems]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "t.toml"
    path.write_text(text, "utf-8")
    return path


def test_all_problems_of_all_layers_are_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, '[source]\nendpont = "https://x"\n\n[intake]\nsettle = "10x"\n')
    asked = Asked(environ={"TRAJWORKER_SINK_SEAL_SIZ": "1"}, overrides={"conversation.idle": "-1s"}, file=path)
    with pytest.raises(ConfigError) as caught:
        resolve(asked).require()
    assert caught.value.exit_code == EXIT_CONFIG
    text = str(caught.value)
    assert text.startswith("6 problems in the configuration:\n")
    assert f"{path}:2: source.endpont is no key; did you mean source.endpoint?" in text
    assert f"{path}:5: intake.settle: write a duration as a number with s, m, h or d" in text
    assert "TRAJWORKER_SINK_SEAL_SIZ: is no setting; did you mean TRAJWORKER_SINK_SEAL_SIZE?" in text
    assert "--idle: conversation.idle: write a duration" in text
    assert "source.projects: name a project" in text
    assert "source.api_key: no API key" in text


@pytest.mark.parametrize(
    ("text", "line", "advice"),
    [
        ("[sorce]\n", 1, "sorce is no section; did you mean source?"),
        ('\nsource = "x"\n', 2, "source is a section: write [source]"),
        ('[sink]\nsettle = "1m"\n', 2, "sink.settle is no key; settle belongs into [intake]"),
        ('sink.compresss = "gz"\n', 1, "did you mean sink.compress?"),
        ('[sink]\ncompress = "zip"\n', 2, "sink.compress: write one of none, gz, zst"),
        ("[sink]\nseal_lines = 0\n", 2, "sink.seal_lines: write at least 1"),
        ("[sink]\nseal_size = -5\n", 2, "sink.seal_size: write at least 1KiB"),
        ("[sink]\nseal_size = true\n", 2, "sink.seal_size: write a text"),
        ("[sink]\nseal_lines = 1.5\n", 2, "sink.seal_lines: write a whole number"),
        ("[sink]\nseal_lines = true\n", 2, "sink.seal_lines: write a whole number"),
        ("[source]\nrate_scale = nan\n", 2, "source.rate_scale: write a finite number"),
        ("[source]\nprojects = [1]\n", 2, "source.projects: write a text"),
        ("[source]\nendpoint = 3\n", 2, "source.endpoint: write a text"),
        ("[intake]\npagers = 1000\n", 2, "intake.pagers: write at most 16"),
        ('[worker]\ngrace = "2h"\n', 2, "worker.grace: write at most 1h"),
        ('[reward]\nweights = "much"\n', 2, "reward.weights: write a JSON object"),
        ('[reward.weights]\ntone = "much"\n', 1, "reward.weights: tone: write a number"),
        ('[reward.weights]\nlength = 1\ntone = "much"\n', 1, "reward.weights: tone: write a number"),
        ('[source]\napi_key = "lsv2_secret"\n', 2, "source.api_key is taken from the environment only"),
        ("[source\n", 1, "is not TOML"),
        ('[source]\nendpoint = "a"\nendpoint = "b"\n', 3, "is not TOML"),
    ],
)
def test_a_problem_in_a_file_is_named_with_its_line_and_what_to_write(
    tmp_path: Path, text: str, line: int, advice: str
) -> None:
    path = written(tmp_path, text)
    (problem,) = problems_of(file=path)
    assert problem.startswith(f"{path}:{line}: ")
    assert advice in problem


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    assert problems_of(file=tmp_path / "absent.toml") == [
        f"{tmp_path / 'absent.toml'}: cannot be read: No such file or directory"
    ]
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    assert problems_of(file=binary) == [f"{binary}: is not UTF-8 text"]
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * (1024 * 1024 + 1))
    assert "no configuration file" in problems_of(file=huge)[0]


@pytest.mark.parametrize(
    ("path", "value", "advice"),
    [
        ("source.endpoint", "http://langsmith.example", "http shows the API key to the network"),
        ("source.endpoint", "ftp://x", "write a URL"),
        ("source.endpoint", "https://", "write a URL"),
        ("source.endpoint", "https://x:99999", "write a URL"),
        ("source.endpoint", "https://user@x", "no user, query or fragment"),
        ("source.endpoint", "https://x/?a=1", "no user, query or fragment"),
        ("source.proxy", "socks://x", "write a proxy as a URL"),
        ("source.ca_bundle", "/nowhere/ca.pem", "the file /nowhere/ca.pem is not there"),
        ("source.ca_bundle", "/dev/null", "/dev/null is no file of certificates: name one in PEM format"),
        ("source.projects", ("a", "a"), "named twice"),
        ("source.api_key", "k", "taken from the environment only"),
        ("conversation.thread_keys", "a,a", "named twice"),
        ("conversation.thread_keys", 'a"b', "without quotes, backslashes and control characters"),
        ("conversation.thread_keys", "a\\b", "without quotes, backslashes and control characters"),
        ("conversation.thread_keys", "a\x01", "without quotes, backslashes and control characters"),
        ("conversation.thread_keys", "*", "none that is just *"),
        ("conversation.thread_keys", ("",), "not empty"),
        ("conversation.flush", True, "needs --once"),
        ("intake.lookback", "31d", "must not be shorter than intake.lookback"),
        ("intake.deep_scan", "1s", "cannot come more often than intake.poll"),
        ("redaction.rules", "email", "redaction.rules: nothing is masked"),
        ("redaction.patterns", {"ticket": "T-[0-9]+"}, "redaction.patterns: nothing is masked"),
        ("health.bind", "8080", "write an IP address and a port"),
        ("health.bind", "127.0.0.1:70000", "write an IP address and a port"),
        ("helth.bind", "x", "did you mean health.bind?"),
    ],
)
def test_values_that_make_no_sense_together_are_refused(path: str, value: object, advice: str) -> None:
    (problem,) = problems_of(overrides={path: value})
    assert advice in problem


def test_since_must_be_earlier_than_until() -> None:
    (problem,) = problems_of(overrides={"source.since": "2026-05-09", "source.until": "2026-05-08T12:00:00Z"})
    assert problem.startswith("--since: since (2026-05-09T00:00:00Z) must be earlier than until (2026-05-08T12:00:00Z)")
    (problem,) = problems_of(overrides={"source.since": "24h", "source.until": "2d"})
    assert problem.startswith("--since: since (1d ago) must be earlier than until (2d ago)")
    assert problems_of(overrides={"source.since": "1d", "source.until": "2026-05-08"}) == []


@pytest.mark.parametrize("weights", ['{"tone": -1}', '{"tone": 0, "length": 0}'])
def test_weights_that_weigh_nothing_are_refused(weights: str) -> None:
    assert "weights are 0 or more" in problems_of({"TRAJWORKER_REWARD_WEIGHTS": weights})[0]
    assert problems_of({"TRAJWORKER_REWARD_WEIGHTS": '{"tone": 2, "length": 0}'}) == []


def test_patterns_have_plain_names() -> None:
    environ = {"TRAJWORKER_REDACTION_MODE": "builtin", "TRAJWORKER_REDACTION_PATTERNS": '{"Bad Name": "x"}'}
    assert "lower case letters" in problems_of(environ)[0]


def test_rules_patterns_and_extras_of_redaction_are_tried_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = {"TRAJWORKER_REDACTION_MODE": "builtin", "TRAJWORKER_REDACTION_RULES": "email,emial"}
    (unknown,) = problems_of(asked)
    assert unknown.startswith("TRAJWORKER_REDACTION_RULES: no built-in redaction rule is called emial; there are ")
    assert problems_of(asked | {"TRAJWORKER_REDACTION_RULES": "email"}) == []
    both = problems_of(asked | {"TRAJWORKER_REDACTION_PATTERNS": '{"ticket": "(?<=x"}'})
    assert [problem.split(":")[0] for problem in both] == [
        "TRAJWORKER_REDACTION_RULES",
        "TRAJWORKER_REDACTION_PATTERNS",
    ]
    assert "re2" in both[1].lower()
    monkeypatch.setattr(rules, "PRESIDIO_MODULES", ("no_such_module",))
    (missing,) = problems_of({"TRAJWORKER_REDACTION_MODE": "presidio"})
    assert "pip install 'trajworker[presidio]'" in missing


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:1984", "http://localhost/api", "http://[::1]:1", "https://x.example/api"]
)
def test_loopback_and_https_need_no_leave(endpoint: str) -> None:
    assert problems_of({"LANGSMITH_ENDPOINT": endpoint}) == []


def test_plain_http_elsewhere_can_be_allowed() -> None:
    assert (
        problems_of({"LANGSMITH_ENDPOINT": "http://langsmith.internal", "TRAJWORKER_SOURCE_ALLOW_HTTP": "true"}) == []
    )


def test_a_run_needs_a_project_and_a_key_but_the_key_not_on_loopback() -> None:
    assert len(problems_of(purpose=Purpose.RUN)) == 2
    assert problems_of(KEY, {"source.projects": ("p",)}, purpose=Purpose.RUN) == []
    assert problems_of({"LANGSMITH_ENDPOINT": "http://127.0.0.1:1"}, purpose=Purpose.SOURCE) == []


@given(st.text(max_size=60))
def test_no_text_at_all_makes_the_reader_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("toml") / "t.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    problems_of(file=path)


VALUES = st.one_of(
    st.text(max_size=8), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.text(max_size=3), max_size=2)
)


@given(
    value=VALUES,
    path=st.sampled_from(["intake.settle", "sink.seal_size", "source.since", "source.endpoint", "reward.weights"]),
)
def test_no_value_at_all_makes_the_converter_fail_in_another_way(value: object, path: str) -> None:
    problems_of(overrides={path: value})
