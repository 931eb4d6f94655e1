"""Which conversation a run belongs to."""

import pytest

from trajworker.assembly.threads import thread_key


@pytest.mark.parametrize(
    ("server", "metadata", "expected"),
    [
        ("server", {"thread_id": "own"}, "server"),
        (None, {"thread_id": "a", "conversation_id": "b", "session_id": "c"}, "c"),
        (None, {"thread_id": "a", "conversation_id": "b"}, "b"),
        (None, {"session_id": 12345}, "12345"),
        (7, None, "7"),
        (None, {"session_id": 12.0}, "12"),
        ("", {"session_id": "", "thread_id": "x"}, "x"),
        (None, {"session_id": True, "thread_id": None}, None),
        (None, {"session_id": {"a": 1}}, None),
        (None, None, None),
    ],
)
def test_the_servers_word_wins_then_the_metadata_in_order(
    server: object, metadata: dict[str, object], expected: str
) -> None:
    assert thread_key(server, metadata) == expected


def test_the_precedence_is_the_callers() -> None:
    metadata = {"session_id": "s", "thread_id": "t"}
    assert thread_key(None, metadata, ("thread_id", "session_id")) == "t"
    assert thread_key(None, metadata, ()) is None
