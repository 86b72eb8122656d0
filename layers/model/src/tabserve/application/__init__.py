"""One function per use of the system, written against the ports in `ports`."""
