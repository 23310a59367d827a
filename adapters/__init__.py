"""The only room that talks to AWS: one module per port of `contracts.ports`, and nothing that decides anything.

    clients     makes botocore clients: time-outs, retries, addressing
    sessions    keys of an assumed role, renewed in time
    errors      botocore's failures, by their codes, as those of `contracts.errors`
    objects     originals and results in S3          links      presigned links to results
    eraser      deletes a job's bytes                queues     SQS
    sender      shares batches between threads       ledger     DynamoDB
    telemetry   JSON lines on stdout                 clock      the time of day

Composition roots (`__main__`, `handler`) make these and pass them as ports; nothing else imports this room.
"""
