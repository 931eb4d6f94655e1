"""A session that runs under one root has a turn for each thing its user says; what an app says to itself is none."""

from typing import Any

from support.chat import assistant, result, system, user, words_of
from support.folding import fold_all, told
from support.runs import Recorder
from trajworker.assembly import Header, assemble
from trajworker.model.message import Role
from trajworker.model.run import Run
from trajworker.trajectory import Trajectory

Said = list[tuple[str, str]]
"""Role and words of messages, in order."""


def asked(said: Said) -> list[dict[str, str]]:
    return [{"role": role, "content": words} for role, words in said]


def session(record: Recorder, given: Any, said: Said, **about: Any) -> list[Run]:
    """A root that was `given` something, and an llm run for each answer in what was `said`."""
    root = record.run("chain", given, None, **about)
    return [root] + [
        record.run("llm", {"messages": asked(said[:place])}, {"role": role, "content": words}, root)
        for place, (role, words) in enumerate(said)
        if role == "assistant"
    ]


def turns_of_users(trajectory: Trajectory) -> list[int | None]:
    return [message.turn for message in trajectory.messages if message.role is Role.USER]


SAID = [
    ("system", "Be brief."),
    ("user", "Who are you?"),
    ("assistant", "A guide."),
    ("user", "Where to?"),
    ("assistant", "To the sea."),
]


def test_questions_that_the_root_was_given_together_are_a_turn_each() -> None:
    runs = session(Recorder(), {"questions": ["Who are you?", "Where to?"]}, SAID)
    trajectory = told(runs)
    assert turns_of_users(trajectory) == [1, 2]
    assert trajectory.task.num_turns == 2
    first, second = trajectory.turns
    assert first.trace_ids == second.trace_ids == (runs[0].trace_id,)
    assert (first.status, second.status) == ("success", "success")
    began, answered, asked_again = first.start_time or "", first.end_time or "", second.start_time or ""
    assert began < answered < asked_again


def test_the_same_words_twice_are_two_turns_where_the_root_was_given_them_twice() -> None:
    said = [("user", "On"), ("assistant", "One."), ("user", "On"), ("assistant", "Two.")]
    assert turns_of_users(told(session(Recorder(), {"inputs": ["On", "On"]}, said))) == [1, 2]
    assert turns_of_users(told(session(Recorder(), {"inputs": "On"}, said))) == [1, 1]


def test_a_user_who_types_while_the_root_runs_has_a_turn_for_each_message() -> None:
    trajectory = told(session(Recorder(), {"level": "debug"}, SAID))
    assert turns_of_users(trajectory) == [1, 2]


def test_what_an_app_tells_its_model_behind_an_answer_is_no_turn() -> None:
    trajectory = told(session(Recorder(), {"question": "Who are you?", "style": "brief"}, SAID))
    assert turns_of_users(trajectory) == [1, 1]
    assert trajectory.task.num_turns == 1


def test_a_session_that_breaks_off_has_failed_in_its_last_turn_only() -> None:
    runs = session(Recorder(), {}, SAID, error="ValueError('no more')")
    assert [turn.status for turn in told(runs).turns] == ["success", "error"]


def test_the_next_trace_goes_on_counting() -> None:
    record = Recorder()
    first = session(record, {}, SAID)
    second = session(record, {"question": "And then?"}, [*SAID, ("user", "And then?"), ("assistant", "Home.")][-2:])
    trajectory = assemble(fold_all([first, second]), Header(conversation_id="t"))
    assert turns_of_users(trajectory) == [1, 2, 3]
    assert [turn.trace_ids for turn in trajectory.turns] == [(run.trace_id,) for run in (first[0], first[0], second[0])]


def test_what_was_looked_up_belongs_to_the_turn_it_was_looked_up_in() -> None:
    record = Recorder()
    root = record.run("chain", {}, None)
    documents = {"documents": [{"page_content": "The sea is near.", "metadata": {}}]}
    runs = [
        root,
        record.run("retriever", {"query": "guide"}, documents, root),
        record.run("llm", {"messages": asked(SAID[:2])}, {"role": "assistant", "content": "A guide."}, root),
        record.run("llm", {"messages": asked(SAID[:4])}, {"role": "assistant", "content": "To the sea."}, root),
        record.run("retriever", {"query": "sea"}, documents, root),
    ]
    assert [(one.query, one.turn) for one in told(runs).retrieved] == [("guide", 1), ("sea", 2)]


def test_what_was_heard_in_a_call_without_prompts_stands_in_the_transcript() -> None:
    record = Recorder()
    talk = [user("Weather?"), assistant("Nine degrees."), user("Thanks"), assistant("Welcome.")]
    root = record.run("chain", {}, {"messages": talk})
    ran = record.run("tool", {"city": "Bern"}, {"output": "fog"}, root, name="look")
    answers = [record.run("llm", {}, one, root) for one in talk if one["role"] == "assistant"]
    trajectory = told([root, ran, *answers])
    assert words_of(trajectory) == ["Weather?", "fog", "Nine degrees.", "Thanks", "Welcome."]
    assert (trajectory.task.num_turns, trajectory.task.num_steps) == (2, 2)


def test_prompts_that_tell_of_no_tools_are_one_dialogue_behind_them() -> None:
    record = Recorder()
    root = record.run("chain", {"text": "Weather?"}, {"output": "Nine degrees."})
    prompt = {"messages": [user("Weather?")]}
    calling = record.run("llm", prompt, assistant("", ("c1", "look", "{}")), root)
    ran = record.run("tool", {"tool_call_id": "c1"}, {"output": "9"}, root, name="look")
    trajectory = told([root, calling, ran, record.run("llm", prompt, assistant("Nine degrees."), root)])
    assert words_of(trajectory) == ["Weather?", "", "9", "Nine degrees."]


def test_an_agent_that_speaks_first_waits_for_the_first_question() -> None:
    said = [("system", "Greet."), ("assistant", "Welcome."), ("user", "A ferry?"), ("assistant", "At six."),
            ("user", "ok"), ("assistant", "Good.")]  # fmt: skip
    given = {"messages": asked(said[1:])}
    assert turns_of_users(told(session(Recorder(), given, said))) == [1, 2]


def test_an_answer_that_the_user_cut_short_ends_its_turn_all_the_same() -> None:
    record = Recorder()
    talk = [system("Bake."), user("Rye?"), assistant("We have"), user("Stop. Oat?"), assistant("Oat, yes.")]
    root = record.run("chain", {"messages": talk[1:]}, {})
    first = record.run("llm", {"messages": talk[:2]}, assistant("We have rye and more."), root)
    trajectory = told([root, first, record.run("llm", {"messages": talk[:4]}, talk[4], root)])
    assert words_of(trajectory) == ["Rye?", "We have rye and more.", "Stop. Oat?", "Oat, yes."]
    assert turns_of_users(trajectory) == [1, 2]


def handed_over(heard: list[dict[str, Any]]) -> Trajectory:
    """A session, as it was `heard`, in which another agent answers from a context of its own."""
    record = Recorder()
    root = record.run("chain", {"messages": heard}, {})
    first, second = [system("Ferry."), user("A ticket?")], [system("Tickets."), user("A ticket?"), user("Thanks")]
    return told([
        root, record.run("llm", {"messages": first}, assistant("At the desk."), root),
        record.run("llm", {"messages": second}, assistant("Welcome."), root),
    ])  # fmt: skip


def test_a_session_goes_on_in_a_new_context_where_it_tells_what_was_said_in_both() -> None:
    heard = [user("A ticket?"), assistant("At the desk."), user("Thanks"), assistant("Welcome.")]
    trajectory = handed_over(heard)
    assert words_of(trajectory) == ["A ticket?", "At the desk.", "Thanks", "Welcome."]
    assert turns_of_users(trajectory) == [1, 2]
    assert trajectory.task.num_steps == 2


def test_what_a_session_does_not_tell_is_no_part_of_it() -> None:
    heard = [user("Hi"), assistant("Hello.")]
    assert handed_over([*heard, user("Thanks"), assistant("Welcome.")]).task.num_steps == 1


def run_by_run(feedback: str) -> Trajectory:
    """Runs of agents in one trace, whose root repeats what the first was given; a judge is asked between the two."""
    record = Recorder()
    draft, better = {"input": [user("Write a line")]}, assistant("Fog creeps in.")
    verdict = assistant('{"score": "poor", "feedback": "Make it rhyme"}')
    said = [user("Write a line"), assistant("Fog comes."), user(feedback)]
    root = record.run("chain", draft, better)
    return told([
        root, record.run("llm", draft, assistant("Fog comes."), root),
        record.run("llm", {"input": [system("Judge."), user("Fog comes.")]}, verdict, root),
        record.run("llm", {"input": said}, better, root),
    ])  # fmt: skip


def test_a_root_that_repeats_what_its_first_call_was_given_tells_nothing_of_who_speaks_behind_it() -> None:
    assert turns_of_users(run_by_run("And shorter")) == [1, 2]


def test_what_a_judge_says_is_no_word_of_the_user() -> None:
    assert turns_of_users(run_by_run("Feedback: Make it rhyme")) == [1, 1]


def test_an_answer_that_was_not_recorded_is_told_by_the_prompt_that_goes_on_from_it() -> None:
    record = Recorder()
    asked, calling = [user("Rye price?")], assistant("", ("c1", "price", "{}"))
    root = record.run("chain", {"text": "Rye price?"}, {"output": "Three."})
    silent = record.run("llm", {"messages": asked}, {}, root)
    heard = record.run("llm", {"messages": [user("Audio")]}, assistant("Rye price?"), root)
    last = record.run("llm", {"messages": [*asked, calling, result("c1", "3")]}, assistant("Three."), root)
    trajectory = told([root, silent, heard, last])
    assert words_of(trajectory) == ["Rye price?", "", "3", "Three."]
    assert [step.info["run_id"] for step in trajectory.steps] == [silent.id, last.id]


def test_what_says_an_answer_aloud_belongs_to_the_turn_of_that_answer() -> None:
    record = Recorder()
    talk = [user("Rye?"), assistant("Yes."), user("Oat?"), assistant("No.")]
    root = record.run("chain", {"messages": talk}, {})
    runs = [root]
    for place in (1, 3):
        runs.append(record.run("llm", {"messages": [user(f"Audio of {talk[place - 1]['content']}")]},
                               assistant(talk[place - 1]["content"]), root, name="stt"))  # fmt: skip
        runs.append(record.run("llm", {"messages": talk[:place]}, talk[place], root))
        runs.append(record.run("llm", {"messages": [user(talk[place]["content"])]}, assistant("Audio"), root))
    trajectory = told(runs)
    assert [(one.turn, one.content) for one in trajectory.internal] == [
        (1, "Rye?"), (1, "Audio"), (2, "Oat?"), (2, "Audio"),
    ]  # fmt: skip


def test_calls_of_one_silent_answer_are_told_each_beside_its_result() -> None:
    record = Recorder()
    asked = [user("Rye and oat?")]
    pairs = [(assistant("", (one, "price", f'{{"of":"{one}"}}')), result(one, "3")) for one in ("c1", "c2")]
    root = record.run("chain", {"text": "Rye and oat?"}, {"output": "Three each."})
    silent = record.run("llm", {"messages": asked}, {}, root)
    prompt = [*asked, *(message for pair in pairs for message in pair)]
    trajectory = told([root, silent, record.run("llm", {"messages": prompt}, assistant("Three each."), root)])
    assert words_of(trajectory) == ["Rye and oat?", "", "3", "3", "Three each."]
    assert trajectory.task.num_steps == 2


def test_what_an_app_says_while_an_answer_is_made_takes_nothing_from_that() -> None:
    record = Recorder()
    talk = [user("A ferry?"), assistant("Welcome aboard!"), assistant("At six."), user("ok"), assistant("Good.")]
    root = record.run("chain", {"messages": talk}, {})
    first = record.run("llm", {"messages": talk[:1]}, talk[2], root)
    trajectory = told([root, first, record.run("llm", {"messages": talk[:4]}, talk[4], root)])
    assert words_of(trajectory) == ["A ferry?", "At six.", "ok", "Good."]
    assert turns_of_users(trajectory) == [1, 2]
    assert [one.content for one in trajectory.asides] == ["Welcome aboard!"]


def failed(record: Recorder) -> list[Run]:
    """A trace that tells only that a model failed."""
    root = record.run("chain", {}, {})
    return [root, record.run("llm", {}, {}, root, error="no answer")]


def asked_after(record: Recorder, *said: tuple[str, str]) -> list[Run]:
    """A trace whose root and llm run were both given what was said."""
    root = record.run("chain", {"messages": asked(list(said))}, None)
    return [root, record.run("llm", {"messages": asked(list(said))}, {"role": "assistant", "content": "Yes."}, root)]


def test_questions_on_which_a_model_failed_belong_to_the_turns_that_tell_no_words() -> None:
    record = Recorder()
    trajectory = told(failed(record), failed(record), asked_after(record, *[("user", word) for word in "ABC"]))
    assert turns_of_users(trajectory) == [1, 2, 3]
    assert [turn.status for turn in trajectory.turns] == ["error", "error", "success"]
    said = [("user", "Hi"), ("assistant", "Yes.")]
    traces = asked_after(record, *said[:1]), failed(record), asked_after(record, *said, ("user", "A"), ("user", "B"))
    assert turns_of_users(told(*traces)) == [1, 2, 3]


def test_a_prompt_without_the_history_tells_nothing_of_the_turn_that_failed() -> None:
    record = Recorder()
    traces = asked_after(record, ("user", "Hi")), failed(record), asked_after(record, ("user", "A"), ("user", "B"))
    assert turns_of_users(told(*traces)) == [1, 3, 3]


def looked_into(*looked: str, beside: str = "yes") -> Trajectory:
    """A session whose root was given the first question only; a guard answers `beside` to what was `looked` into."""
    record = Recorder()
    root = record.run("chain", {"messages": asked(SAID[1:2])}, {})
    runs = [root, record.run("llm", {"messages": asked(SAID[:2])}, assistant("A guide."), root)]
    runs += [record.run("llm", {"messages": [system("Is it polite?"), user(one)]}, assistant(beside), root)
             for one in looked]  # fmt: skip
    return told([*runs, record.run("llm", {"messages": asked(SAID[:4])}, assistant("To the sea."), root)])


def test_words_that_were_checked_before_they_were_answered_are_the_users() -> None:
    assert turns_of_users(looked_into("Where to?")) == [1, 2]


def test_what_a_call_beside_the_dialogue_said_or_checked_of_an_answer_is_no_turn() -> None:
    assert turns_of_users(looked_into("A guide.")) == [1, 1]
    assert turns_of_users(looked_into("Where to?", beside="Ask: Where to?")) == [1, 1]


def looked_up(given_back: dict[str, Any]) -> Trajectory:
    """A session whose root was given the first question only; the second was looked up before it was answered."""
    record = Recorder()
    root = record.run("chain", {"messages": asked(SAID[1:2])}, given_back)
    talk = [*SAID, ("user", "Why?"), ("assistant", "It calls.")]
    runs = [root]
    for place in (2, 4, 6):
        query = talk[place - 1][1] if place == 4 else "guide"  # what follows in a session is the user's as well
        runs.append(record.run("retriever", {"query": query}, {"documents": []}, root))
        runs.append(record.run("llm", {"messages": asked(talk[:place])}, assistant(talk[place][1]), root))
    return told(runs)


def test_words_that_were_looked_up_before_they_were_answered_are_the_users() -> None:
    assert turns_of_users(looked_up({})) == [1, 2, 3]
    assert turns_of_users(looked_up({"output": "It calls."})) == [1, 1, 1]


def test_a_root_that_gave_all_answers_back_is_a_session() -> None:
    record = Recorder()
    root = record.run("chain", {"name": "ann"}, {"messages": asked(SAID[1:])})
    said = [record.run("llm", {"messages": asked(SAID[:place])}, assistant(SAID[place][1]), root) for place in (2, 4)]
    assert turns_of_users(told([root, *said])) == [1, 2]


def test_a_turn_may_begin_with_a_system_prompt_of_its_own() -> None:
    record = Recorder()
    root = record.run("chain", {}, {})
    runs = [root]
    for place in (2, 4):
        given = {"instructions": f"Be brief: {place}.", "input": asked(SAID[1:place])}
        runs.append(record.run("llm", given, assistant(SAID[place][1]), root))
    assert turns_of_users(told(runs)) == [1, 2]


def titled(*, apart: bool, again: str = "Where to?") -> list[int]:
    """The turn of a title, made of the first question right behind its answer, maybe with its turn in a run `apart`."""
    record = Recorder()
    talk = [user("Who are you?"), assistant("A guide."), user(again), assistant("To the sea.")]
    root = record.run("chain", {}, {})
    turns = [record.run("chain", {}, {}, root) for _ in range(2)] if apart else [root, root]
    runs = [root, *turns] if apart else [root]
    runs.append(record.run("llm", {"messages": talk[:1]}, talk[1], turns[0]))
    prompt = [system("Name it."), user("A name, please." if apart else "Who are you?")]
    runs.append(record.run("llm", {"messages": prompt}, assistant("Guide"), turns[0]))
    runs.append(record.run("llm", {"messages": talk[:3]}, talk[3], turns[1]))
    return [one.turn for one in told(runs).internal]


def test_a_title_belongs_to_the_turn_in_whose_run_it_stands_or_whose_question_it_names() -> None:
    assert titled(apart=True) == [1]
    assert titled(apart=False) == [1]


def test_a_question_that_was_asked_twice_is_checked_for_the_turn_to_come() -> None:
    assert titled(apart=False, again="Who are you?") == [2]
