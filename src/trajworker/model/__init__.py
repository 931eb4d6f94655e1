"""The ground: what a run and a message are, as frozen structs, and the few rules that two rooms share."""
