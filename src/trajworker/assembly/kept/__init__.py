"""What a fold keeps of a trace, and what it leaves for the next: the ground on which the other rooms stand."""
