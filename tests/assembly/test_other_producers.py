"""Formats of producers that the corpus does not hold, written from their public integrations, come out as said."""

import json
from typing import Any

from msgspec import Raw, structs

from support.folding import brief, told
from support.runs import Recorder

ASKED = [("user", "Weather in Paris?"), ("assistant", [("get_weather", {"city": "Paris"})]), ("tool", "sunny")]
ANSWERED = [*ASKED, ("assistant", "It is sunny.")]
USAGE = {"input_tokens": 30, "output_tokens": 12, "total_tokens": 42}


def test_the_openai_agents_sdk_is_read_item_by_item() -> None:
    record = Recorder()
    user = {"role": "user", "content": "Weather in Paris?"}
    call = {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_9",
        "name": "get_weather",
        "arguments": '{"city":"Paris"}',
        "status": "completed",
    }
    result = {"type": "function_call_output", "call_id": "call_9", "output": "sunny"}
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "look it up"}]}
    final = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "It is sunny.", "annotations": []}],
    }
    about = {
        "ls_integration": "openai-agents-sdk",
        "ls_agent_type": "root",
        "usage_metadata": USAGE,
        "status": "completed",
        "ls_model_name": "gpt-5-mini",
    }
    root = record.run("chain", {"input": [user], "instructions": ""}, {"output": [final]}, name="Agent workflow")
    agent = record.run("chain", {}, {}, root, name="Assistant", metadata={"ls_agent_type": "root"})
    extra = {"invocation_params": {"model": "gpt-5-mini", "tools": [{"type": "function", "name": "get_weather"}]}}
    first = record.run(
        "llm",
        {"input": [user], "instructions": "Be kind."},
        {"output": [thought, call]},
        agent,
        name="Response",
        metadata=about,
        extra=extra,
    )
    tool = record.run("tool", {"city": "Paris"}, {"output": "sunny"}, agent, name="get_weather")
    guard = record.run("tool", {}, {}, agent, name="math_guardrail", metadata={"triggered": False})
    second = record.run(
        "llm",
        {"input": [user, thought, call, result], "instructions": "Be kind."},
        {"output": [final]},
        agent,
        name="Response",
        metadata=about,
        extra=extra,
    )
    trajectory = told([root, agent, first, tool, guard, second])
    assert brief(trajectory.messages) == [("system", "Be kind."), *ANSWERED]
    asked, answered = trajectory.messages[2], trajectory.messages[4]
    assert (asked.finish_reason, answered.finish_reason) == ("tool_calls", "stop")
    assert asked.reasoning == "look it up"
    assert asked.tool_calls is not None
    assert asked.tool_calls[0].id == "call_9"
    assert (asked.usage, asked.model) == (USAGE, "gpt-5-mini")
    assert trajectory.messages[3].tool_response is not None
    assert trajectory.messages[3].tool_response.run_id == tool.id
    assert [tool.name for tool in trajectory.tools] == ["get_weather"]


def test_the_claude_agent_sdk_keeps_system_prompt_tools_and_sub_agents() -> None:
    record = Recorder()
    root = record.run(
        "chain",
        {"prompt": "Weather in Paris?", "system": "You are a guide."},
        {"role": "assistant", "content": [{"type": "text", "text": "It is sunny."}]},
        name="claude.conversation",
        metadata={"ls_agent_type": "root"},
    )
    user = {"role": "user", "content": "Weather in Paris?"}
    use = [
        {"type": "thinking", "thinking": "ask", "signature": "s"},
        {"type": "text", "text": "Let me ask."},
        {
            "type": "tool_use",
            "id": "toolu_1",
            "name": "Task",
            "input": {"description": "ask", "prompt": "Find the weather.", "subagent_type": "scout"},
        },
    ]
    about = {"ls_provider": "anthropic", "ls_model_name": "claude-x", "usage_metadata": USAGE}
    first = record.run(
        "llm",
        {"messages": [user]},
        {"role": "assistant", "content": use, "id": "m1", "stop_reason": "tool_use"},
        root,
        name="claude.assistant.turn",
        metadata=about,
    )
    task = record.run(
        "tool", {"input": use[2]["input"]}, {"output": "sunny"}, root, name="Task", metadata={"tool_call_id": "toolu_1"}
    )
    scout = record.run("chain", use[2]["input"], {}, task, name="scout", metadata={"ls_agent_type": "subagent"})
    inner = record.run(
        "llm",
        {"messages": []},
        {"role": "assistant", "content": [{"type": "text", "text": "sunny"}]},
        scout,
        name="claude.assistant.turn",
        metadata=about,
    )
    tool_message = {"role": "tool", "content": "sunny", "tool_call_id": "toolu_1"}
    second = record.run(
        "llm",
        {"messages": [user, {"role": "assistant", "content": use}, tool_message]},
        {"role": "assistant", "content": [{"type": "text", "text": "It is sunny."}], "stop_reason": "end_turn"},
        root,
        name="claude.assistant.turn",
        metadata=about,
    )
    trajectory = told([root, first, task, scout, inner, second])
    assert [message.role.value for message in trajectory.messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert trajectory.messages[0].content == "You are a guide."
    assert trajectory.messages[2].content == "Let me ask."
    assert trajectory.messages[2].reasoning == "ask"
    (nested,) = trajectory.nested
    assert brief(nested.messages) == [("user", "Find the weather."), ("assistant", "sunny")]
    assert (nested.origin.tool_call_id, nested.origin.agent) == ("toolu_1", "scout")
    assert trajectory.metrics is not None
    assert (trajectory.metrics.llm_calls, trajectory.metrics.input_tokens) == (3, 90)


def test_the_gemini_wrapper_and_raw_gemini_contents_are_one_dialogue() -> None:
    record = Recorder()
    call = [
        {
            "id": "call_0",
            "type": "function",
            "index": 0,
            "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
        }
    ]
    about = {"ls_provider": "google", "ls_model_name": "gemini-2.5-flash"}
    root = record.run("chain", {"question": "Weather in Paris?"}, {"output": "It is sunny."})
    asked = {
        "model": "gemini-2.5-flash",
        "config": {"system_instruction": "Be kind."},
        "messages": [{"role": "user", "content": "Weather in Paris?"}],
    }
    first = record.run(
        "llm",
        asked,
        {"content": None, "role": "assistant", "finish_reason": "STOP", "tool_calls": call, "usage_metadata": USAGE},
        root,
        metadata=about,
    )
    tool = record.run("tool", {"city": "Paris"}, {"output": "sunny"}, root, name="get_weather")
    history = [
        *asked["messages"],
        {
            "role": "model",
            "content": [
                {
                    "type": "function_call",
                    "function_call": {"id": None, "name": "get_weather", "arguments": {"city": "Paris"}},
                }
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "function_response",
                    "function_response": {"name": "get_weather", "response": {"result": "sunny"}},
                }
            ],
        },
    ]
    second = record.run(
        "llm",
        asked | {"messages": history},
        {"content": "It is sunny.", "role": "assistant", "finish_reason": "STOP", "usage_metadata": USAGE},
        root,
        metadata=about,
    )
    trajectory = told([root, first, tool, second])
    assert brief(trajectory.messages) == [
        ("system", "Be kind."),
        *ASKED[:2],
        ("tool", '{"result": "sunny"}'),
        ("assistant", "It is sunny."),
    ]
    assert [message.finish_reason for message in trajectory.messages] == [None, None, "tool_calls", None, "stop"]

    raw = {
        "contents": [{"role": "user", "parts": [{"text": "Weather in Paris?"}]}],
        "systemInstruction": {"parts": [{"text": "Be kind."}]},
    }
    answer = {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [
                        {"text": "hm", "thought": True},
                        {"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}},
                    ],
                },
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 5,
            "candidatesTokenCount": 3,
            "totalTokenCount": 10,
            "thoughtsTokenCount": 2,
        },
        "modelVersion": "gemini-x-001",
    }
    trajectory = told([record.run("llm", raw, answer)])
    assert brief(trajectory.messages) == [("system", "Be kind."), *ASKED[:2]]
    produced = trajectory.messages[2]
    assert (produced.reasoning, produced.finish_reason, produced.response_model) == ("hm", "tool_calls", "gemini-x-001")
    assert produced.usage is not None
    assert (produced.usage["total_tokens"], produced.usage["output_token_details"]) == (10, {"reasoning": 2})


def test_otel_genai_parts_of_pydantic_ai_are_messages() -> None:
    record = Recorder()
    user = {"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]}
    system = {"role": "system", "parts": [{"type": "text", "content": "Be kind."}]}
    call = {
        "role": "assistant",
        "finish_reason": "tool_call",
        "parts": [
            {"type": "thinking", "content": "look"},
            {"type": "tool_call", "id": "c1", "name": "get_weather", "arguments": {"city": "Paris"}},
        ],
    }
    result = {
        "role": "user",
        "parts": [{"type": "tool_call_response", "id": "c1", "name": "get_weather", "result": "sunny"}],
    }
    final = {"role": "assistant", "finish_reason": "stop", "parts": [{"type": "text", "content": "It is sunny."}]}
    root = record.run("chain", {"messages": [user]}, {"messages": [final]}, name="agent run")
    about = {"ls_model_name": "gpt-x", "usage_metadata": USAGE}
    first = record.run("llm", {"messages": [system, user]}, {"messages": [call]}, root, metadata=about)
    tool = record.run(
        "tool",
        {"input": '{"city": "Paris"}'},
        {"output": "sunny"},
        root,
        name="running tool",
        metadata={"gen_ai.tool.call.id": "c1", "gen_ai.tool.name": "get_weather"},
    )
    second = record.run("llm", {"messages": [system, user, call, result]}, {"messages": [final]}, root, metadata=about)
    trajectory = told([root, first, tool, second])
    assert brief(trajectory.messages) == [("system", "Be kind."), *ANSWERED]
    assert [message.finish_reason for message in trajectory.messages if message.run_id] == ["tool_calls", "stop"]
    assert trajectory.messages[2].reasoning == "look"
    told_by = trajectory.messages[3].tool_response
    assert told_by is not None
    assert (told_by.id, told_by.run_id) == ("c1", tool.id)


def test_otel_attributes_as_json_text_and_flat_keys_are_read() -> None:
    record = Recorder()
    flat = {
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "Weather in Paris?",
        "gen_ai.prompt.1.role": "assistant",
        "gen_ai.prompt.1.tool_calls.0.id": "c1",
        "gen_ai.prompt.1.tool_calls.0.name": "get_weather",
        "gen_ai.prompt.1.tool_calls.0.arguments": '{"city": "Paris"}',
        "gen_ai.prompt.2.role": "tool",
        "gen_ai.prompt.2.tool_call_id": "c1",
        "gen_ai.prompt.2.content": "sunny",
    }
    first = {
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.finish_reason": "tool_calls",
        "gen_ai.completion.0.tool_calls.0.id": "c1",
        "gen_ai.completion.0.tool_calls.0.name": "get_weather",
        "gen_ai.completion.0.tool_calls.0.arguments": '{"city": "Paris"}',
    }
    second = {
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "It is sunny.",
        "gen_ai.completion.0.finish_reason": "stop",
    }
    root = record.run("chain", {"input.value": "Weather in Paris?"}, {"output.value": "It is sunny."})
    asked = {key: value for key, value in flat.items() if ".0." in key and "prompt.0" in key}
    trajectory = told([root, record.run("llm", asked, first, root), record.run("llm", flat, second, root)])
    assert brief(trajectory.messages) == ANSWERED

    text = {
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]),
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be kind."}]),
    }
    answer = {
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "finish_reason": "stop", "parts": [{"type": "text", "content": "Hello"}]}]
        ),
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 1,
    }
    trajectory = told([record.run("llm", text, answer)])
    assert brief(trajectory.messages) == [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello")]
    assert trajectory.messages[2].finish_reason == "stop"
    assert trajectory.task.total_tokens == 4


def test_openinference_attributes_of_llamaindex_are_read() -> None:
    record = Recorder()
    asked = {
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "Be kind.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.content": "Weather in Paris?",
    }
    answer = {
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "get_weather",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"city": "Paris"}',
    }
    trajectory = told([record.run("llm", asked, answer)])
    assert brief(trajectory.messages) == [("system", "Be kind."), *ASKED[:2]]
    blocks = {
        "messages": [
            {"role": "user", "additional_kwargs": {}, "blocks": [{"block_type": "text", "text": "Weather in Paris?"}]}
        ]
    }
    said = {"message": {"role": "assistant", "blocks": [{"block_type": "text", "text": "It is sunny."}]}}
    assert brief(told([record.run("llm", blocks, said)]).messages) == [ANSWERED[0], ANSWERED[3]]


def test_the_vercel_ai_sdk_is_read_in_its_parts() -> None:
    record = Recorder()
    system = {"role": "system", "content": "Be kind."}
    user = {"role": "user", "content": [{"type": "text", "text": "Weather in Paris?"}]}
    call = {"type": "tool-call", "toolCallId": "c1", "toolName": "get_weather", "input": {"city": "Paris"}}
    raw_call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
    said = {"role": "assistant", "content": [call], "tool_calls": [raw_call]}
    result = {
        "role": "tool",
        "content": [
            {
                "type": "tool-result",
                "toolCallId": "c1",
                "toolName": "get_weather",
                "output": {"type": "text", "value": "sunny"},
            }
        ],
    }
    about = {"ls_model_name": "gpt-x", "ai_sdk_method": "ai.doGenerate", "usage_metadata": USAGE}
    root = record.run(
        "chain", {"prompt": "Weather in Paris?"}, {"role": "assistant", "content": "It is sunny."}, name="generateText"
    )
    first = record.run(
        "llm",
        {"messages": [system, user]},
        {**said, "finishReason": "tool-calls", "warnings": []},
        root,
        metadata=about,
    )
    tool = record.run("tool", {"city": "Paris"}, {"output": "sunny"}, root, name="get_weather")
    second = record.run(
        "llm",
        {"messages": [system, user, said, result]},
        {"role": "assistant", "content": [{"type": "text", "text": "It is sunny."}], "finishReason": "stop"},
        root,
        metadata=about,
    )
    trajectory = told([root, first, tool, second])
    assert brief(trajectory.messages) == [("system", "Be kind."), *ANSWERED]
    assert [message.finish_reason for message in trajectory.messages if message.run_id] == ["tool_calls", "stop"]
    assert trajectory.metrics is not None
    assert trajectory.metrics.num_tool_calls == 1


def test_the_vercel_otel_exporter_writes_langchain_like_messages() -> None:
    record = Recorder()
    asked = {
        "messages": [
            {"type": "system", "data": {"content": "Be kind."}},
            {"type": "human", "data": {"content": "Weather in Paris?"}},
        ]
    }
    answer = {
        "llm_output": {
            "type": "ai",
            "data": {
                "content": "",
                "additional_kwargs": {
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
                        }
                    ]
                },
            },
            "token_usage": {"prompt_tokens": 30, "completion_tokens": 12},
        }
    }
    trajectory = told([record.run("llm", asked, answer)])
    assert brief(trajectory.messages) == [("system", "Be kind."), *ASKED[:2]]
    assert trajectory.task.total_tokens == 42


def test_legacy_function_calls_are_linked_by_name() -> None:
    record = Recorder()
    user = {"role": "user", "content": "Weather in Paris?"}
    call = {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
    }
    result = {"role": "function", "name": "get_weather", "content": "sunny"}
    functions = [{"name": "get_weather", "parameters": {"type": "object"}}]
    first = record.run(
        "llm",
        {"messages": [user], "model": "gpt-3.5", "functions": functions},
        {
            "choices": [{"message": call, "finish_reason": "function_call"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        },
    )
    second = record.run(
        "llm",
        {"messages": [user, call, result], "model": "gpt-3.5"},
        {"choices": [{"message": {"role": "assistant", "content": "It is sunny."}, "finish_reason": "stop"}]},
    )
    trajectory = told([first], [second])
    assert brief(trajectory.messages) == ANSWERED
    assert trajectory.messages[1].finish_reason == "tool_calls"
    assert "orphan" not in trajectory.messages[2].flags
    assert [tool.name for tool in trajectory.tools] == ["get_weather"]
    assert trajectory.task.num_turns == 1


def _lc(kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", kind], "kwargs": kwargs}


def test_an_old_langchain_agent_executor_with_functions_is_linked() -> None:
    record = Recorder()
    call = {
        "content": "",
        "additional_kwargs": {"function_call": {"name": "get_weather", "arguments": '{"city": "Paris"}'}},
    }
    system, user = _lc("SystemMessage", content="Be kind."), _lc("HumanMessage", content="Weather in Paris?")
    root = record.run(
        "chain", {"input": "Weather in Paris?", "chat_history": []}, {"output": "It is sunny."}, name="AgentExecutor"
    )
    about = {"token_usage": {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42}, "model_name": "gpt-4"}
    first = record.run(
        "llm",
        {"messages": [[system, user]]},
        {
            "generations": [
                [
                    {
                        "text": "",
                        "generation_info": {"finish_reason": "function_call"},
                        "message": _lc("AIMessage", **call),
                    }
                ]
            ],
            "llm_output": about,
        },
        root,
        extra={"invocation_params": {"model_name": "gpt-4"}},
    )
    tool = record.run("tool", {"input": "{'city': 'Paris'}"}, {"output": "sunny"}, root, name="get_weather")
    result = _lc("FunctionMessage", content="sunny", name="get_weather")
    second = record.run(
        "llm",
        {"messages": [[system, user, _lc("AIMessage", **call), result]]},
        {
            "generations": [
                [
                    {
                        "text": "It is sunny.",
                        "generation_info": {"finish_reason": "stop"},
                        "message": _lc("AIMessage", content="It is sunny."),
                    }
                ]
            ],
            "llm_output": about,
        },
        root,
        extra={"invocation_params": {"model_name": "gpt-4"}},
    )
    trajectory = told([root, first, tool, second])
    assert brief(trajectory.messages) == [("system", "Be kind."), *ANSWERED]
    assert (trajectory.task.total_tokens, trajectory.messages[2].model) == (84, "gpt-4")
    linked = trajectory.messages[3].tool_response
    assert linked is not None
    assert linked.run_id == tool.id


def test_a_react_agent_whose_calls_stand_in_the_text_is_one_dialogue() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "Weather in Paris?"}, {"output": "It is sunny."}, name="AgentExecutor")
    template = "Answer with tools.\nQuestion: Weather in Paris?\nThought:"
    step = " I must look.\nAction: get_weather\nAction Input: Paris"
    first = record.run("llm", {"prompts": [template]}, {"generations": [[{"text": step}]]}, root, name="OpenAI")
    tool = record.run("tool", {"input": "Paris"}, {"output": "sunny"}, root, name="get_weather")
    second = record.run(
        "llm",
        {"prompts": [f"{template}{step}\nObservation: sunny\nThought:"]},
        {"generations": [[{"text": " Final Answer: It is sunny."}]]},
        root,
        name="OpenAI",
    )
    trajectory = told([root, first, tool, second])
    assert brief(trajectory.messages) == [
        ("user", "Weather in Paris?"),
        ("assistant", step),
        ("tool", "sunny"),
        ("assistant", " Final Answer: It is sunny."),
    ]
    assert trajectory.messages[0].rendered == template
    assert trajectory.task.num_steps == 2
    assert trajectory.internal == ()


def test_litellm_logs_the_whole_payload_beside_the_messages() -> None:
    record = Recorder()
    payload = {
        "id": "x",
        "call_type": "completion",
        "model": "claude-x",
        "response": {"choices": []},
        "messages": [{"role": "user", "content": "Hi"}],
        "metadata": {"thread_id": "t"},
    }
    answer = {
        "id": "chatcmpl-1",
        "model": "claude-x-2025",
        "object": "chat.completion",
        "choices": [
            {
                "finish_reason": "stop",
                "index": 0,
                "message": {"content": "Hello", "role": "assistant", "tool_calls": None, "function_call": None},
            }
        ],
        "usage": {
            "completion_tokens": 1,
            "prompt_tokens": 3,
            "total_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 2},
            "cache_read_input_tokens": 2,
        },
    }
    trajectory = told([record.run("llm", payload, answer)])
    assert brief(trajectory.messages) == [("user", "Hi"), ("assistant", "Hello")]
    assert trajectory.messages[1].usage == {
        "input_tokens": 3,
        "output_tokens": 1,
        "total_tokens": 4,
        "input_token_details": {"cache_read": 2},
    }


def test_autogen_messages_are_read_by_their_types() -> None:
    record = Recorder()
    system = {"content": "Be kind.", "type": "SystemMessage"}
    user = {"content": "Weather in Paris?", "source": "user", "type": "UserMessage"}
    call = {
        "content": [{"id": "c1", "arguments": '{"city": "Paris"}', "name": "get_weather"}],
        "thought": "look",
        "source": "assistant",
        "type": "AssistantMessage",
    }
    result = {
        "content": [{"content": "sunny", "name": "get_weather", "call_id": "c1", "is_error": False}],
        "type": "FunctionExecutionResultMessage",
    }
    first = record.run(
        "llm",
        {"messages": [system, user]},
        {
            "choices": [
                {
                    "finish_reason": "tool_calls",
                    "message": {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [
                            {
                                "id": "c1",
                                "type": "function",
                                "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
                            }
                        ],
                    },
                }
            ]
        },
    )
    second = record.run(
        "llm",
        {"messages": [system, user, call, result]},
        {"content": "It is sunny.", "finish_reason": "stop", "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
    )
    trajectory = told([first], [second])
    assert brief(trajectory.messages) == [("system", "Be kind."), *ANSWERED]
    assert trajectory.messages[2].reasoning == "look"


def test_bedrock_converse_is_read() -> None:
    record = Recorder()
    user = {"role": "user", "content": [{"text": "Weather in Paris?"}]}
    use = {
        "role": "assistant",
        "content": [{"toolUse": {"toolUseId": "c1", "name": "get_weather", "input": {"city": "Paris"}}}],
    }
    result = {
        "role": "user",
        "content": [{"toolResult": {"toolUseId": "c1", "content": [{"text": "sunny"}], "status": "success"}}],
    }
    first = record.run(
        "llm",
        {"messages": [user], "modelId": "m"},
        {
            "output": {"message": use},
            "stopReason": "tool_use",
            "usage": {"inputTokens": 3, "outputTokens": 1, "totalTokens": 4},
        },
    )
    second = record.run(
        "llm",
        {"messages": [user, use, result]},
        {"output": {"message": {"role": "assistant", "content": [{"text": "It is sunny."}]}}, "stopReason": "end_turn"},
    )
    trajectory = told([first], [second])
    assert brief(trajectory.messages) == ANSWERED
    assert [message.finish_reason for message in trajectory.messages if message.run_id] == ["tool_calls", "stop"]
    assert trajectory.messages[1].usage == {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4}


def test_streamed_chunks_recorded_one_by_one_are_put_together() -> None:
    record = Recorder()
    pieces = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "It is "}}], "model": "m"},
        {"choices": [{"index": 0, "delta": {"content": "sunny."}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
    ]
    trajectory = told([record.run("llm", {"messages": [{"role": "user", "content": "?"}]}, {"output": pieces})])
    assert trajectory.messages[1].content == "It is sunny."
    assert trajectory.messages[1].finish_reason == "stop"
    assert trajectory.task.total_tokens == 5
    events = [
        {"type": "message_start", "message": {"id": "m", "model": "claude", "usage": {"input_tokens": 3}}},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": "c1", "name": "get_weather", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"city": "Paris"}'},
        },
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
    ]
    asked = {
        "messages": [{"role": "user", "content": "Weather in Paris?"}],
        "system": [{"type": "text", "text": "Be kind."}],
    }
    trajectory = told([record.run("llm", asked, {"output": events})])
    assert brief(trajectory.messages) == [("system", "Be kind."), *ASKED[:2]]
    assert trajectory.messages[2].finish_reason == "tool_calls"


def test_a_payload_nobody_recognises_is_kept_raw_and_counted() -> None:
    record = Recorder()
    trajectory = told([record.run("llm", {"tensor": [1, 2], "seed": 7}, {"logits": {"a": 0.1}, "n": 2})])
    assert [message.flags for message in trajectory.messages] == [("raw",), ("raw",)]
    assert trajectory.messages[0].blocks == ({"tensor": [1, 2], "seed": 7},)
    assert trajectory.messages[1].blocks == ({"logits": {"a": 0.1}, "n": 2},)
    assert trajectory.metadata["raw_payloads"] == 2


def test_a_payload_nested_too_deep_for_any_reader_is_kept_as_text() -> None:
    record = Recorder()
    deep = "[" * 20_000 + "]" * 20_000
    asked = record.run("llm", {"messages": []}, None)
    run = structs.replace(asked, inputs=Raw(f'{{"messages":{deep}}}'.encode()), outputs=Raw(f'{{"a":{deep}}}'.encode()))
    trajectory = told([run])
    assert [message.flags for message in trajectory.messages] == [("raw",), ("raw",)]
    assert deep in str(trajectory.messages[1].blocks)
