"""The embedded cloud and everything that runs on it, on one machine, by one command.

    python -m local run           cloud up, program applied, services started, a picture put through; stays up
    python -m local preview       the plan of a stack, by the real Pulumi engine, with no account
    python -m local permissions   which permissions the processes use, against which they were granted
    python -m local calls         how many calls to AWS a job takes, counted at the server

    launcher/     inside the cloud's process: audit, request log, checkpoints, shims
    cloud         starts and stops that process
    program       runs the Pulumi program; applier and handlers/ make the cloud what it declares, state remembers it
    deployment    a stack in the hands of the real engine, which cli runs; provider serves the handlers to it,
                  provider_tiers and recorded say what answers for which type, provider_names and _values how
    engine/       the module that pins the engine, and the script that gets it
    preview       `preview`
    credentials   gives each service the session of its role
    supervisor    what a run consists of; keeping starts again what ends
    folder        the data folder: lock, ports, run.json
    running       `run`; showing puts the picture through
    temporary     a stack of its own for the counters and for tests
    permissions   `permissions`, by rights and leftovers      calls    `calls`, by counting

Everything listens on 127.0.0.1. Nothing imports this room but its own tests.
"""
