import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import corpus
from trajworker.simulator import ManualClock, Simulator, serve
from trajworker.simulator.filters import (
    Comparison,
    FilterSyntaxError,
    Has,
    Junction,
    Membership,
    Search,
    parse,
)
from trajworker.simulator.predicates import compile_filter
from trajworker.simulator.stored_run import from_document

RUN: dict[str, Any] = {
    "id": "r-1",
    "name": "ChatOpenAI",
    "run_type": "llm",
    "status": "error",
    "error": "Boom: it broke",
    "start_time": "2026-01-05T10:00:00",
    "end_time": "2026-01-05T10:00:07.500000",
    "trace_id": "t-1",
    "parent_run_id": "t-1",
    "thread_id": "th-1",
    "tags": ["prod", "a,b"],
    "inputs": {"messages": [{"role": "user", "content": 'say "hi" to Zoë'}], "n": 3},
    "outputs": {"answer": "hi"},
    "extra": {"metadata": {"user": "u-1", "n": 7, "flag": True, "nested": {"deep": "x"}}},
}
AFTER_S = 1_795_305_600.0
"""The day after the recordings: v2 shows nothing that starts later than now."""
FEEDBACK = [{"key": "helpful", "score": 0.9}, {"key": "rude", "score": 0.1}]


def holds(text: str, run: dict[str, Any] = RUN) -> bool:
    return bool(compile_filter(parse(text), lambda _run_id: FEEDBACK)(from_document(run)))


@pytest.mark.parametrize(
    "text",
    [
        'eq(run_type, "llm")',
        "eq(run_type,'LLM')",
        'neq(name, "agent")',
        "neq(error, null)",
        'in(run_type, ["tool", "llm"])',
        'gt(latency, "7s")',
        "lte(latency, 7.5)",
        'gt(latency, "7000ms")',
        'gte(start_time, "2026-01-05T10:00:00Z")',
        'lt(start_time, "2026-01-05T12:00:00+01:00")',
        'gt(end_time, "2026-01-05T10:00:07")',
        "eq(is_root, false)",
        'has(tags, "a,b")',
        'in(tags, ["dev", "prod"])',
        'has(metadata, \'{"user": "u-1"}\')',
        'has(metadata, "{\\"n\\": 7}")',
        'and(eq(metadata_key, "user"), eq(metadata_value, "u-1"))',
        'and(eq(metadata_key, "n"), gt(metadata_value, 6))',
        'and(eq(metadata_key, "nested.deep"), eq(metadata_value, "x"))',
        'and(in(metadata_key, ["session_id", "user"]), eq(metadata_value, "u-1"))',
        'and(eq(input_key, "messages.0.role"), eq(input_value, "user"))',
        'and(eq(output_key, "answer"), eq(output_value, "hi"))',
        'and(eq(feedback_key, "helpful"), gt(feedback_score, 0.5))',
        'search("ZOË")',
        'search(name, "openai")',
        'search("say \\"hi\\"")',
        'or(eq(name, "x"), and(eq(status, "error"), in(trace_id, ["t-0", "t-1"])))',
        ' and ( eq( thread_id , "th-1" ) , eq(name,"ChatOpenAI") ) ',
    ],
)
def test_filters_that_hold_for_the_run(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        'eq(run_type, "tool")',
        "eq(error, null)",
        'in(id, ["r-2"])',
        "in(id, [])",
        'gt(latency, "8s")',
        'lt(start_time, "2026-01-05T10:00:00Z")',
        "eq(is_root, true)",
        'has(tags, "pro")',
        'has(metadata, \'{"user": "u-2"}\')',
        'and(eq(metadata_key, "user"), eq(metadata_value, "7"))',
        'and(eq(feedback_key, "rude"), gt(feedback_score, 0.5))',
        'search("nobody said this")',
        'and(eq(name, "ChatOpenAI"), eq(name, "x"))',
    ],
)
def test_filters_that_do_not_hold_for_the_run(text: str) -> None:
    assert not holds(text)


def test_a_running_run_has_no_latency_and_no_end() -> None:
    running = RUN | {"end_time": None}
    assert not holds('gt(latency, "0s")', running)
    assert not holds('gt(end_time, "2020-01-01T00:00:00Z")', running)


def test_the_tree_of_a_nested_filter() -> None:
    text = 'and(eq(a, -1.5), or(in(b, ["x", 2, null, true]), has(tags, "t")), search("s"))'
    assert parse(text) == Junction(
        "and",
        (
            Comparison("eq", "a", -1.5),
            Junction("or", (Membership("b", ("x", 2, None, True)), Has("tags", "t"))),
            Search(None, "s"),
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "eq(name)",
        'eq(name, "x"',
        'eq(name, "x") trailing',
        'like(name, "x")',
        'eq("name", "x")',
        "eq(name, x)",
        "and()",
        'in(name, "x")',
        'eq(name, "unterminated)',
        "eq(name, $)",
        "has(tags, 3)",
        "name = 'x'",
        "and(" * 100,
    ],
)
def test_what_is_no_filter_says_where(text: str) -> None:
    with pytest.raises(FilterSyntaxError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "eq(total_tokens, 5)",
        'eq(nobody, "x")',
        'gt(start_time, "yesterday")',
        'gt(latency, "long")',
        'gt(tags, "x")',
        'has(metadata, "no json")',
        'has(inputs, "x")',
        "gt(latency, null)",
        'search(extra, "x")',
    ],
)
def test_a_filter_the_server_cannot_answer_is_refused(text: str) -> None:
    with pytest.raises(FilterSyntaxError):
        compile_filter(parse(text), lambda _run_id: [])


@settings(deadline=None)
@given(st.text())
def test_any_text_survives_quoting(text: str) -> None:
    node = parse(f"eq(name, {json.dumps(text)})")
    assert isinstance(node, Comparison)
    assert node.value == text


@settings(deadline=None)
@given(st.text(alphabet="and(or),eq[]\"'\\ 1.xnull", max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        parse(text)
    except FilterSyntaxError:
        return


async def test_filters_of_root_and_tree_and_bad_ones_over_http() -> None:
    simulator = Simulator(now_s=ManualClock(AFTER_S))
    simulator.load(corpus.CORPUS / "lg_graph")
    runs = corpus.runs("lg_graph")
    failed = {run["trace_id"] for run in runs if run["status"] == "error"}
    root = next(run for run in runs if run["parent_run_id"] is None)
    body = {"project_ids": [root["session_id"]], "min_start_time": "2020-01-01T00:00:00Z", "page_size": 1000}
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as client:

        async def found(**filters: str) -> set[str]:
            answer = await client.post("/v2/runs/query", json=body | filters)
            return {row["id"] for row in answer.json()["items"]}

        assert await found(tree_filter='eq(status, "error")') == {
            run["id"] for run in runs if run["trace_id"] in failed
        }
        assert await found(trace_filter=f'eq(id, "{root["id"]}")', filter='eq(run_type, "llm")') == {
            run["id"] for run in runs if run["trace_id"] == root["id"] and run["run_type"] == "llm"
        }
        assert await found(filter=f'in(trace_id, ["{root["id"]}"])') == {
            run["id"] for run in runs if run["trace_id"] == root["id"]
        }
        bad_v2 = await client.post("/v2/runs/query", json=body | {"filter": "eq(name"})
        bad_v1 = await client.post("/runs/query", json={"session": body["project_ids"], "filter": "eq(name"})
    assert (bad_v2.status_code, bad_v2.headers["content-type"]) == (400, "application/problem+json")
    assert (bad_v1.status_code, bad_v1.json()["detail"].startswith("Invalid filter")) == (400, True)
