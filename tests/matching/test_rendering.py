"""A failure reads like a review: it names the call that was inserted, the one missing, the value that changed."""

import json
from typing import Any

import pytest
from inline_snapshot import snapshot

from support.calls import call
from trajworker.errors import TrajectoryMismatch
from trajworker.matching import any_value, assert_never_called, matches, one_of, regex, render, verdict_map
from trajworker.matching.rendering import ROWS_SHOWN, VALUE_WIDTH

SEARCH = call("search", {"query": "weather in Oslo"})
REFUND = call("refund", {"order": 7, "amount": 12.5})
BOOK = call("book", {"hotel": "Grand", "guests": [{"name": "Ada"}, {"name": "Bob"}]})
MAIL = call("send_email", {"to": "ada@example.org"})


def told(actual: list[Any], expected: list[Any], *how: str, **options: Any) -> str:
    return render(matches(actual, expected, *how, **options))


def test_an_inserted_call_and_a_changed_argument() -> None:
    changed = call("refund", {"order": 7, "amount": 99})
    assert told([SEARCH, MAIL, changed, BOOK], [SEARCH, REFUND, BOOK]) == snapshot("""\
Trajectories differ: 1 call inserted, 1 call changed (4 calls, 3 expected; mode strict, args exact)
      1 search(query="weather in Oslo")
  +   2 send_email(to="ada@example.org")  inserted
  ~   3 refund(order=7, amount=99)  changed
  ~       /amount: expected 12.5, got 99
      4 book(hotel="Grand", guests=[{"name": "Ada"}, {"name": "Bob"}])\
""")


def test_a_missing_call() -> None:
    assert told([SEARCH, BOOK], [SEARCH, REFUND, BOOK]) == snapshot("""\
Trajectories differ: 1 call missing (2 calls, 3 expected; mode strict, args exact)
      1 search(query="weather in Oslo")
  -   2 refund(order=7, amount=12.5)  missing
      2 book(hotel="Grand", guests=[{"name": "Ada"}, {"name": "Bob"}])\
""")


def test_calls_in_another_order() -> None:
    assert told([REFUND, SEARCH, BOOK], [SEARCH, REFUND, BOOK]) == snapshot("""\
Trajectories differ: 1 call moved (3 calls, 3 expected; mode strict, args exact)
  -   1 search(query="weather in Oslo")  moved: made as call 2
      1 refund(order=7, amount=12.5)
  +   2 search(query="weather in Oslo")  moved: expected as call 1
      3 book(hotel="Grand", guests=[{"name": "Ada"}, {"name": "Bob"}])\
""")


def test_values_deep_inside() -> None:
    other = call("book", {"hotel": "Grand", "guests": [{"name": "Ada", "age": 36}, {"name": "Eve"}, {}], "late": True})
    assert told([other], [BOOK]) == snapshot("""\
Trajectories differ: 1 call changed (1 call, 1 expected; mode strict, args exact)
  ~   1 book(hotel="Grand", guests=[{"name": "Ada", "age": 36}, {"name": "Eve"}, {}], late=true)  changed
  ~       /guests/0/age: 36 was not expected
  ~       /guests/1/name: expected "Bob", got "Eve"
  ~       /guests/2: {} was not expected
  ~       /late: true was not expected\
""")


def test_an_absent_argument_and_raw_text() -> None:
    assert told([call("pay", {}), call("log", "{broken")], [call("pay", {"sum": 1}), call("log", {})]) == snapshot("""\
Trajectories differ: 2 calls changed (2 calls, 2 expected; mode strict, args exact)
  ~   1 pay()  changed
  ~       /sum: expected 1, is absent
  ~   2 log("{broken")  changed
  ~       arguments: expected {}, got "{broken"\
""")


def test_no_calls_at_all() -> None:
    assert told([], [SEARCH]) == snapshot("""\
Trajectories differ: 1 call missing (0 calls, 1 expected; mode strict, args exact)
  -   1 search(query="weather in Oslo")  missing\
""")


def test_superset_forgives_what_was_not_asked_for() -> None:
    assert told([MAIL, SEARCH], [SEARCH, REFUND], "superset") == snapshot("""\
Trajectories differ: 1 call missing (2 calls, 2 expected; mode superset, args exact)
      1 send_email(to="ada@example.org")  (not asked for)
      2 search(query="weather in Oslo")
  -   2 refund(order=7, amount=12.5)  missing\
""")


def test_subset_forgives_what_was_not_made() -> None:
    assert told([MAIL, SEARCH], [SEARCH, REFUND], "subset") == snapshot("""\
Trajectories differ: 1 call inserted (2 calls, 2 expected; mode subset, args exact)
  +   1 send_email(to="ada@example.org")  inserted
      2 search(query="weather in Oslo")
      2 refund(order=7, amount=12.5)  (not made)\
""")


def test_matchers_say_what_they_accept() -> None:
    wanted = call("pay", {"to": regex("^IBAN"), "sum": one_of(1, 2), "note": any_value()})
    assert told([call("pay", {"to": "cash", "sum": 3})], [wanted]) == snapshot("""\
Trajectories differ: 1 call changed (1 call, 1 expected; mode strict, args exact)
  ~   1 pay(to="cash", sum=3)  changed
  ~       /note: expected <any value>, is absent
  ~       /to: expected <text like /^IBAN/>, got "cash"
  ~       /sum: expected <one of 1, 2>, got 3\
""")


def test_an_override_function_that_refuses() -> None:
    overrides = {"search": lambda _made, _wanted: False}
    assert told([SEARCH], [SEARCH], overrides=overrides) == snapshot("""\
Trajectories differ: 1 call changed (1 call, 1 expected; mode strict, args exact)
  ~   1 search(query="weather in Oslo")  changed
  ~       arguments: the override refuses {"query": "weather in Oslo"} for {"query": "weather in Oslo"}\
""")


def test_long_stretches_as_expected_are_counted() -> None:
    steps = [call("step", {"n": n}) for n in range(40)]
    assert told([*steps[:20], MAIL, *steps[20:]], steps) == snapshot("""\
Trajectories differ: 1 call inserted (41 calls, 40 expected; mode strict, args exact)
    ... 18 calls as expected
     19 step(n=18)
     20 step(n=19)
  +  21 send_email(to="ada@example.org")  inserted
     22 step(n=20)
     23 step(n=21)
    ... 18 calls as expected\
""")


def test_a_match() -> None:
    assert told([SEARCH, REFUND], [SEARCH, REFUND], "unordered", "subset") == snapshot("""\
Trajectories match (2 calls, 2 expected; mode unordered, args subset)
      1 search(query="weather in Oslo")
      2 refund(order=7, amount=12.5)\
""")


def test_roles_that_differ() -> None:
    one, other = [{"role": "user", "content": "hi"}], [{"role": "system", "content": "s"}]
    assert told(one, other, group="message") == snapshot("""\
Trajectories differ (0 calls, 0 expected; mode strict, args exact, by message)
  message 1 is of role user, expected system\
""")


def test_colour_is_asked_for_and_nothing_an_agent_wrote_reaches_the_terminal_raw() -> None:
    nasty = call("\x1b[2J", {"\u202ekey": "\x9b31m\n"})
    plain = told([nasty], [])
    assert plain == snapshot("""\
Trajectories differ: 1 call inserted (1 call, 0 expected; mode strict, args exact)
  +   1 \\u001b[2J(\\u202ekey="\\u009b31m\\n")  inserted\
""")
    coloured = render(matches([nasty, SEARCH], [SEARCH, BOOK]), colour=True)
    assert [line[:5] for line in coloured.splitlines()[1:]] == ["\x1b[32m", "\x1b[2m ", "\x1b[31m"]
    assert all(line.endswith("\x1b[0m") for line in coloured.splitlines()[1:])


def test_a_rendered_verdict_is_never_longer_than_one_can_read() -> None:
    long = [call("step", {"n": n, "text": "x" * 10_000}) for n in range(500)]
    text = told(long, [])
    assert len(text.splitlines()) == ROWS_SHOWN + 2
    assert max(map(len, text.splitlines())) < 200


def test_as_json_it_tells_the_same() -> None:
    verdict = matches([SEARCH, MAIL], [SEARCH, call("refund", {"order": any_value()})])
    stored = json.loads(json.dumps(verdict_map(verdict)))
    assert stored == verdict_map(verdict)
    assert stored == snapshot(
        {
            "matched": False,
            "mode": "strict",
            "args": "exact",
            "group": None,
            "actual_count": 2,
            "expected_count": 2,
            "pairs": [[0, 0]],
            "missing": [{"index": 1, "name": "refund", "arguments": {"order": {"$trajworker": "any"}}}],
            "extra": [{"index": 1, "name": "send_email", "arguments": {"to": "ada@example.org"}}],
            "alignment": [
                {
                    "kind": "kept",
                    "actual": {"index": 0, "name": "search", "arguments": {"query": "weather in Oslo"}},
                    "expected": {"index": 0, "name": "search", "arguments": {"query": "weather in Oslo"}},
                    "differences": [],
                },
                {
                    "kind": "deleted",
                    "actual": None,
                    "expected": {"index": 1, "name": "refund", "arguments": {"order": {"$trajworker": "any"}}},
                    "differences": [],
                },
                {
                    "kind": "inserted",
                    "actual": {"index": 1, "name": "send_email", "arguments": {"to": "ada@example.org"}},
                    "expected": None,
                    "differences": [],
                },
            ],
            "reason": None,
            "precision": 0.5,
            "recall": 0.5,
            "f1": 0.5,
        }
    )


def test_in_a_traceback_it_is_one_line() -> None:
    assert repr(matches([SEARCH], [])) == snapshot(
        "<no match (strict, args exact): 0 kept, 1 inserted, 0 deleted, 0 changed>"
    )


def test_figures_of_a_verdict() -> None:
    verdict = matches([SEARCH, MAIL, BOOK], [SEARCH, REFUND, BOOK, BOOK], "unordered")
    assert (verdict.precision, verdict.recall) == (2 / 3, 0.5)
    assert round(verdict.f1, 4) == 0.5714
    empty = matches([], [])
    assert (empty.precision, empty.recall, empty.f1) == (1.0, 1.0, 1.0)
    assert matches([SEARCH], []).f1 == 0.0


def test_what_cannot_be_shown_whole_is_cut_and_counted() -> None:
    made, wanted = call("t", {f"k{n}": n for n in range(20)}), call("t", {f"k{n}": -n for n in range(20)})
    text = told([made], [wanted])
    assert "... and 11 more differences" in text
    assert "…" in text


def test_a_call_without_arguments_is_shown_as_such() -> None:
    with pytest.raises(TrajectoryMismatch, match=r"t\(<no arguments>\)"):
        assert_never_called([{"name": "t"}], "t")
    assert "t(...)" in told([], [call("t", None)])


@pytest.mark.parametrize("length", [130, 300, 5_000])
def test_long_values_are_shown_where_they_part(length: int) -> None:
    ours, theirs = "y" * length + "A" + "z" * 500, "y" * length + "B"
    line = told([call("f", {"x": ours})], [call("f", {"x": theirs})]).splitlines()[-1]
    expected, _, got = line.partition(", got ")
    assert "yyyB" in expected
    assert "yyyAzzz" in got
    assert len(line) < 2 * VALUE_WIDTH + 50


def test_long_values_that_part_early_are_shown_from_their_beginning() -> None:
    line = told([call("f", {"x": "A" + "y" * 500})], [call("f", {"x": "B" + "y" * 500})]).splitlines()[-1]
    assert 'expected "Byyy' in line
    assert 'got "Ayyy' in line


@pytest.mark.parametrize(
    ("one", "other", "shown"), [("\u00e9", "e\u0301", r"e\u0301"), ("\u00c5", "\u212b", r"\u212b")]
)
def test_texts_that_look_alike_are_shown_so_that_they_differ(one: str, other: str, shown: str) -> None:
    text = render(matches([call("t", {"x": one, other: 1})], [call("t", {"x": other, one: 1})]))
    assert f'/x: expected "{shown}", got "{one}"' in text
    assert f"/{shown}: " in text
    assert f"/{one}: " in text
    hindi = "\u0928\u093f"  # a mark that no letter takes in
    assert f'"{hindi}"' in render(matches([call("t", {"x": hindi})], []))
