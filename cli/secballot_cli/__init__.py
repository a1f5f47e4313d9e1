"""The command line of secballot: one file per role, each a thin layer over the class of the same name.

Everything that a person reads is printed here, and the library beneath prints nothing. Exit codes tell a program
what was found.

Source: SPEC.md#errors-and-blame.
"""
