"""Payload dialects: what a producer recorded, read as messages. Formats are known by their shape, never by name."""

from trajworker.dialects.answer import ANSWERS, BODY, answer_of
from trajworker.dialects.draft import Draft, digest, words_digest
from trajworker.dialects.outcome import Answer
from trajworker.dialects.outputs import read_answer
from trajworker.dialects.prompt import Prompt, read_array, read_prompt
from trajworker.dialects.reader import read_all, read_one

__all__ = [
    "ANSWERS",
    "BODY",
    "Answer",
    "Draft",
    "Prompt",
    "answer_of",
    "digest",
    "read_all",
    "read_answer",
    "read_array",
    "read_one",
    "read_prompt",
    "words_digest",
]
