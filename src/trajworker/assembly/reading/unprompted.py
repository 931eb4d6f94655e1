"""Calls whose prompts nobody recorded: voice sessions, of which only the root's transcript tells what was heard."""

from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.payloads import newest_first
from trajworker.assembly.reading.roots import Root
from trajworker.dialects import Prompt, digest


def prompt_from_transcript(calls: list[Call], root: Root) -> None:
    """Give calls that tell no prompt what the transcript has before their answers; nothing where any call tells one."""
    if not calls or len(root.trailing) < 2 or any(call.prompt.array or call.read() for call in calls):  # noqa: PLR2004
        return
    said = list(newest_first(root.trailing))[::-1]
    keys = [digest(draft) for draft in said]
    place = 0
    for call in calls:
        found = next((later for later in range(place, len(keys)) if keys[later] == call.key), None)
        if found is None:
            continue
        call.prompt, call.drafts, call.keys = Prompt(drafts=said[:found]), None, None
        place = found + 1
