"""The Pulumi program: a stack's configuration in, everything declared, what others need out. Declares nothing here."""

import pulumi

from components.config import stack_config
from components.pipeline import ImagePipeline
from components.settings import PipelineConfig

config, region = stack_config()
if isinstance(config, PipelineConfig):
    made = ImagePipeline("pipeline", config=config, region=region)
    for name, value in made.exports.items():
        pulumi.export(name, value)
