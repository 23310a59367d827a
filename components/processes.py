"""The processes of a stack: the role that each runs as, with its rights, and the settings that it is started with.

Who may do what is read here from top to bottom. The function's own are in components/function.py.
"""

from collections.abc import Mapping
from typing import Any

from pulumi import Output, ResourceOptions

from components.delivery import ResultDelivery
from components.identity import ProcessRole
from components.keys import KeyPepper
from components.ledger import JobTables
from components.messaging import PipelineQueue
from components.settings import PipelineConfig
from components.stage import Stage
from components.storage import ImageBucket
from contracts.environment import ProcessingEnvironment, UploadEnvironment, to_environ
from contracts.messages import Queue
from contracts.places import DIRECT, INLINE

PLANNING = (Queue.JOBS, Queue.JOBS_BULK)
"""Where jobs wait to be planned."""

WAYS = (INLINE, DIRECT)
"""How originals come."""

ANNOUNCED = (*PLANNING, Queue.NOTIFICATIONS)
"""What the upload service writes to: a job that is to be planned, and one that ended by a command."""

WORK = (Queue.INGEST, *PLANNING, Queue.COMPLETIONS)
"""Queues that more hosts would empty sooner; calls of endpoints wait for others than us."""

READ = (*WORK, Queue.NOTIFICATIONS)
"""What the processing service reads; the function reads the other."""


class Processes:
    """Both services and the two narrower roles that they take. Nothing is granted after `seal`."""

    def __init__(
        self,
        *,
        stage: Stage,
        config: PipelineConfig,
        originals: ImageBucket,
        results: ImageBucket,
        queues: Mapping[Queue, PipelineQueue],
        tables: JobTables,
        delivery: ResultDelivery | None,
        pepper: KeyPepper | None,
        opts: ResourceOptions,
    ) -> None:
        self._stage = stage
        self._config = config
        self._originals = originals
        self._results = results
        self._queues = queues
        self._tables = tables
        self._delivery = delivery
        self._pepper = pepper
        self.upload = self._upload_role(opts)
        self.link_signer = self._link_signer(opts)
        self.processing = self._processing_role(opts)
        self.eraser = self._eraser(opts)

    def seal(self) -> None:
        """Write what each role was granted."""
        for role in (self.upload, self.link_signer, self.processing, self.eraser):
            role.seal()

    def _upload_role(self, opts: ResourceOptions) -> ProcessRole:
        role = ProcessRole.of_host(
            "upload", stage=self._stage, purpose="Takes pictures in, answers for jobs.", opts=opts
        )
        for way in WAYS:
            # a form for a direct upload has the rights of whoever signed it
            self._originals.storable_by(role, under=way)
            self._originals.checkable_by(role, under=way)
        self._tables.jobs.kept_by(role)
        self._tables.jobs.corrected_by(role)
        self._tables.jobs.listed_by(role)
        for queue in ANNOUNCED:
            self._queues[queue].fed_by(role)
        # API keys are read, presets and webhook endpoints are kept
        self._tables.registry.looked_up_by(role)
        self._tables.registry.written_by(role)
        self._tables.registry.searched_by(role)
        if self._delivery is not None:
            self._delivery.signing_by(role)
        if self._pepper is not None:
            self._pepper.readable_by(role)
        return role

    def _link_signer(self, opts: ResourceOptions) -> ProcessRole:
        role = ProcessRole.taken_by(
            self.upload, "link-signer", stage=self._stage, purpose="Signs links to results.", opts=opts
        )
        self._results.readable_by(role)
        return role

    def _processing_role(self, opts: ResourceOptions) -> ProcessRole:
        role = ProcessRole.of_host("processing", stage=self._stage, purpose="Plans jobs, folds answers.", opts=opts)
        for way in WAYS:
            self._originals.checkable_by(role, under=way)
        self._tables.jobs.kept_by(role)
        self._tables.jobs.corrected_by(role)
        self._tables.jobs.swept_by(role)
        # endpoints that are called, and one that says it is gone
        self._tables.registry.looked_up_by(role)
        self._tables.registry.written_by(role)
        for queue in READ:
            self._queues[queue].consumed_by(role)
            self._queues[queue].measured_by(role)
            # what is owed, and dead letters that are sent again
            self._queues[queue].fed_by(role)
            self._queues[queue].dead_letters.fed_by(role)
        for made in self._queues.values():
            # shown to operators; and a purge looks like empty queues, as does work that died: both have to be empty
            made.dead_letters.measured_by(role)
            made.dead_letters.consumed_by(role)
            made.dead_letters.looked_into_by(role)
        transforms = self._queues[Queue.TRANSFORMS]
        transforms.fed_by(role)
        transforms.measured_by(role)
        return role

    def _eraser(self, opts: ResourceOptions) -> ProcessRole:
        role = ProcessRole.taken_by(
            self.processing, "eraser", stage=self._stage, purpose="Deletes the bytes of one job at a time.", opts=opts
        )
        self._originals.erasable_by(role)
        self._results.erasable_by(role)
        return role

    def upload_environment(self) -> Output[dict[str, str]]:
        """What the upload service is started with."""

        def made(values: Mapping[str, Any]) -> dict[str, str]:
            return to_environ(
                UploadEnvironment(
                    region=self._stage.region,
                    endpoint_url=self._config.endpoint,
                    log_level=self._config.log_level,
                    stack=self._stage.stack,
                    originals_bucket=values["originals"],
                    results_bucket=values["results"],
                    jobs_table=values["jobs"],
                    due_shards=self._config.due_shards,
                    queue_urls=values["urls"],
                    link_signer_role_arn=values["link_signer"],
                    auth=self._config.auth,
                    registry_table=values["registry"],
                    only_presets=self._config.only_presets,
                    pepper_secret_name=None if self._pepper is None else self._pepper.secret_name,
                    behind_balancer=self._config.balancer is not None,
                    quotas=self._config.usual_quotas,
                    tenant_quotas=self._config.tenant_quotas,
                    delivery_domain=values["delivery_domain"],
                    delivery_key_id=values["delivery_key_id"],
                    delivery_secret_name=None if self._delivery is None else self._delivery.secret_name,
                    receivers=self._config.receivers,
                    fetch=self._config.fetch,
                    formats=self._config.formats,
                    timing=self._config.timing,
                )
            )

        urls = {queue: self._queues[queue].url for queue in ANNOUNCED}
        delivery = self._delivery
        return self._known(
            urls=urls,
            link_signer=self.link_signer.arn,
            delivery_domain=None if delivery is None else delivery.domain_name,
            delivery_key_id=None if delivery is None else delivery.key_id,
        ).apply(made)

    def processing_environment(self) -> Output[dict[str, str]]:
        """What the processing service is started with."""

        def made(values: Mapping[str, Any]) -> dict[str, str]:
            return to_environ(
                ProcessingEnvironment(
                    region=self._stage.region,
                    endpoint_url=self._config.endpoint,
                    log_level=self._config.log_level,
                    stack=self._stage.stack,
                    originals_bucket=values["originals"],
                    results_bucket=values["results"],
                    jobs_table=values["jobs"],
                    due_shards=self._config.due_shards,
                    queue_urls=values["urls"],
                    dead_letter_urls=values["dead_letter_urls"],
                    eraser_role_arn=values["eraser"],
                    transform_concurrency=self._config.transform.concurrency,
                    registry_table=values["registry"],
                    public_url=_public_url(self._config),
                    receivers=self._config.receivers,
                    timing=self._config.timing,
                )
            )

        urls = {queue: made.url for queue, made in self._queues.items()}
        letters = {queue: made.dead_letters.url for queue, made in self._queues.items()}
        return self._known(urls=urls, dead_letter_urls=letters, eraser=self.eraser.arn).apply(made)

    def _known(self, **more: Any) -> Output[Mapping[str, Any]]:
        """What both services are told, and more, once AWS has named it all."""
        return Output.all(
            originals=self._originals.bucket_name,
            results=self._results.bucket_name,
            jobs=self._tables.jobs.table_name,
            registry=self._tables.registry.table_name,
            **more,
        )


def _public_url(config: PipelineConfig) -> str | None:
    """What clients call, if it has a name."""
    domain = None if config.balancer is None else config.balancer.domain
    return None if domain is None else f"https://{domain}"
