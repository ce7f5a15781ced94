"""The recurrent layers that a stack is made of, one file each; `registry.py` holds their table."""
