"""What a dialogue says: its calls become messages, results, turns and steps; sub-agents lines of their own.

How `trainable_status` is decided, for messages and steps alike:

| rule | status |
|---|---|
| answered by an llm run of the agent itself, not cut off, not filtered, known dialect | trainable |
| replaced by a regenerated or edited turn | superseded |
| the first step that sees a summary instead of the messages it stands for | summarization_boundary (step only) |
| else: prompts, tool results, failed, truncated, raw, and what no recorded run produced | not_trainable |
"""
