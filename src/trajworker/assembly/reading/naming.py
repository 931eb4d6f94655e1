"""What names and texts of a root's payloads say of themselves: whose words they are, or that they are nobody's."""

import re

SPOKEN = ("message", "text", "user_input", "user_message", "user_text", "user_query", "utterance", "transcript", "msg")
"""Names under which apps give whatever a user said."""
ASKED = ("question", "query", *SPOKEN)
"""Names under which apps give what a user said and nothing else."""
NAMED = ("input", "question", "query", "prompt", *SPOKEN, "task", "topic", "q")
"""Names under which apps give the user's words, the clearest first."""
DOCUMENTS = ("content", "body")
"""Names of what a user may have said and may have handed over."""
WORDS = (*NAMED, *DOCUMENTS)
"""All of these."""

NOBODYS = frozenset({"self", "config", "metadata", "settings", "options", "agent", "context"})
"""Objects among the inputs in which nobody speaks."""

SYSTEMS = ("system", "system_prompt", "systemPrompt", "instructions", "system_message")

SETTINGS = frozenset({"model", "model_name", "history", "chat_history", "language", "temperature", "ls_error", "id"})
"""Names of what nobody said; langsmith writes `ls_error` where an app's own function could not mask the inputs."""

_ABOUT = frozenset({"title", "headline", "heading", "tags", "score", "rating", "grade", "verdict", "evaluation",
                    "review", "feedback", "critique", "suggestions", "followups"})  # fmt: skip
"""Parts of names under which apps give what is about an answer, and is none."""
_PARTS = re.compile("[A-Z]?[a-z]+")

IDS = ("_id", "Id")
"""How names of ids end, which are nobody's words."""

_ID = re.compile(r"[\w.:/-]*\d[\w.:/-]*", re.ASCII)


def is_id(text: str) -> bool:
    """Whether a text may be an id, a model or a figure, which is nobody's word."""
    return _ID.fullmatch(text) is not None


def is_about_answer(name: str) -> bool:
    """Whether a name tells that a field is about an answer."""
    return not _ABOUT.isdisjoint(map(str.lower, _PARTS.findall(name)))
