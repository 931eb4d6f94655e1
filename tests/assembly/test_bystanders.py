"""Who is asked over a dialogue's own messages beside the agent: a judge is left out, who takes the word is not."""

from typing import Any

import pytest

from support.chat import assistant, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.trajectory import Trajectory

Messages = list[dict[str, Any]]
WRITER, JUDGE = system("You write outlines."), system("You judge outlines.")
ASKED, DRAFT, FEEDBACK = user("A story on bees"), assistant("Bees sleep."), user("Feedback: more action")
FAIL, PASS = assistant('{"score": "fail", "why": "dull"}'), assistant('{"score": "pass", "why": ""}')
BETTER = assistant("Bees fight.")


def turn(outputs: dict[str, Any], *calls: tuple[Messages, dict[str, Any]], beside: bool = False) -> Trajectory:
    """A turn of these prompts and answers; system prompts stand `beside` the messages, or among them."""
    record = Recorder()
    root = record.run("chain", {"message": ASKED["content"]}, outputs)
    runs = [root]
    for (first, *rest), answer in calls:
        inputs = {"instructions": first["content"], "messages": rest} if beside else {"messages": [first, *rest]}
        runs.append(record.run("llm", inputs, answer, root))
    return told(runs)


def internal(trajectory: Trajectory) -> list[str | None]:
    return [one.content for one in trajectory.internal]


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("asking", [[], [user("Is that acceptable?")]])
def test_a_judge_whose_verdict_the_dialogue_leaves_out_is_no_part_of_it(asking: Messages, *, beside: bool) -> None:
    trajectory = turn(
        {"messages": [PASS]},  # what was said last, which is the judge's
        ([WRITER, ASKED], DRAFT),
        ([JUDGE, ASKED, DRAFT, *asking], FAIL),
        ([WRITER, ASKED, DRAFT, FEEDBACK], BETTER),
        ([JUDGE, ASKED, DRAFT, FEEDBACK, BETTER, *asking], PASS),
        beside=beside,
    )
    assert words_of(trajectory) == ["A story on bees", "Bees sleep.", "Feedback: more action", "Bees fight."]
    assert (internal(trajectory), trajectory.nested) == ([FAIL["content"], PASS["content"]], ())


@pytest.mark.parametrize("outputs", [{"output": PASS["content"]}, {"messages": [ASKED, DRAFT, FEEDBACK, BETTER, PASS]}])
def test_who_was_left_out_before_answers_where_the_trace_gives_that_back(outputs: dict[str, Any]) -> None:
    trajectory = turn(
        outputs,
        ([WRITER, ASKED], DRAFT),
        ([JUDGE, ASKED, DRAFT], FAIL),
        ([WRITER, ASKED, DRAFT, FEEDBACK], BETTER),
        ([JUDGE, ASKED, DRAFT, FEEDBACK, BETTER], PASS),
    )
    assert (words_of(trajectory)[-1], internal(trajectory)) == (PASS["content"], [FAIL["content"]])


@pytest.mark.parametrize("beside", [True, False])
def test_what_stays_in_the_history_is_of_the_dialogue_whatever_the_system_prompt(*, beside: bool) -> None:
    added = assistant("And bears dance.")
    trajectory = turn(
        {"output": "Bees fight."},
        ([WRITER, ASKED], DRAFT),
        ([JUDGE, ASKED, DRAFT], added),
        ([WRITER, ASKED, DRAFT, added, FEEDBACK], BETTER),
        beside=beside,
    )
    said = ["A story on bees", "Bees sleep.", "And bears dance.", "Feedback: more action", "Bees fight."]
    assert (words_of(trajectory), internal(trajectory)) == (said, [])


def test_a_critique_that_is_told_as_the_users_word_is_said_there_and_not_by_the_agent() -> None:
    critique = "There is too little action."
    trajectory = turn(
        {"output": "Bees fight."},
        ([WRITER, ASKED], DRAFT),
        ([JUDGE, ASKED, DRAFT], assistant(critique)),
        ([WRITER, ASKED, DRAFT, user(critique)], BETTER),
    )
    assert words_of(trajectory) == ["A story on bees", "Bees sleep.", critique, "Bees fight."]
    assert internal(trajectory) == [critique]


def test_an_agent_whose_system_prompt_changes_with_each_call_stays_one() -> None:
    times = [system(f"It is {hour} o'clock.") for hour in (1, 2, 1)]
    trajectory = turn(
        {"output": "Bees fight."},
        ([times[0], ASKED], DRAFT),
        ([times[1], ASKED, DRAFT, FEEDBACK], FAIL),
        ([times[2], ASKED, DRAFT, FEEDBACK, FAIL, user("Go on")], BETTER),
    )
    assert (words_of(trajectory)[-1], internal(trajectory), trajectory.nested) == ("Bees fight.", [], ())


@pytest.mark.parametrize(("again", "thrown_away"), [("You write outlines.\n\nRejected: Bees sleep.", True),
                                                    ("You draw. Not like this: Bees sleep.", False)])  # fmt: skip
def test_an_answer_that_was_judged_and_asked_for_anew_is_thrown_away(again: str, *, thrown_away: bool) -> None:
    trajectory = turn(
        {"output": "Bees fight."},
        ([WRITER, ASKED], DRAFT),
        ([JUDGE, ASKED, DRAFT, user("Is that acceptable?")], FAIL),
        ([system(again), ASKED], BETTER),
    )
    assert words_of(trajectory) == ["A story on bees", "Bees fight."]
    assert internal(trajectory) == ([DRAFT["content"], FAIL["content"]] if thrown_away else [])
    assert len(trajectory.nested) == (not thrown_away)
