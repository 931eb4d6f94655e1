"""Durations, sizes and moments are read as people write them, and written back the same."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajworker.config.catalog import by_path
from trajworker.config.conversion import convert
from trajworker.config.values import duration, duration_text, moment, size, size_text
from trajworker.model.times import EARLIEST, LATEST, moment_at

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("90s", 90),
        ("10m", 600),
        ("24h", 86_400),
        ("7d", 604_800),
        ("250ms", 0.25),
        ("1.5h", 5_400),
        (" 1s ", 1),
    ],
)
def test_durations_are_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "-1s", "1 s", "1y", "1h30m", "1e3s", "99999999d", "٣s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write a duration"):
        duration(text)


@given(st.integers(min_value=0, max_value=10**10))
def test_a_duration_is_read_back_as_it_was_written(milliseconds: int) -> None:
    value = timedelta(milliseconds=milliseconds)
    assert duration(duration_text(value)) == value


def test_a_duration_is_written_in_its_largest_whole_unit() -> None:
    assert [duration_text(timedelta(minutes=m)) for m in (0, 1, 90, 120, 1440)] == ["0s", "1m", "90m", "2h", "1d"]


@pytest.mark.parametrize(
    ("text", "count"), [("0", 0), ("17", 17), ("17B", 17), ("64MiB", 64 << 20), ("2 GiB", 2 << 30), ("1MB", 10**6)]
)
def test_sizes_are_bytes_with_an_optional_unit(text: str, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1.5MiB", "1mib", "64 megabytes"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="64MiB"):
        size(text)


@given(st.integers(min_value=0, max_value=10**11))
def test_a_size_is_read_back_as_it_was_written(count: int) -> None:
    assert size(size_text(count)) == count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", datetime(2026, 5, 3, 12, tzinfo=UTC)),
        ("0s", NOW),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T10:00:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("36500d", EARLIEST),
        ("0001-01-01", EARLIEST),
        ("0001-01-01T00:00:00+23:00", EARLIEST),
        ("9999-12-31T23:59:59", LATEST),
        ("9999-12-31T23:59:59-23:00", LATEST),
    ],
)
def test_a_moment_is_a_time_in_utc_or_an_age_counted_back_from_now(text: str, expected: datetime) -> None:
    value = moment_at(moment(text), NOW)
    assert value == expected
    assert value.tzinfo is UTC


def test_an_age_is_counted_from_a_whole_second_as_servers_tell_them() -> None:
    """What is as old as the source may lag has settled by any server's clock, which tells whole seconds."""
    now = NOW.replace(second=7, microsecond=999_999)
    assert moment_at(moment("10m"), now) == now.replace(microsecond=0) - timedelta(minutes=10)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "0000-01-01"])
def test_what_is_no_moment_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        moment(text)


@pytest.mark.parametrize("text", ['["a","b"]', "['a']", "[]", " [ ] ", '["a"]\n'])
def test_a_list_in_a_variable_has_commas_and_no_brackets(text: str) -> None:
    key = by_path()["source.projects"]
    with pytest.raises(ValueError, match="commas between its texts"):
        convert(key, text)


def test_a_pattern_with_brackets_is_no_list() -> None:
    key = by_path()["source.projects"]
    assert convert(key, "[ab]*, team-[cd],[e]") == ("[ab]*", "team-[cd]", "[e]")


@pytest.mark.parametrize(("name", "text"), [("source.projects", "a,\udcfcber"), ("source.workspace_id", "\udcfcber")])
def test_bytes_of_another_encoding_are_no_text(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        convert(by_path()[name], text)
