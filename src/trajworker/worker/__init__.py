"""The worker: the only room that starts tasks. Intake fills staging, outlet empties it, the supervisor owns both."""
