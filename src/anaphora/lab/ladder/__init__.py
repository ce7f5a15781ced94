"""The Human Numbers ladder: one small language model, improved rung by rung, and what each step buys."""
