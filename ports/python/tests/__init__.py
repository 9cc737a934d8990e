"""The tests of the Python port: `python3 -m unittest` in ports/python."""
