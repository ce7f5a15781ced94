"""Adaptation at test time: models that go on learning from the text they read, beside the trained one, never in it."""
