"""The rules of tabserve: pure functions and values, no I/O, no AWS, no SQL."""
