"""What runs inside the embedded cloud's own process: MiniStack's app, imported, with our additions around it.

    checkpoints   state saved every second that something changed, by a forked copy
    watching      the audit of IAM decisions and the log of requests
    shims         where MiniStack's IAM differs from AWS's; long polls woken on send; queues touched by one thread
    __main__      environment, wiring, server

These reach into private functions of MiniStack 1.5.33; the version is checked at the start, and tests/local says of
each shim what it must do. So what is enforced locally is MiniStack's IAM plus ours.
"""
