"""Everything that is declared in AWS, by idea; the only importer of pulumi beside the program itself.

pipeline    ImagePipeline: all of it, wired            naming     names and type tokens, by arithmetic
storage     ImageBucket                                 access     IAM policies from statements, by arithmetic
messaging   PipelineQueue and its dead letters          artifact   the function's zip, reproducible
ledger      JobTables                                   config     the one object that tells stacks apart
function    TransformFunction and its trigger           stage      what every component of a stack is told
identity    ProcessRole: collects what others grant     unobservable   permissions that no local test can see used
"""
