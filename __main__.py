"""The Pulumi program: a stack's configuration in, everything declared, what others need out. Declares nothing here."""

import pulumi

from components.config import stack_config
from components.pipeline import ImagePipeline

config, region = stack_config()
pipeline = ImagePipeline("pipeline", config=config, region=region)
for name, value in pipeline.exports.items():
    pulumi.export(name, value)
