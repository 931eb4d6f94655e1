"""Who is asked in a tool run that nobody called and of which nothing is told is no part of the dialogue."""

from typing import Any

import pytest

from support.chat import assistant, result, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.trajectory import Trajectory

AGENT, GUARD, ASKED = system("You sell tea."), system("Is it about tea?"), user("Is there sencha?")
CALLING, ANSWER, VERDICT = assistant("", ("c1", "stock", "{}")), assistant("Yes, 40 bags."), assistant('{"ok": true}')
PROMPTS = [[ASKED], [ASKED, CALLING, result("c1", "40")]]


def asked(prompt: dict[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {"instructions": prompt["content"], "input": messages}


def internal(trajectory: Trajectory) -> list[str | None]:
    return [one.content for one in trajectory.internal]


@pytest.mark.parametrize(("prompt", "said"), [(AGENT, ANSWER), (GUARD, ANSWER), (AGENT, VERDICT)])
def test_a_guardrails_agent_is_internal_whatever_the_root_repeats(prompt: dict[str, Any], said: dict[str, Any]) -> None:
    record = Recorder()
    root = record.run("chain", asked(prompt, [ASKED]), {"output": [said]})
    guardrail = record.run("tool", {}, {}, root, name="topic")
    trajectory = told([
        root, guardrail,
        record.run("llm", asked(AGENT, PROMPTS[0]), CALLING, root),
        record.run("llm", asked(GUARD, [ASKED]), VERDICT, guardrail),
        record.run("tool", {"leaf": "sencha"}, {"output": "40"}, root, name="stock"),
        record.run("llm", asked(AGENT, PROMPTS[1]), ANSWER, root),
    ])  # fmt: skip
    assert words_of(trajectory) == ["Is there sencha?", "", "40", "Yes, 40 bags."]
    assert (internal(trajectory), len(trajectory.nested)) == (['{"ok": true}'], 0)
    assert trajectory.messages[0].content == "You sell tea."


def test_a_guardrail_over_the_answer_is_internal_though_the_root_repeats_its_verdict() -> None:
    record = Recorder()
    root = record.run("chain", asked(AGENT, [ASKED]), {"output": [VERDICT]})
    answering = record.run("llm", asked(AGENT, [ASKED]), ANSWER, root)
    guardrail = record.run("tool", {}, {}, root, name="fine")
    judging = record.run("llm", asked(GUARD, [user("Yes, 40 bags.")]), VERDICT, guardrail)
    trajectory = told([root, answering, guardrail, judging])
    assert (words_of(trajectory), internal(trajectory)) == (["Is there sencha?", "Yes, 40 bags."], ['{"ok": true}'])


def test_a_guardrail_over_what_an_agent_below_a_tool_answers_is_internal_there() -> None:
    record = Recorder()
    root = record.run("chain", asked(AGENT, [ASKED]), {"output": [ANSWER]})
    calling = record.run("llm", asked(AGENT, PROMPTS[0]), CALLING, root)
    tool = record.run("tool", {"leaf": "sencha"}, {"output": "40"}, root, name="stock")
    counting = record.run("llm", asked(system("You count."), [user("Count")]), assistant("40"), tool)
    guardrail = record.run("tool", {}, {}, tool, name="fine")
    trajectory = told([
        root, calling, tool, counting, guardrail,
        record.run("llm", asked(GUARD, [user("40")]), VERDICT, guardrail),
        record.run("llm", asked(AGENT, PROMPTS[1]), ANSWER, root),
    ])  # fmt: skip
    assert words_of(trajectory) == ["Is there sencha?", "", "40", "Yes, 40 bags."]
    assert [(words_of(one), internal(one)) for one in trajectory.nested] == [(["Count", "40"], ['{"ok": true}'])]


def test_what_a_guardrails_agent_looks_up_is_no_part_of_the_dialogue() -> None:
    record = Recorder()
    root = record.run("chain", asked(AGENT, [ASKED]), {"output": [VERDICT]})
    guardrail = record.run("tool", {}, {}, root, name="topic")
    looking = assistant("", ("g1", "look", "{}"))
    trajectory = told([
        root, guardrail,
        record.run("llm", asked(GUARD, [ASKED]), looking, guardrail),
        record.run("tool", {"word": "sencha"}, {"output": "a tea"}, guardrail, name="look"),
        record.run("llm", asked(GUARD, [ASKED, looking, result("g1", "a tea")]), VERDICT, guardrail),
        record.run("llm", asked(AGENT, [ASKED]), ANSWER, root),
    ])  # fmt: skip
    assert (words_of(trajectory), internal(trajectory)) == (["Is there sencha?", "Yes, 40 bags."], ["", '{"ok": true}'])


def test_whom_a_guardrail_stopped_was_not_given_the_guardrails_prompt_that_the_root_repeats() -> None:
    record = Recorder()
    root = record.run("chain", asked(GUARD, [ASKED]), {})
    guardrail = record.run("tool", {}, {}, root, name="topic")
    stopped = record.run("llm", {}, {}, root)
    trajectory = told([root, guardrail, record.run("llm", asked(GUARD, [ASKED]), VERDICT, guardrail), stopped])
    assert ([one.content for one in trajectory.messages], internal(trajectory)) == (
        ["Is there sencha?"],
        ['{"ok": true}'],
    )


def test_a_guardrail_that_stops_a_later_turn_is_known_by_how_it_was_asked_before() -> None:
    record = Recorder()
    first = record.run("chain", asked(AGENT, [ASKED]), {"output": [ANSWER]})
    passed = record.run("tool", {}, {}, first, name="topic")
    judged = record.run("llm", asked(GUARD, [ASKED]), VERDICT, passed)
    turn = [first, passed, judged, record.run("llm", asked(AGENT, [ASKED]), ANSWER, first)]
    again, verdict = [ASKED, ANSWER, user("And gold?")], assistant('{"ok": false}')
    second = record.run("chain", asked(GUARD, again), {"output": [verdict]})
    stopping = record.run("tool", {}, {}, second, name="topic")
    trajectory = told(turn, [second, stopping, record.run("llm", asked(GUARD, again), verdict, stopping)])
    assert words_of(trajectory) == ["Is there sencha?", "Yes, 40 bags.", "And gold?"]
    assert internal(trajectory) == ['{"ok": true}', '{"ok": false}']


def test_a_tool_run_that_an_agent_may_have_called_is_no_guardrail() -> None:
    record = Recorder()
    root = record.run("chain", asked(AGENT, [ASKED]), {"output": [ANSWER]})
    calling = record.run("llm", asked(AGENT, PROMPTS[0]), CALLING, root)
    tool = record.run("tool", {}, {}, root, name="counting")
    counting = system("You count.")
    given = [user("Count"), assistant("", ("c2", "shelf", "{}")), result("c2", "4 * 10")]
    trajectory = told([
        root, calling, tool,
        record.run("llm", asked(counting, given[:1]), given[1], tool),
        record.run("llm", asked(counting, given), assistant("40"), tool),
        record.run("llm", asked(AGENT, PROMPTS[1]), ANSWER, root),
    ])  # fmt: skip
    assert words_of(trajectory) == ["Is there sencha?", "", "40", "Yes, 40 bags."]
    assert [words_of(one) for one in trajectory.nested] == [["Count", "", "4 * 10", "40"]]


def test_a_tool_that_ran_in_one_of_which_nothing_is_told_is_told_where_no_model_was_asked_there() -> None:
    record = Recorder()
    root = record.run("chain", asked(AGENT, [ASKED]), {"output": [ANSWER]})
    around = record.run("tool", {}, {}, root, name="prepare")
    tool = record.run("tool", {"leaf": "sencha"}, {"output": "40"}, around, name="stock")
    trajectory = told([root, around, tool, record.run("llm", asked(AGENT, [ASKED]), ANSWER, root)])
    assert words_of(trajectory) == ["Is there sencha?", "40", "Yes, 40 bags."]
