"""A trace gives its answer back in another form than the model said it: the call is told that said it, and no other."""

import json
from typing import Any

import pytest

from support.chat import assistant, result, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.model.run import Run

AGENT, LABEL = system("You mend lamps."), system("Name the topic.")
ASKED = "My lamp flickers"
SAID = "Turn the bulb, then **wait** a day [1]."


def traced(given: Any, back: Any, *calls: tuple[list[dict[str, Any]], dict[str, Any]]) -> list[Run]:
    record = Recorder()
    root = record.run("chain", given, back)
    return [root, *(record.run("llm", {"messages": prompt}, answer, root) for prompt, answer in calls)]


FORMS = [
    pytest.param(json.dumps({"say": SAID, "mood": "calm"}), SAID, id="a field of an object"),
    pytest.param(json.dumps({"say": "Good.", "mood": "calm"}), "Good.", id="a word in a field of an object"),
    pytest.param(f"<think>bulb</think><reply>{SAID}</reply>", SAID, id="cut out of tags"),
    pytest.param("<think>bulb</think><reply>Good.</reply>", "Good.", id="a word cut out of tags"),
    pytest.param(f'```json\n{{"reply": "{SAID}"}}\n```', SAID, id="cut out of a fenced object"),
    pytest.param(SAID, f"Dear guest,\n\n{SAID}\n\nYours", id="in a letter"),
    pytest.param(SAID, f"<p>{SAID}</p>", id="in HTML"),
    pytest.param(SAID, "Turn the bulb, then wait a day.", id="without marks"),
    pytest.param(SAID, "Turn the bulb, then **wait** a day (https://lamps.example/1).", id="with links"),
    pytest.param(SAID, SAID.upper(), id="in capitals"),
    pytest.param(SAID, SAID[:16] + "...", id="how it begins"),
]


@pytest.mark.parametrize(("said", "back"), FORMS)
@pytest.mark.parametrize("before", [True, False])
def test_the_call_is_told_whose_answer_was_given_back_in_another_form(said: str, back: str, *, before: bool) -> None:
    agents, labels = ([AGENT, user(ASKED)], assistant(said)), ([LABEL, user(ASKED)], assistant("repair"))
    calls = (labels, agents) if before else (agents, labels)
    trajectory = told(traced({"question": ASKED}, {"topic": "repair", "answer": back}, *calls))
    assert words_of(trajectory) == [ASKED, said]
    assert [one.content for one in trajectory.internal] == ["repair"]


@pytest.mark.parametrize("back", [SAID, "Turn the bulb, then wait a day.", f"<p>{SAID}</p>"])
@pytest.mark.parametrize("replies", [["Thanks", "More?"], '["Thanks", "More?"]'])
def test_replies_suggested_over_the_same_list_are_not_the_agents(back: str, replies: Any) -> None:
    prompt = [AGENT, user(ASKED)]
    suggesting = [*prompt, assistant(SAID), user("Suggest two short replies.")]
    runs = traced(
        {"text": ASKED}, {"answer": back, "replies": replies},
        (prompt, assistant(SAID)), (suggesting, assistant('["Thanks", "More?"]')),
    )  # fmt: skip
    assert words_of(told(runs)) == [ASKED, SAID]


def test_words_that_an_answer_happens_to_use_too_are_not_what_it_was_made_of() -> None:
    said = "A bulb repair takes a **day** [1], so *wait*."
    runs = traced(
        {"question": ASKED}, {"search": "bulb repair", "answer": "A bulb repair takes a day, so wait."},
        ([system("Write a search."), user(ASKED)], assistant("bulb repair")),
        ([AGENT, user(f"{ASKED}\nFound: bulb repair: a day")], assistant(said)),
    )  # fmt: skip
    assert words_of(told(runs)) == [ASKED, said]


def test_an_agent_that_acts_is_told_though_only_a_label_stands_word_for_word_in_the_state() -> None:
    prompt = [AGENT, user(ASKED)]
    calling = assistant("", ("c1", "look", "{}"))
    runs = traced(
        {"question": ASKED}, {"question": ASKED, "topic": "repair", "answer": "Answer: all is well"},
        ([LABEL, user(ASKED)], assistant("repair")),
        (prompt, calling), ([*prompt, calling, result("c1", "dark")], assistant("It is *dark*.")),
    )  # fmt: skip
    assert words_of(told(runs)) == [ASKED, "", "dark", "It is *dark*."]


def test_a_call_that_holds_the_answer_in_what_it_calls_for_is_the_agents_be_it_deep_in_it() -> None:
    done = assistant("", ("c1", "Act", json.dumps({"action": {"response": "Bo of Faro."}})))
    back = {"past_steps": [["find town", "Bo is from Faro."]], "response": "Bo of Faro."}
    runs = traced(
        {"input": "Who won?"}, back,
        ([system("Do it."), user("Step 1: find town")], assistant("Bo is from Faro.")),
        ([user("Who won?\nDone: Bo is from Faro.")], done),
    )  # fmt: skip
    assert [call.name for one in told(runs).messages for call in one.tool_calls or ()] == ["Act"]


def test_of_several_fields_named_as_answers_the_one_counts_that_a_call_said() -> None:
    back = {"query": "SELECT 3", "result": "[(3,)]", "answer": "Three."}
    runs = traced(
        {"question": "How many?"}, back,
        ([system("Write SQL."), user("How many?")], assistant("SELECT 3")),
        ([user("Question: How many?\nResult: [(3,)]")], assistant("Three.")),
    )  # fmt: skip
    assert words_of(told(runs)) == ["How many?", "Three."]


@pytest.mark.parametrize(
    "back",
    [
        pytest.param({"topic": "repair", "html": f"<p>{SAID}</p>"}, id="a page"),
        pytest.param({"topic": "repair", "preview": SAID[:16] + "..."}, id="a preview"),
        pytest.param({"title": "A flickering lamp", "html": f"<p>{SAID}</p>"}, id="a page and its title"),
        pytest.param({"topic": "repair", "ok": True}, id="nothing but a label"),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_what_is_about_a_message_is_not_told_where_no_field_is_named_as_the_answer(back: Any, *, before: bool) -> None:
    noted = str(back.get("title") or back["topic"])
    agents, notes = ([AGENT, user(ASKED)], assistant(SAID)), ([LABEL, user(ASKED)], assistant(noted))
    calls = (notes, agents) if before else (agents, notes)
    assert words_of(told(traced({"question": ASKED}, back, *calls))) == [ASKED, SAID]


def test_the_field_that_is_named_most_clearly_counts_be_it_in_another_form() -> None:
    runs = traced(
        {"question": ASKED}, {"answer": "Turn the bulb, then wait a day.", "content": "Bulbs wear out."},
        ([AGENT, user(f"{ASKED}\nKnown: Bulbs wear out.")], assistant(SAID)),
        ([system("Sum up."), user(ASKED)], assistant("Bulbs wear out.")),
    )  # fmt: skip
    assert words_of(told(runs)) == [ASKED, SAID]


def test_a_word_given_back_does_not_cut_a_dialogue_off() -> None:
    prompt = [AGENT, user(ASKED)]
    again = [*prompt, assistant("It is ok so far."), user("Go on.")]
    runs = traced({"question": ASKED}, {"result": "ok"},
                  (prompt, assistant("It is ok so far.")), (again, assistant("Done, all of it.")))  # fmt: skip
    assert words_of(told(runs))[-1] == "Done, all of it."


@pytest.mark.parametrize("shown", [ASKED, f"Question: {ASKED}\nTopic: repair"])
@pytest.mark.parametrize("back", [{"answer": "Drehen Sie die Birne.", "topic": "repair"}, {"ok": True}])
@pytest.mark.parametrize("before", [True, False])
def test_who_only_labels_is_not_told_though_nothing_tells_whose_answer_it_is(
    shown: str, back: Any, *, before: bool
) -> None:
    agents, labels = ([AGENT, user(shown)], assistant(SAID)), ([LABEL, user(ASKED)], assistant("repair"))
    calls = (labels, agents) if before else (agents, labels)
    assert words_of(told(traced({"question": ASKED}, back, *calls))) == [ASKED, SAID]


@pytest.mark.parametrize("said", ["先关灯再等一天", "消してから一日待ってください"], ids=["zh", "ja"])
def test_a_sentence_in_a_script_without_spaces_is_no_label(said: str) -> None:
    agents, facts = ([AGENT, user(ASKED)], assistant(said)), ([system("List facts.")], assistant('{"facts": []}'))
    assert words_of(told(traced({"question": ASKED}, {"ok": True}, facts, agents))) == [ASKED, said]


def test_a_letter_is_the_answer_and_not_the_summary_that_went_into_its_prompt() -> None:
    short = "A lamp arrived broken."
    runs = traced(
        {"ticket": "My lamp arrived broken!"}, {"summary": short, "email": f"Dear guest,\n\n{SAID}\n\nYours"},
        ([system("Sum up."), user("My lamp arrived broken!")], assistant(short)),
        ([AGENT, user(f"Ticket: My lamp arrived broken!\nSummary: {short}")], assistant(SAID)),
    )  # fmt: skip
    assert words_of(told(runs)) == ["My lamp arrived broken!", SAID]


def test_a_label_that_was_made_of_what_another_call_said_is_the_answer() -> None:
    why = "It praises the lamp."
    runs = traced(
        {"text": "What a lamp"}, {"verdict": "praise", "ok": True},
        ([system("Say why."), user("What a lamp")], assistant(why)),
        ([system("Label it."), user(f"What a lamp\n{why}")], assistant("praise")),
    )  # fmt: skip
    assert words_of(told(runs)) == ["What a lamp", "praise"]


def test_a_word_that_a_graph_said_is_its_models_though_a_title_stands_word_for_word_in_the_state() -> None:
    human, said = {"type": "human", "content": "ok", "id": "h1"}, {"type": "ai", "content": "Good.", "id": "a1"}
    runs = traced(
        {"messages": [human]}, {"messages": [human, said], "title": "About lamps"},
        ([user("ok")], assistant(json.dumps({"say": "Good.", "mood": "calm"}))),
        ([system("Give a title."), user("ok")], assistant("About lamps")),
    )  # fmt: skip
    assert [one.content for one in told(runs).internal] == ["About lamps"]


def test_the_field_of_an_answer_that_an_app_gave_back_as_a_message_was_said_once() -> None:
    said = json.dumps({"say": SAID, "mood": "calm"})
    runs = traced(
        {"text": ASKED}, {"messages": [user(ASKED), assistant(SAID)]}, ([AGENT, user(ASKED)], assistant(said))
    )
    assert words_of(told(runs)) == [ASKED, said]


@pytest.mark.parametrize(
    "back", [[{"type": "text", "text": SAID}], [{"event": "start"}, {"event": "delta", "data": SAID}], f"<p>{SAID}</p>"]
)
def test_an_answer_cut_out_of_an_object_is_found_in_a_list_and_in_tags(back: Any) -> None:
    said = json.dumps({"say": SAID, "moods": ["calm", "kind", "busy", "curious", "patient", "lively", "sure"]})
    calls = ([AGENT, user(ASKED)], assistant(said)), ([system("Title this."), user(ASKED)], assistant("A lamp"))
    trajectory = told(traced({"question": ASKED}, {"outputs": back}, *calls))
    assert words_of(trajectory) == [ASKED, said]
    assert [one.content for one in trajectory.internal] == ["A lamp"]


def test_of_several_drafts_in_a_list_the_one_in_a_field_of_its_own_was_chosen() -> None:
    runs = traced(
        {"topic": "animals"}, {"jokes": ["Lion joke.", "Ape joke."], "best": "Lion joke."},
        ([user("Joke about lion")], assistant("Lion joke.")),
        ([user("Joke about ape")], assistant("Ape joke.")),
    )  # fmt: skip
    assert words_of(told(runs)) == ["animals", "Lion joke."]


def test_pages_that_code_put_under_a_name_of_an_answer_hide_no_draft() -> None:
    task, plan, draft = "Why red?", "Pigments, then weather.", "Anthocyanin builds up, and the green goes."
    pages = ["Anthocyanin is a pigment.", "Chlorophyll breaks down."]
    back = {"task": task, "plan": plan, "content": pages, "draft": draft}
    runs = traced(
        {"task": task}, back,
        ([system("You plan."), user(task)], assistant(plan)),
        ([system("You write."), user(f"{task}\nPlan: {plan}\nPages: {pages}")], assistant(draft)),
    )  # fmt: skip
    assert words_of(told(runs)) == [task, draft]
