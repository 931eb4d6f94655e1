"""What the runs of a trace tell, each by itself: calls, tool runs, searches, the root; together they are a `Trace`."""
