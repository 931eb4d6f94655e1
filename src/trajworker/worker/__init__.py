"""The worker: two corridors side by side. Intake fills staging, outlet empties it, the supervisor owns both."""
