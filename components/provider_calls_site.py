"""What the provider asks AWS for where a stack stands on hosts: network, hosts, balancer, domain, delivery. Pure.

The notation and the sources are those of components/provider_calls.py.
"""

from typing import Final

from components.provider_calls import ALARMS, CUSTOMER_KEY, PIPELINE, Calls, calls

_TAGS: Final = "CreateTags DeleteTags"

NETWORK: Final[dict[str, Calls]] = {
    "aws:ec2/vpc:Vpc": calls(
        "ec2",
        create="CreateTags CreateVpc ModifyVpcAttribute",
        read="DescribeNetworkAcls DescribeRouteTables DescribeSecurityGroups DescribeVpcAttribute DescribeVpcs",
        update=f"ModifyVpcAttribute {_TAGS}",
        delete="DeleteVpc",
    ),
    "aws:ec2/subnet:Subnet": calls(
        "ec2",
        create="CreateSubnet CreateTags ModifySubnetAttribute",
        read="DescribeSubnets",
        update=f"ModifySubnetAttribute {_TAGS}",
        delete="DeleteSubnet DescribeNetworkInterfaces",
    ),
    "aws:ec2/internetGateway:InternetGateway": calls(
        "ec2",
        create="AttachInternetGateway CreateInternetGateway CreateTags",
        read="DescribeInternetGateways",
        update=_TAGS,
        delete="DeleteInternetGateway DetachInternetGateway",
    ),
    "aws:ec2/routeTable:RouteTable": calls(
        "ec2",
        create="CreateRoute CreateRouteTable CreateTags",
        read="DescribeRouteTables",
        update=f"CreateRoute DeleteRoute ReplaceRoute {_TAGS}",
        delete="DeleteRouteTable DisassociateRouteTable",
    ),
    "aws:ec2/route:Route": calls(
        "ec2", create="CreateRoute", read="DescribeRouteTables", update="ReplaceRoute", delete="DeleteRoute"
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": calls(
        "ec2",
        create="AssociateRouteTable",
        read="DescribeRouteTables",
        update="ReplaceRouteTableAssociation",
        delete="DisassociateRouteTable",
    ),
    "aws:ec2/eip:Eip": calls(
        "ec2",
        create="AllocateAddress CreateTags",
        read="DescribeAddresses DescribeAddressesAttribute",
        update=_TAGS,
        delete="ReleaseAddress",
    ),
    "aws:ec2/natGateway:NatGateway": calls(
        "ec2",
        create="CreateNatGateway CreateTags",
        read="DescribeNatGateways",
        update=_TAGS,
        delete="DeleteNatGateway",
    ),
}

DOORS: Final[dict[str, Calls]] = {
    "aws:ec2/vpcEndpoint:VpcEndpoint": calls(
        "ec2",
        create="CreateTags CreateVpcEndpoint",
        read="DescribePrefixLists DescribeVpcEndpoints",
        update=f"ModifyVpcEndpoint {_TAGS}",
        delete="DeleteVpcEndpoints",
    ),
    "aws:ec2/securityGroup:SecurityGroup": calls(
        "ec2",
        create="AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateSecurityGroup CreateTags"
        " RevokeSecurityGroupEgress",
        read="DescribeSecurityGroups",
        update="AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress RevokeSecurityGroupEgress"
        f" RevokeSecurityGroupIngress {_TAGS}",
        delete="DeleteSecurityGroup DescribeNetworkInterfaces",
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": calls(
        "ec2",
        # it is there with its network: taken over by tagging it, and never deleted
        create="AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateTags RevokeSecurityGroupEgress"
        " RevokeSecurityGroupIngress",
        read="DescribeSecurityGroups",
        update="AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress RevokeSecurityGroupEgress"
        f" RevokeSecurityGroupIngress {_TAGS}",
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": calls(
        "ec2",
        create="AuthorizeSecurityGroupIngress CreateTags",
        read="DescribeSecurityGroupRules",
        update=f"ModifySecurityGroupRules {_TAGS}",
        delete="RevokeSecurityGroupIngress",
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": calls(
        "ec2",
        create="AuthorizeSecurityGroupEgress CreateTags",
        read="DescribeSecurityGroupRules",
        update=f"ModifySecurityGroupRules {_TAGS}",
        delete="RevokeSecurityGroupEgress",
    ),
}
"""Of the network too: what may pass, and where to. Apart, because a policy of IAM has only so much room."""

FLOW_LOGS: Final[dict[str, Calls]] = {
    "aws:ec2/flowLog:FlowLog": calls(
        "ec2",
        create="CreateFlowLogs CreateTags iam:PassRole",
        read="DescribeFlowLogs",
        update=_TAGS,
        delete="DeleteFlowLogs",
        passes_role_to="vpc-flow-logs.amazonaws.com",
    ),
}

HOSTS: Final[dict[str, Calls]] = {
    "aws:iam/instanceProfile:InstanceProfile": calls(
        "iam",
        create="AddRoleToInstanceProfile CreateInstanceProfile PassRole TagInstanceProfile",
        read="GetInstanceProfile GetRole",
        update="AddRoleToInstanceProfile PassRole RemoveRoleFromInstanceProfile TagInstanceProfile"
        " UntagInstanceProfile",
        delete="DeleteInstanceProfile RemoveRoleFromInstanceProfile",
        passes_role_to="ec2.amazonaws.com",
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": calls(
        "ec2",
        create="CreateLaunchTemplate CreateTags",
        read="DescribeLaunchTemplateVersions DescribeLaunchTemplates",
        update=f"CreateLaunchTemplateVersion ModifyLaunchTemplate {_TAGS}",
        delete="DeleteLaunchTemplate",
    ),
    "aws:autoscaling/group:Group": calls(
        "autoscaling",
        # the group starts hosts by its own role; that whoever makes it might start them too is asked all the same
        create="AttachLoadBalancerTargetGroups CreateAutoScalingGroup CreateOrUpdateTags EnableMetricsCollection"
        " SuspendProcesses ec2:CreateTags ec2:RunInstances iam:CreateServiceLinkedRole iam:PassRole",
        read="DescribeAutoScalingGroups DescribeInstanceRefreshes DescribeScalingActivities"
        " elasticloadbalancing:DescribeTargetHealth",
        update="AttachLoadBalancerTargetGroups CancelInstanceRefresh CreateOrUpdateTags DeleteTags"
        " DetachLoadBalancerTargetGroups DisableMetricsCollection EnableMetricsCollection ResumeProcesses"
        " StartInstanceRefresh SuspendProcesses UpdateAutoScalingGroup",
        delete="DeleteAutoScalingGroup",
        passes_role_to="ec2.amazonaws.com",
        service_role_of="autoscaling.amazonaws.com",
    ),
    "aws:autoscaling/lifecycleHook:LifecycleHook": calls(
        "autoscaling",
        create="PutLifecycleHook",
        read="DescribeLifecycleHooks",
        update="PutLifecycleHook",
        delete="DeleteLifecycleHook",
    ),
    "aws:autoscaling/policy:Policy": calls(
        "autoscaling",
        create="PutScalingPolicy",
        read="DescribePolicies",
        update="PutScalingPolicy",
        delete="DeletePolicy",
    ),
}

_ELB_TAGS: Final = "AddTags RemoveTags"

BALANCER: Final[dict[str, Calls]] = {
    "aws:lb/loadBalancer:LoadBalancer": calls(
        "elasticloadbalancing",
        create="AddTags CreateLoadBalancer ModifyLoadBalancerAttributes iam:CreateServiceLinkedRole",
        read="DescribeCapacityReservation DescribeLoadBalancerAttributes DescribeLoadBalancers DescribeTags",
        update=f"ModifyLoadBalancerAttributes SetIpAddressType SetSecurityGroups SetSubnets {_ELB_TAGS}",
        delete="DeleteLoadBalancer ec2:DescribeNetworkInterfaces",
        service_role_of="elasticloadbalancing.amazonaws.com",
    ),
    "aws:lb/targetGroup:TargetGroup": calls(
        "elasticloadbalancing",
        create="AddTags CreateTargetGroup ModifyTargetGroupAttributes",
        read="DescribeTags DescribeTargetGroupAttributes DescribeTargetGroups",
        update=f"ModifyTargetGroup ModifyTargetGroupAttributes {_ELB_TAGS}",
        delete="DeleteTargetGroup",
    ),
    "aws:lb/listener:Listener": calls(
        "elasticloadbalancing",
        create="AddTags CreateListener ModifyListenerAttributes",
        read="DescribeListenerAttributes DescribeListeners DescribeTags",
        update=f"ModifyListener ModifyListenerAttributes {_ELB_TAGS}",
        delete="DeleteListener",
    ),
}

DOMAIN: Final[dict[str, Calls]] = {
    "aws:acm/certificate:Certificate": calls(
        "acm",
        create="AddTagsToCertificate RequestCertificate",
        read="DescribeCertificate ListTagsForCertificate",
        update="AddTagsToCertificate RemoveTagsFromCertificate UpdateCertificateOptions",
        delete="DeleteCertificate",
    ),
    "aws:acm/certificateValidation:CertificateValidation": calls(
        "acm", create="DescribeCertificate", read="DescribeCertificate"
    ),
    "aws:route53/record:Record": calls(
        "route53",
        create="ChangeResourceRecordSets GetChange",
        read="GetHostedZone ListResourceRecordSets",
        update="ChangeResourceRecordSets GetChange",
        delete="ChangeResourceRecordSets GetChange",
    ),
}


def _cloudfront(kind: str) -> Calls:
    return calls(
        "cloudfront", create=f"Create{kind}", read=f"Get{kind}", update=f"Update{kind}", delete=f"Delete{kind}"
    )


DELIVERY: Final[dict[str, Calls]] = {
    "aws:cloudfront/distribution:Distribution": calls(
        "cloudfront",
        create="CreateDistribution TagResource",
        read="GetDistribution ListTagsForResource",
        update="TagResource UntagResource UpdateDistribution",
        delete="DeleteDistribution",
    ),
    "aws:cloudfront/originAccessControl:OriginAccessControl": _cloudfront("OriginAccessControl"),
    "aws:cloudfront/publicKey:PublicKey": _cloudfront("PublicKey"),
    "aws:cloudfront/keyGroup:KeyGroup": _cloudfront("KeyGroup"),
    "aws:cloudfront/cachePolicy:CachePolicy": _cloudfront("CachePolicy"),
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": _cloudfront("OriginRequestPolicy"),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": _cloudfront("ResponseHeadersPolicy"),
}

CALLS: Final[dict[str, dict[str, Calls]]] = {
    "pipeline": PIPELINE,
    "network": NETWORK,
    "doors": DOORS,
    "flow_logs": FLOW_LOGS,
    "hosts": HOSTS,
    "balancer": BALANCER,
    "domain": DOMAIN,
    "delivery": DELIVERY,
    "alarms": ALARMS,
    "customer_key": CUSTOMER_KEY,
}
"""By the part of a stack's configuration that declares them."""
