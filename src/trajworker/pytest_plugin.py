"""pytest's way in: explanations of trajectories that differ, and golden files; imports what is heavy only when asked."""
