"""The phases of a sitting as pure steps: ceremony, registration, casting, tallying.

Each round takes a frozen state and the messages so far and gives the next state and message. Time and randomness are
arguments, drawn by the role that takes the step. This layer knows nothing of logs.

Source: SPEC.md#ceremony.
"""
