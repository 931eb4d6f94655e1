"""The ground: what a run and a message are, as frozen structs without behaviour."""
