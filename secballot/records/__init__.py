"""What is posted on the board: one family of frozen records a file, with its canonical bytes.

A record decodes only from the bytes that encoding it gives. This layer judges form alone; whether a well-formed
record is true, in phase and rightly signed is for `protocol` and `record` to say.

Source: SPEC.md#encodings.
"""
