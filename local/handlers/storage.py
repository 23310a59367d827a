"""S3: buckets and the settings that hang on them."""

import json
from abc import abstractmethod
from typing import Any, ClassVar

from local.handlers.resource import (
    CLOUDFORMATION,
    Handler,
    Inputs,
    KeepsData,
    Outputs,
    camel,
    found,
    pascal,
    tag_list,
    tags_of,
)

_NO_BUCKET = ("NoSuchBucket", "404")


class Bucket(Handler):
    known = frozenset({"bucket", "forceDestroy", "tags"})
    # what the program allows, and nothing of the bucket's
    unseeable = frozenset({"forceDestroy"})
    replaced_by: ClassVar = {"bucket": f"{CLOUDFORMATION}/aws-resource-s3-bucket.html"}

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        s3, name = self.clients["s3"], inputs["bucket"]
        where: dict[str, Any] = {}
        if self.clients.region != "us-east-1":
            where = {"CreateBucketConfiguration": {"LocationConstraint": self.clients.region}}
        found(lambda: s3.create_bucket(Bucket=name, **where), "BucketAlreadyOwnedByYou")
        if inputs.get("tags"):
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(inputs)})
        return name, self._outputs(name)

    def update(self, identity: str, old: Inputs, new: Inputs) -> Outputs:
        if old.get("tags") and not new.get("tags"):
            self.clients["s3"].delete_bucket_tagging(Bucket=identity)
        return self.create(new)[1]

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        answer = found(lambda: self.clients["s3"].head_bucket(Bucket=identity), *_NO_BUCKET)
        return None if answer is None else self._outputs(identity)

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        answer = found(lambda: self.clients["s3"].get_bucket_tagging(Bucket=identity), "NoSuchTagSet")
        return {"bucket": identity, "tags": tags_of(answer["TagSet"]) if answer else {}}

    def delete(self, identity: str, inputs: Inputs) -> None:
        s3 = self.clients["s3"]
        while True:
            page = found(lambda: s3.list_object_versions(Bucket=identity, MaxKeys=1000), *_NO_BUCKET)
            if page is None:
                return
            entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
            if not entries:
                break
            if not inputs.get("forceDestroy"):
                raise KeepsData(f"bucket {identity} is not empty and the program does not say forceDestroy")
            names = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
            s3.delete_objects(Bucket=identity, Delete={"Objects": names, "Quiet": True})
        s3.delete_bucket(Bucket=identity)

    def _outputs(self, name: str) -> Outputs:
        region = self.clients.region
        return {
            "id": name,
            "arn": f"arn:aws:s3:::{name}",
            "bucketDomainName": f"{name}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
            "region": region,
            "bucketRegion": region,
        }


class BucketSetting(Handler):
    """One document about a bucket, put, got and deleted whole."""

    replaced_by: ClassVar = {"bucket": f"{CLOUDFORMATION}/aws-resource-s3-bucketpolicy.html"}
    api: ClassVar[str]
    """Name of the setting in boto3's methods."""
    argument: ClassVar[str]
    """Name of the document in the put's arguments."""
    missing: ClassVar[tuple[str, ...]] = ()
    remover: ClassVar[str | None] = None
    """Method that deletes it; None: `delete_<api>`."""

    @abstractmethod
    def document(self, inputs: Inputs) -> Any:
        """What the inputs say, as boto3 takes it."""

    @abstractmethod
    def inputs_of(self, document: Any) -> Inputs:
        """Inverse of `document`, without the bucket."""

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        put = getattr(self.clients["s3"], f"put_{self.api}")
        put(Bucket=inputs["bucket"], **{self.argument: self.document(inputs)})
        return inputs["bucket"], {}

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        return None if self._there(identity) is None else {}

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        document = self._there(identity)
        if document == self.document(inputs):
            return inputs
        return {"bucket": identity, **self.inputs_of(document)}

    def delete(self, identity: str, inputs: Inputs) -> None:
        remove = getattr(self.clients["s3"], self.remover or f"delete_{self.api}")
        found(lambda: remove(Bucket=identity), *_NO_BUCKET, *self.missing)

    def _there(self, bucket: str) -> Any | None:
        get = getattr(self.clients["s3"], f"get_{self.api}")
        answer = found(lambda: get(Bucket=bucket), *_NO_BUCKET, *self.missing)
        if answer is None:
            return None
        return answer.get(self.argument) or {name: one for name, one in answer.items() if name != "ResponseMetadata"}


class BucketVersioning(BucketSetting):
    known = frozenset({"bucket", "versioningConfiguration"})
    api = "bucket_versioning"
    argument = "VersioningConfiguration"

    def document(self, inputs: Inputs) -> Any:
        return {"Status": inputs["versioningConfiguration"]["status"]}

    def inputs_of(self, document: Any) -> Inputs:
        return {"versioningConfiguration": {"status": document["Status"]}}

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        # a bucket that never was versioned says nothing of it
        return {} if (self._there(identity) or {}).get("Status") else None

    def delete(self, identity: str, inputs: Inputs) -> None:
        # a bucket that was versioned can never be unversioned again
        suspended = {"Status": "Suspended"}
        found(
            lambda: self.clients["s3"].put_bucket_versioning(Bucket=identity, VersioningConfiguration=suspended),
            *_NO_BUCKET,
        )


class BucketEncryption(BucketSetting):
    known = frozenset({"bucket", "rules"})
    api = "bucket_encryption"
    argument = "ServerSideEncryptionConfiguration"
    missing = ("ServerSideEncryptionConfigurationNotFoundError",)

    def document(self, inputs: Inputs) -> Any:
        def rule(given: Inputs) -> Inputs:
            default = given["applyServerSideEncryptionByDefault"]
            written = {"SSEAlgorithm": default["sseAlgorithm"]}
            if "kmsMasterKeyId" in default:
                written["KMSMasterKeyID"] = default["kmsMasterKeyId"]
            return {
                "ApplyServerSideEncryptionByDefault": written,
                "BucketKeyEnabled": given.get("bucketKeyEnabled", False),
            }

        return {"Rules": [rule(given) for given in inputs["rules"]]}

    def inputs_of(self, document: Any) -> Inputs:
        def rule(there: Any) -> Inputs:
            default = there["ApplyServerSideEncryptionByDefault"]
            key = {"kmsMasterKeyId": default["KMSMasterKeyID"]} if "KMSMasterKeyID" in default else {}
            return {
                "applyServerSideEncryptionByDefault": {"sseAlgorithm": default["SSEAlgorithm"], **key},
                "bucketKeyEnabled": there.get("BucketKeyEnabled", False),
            }

        return {"rules": [rule(there) for there in document["Rules"]]}


class BucketPublicAccessBlock(BucketSetting):
    known = frozenset({"bucket", "blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"})
    api = "public_access_block"
    argument = "PublicAccessBlockConfiguration"
    missing = ("NoSuchPublicAccessBlockConfiguration",)

    def document(self, inputs: Inputs) -> Any:
        return pascal({name: value for name, value in inputs.items() if name != "bucket"})

    def inputs_of(self, document: Any) -> Inputs:
        return camel(document)


class BucketOwnership(BucketSetting):
    known = frozenset({"bucket", "rule"})
    api = "bucket_ownership_controls"
    argument = "OwnershipControls"
    missing = ("OwnershipControlsNotFoundError",)

    def document(self, inputs: Inputs) -> Any:
        return {"Rules": [pascal(inputs["rule"])]}

    def inputs_of(self, document: Any) -> Inputs:
        return {"rule": camel(document["Rules"][0])}


class BucketLifecycle(BucketSetting):
    known = frozenset({"bucket", "rules"})
    api = "bucket_lifecycle_configuration"
    argument = "LifecycleConfiguration"
    missing = ("NoSuchLifecycleConfiguration",)
    remover = "delete_bucket_lifecycle"

    def document(self, inputs: Inputs) -> Any:
        rules = [pascal(rule) for rule in inputs["rules"]]
        for rule in rules:
            rule["ID"] = rule.pop("Id")
        return {"Rules": rules}

    def inputs_of(self, document: Any) -> Inputs:
        return {"rules": [camel({"Id": rule.pop("ID"), **rule}) for rule in map(dict, document["Rules"])]}


class BucketPolicy(BucketSetting):
    known = frozenset({"bucket", "policy"})
    api = "bucket_policy"
    argument = "Policy"
    missing = ("NoSuchBucketPolicy",)

    def document(self, inputs: Inputs) -> Any:
        policy = inputs["policy"]
        return policy if isinstance(policy, str) else json.dumps(policy)

    def inputs_of(self, document: Any) -> Inputs:
        return {"policy": document}


class BucketNotification(BucketSetting):
    known = frozenset({"bucket", "queues"})
    api = "bucket_notification_configuration"
    argument = "NotificationConfiguration"

    def document(self, inputs: Inputs) -> Any:
        def told(given: Inputs) -> Inputs:
            rules = [{"Name": "Prefix", "Value": given["filterPrefix"]}] if "filterPrefix" in given else []
            return {
                "Id": given["id"],
                "QueueArn": given["queueArn"],
                "Events": given["events"],
                "Filter": {"Key": {"FilterRules": rules}},
            }

        return {"QueueConfigurations": [told(given) for given in inputs["queues"]]}

    def inputs_of(self, document: Any) -> Inputs:
        def told(there: Any) -> Inputs:
            rules = there.get("Filter", {}).get("Key", {}).get("FilterRules", [])
            prefix = next((rule["Value"] for rule in rules if rule["Name"].lower() == "prefix"), None)
            seen = {"id": there["Id"], "queueArn": there["QueueArn"], "events": there["Events"]}
            return seen if prefix is None else {**seen, "filterPrefix": prefix}

        return {"queues": [told(there) for there in document.get("QueueConfigurations", [])]}

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        # every bucket has such a document; that of one which tells nobody is empty
        return {} if (self._there(identity) or {}).get("QueueConfigurations") else None

    def delete(self, identity: str, inputs: Inputs) -> None:
        put = self.clients["s3"].put_bucket_notification_configuration
        found(lambda: put(Bucket=identity, NotificationConfiguration={}), *_NO_BUCKET)
