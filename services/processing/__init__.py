"""The processing service: everything between a stored original and a finished job that touches no pixel.

    readers     one loop per queue             batches     what is done with one receive: step, write, send, delete
    ingest      notices of S3 about what was posted straight to it
    changes     read, step, write, again       sweeper     debts and alarms whose time has come
    pace        when to receive next           backlog     how full `transforms` is
    lanes       eight of `jobs` to one of bulk purges      queues that were emptied behind our back
    story       the log lines of a change      records     the whole job as JSON for operators
    letters     dead letters, and redrive      routes, letter_routes  the internal API
    __main__    the composition root

Every change of a job is `contracts.lifecycle.step`; nothing here knows what an event means.
"""
