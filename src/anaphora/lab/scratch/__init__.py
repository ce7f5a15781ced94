"""Recurrent cells as a textbook writes them, each equal to the framework's fused layer where one exists."""
