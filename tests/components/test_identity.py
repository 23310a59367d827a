"""Who may do what: trust and rights of every role, exactly."""

import json

from components.access import ANYWHERE, INTERFACES, MAX_INLINE_CHARS, Statement, merged, parse_role_policy
from components.unobservable import UNOBSERVABLE, UNOBSERVABLE_OF_SITE
from tests.support.plan import ACCOUNT, Declared, Plan

ROLES = ("upload", "link-signer", "processing", "eraser", "transform")

PUT, GET, GET_VERSION = "s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"
SEND, RECEIVE, DELETE, MEASURE = "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"
GIVE_BACK = "sqs:ChangeMessageVisibility"
READ_JOBS, WRITE_JOBS, QUERY = "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query"
ADD_TO_TALLIES = "dynamodb:UpdateItem"
LOOK_UP = "dynamodb:GetItem"
ASSUME = "sts:AssumeRole"
LIST_VERSIONS, ERASE = "s3:ListBucketVersions", ("s3:DeleteObject", "s3:DeleteObjectVersion")
LOG = ("logs:CreateLogStream", "logs:PutLogEvents")

RIGHTS: dict[str, dict[str, tuple[str, ...]]] = {
    "upload": {
        "Bucket originals /inline/*": (GET, PUT),
        "Bucket originals /direct/*": (GET, PUT),
        "Table jobs": (READ_JOBS, WRITE_JOBS, ADD_TO_TALLIES),
        "Table jobs /index/by_tenant": (QUERY,),
        "Queue jobs": (SEND,),
        "Queue jobs-bulk": (SEND,),
        "Queue notifications": (SEND,),
        "Table registry": (LOOK_UP, WRITE_JOBS, QUERY),
        "Role link-signer": (ASSUME,),
    },
    "link-signer": {"Bucket results /*": (GET,)},
    "processing": {
        "Bucket originals /inline/*": (GET,),
        "Bucket originals /direct/*": (GET,),
        "Table jobs": (READ_JOBS, WRITE_JOBS, ADD_TO_TALLIES),
        "Table jobs /index/due": (QUERY,),
        "Queue ingest": (DELETE, MEASURE, RECEIVE, SEND),
        "Queue ingest-dead-letters": (DELETE, GIVE_BACK, MEASURE, RECEIVE, SEND),
        "Queue jobs": (DELETE, MEASURE, RECEIVE, SEND),
        "Queue jobs-bulk": (DELETE, MEASURE, RECEIVE, SEND),
        "Queue completions": (DELETE, MEASURE, RECEIVE, SEND),
        "Queue notifications": (DELETE, MEASURE, RECEIVE, SEND),
        "Queue notifications-dead-letters": (DELETE, GIVE_BACK, MEASURE, RECEIVE, SEND),
        "Table registry": (LOOK_UP, WRITE_JOBS),
        "Queue transforms": (MEASURE, SEND),
        "Queue jobs-dead-letters": (DELETE, GIVE_BACK, MEASURE, RECEIVE, SEND),
        "Queue jobs-bulk-dead-letters": (DELETE, GIVE_BACK, MEASURE, RECEIVE, SEND),
        "Queue completions-dead-letters": (DELETE, GIVE_BACK, MEASURE, RECEIVE, SEND),
        "Queue transforms-dead-letters": (DELETE, GIVE_BACK, MEASURE, RECEIVE),
        "Role eraser": (ASSUME,),
    },
    "eraser": {
        "Bucket originals": (LIST_VERSIONS,),
        "Bucket originals /*": ERASE,
        "Bucket results": (LIST_VERSIONS,),
        "Bucket results /*": ERASE,
    },
    "transform": {
        "Bucket originals /inline/*": (GET_VERSION,),
        "Bucket originals /direct/*": (GET_VERSION,),
        "Bucket results /*": (GET, PUT),
        "Queue transforms": (DELETE, MEASURE, RECEIVE),
        "Queue completions": (SEND,),
        "LogGroup transform :*": LOG,
    },
}
"""Every right of every role, by what it is over."""

HOSTS = ("upload", "processing")

PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")

GET_VALUE = "secretsmanager:GetSecretValue"

SESSION = (
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""What the agent on a host does so that a person reaches it without an open port."""

HIDDEN = (*UNOBSERVABLE, *UNOBSERVABLE_OF_SITE)

KEY_RIGHTS: dict[str, tuple[str, ...]] = {
    "upload": ("kms:Decrypt", "kms:GenerateDataKey"),
    "link-signer": ("kms:Decrypt",),
    "processing": ("kms:Decrypt", "kms:GenerateDataKey"),
    "eraser": (),
    "transform": ("kms:Decrypt", "kms:GenerateDataKey"),
}
"""Over the customer's key, where there is one: to store, and to read. Deleting asks for neither."""


def rights(plan: Plan, role: str) -> tuple[Statement, ...]:
    return parse_role_policy(plan.one("RolePolicy", role).inputs["policy"])


def meant(plan: Plan, role: str) -> list[Statement]:
    """What a role of this plan is to have: its work, and what the place takes where it stands."""
    found = [Statement(frozenset(actions), frozenset([over(plan, at)])) for at, actions in RIGHTS[role].items()]
    if role == "transform" and "vpcConfig" in plan.one("Function", "transform").inputs:
        found.append(Statement(frozenset(INTERFACES), frozenset({"*"})))
    for key in plan.of("Key"):
        if KEY_RIGHTS[role]:
            found.append(Statement(frozenset(KEY_RIGHTS[role]), frozenset([key.state["arn"]])))
    if role in HOSTS and plan.of("LaunchTemplate"):
        group = plan.one("Group", role).inputs["name"]
        anywhere = f"arn:aws:autoscaling:{plan.region}:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/{group}"
        log = plan.one("LogGroup", role).state["arn"]
        found.append(Statement(frozenset(SESSION), frozenset({"*"})))
        found.append(Statement(frozenset({"autoscaling:CompleteLifecycleAction"}), frozenset({anywhere})))
        found.append(Statement(frozenset(LOG), frozenset({f"{log}:*"})))
        if "userData" in plan.one("LaunchTemplate", role).inputs:
            repository = f"arn:aws:ecr:{plan.region}:{ACCOUNT}:repository/darkroom-{role}"
            found.append(Statement(frozenset({"ecr:GetAuthorizationToken"}), frozenset({"*"})))
            found.append(Statement(frozenset(PULL), frozenset({repository})))
    if role == "upload":
        found += [Statement(frozenset({GET_VALUE}), frozenset([arn])) for arn in secrets(plan)]
    return found


def secrets(plan: Plan) -> list[str]:
    """The pepper of API keys; and where CloudFront delivers, the secret that its links are signed with."""
    peppers = [one.state["arn"] for one in plan.of("Secret")]
    if not plan.of("Distribution"):
        return peppers
    return [*peppers, f"arn:aws:secretsmanager:{plan.region}:{ACCOUNT}:secret:darkroom-{plan.stack}-delivery-??????"]


def over(plan: Plan, place: str) -> str:
    """ARN of a place as RIGHTS writes it."""
    kind, name, *rest = place.split(" ")
    return plan.one(kind, name).state["arn"] + "".join(rest)


def trust(plan: Plan, role: str) -> dict[str, object]:
    (statement,) = json.loads(plan.one("Role", role).inputs["assumeRolePolicy"])["Statement"]
    return statement


def test_every_role_has_one_inline_policy_and_nothing_else(plan: Plan) -> None:
    assert {one.name for one in plan.of("Role")} - {"flow-logs"} == set(ROLES)
    assert {one.name for one in plan.of("RolePolicy")} - {"flow-logs", "transform-refused"} == set(ROLES)
    assert not any({"inlinePolicies", "managedPolicyArns"} & one.inputs.keys() for one in plan.of("Role"))
    assert not any("PolicyAttachment" in one.type for one in plan)


def test_every_role_has_exactly_the_rights_that_it_uses(plan: Plan) -> None:
    for role in ROLES:
        assert rights(plan, role) == merged(meant(plan, role)), role


def test_no_right_has_a_wildcard_of_actions_or_is_over_everything(plan: Plan) -> None:
    statements = [one for role in plan.of("RolePolicy") for one in json.loads(role.inputs["policy"])["Statement"]]
    assert statements
    for statement in statements:
        assert not any("*" in action for action in statement["Action"])
        assert "*" not in statement["Resource"] or set(statement["Action"]) <= ANYWHERE.keys()


def test_what_lambda_does_with_the_role_in_a_network_is_refused_to_the_functions_code(everything: Plan) -> None:
    (statement,) = json.loads(everything.one("RolePolicy", "transform-refused").inputs["policy"])["Statement"]
    function = everything.one("Function", "transform").state["arn"]
    assert statement == {
        "Effect": "Deny",
        "Action": sorted(INTERFACES),
        "Resource": "*",
        "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": function}},
    }


def test_every_role_stays_within_the_boundary_that_is_given(everything: Plan, prod: Plan) -> None:
    (boundary,) = {one.inputs["permissionsBoundary"] for one in everything.of("Role")}
    assert boundary.endswith(":policy/darkroom-boundary")
    assert not any("permissionsBoundary" in one.inputs for one in prod.of("Role"))


def test_every_policy_fits_into_its_role(plan: Plan) -> None:
    sizes = [len(one.inputs["policy"]) for one in plan.of("RolePolicy")]
    assert max(sizes) < MAX_INLINE_CHARS / 2


def test_every_role_is_trusted_to_exactly_one_holder(plan: Plan) -> None:
    def holder(role: str) -> dict[str, str]:
        return {"AWS": plan.one("Role", role).state["arn"]}

    takes = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    assert {role: trust(plan, role) for role in ROLES} == {
        "upload": {**takes, "Principal": {"Service": "ec2.amazonaws.com"}},
        "processing": {**takes, "Principal": {"Service": "ec2.amazonaws.com"}},
        "link-signer": {**takes, "Principal": holder("upload")},
        "eraser": {**takes, "Principal": holder("processing")},
        "transform": {
            **takes,
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        },
    }


def test_nobody_may_list_keys_so_a_missing_one_answers_403(plan: Plan) -> None:
    allowed = {action for role in ROLES for one in rights(plan, role) for action in one.actions}
    assert "s3:ListBucketVersions" in allowed
    assert "s3:ListBucket" not in allowed


def test_the_function_has_no_table_and_no_role(plan: Plan) -> None:
    services = {action.partition(":")[0] for one in rights(plan, "transform") for action in one.actions}
    assert {"s3", "sqs", "logs"} <= services <= {"s3", "sqs", "logs", "kms", "ec2"}


def test_what_no_local_run_can_show_used_is_in_the_one_table(plan: Plan) -> None:
    """Beyond the table every right is of a service whose checks the embedded cloud makes and records."""
    hidden = {(one.role, action) for one in HIDDEN for action in one.actions}
    granted = {(role, action) for role in ROLES for one in rights(plan, role) for action in one.actions}
    observed = {action.partition(":")[0] for _, action in granted - hidden}
    assert observed == {"s3", "sqs", "dynamodb", "sts"}
    for one in HIDDEN:
        assert one.reason
        assert one.source.startswith("https://docs.aws.amazon.com/")


def test_nothing_is_in_that_table_that_no_stack_grants(everything: Plan) -> None:
    hidden = {(one.role, action) for one in HIDDEN for action in one.actions}
    assert hidden <= {(role, action) for role in ROLES for one in rights(everything, role) for action in one.actions}


def test_the_hidden_rights_over_queues_are_over_the_one_that_feeds_the_function(plan: Plan) -> None:
    hidden = {action for one in UNOBSERVABLE for action in one.actions if action.startswith("sqs:")}
    places = {resource for one in rights(plan, "transform") if one.actions & hidden for resource in one.resources}
    assert places == {plan.one("Queue", "transforms").state["arn"]}


def test_a_right_is_written_before_what_needs_it_is_made(plan: Plan) -> None:
    policy: Declared = plan.one("RolePolicy", "transform")
    assert policy.urn in plan.one("Function", "transform").depends_on
    assert policy.urn in plan.one("EventSourceMapping", "transform").depends_on
