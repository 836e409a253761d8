"""An exported model as a service: images in by HTTP, verdicts, masks or overlays out."""
