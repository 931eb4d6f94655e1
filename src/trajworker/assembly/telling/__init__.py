"""What a dialogue says: its calls become messages, results, turns and steps; sub-agents lines of their own."""
