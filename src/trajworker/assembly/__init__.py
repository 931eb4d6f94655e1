"""Runs to turns, turns to a conversation, a conversation to a line; and when a conversation is finished. All pure."""

from trajworker.assembly.beside.standing import written
from trajworker.assembly.conversation import Conversation
from trajworker.assembly.kept.folds import Fold, decode_fold, digest_of, encode_fold
from trajworker.assembly.lines.summary import Header
from trajworker.assembly.lines.write import assemble, content_hash, encode_line
from trajworker.assembly.rules import RULES_VERSION, FoldSettings

__all__ = [
    "RULES_VERSION",
    "Conversation",
    "Fold",
    "FoldSettings",
    "Header",
    "assemble",
    "content_hash",
    "decode_fold",
    "digest_of",
    "encode_fold",
    "encode_line",
    "written",
]
