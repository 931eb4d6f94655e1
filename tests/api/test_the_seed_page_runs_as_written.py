"""A script written from the page of seed 002 alone, argument for argument, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.library import PROJECT, conversation, served

SCRIPT = """
import json, sys
import trajworker as tj
from trajworker import BasePiiRedactor

class Masker(BasePiiRedactor):
    def redact(self, text):
        return text.replace("hello", "<GREETING>")

tj.init(provider="langsmith", api_key="some-key", project_id="support-bot", storage_dir="staged", debug=False)
summaries = tj.list_conversations(limit=50)
told = [(s.conversation_id, s.num_turns, s.first_seen, s.last_seen, list(s.root_run_names)) for s in summaries]
by_id = tj.import_conversations(conversations=["t-1"])
by_summary = tj.import_conversations(summaries, bulk=False, source=None, stage=True, redactor=None)
everything = tj.import_conversations(stage=False)
masked = tj.import_conversations(["t-1"], redactor=Masker())
tj.save(by_summary, "out")
first = by_id[0]
message = first.steps[0].messages[0]
print(json.dumps({
    "summaries": told, "by_id": len(by_id), "by_summary": len(by_summary), "everything": len(everything),
    "masked": masked[0].messages[0].content, "role": message.role, "content": message.content,
    "task": [first.task.conversation_id, first.task.data_source, first.task.num_turns, first.task.num_steps,
             first.task.total_tokens],
    "steps": [len(step.messages) for step in first.steps], "status": first.steps[0].trainable_status,
    "usage": first.messages[1].usage, "finish": first.messages[1].finish_reason,
    "times": [first.execution_metrics.total_time, first.execution_metrics.termination_reason],
    "metrics": [first.metrics.steps, first.metrics.tokens_generated], "error": first.error, "reward": first.reward,
    "loaded": sorted(t.task.conversation_id for t in tj.load("out")),
}))
"""


def test_every_call_and_field_of_the_page_is_there(tmp_path: Path) -> None:
    with served() as (simulator, url):
        for thread in ("t-1", "t-2"):
            simulator.add_runs(PROJECT, conversation(thread))
        environ = {**os.environ, "LANGSMITH_ENDPOINT": url}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [row[:2] for row in told["summaries"]] == [["t-1", 2], ["t-2", 2]] or told["summaries"][0][0] == "t-2"
    assert told["summaries"][0][2:] == ["2026-01-01T00:00:00+00:00", "2026-01-01T00:10:00+00:00", ["chain"]]
    assert (told["by_id"], told["by_summary"], told["everything"]) == (1, 2, 2)
    assert told["masked"] == "<GREETING>"
    assert (told["role"], told["content"]) == ("user", "hello")
    assert told["task"] == ["t-1", "langsmith", 2, 2, 30], "tokens are sums over llm runs"
    assert told["steps"] == [2, 4], "cumulative"
    assert told["status"] in ("trainable", "not_trainable")
    assert told["usage"]["total_tokens"] == 15
    assert told["finish"] == "stop"
    assert told["metrics"] == [2, 10]
    assert (told["error"], told["reward"]) == (None, None)
    assert told["times"][1] == "ENV_DONE"
    assert told["loaded"] == ["t-1", "t-2"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["t-1.json", "t-2.json"]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "staged").iterdir()} == {0o600}
    assert (tmp_path / "staged").stat().st_mode & 0o777 == 0o700
