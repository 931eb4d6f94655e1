"""An agent that hands the word over to another and has it again: the user's words are the ones it was asked."""

from typing import Any

import pytest

from support.chat import result, system, user
from support.folding import told
from support.runs import Recorder
from trajworker.model.message import Role
from trajworker.model.run import Run
from trajworker.trajectory import Trajectory

Messages = list[dict[str, Any]]
LEAD, SCOUT, POST = system("You lead."), system("You scout."), system("You mail.")
ASKED = {**user("How is Faro?"), "id": "u1"}
OVER = {"output": {"graph": "__parent__", "update": None, "resume": None, "goto": ["Send(node='scout', arg={})"]}}
"""What LangGraph records of a hand-off that says nothing of itself (Command to the graph above)."""


def said(words: str, message_id: str, *made: tuple[str, str, str]) -> dict[str, Any]:
    """What a LangChain model said; `made` are ids and names of the calls in it, and what they ask for."""
    calls = [{"name": name, "args": {"task": task}, "id": one, "type": "tool_call"} for one, name, task in made]
    return {"type": "ai", "content": words, "id": message_id, "tool_calls": calls}


def generation(message: dict[str, Any]) -> dict[str, Any]:
    made = {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessage"], "kwargs": message}
    return {"generations": [[{"text": message["content"], "message": made}]]}


class Graph:
    """A trace of agents that hand the word over to each other."""

    def __init__(self, kept: Messages) -> None:
        self.record = Recorder()
        self.root = self.record.run("chain", {"messages": [ASKED]}, {"messages": kept})
        self.runs: list[Run] = [self.root]

    def call(self, prompt: Messages, answer: dict[str, Any]) -> None:
        self.runs.append(self.record.run("llm", {"messages": prompt}, generation(answer), self.root))

    def tool(self, call_id: str, name: str, output: Any) -> None:
        extra = {"tool_call_id": call_id}
        self.runs.append(self.record.run("tool", {}, output, self.root, name=name, extra=extra))


def spoken(trajectory: Trajectory) -> list[str | None]:
    """What was said to and by agents, in words."""
    return [one.content for one in trajectory.messages if one.content and one.role is not Role.TOOL]


@pytest.mark.parametrize("lead", [[LEAD], []])
def test_the_word_comes_back_to_the_agent_whose_prompt_is_the_last_one_with_more_behind_it(lead: Messages) -> None:
    hand, look = said("", "a1", ("c1", "assign", "Find the weather.")), said("", "a2", ("c2", "look", "Faro"))
    found, last = said("Sunny in Faro.", "a3"), said("It is sunny.", "a4")
    own = [user("Find the weather."), look, result("c2", "24 degrees"), found]
    graph = Graph([])
    graph.call([*lead, ASKED], hand)
    graph.tool("c1", "assign", OVER)
    graph.call([SCOUT, *own[:1]], look)
    graph.tool("c2", "look", {"output": "24 degrees"})
    graph.call([SCOUT, *own[:3]], found)
    graph.call([*lead, ASKED, *own], last)
    trajectory = told(graph.runs)
    assert spoken(trajectory)[-2:] == ["How is Faro?", "It is sunny."]
    assert [one.content for one in trajectory.nested[0].messages][:2] == ["You scout.", "Find the weather."]


def test_a_task_that_a_graph_keeps_as_a_users_message_begins_no_turn() -> None:
    tasks = ["Find the weather.", "Mail that to Ana."]
    done = [said("Sunny.", "a1"), said("Mailed.", "a2")]
    kept = [ASKED, user(tasks[0]), done[0], user(tasks[1]), done[1], said("Ana knows.", "a3")]
    graph = Graph(kept)
    for place, (agent, task, answer) in enumerate(zip((SCOUT, POST), tasks, done, strict=True)):
        hand = f"c{place}", "assign", task
        graph.call([LEAD, *kept[: 1 + 2 * place]], said("", f"h{place}", hand))
        graph.tool(hand[0], "assign", OVER)
        graph.call([agent, user(task)], answer)
    graph.call([LEAD, *kept[:-1]], kept[-1])
    trajectory = told(graph.runs)
    assert spoken(trajectory) == [
        "You lead.", "How is Faro?", "You scout.", "Sunny.", "You mail.", "Mailed.", "Ana knows.",
    ]  # fmt: skip
    assert trajectory.nested == ()


def test_who_worked_at_the_same_time_stands_beside_the_agent_that_waited_for_both() -> None:
    looking = [said("", f"l{place}", (f"t{place}", "look", place)) for place in "12"]
    workers = [
        (SCOUT, [user("Find the weather."), looking[0], result("t1", "24 degrees"), said("Sunny.", "a1")]),
        (POST, [user("Mail that to Ana."), looking[1], result("t2", "sent"), said("Mailed.", "a2")]),
    ]
    told_by_them = [one for _, part in workers for one in part]
    graph = Graph([ASKED, *told_by_them, said("All done.", "a3")])
    tasks = [(f"c{place}", "assign", part[0]["content"]) for place, (_, part) in enumerate(workers)]
    graph.call([LEAD, ASKED], said("", "h", *tasks))
    for call_id, _, _ in tasks:
        graph.tool(call_id, "assign", OVER)
    for agent, part in workers:
        graph.call([agent, part[0]], part[1])
    for _, part in workers:
        graph.tool(part[2]["tool_call_id"], "look", {"output": part[2]["content"]})
    for agent, part in workers:
        graph.call([agent, *part[:3]], part[3])
    graph.call([LEAD, ASKED, *told_by_them], said("All done.", "a3"))
    trajectory = told(graph.runs)
    assert spoken(trajectory) == ["You lead.", "How is Faro?", "All done."]
    assert [one.messages[0].content for one in trajectory.nested] == ["You scout.", "You mail."]
    assert [one.content for one in trajectory.asides] == [one["content"] for one in told_by_them]
