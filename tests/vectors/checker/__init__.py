"""A second verifier of secballot records, written from SPEC.md alone with Python integers and the standard library."""
