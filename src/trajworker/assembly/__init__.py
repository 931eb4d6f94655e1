"""Runs to turns, turns to a conversation, a conversation to a line; and when a conversation is finished. All pure."""

from trajworker.assembly.beside.standing import written
from trajworker.assembly.conversation import Conversation
from trajworker.assembly.kept.context import Context
from trajworker.assembly.kept.folds import Fold, decode_fold, digest_of, encode_fold
from trajworker.assembly.kept.rewards import Aggregation, RewardRule
from trajworker.assembly.lifecycle import Decision, FinishRule, Held, decide
from trajworker.assembly.lines.summary import Header
from trajworker.assembly.lines.write import assemble, content_hash, encode_line
from trajworker.assembly.reading.calls import NEEDED_RUN_TYPES
from trajworker.assembly.rules import DEFAULT_SETTINGS, RULES_VERSION, FoldSettings
from trajworker.assembly.threads import thread_key

__all__ = [
    "DEFAULT_SETTINGS",
    "NEEDED_RUN_TYPES",
    "RULES_VERSION",
    "Aggregation",
    "Context",
    "Conversation",
    "Decision",
    "FinishRule",
    "Fold",
    "FoldSettings",
    "Header",
    "Held",
    "RewardRule",
    "assemble",
    "content_hash",
    "decide",
    "decode_fold",
    "digest_of",
    "encode_fold",
    "encode_line",
    "thread_key",
    "written",
]
