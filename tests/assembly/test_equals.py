"""Several agents asked at once, and apps that answer in their own words behind what models decided."""

from typing import Any

from support.chat import assistant, result, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.model.message import Role
from trajworker.model.run import Run

OSLO, MO = "Oslo is open.", "Mo is mild."


def fanned_out(record: Recorder, answer: str, words: list[str]) -> list[Run]:
    """A graph that asks a model about each town in one step, and whose own code answers."""
    human = {"type": "human", "content": "Two lines", "id": "h"}
    back = {"messages": [human, {"type": "ai", "content": answer, "id": "joined"}]}
    root = record.run("chain", {"messages": [human]}, back)
    runs = [root]
    for place, line in enumerate(words):
        about = {"langgraph_node": "line", "langgraph_step": 1, "langgraph_checkpoint_ns": f"line:{place}"}
        prompt = [user(f"A line about {line.partition(' ')[0]}")]
        runs.append(record.run("llm", {"messages": prompt}, assistant(line), root, metadata=about))
    return runs


def test_an_answer_that_code_joined_is_the_apps_and_its_parts_are_branches() -> None:
    trajectory = told(fanned_out(Recorder(), f"- {OSLO}\n- {MO}", [OSLO, MO]))
    assert words_of(trajectory) == ["Two lines", f"- {OSLO}\n- {MO}"]
    assert [one.messages[-1].content for one in trajectory.nested] == [OSLO, MO]


def test_parts_that_the_answer_does_not_quote_are_branches_too() -> None:
    trajectory = told(fanned_out(Recorder(), "Wrote 2 lines.", [OSLO, MO]))
    assert words_of(trajectory) == ["Two lines", "Wrote 2 lines."]
    assert (len(trajectory.nested), len(trajectory.internal)) == (2, 0)


def test_an_agent_that_says_the_joined_words_itself_is_the_main_one() -> None:
    record = Recorder()
    runs = fanned_out(record, f"{OSLO} {MO}", [OSLO, MO])
    joining = [user("Two lines"), user(f"Join: {OSLO}, {MO}")]
    runs.append(record.run("llm", {"messages": joining}, assistant(f"{OSLO} {MO}"), runs[0]))
    trajectory = told(runs)
    assert [one.content for one in trajectory.messages if one.run_id] == [f"{OSLO} {MO}"]
    assert len(trajectory.nested) == 2


def test_tasks_that_code_sent_off_one_after_another_did_not_run_beside_each_other() -> None:
    record, human = Recorder(), user("How warm is Faro?")
    root = record.run("chain", {"question": "How warm is Faro?"}, {"answer": "21 degrees there."})
    asked = [
        ("rewrite", [system("Rewrite the question."), human], "Faro weather now"),
        ("answer", [system("You are a guide."), human], "21 degrees there."),
        ("name", [system("Name this chat."), human], "Faro in summer"),
    ]
    runs = [root]
    for node, prompt, said in asked:
        about = {
            "langgraph_step": 0,
            "langgraph_checkpoint_ns": f"app:1|{node}:2",
            "langgraph_triggers": ["__pregel_push"],
        }
        runs.append(record.run("llm", {"messages": prompt}, assistant(said), root, metadata=about))
    trajectory = told(runs)
    assert words_of(trajectory) == ["How warm is Faro?", "21 degrees there."]
    assert (len(trajectory.nested), len(trajectory.internal)) == (0, 2)


def _routed(record: Recorder, question: str, route: str, answer: str, *calls: dict[str, Any]) -> list[Run]:
    """A turn of a graph whose router calls a tool that nobody runs; then an agent answers, or the app itself."""
    human = {"type": "human", "content": question, "id": question}
    back = {"messages": [human, {"type": "ai", "content": answer, "id": f"own {question}"}]}
    root = record.run("chain", {"messages": [human]}, back)
    routing = [system("Choose a desk."), user(question)]
    chosen = assistant("", ("r", "Route", f'{{"to": "{route}"}}'))
    asked = [record.run("llm", {"messages": [system("You mend bikes."), user(question)]}, call, root) for call in calls]
    return [root, record.run("llm", {"messages": routing}, chosen, root), *asked]


def test_words_of_the_app_behind_a_router_are_what_was_told() -> None:
    trajectory = told(_routed(Recorder(), "A human, please", "human", "I am connecting you."))
    assert words_of(trajectory) == ["A human, please", "I am connecting you."]
    assert [one.role for one in trajectory.internal] == [Role.ASSISTANT]


def test_a_router_is_known_by_how_it_was_asked_beside_the_agent_before() -> None:
    record = Recorder()
    first = _routed(record, "My chain broke", "repairs", "Bring the bike.", assistant("Bring the bike."))
    trajectory = told(first, _routed(record, "A human, please", "human", "I am connecting you."))
    assert words_of(trajectory) == ["My chain broke", "Bring the bike.", "A human, please", "I am connecting you."]


def test_a_router_whose_choice_is_told_has_answered() -> None:
    trajectory = told(_routed(Recorder(), "Which desk?", "repairs", "repairs"))
    assert [call.name for message in trajectory.messages for call in message.tool_calls or ()] == ["Route"]


def test_a_prompt_with_results_in_it_is_an_agents_and_no_routers() -> None:
    record = Recorder()
    human = {"type": "human", "content": "How warm?", "id": "h"}
    root = record.run("chain", {"messages": [human]}, {"messages": [human, {"type": "ai", "content": "Sorry!"}]})
    looking = assistant("", ("c1", "look", "{}"))
    prompt = [user("How warm?"), looking, result("c1", "21")]
    last = record.run("llm", {"messages": prompt}, assistant("It is 21 degrees."), root)
    assert "It is 21 degrees." in words_of(told([root, last]))


def test_an_agent_that_worked_with_tools_is_one_too_where_it_knows_the_next_step_at_once() -> None:
    record, worker, first = Recorder(), system("You do a step."), user("Step 1: find the town")
    root = record.run("chain", {"input": "Who won?"}, {"response": "Bo of Faro."})
    calling = assistant("", ("c1", "look", "{}"))

    def call(prompt: list[dict[str, Any]], answer: dict[str, Any]) -> Run:
        return record.run("llm", {"messages": prompt}, answer, root)

    trajectory = told([
        root, call([system("Plan."), user("Who won?")], assistant('["find the town", "find who"]')),
        call([worker, first], calling), record.run("tool", {}, {"output": "Faro"}, root, name="look"),
        call([worker, first, calling, result("c1", "Faro")], assistant("It is Faro.")),
        call([worker, user("Step 2: find who")], assistant("It is Bo.")),
        call([user("Who won?\nDone: It is Faro. It is Bo.")], assistant("Bo of Faro.")),
    ])  # fmt: skip
    assert words_of(trajectory) == ["Who won?", "Bo of Faro."]
    assert [one.messages[-1].content for one in trajectory.nested] == ["It is Faro.", "It is Bo."]
    assert [one.content for one in trajectory.internal] == ['["find the town", "find who"]']
