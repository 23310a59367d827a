"""The embedded cloud and everything that runs on it, on one machine, by one command.

    python -m local run           cloud up, program applied, services started, a picture put through; stays up
    python -m local permissions   which permissions the processes use, against which they were granted
    python -m local calls         how many calls to AWS a job takes, counted at the server

    launcher/     inside the cloud's process: audit, request log, checkpoints, shims
    cloud         starts and stops that process
    program       runs the Pulumi program here and applies what it declares, by `handlers/`
    credentials   gives each service the session of its role
    supervisor    starts the processes, keeps them up, stops them
    showing       a picture through the pipeline, and the table of its variants
    folder        the data folder: lock, ports, run.json

Everything listens on 127.0.0.1. Nothing imports this room but its own tests.
"""
