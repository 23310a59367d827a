"""Everything that is declared in AWS, by idea; the only importer of pulumi beside the program itself.

A pipeline's stack                                An account's foundation
  pipeline       all of it, wired                   foundation      all of it, wired
  processes      roles and settings of services     account, state  guards of the account, Pulumi's own state
  storage        buckets of pictures                registry        repositories of images
  messaging      queues and their dead letters      deployment      roles that workflows take, their boundary
  ledger         tables
  function       the transform function           What both are made from, by arithmetic
  identity       roles: they collect grants         config          the one object that tells stacks apart,
  encryption     the customer's key                 settings, site, foundation_settings, words: what it says
  delivery       CloudFront before the results      naming, stage   names, tags, what a component is told
  network        subnets, ways out, endpoints       access, rights, gates, key_policy, ...: policies
  fleet          hosts, balancer, scaling           artifact        the function's zip, reproducible
  observability  alarms, dashboard, topic           cost, quotas    what it costs at rest, what it meets first
                                                    unobservable    rights that no local test can see used
"""
