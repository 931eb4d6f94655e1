"""Which calls of a trace are whose: the agent's own, a sub-agent's, a parallel branch's, or nobody's."""
