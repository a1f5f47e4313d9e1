"""Records to measure with: a whole sitting of as many ballots as asked for, made by one who holds everybody's keys.

The entries are those of a real sitting and pass `secballot audit`. What is cut short is only the way to them: one
process knows all secrets, registrars sign with keys that are quick for whoever made them, and nobody verifies a proof
that was made a moment ago.

    plan        how large, and every party's keys, all from one seed
    rsa         registrar keys of six primes
    voters      what worker processes make: requests, answers, ballots
    sitting     the sitting, entry by entry
    folder      the log as static files, written while it grows
    generate    records kept on disk, to be made once
"""
