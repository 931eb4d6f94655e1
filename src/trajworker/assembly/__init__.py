"""Runs to turns, turns to a conversation, a conversation to a line; and when a conversation is finished. All pure."""

from trajworker.assembly.calls import NEEDED_RUN_TYPES
from trajworker.assembly.context import Context
from trajworker.assembly.fold import DEFAULT_SETTINGS, FoldSettings, fold_trace, whole_context
from trajworker.assembly.parts import Fold, decode_fold, encode_fold
from trajworker.assembly.threads import THREAD_KEYS, thread_key
from trajworker.assembly.write import Header, assemble, content_hash, encode_line

__all__ = [
    "DEFAULT_SETTINGS",
    "NEEDED_RUN_TYPES",
    "THREAD_KEYS",
    "Context",
    "Fold",
    "FoldSettings",
    "Header",
    "assemble",
    "content_hash",
    "decode_fold",
    "encode_fold",
    "encode_line",
    "fold_trace",
    "thread_key",
    "whole_context",
]
