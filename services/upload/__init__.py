"""The upload service: the public API and its page. `routes` parse, call and reply; `intake` is the use case."""
