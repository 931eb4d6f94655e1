"""The worker: two corridors, side by side as tasks. Intake fills staging, outlet empties it, the supervisor owns both."""
