"""What a trace gives back tells which calls are the agent's, and what no call or run tells."""

import json
from typing import Any

import pytest

from support.chat import assistant, result, system, user, words_of
from support.folding import fold_all, told
from support.runs import Recorder
from trajworker.assembly import Header, assemble
from trajworker.model.message import Role
from trajworker.model.run import Run

AGENT = system("You are a guide.")
HUMAN = {"type": "human", "content": "How warm is Faro?", "id": "h1"}


def graph_message(words: str, message_id: str) -> dict[str, Any]:
    return {"type": "ai", "content": words, "id": message_id}


def generation(message: dict[str, Any]) -> dict[str, Any]:
    """The outputs of a LangChain model that said this."""
    name = ["langchain", "schema", "messages", "AIMessage"]
    made = {"lc": 1, "type": "constructor", "id": name, "kwargs": message}
    return {"generations": [[{"text": message["content"], "message": made}]]}


def traced(
    record: Recorder, given: Any, back: Any, *calls: tuple[list[dict[str, Any]], dict[str, Any]], **about: Any
) -> list[Run]:
    root = record.run("chain", given, back, **about)
    return [root, *(record.run("llm", {"messages": prompt}, answer, root) for prompt, answer in calls)]


def test_an_answer_counts_more_than_what_else_a_trace_gives_back() -> None:
    question, suggesting = user("Wie warm ist Faro?"), system("Suggest questions.")
    back = {"answer": "21 Grad.", "language": "de", "suggestions": ["Und Beja?"]}
    runs = traced(
        Recorder(), {"question": "Wie warm ist Faro?"}, back,
        ([user("Which language? Wie warm ist Faro?")], assistant("de")),
        ([AGENT, question], assistant("21 Grad.")),
        ([suggesting, question, assistant("21 Grad.")], assistant('["Und Beja?"]')),
    )  # fmt: skip
    trajectory = told(runs)
    assert words_of(trajectory) == ["Wie warm ist Faro?", "21 Grad."]
    assert [one.content for one in trajectory.internal] == ["de", '["Und Beja?"]']


@pytest.mark.parametrize("given", [{"dialog": [HUMAN]}, {"resume": "yes", "goto": []}, {"dialog": "How warm is Faro?"}])
def test_a_graphs_state_tells_the_answer_whatever_it_is_called(given: dict[str, Any]) -> None:
    naming, question = system("Name this chat."), user("How warm is Faro?")
    back = {"dialog": [HUMAN, graph_message("21.", "a1")], "title": "Faro in summer", "notes": [{"page_content": "x"}]}
    runs = traced(
        Recorder(), given, back,
        ([AGENT, question], generation(graph_message("21.", "a1"))),
        ([naming, question], generation(graph_message("Faro in summer", "t1"))),
    )  # fmt: skip
    trajectory = told(runs)
    assert words_of(trajectory) == ["How warm is Faro?", "21."]
    assert [one.content for one in trajectory.internal] == ["Faro in summer"]


def test_the_list_that_an_app_remembers_beside_its_answer_is_not_what_it_said() -> None:
    question = user("And Beja?")
    remembered = [HUMAN, graph_message("21 degrees.", "a1")]
    runs = traced(
        Recorder(),
        {"question": "And Beja?"},
        {"answer": "30 degrees.", "history": remembered},
        ([AGENT, question], assistant("30 degrees.")),
    )
    assert words_of(told(runs)) == ["And Beja?", "30 degrees."]


def test_replies_suggested_over_the_same_list_are_not_the_agents() -> None:
    prompt = [AGENT, user("How warm is Faro?")]
    suggesting = [*prompt, assistant("21."), user("Suggest two short replies.")]
    back = {"reply": "21.", "quick_replies": ["Thanks"]}
    runs = traced(
        Recorder(),
        {"text": "How warm is Faro?"},
        back,
        (prompt, assistant("21.")),
        (suggesting, assistant('["Thanks"]')),
    )
    assert words_of(told(runs)) == ["How warm is Faro?", "21."]


def test_an_answer_in_a_shape_that_the_app_asked_for_is_the_agents() -> None:
    shaped = assistant("", ("c1", "Response", '{"text": "In Innichen."}'))
    plan = [system("Plan."), user("Where was the winner born?")]
    runs = traced(
        Recorder(), {"input": "Where was the winner born?"}, {"response": "In Innichen."},
        (plan, assistant("Look it up.")),
        ([system("Look."), user("Task: look it up")], assistant("Jannik won.")),
        ([AGENT, user("Where was the winner born? He won.")], shaped),
    )  # fmt: skip
    calls = [call for one in told(runs).messages for call in one.tool_calls or ()]
    assert [(call.name, call.arguments) for call in calls] == [("Response", {"text": "In Innichen."})]


def test_an_object_that_holds_what_a_trace_gives_back_is_the_answer_whatever_else_the_state_keeps() -> None:
    act = {"action": {"response": "Bo of Faro won."}}
    back = {"plan": [], "past_steps": [["find town", "Bo is from Faro."]], "response": "Bo of Faro won."}
    runs = traced(
        Recorder(), {"input": "Who won?"}, back,
        ([system("Plan."), user("Who won?")], assistant('{"steps": ["find town"]}')),
        ([user("You execute step 1, find town.")], assistant("Bo is from Faro.")),
        ([user("Your objective: Who won?\nDone: Bo is from Faro.")], assistant(json.dumps(act))),
    )  # fmt: skip
    assert words_of(told(runs)) == ["Who won?", json.dumps(act)]


def test_what_a_graphs_state_hands_through_is_no_answer() -> None:
    said = "The bed was hard."
    back = {"text": said, "kind": "complaint", "reply": "We are sorry."}
    runs = traced(
        Recorder(), {"text": said}, back,
        ([system("Classify."), user(said)], assistant("complaint")),
        ([AGENT, user(f"A complaint: {said}")], assistant("We are sorry.")),
    )  # fmt: skip
    assert words_of(told(runs)) == [said, "We are sorry."]


def test_what_a_guardrails_agent_said_is_no_answer_though_the_trace_gives_it_back() -> None:
    record, guarding = Recorder(), {"ls_agent_type": "middleware"}
    rated = assistant('{"ok": true}')
    root = record.run("chain", {"messages": [user("Hi")]}, {"messages": [user("Hi"), rated]})
    runs = [
        root,
        record.run("llm", {"messages": [AGENT, user("Hi")]}, assistant("Hello!"), root),
        record.run("llm", {"messages": [system("Is it safe?"), user("Hello!")]}, rated, root, metadata=guarding),
    ]
    trajectory = told(runs)
    assert words_of(trajectory) == ["Hi", "Hello!"]
    assert [one.content for one in trajectory.internal] == ['{"ok": true}']


def test_what_an_executor_says_when_it_gives_up_is_its_answer_beside_messages_without_words() -> None:
    record, gave_up = Recorder(), "Agent stopped due to max iterations."
    root = record.run("chain", {"input": "Poll Faro"}, {"output": gave_up, "messages": [assistant("")]})
    calling = assistant("", ("c1", "poll", "{}"))
    runs = [
        root,
        record.run("llm", {"messages": [AGENT, user("Poll Faro")]}, calling, root),
        record.run("tool", {}, {"output": "21"}, root, name="poll"),
    ]
    assert words_of(told(runs)) == ["Poll Faro", "", "21", gave_up]


def test_what_a_graph_did_not_keep_of_its_models_words_is_internal() -> None:
    record = Recorder()
    root = record.run(
        "chain", {"messages": [HUMAN]}, {"messages": [HUMAN, graph_message("21.", "a1")], "summary": "Faro had 21."}
    )
    asking = [user("How warm is Faro?"), assistant("21."), user("Create a summary.")]
    runs = [
        root,
        record.run("llm", {"messages": asking[:1]}, generation(graph_message("21.", "a1")), root),
        record.run("llm", {"messages": asking}, generation(graph_message("Faro had 21.", "a2")), root),
    ]
    trajectory = told(runs)
    assert words_of(trajectory) == ["How warm is Faro?", "21."]
    assert [one.content for one in trajectory.internal] == ["Faro had 21."]


def test_what_a_graph_said_itself_before_its_model_answered_is_told() -> None:
    record = Recorder()
    kept = [HUMAN, graph_message("I look it up.", "own"), graph_message("21.", "a1")]
    root = record.run("chain", {"messages": [HUMAN]}, {"messages": kept})
    runs = [
        root,
        record.run(
            "llm", {"messages": [AGENT, user("How warm is Faro?")]}, generation(graph_message("21.", "a1")), root
        ),
    ]
    assert words_of(told(runs)) == ["How warm is Faro?", "I look it up.", "21."]


def test_a_result_that_only_the_graphs_state_tells_is_told() -> None:
    record = Recorder()
    calling = {
        "type": "ai",
        "content": "",
        "id": "a1",
        "tool_calls": [{"id": "c1", "name": "plan", "args": {}, "type": "tool_call"}],
    }
    writing = system("Write.")
    kept = [HUMAN, calling, {"type": "tool", "content": "planned", "tool_call_id": "c1"}, graph_message("Go.", "a2")]
    root = record.run("chain", {"messages": [HUMAN]}, {"messages": kept})
    runs = [
        root,
        record.run("llm", {"messages": [AGENT, user("How warm is Faro?")]}, generation(calling), root),
        record.run("llm", {"messages": [writing, user("Plan it")]}, generation(graph_message("Go.", "a2")), root),
    ]
    trajectory = told(runs)
    assert [one.content for one in trajectory.messages if one.role is Role.TOOL] == ["planned"]
    assert not any("unanswered" in one.flags for one in trajectory.messages)


def test_a_router_that_is_asked_anew_before_each_worker_is_no_agent() -> None:
    record = Recorder()
    routing = [system("Who is next?"), user("How warm is Faro?")]
    root = record.run("chain", {"question": "How warm is Faro?"}, {"answer": "21."})
    runs = [root]
    for number in range(2):
        choosing = assistant("", (f"r{number}", "Router", f'{{"next": "w{number}"}}'))
        runs.append(record.run("llm", {"messages": [*routing, user(f"Step {number}")][: 2 + number]}, choosing, root))
    runs.append(record.run("llm", {"messages": [AGENT, user("How warm is Faro?")]}, assistant("21."), root))
    trajectory = told(runs)
    assert words_of(trajectory) == ["How warm is Faro?", "21."]
    assert (trajectory.nested, len(trajectory.internal)) == ((), 2)


def test_a_human_who_answers_an_interrupt_goes_on_with_its_turn_whatever_the_prompt_shows() -> None:
    record = Recorder()
    draft = [AGENT, user("Write a post")]
    first = traced(record, {"topic": "Write a post"}, {"post": "One."}, (draft, assistant("One.")))
    resumed = {"input": {"resume": "shorter", "goto": [], "update": None}}
    second = traced(
        record, resumed, {"post": "Two."}, ([AGENT, user("Write a post. The human says: shorter")], assistant("Two."))
    )
    trajectory = assemble(fold_all([first, second]), Header(conversation_id="t"))
    assert [(turn.status, turn.resumes) for turn in trajectory.turns] == [("interrupted", False), ("success", True)]


def test_a_title_asked_for_in_a_trace_of_its_own_replaces_no_answer() -> None:
    record = Recorder()
    question = user("Hello, I want to travel")
    first = traced(
        record,
        {"message": "Hello, I want to travel"},
        {"output": "Where to?"},
        ([AGENT, question], assistant("Where to?")),
    )
    naming = [system("Make a title."), question]
    second = traced(record, {"message": "Hello, I want to travel"}, {"output": "Travel"}, (naming, assistant("Travel")))
    trajectory = assemble(fold_all([first, second]), Header(conversation_id="t"))
    assert [one.flags for one in trajectory.messages if one.content == "Where to?"] == [()]


@pytest.mark.parametrize("nearer", ["the tree", "its arguments"])
def test_a_tool_run_without_an_id_is_of_the_agent_that_is_nearest(nearer: str) -> None:
    record = Recorder()
    root = record.run("chain", {"question": "Compare"}, {"output": "Both are fine."})
    runs, searches = [root], []
    for town in ("Faro", "Beja"):
        parent = record.run("chain", {}, {}, root) if nearer == "the tree" else root
        given = {"q": "weather"} if nearer == "the tree" else {"q": town}
        asking = [system("You research."), user(f"Research {town}")]
        calling = assistant("", (f"c-{town}", "search", json.dumps(given)))
        done = [*asking, calling, result(f"c-{town}", f"{town} is warm")]
        runs.append(record.run("llm", {"messages": asking}, calling, parent))
        searches.append((parent, given, town))
        runs.append(record.run("llm", {"messages": done}, assistant(f"{town}: warm."), parent))
    for parent, given, town in reversed(searches):
        runs.append(record.run("tool", given, {"output": f"{town} is warm"}, parent, name="search"))
    runs.append(record.run("llm", {"messages": [AGENT, user("Compare")]}, assistant("Both are fine."), root))
    for nested in told(runs).nested:
        results = [one for one in nested.messages if one.role is Role.TOOL]
        assert [one.flags for one in results] == [()]


def test_a_response_that_a_trace_gives_back_is_one_message_with_its_reasoning() -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "South, so warm."}]}
    words = [{"type": "output_text", "text": "21.", "annotations": []}]
    message = {"type": "message", "id": "msg_1", "role": "assistant", "content": words}
    response = {"object": "response", "output": [reasoning, message]}
    record = Recorder()
    root = record.run("chain", {"text": "How warm is Faro?"}, response)
    trajectory = told([root, record.run("llm", {"input": [user("How warm is Faro?")]}, response, root)])
    assert words_of(trajectory) == ["How warm is Faro?", "21."]
    assert trajectory.messages[-1].reasoning == "South, so warm."


def test_what_an_app_keeps_of_a_refusal_is_no_second_answer() -> None:
    asked = user("How do I pick a lock?")
    refused = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
    runs = traced(Recorder(), {"messages": [asked]}, {"output": [asked, assistant("")]}, ([AGENT, asked], refused))
    assert [message.refusal for message in told(runs).messages if message.role is Role.ASSISTANT] == [
        refused["refusal"]
    ]


def test_words_behind_reasoning_that_a_trace_gives_back_are_one_message_with_it() -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "South, so warm."}]}
    asked = user("How warm is Faro?")
    runs = traced(
        Recorder(), {"messages": [asked]}, {"messages": [asked, reasoning, assistant("21.")]},
        ([asked], {"object": "response", "output": [reasoning, assistant("21.")]}),
    )  # fmt: skip
    assert words_of(told(runs)) == ["How warm is Faro?", "21."]


def test_a_sentence_that_a_graph_keeps_in_a_field_of_its_own_is_the_answer() -> None:
    asked = {"type": "human", "content": "A joke, please", "id": "h"}
    joke = "Why did the boat blush? It saw the bay's bottom."
    runs = traced(
        Recorder(), {"messages": [asked]}, {"messages": [asked], "joke": joke}, ([user("A joke")], assistant(joke))
    )
    assert (words_of(told(runs))[-1], told(runs).task.num_steps) == (joke, 1)


def test_the_last_of_prompts_that_each_go_on_from_the_answer_before_gives_the_answer() -> None:
    back = {"subject": "Salt in Faro", "points": "white, old", "draft": "Salt is old.", "article": "White salt is old."}
    runs = traced(
        Recorder(), {"subject": "Salt in Faro"}, back,
        ([system("List points."), user("Salt in Faro")], assistant("white, old")),
        ([system("Write."), user("Points: white, old")], assistant("Salt is old.")),
        ([system("Polish."), user("Salt is old.")], assistant("White salt is old.")),
    )  # fmt: skip
    trajectory = told(runs)
    assert words_of(trajectory) == ["Salt in Faro", "White salt is old."]
    assert [one.content for one in trajectory.internal] == ["white, old", "Salt is old."]


@pytest.mark.parametrize(
    "behind",
    [
        {"motto": "White gold"},
        {"essayFeedback": "Too dry; tell who rakes the salt."},
        {"french": "Le sel vient de la lagune de Faro.", "german": "Das Salz kommt aus der Lagune."},
    ],
)
def test_what_is_made_of_an_answer_short_or_about_it_or_beside_others_is_no_step_on(behind: dict[str, str]) -> None:
    essay = "Salt comes from the lagoon of Faro."
    runs = traced(
        Recorder(), {"subject": "Salt in Faro"}, {"subject": "Salt in Faro", "essay": essay, **behind},
        ([system("Write an essay."), user("Salt in Faro")], assistant(essay)),
        *(([system(f"Make {name} of it."), user(essay)], assistant(text)) for name, text in behind.items()),
    )  # fmt: skip
    assert words_of(told(runs)) == ["Salt in Faro", essay]


def kept_by_graph(said: str, *kept: str) -> list[str | None]:
    """What is told of a graph that was asked, whose model said this, and which kept that."""
    record = Recorder()
    messages = [HUMAN, *(graph_message(words, f"k{place}") for place, words in enumerate(kept))]
    root = record.run("chain", {"messages": [HUMAN]}, {"messages": messages})
    prompt = [AGENT, user("How warm is Faro?")]
    asked = record.run("llm", {"messages": prompt}, generation(graph_message(said, "a1")), root)
    again = [*messages, {"type": "human", "content": "Thanks", "id": "h2"}]
    behind = record.run("chain", {"messages": again[-1:]}, {"messages": [*again, graph_message("Bye.", "a2")]})
    history = [*prompt, *map(assistant, kept), user("Thanks")]
    leaving = record.run("llm", {"messages": history}, generation(graph_message("Bye.", "a2")), behind)
    return words_of(told([root, asked], [behind, leaving]))[1:-2]


@pytest.mark.parametrize(
    "kept",
    [
        "Faro has 21 degrees today.",
        "Faro has **21 degrees** today.\n\nYours, Bo",
        "[Bo] Faro has **21 degrees** today.",
    ],
)
def test_an_answer_that_a_graph_kept_in_its_own_words_was_said_once_in_the_models(kept: str) -> None:
    assert kept_by_graph("Faro has **21 degrees** today.", kept) == ["Faro has **21 degrees** today."]


def test_an_answer_that_a_graph_cut_out_of_what_its_model_said_was_said_once() -> None:
    said = "<plan>I should look at the coast first, then answer</plan><reply>It is warm.</reply>"
    assert kept_by_graph(said, "It is warm.") == [said]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("warm or cold", ["You ask whether it is warm or cold; call us, please, we are there all day."]),
        ("Faro has 21 degrees.", ["Faro has 21 degrees.", "Faro has 21 degrees. Shall I look again?"]),
        ('{"reply": "It is warm.", "mood": "calm"}', ["It is warm."]),
    ],
)
def test_words_of_a_graph_beside_its_models_are_told_too(said: str, kept: list[str]) -> None:
    assert kept_by_graph(said, *kept) == list(dict.fromkeys([said, *kept]))
