"""The Pulumi program: a stack's configuration in, everything declared, what others need out. Declares nothing here."""

from datetime import UTC, datetime

import pulumi

from components.config import stack_config
from components.cost import monthly, monthly_foundation
from components.foundation import Foundation
from components.pipeline import ImagePipeline
from components.price_file import read
from components.settings import PipelineConfig

config, region = stack_config()
if isinstance(config, PipelineConfig):
    exports = ImagePipeline("pipeline", config=config, region=region).exports
    # the embedded cloud costs nothing
    cost = None if config.endpoint else monthly(config, region, read())
else:
    exports = Foundation("foundation", config=config, region=region).exports
    cost = monthly_foundation(config, region, read())
if cost is not None:
    exports = {**exports, "cost": cost.as_export()}
    pulumi.log.info(cost.text(datetime.now(UTC).date()))
for name, value in exports.items():
    pulumi.export(name, value)
